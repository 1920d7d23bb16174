// A list file with a signature beside it, for networks without an address to fetch from: FILE and FILE.minisig, or
// FILE.sig for a plain Ed25519 key. What is not signed with the key is not read.
import { readRegularFile, systemErrorCode } from '../../base/base.ts';
import { readListFile } from './list-file.ts';
import { sourceError } from './source-error.ts';
import { parseSourceKey, SIGNATURE_FILE_BYTES_MAX, verifyContent } from './source-signature.ts';

/** Throws ERR_LIST_SIGNATURE, or ERR_LIST_READ for the list itself. The signature is of the text, unpacked. */
export const requireSigned = (path: string, publicKey: string): void => {
  const key = parseSourceKey(publicKey);
  const signaturePath = `${path}${key.keyId === undefined ? '.sig' : '.minisig'}`;
  let signature: Uint8Array;
  try {
    signature = readRegularFile(signaturePath, SIGNATURE_FILE_BYTES_MAX);
  } catch (thrown) {
    const code = systemErrorCode(thrown);
    if (code === undefined) throw thrown;
    throw sourceError('ERR_LIST_SIGNATURE', `reading the signature ${signaturePath}: ${code}`, {
      cause: thrown,
    });
  }
  verifyContent(path, signature, key, readListFile(path));
};
