// Messages of a stream, each behind its length (RFC 1035 section 4.2.2), as chunks of it come. Hot file.
import { GrowingBytes } from '../../base/base.ts';
import { FRAME_HEADER, HEADER_LENGTH, MESSAGE_LENGTH_MAX } from '../../wire/dns/dns.ts';

/** Reads one message after the other. */
export class FrameReader {
  #prefix = 0;
  #prefixLength = 0;
  readonly #message = new GrowingBytes(MESSAGE_LENGTH_MAX);

  /** The length that was announced is too short for a message: nothing more can be read. */
  get isTooShort(): boolean {
    return this.#prefixLength === FRAME_HEADER && this.#prefix < HEADER_LENGTH;
  }

  /** Reads on from an offset of a chunk, which is within it; returns the offset behind what was read. */
  read(chunk: Uint8Array, at: number): number {
    if (this.#prefixLength < FRAME_HEADER) {
      this.#prefix = (this.#prefix << 8) | (chunk[at] ?? 0);
      this.#prefixLength++;
      return at + 1;
    }
    const end = Math.min(chunk.length, at + this.#prefix - this.#message.length);
    this.#message.add(chunk, at, end);
    return end;
  }

  /** The message, when it is whole; it belongs to the caller. */
  take(): Uint8Array | undefined {
    if (this.#prefixLength < FRAME_HEADER || this.#prefix < HEADER_LENGTH) return undefined;
    if (this.#message.length < this.#prefix) return undefined;
    this.#prefix = 0;
    this.#prefixLength = 0;
    return this.#message.take();
  }
}
