// Proof that a list is what its maintainer made: a SHA-256 that the operator wrote down, or an Ed25519 signature.
//
// Signatures come detached, in two forms. minisign (https://jedisct1.github.io/minisign/): `ED` signs the
// BLAKE2b-512 of the file, the older `Ed` the file itself; a second signature covers the first one and the trusted
// comment. Raw: the 64 bytes of an Ed25519 signature (RFC 8032) over the file, as they are or in Base64. Whatever
// signs the file itself needs it in memory as a whole, so such files have a bound of their own.
//
// A signature says who made a file, not that it is the newest one: a mirror can serve an old file with its signature.
import { createHash, createPublicKey, type KeyObject, verify as verifyBytes } from 'node:crypto';
import type { AppError } from '../../base/base.ts';
import { type SourceErrorCode, sourceError } from './source-error.ts';

/** Bytes of a signature file: minisign's has some 300. */
export const SIGNATURE_FILE_BYTES_MAX = 4096;
/** Bytes of a file that is signed itself and not by its hash: two million names, and bearable in memory. */
export const WHOLE_FILE_BYTES_MAX = 32 * 1024 * 1024;

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const KEY_ID_BYTES = 8;
const ALGORITHM_BYTES = 2;
const HEAD_BYTES = ALGORITHM_BYTES + KEY_ID_BYTES;
/** The DER frame of an Ed25519 public key (RFC 8410 section 4), before its 32 bytes. */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');
const TRUSTED_COMMENT = 'trusted comment: ';
const UNTRUSTED_COMMENT = 'untrusted comment:';

/** A public key of the configuration. Only minisign's have an identifier. */
export interface SourceKey {
  readonly keyId: Buffer | undefined;
  readonly key: KeyObject;
}

/** What was signed. */
export interface SignedContent {
  readonly blake2b512: Uint8Array;
  readonly sizeBytes: number;
  /** The whole content; called for at most WHOLE_FILE_BYTES_MAX bytes. */
  readonly readWhole: () => Promise<Uint8Array>;
}

/** Parses `sha256:` and 64 hexadecimal digits to the digits in lower case; throws ERR_LIST_CHECKSUM. */
export const parseChecksum = (text: string): string => {
  const digits = /^sha256:([0-9a-f]{64})$/i.exec(text)?.[1];
  if (digits === undefined) {
    throw sourceError(
      'ERR_LIST_CHECKSUM',
      `reading the checksum ${JSON.stringify(text.slice(0, 80))}: not "sha256:" and 64 hexadecimal digits`,
    );
  }
  return digits.toLowerCase();
};

/**
 * Parses a public key: what minisign prints, with or without its comment line, or 32 bytes in Base64.
 *
 * Throws ERR_LIST_SIGNATURE.
 */
export const parseSourceKey = (text: string): SourceKey => {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const bytes = fromBase64(lines.at(-1)?.trim() ?? '');
  const key = (at: number): KeyObject =>
    createPublicKey({ key: Buffer.concat([SPKI_HEAD, bytes.subarray(at)]), format: 'der', type: 'spki' });
  if (bytes.length === KEY_BYTES) return { keyId: undefined, key: key(0) };
  if (bytes.length === HEAD_BYTES + KEY_BYTES && algorithmOf(bytes) === 'Ed') {
    return { keyId: bytes.subarray(ALGORITHM_BYTES, HEAD_BYTES), key: key(HEAD_BYTES) };
  }
  throw signatureError(
    'reading a public key: neither a minisign key nor 32 bytes of an Ed25519 key in Base64',
  );
};

/**
 * Checks the bytes of a signature file; `name` is the list in messages. Returns the trusted comment, empty for a raw
 * signature. Throws ERR_LIST_SIGNATURE.
 */
export const verifySignature = async (
  name: string,
  file: Uint8Array,
  key: SourceKey,
  content: SignedContent,
): Promise<string> => {
  const doing = `checking the signature of list ${name}`;
  const isHashed = key.keyId !== undefined && parseMinisign(file)?.algorithm === 'ED';
  return verify(doing, file, key, isHashed ? content.blake2b512 : await wholeOf(doing, content));
};

