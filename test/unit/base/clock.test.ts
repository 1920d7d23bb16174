// The clock that is read once in a turn.
import { expect, test } from 'vitest';
import { createTurnClock } from '../../../src/base/base.ts';

test('tells one time within a turn and reads the clock again in the next', async () => {
  let nowMs = 1000;
  const clock = createTurnClock(() => nowMs);
  expect(clock()).toBe(1000);
  nowMs = 2000;
  expect(clock()).toBe(1000);
  await Promise.resolve();
  expect(clock()).toBe(2000);
  nowMs = 500;
  await new Promise((resolve) => setImmediate(resolve));
  expect(clock()).toBe(500);
});
