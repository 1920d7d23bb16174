// Small files that are replaced as a whole, and are on the disk before anybody relies on them.
//
// A file is written beside its place, forced to the disk and renamed; then its directory is forced to the disk, because
// a name is only there for good once it is. A crash or a full disk leaves the old file or the new one, never half of one.
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Of directories with what has to survive a restart: the service's user, and its group to read. */
export const DIRECTORY_MODE = 0o750;

/** Where nothing else is said, nobody but the service's user reads them. */
const FILE_MODE = 0o600;
const TEMPORARY_SUFFIX = '.tmp';

/** Replaces a file as a whole; rejects with errors of the system. */
export const replaceFile = async (path: string, text: string, mode = FILE_MODE): Promise<void> => {
  const temporary = `${path}${TEMPORARY_SUFFIX}`;
  await rm(temporary, { force: true });
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
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
