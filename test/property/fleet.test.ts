// Whatever one resolver signs ends nothing and changes no figure of another; the long run is npm run fuzz:fleet.
import { expect, test } from 'vitest';
import { fuzzFleet } from '../support/fleet-fuzz.ts';
import { seedOfRun } from '../support/mutate.ts';
import { runsInTwo } from '../support/night.ts';

for (const [options, inputs] of runsInTwo(1_000, 8))
  test(
    `mutated evidence, heads, presences, results, checkpoints and requests of one resolver cost that resolver alone: ${inputs} of them`,
    options,
    async () => {
      expect(await fuzzFleet({ inputs, seed: seedOfRun() })).toBe(inputs);
    },
  );
