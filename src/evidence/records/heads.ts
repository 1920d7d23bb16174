// Signed heads: how far a chain had come at a moment, signed with Ed25519 (RFC 8032).
//
// A chain alone cannot show that its end was cut off, nor that all of it was written anew. A head says which hash
// stood at which record; kept elsewhere, it shows both. Heads form a chain of their own, so that a missing one shows.
//
// Signed is this text, UTF-8, each line ended by a line feed, in this order; values are those of the JSON in
// heads.jsonl, `-` for null:
//
//   cordon records head 1
//   number 12
//   previous 64 hexadecimal digits: SHA-256 of this text of the head before; zeros for the first
//   resolver ns1.agency.example
//   class queries
//   ordinal 3
//   day 2026-11-25
//   state closed
//   first 1001
//   last 2000
//   count 1000
//   from 2026-11-25T00:00:00.020Z
//   until 2026-11-25T23:59:59.960Z
//   hash 64 hexadecimal digits
//   signed-at 2026-11-26T00:00:00.100Z
//   key 16 hexadecimal digits
//
// With that text in head.txt and the decoded signature in head.sig, anybody can check it:
//
//   openssl pkeyutl -verify -pubin -inkey signing-key.pub.pem -rawin -in head.txt -sigfile head.sig
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, errorText, replaceFileNow } from '../../base/base.ts';
import type { RecordClass } from './record.ts';

/** How far one chain had come. */
export interface ChainPosition {
  readonly class: RecordClass;
  readonly ordinal: number;
  /** UTC day of the partition. */
  readonly day: string;
  /** Whether the partition can still grow. */
  readonly state: 'running' | 'closed';
  /** Sequence number of the partition's first record. */
  readonly first: number;
  /** Sequence number of the last record that `hash` covers; `first` - 1 when there is none yet. */
  readonly last: number;
  readonly count: number;
  /** Earliest and latest time of the partition's records; null when there is none. */
  readonly from: string | null;
  readonly until: string | null;
  /** Of the last block, 64 hexadecimal digits. */
  readonly hash: string;
}

/** A position with its signature, one line of heads.jsonl. */
export interface SignedHead extends ChainPosition {
  /** From 1, over both classes. */
  readonly number: number;
  /** SHA-256 of the text of the head before. */
  readonly previous: string;
  readonly resolver: string;
  readonly signedAt: string;
  readonly keyId: string;
  /** Base64. */
  readonly signature: string;
}

/** `previous` of the first head. */
export const NO_HEAD = '0'.repeat(64);

const PRIVATE_NAME = 'signing-key.pem';
export const PUBLIC_NAME = 'signing-key.pub.pem';
/** A key that was replaced stays under another name of this form, so that its heads can be checked. */
const PUBLIC_PATTERN = /^signing-key.*\.pub\.pem$/;
const KEY_ID_LENGTH = 16;
const PRIVATE_MODE = 0o600;
const PUBLIC_MODE = 0o644;

/** The text that is signed. */
export const headText = (head: Omit<SignedHead, 'signature'>): string =>
  [
    'cordon records head 1',
    `number ${head.number}`,
    `previous ${head.previous}`,
    `resolver ${head.resolver}`,
    `class ${head.class}`,
    `ordinal ${head.ordinal}`,
    `day ${head.day}`,
    `state ${head.state}`,
    `first ${head.first}`,
    `last ${head.last}`,
    `count ${head.count}`,
    `from ${head.from ?? '-'}`,
    `until ${head.until ?? '-'}`,
    `hash ${head.hash}`,
    `signed-at ${head.signedAt}`,
    `key ${head.keyId}`,
    '',
  ].join('\n');

/** What the head after this one names as `previous`. */
export const headHash = (head: SignedHead): string =>
  createHash('sha256').update(headText(head)).digest('hex');

/** First digits of the SHA-256 of the public key (SubjectPublicKeyInfo, DER). */
export const keyIdOf = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, KEY_ID_LENGTH);

/** True when the signature is that key's over the head's text. */
export const isHeadSignedBy = (head: SignedHead, key: KeyObject): boolean =>
  verify(null, Buffer.from(headText(head)), key, Buffer.from(head.signature, 'base64'));

/** The private key of the records' directory; made at the first start. Throws ERR_COMPLIANCE_SIGNING_KEY. */
export const openSigningKey = (directory: string): KeyObject => {
  const path = join(directory, PRIVATE_NAME);
  try {
    if (!existsSync(path)) {
      const { privateKey } = generateKeyPairSync('ed25519');
      replaceFileNow(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), PRIVATE_MODE);
    }
    const key = createPrivateKey(readFileSync(path));
    if (key.asymmetricKeyType !== 'ed25519') throw new Error('not an Ed25519 key');
    const publicText = createPublicKey(key).export({ type: 'spki', format: 'pem' });
    const publicPath = join(directory, PUBLIC_NAME);
    if (!existsSync(publicPath) || readFileSync(publicPath, 'utf8') !== publicText) {
      replaceFileNow(publicPath, publicText, PUBLIC_MODE);
    }
    return key;
  } catch (cause) {
    throw new AppError('ERR_COMPLIANCE_SIGNING_KEY', `reading ${path}: ${errorText(cause)}`, { cause });
  }
};

/** The public key of the private key of a directory; undefined where there is none that can be read. */
export const readOwnKey = (directory: string): KeyObject | undefined => {
  try {
    return createPublicKey(readFileSync(join(directory, PRIVATE_NAME)));
  } catch {
    return undefined;
  }
};

/** What is wrong with the public key beside a private one, which is written anew when that is opened; undefined for nothing. */
export const publicKeyFault = (directory: string): string | undefined => {
  const key = readOwnKey(directory);
  if (key === undefined) return undefined;
  try {
    const text = readFileSync(join(directory, PUBLIC_NAME), 'utf8');
    return text === key.export({ type: 'spki', format: 'pem' }) ? undefined : 'it was not that of the key';
  } catch {
    return 'it was not there';
  }
};

/** Signs heads with the key of the records' directory. */
export class HeadSigner {
  readonly keyId: string;
  readonly #key: KeyObject;

  private constructor(key: KeyObject) {
    this.#key = key;
    this.keyId = keyIdOf(createPublicKey(key));
  }

  /** Reads the key, or creates it at the first start. Throws ERR_COMPLIANCE_SIGNING_KEY. */
  static open(directory: string): HeadSigner {
    return new HeadSigner(openSigningKey(directory));
  }

  /** The head of a position. */
  sign(
    position: ChainPosition,
    place: Pick<SignedHead, 'number' | 'previous' | 'resolver' | 'signedAt'>,
  ): SignedHead {
    const head = { ...position, ...place, keyId: this.keyId };
    return { ...head, signature: sign(null, Buffer.from(headText(head)), this.#key).toString('base64') };
  }
}

/** The public keys of a directory of records, by their identifiers. Unreadable files are left out. */
export const readPublicKeys = (directory: string): Map<string, KeyObject> => {
  const keys = new Map<string, KeyObject>();
  for (const name of readdirSync(directory)) {
    if (PUBLIC_PATTERN.test(name)) addPublicKey(keys, join(directory, name));
  }
  return keys;
};

/** Adds the key of a file; false when it holds none. */
export const addPublicKey = (keys: Map<string, KeyObject>, path: string): boolean => {
  try {
    const key = createPublicKey(readFileSync(path));
    if (key.asymmetricKeyType !== 'ed25519') return false;
    keys.set(keyIdOf(key), key);
    return true;
  } catch {
    return false;
  }
};
