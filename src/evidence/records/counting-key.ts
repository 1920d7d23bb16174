// The key under which clients are counted: a resolver's own, or that of its fleet, with which estimates of several merge.
//
// Estimates of one partition have one key: that of the fleet is taken up with the first partition of a day, and a record of each
// day says so. What has no such record was counted under the resolver's own key, and merges with nothing.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFileNow } from '../../base/base.ts';
import { SIPHASH_KEY_LENGTH } from '../../wire/dns/dns.ts';
import type { OwnRecords } from './own-records.ts';
import { FILE_MODE } from './partition.ts';
import type { RecordingOptions } from './recording-options.ts';
import { SKETCH_KEY_NAME } from './sketch.ts';

/** Bytes of the key. */
export const COUNTING_KEY_LENGTH = SIPHASH_KEY_LENGTH;
const ID_LENGTH = 16;

/** What tells keys apart, and nothing of them. */
export const countingKeyId = (key: Uint8Array): string =>
  createHash('sha256').update('cordon counting key 1').update(key).digest('hex').slice(0, ID_LENGTH);

/**
 * Takes up the key of the fleet, where there is one, for the estimates of a day that begin now; true when it is another one than
 * before. Throws errors of the system.
 */
export const takeUpCountingKey = (
  { directory, countingKeyPath }: RecordingOptions,
  own: OwnRecords,
  day: string,
): boolean => {
  if (countingKeyPath === undefined || !existsSync(countingKeyPath)) return false;
  const key = readFileSync(countingKeyPath);
  if (key.length !== COUNTING_KEY_LENGTH) return false;
  const path = join(directory, SKETCH_KEY_NAME);
  const isOther = !existsSync(path) || !readFileSync(path).equals(key);
  if (isOther) replaceFileNow(path, key, FILE_MODE);
  const id = countingKeyId(key);
  own.note({ event: 'counting-key', day, keyId: id, text: `clients of ${day} are counted under key ${id}` });
  return isOther;
};
