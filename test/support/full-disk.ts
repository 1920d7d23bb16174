// A disk that is full: a file takes all the room that is left.
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../../src/base/base.ts';

/** Takes all the room that is left in a directory's file system, again if need be; what is given back makes room. */
export const fillDisk = (directory: string): (() => void) => {
  const path = join(directory, 'filled');
  const file = openSync(path, 'a');
  try {
    for (let size = 1 << 20; size > 0; ) {
      try {
        size = writeSync(file, Buffer.alloc(size)) === size ? size : 0;
      } catch (thrown) {
        if (systemErrorCode(thrown) !== 'ENOSPC') throw thrown;
        size = Math.floor(size / 2);
      }
    }
  } finally {
    closeSync(file);
  }
  return () => rmSync(path, { force: true });
};
