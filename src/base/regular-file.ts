// Opening files that somebody named: only regular ones, never waiting, never more than a bound.
//
// A path can lead to a pipe, which waits for a writer, or to a device, which never ends. It is opened without waiting and
// asked what it is before anything is read; what grows meanwhile is read up to its bound.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** A pipe without a writer opens at once, and a terminal does not become ours. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/** Read at first of a file whose size is not known. */
const PIECE_BYTES = 1 << 16;

/** Something that is no regular file, or too large; has `syscall` and `code` as errors of the system have. */
class FileError extends Error {
  readonly code: string;
  readonly syscall = 'open';

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** An open file; who opens it closes it. */
export interface RegularFile {
  readonly descriptor: number;
  readonly sizeBytes: number;
}

/** Opens a regular file, following links; throws what the system says, or ENOTREG for anything else. */
export const openRegularFile = (path: string): RegularFile => {
  const descriptor = openSync(path, FLAGS);
  try {
    const stats = fstatSync(descriptor);
    if (stats.isDirectory()) throw new FileError('EISDIR', `${path} is a directory`);
    if (!stats.isFile()) throw new FileError('ENOTREG', `${path} is no regular file`);
    return { descriptor, sizeBytes: stats.size };
  } catch (thrown) {
    closeSync(descriptor);
    throw thrown;
  }
};

/** The bytes of a regular file; throws as openRegularFile, and EFBIG when there are more than `bytesMax`. */
export const readRegularFile = (path: string, bytesMax: number): Buffer => {
  const { descriptor, sizeBytes } = openRegularFile(path);
  try {
    // Files of /proc say that they are empty, and a file may grow: the bound is on what is read.
    let bytes = Buffer.alloc(Math.min(Math.max(sizeBytes + 1, PIECE_BYTES), bytesMax + 1));
    let length = 0;
    for (;;) {
      const count = readSync(descriptor, bytes, length, bytes.length - length, null);
      if (count === 0) return bytes.subarray(0, length);
      length += count;
      if (length > bytesMax) throw new FileError('EFBIG', `${path} has over ${bytesMax} bytes`);
      if (length === bytes.length) {
        bytes = Buffer.concat([bytes], Math.min(2 * length, bytesMax + 1));
      }
    }
  } finally {
    closeSync(descriptor);
  }
};
