// One list of a configuration, read: by what is enforced, by what is exported and by what is compared, so that none of them
// takes a content that another one refuses.
import { AppError } from '../../base/base.ts';
import type { ListConfig, ListReading } from '../../config/config.ts';
import { type FeedOptions, type Guards, type LoadedList, loadList, readSignedFile } from '../lists/lists.ts';
import type { RuleSink } from '../policy.ts';
import { newerShippedFile } from './shipped-version.ts';

/** Where the content of a list lies that is in force; undefined when it was never fetched, or is what lies in its file. */
export type PathOf = (list: ListConfig) => string | undefined;

/**
 * Streams the content of a list into `sink`. Throws as loadList() does, ERR_LIST_READ where nothing was fetched, and
 * ERR_LIST_SIGNATURE for a file that is not signed as it has to be: the bytes that were proven are those that are parsed.
 * A newer version of a shipped list that is older than the release's gives way to it: the path of the facts says so.
 */
export const readList = (list: ListConfig, sink: RuleSink, guards: Guards, pathOf: PathOf): LoadedList => {
  const { source, allow } = list;
  // A name that passes harms no guard.
  const options = { guards: allow ? undefined : guards, ...readingOfList(list) };
  if (source.kind === 'shipped') return loadList({ kind: 'shipped', id: source.id }, sink, options);
  const own = source.kind === 'file' ? source : undefined;
  const path = pathOf(list) ?? own?.path;
  if (path === undefined) {
    throw new AppError('ERR_LIST_READ', `reading list ${list.id}: nothing of it is there`, {
      hint: 'It was never fetched from its address.',
    });
  }
  const { format } = source;
  if (path !== own?.path) return loadList({ kind: 'file', path, format }, sink, options);
  const { isDirectory, publicKey } = own;
  const text = publicKey === undefined ? undefined : readSignedFile(path, publicKey);
  const newer = text && newerShippedFile(list, text);
  if (newer !== undefined) return loadList({ kind: 'file', path: newer, format }, sink, options);
  return loadList({ kind: 'file', path, format, isDirectory, text }, sink, options);
};

/** How a list is read, beside its format. Code that reads it for another purpose has to leave out the same. */
export const readingOfList = (list: ListConfig): Omit<FeedOptions, 'guards'> => ({
  ...(list.source.kind === 'shipped' ? {} : readingOf(list.source)),
  allow: list.allow,
  mandate: list.mandate,
  cdnChildren: list.cdnChildren,
  withoutOperators: list.operators.filter(({ refuse }) => !refuse).map(({ name }) => name),
});

/** The same of a source. */
export const readingOf = (source: ListReading): Omit<ListReading, 'format'> => {
  const { match, origin, takesEverything, recordTtlSecMax } = source;
  return { match, origin, takesEverything, recordTtlSecMax };
};
