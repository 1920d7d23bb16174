// A feature that an endpoint turned out not to have, left alone for a while. Hot file: holds() runs per query.
//
// For a while and not for good, because servers are updated, and because a datagram that got lost at a bad moment looks
// the same.
import type { Clock } from '../../base/base.ts';

/** Short enough that a wrong guess heals by itself, long enough that a server without the feature costs nothing. */
const PAUSE_MS = 600_000;

/** One feature of one endpoint. */
export class Pause {
  readonly #clock: Clock;
  #isOn = false;
  #startedAtMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins, or begins again. */
  start(): void {
    this.#isOn = true;
    this.#startedAtMs = this.#clock();
  }

  /** True until its end. A clock that stepped back ends it. */
  holds(): boolean {
    if (!this.#isOn) return false;
    const elapsedMs = this.#clock() - this.#startedAtMs;
    this.#isOn = elapsedMs >= 0 && elapsedMs < PAUSE_MS;
    return this.#isOn;
  }
}
