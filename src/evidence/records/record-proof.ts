// One record, provable by itself: the block that it stands in, the way from there to the root of a signed checkpoint, and what
// witnesses cosigned of that (C2SP tlog-proof). Who checks it needs a public key and nothing of the resolver.
//
// The leaf covers the whole block, so the records beside it go with it. A proof says that the log had the record, not that it is
// evidence: what a start took up unsigned is in the log as well. So none is made of a record that does not count.
import type { KeyObject } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../base/base.ts';
import {
  formatLogProof,
  formatNote,
  inclusionProof,
  isIncluded,
  type Note,
  parseCheckpoint,
  parseLogProof,
  rootAt,
  TreeFile,
  type Verifier,
  verifyNote,
} from '../../wire/transparency/transparency.ts';
import {
  blockLeaf,
  COSIGNED_DIRECTORY,
  readCheckpointFile,
  readCheckpointText,
  type SignedCheckpoint,
  TREE_NAME,
} from './checkpoint-file.ts';
import { readPublicKeys } from './heads.ts';
import { BlockHasher, HASH_LENGTH, openingHash, type PartitionFile, readMeta } from './partition.ts';
import type { RecordSpan } from './proof.ts';
import { RECORD_CLASSES, type RecordClass } from './record.ts';
import { RecordsReader } from './records-reader.ts';
import { verifyRecords } from './verify.ts';

/** Leaves that are read together. */
const LEAVES_AT_A_TIME = 16_384;

/** What the leaf is made of, as it stands in a proof. */
interface ProvenBlock {
  readonly class: RecordClass;
  /** The record that is proven. */
  readonly record: number;
  readonly first: number;
  readonly count: number;
  /** Hash of the block before, hexadecimal. */
  readonly previous: string;
  /** JSON of all records of the block. */
  readonly body: string;
}

/** What a proof proves. */
export interface ProvenRecord {
  readonly class: RecordClass;
  readonly sequence: number;
  readonly record: unknown;
  readonly checkpoint: SignedCheckpoint;
  /** When the witness cosigned that checkpoint, milliseconds since the epoch; undefined where none was asked for. */
  readonly cosignedMs: number | undefined;
}

/**
 * The proof of a record. Rejects with ERR_COMPLIANCE_NO_PROOF for one that is not there or does not count, and as
 * verifyRecords() does.
 */
export const proveRecord = async (
  directory: string,
  recordClass: RecordClass,
  sequence: number,
  witness?: Verifier,
): Promise<string> => {
  const place = `${recordClass}/${sequence}`;
  const { checkpoint, proof } = await verifyRecords(directory);
  const { sound, taken } = proof[recordClass];
  const isIn = ({ first, last }: RecordSpan): boolean => first <= sequence && sequence <= last;
  if (taken.some(isIn))
    throw unproven(place, 'nobody had signed it when a start found it: it is no evidence');
  const span = sound.find(isIn);
  if (span === undefined || checkpoint === undefined)
    throw unproven(place, 'no checkpoint covers such a record, or it is not what was signed');
  const block = await readBlock(directory, recordClass, sequence, span.ordinal);
  const tree = TreeFile.read(join(directory, TREE_NAME));
  try {
    const index = indexOf(tree, leafOf(block), checkpoint.size);
    if (index === undefined) throw unproven(place, 'the log does not have its block');
    const note = noteOf(directory, checkpoint, { index, tree, witness });
    if (note === undefined) throw unproven(place, 'that witness has cosigned no checkpoint that covers it');
    const size = parseCheckpoint(note.text)?.size ?? 0;
    return formatLogProof({
      extra: Buffer.from(JSON.stringify(block)),
      index,
      hashes: inclusionProof(tree, index, size),
      checkpoint: formatNote(note),
    });
  } finally {
    tree.close();
  }
};

/** What a proof proves by the keys that were kept; in words, why it proves nothing. */
export const checkRecordProof = (text: string, log: KeyObject, witness?: Verifier): ProvenRecord | string => {
  const proof = parseLogProof(text);
  const block = proof && parseBlock(proof.extra.toString());
  if (proof === undefined || block === undefined) return 'it is no proof of a record';
  const found = readCheckpointText(proof.checkpoint, [log]);
  if (found.kind !== 'signed') return found.text;
  const { checkpoint } = found;
  if (!isIncluded(leafOf(block), proof.index, checkpoint.size, proof.hashes, checkpoint.root))
    return 'it does not lead from the record to the checkpoint';
  const [cosigned] = witness === undefined ? [] : verifyNote(checkpoint.note, [witness]).verified;
  if (witness !== undefined && cosigned?.timeSec === undefined) return `${witness.name} has not cosigned it`;
  return {
    class: block.class,
    sequence: block.record,
    record: (JSON.parse(block.body) as unknown[])[block.record - block.first],
    checkpoint,
    cosignedMs: cosigned?.timeSec === undefined ? undefined : cosigned.timeSec * 1_000,
  };
};

