// A pause that cannot be ended goes on, says so, and is ended as soon as that can be done.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AppError } from '../../../src/base/base.ts';
import { OperatorPause } from '../../../src/people/controls/controls.ts';
import type { Enforcement } from '../../../src/telemetry/enforcement/enforcement.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const MINUTE_MS = 60_000;
const ENFORCED = { state: 'enforced', cause: undefined, groups: [], causes: [] } as unknown as Enforcement;
const FAULT = new AppError('ERR_APP_WORKER', 'telling a worker: it ended');

let time: VirtualTime;
let pause: OperatorPause;
/** As workers judge. */
let isApplied: boolean;
let fault: AppError | undefined;
let logged: string[];
let changed: string[];
/** What the next changes wait for. */
let turns: Promise<undefined>[];

beforeEach(() => {
  time = new VirtualTime(Date.parse('2026-11-26T08:00:00Z'));
  time.install();
  [isApplied, fault, logged, changed, turns] = [false, undefined, [], [], []];
  pause = new OperatorPause({
    ...{ msMax: () => 15 * MINUTE_MS, nowMs: time.clock, enforcement: () => ENFORCED },
    isApplied: () => isApplied,
    log: { error: (_: object, text: string) => void logged.push(text) },
    apply: async () => {
      await turns.shift();
      if (fault !== undefined) throw fault;
      isApplied = pause.isPaused;
    },
    changed: ({ isPaused }, by, reason) => changed.push([isPaused, by, reason].join(' | ')),
  });
});

afterEach(() => time.uninstall());

const pass = async (ms: number): Promise<void> => {
  const endMs = time.monotonic() + ms;
  while (time.monotonic() < endMs) {
    time.advance(Math.min(1_000, endMs - time.monotonic()));
    await new Promise((resolve) => setImmediate(resolve));
  }
};

test('resuming that fails leaves the pause as it is, and is tried again by itself', async () => {
  await pause.pause(MINUTE_MS, 'Op', 'drill');
  fault = FAULT;
  await expect(pause.resume('Op', 'over')).rejects.toBe(FAULT);
  expect(pause.status()).toMatchObject({ isPaused: true, by: 'Op', reason: 'drill' });
  await expect(pause.resume('Op', 'over')).rejects.toBe(FAULT);
  fault = undefined;
  await pass(6_000);
  expect([pause.isPaused, isApplied]).toEqual([false, false]);
  expect(changed.at(-1)).toBe('false | Op | over');
});

test('an end by time that fails is logged, and tried until it is done', async () => {
  await pause.pause(MINUTE_MS, 'Op', 'drill');
  fault = FAULT;
  await pass(MINUTE_MS + 11_000);
  expect([pause.isPaused, isApplied, logged.length]).toEqual([true, true, 3]);
  fault = undefined;
  await pass(5_000);
  expect([pause.isPaused, isApplied, logged.length]).toEqual([false, false, 3]);
  expect(changed).toEqual(['true | Op | drill', 'false |  | ']);
});

test('a pause that fails where the end of another met it does not stay in the workers', async () => {
  await pause.pause(MINUTE_MS, 'Op', 'drill');
  const [first, second] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  turns = [first.promise, second.promise];
  // The first is over while a reload has its turn, and another one begins: the end finds it, and it fails at a worker.
  await pass(MINUTE_MS + 1_000);
  const begun = pause.pause(MINUTE_MS, 'Op', 'again').catch((thrown: unknown) => thrown);
  first.resolve(undefined);
  await new Promise((resolve) => setImmediate(resolve));
  fault = FAULT;
  second.resolve(undefined);
  expect(await begun).toBe(FAULT);
  expect([pause.isPaused, isApplied]).toEqual([true, true]);
  fault = undefined;
  await pass(11_000);
  expect([pause.isPaused, isApplied]).toEqual([false, false]);
});

test('a pause that cannot take the place of another leaves that one, with its end', async () => {
  await pause.pause(MINUTE_MS, 'Op', 'drill');
  fault = FAULT;
  await expect(pause.pause(10 * MINUTE_MS, 'Other', 'more')).rejects.toBe(FAULT);
  expect(pause.status()).toMatchObject({ isPaused: true, by: 'Op', until: '2026-11-26T08:01:00.000Z' });
  fault = undefined;
  await pass(MINUTE_MS);
  expect([pause.isPaused, isApplied]).toEqual([false, false]);
});

test('after the end of the program nothing is tried', async () => {
  await pause.pause(MINUTE_MS, 'Op', 'drill');
  fault = FAULT;
  const resuming = pause.resume('Op', 'over');
  pause.drain();
  await expect(resuming).rejects.toBe(FAULT);
  expect(pause.isPaused).toBe(false);
});
