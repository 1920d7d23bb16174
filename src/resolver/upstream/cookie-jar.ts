// DNS cookies towards one server (RFC 7873, RFC 9018). Hot file: what is not said to be otherwise runs per query.
//
// A query carries eight bytes that nobody else knows, and the answer repeats them: what a spoofer has to guess grows
// from some 30 bits to 94. The server's own part is learned from answers and sent back. Client cookies are made once per
// server from a secret of this process, so that no two servers can tell that one client asks both (RFC 9018 section 3).
import { createHmac } from 'node:crypto';
import type { Clock } from '../../base/base.ts';
import { Pause } from './pause.ts';

/** Bytes of a client cookie (RFC 7873 section 4). */
const CLIENT_LENGTH = 8;
/** Bytes of a server cookie (RFC 7873 section 4). */
const SERVER_LENGTH_MIN = 8;
const SERVER_LENGTH_MAX = 32;

/** Bytes of a secret: as many as the hash gives. */
export const COOKIE_SECRET_BYTES = 32;

/**
 * What an answer says. `none`: no cookie, and none was to be expected. `missing`: none although the server is known to
 * have them. `wrong`: not ours, or of a length that no cookie has; nobody who saw the query wrote it.
 */
export type CookieFit = 'fits' | 'none' | 'missing' | 'wrong';

/** The cookies of one server. */
export class CookieJar {
  /** The client cookie, and after it what the server gave. */
  #cookie: Uint8Array;
  /** The server has answered with a cookie, so that answers without are suspicious. */
  #isKnown = false;
  readonly #pause: Pause;

  /** `server` is what tells this server from others. */
  constructor(server: string, secret: Uint8Array, clock: Clock) {
    this.#cookie = createHmac('sha256', secret).update(server).digest().subarray(0, CLIENT_LENGTH);
    this.#pause = new Pause(clock);
  }

  /** True when an answer without the right cookie is not believed. */
  get protects(): boolean {
    return this.#isKnown;
  }

  /**
   * The data of the COOKIE option for the next query; undefined when none shall be sent.
   *
   * A server that was just silent and never gave a cookie gets none: there are paths that drop what they do not know.
   */
  next(wasSilent: boolean): Uint8Array | undefined {
    return (wasSilent && !this.#isKnown) || this.#pause.holds() ? undefined : this.#cookie;
  }

  /**
   * Reads the COOKIE option of an answer to a query that had one (RFC 7873 section 5.3), and keeps the server's part.
   * `length` is -1 when there is no such option.
   */
  examine(message: Uint8Array, offset: number, length: number): CookieFit {
    if (length < 0) return this.#isKnown ? 'missing' : 'none';
    for (let i = 0; i < CLIENT_LENGTH; i++) {
      if (length <= i || message[offset + i] !== this.#cookie[i]) return 'wrong';
    }
    const serverLength = length - CLIENT_LENGTH;
    // A client cookie alone is a server's that sees the option and has no secret: no proof that later answers have it.
    if (serverLength === 0) return 'fits';
    if (serverLength < SERVER_LENGTH_MIN || serverLength > SERVER_LENGTH_MAX) return 'wrong';
    this.#isKnown = true;
    if (!this.#repeats(message, offset, length)) this.#cookie = message.slice(offset, offset + length);
    return 'fits';
  }

  /** An answer came to a query without a cookie, after silence to one with it: see forget(), unless it has given one. */
  forgetUnlessKnown(): void {
    if (!this.#isKnown) this.#pause.start();
  }

  /** The server turned out not to have cookies, or no longer: none is sent and none expected for a while. */
  forget(): void {
    this.#isKnown = false;
    this.#cookie = this.#cookie.subarray(0, CLIENT_LENGTH);
    this.#pause.start();
  }

  #repeats(message: Uint8Array, offset: number, length: number): boolean {
    if (length !== this.#cookie.length) return false;
    for (let i = CLIENT_LENGTH; i < length; i++) {
      if (message[offset + i] !== this.#cookie[i]) return false;
    }
    return true;
  }
}
