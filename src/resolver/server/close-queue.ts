// Closes connections a few at a time.
//
// Closing a TLS connection takes 0.15 ms of the loop. The search for idle connections, once a second, finds hundreds under
// attack, which together would block the loop for a tenth of a second.

/** Connections that are closed in one turn of the loop: about 2 ms. */
const PER_TURN_MAX = 16;

/** Connections of one listener that are to be closed. */
export class CloseQueue {
  #waiting: (() => void)[] = [];
  #next = 0;
  /** How many may still be ended in this turn. */
  #left = PER_TURN_MAX;
  #isPlanned = false;

  /** True when those that were found before have been ended: time to look again. */
  get isDone(): boolean {
    return this.#waiting.length === 0;
  }

  /** Calls `end`, at once or in a later turn, in the order in which they came. */
  add(end: () => void): void {
    this.#plan();
    if (this.#left > 0 && this.isDone) {
      this.#left--;
      end();
    } else this.#waiting.push(end);
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setImmediate(this.#go);
  }

  readonly #go = (): void => {
    this.#isPlanned = false;
    for (this.#left = PER_TURN_MAX; this.#left > 0 && this.#next < this.#waiting.length; this.#left--)
      this.#waiting[this.#next++]?.();
    if (this.#next < this.#waiting.length) this.#plan();
    else {
      if (this.#left < PER_TURN_MAX) this.#plan();
      this.#waiting = [];
      this.#next = 0;
    }
  };
}
