// How deeply a text is nested, looked at before it is parsed.
//
// The parser hands each token through every level above it, and has a stack: a line of a thousand dashes makes each byte behind it
// cost a thousand times as much, and some thousands more end the thread. Levels of blocks cost columns, levels of flows cost brackets:
// both are bounded here, in one pass.
import {
  CST,
  type Document,
  Lexer,
  type LineCounter,
  type ParsedNode,
  parseDocument,
  YAMLParseError,
} from 'yaml';

/** Columns of indentation and indicators at the beginning of a line. */
const COLUMNS_MAX = 128;
/** Brackets that are open at one time. */
const BRACKETS_MAX = 32;

const NEWLINE = 0x0a;
const SPACE = 0x20;
const DASH = 0x2d;
const COLON = 0x3a;
const QUESTION = 0x3f;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;

/**
 * Parses a text as YAML 1.2. Of one that is nested more deeply than anybody writes nothing is read, and that is its error. Never
 * throws.
 */
export const parseYaml = (
  text: string,
  lines?: LineCounter,
  isUnique = true,
): Document.Parsed<ParsedNode> => {
  const options = {
    ...{ prettyErrors: false, uniqueKeys: isUnique, version: '1.2' as const },
    ...(lines !== undefined && { lineCounter: lines }),
  };
  const deepAt = findDeepNesting(text);
  if (deepAt < 0) return parseDocument(text, options);
  const document = parseDocument('', options);
  for (let at = text.indexOf('\n'); at >= 0 && at < deepAt; at = text.indexOf('\n', at + 1))
    lines?.addNewLine(at + 1);
  document.errors.push(
    new YAMLParseError([deepAt, deepAt + 1], 'RESOURCE_EXHAUSTION', 'Maps or lists are nested too deeply'),
  );
  return document;
};

/** Offset at which a text is nested more deeply than anybody writes; -1 when it never is. */
const findDeepNesting = (text: string): number => {
  let column = 0;
  let isLeading = true;
  let open = 0;
  let mayBeDeep = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === NEWLINE) {
      column = 0;
      isLeading = true;
      continue;
    }
    if (isLeading) {
      isLeading = char === SPACE || (isIndicator(char) && text.charCodeAt(at + 1) === SPACE);
      if (isLeading && ++column > COLUMNS_MAX) return at;
    }
    if (char === BRACKET_OPEN || char === BRACE_OPEN) mayBeDeep ||= ++open > BRACKETS_MAX;
    else if ((char === BRACKET_CLOSE || char === BRACE_CLOSE) && open > 0) open--;
  }
  return mayBeDeep ? findDeepFlow(text) : -1;
};

const isIndicator = (char: number): boolean => char === DASH || char === QUESTION || char === COLON;

/** The same for brackets alone, without those in quotes, comments and texts. */
const findDeepFlow = (text: string): number => {
  let at = 0;
  let open = 0;
  for (const token of new Lexer().lex(text)) {
    const type = CST.tokenType(token);
    if (type === 'flow-seq-start' || type === 'flow-map-start') {
      if (++open > BRACKETS_MAX) return at;
    } else if ((type === 'flow-seq-end' || type === 'flow-map-end') && open > 0) open--;
    // Marks of the lexer itself, which stand nowhere.
    if (type !== 'doc-mode' && type !== 'flow-error-end' && type !== 'scalar') at += token.length;
  }
  return -1;
};
