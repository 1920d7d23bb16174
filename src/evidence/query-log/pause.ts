// How long the thread of the log rests between two looks at the rings: each look wakes it, its files and its receivers, which
// at few queries costs more than the queries do.

/**
 * While much comes, and while little does, milliseconds. A ring of 8 MiB holds some 33,000 queries: at full load it takes three
 * times the longer one to fill.
 */
const BUSY_MS = 20;
const IDLE_MS = 100;
/** Queries of one ring that are waited for: a thirtieth of it, and enough that waking up is little of their cost. */
const LOOK_QUERIES = 1_000;

/** Milliseconds until a ring that had `count` queries after `elapsedMs` has as many as are waited for, within bounds. */
export const pauseMs = (count: number, elapsedMs: number): number =>
  Math.min(IDLE_MS, Math.max(BUSY_MS, (LOOK_QUERIES * Math.max(0, elapsedMs)) / Math.max(1, count)));
