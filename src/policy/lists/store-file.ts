// Files of the store: replaced as a whole, and on the disk before anybody relies on them.
//
// A file is written beside its place, forced to the disk and renamed; then its directory is forced to the disk. A
// crash or a full disk leaves the old file or the new one, never half of one. Nobody but the service's user reads
// them: what a network refuses, and from whom it gets its lists, is not for every account of a machine.
import { chmod, link, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDirectory, systemErrorCode } from '../../base/base.ts';

const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

/** Creates a directory with its parents; one that is there gets the mode as well. */
export const createDirectory = async (path: string): Promise<void> => {
  await mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
  await chmod(path, DIRECTORY_MODE);
};

/** Moves a finished file into the store, in the same file system. */
export const moveFile = async (from: string, to: string): Promise<void> => {
  await chmod(from, FILE_MODE);
  const file = await open(from, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(from, to);
  await syncDirectory(dirname(to));
};

/** Gives a file a second name, in place of what had that name; nothing happens when there is no file. */
export const copyName = async (from: string, to: string): Promise<void> => {
  await rm(to, { force: true });
  try {
    await link(from, to);
  } catch (thrown) {
    if (systemErrorCode(thrown) !== 'ENOENT') throw thrown;
  }
};

/** The text of a file; undefined when there is none. */
export const readText = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
};

/** Removes the files of a directory that `isKept` does not know. */
export const sweepDirectory = async (path: string, isKept: (name: string) => boolean): Promise<void> => {
  for (const name of await readdir(path)) {
    if (!isKept(name)) await rm(join(path, name), { force: true, recursive: true });
  }
};
