// Loads one list from a file: facts first, rules on request, and nothing parsed stays in memory.
//
// loadList reads and checks the whole file and counts its rules, so that a bad file is known before a table is
// built from it. feed() then streams the rules and lets the bytes go. Whatever is asked later (a second feed, the
// entry behind a rule) reads the file again and insists on the same content, because line numbers and decisions
// belong to that content. Failures name path, line and column.
import { createHash } from 'node:crypto';
import type { RuleSink } from '../policy/policy.ts';
import { shippedLists } from './catalog.ts';
import { type ListEntry, type ListHeader, parseCordonList } from './cordon-format.ts';
import type { Diagnostic } from './diagnostic.ts';
import { type FeedOptions, type FeedResult, feedRules, type ListFormat } from './feed.ts';
import { listError, readListFile } from './list-file.ts';
import { lineText } from './text-formats.ts';

/** Where a list comes from. */
export type ListSource =
  | { readonly kind: 'shipped'; readonly id: string }
  | { readonly kind: 'file'; readonly path: string; readonly format: ListFormat };

/** What stands behind a rule: the source line, and the entry with its reasons when the format has them. */
export interface ListLine {
  /** From 1. */
  readonly line: number;
  readonly text: string;
  readonly entry: ListEntry | undefined;
}

const NO_SINK: RuleSink = { addName: () => {}, addPrefix: () => {} };

/** A list that was read and found usable. */
export class LoadedList {
  readonly path: string;
  readonly format: ListFormat;
  /** Of the file's bytes, hexadecimal. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** What the list says about itself; undefined for the text formats. */
  readonly header: ListHeader | undefined;
  /** Number of rules. */
  readonly entries: number;
  /** Number of diagnostics, of which `diagnostics` holds the first. */
  readonly rejected: number;
  readonly diagnostics: readonly Diagnostic[];
  readonly #options: FeedOptions;
  #bytes: Uint8Array | undefined;

  constructor(path: string, format: ListFormat, bytes: Uint8Array, options: FeedOptions) {
    const result = feedRules(format, bytes, NO_SINK, options);
    requireUsable(path, format, result);
    this.path = path;
    this.format = format;
    this.sha256 = sha256Of(bytes);
    this.sizeBytes = bytes.length;
    this.header = result.header;
    this.entries = result.entries;
    this.rejected = result.rejected;
    this.diagnostics = result.diagnostics;
    this.#options = options;
    this.#bytes = bytes;
  }

  /** Streams the rules into `sink` and lets go of the file's bytes. Throws ERR_LIST_CHANGED on a changed file. */
  feed(sink: RuleSink): void {
    const bytes = this.#bytes ?? this.#reread();
    this.#bytes = undefined;
    feedRules(this.format, bytes, sink, this.#options);
  }

  /**
   * The line of a rule; undefined when the file has no such line. For explanations, never per query: reads the
   * file. Throws ERR_LIST_CHANGED when the file is not the one that was loaded.
   */
  entryAt(line: number): ListLine | undefined {
    const bytes = this.#bytes ?? this.#reread();
    const text = lineText(bytes, line);
    if (text === undefined) return undefined;
    const entries = this.format === 'cordon' ? parseCordonList(bytes).entries : [];
    return { line, text, entry: entries.find((entry) => entry.line === line) };
  }

  #reread(): Uint8Array {
    const bytes = readListFile(this.path);
    if (sha256Of(bytes) !== this.sha256) {
      throw listError('ERR_LIST_CHANGED', `reading list ${this.path} again: its content has changed`, {
        hint: 'Reload the lists.',
      });
    }
    return bytes;
  }
}

/** Reads and checks a list; throws AppError with a ListErrorCode. */
export const loadList = (source: ListSource, options: FeedOptions = {}): LoadedList => {
  const { path, format } = source.kind === 'file' ? source : findShipped(source.id);
  return new LoadedList(path, format, readListFile(path), options);
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

const requireUsable = (path: string, format: ListFormat, result: FeedResult): void => {
  const [first] = result.diagnostics;
  const place = first === undefined ? path : `${path}:${first.line}:${first.column}`;
  const reason = first === undefined ? '' : `: ${first.text}`;
  const isMarkup = result.entries === 0 && first?.code === 'markup';
  if (isMarkup || (format === 'cordon' && result.header === undefined)) {
    throw listError('ERR_LIST_PARSE', `reading list ${place}${reason}`);
  }
  if (result.entries === 0) {
    throw listError('ERR_LIST_EMPTY', `reading list ${place}: no rule in it${reason}`);
  }
};

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
