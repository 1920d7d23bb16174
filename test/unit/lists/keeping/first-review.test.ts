// A file of which nothing was in force before: it is held only when nearly nothing in it was understood.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { firstReview } from '../../../../src/policy/keeping/review.ts';
import { type LoadedList, loadList } from '../../../../src/policy/lists/lists.ts';
import { RuleLog } from '../rule-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'cordon-first-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A list of some names and some lines that are none. */
const load = (good: number, bad: number): LoadedList => {
  const path = join(directory, `${good}-${bad}.txt`);
  const names = Array.from({ length: good }, (_, index) => `n${index}.test\n`);
  const rules = Array.from({ length: bad }, (_, index) => `||n${index}.test^\n`);
  writeFileSync(path, [...names, ...rules].join(''));
  return loadList({ kind: 'file', path, format: 'domains' }, new RuleLog());
};

it.each([
  ['all lines understood', 10, 0, 'accepted'],
  ['nine of ten not understood', 10, 90, 'accepted'],
  ['more than nine of ten not understood', 9, 91, 'held'],
  ['few lines, most of them not understood', 1, 5, 'accepted'],
])('a first file with %s', (_, good, bad, verdict) => {
  expect(firstReview(load(good, bad)).verdict).toBe(verdict);
});

it('a person can accept the very content', () => {
  const loaded = load(9, 91);
  expect(firstReview(loaded, loaded.sha256).verdict).toBe('accepted');
  expect(firstReview(loaded, 'a'.repeat(64)).verdict).toBe('held');
  expect(firstReview(loaded).reasons[0]?.text).toBe('91 of 100 lines not understood, at most 90 %');
});
