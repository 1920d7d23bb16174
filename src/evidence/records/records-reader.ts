// Reading records, while the program runs and without it: partitions are opened for reading only.
//
// Archived partitions are unpacked into a temporary directory of this reader and go with close(). Nothing here holds a
// transaction open for longer than one piece, so that a long report does not keep the recorder from tidying its WAL.
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError, DAY_MS, errorText, HOUR_MS, systemErrorCode } from '../../base/base.ts';
import type { BlockMemory, KeptRecord } from './block-memory.ts';
import { headsPath, readClosedHeads } from './heads-file.ts';
import { listPartitions, type PartitionFile } from './partition.ts';
import { type EvidenceRecord, RECORD_CLASSES, type RecordClass } from './record.ts';
import { restorePartition } from './retention.ts';
import { SKETCH_REGISTERS, Sketch } from './sketch.ts';

/** How long a partition may be locked, which it is only while it is closed, milliseconds. */
const BUSY_MS = 5_000;
/** Name of the directory with all records, in the state directory. */
export const RECORDS_DIRECTORY = 'records';

/** A record and its place. */
export interface FoundRecord {
  readonly class: RecordClass;
  readonly sequence: number;
  readonly record: EvidenceRecord;
}

/** Queries of one hour under one combination of words; '' for a member that the records do not have. */
export interface HourCount {
  /** Start of the hour. */
  readonly hourMs: number;
  readonly kind: string;
  readonly group: string;
  readonly list: string;
  readonly category: string;
  readonly trigger: string;
  readonly signal: string;
  readonly exemption: string;
  readonly count: number;
}

/** Records of one directory. */
export class RecordsReader {
  readonly directory: string;
  #temporary: string | undefined;
  /** The archived partition that was unpacked last. */
  #unpacked: { readonly key: string; readonly path: string } | undefined;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /**
   * Opens the records of a state directory's `records`. Throws ERR_COMPLIANCE_NO_RECORDS, and ERR_COMPLIANCE_RECORDS where they
   * cannot be read: what is closed to the reader is not the same as nothing.
   */
  static open(directory: string): RecordsReader {
    if (!existsSync(directory)) {
      throw new AppError(
        'ERR_COMPLIANCE_NO_RECORDS',
        `reading records in ${directory}: there is no such directory`,
      );
    }
    for (const path of [directory, ...RECORD_CLASSES.map((name) => join(directory, name))]) {
      try {
        readdirSync(path);
      } catch (cause) {
        if (systemErrorCode(cause) === 'ENOENT') continue;
        const hint = 'Read them as the user of the service or as root.';
        throw new AppError('ERR_COMPLIANCE_RECORDS', `reading records: ${errorText(cause)}`, { cause, hint });
      }
    }
    return new RecordsReader(directory);
  }

  /** The partitions of a class, in the order of the chain; damaged ones among them. */
  partitions(recordClass: RecordClass): readonly PartitionFile[] {
    const { partitions } = listPartitions(join(this.directory, recordClass));
    // While a partition is being archived, both are there for a moment.
    const plain = new Set(partitions.flatMap(({ state, ordinal }) => (state === 'plain' ? [ordinal] : [])));
    return partitions.filter(({ state, ordinal }) => state !== 'archived' || !plain.has(ordinal));
  }

  /**
   * The records of a class with `fromMs` <= time < `untilMs`, in the order of the chain. Damaged partitions are left
   * out. Rejects with ERR_COMPLIANCE_RECORDS when a partition cannot be read.
   */
  async *records(recordClass: RecordClass, fromMs: number, untilMs: number): AsyncGenerator<FoundRecord> {
    for (const partition of this.#concerned(recordClass, fromMs, untilMs)) {
      const database = await this.#open(recordClass, partition);
      try {
        yield* this.#recordsOf(database, recordClass, fromMs, untilMs, partition);
      } finally {
        database.close();
      }
    }
  }

  /** The same from the end of the chain on, so that who wants the newest need not read the others. */
  async *newest(recordClass: RecordClass, fromMs: number, untilMs: number): AsyncGenerator<FoundRecord> {
    for (const partition of this.#concerned(recordClass, fromMs, untilMs).toReversed()) {
      const database = await this.#open(recordClass, partition);
      try {
        yield* this.#recordsOf(database, recordClass, fromMs, untilMs, partition, true);
      } finally {
        database.close();
      }
    }
  }

