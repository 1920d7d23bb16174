// Writes the lists of a configuration for other programs: name servers, hosts files, ad blockers, firewalls.
//
// Needs no running resolver. The lists are read as for a generation, with the guards, in the order of precedence, and
// merged so that the file refuses nothing that Cordon lets pass by a list, but where mandate lists contradict each other, and
// frees nothing that a mandate list refuses. A list that is in force at times only, or only watched, is exported when it is asked for by name. The file
// is replaced as a whole: a program that loads it meanwhile sees the old one or the new one.
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError, errorText, syncDirectory, systemErrorCode, VERSION } from '../../base/base.ts';
import type { Config, GroupConfig, ListConfig } from '../../config/config.ts';
import { parseName } from '../../wire/dns/dns.ts';
import {
  digestRules,
  EXPORT_FORMATS,
  type ExportFormat,
  ExportMerge,
  exportRules,
  Guards,
  NEVER_BLOCK_FILE,
} from '../lists/lists.ts';
import type { RuleSink } from '../policy.ts';
import { formatOf, precedenceOf } from './build.ts';
import { type PathOf, readList } from './read-list.ts';

const SERIAL_MAX = 0xffff_ffff;
/** Characters written at once. */
const PIECE_LENGTH = 64 * 1024;
/** Name servers run as other users; what is refused is no secret between them. */
const FILE_MODE = 0o644;
/** A header has a dozen lines. */
const HEADER_BYTES_MAX = 16 * 1024;

/** What is to be exported. */
export interface ExportRequest {
  readonly format: ExportFormat;
  /**
   * Lists by id, in any order. When empty, those that are in force for the default group at all times, and mandate lists of
   * every group: who loads the file has no groups.
   */
  readonly lists: readonly string[];
  /** True: only those of them that are mandates. */
  readonly isMandateOnly: boolean;
  /** 0 to 4294967295; undefined: of the day, after that of the file before. */
  readonly serial: number | undefined;
  /** Name of the zone of the format rpz, in presentation form. */
  readonly origin: string;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** What the file says that will be replaced. */
  readonly previous: ExportMark | undefined;
}

/** What tells two exports apart. */
export interface ExportMark {
  readonly serial: number;
  /** Of the rules, hexadecimal. */
  readonly sha256: string;
}

/** What an export holds. */
export interface ExportFacts extends ExportMark {
  readonly format: ExportFormat;
  /** Of a response policy zone. */
  readonly origin: string | undefined;
  /** Rules of all lists together, each trigger once. */
  readonly rules: number;
  /** In order of precedence; `sha256` is that of the list's content. */
  readonly lists: readonly {
    readonly id: string;
    readonly sha256: string;
    readonly entries: number;
    /** For children of CDNs, beside `entries`. */
    readonly derived: number;
  }[];
  /** Lists that were not asked for by name, are in force for somebody, and are left out. */
  readonly skipped: readonly { readonly id: string; readonly reason: string }[];
  /** What readers have to know of some rules, such as why they were left out. */
  readonly notes: readonly { readonly rules: number; readonly text: string }[];
}

/** An export that is ready to be written. */
export interface ListExport {
  readonly facts: ExportFacts;
  /** Whole lines, for one pass. */
  readonly text: Iterable<string>;
}

/** True for the name of an export format. */
export const isExportFormat = (text: string): text is ExportFormat =>
  EXPORT_FORMATS.some((format) => format === text);

/**
 * Reads the lists and prepares their export; throws AppError: ERR_LIST_… as a start does, ERR_LIST_UNKNOWN for an id
 * that the configuration does not have, and ERR_APP_EXPORT when nothing would be in the file.
 */
