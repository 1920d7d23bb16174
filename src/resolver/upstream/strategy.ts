// Which endpoint of a route is asked next. Hot file.
//
// A strategy orders the endpoints that are alike in health; health itself comes before it, and an endpoint that has
// enough to do is passed over. An endpoint is a bit in a 32-bit number, so that no question needs a list of its own.
import type { RandomSource } from './random-pool.ts';
import type { RoundTrip } from './round-trip.ts';

/**
 * `ordered`: as configured. `fastest`: by round trip, with now and then another one to keep the estimates fresh.
 * `random`: drawn evenly. `parallel`: several at once, in the order of the configuration.
 */
export type Strategy = 'ordered' | 'fastest' | 'random' | 'parallel';

/** Endpoints of a route, and of its fallback: one bit each in a 32-bit number, the sign bit left alone. */
export const ROUTE_ENDPOINTS_MAX = 31;

/**
 * One question in so many goes to a random endpoint instead of the fastest: with a thousand questions a second, each of
 * ten endpoints is measured three times in it, and at most 3 % of the questions are answered later than they could be.
 */
const EXPLORATION_INTERVAL = 32;

/** What the choice looks at. */
export interface Candidate {
  readonly isHealthy: boolean;
  /** It has as many queries outstanding as it may have. */
  readonly isFull: boolean;
  readonly outstanding: number;
  readonly roundTrip: RoundTrip;
}

/**
 * The index of the endpoint to ask among those of this health whose bits are not skipped; -1 when there is none.
 *
 * `isFirst` is whether the question was not sent to anybody yet: only then the estimates are refreshed at its cost.
 */
export const chooseEndpoint = (
  strategy: Strategy,
  endpoints: readonly Candidate[],
  skippedBits: number,
  isHealthy: boolean,
  isFirst: boolean,
  random: RandomSource,
): number => {
  if (strategy === 'random') return chooseRandom(endpoints, skippedBits, isHealthy, random);
  if (strategy !== 'fastest') return chooseFirst(endpoints, skippedBits, isHealthy);
  const fastest = chooseFastest(endpoints, skippedBits, isHealthy);
  if (!isFirst || endpoints[fastest]?.roundTrip.isKnown !== true) return fastest;
  return random.next() % EXPLORATION_INTERVAL === 0
    ? chooseRandom(endpoints, skippedBits, isHealthy, random)
    : fastest;
};

const mayBeAsked = (
  endpoint: Candidate | undefined,
  index: number,
  skippedBits: number,
  isHealthy: boolean,
): endpoint is Candidate =>
  endpoint !== undefined &&
  (skippedBits & (1 << index)) === 0 &&
  endpoint.isHealthy === isHealthy &&
  !endpoint.isFull;

const chooseFirst = (endpoints: readonly Candidate[], skippedBits: number, isHealthy: boolean): number => {
  for (let i = 0; i < endpoints.length; i++) {
    if (mayBeAsked(endpoints[i], i, skippedBits, isHealthy)) return i;
  }
  return -1;
};

/** Takes the k-th candidate in place of the one before with a chance of 1 in k: each has the same chance in the end. */
const chooseRandom = (
  endpoints: readonly Candidate[],
  skippedBits: number,
  isHealthy: boolean,
  random: RandomSource,
): number => {
  let chosen = -1;
  let count = 0;
  for (let i = 0; i < endpoints.length; i++) {
    if (!mayBeAsked(endpoints[i], i, skippedBits, isHealthy)) continue;
    count++;
    if (count === 1 || random.next() % count === 0) chosen = i;
  }
  return chosen;
};

/** An unknown endpoint comes first, but with one question only: it may be frozen, and others are waiting for nothing. */
const chooseFastest = (endpoints: readonly Candidate[], skippedBits: number, isHealthy: boolean): number => {
  let chosen = -1;
  let lowestMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < endpoints.length; i++) {
    const endpoint = endpoints[i];
    if (!mayBeAsked(endpoint, i, skippedBits, isHealthy)) continue;
    if (!endpoint.roundTrip.isKnown && endpoint.outstanding === 0) return i;
    const { costMs } = endpoint.roundTrip;
    if (costMs >= lowestMs) continue;
    lowestMs = costMs;
    chosen = i;
  }
  return chosen;
};
