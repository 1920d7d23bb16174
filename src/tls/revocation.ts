// Client certificates that do not count any more, from a file: a revocation list in PEM, or hashes of certificates.
//
// A revocation list (RFC 5280 section 5.1) comes from outside, often by a program that fetches it over HTTP, so it counts only
// with the signature of one of the authorities of client certificates: a list that somebody made would revoke every device, and
// one that lacks a lost device would let it in. Hashes are what the operator wrote, and trusted as the configuration is. Of a list
// the issuer and the serial numbers are read, which name a certificate. Bounded: an authority that revoked more than a file
// holds needs a new one.
import { createHash, verify, X509Certificate } from 'node:crypto';
import { AppError, readRegularFile, systemErrorCode } from '../base/base.ts';

/** Some 400,000 serial numbers. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;
const LIST = /-----BEGIN X509 CRL-----([^-]+)-----END X509 CRL-----/g;
const FINGERPRINT = /^[0-9a-f]{64}$/;
/** Tags of DER. */
const TAG = {
  ...{ INTEGER: 0x02, BIT_STRING: 0x03, OID: 0x06, SEQUENCE: 0x30 },
  ...{ UTC_TIME: 0x17, GENERALIZED_TIME: 0x18 },
} as const;
/** Of UTCTime: years below are of this century (RFC 5280 section 4.1.2.5.1). */
const CENTURY_TURN = 50;
/**
 * Hashes of signature algorithms by the DER of their identifier (RFC 4055, 5758, 8410); null: the algorithm has one of its own.
 * Lists that are signed with SHA-1 are refused: others could make one.
 */
const HASHES: ReadonlyMap<string, string | null> = new Map([
  ['2a864886f70d01010b', 'sha256'],
  ['2a864886f70d01010c', 'sha384'],
  ['2a864886f70d01010d', 'sha512'],
  ['2a8648ce3d040302', 'sha256'],
  ['2a8648ce3d040303', 'sha384'],
  ['2a8648ce3d040304', 'sha512'],
  ['2b6570', null],
  ['2b6571', null],
]);
/** Octets of a length: more would be beyond any file. */
const LENGTH_OCTETS_MAX = 4;

/** What is revoked; plain data. */
export interface RevokedCertificates {
  /** SHA-256 of certificates, lower-case hexadecimal. */
  readonly fingerprints: readonly string[];
  /** As serialKey() makes them. */
  readonly serials: readonly string[];
}

/** A revocation list, as it stood in a file. */
export interface RevocationList {
  /** SHA-256 of the issuer's name in DER. */
  readonly issuer: string;
  /** When it was made, and when the next one should be there; undefined: it does not say. Milliseconds since the epoch. */
  readonly madeMs: number;
  readonly nextMs: number | undefined;
}

/** What a file holds. */
export interface ReadRevocations extends RevokedCertificates {
  readonly lists: readonly RevocationList[];
}

/**
 * Reads a file; throws ERR_CERTIFICATE_REVOCATIONS, also for a list that no authority signed, or that is older than the one of
 * the same authority in `before`: who replays one would revive what was revoked since. `authorities` are PEM.
 */