export const exportLists = (
  config: Config,
  request: ExportRequest,
  pathOf: PathOf = () => undefined,
): ListExport => {
  const { format } = request;
  const { rules, notes, read, skipped } = collectRules(config, request, pathOf);
  const sha256 = digestRules(rules);
  const serial = request.serial ?? nextSerial(request.nowMs, sha256, request.previous);
  const ids = read.map(({ list }) => list.id);
  const options = { title: `names that Cordon ${VERSION} refuses: ${ids.join(', ')}`, serial, sha256 };
  const origin = originOf(request.origin);
  const lines = exportRules(rules, format, { ...options, origin })[Symbol.iterator]();
  const header = takeHeader(lines);
  const allNotes = [...[...notes].map(([text, count]) => ({ rules: count, text })), ...header.notes];
  if (header.isEmpty) {
    throw new AppError(
      'ERR_APP_EXPORT',
      `exporting ${ids.join(', ') || 'no list'} as ${format}: no rule is left`,
      {
        hint:
          allNotes.length === 0
            ? 'Name lists of the configuration with --list.'
            : `Left out: ${allNotes.map((note) => `${note.rules} (${note.text.replace('left out: ', '')})`).join('; ')}.`,
      },
    );
  }
  const facts: ExportFacts = {
    format,
    origin: format === 'rpz' ? origin : undefined,
    serial,
    sha256,
    rules: header.rules,
    lists: read.map(({ list, loaded }) => ({
      id: list.id,
      sha256: loaded.sha256,
      entries: loaded.entries,
      derived: loaded.derived,
    })),
    skipped,
    notes: allNotes,
  };
  const more = [
    ...facts.lists.map(
      (list) =>
        `List: ${list.id}, ${list.entries} ${list.entries === 1 ? 'rule' : 'rules'}${list.derived === 0 ? '' : ` and ${list.derived} for children of CDNs`}, SHA-256 ${list.sha256}`,
    ),
    ...[...notes].map(([text, count]) => `${count} ${count === 1 ? 'rule' : 'rules'} ${text}`),
  ];
  return { facts, text: textOf(header, more, lines) };
};

/** The rules of the lists that an export is made of, merged in the order of precedence. */
export const collectRules = (
  config: Config,
  { format, lists, isMandateOnly }: Pick<ExportRequest, 'format' | 'lists' | 'isMandateOnly'>,
  pathOf: PathOf,
  /** Stands before the sink of each list. */
  around: (sink: RuleSink, list: ListConfig) => RuleSink = (sink) => sink,
) => {
  const chosen = chooseLists(config, lists);
  const guards = Guards.load(NEVER_BLOCK_FILE);
  const merge = new ExportMerge();
  const skipped: { id: string; reason: string }[] = [];
  const read = chosen
    .filter(({ list, reason }) => {
      if (reason === undefined || mayBeMandate(list)) return true;
      skipped.push({ id: list.id, reason });
      return false;
    })
    .map(({ list, reason }, index) => {
      const sink = around(merge.addList(precedenceOf(formatOf(list)), list.allow), list);
      const loaded = readList(list, sink, guards, pathOf);
      return { list, reason, index, loaded, isMandate: list.mandate ?? loaded.header?.mandate ?? false };
    })
    .filter(({ list, reason, isMandate }) => {
      if (isMandate) return true;
      if (reason !== undefined) skipped.push({ id: list.id, reason });
      return reason === undefined && !isMandateOnly;
    })
    .sort((a, b) => rankOf(a) - rankOf(b));
  const { rules, notes } = merge.merge(
    read.map(({ index }) => index),
    format === 'adblock',
    new Set(read.filter(({ isMandate }) => isMandate).map(({ index }) => index)),
  );
  return { rules, notes, read, skipped };
};

/** What an earlier export says of itself; undefined for a file that is not there or is none. */
export const readExportMark = async (path: string): Promise<ExportMark | undefined> => {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES_MAX), 0, HEADER_BYTES_MAX, 0);
      const text = buffer.toString('latin1', 0, bytesRead);
      const serial = Number(/^[;#!] Serial: (\d{1,10})$/m.exec(text)?.[1] ?? Number.NaN);
      const sha256 = /^[;#!] SHA-256: ([0-9a-f]{64})$/m.exec(text)?.[1];
      return sha256 === undefined || !(serial <= SERIAL_MAX) ? undefined : { serial, sha256 };
    } finally {
      await file.close();
    }
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return undefined;
    throw writeError(path, thrown);
  }
};

/** Replaces a file as a whole; throws ERR_APP_EXPORT. */
export const writeExport = async (path: string, text: Iterable<string>): Promise<void> => {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, 'wx', FILE_MODE);
    try {
      for (const piece of piecesOf(text)) await file.write(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw writeError(path, thrown);
  }
};

