// What the control room keeps: people, passkeys, sessions, tokens and acts that wait, in one SQLite file of the state
// directory.
//
// Rows are few and small, so each table is in memory whole and written through: a read is a look into a map, and a row
// that this version cannot read is refused at the start. Secrets that came from outside (session, token, enrolment) are
// never kept, only their SHA-256. What has ended is removed when it is met, and at each start.
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { backup, DatabaseSync, type StatementSync } from 'node:sqlite';
import { z } from 'zod';
import { AppError, DIRECTORY_MODE, errorText } from '../../base/base.ts';
import {
  actSchema,
  enrolmentSchema,
  passkeySchema,
  personSchema,
  sessionSchema,
  spentSchema,
  tokenSchema,
} from './rows.ts';

/** "CRDR": tells the file from databases of other programs. */
const APPLICATION_ID = 0x43524452;
const FORMAT_VERSION = 1;
const FILE_MODE = 0o600;
const KEY_BYTES = 32;

const SCHEMA = `
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${FORMAT_VERSION};
  CREATE TABLE rows (kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, key)) STRICT;
`;

/** SHA-256 of a secret that came from outside, in hex. */
export const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** A secret that nobody guesses, in base64url. */
export const createSecret = (): string => randomBytes(KEY_BYTES).toString('base64url');

/**
 * Rows of one kind by their keys, in the order in which they were made.
 *
 * A row is never written as a whole because somebody has read it: between the two may lie a wait, in which another request
 * changed or ended it. What changes a row says which members (patch), or which row it has seen (swap); both write nothing
 * where the row is gone, so that nothing that has ended comes back.
 */
export class Table<Row extends object> {
  readonly #rows = new Map<string, Row>();
  #turnover = 0;
  #changes = 0;
  readonly #kind: string;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;

