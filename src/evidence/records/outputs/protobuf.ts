// Writes Protocol Buffers: the three wire types that dnstap's schema needs.
//
// https://protobuf.dev/programming-guides/encoding. A field is its number and wire type as a varint, then its value;
// order does not matter, and what is absent is not written. Nothing is read here.

const WIRE = { VARINT: 0, LENGTH: 2, FIXED32: 5 } as const;
/** First size of the memory that a writer keeps; it doubles as needed. */
const LENGTH_FIRST = 1_024;
/** A tag of one byte and the longest varint of a number that a double holds exactly. */
const PREFIX_LENGTH_MAX = 12;

/** Writes one message after the other into memory that it keeps. */
export class ProtobufWriter {
  #bytes = Buffer.allocUnsafe(LENGTH_FIRST);
  #length = 0;

  /** Any unsigned integer that a double holds exactly; absent when undefined. */
  varint(field: number, value: number | undefined): this {
    if (value === undefined) return this;
    this.#reserve(0);
    this.#tag(field, WIRE.VARINT);
    this.#varint(value);
    return this;
  }

  /** Four bytes, little-endian. */
  fixed32(field: number, value: number): this {
    this.#reserve(4);
    this.#tag(field, WIRE.FIXED32);
    this.#length = this.#bytes.writeUInt32LE(value, this.#length);
    return this;
  }

  /** Bytes, a text in UTF-8, or a message; absent when undefined. */
  bytes(field: number, value: Uint8Array | string | undefined): this {
    if (value === undefined) return this;
    const length = typeof value === 'string' ? Buffer.byteLength(value) : value.length;
    this.#reserve(length);
    this.#tag(field, WIRE.LENGTH);
    this.#varint(length);
    if (typeof value === 'string') this.#bytes.write(value, this.#length);
    else this.#bytes.set(value, this.#length);
    this.#length += length;
    return this;
  }

  /** A copy of the message; the writer begins anew. */
  finish(): Uint8Array {
    const message = Buffer.from(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return message;
  }

  #reserve(length: number): void {
    const needed = this.#length + PREFIX_LENGTH_MAX + length;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }

  #tag(field: number, wire: number): void {
    this.#varint(field * 8 + wire);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) + 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }
}