/** Text in pieces of some size instead of lines. */
export function* piecesOf(text: Iterable<string>): Generator<string> {
  let piece = '';
  for (const line of text) {
    piece += line;
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

/** Only the file system may fail here: anything else is a defect, and stays what it is. */
const writeError = (path: string, thrown: unknown): unknown =>
  systemErrorCode(thrown) === undefined
    ? thrown
    : new AppError('ERR_APP_EXPORT', `writing the export ${path}: ${errorText(thrown)}`, { cause: thrown });

const originOf = (text: string): string => {
  const name = parseName(text);
  if (typeof name !== 'string') return text;
  throw new AppError(
    'ERR_APP_EXPORT',
    `exporting lists: the origin ${JSON.stringify(text.slice(0, 64))} is not a name`,
  );
};

/** The serial of the day, YYYYMMDDnn; the same rules keep theirs, others get one behind it (RFC 1982). */
export const nextSerial = (nowMs: number, sha256: string, previous: ExportMark | undefined): number => {
  if (previous?.sha256 === sha256) return previous.serial;
  const ofDay = Number(`${new Date(nowMs).toISOString().slice(0, 10).replaceAll('-', '')}00`);
  return Math.min(SERIAL_MAX, Math.max(ofDay, (previous?.serial ?? 0) + 1));
};

/** A list that may be exported. */
interface Choice {
  readonly list: ListConfig;
  /** Why it is exported as a mandate only. */
  readonly reason: string | undefined;
}

const chooseLists = ({ lists, groups }: Config, ids: readonly string[]): readonly Choice[] => {
  for (const id of ids) {
    if (lists.some((list) => list.id === id)) continue;
    throw new AppError('ERR_LIST_UNKNOWN', `exporting the list ${JSON.stringify(id.slice(0, 64))}`, {
      hint: `The configuration has ${lists.map((list) => list.id).join(', ')}.`,
    });
  }
  if (ids.length > 0)
    return lists.filter(({ id }) => ids.includes(id)).map((list) => ({ list, reason: undefined }));
  return lists.flatMap((list): Choice[] => {
    const having = groups.filter((group) => group.lists.includes(list.id));
    const [first] = having;
    // A list that no group has is in force for nobody.
    return first === undefined ? [] : [{ list, reason: reasonOf(list, first, having, groups[0]) }];
  });
};

const reasonOf = (
  { id, logOnly }: ListConfig,
  first: GroupConfig,
  having: readonly GroupConfig[],
  byDefault: GroupConfig | undefined,
): string | undefined => {
  if (logOnly) return 'it is only watched (log-only)';
  if (first !== byDefault)
    return `it is in force for other groups only (${having.map(({ name }) => name).join(', ')})`;
  const isScheduled = first.schedules.some(({ list }) => list === id);
  return isScheduled ? 'it is in force at times only (schedules)' : undefined;
};

/** The format cordon says so in its header, which has to be read. No mandate is only watched. */
const mayBeMandate = (list: ListConfig): boolean =>
  !list.logOnly && (list.mandate ?? formatOf(list) === 'cordon');

/** Mandate lists, then lists that let names pass, then the others. */
const rankOf = ({ isMandate, list }: { isMandate: boolean; list: ListConfig }): number =>
  isMandate ? 0 : list.allow ? 1 : 2;

/** The comment lines at the head of an export, and the piece behind them. */
interface Header {
  readonly lines: readonly string[];
  readonly next: IteratorResult<string>;
  /** As the header counts them. */
  readonly rules: number;
  readonly notes: ExportFacts['notes'];
  /** True when every rule is left out. */
  readonly isEmpty: boolean;
}

const HEADER_LINE = /^[;#!] .*\n$/;
const HEADER_NOTE = /^[;#!] (\d+) rules? (.*)\n$/;
const HEADER_COUNT = /^[;#!] Rules: (\d+)\n$/;

const takeHeader = (lines: Iterator<string>): Header => {
  const taken: string[] = [];
  const notes: { rules: number; text: string }[] = [];
  let rules = 0;
  let next = lines.next();
  for (; next.done !== true && HEADER_LINE.test(next.value); next = lines.next()) {
    taken.push(next.value);
    rules = Number(HEADER_COUNT.exec(next.value)?.[1] ?? rules);
    const [, count, text = ''] = HEADER_NOTE.exec(next.value) ?? [];
    if (count !== undefined) notes.push({ rules: Number(count), text });
  }
  const leftOut = notes.reduce((sum, note) => sum + (note.text.startsWith('left out') ? note.rules : 0), 0);
  return { lines: taken, next, rules, notes, isEmpty: leftOut === rules };
};

function* textOf(header: Header, more: readonly string[], lines: Iterator<string>): Generator<string> {
  yield* header.lines;
  const comment = header.lines[0]?.slice(0, 1) ?? '#';
  for (const line of more) yield `${comment} ${line}\n`;
  for (let { next } = header; next.done !== true; next = lines.next()) yield next.value;
}
