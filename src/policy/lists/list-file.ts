// Reading list files: bounded, and every failure an AppError that names the path.
//
// Synchronous on purpose: lists are read by the main thread at start and at a refresh, never on the query path. A
// large file is read piece by piece, so that it costs the memory of one piece; a compressed one is unpacked as a whole.
import { closeSync, readSync } from 'node:fs';
import { AppError, errorText, isAppError, openRegularFile } from '../../base/base.ts';
import { type Compression, compressionOf, MAGIC_BYTES, unpack } from './compressed.ts';

/**
 * Bytes of one list, in its file or all its files together, and unpacked: about eight million names; the largest public lists hold one to two
 * million.
 */
export const FILE_BYTES_MAX = 256 * 1024 * 1024;

/** The codes that this room throws. */
export type ListErrorCode =
  | 'ERR_LIST_CHANGED'
  | 'ERR_LIST_EMPTY'
  | 'ERR_LIST_PARSE'
  | 'ERR_LIST_READ'
  | 'ERR_LIST_TOO_LARGE'
  | 'ERR_LIST_UNKNOWN';

/** The bytes of a list, in order: each call fills `into` and returns how many there are; fewer only at the end. */
export type ListBytes = (into: Uint8Array) => number;

/** An AppError of this room. */
export const listError = (
  code: ListErrorCode,
  message: string,
  options?: { cause?: unknown; hint?: string },
): AppError<ListErrorCode> => new AppError(code, message, options);

/** A list file that is open: the opener closes it. */
export interface OpenListFile {
  readonly read: ListBytes;
  /** Of the text, unpacked. */
  readonly sizeBytes: number;
  close(): void;
}

/**
 * Opens a list file for the time of `use`, which reads its text: a gzip or zstd file is unpacked, and `sizeBytes`
 * counts what is read.
 *
 * Throws ERR_LIST_READ, also for compressed data that is cut off, or ERR_LIST_TOO_LARGE; both also out of `read`.
 */
export const withListFile = <Result>(
  path: string,
  use: (read: ListBytes, sizeBytes: number) => Result,
): Result => {
  const file = openListFile(path);
  try {
    return use(file.read, file.sizeBytes);
  } finally {
    file.close();
  }
};

/** Opens a list file of at most `bytesMax` bytes, packed and unpacked; throws as withListFile. */
export const openListFile = (path: string, bytesMax = FILE_BYTES_MAX): OpenListFile => {
  const { descriptor: file, sizeBytes: size } = attemptRead(path, () => openRegularFile(path));
  const close = (): void => closeSync(file);
  try {
    if (size > bytesMax) throw tooLarge(path, `${size} bytes, at most ${bytesMax}`, bytesMax);
    // A file that grows meanwhile is read up to the size that was checked.
    let left = size;
    const read: ListBytes = (into) => {
      let length = 0;
      const wanted = Math.min(into.length, left);
      while (length < wanted) {
        const count = attemptRead(path, () => readSync(file, into, length, wanted - length, null));
        if (count === 0) break;
        length += count;
      }
      left -= length;
      return length;
    };
    const magic = new Uint8Array(MAGIC_BYTES);
    if (size >= MAGIC_BYTES) attemptRead(path, () => readSync(file, magic, 0, MAGIC_BYTES, 0));
    const compression = compressionOf(magic);
    if (compression === undefined) return { read, sizeBytes: size, close };
    const text = unpackList(path, readAll(read, size), compression, bytesMax);
    return { read: bytesOf(text), sizeBytes: text.length, close };
  } catch (thrown) {
    close();
    throw thrown;
  }
};

/** Does something with the file system; what it throws becomes ERR_LIST_READ. */
export const attemptRead = <Value>(path: string, act: () => Value): Value => {
  try {
    return act();
  } catch (thrown) {
    if (isAppError(thrown)) throw thrown;
    throw listError('ERR_LIST_READ', `reading list ${path}: ${errorText(thrown)}`, { cause: thrown });
  }
};

/** Reads bytes in memory as a list. */
export const bytesOf = (bytes: Uint8Array): ListBytes => {
  let at = 0;
  return (into) => {
    const count = Math.min(into.length, bytes.length - at);
    into.set(bytes.subarray(at, at + count));
    at += count;
    return count;
  };
};

/** The text of a list file as a whole; throws ERR_LIST_READ or ERR_LIST_TOO_LARGE. */
export const readListFile = (path: string): Uint8Array => withListFile(path, readAll);

const readAll = (read: ListBytes, sizeBytes: number): Uint8Array => {
  const bytes = Buffer.alloc(sizeBytes);
  return bytes.subarray(0, read(bytes));
};

const unpackList = (
  path: string,
  packed: Uint8Array,
  compression: Compression,
  bytesMax: number,
): Uint8Array => {
  const text = unpack(packed, compression, bytesMax);
  if (text === 'too-large') {
    throw tooLarge(path, `its ${compression} data holds more than ${bytesMax} bytes`, bytesMax);
  }
  if (text === 'damaged') {
    throw listError('ERR_LIST_READ', `reading list ${path}: its ${compression} data is cut off or damaged`, {
      hint: 'Get the list again.',
    });
  }
  return text;
};

const tooLarge = (path: string, what: string, bytesMax: number): AppError<ListErrorCode> => {
  const beside = bytesMax < FILE_BYTES_MAX ? ' beside the files before it' : '';
  return listError('ERR_LIST_TOO_LARGE', `reading list ${path}: ${what}${beside}`);
};
