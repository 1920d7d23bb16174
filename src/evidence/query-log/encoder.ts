// What makes bytes of queries, for one output each: into one piece of memory, many queries after another.
import type { RingQuery } from '../../telemetry/events/events.ts';

/** Bytes of a piece that is handed on: one write of a socket, and one of a file, which costs a turn of other threads. */
export const PIECE_BYTES = 131_072;
export const FILE_PIECE_BYTES = 524_288;
/** Behind a piece that is large enough: more than most queries take. */
const ROOM_BYTES = 32_768;
/** Pieces of memory that are kept for the next time. */
const SPARE_MAX = 4;

/** From here on one call of native code is quicker than a loop over bytes. */
const NATIVE_COPY_BYTES = 64;
/** Takes any array of bytes, and makes no object for a part of one. */
const copyNative = (Buffer.prototype as Buffer).copy;

/** Memory that bytes are appended to. */
export class Piece {
  bytes: Buffer;
  length = 0;
  readonly #memoryBytes: number;
  readonly #spare: Buffer[] = [];

  /** Is handed on when it has so many bytes. */
  constructor(sizeBytes = PIECE_BYTES) {
    this.#memoryBytes = sizeBytes + ROOM_BYTES;
    this.bytes = Buffer.allocUnsafeSlow(this.#memoryBytes);
  }

  /** Makes room for so many more bytes. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.length + count));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  /** Appends bytes for which there is room. One call of native code: 15 ns, as a loop takes for 24 bytes. */
  put(source: Uint8Array): void {
    this.bytes.set(source, this.length);
    this.length += source.length;
  }

  /** Appends a part of other bytes, for which there is room. */
  copy(source: Uint8Array, start: number, count: number): void {
    const { bytes, length } = this;
    this.length = length + count;
    if (count >= NATIVE_COPY_BYTES) copyNative.call(source, bytes, length, start, start + count);
    else for (let i = 0; i < count; i++) bytes[length + i] = source[start + i] ?? 0;
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

  /** What is there; it begins anew, in other memory. */
  take(): Buffer {
    const taken = this.bytes.subarray(0, this.length);
    this.length = 0;
    this.bytes = this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#memoryBytes);
    return taken;
  }

  /** Takes back the memory of what was taken, which nobody reads any more. */
  giveBack({ buffer }: Uint8Array): void {
    if (buffer.byteLength === this.#memoryBytes && this.#spare.length < SPARE_MAX)
      this.#spare.push(Buffer.from(buffer));
  }
}

/** Makes bytes of queries in the form of one output. */
export interface QueryEncoder {
  /** Appends a query; returns how many messages that were. */
  encode(query: RingQuery, piece: Piece): number;
}
