// Writes a message into the caller's buffer, with name compression (RFC 1035 section 4.1.4).
//
// For answers whose data is Cordon's own and for tests. Sections have to be written in their order; a record that
// does not fit sets `overflow` and changes nothing else, so a truncated message is still well-formed.
import { writeU16, writeU32 } from './message.ts';
import { nameEquals } from './name.ts';
import { HEADER_LENGTH } from './registry.ts';

/** Pointers have 14 bits. */
const POINTER_TARGET_MAX = 0x3fff;
/** Remembered names; more are written without compression, which is legal and keeps the search short. */
const COMPRESSION_TARGETS_MAX = 64;

/** One message under construction. */
export class MessageBuilder {
  readonly bytes: Uint8Array;
  /** Offset after what was written. */
  length = 0;
  /** True once something did not fit. */
  overflow = false;
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

  /** Adds a record; `rdata` is written as it stands, names in it uncompressed. */
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
    writeU16(this.bytes, this.length + 8, rdata.length);
    this.bytes.set(rdata, this.length + 10);
    this.length += 10 + rdata.length;
    this.#remember(owner, start);
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

  /** Writes the name and makes sure that `after` more bytes fit behind it; writes nothing when they do not. */
  #writeName(name: Uint8Array, after: number): boolean {
    let kept = 0;
    let target = -1;
    while (name[kept] !== 0 && kept < name.length) {
      target = this.#find(name, kept);
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
  #find(name: Uint8Array, from: number): number {
    const wanted = name.length - from;
    for (const target of this.#targets) {
      if (this.#suffixEquals(target, name, from, wanted)) return target;
    }
    return -1;
  }

  #suffixEquals(target: number, name: Uint8Array, from: number, wanted: number): boolean {
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
      if (label === 0) return position === name.length - 1;
      at += label + 1;
      position += label + 1;
    }
    return false;
  }

  #remember(name: Uint8Array, start: number): void {
    let at = start;
    for (let position = 0; position < name.length - 1; position += (name[position] ?? 0) + 1) {
      if (at > POINTER_TARGET_MAX || this.#targets.length >= COMPRESSION_TARGETS_MAX) return;
      if ((this.bytes[at] ?? 0) >= 0xc0) return;
      this.#targets.push(at);
      at += (name[position] ?? 0) + 1;
    }
  }
}
