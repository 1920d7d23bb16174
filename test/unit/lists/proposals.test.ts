// Proposals out of families: what is asked for, what harms, what is only appended, and that nothing enters by itself.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { LISTS_DIRECTORY } from '../../../src/policy/lists/lists.ts';
import { ListAnswers } from '../../support/coverage.ts';
import { readFamilies } from '../../support/families.ts';
import { PREFIXES_FILE } from '../../support/list-ages.ts';
import { readSnapshot } from '../../support/prefix-proposals.ts';
import { measureText, writeProposals } from '../../support/proposal-files.ts';
import { proposalsOf } from '../../support/proposals.ts';

const root = mkdtempSync(join(tmpdir(), 'cordon-proposals-'));
afterAll(() => rmSync(root, { recursive: true }));
const NOW_MS = Date.parse('2027-01-15T12:00:00Z');

mkdirSync(join(root, 'families'));
const family = (name: string, names: readonly string[]): string => {
  writeFileSync(join(root, 'families', `${name}.txt`), `${names.join('\n')}\n`);
  return `${name}\t${name}\t${name}.txt\tdomains\tMIT\n`;
};
const rows = [
  family('a', [
    'api.asked-new.com',
    'www.nih.gov',
    'x1.tiktokv.com.new-cdn.net',
    'e9.dscx.akamaiedge.net',
    'tiktok-new.com',
  ]),
  family('b', [
    'www.asked-new.com',
    'www.nih.gov',
    'x2.tiktokcdn.com.new-cdn.net',
    'douyin-new.com',
    'zz9.mncdn.com',
  ]),
  family('c', [
    'a.tiktokv.com.router',
    'b.tiktokv.com.my.router.example',
    'c.tiktokcdn.com.my.router.example',
    'zz9.mncdn.com',
  ]),
];
writeFileSync(join(root, 'families', 'families.tsv'), rows.join(''));
const ranks = ['google.com', 'y.ttwstatic.com.ranked-cdn.net', 'unrelated-new.com'];
const proposals = proposalsOf(readFamilies(join(root, 'families')), new ListAnswers(), ranks);

it.each([
  ['two votes for a zone', 'asked-new.com', 'entry', 'tiktok-unconfirmed', 2],
  ['one vote and a spelling', 'douyin-new.com', 'entry', 'bytedance-china', 1],
  ['one vote alone, in the name of TikTok', 'tiktok-new.com', 'row', 'one-opinion', 1],
  ['a government', 'nih.gov', 'row', 'other-owner', 2],
  ['a CDN with two zones below it', 'new-cdn.net', 'suffix', '', 2],
  ['a CDN with a rank', 'ranked-cdn.net', 'suffix', '', 0],
  ['what a client appended', 'my.router.example', 'row', 'search-suffix', 1],
  ['a single label', 'router', 'row', 'search-suffix', 1],
])('proposes for %s: %s as %s in %s', (_, name, kind, place, votes) => {
  expect(proposals.find((one) => one.name === name)).toMatchObject({ kind, place, votes });
});

it('leaves opaque hosts of shared zones out, whoever names them, and what has an answer', () => {
  const kinds = proposals.filter(({ name }) => /mncdn|akamaiedge|google|unrelated/.test(name));
  expect(kinds.filter(({ kind }) => kind !== 'row')).toEqual([]);
  expect(proposals.find(({ name }) => name === 'nih.gov')?.harms.length).toBeGreaterThan(0);
});

it('writes a copy, a patch and a page, and leaves the lists as they are', () => {
  const lists = join(root, 'base');
  cpSync(LISTS_DIRECTORY, lists, { recursive: true });
  const out = join(root, 'out');
  const read = join(root, 'read');
  mkdirSync(read);
  const commit = 'a'.repeat(40);
  writeFileSync(
    join(read, 'families.tsv'),
    `a\ta\ta.txt\tdomains\tMIT\towner/a\tlist.txt\t${commit}\nb\tb\tb.txt\tdomains\t-\n`,
  );
  const { files, refused } = writeProposals(proposals, lists, out, NOW_MS, { families: read });
  expect(files).toEqual([join(out, 'proposals.md'), join(out, 'lists.patch')]);
  expect(refused).toEqual([]);
  for (const file of ['tiktok-unconfirmed.yaml', 'not-listed.tsv', 'cdn-suffixes.tsv'])
    expect(readFileSync(join(lists, file))).toEqual(readFileSync(join(LISTS_DIRECTORY, file)));
  const patch = readFileSync(join(out, 'lists.patch'), 'utf8');
  expect(patch).toMatch(/^\+ {2}- \{ suffix: asked-new\.com, .*owner: not established.*named by 2 families/m);
  expect(patch).toMatch(/^\+new-cdn\.net\t/m);
  expect(patch).toMatch(/^\+nih\.gov\tother-owner\t/m);
  // Which files were read, at which commit; those of before that were taken apart by zone stay.
  const table = readFileSync(join(out, 'lists/families.tsv'), 'utf8').split('\n');
  expect(table.filter((line) => line.endsWith('\t-\t-'))).toEqual([
    `a\towner/a\tlist.txt\t${commit}\t-\tMIT\t-\t-`,
  ]);
  expect(table.filter((line) => /^(?:nextdns|v2fly)\t.*\t\d+\t\d+$/.test(line))).toHaveLength(2);
  const page = readFileSync(join(out, 'proposals.md'), 'utf8');
  expect(page).toMatch(/^## Entries: 2$/m);
  expect(page).toMatch(/^\| asked-new\.com \| tiktok-unconfirmed \| 2 \|/m);
  expect(measureText(proposals, lists, join(out, 'lists'))).toMatch(
    /^\| entry \| 2 \| 2 \| 2 \| 100 % \| 100 % \|$/m,
  );
  expect(() => writeProposals(proposals, lists, out, NOW_MS)).toThrow(/writing proposals to/);
});

it('puts prefixes of a fresh table into the same patch and page', () => {
  const out = join(root, 'networks');
  const table = `${readFileSync(PREFIXES_FILE, 'utf8')}AS138699\t71.19.4.0/24\n`;
  const { refused } = writeProposals([], LISTS_DIRECTORY, out, NOW_MS, { networks: readSnapshot(table) });
  expect(refused).toEqual([]);
  const patch = readFileSync(join(out, 'lists.patch'), 'utf8');
  expect(patch).toMatch(
    /^\+ {2}- \{ prefix: 71\.19\.4\.0\/24, .*TikTok Pte\. Ltd\..*AS138699, ipverse\/as-ip-blocks at 22bf5906/m,
  );
  expect(patch.match(/^\+ /gm)).toHaveLength(1);
  expect(readFileSync(join(out, 'proposals.md'), 'utf8')).toMatch(/^## Prefixes: 1$/m);
});
