// The root of a feed that came with the package: the keys that whoever made the package vouches for, so that a reader writes an
// address and nothing else. A file as `cordon lists publish` wrote it, beside the lists; a package without one has no feed of
// its own.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError, errorText, LISTS_DIRECTORY } from '../../base/base.ts';
import { readListFile } from '../lists/lists.ts';

const FILE = 'feed/root.json';

const rootSchema = z.object({
  signed: z.object({ _type: z.literal('root'), version: z.int().min(1) }),
});

/** Its hash and version; undefined: there is none. Throws ERR_LIST_READ, and ERR_FEED_STATE for a file that is no root. */
export const readPackagedRoot = (
  directory: string = LISTS_DIRECTORY,
): { readonly sha256: string; readonly version: number } | undefined => {
  const path = join(directory, FILE);
  if (!existsSync(path)) return undefined;
  const bytes = readListFile(path);
  try {
    const { signed } = rootSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return { sha256: createHash('sha256').update(bytes).digest('hex'), version: signed.version };
  } catch (thrown) {
    // A damaged package is not one without a root.
    const reason = `reading the root of the feed of this package, ${path}: ${errorText(thrown)}`;
    throw new AppError('ERR_FEED_STATE', reason, { cause: thrown });
  }
};
