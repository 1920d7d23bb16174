// What an endpoint proves with, and the one protocol that it speaks.
import { AppError } from '../../base/base.ts';
import type { AlpnChooser, OpenSsl, Pointer } from './openssl.ts';
import { openSslErrors } from './openssl.ts';

/** What a server proves with: PEM, the own certificate first. */
export interface QuicSettings {
  /** Undefined with `key`: there is none yet, and every handshake fails. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** What the callback for ALPN says (SSL_CTX_set_alpn_select_cb(3)). */
const ALPN = { CHOSEN: 0, REFUSED: 2 } as const;
/** Certificates of one file: the own one and those on the way to a root. */
const CHAIN_MAX = 16;
const POINTER_BYTES = 8;

/** What the connections of one endpoint begin with. */
export class QuicContext {
  readonly pointer: Pointer;
  readonly #c: OpenSsl;
  readonly #chooser: bigint;

  /** Throws AppError ERR_SERVER_QUIC. */
  constructor(c: OpenSsl, protocol: string, settings: QuicSettings) {
    this.#c = c;
    this.pointer = c.SSL_CTX_new(c.OSSL_QUIC_server_method());
    this.#chooser = c.registerAlpn(createChooser(c, protocol));
    c.SSL_CTX_set_alpn_select_cb(this.pointer, this.#chooser, null);
    // Keys of tickets would live as long as the process; a whole handshake takes one round trip here anyway.
    c.SSL_CTX_set_num_tickets(this.pointer, 0);
    this.prove(settings);
  }

  /** Proves with something else from the next handshake on; throws AppError ERR_SERVER_QUIC, and changes nothing then. */
  prove(settings: QuicSettings): void {
    const { cert, key } = settings;
    if (cert !== undefined && key !== undefined) useCertificate(this.#c, this.pointer, cert, key);
  }

  close(): void {
    this.#c.SSL_CTX_free(this.pointer);
    this.#c.unregister(this.#chooser);
  }
}

const useCertificate = (c: OpenSsl, context: Pointer, cert: string, key: string): void => {
  c.ERR_clear_error();
  const [own = null, ...rest] = readAll(c, cert);
  const secret = withBytes(c, key, (bio) => c.PEM_read_bio_PrivateKey(bio, null, null, null));
  const chain = c.OPENSSL_sk_new_null();
  for (const certificate of rest) c.OPENSSL_sk_push(chain, certificate);
  const isTaken =
    own !== null && secret !== null && c.SSL_CTX_use_cert_and_key(context, own, secret, chain, 1) === 1;
  const errors = isTaken ? '' : openSslErrors(c);
  // The context holds references of its own.
  c.OPENSSL_sk_free(chain);
  for (const certificate of [own, ...rest]) c.X509_free(certificate);
  c.EVP_PKEY_free(secret);
  c.ERR_clear_error();
  if (!isTaken) throw new AppError('ERR_SERVER_QUIC', `taking the certificate for QUIC: ${errors}`);
};

const readAll = (c: OpenSsl, pem: string): Pointer[] =>
  withBytes(c, pem, (bio) => {
    const certificates: Pointer[] = [];
    while (certificates.length < CHAIN_MAX) {
      const certificate = c.PEM_read_bio_X509(bio, null, null, null);
      if (certificate === null) break;
      certificates.push(certificate);
    }
    return certificates;
  });

const withBytes = <T>(c: OpenSsl, text: string, read: (bio: Pointer) => T): T => {
  // A view of what others may use in the meantime would do; the bytes are referenced for as long as the BIO lives.
  const bytes = Buffer.from(text);
  const bio = c.BIO_new_mem_buf(bytes, bytes.length);
  const found = read(bio);
  c.BIO_free(bio);
  bytes.fill(0);
  return found;
};

/** Chooses a protocol by its name; a client that does not offer it is refused (RFC 9001 section 8.1). */
const createChooser = (c: OpenSsl, protocol: string): AlpnChooser => {
  const wanted = Buffer.from(protocol);
  const pointer = new BigUint64Array(1);
  const length = Uint8Array.of(wanted.length);
  return (_connection, chosen, chosenLength, offered, offeredLength) => {
    const names = Buffer.alloc(offeredLength);
    c.copy(names, offered, offeredLength);
    // A name each behind its length of one byte (RFC 7301 section 3.1).
    for (let at = 0; at < offeredLength; at += 1 + (names[at] ?? 0)) {
      const start = at + 1;
      if (!names.subarray(start, start + (names[at] ?? 0)).equals(wanted)) continue;
      pointer[0] = offered + BigInt(start);
      c.copy(chosen, new Uint8Array(pointer.buffer), POINTER_BYTES);
      c.copy(chosenLength, length, length.length);
      return ALPN.CHOSEN;
    }
    return ALPN.REFUSED;
  };
};
