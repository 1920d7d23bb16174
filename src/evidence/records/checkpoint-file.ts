// The last checkpoint of the records' log, as it lies beside the partitions: a signed note that says how many blocks there
// are, under which root, and at which second the recorder was alive.
//
// What is read counts only with the signature of a key of the records: the file may have been put there by anybody.
import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../../base/base.ts';
import {
  type Checkpoint,
  createVerifier,
  formatVerifier,
  leafHash,
  type Note,
  parseCheckpoint,
  parseNote,
  SIGNATURE_TYPE,
  type Verifier,
  verifyNote,
} from '../../wire/transparency/transparency.ts';
import type { PlacedBlock } from './chain.ts';
import type { RecordClass } from './record.ts';

/** Names of the files beside the partitions. */
export const CHECKPOINT_NAME = 'checkpoint';
export const TREE_NAME = 'tree';
/** Directory of what witnesses cosigned last, a file for each. */
export const COSIGNED_DIRECTORY = 'cosigned';

/** A checkpoint whose signature was checked. */
export interface SignedCheckpoint extends Checkpoint {
  readonly note: Note;
  /** When it was signed, milliseconds since the epoch, to the second. */
  readonly signedMs: number;
}

/** What a directory says of its last checkpoint. */
export type FoundCheckpoint =
  | { readonly kind: 'signed'; readonly checkpoint: SignedCheckpoint }
  /** There is none: the log was not begun, or somebody took it away. */
  | { readonly kind: 'none' }
  /** Something is there, and no key of the records signed it. */
  | { readonly kind: 'unsigned'; readonly text: string };

/** Reads the last checkpoint, by the public keys that are known. */
export const readCheckpoint = (directory: string, keys: Iterable<KeyObject>): FoundCheckpoint =>
  readCheckpointFile(join(directory, CHECKPOINT_NAME), keys);

/** Reads a checkpoint that lies anywhere, by the public keys of the log that are known. */
export const readCheckpointFile = (path: string, keys: Iterable<KeyObject>): FoundCheckpoint => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return { kind: 'none' };
    return { kind: 'unsigned', text: 'it cannot be read' };
  }
  return readCheckpointText(text, keys);
};

/** The checkpoint in a text, by the public keys of the log that are known. */
export const readCheckpointText = (
  text: string,
  keys: Iterable<KeyObject>,
): Exclude<FoundCheckpoint, { readonly kind: 'none' }> => {
  const note = parseNote(text);
  const checkpoint = note && parseCheckpoint(note.text);
  if (note === undefined || checkpoint === undefined)
    return { kind: 'unsigned', text: 'it holds no checkpoint' };
  const verifiers = [...keys].map((key) =>
    createVerifier(checkpoint.origin, key, SIGNATURE_TYPE.cosignature),
  );
  const { verified, isForged } = verifyNote(note, verifiers);
  const [found] = verified;
  if (isForged) return { kind: 'unsigned', text: 'its signature is not of its text' };
  if (found?.timeSec === undefined) return { kind: 'unsigned', text: 'no key of the records signed it' };
  return { kind: 'signed', checkpoint: { ...checkpoint, note, signedMs: found.timeSec * 1_000 } };
};

/** Path of what a witness cosigned last, of records that lie in a directory; undefined where that is not there. */
export const findCosigned = (directory: string, witness: Verifier): string | undefined => {
  const path = join(directory, COSIGNED_DIRECTORY, `${witness.keyId}.checkpoint`);
  let note: Note | undefined;
  try {
    note = parseNote(readFileSync(path, 'utf8'));
  } catch (thrown) {
    if (systemErrorCode(thrown) === undefined) throw thrown;
  }
  return note !== undefined && verifyNote(note, [witness]).verified.length > 0 ? path : undefined;
};

/** Who verifies signatures of a log's key: as notes are signed, and with the time. */
export const logVerifiers = (
  origin: string,
  key: KeyObject,
): { readonly plain: Verifier; readonly timed: Verifier } => ({
  plain: createVerifier(origin, key, SIGNATURE_TYPE.ed25519),
  timed: createVerifier(origin, key, SIGNATURE_TYPE.cosignature),
});

/** The verifier key of a directory's log, by its last checkpoint; undefined where none is signed by the key. */
export const readLogVerifier = (directory: string, key: KeyObject): string | undefined => {
  const found = readCheckpoint(directory, [key]);
  if (found.kind !== 'signed') return undefined;
  return formatVerifier(logVerifiers(found.checkpoint.origin, key).plain);
};

/** What the log of a resolver is called where nothing else is said: a key's name has no blank and no plus. */
export const defaultOrigin = (resolver: string): string => resolver.replaceAll(/[\s+]/g, '-') || 'cordon';

/**
 * The leaf of a block. Hashed is this text, UTF-8, each line ended by a line feed:
 *
 *   cordon block 1
 *   class queries
 *   first 1001
 *   count 64
 *   hash 64 hexadecimal digits: of the block, which covers the blocks before it
 */
export const blockLeaf = (recordClass: RecordClass, { first, count, hash }: PlacedBlock): Buffer =>
  leafHash(
    Buffer.from(
      `cordon block 1\nclass ${recordClass}\nfirst ${first}\ncount ${count}\nhash ${hash.toString('hex')}\n`,
    ),
  );