  /**
   * What `memory` keeps of each record of a class with `fromMs` <= time < `untilMs`, in the order of the chain; only blocks that it
   * does not know are read. Rejects as records() does.
   */
  async kept<Kept extends { readonly size: number }>(
    recordClass: RecordClass,
    fromMs: number,
    untilMs: number,
    memory: BlockMemory<Kept>,
  ): Promise<KeptRecord<Kept>[]> {
    const found: KeptRecord<Kept>[] = [];
    memory.begin();
    for (const partition of this.#concerned(recordClass, fromMs, untilMs)) {
      const database = await this.#open(recordClass, partition);
      try {
        for (const { first, read } of this.#blocksOf(database, recordClass, fromMs, untilMs, partition))
          for (const one of memory.of(partition.name, first, read))
            if (one.timeMs >= fromMs && one.timeMs < untilMs) found.push(one);
      } finally {
        database.close();
      }
    }
    return found;
  }

  *#recordsOf(
    database: DatabaseSync,
    recordClass: RecordClass,
    fromMs: number,
    untilMs: number,
    partition: PartitionFile,
    isBackwards = false,
  ): Generator<FoundRecord> {
    const blocks = this.#blocksOf(database, recordClass, fromMs, untilMs, partition, isBackwards);
    for (const { first, read } of blocks) {
      const records = read();
      for (let at = 0; at < records.length; at++) {
        const index = isBackwards ? records.length - 1 - at : at;
        const record = records[index];
        const timeMs = record === undefined ? Number.NaN : Date.parse(record.time);
        if (record !== undefined && timeMs >= fromMs && timeMs < untilMs)
          yield { class: recordClass, sequence: first + index, record };
      }
    }
  }

