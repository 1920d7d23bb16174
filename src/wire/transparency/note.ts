// Signed notes (C2SP signed-note): a text, and lines that say who signed it; with the keys that sign and verify.
//
//   the text, lines that end in a line feed
//   (an empty line)
//   — example.com/log Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
//
// Two types of signature are known: 0x01, Ed25519 over the text, and 0x04, Ed25519 over a time and the text (C2SP
// tlog-cosignature). Notes are what others send: whatever is not one is a value that says so.
import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

/** Types of signature (C2SP signed-note). */
export const SIGNATURE_TYPE = { ed25519: 1, cosignature: 4 } as const;
/** A type of signature. */
export type SignatureType = (typeof SIGNATURE_TYPE)[keyof typeof SIGNATURE_TYPE];

/** A signature line. */
export interface NoteSignature {
  readonly name: string;
  /** Four bytes as eight hexadecimal digits. */
  readonly keyId: string;
  readonly signature: Buffer;
}

/** A note whose signatures were not checked yet. */
export interface Note {
  /** With its last line feed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A key that verifies signatures under a name. */
export interface Verifier {
  readonly name: string;
  readonly keyId: string;
  readonly type: SignatureType;
  readonly key: KeyObject;
}

/** Characters of a note at most: a checkpoint has some 250, with sixteen signatures 3,000. */
const NOTE_LENGTH_MAX = 16_384;
/** What a verifier has to take at least (C2SP signed-note), and some. */
const SIGNATURES_MAX = 64;
const KEY_ID_BYTES = 4;
const KEY_BYTES = 32;
const TIME_BYTES = 8;
const SIGNATURE_BYTES = 64;
const LINE_PATTERN = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/u;
const VERIFIER_PATTERN = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/u;
/** Control characters, but for the line feed. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a note must not have.
const CONTROL_PATTERN = /[\u0000-\u0009\u000b-\u001f]/u;
/** DER before the 32 bytes of an Ed25519 key (RFC 8410 section 4). */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

/** The note in a text; undefined when it is none. */
export const parseNote = (whole: string): Note | undefined => {
  if (whole.length > NOTE_LENGTH_MAX || CONTROL_PATTERN.test(whole)) return undefined;
  const end = whole.lastIndexOf('\n\n');
  if (end < 0) return undefined;
  const signatures = parseSignatureLines(whole.slice(end + 2));
  return signatures && { text: whole.slice(0, end + 1), signatures };
};

/** Signature lines, each ended by a line feed; undefined when there is none, or anything else. */
export const parseSignatureLines = (text: string): NoteSignature[] | undefined => {
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.length === 0 || lines.length > SIGNATURES_MAX) return undefined;
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const [, name, encoded] = LINE_PATTERN.exec(line) ?? [];
    const bytes = encoded === undefined ? undefined : decodeBase64(encoded);
    if (name === undefined || bytes === undefined || bytes.length <= KEY_ID_BYTES) return undefined;
    const keyId = bytes.subarray(0, KEY_ID_BYTES).toString('hex');
    signatures.push({ name, keyId, signature: bytes.subarray(KEY_ID_BYTES) });
  }
  return signatures;
};

/** A signature line, without its line feed. */
export const formatSignatureLine = ({ name, keyId, signature }: NoteSignature): string =>
  `\u2014 ${name} ${Buffer.concat([Buffer.from(keyId, 'hex'), signature]).toString('base64')}`;

/** The whole note. */
export const formatNote = ({ text, signatures }: Note): string =>
  `${text}\n${signatures.map((one) => `${formatSignatureLine(one)}\n`).join('')}`;

/** Who verifies with the public half of a key, under a name. */
export const createVerifier = (name: string, key: KeyObject, type: SignatureType): Verifier => {
  const head = Buffer.from(`${name}\n`);
  const digest = createHash('sha256').update(head).update(Buffer.of(type)).update(rawKey(key)).digest();
  return { name, keyId: digest.subarray(0, KEY_ID_BYTES).toString('hex'), type, key };
};

