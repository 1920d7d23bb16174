// Series of counts over time, a step at a time: what a step chart draws.

/** Series with a color of their own. */
export const COLORS = 5;

/** Share of the width that steps have; numbers of the axis stand in the rest. */
export const BARS_SHARE = 0.84;

export interface StepSeries {
  readonly name: string;
  readonly counts: readonly number[];
}

/** When a step begins. */
export const stepTime = (from: string, stepSec: number, step: number): string =>
  new Date(Date.parse(from) + step * stepSec * 1000).toISOString();
