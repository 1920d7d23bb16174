// Files of prefixes, one a line: what inventories of networks write, by the ten thousand.
//
// They are read with the configuration and belong to it: each reload reads them again, and one wrong line refuses the
// whole. What is kept of them is bytes.
import { isUtf8 } from 'node:buffer';
import { resolve } from 'node:path';
import {
  comparePrefixes,
  countPrefixes,
  formatPrefix,
  joinPrefixes,
  orderPrefixes,
  type Prefix,
  type PrefixList,
  PrefixListBuilder,
  packPrefixes,
  prefixAt,
  readRegularFile,
  systemErrorCode,
} from '../base/base.ts';
import { type Draft, isMap, itemsOf } from './draft.ts';
import { readPrefix } from './prefix-leaf.ts';
import { formatPath, type Path, type Problem } from './problem.ts';
import { Fault, quote } from './value.ts';

/**
 * Prefixes of all files together: twice what 64 groups can hold inline, 29 bytes each in tables and lists of all
 * threads.
 */
export const FILE_PREFIXES_MAX = 524_288;
/** 43 characters are the longest prefix; the rest is for comments. */
export const PREFIX_FILE_BYTES_MAX = 32 * 2 ** 20;
/** Problems that are told of one file, and of prefixes that groups share: one mistake makes all lines wrong. */
const PROBLEMS_MAX = 20;
/** What a line may be quoted for; whatever is longer is no prefix. */
const LINE_LENGTH_MAX = 256;

/** What was read from one file. */
interface ReadFile {
  readonly key: Path;
  readonly path: string;
  readonly prefixes: PrefixList;
  /** Line of each prefix. */
  readonly lines: Uint32Array;
}

/** What was read from the files of a configuration, by the keys that name them: `groups[0].clients-file`. */
export type PrefixFiles = ReadonlyMap<string, PrefixList>;

/** Where problems go: those of the files' lines, and faults of keys. */
export interface PrefixFileReport {
  readonly problem: (problem: Problem) => void;
  readonly fault: (path: Path, fault: Fault) => void;
}

/** Reads the files that the configuration names, and reports what is wrong in them and between groups. */
export const readPrefixFiles = (draft: Draft, directory: string, report: PrefixFileReport): PrefixFiles => {
  const reader = new PrefixFileReader(directory, report);
  const allow = reader.read(draft.access?.['allow-file'], ['access', 'allow-file']);
  const groups = new Map<number, ReadFile>();
  for (const [index, group] of itemsOf(draft.groups)) {
    const read = isMap(group)
      ? reader.read(group['clients-file'], ['groups', index, 'clients-file'])
      : undefined;
    if (read !== undefined) groups.set(index, read);
  }
  if (groups.size > 0) reportShared(draft, groups, report);
  return new Map(
    [allow, ...groups.values()].flatMap((file) =>
      file === undefined ? [] : [[formatPath(file.key), file.prefixes] as const],
    ),
  );
};

class PrefixFileReader {
  readonly #directory: string;
  readonly #report: PrefixFileReport;
  #left = FILE_PREFIXES_MAX;

  constructor(directory: string, report: PrefixFileReport) {
    this.#directory = directory;
    this.#report = report;
  }

