// Loads one list from a file or a directory: its rules go to a sink in one pass, its facts stay.
//
// Reading, hashing, checking and streaming are one pass over the file, and nothing parsed stays in memory. Whether a
// list is usable is only known at its end: a sink that was fed by a call that throws has to be thrown away. The line
// behind a rule is read from the file when somebody asks, who insists on the same content, because line numbers and
// decisions belong to that content. Failures name path, line and column.

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { ListFormat } from '../../base/words/words.ts';
import type { RuleSink } from '../policy.ts';
import { shippedLists } from './catalog.ts';
import { derivationOf, readCdnSuffixes } from './cdn-suffixes.ts';
import { type ListEntry, type ListHeader, parseCordonList } from './cordon-format.ts';
import type { Diagnostic, ListNote, ReasonCounts } from './diagnostic.ts';
import { type DirectoryFile, isListDirectory, placeOfLine, withListDirectory } from './directory.ts';
import { checkOf } from './evidence.ts';
import { type ExceptionFacts, NO_EXCEPTIONS } from './exception-marks.ts';
import { type FeedOptions, type FeedResult, feedRules } from './feed.ts';
import type { ReviewDates } from './freshness.ts';
import { bytesOf, type ListBytes, listError, readListFile, withListFile } from './list-file.ts';
import { lineText } from './text-formats.ts';

/** Where a list comes from. */
export type ListSource =
  | { readonly kind: 'shipped'; readonly id: string }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly format: ListFormat;
      /** Whether all files of a directory are the list; undefined: what the path is decides. */
      readonly isDirectory?: boolean | undefined;
      /** What was read of the file already, unpacked; undefined: it is read. */
      readonly text?: Uint8Array | undefined;
    };

/** Where a line stands. */
export interface LinePlace {
  /** Of the file. */
  readonly path: string;
  /** Of the file, from 1. */
  readonly line: number;
}

/** What stands behind a rule: the source line, and the entry with its reasons when the format has them. */
export interface ListLine {
  /** Of the file, from 1. */
  readonly line: number;
  readonly text: string;
  readonly entry: ListEntry | undefined;
  /** What of the evidence a reader can check, in words; undefined where nothing is shipped for it. */
  readonly check: string | undefined;
}

/** Rules of a list that its own exceptions end, so that they refuse nothing: plain data. */
export interface OpenedRules {
  readonly count: number;
  /** The first of them, as people write them. */
  readonly names: readonly string[];
}

/** What is known of a list that was read and found usable: plain data. */
export interface LoadedFacts {
  /** Of the file, or of the directory. */
  readonly path: string;
  readonly format: ListFormat;
  /** Of the file's text, or of the names and texts of a directory; hexadecimal. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** What the list says about itself; undefined for the text formats. */
  readonly header: ListHeader | undefined;
  /** Number of rules that refuse; of an allowlist, of all. */
  readonly entries: number;
  /** Rules beside them that were derived for children of CDNs; undefined as none. */
  readonly derived?: number | undefined;
  /** What it lets pass; undefined for a list whose facts were saved without. */
  readonly exceptions?: ExceptionFacts | undefined;
  /** Of a mandate list: which of its rules its own exceptions end. */
  readonly opened?: OpenedRules | undefined;
  /** Number of diagnostics, of which `diagnostics` holds the first. */
  readonly rejected: number;
  /** Rules against guard names, which are among the rejected. */
  readonly guarded?: number | undefined;
  /** In a directory, the texts name the file, and the lines are those of the file. */
  readonly diagnostics: readonly Diagnostic[];
  /** All diagnostics by reason; undefined for a list whose facts were saved without them. */
  readonly reasons?: ReasonCounts | undefined;
  /** What is to be said of the list as a whole. */
  readonly notes?: readonly ListNote[] | undefined;
  /** When its entries were reviewed; only the cordon format tells. */
  readonly reviewed?: ReviewDates | undefined;
  /** Of a directory, in the order of reading; a rule's line is counted through all of them. */
  readonly files?: readonly DirectoryFile[] | undefined;
  /** The name of a response policy zone, in presentation form with the final dot. */
  readonly origin?: string | undefined;
  /** The serial of a response policy zone. */
  readonly serial?: number | undefined;
}

