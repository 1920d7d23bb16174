// Small files that are replaced as a whole, and are on the disk before anybody relies on them.
//
// A file is written beside its place, forced to the disk and renamed; then its directory is forced to the disk, because
// a name is only there for good once it is. A crash or a full disk leaves the old file or the new one, never half of one.
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Of directories with what has to survive a restart: the service's user, and its group to read. */
export const DIRECTORY_MODE = 0o750;

/** Where nothing else is said, nobody but the service's user reads them. */
const FILE_MODE = 0o600;
const TEMPORARY_SUFFIX = '.tmp';
/** What is written or compared at once of a text in pieces. */
const CHUNK_BYTES = 64 * 1024;
/** Of one unit of a string, in UTF-8. */
const UNIT_BYTES_MAX = 3;

/** How a file is replaced that others wrote before. */
export interface Replacing {
  /** Whose the new one is. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Called just before the new one takes the old one's place; what it throws leaves the old one. */
  check?(): void;
}

/** Replaces a file as a whole; rejects with errors of the system. */
export const replaceFile = async (
  path: string,
  text: string | Uint8Array,
  mode = FILE_MODE,
  { owner, check }: Replacing = {},
): Promise<void> => {
  const temporary = `${path}${TEMPORARY_SUFFIX}`;
  await rm(temporary, { force: true });
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(text);
      if (owner !== undefined) {
        await file.chown(owner.uid, owner.gid);
        // The mask of the process does not concern a file that had its rights before.
        await file.chmod(mode);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    check?.();
    await rename(temporary, path);
  } catch (thrown) {
    // What is left of it would keep a full disk full.
    await rm(temporary, { force: true });
    throw thrown;
  }
  await syncDirectory(dirname(path));
};

/** Puts names that were created, renamed or removed in a directory on the disk. */
export const syncDirectory = async (path: string): Promise<void> => {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
};

/**
 * As replaceFile(), and returns when it is there; throws errors of the system. For threads that wait for disks anyway. A text may come in
 * pieces, of which no more than a chunk is in memory.
 */
export const replaceFileNow = (
  path: string,
  content: string | Uint8Array | Iterable<string>,
  mode: number,
): void => {
  const temporary = `${path}.new`;
  const file = openSync(temporary, 'w', mode);
  try {
    if (content instanceof Uint8Array) writeAll(file, content);
    else if (typeof content === 'string') writeAll(file, Buffer.from(content));
    else for (const chunk of chunksOf(content)) writeAll(file, chunk);
    fdatasyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  syncDirectoryNow(dirname(path));
};

/** Whether a file has this text, which comes in pieces; false where there is none. Throws errors of the system. */
export const holdsNow = (path: string, pieces: Iterable<string>): boolean => {
  if (!existsSync(path)) return false;
  const file = openSync(path, 'r');
  try {
    const read = Buffer.allocUnsafe(CHUNK_BYTES);
    let length = 0;
    for (const chunk of chunksOf(pieces)) {
      // Fewer than asked for are another text, also where more could be read: then it is written once more.
      const count = readSync(file, read, 0, chunk.length, length);
      if (!read.subarray(0, count).equals(chunk)) return false;
      length += count;
    }
    return fstatSync(file).size === length;
  } finally {
    closeSync(file);
  }
};

/** A text as bytes, in chunks of CHUNK_BYTES at most, each of which is valid until the next one. */
function* chunksOf(pieces: Iterable<string>): Generator<Uint8Array> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let length = 0;
  for (const piece of pieces) {
    const isLong = UNIT_BYTES_MAX * piece.length > CHUNK_BYTES;
    if (isLong || length + UNIT_BYTES_MAX * piece.length > CHUNK_BYTES) {
      yield chunk.subarray(0, length);
      length = 0;
    }
    if (!isLong) {
      length += chunk.write(piece, length);
      continue;
    }
    const bytes = Buffer.from(piece);
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
  }
  yield chunk.subarray(0, length);
}

/** Writes all bytes at the file's end or at `position`; a short write goes on. */
export const writeAll = (file: number, bytes: Uint8Array, position: number | null = null): void => {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, bytes.length - done, position === null ? null : position + done);
  }
};

/** As syncDirectory(), and returns when they are there. */
export const syncDirectoryNow = (path: string): void => {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
};
