// Many prefixes as bytes: an object with an array each costs a few hundred bytes, and is copied for every thread.
//
// The words lie in shared memory, so that a configuration with a hundred thousand prefixes is handed to another thread
// without a copy.
//
//   prefix: [word0][word1][word2][word3][bits]   five 32-bit words
import { type AddressWords, createAddress, type Prefix } from './address.ts';

const PREFIX_WORDS = 5;
const BITS = 4;
const FIRST_CAPACITY = 16;

/** Prefixes in the order in which they were written; plain data that travels between threads. */
export interface PrefixList {
  readonly words: Uint32Array;
}

/** Gathers a PrefixList. */
export class PrefixListBuilder {
  #words = new Uint32Array(FIRST_CAPACITY * PREFIX_WORDS);
  #count = 0;

  /** Prefixes so far. */
  get count(): number {
    return this.#count;
  }

  /** Adds one. */
  add(words: AddressWords, bits: number): void {
    const at = this.#count * PREFIX_WORDS;
    if (at === this.#words.length) {
      const larger = new Uint32Array(2 * at);
      larger.set(this.#words);
      this.#words = larger;
    }
    for (let i = 0; i < BITS; i++) this.#words[at + i] = words[i] ?? 0;
    this.#words[at + BITS] = bits;
    this.#count++;
  }

  /** What was added, in memory of its own. */
  build(): PrefixList {
    const words = sharedWords(this.#count * PREFIX_WORDS);
    words.set(this.#words.subarray(0, words.length));
    return { words };
  }
}

/** Memory for 32-bit words that threads share. */
export const sharedWords = (count: number): Uint32Array =>
  new Uint32Array(new SharedArrayBuffer(count * Uint32Array.BYTES_PER_ELEMENT));

/** Prefixes as bytes. */
export const packPrefixes = (prefixes: Iterable<Prefix>): PrefixList => {
  const builder = new PrefixListBuilder();
  for (const { words, bits } of prefixes) builder.add(words, bits);
  return builder.build();
};

/** The prefixes of lists one after the other, as one list. */
export const joinPrefixes = (...lists: readonly PrefixList[]): PrefixList => {
  const words = sharedWords(lists.reduce((sum, list) => sum + list.words.length, 0));
  let at = 0;
  for (const list of lists) {
    words.set(list.words, at);
    at += list.words.length;
  }
  return { words };
};

/** How many there are. */
export const countPrefixes = ({ words }: PrefixList): number => Math.floor(words.length / PREFIX_WORDS);

/** The prefix at an index. */
export const prefixAt = ({ words }: PrefixList, index: number): Prefix => {
  const at = index * PREFIX_WORDS;
  const address = createAddress();
  address.set(words.subarray(at, at + BITS));
  return { words: address, bits: words[at + BITS] ?? 0 };
};

/** The prefixes from an index on, up to another one; an object each, while it is looked at. */
export function* unpackPrefixes(
  list: PrefixList,
  from = 0,
  until = countPrefixes(list),
): Generator<Prefix, void> {
  for (let index = from; index < until; index++) yield prefixAt(list, index);
}

/** Indexes by address, then by length; equal prefixes keep their order. */
export const orderPrefixes = (list: PrefixList): Uint32Array => {
  const order = new Uint32Array(countPrefixes(list));
  for (let index = 0; index < order.length; index++) order[index] = index;
  return order.sort((a, b) => comparePrefixes(list, a, b) || a - b);
};

/** Negative when the prefix at `a` comes before that at `b`, 0 when they are equal. */
export const comparePrefixes = ({ words }: PrefixList, a: number, b: number): number => {
  for (let i = 0; i < PREFIX_WORDS; i++) {
    const difference = (words[a * PREFIX_WORDS + i] ?? 0) - (words[b * PREFIX_WORDS + i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
};
