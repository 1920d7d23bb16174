// Bytes that come in parts, whoever cuts them. Hot file.
//
// Room doubles, so that each byte is copied three times at most however small the parts are: what is put together anew for each
// part costs a sender of single bytes nothing, and the square of their number here.

/** Room from the second part on, bytes: most of what comes is shorter. */
const FIRST_GROWTH_BYTES = 512;
const NO_BYTES = new Uint8Array(0);

/** Bytes that come in parts. Its room grows with what came, whatever length was announced. */
export class GrowingBytes {
  readonly #lengthMax: number;
  #bytes = NO_BYTES;
  #length = 0;

  /** The caller sees to it that no more than `lengthMax` bytes are added. */
  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax;
  }

  /** Bytes that came so far. */
  get length(): number {
    return this.#length;
  }

  /** What came so far; valid until the next part. */
  get view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Adds bytes `start` to `end` of a chunk. Throws RangeError where that is too much. */
  add(chunk: Uint8Array, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > this.#bytes.length) {
      // The first part is most often all of it.
      const room = this.#length === 0 ? length : Math.max(length, 2 * this.#length, FIRST_GROWTH_BYTES);
      const grown = new Uint8Array(Math.min(room, this.#lengthMax));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end), this.#length);
    this.#length = length;
  }

  /** All of it, which then belongs to the caller; something else can begin. */
  take(): Uint8Array {
    const bytes = this.#length === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.#length);
    this.#bytes = NO_BYTES;
    this.#length = 0;
    return bytes;
  }
}
