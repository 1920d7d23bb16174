// The log of policy on the disk of a resolver: every entry that it took, in order, and what came of it.
//
//   entries(number INTEGER PRIMARY KEY, entry TEXT, hash TEXT, source INTEGER, outcome TEXT)
//
// `source` is the event of the authority's register that an entry was made of: what the register has behind the last one is
// still to be told, also after a crash. An entry without an outcome is applied again at the next start. Entries are only
// ever added; a log that is not whole is not used, and a node fetches it anew.
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { AppError, DIRECTORY_MODE, errorText } from '../base/base.ts';
import { entryHash, formatEntry, type LogEnd, NO_END, type PolicyEntry, parseEntry } from './entry.ts';
import type { Kind } from './kinds.ts';

/** How long a backup, which reads it from another process, may hold up a write, milliseconds. */
const BUSY_MS = 2_000;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS entries (
    number INTEGER PRIMARY KEY, entry TEXT NOT NULL, hash TEXT NOT NULL, source INTEGER, outcome TEXT) STRICT;
  CREATE INDEX IF NOT EXISTS kinds ON entries (json_extract(entry, '$.kind'));
`;
const COLUMNS = 'entry, hash, outcome';

/** Entries of one page, and characters behind which it ends. A message of the engine holds sixteen times as much. */
const PAGE_ENTRIES_MAX = 256;
const PAGE_LENGTH_MAX = 256 * 1024;

/** What came of an entry. `waiting`: it stands behind one at which this version had to stop. */
export type EntryOutcome = 'applied' | 'refused' | 'kept' | 'stopped' | 'waiting';

/** An entry of the log with what came of it. */
export interface LoggedEntry {
  readonly entry: PolicyEntry;
  readonly hash: string;
  readonly outcome: EntryOutcome | undefined;
}

/** One resolver's log. Methods throw ERR_FLEET_LOG when the disk takes nothing. */
export class PolicyLog {
  readonly #path: string;
  readonly #database: DatabaseSync;
  #end: LogEnd = NO_END;
  #source = 0;
  readonly #statements = new Map<string, StatementSync>();

  private constructor(path: string) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
    this.#database = new DatabaseSync(path, { timeout: BUSY_MS });
    this.#database.exec(`PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL; ${SCHEMA}`);
    this.#check();
  }

  /**
   * Opens the log, or begins it. One that is not whole is kept under another name, and `damage` says why. Throws
   * ERR_FLEET_LOG when it cannot be used at all.
   */
  static open(path: string, nowMs: number): { readonly log: PolicyLog; readonly damage: string | undefined } {
    try {
      return { log: new PolicyLog(path), damage: undefined };
    } catch (thrown) {
      const damage = errorText(thrown);
      try {
        if (existsSync(path)) renameSync(path, `${path}.damaged-${nowMs}`);
        return { log: new PolicyLog(path), damage };
      } catch (cause) {
        throw new AppError('ERR_FLEET_LOG', `opening ${path}: ${errorText(cause)}`, { cause });
      }
    }
  }

  /** Number and hash of the last entry. */
  get end(): LogEnd {
    return this.#end;
  }

  /** The last event of the register that an entry was made of. */
  get source(): number {
    return this.#source;
  }

  /** Adds the entry behind the end; it is on the disk when this returns, or at the end of together(). */
  append(entry: PolicyEntry, source?: number, outcome?: EntryOutcome): void {
    if (entry.number !== this.#end.number + 1 || entry.previous !== this.#end.hash) {
      throw new RangeError('policy log: an entry that does not follow the last one');
    }
    const hash = entryHash(entry);
    this.#run('INSERT INTO entries (number, entry, hash, source, outcome) VALUES (?, ?, ?, ?, ?)', [
      ...[entry.number, formatEntry(entry), hash, source ?? null, outcome ?? null],
    ]);
    this.#end = { number: entry.number, hash };
    this.#source = Math.max(this.#source, source ?? 0);
  }

  /** What is added within is on the disk together when this returns: a thousand entries are one write. */
  together(append: () => void): void {
    const end = this.#end;
    this.#run('BEGIN', []);
    try {
      append();
      this.#run('COMMIT', []);
    } catch (thrown) {
      this.#end = end;
      if (this.#database.isTransaction) this.#run('ROLLBACK', []);
      throw thrown;
    }
  }

  /** Notes what came of an entry. */
  conclude(number: number, outcome: EntryOutcome): void {
    this.#run('UPDATE entries SET outcome = ? WHERE number = ?', [outcome, number]);
  }

  /** An entry by its number; undefined where there is none. */
  at(number: number): LoggedEntry | undefined {
    const row = this.#statement(`SELECT ${COLUMNS} FROM entries WHERE number = ?`).get(number);
    return row === undefined ? undefined : toLogged(row);
  }

  /** The hash of an entry by its number, which is asked for far more often than the entry; undefined where there is none. */
  hashAt(number: number): string | undefined {
    const row = this.#statement('SELECT hash FROM entries WHERE number = ?').get(number);
    return row === undefined ? undefined : String(row['hash']);
  }

  /** Entries from a number on as they travel, a line each: as many as one message holds. */
  page(first: number): string {
    const rows = this.#statement('SELECT entry FROM entries WHERE number >= ? ORDER BY number LIMIT ?');
    let page = '';
    for (const { entry } of rows.iterate(first, PAGE_ENTRIES_MAX)) {
      if (page !== '' && page.length + String(entry).length > PAGE_LENGTH_MAX) break;
      page += `${String(entry)}\n`;
    }
    return page;
  }

  /** The entries of a kind. */
  ofKind(kind: Kind): LoggedEntry[] {
    const where = "json_extract(entry, '$.kind') = ?";
    return this.#statement(`SELECT ${COLUMNS} FROM entries WHERE ${where} ORDER BY number`)
      .all(kind)
      .map(toLogged);
  }

  /** The entries from a number on. */
  *from(number: number): Generator<LoggedEntry> {
    for (let next = number; next <= this.#end.number; next++) {
      const logged = this.at(next);
      if (logged !== undefined) yield logged;
    }
  }

  /** Entries that have no outcome yet, do not hold here, or wait behind one at which the version before this had to stop. */
  unfinished(): LoggedEntry[] {
    return this.#database
      .prepare(
        "SELECT entry, hash, outcome FROM entries WHERE outcome IS NULL OR outcome IN ('stopped', 'waiting', 'refused') ORDER BY number",
      )
      .all()
      .map(toLogged);
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #check(): void {
    const rows = this.#database.prepare(
      'SELECT number, entry, hash, source, outcome FROM entries ORDER BY number',
    );
    for (const row of rows.iterate()) {
      const { entry, hash } = toLogged(row);
      const isNext = entry.number === this.#end.number + 1 && entry.previous === this.#end.hash;
      if (!isNext || entry.number !== row['number'] || entryHash(entry) !== hash) {
        this.#database.close();
        throw new RangeError(`entry ${String(row['number'])} was changed or does not follow the one before`);
      }
      this.#end = { number: entry.number, hash };
      this.#source = Math.max(this.#source, Number(row['source'] ?? 0));
    }
  }

  #statement(text: string): StatementSync {
    const statement = this.#statements.get(text) ?? this.#database.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }

  #run(statement: string, values: readonly (string | number | null)[]): void {
    try {
      this.#statement(statement).run(...values);
    } catch (cause) {
      throw new AppError('ERR_FLEET_LOG', `writing ${this.#path}: ${errorText(cause)}`, {
        cause,
        hint: 'Check space and permissions of the state directory.',
      });
    }
  }
}

const toLogged = (row: Readonly<Record<string, unknown>>): LoggedEntry => {
  const entry = parseEntry(Buffer.from(String(row['entry'])));
  if (entry === undefined) throw new RangeError('an entry has another form');
  const outcome = row['outcome'];
  // Written by conclude() only.
  return {
    entry,
    hash: String(row['hash']),
    outcome: typeof outcome === 'string' ? (outcome as EntryOutcome) : undefined,
  };
};
