// The service's own short history: how it did over the last hour, day and week, where nobody keeps metrics.
//
// Three tables of fixed size, in memory: a year takes no more than a week, and a start begins them anew. Counters are read every
// ten seconds, and what they grew by belongs to the step in which it was read. A step knows how long it was observed, by a clock
// that never steps: rates stay right where the service began within a step, hung, or its clock was set.
import type { Clock } from '../../base/base.ts';

const MINUTE_MS = 60_000;
/** Between two readings: one sums counters of all workers, which is some milliseconds of the main thread. */
const EVERY_MS = 10_000;
/** Names of upstreams and of outputs in one step; what is beyond stands together under the empty name. */
const NAMES_MAX = 16;

/** By span: how long a step is, and how many there are. */
export const HISTORY_SPANS = {
  hour: { stepMs: MINUTE_MS, steps: 60 },
  day: { stepMs: 15 * MINUTE_MS, steps: 96 },
  week: { stepMs: 120 * MINUTE_MS, steps: 84 },
} as const;
export type HistorySpan = keyof typeof HISTORY_SPANS;

const COUNTS = [
  'queries',
  'answers',
  'servfail',
  'refusals',
  'cacheHits',
  'cacheMisses',
  'recordsLost',
  'cpuMs',
] as const;
type Counted = Record<(typeof COUNTS)[number], number>;

/** One upstream or output, and what was counted of it since its start. */
interface NamedCounts {
  readonly name: string;
  readonly counts: readonly number[];
}

/** What the service says of itself at one moment; counts are since the start. */
export interface ServiceReading {
  readonly counts: Readonly<Counted>;
  /** Answers by the bucket of their time, not cumulative. */
  readonly times: readonly number[];
  /** Answers, failures, and the sum of round trips in milliseconds. */
  readonly upstreams: readonly NamedCounts[];
  /** Written and lost. */
  readonly outputs: readonly NamedCounts[];
  readonly workers: { readonly wanted: number; readonly alive: number; readonly hung: number };
  readonly residentBytes: number;
  readonly freeBytes: number | undefined;
  readonly certificateEndMs: number | undefined;
  readonly roomCertificateEndMs: number | undefined;
}

/** One step: what was counted in it; of workers and disk the least, of the rest the last. */
export interface HistoryStep extends Omit<ServiceReading, 'counts' | 'times'> {
  readonly fromMs: number;
  /** How long of it was observed. */
  readonly observedMs: number;
  readonly counts: Counted;
  readonly times: number[];
}

/** The history of one service. */
export class ServiceHistory {
  readonly #read: () => ServiceReading;
  readonly #clock: Clock;
  readonly #monotonic: () => number;
  readonly #tables: Readonly<Record<HistorySpan, (HistoryStep | undefined)[]>>;
  readonly #startMs: number;
  #before: ServiceReading | undefined;
  #readMs: number;

