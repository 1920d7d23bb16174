// Longest-prefix match over IPv4 and IPv6 in flat memory. Hot file: find() runs per query and per answer address.
//
// Rows are sorted by address, then by length; each row knows the row of the nearest prefix that encloses it. A
// look-up is a binary search for the last row that starts at or below the address, then a climb to the first
// ancestor that contains it. The same prefix may stand in several rows (one per list): they form one climb.
//
//   row: [word0][word1][word2][word3][bits][parent + 1][value]   seven 32-bit words
import { type AddressWords, matchesPrefix, type Prefix } from './address.ts';
import {
  countPrefixes,
  joinPrefixes,
  orderPrefixes,
  type PrefixList,
  packPrefixes,
  prefixAt,
  sharedWords,
} from './prefix-list.ts';

const ROW_WORDS = 7;
const BITS = 4;
const PARENT = 5;
const VALUE = 6;

/** What a prefix stands for: any 32-bit number that the caller understands. */
export interface PrefixEntry {
  readonly prefix: Prefix;
  readonly value: number;
}

/** An immutable set of prefixes with a number each. */
export class PrefixTable {
  /** The rows; may lie in shared memory. */
  readonly rows: Uint32Array;
  readonly #count: number;
  readonly #scratch: AddressWords = new Uint32Array(4);

  constructor(rows: Uint32Array) {
    this.rows = rows;
    this.#count = Math.floor(rows.length / ROW_WORDS);
  }

  /** Words that `count` prefixes need. */
  static wordsFor(count: number): number {
    return count * ROW_WORDS;
  }

  /** Builds the table into `rows`, which must hold wordsFor(entries.length) words. Equal prefixes keep their order. */
  static build(
    entries: readonly PrefixEntry[],
    rows: Uint32Array = new Uint32Array(PrefixTable.wordsFor(entries.length)),
  ): PrefixTable {
    return fill(
      rows,
      packPrefixes(entries.map(({ prefix }) => prefix)),
      (index) => entries[index]?.value ?? 0,
    );
  }

  /** Builds the table of lists, in memory that threads share; what each prefix stands for is the index of its list. */
  static buildOf(lists: readonly PrefixList[]): PrefixTable {
    const values = new Uint32Array(lists.reduce((sum, list) => sum + countPrefixes(list), 0));
    let at = 0;
    for (const [value, list] of lists.entries()) {
      const end = at + countPrefixes(list);
      values.fill(value, at, end);
      at = end;
    }
    const rows = sharedWords(PrefixTable.wordsFor(values.length));
    return fill(rows, joinPrefixes(...lists), (index) => values[index] ?? 0);
  }

  /** Number of prefixes. */
  get size(): number {
    return this.#count;
  }

  /** The row of the longest prefix that contains the address, or -1. */
  find(address: AddressWords): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#startsAfter(middle, address)) high = middle;
      else low = middle + 1;
    }
    return this.#climb(low - 1, address);
  }

  /** The row of the next shorter (or equal) prefix that contains the address, or -1. */
  next(row: number): number {
    return (this.rows[row * ROW_WORDS + PARENT] ?? 0) - 1;
  }

  /** The number that the row stands for. */
  value(row: number): number {
    return this.rows[row * ROW_WORDS + VALUE] ?? 0;
  }

  /** The length of the row's prefix, 0 to 128 in the mapped form. */
  bits(row: number): number {
    return this.rows[row * ROW_WORDS + BITS] ?? 0;
  }

  /** The prefixes by address, an object each while it is looked at. Not per query. */
  *prefixes(): Generator<Prefix, void> {
    for (let row = 0; row < this.#count; row++) {
      const at = row * ROW_WORDS;
      yield { words: this.rows.slice(at, at + BITS), bits: this.rows[at + BITS] ?? 0 };
    }
  }

  #startsAfter(row: number, address: AddressWords): boolean {
    const at = row * ROW_WORDS;
    for (let i = 0; i < 4; i++) {
      const word = this.rows[at + i] ?? 0;
      const wanted = address[i] ?? 0;
      if (word !== wanted) return word > wanted;
    }
    return false;
  }

  #climb(start: number, address: AddressWords): number {
    let row = start;
    while (row >= 0) {
      const at = row * ROW_WORDS;
      for (let i = 0; i < 4; i++) this.#scratch[i] = this.rows[at + i] ?? 0;
      if (matchesPrefix(address, this.#scratch, this.rows[at + BITS] ?? 0)) return row;
      row = (this.rows[at + PARENT] ?? 0) - 1;
    }
    return -1;
  }
}

/** Writes the rows. Once per table. */
const fill = (rows: Uint32Array, list: PrefixList, numberOf: (index: number) => number): PrefixTable => {
  for (const [row, index] of orderPrefixes(list).entries()) {
    const { words, bits } = prefixAt(list, index);
    const at = row * ROW_WORDS;
    rows.set(words, at);
    rows[at + BITS] = bits;
    rows[at + VALUE] = numberOf(index);
    let parent = row - 1;
    while (parent >= 0 && !containsPrefix(rows, parent, words, bits)) {
      parent = (rows[parent * ROW_WORDS + PARENT] ?? 0) - 1;
    }
    rows[at + PARENT] = parent + 1;
  }
  return new PrefixTable(rows);
};

const containsPrefix = (rows: Uint32Array, row: number, words: AddressWords, innerBits: number): boolean => {
  const at = row * ROW_WORDS;
  const bits = rows[at + BITS] ?? 0;
  return bits <= innerBits && matchesPrefix(words, rows.subarray(at, at + BITS), bits);
};
