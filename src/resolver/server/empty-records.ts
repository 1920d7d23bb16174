// What TLS takes that carries nothing: changes of keys (RFC 8446 section 4.6.3), above all.
//
// Each costs some microseconds below Node.js, which handles all that came before anybody else has a turn, and tells nobody of it: 27
// bytes, of which a connection brings hundreds of kilobytes at a time. So bytes are compared, those of the socket below
// with those that came through.
import type { Socket } from 'node:net';

/** Bytes between two looks that may carry nothing: twice the longest record, of which half may have come. A change of keys has 27. */
const EMPTY_BYTES_MAX = 32_768;
/** Bytes that each byte of content may cost: a record has 22 beside its content. */
const BYTES_OF_CONTENT = 32;

/** Counts for one connection, from its handshake on. */
export class EmptyRecords {
  readonly #below: Socket;
  readonly #secured: Socket;
  #below0: number;
  #secured0: number;

  constructor(below: Socket, secured: Socket) {
    this.#below = below;
    this.#secured = secured;
    this.#below0 = below.bytesRead;
    this.#secured0 = secured.bytesRead;
  }

  /** Whether too much came for nothing since the last look. */
  look(): boolean {
    const [below, secured] = [this.#below.bytesRead, this.#secured.bytesRead];
    const isFlood = below - this.#below0 > EMPTY_BYTES_MAX + BYTES_OF_CONTENT * (secured - this.#secured0);
    this.#below0 = below;
    this.#secured0 = secured;
    return isFlood;
  }
}