export const readRevocations = (
  path: string,
  authorities: readonly string[],
  before: readonly RevocationList[] = [],
): ReadRevocations => {
  const text = readText(path);
  const serials: string[] = [];
  const lists: RevocationList[] = [];
  for (const [, body = ''] of text.matchAll(LIST)) {
    const der = Buffer.from(body, 'base64');
    const found = readList(der);
    if (found === undefined) throw fault(`${path} holds a revocation list that is cut or malformed`);
    const { list } = found;
    const why = whyUnsigned(der, list.issuer, authorities);
    if (why !== undefined) throw fault(`${path} holds a revocation list that cannot be believed: ${why}`);
    const known = before.find(({ issuer }) => issuer === list.issuer);
    if (known !== undefined && list.madeMs < known.madeMs) {
      const [old, now] = [list, known].map(({ madeMs }) => new Date(madeMs).toISOString());
      throw fault(`${path} holds a revocation list of ${old}, older than the one of ${now} that is in force`);
    }
    lists.push(list);
    for (const serial of found.serials) serials.push(serial);
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
  return { fingerprints, serials, lists };
};

/** Why nobody signed a list that is believed; undefined when an authority did. */
const whyUnsigned = (der: Buffer, issuer: string, authorities: readonly string[]): string | undefined => {
  const outer = inner(whole(der));
  const tbs = outer && read(der, outer.start, outer.end);
  const algorithm = tbs && read(der, tbs.end, outer.end);
  const oid = algorithm && read(der, algorithm.start, algorithm.end);
  const signature = algorithm && read(der, algorithm.end, outer?.end ?? 0);
  if (tbs === undefined || oid?.tag !== TAG.OID || signature?.tag !== TAG.BIT_STRING)
    return 'it has no signature';
  const hash = HASHES.get(der.subarray(oid.start, oid.end).toString('hex'));
  if (hash === undefined)
    return 'its signature is of a kind that is not taken (SHA-1, or one that is not known here)';
  const signers = authorities
    .map((pem) => new X509Certificate(pem))
    .filter(({ raw }) => subjectOf(raw) === issuer);
  if (signers.length === 0) return 'its issuer is none of tls.client-authorities';
  const signed = der.subarray(tbs.at, tbs.end);
  // The first octet says how many bits of the last one are unused: none of a signature.
  const bytes = der.subarray(signature.start + 1, signature.end);
  const isSigned = signers.some(({ publicKey }) => isSignedBy(hash, signed, publicKey, bytes));
  return isSigned ? undefined : 'its signature is not that of its issuer';
};

/** A key of another kind than the signature says has not made it. */
const isSignedBy = (...[hash, signed, key, signature]: SignatureParts): boolean => {
  try {
    return verify(hash, signed, key, signature);
  } catch {
    return false;
  }
};

type SignatureParts = [
  hash: string | null,
  signed: Buffer,
  key: X509Certificate['publicKey'],
  signature: Buffer,
];

/** SHA-256 of the subject of a certificate, in DER. */
const subjectOf = (certificate: Uint8Array): string | undefined => {
  const tbs = inner(inner(whole(certificate)));
  let next = tbs && read(certificate, tbs.start, tbs.end);
  // [0] EXPLICIT version; then serial number, signature, issuer, validity, and the subject.
  if (next !== undefined && next.tag !== TAG.INTEGER) next = read(certificate, next.end, tbs?.end ?? 0);
  for (let i = 0; i < 4; i++) next = next && read(certificate, next.end, tbs?.end ?? 0);
  return next && hashOf(certificate, next);
};

const hashOf = (der: Uint8Array, { at, end }: Element): string =>
  createHash('sha256').update(der.subarray(at, end)).digest('hex');

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

/** A list and its serial keys; undefined when it is malformed. */
const readList = (
  der: Uint8Array,
): { readonly list: RevocationList; readonly serials: readonly string[] } | undefined => {
  const tbs = inner(inner(whole(der)));
  if (tbs === undefined) return undefined;
  let next = read(der, tbs.start, tbs.end);
  // version, which may be absent.
  if (next?.tag === TAG.INTEGER) next = read(der, next.end, tbs.end);
  const issuer = next && read(der, next.end, tbs.end);
  if (issuer?.tag !== TAG.SEQUENCE) return undefined;
  const made = read(der, issuer.end, tbs.end);
  const madeMs = made && readTime(made);
  if (made === undefined || madeMs === undefined) return undefined;
  next = made.end === tbs.end ? undefined : read(der, made.end, tbs.end);
  const nextMs = next && readTime(next);
  const list = { issuer: hashOf(der, issuer), madeMs, nextMs };
  if (next !== undefined && nextMs !== undefined) {
    if (next.end === tbs.end) return { list, serials: [] };
    next = read(der, next.end, tbs.end);
  }
  if (next === undefined) return made.end === tbs.end ? { list, serials: [] } : undefined;
  // Extensions stand here when nothing is revoked.
  if (next.tag !== TAG.SEQUENCE) return { list, serials: [] };
  const serials: string[] = [];
  for (let at = next.start; at < next.end; ) {
    const entry = read(der, at, next.end);
    const serial = entry && read(der, entry.start, entry.end);
    if (entry === undefined || serial?.tag !== TAG.INTEGER) return undefined;
    serials.push(keyOf(der, issuer, serial));
    at = entry.end;
  }
  return { list, serials };
};

/** Of UTCTime and GeneralizedTime, which RFC 5280 section 4.1.2.5 has in UTC and with seconds; undefined for another element. */
const readTime = ({ bytes, tag, start, end }: Element): number | undefined => {
  if (tag !== TAG.UTC_TIME && tag !== TAG.GENERALIZED_TIME) return undefined;
  const text = Buffer.from(bytes.subarray(start, end)).toString('latin1');
  const [, year = '', month, day, hour, minute, second] =
    /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  const full = tag === TAG.GENERALIZED_TIME ? year : `${Number(year) < CENTURY_TURN ? '20' : '19'}${year}`;
  const ms = Date.parse(`${full}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(ms) ? undefined : ms;
};

const keyOf = (der: Uint8Array, issuer: Element, serial: Element): string =>
  `${hashOf(der, issuer)} ${Buffer.from(der.subarray(serial.start, serial.end)).toString('hex')}`;

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
    hint: 'tls.client-revocations names a file: a revocation list in PEM (openssl crl) that one of tls.client-authorities signed, or one SHA-256 a line',
  });
