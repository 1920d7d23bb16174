// A fleet whose engine is held by somebody else: what is in force everywhere is what was signed, or a health issue says otherwise.
// Each row of "Powers of the engine" in docs/fleet.md is a test here. The night has more of each,
// and the long run is npm run fuzz:fleet -- --schedules 10000.
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { FleetActs } from '../../src/fleet/acts.ts';
import { Membership } from '../../src/fleet/membership.ts';
import type { Power } from '../support/engine-mischief.ts';
import { FleetTemplate, runSchedule } from '../support/fleet-schedules.ts';
import { createRandom, seedOfRun } from '../support/mutate.ts';
import { NIGHT } from '../support/night.ts';

const STEPS = 400;
/** Schedules of a test in the night; the gate has one or a few of each. */
const NIGHTLY = 12;
/** A machine that is busy with others. */
const SLOW_MS = 300_000;
const NIGHT_MS = 1_800_000;

let template: FleetTemplate;
beforeAll(() => {
  template = new FleetTemplate();
});
afterAll(() => template.close());
afterEach(() => vi.restoreAllMocks());

/** No two schedules of a run are the same. */
const seeds = createRandom(seedOfRun());
/** A breach that is planted is found by the first few of these, however long others would look for it. */
const PLANTED_SEED = 9;

const run = async (
  count: number,
  options: Partial<Parameters<typeof runSchedule>[1]> = {},
  from = seeds,
): Promise<void> => {
  for (let schedule = 0; schedule < count; schedule++) {
    const seed = from(2 ** 31);
    try {
      await runSchedule(template, { seed, steps: STEPS, ...options });
    } catch (thrown) {
      throw new Error(`seed ${seed}: ${thrown instanceof Error ? thrown.message : String(thrown)}`, {
        cause: thrown,
      });
    }
  }
};

const ALL = 'all powers at once, with messages that are lost, repeated, late and in another order';

test(ALL, () => run(1), SLOW_MS);
test(`${ALL}: many of them`, { ...NIGHT, timeout: NIGHT_MS }, () => run(4 * NIGHTLY));

const ROWS: readonly (readonly [title: string, powers: readonly Power[]])[] = [
  ['publishes again what was sent, also under another name', ['replay']],
  ['keeps something else in the place of what was sent, and tells nobody', ['plant']],
  ['publishes entries that nobody signed', ['forge']],
  ['takes out what is kept', ['purge']],
  ['deletes streams', ['delete-stream']],
  ['fills streams, so that they take nothing', ['fill', 'make-room']],
  ['keeps messages back', ['hold-back', 'let-go']],
  ['answers what the authority and the nodes are asked', ['answer', 'let-go']],
];

test.each(ROWS)('whoever holds the engine %s', (_, powers) => run(1, { powers }), SLOW_MS);
test.each(ROWS)('whoever holds the engine %s: many times', { ...NIGHT, timeout: NIGHT_MS }, (_, powers) =>
  run(NIGHTLY, { powers }),
);

test(
  'a planted breach is found: resolvers that do not take a revocation',
  async () => {
    const plant = (acts: FleetActs, name: string): FleetActs => ({
      ...acts,
      exemption: (event) =>
        name !== 'authority' && event.event === 'revoked'
          ? Promise.resolve({ isApplied: true, subject: event.id })
          : acts.exemption(event),
    });
    await expect(run(12, { plant }, createRandom(PLANTED_SEED))).rejects.toThrow(
      /ns\d at entry \d+ exempts others/,
    );
  },
  SLOW_MS,
);

test(
  'a planted breach is found: resolvers that believe what nobody signed',
  async () => {
    vi.spyOn(Membership.prototype, 'isTrusted').mockReturnValue(true);
    await expect(run(12, { powers: ['forge'] }, createRandom(PLANTED_SEED))).rejects.toThrow(
      /than was signed|fork|\[ERR_FLEET_FORK\]/,
    );
  },
  SLOW_MS,
);
