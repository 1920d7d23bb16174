// Reads the fields of a request (RFC 7541): what the numbers, letters and codes of a block stand for. Hot file.
//
// A block that cannot be read ends the connection, because every later block depends on it. What it says is bounded before
// it is kept: a few bytes can name fields of four kilobytes again and again.
import { createField, DynamicTable, type Field, kindOf, STATIC_FIELDS } from './field-table.ts';
import { HUFFMAN_GROWTH, readHuffman } from './huffman.ts';

/** Bytes of a block, and of the fields that it stands for (SETTINGS_MAX_HEADER_LIST_SIZE): the longest path, and what browsers send beside it. */
export const BLOCK_BYTES_MAX = 16_384;
const FIELDS_MAX = 64;

/** What came of reading a block. */
export const BLOCK = { READ: 0, BROKEN: 1, TOO_MUCH: 2 } as const;

/** First bits of a representation (RFC 7541 section 6). */
const INDEXED = 0x80;
const KEPT = 0x40;
const RESIZE = 0x20;
const HUFFMAN = 0x80;
/** Bits of the number that follows these. */
const INDEXED_BITS = 7;
const KEPT_BITS = 6;
const RESIZE_BITS = 5;
const LITERAL_BITS = 4;
const LENGTH_BITS = 7;
/** Above all numbers that can be right here; more bytes of one than this has groups of seven bits are refused. */
const NUMBER_MAX = 1 << 21;

/** Where strings in the code of Huffman are read into: of a whole block at most. */
const scratch = Buffer.allocUnsafeSlow(Math.ceil(BLOCK_BYTES_MAX * HUFFMAN_GROWTH) + 1);

/** Takes the fields of a block, one after another. */
export interface FieldSink {
  take(field: Field): void;
}

/** Reads the blocks of one connection, in their order. */
export class FieldBlocks {
  readonly #table = new DynamicTable();
  #bytes: Buffer = scratch;
  #at = 0;
  #end = 0;
  #isBroken = false;

  /** Reads a block; its fields go to `sink`. Returns one of BLOCK. */
  read(bytes: Buffer, start: number, end: number, sink: FieldSink): number {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#isBroken = false;
    let count = 0;
    let size = 0;
    while (this.#at < end) {
      const first = bytes[this.#at] ?? 0;
      if (first < INDEXED && first >= RESIZE && first < KEPT) {
        // Only at the beginning (RFC 7541 section 4.2).
        const sizeMax = this.#readNumber(RESIZE_BITS);
        if (count > 0 || this.#isBroken || !this.#table.resize(sizeMax)) return BLOCK.BROKEN;
        continue;
      }
      const field = this.#readField(first);
      if (field === undefined || this.#isBroken) return BLOCK.BROKEN;
      count++;
      size += field.size;
      if (count > FIELDS_MAX || size > BLOCK_BYTES_MAX) return BLOCK.TOO_MUCH;
      sink.take(field);
    }
    return BLOCK.READ;
  }

  #readField(first: number): Field | undefined {
    if (first >= INDEXED) return this.#find(this.#readNumber(INDEXED_BITS));
    const isKept = first >= KEPT;
    const index = this.#readNumber(isKept ? KEPT_BITS : LITERAL_BITS);
    const known = index === 0 ? undefined : this.#find(index);
    if (index !== 0 && known === undefined) return undefined;
    const name = known === undefined ? this.#readText() : known.name;
    const value = this.#readText();
    if (this.#isBroken) return undefined;
    const field = createField(name, value, kindOf(name));
    if (isKept) this.#table.add(field);
    return field;
  }

  #find(index: number): Field | undefined {
    const behind = index - 1 - STATIC_FIELDS.length;
    return behind < 0 ? STATIC_FIELDS[index - 1] : this.#table.get(behind);
  }

  /** A number whose first bits stand in the byte at hand (RFC 7541 section 5.1). */
  #readNumber(bits: number): number {
    const most = (1 << bits) - 1;
    let number = (this.#bytes[this.#at++] ?? 0) & most;
    if (number < most) return number;
    for (let shift = 0; ; shift += 7) {
      if (this.#at >= this.#end || shift > 21) return this.#break();
      const byte = this.#bytes[this.#at++] ?? 0;
      number += (byte & 0x7f) * 2 ** shift;
      if (number > NUMBER_MAX) return this.#break();
      if (byte < 0x80) return number;
    }
  }

  #readText(): string {
    if (this.#at >= this.#end || this.#isBroken) {
      this.#break();
      return '';
    }
    const isHuffman = (this.#bytes[this.#at] ?? 0) >= HUFFMAN;
    const length = this.#readNumber(LENGTH_BITS);
    const start = this.#at;
    const end = start + length;
    if (this.#isBroken || end > this.#end) {
      this.#break();
      return '';
    }
    this.#at = end;
    if (!isHuffman) return this.#bytes.toString('latin1', start, end);
    const read = readHuffman(this.#bytes, start, end, scratch);
    if (read >= 0) return scratch.toString('latin1', 0, read);
    this.#break();
    return '';
  }

  #break(): number {
    this.#isBroken = true;
    return 0;
  }
}
