// The file of the register: events in the order in which they happened, each bound to the one before by its hash.
//
//   events(seq INTEGER PRIMARY KEY, body TEXT, hash BLOB)
//   hash = SHA-256(hash of the event before || seq as 64 bits, big-endian || body as UTF-8); before the first: zeros
//
// A body is the JSON of a record, the same that the records' chain `changes` keeps. Events are only ever added; an
// event that was changed, removed or moved shows when the file is opened, and then nothing of it is used. That its
// end was cut off, or all of it written anew, does not show here: the signed chain of records shows it. The file is SQLite,
// locked by the one program that has it open, and on the disk before anybody is told that something happened.
import { createHash } from 'node:crypto';
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { backup, DatabaseSync, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { AppError, DIRECTORY_MODE, errorText, syncDirectoryNow, systemErrorCode } from '../../base/base.ts';

/** "CRDN": tells the file from databases of other programs. */
const APPLICATION_ID = 0x4352444e;
const FORMAT_VERSION = 1;
const HASH_LENGTH = 32;
const SEQUENCE_LENGTH = 8;
const FILE_MODE = 0o600;
const NEW_SUFFIX = '.new';
/** A register is read so often beside the program that writes it: an event is written in a millisecond. */
const READS_MAX = 4;
/** Result codes of SQLite: the low byte of an extended one. BUSY is another program that has the lock. */
const BUSY = 5;
/** ERROR (a table is gone), CORRUPT, NOTADB: what is there is no register. */
const DAMAGE_CODES: ReadonlySet<number> = new Set([1, 11, 26]);

const SCHEMA = `
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${FORMAT_VERSION};
  CREATE TABLE events (seq INTEGER PRIMARY KEY, body TEXT NOT NULL, hash BLOB NOT NULL) STRICT;
  CREATE TRIGGER events_change BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
  CREATE TRIGGER events_remove BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are never removed'); END;
`;

/** Codes of the register. */
export type RegisterErrorCode =
  | 'ERR_EXEMPTION_REGISTER'
  | 'ERR_EXEMPTION_DAMAGED'
  | 'ERR_EXEMPTION_STORE'
  | 'ERR_EXEMPTION_UNKNOWN'
  | 'ERR_EXEMPTION_STATE'
  | 'ERR_EXEMPTION_ORIGIN';

/** The events of a register on disk. */
export class RegisterFile {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  #hash: Uint8Array = new Uint8Array(HASH_LENGTH);
  #sequence = 0;
  #sizeBytes = 0;

  private constructor(path: string, database: DatabaseSync) {
    this.#path = path;
    this.#database = database;
    this.#insert = database.prepare('INSERT INTO events (seq, body, hash) VALUES (?, ?, ?)');
  }

  /**
   * Opens the file, or makes an empty one where there is none, and hands each event to `take` in its order.
   *
   * Throws ERR_EXEMPTION_DAMAGED when the file is not whole, ERR_EXEMPTION_REGISTER when it cannot be used; the file
   * stays as it is. A RangeError of `take` counts as damage.
   */
  static open(path: string, take: (body: unknown, sequence: number, hash: Uint8Array) => void): RegisterFile {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
      if (!existsSync(path)) createEmpty(path);
      chmodSync(path, FILE_MODE);
    } catch (thrown) {
      if (systemErrorCode(thrown) === undefined) throw thrown;
      throw unusable(path, thrown);
    }
    let database: DatabaseSync | undefined;
    try {
      // SQLite would take it for a new database and write into it.
      if (statSync(path).size === 0) throw new RangeError('it is empty');
      database = openDatabase(path);
      const file = new RegisterFile(path, database);
      file.#read(take);
      return file;
    } catch (thrown) {
      database?.close();
      const code = sqliteCode(thrown);
      if (thrown instanceof RangeError || thrown instanceof SyntaxError) throw damaged(path, thrown);
      if (code !== undefined && DAMAGE_CODES.has(code)) throw damaged(path, thrown);
      if (systemErrorCode(thrown) === undefined) throw thrown;
      throw unusable(path, code === BUSY ? 'another program has it open' : thrown);
    }
  }

  /** Bytes of all bodies. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Adds events, all or none, and has them on the disk when it returns. Throws ERR_EXEMPTION_STORE. */
  append(bodies: readonly object[]): void {
    let hash = this.#hash;
    let sequence = this.#sequence;
    let sizeBytes = this.#sizeBytes;
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      for (const body of bodies) {
        const text = JSON.stringify(body);
        sequence++;
        hash = hashOf(hash, sequence, text);
        sizeBytes += Buffer.byteLength(text);
        this.#insert.run(sequence, text, hash);
      }
      this.#database.exec('COMMIT');
    } catch (thrown) {
      // A statement that failed for want of space may have ended the transaction already.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw new AppError('ERR_EXEMPTION_STORE', `writing ${this.#path}: ${errorText(thrown)}`, {
        cause: thrown,
        hint: 'Check space and permissions of the state directory, then do it again.',
      });
    }
    this.#hash = hash;
    this.#sequence = sequence;
    this.#sizeBytes = sizeBytes;
  }

  /** The bodies behind an event, at most `count` of them. */
  bodiesAfter(
    sequence: number,
    count: number,
  ): readonly { readonly sequence: number; readonly body: string }[] {
    return this.#database
      .prepare('SELECT seq, body FROM events WHERE seq > ? ORDER BY seq LIMIT ?')
      .all(sequence, count)
      .map(({ seq, body }) => ({ sequence: Number(seq), body: String(body) }));
  }

  /** Writes a copy that is whole as of one moment, in place of what lies there; nobody else can read a register that is open. */
  async copyTo(path: string): Promise<void> {
    try {
      rmSync(path, { force: true });
      closeSync(openSync(path, 'wx', FILE_MODE));
      await backup(this.#database, path);
    } catch (thrown) {
      throw new AppError('ERR_EXEMPTION_STORE', `copying ${this.#path} to ${path}: ${errorText(thrown)}`, {
        cause: thrown,
        hint: 'Check space and permissions of the state directory, then do it again.',
      });
    }
  }

  /** Lets go of the file; may be called again. */
  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  /** How many events there are, and the hash of the last one, which covers all of them. */
  get end(): { readonly count: number; readonly hash: string } {
    return { count: this.#sequence, hash: Buffer.from(this.#hash).toString('hex') };
  }

  #read(take: (body: unknown, sequence: number, hash: Uint8Array) => void): void {
    readEvents(this.#database, (body, sequence, hash) => {
      take(JSON.parse(body), sequence, hash);
      this.#hash = hash;
      this.#sequence = sequence;
      this.#sizeBytes += Buffer.byteLength(body);
    });
  }
}

