// What stands at a path now, for whoever reads a file again when it is another one.
import { statSync } from 'node:fs';
import { systemErrorCode } from './error.ts';

/**
 * Changes whenever the file is written or replaced, also behind symbolic links: programs that renew one replace files, links, or
 * what is in them. What cannot be examined has an identity as well, `none` or the name of the error: whoever reads it then is told
 * why it cannot be read, and goes on with what was there before. Never throws for that.
 */
export const fileIdentity = (path: string): string => {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    return found === undefined
      ? NO_FILE
      : `${found.dev} ${found.ino} ${found.mtimeNs} ${found.ctimeNs} ${found.size}`;
  } catch (thrown) {
    const code = systemErrorCode(thrown);
    if (code === undefined) throw thrown;
    return code;
  }
};

/** Of a path where nothing is. */
const NO_FILE = 'none';
