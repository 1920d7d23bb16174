// What ships and is out of date is told by a check of its own, in words, at the time that it is asked for.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readCoverage } from '../../../src/policy/lists/lists.ts';
import { dayOfLists, findOverdue, PREFIXES_FILE } from '../../support/list-ages.ts';

const DAY_MS = 86_400_000;
const work = mkdtempSync(join(tmpdir(), 'cordon-ages-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const prefixesOf = (retrieved: string): string => {
  const file = join(work, 'prefixes.tsv');
  writeFileSync(
    file,
    readFileSync(PREFIXES_FILE, 'utf8').replace(/^# retrieved: .*$/m, `# retrieved: ${retrieved}`),
  );
  return file;
};
const dayText = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

test('nothing is out of date on the day of the lists', () => {
  expect(findOverdue(dayOfLists(), { prefixesFile: prefixesOf(dayText(dayOfLists())) })).toEqual([]);
});

test('a list of which nobody looked at entries for a year is named, with the oldest', () => {
  const nowMs = dayOfLists() + 366 * DAY_MS;
  const due = findOverdue(nowMs, { prefixesFile: prefixesOf(dayText(nowMs)) });
  expect(due.find((text) => text.startsWith('tiktok: '))).toMatch(
    /^tiktok: \d+ of \d+ entries were last looked at over 365 days ago, \S+ on \d{4}-\d\d-\d\d: npm run lists -- review NAME$/,
  );
});

test.each([
  ['121 days old', 121],
  ['without a day', Number.NaN],
])('a copy of what networks announce that is %s is named', (_, days) => {
  const nowMs = dayOfLists();
  const prefixesFile = prefixesOf(Number.isNaN(days) ? 'soon' : dayText(nowMs - days * DAY_MS));
  expect(findOverdue(nowMs, { prefixesFile })).toEqual([
    expect.stringMatching(/^network-prefixes\.tsv: .* retrieve it/),
  ]);
  expect(findOverdue(nowMs, { prefixesFile: prefixesOf(dayText(nowMs - 120 * DAY_MS)) })).toEqual([]);
});

test('coverage that was measured 121 days ago is named', () => {
  const measuredMs = Date.parse(readCoverage().measured);
  const at = (days: number): string[] => {
    const nowMs = measuredMs + days * DAY_MS;
    return findOverdue(nowMs, { prefixesFile: prefixesOf(dayText(nowMs)) });
  };
  expect(at(120)).toEqual([]);
  expect(at(121)).toEqual([expect.stringMatching(/^coverage\.tsv: coverage was measured on /)]);
});
