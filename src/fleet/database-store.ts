// The collector's records in PostgreSQL: every piece goes through a function of deploy/postgresql/cordon.sql that checks it
// again and adds it once.
//
// What is known of the ends of chains is remembered here and comes back with each answer. After a failure the collector forgets
// it with the shelf, and reads it again: a statement whose answer was lost may have been done.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { isAppError } from '../base/base.ts';
import {
  type ChainBlock,
  type ChainHole,
  type ChainPlace,
  type Collected,
  headHash,
  isHeadSignedBy,
  isRecordedBlock,
  type JudgeRecord,
  keyIdOf,
  type Looked,
  type LookFrom,
  NO_HEAD,
  type PartitionMeta,
  type RecordClass,
  type SignedHead,
} from '../evidence/records/records.ts';
import type { Database, Row } from './database.ts';
import { formatEntry } from './entry.ts';
import type {
  CollectorAlarm,
  EvidenceStore,
  KeyProof,
  Shelf,
  ShelvedChain,
  ShelvedHeads,
} from './evidence-store.ts';
import type { LoggedEntry } from './policy-log.ts';

/** Blocks and characters of one statement: a block has some 18 KB, a change at most 1 MiB. */
const BLOCKS_MAX = 64;
const CHARACTERS_MAX = 4 << 20;

const OUTCOMES: ReadonlySet<unknown> = new Set<Collected>(['taken', 'known', 'early', 'other', 'forged']);

/** What came of a piece; of one that the server does not take at all: forged. */
const toOutcome = (value: unknown): Collected =>
  OUTCOMES.has(value)
    ? // One of the set.
      (value as Collected)
    : 'forged';

const placeOf = (row: Row | undefined, before: string): ChainPlace => ({
  sequence: Number(row?.['sequence'] ?? 0),
  hash: String(row?.['hash'] ?? before),
});

/** A database of records. Methods reject with ERR_FLEET_DATABASE and ERR_FLEET_DATABASE_SCHEMA. */
export class DatabaseStore implements EvidenceStore {
  readonly #database: Database;
  readonly #judge: JudgeRecord;
  /** Number of the last entry of policy that is known to be here. */
  #policyEnd: number | undefined;

  constructor(database: Database, judge: JudgeRecord) {
    this.#database = database;
    this.#judge = judge;
  }

  async open(label: string): Promise<DatabaseShelf> {
    const database = this.#database;
    const keys = await database.query('SELECT cordon.keys_of($1) AS pem', [label]);
    const heads = await database.query('SELECT * FROM cordon.heads_end($1)', [label]);
    const ends = async (recordClass: RecordClass) =>
      (await database.query('SELECT * FROM cordon.chain_end($1, $2)', [label, recordClass]))[0];
    return new DatabaseShelf(database, label, {
      queries: new DatabaseChain(database, label, 'queries', await ends('queries'), this.#judge),
      changes: new DatabaseChain(database, label, 'changes', await ends('changes'), this.#judge),
      heads: new DatabaseHeads(
        database,
        label,
        keys.map(({ pem }) => String(pem)),
        placeOf(heads[0], NO_HEAD),
      ),
    });
  }

  async keepConflict(label: string, recordClass: string, id: string, piece: string): Promise<void> {
    await this.#database.attempt('SELECT cordon.add_conflict($1, $2, $3, $4)', [
      label,
      recordClass,
      id,
      piece,
    ]);
  }

  async noteAlarm({ time, alarm, node, text }: CollectorAlarm): Promise<void> {
    await this.#database.attempt('SELECT cordon.add_alarm($1, $2, $3, $4)', [time, alarm, node, text]);
  }

