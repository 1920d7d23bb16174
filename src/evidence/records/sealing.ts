// Sealing a secret to a public key, so that only who has the private one can open it: HPKE (RFC 9180), base mode, one message,
// with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-128-GCM.
//
// A sealed text is the ephemeral public key (32 bytes), the encrypted secret and its tag, in Base64. It says nothing of who
// sealed it: where that matters, it stands in something that is signed.
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';

const KEY_LENGTH = 32;
const CIPHER = 'aes-128-gcm';
const CIPHER_KEY_LENGTH = 16;
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
const SECRET_LENGTH = 32;
/** DER of an X25519 public key without its 32 bytes (RFC 8410). */
const PUBLIC_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');
/** Identifiers of RFC 9180 sections 4.1 and 5.1: the KEM 0x0020; with the KDF 0x0001 and the AEAD 0x0001. */
const KEM_SUITE = Buffer.from('KEM\x00\x20', 'latin1');
const HPKE_SUITE = Buffer.from('HPKE\x00\x20\x00\x01\x00\x01', 'latin1');
const VERSION = 'HPKE-v1';
const EMPTY = Buffer.alloc(0);
const MODE_BASE = Buffer.from([0]);
const KEY_ID_LENGTH = 16;

/** What a sealed secret is for, and about what: one that is sealed for something else does not open. */
export interface SealedFor {
  readonly use: string;
  readonly about: string;
}

/** First digits of the SHA-256 of an X25519 public key: by what people tell keys apart. */
export const sealingKeyId = (publicKey: KeyObject): string =>
  createHash('sha256').update(rawOf(publicKey)).digest('hex').slice(0, KEY_ID_LENGTH);

/** Seals a secret. `ephemeral` is for tests: with a known one the result is known. */
export const seal = (
  publicKey: KeyObject,
  { use, about }: SealedFor,
  secret: Uint8Array,
  ephemeral = generateKeyPairSync('x25519').privateKey,
): string => {
  const encapsulated = rawOf(createPublicKey(ephemeral));
  const shared = diffieHellman({ privateKey: ephemeral, publicKey });
  const { key, nonce } = schedule(shared, encapsulated, rawOf(publicKey), Buffer.from(use));
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(about));
  const sealed = Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
  return Buffer.concat([encapsulated, sealed]).toString('base64');
};

/** Opens what was sealed to that key; undefined for what was not, or for something else, or was changed. */
export const unseal = (
  privateKey: KeyObject,
  { use, about }: SealedFor,
  sealed: string,
): Buffer | undefined => {
  const bytes = Buffer.from(sealed, 'base64');
  if (bytes.length < KEY_LENGTH + TAG_LENGTH) return undefined;
  const encapsulated = bytes.subarray(0, KEY_LENGTH);
  try {
    const sender = createPublicKey({
      key: Buffer.concat([PUBLIC_PREFIX, encapsulated]),
      format: 'der',
      type: 'spki',
    });
    const shared = diffieHellman({ privateKey, publicKey: sender });
    const own = rawOf(createPublicKey(privateKey));
    const { key, nonce } = schedule(shared, encapsulated, own, Buffer.from(use));
    const decipher = createDecipheriv(CIPHER, key, nonce)
      .setAAD(Buffer.from(about))
      .setAuthTag(bytes.subarray(-TAG_LENGTH));
    return Buffer.concat([decipher.update(bytes.subarray(KEY_LENGTH, -TAG_LENGTH)), decipher.final()]);
  } catch {
    // A tag that does not match, or a public key of small order.
    return undefined;
  }
};

const rawOf = (key: KeyObject): Buffer =>
  key.export({ type: 'spki', format: 'der' }).subarray(PUBLIC_PREFIX.length);

/** Key and nonce of the first and only message (RFC 9180 sections 4.1 and 5.1). */
const schedule = (
  shared: Uint8Array,
  encapsulated: Uint8Array,
  recipient: Uint8Array,
  info: Uint8Array,
): { readonly key: Buffer; readonly nonce: Buffer } => {
  const extracted = extract(KEM_SUITE, EMPTY, 'eae_prk', shared);
  const context = Buffer.concat([encapsulated, recipient]);
  const secretOfKem = expand(KEM_SUITE, extracted, 'shared_secret', context, SECRET_LENGTH);
  const keyContext = Buffer.concat([
    MODE_BASE,
    extract(HPKE_SUITE, EMPTY, 'psk_id_hash', EMPTY),
    extract(HPKE_SUITE, EMPTY, 'info_hash', info),
  ]);
  const secret = extract(HPKE_SUITE, secretOfKem, 'secret', EMPTY);
  return {
    key: expand(HPKE_SUITE, secret, 'key', keyContext, CIPHER_KEY_LENGTH),
    nonce: expand(HPKE_SUITE, secret, 'base_nonce', keyContext, NONCE_LENGTH),
  };
};

/** LabeledExtract (RFC 9180 section 4). */
const extract = (suite: Uint8Array, salt: Uint8Array, label: string, value: Uint8Array): Buffer =>
  createHmac('sha256', salt).update(VERSION).update(suite).update(label).update(value).digest();

/** LabeledExpand (RFC 9180 section 4): no more than one block of HKDF is ever wanted. */
const expand = (
  suite: Uint8Array,
  extracted: Uint8Array,
  label: string,
  info: Uint8Array,
  length: number,
): Buffer =>
  createHmac('sha256', extracted)
    .update(Buffer.from([0, length]))
    .update(VERSION)
    .update(suite)
    .update(label)
    .update(info)
    .update(Buffer.from([1]))
    .digest()
    .subarray(0, length);
