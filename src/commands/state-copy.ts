// A copy of the state directory as of one moment, taken while the service writes to it.
//
// Databases are copied by SQLite's own backup, page by page under its locks. What the service has locked for itself cannot be
// read so: register and control room it copies itself when it is asked to, and what it could not copy is copied while nothing is
// written to it. All other files are replaced as a whole
// or only grow. What says how far the records have come is copied before them, so that a copy never promises more than it
// holds; verification then finds what went wrong all the same.
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  createWriteStream,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, errorText, systemErrorCode } from '../base/base.ts';

/** How long a file has to have been left alone, milliseconds: file systems tell times in steps of some milliseconds. */
const QUIET_MS = 50;
/** A file that is never quiet for so long is not what this way is for. */
const QUIET_TRIES_MAX = 100;
/** A partition that is closed, or a file that is replaced, while it is copied: the whole is tried again. */
const TRIES_MAX = 3;
const UNFOLLOWED = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** What belongs to a process and not to the state. */
const PASSING = /(?:^lock|\.sock|\.tmp|\.new|\.copy\.sqlite|-wal|-shm|-journal)$/;
/** Byte 18 of a database: 2 for a write-ahead log. */
const WAL = 2;
const SQLITE_MAGIC = 'SQLite format 3\0';
const HEADER_BYTES = 20;
/** Between two steps of a copy a write begins it anew: 160 MB, which a disk writes within a second. */
const PAGES_AT_A_TIME = 40_000;
/** A journal that ends so names another file, which Cordon never writes: where that is gone SQLite undoes nothing, and says nothing. */
const JOURNAL_MAGIC = Buffer.from('d9d505f920a163d7', 'hex');
/** A writer that has the database is waited for: each of its writes takes some milliseconds. */
const BUSY_MS = 5_000;

/** What is copied. */
export interface StateCopy {
  readonly from: string;
  /** An empty directory. */
  readonly to: string;
  /** Files that the service copied itself: their names to the names of the copies, both in `from`. */
  readonly copied: ReadonlyMap<string, string>;
  /** By default everything; of a path below `from`. */
  readonly isWanted?: (path: string) => boolean;
}

/** Copies the directory. Rejects with ERR_CLI_BACKUP. */
export const copyState = async (copy: StateCopy, clear: () => void): Promise<void> => {
  for (let tries = 1; ; tries++) {
    try {
      await copyDirectory(copy, '');
      return;
    } catch (thrown) {
      const isGone = systemErrorCode(thrown) === 'ENOENT' && tries < TRIES_MAX;
      if (!isGone) throw failure(copy.from, thrown);
      clear();
    }
  }
};

const copyDirectory = async (copy: StateCopy, folder: string): Promise<void> => {
  const source = join(copy.from, folder);
  const entries = readdirSync(source, { withFileTypes: true }).filter(({ name }) => !PASSING.test(name));
  const target = join(copy.to, folder);
  if (folder !== '') mkdirSync(target, { mode: 0o700 });
  // Files before folders: what says how far the records have come lies beside the folders that hold them. Files by their
  // names: the checkpoint says how many leaves the tree has, and goes before it.
  for (const entry of entries.toSorted(
    (one, other) =>
      Number(one.isDirectory()) - Number(other.isDirectory()) || (one.name < other.name ? -1 : 1),
  )) {
    const path = join(folder, entry.name);
    if (copy.isWanted?.(path) === false) continue;
    if (entry.isDirectory()) await copyDirectory(copy, path);
    else if (entry.isFile()) await copyOne(copy, path);
  }
  copyRights(source, target);
};

const copyOne = async ({ from, to, copied }: StateCopy, path: string): Promise<void> => {
  const [source, target] = [join(from, path), join(to, path)];
  const taken = copied.get(path);
  const kind = await kindOf(source);
  if (taken !== undefined) await copyPlain(join(from, taken), target);
  else if (kind === 'wal') await copyDatabase(source, target);
  else if (kind === 'database') {
    try {
      await copyDatabase(source, target);
    } catch {
      // Locked by its one writer, or damaged: then it is taken as it is.
      rmSync(target, { force: true });
      await copyQuiet(source, target);
    }
  } else await copyPlain(source, target);
  copyRights(source, target);
};

