// What workers are told of a pause: by its own change alone, and not when that fails.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AppError } from '../../../src/base/base.ts';
import { ActiveState, type StateParts } from '../../../src/host/app/active-state.ts';
import { Changes, type ChangesParts } from '../../../src/host/app/changes.ts';
import { OperatorPause } from '../../../src/people/controls/controls.ts';
import { buildGeneration } from '../../../src/policy/generation/generation.ts';
import type { WorkerSettings } from '../../../src/resolver/workers/workers.ts';
import type { Enforcement } from '../../../src/telemetry/enforcement/enforcement.ts';
import { CounterTotals } from '../../../src/telemetry/observe/observe.ts';
import { configOf } from './setup.ts';

const FAULT = new AppError('ERR_APP_WORKER', 'telling a worker: it ended');

let state: ActiveState;
let changes: Changes;
let pause: OperatorPause;
/** By its last message, whether the worker that lives only watches. */
let isWatching: boolean | undefined;
/** Of a worker that ended amid a change. */
let fault: AppError | undefined;
/** Of each record that could be made. */
let told: string[];

const isPausedBy = ({ policy }: WorkerSettings): boolean | undefined => policy?.lists[0]?.logOnly;

beforeEach(async () => {
  [isWatching, fault, told] = [undefined, undefined, []];
  const config = configOf(
    'listen: { dns: ["127.0.0.1:0"] }\nupstreams: ["127.0.0.1:53"]\nlists: [{ id: own, file: own.txt, mandate: true }]',
    { 'own.txt': 'refused.example\n' },
  );
  pause = new OperatorPause({
    ...{
      msMax: () => 3_600_000,
      nowMs: () => 0,
      enforcement: () => ({ groups: [] }) as unknown as Enforcement,
    },
    log: { error: () => undefined },
    isApplied: () => state.isPauseApplied,
    apply: (by, reason) => changes.applyPause({ ...(by && { by }), ...(reason && { reason }) }),
    changed: () => undefined,
  });
  const parts = {
    ...{ totals: new CounterTotals(), pause, leases: { tableOf: () => undefined }, quicWorker: undefined },
    supervisor: {
      count: 2,
      apply: (settingsFor: (index: number) => WorkerSettings) => {
        isWatching = isPausedBy(settingsFor(0));
        const thrown = fault;
        fault = undefined;
        return thrown === undefined ? Promise.resolve() : Promise.reject(thrown);
      },
    },
    trust: { mode: 'off', anchors: [], setConfig: () => () => undefined, recall: () => Promise.resolve() },
    tls: { settingsFor: () => undefined },
    revocations: { revokedFor: () => ({ fingerprints: [], serials: [] }) },
    recording: {
      ...{ eventsOf: () => undefined, define: () => undefined },
      journal: { generation: () => undefined },
    },
    queryLog: { shareOf: () => undefined, define: () => undefined },
    probe: { whileChanging: (change: () => Promise<void>) => change() },
    enforcement: {
      update: (author = {}) => told.push(`${state.isPauseApplied} ${(author as { by?: string }).by}`),
    },
    ...{ hosts: { addressesOf: () => [] }, own: { isOpen: false }, retired: { add: () => undefined } },
  };
  state = new ActiveState(config, parts as unknown as StateParts);
  changes = new Changes({ state, log: { error: () => undefined } } as unknown as ChangesParts);
  await state.apply(
    await state.prepare(
      config,
      buildGeneration(config, 1, 0, () => undefined),
    ),
  );
});

afterEach(() => pause.drain());

test('a pause that fails in one worker leaves the others refusing, and those that start then', async () => {
  fault = FAULT;
  await expect(pause.pause(60_000, 'Op', 'drill')).rejects.toBe(FAULT);
  expect([isWatching, isPausedBy(state.settingsOf(1)), state.isPauseApplied]).toEqual([false, false, false]);
});

test('an end that fails leaves what workers judge by as it is told', async () => {
  await pause.pause(60_000, 'Op', 'drill');
  fault = FAULT;
  await expect(pause.resume('Op', 'over')).rejects.toBe(FAULT);
  expect([isWatching, isPausedBy(state.settingsOf(1)), state.isPauseApplied]).toEqual([true, true, true]);
});

test('a pause and its end are put in force and recorded by their own change, whatever else is under way', async () => {
  told = [];
  for (const change of [() => pause.pause(60_000, 'Op', 'drill'), () => pause.resume('Chief', 'over')]) {
    await Promise.all([changes.applyAgain(), change()]);
  }
  expect(told).toEqual(['false undefined', 'true Op', 'true undefined', 'false Chief']);
});
