// unbound.conf(5) as clauses and options: `name: value` wherever white space allows it, quotes, comments, and includes.
import type { FileSet, FoundFile } from './file-set.ts';
import type { Findings } from './findings.ts';

/** Files that include each other end here. */
const DEPTH_MAX = 16;

/** One option in a clause. */
export interface UnboundOption {
  readonly clause: string;
  /** Counts the clauses, so that options of one forward-zone stay together. */
  readonly clauseIndex: number;
  readonly name: string;
  /** Words behind the colon, without quotes. */
  readonly values: readonly string[];
  readonly where: string;
}

/** Options that take several words; all others take one. */
const WORDS: ReadonlyMap<string, number> = new Map([
  ['access-control', 2],
  ['access-control-tag', 2],
  ['access-control-tag-action', 3],
  ['access-control-tag-data', 3],
  ['access-control-view', 2],
  ['interface-action', 2],
  ['interface-tag', 2],
  ['interface-view', 2],
  ['local-zone', 2],
  ['local-zone-tag', 2],
  ['local-zone-override', 3],
  ['response-ip', 2],
  ['response-ip-data', 2],
  ['response-ip-tag', 2],
  ['ratelimit-for-domain', 2],
  ['ratelimit-below-domain', 2],
  ['edns-client-string', 2],
  ['proxy-protocol-port', 1],
  ['stub-addr', 1],
]);

const CLAUSES: ReadonlySet<string> = new Set([
  'server',
  'forward-zone',
  'stub-zone',
  'auth-zone',
  'rpz',
  'view',
  'remote-control',
  'python',
  'dynlib',
  'cachedb',
  'dnscrypt',
  'ipset',
  'dnstap',
]);

/** Reads a file with what it includes. */
export const readUnbound = (files: FileSet, file: FoundFile, findings: Findings): UnboundOption[] => {
  const reader = new Reader(files, findings);
  reader.read(file, 0);
  return reader.options;
};

class Reader {
  readonly options: UnboundOption[] = [];
  readonly #files: FileSet;
  readonly #findings: Findings;
  #clause = 'server';
  #clauseIndex = 0;

  constructor(files: FileSet, findings: Findings) {
    this.#files = files;
    this.#findings = findings;
  }

  read({ name: file, bytes }: FoundFile, depth: number): void {
    const words = wordsOf(bytes.toString('utf8'));
    for (let at = 0; at < words.length; ) {
      const { text, line, isQuoted } = words[at] ?? { text: '', line: 0, isQuoted: false };
      const where = `${file}:${line}`;
      at++;
      if (isQuoted || !text.endsWith(':')) {
        this.#findings.leave(where, text, 'it is no option', 'look at the line');
        continue;
      }
      const name = text.slice(0, -1);
      if (CLAUSES.has(name)) {
        this.#clause = name;
        this.#clauseIndex++;
        continue;
      }
      const count = WORDS.get(name) ?? 1;
      const values = words.slice(at, at + count).map((word) => word.text);
      at += count;
      if (name === 'include' || name === 'include-toplevel')
        this.#include(values[0] ?? '', file, where, depth);
      else this.options.push({ clause: this.#clause, clauseIndex: this.#clauseIndex, name, values, where });
    }
  }

  #include(pattern: string, from: string, where: string, depth: number): void {
    const found = depth < DEPTH_MAX ? this.#files.findAll(pattern, from) : [];
    for (const file of found) this.read(file, depth + 1);
    if (found.length === 0)
      this.#findings.leave(
        where,
        `include: ${pattern}`,
        'the file is not here',
        'copy it beside the configuration and import again',
      );
    else this.#findings.take('included files', 'read as part of the configuration', found.length);
  }
}

interface Word {
  readonly text: string;
  readonly line: number;
  readonly isQuoted: boolean;
}

const WORD = /"([^"\n]*)"|'([^'\n]*)'|[^\s"'#]+/g;

const wordsOf = (text: string): Word[] => {
  const words: Word[] = [];
  for (const [index, content] of text.split('\n').entries()) {
    for (const word of wordsOfLine(content)) words.push({ ...word, line: index + 1 });
  }
  return words;
};

const wordsOfLine = (content: string): { text: string; isQuoted: boolean }[] => {
  const words: { text: string; isQuoted: boolean }[] = [];
  let at = 0;
  while (at < content.length) {
    if (/\s/.test(content[at] ?? '')) at++;
    else if (content[at] === '#') break;
    else {
      WORD.lastIndex = at;
      const found = WORD.exec(content);
      if (found === null || found.index !== at) {
        at++;
        continue;
      }
      at += found[0].length;
      // 192.0.2.53@853#name is one word: a comment begins behind white space.
      let text = found[1] ?? found[2] ?? found[0];
      const isQuoted = found[1] !== undefined || found[2] !== undefined;
      while (!isQuoted && content[at] === '#' && !text.endsWith(':')) {
        const rest = /^[^\s"']*/.exec(content.slice(at))?.[0] ?? '';
        text += rest;
        at += rest.length;
      }
      // `name:value` without a blank.
      const [, name, value] = isQuoted ? [] : (/^([a-z][a-z0-9-]*):(.+)$/.exec(text) ?? []);
      if (name !== undefined && value !== undefined && words.length === 0)
        words.push({ text: `${name}:`, isQuoted: false }, { text: value, isQuoted: false });
      else words.push({ text, isQuoted });
    }
  }
  return words;
};
