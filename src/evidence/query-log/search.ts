// Looks for queries in the files of the log, from the newest on, within bounds; says how far back it came, and how to go on.
//
// A file is found again by when its first query came, whatever it is called by then: the one that is written to gets another name,
// and is packed. Lines are nearly in the order of time: a query is written when its answer is there, and workers are read in turn.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../../base/base.ts';
import { LineFile, type Lines, timeOfLine } from './line-file.ts';
import {
  type CompiledFilter,
  compileFilter,
  type FoundQuery,
  type LogReferences,
  type QueryFilter,
  toFoundQuery,
} from './query-filter.ts';
import { LogFileNames, PACKED } from './rotated-file.ts';

/** By how much a line may stand behind one that came later: the longest wait for an upstream, and a ring that was full. */
export const ORDER_MS = 60_000;
const LINE_FEED = 0x0a;
/** Enough of a line for its time. */
const TIME_BYTES = 64;

/** A place between two lines of the log. */
export interface LogPlace {
  /** When the first query of the file came. */
  readonly beginMs: number;
  /** Bytes of lines before it. */
  readonly at: number;
}

/** What ends a search. */
export interface SearchBounds {
  readonly rows: number;
  /** Unpacked. */
  readonly bytes: number;
  readonly ms: number;
}

/** What is looked for, and where. */
export interface LogSearch {
  /** Of the file that is written to. */
  readonly path: string;
  readonly filter: QueryFilter;
  /** Only what stands before it; undefined: from the newest on. */
  readonly before?: LogPlace | undefined;
  /** Only what stands behind it, of which what does not fit into the rows is counted. */
  readonly after?: LogPlace | undefined;
  readonly bounds: SearchBounds;
  /** How the records name the clients of what was found is told as well. */
  readonly tellsClients?: boolean | undefined;
}

/** Why a search went no further. */
export type SearchEnd =
  /** Nothing older is there, or the period or place that was asked for begins there. */
  'whole' | 'rows' | 'bytes' | 'time';

/** What was found. */
export interface LogFound {
  /** The newest first. */
  readonly queries: readonly FoundQuery[];
  readonly end: SearchEnd;
  /** When the oldest line that was looked at came, milliseconds; undefined: there was none. */
  readonly readBackMs: number | undefined;
  /** Where the next page begins; undefined: there is none. */
  readonly before: LogPlace | undefined;
  /** Behind the newest line. */
  readonly newest: LogPlace;
  /** Of those after a place, what fits and found no row. */
  readonly leftOut: number;
  /** Who asked, where somebody wants to know it. */
  readonly clients: readonly string[];
  /** Bytes that were read, unpacked. */
  readonly bytes: number;
  /** Files that could not be read from their end, or not at all. */
  readonly unread: number;
}

const NOWHERE: LogPlace = { beginMs: 0, at: 0 };

/** A file of the log by its name. */
interface NamedFile {
  readonly path: string;
  readonly isPacked: boolean;
  /** Until when it was written; infinite for the one that is. */
  readonly endMs: number;
}

/** The newest first. What is being packed is there twice for a moment: the packed one is whole then. */
const filesOf = (path: string): NamedFile[] => {
  const names = new LogFileNames(path);
  const files = new Map<number, NamedFile>();
  const found = existsSync(names.directory) ? readdirSync(names.directory) : [];
  for (const name of found) {
    const endMs = names.endMs(name);
    if (endMs === undefined) continue;
    const isPacked = name.endsWith(PACKED);
    if (isPacked || !files.has(endMs))
      files.set(endMs, { path: join(names.directory, name), isPacked, endMs });
  }
  const before = [...files.values()].sort((a, b) => b.endMs - a.endMs);
  return existsSync(path) ? [{ path, isPacked: false, endMs: Number.POSITIVE_INFINITY }, ...before] : before;
};

/** Files of the log that have queries since a time, the oldest first. */
export const logPaths = (path: string, sinceMs: number): string[] =>
  filesOf(path)
    .filter(({ endMs }) => endMs + 1_000 >= sinceMs)
    .map((file) => file.path)
    .reverse();

/** Undefined: it is gone, or cannot be read from its end. */
const openFile = ({ path, isPacked }: NamedFile): LineFile | undefined => {
  try {
    return LineFile.open(path, isPacked);
  } catch (thrown) {
    if (systemErrorCode(thrown) === undefined) throw thrown;
    return undefined;
  }
};

/** One search. */
class Search {
  readonly #wanted: LogSearch;
  readonly #filter: CompiledFilter;
  readonly #references: LogReferences;
  readonly #monotonic: () => number;
  readonly #endMs: number;
  readonly #queries: FoundQuery[] = [];
  #end: SearchEnd = 'whole';
  #readBackMs: number | undefined;
  #before: LogPlace | undefined;
  #newest: LogPlace | undefined;
  readonly #clients = new Set<string>();
  #leftOut = 0;
  #bytes = 0;
  #unread = 0;

  constructor(wanted: LogSearch, references: LogReferences, monotonic: () => number) {
    this.#wanted = wanted;
    this.#references = references;
    this.#filter = compileFilter(wanted.filter, references);
    this.#monotonic = monotonic;
    this.#endMs = monotonic() + wanted.bounds.ms;
  }

