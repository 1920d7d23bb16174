// Since when the prohibition is in force, out of the times in which it was not. Pure.
import type { Span } from '../api/shapes.ts';

/** Not in force, whatever was proven or recorded meanwhile. */
const OUT: ReadonlySet<Span['state']> = new Set(['not-in-force', 'paused', 'no-evidence']);

/** The last time in which it was not in force, or nobody has evidence of it; undefined: there was none. */
export const sinceOf = (spans: readonly Span[]): Span | undefined => {
  let last: Span | undefined;
  for (const span of spans)
    if (OUT.has(span.state) && (last === undefined || Date.parse(span.to) > Date.parse(last.to))) last = span;
  return last;
};
