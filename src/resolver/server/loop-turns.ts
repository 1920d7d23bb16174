// How much of one turn of the loop the streams of clients may take together. Hot file.
//
// What a connection brings in one piece can be 64 KiB: 700 requests that are reset at once, or thousands of queries. Handled in
// one go, eight such clients would stop the loop for half a second, and everybody who asks meanwhile would wait. So work is
// counted, and who comes after a turn has had enough waits for a later one, in which networks take turns. What is counted says
// how long work takes in a program that runs for a while; in one that was just started it takes ten times as long, and other
// work of the turn takes its time, too: so the clock counts as well.
import type { Clock } from '../../base/base.ts';

/**
 * Work of one turn: 64 requests, each of which may have to be asked upstream at some 60 µs, or 512 frames that ask for
 * nothing. Some 4 ms, as long as four handshakes.
 */
const WORK_MAX = 512;
/** From the first of it on, milliseconds: a question waits for four turns at least, two of which begin with other work. */
const TURN_MS_MAX = 2;
/** Between two looks at the clock, work: a look takes as long as a hundredth of it. */
const LOOK_AFTER = 32;

/** A question that has to be asked upstream. */
export const COST_OF_MISS = 8;

/** An answer that is at hand: 8 µs, and as much for each two kilobytes, which are copied and encrypted. */
export const costOf = (length: number): number => 1 + (length >>> 11);

/** Answers in JSON take so many times as long as others. */
export const COST_OF_WORDS = 16;

/** The turns of one worker's loop. */
export class LoopTurns {
  #left = WORK_MAX;
  /** What is left when the clock is looked at again. */
  #lookAt = WORK_MAX - LOOK_AFTER;
  #sinceMs = 0;
  #isPlanned = false;
  readonly #clock: Clock;
  /** By network. */
  readonly #waiting = new Map<string, (() => void)[]>();

  /** `clock` tells milliseconds with fractions, and never steps back. */
  constructor(clock: Clock = () => performance.now()) {
    this.#clock = clock;
  }

  /** Counts work. False: this turn has had enough; what was begun may end. */
  spend(cost: number): boolean {
    this.#plan();
    this.#left -= cost;
    if (this.#left < this.#lookAt) {
      this.#lookAt = this.#left - LOOK_AFTER;
      if (this.#clock() - this.#sinceMs > TURN_MS_MAX) this.#left = Math.min(this.#left, -1);
    }
    return this.#left >= 0;
  }

  /** Calls `goOn` in a later turn of the loop, when it is the turn of its network. */
  wait(network: string, goOn: () => void): void {
    const others = this.#waiting.get(network);
    if (others === undefined) this.#waiting.set(network, [goOn]);
    else others.push(goOn);
    this.#plan();
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    this.#sinceMs = this.#clock();
    setImmediate(this.#begin);
  }

  /** A turn has passed. */
  readonly #begin = (): void => {
    this.#isPlanned = false;
    this.#left = WORK_MAX;
    this.#lookAt = WORK_MAX - LOOK_AFTER;
    if (this.#waiting.size > 0) this.#plan();
    // Who waits again does so behind all others; nobody is called twice.
    for (let count = this.#count(); count > 0 && this.#left > 0; count--) this.#next()?.();
  };

  #count(): number {
    let count = 0;
    for (const waiting of this.#waiting.values()) count += waiting.length;
    return count;
  }

  #next(): (() => void) | undefined {
    for (const [network, waiting] of this.#waiting) {
      const goOn = waiting.shift();
      this.#waiting.delete(network);
      if (waiting.length > 0) this.#waiting.set(network, waiting);
      return goOn;
    }
    return undefined;
  }
}