/** The same for a content that is in memory. */
export const verifyContent = (
  name: string,
  file: Uint8Array,
  key: SourceKey,
  content: Uint8Array,
): string => {
  const isHashed = key.keyId !== undefined && parseMinisign(file)?.algorithm === 'ED';
  const signed = isHashed ? createHash('blake2b512').update(content).digest() : content;
  return verify(`checking the signature of list ${name}`, file, key, signed);
};

/** `signed` is the content, or its hash where the signature is of that. */
const verify = (doing: string, file: Uint8Array, { keyId, key }: SourceKey, signed: Uint8Array): string => {
  if (keyId === undefined) {
    const signature = file.length === SIGNATURE_BYTES ? file : fromBase64(textOf(file).trim());
    if (signature.length !== SIGNATURE_BYTES) throw signatureError(`${doing}: it is no Ed25519 signature`);
    requireValid(doing, signed, key, signature);
    return '';
  }
  const parts = parseMinisign(file);
  if (parts === undefined) throw signatureError(`${doing}: it is no minisign signature`);
  if (!parts.keyId.equals(keyId)) {
    throw signatureError(`${doing}: it was made with key ${idText(parts.keyId)}, not with ${idText(keyId)}`);
  }
  requireValid(doing, signed, key, parts.signature);
  const commented = Buffer.concat([parts.signature, parts.comment]);
  requireValid(`${doing} and its comment`, commented, key, parts.commentSignature);
  return parts.comment.toString('utf8');
};

interface MinisignParts {
  readonly algorithm: 'Ed' | 'ED';
  readonly keyId: Buffer;
  readonly signature: Buffer;
  readonly comment: Buffer;
  readonly commentSignature: Buffer;
}

const parseMinisign = (file: Uint8Array): MinisignParts | undefined => {
  const [untrusted = '', head = '', trusted = '', tail = ''] = textOf(file).split(/\r?\n/);
  const bytes = fromBase64(head);
  const commentSignature = fromBase64(tail);
  const algorithm = algorithmOf(bytes);
  const isWhole =
    bytes.length === HEAD_BYTES + SIGNATURE_BYTES && commentSignature.length === SIGNATURE_BYTES;
  if (!isWhole || !untrusted.startsWith(UNTRUSTED_COMMENT) || !trusted.startsWith(TRUSTED_COMMENT)) {
    return undefined;
  }
  if (algorithm !== 'Ed' && algorithm !== 'ED') return undefined;
  return {
    algorithm,
    keyId: bytes.subarray(ALGORITHM_BYTES, HEAD_BYTES),
    signature: bytes.subarray(HEAD_BYTES),
    comment: Buffer.from(trusted.slice(TRUSTED_COMMENT.length), 'latin1'),
    commentSignature,
  };
};

const wholeOf = (doing: string, content: SignedContent): Promise<Uint8Array> => {
  if (content.sizeBytes > WHOLE_FILE_BYTES_MAX) {
    throw sourceError(
      'ERR_LIST_SIGNATURE',
      `${doing}: ${content.sizeBytes} bytes are signed as a whole, at most ${WHOLE_FILE_BYTES_MAX} can be`,
      { hint: 'minisign signs a hash of the file unless it is told -l.' },
    );
  }
  return content.readWhole();
};

const requireValid = (doing: string, data: Uint8Array, key: KeyObject, signature: Uint8Array): void => {
  // Ed25519 has its hash built in, so no algorithm is named.
  if (!verifyBytes(null, data, key, signature)) throw signatureError(`${doing}: it does not fit`);
};

const signatureError = (message: string): AppError<SourceErrorCode> =>
  sourceError('ERR_LIST_SIGNATURE', message);

/** Bytes as characters, one each, so that a comment is checked as it came. */
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** Strict: Node.js would skip what is no Base64, and two texts would be one key. */
const fromBase64 = (text: string): Buffer =>
  text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)
    ? Buffer.from(text, 'base64')
    : Buffer.alloc(0);

const algorithmOf = (bytes: Buffer): string => bytes.toString('latin1', 0, ALGORITHM_BYTES);

/** As minisign prints it: the least significant byte last. */
const idText = (keyId: Buffer): string =>
  keyId.readBigUInt64LE().toString(16).toUpperCase().padStart(16, '0');
