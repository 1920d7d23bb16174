// Reading list files: bounded, and every failure an AppError that names the path.
//
// Synchronous on purpose: lists are read by the main thread at start and at a refresh, never on the query path, and
// the bytes are hashed and parsed at once.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { AppError, errorText, isAppError } from '../base/base.ts';

/** Bytes of one list: about eight million names; the largest public lists hold one to two million. */
const FILE_BYTES_MAX = 256 * 1024 * 1024;

/** The codes that this room throws. */
export type ListErrorCode =
  | 'ERR_LIST_CHANGED'
  | 'ERR_LIST_EMPTY'
  | 'ERR_LIST_PARSE'
  | 'ERR_LIST_READ'
  | 'ERR_LIST_TOO_LARGE'
  | 'ERR_LIST_UNKNOWN';

/** An AppError of this room. */
export const listError = (
  code: ListErrorCode,
  message: string,
  options?: { cause?: unknown; hint?: string },
): AppError<ListErrorCode> => new AppError(code, message, options);

/** The bytes of a list file; throws ERR_LIST_READ or ERR_LIST_TOO_LARGE. */
export const readListFile = (path: string): Uint8Array => {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const { size } = fstatSync(file);
    if (size > FILE_BYTES_MAX) {
      throw listError('ERR_LIST_TOO_LARGE', `reading list ${path}: ${size} bytes, at most ${FILE_BYTES_MAX}`);
    }
    // The buffer has the size that was checked: a file that grows meanwhile cannot exceed it.
    const bytes = Buffer.alloc(size);
    let length = 0;
    while (length < size) {
      const count = readSync(file, bytes, length, size - length, null);
      if (count === 0) break;
      length += count;
    }
    return bytes.subarray(0, length);
  } catch (thrown) {
    if (isAppError(thrown)) throw thrown;
    throw listError('ERR_LIST_READ', `reading list ${path}: ${errorText(thrown)}`, { cause: thrown });
  } finally {
    if (file !== undefined) closeSync(file);
  }
};
