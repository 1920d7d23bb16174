// What waits of one resolver for what comes before it has a bound, whatever its key signs.
import { expect, test } from 'vitest';
import type { ChainBlock } from '../../../src/evidence/records/records.ts';
import { CollectedResolver } from '../../../src/fleet/collected-resolver.ts';
import type { Shelf } from '../../../src/fleet/evidence-store.ts';

const TIME_MS = Date.parse('2026-12-01T08:00:00Z');

const block = (first: number, index: number): ChainBlock => ({
  ...{ ordinal: 1, first, count: 1, fromMs: TIME_MS, untilMs: TIME_MS },
  ...{ hash: index.toString(16).padStart(64, '0'), body: '' },
});

/** How many are kept of empty blocks that begin with these records, the first of which is not here. */
const keptOf = async (firsts: readonly number[]): Promise<number> => {
  const place = { sequence: 0, hash: '0'.repeat(64) };
  const chain = {
    ...{ place, ordinal: 1, begin: () => 'early', look: () => undefined, fill: () => 'other' },
    append: () => ({ taken: 0, outcome: 'other' }),
  };
  const shelf = {
    ...{ chains: { queries: chain, changes: chain }, heads: { place }, aliveMs: 0 },
    writePosition: () => undefined,
  } as unknown as Shelf;
  const resolver = new CollectedResolver(shelf, 'ns2', 1, 'ns2');
  for (const [index, first] of firsts.entries())
    resolver.add('queries', { kind: 'block', block: block(first, index) });
  // The records before them came: each block that was kept is judged.
  place.sequence = 10_000_000;
  let judged = 0;
  await resolver.link('queries', {
    judge: () => void judged++,
    ...{ hole: () => undefined, missing: () => undefined },
  });
  return judged;
};

test.each<[string, (index: number) => number, number]>([
  ['one number', () => 1_000_000, 2_048],
  ['the next number', () => 1, 2_048],
  ['many numbers, a few of each', (index) => 1_000_000 + Math.floor(index / 4), 2_048],
  ['many numbers', (index) => 1_000_000 + index, 2_048],
])('of 5,000 empty blocks under %s no more are kept than the bound', async (_, firstOf, most) => {
  expect(await keptOf(Array.from({ length: 5_000 }, (__, index) => firstOf(index)))).toBe(most);
});

test('the block that all others wait for has room, once', async () => {
  const others = Array.from({ length: 3_000 }, (_, index) => 2 + index);
  expect(await keptOf([...others, 1, 1])).toBe(2_049);
});
