// What stands in a list that is in force: a page at a time, in the words of its file, and only of the file that was loaded.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { loadList, readRules } from '../../../src/policy/lists/lists.ts';
import { RuleLog } from './rule-log.ts';

const open = (files: Readonly<Record<string, string>>): string => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-rules-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(directory, name, '..'), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
};
const all = { search: '', skip: 0, limit: 100 };

let rules: RuleLog;
beforeAll(() => {
  rules = new RuleLog();
});

test('entries of a shipped list have their evidence, and are found by any of their words', () => {
  const loaded = loadList({ kind: 'shipped', id: 'tiktok' }, rules);
  const found = readRules(loaded, { ...all, limit: 20 });
  expect([found.rules.length, found.count]).toEqual([20, loaded.entries]);
  const [one] = readRules(loaded, { ...all, search: 'SoundOn, music' }).rules;
  expect(one).toMatchObject({ file: null, text: 'soundon.global', owner: 'TikTok Pte. Ltd.' });
  expect(one?.evidence).toContain('HackerOne');
  expect(one?.reviewed).toMatch(/^2026-/);
  const [next] = readRules(loaded, { ...all, skip: 1, limit: 1 }).rules;
  expect(next).toEqual(found.rules[1]);
  expect(readRules(loaded, { ...all, search: 'no such word' })).toEqual({ rules: [], count: 0 });
});

test('lines of a text, without comments, with the number that they have in it', () => {
  const directory = open({ 'a.txt': '# why\n\nb.example\na.example # here\n! other\n' });
  const loaded = loadList({ kind: 'file', path: join(directory, 'a.txt'), format: 'domains' }, rules);
  expect(readRules(loaded, all).rules.map(({ line, text }) => `${line} ${text}`)).toEqual([
    '3 b.example',
    '4 a.example # here',
  ]);
  writeFileSync(join(directory, 'a.txt'), 'c.example\n');
  expect(() => readRules(loaded, all)).toThrow(expect.objectContaining({ code: 'ERR_LIST_CHANGED' }));
});

test('a large file in the cordon format is shown by its lines, and a line of megabytes by its beginning', () => {
  const entry = (i: number): string =>
    `  - { suffix: n${i}.example, service: S, owner: O, evidence: "${'e'.repeat(200)}", reviewed: 2026-11-24 }\n`;
  const header = 'id: large\ntitle: Large\ncategory: large\nmandate: false\ndefault: false\nentries:\n';
  const directory = open({
    'large.yaml': header + Array.from({ length: 4_000 }, (_, i) => entry(i)).join(''),
    'long.txt': `${'a.example '.repeat(200_000)}\nb.example`,
  });
  const large = loadList({ kind: 'file', path: join(directory, 'large.yaml'), format: 'cordon' }, rules);
  const [rule] = readRules(large, { search: 'n3999.example', skip: 0, limit: 5 }).rules;
  expect([rule?.line, rule?.evidence]).toEqual([4_006, null]);
  const long = loadList({ kind: 'file', path: join(directory, 'long.txt'), format: 'domains' }, rules);
  expect(readRules(long, all).rules.map(({ line, text }) => [line, text.length])).toEqual([
    [1, 500],
    [2, 9],
  ]);
});