/** Hands over each event in its order. Throws a RangeError where one is missing or was changed. */
const readEvents = (
  database: DatabaseSync,
  take: (body: string, sequence: number, hash: Uint8Array) => void,
): void => {
  let previous: Uint8Array = new Uint8Array(HASH_LENGTH);
  let sequence = 0;
  for (const row of database.prepare('SELECT seq, body, hash FROM events ORDER BY seq').iterate()) {
    const { seq, body, hash } = row;
    if (typeof seq !== 'number' || typeof body !== 'string' || !(hash instanceof Uint8Array)) {
      throw new RangeError('a row has another form');
    }
    if (seq !== sequence + 1) throw new RangeError(`event ${sequence + 1} is missing`);
    const expected = hashOf(previous, seq, body);
    if (Buffer.compare(expected, hash) !== 0) throw new RangeError(`event ${seq} was changed`);
    take(body, seq, expected);
    previous = expected;
    sequence = seq;
  }
};

const hashOf = (previous: Uint8Array, sequence: number, text: string): Uint8Array => {
  const number = Buffer.alloc(SEQUENCE_LENGTH);
  number.writeBigUInt64BE(BigInt(sequence));
  return createHash('sha256').update(previous).update(number).update(text, 'utf8').digest();
};

/** An empty register appears whole: a file that is there and empty was cut off. */
const createEmpty = (path: string): void => {
  const fresh = `${path}${NEW_SUFFIX}`;
  rmSync(fresh, { force: true });
  closeSync(openSync(fresh, 'wx', FILE_MODE));
  const database = new DatabaseSync(fresh);
  try {
    database.exec(`PRAGMA synchronous = FULL; BEGIN; ${SCHEMA} COMMIT;`);
  } finally {
    database.close();
  }
  renameSync(fresh, path);
  syncDirectoryNow(dirname(path));
};

/** Opens and locks the file; a journal that is emptied, not removed, needs no more than the sync of FULL. */
const openDatabase = (path: string): DatabaseSync => {
  const database = new DatabaseSync(path);
  try {
    database.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL; BEGIN EXCLUSIVE; COMMIT;',
    );
    const [id, version] = ['application_id', 'user_version'].map((name) =>
      Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {}).at(0),
    );
    if (id !== APPLICATION_ID) throw new RangeError('it is no register of exemptions');
    if (version !== FORMAT_VERSION)
      throw new RangeError(`it has format ${String(version)}, not ${FORMAT_VERSION}`);
    return database;
  } catch (thrown) {
    database.close();
    throw thrown;
  }
};

const sqliteCode = (thrown: unknown): number | undefined =>
  thrown instanceof Error && 'errcode' in thrown && typeof thrown.errcode === 'number'
    ? thrown.errcode & 0xff
    : undefined;

const unusable = (path: string, thrown: unknown): AppError<RegisterErrorCode> =>
  new AppError('ERR_EXEMPTION_REGISTER', `opening ${path}: ${errorText(thrown)}`, {
    cause: thrown,
    hint: 'Until it can be opened no exemption is in force.',
  });

const damaged = (path: string, thrown: unknown): AppError<RegisterErrorCode> =>
  new AppError('ERR_EXEMPTION_DAMAGED', `reading ${path}: ${errorText(thrown)}`, {
    cause: thrown,
    hint: 'No exemption is in force. Keep the file as evidence and put back a copy that "cordon records" agrees with.',
  });

/**
 * Hands over the events of a register beside the program that has it open, and without one. That program keeps its lock; what
 * it is writing just then shows as an event that was changed, so that it is read again: `begin` gives what takes all events.
 */
export const readRegisterFile = (
  path: string,
  begin: () => (body: unknown, sequence: number, hash: Uint8Array) => void,
): 'read' | 'none' | 'damaged' => {
  if (!existsSync(path)) return 'none';
  const url = pathToFileURL(path);
  for (let left = READS_MAX; left > 0; left--) {
    // First as others do: what a crash left in the journal is taken back then.
    if (left < READS_MAX) url.searchParams.set('immutable', '1');
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(url, { readOnly: true });
      const take = begin();
      readEvents(database, (body, sequence, hash) => take(JSON.parse(body), sequence, hash));
      return 'read';
    } catch (thrown) {
      const isRead = thrown instanceof RangeError || thrown instanceof SyntaxError;
      if (!isRead && systemErrorCode(thrown) === undefined) throw thrown;
    } finally {
      database?.close();
    }
  }
  return 'damaged';
};
