// Every refusal of the checker, each with a breach planted for it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkLists, Guards } from '../../../src/policy/lists/lists.ts';
import { MATCH, type Match } from '../../../src/policy/policy.ts';
import { nameFrom } from '../../../src/wire/dns/dns.ts';

const NOW_MS = Date.parse('2026-11-24T12:00:00Z');
const GUARDS = Guards.parse('shared.net\nc.shared.net\ngov\n*.gov\n', 'guards.txt');

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-check-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const writeList = (id: string, entries: readonly string[], header = `id: ${id}`): void => {
  const head = `${header}\ntitle: T\ncategory: c\nmandate: false\ndefault: false\nentries:\n`;
  writeFileSync(join(directory, `${id}.yaml`), head + entries.map((entry) => `  - { ${entry} }\n`).join(''));
};

const entry = (trigger: string, reviewed = '2026-11-01'): string =>
  `${trigger}, service: S, owner: O, evidence: E, reviewed: ${reviewed}`;

const check = (governmentNames: readonly string[] = []): string[] =>
  checkLists(directory, { nowMs: NOW_MS, guards: GUARDS, governmentNames }).map(
    (problem) => `${problem.file}:${problem.line} ${problem.code}`,
  );

describe('checkLists()', () => {
  it('passes good lists', () => {
    const names = ['suffix: a.example.com', 'suffix: tiktok.com.c.shared.net', 'wildcard: b.example.com'];
    const others = ['exact: host.shared.net', 'prefix: 71.18.0.0/16', 'prefix: 2605:340::/29'];
    writeList(
      'one',
      [...names, ...others].map((trigger) => entry(trigger)),
    );
    writeList('two', [entry('suffix: c.example.com')]);
    expect(check(['example.com', 'b.example.com', 'x.host.shared.net', 'agency.gov'])).toEqual([]);
  });

  it.each([
    ['a guard name', 'suffix: shared.net', 'guard'],
    ['a guard name as an exact rule', 'exact: shared.net', 'guard'],
    ['a wildcard below a guard name', 'wildcard: shared.net', 'guard'],
    ['a name between a guard name and its parent', 'suffix: c.shared.net', 'guard'],
    ['a name below a guarded tree', 'exact: www.agency.gov', 'guard'],
    ['a public suffix', 'suffix: co.uk', 'public-suffix'],
    ['a public suffix of a company', 'suffix: github.io', 'public-suffix'],
    ['a wildcard below a public suffix', 'wildcard: github.io', 'public-suffix'],
    ['a parent of a public suffix', 'suffix: kawasaki.jp', 'public-suffix'],
    ['a review date in the future', 'suffix: a.test, reviewed: 2026-11-25', 'review-future'],
    ['a review date over 400 days ago', 'suffix: a.test, reviewed: 2025-10-19', 'review-old'],
    ['an IPv4 prefix wider than /16', 'prefix: 71.18.0.0/15', 'prefix-short'],
    ['an IPv6 prefix wider than /29', 'prefix: 2605:340::/28', 'prefix-short'],
    ['a private block', 'prefix: 10.1.0.0/16', 'prefix-special'],
    ['a prefix that holds a special block', 'prefix: 192.0.0.0/16', 'prefix-special'],
    ['the loopback address', 'prefix: ::1/128', 'prefix-special'],
    ['a documentation block', 'prefix: 2001:db8:1::/48', 'prefix-special'],
    ['a malformed name', 'suffix: a..test', 'empty-label'],
    ['a government name', 'suffix: agency.example.com', 'government'],
  ])('refuses %s', (_, trigger, code) => {
    const [name = '', date] = trigger.split(', reviewed: ');
    writeList('one', [entry(name, date)]);
    expect(check(['www.agency.example.com'])).toEqual([`one.yaml:7 ${code}`]);
  });

  it.each(['service: S, ', 'owner: O, ', 'evidence: E, '])('refuses an entry without %s', (fact) => {
    writeList('one', [entry('suffix: a.test').replace(fact, '')]);
    expect(check()).toEqual(['one.yaml:7 missing-key']);
  });

  it('refuses an entry without reviewed', () => {
    writeList('one', [entry('suffix: a.test').replace(/, reviewed.*/, '')]);
    expect(check()).toEqual(['one.yaml:7 missing-key']);
  });

  it('takes an entry reviewed today and one reviewed 400 days ago', () => {
    writeList('one', [entry('suffix: a.test', '2026-11-24'), entry('suffix: b.test', '2025-10-21')]);
    expect(check()).toEqual([]);
  });

  it('refuses a name twice, within a list and across lists', () => {
    writeList('one', [entry('suffix: a.test'), entry('exact: b.test'), entry('exact: b.test')]);
    writeList('two', [entry('exact: a.test')]);
    expect(check().filter((problem) => problem.endsWith('duplicate'))).toEqual([
      'one.yaml:9 duplicate',
      'two.yaml:7 duplicate',
    ]);
  });

  it.each([
    ['a suffix', 'suffix: a.test', 'suffix: b.a.test'],
    ['a suffix, for a wildcard', 'suffix: a.test', 'wildcard: b.a.test'],
    ['a suffix, for an exact name', 'suffix: a.test', 'exact: b.a.test'],
    ['a wildcard', 'wildcard: a.test', 'exact: b.a.test'],
    ['a prefix', 'prefix: 71.18.0.0/16', 'prefix: 71.18.4.0/24'],
  ])('refuses what the same list covers by %s', (_, wide, narrow) => {
    writeList('one', [entry(wide), entry(narrow)]);
    expect(check()).toEqual(['one.yaml:8 covered']);
  });

  it('takes what another list covers, and siblings', () => {
    writeList('one', [entry('suffix: a.test'), entry('suffix: b-a.test'), entry('exact: a.b.test')]);
    writeList('two', [entry('suffix: b.test')]);
    expect(check()).toEqual([]);
  });

  it.each([
    ['names', 'suffix: b.test', 'suffix: a.test'],
    ['kinds', 'exact: a.test', 'suffix: b.test'],
    ['prefixes', 'prefix: 71.18.10.0/24', 'prefix: 71.18.9.0/24'],
  ])('refuses %s out of order', (_, first, second) => {
    writeList('one', [entry(first), entry(second)]);
    expect(check()).toEqual(['one.yaml:8 unsorted']);
  });

  it('refuses a file that is not named after its list', () => {
    writeList('one', [entry('suffix: a.test')], 'id: two');
    expect(check()).toEqual(['one.yaml:1 file-name']);
  });

  it('refuses a file that does not parse', () => {
    writeFileSync(join(directory, 'one.yaml'), 'id: one\n');
    expect(check().every((problem) => problem.endsWith('missing-key'))).toBe(true);
    expect(check()).not.toEqual([]);
  });
});