const NOTHING_OPENED: OpenedRules = { count: 0, names: [] };

/** A list that was read and found usable. */
export interface LoadedList extends LoadedFacts {
  readonly derived: number;
  readonly exceptions: ExceptionFacts;
  readonly opened: OpenedRules;
  readonly reasons: ReasonCounts;
  readonly notes: readonly ListNote[];
}

/** With what is left out of facts that were saved. */
export const toLoadedList = ({
  derived = 0,
  exceptions = NO_EXCEPTIONS,
  opened = NOTHING_OPENED,
  reasons = {},
  notes = [],
  ...facts
}: LoadedFacts): LoadedList => ({ ...facts, derived, exceptions, opened, reasons, notes });

/** The file and the line in it that the line of a rule is. */
export const placeOfRule = ({ path, files = [] }: LoadedList, line: number): LinePlace =>
  placeIn(path, files, line);

/**
 * The line of a rule; undefined when the file has no such line. For explanations, never per query: reads the
 * file. Throws ERR_LIST_CHANGED when the file is not the one that was loaded.
 */
export const lineOf = (list: LoadedList, line: number): ListLine | undefined => {
  const place = placeOfRule(list, line);
  const sha256 = placeOfLine(list.files ?? [], line)?.file.sha256 ?? list.sha256;
  const bytes = readListFile(place.path);
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
    throw listError('ERR_LIST_CHANGED', `reading list ${place.path} again: its content has changed`, {
      hint: 'Reload the lists.',
    });
  }
  const text = lineText(bytes, place.line);
  if (text === undefined) return undefined;
  const entries = list.format === 'cordon' ? parseCordonList(bytes).entries : [];
  const entry = entries.find((one) => one.line === place.line);
  const check = entry === undefined || list.header === undefined ? undefined : checkOf(entry);
  return { line: place.line, text, entry, check };
};

/**
 * In words, from which zone of a line the name that its rule matched is derived; undefined: the line is about the name.
 * For explanations, as lineOf().
 */
export const derivationText = (
  { derived }: LoadedList,
  name: string,
  { text, entry }: Pick<ListLine, 'text' | 'entry'>,
): string | undefined => {
  if (derived === 0) return undefined;
  const isListed = (zone: string): boolean => (entry === undefined ? isIn(text, zone) : entry.text === zone);
  const found = derivationOf(readCdnSuffixes(), name, isListed);
  if (found === undefined) return undefined;
  const { zone, suffix } = found;
  const place = `lists/cdn-suffixes.tsv:${suffix.line}`;
  return `derived from ${zone}: ${suffix.cdn} carries it below ${suffix.text} (${place}: ${suffix.evidence})`;
};

/** Whether a line of a text format has the zone as a name, or as the end of one. */
const isIn = (line: string, zone: string): boolean => {
  const text = line.toLowerCase();
  for (let at = text.indexOf(zone); at >= 0; at = text.indexOf(zone, at + 1)) {
    const isBegin = !/[a-z0-9-]/.test(text.charAt(at - 1));
    if (isBegin && !/^\.?[a-z0-9-]/.test(text.slice(at + zone.length))) return true;
  }
  return false;
};

/**
 * Reads a list once and streams its rules into `sink`; throws AppError with a ListErrorCode.
 *
 * After a throw `sink` may hold rules of a list that cannot be used.
 */
