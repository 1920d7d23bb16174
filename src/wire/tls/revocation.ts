// Client certificates that do not count any more, from a file: a revocation list in PEM, or hashes of certificates.
//
// A revocation list (RFC 5280 section 5.1) comes from outside, often by a program that fetches it over HTTP, so it counts only
// with the signature of one of the authorities of client certificates: a list that somebody made would revoke every device, and
// one that lacks a lost device would let it in. Hashes are what the operator wrote, and trusted as the configuration is. Of a list
// the issuer and the serial numbers are read, which name a certificate. Bounded: an authority that revoked more than a file
// holds needs a new one.
import { createHash, verify, X509Certificate } from 'node:crypto';
import { AppError, readRegularFile, systemErrorCode } from '../../base/base.ts';

/** Some 400,000 serial numbers. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;
const LIST = /-----BEGIN X509 CRL-----([^-]+)-----END X509 CRL-----/g;
const FINGERPRINT = /^[0-9a-f]{64}$/;
/** Tags of DER. */
const TAG = {
  ...{ BOOLEAN: 0x01, INTEGER: 0x02, BIT_STRING: 0x03, OID: 0x06, SEQUENCE: 0x30 },
  ...{ UTC_TIME: 0x17, GENERALIZED_TIME: 0x18, EXTENSIONS: 0xa0 },
} as const;
/** Extensions of lists (RFC 5280 section 5.2): what changed since another list, and which certificates it is about. */
const DELTA = '551d1b';
const DISTRIBUTION_POINT = '551d1c';
/** Of the latter: where the list is to be had, users only, authorities only; others leave reasons out, or name other issuers. */
const SCOPES: readonly number[] = [0xa0, 0x81, 0x82];
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
  /** Which certificates of the issuer it is about, in DER as hexadecimal; '' for all of them. */
  readonly scope: string;
  /** When it was made, and when the next one should be there; undefined: it does not say. Milliseconds since the epoch. */
  readonly madeMs: number;
  readonly nextMs: number | undefined;
}

/** What a file holds. */
export interface ReadRevocations extends RevokedCertificates {
  readonly lists: readonly RevocationList[];
}

