// SipHash-2-4 with 64 bits of output (Aumasson and Bernstein, 2012): a keyed hash for short inputs. Hot file.
//
// A number has no 64 bits, and BigInt would allocate: each word of the state is two halves of 32 bits, and an addition
// carries from the lower one to the upper one. Everything is little-endian, as in the reference.

/** Bytes of a key. */
export const SIPHASH_KEY_LENGTH = 16;
/** Bytes of a hash. */
export const SIPHASH_LENGTH = 8;

/** Rounds after each word of the input, and at the end. */
const WORD_ROUNDS = 2;
const LAST_ROUNDS = 4;

/** Hashes under one key. */
export class SipHash {
  // The state before the first word: key and constants ("somepseudorandomlygeneratedbytes"), lower and upper halves.
  readonly #low0: number;
  readonly #high0: number;
  readonly #low1: number;
  readonly #high1: number;
  readonly #low2: number;
  readonly #high2: number;
  readonly #low3: number;
  readonly #high3: number;

  /** Takes a key of SIPHASH_KEY_LENGTH bytes; bytes that are missing are zeros. */
  constructor(key: Uint8Array) {
    this.#low0 = readWord(key, 0) ^ 0x7073_6575;
    this.#high0 = readWord(key, 4) ^ 0x736f_6d65;
    this.#low1 = readWord(key, 8) ^ 0x6e64_6f6d;
    this.#high1 = readWord(key, 12) ^ 0x646f_7261;
    this.#low2 = readWord(key, 0) ^ 0x6e65_7261;
    this.#high2 = readWord(key, 4) ^ 0x6c79_6765;
    this.#low3 = readWord(key, 8) ^ 0x7974_6573;
    this.#high3 = readWord(key, 12) ^ 0x7465_6462;
  }

  /** Writes the hash of the first `length` bytes into `out`, SIPHASH_LENGTH bytes from `offset`. */
  hash(bytes: Uint8Array, length: number, out: Uint8Array, offset: number): void {
    let low0 = this.#low0;
    let high0 = this.#high0;
    let low1 = this.#low1;
    let high1 = this.#high1;
    let low2 = this.#low2;
    let high2 = this.#high2;
    let low3 = this.#low3;
    let high3 = this.#high3;
    const tail = length & ~7;
    // One turn for each word, the last of which holds what is left and the length, and one for the end.
    for (let at = 0; at <= tail + 8; at += 8) {
      let low = 0;
      let high = 0;
      let rounds = WORD_ROUNDS;
      if (at < tail) {
        low = readWord(bytes, at);
        high = readWord(bytes, at + 4);
      } else if (at === tail) {
        low = readPart(bytes, at, length);
        high = readPart(bytes, at + 4, length) | (length << 24);
      } else {
        low2 ^= 0xff;
        rounds = LAST_ROUNDS;
      }
      low3 ^= low;
      high3 ^= high;
      for (let round = 0; round < rounds; round++) {
        // v0 += v1, v1 <<<= 13, v1 ^= v0, v0 <<<= 32
        let sum = (low0 + low1) | 0;
        high0 = (high0 + high1 + carryOf(sum, low0)) | 0;
        let turned = (low1 << 13) | (high1 >>> 19);
        high1 = ((high1 << 13) | (low1 >>> 19)) ^ high0;
        low1 = turned ^ sum;
        low0 = high0;
        high0 = sum;
        // v2 += v3, v3 <<<= 16, v3 ^= v2
        sum = (low2 + low3) | 0;
        high2 = (high2 + high3 + carryOf(sum, low2)) | 0;
        low2 = sum;
        turned = (low3 << 16) | (high3 >>> 16);
        high3 = ((high3 << 16) | (low3 >>> 16)) ^ high2;
        low3 = turned ^ low2;
        // v0 += v3, v3 <<<= 21, v3 ^= v0
        sum = (low0 + low3) | 0;
        high0 = (high0 + high3 + carryOf(sum, low0)) | 0;
        low0 = sum;
        turned = (low3 << 21) | (high3 >>> 11);
        high3 = ((high3 << 21) | (low3 >>> 11)) ^ high0;
        low3 = turned ^ low0;
        // v2 += v1, v1 <<<= 17, v1 ^= v2, v2 <<<= 32
        sum = (low2 + low1) | 0;
        high2 = (high2 + high1 + carryOf(sum, low2)) | 0;
        turned = (low1 << 17) | (high1 >>> 15);
        high1 = ((high1 << 17) | (low1 >>> 15)) ^ high2;
        low1 = turned ^ sum;
        low2 = high2;
        high2 = sum;
      }
      low0 ^= low;
      high0 ^= high;
    }
    writeWord(out, offset, low0 ^ low1 ^ low2 ^ low3);
    writeWord(out, offset + 4, high0 ^ high1 ^ high2 ^ high3);
  }
}

/** 1 when a sum of lower halves is smaller than what was added to: it went over 32 bits. */
const carryOf = (sum: number, summand: number): number => (sum >>> 0 < summand >>> 0 ? 1 : 0);

const readWord = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) |
  ((bytes[at + 1] ?? 0) << 8) |
  ((bytes[at + 2] ?? 0) << 16) |
  ((bytes[at + 3] ?? 0) << 24);

/** A word of which only the bytes before `end` count. */
const readPart = (bytes: Uint8Array, at: number, end: number): number => {
  let word = 0;
  for (let i = 0; i < 4 && at + i < end; i++) word |= (bytes[at + i] ?? 0) << (8 * i);
  return word;
};

const writeWord = (out: Uint8Array, at: number, word: number): void => {
  out[at] = word & 0xff;
  out[at + 1] = (word >>> 8) & 0xff;
  out[at + 2] = (word >>> 16) & 0xff;
  out[at + 3] = (word >>> 24) & 0xff;
};
