// What a partition has otherwise than the program makes it, or than a signed head says.
import type { DatabaseSync } from 'node:sqlite';
import type { ChainEnd } from './chain.ts';
import type { Finding, Report } from './finding.ts';
import type { SignedHead } from './heads.ts';
import {
  APPLICATION_ID,
  NO_HASH,
  type PartitionFile,
  type PartitionMeta,
  readMeta,
  SCHEMA,
  SCHEMA_VERSION,
} from './partition.ts';
import type { PartitionPosition } from './partition-check.ts';

/** In words, what a head says otherwise; undefined when nothing. */
export const differenceOf = (
  head: SignedHead,
  found: PartitionPosition | undefined,
  closedAt: number | undefined,
): string | undefined => {
  if (found === undefined) return `says that a block ended at record ${head.last}`;
  if (head.hash !== found.hash) return `has another hash of record ${head.last}: what it covers was changed`;
  if (closedAt !== undefined && closedAt > head.last) return `says that it was closed at record ${head.last}`;
  const names = ['day', 'first', 'count', 'from', 'until'] as const;
  const other = names.find((name) => head[name] !== found[name]);
  return other === undefined
    ? undefined
    : `says ${other} ${head[other]}, and the records say ${found[other]}`;
};

/**
 * Whether a head is about the chain that is here. Its hash covers all before it, so that blocks that are missing, by which count and
 * times are others, cost themselves and not what stands behind them.
 */
export const isOnChain = (
  head: SignedHead,
  found: PartitionPosition | undefined,
  closedAt: number | undefined,
): boolean =>
  found !== undefined &&
  head.hash === found.hash &&
  head.day === found.day &&
  head.first === found.first &&
  (closedAt === undefined || closedAt <= head.last);

/**
 * Checks the schema of a partition, what it says of itself, and that it follows the partition before it, where that is
 * known. Undefined when it says too little to be read.
 */
export const checkMeta = (
  database: DatabaseSync,
  file: PartitionFile,
  place: Partial<Finding>,
  before: ChainEnd | undefined,
  report: Report,
): PartitionMeta | undefined => {
  for (const text of schemaDifferences(database)) report('schema-differs', text, place);
  const meta = readMeta(database);
  if (meta === undefined) {
    report('meta-differs', 'what it says of itself is incomplete or malformed', place);
    return undefined;
  }
  if (meta.class !== place.class || meta.ordinal !== file.ordinal || meta.day !== file.day) {
    report(
      'meta-differs',
      `${file.name} says that it is ${meta.class} ${meta.ordinal} of ${meta.day}`,
      place,
    );
  }
  const isFirst = file.ordinal === 1;
  const expected = isFirst ? { sequence: 0, hash: Buffer.from(NO_HASH, 'hex') } : before;
  if (expected === undefined) return meta;
  if (meta.first !== expected.sequence + 1) {
    const text =
      meta.first > expected.sequence
        ? `records ${expected.sequence + 1} to ${meta.first - 1} are not there`
        : `it begins with record ${meta.first}, and record ${expected.sequence} stands before it`;
    report('chain-broken', text, place);
  } else if (meta.previous !== expected.hash.toString('hex')) {
    report('chain-broken', 'it does not follow the partition before it', place);
  }
  return meta;
};

/** What the schema has otherwise than the program makes it. */
const schemaDifferences = (database: DatabaseSync): string[] => {
  const texts: string[] = [];
  const found = new Map<string, string>();
  for (const { name, sql } of database.prepare('SELECT name, sql FROM sqlite_schema').all()) {
    // Indexes that SQLite makes by itself have no text.
    if (sql !== null) found.set(String(name), String(sql));
  }
  for (const [name, sql] of Object.entries(SCHEMA)) {
    if (found.get(name) === undefined) texts.push(`${name} is not there`);
    else if (found.get(name) !== sql) texts.push(`${name} is not as the program makes it`);
    found.delete(name);
  }
  for (const name of found.keys()) texts.push(`${name} is not of the program`);
  const version = database.prepare('PRAGMA user_version').get()?.['user_version'];
  const application = database.prepare('PRAGMA application_id').get()?.['application_id'];
  if (version !== SCHEMA_VERSION) texts.push(`its schema has version ${String(version)}`);
  if (application !== APPLICATION_ID) texts.push(`it is marked as another program's file`);
  return texts;
};