/** Of a file: a database with a write-ahead log, another database, or neither. */
const kindOf = async (path: string): Promise<'wal' | 'database' | 'plain'> => {
  const file = await open(path, UNFOLLOWED);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    const isDatabase =
      bytesRead === HEADER_BYTES && buffer.subarray(0, 16).toString('latin1') === SQLITE_MAGIC;
    if (!isDatabase) return 'plain';
    return buffer[18] === WAL ? 'wal' : 'database';
  } finally {
    await file.close();
  }
};

/** What was a file when the folder was read may be a link or a pipe by now: the folder belongs to somebody else than root. */
const copyPlain = async (source: string, target: string): Promise<void> => {
  const file = await open(source, UNFOLLOWED);
  try {
    if (!(await file.stat()).isFile()) throw new Error(`${source} is no plain file`);
    await pipeline(file.createReadStream({ autoClose: false }), createWriteStream(target, { mode: 0o600 }));
  } finally {
    await file.close();
  }
};

const copyDatabase = async (source: string, target: string): Promise<void> => {
  const database = new DatabaseSync(source, { readOnly: true, timeout: BUSY_MS });
  try {
    await backup(database, target, { rate: PAGES_AT_A_TIME });
  } finally {
    database.close();
  }
};

/**
 * Copies a database with a rollback journal while nobody writes: its one writer has it locked and cannot be asked, or ended amid a
 * write, as in a power cut. What was not finished is undone in the copy; the reader may not do so in the place of the writer.
 */
const copyQuiet = async (source: string, target: string): Promise<void> => {
  const parts = ['', '-journal'].map((suffix) => [`${source}${suffix}`, `${target}${suffix}`] as const);
  const look = () => parts.map(([path]) => statSync(path, { throwIfNoEntry: false }));
  for (let tries = 0; tries < QUIET_TRIES_MAX; tries++) {
    const before = look();
    if (before.every((found) => Date.now() - (found?.mtimeMs ?? 0) > QUIET_MS)) {
      const [, journal] = before;
      for (const [path, copy] of (journal?.size ?? 0) === 0 ? parts.slice(0, 1) : parts)
        await copyPlain(path, copy);
      const isSame = look().every(
        (found, index) => found?.mtimeMs === before[index]?.mtimeMs && found?.size === before[index]?.size,
      );
      if (isSame) {
        undoUnfinished(source, target);
        return;
      }
      for (const [, copy] of parts) rmSync(copy, { force: true });
    }
    await sleep(QUIET_MS);
  }
  throw new Error(`${source} is written to without a pause`);
};

/** Has SQLite undo in a copy what its journal says was not finished. */
const undoUnfinished = (source: string, copy: string): void => {
  const journal = `${copy}-journal`;
  if (!existsSync(journal)) return;
  try {
    if (endOf(journal, JOURNAL_MAGIC.length).equals(JOURNAL_MAGIC))
      throw new Error('its journal names another file');
    const database = new DatabaseSync(copy);
    try {
      database.prepare('SELECT count(*) FROM sqlite_schema').get();
    } finally {
      database.close();
    }
  } catch (thrown) {
    // What is damaged is taken as it is, and found by who verifies; what is half written would not be.
    if (existsSync(journal))
      throw new Error(
        `${source} has a write that was not finished and cannot be undone: ${errorText(thrown)}`,
      );
  }
  rmSync(journal, { force: true });
};

const endOf = (path: string, length: number): Buffer => {
  const file = openSync(path, 'r');
  try {
    const end = Buffer.alloc(length);
    readSync(file, end, 0, length, Math.max(0, statSync(path).size - length));
    return end;
  } finally {
    closeSync(file);
  }
};

/** Owner, mode and time as they were: a service of another user has to read it again. */
const copyRights = (source: string, target: string): void => {
  const { uid, gid, mode, atime, mtime } = lstatSync(source);
  if (process.geteuid?.() === 0) chownSync(target, uid, gid);
  chmodSync(target, mode & 0o777);
  utimesSync(target, atime, mtime);
};

const failure = (from: string, thrown: unknown): AppError =>
  new AppError('ERR_CLI_BACKUP', `copying the state directory ${from}: ${errorText(thrown)}`, {
    cause: thrown,
    hint: 'Run it as the user of the service or as root, with room on the disk.',
  });