  /** Undefined where no file is named, or it cannot be used. */
  read(written: string | undefined, key: Path): ReadFile | undefined {
    if (typeof written !== 'string') return undefined;
    const path = resolve(this.#directory, written);
    const text = readText(path);
    if (text instanceof Fault) {
      this.#report.fault(key, text);
      return undefined;
    }
    const builder = new PrefixListBuilder();
    const lines: number[] = [];
    let problems = 0;
    let line = 0;
    for (const whole of text.split('\n')) {
      line++;
      const content = whole.slice(0, LINE_LENGTH_MAX).split('#', 1)[0] ?? '';
      const item = content.trim();
      if (item === '') continue;
      const prefix = readPrefix(item);
      if (prefix instanceof Fault) {
        if (problems++ === PROBLEMS_MAX) break;
        const column = content.indexOf(item) + 1;
        this.#report.problem(toProblem({ file: path, line, column, key }, prefix));
        continue;
      }
      if (builder.count === this.#left) {
        const text = `the files have over ${FILE_PREFIXES_MAX} prefixes together`;
        this.#report.fault(key, new Fault('ERR_CONFIG_LIMIT', text, 'write larger networks'));
        return undefined;
      }
      builder.add(prefix.words, prefix.bits);
      lines.push(line);
    }
    if (builder.count === 0 && problems === 0) {
      const hint = 'write one prefix a line, such as "192.0.2.0/24"';
      this.#report.fault(key, new Fault('ERR_CONFIG_LIMIT', `${quote(path)} has no prefix`, hint));
    }
    this.#left -= builder.count;
    return { key, path, prefixes: builder.build(), lines: Uint32Array.from(lines) };
  }
}

const readText = (path: string): string | Fault => {
  let bytes: Buffer;
  try {
    bytes = readRegularFile(path, PREFIX_FILE_BYTES_MAX);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    return new Fault('ERR_CONFIG_READ', `${quote(path)}: ${REASONS[code] ?? `cannot be read (${code})`}`);
  }
  if (bytes.includes(0) || !isUtf8(bytes)) {
    return new Fault('ERR_CONFIG_READ', `${quote(path)}: is not UTF-8 text`, 'save it as UTF-8');
  }
  return bytes.toString('utf8').replace(/^\ufeff/, '');
};

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTREG: 'is no regular file',
  EISDIR: 'is a directory',
  EFBIG: `has over ${PREFIX_FILE_BYTES_MAX} bytes`,
};

/** Between groups, the same prefix would leave open whose client it is. What only inline keys share is told elsewhere. */
const reportShared = (
  draft: Draft,
  files: ReadonlyMap<number, ReadFile>,
  { problem, fault }: PrefixFileReport,
): void => {
  const parts: Part[] = [];
  let start = 0;
  const add = (group: number, key: Path, prefixes: PrefixList, read: ReadFile | undefined): void => {
    parts.push({ group, key, prefixes, read, start });
    start += countPrefixes(prefixes);
  };
  for (const [index, group] of itemsOf(draft.groups)) {
    const inline = [...itemsOf(isMap(group) ? group.clients : undefined)].map(([, prefix]) => prefix);
    // A list with an item that is no prefix is refused already.
    if (inline.every((prefix): prefix is Prefix => prefix !== undefined)) {
      add(index, ['groups', index, 'clients'], packPrefixes(inline), undefined);
    }
    const read = files.get(index);
    if (read !== undefined) add(index, read.key, read.prefixes, read);
  }
  const all = joinPrefixes(...parts.map(({ prefixes }) => prefixes));
  const order = orderPrefixes(all);
  let problems = 0;
  for (let at = 1; at < order.length && problems < PROBLEMS_MAX; at++) {
    const [a = 0, b = 0] = [order[at - 1], order[at]];
    if (comparePrefixes(all, a, b) !== 0) continue;
    const [first, second] = [partOf(parts, a), partOf(parts, b)];
    if (first === undefined || second === undefined || first.group === second.group) continue;
    if (first.read === undefined && second.read === undefined) continue;
    problems++;
    const text = `${quote(formatPrefix(prefixAt(all, b)))} is a client prefix already at ${placeOf(first, a)}`;
    const found = new Fault('ERR_CONFIG_CONFLICT', text);
    const { read, key, start: from } = second;
    if (read === undefined) fault([...key, b - from], found);
    else problem(toProblem({ file: read.path, line: read.lines[b - from] ?? 0, column: 1, key }, found));
  }
};

interface Part {
  readonly group: number;
  readonly key: Path;
  readonly prefixes: PrefixList;
  readonly read: ReadFile | undefined;
  /** Index of its first prefix among all. */
  readonly start: number;
}

const partOf = (parts: readonly Part[], index: number): Part | undefined =>
  parts.findLast(({ start }) => start <= index);

const placeOf = ({ read, key, start }: Part, index: number): string =>
  read === undefined ? formatPath([...key, index - start]) : `${read.path}:${read.lines[index - start] ?? 0}`;

const toProblem = (
  { file, line, column, key }: { file: string; line: number; column: number; key: Path },
  { code, text, hint }: Fault,
): Problem => ({
  ...{ file, line, column, path: formatPath(key), code, text },
  ...(hint === undefined ? {} : { hint }),
});