describe('Guards.parse()', () => {
  it.each(['*', '*.', 'a..b', 'A.test', 'a.test b.test', '.gov', `${'a.'.repeat(127)}aa`])(
    'refuses the line %s',
    (line) => {
      expect(() => Guards.parse(`ok.test # fine\n${line}\n`, 'guards.txt')).toThrow('guards.txt:2');
    },
  );
});

describe('protects()', () => {
  const guards = Guards.parse('cdn.test\na.b.cdn.test\ngov\n*.gov\n*.x\n', 'guards.txt');

  it.each<[Match, string, string | undefined]>([
    [MATCH.EXACT, 'cdn.test', 'cdn.test'],
    [MATCH.EXACT, 'test', undefined],
    [MATCH.EXACT, 'b.cdn.test', undefined],
    [MATCH.EXACT, 'gov', 'gov'],
    [MATCH.EXACT, 'www.agency.gov', '*.gov'],
    [MATCH.EXACT, 'a.x', '*.x'],
    [MATCH.EXACT, 'a.ax', undefined],
    [MATCH.SUFFIX, 'cdn.test', 'cdn.test'],
    [MATCH.SUFFIX, 'test', 'cdn.test'],
    [MATCH.SUFFIX, 'b.cdn.test', 'a.b.cdn.test'],
    [MATCH.SUFFIX, 'host.cdn.test', undefined],
    [MATCH.SUFFIX, 'cdn.test.example', undefined],
    [MATCH.SUFFIX, 'agency.gov', '*.gov'],
    [MATCH.SUFFIX, 'agency.ov', undefined],
    [MATCH.WILDCARD, 'test', 'cdn.test'],
    [MATCH.WILDCARD, 'gov', 'gov'],
    [MATCH.WILDCARD, 'bov', undefined],
  ])('of a rule of kind %i for %s: %s', (match, text, guard) => {
    const name = nameFrom(text);
    expect(guards.protects(match, name, name.length)).toBe(guard);
    expect(guards.protects(match, Uint8Array.of(...name, 7, 7), name.length)).toBe(guard);
  });

  it('has no exception for the guards themselves, whatever their first and last bytes', () => {
    const names = Array.from({ length: 500 }, (_, index) => `n${(index * 7919) % 100_003}.z${index}.test`);
    const many = Guards.parse(names.join('\n'), 'guards.txt');
    expect(many.size).toBe(names.length);
    for (const text of names) {
      const name = nameFrom(text);
      expect(many.protects(MATCH.EXACT, name, name.length)).toBe(text);
    }
  });
});
