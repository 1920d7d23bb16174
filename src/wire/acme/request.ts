// What is written in DER for a certificate: the request for it (RFC 2986), and the certificate of a challenge (RFC 8737 section 3).
//
// Both are signed by keys on P-256, made anew for each. The request names nobody but in its subjectAltName, as authorities
// want it. The certificate of a challenge proves nothing to anybody else: it is signed by itself.
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { bits, context, contextBytes, element, integer, octets, oid, sequence, TAG, utcTime } from './der.ts';
import { addressBytes, type Identifier, serverNameOf } from './identifier.ts';

/** Object identifiers, the hexadecimal of their content. */
export const OID = {
  /** ecdsa-with-SHA256 (RFC 5758 section 3.2). */
  ECDSA_SHA256: '2a8648ce3d040302',
  /** extensionRequest (RFC 2985 section 5.4.2). */
  EXTENSION_REQUEST: '2a864886f70d01090e',
  COMMON_NAME: '550403',
  SUBJECT_ALT_NAME: '551d11',
  BASIC_CONSTRAINTS: '551d13',
  KEY_USAGE: '551d0f',
  SUBJECT_KEY: '551d0e',
  AUTHORITY_KEY: '551d23',
  EXTENDED_KEY_USAGE: '551d25',
  SERVER_AUTH: '2b06010505070301',
  CLIENT_AUTH: '2b06010505070302',
  /** id-pe-acmeIdentifier (RFC 8737 section 6.1). */
  ACME_IDENTIFIER: '2b0601050507011f',
} as const;

/** Tags of GeneralName (RFC 5280 section 4.2.1.6). */
const GENERAL_NAME = { dns: 2, ip: 7 } as const;
/** X.509 (RFC 5280 section 4.1.2.1). */
export const VERSION_3 = 2;
/** Of the certificate of a challenge, milliseconds: clocks differ, and an order takes minutes. */
const CHALLENGE_BEFORE_MS = 86_400_000;
const CHALLENGE_LIFE_MS = 2 * 86_400_000;
const SERIAL_BYTES = 16;
export const TRUE = Buffer.from([0x01, 0x01, 0xff]);

/** What a listener shows to an authority that looks whether a name leads here; plain data that travels between threads. */
export interface Challenge {
  /** By which it is asked for, in lower case. */
  readonly serverName: string;
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

/** A new key on P-256. */
export const createKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

/** PEM of a key. */
export const exportKey = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

/** A request in DER for a certificate of a key with these names. */
export const createRequest = (
  key: KeyObject,
  publicKey: KeyObject,
  identifiers: readonly Identifier[],
): Buffer => {
  const extensions = element(TAG.SET, sequence(alternativeNames(identifiers)));
  return signed(
    key,
    sequence(
      integer(0),
      sequence(),
      publicKey.export({ type: 'spki', format: 'der' }),
      element(context(0), sequence(oid(OID.EXTENSION_REQUEST), extensions)),
    ),
  );
};

/** The certificate that answers a challenge for one name; `authorization` is the key authorization (RFC 8555 section 8.1). */
export const createChallenge = (identifier: Identifier, authorization: string, nowMs: number): Challenge => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const digest = createHash('sha256').update(authorization).digest();
  const who = sequence(
    element(TAG.SET, sequence(oid(OID.COMMON_NAME), element(TAG.UTF8, Buffer.from('ACME challenge')))),
  );
  const der = signed(
    privateKey,
    sequence(
      element(context(0), integer(VERSION_3)),
      // Never negative, and never shorter than it seems.
      integer(Buffer.concat([Buffer.from([1]), randomBytes(SERIAL_BYTES)])),
      ALGORITHM,
      who,
      sequence(utcTime(nowMs - CHALLENGE_BEFORE_MS), utcTime(nowMs + CHALLENGE_LIFE_MS)),
      who,
      publicKey.export({ type: 'spki', format: 'der' }),
      element(
        context(3),
        sequence(
          alternativeNames([identifier]),
          sequence(oid(OID.ACME_IDENTIFIER), TRUE, octets(octets(digest))),
        ),
      ),
    ),
  );
  return { serverName: serverNameOf(identifier), cert: toPem(der), key: exportKey(privateKey) };
};

/** PEM of a certificate in DER. */
export const toPem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{64}(?!$)/g, '$&\n')}\n-----END CERTIFICATE-----\n`;

/** Of every signature here. */
export const ALGORITHM = sequence(oid(OID.ECDSA_SHA256));

const signed = (key: KeyObject, content: Buffer): Buffer =>
  sequence(content, ALGORITHM, bits(sign('sha256', content, key)));

/** The extension with names and addresses. */
export const alternativeNames = (identifiers: readonly Identifier[]): Buffer =>
  sequence(oid(OID.SUBJECT_ALT_NAME), octets(sequence(...identifiers.map(generalName))));

const generalName = ({ type, value }: Identifier): Buffer =>
  element(
    contextBytes(GENERAL_NAME[type]),
    type === 'dns' ? Buffer.from(value, 'latin1') : addressBytes(value),
  );
