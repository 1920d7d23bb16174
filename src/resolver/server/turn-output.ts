// Puts together what one connection is answered in a turn of the loop, so that it leaves in one write. Hot file.
//
// A write costs more than most answers: a record of TLS, a system call and the segment that the kernel sends. What a client sent in
// one piece arrives record by record, and each would be answered with a write of its own.
import { FRAME_HEADER, writeFrame } from '../../wire/dns/dns.ts';

/** Bytes that are put together: what a record of TLS holds (RFC 8446 section 5.1), some hundred answers. */
const TOGETHER_MAX = 16_384;

/** A connection whose answers are put together. */
export interface Answered {
  /** Bytes that are not written yet. */
  unsentBytes: number;
}

/** The output of one listener; it holds that of one connection at a time. */
export class TurnOutput<C extends Answered> {
  readonly #write: (connection: C, bytes: Buffer) => void;
  readonly #bytes = Buffer.allocUnsafeSlow(TOGETHER_MAX);
  #length = 0;
  #connection: C | undefined;
  #isPlanned = false;

  constructor(write: (connection: C, bytes: Buffer) => void) {
    this.#write = write;
  }

  /** Adds a message, which is copied, with its length before it (RFC 1035 section 4.2.2). */
  add(connection: C, message: Uint8Array, length: number): void {
    const size = FRAME_HEADER + length;
    if (connection !== this.#connection || this.#length + size > TOGETHER_MAX) this.flush();
    if (size > TOGETHER_MAX) {
      const bytes = Buffer.allocUnsafeSlow(size);
      writeFrame(bytes, 0, message, length);
      this.#write(connection, bytes);
      return;
    }
    this.#length = writeFrame(this.#bytes, this.#length, message, length);
    connection.unsentBytes += size;
    this.#connection = connection;
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setImmediate(this.#go);
  }

  /** Writes what was added. */
  flush(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    const bytes = Buffer.allocUnsafe(this.#length);
    this.#bytes.copy(bytes, 0, 0, this.#length);
    this.#connection = undefined;
    this.#length = 0;
    connection.unsentBytes = 0;
    this.#write(connection, bytes);
  }

  readonly #go = (): void => {
    this.#isPlanned = false;
    this.flush();
  };
}
