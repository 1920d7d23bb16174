// Unpredictable 16-bit numbers for query IDs and the choice of a socket (RFC 5452 section 9.2). Hot file.
//
// Asking the generator for two bytes at a time costs more than the rest of a query; a pool is filled at once.
import { randomFillSync } from 'node:crypto';

/** 32,768 numbers a refill: about 40 µs each second at 30,000 queries a second. */
const POOL_BYTES = 65_536;

/** Numbers from 0 to 65,535. */
export interface RandomSource {
  next(): number;
}

/** A supply of random numbers from the system's cryptographic generator. */
export class RandomPool implements RandomSource {
  readonly #numbers = new Uint16Array(POOL_BYTES / 2);
  #next = this.#numbers.length;

  next(): number {
    if (this.#next === this.#numbers.length) {
      randomFillSync(this.#numbers);
      this.#next = 0;
    }
    return this.#numbers[this.#next++] ?? 0;
  }
}
