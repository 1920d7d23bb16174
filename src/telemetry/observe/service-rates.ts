// How the service does at this moment: queries a second, share of SERVFAIL, and how long answers from upstreams take.
//
// Made of two readings of the counters, some seconds apart, and only while somebody looks: a reading sums the blocks of all
// workers. The first look has nothing to compare with and tells nothing.
import type { Clock } from '../../base/base.ts';
import { RESOLUTION_BOUNDS_MS } from './counters.ts';
import type { CounterTotals } from './totals.ts';

/** Between two readings: long enough for a rate, short enough to see what happens. */
const EVERY_MS = 10_000;
/** Readings that are further apart tell of another time. */
const APART_MS_MAX = 60_000;
const QUANTILE = 0.95;

interface Reading {
  readonly atMs: number;
  readonly queries: number;
  readonly answers: number;
  readonly servfail: number;
  /** By bucket, not cumulative. */
  readonly resolution: readonly number[];
  readonly up: number;
  readonly upstreams: number;
}

/** What is shown; null: not known yet. */
export interface Rates {
  readonly queriesPerSec: number | null;
  readonly servfailShare: number | null;
  readonly p95Ms: number | null;
  readonly upstreams: { readonly up: number; readonly total: number };
}

/** The rates of one program. */
export class ServiceRates {
  readonly #totals: CounterTotals;
  readonly #clock: Clock;
  #before: Reading | undefined;
  #last: Reading | undefined;

  /** `clock` never steps. */
  constructor(totals: CounterTotals, clock: Clock) {
    this.#totals = totals;
    this.#clock = clock;
  }

  read(): Rates {
    const nowMs = this.#clock();
    if (this.#last === undefined || nowMs - this.#last.atMs >= EVERY_MS) {
      this.#before = this.#last;
      this.#last = this.#take(nowMs);
    }
    const [before, last] = [this.#before, this.#last];
    const upstreams = { up: last.up, total: last.upstreams };
    const ms = last.atMs - (before?.atMs ?? 0);
    if (before === undefined || ms > APART_MS_MAX)
      return { queriesPerSec: null, servfailShare: null, p95Ms: null, upstreams };
    const answers = last.answers - before.answers;
    return {
      queriesPerSec: (Math.max(0, last.queries - before.queries) * 1000) / ms,
      servfailShare: answers <= 0 ? null : Math.max(0, last.servfail - before.servfail) / answers,
      p95Ms: quantile(last.resolution.map((count, index) => count - (before.resolution[index] ?? 0))),
      upstreams,
    };
  }

  #take(atMs: number): Reading {
    const snapshot = this.#totals.read(['queries', 'answers', 'resolution']);
    const sum = (series: Iterable<{ readonly values: Float64Array }>): number => {
      let total = 0;
      for (const { values } of series) total += values[0] ?? 0;
      return total;
    };
    const answers = [...snapshot.series('answers')];
    const resolution = new Array<number>(RESOLUTION_BOUNDS_MS.length + 1).fill(0);
    for (const { values } of snapshot.series('resolution'))
      for (const index of resolution.keys())
        resolution[index] = (resolution[index] ?? 0) + (values[index] ?? 0);
    const states = [...snapshot.upstreamsUp.values()];
    return {
      atMs,
      queries: sum(snapshot.series('queries')),
      answers: sum(answers),
      servfail: sum(answers.filter(({ labels }) => labels[1] === 'SERVFAIL')),
      resolution,
      up: states.filter((isUp) => isUp).length,
      upstreams: states.length,
    };
  }
}

/** The upper bound of the bucket that it falls into; null when nothing was counted. */
const quantile = (counts: readonly number[]): number | null => {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total <= 0) return null;
  let seen = 0;
  for (const [index, count] of counts.entries()) {
    seen += count;
    if (seen >= QUANTILE * total) return RESOLUTION_BOUNDS_MS[index] ?? RESOLUTION_BOUNDS_MS.at(-1) ?? null;
  }
  return null;
};
