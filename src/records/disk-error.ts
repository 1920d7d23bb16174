// Which errors come from the machine, and may be over in a moment: the disk, the file system, SQLite on top of them.
//
// Everything else is a defect of the program and ends the thread, which is started anew.
import { isAppError } from '../base/base.ts';

/** The code that node:sqlite gives to each error of SQLite. */
const SQLITE_CODE = 'ERR_SQLITE_ERROR';

/** True for an error that waiting may mend. */
export const isOperational = (thrown: unknown): boolean =>
  isAppError(thrown) ||
  (thrown instanceof Error && ('syscall' in thrown || ('code' in thrown && thrown.code === SQLITE_CODE)));
