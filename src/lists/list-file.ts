// Reading list files: bounded, and every failure an AppError that names the path.
//
// Synchronous on purpose: lists are read by the main thread at start and at a refresh, never on the query path. A
// large file is read piece by piece, so that it costs the memory of one piece; a compressed one is unpacked as a whole.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { AppError, errorText, isAppError } from '../base/base.ts';
import { type Compression, compressionOf, MAGIC_BYTES, unpack } from './compressed.ts';

/**
 * Bytes of one list, in its file and unpacked: about eight million names; the largest public lists hold one to two
 * million.
 */
const FILE_BYTES_MAX = 256 * 1024 * 1024;

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
  const attempt = <Value>(act: () => Value): Value => {
    try {
      return act();
    } catch (thrown) {
      if (isAppError(thrown)) throw thrown;
      throw listError('ERR_LIST_READ', `reading list ${path}: ${errorText(thrown)}`, { cause: thrown });
    }
  };
  const file = attempt(() => openSync(path, 'r'));
  try {
    const { size } = attempt(() => fstatSync(file));
    if (size > FILE_BYTES_MAX) {
      throw listError('ERR_LIST_TOO_LARGE', `reading list ${path}: ${size} bytes, at most ${FILE_BYTES_MAX}`);
    }
    // A file that grows meanwhile is read up to the size that was checked.
    let left = size;
    const read: ListBytes = (into) => {
      let length = 0;
      const wanted = Math.min(into.length, left);
      while (length < wanted) {
        const count = attempt(() => readSync(file, into, length, wanted - length, null));
        if (count === 0) break;
        length += count;
      }
      left -= length;
      return length;
    };
    const magic = new Uint8Array(MAGIC_BYTES);
    if (size >= MAGIC_BYTES) attempt(() => readSync(file, magic, 0, MAGIC_BYTES, 0));
    const compression = compressionOf(magic);
    if (compression === undefined) return use(read, size);
    const text = unpackList(path, readAll(read, size), compression);
    return use(bytesOf(text), text.length);
  } finally {
    closeSync(file);
  }
};

/** Reads bytes in memory as a list. */
const bytesOf = (bytes: Uint8Array): ListBytes => {
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

const unpackList = (path: string, packed: Uint8Array, compression: Compression): Uint8Array => {
  const text = unpack(packed, compression, FILE_BYTES_MAX);
  if (text === 'too-large') {
    throw listError(
      'ERR_LIST_TOO_LARGE',
      `reading list ${path}: its ${compression} data holds more than ${FILE_BYTES_MAX} bytes`,
    );
  }
  if (text === 'damaged') {
    throw listError('ERR_LIST_READ', `reading list ${path}: its ${compression} data is cut off or damaged`, {
      hint: 'Get the list again.',
    });
  }
  return text;
};
