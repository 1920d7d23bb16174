// References of clients, and what was refused lately to whom they mean.
import { expect, test } from 'vitest';
import { DAY_MS } from '../../../src/base/base.ts';
import { readReference, toReference } from '../../../src/evidence/records/client-references.ts';
import { RecentRefusals } from '../../../src/evidence/records/recent-refusals.ts';
import { parseName } from '../../../src/wire/dns/name.ts';

const SECRET = Buffer.alloc(32, 7);
const NOW_MS = Date.parse('2026-11-25T14:31:52Z');
const COLUMNS = ['refusal', 'default', 'tiktok', 'social', 'qname', '', ''];

const name = (text: string): Uint8Array => {
  const parsed = parseName(text);
  if (!(parsed instanceof Uint8Array)) throw new Error(text);
  return parsed;
};

test('a reference is that of a client, a day and a secret', () => {
  const reference = toReference(SECRET, NOW_MS, '192.0.2.1');
  expect(reference).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{2}$/);
  expect(toReference(SECRET, NOW_MS + 1_000, '192.0.2.1')).toBe(reference);
  expect(toReference(SECRET, NOW_MS + DAY_MS, '192.0.2.1')).not.toBe(reference);
  expect(toReference(SECRET, NOW_MS, '192.0.2.2')).not.toBe(reference);
  expect(toReference(Buffer.alloc(32, 8), NOW_MS, '192.0.2.1')).not.toBe(reference);
  const all = new Set(Array.from({ length: 2_000 }, (_, at) => toReference(SECRET, NOW_MS, `c${at}`)));
  expect(all.size).toBeGreaterThan(1_997);
});

test.each([
  ['7Q4K-M2', '7Q4K-M2'],
  ['7q4km2', '7Q4K-M2'],
  [' 7q4k m2 ', '7Q4K-M2'],
  ['oI1l-0O', '0111-00'],
  ['7Q4K-M', undefined],
  ['7Q4K-MU', undefined],
  ['', undefined],
  ['192.0.2.1', undefined],
])('readReference() takes %j for %j', (text, expected) => {
  expect(readReference(text)).toBe(expected);
});

test('refusals are kept by client, each name once, the newest first', () => {
  const recent = new RecentRefusals(SECRET);
  const add = (client: string, text: string, atMs: number): void => {
    const wire = name(text);
    recent.add(client, atMs, wire, wire.length, COLUMNS);
  };
  add('a', 'one.example.', NOW_MS - 3_000);
  add('a', 'two.example.', NOW_MS - 2_000);
  add('a', 'one.example.', NOW_MS - 1_000);
  add('b', 'other.example.', NOW_MS);
  const found = recent.ofClient('a', NOW_MS);
  expect(found.refusals.map((one) => one.name)).toEqual(['one.example', 'two.example']);
  expect(found.refusals[0]).toEqual({
    ...{ time: '2026-11-25T14:31:51.000Z', name: 'one.example', group: 'default', list: 'tiktok' },
    ...{ category: 'social', trigger: 'qname' },
  });
  expect(recent.ofReference(found.reference, NOW_MS)).toEqual(found);
  // Tomorrow, the help desk is called about today's page.
  expect(recent.ofReference(found.reference, NOW_MS + DAY_MS)?.refusals).toHaveLength(2);
  expect(recent.ofReference(found.reference, NOW_MS + 2 * DAY_MS)?.refusals).toEqual([]);
  expect(recent.ofReference('no reference', NOW_MS)).toBeUndefined();
  expect(recent.ofClient('nobody', NOW_MS).refusals).toEqual([]);
});

test('a client with many names pushes out none but its own', () => {
  const recent = new RecentRefusals(SECRET);
  const wire = name('kept.example.');
  recent.add('quiet', NOW_MS, wire, wire.length, COLUMNS);
  for (let at = 0; at < 10_000; at++) {
    const many = name(`n${at}.example.`);
    recent.add('loud', NOW_MS, many, many.length, COLUMNS);
  }
  expect(recent.ofClient('quiet', NOW_MS).refusals).toHaveLength(1);
  expect(
    recent
      .ofClient('loud', NOW_MS)
      .refusals.map((one) => one.name)
      .slice(0, 2),
  ).toEqual(['n9999.example', 'n9998.example']);
  expect(recent.ofClient('loud', NOW_MS).refusals).toHaveLength(16);
});
