// SHA256SUMS of a directory, for sha256sum --check: what a signature of a release is made over.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { put } from './tree.ts';

const NAME = 'SHA256SUMS';

/** Writes the sums of all files in the directory. */
export const writeSums = (directory: string): void => {
  const lines = readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== NAME)
    .map(({ name }) => name)
    .sort()
    .map(
      (name) =>
        `${createHash('sha256')
          .update(readFileSync(join(directory, name)))
          .digest('hex')}  ${name}\n`,
    );
  put(directory, NAME, lines.join(''));
};
