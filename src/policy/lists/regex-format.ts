// The format `regex`: one regular expression a line, bare or between slashes, tried on the folded name without its
// last dot. It matches anywhere in the name unless it is anchored. Behind it may stand Pi-hole's `;querytype=A,AAAA`, or
// `;querytype=!A` for all other types; its other options change what an expression says, and are refused. Comments are those of the other text formats.
// What an expression may hold, and what it may cost, is in pattern.ts.
import { parseType } from '../../wire/dns/dns.ts';
import type { RuleSink, RuleTerms } from '../policy.ts';
import type { DiagnosticCode, DiagnosticLog } from './diagnostic.ts';
import { forEachLine, textOf } from './lines.ts';
import type { ListBytes } from './list-file.ts';
import { PatternReader } from './pattern.ts';

/** Streams the expressions of a `regex` list into the sink. */
export const feedPatterns = (read: ListBytes, sink: RuleSink, log: DiagnosticLog): void => {
  const patterns = new PatternReader();
  forEachLine(read, log, (bytes, start, end, line, lineStart) => {
    const whole = textOf(bytes, start, end);
    const [text = '', ...options] = whole.split(';');
    const terms = readOptions(options);
    if (typeof terms === 'string') {
      log.add(terms, line, start - lineStart + 1 + Buffer.byteLength(text), whole);
      return;
    }
    // No name holds a slash, so a pair of them can only be delimiters.
    const isDelimited = text.length > 2 && text.startsWith('/') && text.endsWith('/');
    const pattern = patterns.read(isDelimited ? text.slice(1, -1) : text);
    if (typeof pattern === 'string') log.add(pattern, line, start - lineStart + 1, whole);
    else sink.addPattern(pattern, line, terms);
  });
};

/** The terms of Pi-hole's options; undefined for none. No name holds a semicolon, so that one begins an option. */
const readOptions = (options: readonly string[]): RuleTerms | undefined | DiagnosticCode => {
  const [option, ...others] = options;
  if (option === undefined) return undefined;
  const [, sign, list = ''] = /^querytype=(!?)([A-Za-z0-9,]+)$/.exec(option.trim()) ?? [];
  if (others.length > 0 || sign === undefined) return 'pattern-option';
  const types: number[] = [];
  for (const word of list.split(',')) {
    const type = parseType(word.toUpperCase());
    if (type === undefined) return 'unknown-type';
    types.push(type);
  }
  const sorted = [...new Set(types)].sort((a, b) => a - b);
  return { action: { kind: 'list' }, types: { types: sorted, isExcluding: sign === '!' } };
};
