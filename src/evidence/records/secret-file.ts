// A secret of a fixed length that is made once and then stays: the key under which clients are counted.

import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { replaceFileNow } from '../../base/base.ts';
import { FILE_MODE } from './partition.ts';

/** Reads the secret, or makes one; one of another length is replaced. Throws errors of the system. */
export const readSecret = (path: string, length: number): Uint8Array => {
  const kept = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  if (kept.length === length) return kept;
  const made = randomBytes(length);
  replaceFileNow(path, made, FILE_MODE);
  return made;
};
