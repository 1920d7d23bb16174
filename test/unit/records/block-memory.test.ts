// What is kept of blocks: each is read once while readings come across it, and what is beyond the bound each time.
import { expect, test } from 'vitest';
import { BlockMemory } from '../../../src/evidence/records/block-memory.ts';
import type { EvidenceRecord } from '../../../src/evidence/records/record.ts';

const TIME = '2026-11-26T12:00:00.000Z';

/** Blocks of two records, by their first: what a reading gets of them, and which it had to read. */
const reading = (memory: BlockMemory<{ kind: string; size: number }>, firsts: readonly number[]) => {
  const read: number[] = [];
  memory.begin();
  const found = firsts.flatMap((first) =>
    memory.of('000001', first, () => {
      read.push(first);
      return [first, first + 1].map((kind) => ({ time: TIME, kind: `${kind}` }) as unknown as EvidenceRecord);
    }),
  );
  expect(found.map(({ kept: { kind } }) => kind)).toEqual(found.map(({ sequence }) => `${sequence}`));
  expect(new Set(found.map(({ timeMs }) => timeMs))).toEqual(new Set([Date.parse(TIME)]));
  return { read, sequences: found.map(({ sequence }) => sequence) };
};

const create = (sizeMax?: number) => new BlockMemory(({ kind }) => ({ kind, size: 1 }), sizeMax);

test('a block is read once while each reading comes across it, and again when one did not', () => {
  const memory = create();
  expect(reading(memory, [1, 3]).read).toEqual([1, 3]);
  expect(reading(memory, [1, 3, 5])).toEqual({ read: [5], sequences: [1, 2, 3, 4, 5, 6] });
  expect(reading(memory, [5]).read).toEqual([]);
  expect(reading(memory, [3, 5]).read).toEqual([3]);
});

test('blocks beyond the bound are told as well, and read each time', () => {
  const memory = create(5);
  const all = { sequences: [1, 2, 3, 4, 5, 6, 7, 8] };
  expect(reading(memory, [1, 3, 5, 7])).toEqual({ ...all, read: [1, 3, 5, 7] });
  expect(reading(memory, [1, 3, 5, 7])).toEqual({ ...all, read: [5, 7] });
});
