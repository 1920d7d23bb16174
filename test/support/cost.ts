// What something costs beside something else in the same run, for tests of costs: a ratio says the same on every machine.

/** Of each, that many times in turn; the cheapest counts, because others only make it dearer. */
const ROUNDS = 15;
/** What is measured at once takes this long, milliseconds: many times what a clock can tell. */
const SLICE_MS = 1;

/** Milliseconds that each takes at best. */
export const costOf = (
  measured: () => void,
  beside: () => void,
): { readonly cost: number; readonly plain: number } => {
  const counts = [countFor(measured), countFor(beside)] as const;
  let cost = Number.POSITIVE_INFINITY;
  let plain = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    cost = Math.min(cost, timeOf(measured, counts[0]));
    plain = Math.min(plain, timeOf(beside, counts[1]));
  }
  return { cost, plain };
};

const timeOf = (run: () => void, count: number): number => {
  const startedMs = performance.now();
  for (let i = 0; i < count; i++) run();
  return (performance.now() - startedMs) / count;
};

/** How often it has to run to be measured; it is warm then. */
const countFor = (run: () => void): number => {
  let count = 1;
  while (timeOf(run, count) * count < SLICE_MS) count *= 2;
  return count;
};
