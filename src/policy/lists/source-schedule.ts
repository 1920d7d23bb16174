// When a source is fetched next, and since when its list is too old. Pure: time and chance are passed in.
//
// Jitter spreads the resolvers of a network over time, so that a source does not see all of them in one second.
// After a failure the next try comes soon and then later and later, but never later than the ordinary refresh.

/** How far a time may lie from the refresh interval, as a share of it. */
const JITTER_SHARE = 0.1;
/** The first try after a failure: a restart of the source is over by then. */
const RETRY_MS = 60_000;
/** Longest wait that a source can ask for when the refresh interval is shorter. */
const RETRY_AFTER_MAX_MS = 24 * 60 * 60 * 1000;
/** Refresh intervals without success until a list counts as stale: one lost try and one more are nothing yet. */
const STALE_INTERVALS = 3;
/** Doublings after which every interval is reached; keeps the power in range. */
const DOUBLINGS_MAX = 30;

/**
 * When to fetch next, in milliseconds since the epoch.
 *
 * `failures` counts those since the last success. `jitterSeed` is any number, another one for each list and try.
 * `retryAfterMs` is what the source asked for (RFC 9110 section 10.2.3): it delays the next try, by a day at most
 * or by the refresh interval when that is longer.
 */
export const nextFetchMs = (
  nowMs: number,
  refreshMs: number,
  jitterSeed: number,
  failures: number,
  retryAfterMs = 0,
): number => {
  const doublings = Math.min(failures - 1, DOUBLINGS_MAX);
  const waitMs = failures === 0 ? refreshMs : Math.min(refreshMs, RETRY_MS * 2 ** doublings);
  const jitteredMs = waitMs * (1 + JITTER_SHARE * swingOf(jitterSeed));
  const askedMs = Math.min(retryAfterMs, Math.max(refreshMs, RETRY_AFTER_MAX_MS));
  return nowMs + Math.round(Math.max(jitteredMs, askedMs));
};

/**
 * True when to fetch: also when the next fetch is later than it can be, because the clock was ahead when it was set. Nothing is
 * fetched until then otherwise.
 */
export const isFetchDue = (nextMs: number, nowMs: number, refreshMs: number): boolean =>
  nextMs <= nowMs || nextMs - nowMs > Math.max(Math.ceil(refreshMs * (1 + JITTER_SHARE)), RETRY_AFTER_MAX_MS);

/**
 * True when the last success lies more than `intervals` refresh intervals back. A success in the future says that the
 * clock was set back, and proves nothing: it counts as stale once it is more than one interval away.
 */
export const isStale = (
  lastSuccessMs: number,
  nowMs: number,
  refreshMs: number,
  intervals = STALE_INTERVALS,
): boolean => {
  const ageMs = nowMs - lastSuccessMs;
  return ageMs > intervals * refreshMs || ageMs < -refreshMs;
};

/** The value of a Retry-After header in milliseconds from now; undefined when malformed or in the past. */
export const parseRetryAfter = (text: string, nowMs: number): number | undefined => {
  const waitMs = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return waitMs > 0 ? waitMs : undefined;
};

/** From -1 to below 1, evenly for neighboring seeds (the finalizer of MurmurHash3). */
const swingOf = (seed: number): number => {
  let mixed = seed | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 31 - 1;
};