  constructor(read: () => ServiceReading, clock: Clock, monotonic: () => number) {
    this.#read = read;
    this.#clock = clock;
    this.#monotonic = monotonic;
    this.#startMs = clock();
    this.#readMs = monotonic();
    this.#tables = {
      hour: new Array<HistoryStep | undefined>(HISTORY_SPANS.hour.steps).fill(undefined),
      day: new Array<HistoryStep | undefined>(HISTORY_SPANS.day.steps).fill(undefined),
      week: new Array<HistoryStep | undefined>(HISTORY_SPANS.week.steps).fill(undefined),
    };
  }

  /** To be called once a second. */
  look(): void {
    if (this.#monotonic() - this.#readMs >= EVERY_MS) this.#take();
  }

  /** The steps of a span up to the one that goes on; undefined: nothing was observed in it. */
  read(span: HistorySpan): {
    readonly fromMs: number;
    readonly nowMs: number;
    readonly startMs: number;
    readonly steps: readonly (HistoryStep | undefined)[];
  } {
    this.#take();
    const { stepMs, steps } = HISTORY_SPANS[span];
    const nowMs = this.#clock();
    const fromMs = Math.floor(nowMs / stepMs) * stepMs - (steps - 1) * stepMs;
    const table = this.#tables[span];
    return {
      fromMs,
      nowMs,
      startMs: this.#startMs,
      steps: Array.from({ length: steps }, (_, index) => {
        const ms = fromMs + index * stepMs;
        const step = table[(ms / stepMs) % steps];
        // What stands in its place is older, or of a time that is still to come since the clock was set back.
        return step?.fromMs === ms ? step : undefined;
      }),
    };
  }

  #take(): void {
    const monotonicMs = this.#monotonic();
    const observedMs = monotonicMs - this.#readMs;
    this.#readMs = monotonicMs;
    const now = this.#read();
    const grown = growthOf(this.#before, now);
    this.#before = now;
    const nowMs = this.#clock();
    for (const [span, { stepMs, steps }] of Object.entries(HISTORY_SPANS)) {
      const table = this.#tables[span as HistorySpan];
      const at = Math.floor(nowMs / stepMs);
      const step = table[at % steps];
      const fromMs = at * stepMs;
      table[at % steps] =
        step?.fromMs === fromMs ? join(step, grown, observedMs) : { ...grown, fromMs, observedMs };
    }
  }
}

type Growth = Omit<HistoryStep, 'fromMs' | 'observedMs'>;

/** What counters grew by; one that is smaller than before began anew. */
const growth = (before: number | undefined, now: number): number =>
  before === undefined || now < before ? now : now - before;

const growthOf = (before: ServiceReading | undefined, now: ServiceReading): Growth => ({
  ...now,
  counts: mapCounts((name) => growth(before?.counts[name], now.counts[name])),
  times: now.times.map((count, index) => growth(before?.times[index], count)),
  upstreams: namedGrowth(before?.upstreams, now.upstreams),
  outputs: namedGrowth(before?.outputs, now.outputs),
});

const namedGrowth = (before: readonly NamedCounts[] = [], now: readonly NamedCounts[]): NamedCounts[] => {
  const known = new Map(before.map(({ name, counts }) => [name, counts]));
  const grown = now.map(({ name, counts }) => ({
    name,
    counts: counts.map((count, index) => growth(known.get(name)?.[index], count)),
  }));
  return addNamed([], grown);
};

const join = (step: HistoryStep, grown: Growth, observedMs: number): HistoryStep => ({
  ...grown,
  fromMs: step.fromMs,
  observedMs: step.observedMs + observedMs,
  counts: mapCounts((name) => step.counts[name] + grown.counts[name]),
  times: grown.times.map((count, index) => count + (step.times[index] ?? 0)),
  upstreams: addNamed(step.upstreams, grown.upstreams),
  outputs: addNamed(step.outputs, grown.outputs),
  workers: {
    wanted: grown.workers.wanted,
    alive: Math.min(step.workers.alive, grown.workers.alive),
    hung: Math.max(step.workers.hung, grown.workers.hung),
  },
  freeBytes:
    step.freeBytes === undefined || grown.freeBytes === undefined
      ? (grown.freeBytes ?? step.freeBytes)
      : Math.min(step.freeBytes, grown.freeBytes),
});

const mapCounts = (of: (name: keyof Counted) => number): Counted =>
  Object.fromEntries(COUNTS.map((name) => [name, of(name)])) as Counted;

/** Sums by name, of at most so many names as a step may have. */
const addNamed = (known: readonly NamedCounts[], more: readonly NamedCounts[]): NamedCounts[] => {
  const sums = new Map(known.map(({ name, counts }) => [name, counts]));
  for (const { name, counts } of more) {
    const under = sums.has(name) || sums.size < NAMES_MAX ? name : '';
    const sum = sums.get(under);
    sums.set(
      under,
      counts.map((count, index) => count + (sum?.[index] ?? 0)),
    );
  }
  return [...sums].map(([name, counts]) => ({ name, counts }));
};
