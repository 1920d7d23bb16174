// What is done every so often by somebody who is called all the time anyway.
import type { Clock } from '../../base/base.ts';

/** One interval; the first time is at once. */
export class Interval {
  readonly #monotonic: Clock;
  #begunAt = Number.NEGATIVE_INFINITY;

  constructor(monotonic: Clock) {
    this.#monotonic = monotonic;
  }

  /** True when so many milliseconds have passed since it began. */
  isOver(ms: number): boolean {
    return this.#monotonic() >= this.#begunAt + ms;
  }

  /** Milliseconds until isOver(). */
  leftMs(ms: number): number {
    return this.#begunAt + ms - this.#monotonic();
  }

  /** It begins anew. */
  begin(): void {
    this.#begunAt = this.#monotonic();
  }

  /** As isOver(), and begins anew where it was. */
  take(ms: number): boolean {
    const isOver = this.isOver(ms);
    if (isOver) this.begin();
    return isOver;
  }
}
