// Sets of exemptions, by their indexes: which of them are about a client, which about a name. Hot file.
//
// A small set is a sorted list, a larger one a row of bits over all exemptions, so that finding the first member of two
// sets takes a few hundred steps at most, however the exemptions are made. All sets of an index share their memory.

/** Members of a list: comparing two of them takes as long as comparing rows of bits of 10,000 exemptions. */
const LIST_MAX = 128;
const WORD_BITS = 32;
/** Length of a set that is a row of bits. */
const BITS = 0xffff_ffff;

/** Where the parts of all sets lie. Plain data over shared memory. */
export interface SetMemory {
  /** Two words a set: where it starts, in `lists` or in `bits`; its members, or BITS. */
  readonly heads: Uint32Array;
  readonly lists: Uint16Array;
  readonly bits: Uint32Array;
}

/** Words of a row of bits over `count` exemptions. */
export const bitWords = (count: number): number => Math.ceil(count / WORD_BITS);

/** How much memory the sets need whose members are counted in `sizes`, for `count` exemptions. Once per change. */
export const measureSets = (sizes: Uint32Array, count: number): { lists: number; bits: number } => {
  let lists = 0;
  let bits = 0;
  for (const size of sizes) {
    if (size > LIST_MAX) bits += bitWords(count);
    else lists += size;
  }
  return { lists, bits };
};

/** Fills sets whose members are counted in `sizes`; `add` is called with them in rising order. Once per change. */
export class SetFiller {
  readonly #memory: SetMemory;
  /** Members that each list has. */
  readonly #filled: Uint32Array;

  constructor(memory: SetMemory, sizes: Uint32Array, count: number) {
    this.#memory = memory;
    this.#filled = new Uint32Array(sizes.length);
    let list = 0;
    let bit = 0;
    for (const [set, size] of sizes.entries()) {
      const isBits = size > LIST_MAX;
      memory.heads[2 * set] = isBits ? bit : list;
      memory.heads[2 * set + 1] = isBits ? BITS : size;
      if (isBits) bit += bitWords(count);
      else list += size;
    }
  }

  add(set: number, member: number): void {
    const { heads, lists, bits } = this.#memory;
    const start = heads[2 * set] ?? 0;
    if (heads[2 * set + 1] === BITS) {
      const word = start + (member >>> 5);
      bits[word] = (bits[word] ?? 0) | (1 << (member & 31));
      return;
    }
    const filled = this.#filled[set] ?? 0;
    lists[start + filled] = member;
    this.#filled[set] = filled + 1;
  }
}

/** Reads sets. */
export class MemberSets {
  readonly #heads: Uint32Array;
  readonly #lists: Uint16Array;
  readonly #bits: Uint32Array;
  readonly #words: number;

  /** `count` is the number of exemptions. */
  constructor({ heads, lists, bits }: SetMemory, count: number) {
    this.#heads = heads;
    this.#lists = lists;
    this.#bits = bits;
    this.#words = bitWords(count);
  }

  /** The lowest member below `limit` that both sets have and whose bit is set in `valid`; `limit` when there is none. */
  firstCommon(a: number, b: number, valid: Uint32Array, limit: number): number {
    const aIsBits = this.#heads[2 * a + 1] === BITS;
    const bIsBits = this.#heads[2 * b + 1] === BITS;
    if (aIsBits && bIsBits) return this.#firstOfBits(a, b, valid, limit);
    if (aIsBits) return this.#firstOfList(b, a, valid, limit);
    if (bIsBits) return this.#firstOfList(a, b, valid, limit);
    return this.#firstOfLists(a, b, valid, limit);
  }

  #firstOfBits(a: number, b: number, valid: Uint32Array, limit: number): number {
    const bits = this.#bits;
    const aStart = this.#heads[2 * a] ?? 0;
    const bStart = this.#heads[2 * b] ?? 0;
    for (let i = 0; i < this.#words; i++) {
      const common = (bits[aStart + i] ?? 0) & (bits[bStart + i] ?? 0) & (valid[i] ?? 0);
      if (common !== 0) return Math.min(limit, i * WORD_BITS + 31 - Math.clz32(common & -common));
    }
    return limit;
  }

  #firstOfList(list: number, bitSet: number, valid: Uint32Array, limit: number): number {
    const start = this.#heads[2 * list] ?? 0;
    const end = start + (this.#heads[2 * list + 1] ?? 0);
    const bitStart = this.#heads[2 * bitSet] ?? 0;
    for (let i = start; i < end; i++) {
      const member = this.#lists[i] ?? 0;
      if (member >= limit) return limit;
      const both = (this.#bits[bitStart + (member >>> 5)] ?? 0) & (valid[member >>> 5] ?? 0);
      if ((both & (1 << (member & 31))) !== 0) return member;
    }
    return limit;
  }

  #firstOfLists(a: number, b: number, valid: Uint32Array, limit: number): number {
    const lists = this.#lists;
    let i = this.#heads[2 * a] ?? 0;
    let j = this.#heads[2 * b] ?? 0;
    const iEnd = i + (this.#heads[2 * a + 1] ?? 0);
    const jEnd = j + (this.#heads[2 * b + 1] ?? 0);
    while (i < iEnd && j < jEnd) {
      const left = lists[i] ?? 0;
      const right = lists[j] ?? 0;
      if (left >= limit) return limit;
      if (left < right) i++;
      else if (left > right) j++;
      else if (((valid[left >>> 5] ?? 0) & (1 << (left & 31))) !== 0) return left;
      else {
        i++;
        j++;
      }
    }
    return limit;
  }
}