/** A verifier key (vkey), for people to hand on: name, identifier, type and key. */
export const formatVerifier = ({ name, keyId, type, key }: Verifier): string =>
  `${name}+${keyId}+${Buffer.concat([Buffer.of(type), rawKey(key)]).toString('base64')}`;

/** The verifier that a verifier key names; undefined when it is none, or of another type. */
export const parseVerifier = (text: string): Verifier | undefined => {
  const [, name, keyId, encoded] = VERIFIER_PATTERN.exec(text) ?? [];
  const bytes = encoded === undefined ? undefined : decodeBase64(encoded);
  if (name === undefined || bytes?.length !== KEY_BYTES + 1) return undefined;
  const type = Object.values(SIGNATURE_TYPE).find((one) => one === bytes[0]);
  if (type === undefined) return undefined;
  const der = Buffer.concat([SPKI_HEAD, bytes.subarray(1)]);
  const verifier = createVerifier(name, createPublicKey({ key: der, format: 'der', type: 'spki' }), type);
  return verifier.keyId === keyId ? verifier : undefined;
};

/** True for a name that a key may have. */
export const isKeyName = (name: string): boolean => /^[^\s+]+$/u.test(name) && !CONTROL_PATTERN.test(name);

/** Signs a note's text; a signature of type 0x04 says at which second. */
export const signNote = (
  text: string,
  { name, keyId, type }: Verifier,
  privateKey: KeyObject,
  nowMs: number,
): NoteSignature => {
  if (type === SIGNATURE_TYPE.ed25519)
    return { name, keyId, signature: sign(null, Buffer.from(text), privateKey) };
  const timeSec = Math.floor(nowMs / 1_000);
  const time = Buffer.alloc(TIME_BYTES);
  time.writeBigUInt64BE(BigInt(timeSec));
  const signature = sign(null, cosignedMessage(text, String(timeSec)), privateKey);
  return { name, keyId, signature: Buffer.concat([time, signature]) };
};

/** What a signature that was checked says. */
export interface Verified {
  readonly verifier: Verifier;
  /** When it was made, seconds since the epoch; undefined for one without a time. */
  readonly timeSec: number | undefined;
}

/**
 * The signatures of known keys. `isForged` when one bears the name and identifier of a known key and is not its
 * signature: then the note is nobody's. Others are not looked at.
 */
export const verifyNote = (
  { text, signatures }: Note,
  verifiers: readonly Verifier[],
): { readonly verified: readonly Verified[]; readonly isForged: boolean } => {
  const verified: Verified[] = [];
  let isForged = false;
  for (const one of signatures) {
    const verifier = verifiers.find(({ name, keyId }) => name === one.name && keyId === one.keyId);
    if (verifier === undefined || verified.some((known) => known.verifier === verifier)) continue;
    const found = verifySignature(text, one.signature, verifier);
    if (found === undefined) isForged = true;
    else verified.push(found);
  }
  return { verified, isForged };
};

const verifySignature = (text: string, signature: Buffer, verifier: Verifier): Verified | undefined => {
  if (verifier.type === SIGNATURE_TYPE.ed25519)
    return verify(null, Buffer.from(text), verifier.key, signature)
      ? { verifier, timeSec: undefined }
      : undefined;
  if (signature.length !== TIME_BYTES + SIGNATURE_BYTES) return undefined;
  const time = signature.readBigUInt64BE();
  if (time > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  return verify(null, cosignedMessage(text, String(time)), verifier.key, signature.subarray(TIME_BYTES))
    ? { verifier, timeSec: Number(time) }
    : undefined;
};

/** What a signature of type 0x04 covers (C2SP tlog-cosignature). */
const cosignedMessage = (text: string, time: string): Buffer =>
  Buffer.from(`cosignature/v1\ntime ${time}\n${text}`);

/** The 32 bytes of an Ed25519 key, public or private. */
const rawKey = (key: KeyObject): Buffer => {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(SPKI_HEAD.length);
};

/** Bytes of base64 in its one right form; undefined for any other. */
export const decodeBase64 = (text: string): Buffer | undefined => {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
};
