// How streams of clients share the turns of the loop.
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { LoopTurns } from '../../../src/resolver/server/loop-turns.ts';

/** Works piece by piece, as connections do; returns after how many pieces the turn had enough. */
const exhaust = (turns: LoopTurns): number => {
  let pieces = 0;
  while (turns.spend(8)) pieces++;
  return pieces;
};

test('a turn has an end, and the next one begins anew', async () => {
  const turns = new LoopTurns(() => 0);
  const first = exhaust(turns);
  expect(first).toBe(64);
  expect(turns.spend(1)).toBe(false);
  await turn();
  expect(exhaust(turns)).toBe(first);
});

test('a turn ends by the clock, too: what is new to the program takes longer than what is counted', async () => {
  let nowMs = 0;
  const turns = new LoopTurns(() => nowMs);
  let pieces = 0;
  while (turns.spend(8)) {
    pieces++;
    nowMs += 0.5;
  }
  expect(pieces).toBeGreaterThanOrEqual(4);
  expect(pieces).toBeLessThan(10);
  expect(turns.spend(1)).toBe(false);
  await turn();
  expect(turns.spend(1)).toBe(true);
});

test('time in which nothing was done is not that of a turn', async () => {
  let nowMs = 0;
  const turns = new LoopTurns(() => nowMs);
  turns.spend(1);
  await turn();
  nowMs += 60_000;
  for (let i = 0; i < 40; i++) expect(turns.spend(8)).toBe(true);
});

test('networks take turns, however many wait of one', async () => {
  const turns = new LoopTurns();
  const order: string[] = [];
  exhaust(turns);
  const waitFor = (network: string, name: string): void =>
    turns.wait(network, () => {
      order.push(name);
      turns.spend(200);
    });
  for (let i = 0; i < 5; i++) waitFor('a', `a${i}`);
  waitFor('b', 'b0');
  waitFor('c', 'c0');
  while (order.length < 7) await turn();
  expect(order).toEqual(['a0', 'b0', 'c0', 'a1', 'a2', 'a3', 'a4']);
});

test('who waits again does so behind the others, in a later turn', async () => {
  const turns = new LoopTurns();
  const order: string[] = [];
  const again = (name: string, left: number): void =>
    turns.wait('a', () => {
      order.push(name);
      if (left > 0) again(name, left - 1);
    });
  again('x', 2);
  again('y', 2);
  while (order.length < 6) await turn();
  expect(order).toEqual(['x', 'y', 'x', 'y', 'x', 'y']);
});