  constructor(database: DatabaseSync, kind: string, schema: z.ZodType<Row>) {
    this.#kind = kind;
    this.#put = database.prepare('INSERT OR REPLACE INTO rows (kind, key, body) VALUES (?, ?, ?)');
    this.#remove = database.prepare('DELETE FROM rows WHERE kind = ? AND key = ?');
    const found = database.prepare('SELECT key, body FROM rows WHERE kind = ? ORDER BY rowid').all(kind);
    for (const { key, body } of found) {
      this.#rows.set(String(key), schema.parse(JSON.parse(String(body))));
    }
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Another number after each row that came or went. */
  get turnover(): number {
    return this.#turnover;
  }

  /** Another number after each row that came, went or changed. */
  get changes(): number {
    return this.#changes;
  }

  get(key: string): Row | undefined {
    return this.#rows.get(key);
  }

  all(): readonly (readonly [key: string, row: Row])[] {
    return [...this.#rows];
  }

  /** Adds a row, which is on the disk when this returns. Throws a RangeError where there is one. */
  add(key: string, row: Row): void {
    if (this.#rows.has(key)) throw new RangeError(`a ${this.#kind} is there already`);
    this.#write(key, row);
    this.#turnover++;
  }

  /** Changes members of the row as it is now, and gives it; undefined: there is none any more, and nothing was written. */
  patch(key: string, changes: Partial<Row>): Row | undefined {
    const row = this.#rows.get(key);
    return row && this.#write(key, { ...row, ...changes });
  }

  /** Puts another row in place of the one that get() gave, or none; false: it is another one by now, and stays. */
  swap(key: string, seen: Row, next: Row | undefined): boolean {
    if (this.#rows.get(key) !== seen) return false;
    if (next === undefined) this.remove(key);
    else this.#write(key, next);
    return true;
  }

  remove(key: string): void {
    this.#remove.run(this.#kind, key);
    this.#rows.delete(key);
    this.#turnover++;
    this.#changes++;
  }

  #write(key: string, row: Row): Row {
    this.#put.run(this.#kind, key, JSON.stringify(row));
    this.#rows.set(key, row);
    this.#changes++;
    return row;
  }

  /** Removes all of which this is true. */
  prune(isOver: (row: Row) => boolean): void {
    for (const [key, row] of this.all()) if (isOver(row)) this.remove(key);
  }
}

const valueSchema = z.object({ value: z.string() });

/** The file. */
export class RoomStore {
  readonly people: Table<z.output<typeof personSchema>>;
  readonly passkeys: Table<z.output<typeof passkeySchema>>;
  readonly enrolments: Table<z.output<typeof enrolmentSchema>>;
  readonly sessions: Table<z.output<typeof sessionSchema>>;
  readonly tokens: Table<z.output<typeof tokenSchema>>;
  readonly acts: Table<z.output<typeof actSchema>>;
  readonly spent: Table<z.output<typeof spentSchema>>;
  readonly #values: Table<z.output<typeof valueSchema>>;
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.people = new Table(database, 'person', personSchema);
    this.passkeys = new Table(database, 'passkey', passkeySchema);
    this.enrolments = new Table(database, 'enrolment', enrolmentSchema);
    this.sessions = new Table(database, 'session', sessionSchema);
    this.tokens = new Table(database, 'token', tokenSchema);
    this.acts = new Table(database, 'act', actSchema);
    this.spent = new Table(database, 'spent', spentSchema);
    this.#values = new Table(database, 'value', valueSchema);
  }

  /** Another text after whatever pages show of people, their keys, sessions and tokens; not after each use of these. */
  get peopleVersion(): string {
    const { people, passkeys, enrolments, sessions, tokens } = this;
    return [people.changes, passkeys.turnover, enrolments.changes, sessions.turnover, tokens.turnover].join();
  }

  /** Opens the file, or makes it. Throws ERR_ROOM_STORE. */
  static open(path: string): RoomStore {
    let database: DatabaseSync | undefined;
    try {
      mkdirSync(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
      const isNew = !existsSync(path);
      if (isNew) closeSync(openSync(path, 'wx', FILE_MODE));
      chmodSync(path, FILE_MODE);
      database = new DatabaseSync(path, { timeout: 1_000 });
      database.exec(
        'PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA locking_mode = EXCLUSIVE;',
      );
      if (isNew || isEmpty(database)) database.exec(SCHEMA);
      const found = database.prepare('PRAGMA application_id').get();
      if (found?.['application_id'] !== APPLICATION_ID)
        throw new RangeError('it is no file of a control room');
      return new RoomStore(database);
    } catch (thrown) {
      database?.close();
      throw new AppError('ERR_ROOM_STORE', `opening ${path}: ${errorText(thrown)}`, {
        cause: thrown,
        hint: 'Check space and permissions of the state directory. Without the file, people enrol anew: move it away.',
      });
    }
  }

  /** A random key of this name, made when it is first asked for. */
  keyOf(name: string): Buffer {
    let row = this.#values.get(name);
    if (row === undefined) {
      row = { value: createSecret() };
      this.#values.add(name, row);
    }
    return Buffer.from(row.value, 'base64url');
  }

  /** The earliest time that was ever told for a name, milliseconds since the epoch. */
  earliest(name: string, ms: number): number {
    const row = this.#values.get(name);
    if (row !== undefined && Number(row.value) <= ms) return Number(row.value);
    if (row === undefined) this.#values.add(name, { value: String(ms) });
    else this.#values.swap(name, row, { value: String(ms) });
    return ms;
  }

  /** Writes a copy that is whole as of one moment, in place of what lies there: nobody else can read the file. Rejects with ERR_ROOM_STORE. */
  async copyTo(path: string): Promise<void> {
    try {
      rmSync(path, { force: true });
      closeSync(openSync(path, 'wx', FILE_MODE));
      await backup(this.#database, path);
    } catch (thrown) {
      throw new AppError('ERR_ROOM_STORE', `copying the control room to ${path}: ${errorText(thrown)}`, {
        cause: thrown,
        hint: 'Check space and permissions of the state directory, then do it again.',
      });
    }
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

const isEmpty = (database: DatabaseSync): boolean =>
  database.prepare('SELECT count(*) AS count FROM sqlite_master').get()?.['count'] === 0;
