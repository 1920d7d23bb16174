// What is read of heads for a look at some days: the closed partitions of one chain, and none of the hours between.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { SignedHead } from '../../../src/evidence/records/heads.ts';
import { headsPath, readClosedHeads } from '../../../src/evidence/records/heads-file.ts';
import { RECORD_CLASSES } from '../../../src/evidence/records/record.ts';

const DAYS = 20;
const HOURS = 24;

/** A head of each hour of both chains, the last of a day of its closed partition. */
const heads = (): SignedHead[] =>
  Array.from({ length: DAYS * HOURS }, (_, hour) =>
    RECORD_CLASSES.map((recordClass, index): SignedHead => {
      const day = new Date(Date.UTC(2026, 10, 1) + hour * 3_600_000).toISOString();
      return {
        ...{ number: 2 * hour + index + 1, previous: '0'.repeat(64), resolver: 'a "state":"closed" one' },
        ...{ class: recordClass, ordinal: 1 + Math.floor(hour / HOURS), day: day.slice(0, 10) },
        state: hour % HOURS === HOURS - 1 ? 'closed' : 'running',
        ...{ first: 1, last: hour + 1, count: hour + 1, from: day, until: day, hash: 'a'.repeat(64) },
        ...{ signedAt: day, keyId: 'b'.repeat(16), signature: `${'c'.repeat(86)}==` },
      };
    }),
  ).flat();

test('the heads of closed partitions are found by their ordinals, and those of the hours are not parsed', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-heads-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = headsPath(directory);
  expect(readClosedHeads(path, 'changes').size).toBe(0);
  writeFileSync(
    path,
    heads()
      .map((head) => `${JSON.stringify(head)}\n`)
      .join(''),
  );
  const parse = vi.spyOn(JSON, 'parse');
  onTestFinished(() => parse.mockRestore());
  for (const recordClass of RECORD_CLASSES) {
    const closed = heads().filter(({ class: of, state }) => of === recordClass && state === 'closed');
    parse.mockClear();
    const found = readClosedHeads(path, recordClass);
    expect(parse.mock.calls.length).toBe(DAYS);
    expect([...found]).toEqual(closed.map((head) => [head.ordinal, head]));
  }
});
