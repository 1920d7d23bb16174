// How long partitions are kept: searchable as they are, then compressed, then deleted.
//
// Only partitions that are closed are touched, the oldest first, one at a time. Before a partition is removed, its
// successor has been read back and compared. Deciding is kept apart from doing, because a wrong clock would delete
// years of evidence: the recorder holds back while it has reason to doubt the clock.
import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  createWriteStream,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { AppError, DAY_MS, errorText, syncDirectoryNow } from '../../base/base.ts';
import { headsPath, readHeadLinesOf } from './heads-file.ts';
import { FILE_MODE, listPartitions, type PartitionFile } from './partition.ts';
import { RECORD_CLASSES, type RecordClass } from './record.ts';

/**
 * Compression level of zstd: level 3 is the default; 9 makes records a third smaller at a quarter of the speed, and
 * there is a day's time for a day's records.
 */
const ZSTD_LEVEL = 9;

/** How long records of one class are kept after their day, milliseconds. */
export interface RetentionTimes {
  readonly searchableMs: number;
  /** After that, compressed. */
  readonly archivedMs: number;
}

/** How long each class is kept. */
export type Retention = Readonly<Record<RecordClass, RetentionTimes>>;

/** What has to be done to one partition. */
export interface RetentionStep {
  readonly class: RecordClass;
  readonly partition: PartitionFile;
  readonly action: 'archived' | 'deleted';
}

/** What a collector has, where a resolver is in a fleet: nothing is deleted before it is confirmed, but for a last bound. */
export interface Unconfirmed {
  /** Number of the last record that is confirmed. */
  sequence(recordClass: RecordClass): number;
  /** How much longer than its time an unconfirmed partition is kept. */
  readonly keepMs: number;
}

/** Whether a partition holds records that no collector has confirmed, as far as its signed head says. */
export const isUnconfirmed = (
  directory: string,
  recordClass: RecordClass,
  ordinal: number,
  unconfirmed: Unconfirmed | undefined,
): boolean => {
  if (unconfirmed === undefined) return false;
  const closed = readHeadLinesOf(headsPath(directory), recordClass, ordinal).findLast(
    ({ head }) => head?.state === 'closed',
  );
  // Without a head nothing tells where it ends.
  return closed?.head === undefined || closed.head.last > unconfirmed.sequence(recordClass);
};

/**
 * The steps that are due, deletions first: they make room, and are promised. Of each class the oldest alone is to be deleted,
 * also while the file system does not let go of it: behind a partition that is there, blocks that were signed and are gone show
 * that records were changed. The partition of the highest ordinal is never touched: it is written to.
 */
export const dueSteps = (
  directory: string,
  retention: Retention,
  nowMs: number,
  unconfirmed?: Unconfirmed,
): RetentionStep[] => {
  const deleted: RetentionStep[] = [];
  const archived: RetentionStep[] = [];
  for (const recordClass of RECORD_CLASSES) {
    const { searchableMs, archivedMs } = retention[recordClass];
    const { partitions } = listPartitions(join(directory, recordClass));
    const latest = partitions.at(-1)?.ordinal ?? 0;
    let isDeleting = false;
    for (const partition of partitions) {
      if (partition.ordinal === latest) continue;
      const ageMs = nowMs - (Date.parse(partition.day) + DAY_MS);
      if (isDeleting && ageMs > searchableMs + archivedMs) continue;
      const isHeld =
        ageMs <= searchableMs + archivedMs + (unconfirmed?.keepMs ?? 0) &&
        ageMs > searchableMs + archivedMs &&
        isUnconfirmed(directory, recordClass, partition.ordinal, unconfirmed);
      if (ageMs > searchableMs + archivedMs && !isHeld) {
        isDeleting = true;
        deleted.push({ class: recordClass, partition, action: 'deleted' });
      } else if (ageMs > searchableMs && partition.state === 'plain') {
        archived.push({ class: recordClass, partition, action: 'archived' });
      }
    }
  }
  return [...deleted, ...archived];
};

/** Deletes a partition. Throws errors of the system. */
export const deletePartition = (
  directory: string,
  { class: recordClass, partition }: RetentionStep,
): void => {
  const path = join(directory, recordClass, partition.name);
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(path + end, { force: true });
  syncDirectoryNow(join(directory, recordClass));
};

/**
 * Compresses a partition that was sealed: its content is in the one file. Rejects with ERR_COMPLIANCE_RECORDS when that
 * cannot be written or does not give back what was compressed; then the partition stays as it is.
 */
export const archivePartition = async (directory: string, step: RetentionStep): Promise<void> => {
  const place = join(directory, step.class);
  const path = join(place, step.partition.name);
  const archive = `${path}.zst`;
  const unfinished = `${archive}.new`;
  const read = createHash('sha256');
  const level = { params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } };
  const source = createReadStream(path).on('data', (piece) => read.update(piece));
  try {
    await pipeline(source, createZstdCompress(level), createWriteStream(unfinished, { mode: FILE_MODE }));
    const file = openSync(unfinished, 'r+');
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    const readBack = createHash('sha256');
    await pipeline(createReadStream(unfinished), createZstdDecompress(), readBack);
    if (!readBack.digest().equals(read.digest())) throw new Error('it does not give back its content');
  } catch (cause) {
    rmSync(unfinished, { force: true });
    throw new AppError('ERR_COMPLIANCE_RECORDS', `writing ${archive}: ${errorText(cause)}`, { cause });
  }
  renameSync(unfinished, archive);
  syncDirectoryNow(place);
  for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true });
  syncDirectoryNow(place);
};

/** Writes the content of an archived partition to a file. Rejects with errors of the system. */
export const restorePartition = async (archive: string, to: string): Promise<void> => {
  await pipeline(
    createReadStream(archive),
    createZstdDecompress(),
    createWriteStream(to, { mode: FILE_MODE, flags: 'wx' }),
  );
};
