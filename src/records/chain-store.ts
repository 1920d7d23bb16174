// One chain of records on the disk: the partition that grows, and its turn to the next one.
//
// A batch is one transaction, on the disk when append() returns (WAL, synchronous = FULL). What is found to be damaged
// is never written to again: it is renamed, and the chain goes on in a new partition whose `previous` and `first` are
// the furthest that is known, so that verify() shows what is missing. Everything here is synchronous: a disk that
// hangs holds up the recorder thread, and nobody else.
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { AppError, errorText } from '../base/base.ts';
import { isOperational } from './disk-error.ts';
import { syncDirectory } from './durable-file.ts';
import type { ChainPosition, SignedHead } from './heads.ts';
import {
  BlockHasher,
  createSchema,
  DIRECTORY_MODE,
  FILE_MODE,
  listPartitions,
  NO_HASH,
  openingHash,
  type PartitionMeta,
  partitionName,
  readMeta,
  SCHEMA_VERSION,
  timeText,
} from './partition.ts';
import type { RecordClass } from './record.ts';
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

/** A block before it has a place in the chain. */
export interface Block {
  readonly count: number;
  /** Earliest and latest time of its records. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** A JSON array of records. */
  readonly body: string;
}

/** A number of queries under the columns of the rollup. */
export interface RollupCount {
  readonly hourMs: number;
  /** Of rollupColumns(). */
  readonly columns: readonly string[];
  readonly count: number;
}

/** Registers of one estimate that rose, as the batch's record of kind `sketch` tells them. */
export interface RisenRegisters {
  readonly day: string;
  readonly group: string;
  /** Of Sketch.takeRisen(). */
  readonly text: string;
}

/** All registers of one estimate. */
export interface SketchState {
  readonly day: string;
  readonly group: string;
  readonly registers: Uint8Array;
}

/** What is written in one transaction. */
export interface Batch {
  readonly blocks: readonly Block[];
  readonly rollup: readonly RollupCount[];
  readonly risen: readonly RisenRegisters[];
}

/** A place in the chain: the last record and the hash that covers it. */
export interface ChainEnd {
  readonly sequence: number;
  readonly hash: Buffer;
}

/** What a store found to be wrong, for the record `damaged`. */
export interface ChainFault {
  /** Name of the file, as it is now. */
  readonly file: string;
  readonly text: string;
  /** Records that had been written and are missing, where that is known. */
  readonly count?: number;
}

/** What a store is opened with. */
export interface ChainStoreOptions {
  /** Of all records. */
  readonly directory: string;
  readonly class: RecordClass;
  /** Name of this resolver, in each partition. */
  readonly resolver: string;
  readonly version: string;
  /** Day for a partition that has to be begun. */
  readonly day: string;
  readonly nowMs: number;
  /** The furthest that the run before had written; undefined when nothing tells. */
  readonly expected: ChainEnd | undefined;
  /** Other files show that the chain was begun before this start. */
  readonly wasBegun?: boolean;
  /** The last signed head of this class. */
  readonly lastHead: SignedHead | undefined;
  /** Pages that a partition may have: tests fill a disk with it. */
  readonly pageCountMax?: number | undefined;
}

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

const isDamageAtOpening = (thrown: unknown): boolean =>
  isDamage(thrown) || resultCode(thrown) === SQLITE_ERROR;

/** One class's chain, open for writing. Methods throw errors of SQLite and of the system. */
export class ChainStore {
  readonly class: RecordClass;
  readonly #options: ChainStoreOptions;
  readonly #directory: string;
  readonly #hasher = new BlockHasher();
  #partition: OpenPartition;
  #end: ChainEnd;

  private constructor(options: ChainStoreOptions, partition: OpenPartition, end = partition.opening()) {
    this.class = options.class;
    this.#options = options;
    this.#directory = classDirectory(options);
    this.#partition = partition;
    this.#end = end;
  }

