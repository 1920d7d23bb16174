// What makes bytes of queries, for one output each: into one piece of memory, many queries after another.
import type { RingQuery } from '../../telemetry/events/events.ts';

/** Bytes of a piece that is handed on: one write of a socket or a file. */
export const PIECE_BYTES = 65_536;

/** Memory that bytes are appended to. */
export class Piece {
  bytes = Buffer.allocUnsafeSlow(4 * PIECE_BYTES);
  length = 0;

  /** Makes room for so many more bytes. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.length + count));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  /** Appends bytes for which there is room. */
  put(source: Uint8Array): void {
    const { bytes, length } = this;
    for (let i = 0; i < source.length; i++) bytes[length + i] = source[i] ?? 0;
    this.length = length + source.length;
  }

  /** Appends a part of other bytes, for which there is room. */
  copy(source: Uint8Array, start: number, count: number): void {
    const { bytes, length } = this;
    for (let i = 0; i < count; i++) bytes[length + i] = source[start + i] ?? 0;
    this.length = length + count;
  }

  /** Appends a text of ASCII; makes room itself. */
  text(text: string): void {
    this.reserve(text.length);
    this.length += this.bytes.write(text, this.length, 'latin1');
  }

  /** Appends a whole number in decimal digits, for which there is room. */
  number(value: number): void {
    let digits = 1;
    for (let power = 10; power <= value; power *= 10) digits++;
    let rest = value;
    for (let at = this.length + digits - 1; at >= this.length; at--) {
      const next = Math.floor(rest / 10);
      this.bytes[at] = 0x30 + (rest - 10 * next);
      rest = next;
    }
    this.length += digits;
  }

  /** A copy of what is there; it begins anew. */
  take(): Buffer {
    const taken = Buffer.from(this.bytes.subarray(0, this.length));
    this.length = 0;
    return taken;
  }
}

/** Makes bytes of queries in the form of one output. */
export interface QueryEncoder {
  /** Appends a query; returns how many messages that were. */
  encode(query: RingQuery, piece: Piece): number;
}
