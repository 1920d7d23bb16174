// One entry added or reviewed as `npm run lists` does it, in a copy of one of the shipped lists: each edit checks all of a folder.
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { LISTS_DIRECTORY } from '../../../src/policy/lists/lists.ts';
import { MATCH } from '../../../src/policy/policy.ts';
import { addEntry, oldestReviews, reviewEntry } from '../../support/list-editing.ts';

const directory = mkdtempSync(join(tmpdir(), 'cordon-editing-'));
copyFileSync(join(LISTS_DIRECTORY, 'tiktok.yaml'), join(directory, 'tiktok.yaml'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const NOW_MS = Date.parse('2027-01-15T12:00:00Z');
const draft = (text: string, reviewed = '2027-01-15', operator = 'Example Ltd.') => ({
  ...{
    match: MATCH.SUFFIX,
    text,
    service: 'A service, new',
    owner: 'Example Ltd.',
    operator,
  },
  ...{ evidence: 'seen at "example.com"', reviewed },
});
const linesOf = (text: string) => text.split('\n');
const before = linesOf(readFileSync(join(directory, 'tiktok.yaml'), 'utf8'));

it('adds a name dated honestly, in its place, and changes nothing else', () => {
  const edit = addEntry(directory, 'tiktok', draft('tiktokd-new.test.example'), NOW_MS);
  if (edit.kind === 'refused') throw new Error(edit.problems.join('\n'));
  const after = linesOf(edit.text);
  const added = after.filter((line) => !before.includes(line));
  expect(added).toEqual([
    String.raw`  - { suffix: tiktokd-new.test.example, service: "A service, new", owner: Example Ltd., operator: Example Ltd., evidence: "seen at \"example.com\"", reviewed: 2027-01-15 }`,
  ]);
  expect(after.filter((line) => before.includes(line))).toEqual(before);
});

it.each([
  ['a guard name', 'akamaized.net', 'harms'],
  ['a government name', 'www.nih.gov', 'harms'],
  ['a popular name', 'wikipedia.org', 'popular names'],
  ['a public suffix', 'co.uk', 'where others register names'],
  ['what the list has already', 'tiktok.com', 'stands in'],
])('does not add %s', (_, text, problem) => {
  const edit = addEntry(directory, 'tiktok', draft(text), NOW_MS);
  expect(edit.kind === 'refused' ? edit.problems.join('\n') : edit.kind).toContain(problem);
});

it('does not add what another entry of the operator covers, or a child that a CDN derives from it', () => {
  for (const text of ['www.tiktok.com', 'tiktok.com.edgekey.net', 'x.tiktokcdn.com.queniuaa.com']) {
    const edit = addEntry(directory, 'tiktok', draft(text, '2027-01-15', 'TikTok Pte. Ltd.'), NOW_MS);
    expect(edit.kind === 'refused' ? edit.problems.join('\n') : edit.kind).toContain('covered by');
  }
  // Decisions are about operators, so that one stands beside the zone of another.
  expect(addEntry(directory, 'tiktok', draft('www.tiktok.com'), NOW_MS).kind).toBe('changed');
});

it('does not add a name with a day that has not come', () => {
  const edit = addEntry(directory, 'tiktok', draft('a.test.example', '2027-02-01'), NOW_MS);
  expect(edit.kind).toBe('refused');
});

it('reviews one entry, and leaves its evidence unless there is a new one', () => {
  const [oldest] = oldestReviews(directory);
  expect(oldest?.reviewed).toBe('2026-11-24');
  const same = reviewEntry(directory, 'tiktokv.com', '2027-01-15', undefined, NOW_MS);
  const other = reviewEntry(directory, 'tiktokv.com', '2027-01-15', 'seen again', NOW_MS);
  if (same.kind === 'refused' || other.kind === 'refused') throw new Error('refused');
  const changed = (text: string) => linesOf(text).filter((line) => !before.includes(line));
  expect(changed(same.text)).toHaveLength(1);
  expect(changed(same.text)[0]).toMatch(
    /evidence: "named by 20 of 21 list families", reviewed: 2027-01-15 \}$/,
  );
  expect(changed(other.text)[0]).toMatch(/evidence: "seen again", reviewed: 2027-01-15 \}$/);
  expect(reviewEntry(directory, 'not-there.test', '2027-01-15', undefined, NOW_MS).kind).toBe('refused');
});