  /** Opens the chain where it ends, or begins it. Gives what was found to be wrong. */
  static open(options: ChainStoreOptions): { store: ChainStore; faults: readonly ChainFault[] } {
    const directory = classDirectory(options);
    mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
    const { partitions, unfinished } = listPartitions(directory);
    for (const name of unfinished) rmSync(join(directory, name), { force: true });
    const latest = partitions.at(-1);
    const isNew =
      latest === undefined &&
      options.lastHead === undefined &&
      options.expected === undefined &&
      options.wasBegun !== true;
    if (isNew) {
      return { store: new ChainStore(options, beginPartition(options, 1, NOTHING)), faults: [] };
    }
    const known = furthest(options);
    // Where nothing tells how many there were, one is missing: verify() then goes on saying so.
    const ordinal = Math.max(latest?.ordinal ?? 1, options.lastHead?.ordinal ?? 1);
    const goOn = (fault: ChainFault, end: ChainEnd) => ({
      store: new ChainStore(options, beginPartition(options, ordinal + 1, end)),
      faults: [fault],
    });
    if (latest === undefined || latest.state !== 'plain' || latest.ordinal < ordinal) {
      const file = partitionFileText(options, latest?.name);
      return goOn({ file, text: 'the last partition is not there' }, known);
    }
    let partition: OpenPartition | undefined;
    try {
      partition = new OpenPartition(join(directory, latest.name), options);
      const end = partition.check(options, latest.ordinal, latest.day);
      if (end.sequence >= known.sequence) {
        return { store: new ChainStore(options, partition, end), faults: [] };
      }
      partition.close();
      const missing = known.sequence - end.sequence;
      const text = `it ends at record ${end.sequence}, and ${known.sequence} had been written`;
      return goOn({ file: partitionFileText(options, latest.name), text, count: missing }, known);
    } catch (thrown) {
      const end = partition?.lastReadable();
      partition?.close();
      if (!isDamageAtOpening(thrown)) throw thrown;
      const name = setAside(directory, latest.name, options.nowMs);
      const fault = { file: partitionFileText(options, name), text: errorText(thrown) };
      return goOn(fault, end !== undefined && end.sequence > known.sequence ? end : known);
    }
  }

  /** The last record, and the hash that covers it. */
  get end(): ChainEnd {
    return this.#end;
  }

  /** UTC day on which the partition was begun. */
  get day(): string {
    return this.#partition.meta.day;
  }

  /** Bytes of the partition and its WAL. */
  get sizeBytes(): number {
    return this.#partition.sizeBytes();
  }

  /** Writes blocks at the end of the chain and waits until they are on the disk; all or nothing. */
  append(batch: Batch): void {
    let end = this.#end;
    const partition = this.#partition;
    partition.transact(() => {
      for (const block of batch.blocks) {
        const first = end.sequence + 1;
        const hash = this.#hasher.hash(end.hash, first, block.count, block.body);
        partition.insertBlock(first, block, hash);
        end = { sequence: end.sequence + block.count, hash };
      }
      for (const count of batch.rollup) partition.addCount(count);
      for (const risen of batch.risen) partition.raise(risen);
    });
    for (const block of batch.blocks) partition.note(block);
    this.#end = end;
  }

  /** Where the partition now stands, for a head. */
  position(state: ChainPosition['state']): ChainPosition {
    const { meta, count, fromMs, untilMs } = this.#partition;
    return {
      class: this.class,
      ordinal: meta.ordinal,
      day: meta.day,
      state,
      first: meta.first,
      last: this.#end.sequence,
      count,
      from: count === 0 ? null : timeText(fromMs),
      until: count === 0 ? null : timeText(untilMs),
      hash: this.#end.hash.toString('hex'),
    };
  }

