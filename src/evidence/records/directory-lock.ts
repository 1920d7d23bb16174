// One recorder for one directory: two would write two chains into the same files.
//
// The lock is SQLite's own on a file without content: it goes with the process, however that ends.
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { AppError, errorText } from '../../base/base.ts';
import { FILE_MODE } from './partition.ts';

/** A lock that is held. */
export class DirectoryLock {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Takes the lock. Throws ERR_COMPLIANCE_RECORDS_LOCKED when another has it, or the file cannot be made. */
  static take(path: string): DirectoryLock {
    let database: DatabaseSync | undefined;
    try {
      closeSync(openSync(path, 'a', FILE_MODE));
      database = new DatabaseSync(path);
      database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
      return new DirectoryLock(database);
    } catch (cause) {
      database?.close();
      throw new AppError('ERR_COMPLIANCE_RECORDS_LOCKED', `locking ${path}: ${errorText(cause)}`, {
        cause,
        hint: 'Two programs must not have the same state directory.',
      });
    }
  }

  release(): void {
    this.#database.close();
  }
}
