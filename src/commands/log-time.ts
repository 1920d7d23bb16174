// Times on the command line of the query log.
import { UsageError } from './usage-error.ts';

/** A day or a time with its zone, milliseconds; undefined where none is given. Throws UsageError. */
export const timeFrom = (text: string | undefined, name: string): number | undefined => {
  if (text === undefined) return undefined;
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text);
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/.test(text);
  const timeMs = isDay || isTime ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(timeMs))
    throw new UsageError(`--${name} is a day or a time with its zone, such as 2026-11-30T10:00:00Z`);
  return timeMs;
};