  /** Begins the next partition, then closes this one. Gives where this one ended. */
  turn(day: string, nowMs: number): ChainPosition {
    const ended = this.position('closed');
    const next = beginPartition({ ...this.#options, day, nowMs }, ended.ordinal + 1, this.#end);
    const { name } = this.#partition;
    this.#partition.close();
    this.#partition = next;
    this.#end = next.opening();
    try {
      sealPartition(join(this.#directory, name));
    } catch (thrown) {
      if (!isOperational(thrown)) throw thrown;
      // A reader has it open, or the disk is full: its WAL stays until it is archived. Nothing is lost.
    }
    return ended;
  }

  /** Sets a partition aside that cannot be written to any more, and begins the next one. */
  replaceDamaged(reason: string, day: string, nowMs: number): ChainFault {
    const { ordinal } = this.#partition.meta;
    const next = beginPartition({ ...this.#options, day, nowMs }, ordinal + 1, this.#end);
    const name = this.#partition.name;
    this.#partition.close();
    const file = existsSync(join(this.#directory, name)) ? setAside(this.#directory, name, nowMs) : name;
    this.#partition = next;
    this.#end = next.opening();
    return { file: partitionFileText(this.#options, file), text: reason };
  }

  /** False when the file that is written to is not the one under its name any more. */
  isInPlace(): boolean {
    return this.#partition.isInPlace();
  }

  /** The last record of the chain's partition; undefined while it has none. */
  lastRecord(): object | undefined {
    return this.#partition.lastRecord();
  }

  /** The estimates of the partition. */
  sketches(): SketchState[] {
    return this.#partition.sketches();
  }

  close(): void {
    this.#partition.close();
  }
}

/** Before the first record of a chain. */
const NOTHING: ChainEnd = { sequence: 0, hash: Buffer.from(NO_HASH, 'hex') };

const classDirectory = ({ directory, class: name }: ChainStoreOptions): string => join(directory, name);

const partitionFileText = (options: ChainStoreOptions, name = 'no file'): string =>
  `${options.class}/${name}`;

/** The furthest end of the chain that is known without reading it. */
const furthest = ({ expected, lastHead }: ChainStoreOptions): ChainEnd => {
  const signed = lastHead && { sequence: lastHead.last, hash: Buffer.from(lastHead.hash, 'hex') };
  if (signed === undefined || (expected?.sequence ?? 0) >= signed.sequence) return expected ?? NOTHING;
  return signed;
};

/** Renames a partition and what SQLite keeps beside it. */
const setAside = (directory: string, name: string, nowMs: number): string => {
  const stamp = `${timeText(nowMs).slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
  const aside = `${name}.damaged-${stamp}`;
  for (const end of ['', '-wal', '-shm', '-journal']) {
    const path = join(directory, name + end);
    if (existsSync(path)) renameSync(path, join(directory, aside + end));
  }
  syncDirectory(directory);
  return aside;
};

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
const beginPartition = (options: ChainStoreOptions, ordinal: number, end: ChainEnd): OpenPartition => {
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
  syncDirectory(directory);
  return new OpenPartition(path, options);
};

/** The connection to the partition that grows, with its statements. */
class OpenPartition {
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
          'VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count',
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

  /** Checks the end of the chain and what was signed or noted of it; gives the end. Throws DamageError. */
  check(
    { class: recordClass, lastHead, expected }: ChainStoreOptions,
    ordinal: number,
    day: string,
  ): ChainEnd {
    const { meta } = this;
    if (meta.class !== recordClass || meta.ordinal !== ordinal || meta.day !== day) {
      throw new DamageError(`it says that it is ${meta.class} ${partitionName(meta.ordinal, meta.day)}`);
    }
    const end = this.#checkTail();
    if (lastHead?.ordinal === ordinal) {
      this.#require({ sequence: lastHead.last, hash: Buffer.from(lastHead.hash, 'hex') }, end, 'was signed');
    }
    if (expected !== undefined) this.#require(expected, end, 'was written');
    return end;
  }

  #checkTail(): ChainEnd {
    const rows = this.#database
      .prepare('SELECT first, count, body, hash FROM blocks ORDER BY first DESC LIMIT ?')
      .all(CHECKED_BLOCKS + 1)
      .map(toBlockRow)
      .reverse();
    const hasher = new BlockHasher();
    let end = this.opening();
    for (const [index, row] of rows.entries()) {
      const isUnanchored = index === 0 && rows.length > CHECKED_BLOCKS;
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

  note(block: Block): void {
    this.count += block.count;
    this.fromMs = Math.min(this.fromMs, block.fromMs);
    this.untilMs = Math.max(this.untilMs, block.untilMs);
  }

  lastRecord(): object | undefined {
    const row = this.#database.prepare('SELECT body FROM blocks ORDER BY first DESC LIMIT 1').get();
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
