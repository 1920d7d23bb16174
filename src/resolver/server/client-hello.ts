// What a connection begins with, until the ClientHello of TLS is there as a whole (RFC 8446 sections 4.1.2 and 5.1).
//
// It may come in one record or several, and each of them in pieces: nothing of it is looked at or copied again for the next one.
import { GrowingBytes } from '../../base/base.ts';
import { readU16 } from '../../wire/dns/dns.ts';

/** With key shares of post-quantum groups and everything that browsers add, a ClientHello has 2 KB. */
const HELLO_BYTES_MAX = 16_384;
/** With the headers of its records, and what comes behind it before it was answered: hardly any client sends more. */
const BYTES_MAX = 2 * HELLO_BYTES_MAX;
/** Bytes of the header of a record (RFC 8446 section 5.1), and of a handshake message (section 4). */
const RECORD_HEADER = 5;
const HANDSHAKE_HEADER = 4;
const RECORD_BYTES_MAX = 16_384;
const RECORD_HANDSHAKE = 22;
const VERSION_MAJOR = 3;
const CLIENT_HELLO = 1;

/** What came is the beginning of one, all of it, or something else. */
export const HELLO = { PART: 0, WHOLE: 1, NONE: 2 } as const;

/** The first bytes of one connection. */
export class ClientHello {
  readonly #bytes = new GrowingBytes(BYTES_MAX);
  /** Where the next record begins. */
  #at = 0;
  /** Bytes of the message in the records before it, and those that it has. */
  #found = 0;
  #wanted = 0;

  /** Adds what came. False: it would be more than anybody sends. */
  add(chunk: Uint8Array): boolean {
    if (this.#bytes.length + chunk.length > BYTES_MAX) return false;
    this.#bytes.add(chunk, 0, chunk.length);
    return true;
  }

  /** All that came, which then belongs to the caller. */
  take(): Buffer {
    const bytes = this.#bytes.take();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** HELLO. */
  look(): number {
    const bytes = this.#bytes.view;
    while (this.#wanted === 0 || this.#found < this.#wanted) {
      const at = this.#at;
      if (at >= bytes.length) return HELLO.PART;
      if (bytes[at] !== RECORD_HANDSHAKE) return HELLO.NONE;
      const start = at + RECORD_HEADER;
      if (start > bytes.length) return HELLO.PART;
      const length = readU16(bytes, at + 3);
      // The first record holds the length of the message.
      const lengthMin = at === 0 ? HANDSHAKE_HEADER : 1;
      if (bytes[at + 1] !== VERSION_MAJOR || length < lengthMin || length > RECORD_BYTES_MAX)
        return HELLO.NONE;
      if (at === 0) {
        if (start + HANDSHAKE_HEADER > bytes.length) return HELLO.PART;
        this.#wanted = HANDSHAKE_HEADER + ((bytes[start + 1] ?? 0) << 16) + readU16(bytes, start + 2);
        if (bytes[start] !== CLIENT_HELLO || this.#wanted > HELLO_BYTES_MAX) return HELLO.NONE;
      }
      this.#found += length;
      this.#at = start + length;
    }
    return this.#at <= bytes.length ? HELLO.WHOLE : HELLO.PART;
  }
}
