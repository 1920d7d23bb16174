// Whatever one resolver signs ends nothing and changes no figure of another; the long run is npm run fuzz:fleet.
import { expect, test } from 'vitest';
import { fuzzFleet } from '../support/fleet-fuzz.ts';
import { seedOfRun } from '../support/mutate.ts';

test('mutated evidence, heads, presences, results, checkpoints and requests of one resolver cost that resolver alone', async () => {
  expect(await fuzzFleet({ inputs: 4_000, seed: seedOfRun() })).toBe(4_000);
}, 60_000);
