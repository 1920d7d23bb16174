// Small files that are replaced as a whole, and are on the disk before anybody relies on them.
//
// A file is written beside its place, forced to the disk and renamed; then its directory is forced to the disk, because
// a name is only there for good once it is. A crash or a full disk leaves the old file or the new one, never half of one.
import { closeSync, fdatasyncSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Of directories with what has to survive a restart: the service's user, and its group to read. */
export const DIRECTORY_MODE = 0o750;

/** Where nothing else is said, nobody but the service's user reads them. */
const FILE_MODE = 0o600;
const TEMPORARY_SUFFIX = '.tmp';

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

/** As replaceFile(), and returns when it is there; throws errors of the system. For threads that wait for disks anyway. */
export const replaceFileNow = (path: string, content: string | Uint8Array, mode: number): void => {
  const temporary = `${path}.new`;
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const file = openSync(temporary, 'w', mode);
  try {
    writeAll(file, bytes);
    fdatasyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  syncDirectoryNow(dirname(path));
};

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
