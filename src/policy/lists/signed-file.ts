// A list file with a signature beside it, for networks without an address to fetch from: FILE and FILE.minisig, or
// FILE.sig for a plain Ed25519 key. What is not signed with the key is not read.
import { readRegularFile, systemErrorCode } from '../../base/base.ts';
import { readListFile } from './list-file.ts';
import { sourceError } from './source-error.ts';
import { parseSourceKey, SIGNATURE_FILE_BYTES_MAX, verifyContent } from './source-signature.ts';

/**
 * The text of a list file, unpacked, which is what is signed: whoever parses it parses these bytes, because the file may be
 * another one by then. Throws ERR_LIST_SIGNATURE, or ERR_LIST_READ for the list itself.
 */
export const readSignedFile = (path: string, publicKey: string): Uint8Array => {
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
  const text = readListFile(path);
  verifyContent(path, signature, key, text);
  return text;
};
