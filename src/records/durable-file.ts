// Small files that have to be there after a power failure: written beside, synchronized, and renamed over.
//
// The name of a file is on the disk once its directory was synchronized.
import { closeSync, fdatasyncSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Replaces a file as a whole: a reader sees the old or the new content. Throws errors of the system. */
export const writeDurably = (path: string, content: string | Uint8Array, mode: number): void => {
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
  syncDirectory(dirname(path));
};

/** Writes all bytes at the file's end or at `position`; a short write goes on. */
export const writeAll = (file: number, bytes: Uint8Array, position: number | null = null): void => {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, bytes.length - done, position === null ? null : position + done);
  }
};

/** Puts names that were created, renamed or removed in a directory on the disk. */
export const syncDirectory = (path: string): void => {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
};
