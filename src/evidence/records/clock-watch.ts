// Notices when the wall clock steps: against the monotonic clock, between one look and the next.
//
// A clock that is slewed drifts by less than a millisecond between two looks and is no step. A machine that slept
// is one: its monotonic clock stood still.
import type { Clock } from '../../base/base.ts';

/** Steps below are the noise of a busy machine: a thread that is suspended between reading the two clocks. */
const STEP_MS_MIN = 2_000;

/** Two clocks, compared. */
export class ClockWatch {
  /** The last step, milliseconds; 0 when there was none. */
  lastStepMs = 0;
  readonly #clock: Clock;
  readonly #monotonic: Clock;
  #differenceMs: number;

  constructor(clock: Clock, monotonic: Clock) {
    this.#clock = clock;
    this.#monotonic = monotonic;
    this.#differenceMs = clock() - monotonic();
  }

  /** How far the wall clock has stepped since the last call, milliseconds; 0 when it has not. */
  step(): number {
    const differenceMs = this.#clock() - this.#monotonic();
    const stepMs = Math.round(differenceMs - this.#differenceMs);
    this.#differenceMs = differenceMs;
    if (Math.abs(stepMs) < STEP_MS_MIN) return 0;
    this.lastStepMs = stepMs;
    return stepMs;
  }
}
