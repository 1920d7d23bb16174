// When records were last lost: counters tell how many, and this when one of them grew.
import type { Clock } from '../../base/base.ts';

/** Looks at a counter of what was lost. */
export class LossWatch {
  readonly #clock: Clock;
  #lost = 0;
  #lastMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** When it last grew, milliseconds since the epoch; undefined: not since the start. */
  get lastMs(): number | undefined {
    return this.#lastMs;
  }

  /** Takes the counter as it now stands; to be called once a second. */
  look(lost: number): void {
    if (lost > this.#lost) this.#lastMs = this.#clock();
    this.#lost = lost;
  }
}
