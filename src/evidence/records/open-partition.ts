// The partition that grows: its file, the statements that write to it, and whether it can be written to at all.
//
// It is made under another name first, so that it is there as a whole or not at all. Everything here is synchronous.
import { closeSync, existsSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { AppError, syncDirectoryNow } from '../../base/base.ts';
import type {
  Block,
  ChainEnd,
  ChainStoreOptions,
  PlacedBlock,
  RisenRegisters,
  RollupCount,
  SketchState,
} from './chain.ts';
import {
  BlockHasher,
  createSchema,
  FILE_MODE,
  openingHash,
  type PartitionMeta,
  partitionName,
  readMeta,
  SCHEMA_VERSION,
  timeText,
} from './partition.ts';
import { SKETCH_REGISTERS, Sketch } from './sketch.ts';

/** Blocks at the end of the chain whose hashes are checked at a start. All of them are verify()'s work. */
const CHECKED_BLOCKS = 64;
/** How long another program may hold the file before a write fails, milliseconds; sqlite3 in a shell takes less. */
const BUSY_MS = 1_000;
/** The WAL is cut back to this after a checkpoint; without it, a long report would leave a large file behind. */
const WAL_BYTES_MAX = 16 << 20;
/** Bytes a page: blocks of 20 KB take few of them (measured: 1.5 µs of a core a record; with 4 KiB 1.9, with 16 KiB 1.7). */
const PAGE_BYTES = 8192;
/** SQLite's page cache, in KiB. */
const CACHE_KIB = 2048;

/** The chain cannot be what this file holds. */
class DamageError extends Error {}

/** Primary result codes of SQLite. ERROR is a table that is not there, where a partition is opened. */
const SQLITE_ERROR = 1;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;
const PRIMARY_CODE_MASK = 0xff;
/** SQLITE_CONSTRAINT_PRIMARYKEY: a block is there that this program did not write. */
const SQLITE_PRIMARY_KEY = 1555;

/** The result code of an error of SQLite; 0 for another error. */
const resultCode = (thrown: unknown): number =>
  thrown instanceof Error && 'errcode' in thrown && typeof thrown.errcode === 'number' ? thrown.errcode : 0;

/** True when a file will not get better by waiting; disks that are full or gone may. */
export const isDamage = (thrown: unknown): boolean => {
  const code = resultCode(thrown);
  const primary = code & PRIMARY_CODE_MASK;
  return (
    thrown instanceof DamageError ||
    primary === SQLITE_CORRUPT ||
    primary === SQLITE_NOTADB ||
    code === SQLITE_PRIMARY_KEY
  );
};

/** As isDamage(), also for a file that lacks a table. */
export const isDamageAtOpening = (thrown: unknown): boolean =>
  isDamage(thrown) || resultCode(thrown) === SQLITE_ERROR;

/** Where the partitions of a class are. */
export const classDirectory = ({ directory, class: name }: ChainStoreOptions): string =>
  join(directory, name);

/** Leaves a closed partition as a single file. Throws errors of SQLite, or ERR_COMPLIANCE_RECORDS while it is read. */
export const sealPartition = (path: string): void => {
  const database = new DatabaseSync(path, { timeout: BUSY_MS });
  try {
    database.exec('PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE');
  } finally {
    database.close();
  }
  if (!existsSync(`${path}-wal`)) return;
  throw new AppError('ERR_COMPLIANCE_RECORDS', `closing ${path}: somebody reads it`);
};

/** Makes the file of a partition under another name first: it is there as a whole or not at all. */
export const beginPartition = (options: ChainStoreOptions, ordinal: number, end: ChainEnd): OpenPartition => {
  const directory = classDirectory(options);
  const path = join(directory, partitionName(ordinal, options.day));
  const unfinished = `${path}.new`;
  for (const leftover of [unfinished, `${unfinished}-journal`]) rmSync(leftover, { force: true });
  closeSync(openSync(unfinished, 'wx', FILE_MODE));
  const database = new DatabaseSync(unfinished);
  try {
    database.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA synchronous = FULL`);
    createSchema(database, {
      class: options.class,
      ordinal,
      day: options.day,
      previous: end.hash.toString('hex'),
      first: end.sequence + 1,
      resolver: options.resolver,
      version: options.version,
      created: timeText(options.nowMs),
    });
  } finally {
    database.close();
  }
  renameSync(unfinished, path);
  syncDirectoryNow(directory);
  return new OpenPartition(path, options);
};

/** The connection to the partition that grows, with its statements. */
export class OpenPartition {
  readonly name: string;
  readonly meta: PartitionMeta;
  count: number;
  fromMs: number;
  untilMs: number;
  readonly #path: string;
  readonly #inode: number;
  readonly #database: DatabaseSync;
  readonly #insertBlock: StatementSync;
  readonly #addCount: StatementSync;
  readonly #putSketch: StatementSync;
  /** By day and group: what the table `sketches` holds. */
  readonly #sketches = new Map<string, Sketch>();

  constructor(path: string, { pageCountMax }: ChainStoreOptions) {
    this.#path = path;
    this.name = path.slice(path.lastIndexOf('/') + 1);
    this.#inode = statSync(path).ino;
    this.#database = new DatabaseSync(path, { timeout: BUSY_MS });
    try {
      this.#database.exec(
        `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;
         PRAGMA journal_size_limit = ${WAL_BYTES_MAX}; PRAGMA cache_size = -${CACHE_KIB}`,
      );
      if (pageCountMax !== undefined) this.#database.exec(`PRAGMA max_page_count = ${pageCountMax}`);
      const version = this.#database.prepare('PRAGMA user_version').get()?.['user_version'];
      if (Number(version) > SCHEMA_VERSION) {
        throw new AppError('ERR_COMPLIANCE_RECORDS', `opening ${path}: its schema ${version} is newer`, {
          hint: `This version knows schema ${SCHEMA_VERSION}: run the version that wrote it, or a later one.`,
        });
      }
      const meta = readMeta(this.#database);
      if (meta === undefined) throw new DamageError('what it says of itself is incomplete');
      this.meta = meta;
      this.#insertBlock = this.#database.prepare(
        'INSERT INTO blocks(first, count, from_ms, until_ms, body, hash) VALUES(?, ?, ?, ?, ?, ?)',
      );
      this.#addCount = this.#database.prepare(
        'INSERT INTO rollup(hour_ms, kind, grp, list, category, trig, signal, exemption, count) ' +
          `VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = min(${Number.MAX_SAFE_INTEGER}, count + excluded.count)`,
      );
      this.#putSketch = this.#database.prepare(
        'INSERT INTO sketches(day, grp, registers) VALUES(?, ?, ?) ' +
          'ON CONFLICT DO UPDATE SET registers = excluded.registers',
      );
      const totals = this.#database
        .prepare('SELECT sum(count) AS count, min(from_ms) AS from_ms, max(until_ms) AS until_ms FROM blocks')
        .get();
      this.count = Number(totals?.['count'] ?? 0);
      this.fromMs = Number(totals?.['from_ms'] ?? Number.POSITIVE_INFINITY);
      this.untilMs = Number(totals?.['until_ms'] ?? Number.NEGATIVE_INFINITY);
      for (const { day, group, registers } of this.sketches()) {
        this.#sketches.set(`${day} ${group}`, new Sketch(Uint8Array.from(registers)));
      }
    } catch (thrown) {
      this.#database.close();
      throw thrown;
    }
  }

  /** The end of the chain while the partition has no block. */
  opening(): ChainEnd {
    return { sequence: this.meta.first - 1, hash: openingHash(this.meta) };
  }

  /**
   * Checks the end of the chain and what was signed or noted of it; gives the end. Blocks may be missing from a copy, which is looked
   * through for that. Throws DamageError.
   */
  check(
    { class: recordClass, lastHead, expected }: ChainStoreOptions,
    ordinal: number,
    day: string,
    mayLack = false,
  ): ChainEnd {
    const { meta } = this;
    if (meta.class !== recordClass || meta.ordinal !== ordinal || meta.day !== day) {
      throw new DamageError(`it says that it is ${meta.class} ${partitionName(meta.ordinal, meta.day)}`);
    }
    const end = this.#checkTail(mayLack);
    if (lastHead?.ordinal === ordinal) {
      this.#require({ sequence: lastHead.last, hash: Buffer.from(lastHead.hash, 'hex') }, end, 'was signed');
    }
    if (expected !== undefined) this.#require(expected, end, 'was written');
    return end;
  }

  #checkTail(mayLack = false): ChainEnd {
    const rows = this.#database
      .prepare('SELECT first, count, body, hash FROM blocks ORDER BY first DESC LIMIT ?')
      .all(CHECKED_BLOCKS + 1)
      .map(toBlockRow)
      .reverse();
    const hasher = new BlockHasher();
    let end = this.opening();
    for (const [index, row] of rows.entries()) {
      const isBehindHole = mayLack && row.first > end.sequence + 1;
      const isUnanchored = isBehindHole || (index === 0 && rows.length > CHECKED_BLOCKS);
      if (!isUnanchored) {
        const isNext = row.first === end.sequence + 1;
        if (!isNext || !hasher.hash(end.hash, row.first, row.count, row.body).equals(row.hash)) {
          throw new DamageError(`the chain breaks at record ${row.first}`);
        }
      }
      end = { sequence: row.first + row.count - 1, hash: row.hash };
    }
    return end;
  }

  /** A hash that is known of a record within this partition has to be there. */
  #require(known: ChainEnd, end: ChainEnd, what: string): void {
    if (known.sequence < this.meta.first || known.sequence > end.sequence) return;
    const row = this.#database
      .prepare('SELECT first, count, body, hash FROM blocks WHERE first <= ? ORDER BY first DESC LIMIT 1')
      .get(known.sequence);
    const block = row === undefined ? undefined : toBlockRow(row);
    const isThere =
      block?.first === known.sequence - (block?.count ?? 0) + 1 && block.hash.equals(known.hash);
    if (!isThere) throw new DamageError(`record ${known.sequence} is not the one that ${what}`);
  }

  /** The end of the chain as far as the file can be read, or undefined. */
  lastReadable(): ChainEnd | undefined {
    try {
      return this.#checkTail();
    } catch {
      return undefined;
    }
  }

  transact(write: () => void): void {
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      write();
      this.#database.exec('COMMIT');
    } catch (thrown) {
      // SQLite ends a transaction by itself for some errors.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw thrown;
    }
  }

  insertBlock(first: number, block: Block, hash: Buffer): void {
    this.#insertBlock.run(first, block.count, block.fromMs, block.untilMs, block.body, hash);
  }

  addCount({ hourMs, columns, count }: RollupCount): void {
    this.#addCount.run(hourMs, ...columns, count);
  }

  /** Merging again what a transaction took back changes nothing. */
  raise({ day, group, text }: RisenRegisters): void {
    const key = `${day} ${group}`;
    const sketch = this.#sketches.get(key) ?? new Sketch();
    this.#sketches.set(key, sketch);
    sketch.addRisen(text);
    this.#putSketch.run(day, group, sketch.registers);
  }

  /** Hash of the block that begins with a record, hexadecimal; undefined where none does. */
  hashOf(first: number): string | undefined {
    const hash = this.#database.prepare('SELECT hash FROM blocks WHERE first = ?').get(first)?.['hash'];
    return hash instanceof Uint8Array ? Buffer.from(hash).toString('hex') : undefined;
  }

  /** Blocks that begin before a record, the last one first; so many at most. */
  blocksBefore(first: number, limit: number): PlacedBlock[] {
    return this.#database
      .prepare(
        "SELECT first, count, '' AS body, hash FROM blocks WHERE first < ? ORDER BY first DESC LIMIT ?",
      )
      .all(first, limit)
      .map(toBlockRow);
  }

  /** The next block that begins at a record or behind it. */
  blockFrom(first: number): { kind: 'block'; count: number; body: string; hash: string } | undefined {
    const select = 'SELECT first, count, body, hash FROM blocks WHERE first >= ? ORDER BY first LIMIT 1';
    const row = this.#database.prepare(select).get(first);
    if (row === undefined) return undefined;
    const { count, body, hash } = toBlockRow(row);
    return { kind: 'block', count, body, hash: hash.toString('hex') };
  }

  /** Blocks that reach into a time, milliseconds. */
  blocksWithin(fromMs: number, untilMs: number): IterableIterator<PlacedTimes> {
    const select =
      'SELECT first, count, from_ms AS fromMs, until_ms AS untilMs, body FROM blocks WHERE from_ms < ? AND until_ms >= ?';
    // The columns are the members.
    return this.#database.prepare(select).iterate(untilMs, fromMs) as IterableIterator<PlacedTimes>;
  }

  /** Takes out the counts of hours that begin within a time, milliseconds. */
  dropCounts(fromMs: number, untilMs: number): void {
    this.#database.prepare('DELETE FROM rollup WHERE hour_ms >= ? AND hour_ms < ?').run(fromMs, untilMs);
  }

  note(block: Pick<Block, 'count' | 'fromMs' | 'untilMs'>): void {
    this.count += block.count;
    this.fromMs = Math.min(this.fromMs, block.fromMs);
    this.untilMs = Math.max(this.untilMs, block.untilMs);
  }

  /** The last record of the blocks that begin before a number. */
  lastRecord(before: number): object | undefined {
    const select = 'SELECT body FROM blocks WHERE first < ? ORDER BY first DESC LIMIT 1';
    const row = this.#database.prepare(select).get(before);
    if (row === undefined) return undefined;
    const records: unknown = JSON.parse(String(row['body']));
    // Written by this program, and its hash was checked.
    return Array.isArray(records) ? (records.at(-1) as object | undefined) : undefined;
  }

  sketches(): SketchState[] {
    return this.#database
      .prepare('SELECT day, grp, registers FROM sketches')
      .all()
      .flatMap(({ day, grp, registers }) =>
        registers instanceof Uint8Array && registers.length === SKETCH_REGISTERS
          ? [{ day: String(day), group: String(grp), registers }]
          : [],
      );
  }

  isInPlace(): boolean {
    return statSync(this.#path, { throwIfNoEntry: false })?.ino === this.#inode;
  }

  sizeBytes(): number {
    let bytes = 0;
    for (const end of ['', '-wal']) bytes += statSync(this.#path + end, { throwIfNoEntry: false })?.size ?? 0;
    return bytes;
  }

  close(): void {
    this.#database.close();
  }
}

/** A block with its place and times. */
export type PlacedTimes = Pick<Block, 'count' | 'fromMs' | 'untilMs' | 'body'> & { readonly first: number };

interface BlockRow {
  readonly first: number;
  readonly count: number;
  readonly body: string;
  readonly hash: Buffer;
}

const toBlockRow = (row: Readonly<Record<string, unknown>>): BlockRow => {
  const { first, count, body, hash } = row;
  const isSound =
    typeof first === 'number' &&
    typeof count === 'number' &&
    typeof body === 'string' &&
    hash instanceof Uint8Array;
  if (!isSound) throw new DamageError('a block is malformed');
  return { first, count, body, hash: Buffer.from(hash) };
};
