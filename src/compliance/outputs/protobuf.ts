// Writes Protocol Buffers: the three wire types that dnstap's schema needs.
//
// https://protobuf.dev/programming-guides/encoding. A field is its number and wire type as a varint, then its value;
// order does not matter, and what is absent is not written. Nothing is read here.

const WIRE = { VARINT: 0, LENGTH: 2, FIXED32: 5 } as const;

/** One message under construction. */
export class ProtobufWriter {
  readonly #bytes: number[] = [];

  /** Any unsigned integer that a double holds exactly; absent when undefined. */
  varint(field: number, value: number | undefined): this {
    if (value === undefined) return this;
    this.#tag(field, WIRE.VARINT);
    this.#varint(value);
    return this;
  }

  /** Four bytes, little-endian. */
  fixed32(field: number, value: number): this {
    this.#tag(field, WIRE.FIXED32);
    for (let shift = 0; shift < 32; shift += 8) this.#bytes.push((value >>> shift) & 0xff);
    return this;
  }

  /** Bytes, a text in UTF-8, or a message; absent when undefined. */
  bytes(field: number, value: Uint8Array | string | undefined): this {
    if (value === undefined) return this;
    const content = typeof value === 'string' ? Buffer.from(value) : value;
    this.#tag(field, WIRE.LENGTH);
    this.#varint(content.length);
    for (const byte of content) this.#bytes.push(byte);
    return this;
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  #tag(field: number, wire: number): void {
    this.#varint(field * 8 + wire);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes.push((rest % 0x80) + 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes.push(rest);
  }
}