const unproven = (place: string, text: string): AppError =>
  new AppError('ERR_COMPLIANCE_NO_PROOF', `proving record ${place}: ${text}`);

const parseBlock = (text: string): ProvenBlock | undefined => {
  try {
    const block = JSON.parse(text) as ProvenBlock;
    const { class: recordClass, record, first, count, previous, body } = block;
    const records: unknown = JSON.parse(body);
    const isWhole =
      RECORD_CLASSES.includes(recordClass) &&
      [record, first, count].every((number) => Number.isSafeInteger(number) && number >= 0) &&
      new RegExp(`^[0-9a-f]{${2 * HASH_LENGTH}}$`).test(previous) &&
      Array.isArray(records) &&
      records.length === count &&
      count <= 0xffff_ffff;
    return isWhole && record >= first && record < first + count ? block : undefined;
  } catch {
    return undefined;
  }
};

const leafOf = (block: ProvenBlock): Buffer => {
  const { first, count, body } = block;
  const hash = new BlockHasher().hash(Buffer.from(block.previous, 'hex'), first, count, body);
  return blockLeaf(block.class, { first, count, hash });
};

const readBlock = async (
  directory: string,
  recordClass: RecordClass,
  record: number,
  ordinal: number,
): Promise<ProvenBlock> => {
  const reader = RecordsReader.open(directory);
  try {
    const isIt = (one: PartitionFile): boolean => one.ordinal === ordinal && one.state !== 'damaged';
    const file = reader.partitions(recordClass).find(isIt);
    const database = file && (await reader.openPartition(recordClass, file));
    try {
      const meta = database && readMeta(database);
      const [row, before] =
        database
          ?.prepare(
            'SELECT first, count, body, hash FROM blocks WHERE first <= ? ORDER BY first DESC LIMIT 2',
          )
          .all(record) ?? [];
      if (meta === undefined || row === undefined)
        throw unproven(`${recordClass}/${record}`, 'it is not there any more');
      const previous = before === undefined ? openingHash(meta) : Buffer.from(before['hash'] as Uint8Array);
      return {
        ...{ class: recordClass, record, first: Number(row['first']), count: Number(row['count']) },
        ...{ previous: previous.toString('hex'), body: String(row['body']) },
      };
    } finally {
      database?.close();
    }
  } finally {
    reader.close();
  }
};

/** Where a leaf stands, from the end back: proofs are asked for of what happened lately. */
const indexOf = (tree: TreeFile, leaf: Buffer, size: number): number | undefined => {
  for (let until = size; until > 0; until -= LEAVES_AT_A_TIME) {
    const from = Math.max(0, until - LEAVES_AT_A_TIME);
    const at = tree.leaves(from, until).findLastIndex((one) => one.equals(leaf));
    if (at >= 0) return from + at;
  }
  return undefined;
};

/**
 * The newest checkpoint that a witness has cosigned and that covers the leaf, with all cosignatures of it; the last one where there is
 * none and none is asked for.
 */
const noteOf = (
  directory: string,
  { origin, note }: SignedCheckpoint,
  { index, tree, witness }: { index: number; tree: TreeFile; witness: Verifier | undefined },
): Note | undefined => {
  const found = readCosignedNotes(directory)
    .filter((one) => {
      const isBy = witness === undefined || verifyNote(one.note, [witness]).verified.length > 0;
      const isCovering = one.origin === origin && one.size > index && one.size <= tree.size;
      return isBy && isCovering && rootAt(tree, one.size).equals(one.root);
    })
    .sort((a, b) => b.size - a.size);
  const [best] = found;
  if (best === undefined) return witness === undefined ? note : undefined;
  const { text } = best.note;
  const all = found.filter((one) => one.note.text === text).flatMap((one) => one.note.signatures);
  const signatures = [...new Map(all.map((one) => [`${one.name} ${one.keyId}`, one])).values()];
  return { text, signatures };
};

/** What witnesses cosigned last, as the key of the directory signed it. */
const readCosignedNotes = (directory: string): SignedCheckpoint[] => {
  const place = join(directory, COSIGNED_DIRECTORY);
  const keys = [...readPublicKeys(directory).values()];
  return (existsSync(place) ? readdirSync(place) : []).flatMap((name) => {
    const found = readCheckpointFile(join(place, name), keys);
    return found.kind === 'signed' ? [found.checkpoint] : [];
  });
};
