// DNS stamps: a server with everything that is needed to ask it, in one text that begins with `sdns://`.
//
// https://dnscrypt.info/stamps-specifications: base64url of a protocol, eight bytes of properties and fields with a
// length byte each. A field of several values has the high bit of the length set in all of them but the last. The
// properties are promises of the author of the stamp, and nothing here depends on them. So it is with the bootstrap
// resolvers of a stamp: nobody is asked whom the configuration does not name. Never throws; reads within the bytes.
import { Fault } from './value.ts';

/** The most that fields with a length byte can add up to is far more; a longer stamp is none. */
const STAMP_LENGTH_MAX = 2048;
const PROPERTIES_BYTES = 8;
const HASH_BYTES = 32;
const LENGTH_MASK = 0x7f;
const MORE = 0x80;

/** What a stamp says; addresses, names and paths are still to be checked. */
export interface Stamp {
  readonly transport: 'udp' | 'tls' | 'https';
  /** An address with or without a port, or only `:PORT`, or empty. */
  readonly address: string;
  /** The name of the server, with or without a port; empty for `udp`. */
  readonly host: string;
  /** Of `https` only, otherwise empty. */
  readonly path: string;
  /** SHA-256 of TBS certificates in lower-case hexadecimal. */
  readonly certificateHashes: readonly string[];
}

/** The protocols by their number: how the server is asked, or the name of what cannot be asked. */
const TRANSPORTS: ReadonlyMap<number, Stamp['transport']> = new Map([
  [0x00, 'udp'],
  [0x02, 'https'],
  [0x03, 'tls'],
]);
const UNAVAILABLE: ReadonlyMap<number, string> = new Map([
  [0x01, 'DNSCrypt'],
  [0x04, 'DNS over QUIC'],
  [0x05, 'Oblivious DNS over HTTPS'],
  [0x81, 'DNSCrypt'],
  [0x85, 'Oblivious DNS over HTTPS'],
]);

/** Reads what follows `sdns://`; a fault says what is wrong with it, not where it stands. */
export const readStamp = (text: string): Stamp | Fault => {
  const digits = text.replace(/={1,2}$/, '');
  if (digits.length > STAMP_LENGTH_MAX) return malformed('is too long');
  if (!/^[A-Za-z0-9_-]+$/.test(digits) || digits.length % 4 === 1) return malformed('is no base64url');
  const bytes = Buffer.from(digits, 'base64url');
  const protocol = bytes[0] ?? 0;
  const transport = TRANSPORTS.get(protocol);
  if (transport === undefined) return unavailable(protocol);
  const reader = new FieldReader(bytes, 1 + PROPERTIES_BYTES);
  const address = reader.text();
  const hashes = transport === 'udp' ? [] : reader.values();
  const host = transport === 'udp' ? '' : reader.text();
  const path = transport === 'https' ? reader.text() : '';
  if (transport !== 'udp' && reader.hasMore) reader.values();
  if (reader.isCut) return malformed('ends too early');
  if (reader.hasMore) return malformed('goes on after its end');
  // One value without bytes is how a stamp writes none.
  const certificateHashes = hashes.filter((hash) => hash.length > 0).map((hash) => hash.toString('hex'));
  return certificateHashes.some((hash) => hash.length !== 2 * HASH_BYTES)
    ? malformed('has a certificate hash that is no SHA-256')
    : { transport, address, host, path, certificateHashes };
};

const malformed = (reason: string): Fault =>
  new Fault(
    'ERR_CONFIG_VALUE',
    `is not a DNS stamp: it ${reason}`,
    'copy it whole, or write the server as a URL',
  );

const unavailable = (protocol: number): Fault => {
  const name = UNAVAILABLE.get(protocol);
  return name === undefined
    ? malformed(`is for a protocol that is not known (${protocol})`)
    : new Fault(
        'ERR_CONFIG_UNAVAILABLE',
        `is a DNS stamp for ${name}, which is not available in this version`,
        'stamps for plain DNS, DNS over TLS and DNS over HTTPS are',
      );
};

/** Steps through the fields. After a field that the bytes do not hold, everything is empty and isCut is true. */
class FieldReader {
  readonly #bytes: Buffer;
  #at: number;
  #isCut: boolean;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#isCut = at > bytes.length;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  get hasMore(): boolean {
    return !this.#isCut && this.#at < this.#bytes.length;
  }

  /** A field of one text, of up to 255 bytes. */
  text(): string {
    return this.#take(0xff).value.toString('utf8');
  }

  /** A field of several values; each takes a byte at least, so their number is bounded by the stamp's. */
  values(): Buffer[] {
    const values: Buffer[] = [];
    for (;;) {
      const { value, length } = this.#take(LENGTH_MASK);
      values.push(value);
      if (this.#isCut || (length & MORE) === 0) return values;
    }
  }

  #take(lengthMask: number): { value: Buffer; length: number } {
    const length = this.#bytes[this.#at];
    const end = this.#at + 1 + ((length ?? 0) & lengthMask);
    if (this.#isCut || length === undefined || end > this.#bytes.length) {
      this.#isCut = true;
      return { value: Buffer.alloc(0), length: 0 };
    }
    const value = this.#bytes.subarray(this.#at + 1, end);
    this.#at = end;
    return { value, length };
  }
}
