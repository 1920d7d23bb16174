// Who changed the configuration, as far as a program can know: the file system tells whom the file belongs to and when
// it was last written, never who wrote it. The words say so. Who put the text in force that the control room wrote last is its author; a
// text of before may have been copied back by anybody on the host, and names nobody as who did that.

import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { systemErrorCode } from '../../base/base.ts';
import type { ChangeAuthor } from '../../evidence/recording/recording.ts';
import type { TextAuthor } from './configuration-texts.ts';

const USERS_FILE = '/etc/passwd';

/**
 * For records about a configuration that was read from this file; undefined: from defaults and the environment. `known` tells who
 * put a content in force from the control room.
 */
export const configAuthor = (
  path: string | undefined,
  known: (sha256: string) => TextAuthor | undefined,
): ChangeAuthor => {
  if (path === undefined) return { reason: 'the configuration is defaults and environment variables' };
  try {
    const { uid, mtime } = statSync(path);
    const author = known(createHash('sha256').update(readFileSync(path)).digest('hex'));
    if (author?.isLast === true) return { by: author.by, reason: author.reason };
    const earlier =
      author === undefined
        ? ''
        : `; the same text was put in force from the control room before, last on ${new Date(author.atMs).toISOString()} by ${author.by}, which does not tell who wrote it now`;
    return {
      by: `not known; ${resolve(path)} belongs to ${userName(uid)}`,
      reason: `the configuration, last written ${mtime.toISOString()}, was read${earlier}`,
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
