// The code of Huffman in which HTTP/2 writes strings (RFC 7541 section 5.2 and appendix B). Hot file.
//
// The code is canonical: symbols stand in the order of their lengths, then of their values, so that the lengths say it all.
// It is read four bits at a time. The shortest code has five, so that four bits never end two symbols.

/** Bits of the code of each byte, and of EOS behind them (RFC 7541 appendix B). */
// biome-ignore format: rows of sixteen, as the bytes stand
const CODE_BITS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];
const EOS = 256;
const NIBBLE_BITS = 4;
const NIBBLES = 16;
/** Padding is shorter than a byte, and all ones (RFC 7541 section 5.2). */
const PADDING_BITS_MAX = 7;

/** Where four bits lead from a place within a code: the next place, and the symbol that ended on the way. */
interface Steps {
  /** Place × 16 + four bits; -1: no code goes on like this. */
  readonly next: Int16Array;
  /** The byte that ended; -1: none. */
  readonly symbol: Int16Array;
  /** 1: what was read since the last symbol may be padding. */
  readonly mayEnd: Uint8Array;
}

/** A place within the codes: what follows on a 0 and on a 1; a number is a symbol. */
type Node = [zero: Node | number | undefined, one: Node | number | undefined];

const buildTree = (): Node => {
  const root: Node = [undefined, undefined];
  const symbols = CODE_BITS.map((bits, symbol) => ({ bits, symbol })).sort(
    (a, b) => a.bits - b.bits || a.symbol - b.symbol,
  );
  let code = 0;
  let codeBits = 0;
  for (const { bits, symbol } of symbols) {
    code <<= bits - codeBits;
    codeBits = bits;
    let node = root;
    for (let at = bits - 1; at > 0; at--) {
      const side = (code >>> at) & 1;
      const next = node[side];
      if (Array.isArray(next)) node = next;
      else {
        const created: Node = [undefined, undefined];
        node[side] = created;
        node = created;
      }
    }
    node[code & 1] = symbol;
    code++;
  }
  return root;
};

const buildSteps = (): Steps => {
  const root = buildTree();
  const places: Node[] = [root];
  for (const node of places) for (const next of node) if (Array.isArray(next)) places.push(next);
  const steps: Steps = {
    next: new Int16Array(places.length * NIBBLES).fill(-1),
    symbol: new Int16Array(places.length * NIBBLES).fill(-1),
    mayEnd: new Uint8Array(places.length),
  };
  for (let place: Node | number | undefined = root, bits = 0; bits <= PADDING_BITS_MAX; bits++) {
    if (!Array.isArray(place)) break;
    steps.mayEnd[places.indexOf(place)] = 1;
    place = place[1];
  }
  for (let index = 0; index < places.length * NIBBLES; index++) {
    let at: Node | undefined = places[index >>> NIBBLE_BITS];
    for (let bit = NIBBLE_BITS - 1; bit >= 0 && at !== undefined; bit--) {
      const next: Node | number | undefined = at[(index >>> bit) & 1];
      if (typeof next !== 'number') at = next;
      else if (next === EOS) at = undefined;
      else {
        steps.symbol[index] = next;
        at = root;
      }
    }
    if (at !== undefined) steps.next[index] = places.indexOf(at);
  }
  return steps;
};

const { next: NEXT, symbol: SYMBOL, mayEnd: MAY_END } = buildSteps();

/** At most so many bytes come of one: its shortest codes. */
export const HUFFMAN_GROWTH = 8 / 5;

/**
 * Reads the bytes from `start` to `end` and writes what they say into `out`, which holds HUFFMAN_GROWTH times as many.
 * Returns how many that are, or -1 where they are no such code.
 */
export const readHuffman = (bytes: Uint8Array, start: number, end: number, out: Uint8Array): number => {
  let place = 0;
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    for (let shift = NIBBLE_BITS; shift >= 0; shift -= NIBBLE_BITS) {
      const step = (place << NIBBLE_BITS) | ((byte >>> shift) & (NIBBLES - 1));
      const symbol = SYMBOL[step] ?? -1;
      if (symbol >= 0) out[length++] = symbol;
      place = NEXT[step] ?? -1;
      if (place < 0) return -1;
    }
  }
  return MAY_END[place] === 1 ? length : -1;
};