export const loadList = (source: ListSource, sink: RuleSink, options: FeedOptions = {}): LoadedList => {
  if (source.kind === 'shipped') {
    const { path, format } = findShipped(source.id);
    return loadFile(path, format, sink, options);
  }
  const { path, format, text } = source;
  if (text !== undefined) return loadText(path, format, sink, options)(bytesOf(text));
  const { isDirectory = isListDirectory(path) } = source;
  return (isDirectory ? loadDirectory : loadFile)(path, format, sink, options);
};

type Loader = (path: string, format: ListFormat, sink: RuleSink, options: FeedOptions) => LoadedList;

const loadFile: Loader = (path, ...how) => withListFile(path, loadText(path, ...how));

const loadText =
  (...[path, format, sink, options]: Parameters<Loader>): ((read: ListBytes) => LoadedList) =>
  (read) => {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    const readHashed: ListBytes = (into) => {
      const count = read(into);
      hash.update(into.subarray(0, count));
      sizeBytes += count;
      return count;
    };
    const result = feedRules(format, readHashed, sink, options);
    requireUsable(format, result, (line) => ({ path, line }), path);
    return toLoadedList({ path, format, sha256: hash.digest('hex'), sizeBytes, ...result });
  };

const loadDirectory: Loader = (path, format, sink, options) => {
  if (format === 'cordon' || format === 'rpz') {
    throw listError('ERR_LIST_READ', `reading list ${path}: a list of the format ${format} is one file`);
  }
  return withListDirectory(path, (read, factsOf) => {
    const result = feedRules(format, read, sink, options);
    const { files, sha256, sizeBytes } = factsOf();
    const placeOf = (line: number): LinePlace => placeIn(path, files, line);
    requireUsable(format, result, placeOf, path);
    const diagnostics = result.diagnostics.map((diagnostic) => {
      const place = placeOfLine(files, diagnostic.line);
      if (place === undefined) return diagnostic;
      return { ...diagnostic, line: place.line, text: `in ${place.file.name}: ${diagnostic.text}` };
    });
    return toLoadedList({ path, format, files, sha256, sizeBytes, ...result, diagnostics });
  });
};

const placeIn = (path: string, files: readonly DirectoryFile[], line: number): LinePlace => {
  const place = placeOfLine(files, line);
  return place === undefined ? { path, line } : { path: join(path, place.file.name), line: place.line };
};

const findShipped = (id: string): { path: string; format: ListFormat } => {
  const lists = shippedLists();
  const found = lists.find((list) => list.id === id);
  if (found === undefined) {
    throw listError('ERR_LIST_UNKNOWN', `looking for the shipped list ${JSON.stringify(id.slice(0, 64))}`, {
      hint: `Shipped are ${lists.map((list) => list.id).join(', ')}.`,
    });
  }
  return { path: found.file, format: 'cordon' };
};

/** Places of a list that were not understood. Triggers on name servers were: a forwarding resolver sees none. */
export const misreadOf = ({ rejected, reasons = {} }: Pick<LoadedFacts, 'rejected' | 'reasons'>): number =>
  rejected - (reasons['rpz-name-server'] ?? 0);

const requireUsable = (
  format: ListFormat,
  result: FeedResult,
  placeOf: (line: number) => LinePlace,
  whole: string,
): void => {
  const [first] = result.diagnostics;
  const { path, line } = placeOf(first?.line ?? 1);
  const place = first === undefined ? whole : `${path}:${line}:${first.column}`;
  const reason = first === undefined ? '' : `: ${first.text}`;
  const isEmpty = result.entries === 0 && result.exceptions.count === 0;
  const isMarkup = isEmpty && first?.code === 'markup';
  if (isMarkup || (format === 'cordon' && result.header === undefined)) {
    throw listError('ERR_LIST_PARSE', `reading list ${place}${reason}`);
  }
  // Without a rule and without a fault it is a list that refuses nothing yet. Where only faults are left, it is read wrongly.
  if (isEmpty && misreadOf(result) > 0) {
    throw listError('ERR_LIST_EMPTY', `reading list ${place}: no rule in it${reason}`);
  }
};
