// Which errors come from the machine, and may be over in a moment: the disk, the file system, SQLite on top of them.
//
// Everything else is a defect of the program and ends the thread, which is started anew.
import { isAppError } from '../../base/base.ts';

/** The code that node:sqlite gives to each error of SQLite. */
const SQLITE_CODE = 'ERR_SQLITE_ERROR';

/** True for an error that waiting may mend. */
export const isOperational = (thrown: unknown): boolean =>
  isAppError(thrown) ||
  (thrown instanceof Error && ('syscall' in thrown || ('code' in thrown && thrown.code === SQLITE_CODE)));

/** Primary result codes of SQLite by which it says that a value is not one that a table takes: the disk is as it was. */
const SQLITE_VALUE_CODES = new Set([18, 19, 20, 25]);
const PRIMARY_CODE_MASK = 0xff;

/** True for an error of the file system, or of SQLite that is not about the value that it was given. */
export const isOfDisk = (thrown: unknown): boolean => {
  if (isAppError(thrown) || !isOperational(thrown)) return false;
  const code = thrown instanceof Error && 'errcode' in thrown ? Number(thrown.errcode) : 0;
  return !SQLITE_VALUE_CODES.has(code & PRIMARY_CODE_MASK);
};
