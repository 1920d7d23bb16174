// The records of a database as directories of the form that each resolver keeps, put together and checked block by block.
//
// So there is one report and one check, whatever the records were kept in, and what somebody changed in the database shows: a
// block whose hash does not follow, and the place of one that is missing, are named, and the rest is there.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../base/base.ts';
import {
  type ChainBlock,
  CollectedHeads,
  loadRecordSchema,
  type PartitionMeta,
  RECORD_CLASSES,
  RECORDS_DIRECTORY_MODE,
  type RecordClass,
} from '../evidence/records/records.ts';
import { Database, type Row } from './database.ts';
import type { DatabaseAccess } from './database-address.ts';
import { ALARMS_NAME, DirectoryShelf } from './directory-store.ts';
import { bodyOf, type PolicyEntry, parseEntry } from './entry.ts';
import { isEvidenceSignedBy, unpackEvidence } from './evidence-message.ts';
import { parseNkey } from './key.ts';
import { KINDS } from './kinds.ts';
import { POLICY_NAME } from './members.ts';
import { Membership } from './membership.ts';
import { PolicyLog } from './policy-log.ts';
import { evidenceSubject, isRecordsLabel } from './subjects.ts';

/** Rows that are read at a time: some 4 MB of blocks. */
const ROWS = 200;
/** Faults of a chain, and labels that are no names, that are told one by one. */
const FAULTS_MAX = 20;
/** Characters of a label that is no name. */
const LABEL_SHOWN = 80;

/** What is wanted of a database. */
export interface ExportOptions {
  readonly database: DatabaseAccess;
  /** Keys that sign policy. */
  readonly trust: readonly string[];
  /** A directory that is empty or not there. */
  readonly directory: string;
  /** Names of resolvers; none: all. */
  readonly resolvers: readonly string[];
}

/** What was written. */
export interface Exported {
  /** Names of the directories. */
  readonly labels: readonly string[];
  /** Labels in the database that are no names of resolvers: nothing of them is written. */
  readonly unnamed: number;
}

/**
 * Writes directories of what a database has at one moment. Rejects with ERR_FLEET_DATABASE, ERR_FLEET_DATABASE_SCHEMA,
 * ERR_FLEET_EXISTS for a directory that holds something, and errors of the system.
 */
export const exportDatabase = async (options: ExportOptions): Promise<Exported> => {
  const { directory, trust, resolvers } = options;
  mkdirSync(directory, { recursive: true, mode: RECORDS_DIRECTORY_MODE });
  if (readdirSync(directory).length > 0) {
    throw new AppError('ERR_FLEET_EXISTS', `writing ${directory}: there is something in it`, {
      hint: 'Name a directory that is empty or not there.',
    });
  }
  const database = new Database(options.database);
  try {
    await database.check();
    // One moment for everything; a second statement on another connection would see another one.
    await database.begin();
    const nkeys = await writePolicy(database, directory, trust);
    const rows = await database.query('SELECT DISTINCT label FROM cordon.partitions ORDER BY label', []);
    const all = rows.map(({ label }) => String(label));
    // The role of the collector adds what it likes, and a label becomes a part of a path.
    const unnamed = all.filter((label) => !isRecordsLabel(label));
    const labels = all
      .filter(isRecordsLabel)
      .filter((label) => resolvers.length === 0 || resolvers.includes(nameOf(label)));
    for (const label of labels)
      await writeResolver(database, directory, label, nkeys.get(nameOf(label)) ?? []);
    const alarms = await database.query(
      'SELECT time, alarm, node, note FROM cordon.alarms ORDER BY number',
      [],
    );
    const lines = alarms.map(({ time, alarm, node, note }) =>
      JSON.stringify({ time: time instanceof Date ? time.toISOString() : '', alarm, node, text: note }),
    );
    for (const label of unnamed.slice(0, FAULTS_MAX)) {
      const text = `in the database is ${JSON.stringify(label.slice(0, LABEL_SHOWN))}, which is no name of a resolver`;
      lines.push(JSON.stringify({ time: '', alarm: 'forged-block', node: '', text }));
    }
    if (lines.length > 0)
      writeFileSync(join(directory, ALARMS_NAME), `${lines.join('\n')}\n`, { mode: 0o600 });
    return { labels, unnamed: unnamed.length };
  } finally {
    await database.close();
  }
};

