import { expect, test } from 'vitest';
import { EnforcementClock } from '../../../src/observe/observe.ts';

const setUp = () => {
  const time = { nowMs: 1000 };
  return { time, enforcement: new EnforcementClock(() => time.nowMs) };
};

test('the clock starts in startup and counts while a cause runs', () => {
  const { time, enforcement } = setUp();
  expect(enforcement.cause).toBe('startup');
  time.nowMs += 1500;
  expect(enforcement.seconds().get('startup')).toBe(1.5);
  time.nowMs += 500;
  expect(enforcement.seconds().get('startup')).toBe(2);
});

test('set() moves the time to another cause, and undefined stops it', () => {
  const { time, enforcement } = setUp();
  time.nowMs += 1000;
  enforcement.set('no-generation');
  time.nowMs += 2000;
  enforcement.set(undefined);
  expect(enforcement.cause).toBeUndefined();
  time.nowMs += 60_000;
  enforcement.set('no-worker');
  time.nowMs += 3000;
  expect(Object.fromEntries(enforcement.seconds())).toEqual({
    startup: 1,
    'no-generation': 2,
    'no-worker': 3,
    'operator-pause': 0,
    crash: 0,
  });
  enforcement.add('crash', 4000);
  enforcement.add('crash', -1);
  expect(enforcement.seconds().get('crash')).toBe(4);
});

test('a clock that steps backwards takes nothing away', () => {
  const { time, enforcement } = setUp();
  time.nowMs += 1000;
  expect(enforcement.seconds().get('startup')).toBe(1);
  time.nowMs -= 500;
  expect(enforcement.seconds().get('startup')).toBe(1);
  time.nowMs += 250;
  expect(enforcement.seconds().get('startup')).toBe(1.25);
});