/**
 * Reads a file; throws ERR_CERTIFICATE_REVOCATIONS, also for a list that no authority signed, that is older than the one of
 * the same authority in `before`, or that says only a part, and where one of these is missing: who replays one, or hands out
 * another one that the authority signed as well, would revive what was revoked. `authorities` are PEM.
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
    if (!found.isWhole)
      throw fault(
        `${path} holds a revocation list that cannot be believed: it is not the whole list, ${PARTS}`,
      );
    const known = before.find((one) => isSameKind(one, list));
    if (known !== undefined && list.madeMs < known.madeMs) {
      const [old, now] = [list, known].map(({ madeMs }) => new Date(madeMs).toISOString());
      throw fault(`${path} holds a revocation list of ${old}, older than the one of ${now} that is in force`);
    }
    lists.push(list);
    for (const serial of found.serials) serials.push(serial);
  }
  const missing = missingOf(before, lists, authorities);
  if (missing !== undefined) {
    const made = new Date(missing.madeMs).toISOString();
    throw fault(`${path} lacks the list of ${made} that is in force; a file of another name takes its place`);
  }
  const rest = text.replaceAll(LIST, '');
  if (rest.includes('-----BEGIN X509 CRL')) throw fault(`${path} holds a revocation list that is cut`);
  const fingerprints: string[] = [];
  for (const [index, line] of rest.split('\n').entries()) {
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

const PARTS = 'but what changed, what has some reasons, what others issued, or what is not understood here';

const isSameKind = (one: RevocationList, other: RevocationList): boolean =>
  one.issuer === other.issuer && one.scope === other.scope;

/** A list that was there before and is no more, although its authority is still one. */
const missingOf = (
  before: readonly RevocationList[],
  lists: readonly RevocationList[],
  authorities: readonly string[],
): RevocationList | undefined => {
  const gone = before.filter((known) => !lists.some((list) => isSameKind(list, known)));
  if (gone.length === 0) return undefined;
  const names = new Set(authorities.map((pem) => subjectOf(new X509Certificate(pem).raw)));
  return gone.find(({ issuer }) => names.has(issuer));
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

/** What is in a list. */
interface FoundList {
  readonly list: RevocationList;
  readonly serials: readonly string[];
  /** False: it leaves out what another list has, or says what is not understood (RFC 5280 sections 5.2 and 5.3). */
  readonly isWhole: boolean;
}

/** A list and its serial keys; undefined when it is malformed. */
const readList = (der: Uint8Array): FoundList | undefined => {
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
  const parts = elementsOf({ ...tbs, start: made.end });
  const nextMs = parts?.[0] && readTime(parts[0]);
  if (parts === undefined || (parts.length > 0 && parts.at(-1)?.end !== tbs.end)) return undefined;
  const [revoked, extensions] = nextMs === undefined ? parts : parts.slice(1);
  const entries = revoked?.tag === TAG.SEQUENCE ? elementsOf(revoked) : [];
  const serials: string[] = [];
  let isWhole = true;
  for (const entry of entries ?? []) {
    const [serial, , more] = elementsOf(entry) ?? [];
    if (serial?.tag !== TAG.INTEGER) return undefined;
    serials.push(keyOf(der, issuer, serial));
    if (more !== undefined && extensionsOf(more)?.some(({ isCritical }) => isCritical) !== false)
      isWhole = false;
  }
  // Extensions stand in the place of what is revoked when nothing is.
  const last = revoked?.tag === TAG.EXTENSIONS ? revoked : extensions;
  const scope = last === undefined ? '' : readScope(last);
  if (entries === undefined || (last !== undefined && last.tag !== TAG.EXTENSIONS)) return undefined;
  return {
    list: { issuer: hashOf(der, issuer), scope: scope ?? '', madeMs, nextMs },
    serials,
    isWhole: isWhole && scope !== undefined,
  };
};

/** Which certificates a list is about, by its extensions; undefined: not what could be understood. */
const readScope = (outer: Element): string | undefined => {
  const list = inner(outer);
  const extensions = list && extensionsOf(list);
  if (extensions === undefined) return undefined;
  let scope = '';
  for (const { oid, isCritical, value } of extensions) {
    if (oid === DISTRIBUTION_POINT) {
      const parts = inner(value) && elementsOf(inner(value) ?? value);
      if (parts === undefined || parts.some(({ tag }) => !SCOPES.includes(tag))) return undefined;
      scope = hexOf(value);
    } else if (isCritical || oid === DELTA) return undefined;
  }
  return scope;
};

interface Extension {
  readonly oid: string;
  readonly isCritical: boolean;
  readonly value: Element;
}

/** The extensions in a SEQUENCE of them; undefined when it is malformed. */
const extensionsOf = (list: Element): Extension[] | undefined => {
  const found: Extension[] = [];
  for (const one of elementsOf(list) ?? [list]) {
    const [oid, second, third] = elementsOf(one) ?? [];
    const isSaid = second?.tag === TAG.BOOLEAN;
    const value = isSaid ? third : second;
    if (oid?.tag !== TAG.OID || value === undefined) return undefined;
    found.push({ oid: hexOf(oid), isCritical: isSaid && second.bytes[second.start] !== 0, value });
  }
  return found;
};

const hexOf = ({ bytes, start, end }: Element): string =>
  Buffer.from(bytes.subarray(start, end)).toString('hex');

/** The elements within one; undefined when one of them is cut. */
const elementsOf = ({ bytes, start, end }: Element): Element[] | undefined => {
  const found: Element[] = [];
  for (let at = start; at < end; ) {
    const element = read(bytes, at, end);
    if (element === undefined) return undefined;
    found.push(element);
    at = element.end;
  }
  return found;
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
