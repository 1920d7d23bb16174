// Prefixes that stand in the configuration, and those of a file that it names, as one list.
import {
  countPrefixes,
  joinPrefixes,
  type Prefix,
  type PrefixList,
  packPrefixes,
  unpackPrefixes,
} from '../../base/base.ts';

/** Prefixes of one group or of one access list. */
export const PREFIXES_MAX = 4096;

/** A file of prefixes as it was read with the configuration. */
export interface PrefixFile {
  /** Absolute. */
  readonly path: string;
  /** Prefixes that it has. */
  readonly count: number;
}

/** An inline list, and behind it what was read from the file. */
export const withFile = (
  inline: readonly Prefix[],
  path: string | undefined,
  read: PrefixList | undefined,
): { readonly prefixes: PrefixList; readonly file: PrefixFile | undefined } => {
  const prefixes = packPrefixes(inline);
  if (path === undefined || read === undefined) return { prefixes, file: undefined };
  return { prefixes: joinPrefixes(prefixes, read), file: { path, count: countPrefixes(read) } };
};

/** Those that do not stand in the file; undefined where the file has all. */
export const inlinePrefixes = (list: PrefixList, file: PrefixFile | undefined): Prefix[] | undefined => {
  const inline = [...unpackPrefixes(list, 0, countPrefixes(list) - (file?.count ?? 0))];
  return inline.length === 0 ? undefined : inline;
};
