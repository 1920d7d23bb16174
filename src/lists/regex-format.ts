// The format `regex`: one regular expression a line, bare or between slashes, tried on the folded name without its
// last dot. It matches anywhere in the name unless it is anchored. Comments are those of the other text formats.
// What an expression may hold, and what it may cost, is in pattern.ts.
import type { RuleSink } from '../policy/policy.ts';
import type { DiagnosticLog } from './diagnostic.ts';
import { forEachLine, textOf } from './lines.ts';
import type { ListBytes } from './list-file.ts';
import { PatternReader } from './pattern.ts';

/** Streams the expressions of a `regex` list into the sink. */
export const feedPatterns = (read: ListBytes, sink: RuleSink, log: DiagnosticLog): void => {
  const patterns = new PatternReader();
  forEachLine(read, log, (bytes, start, end, line, lineStart) => {
    const text = textOf(bytes, start, end);
    // No name holds a slash, so a pair of them can only be delimiters.
    const isDelimited = text.length > 2 && text.startsWith('/') && text.endsWith('/');
    const pattern = patterns.read(isDelimited ? text.slice(1, -1) : text);
    if (typeof pattern === 'string') log.add(pattern, line, start - lineStart + 1, text);
    else sink.addPattern(pattern, line);
  });
};
