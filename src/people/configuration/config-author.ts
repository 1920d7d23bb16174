// Who changed the configuration, as far as a program can know: the file system tells whom the file belongs to and when
// it was last written, never who wrote it. The words say so.

import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { systemErrorCode } from '../../base/base.ts';
import type { ChangeAuthor } from '../../evidence/recording/recording.ts';

const USERS_FILE = '/etc/passwd';

/**
 * For records about a configuration that was read from this file; undefined: from defaults and the environment. `known` tells who
 * put a content in force from the control room.
 */
export const configAuthor = (
  path: string | undefined,
  known: (sha256: string) => ChangeAuthor | undefined,
): ChangeAuthor => {
  if (path === undefined) return { reason: 'the configuration is defaults and environment variables' };
  try {
    const { uid, mtime } = statSync(path);
    const author = known(createHash('sha256').update(readFileSync(path)).digest('hex'));
    if (author !== undefined) return author;
    return {
      by: `not known; ${resolve(path)} belongs to ${userName(uid)}`,
      reason: `the configuration, last written ${mtime.toISOString()}, was read`,
    };
  } catch (thrown) {
    if (systemErrorCode(thrown) === undefined) throw thrown;
    return { by: `not known; ${resolve(path)} is not there any more` };
  }
};

/** `root (uid 0)`, or the number alone where no name is known. */
const userName = (uid: number): string => {
  try {
    const line = readFileSync(USERS_FILE, 'utf8')
      .split('\n')
      .find((text) => text.split(':')[2] === String(uid));
    const [name = ''] = line?.split(':') ?? [];
    return name === '' ? `uid ${uid}` : `${name} (uid ${uid})`;
  } catch (thrown) {
    if (systemErrorCode(thrown) === undefined) throw thrown;
    return `uid ${uid}`;
  }
};
