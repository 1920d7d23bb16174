// Writes a message into the caller's buffer, with name compression (RFC 1035 section 4.1.4).
//
// For answers whose data is Cordon's own and for tests. Sections have to be written in their order; a record that
// does not fit sets `overflow` and changes nothing else, so a truncated message is still well-formed.
import { writeU16, writeU32 } from './message.ts';
import { nameEquals } from './name.ts';
import { HEADER_LENGTH, LABEL_LENGTH_MAX, TYPE } from './registry.ts';

/** Pointers have 14 bits. */
const POINTER_TARGET_MAX = 0x3fff;
/** Remembered names; more are written without compression, which is legal and keeps the search short. */
const COMPRESSION_TARGETS_MAX = 64;
/**
 * RDATA whose names may be compressed, because every reader knows its types (RFC 3597 section 4): bytes before the first
 * name, the number of names, and bytes after the last one.
 */
const NAMES_IN_RDATA: ReadonlyMap<number, readonly [before: number, count: number, after: number]> = new Map([
  [TYPE.NS, [0, 1, 0]],
  [TYPE.CNAME, [0, 1, 0]],
  [TYPE.PTR, [0, 1, 0]],
  [TYPE.MX, [2, 1, 0]],
  [TYPE.SOA, [0, 2, 20]],
]);
const NO_NAMES = [0, 0, 0] as const;

/** One message under construction. */
export class MessageBuilder {
  readonly bytes: Uint8Array;
  /** Offset after what was written. */
  length = 0;
  /** True once something did not fit. */
  overflow = false;
  /** Offsets of labels; negative in RDATA, where only the same letters are the same name: owners keep theirs. */
  readonly #targets: number[] = [];

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Begins a message: header with zero counts. */
  start(id: number, flags: number): this {
    this.bytes.fill(0, 0, HEADER_LENGTH);
    writeU16(this.bytes, 0, id);
    writeU16(this.bytes, 2, flags);
    this.length = HEADER_LENGTH;
    this.overflow = false;
    this.#targets.length = 0;
    return this;
  }

  /** Adds a question; the name is an uncompressed wire name. */
  question(name: Uint8Array, type: number, classNumber: number): this {
    const start = this.length;
    if (!this.#writeName(name, 4)) return this;
    writeU16(this.bytes, this.length, type);
    writeU16(this.bytes, this.length + 2, classNumber);
    this.length += 4;
    this.#remember(name, start);
    this.#count(4);
    return this;
  }

  /** Adds a record; names in `rdata` are uncompressed, and are compressed where that is allowed and keeps their letters. */
  record(
    section: number,
    owner: Uint8Array,
    type: number,
    classNumber: number,
    ttlSec: number,
    rdata: Uint8Array,
  ): this {
    const start = this.length;
    if (!this.#writeName(owner, 10 + rdata.length)) return this;
    writeU16(this.bytes, this.length, type);
    writeU16(this.bytes, this.length + 2, classNumber);
    writeU32(this.bytes, this.length + 4, ttlSec);
    this.#remember(owner, start);
    this.length += 10;
    const rdataStart = this.length;
    if (!this.#writeNames(type, rdata)) {
      this.bytes.set(rdata, rdataStart);
      this.length = rdataStart + rdata.length;
    }
    writeU16(this.bytes, rdataStart - 2, this.length - rdataStart);
    this.#count(6 + 2 * section);
    return this;
  }

  /** The finished message, a view of the caller's buffer. */
  finish(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  #count(offset: number): void {
    writeU16(this.bytes, offset, ((this.bytes[offset] ?? 0) << 8) + (this.bytes[offset + 1] ?? 0) + 1);
  }

  /** Writes RDATA with its names compressed; false when it has none, or is not what its type says. Its room is there. */
  #writeNames(type: number, rdata: Uint8Array): boolean {
    const [before, count, after] = NAMES_IN_RDATA.get(type) ?? NO_NAMES;
    if (count === 0) return false;
    const ends: number[] = [];
    for (let at = before; ends.length < count; ) {
      while (at < rdata.length && (rdata[at] ?? 0) > 0) {
        if ((rdata[at] ?? 0) > LABEL_LENGTH_MAX) return false;
        at += (rdata[at] ?? 0) + 1;
      }
      if (at++ >= rdata.length) return false;
      ends.push(at);
    }
    if (ends.at(-1) !== rdata.length - after) return false;
    this.bytes.set(rdata.subarray(0, before), this.length);
    this.length += before;
    let at = before;
    for (const end of ends) {
      const start = this.length;
      const name = rdata.subarray(at, end);
      this.#writeName(name, 0, true);
      this.#remember(name, start, -1);
      at = end;
    }
    this.bytes.set(rdata.subarray(at), this.length);
    this.length += rdata.length - at;
    return true;
  }

  /** Writes the name and makes sure that `after` more bytes fit behind it; writes nothing when they do not. */
  #writeName(name: Uint8Array, after: number, keepsLetters = false): boolean {
    let kept = 0;
    let target = -1;
    while (name[kept] !== 0 && kept < name.length) {
      target = this.#find(name, kept, keepsLetters);
      if (target >= 0) break;
      kept += (name[kept] ?? 0) + 1;
    }
    const nameLength = kept + (target >= 0 ? 2 : 1);
    if (this.length + nameLength + after > this.bytes.length) {
      this.overflow = true;
      return false;
    }
    this.bytes.set(name.subarray(0, kept), this.length);
    if (target >= 0) writeU16(this.bytes, this.length + kept, 0xc000 | target);
    else this.bytes[this.length + kept] = 0;
    this.length += nameLength;
    return true;
  }

  /** Offset of an earlier copy of the name's suffix at `from`, or -1. Only fully written names are remembered. */
  #find(name: Uint8Array, from: number, keepsLetters: boolean): number {
    const wanted = name.length - from;
    for (const place of this.#targets) {
      const target = Math.abs(place);
      if (this.#suffixEquals(target, name, from, wanted, keepsLetters || place < 0)) return target;
    }
    return -1;
  }

  #suffixEquals(
    target: number,
    name: Uint8Array,
    from: number,
    wanted: number,
    keepsLetters: boolean,
  ): boolean {
    let at = target;
    let position = from;
    while (position < from + wanted) {
      let label = this.bytes[at] ?? 0;
      if (label >= 0xc0) {
        at = ((label & 0x3f) << 8) | (this.bytes[at + 1] ?? 0);
        label = this.bytes[at] ?? 0;
      }
      if (label !== name[position] || !nameEquals(this.bytes, at + 1, name, position + 1, label))
        return false;
      for (let i = 1; keepsLetters && i <= label; i++)
        if (this.bytes[at + i] !== name[position + i]) return false;
      if (label === 0) return position === name.length - 1;
      at += label + 1;
      position += label + 1;
    }
    return false;
  }

  #remember(name: Uint8Array, start: number, sign: 1 | -1 = 1): void {
    let at = start;
    for (let position = 0; position < name.length - 1; position += (name[position] ?? 0) + 1) {
      if (at > POINTER_TARGET_MAX || this.#targets.length >= COMPRESSION_TARGETS_MAX) return;
      if ((this.bytes[at] ?? 0) >= 0xc0) return;
      this.#targets.push(sign * at);
      at += (name[position] ?? 0) + 1;
    }
  }
}
