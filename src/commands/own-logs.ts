// The files of the query log of a configuration.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { ARCHIVE_NAME, LogFileNames, PACKED } from '../evidence/query-log/query-log.ts';
import { UsageError } from './usage-error.ts';

/**
 * Paths, the oldest first, without what was written before a time; those of `archive` as well when `isArchived`. Throws
 * UsageError where the log goes to no file.
 */
export const ownLogs = ({ queryLog }: Config, sinceMs: number, isArchived: boolean): string[] => {
  const path = queryLog.outputs.map(({ to }) => (to.kind === 'file' ? to.path : undefined)).find(Boolean);
  if (path === undefined)
    throw new UsageError('the configuration has no query log in files: name a log with --log');
  const names = new LogFileNames(path);
  const directories = [...(isArchived ? [join(names.directory, ARCHIVE_NAME)] : []), names.directory];
  const before = directories.flatMap((directory) =>
    existsSync(directory)
      ? readdirSync(directory)
          .filter((name) => (names.endMs(name) ?? -1) >= sinceMs)
          // What is being packed is there twice for a moment: the packed one is whole then.
          .filter((name, _, all) => !all.includes(`${name}${PACKED}`))
          .sort()
          .map((name) => join(directory, name))
      : [],
  );
  return existsSync(path) ? [...before, path] : before;
};
