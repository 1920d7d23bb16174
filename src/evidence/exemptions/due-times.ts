// When time has something to do to which paper: a list in the order of these times, so that what is due is at its front.
//
// Kept in order by binary search. Moving ten thousand numbers by one place takes microseconds.

/** Times by numbers; each number has one at most. */
export class DueTimes {
  readonly #timesMs: number[] = [];
  readonly #numbers: number[] = [];
  readonly #timeOf = new Map<number, number>();

  /** The earliest, milliseconds since the epoch; undefined: there is none. */
  get firstMs(): number | undefined {
    return this.#timesMs[0];
  }

  /** Sets the time of a number; undefined: it has none any more. */
  set(number: number, timeMs: number | undefined): void {
    const knownMs = this.#timeOf.get(number);
    if (knownMs === timeMs) return;
    if (knownMs !== undefined) {
      let at = this.#placeOf(knownMs);
      while (this.#numbers[at] !== number) at++;
      this.#timesMs.splice(at, 1);
      this.#numbers.splice(at, 1);
      this.#timeOf.delete(number);
    }
    if (timeMs === undefined) return;
    const at = this.#placeOf(timeMs);
    this.#timesMs.splice(at, 0, timeMs);
    this.#numbers.splice(at, 0, number);
    this.#timeOf.set(number, timeMs);
  }

  /** The numbers whose time has come, ascending. */
  dueAt(nowMs: number): number[] {
    let count = 0;
    while (count < this.#timesMs.length && (this.#timesMs[count] ?? 0) <= nowMs) count++;
    return this.#numbers.slice(0, count).sort((a, b) => a - b);
  }

  /** The first place whose time is not before one. */
  #placeOf(timeMs: number): number {
    let [low, high] = [0, this.#timesMs.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#timesMs[middle] ?? 0) < timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