  /** Blocks that may hold records of the period, by their first record, and what they hold. */
  *#blocksOf(
    database: DatabaseSync,
    recordClass: RecordClass,
    fromMs: number,
    untilMs: number,
    partition: PartitionFile,
    isBackwards = false,
  ): Generator<{ readonly first: number; readonly read: () => EvidenceRecord[] }> {
    const read = <Value>(of: () => Value): Value => this.#reading(recordClass, partition, of);
    // The times stand in the index; a scan of the table would read the bodies of all blocks. One text of all numbers is had in
    // a third of the time of a row for each.
    const concerned = read(() => {
      const found = database
        .prepare(
          'SELECT json_group_array(first ORDER BY first) AS firsts FROM blocks INDEXED BY blocks_time WHERE until_ms >= ? AND from_ms < ?',
        )
        .get(fromMs, untilMs);
      return JSON.parse(String(found?.['firsts'])) as number[];
    });
    const select = database.prepare('SELECT body FROM blocks WHERE first = ?');
    for (const first of isBackwards ? concerned.toReversed() : concerned) {
      // What the recorder wrote; verify() is there for what somebody else did.
      yield {
        first,
        read: () => read(() => JSON.parse(String(select.get(first)?.['body'])) as EvidenceRecord[]),
      };
    }
  }

  /** How many queries there were, by hour, of the hours that begin in the period; in the order of the hours. */
  async counts(fromMs: number, untilMs: number): Promise<HourCount[]> {
    const sums = new Map<string, HourCount>();
    for (const partition of this.#concerned('queries', fromMs, untilMs)) {
      const database = await this.#open('queries', partition);
      try {
        const rows = this.#reading('queries', partition, () =>
          database.prepare('SELECT * FROM rollup WHERE hour_ms >= ? AND hour_ms < ?').all(fromMs, untilMs),
        );
        for (const row of rows) addCount(sums, row);
      } finally {
        database.close();
      }
    }
    return [...sums.values()].sort((left, right) => left.hourMs - right.hourMs);
  }

  /** The merged estimate of distinct clients of a group over UTC days, both included; `*` is all groups. */
  async distinctClients(fromDay: string, untilDay: string, group: string): Promise<Sketch> {
    const merged = new Sketch();
    const untilMs = Date.parse(untilDay) + DAY_MS;
    for (const partition of this.#concerned('queries', Date.parse(fromDay), untilMs)) {
      const database = await this.#open('queries', partition);
      try {
        const rows = this.#reading('queries', partition, () =>
          database
            .prepare('SELECT registers FROM sketches WHERE grp = ? AND day >= ? AND day <= ?')
            .all(group, fromDay, untilDay),
        );
        for (const { registers } of rows) {
          if (registers instanceof Uint8Array && registers.length === SKETCH_REGISTERS)
            merged.merge(registers);
        }
      } finally {
        database.close();
      }
    }
    return merged;
  }

  /** Earliest time of a record that can be searched without unpacking; undefined when there is none. */
  oldestSearchableMs(recordClass: RecordClass): number | undefined {
    for (const partition of this.partitions(recordClass)) {
      if (partition.state !== 'plain') continue;
      const database = openReadOnly(join(this.directory, recordClass, partition.name));
      try {
        const earliest = database.prepare('SELECT min(from_ms) AS earliest FROM blocks').get()?.['earliest'];
        if (typeof earliest === 'number') return earliest;
      } finally {
        database.close();
      }
    }
    return undefined;
  }

  /** A partition for reading; the caller closes it. Rejects with ERR_COMPLIANCE_RECORDS. */
  async openPartition(recordClass: RecordClass, partition: PartitionFile): Promise<DatabaseSync> {
    return this.#open(recordClass, partition);
  }

  /** Removes what was unpacked. */
  close(): void {
    if (this.#temporary !== undefined) rmSync(this.#temporary, { recursive: true, force: true });
    this.#temporary = undefined;
    this.#unpacked = undefined;
  }

  /** Partitions that may hold records of the period: heads tell it of closed ones, which cost to open and more to unpack. */
  #concerned(recordClass: RecordClass, fromMs: number, untilMs: number): PartitionFile[] {
    const heads = readClosedHeads(headsPath(this.directory), recordClass);
    return this.partitions(recordClass).filter(({ state, ordinal }) => {
      if (state === 'damaged') return false;
      const head = heads.get(ordinal);
      // The one that is written to.
      if (head === undefined) return true;
      if (head.from === null || head.until === null) return false;
      return Date.parse(head.until) + HOUR_MS >= fromMs && Date.parse(head.from) - HOUR_MS < untilMs;
    });
  }

  async #open(recordClass: RecordClass, partition: PartitionFile): Promise<DatabaseSync> {
    const path = join(this.directory, recordClass, partition.name);
    try {
      if (partition.state === 'archived')
        return openReadOnly(await this.#unpack(recordClass, path, partition.name));
      try {
        return openReadOnly(path);
      } catch (thrown) {
        // It may have been archived since the directory was read.
        if (!existsSync(`${path}.zst`)) throw thrown;
        return openReadOnly(await this.#unpack(recordClass, `${path}.zst`, partition.name));
      }
    } catch (thrown) {
      throw failure(recordClass, partition, thrown);
    }
  }

  async #unpack(recordClass: RecordClass, archive: string, name: string): Promise<string> {
    const key = `${recordClass}-${name}`;
    if (this.#unpacked?.key === key) return this.#unpacked.path;
    this.#temporary ??= mkdtempSync(join(tmpdir(), 'cordon-records-'));
    const path = join(this.#temporary, key.replace(/\.zst$/, ''));
    // A reader of the one before keeps it open.
    if (this.#unpacked !== undefined) rmSync(this.#unpacked.path, { force: true });
    this.#unpacked = undefined;
    await restorePartition(archive, path);
    this.#unpacked = { key, path };
    return path;
  }

  #reading<Value>(recordClass: RecordClass, partition: PartitionFile, read: () => Value): Value {
    try {
      return read();
    } catch (thrown) {
      throw failure(recordClass, partition, thrown);
    }
  }
}

const openReadOnly = (path: string): DatabaseSync => {
  const database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS });
  try {
    // Opening reads nothing; this does.
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    return database;
  } catch (thrown) {
    database.close();
    throw thrown;
  }
};

const failure = (recordClass: RecordClass, { name }: PartitionFile, cause: unknown): unknown => {
  const isOfSystem = systemErrorCode(cause) !== undefined || cause instanceof SyntaxError;
  if (!isOfSystem) return cause;
  return new AppError('ERR_COMPLIANCE_RECORDS', `reading ${recordClass}/${name}: ${errorText(cause)}`, {
    cause,
    hint: '"cordon records verify" tells what is wrong with it.',
  });
};

const addCount = (sums: Map<string, HourCount>, row: Readonly<Record<string, unknown>>): void => {
  const text = (name: string): string => String(row[name]);
  const count: HourCount = {
    hourMs: Number(row['hour_ms']),
    kind: text('kind'),
    group: text('grp'),
    list: text('list'),
    category: text('category'),
    trigger: text('trig'),
    signal: text('signal'),
    exemption: text('exemption'),
    count: Number(row['count']),
  };
  const key = JSON.stringify({ ...count, count: 0 });
  const known = sums.get(key);
  sums.set(key, known === undefined ? count : { ...known, count: known.count + count.count });
};
