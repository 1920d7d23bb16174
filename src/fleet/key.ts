// Keys of a fleet: Ed25519 (RFC 8032), as configurations, files and the engine write them.
//
// The authority's key and the one in the safe are PEM files, written as `ed25519:` and Base64 where others trust them. A
// resolver's key is an nkey, the engine's own form: a seed in Base32 by which it connects, and with which it signs what it
// uploads, so that the engine's operator cannot upload in its name.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fromPublic } from '@nats-io/nkeys';
import { AppError, errorText, replaceFileNow } from '../base/base.ts';
import { keyIdOf } from '../evidence/records/records.ts';

/** DER of a private and of a public Ed25519 key without its 32 bytes (RFC 8410 section 10). */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const KEY_LENGTH = 32;
const PRIVATE_MODE = 0o600;
const PUBLIC_WORD = 'ed25519:';
/** Letters of Base32 (RFC 4648 section 6). */
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const BASE32_BITS = 5;
/** Bytes before the key in a seed and in a public nkey. */
const SEED_HEAD = 2;
const PUBLIC_HEAD = 1;
const NKEY_FORM = /^U[A-Z2-7]{55}$/;
const SEED_FORM = /^SU[A-Z2-7]{56}$/;

/** A key that signs. */
export interface SigningKey {
  readonly publicKey: KeyObject;
  /** First digits of the SHA-256 of the public key, as in records. */
  readonly keyId: string;
  sign(text: string | Uint8Array): string;
}

const toSigningKey = (key: KeyObject): SigningKey => {
  const publicKey = createPublicKey(key);
  return {
    publicKey,
    keyId: keyIdOf(publicKey),
    sign: (text) => sign(null, Buffer.from(text), key).toString('base64'),
  };
};

/** True for a signature in Base64 that is the key's over the text. */
export const isSignature = (key: KeyObject, text: string | Uint8Array, signature: string): boolean =>
  verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64'));

/** Makes a key and writes it to a file that only its owner reads. Throws ERR_FLEET_KEY. */
export const createKeyFile = (path: string): SigningKey => {
  const { privateKey } = generateKeyPairSync('ed25519');
  try {
    replaceFileNow(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), PRIVATE_MODE);
  } catch (cause) {
    throw new AppError('ERR_FLEET_KEY', `writing the key ${path}: ${errorText(cause)}`, {
      cause,
      hint: 'Its directory has to be there, and to be written to by this user.',
    });
  }
  return toSigningKey(privateKey);
};

/** Reads a private key. Throws ERR_FLEET_KEY. */
export const readKeyFile = (path: string): SigningKey => readKey(path, () => readFileSync(path, 'utf8'));

/** Reads a private key out of a text that was read elsewhere; `path` is for the error. Throws ERR_FLEET_KEY. */
export const readKeyText = (text: string, path: string): SigningKey => readKey(path, () => text);

const readKey = (path: string, read: () => string): SigningKey => {
  try {
    // The first of several: what lies in the safe has more behind it.
    const key = createPrivateKey(read());
    if (key.asymmetricKeyType !== 'ed25519') throw new Error('it is no Ed25519 key');
    return toSigningKey(key);
  } catch (cause) {
    throw new AppError('ERR_FLEET_KEY', `reading the key ${path}: ${errorText(cause)}`, {
      cause,
      hint: '"cordon fleet init" makes the keys of an authority, "cordon fleet join" that of a node.',
    });
  }
};

/** `ed25519:…` */
export const formatPublicKey = (key: KeyObject): string =>
  PUBLIC_WORD + key.export({ type: 'spki', format: 'der' }).subarray(PUBLIC_PREFIX.length).toString('base64');

/** The key of a text of formatPublicKey(); undefined for another text. */
export const parsePublicKey = (text: string): KeyObject | undefined => {
  if (!text.startsWith(PUBLIC_WORD)) return undefined;
  return toPublicKey(Buffer.from(text.slice(PUBLIC_WORD.length), 'base64'));
};

const toPublicKey = (raw: Buffer): KeyObject | undefined =>
  raw.length === KEY_LENGTH
    ? createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, raw]), format: 'der', type: 'spki' })
    : undefined;

/** What tells a public key in a token and on paper: the SHA-256 of its text. */
export const fingerprintOf = (publicText: string): string =>
  createHash('sha256').update(publicText).digest('hex');

/** The 32 bytes of a seed of the engine. Throws ERR_FLEET_KEY. */
export const rawSeedOf = (seed: string): Buffer => {
  const text = seed.trim();
  const raw = SEED_FORM.test(text)
    ? decodeBase32(text).subarray(SEED_HEAD, SEED_HEAD + KEY_LENGTH)
    : Buffer.alloc(0);
  if (raw.length === KEY_LENGTH) return raw;
  throw new AppError('ERR_FLEET_KEY', 'reading a seed: it is no seed of a user (SU…)');
};

/** The key of a seed of the engine. Throws ERR_FLEET_KEY. */
export const toSeedKey = (seed: string): SigningKey => {
  const der = Buffer.concat([PRIVATE_PREFIX, rawSeedOf(seed)]);
  return toSigningKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
};

/** The key of a public nkey of a user (`U…`); undefined for another text. Its check sum is the engine's business. */
export const parseNkey = (text: string): KeyObject | undefined =>
  NKEY_FORM.test(text)
    ? toPublicKey(decodeBase32(text).subarray(PUBLIC_HEAD, PUBLIC_HEAD + KEY_LENGTH))
    : undefined;

/** True for a public nkey of a user whose check sum is right: with another one the engine reads none of its users. */
export const isPublicNkey = (text: string): boolean => {
  try {
    fromPublic(text);
    return NKEY_FORM.test(text);
  } catch {
    return false;
  }
};

const decodeBase32 = (text: string): Buffer => {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const letter of text) {
    value = (value << BASE32_BITS) | BASE32.indexOf(letter);
    bits += BASE32_BITS;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((value >> bits) & 0xff);
    value &= (1 << bits) - 1;
  }
  return Buffer.from(bytes);
};
