// Families of public lists and what our lists answer to them: votes, copies, forms, and files that are not what they say.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { checkOf } from '../../../src/policy/lists/evidence.ts';
import { LISTS_DIRECTORY, readCoverage } from '../../../src/policy/lists/lists.ts';
import {
  coverageOf,
  coverageTable,
  coverageText,
  ListAnswers,
  readRanks,
  withCoverage,
} from '../../support/coverage.ts';
import { clusterFamilies, countVotes, readFamilies } from '../../support/families.ts';

const root = mkdtempSync(join(tmpdir(), 'cordon-families-'));
afterAll(() => rmSync(root, { recursive: true }));

let made = 0;
/** A directory of families: rows of the manifest, and the files. */
const familiesIn = (rows: readonly string[], files: Readonly<Record<string, string>>): string => {
  const directory = join(root, String(made++));
  mkdirSync(directory);
  writeFileSync(join(directory, 'families.tsv'), `# head\n${rows.join('\n')}\n`);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
};
const names = (prefix: string, count: number): string =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}.test\n`).join('');

it('reads every form, and counts a family once', () => {
  const directory = familiesIn(
    [
      'a\ta1\ta.txt\tdomains\tMIT\tmore',
      'a\ta2\tb.txt\thosts\tMIT',
      'b\tb\tc.txt\tv2fly\t-',
      'c\tc\td.txt\trules\t-',
      '~d\td\te.txt\tadblock\t-',
    ],
    {
      'a.txt': 'one.test\ntwo.test\n',
      'b.txt': '0.0.0.0 One.test\n0.0.0.0 three.test\n',
      'c.txt': 'include:other\ntwo.test @!cn # why\nfull:host.four.test\nregexp:^x\n\n# head\n',
      'd.txt':
        '# NAME\nDOMAIN-SUFFIX,two.test,Proxy\n  - DOMAIN,host.five.test\nIP-CIDR,192.0.2.0/24\nUSER-AGENT,x\n',
      'e.txt': '||two.test^\n||six.test^\n',
    },
  );
  expect(Object.fromEntries(countVotes(readFamilies(directory)))).toEqual({
    ...{ 'one.test': 1, 'two.test': 3, 'three.test': 1, 'host.four.test': 1, 'host.five.test': 1 },
    'six.test': 0,
  });
});

it('takes families that copy each other for one vote, and small or nested ones for what they are', () => {
  const shared = names('s', 40);
  const directory = familiesIn(
    [
      'a\ta\ta.txt\tdomains\t-',
      'b\tb\tb.txt\tdomains\t-',
      'c\tc\tc.txt\tdomains\t-',
      'd\td\td.txt\tdomains\t-',
      'e\te\te.txt\tdomains\t-',
    ],
    {
      'a.txt': `${shared}${names('a', 5)}`,
      'b.txt': `${shared}${names('b', 5)}`,
      // A copy of a copy.
      'c.txt': `${shared}${names('b', 5)}${names('c', 20)}`,
      // Written apart: most of a small list is in any large one.
      'd.txt': names('s', 15),
      'e.txt': 's1.test\n',
    },
  );
  const families = readFamilies(directory);
  const ids = clusterFamilies(families).map((cluster) =>
    cluster
      .map(({ id }) => id)
      .sort()
      .join(),
  );
  expect(ids.sort()).toEqual(['a,b,c', 'd', 'e']);
  expect(countVotes(families).get('s1.test')).toBe(3);
  expect(countVotes(families).get('s20.test')).toBe(1);
});

it.each<[string, string, string, string]>([
  ['a web page', 'a\ta\ta.txt\tdomains\t-', '<!DOCTYPE html>\n<title>404</title>\n', 'ERR_LIST_PARSE'],
  ['an empty file', 'a\ta\ta.txt\tdomains\t-', '', 'ERR_LIST_EMPTY'],
  ['a file of another form', 'a\ta\ta.txt\trules\t-', 'tiktok.com\n', 'ERR_LIST_EMPTY'],
  ['bytes', 'a\ta\ta.txt\tdomains\t-', '\u0000\u0001\u0002\n', 'ERR_LIST_EMPTY'],
  ['an unknown form', 'a\ta\ta.txt\tpdf\t-', 'tiktok.com\n', 'ERR_LIST_PARSE'],
  ['a row that is cut off', 'a\ta\ta.txt\n', 'tiktok.com\n', 'ERR_LIST_PARSE'],
  ['a file that is not there', 'a\ta\tb.txt\tdomains\t-', 'tiktok.com\n', 'ERR_LIST_READ'],
])('refuses %s', (_, row, text, code) => {
  const directory = familiesIn([row], { 'a.txt': text });
  expect(() => readFamilies(directory)).toThrow(expect.objectContaining({ code }));
});

it('says what the lists answer, and does not take a host with a name of ours for explained', () => {
  const answers = new ListAnswers();
  const of = (name: string) => answers.of(name).answer;
  expect(of('www.tiktok.com')).toBe('default');
  expect(of('tiktokpangle.us.edgesuite.net')).toBe('switch');
  expect(of('a1b2c3.cloudfront.net')).toBe('explained');
  expect(of('api.tiktokv.com.home')).toBe('explained');
  expect(of('v16-tiktok-new.bsgslb.com')).toBe('left');
  expect(of('www.example.com')).toBe('left');
  expect(answers.holdsTikTok('x.tiktokv.com.home')).toBe(true);
  expect(answers.holdsTikTok('tiktokv.example')).toBe(false);
});

it('measures another folder of lists by the suffixes of CDNs of that folder', () => {
  const before = join(root, 'before');
  mkdirSync(before);
  for (const name of ['tiktok.yaml', 'bytedance-backend.yaml', 'not-listed.tsv'])
    cpSync(join(LISTS_DIRECTORY, name), join(before, name));
  const child = 'v16.tiktokcdn.com.edgesuite.net';
  expect(new ListAnswers().of(child)).toEqual({ answer: 'default', by: 'tiktok' });
  expect(new ListAnswers(before).of(child).answer).toBe('left');
  writeFileSync(join(before, 'cdn-suffixes.tsv'), 'edgesuite.net\tAkamai\tseen\t2026-11-30\n');
  expect(new ListAnswers(before).of(child).answer).toBe('default');
});

it('counts what is refused by default of any names, by the entry that does it', () => {
  const names = ['www.tiktok.com', 'tiktok.com', 'mask.icloud.com', 'doubao.com', 'www.example.com'];
  expect(new ListAnswers().refusedOf(names)).toEqual([
    { names: 1, list: 'private-relay', entry: 'mask.icloud.com', owner: 'Apple Inc.' },
    { names: 2, list: 'tiktok', entry: 'tiktok.com', owner: 'TikTok Pte. Ltd.' },
  ]);
});

it('makes a table with what it was computed from', () => {
  const directory = familiesIn(
    ['a\ta\ta.txt\tdomains\t-', 'b\tb\tb.txt\tdomains\t-', 'c\tc\tb.txt\tdomains\t-'],
    {
      'a.txt': 'tiktok.com\nfeishu.cn\nmusica.ly\nleft.example\n',
      'b.txt': 'tiktok.com\n',
      'ranks.csv': '1,google.com\n2,tiktok.com\n3,tiktok.left.example\n',
    },
  );
  const families = readFamilies(directory);
  const ranks = readRanks(join(directory, 'ranks.csv'));
  const text = coverageText(coverageOf(families, new ListAnswers(), ranks, '2026-11-30'));
  expect(text.split('\n')).toEqual([
    '3 families of 3 sources, 3 votes',
    '',
    '| names | number | refused by default | with all switches | left out with a reason | without an answer |',
    '|---|---|---|---|---|---|',
    '| all names | 4 | 25.0 % | 50.0 % | 1 | 1 |',
    '| of three families or more | 1 | 100.0 % | 100.0 % | 0 | 0 |',
    '| of one family | 3 | 0.0 % | 33.3 % | 1 | 1 |',
    '| that hold a TikTok zone | 1 | 100.0 % | 100.0 % | 0 | 0 |',
    '| with a rank that hold a TikTok zone or its word | 2 | 50.0 % | 50.0 % | 0 | 1 |',
    '',
  ]);
});

it('the last measurement stands in coverage.tsv and, the same, in the README of the lists', () => {
  const coverage = readCoverage();
  expect(coverage.rows.map(({ of }) => of)).toEqual([
    'all',
    'three',
    'two',
    'one',
    'no-vote',
    'tiktok',
    'ranked',
  ]);
  const readme = readFileSync(join(LISTS_DIRECTORY, 'README.md'), 'utf8');
  expect(readme).toContain(`On ${coverage.measured}:\n\n${coverageText(coverage)}`);
  expect(readFileSync(join(LISTS_DIRECTORY, 'coverage.tsv'), 'utf8')).toBe(coverageTable(coverage));
  const next = { ...coverage, measured: '2027-01-02', votes: 99 };
  expect(withCoverage(readme, next)).toContain(
    `On 2027-01-02:\n\n${coverage.families} families of ${coverage.sources} sources, 99 votes\n\n| names`,
  );
  expect(withCoverage(withCoverage(readme, next), coverage)).toBe(readme);
});

it.each([
  ['no measurement', '# measured: soon\nall\t1\t1\t0\t0\t0\n'],
  ['no row', '# measured: 2026-11-30, 1 families of 1 sources, 1 votes\n'],
  [
    'numbers that do not add up',
    '# measured: 2026-11-30, 1 families of 1 sources, 1 votes\nall\t2\t1\t0\t0\t0\n',
  ],
  ['a row of nothing', '# measured: 2026-11-30, 1 families of 1 sources, 1 votes\nsome\t1\t1\t0\t0\t0\n'],
])('a table with %s is no measurement', (_, text) => {
  const directory = familiesIn([], { 'coverage.tsv': text });
  expect(() => readCoverage(directory)).toThrow(expect.objectContaining({ code: 'ERR_LIST_PARSE' }));
});

it('says of how many families a name was looked up in, and not of the files that coverage was measured with', () => {
  const entry = { text: 'tiktok.com', evidence: 'named by 21 of 21 list families' };
  const line = /6 of 6 families in lists\/families\.tsv name it, at the commits stated there/;
  expect(checkOf(entry as never)).toMatch(line);
  for (const page of ['README.md', 'docs/explain.md', 'docs/blocking.md'])
    expect(readFileSync(join(LISTS_DIRECTORY, '..', page), 'utf8')).toMatch(line);
});
