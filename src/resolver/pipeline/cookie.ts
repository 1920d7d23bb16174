// DNS cookies, the server's side (RFC 7873), in the form that all servers of a service can share (RFC 9018). Hot file.
//
// Invariants: a valid server cookie proves that the client receives what is sent to its address, and nothing else;
// nothing is kept for a client; the cookie in an answer is valid for another half hour at least. A client that shows no
// valid one is served all the same: what a verdict is good for is the caller's business.
//
//   client cookie    8 bytes, the client's own
//   version          1 byte: 1
//   reserved         3 bytes: zero when made here, hashed as they come
//   timestamp        4 bytes: seconds since 1970 modulo 2^32
//   hash             8 bytes: SipHash-2-4 over all of the above and the client's address, under a secret
import { type AddressWords, isIpv4 } from '../../base/base.ts';
import {
  CLIENT_COOKIE_LENGTH,
  type Query,
  readU32,
  SERVER_COOKIE_LENGTH,
  SIPHASH_LENGTH,
  SipHash,
  writeU32,
} from '../../wire/dns/dns.ts';

/** What the cookie of a query turned out to be. A malformed one is a fault of the query: FORMERR. */
export const COOKIE = {
  /** There is none. */
  NONE: 0,
  /** Only a client cookie: the client asks for a server cookie. */
  CLIENT_ONLY: 1,
  /** With a server cookie that is not ours, of another address, too old or from the future. */
  UNKNOWN: 2,
  /** The client has received an answer of ours at its address. */
  VALID: 3,
} as const;

const COOKIE_LENGTH = CLIENT_COOKIE_LENGTH + SERVER_COOKIE_LENGTH;
const VERSION = 1;
const TIMESTAMP_OFFSET = CLIENT_COOKIE_LENGTH + 4;
/** Where the hash stands in a cookie, and the address in what is hashed. */
const HASH_OFFSET = COOKIE_LENGTH - SIPHASH_LENGTH;

/** Seconds that a server cookie is valid, and those that the clock of its maker may be ahead (RFC 9018 section 4.3). */
const AGE_SEC_MAX = 3600;
const AHEAD_SEC_MAX = 300;
/** A client gets a new one after this: half of the life is left for its next query (RFC 9018 section 4.3). */
const RENEWAL_SEC = 1800;

/** Judges and makes the cookies of one server. A secret is SIPHASH_KEY_LENGTH random bytes. */
export class ServerCookies {
  readonly #hash: SipHash;
  readonly #otherHash: SipHash | undefined;
  /** What is hashed: a cookie up to its hash, and an address. */
  readonly #input = new Uint8Array(HASH_OFFSET + 16);
  readonly #expected = new Uint8Array(SIPHASH_LENGTH);

  /** Cookies are made under `secret`; those under `otherSecret`, the one before or to come, are valid too (RFC 9018 section 5). */
  constructor(secret: Uint8Array, otherSecret?: Uint8Array) {
    this.#hash = new SipHash(secret);
    this.#otherHash = otherSecret && new SipHash(otherSecret);
  }

  /**
   * Judges the cookie of a query from an address and puts the one for its answer into the query. Returns a COOKIE.
   * The query was parsed as sound or as COOKIE_ONLY; nothing is done for one without the option.
   */
  judge(query: Query, address: AddressWords, nowMs: number): number {
    const { bytes } = query;
    const { cookieOffset, cookieLength } = query.opt;
    const answerCookie = query.answerOpt.cookie;
    if (cookieLength < 0) return COOKIE.NONE;
    query.answerOpt.hasCookie = true;
    for (let i = 0; i < CLIENT_COOKIE_LENGTH; i++) answerCookie[i] = bytes[cookieOffset + i] ?? 0;
    const nowSec = Math.floor(nowMs / 1000) >>> 0;
    if (cookieLength === COOKIE_LENGTH && bytes[cookieOffset + CLIENT_COOKIE_LENGTH] === VERSION) {
      // Serial numbers: the difference is right across the end of the 32 bits in 2106 (RFC 1982).
      const ageSec = (nowSec - readU32(bytes, cookieOffset + TIMESTAMP_OFFSET)) | 0;
      if (ageSec <= AGE_SEC_MAX && ageSec >= -AHEAD_SEC_MAX) {
        for (let i = CLIENT_COOKIE_LENGTH; i < COOKIE_LENGTH; i++) {
          answerCookie[i] = bytes[cookieOffset + i] ?? 0;
        }
        if (this.#isHashed(this.#hash, answerCookie, address)) {
          if (ageSec > RENEWAL_SEC) this.#make(answerCookie, address, nowSec);
          return COOKIE.VALID;
        }
        if (this.#otherHash !== undefined && this.#isHashed(this.#otherHash, answerCookie, address)) {
          this.#make(answerCookie, address, nowSec);
          return COOKIE.VALID;
        }
      }
    }
    this.#make(answerCookie, address, nowSec);
    return cookieLength === CLIENT_COOKIE_LENGTH ? COOKIE.CLIENT_ONLY : COOKIE.UNKNOWN;
  }

  /** Puts a new server cookie behind the client's. */
  #make(cookie: Uint8Array, address: AddressWords, nowSec: number): void {
    writeU32(cookie, CLIENT_COOKIE_LENGTH, VERSION << 24);
    writeU32(cookie, TIMESTAMP_OFFSET, nowSec);
    this.#hash.hash(this.#input, this.#fill(cookie, address), cookie, HASH_OFFSET);
  }

  #isHashed(hash: SipHash, cookie: Uint8Array, address: AddressWords): boolean {
    hash.hash(this.#input, this.#fill(cookie, address), this.#expected, 0);
    // Without an early end, so that no time tells how much of a guess was right.
    let difference = 0;
    for (let i = 0; i < SIPHASH_LENGTH; i++) {
      difference |= (this.#expected[i] ?? 0) ^ (cookie[HASH_OFFSET + i] ?? 0);
    }
    return difference === 0;
  }

  /** Lays out what is hashed; returns its length: an IPv4 address has its own four bytes. */
  #fill(cookie: Uint8Array, address: AddressWords): number {
    const input = this.#input;
    for (let i = 0; i < HASH_OFFSET; i++) input[i] = cookie[i] ?? 0;
    let end = HASH_OFFSET;
    for (let i = isIpv4(address) ? 3 : 0; i < 4; i++) {
      writeU32(input, end, address[i] ?? 0);
      end += 4;
    }
    return end;
  }
}
