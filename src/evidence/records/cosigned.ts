// Who signed the last checkpoint of a directory, and what witnesses have cosigned of its log: for those who read records.
//
// A cosignature counts with the verifier key that the reader names, and only where the blocks that it covers are those that
// are here: the file lies beside the records and may be that of another log.
import type { KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../../base/base.ts';
import {
  type Checkpoint,
  formatNote,
  formatVerifier,
  parseCheckpoint,
  parseNote,
  parseVerifier,
  rootAt,
  TreeFile,
  type Verifier,
  verifyNote,
} from '../../wire/transparency/transparency.ts';
import { COSIGNED_DIRECTORY, logVerifiers, type SignedCheckpoint, TREE_NAME } from './checkpoint-file.ts';

/** What one witness has cosigned. */
export interface Cosigned {
  readonly name: string;
  /** Verifier key (C2SP signed-note). */
  readonly key: string;
  /** Blocks, and when by the witness's clock, milliseconds since the epoch; undefined: nothing that counts is kept here. */
  readonly size: number | undefined;
  readonly atMs: number | undefined;
  /** What it cosigned are the blocks that are here. */
  readonly isSame: boolean;
  /** The checkpoint with its cosignature, for other programs. */
  readonly note: string | undefined;
}

/** What each of these witnesses has cosigned; a key that is none is left out. */
export const readCosigned = (directory: string, origin: string, keys: readonly string[]): Cosigned[] => {
  const verifiers = keys.map(parseVerifier).filter((one) => one !== undefined);
  // Before the tree, which is on the disk before anything is signed of it.
  const kept = verifiers.map((verifier) => readKept(directory, origin, verifier));
  const path = join(directory, TREE_NAME);
  const tree = existsSync(path) ? TreeFile.read(path) : undefined;
  try {
    return verifiers.map((verifier, at): Cosigned => {
      const told = { name: verifier.name, key: formatVerifier(verifier) };
      const found = kept[at];
      if (found === undefined)
        return { ...told, size: undefined, atMs: undefined, isSame: true, note: undefined };
      const { checkpoint, atMs, text } = found;
      const { size, root } = checkpoint;
      const isSame = tree !== undefined && size <= tree.size && rootAt(tree, size).equals(root);
      return { ...told, size, atMs, isSame, note: text };
    });
  } finally {
    tree?.close();
  }
};

/** The signed note of a checkpoint, as other programs read it. */
export const checkpointText = ({ note }: SignedCheckpoint): string => formatNote(note);

/** The verifier key under which a checkpoint is signed; undefined where none of the keys signed it. */
export const checkpointVerifier = (
  { origin, note }: SignedCheckpoint,
  keys: Iterable<KeyObject>,
): string | undefined => {
  for (const key of keys) {
    const { plain, timed } = logVerifiers(origin, key);
    if (verifyNote(note, [timed]).verified.length > 0) return formatVerifier(plain);
  }
  return undefined;
};

const readKept = (
  directory: string,
  origin: string,
  verifier: Verifier,
): { readonly checkpoint: Checkpoint; readonly atMs: number; readonly text: string } | undefined => {
  let text: string;
  try {
    text = readFileSync(join(directory, COSIGNED_DIRECTORY, `${verifier.keyId}.checkpoint`), 'utf8');
  } catch (thrown) {
    if (systemErrorCode(thrown) === undefined) throw thrown;
    return undefined;
  }
  const note = parseNote(text);
  const checkpoint = note && parseCheckpoint(note.text);
  if (note === undefined || checkpoint?.origin !== origin) return undefined;
  const timeSec = verifyNote(note, [verifier]).verified[0]?.timeSec;
  return timeSec === undefined ? undefined : { checkpoint, atMs: timeSec * 1_000, text };
};
