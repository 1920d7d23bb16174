// A partition: one SQLite file with the records of one class and day.
//
//   STATE/records/queries/000003-2026-11-25.sqlite          open or closed
//   STATE/records/queries/000001-2026-11-23.sqlite.zst      archived
//   STATE/records/queries/000002-2026-11-24.sqlite.damaged-20261125T080000Z
//
// The ordinal grows by one with each partition, whatever the clock does; the day is the one on which it was begun.
// Records stand in blocks: `body` is a JSON array of them, `first` the sequence number of the first; numbers run on
// over partitions. The chain of hashes (SHA-256; numbers are big-endian) runs over what a partition says of itself and
// over its blocks, then into the next partition, whose `previous` is the last hash of the one before:
//
//   opening hash = SHA-256(the text of openingText())
//   block hash   = SHA-256(hash before || first, 8 bytes || count, 4 bytes || body, UTF-8)
//
// Everything else in the file is derived from the blocks, so that reports need not read millions of JSON texts;
// verify() derives it again.
import { createHash, hash as hashOnce } from 'node:crypto';
import { readdirSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import type { RecordClass } from './record.ts';

/** Version of the schema, `PRAGMA user_version`. */
export const SCHEMA_VERSION = 1;
/** `PRAGMA application_id`: "CRDN". */
export const APPLICATION_ID = 0x4352444e;
/** Bytes of a hash. */
export const HASH_LENGTH = 32;
export const DIRECTORY_MODE = 0o700;
export const FILE_MODE = 0o600;

const FIXED_LENGTH = HASH_LENGTH + 8 + 4;
/** UTF-8 takes at most three bytes for each unit of a string. */
const UTF8_BYTES_MAX = 3;

/** The statements that make an empty partition, by the name of what they make. */
export const SCHEMA: Readonly<Record<string, string>> = {
  meta: 'CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID',
  blocks:
    'CREATE TABLE blocks(first INTEGER PRIMARY KEY, count INTEGER NOT NULL, from_ms INTEGER NOT NULL, ' +
    'until_ms INTEGER NOT NULL, body TEXT NOT NULL, hash BLOB NOT NULL) STRICT',
  blocks_time: 'CREATE INDEX blocks_time ON blocks(from_ms, until_ms, count)',
  rollup:
    'CREATE TABLE rollup(hour_ms INTEGER NOT NULL, kind TEXT NOT NULL, grp TEXT NOT NULL, list TEXT NOT NULL, ' +
    'category TEXT NOT NULL, trig TEXT NOT NULL, signal TEXT NOT NULL, exemption TEXT NOT NULL, ' +
    'count INTEGER NOT NULL, ' +
    'PRIMARY KEY(hour_ms, kind, grp, list, category, trig, signal, exemption)) STRICT, WITHOUT ROWID',
  sketches:
    'CREATE TABLE sketches(day TEXT NOT NULL, grp TEXT NOT NULL, registers BLOB NOT NULL, ' +
    'PRIMARY KEY(day, grp)) STRICT, WITHOUT ROWID',
  records:
    "CREATE VIEW records AS SELECT b.first + j.key AS sequence, j.value ->> 'time' AS time, " +
    "j.value ->> 'kind' AS kind, j.value ->> 'event' AS event, j.value ->> 'client' AS client, " +
    "j.value ->> 'group' AS grp, j.value ->> 'qname' AS qname, j.value ->> 'qtype' AS qtype, " +
    "j.value ->> 'list' AS list, j.value AS record FROM blocks AS b, json_each(b.body) AS j",
};

/** What a partition says of itself; all of it is text in the table `meta`. */
export interface PartitionMeta {
  readonly class: RecordClass;
  readonly ordinal: number;
  readonly day: string;
  /** Last hash of the partition before, hexadecimal; NO_HASH for the first one. */
  readonly previous: string;
  /** Sequence number that its first record has. */
  readonly first: number;
  readonly resolver: string;
  readonly version: string;
  /** RFC 3339. */
  readonly created: string;
}

/** What a name in a class's directory means. */
export interface PartitionFile {
  readonly name: string;
  readonly ordinal: number;
  readonly day: string;
  readonly state: 'plain' | 'archived' | 'damaged';
}

const NAME = /^(\d{6,})-(\d{4}-\d\d-\d\d)\.sqlite(\.zst|\.damaged-\d{8}T\d{6}Z)?$/;
/** SQLite's own files beside a partition. */
const SIDE_FILE = /\.sqlite(?:\.damaged-\d{8}T\d{6}Z)?-(?:wal|shm|journal)$/;
/** Left by a crash in the middle of a replacement. */
const UNFINISHED = /\.new(?:-journal)?$/;
const ORDINAL_DIGITS = 6;

/** The name of a partition. */
export const partitionName = (ordinal: number, day: string): string =>
  `${String(ordinal).padStart(ORDINAL_DIGITS, '0')}-${day}.sqlite`;

/** The UTC day of a time. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** A time as all records state it. */
export const timeText = (ms: number): string => new Date(ms).toISOString();

/** What a directory holds: partitions by ordinal, what a crash left, and names that nobody knows. */
export interface PartitionListing {
  readonly partitions: readonly PartitionFile[];
  readonly unfinished: readonly string[];
  readonly unknown: readonly string[];
}

/** Reads the directory of a class; one that is not there holds nothing. */
export const listPartitions = (directory: string): PartitionListing => {
  const partitions: PartitionFile[] = [];
  const unfinished: string[] = [];
  const unknown: string[] = [];
  for (const name of namesIn(directory)) {
    const match = NAME.exec(name);
    if (match !== null) {
      const [, ordinal = '', day = '', end = ''] = match;
      const state = end === '' ? 'plain' : end === '.zst' ? 'archived' : 'damaged';
      partitions.push({ name, ordinal: Number(ordinal), day, state });
    } else if (UNFINISHED.test(name)) {
      unfinished.push(name);
    } else if (!SIDE_FILE.test(name)) {
      unknown.push(name);
    }
  }
  partitions.sort((left, right) => left.ordinal - right.ordinal || (left.name < right.name ? -1 : 1));
  return { partitions, unfinished, unknown };
};

const namesIn = (directory: string): string[] => {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
};

/** `previous` of a class's first partition. */
export const NO_HASH = '0'.repeat(2 * HASH_LENGTH);

/** What a partition says of itself, as it is hashed: a line for each member, in this order. */
export const openingText = (meta: PartitionMeta): string =>
  [
    'cordon records partition 1',
    `class ${meta.class}`,
    `ordinal ${meta.ordinal}`,
    `day ${meta.day}`,
    `previous ${meta.previous}`,
    `first ${meta.first}`,
    `resolver ${meta.resolver}`,
    `version ${meta.version}`,
    `created ${meta.created}`,
    '',
  ].join('\n');

/** The hash that a partition's first block follows, and the last one of a partition without blocks. */
export const openingHash = (meta: PartitionMeta): Buffer =>
  createHash('sha256').update(openingText(meta)).digest();

/** Hashes blocks, in memory that it keeps. */
export class BlockHasher {
  #bytes = Buffer.alloc(1 << 16);

  /** The hash of a block after `previous`. */
  hash(previous: Uint8Array, first: number, count: number, body: string): Buffer {
    const most = FIXED_LENGTH + body.length * UTF8_BYTES_MAX;
    if (most > this.#bytes.length) this.#bytes = Buffer.alloc(most);
    const bytes = this.#bytes;
    bytes.set(previous, 0);
    bytes.writeBigUInt64BE(BigInt(first), HASH_LENGTH);
    bytes.writeUInt32BE(count, HASH_LENGTH + 8);
    const length = FIXED_LENGTH + bytes.write(body, FIXED_LENGTH, 'utf8');
    return hashOnce('sha256', bytes.subarray(0, length), 'buffer');
  }
}

/** Makes the tables of an empty partition. */
export const createSchema = (database: DatabaseSync, meta: PartitionMeta): void => {
  database.exec('BEGIN');
  for (const statement of Object.values(SCHEMA)) database.exec(statement);
  const insert = database.prepare('INSERT INTO meta(name, value) VALUES(?, ?)');
  for (const [name, value] of Object.entries(meta)) insert.run(name, String(value));
  database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}; PRAGMA application_id = ${APPLICATION_ID}; COMMIT`);
};

/** What a partition says of itself; undefined when something of it is missing or malformed. */
export const readMeta = (database: DatabaseSync): PartitionMeta | undefined => {
  const fields = new Map(
    database
      .prepare('SELECT name, value FROM meta')
      .all()
      .map((row) => [String(row['name']), String(row['value'])]),
  );
  const text = (name: keyof PartitionMeta): string => fields.get(name) ?? '';
  const recordClass = text('class');
  if (recordClass !== 'queries' && recordClass !== 'changes') return undefined;
  const meta = {
    class: recordClass,
    ordinal: Number(text('ordinal')),
    day: text('day'),
    previous: text('previous'),
    first: Number(text('first')),
    resolver: text('resolver'),
    version: text('version'),
    created: text('created'),
  } as const;
  const isWhole =
    fields.size === Object.keys(meta).length && Object.keys(meta).every((name) => fields.has(name));
  const isSound =
    isWhole &&
    /^[0-9a-f]{64}$/.test(meta.previous) &&
    Number.isSafeInteger(meta.ordinal) &&
    Number.isSafeInteger(meta.first) &&
    meta.first >= 1;
  return isSound ? meta : undefined;
};