  run(): LogFound {
    const files = filesOf(this.#wanted.path);
    for (const [at, file] of files.entries()) {
      const olderEndMs = files[at + 1]?.endMs ?? Number.NEGATIVE_INFINITY;
      if (!this.#readFile(file, olderEndMs)) break;
    }
    return {
      queries: this.#queries,
      end: this.#end,
      readBackMs: this.#readBackMs,
      before: this.#before,
      newest: this.#newest ?? this.#wanted.after ?? NOWHERE,
      leftOut: this.#leftOut,
      clients: [...this.#clients],
      bytes: this.#bytes,
      unread: this.#unread,
    };
  }

  /** False when nothing older is wanted. `olderEndMs` is until when the one before it was written. */
  #readFile(file: NamedFile, olderEndMs: number): boolean {
    const { filter, before, after } = this.#wanted;
    // Its name has whole seconds.
    if (file.endMs + 1_000 < filter.fromMs) return false;
    const isTooNew =
      olderEndMs - ORDER_MS > Math.min(filter.untilMs, before?.beginMs ?? Number.POSITIVE_INFINITY);
    if (this.#newest !== undefined && isTooNew) return true;
    const open = openFile(file);
    if (open === undefined) {
      this.#unread++;
      return true;
    }
    try {
      const { beginMs } = open;
      if (beginMs === undefined) {
        if (open.end > 0) this.#unread++;
        return true;
      }
      this.#newest ??= { beginMs, at: open.end };
      if (isTooNew || (before !== undefined && beginMs > before.beginMs)) return true;
      const start =
        after === undefined || beginMs > after.beginMs ? 0 : beginMs < after.beginMs ? open.end : after.at;
      let end = before?.beginMs === beginMs ? Math.min(before.at, open.end) : open.end;
      if (filter.untilMs < file.endMs) end = Math.min(end, open.placeOf(filter.untilMs + ORDER_MS));
      return this.#readBack(open, beginMs, end, start) && (after === undefined || beginMs > after.beginMs);
    } catch (thrown) {
      // A broken file of many: what it has is missing, and is said to be.
      if (!(thrown instanceof Error && 'code' in thrown)) throw thrown;
      this.#unread++;
      return true;
    } finally {
      open.close();
    }
  }

  /** False when nothing older is wanted. */
  #readBack(file: LineFile, beginMs: number, from: number, start: number): boolean {
    const { bounds, filter } = this.#wanted;
    for (let end = from; end > start; ) {
      const lines = file.before(end);
      if (lines === undefined) break;
      this.#bytes += lines.bytes.length;
      const stoppedAt = this.#readLines(lines, start);
      if (stoppedAt !== undefined) return this.#stop('rows', { beginMs, at: stoppedAt });
      const oldestMs = timeOfLine(lines.bytes.toString('latin1', 0, TIME_BYTES));
      if (!Number.isNaN(oldestMs)) this.#readBackMs = oldestMs;
      end = lines.start;
      if (oldestMs < filter.fromMs - ORDER_MS) return false;
      if (end <= start) break;
      if (this.#bytes >= bounds.bytes) return this.#stop('bytes', { beginMs, at: end });
      if (this.#monotonic() >= this.#endMs) return this.#stop('time', { beginMs, at: end });
    }
    return true;
  }

  #stop(why: SearchEnd, before: LogPlace): false {
    this.#end = why;
    this.#before = before;
    return false;
  }

  /** Where it stopped because all rows are taken; undefined: it looked at all lines behind `start`. */
  #readLines({ start: base, bytes }: Lines, start: number): number | undefined {
    const { needle, fits } = this.#filter;
    const { bounds, after, tellsClients } = this.#wanted;
    for (let end = bytes.length; end > 0; ) {
      const hit = needle === undefined ? end - 1 : bytes.lastIndexOf(needle, end - 1);
      if (hit < 0) return undefined;
      const lineEnd = needle === undefined ? hit : bytes.indexOf(LINE_FEED, hit);
      const lineStart =
        hit === 0 ? 0 : bytes.lastIndexOf(LINE_FEED, needle === undefined ? hit - 1 : hit) + 1;
      end = lineStart;
      if (base + lineStart < start) return undefined;
      const line = bytes.toString('latin1', lineStart, lineEnd);
      if (!fits(line)) continue;
      if (tellsClients === true) this.#clients.add(this.#references.clientOf(line) ?? '');
      if (this.#queries.length >= bounds.rows) {
        if (after === undefined) return base + lineEnd + 1;
        this.#leftOut++;
        continue;
      }
      const query = toFoundQuery(line, this.#references);
      if (query === undefined) continue;
      this.#queries.push(query);
      this.#readBackMs = timeOfLine(line);
    }
    return undefined;
  }
}

/** Looks for queries. Throws errors of the system. */
export const searchLog = (
  wanted: LogSearch,
  references: LogReferences,
  monotonic: () => number = () => performance.now(),
): LogFound => new Search(wanted, references, monotonic).run();
