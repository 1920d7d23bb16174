// Records that are missing amid a collected chain: somebody or something took rows out of a partition.
//
// A hole is told by numbers: a partition has as many records as its blocks and the next partition say, or fewer. Only what lies
// between two ends that are there is a hole; what a collector does not have yet, and days that were deleted from the beginning of
// a chain, are none. What a hole is filled with follows from the block before and is followed by what is behind, so that nothing
// comes in that was not there.
import { DatabaseSync } from 'node:sqlite';
import type { ChainBlock, ChainPlace } from './chain-feed.ts';
import { BlockHasher, openingHash, type PartitionMeta, readMeta } from './partition.ts';

/** How long another program may hold the file before a read fails, milliseconds. */
const BUSY_MS = 1_000;

/** Records that are missing. */
export interface ChainHole {
  /** Of the partition. */
  readonly ordinal: number;
  /** The last record before it, and the hash that covers it; of the opening, where the first block is missing. */
  readonly after: ChainPlace;
  /** Number of the last record that is missing. */
  readonly until: number;
}

/** From where on a chain is looked through: partitions before, and holes that end up to a record, are left out. */
export interface LookFrom {
  readonly ordinal: number;
  readonly sequence: number;
}

/** What a look at one partition found. */
export interface Looked {
  readonly ordinal: number;
  /** The first hole of it; undefined for none. */
  readonly hole: ChainHole | undefined;
}

/** What stands behind the last block of a partition: the number and hash of the next one's opening. */
export type NextOpening = Pick<PartitionMeta, 'first' | 'previous'> | undefined;

/** What a partition's file says of itself; undefined for none. Throws errors of SQLite. */
export const readOpening = (path: string): PartitionMeta | undefined => {
  const database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS });
  try {
    return readMeta(database);
  } finally {
    database.close();
  }
};

/** The first hole of a partition that ends behind a record. Throws errors of SQLite. */
export const findHole = (path: string, behind: number, next: NextOpening): ChainHole | undefined => {
  const database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS });
  try {
    const meta = readMeta(database);
    if (meta === undefined) return undefined;
    // By the index that has the counts: bodies are not read.
    const sums = database.prepare('SELECT sum(count) AS held, max(first + count) AS ends FROM blocks').get();
    const ends = Math.max(Number(sums?.['ends'] ?? meta.first), next?.first ?? 0);
    if (Number(sums?.['held'] ?? 0) >= ends - meta.first) return undefined;
    const after = (sequence: number): ChainPlace => {
      if (sequence < meta.first) return { sequence, hash: openingHash(meta).toString('hex') };
      const row = database
        .prepare('SELECT hash FROM blocks WHERE first <= ? ORDER BY first DESC LIMIT 1')
        .get(sequence);
      const hash = row?.['hash'];
      return { sequence, hash: hash instanceof Uint8Array ? Buffer.from(hash).toString('hex') : '' };
    };
    let before = meta.first;
    for (const row of database.prepare('SELECT first, count FROM blocks ORDER BY first').iterate()) {
      const first = Number(row['first']);
      if (first > before && first - 1 > behind)
        return { ordinal: meta.ordinal, after: after(before - 1), until: first - 1 };
      before = first + Number(row['count']);
    }
    return ends > before && ends - 1 > behind
      ? { ordinal: meta.ordinal, after: after(before - 1), until: ends - 1 }
      : undefined;
  } finally {
    database.close();
  }
};

/** What is behind a hole: a block, or the opening of the next partition. */
export type BehindHole =
  | { readonly kind: 'block'; readonly count: number; readonly body: string; readonly hash: string }
  | { readonly kind: 'opening'; readonly previous: string };

/** Whether blocks fill a hole: each follows the one before, and what is behind follows the last. */
export const isFilledBy = (hole: ChainHole, blocks: readonly ChainBlock[], behind: BehindHole): boolean => {
  const hasher = new BlockHasher();
  let { sequence, hash } = hole.after;
  for (const block of blocks) {
    if (block.ordinal !== hole.ordinal || block.first !== sequence + 1) return false;
    hash = hasher.hash(Buffer.from(hash, 'hex'), block.first, block.count, block.body).toString('hex');
    if (hash !== block.hash) return false;
    sequence += block.count;
  }
  if (sequence !== hole.until) return false;
  if (behind.kind === 'opening') return behind.previous === hash;
  const { count, body } = behind;
  return hasher.hash(Buffer.from(hash, 'hex'), sequence + 1, count, body).toString('hex') === behind.hash;
};
