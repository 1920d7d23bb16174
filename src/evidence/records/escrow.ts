// Keys of pseudonyms in escrow: sealed to a privacy officer's public key and kept in the records, so that they travel with them.
//
// The private key lies in a safe. Who has it can open the key of a pseudonym that was collected, long after the resolver has
// destroyed its own copy, or was lost; nobody else can, neither the collector nor who has the records.
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { AppError, errorText } from '../../base/base.ts';
import { PseudonymKeys } from './pseudonym-keys.ts';
import type { RecordsReader } from './records-reader.ts';
import { type SealedFor, seal, sealingKeyId, unseal } from './sealing.ts';

/** A key of pseudonyms as it stands in a record. */
export interface SealedKey {
  /** Number of the key of pseudonyms. */
  readonly key: number;
  /** Which key it is sealed to: see sealingKeyId(). */
  readonly escrow: string;
  readonly sealed: string;
}

const sealedFor = (key: number): SealedFor => ({ use: 'cordon pseudonym key 1', about: `key ${key}` });

/** A privacy officer's public key of its PEM. Throws ERR_COMPLIANCE_ESCROW for anything else, a private key among it. */
export const readEscrowKey = (pem: string, path: string): KeyObject => {
  if (pem.includes('PRIVATE KEY'))
    throw failure(`reading ${path}: it is a private key`, 'Put it into the safe, and the public key here.');
  try {
    return requireX25519(createPublicKey(pem));
  } catch (cause) {
    throw failure(
      `reading ${path}: ${errorText(cause)}`,
      '"openssl pkey -in KEY.pem -pubout" prints the public key of an X25519 key.',
      cause,
    );
  }
};

/** A privacy officer's private key of its PEM. Throws ERR_COMPLIANCE_ESCROW. */
export const readEscrowPrivateKey = (pem: string, path: string): KeyObject => {
  try {
    return requireX25519(createPrivateKey(pem));
  } catch (cause) {
    throw failure(
      `reading ${path}: ${errorText(cause)}`,
      'It is the private key in PEM, without a password, that "openssl genpkey -algorithm X25519" made.',
      cause,
    );
  }
};

const requireX25519 = (key: KeyObject): KeyObject => {
  if (key.asymmetricKeyType !== 'x25519') throw new Error('it is no X25519 key');
  return key;
};

/** Seals a key of pseudonyms. */
export const sealKey = (escrow: KeyObject, key: number, secret: Uint8Array): SealedKey => ({
  key,
  escrow: sealingKeyId(escrow),
  sealed: seal(escrow, sealedFor(key), secret),
});

/** The sealed keys in the records of a directory. Rejects with ERR_COMPLIANCE_RECORDS. */
export const readSealedKeys = async (reader: RecordsReader): Promise<SealedKey[]> => {
  const found: SealedKey[] = [];
  for await (const { record } of reader.records('changes', 0, Number.MAX_SAFE_INTEGER)) {
    if (record.kind !== 'records' || record.event !== 'pseudonym-key') continue;
    const { key, escrow, sealed } = record;
    if (key !== undefined && escrow !== undefined && sealed !== undefined)
      found.push({ key, escrow, sealed });
  }
  return found;
};

/** The address or device behind a pseudonym. Throws ERR_COMPLIANCE_ESCROW, and ERR_COMPLIANCE_PSEUDONYM for a text that is none. */
export const openPseudonym = (
  pseudonym: string,
  keys: readonly SealedKey[],
  privateKey: KeyObject,
): string => {
  const number = Number(/^[pd]:(\d{1,9}):/.exec(pseudonym)?.[1]);
  const own = sealingKeyId(createPublicKey(privateKey));
  const ofNumber = keys.filter(({ key }) => key === number);
  if (Number.isNaN(number) || ofNumber.length === 0) {
    if (Number.isNaN(number)) return PseudonymKeys.ofKey(0, new Uint8Array()).reidentify(pseudonym);
    throw failure(
      `opening ${JSON.stringify(pseudonym.slice(0, 64))}: key ${number} of this resolver was never sealed`,
      'The resolver had no "fleet.escrow" while the key was in use, or its records are not here.',
    );
  }
  const sealed = ofNumber.findLast(({ escrow }) => escrow === own);
  if (sealed === undefined) {
    const others = [...new Set(ofNumber.map(({ escrow }) => escrow))].join(', ');
    throw failure(
      `opening ${JSON.stringify(pseudonym.slice(0, 64))}: key ${number} is sealed to ${others}, and this is ${own}`,
      'It takes the private key of that time: keep each for as long as records are kept.',
    );
  }
  const secret = unseal(privateKey, sealedFor(number), sealed.sealed);
  if (secret === undefined)
    throw failure(
      `opening ${JSON.stringify(pseudonym.slice(0, 64))}: what is sealed there was changed`,
      '"cordon records verify" tells whether the records are whole.',
    );
  return PseudonymKeys.ofKey(number, secret).reidentify(pseudonym);
};

const failure = (text: string, hint: string, cause?: unknown): AppError =>
  new AppError('ERR_COMPLIANCE_ESCROW', text, { hint, cause });
