// Whatever a valid configuration says, its effective form says the same: it loads, and to the same values.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { configDifferences, configHash, effectiveConfig } from '../../src/config/config.ts';
import { runsInTwo } from '../support/night.ts';
import { configOf, loadText, readGolden } from '../unit/config/support.ts';

type Place = readonly [holder: Record<string, unknown> | unknown[], key: string];

/** Every key and item of a tree. */
const placesOf = (value: unknown): Place[] => {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, below]) => [
    [value as Record<string, unknown>, key] as const,
    ...placesOf(below),
  ]);
};

/** The tree without one of its places, chosen by a number. */
const without = (tree: unknown, choice: number): unknown => {
  const next = structuredClone(tree);
  const places = placesOf(next);
  const [holder, key] = places[choice % places.length] ?? [];
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else if (holder !== undefined && key !== undefined) delete holder[key];
  return next;
};

for (const [options, runs] of runsInTwo(5, 8))
  test(
    `the effective form of a configuration with any of the keys loads to the same: ${runs} of them`,
    options,
    () => {
      const all: unknown = parse(readGolden('every-key.in'));
      fc.assert(
        fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 8 }), (choices) => {
          let tree = all;
          for (const choice of choices) {
            const next = without(tree, choice);
            if (loadText(stringify(next)).config !== undefined) tree = next;
          }
          const config = configOf(stringify(tree));
          const again = configOf(effectiveConfig(config));
          expect(again).toEqual(config);
          expect(configHash(again)).toBe(configHash(config));
          expect(configDifferences(config, again)).toEqual({ differences: [], more: 0 });
        }),
        { numRuns: runs },
      );
    },
  );
