// Keys of whoever publishes a feed: Ed25519 in PEM files, found by what they are and not by their names, so that sticks of several
// people can be put together.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalize } from '@tufjs/canonical-json';
import { AppError, errorText, systemErrorCode } from '../../base/base.ts';

const SUFFIX = '.pem';
/** Nobody but whoever signs reads them. */
const KEY_MODE = 0o600;
const KEY_DIRECTORY_MODE = 0o700;
/** Bytes of a raw key, at the end of its DER frame (RFC 8410 section 4). */
const RAW_BYTES = 32;
/** A key has 119 bytes; what is larger is none. */
const PEM_BYTES_MAX = 4096;

/** A public key as metadata has it. */
export interface FeedKey {
  readonly keytype: 'ed25519';
  readonly scheme: 'ed25519';
  readonly keyval: { readonly public: string };
}

/** A key that can sign. */
export interface FeedSigner {
  readonly keyid: string;
  readonly key: FeedKey;
  readonly privateKey: KeyObject;
}

/** An AppError of publishing. */
export const publishError = (reason: string, hint?: string, cause?: unknown): AppError =>
  new AppError('ERR_FEED_PUBLISH', `publishing a feed: ${reason}`, { cause, ...(hint && { hint }) });

/** All keys of some directories, by their identifiers. Throws ERR_FEED_PUBLISH. */
export const readSigners = (directories: readonly string[]): Map<string, FeedSigner> => {
  const signers = new Map<string, FeedSigner>();
  for (const directory of directories)
    for (const name of namesOf(directory)) {
      const signer = readSigner(join(directory, name));
      signers.set(signer.keyid, signer);
    }
  return signers;
};

/** Makes a key, which is nowhere yet. */
export const createSigner = (): FeedSigner => toSigner(generateKeyPairSync('ed25519').privateKey);

/** Keeps a key in a file of its own. Throws ERR_FEED_PUBLISH, also where there is one of that name. */
export const saveSigner = (directory: string, name: string, { privateKey }: FeedSigner): void => {
  const path = join(directory, `${name}${SUFFIX}`);
  try {
    mkdirSync(directory, { recursive: true, mode: KEY_DIRECTORY_MODE });
    writeFileSync(path, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: KEY_MODE, flag: 'wx' });
  } catch (thrown) {
    throw publishError(`writing ${path}: ${errorText(thrown)}`, undefined, thrown);
  }
};

/** What is signed of metadata: its canonical form (OLPC JSON). */
export const signCanonical = (signed: object, { keyid, privateKey }: FeedSigner) => ({
  keyid,
  sig: sign(null, Buffer.from(canonicalize(signed)), privateKey).toString('hex'),
});

const namesOf = (directory: string): string[] => {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith(SUFFIX))
      .sort();
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return [];
    throw publishError(`reading ${directory}: ${errorText(thrown)}`, undefined, thrown);
  }
};

const readSigner = (path: string): FeedSigner => {
  try {
    const pem = readFileSync(path);
    const key = pem.length <= PEM_BYTES_MAX ? createPrivateKey(pem) : undefined;
    if (key?.asymmetricKeyType === 'ed25519') return toSigner(key);
  } catch (thrown) {
    // The text of the system would be of the key's bytes.
    throw publishError(`${path} is no private key that can be read`, undefined, thrown);
  }
  throw publishError(`${path} is no Ed25519 key`);
};

const toSigner = (privateKey: KeyObject): FeedSigner => {
  const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const key: FeedKey = {
    keytype: 'ed25519',
    scheme: 'ed25519',
    keyval: { public: der.subarray(-RAW_BYTES).toString('hex') },
  };
  return { keyid: createHash('sha256').update(canonicalize(key)).digest('hex'), key, privateKey };
};
