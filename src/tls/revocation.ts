// Client certificates that do not count any more, from a file: a revocation list in PEM, or hashes of certificates.
//
// The file lies beside the configuration and is trusted as that is, so that nobody's signature is verified: who could
// change it could change the authorities as well. Of a revocation list (RFC 5280 section 5.1) the issuer and the serial
// numbers are read, which name a certificate. Bounded: an authority that revoked more than a file holds needs a new one.
import { createHash } from 'node:crypto';
import { AppError, readRegularFile, systemErrorCode } from '../base/base.ts';

/** Some 400,000 serial numbers. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;
const LIST = /-----BEGIN X509 CRL-----([^-]+)-----END X509 CRL-----/g;
const FINGERPRINT = /^[0-9a-f]{64}$/;
/** Tags of DER. */
const TAG = { INTEGER: 0x02, SEQUENCE: 0x30, UTC_TIME: 0x17, GENERALIZED_TIME: 0x18 } as const;
/** Octets of a length: more would be beyond any file. */
const LENGTH_OCTETS_MAX = 4;

/** What is revoked; plain data. */
export interface RevokedCertificates {
  /** SHA-256 of certificates, lower-case hexadecimal. */
  readonly fingerprints: readonly string[];
  /** As serialKey() makes them. */
  readonly serials: readonly string[];
}

/** Reads a file; throws ERR_CERTIFICATE_REVOCATIONS. */
export const readRevocations = (path: string): RevokedCertificates => {
  const text = readText(path);
  const serials: string[] = [];
  for (const [, body = ''] of text.matchAll(LIST)) {
    const found = readList(Buffer.from(body, 'base64'));
    if (found === undefined) throw fault(`${path} holds a revocation list that is cut or malformed`);
    for (const serial of found) serials.push(serial);
  }
  const fingerprints: string[] = [];
  for (const [index, line] of text.replaceAll(LIST, '').split('\n').entries()) {
    const [written = ''] = line.split('#');
    const digits = written.replaceAll(':', '').trim().toLowerCase();
    if (digits === '') continue;
    // A list that openssl crl -text wrote has lines of words before it.
    if (serials.length > 0 && !FINGERPRINT.test(digits)) continue;
    if (!FINGERPRINT.test(digits)) {
      throw fault(`line ${index + 1} of ${path} is neither a SHA-256 nor part of a revocation list in PEM`);
    }
    fingerprints.push(digits);
  }
  return { fingerprints, serials };
};

/** Issuer and serial number of a certificate, in DER, as one text; undefined when it is none. */
export const serialKey = (certificate: Uint8Array): string | undefined => {
  const tbs = inner(inner(whole(certificate)));
  let next = tbs && read(certificate, tbs.start, tbs.end);
  // [0] EXPLICIT version.
  if (next !== undefined && next.tag !== TAG.INTEGER) next = read(certificate, next.end, tbs?.end ?? 0);
  if (next?.tag !== TAG.INTEGER) return undefined;
  const algorithm = read(certificate, next.end, tbs?.end ?? 0);
  const issuer = algorithm && read(certificate, algorithm.end, tbs?.end ?? 0);
  return issuer && keyOf(certificate, issuer, next);
};

interface Element {
  readonly bytes: Uint8Array;
  readonly tag: number;
  /** Of the header. */
  readonly at: number;
  /** Of the content. */
  readonly start: number;
  readonly end: number;
}

/** Serial keys of a list; undefined when it is malformed. */
const readList = (der: Uint8Array): string[] | undefined => {
  const tbs = inner(inner(whole(der)));
  if (tbs === undefined) return undefined;
  let next = read(der, tbs.start, tbs.end);
  // version, which may be absent.
  if (next?.tag === TAG.INTEGER) next = read(der, next.end, tbs.end);
  const issuer = next && read(der, next.end, tbs.end);
  if (issuer?.tag !== TAG.SEQUENCE) return undefined;
  next = read(der, issuer.end, tbs.end);
  while (next?.tag === TAG.UTC_TIME || next?.tag === TAG.GENERALIZED_TIME) {
    if (next.end === tbs.end) return [];
    next = read(der, next.end, tbs.end);
  }
  if (next === undefined) return undefined;
  // Extensions stand here when nothing is revoked.
  if (next.tag !== TAG.SEQUENCE) return [];
  const serials: string[] = [];
  for (let at = next.start; at < next.end; ) {
    const entry = read(der, at, next.end);
    const serial = entry && read(der, entry.start, entry.end);
    if (entry === undefined || serial?.tag !== TAG.INTEGER) return undefined;
    serials.push(keyOf(der, issuer, serial));
    at = entry.end;
  }
  return serials;
};

const keyOf = (der: Uint8Array, issuer: Element, serial: Element): string => {
  const hash = createHash('sha256').update(der.subarray(issuer.at, issuer.end)).digest('hex');
  return `${hash} ${Buffer.from(der.subarray(serial.start, serial.end)).toString('hex')}`;
};

/** An element that is all of the bytes, as if it stood in another one. */
const whole = (bytes: Uint8Array): Element => ({ bytes, tag: 0, at: 0, start: 0, end: bytes.length });

/** The first element in another one, which has to be a SEQUENCE. */
const inner = (outer: Element | undefined): Element | undefined => {
  const found = outer && read(outer.bytes, outer.start, outer.end);
  return found?.tag === TAG.SEQUENCE ? found : undefined;
};

/** The element that begins at a place and ends within a bound. */
const read = (bytes: Uint8Array, at: number, bound: number): Element | undefined => {
  if (at + 2 > bound) return undefined;
  const first = bytes[at + 1] ?? 0;
  const octets = first < 0x80 ? 0 : first - 0x80;
  if (octets > LENGTH_OCTETS_MAX || first === 0x80) return undefined;
  let length = octets === 0 ? first : 0;
  for (let i = 0; i < octets; i++) length = length * 256 + (bytes[at + 2 + i] ?? 0);
  const start = at + 2 + octets;
  const end = start + length;
  return end > bound ? undefined : { bytes, tag: bytes[at] ?? 0, at, start, end };
};

const readText = (path: string): string => {
  try {
    return readRegularFile(path, FILE_BYTES_MAX).toString('latin1');
  } catch (thrown) {
    const code = systemErrorCode(thrown);
    if (code === undefined) throw thrown;
    throw fault(`${path} cannot be read (${code})`, thrown);
  }
};

const fault = (text: string, cause?: unknown): AppError =>
  new AppError('ERR_CERTIFICATE_REVOCATIONS', `reading revoked client certificates: ${text}`, {
    cause,
    hint: 'tls.client-revocations names a file: a revocation list in PEM (openssl crl), or one SHA-256 a line',
  });
