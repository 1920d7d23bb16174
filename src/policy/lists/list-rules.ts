// The rules of a list that is in force, a page at a time, as its file has them: for people who look what stands in it.
//
// Reads and hashes the file each time, as LoadedList.entryAt() does; never per query.
import { createHash } from 'node:crypto';
import { parseCordonList } from './cordon-format.ts';
import { listError, readListFile } from './list-file.ts';
import type { LoadedList } from './load.ts';

/** Characters of a line that are shown. */
const TEXT_LENGTH_MAX = 500;
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
    const { path } = loaded.placeOf(firstLine);
    const bytes = readListFile(path);
    if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
      throw listError('ERR_LIST_CHANGED', `reading list ${path} again: its content has changed`, {
        hint: 'Reload the lists.',
      });
    }
    for (const rule of loaded.format === 'cordon' ? entriesOf(bytes, name) : linesOf(bytes, name)) {
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
  const NOTHING = { service: null, owner: null, evidence: null, reviewed: null };
  let line = 0;
  for (const raw of Buffer.from(bytes).toString('utf8').split('\n')) {
    line++;
    const text = raw.trim();
    if (!COMMENT.test(text)) yield { file, line, text: text.slice(0, TEXT_LENGTH_MAX), ...NOTHING };
  }
}