  /** Keeps the entries of policy that are not here yet: who was in the fleet when. */
  async keepPolicy(log: {
    at(number: number): LoggedEntry | undefined;
    from(number: number): Iterable<LoggedEntry>;
  }): Promise<void> {
    if (this.#policyEnd === undefined) {
      const [row] = await this.#database.query('SELECT * FROM cordon.policy_end()', []);
      const end = Number(row?.['sequence'] ?? 0);
      // Of another log, or of none that this collector knows: all of its own stands beside it.
      this.#policyEnd = log.at(end)?.hash === row?.['hash'] ? end : 0;
    }
    for (const { entry, hash } of log.from(this.#policyEnd + 1)) {
      const text = formatEntry(entry);
      await this.#database.query('SELECT cordon.add_entry($1, $2, $3)', [entry.number, hash, text]);
      this.#policyEnd = entry.number;
    }
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

/** What the database has of one resolver. */
class DatabaseShelf implements Shelf {
  readonly chains: Readonly<Record<RecordClass, DatabaseChain>>;
  readonly heads: DatabaseHeads;
  readonly aliveMs = 0;
  readonly #database: Database;
  readonly #label: string;

  constructor(
    database: Database,
    label: string,
    { heads, ...chains }: Record<RecordClass, DatabaseChain> & { heads: DatabaseHeads },
  ) {
    this.#database = database;
    this.#label = label;
    this.heads = heads;
    this.chains = chains;
  }

  async writePosition(timeMs: number): Promise<void> {
    await this.#database.query('SELECT cordon.note_position($1, $2)', [this.#label, timeMs]);
  }

  async noteHole(line: string): Promise<void> {
    await this.#database.query('SELECT cordon.add_hole($1, $2)', [this.#label, line]);
  }

  close(): void {}
}

class DatabaseChain implements ShelvedChain {
  readonly #database: Database;
  readonly #label: string;
  readonly #class: RecordClass;
  readonly #judge: JudgeRecord;
  #ordinal: number;
  #place: ChainPlace;

  constructor(
    database: Database,
    label: string,
    recordClass: RecordClass,
    end: Row | undefined,
    judge: JudgeRecord,
  ) {
    this.#database = database;
    this.#judge = judge;
    this.#label = label;
    this.#class = recordClass;
    this.#ordinal = Number(end?.['ordinal'] ?? 0);
    this.#place = placeOf(end, NO_HEAD);
  }

  get place(): ChainPlace {
    return this.#place;
  }

  get ordinal(): number {
    return this.#ordinal;
  }

  async begin(meta: PartitionMeta, isBehindHole: boolean): Promise<Collected> {
    const { ordinal, day, previous, first, resolver, version, created } = meta;
    const rows = await this.#database.attempt(
      'SELECT cordon.add_partition($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS outcome',
      [this.#label, this.#class, ordinal, day, previous, first, resolver, version, created, isBehindHole],
    );
    const outcome = toOutcome(rows?.[0]?.['outcome']);
    if (outcome === 'taken') {
      const [end] = await this.#database.query('SELECT * FROM cordon.chain_end($1, $2)', [
        this.#label,
        this.#class,
      ]);
      this.#ordinal = Number(end?.['ordinal'] ?? 0);
      this.#place = placeOf(end, NO_HEAD);
    }
    return outcome;
  }

  async append(blocks: readonly ChainBlock[]): Promise<{ taken: number; outcome: Collected }> {
    const [first] = blocks;
    if (first === undefined) return { taken: 0, outcome: 'known' };
    if (!isRecordedBlock(first, this.#class, this.#judge)) return { taken: 0, outcome: 'forged' };
    const sent: ChainBlock[] = [];
    let characters = 0;
    for (const block of blocks) {
      characters += block.body.length;
      const isSent = block === first || (sent.length < BLOCKS_MAX && characters <= CHARACTERS_MAX);
      // What the server knows of the chain may be more than is known here: nothing is sent that was not looked at.
      if (!isSent || block.ordinal !== first.ordinal) break;
      if (block !== first && !isRecordedBlock(block, this.#class, this.#judge)) break;
      sent.push(block);
    }
    const rows = await this.#database.attempt(
      'SELECT * FROM cordon.add_blocks($1, $2, $3, $4, $5, $6, $7, $8, $9)',
      [this.#label, this.#class, first.ordinal, ...columnsOf(sent)],
    );
    const [row] = rows ?? [];
    if (row === undefined) return { taken: 0, outcome: 'forged' };
    this.#ordinal = Number(row['ordinal']);
    this.#place = placeOf(row, NO_HEAD);
    const taken = Number(row['taken']);
    return { taken, outcome: taken > 0 ? 'taken' : toOutcome(row['outcome']) };
  }

  async look({ ordinal, sequence }: LookFrom): Promise<Looked | undefined> {
    const [row] = await this.#database
      .query('SELECT * FROM cordon.next_hole($1, $2, $3, $4)', [this.#label, this.#class, ordinal, sequence])
      .catch((thrown: unknown) => {
        // A schema of before: what is missing is named by reports, and is not put back until it is put in again.
        if (isAppError(thrown) && thrown.code === 'ERR_FLEET_DATABASE_SCHEMA') return [];
        throw thrown;
      });
    if (row === undefined) return undefined;
    const found = Number(row['ordinal']);
    const hole: ChainHole | undefined =
      row['sequence'] === null
        ? undefined
        : { ordinal: found, after: placeOf(row, NO_HEAD), until: Number(row['until']) };
    return { ordinal: found, hole };
  }

  async fill({ ordinal }: ChainHole, blocks: readonly ChainBlock[]): Promise<Collected> {
    if (!blocks.every((block) => isRecordedBlock(block, this.#class, this.#judge))) return 'forged';
    const rows = await this.#database.attempt(
      'SELECT cordon.fill_hole($1, $2, $3, $4, $5, $6, $7, $8, $9) AS outcome',
      [this.#label, this.#class, ordinal, ...columnsOf(blocks)],
    );
    return toOutcome(rows?.[0]?.['outcome']);
  }
}

/** Blocks as functions of the schema take them. */
const columnsOf = (blocks: readonly ChainBlock[]): (readonly (string | number)[])[] => [
  blocks.map(({ first }) => first),
  blocks.map(({ count }) => count),
  blocks.map(({ fromMs }) => fromMs),
  blocks.map(({ untilMs }) => untilMs),
  blocks.map(({ hash }) => hash),
  blocks.map(({ body }) => body),
];

class DatabaseHeads implements ShelvedHeads {
  readonly #database: Database;
  readonly #label: string;
  readonly #keys = new Map<string, KeyObject>();
  #place: ChainPlace;

  constructor(database: Database, label: string, pems: readonly string[], place: ChainPlace) {
    this.#database = database;
    this.#label = label;
    this.#place = place;
    for (const pem of pems) {
      const key = toPublicKey(pem);
      if (key !== undefined) this.#keys.set(keyIdOf(key), key);
    }
  }

  get place(): ChainPlace {
    return this.#place;
  }

  async addKey(pem: string, { subject, bytes, signature }: KeyProof): Promise<boolean> {
    const key = toPublicKey(pem);
    if (key === undefined) return false;
    const id = keyIdOf(key);
    if (this.#keys.has(id)) return true;
    const text = String(key.export({ type: 'spki', format: 'pem' }));
    const proof = JSON.stringify({ subject, bytes: Buffer.from(bytes).toString('base64'), signature });
    const [row] = await this.#database.query('SELECT cordon.add_key($1, $2, $3, $4) AS taken', [
      this.#label,
      id,
      text,
      proof,
    ]);
    if (row?.['taken'] !== true) return false;
    this.#keys.set(id, key);
    return true;
  }

  async take(head: SignedHead | undefined): Promise<Collected> {
    if (head === undefined) return 'forged';
    const hash = headHash(head);
    const isNew = head.number > this.#place.sequence;
    if (head.number === this.#place.sequence + 1) {
      const key = this.#keys.get(head.keyId);
      // Its key may be on its way: it comes again, with the keys.
      if (key === undefined) return 'early';
      if (!isHeadSignedBy(head, key)) return 'forged';
    }
    const rows = await this.#database.attempt('SELECT cordon.add_head($1, $2, $3, $4, $5) AS outcome', [
      this.#label,
      head.number,
      head.previous,
      hash,
      JSON.stringify(head),
    ]);
    const outcome = toOutcome(rows?.[0]?.['outcome']);
    if (outcome === 'taken' || (outcome === 'known' && isNew)) this.#place = { sequence: head.number, hash };
    return outcome;
  }
}

/** An Ed25519 key in PEM; undefined for anything else. */
const toPublicKey = (pem: string): KeyObject | undefined => {
  try {
    const key = createPublicKey(pem);
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
};
