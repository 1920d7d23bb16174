// named.conf as statements: words and blocks, each ended by a semicolon; three kinds of comments; includes.
import type { FileSet, FoundFile } from './file-set.ts';
import { type Findings, notSuch } from './findings.ts';

const DEPTH_MAX = 16;

/** `word word { block } word;` */
export interface Statement {
  readonly words: readonly string[];
  /** The statements in the braces, undefined without any. */
  readonly block: readonly Statement[] | undefined;
  readonly where: string;
}

interface Token {
  readonly text: string;
  readonly line: number;
  readonly isQuoted: boolean;
}

/** Reads a file with what it includes. */
export const readNamedConf = (
  files: FileSet,
  file: FoundFile,
  findings: Findings,
  depth = 0,
): Statement[] => {
  const tokens = [...tokensOf(file.bytes.toString('utf8'))];
  const { statements } = statementsFrom(tokens, 0, file.name, 0);
  return statements.flatMap((statement) => {
    if (statement.words[0] !== 'include') return [statement];
    const found = depth < DEPTH_MAX ? files.findAll(statement.words[1] ?? '', file.name) : [];
    if (found.length === 0) {
      findings.leave(
        statement.where,
        `include ${statement.words[1]}`,
        'the file is not here',
        'copy it beside the configuration and import again',
      );
      return [];
    }
    findings.take('included files', 'read as part of the configuration', found.length);
    return found.flatMap((one) => readNamedConf(files, one, findings, depth + 1));
  });
};

const statementsFrom = (
  tokens: readonly Token[],
  start: number,
  file: string,
  depth: number,
): { statements: Statement[]; end: number } => {
  if (depth > 2 * DEPTH_MAX)
    throw notSuch('bind', `${file} has more than ${2 * DEPTH_MAX} blocks in each other`);
  const statements: Statement[] = [];
  let words: string[] = [];
  let block: Statement[] | undefined;
  let line = 0;
  let at = start;
  const end = (): void => {
    if (words.length > 0 || block !== undefined) statements.push({ words, block, where: `${file}:${line}` });
    words = [];
    block = undefined;
    line = 0;
  };
  for (; at < tokens.length; at++) {
    const { text, line: here, isQuoted } = tokens[at] as Token;
    if (line === 0) line = here;
    if (isQuoted) words.push(text);
    else if (text === '{') {
      const below = statementsFrom(tokens, at + 1, file, depth + 1);
      block = [...(block ?? []), ...below.statements];
      at = below.end;
    } else if (text === '}') break;
    else if (text === ';') end();
    else words.push(text);
  }
  end();
  return { statements, end: at };
};

const TOKEN = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|#[^\n]*|"((?:[^"\\]|\\.)*)"|[{};]|[^\s{};"#]+/g;

function* tokensOf(text: string): Generator<Token> {
  let line = 1;
  let from = 0;
  for (const found of text.matchAll(TOKEN)) {
    for (; from < found.index; from++) if (text[from] === '\n') line++;
    const [whole, quoted] = found;
    if (quoted !== undefined) yield { text: quoted, line, isQuoted: true };
    else if (!/^(?:\/\*|\/\/|#)/.test(whole)) {
      // A comment may follow a word without a blank.
      const word = whole.replace(/\/\/.*$|\/\*[\s\S]*$/, '');
      if (word !== '') yield { text: word, line, isQuoted: false };
    }
  }
}
