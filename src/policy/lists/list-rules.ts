// The rules of a list that is in force, a page at a time, as its file has them: for people who look what stands in it.
//
// Reads and hashes the file each time, as lineOf() does; never per query. Whoever is signed in may ask, so that a page
// costs one pass over the bytes and holds one line at a time.
import { createHash } from 'node:crypto';
import { parseCordonList } from './cordon-format.ts';
import { listError, readListFile } from './list-file.ts';
import { type LoadedList, placeOfRule } from './load.ts';

/** Characters of a line that are shown. */
const TEXT_LENGTH_MAX = 500;
/** A larger file in the cordon format is shown by its lines: to parse it would hold the program for seconds. Ours have 50 KB. */
const PARSED_BYTES_MAX = 1024 * 1024;
/** Of a line that is looked at: a hosts file may have one of megabytes. */
const LINE_BYTES_MAX = 4096;
const NEWLINE = 0x0a;
/** How comments of the text formats begin. */
const COMMENT = /^(?:[#!;]|\/\/|$)/;

/** One rule, as its line says it. */
export interface ShownRule {
  /** The file among those of a directory; null: the list is one file. */
  readonly file: string | null;
  /** Of the file, from 1. */
  readonly line: number;
  /** The name or prefix of an entry with evidence; the line of any other. */
  readonly text: string;
  readonly service: string | null;
  readonly owner: string | null;
  readonly evidence: string | null;
  /** YYYY-MM-DD. */
  readonly reviewed: string | null;
}

/** Which rules are wanted: those with a part in any of what they say, from so many on. */
export interface RulesWanted {
  readonly search: string;
  readonly skip: number;
  readonly limit: number;
}

/** A page, and how many rules there are of the kind. */
export interface RulesFound {
  readonly rules: readonly ShownRule[];
  readonly count: number;
}

/** Reads a page. Throws ERR_LIST_CHANGED when a file is not the one that was loaded, and ERR_LIST_READ. */
export const readRules = (loaded: LoadedList, { search, skip, limit }: RulesWanted): RulesFound => {
  const wanted = search.trim().toLowerCase();
  const rules: ShownRule[] = [];
  let count = 0;
  const files = loaded.files ?? [{ name: null, firstLine: 1, sha256: loaded.sha256 }];
  for (const { name, firstLine, sha256 } of files) {
    const { path } = placeOfRule(loaded, firstLine);
    const bytes = readListFile(path);
    if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
      throw listError('ERR_LIST_CHANGED', `reading list ${path} again: its content has changed`, {
        hint: 'Reload the lists.',
      });
    }
    const isParsed = loaded.format === 'cordon' && bytes.length <= PARSED_BYTES_MAX;
    for (const rule of isParsed ? entriesOf(bytes, name) : linesOf(bytes, name)) {
      if (!says(rule, wanted)) continue;
      if (count++ < skip || rules.length >= limit) continue;
      rules.push(rule);
    }
  }
  return { rules, count };
};

const says = ({ text, service, owner, evidence }: ShownRule, part: string): boolean =>
  part === '' || [text, service, owner, evidence].some((one) => one?.toLowerCase().includes(part) === true);

const entriesOf = (bytes: Uint8Array, file: string | null): readonly ShownRule[] =>
  parseCordonList(bytes).entries.map(({ line, text, service, owner, evidence, reviewed }) => ({
    ...{ file, line, text, service, owner, evidence, reviewed },
  }));

function* linesOf(bytes: Uint8Array, file: string | null): Generator<ShownRule> {
  const nothing = { service: null, owner: null, evidence: null, reviewed: null };
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let line = 0;
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf(NEWLINE, start);
    const end = found < 0 ? text.length : found;
    const shown = text.toString('utf8', start, Math.min(end, start + LINE_BYTES_MAX)).trim();
    start = end + 1;
    line++;
    if (!COMMENT.test(shown)) yield { file, line, text: shown.slice(0, TEXT_LENGTH_MAX), ...nothing };
  }
}
