import { expect, test } from 'vitest';
import { type Enforcement, EnforcementClock } from '../../../src/telemetry/enforcement/enforcement.ts';

const NO_GENERATION: Enforcement = { state: 'not-ready', cause: 'no-generation', groups: [] };
const ENFORCED: Enforcement = { state: 'enforced', groups: [{ group: 'default', state: 'enforced' }] };
const NO_WORKER: Enforcement = { state: 'not-answering', cause: 'no-worker', groups: [] };

const setUp = () => {
  const time = { nowMs: 1000 };
  return { time, enforcement: new EnforcementClock(() => time.nowMs) };
};

test('the clock starts as not ready and counts while a cause runs', () => {
  const { time, enforcement } = setUp();
  expect(enforcement.current).toEqual({ state: 'not-ready', cause: 'startup', groups: [] });
  time.nowMs += 1500;
  expect(enforcement.seconds().get('startup')).toBe(1.5);
  time.nowMs += 500;
  expect(enforcement.seconds().get('startup')).toBe(2);
});

test('set() moves the time to another cause, and a state without one stops it', () => {
  const { time, enforcement } = setUp();
  time.nowMs += 1000;
  expect(enforcement.set(NO_GENERATION)).toMatchObject({ before: { cause: 'startup' }, beforeMs: 1000 });
  time.nowMs += 2000;
  expect(enforcement.set(ENFORCED)).toEqual({ before: NO_GENERATION, beforeMs: 2000, now: ENFORCED });
  time.nowMs += 60_000;
  expect(enforcement.seconds().get('startup')).toBe(1);
  expect(enforcement.set(NO_WORKER)).toMatchObject({ before: ENFORCED, beforeMs: 60_000 });
  time.nowMs += 3000;
  expect(Object.fromEntries(enforcement.seconds())).toEqual({
    startup: 1,
    'no-generation': 2,
    'no-worker': 3,
    'hung-worker': 0,
    'operator-pause': 0,
    leak: 0,
    configuration: 0,
    schedule: 0,
    crash: 0,
  });
  enforcement.add('crash', 4000);
  enforcement.add('crash', -1);
  expect(enforcement.seconds().get('crash')).toBe(4);
});

test('a state that is the same in every group is no change', () => {
  const { enforcement } = setUp();
  expect(enforcement.set(ENFORCED)).toBeDefined();
  expect(enforcement.set(structuredClone(ENFORCED))).toBeUndefined();
  const other = [...ENFORCED.groups, { group: 'guests', state: 'out-of-scope' as const }];
  expect(enforcement.set({ ...ENFORCED, groups: other })).toBeDefined();
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
