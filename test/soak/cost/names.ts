// Names of a message in every way that a sender can write them: whole, by a pointer, by many.
import { HEADER_LENGTH, MESSAGE_LENGTH_MAX, NAME_LENGTH_MAX } from '../../../src/wire/dns/dns.ts';

const POINTER_MAX = 0x3fff;
export const LABEL_MAX = 63;

/** How a name is written. `i` is the number of the record in its group. */
export const NAME = {
  QNAME: 0,
  ROOT: 1,
  /** A pointer to the name in the RDATA of the record before. */
  LAST: 2,
  /** A label of `i` below QNAME. */
  FRESH: 3,
  /** A name of its own, written out. */
  SPELLED: 4,
  /** A label, and a pointer to the name before: as deep as a name may be, then anew. */
  CHAIN: 5,
  /** A pointer to a long name. */
  LONG: 6,
  /** A label of `i` below a long name. */
  BELOW_LONG: 7,
  /** A pointer to a name above QNAME. */
  ABOVE: 8,
  /** A pointer to the pointer before. */
  HOP: 9,
  /** QNAME in other letters. */
  LETTERS: 10,
  /** The owner of the record after, where owners are FRESH. */
  NEXT: 11,
  /** A long name that differs from the others in its last label only, written out. */
  TAIL: 12,
  /** QNAME, written out. */
  WHOLE: 13,
} as const;

/** What names may point at. */
export interface Places {
  readonly qname: Uint8Array;
  /** Where the name in the RDATA of the record before stands. */
  readonly lastTarget: number;
  /** Where a label of QNAME stands. */
  labelAt(i: number): number;
}

/** A label of a number, of `size` bytes where that is enough. */
const labelOf = (number: number, size: number): Uint8Array => {
  const text = number.toString(36).padStart(size, 'x').slice(-LABEL_MAX);
  return Uint8Array.of(text.length, ...Buffer.from(text, 'latin1'));
};

/** Bytes of a message, one after the other. */
export class Writer {
  readonly bytes = new Uint8Array(MESSAGE_LENGTH_MAX);
  at = HEADER_LENGTH;
  isFull = false;

  u8(value: number): void {
    if (this.at < this.bytes.length) this.bytes[this.at] = value;
    else this.isFull = true;
    this.at++;
  }

  u16(value: number): void {
    this.u8((value >>> 8) & 0xff);
    this.u8(value & 0xff);
  }

  all(bytes: Uint8Array): void {
    if (this.at + bytes.length <= this.bytes.length) this.bytes.set(bytes, this.at);
    else this.isFull = true;
    this.at += bytes.length;
  }

  fill(size: number, value: number): void {
    if (this.at + size <= this.bytes.length) this.bytes.fill(value, this.at, this.at + size);
    else this.isFull = true;
    this.at += size;
  }

  pointer(offset: number): void {
    this.u16(0xc000 | (offset > POINTER_MAX ? HEADER_LENGTH : offset));
  }
}

/** Records of one kind. */
export class Group {
  readonly #value: (name: string) => number;
  readonly number: number;
  /** Where the long name stands, once there is one. */
  #longAt = 0;
  #longTail = 0;
  #chainAt = 0;
  #chainLength = 0;
  #hopAt = 0;

  constructor(number: number, value: (name: string) => number) {
    this.number = number;
    this.#value = value;
  }

  gene(name: string): number {
    return this.#value(`${name}${this.number}`);
  }

  name(out: Writer, kind: number, i: number, message: Places): void {
    const at = out.at;
    switch (kind) {
      case NAME.ROOT:
        out.u8(0);
        break;
      case NAME.LAST:
        out.pointer(message.lastTarget);
        break;
      case NAME.FRESH:
      case NAME.NEXT:
        out.all(labelOf(kind === NAME.NEXT ? i + 1 : i, 1));
        out.pointer(HEADER_LENGTH);
        break;
      case NAME.SPELLED:
        this.#spell(out, labelOf(i, this.gene('label')), undefined);
        break;
      case NAME.TAIL:
        this.#spell(out, undefined, labelOf(i, 4));
        break;
      case NAME.CHAIN:
        this.#link(out, i);
        break;
      case NAME.LONG:
        this.#long(out, undefined);
        break;
      case NAME.BELOW_LONG:
        this.#long(out, labelOf(i, 1));
        break;
      case NAME.ABOVE:
        out.pointer(message.labelAt(i));
        break;
      case NAME.HOP:
        out.pointer(this.#hopAt === 0 ? HEADER_LENGTH : this.#hopAt);
        this.#hopAt = at;
        break;
      case NAME.LETTERS:
        out.all(
          Uint8Array.from(message.qname, (byte) => (byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte)),
        );
        break;
      case NAME.WHOLE:
        out.all(message.qname);
        break;
      default:
        out.pointer(HEADER_LENGTH);
    }
  }

  /** A name of the group's labels, with one of its own at the beginning or at the end. */
  #spell(out: Writer, first: Uint8Array | undefined, last: Uint8Array | undefined): void {
    const size = this.gene('label');
    let left = NAME_LENGTH_MAX - 1 - (first?.length ?? 0) - (last?.length ?? 0);
    if (first !== undefined) out.all(first);
    for (let i = 1; i < this.gene('labels') && left > size; i++, left -= size + 1) {
      out.u8(size);
      out.fill(size, 0x61 + (i % 26));
    }
    if (last !== undefined) out.all(last);
    out.u8(0);
  }

  #long(out: Writer, first: Uint8Array | undefined): void {
    if (this.#longAt === 0) {
      this.#longAt = out.at;
      this.#spell(out, labelOf(this.number, this.gene('label')), undefined);
      // What a label more would make too long is left out.
      this.#longTail = this.#longAt + this.gene('label') + 1;
      return;
    }
    if (first === undefined) out.pointer(this.#longAt);
    else {
      out.all(first);
      out.pointer(this.#longTail);
    }
  }

  #link(out: Writer, i: number): void {
    const label = labelOf(i, this.gene('label'));
    const isAnew = this.#chainAt === 0 || this.#chainAt > POINTER_MAX;
    const at = out.at;
    out.all(label);
    if (isAnew || this.#chainLength + label.length > NAME_LENGTH_MAX || this.#chainLength === 0) {
      out.u8(0);
      this.#chainLength = label.length + 1;
    } else {
      out.pointer(this.#chainAt);
      this.#chainLength += label.length;
    }
    this.#chainAt = at;
  }
}
