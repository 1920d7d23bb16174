// Long tests in two parts: a sample that each run of the gate has, and the rest, which `npm run night` runs.
import type { TestOptions } from 'vitest';

/** What a test or a suite of the night is told. */
export const NIGHT = { tags: 'night' } as const satisfies TestOptions;

/** Cases that the gate has and those that are left to the night, each with the options of their tests. */
export const inTwo = <Case>(
  cases: readonly Case[],
  isInGate: (one: Case, index: number) => boolean,
): readonly (readonly [TestOptions, readonly Case[]])[] => [
  [{}, cases.filter((one, index) => isInGate(one, index))],
  [NIGHT, cases.filter((one, index) => !isInGate(one, index))],
];

/** Of a test that the night has with many times as many runs, milliseconds: machines differ. */
const RUNS_MS = 900_000;

/** Runs of a property, or rounds of a test: some that the gate has, and so many times as many in the night. */
export const runsInTwo = (runs: number, times = 4): readonly (readonly [TestOptions, number])[] => [
  [{}, runs],
  [{ ...NIGHT, timeout: RUNS_MS }, times * runs],
];
