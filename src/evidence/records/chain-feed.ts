// A chain of records as it is read to be sent away: what each partition says of itself, and its blocks, in order.
//
// It reads beside the recorder, which writes on, and remembers its place. Where a partition does not follow the one before,
// because one was damaged or is gone, it says so: nobody has to wait for what will never come.
import type { DatabaseSync } from 'node:sqlite';
import { NO_HASH, openingHash, type PartitionFile, type PartitionMeta, readMeta } from './partition.ts';
import type { RecordClass } from './record.ts';
import { RecordsReader } from './records-reader.ts';

/** A block as it is in its partition. */
export interface ChainBlock {
  readonly ordinal: number;
  /** Sequence number of its first record. */
  readonly first: number;
  readonly count: number;
  readonly fromMs: number;
  readonly untilMs: number;
  /** Hexadecimal. */
  readonly hash: string;
  /** A JSON array of records. */
  readonly body: string;
}

/** A place in a chain: the last record and the hash that covers it, hexadecimal. */
export interface ChainPlace {
  readonly sequence: number;
  readonly hash: string;
}

/** A piece of a chain. `hole`: what follows does not follow this place. */
export type ChainPiece =
  | { readonly kind: 'opening'; readonly meta: PartitionMeta }
  | { readonly kind: 'block'; readonly block: ChainBlock }
  | { readonly kind: 'hole'; readonly after: ChainPlace; readonly ordinal: number; readonly first: number };

/** Before the first record. */
export const CHAIN_START: ChainPlace = { sequence: 0, hash: NO_HASH };

/** Reads one chain. */
export class ChainFeed {
  readonly #reader: RecordsReader;
  readonly #class: RecordClass;
  #place: ChainPlace;
  #open: { readonly file: PartitionFile; readonly database: DatabaseSync } | undefined;
  /** The place is known to be on the chain. */
  #isPlaced: boolean;
  /** Ordinal of the partition that was read to its end; the place is the opening of the next one. */
  #left = 0;
  #isEntered = false;

  constructor(directory: string, recordClass: RecordClass, place: ChainPlace) {
    this.#reader = RecordsReader.open(directory);
    this.#class = recordClass;
    this.#place = place;
    this.#isPlaced = place.sequence === 0;
  }

  /** Up to where it was read. */
  get place(): ChainPlace {
    return this.#place;
  }

  /**
   * The next pieces, at most `count`; none while there is nothing more. Undefined when the place it was begun at is not on this
   * chain: another chain has these numbers. Rejects with ERR_COMPLIANCE_RECORDS.
   */
  async next(count: number): Promise<readonly ChainPiece[] | undefined> {
    if (!this.#isPlaced) {
      if (!(await this.#findPlace())) return undefined;
      this.#isPlaced = true;
    }
    const pieces: ChainPiece[] = [];
    while (pieces.length < count) {
      if (this.#open === undefined && !(await this.#enter(pieces))) break;
      const read = this.#readBlocks(count - pieces.length);
      for (const block of read) pieces.push({ kind: 'block', block });
      if (read.length > 0) continue;
      if (!this.#hasNext()) break;
      this.#leave();
    }
    return pieces;
  }

  close(): void {
    this.#leave();
    this.#reader.close();
  }

  #files(): PartitionFile[] {
    return this.#reader.partitions(this.#class).filter(({ state }) => state !== 'damaged');
  }

  #hasNext(): boolean {
    const ordinal = this.#open?.file.ordinal ?? 0;
    return this.#files().some((file) => file.ordinal > ordinal);
  }

  #leave(): void {
    this.#left = this.#open?.file.ordinal ?? this.#left;
    this.#open?.database.close();
    this.#open = undefined;
  }

  /** Opens the partition behind the one that was left; tells of it, and whether it follows. */
  async #enter(pieces: ChainPiece[]): Promise<boolean> {
    const file = this.#files().find(({ ordinal }) => ordinal > this.#left);
    if (file === undefined) return false;
    const database = await this.#reader.openPartition(this.#class, file);
    this.#open = { file, database };
    const meta = readMeta(database);
    if (meta === undefined) return true;
    const { sequence, hash } = this.#place;
    // Begun amid the partition, or just behind its opening, which was taken before.
    const isEntered = this.#isEntered;
    this.#isEntered = false;
    if (sequence >= meta.first || isEntered) return true;
    if (meta.first !== sequence + 1 || meta.previous !== hash) {
      pieces.push({ kind: 'hole', after: this.#place, ordinal: meta.ordinal, first: meta.first });
    }
    pieces.push({ kind: 'opening', meta });
    this.#place = { sequence: meta.first - 1, hash: openingHash(meta).toString('hex') };
    return true;
  }

  #readBlocks(count: number): ChainBlock[] {
    if (this.#open === undefined) return [];
    const { file, database } = this.#open;
    const rows = database
      .prepare(
        'SELECT first, count, from_ms, until_ms, body, hash FROM blocks WHERE first > ? ORDER BY first LIMIT ?',
      )
      .all(this.#place.sequence, count);
    const blocks: ChainBlock[] = [];
    for (const row of rows) {
      const block = toBlock(row, file.ordinal);
      blocks.push(block);
      this.#place = { sequence: block.first + block.count - 1, hash: block.hash };
    }
    return blocks;
  }

  /**
   * Whether the place is the end of a block, or an opening, of this chain; then reading goes on there. Also where its partition
   * is gone: then reading goes on behind the hole.
   */
  async #findPlace(): Promise<boolean> {
    const { sequence, hash } = this.#place;
    let behind = Number.POSITIVE_INFINITY;
    let isAnother = false;
    for (const file of this.#files().toReversed()) {
      const database = await this.#reader.openPartition(this.#class, file);
      try {
        const meta = readMeta(database);
        if (meta === undefined) continue;
        if (meta.first > sequence + 1) {
          behind = Math.min(behind, file.ordinal);
          continue;
        }
        const row = database
          .prepare('SELECT first, count, hash FROM blocks WHERE first <= ? ORDER BY first DESC LIMIT 1')
          .get(sequence);
        const isOpening = sequence === meta.first - 1 && openingHash(meta).toString('hex') === hash;
        const isBlock =
          row !== undefined &&
          Number(row['first']) + Number(row['count']) - 1 === sequence &&
          toHex(row['hash']) === hash;
        if (isBlock || isOpening) {
          this.#left = file.ordinal - 1;
          this.#isEntered = isOpening;
          return true;
        }
        const last = row === undefined ? meta.first - 1 : Number(row['first']) + Number(row['count']) - 1;
        isAnother ||= last >= sequence;
      } finally {
        database.close();
      }
    }
    if (isAnother || behind === Number.POSITIVE_INFINITY) return false;
    // The partition of the place is gone, and nothing else has its number: what comes behind it is behind a hole.
    this.#left = behind - 1;
    return true;
  }
}

const toHex = (hash: unknown): string =>
  hash instanceof Uint8Array ? Buffer.from(hash).toString('hex') : '';

const toBlock = (row: Readonly<Record<string, unknown>>, ordinal: number): ChainBlock => ({
  ordinal,
  first: Number(row['first']),
  count: Number(row['count']),
  fromMs: Number(row['from_ms']),
  untilMs: Number(row['until_ms']),
  hash: toHex(row['hash']),
  body: String(row['body']),
});
