// A map from whole numbers that leaves no garbage. Hot file.
//
// A Map makes its table anew whenever enough was taken out of it, 140 bytes for each question that comes and goes. Here
// an entry lies where its number says, or in the next place that is free, and what is taken out leaves no gap: entries behind
// it move up. The numbers are random to whoever could choose them (IDs, hashes from a secret), so that places are even.

/** Places at the beginning, a power of two. */
const PLACES_MIN = 64;

/** Values by numbers of 32 bits. */
export class NumberMap<T> {
  size = 0;
  #keys = new Int32Array(PLACES_MIN);
  #values = new Array<T | undefined>(PLACES_MIN).fill(undefined);
  #mask = PLACES_MIN - 1;

  get(key: number): T | undefined {
    return this.#values[this.#find(key)];
  }

  has(key: number): boolean {
    return this.#values[this.#find(key)] !== undefined;
  }

  /** Puts a value under a key, in place of what was there. */
  set(key: number, value: T): void {
    const at = this.#find(key);
    if (this.#values[at] === undefined) this.size++;
    this.#keys[at] = key;
    this.#values[at] = value;
    // At most half of the places are taken, so that a search is short.
    if (this.size * 2 > this.#mask) this.#grow();
  }

  /** Takes out what is under a key, if anything is. */
  delete(key: number): void {
    const keys = this.#keys;
    const values = this.#values;
    const mask = this.#mask;
    let gap = this.#find(key);
    if (values[gap] === undefined) return;
    this.size--;
    for (let at = (gap + 1) & mask; values[at] !== undefined; at = (at + 1) & mask) {
      // An entry moves up unless its own place lies behind the gap.
      const way = (at - (keys[at] ?? 0)) & mask;
      if (way < ((at - gap) & mask)) continue;
      keys[gap] = keys[at] ?? 0;
      values[gap] = values[at];
      gap = at;
    }
    values[gap] = undefined;
  }

  /** All values, in no order, in an array of its own: the map may change meanwhile. Not per query. */
  values(): T[] {
    const values: T[] = [];
    for (const value of this.#values) if (value !== undefined) values.push(value);
    return values;
  }

  /** The place of a key, or the free one where it belongs. */
  #find(key: number): number {
    const keys = this.#keys;
    const values = this.#values;
    const mask = this.#mask;
    let at = key & mask;
    while (values[at] !== undefined && keys[at] !== (key | 0)) at = (at + 1) & mask;
    return at;
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    const places = keys.length * 2;
    this.#keys = new Int32Array(places);
    this.#values = new Array<T | undefined>(places).fill(undefined);
    this.#mask = places - 1;
    for (let i = 0; i < keys.length; i++) {
      const value = values[i];
      if (value === undefined) continue;
      const key = keys[i] ?? 0;
      const at = this.#find(key);
      this.#keys[at] = key;
      this.#values[at] = value;
    }
  }
}
