// An authority of one's own: for the engine of a fleet, whose servers and clients are all the same organization's.
//
// P-256 and SHA-256, as every TLS library takes them (RFC 5280). A certificate is for servers and for clients, because the
// servers of a cluster are both to each other. The chain has the authority's own certificate behind: a resolver that knows
// nothing but its hash finds it in the first handshake.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { bits, context, contextBytes, element, integer, octets, oid, sequence, TAG, utcTime } from './der.ts';
import { toIdentifier } from './identifier.ts';
import { ALGORITHM, alternativeNames, createKey, exportKey, OID, TRUE, toPem, VERSION_3 } from './request.ts';

const DAY_MS = 86_400_000;
/** Clocks of machines that were just installed differ. */
const BEFORE_MS = DAY_MS;
/** Ten years: the authority ends with the machines that it was made on, and is made anew by hand. */
const AUTHORITY_DAYS = 3_652;
/** A year and a month: whoever renews once a year is in time. */
const SERVER_DAYS = 397;
/** UTCTime ends with 2049 (RFC 5280 section 4.1.2.5). */
const UTC_TIME_END_MS = Date.parse('2049-12-31T00:00:00Z');
const SERIAL_BYTES = 16;
const KEY_ID_BYTES = 20;
/** keyCertSign and cRLSign; digitalSignature: BIT STRING with its unused bits (RFC 5280 section 4.2.1.3). */
const SIGNS_CERTIFICATES = Buffer.from('03020106', 'hex');
const SIGNS = Buffer.from('03020780', 'hex');

/** A certificate, with those that signed it behind, and its key; PEM. */
export interface OwnCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Makes an authority. */
export const createAuthority = (name: string, nowMs: number): OwnCertificate => {
  const privateKey = createKey();
  const publicKey = createPublicKey(privateKey);
  const cert = certificate({
    ...{ subject: name, issuer: name, publicKey, signer: privateKey, nowMs },
    days: AUTHORITY_DAYS,
    extensions: [
      extension(OID.BASIC_CONSTRAINTS, sequence(TRUE), 'critical'),
      extension(OID.KEY_USAGE, SIGNS_CERTIFICATES, 'critical'),
      extension(OID.SUBJECT_KEY, octets(keyIdOf(publicKey))),
    ],
  });
  return { cert, key: exportKey(privateKey) };
};

/** Issues a certificate for names and addresses, with a key of its own. Throws where the key is not the authority's. */
export const issueCertificate = (
  authority: OwnCertificate,
  names: readonly string[],
  nowMs: number,
): OwnCertificate => {
  const signer = createPrivateKey(authority.key);
  const above = new X509Certificate(authority.cert);
  if (!above.checkPrivateKey(signer))
    throw new Error('the key is not that of the certificate that is to sign');
  const privateKey = createKey();
  const publicKey = createPublicKey(privateKey);
  const [subject = ''] = names;
  const cert = certificate({
    ...{ subject, issuer: commonNameOf(above), publicKey, signer, nowMs },
    days: SERVER_DAYS,
    endMs: Date.parse(above.validTo),
    extensions: [
      extension(OID.BASIC_CONSTRAINTS, sequence(), 'critical'),
      extension(OID.KEY_USAGE, SIGNS, 'critical'),
      extension(OID.EXTENDED_KEY_USAGE, sequence(oid(OID.SERVER_AUTH), oid(OID.CLIENT_AUTH))),
      extension(OID.AUTHORITY_KEY, sequence(element(contextBytes(0), keyIdOf(above.publicKey)))),
      alternativeNames(names.map(toIdentifier)),
    ],
  });
  return { cert: cert + authority.cert, key: exportKey(privateKey) };
};

interface CertificateText {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly nowMs: number;
  readonly days: number;
  /** Not beyond; milliseconds. */
  readonly endMs?: number;
  readonly extensions: readonly Buffer[];
}

const certificate = ({
  subject,
  issuer,
  publicKey,
  signer,
  nowMs,
  days,
  endMs = UTC_TIME_END_MS,
  extensions,
}: CertificateText): string => {
  const untilMs = Math.min(nowMs + days * DAY_MS, endMs, UTC_TIME_END_MS);
  const content = sequence(
    element(context(0), integer(VERSION_3)),
    // Never negative, and never shorter than it seems.
    integer(Buffer.concat([Buffer.from([1]), randomBytes(SERIAL_BYTES)])),
    ALGORITHM,
    nameOf(issuer),
    sequence(utcTime(nowMs - BEFORE_MS), utcTime(untilMs)),
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    element(context(3), sequence(...extensions)),
  );
  return toPem(sequence(content, ALGORITHM, bits(sign('sha256', content, signer))));
};

/** A common name has 64 letters at most (RFC 5280 appendix A); names of servers stand in subjectAltName. */
const nameOf = (text: string): Buffer =>
  sequence(
    element(TAG.SET, sequence(oid(OID.COMMON_NAME), element(TAG.UTF8, Buffer.from(text.slice(0, 64))))),
  );

const commonNameOf = ({ subject }: X509Certificate): string => /^CN=(.*)$/m.exec(subject)?.[1] ?? '';

const extension = (id: string, content: Buffer, isCritical?: 'critical'): Buffer =>
  sequence(oid(id), ...(isCritical === undefined ? [] : [TRUE]), octets(content));

/** Any 20 bytes that two keys do not share (RFC 7093 section 2). */
const keyIdOf = (key: KeyObject): Buffer =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, KEY_ID_BYTES);
