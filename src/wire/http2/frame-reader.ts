// Puts frames of HTTP/2 together from the pieces that they arrive in (RFC 9113 section 4.1). Hot file.
//
// It is asked for one frame after another, so that its owner can stop in the middle of what came: what is left stays here,
// one piece of the connection's input at most, while nothing more is read.
import { FRAME_BYTES_MAX, FRAME_HEADER, PREFACE } from './registry.ts';

/** What next() found. */
export const FOUND = { NOTHING: 0, FRAME: 1, TOO_LONG: 2, NO_PREFACE: 3 } as const;

const NOTHING = Buffer.alloc(0);
const STREAM_MASK = 0x7fff_ffff;

/** The frames of one connection, and the preface before them. */
export class FrameReader {
  /** Of the frame that was found. */
  type = 0;
  flags = 0;
  stream = 0;
  /** Its payload stands in `bytes` from `start` to `end`, until the next call. */
  bytes: Buffer = NOTHING;
  start = 0;
  end = 0;
  /** Nothing comes behind what was pushed. */
  hasEnded = false;
  #chunk: Buffer = NOTHING;
  #at = 0;
  /** The chunk is memory of its own. */
  #isKept = false;
  /** A frame whose end has not come yet: room for all of it once its length is known. */
  #partial: Buffer = NOTHING;
  #filled = 0;
  /** Bytes of the preface that came. */
  #preface = 0;

  /** Takes what arrived; everything before it has to have been read. */
  push(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
    this.#isKept = false;
  }

  /** Copies what was not read yet, once: the bytes of push() are about to be others. */
  keep(): void {
    if (this.#isKept || this.#at === this.#chunk.length) return;
    this.#isKept = true;
    this.#chunk = Buffer.from(this.#chunk.subarray(this.#at));
    this.#at = 0;
  }

  /** Looks for the next frame. */
  next(): number {
    if (this.#preface < PREFACE.length) {
      const found = this.#readPreface();
      if (found !== FOUND.FRAME) return found;
    }
    if (this.#filled > 0) return this.#complete();
    const left = this.#chunk.length - this.#at;
    if (left < FRAME_HEADER) return this.#begin(FRAME_HEADER);
    const length = this.#chunk.readUIntBE(this.#at, 3);
    if (length > FRAME_BYTES_MAX) return this.#refuse(this.#chunk, this.#at);
    if (left < FRAME_HEADER + length) return this.#begin(FRAME_HEADER + length);
    const start = this.#at;
    this.#at += FRAME_HEADER + length;
    return this.#take(this.#chunk, start, length);
  }

  #readPreface(): number {
    while (this.#at < this.#chunk.length && this.#preface < PREFACE.length) {
      if (this.#chunk[this.#at++] !== PREFACE[this.#preface++]) return FOUND.NO_PREFACE;
    }
    return this.#preface === PREFACE.length ? FOUND.FRAME : FOUND.NOTHING;
  }

  /** Keeps the start of a frame; each byte is copied once, however many pieces it comes in. */
  #begin(length: number): number {
    this.bytes = NOTHING;
    if (this.#at < this.#chunk.length) {
      this.#partial = Buffer.allocUnsafeSlow(length);
      this.#filled = this.#chunk.copy(this.#partial, 0, this.#at);
    }
    this.#forget();
    return FOUND.NOTHING;
  }

  #complete(): number {
    this.#fill();
    if (this.#filled < FRAME_HEADER) return FOUND.NOTHING;
    const length = this.#partial.readUIntBE(0, 3);
    if (length > FRAME_BYTES_MAX) return this.#refuse(this.#partial, 0);
    if (this.#partial.length < FRAME_HEADER + length) {
      const whole = Buffer.allocUnsafeSlow(FRAME_HEADER + length);
      this.#partial.copy(whole);
      this.#partial = whole;
      this.#fill();
    }
    if (this.#filled < this.#partial.length) return FOUND.NOTHING;
    const frame = this.#partial;
    this.#partial = NOTHING;
    this.#filled = 0;
    return this.#take(frame, 0, length);
  }

  #fill(): void {
    const taken = this.#chunk.copy(this.#partial, this.#filled, this.#at);
    this.#filled += taken;
    this.#at += taken;
    if (this.#at === this.#chunk.length) this.#forget();
  }

  /** What was read through need not stay for a connection that is idle. */
  #forget(): void {
    this.#chunk = NOTHING;
    this.#at = 0;
  }

  #take(bytes: Buffer, at: number, length: number): number {
    this.#readHeader(bytes, at);
    this.bytes = bytes;
    this.start = at + FRAME_HEADER;
    this.end = this.start + length;
    return FOUND.FRAME;
  }

  #refuse(bytes: Buffer, at: number): number {
    this.#readHeader(bytes, at);
    return FOUND.TOO_LONG;
  }

  #readHeader(bytes: Buffer, at: number): void {
    this.type = bytes[at + 3] ?? 0;
    this.flags = bytes[at + 4] ?? 0;
    this.stream = bytes.readUInt32BE(at + 5) & STREAM_MASK;
  }
}
