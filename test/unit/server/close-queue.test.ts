// Connections that are ended a few at a time.
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { CloseQueue } from '../../../src/resolver/server/close-queue.ts';

test('few are ended at once, many in several turns of the loop, in their order', async () => {
  const departures = new CloseQueue();
  const ended: number[] = [];
  for (let i = 0; i < 40; i++) departures.add(() => ended.push(i));
  expect(ended).toHaveLength(16);
  expect(departures.isDone).toBe(false);
  const counts: number[] = [];
  while (!departures.isDone) {
    await turn();
    counts.push(ended.length);
  }
  expect(counts).toEqual([32, 40]);
  expect(ended).toEqual(Array.from({ length: 40 }, (_, i) => i));
  // What is left of a turn counts in it.
  for (let i = 40; i < 60; i++) departures.add(() => ended.push(i));
  expect(ended).toHaveLength(48);
});

test('those that are added meanwhile come behind', async () => {
  const departures = new CloseQueue();
  const ended: string[] = [];
  for (let i = 0; i < 17; i++) departures.add(() => ended.push('first'));
  departures.add(() => ended.push('second'));
  expect(ended).toHaveLength(16);
  await turn();
  expect(ended.at(-1)).toBe('second');
});
