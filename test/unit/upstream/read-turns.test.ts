// What upstreams send over streams is read in turns of the loop, which have a bound in bytes.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readTurns } from '../../../src/resolver/upstream/read-turns.ts';

const ANSWER_BYTES = 48 * 1024;

/** Reads as a connection does: what has no room waits for a later turn. */
const readWhenRoom = (read: () => void): void => {
  if (readTurns.take(ANSWER_BYTES)) read();
  else readTurns.wait(() => readWhenRoom(read));
};

test('a turn reads no more than its bound and what was begun, and the others follow in their order', async () => {
  await nextTurn();
  const order: number[] = [];
  for (let index = 0; index < 10; index++) readWhenRoom(() => order.push(index));
  const counts: number[] = [];
  for (let turn = 0; order.length < 10 && turn < 20; turn++) {
    counts.push(order.length);
    await nextTurn();
  }
  // 131,072 bytes: two whole answers, and the one that is begun then.
  expect(counts[0]).toBe(3);
  for (const [index, count] of counts.entries())
    expect(count - (counts[index - 1] ?? 0)).toBeLessThanOrEqual(3);
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('a turn that has passed has room again, whether anybody waited or not', async () => {
  for (let round = 0; round < 3; round++) {
    await nextTurn();
    expect([readTurns.take(131_072), readTurns.take(1)]).toEqual([true, false]);
    await nextTurn();
  }
});
