// The key with which certificates are signed: of the agency, or made at the first run.
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** The private key of a file, made there when there is none; `isNew` says which. Throws what the file system does. */
export const readOrMakeKey = (file: string): { readonly key: KeyObject; readonly isNew: boolean } => {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  let isNew = true;
  try {
    writeFileSync(file, pem, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    isNew = false;
  }
  if (isNew) {
    writeFileSync(`${file}.pub`, publicKey.export({ type: 'spki', format: 'pem' }));
    chmodSync(file, 0o600);
  }
  const key = createPrivateKey(readFileSync(file));
  if (key.asymmetricKeyType !== 'ed25519') throw new TypeError(`${file} is no Ed25519 key`);
  return { key, isNew };
};