/** The resolver of a label: NAME, or NAME.2. */
const nameOf = (label: string): string => label.split('.')[0] ?? label;

/**
 * The log of policy; of several entries with one number that which a key of the fleet signed and which follows. Gives the keys
 * that each resolver ever had.
 */
const writePolicy = async (
  database: Database,
  directory: string,
  trust: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> => {
  const nkeys = new Map<string, string[]>();
  const { log } = PolicyLog.open(join(directory, POLICY_NAME), 0);
  const membership = new Membership(trust);
  try {
    const rows = await database.query('SELECT entry FROM cordon.entries ORDER BY number', []);
    const isNext = (entry: PolicyEntry): boolean =>
      entry.number === log.end.number + 1 && entry.previous === log.end.hash && membership.isTrusted(entry);
    for (const row of rows) {
      const entry = parseEntry(Buffer.from(String(row['entry'])));
      if (entry === undefined || !isNext(entry)) continue;
      log.append(entry);
      membership.take(entry);
      const node = entry.kind === 'node' ? KINDS.node.safeParse(bodyOf(entry)).data : undefined;
      if (node !== undefined) nkeys.set(node.name, [...(nkeys.get(node.name) ?? []), node.key]);
    }
    return nkeys;
  } finally {
    log.close();
  }
};

const writeResolver = async (
  database: Database,
  directory: string,
  label: string,
  nkeys: readonly string[],
): Promise<void> => {
  const { judgeRecord } = await loadRecordSchema();
  const shelf = new DirectoryShelf(directory, label, judgeRecord);
  try {
    const of = async (statement: string): Promise<readonly Row[]> => database.query(statement, [label]);
    for (const { id, pem, proof } of await of(
      'SELECT id, pem, proof FROM cordon.keys WHERE label = $1 ORDER BY added',
    )) {
      if (isSentKey(label, String(pem), String(proof), nkeys)) shelf.heads.addKey(String(pem));
      else {
        const text = `key ${String(id)} in the database is not one that the resolver sent`;
        shelf.noteHole(JSON.stringify({ class: 'heads', text }));
      }
    }
    for (const { note } of await of('SELECT note FROM cordon.holes WHERE label = $1 ORDER BY added'))
      shelf.noteHole(String(note));
    for (const recordClass of RECORD_CLASSES) {
      for (const text of await writeChain(database, shelf, label, recordClass))
        shelf.noteHole(JSON.stringify({ class: recordClass, text }));
    }
    const fault = await writeHeads(database, shelf, label);
    if (fault !== undefined) shelf.noteHole(JSON.stringify({ class: 'heads', text: fault }));
    const [position] = await of('SELECT alive_ms FROM cordon.positions WHERE label = $1');
    shelf.writePosition(Number(position?.['alive_ms'] ?? 0));
  } finally {
    shelf.close();
  }
};

/** True for a key of records that stands in a message which a key of that resolver signed. */
const isSentKey = (label: string, pem: string, proof: string, nkeys: readonly string[]): boolean => {
  const { success, data } = proofSchema.safeParse(parseJson(proof));
  if (!success) return false;
  const bytes = Buffer.from(data.bytes, 'base64');
  const isSigned = nkeys
    .flatMap((text) => parseNkey(text) ?? [])
    .some((key) => isEvidenceSignedBy(data.subject, bytes, data.signature, key));
  const piece = unpackEvidence(bytes)?.piece;
  return (
    isSigned &&
    data.subject === evidenceSubject(nameOf(label), 'heads') &&
    piece?.kind === 'key' &&
    piece.pem.trim() === pem.trim()
  );
};

const proofSchema = z.looseObject({ subject: z.string(), bytes: z.base64(), signature: z.base64() });

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const writeHeads = async (
  database: Database,
  { heads }: DirectoryShelf,
  label: string,
): Promise<string | undefined> => {
  for (;;) {
    const { sequence } = heads.place;
    const rows = await database.query(
      'SELECT number, head FROM cordon.heads WHERE label = $1 AND number > $2 ORDER BY number LIMIT $3',
      [label, sequence, ROWS],
    );
    for (const { number, head } of rows) {
      if (heads.take(CollectedHeads.parse(String(head))) !== 'taken')
        return `head ${String(number)} in the database is not one that the resolver signed behind the one before`;
    }
    if (rows.length < ROWS) return undefined;
  }
};

/** Writes a chain; gives what is wrong with it. What follows something that is wrong is kept, and a check of the directory says why. */
const writeChain = async (
  database: Database,
  { chains }: DirectoryShelf,
  label: string,
  recordClass: RecordClass,
): Promise<string[]> => {
  const chain = chains[recordClass];
  const faults: string[] = [];
  const partitions = await database.query(
    `SELECT ordinal, day, encode(previous, 'hex') AS previous, first, resolver, version, created, is_behind_hole
     FROM cordon.partitions WHERE label = $1 AND class = $2 ORDER BY ordinal`,
    [label, recordClass],
  );
  for (const row of partitions) {
    const meta = toMeta(row, recordClass);
    // The owner deletes the oldest ones when they expire: that they are missing is what a check of the directory says.
    const isFirst = chain.ordinal === 0;
    const isBehindHole = isFirst || row['is_behind_hole'] === true;
    if (chain.begin(meta, isBehindHole) !== 'taken') {
      faults.push(`partition ${meta.ordinal} in the database does not follow the one before`);
      // Numbers only rise.
      if (meta.first <= chain.place.sequence || chain.begin(meta, true) !== 'taken') continue;
    }
    let behind = meta.first - 1;
    for (let isMore = true; isMore; ) {
      const blocks = await database.query(
        `SELECT ordinal, first, count, from_ms, until_ms, encode(hash, 'hex') AS hash, body FROM cordon.blocks
         WHERE label = $1 AND class = $2 AND ordinal = $3 AND first > $4 ORDER BY first LIMIT $5`,
        [label, recordClass, meta.ordinal, behind, ROWS],
      );
      isMore = blocks.length === ROWS;
      behind = Number(blocks.at(-1)?.['first'] ?? behind);
      for (let left = blocks.map(toBlock); left.length > 0; ) {
        left = left.slice(chain.append(left).taken);
        const [wrong] = left;
        if (wrong === undefined) break;
        const isBehind = wrong.first > chain.place.sequence + 1;
        faults.push(
          isBehind
            ? `records ${chain.place.sequence + 1} to ${wrong.first - 1} are missing in the database`
            : `record ${wrong.first} in the database is not what its hash says, or does not follow`,
        );
        chain.adopt(wrong);
        left = left.slice(1);
      }
    }
  }
  return faults.length <= FAULTS_MAX
    ? faults
    : [...faults.slice(0, FAULTS_MAX), `and ${faults.length - FAULTS_MAX} more`];
};

const toMeta = (row: Row, recordClass: RecordClass): PartitionMeta => ({
  class: recordClass,
  ordinal: Number(row['ordinal']),
  day: String(row['day']),
  previous: String(row['previous']),
  first: Number(row['first']),
  resolver: String(row['resolver']),
  version: String(row['version']),
  created: String(row['created']),
});

const toBlock = (row: Row): ChainBlock => ({
  ordinal: Number(row['ordinal']),
  first: Number(row['first']),
  count: Number(row['count']),
  fromMs: Number(row['from_ms']),
  untilMs: Number(row['until_ms']),
  hash: String(row['hash']),
  body: String(row['body']),
});
