// The signature of a report: a small text beside the file, made with the key that signs the heads of the records.
//
//   cordon report signature 1
//   key 0123456789abcdef
//   sha256 64 hexadecimal digits: of the file
//   signature Base64: Ed25519 (RFC 8032) over the bytes of the file
//
// It says that a holder of the records' key made the file, and that nobody changed it since. Anybody can check it:
//
//   sed -n 's/^signature //p' FILE.sig | base64 -d > signature.bin
//   openssl pkeyutl -verify -pubin -inkey signing-key.pub.pem -rawin -in FILE -sigfile signature.bin
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, errorText } from '../../base/base.ts';
import { addPublicKey, keyIdOf, readPublicKeys } from '../records/records.ts';

/** Codes of signatures. */
export type SignatureErrorCode = 'ERR_COMPLIANCE_SIGNING_KEY' | 'ERR_COMPLIANCE_REPORT_SIGNATURE';

/** Added to the name of the report's file. */
export const SIGNATURE_ENDING = '.sig';

const PRIVATE_NAME = 'signing-key.pem';
const HEAD = 'cordon report signature 1';
const FORM =
  /^cordon report signature 1\nkey ([0-9a-f]{16})\nsha256 ([0-9a-f]{64})\nsignature ([A-Za-z0-9+/]{86}==)\n$/;
/** Of a file of this form. */
const LENGTH_MAX = 1_024;

/** The signature of a report's bytes as the text beside it, by the key in a directory of records. */
export const signReport = (report: Uint8Array, directory: string): { text: string; keyId: string } => {
  const key = readSigningKey(join(directory, PRIVATE_NAME));
  const keyId = keyIdOf(createPublicKey(key));
  const signature = sign(null, report, key).toString('base64');
  const text = `${HEAD}\nkey ${keyId}\nsha256 ${hashOf(report)}\nsignature ${signature}\n`;
  return { text, keyId };
};

/**
 * Checks the signature beside a report; gives the id of the key. The key is that of `keyPath`, otherwise one of a
 * directory of records. Throws ERR_COMPLIANCE_REPORT_SIGNATURE, and ERR_COMPLIANCE_SIGNING_KEY for a file without a key.
 */
export const verifyReport = (path: string, keys: { keyPath: string } | { directory: string }): string => {
  const report = read(path);
  const signaturePath = `${path}${SIGNATURE_ENDING}`;
  const match = FORM.exec(Buffer.from(read(signaturePath)).toString('latin1').slice(0, LENGTH_MAX));
  if (match === null) throw wrong(path, `${signaturePath} holds no signature of a report`);
  const [, keyId = '', sha256 = '', signature = ''] = match;
  const key = findKey(path, keyId, keys);
  if (hashOf(report) !== sha256 || !verify(null, report, key, Buffer.from(signature, 'base64')))
    throw wrong(path, 'the file is not what was signed');
  return keyId;
};

const findKey = (
  path: string,
  keyId: string,
  keys: { keyPath: string } | { directory: string },
): KeyObject => {
  const known = 'directory' in keys ? keysIn(keys.directory) : new Map<string, KeyObject>();
  if ('keyPath' in keys && !addPublicKey(known, keys.keyPath))
    throw new AppError('ERR_COMPLIANCE_SIGNING_KEY', `reading ${keys.keyPath}: no Ed25519 key in PEM`);
  const key = known.get(keyId);
  if (key !== undefined) return key;
  throw wrong(path, `it is signed by key ${keyId}, which is not there`, 'Name the public key with --key.');
};

/** The public keys of a directory; one that is not there has none. */
const keysIn = (directory: string): Map<string, KeyObject> => {
  try {
    return readPublicKeys(directory);
  } catch {
    return new Map();
  }
};

const readSigningKey = (path: string): KeyObject => {
  try {
    const key = createPrivateKey(readFileSync(path));
    if (key.asymmetricKeyType !== 'ed25519') throw new Error('not an Ed25519 key');
    return key;
  } catch (cause) {
    throw new AppError('ERR_COMPLIANCE_SIGNING_KEY', `reading ${path}: ${errorText(cause)}`, {
      cause,
      hint: 'The program makes the key when it first records. With --unsigned a report is written without it.',
    });
  }
};

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const read = (path: string): Uint8Array => {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw wrong(path, errorText(cause));
  }
};

const wrong = (path: string, text: string, hint?: string): AppError =>
  new AppError('ERR_COMPLIANCE_REPORT_SIGNATURE', `checking the signature of ${path}: ${text}`, {
    ...(hint === undefined ? {} : { hint }),
  });
