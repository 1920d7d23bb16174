// Writes a message into the caller's buffer, with name compression (RFC 1035 section 4.1.4).
//
// For answers that are made here or made anew, and for tests. Sections have to be written in their order; a record that
// does not fit sets `overflow` and changes nothing else, so a truncated message is still well-formed.
//
// Names may be an attacker's. Each byte of one is looked at a bounded number of times, however many labels it has: the
// hashes of all its ends are made in one pass, and remembered names stand by the length of their rest, so that one walk
// compares all ends with them (suffix-targets.ts).
import { writeU16, writeU32 } from './message.ts';
import { HEADER_LENGTH, LABEL_LENGTH_MAX, NAME_LENGTH_MAX, TYPE } from './registry.ts';
import { SuffixTargets } from './suffix-targets.ts';

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
  readonly #targets = new SuffixTargets();
  /** Where the owner of the last record stands or is pointed at; 0 where later names cannot point. */
  #lastOwner = 0;

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
    this.#targets.clear();
    this.#lastOwner = 0;
    return this;
  }

  /** Adds a question; the name is an uncompressed wire name. */
  question(name: Uint8Array, type: number, classNumber: number): this {
    const start = this.length;
    if (!this.#writeName(name, 4)) return this;
    writeU16(this.bytes, this.length, type);
    writeU16(this.bytes, this.length + 2, classNumber);
    this.length += 4;
    this.#targets.remember(start, false);
    this.#count(4);
    return this;
  }

  /**
   * Adds a record; names in `rdata` are uncompressed, and are compressed where that is allowed and keeps their letters. With
   * `repeatsOwner` the owner is that of the record before, and is not compared with anything.
   */
  record(
    section: number,
    owner: Uint8Array,
    type: number,
    classNumber: number,
    ttlSec: number,
    rdata: Uint8Array,
    repeatsOwner = false,
  ): this {
    const isWritten =
      repeatsOwner && this.#lastOwner > 0
        ? this.#writePointer(this.#lastOwner, 10 + rdata.length)
        : this.#writeOwner(owner, 10 + rdata.length);
    if (!isWritten) return this;
    writeU16(this.bytes, this.length, type);
    writeU16(this.bytes, this.length + 2, classNumber);
    writeU32(this.bytes, this.length + 4, ttlSec);
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
      this.#targets.remember(start, true);
      at = end;
    }
    this.bytes.set(rdata.subarray(at), this.length);
    this.length += rdata.length - at;
    return true;
  }

  #writeOwner(owner: Uint8Array, after: number): boolean {
    const start = this.length;
    this.#lastOwner = 0;
    if (!this.#writeName(owner, after)) return false;
    this.#lastOwner = this.#targets.remember(start, false);
    return true;
  }

  #writePointer(target: number, after: number): boolean {
    if (this.length + 2 + after > this.bytes.length) {
      this.overflow = true;
      return false;
    }
    writeU16(this.bytes, this.length, 0xc000 | target);
    this.length += 2;
    return true;
  }

  /**
   * Writes the name and makes sure that `after` more bytes fit behind it; writes nothing when they do not. A name that is too
   * long to be one is written as it stands.
   */
  #writeName(name: Uint8Array, after: number, keepsLetters = false): boolean {
    const targets = this.#targets;
    const target =
      name.length > NAME_LENGTH_MAX ? targets.pass() : targets.find(this.bytes, name, keepsLetters);
    const kept = target < 0 ? name.length - 1 : targets.keptLength;
    const nameLength = kept + (target < 0 ? 1 : 2);
    if (this.length + nameLength + after > this.bytes.length) {
      this.overflow = true;
      return false;
    }
    this.bytes.set(name.subarray(0, kept), this.length);
    if (target < 0) this.bytes[this.length + kept] = 0;
    else writeU16(this.bytes, this.length + kept, 0xc000 | target);
    this.length += nameLength;
    return true;
  }
}
