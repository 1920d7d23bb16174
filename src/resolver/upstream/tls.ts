// TLS to an upstream: a handshake, and the proof that the other end is the one that was configured.
//
// Strict profile only (RFC 8310 section 5): a socket is handed over after everything that was configured fits, and not
// one byte of a query is written before. Verified are the chain, the name (subjectAltName alone, RFC 8310 section 8.1),
// the pins (RFC 7858 section 4.2) and the hashes of DNS stamps. TLS 1.2 and later (RFC 8996), no early data, because
// it can be replayed. A resumed session shows no certificate again; its key is the proof that it is the same server, but
// only for RESUMPTION_MS_MAX, because certificates expire.
import { createHash, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { DetailedPeerCertificate, PeerCertificate, SecureContext, TLSSocket } from 'node:tls';
import { AppError, type Clock, type Endpoint } from '../../base/base.ts';
import type { ConnectionFault, ProofListener, TlsSettings } from './connection.ts';
import type { UntrustedReason } from './exchange.ts';

/** Loaded by the first encrypted upstream: it takes 6 MiB of each thread. */
const loadTls = (): typeof import('node:tls') => process.getBuiltinModule('node:tls');

/** From a whole handshake on, sessions may be resumed, each of them renewing the ticket: an hour, milliseconds. */
const RESUMPTION_MS_MAX = 3_600_000;
/** Certificates of a chain that are looked at: public chains have four at most. */
const CHAIN_LENGTH_MAX = 10;

/** Application protocols (IANA TLS ALPN Protocol IDs): `dot` is RFC 7858, `h2` RFC 9113. */
export type ApplicationProtocol = 'dot' | 'h2';

/** Codes of TLS to upstreams. */
export type TlsErrorCode = 'ERR_UPSTREAM_CERTIFICATE';

/** Opens sockets to one upstream. */
export class TlsDialer {
  readonly #endpoint: Endpoint;
  readonly #settings: TlsSettings;
  readonly #protocol: ApplicationProtocol;
  readonly #clock: Clock;
  readonly #proof: ProofListener;
  readonly #context: SecureContext;
  /** What resumes the last session (RFC 8446 section 2.2). */
  #session: Buffer | undefined;
  /** When the certificate of that session was seen, and until when it is valid. */
  #provenAtMs = 0;
  #endMs = 0;

  /** Throws ERR_UPSTREAM_CERTIFICATE when a CA certificate cannot be read. */
  constructor(
    endpoint: Endpoint,
    settings: TlsSettings,
    protocol: ApplicationProtocol,
    { clock, proof }: { readonly clock: Clock; readonly proof: ProofListener },
  ) {
    this.#endpoint = endpoint;
    this.#settings = settings;
    this.#protocol = protocol;
    this.#clock = clock;
    this.#proof = proof;
    this.#context = createContext(settings);
  }

  /**
   * Starts a handshake. `proven` is called once, with nothing written yet; `lost` whenever the socket is of no use any
   * more, before or after that, possibly several times. Neither is called before connect() returned.
   */
  connect(proven: () => void, lost: (fault: ConnectionFault) => void): TLSSocket {
    const { serverName, isPinOnly } = this.#settings;
    const socket = loadTls().connect({
      host: this.#endpoint.address,
      port: this.#endpoint.port,
      servername: isIP(serverName) === 0 ? serverName : '',
      ALPNProtocols: [this.#protocol],
      secureContext: this.#context,
      rejectUnauthorized: isPinOnly !== true,
      checkServerIdentity: (_host, certificate) => checkName(serverName, certificate),
      session: this.#resumable(),
    });
    socket.setNoDelay(true);
    let isProven = false;
    // Listened for from the start, otherwise TLS 1.2 gives none.
    socket.on('session', (ticket) => {
      if (isProven) this.#session = ticket;
    });
    socket.on('secureConnect', () => {
      const fault = this.#check(socket);
      if (fault === undefined) {
        isProven = true;
        // A further certificate within the connection would not be looked at (TLS 1.2; TLS 1.3 has no such thing).
        socket.disableRenegotiation();
        proven();
      } else {
        socket.destroy();
        lost(fault);
      }
    });
    socket.on('error', () => {
      if (isUnauthorized(socket)) this.#proof.untrusted(reasonOf(socket.authorizationError));
      lost(isUnauthorized(socket) ? 'certificate' : 'network');
    });
    socket.on('end', () => lost('network'));
    socket.on('close', () => lost('network'));
    return socket;
  }

  #resumable(): Buffer | undefined {
    const elapsedMs = this.#clock() - this.#provenAtMs;
    return elapsedMs >= 0 && elapsedMs <= RESUMPTION_MS_MAX ? this.#session : undefined;
  }

  /** What is wrong with a socket whose handshake is over. */
  #check(socket: TLSSocket): ConnectionFault | undefined {
    const { alpnProtocol } = socket;
    // Servers of DNS over TLS that know no ALPN are older than its protocol ID; HTTP/2 cannot be had without it.
    const isNegotiated =
      alpnProtocol === this.#protocol || (alpnProtocol === false && this.#protocol === 'dot');
    if (!isNegotiated) return 'network';
    if (socket.isSessionReused()) {
      this.#proof.trusted(this.#endMs);
      return undefined;
    }
    const leaf = socket.getPeerCertificate(true);
    if (!fits(this.#settings, leaf)) {
      this.#proof.untrusted('pin');
      return 'certificate';
    }
    this.#provenAtMs = this.#clock();
    this.#endMs = endOf(leaf);
    this.#proof.trusted(this.#endMs);
    return undefined;
  }
}

/** SHA-256 of SubjectPublicKeyInfo in Base64, as `pins` has it; undefined when the DER is no certificate. */
export const pinOf = (der: Uint8Array): string | undefined => {
  const key = findSubjectPublicKeyInfo(der);
  return key && createHash('sha256').update(key).digest('base64');
};

/** SHA-256 of TBSCertificate in hex, as `certificateHashes` has it; undefined when the DER is no certificate. */
export const certificateHashOf = (der: Uint8Array): string | undefined => {
  const tbs = findTbsCertificate(der);
  return tbs && createHash('sha256').update(tbs).digest('hex');
};

/** Why Node.js has ended a handshake, by the code of OpenSSL or its own (openssl-verification-options(1)). */
const reasonOf = (error: Error | string): UntrustedReason => UNTRUSTED_REASONS[String(error)] ?? 'other';

const UNTRUSTED_REASONS: Readonly<Record<string, UntrustedReason>> = {
  CERT_HAS_EXPIRED: 'expired',
  CERT_NOT_YET_VALID: 'early',
  ERR_TLS_CERT_ALTNAME_INVALID: 'name',
  CERT_UNTRUSTED: 'authority',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'authority',
  UNABLE_TO_GET_ISSUER_CERT: 'authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'authority',
};

/** Until when the leaf and those that it was signed with are valid, milliseconds since the epoch. */
const endOf = (leaf: DetailedPeerCertificate): number => {
  let endMs = Date.parse(leaf.valid_to);
  let certificate = leaf;
  for (let i = 0; i < CHAIN_LENGTH_MAX; i++) {
    const issuer = certificate.issuerCertificate;
    if (issuer === undefined || issuer === certificate) break;
    endMs = Math.min(endMs, Date.parse(issuer.valid_to));
    certificate = issuer;
  }
  return endMs;
};

/** By the list of authorities: a store of 150 certificates takes a megabyte, and all upstreams have the same. */
const contexts = new WeakMap<readonly string[], SecureContext>();

const createContext = ({ serverName, caCertificates }: TlsSettings): SecureContext => {
  if (caCertificates === undefined) return loadTls().createSecureContext({ minVersion: 'TLSv1.2' });
  const known = contexts.get(caCertificates);
  if (known !== undefined) return known;
  try {
    // The context alone would pass over what it cannot read.
    for (const pem of caCertificates) new X509Certificate(pem);
    const context = loadTls().createSecureContext({ minVersion: 'TLSv1.2', ca: [...caCertificates] });
    contexts.set(caCertificates, context);
    return context;
  } catch (cause) {
    throw new AppError<TlsErrorCode>(
      'ERR_UPSTREAM_CERTIFICATE',
      `reading the CA certificates for upstream ${serverName}: no certificate in PEM`,
      {
        cause,
        hint: 'Give a file of certificates in PEM, each between BEGIN CERTIFICATE and END CERTIFICATE.',
      },
    );
  }
};

/** Node's own check, without its way out into the common name. */
const checkName = (serverName: string, certificate: PeerCertificate): Error | undefined =>
  loadTls().checkServerIdentity(serverName, { ...certificate, subject: { ...certificate.subject, CN: '' } });

/** True when Node.js has ended the handshake because of the certificate; the declared type leaves out the null. */
const isUnauthorized = (socket: TLSSocket): boolean => Boolean(socket.authorizationError);

/** True when the pins and hashes of the settings allow a chain that was otherwise verified, or needs not be. */
const fits = (settings: TlsSettings, leaf: DetailedPeerCertificate): boolean => {
  const { pins, certificateHashes = [], isPinOnly } = settings;
  // Without a certificate, which no server can do without, the object is empty.
  if (leaf.raw === undefined) return false;
  // Nothing at all would then be the proof.
  if (isPinOnly === true && pins.length === 0) return false;
  if (pins.length > 0 && !pins.includes(pinOf(leaf.raw) ?? '')) return false;
  return certificateHashes.length === 0 || hasHash(leaf, certificateHashes);
};

/** True when the leaf, or a certificate that signed it directly or through others, has one of the hashes. */
const hasHash = (leaf: DetailedPeerCertificate, hashes: readonly string[]): boolean => {
  let certificate = leaf;
  for (let i = 0; i < CHAIN_LENGTH_MAX; i++) {
    if (hashes.includes(certificateHashOf(certificate.raw) ?? '')) return true;
    const issuer = certificate.issuerCertificate;
    // Issuers are found by name. The holder of any certificate for the name could send the one that is asked for along.
    if (issuer === undefined || issuer === certificate || !isSignedBy(certificate.raw, issuer.raw))
      return false;
    certificate = issuer;
  }
  return false;
};

const isSignedBy = (der: Buffer, issuerDer: Buffer): boolean => {
  try {
    return new X509Certificate(der).verify(new X509Certificate(issuerDer).publicKey);
  } catch {
    // A key or signature of a kind that OpenSSL does not know.
    return false;
  }
};

/** ASN.1 tags in DER (X.690 section 8.1.2): SEQUENCE, and the version of a certificate (RFC 5280 section 4.1). */
const TAG_SEQUENCE = 0x30;
const TAG_VERSION = 0xa0;
/** TBSCertificate before the key, the version apart: serialNumber, signature, issuer, validity, subject. */
const FIELDS_BEFORE_KEY = 5;
/** Octets of a length in DER beyond the first; a certificate of 16 MB and more is none. */
const LENGTH_OCTETS_MAX = 3;

/** An element within DER. */
interface Element {
  readonly tag: number;
  readonly start: number;
  readonly contentStart: number;
  readonly end: number;
}

/** The element at `start`; undefined when it does not end by `end`. */
const readElement = (der: Uint8Array, start: number, end: number): Element | undefined => {
  if (start + 2 > end) return undefined;
  const tag = der[start] ?? 0;
  let length = der[start + 1] ?? 0;
  let contentStart = start + 2;
  if (length >= 0x80) {
    const octets = length - 0x80;
    if (octets === 0 || octets > LENGTH_OCTETS_MAX || contentStart + octets > end) return undefined;
    length = 0;
    for (let i = 0; i < octets; i++) length = (length << 8) | (der[contentStart + i] ?? 0);
    contentStart += octets;
  }
  return contentStart + length > end ? undefined : { tag, start, contentStart, end: contentStart + length };
};

const findTbsCertificate = (der: Uint8Array): Uint8Array | undefined => {
  const tbs = readTbsCertificate(der);
  return tbs && der.subarray(tbs.start, tbs.end);
};

const findSubjectPublicKeyInfo = (der: Uint8Array): Uint8Array | undefined => {
  const tbs = readTbsCertificate(der);
  if (tbs === undefined) return undefined;
  let element = readElement(der, tbs.contentStart, tbs.end);
  const count = element?.tag === TAG_VERSION ? FIELDS_BEFORE_KEY + 1 : FIELDS_BEFORE_KEY;
  for (let i = 0; i < count && element !== undefined; i++) element = readElement(der, element.end, tbs.end);
  return element?.tag === TAG_SEQUENCE ? der.subarray(element.start, element.end) : undefined;
};

const readTbsCertificate = (der: Uint8Array): Element | undefined => {
  const certificate = readElement(der, 0, der.length);
  if (certificate?.tag !== TAG_SEQUENCE) return undefined;
  const tbs = readElement(der, certificate.contentStart, certificate.end);
  return tbs?.tag === TAG_SEQUENCE ? tbs : undefined;
};
