// What the probe of one resolver of a fleet found in a period, by its own records: a page for each would be too much, so that
// what is left out is the time line of each view.

import type { PlacedChange } from './evidence.ts';
import type { ProbeView } from './model.ts';
import { ProbeHistory } from './probe-history.ts';

/** One view of a resolver, without its time line. */
export type FleetProbeView = Omit<ProbeView, 'intervals'>;

/** What was found. Plain data. */
export interface FleetProbe {
  /** Within the period. */
  readonly runs: number;
  /** The last of them; null without one. */
  readonly last: { readonly time: string; readonly outcome: 'enforced' | 'leaking' | 'broken' } | null;
  /** Of any view: the longest time within the period without a run that found it enforced; null without a run. */
  readonly longestGapMs: number | null;
  readonly views: readonly FleetProbeView[];
}

/** Follows the chains of changes of one resolver, one after the other. */
export class FleetProbes {
  readonly #fromMs: number;
  readonly #untilMs: number;
  readonly #history: ProbeHistory;
  #last: FleetProbe['last'] = null;
  #endMs = 0;

  constructor(fromMs: number, untilMs: number) {
    this.#fromMs = fromMs;
    this.#untilMs = untilMs;
    this.#history = new ProbeHistory(fromMs, untilMs, () => true);
  }

  /** Takes a record of a chain of changes. */
  add(change: PlacedChange): void {
    this.#history.add(change);
    const { record } = change;
    const atMs = Date.parse(record.time);
    if (record.kind === 'probe' && atMs >= this.#fromMs && atMs < this.#untilMs)
      this.#last = { time: record.time, outcome: record.outcome };
  }

  /** A chain ends, signed up to a time. */
  end(signedAt: string | undefined): void {
    if (signedAt !== undefined) this.#endMs = Date.parse(signedAt);
  }

  /** What was found. */
  get found(): FleetProbe {
    const { runs, longestGapMs, views } = this.#history.section(this.#endMs);
    const last = this.#last;
    return { runs, last, longestGapMs, views: views.map(({ intervals: _, ...view }) => view) };
  }
}
