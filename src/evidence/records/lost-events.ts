// How many events were lost before they could be recorded, from when to when, and what of that is on record.
//
// Workers count what found no room in their rings; the recorder looks at the counts all the time, also while nothing
// can be written, so that the record of a loss says in which time it happened.
import type { Clock } from '../../base/base.ts';
import type { EventReader } from '../../telemetry/events/events.ts';

/** Losses that are not recorded yet. */
export interface Loss {
  readonly count: number;
  readonly fromMs: number;
  readonly untilMs: number;
  /** By ring: losses up to this one. */
  readonly ofRings: readonly number[];
}

/** Counts what is lost. */
export class LostEvents {
  /** Since this recorder began. */
  total = 0;
  readonly #readers: readonly EventReader[];
  readonly #clock: Clock;
  readonly #noticed: number[];
  #recorded: readonly number[];
  #loss: Omit<Loss, 'ofRings'> | undefined;
  /** When it was last seen that nothing was lost. */
  #quietMs: number;

  /** `before` are the losses of each ring that are on record already; they were looked at until `quietMs`. */
  constructor(readers: readonly EventReader[], before: readonly number[], quietMs: number, clock: Clock) {
    this.#readers = readers;
    this.#clock = clock;
    this.#noticed = readers.map((_, index) => before[index] ?? 0);
    this.#recorded = [...this.#noticed];
    this.#quietMs = quietMs;
  }

  /** By ring: losses that are on record. */
  get recorded(): readonly number[] {
    return this.#recorded;
  }

  /** Looks at the rings. */
  look(): void {
    let count = 0;
    for (const [index, { dropped }] of this.#readers.entries()) {
      count += dropped - (this.#noticed[index] ?? 0);
      this.#noticed[index] = dropped;
    }
    this.add(count);
  }

  /** Adds what was lost elsewhere. */
  add(count: number): void {
    const nowMs = this.#clock();
    if (count > 0) {
      const { count: before, fromMs } = this.#loss ?? { count: 0, fromMs: this.#quietMs };
      this.#loss = { count: before + count, fromMs, untilMs: nowMs };
      this.total += count;
    }
    this.#quietMs = nowMs;
  }

  /** What is to be recorded now; undefined when nothing is. */
  take(): Loss | undefined {
    const loss = this.#loss;
    this.#loss = undefined;
    return loss === undefined ? undefined : { ...loss, ofRings: [...this.#noticed] };
  }

  /** A loss that take() gave is on record. */
  confirm({ ofRings }: Loss): void {
    this.#recorded = ofRings;
  }
}
