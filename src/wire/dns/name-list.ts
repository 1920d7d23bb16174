// Folded names of one message that many others are compared with: is it one of them, is it above one of them. Hot file.
//
// An answer has thousands of records whose owners are names of 255 bytes in two bytes each, and dozens of aliases. Each name
// is hashed once at all its ends, so that a comparison is one of two numbers, and bytes are looked at where these are equal.
// The seed is the process's own; what an attacker could do who knew it is bounded by the length of the list.
import { randomInt } from 'node:crypto';
import { NAME_LENGTH_MAX } from './registry.ts';

const SEED = randomInt(0x1_0000_0000) | 0;
const PRIME = 0x0100_0193;
/** Bytes and ends of one name in the tables of a list. */
const STRIDE = NAME_LENGTH_MAX + 1;
/** Labels of a name: each takes two bytes at least. */
const LABELS_MAX = NAME_LENGTH_MAX >> 1;
/** Stands for an end that does not begin with a label. */
const NONE = 0;

const starts = new Uint8Array(LABELS_MAX + 1);

/** Hashes the first `length` bytes of a folded wire name; `ends` gets the hash of the end at each label, NONE elsewhere. */
const hashEnds = (name: Uint8Array, length: number, ends: Int32Array | undefined, at: number): number => {
  let count = 0;
  for (let start = 0; start < length - 1 && count < LABELS_MAX; start += (name[start] ?? 0) + 1)
    starts[count++] = start;
  if (ends !== undefined) {
    for (let i = 0; i < length; i++) ends[at + i] = NONE;
    ends[at + length - 1] = SEED | 1;
  }
  let hash = SEED | 1;
  let end = length - 1;
  for (let label = count - 1; label >= 0; label--) {
    const start = starts[label] ?? 0;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ (name[i] ?? 0), PRIME);
    // High bits come down: a product alone moves them up only. Never NONE.
    hash = (hash ^ (hash >>> 15)) | 1;
    if (ends !== undefined) ends[at + start] = hash;
    end = start;
  }
  return hash;
};

/** A number that the same folded names have in common. */
export const hashName = (name: Uint8Array, length: number): number => hashEnds(name, length, undefined, 0);

/** At most so many folded wire names. */
export class NameList {
  count = 0;
  readonly #max: number;
  readonly #names: Uint8Array;
  readonly #lengths: Uint8Array;
  readonly #ends: Int32Array;

  constructor(max: number) {
    this.#max = max;
    this.#names = new Uint8Array(max * STRIDE);
    this.#lengths = new Uint8Array(max);
    this.#ends = new Int32Array(max * STRIDE);
  }

  /** Begins anew. */
  clear(): void {
    this.count = 0;
  }

  /** Adds the first `length` bytes of a name; false when the list is full. */
  add(name: Uint8Array, length: number): boolean {
    if (this.count === this.#max) return false;
    const at = this.count * STRIDE;
    for (let i = 0; i < length; i++) this.#names[at + i] = name[i] ?? 0;
    this.#lengths[this.count++] = length;
    hashEnds(name, length, this.#ends, at);
    return true;
  }

  /** True when the name is one of these. */
  has(name: Uint8Array, length: number): boolean {
    const hash = hashName(name, length);
    for (let i = this.count - 1; i >= 0; i--)
      if (this.#lengths[i] === length && this.#endsSo(i, 0, name, length, hash)) return true;
    return false;
  }

  /** True when the name is one of these or above one. */
  hasBelow(name: Uint8Array, length: number): boolean {
    const hash = hashName(name, length);
    for (let i = this.count - 1; i >= 0; i--) {
      const start = (this.#lengths[i] ?? 0) - length;
      if (start >= 0 && this.#endsSo(i, start, name, length, hash)) return true;
    }
    return false;
  }

  #endsSo(index: number, start: number, name: Uint8Array, length: number, hash: number): boolean {
    const at = index * STRIDE + start;
    if (this.#ends[at] !== hash) return false;
    for (let i = 0; i < length; i++) if (this.#names[at + i] !== name[i]) return false;
    return true;
  }
}
