// The period that a person asks for: days or times, always in UTC unless an offset is written.
//
// A day as the end means the whole of that day; a time as the end is not included. Nothing is guessed: a time without
// `Z` or an offset could be that of any place.
import { DAY_MS } from '../../base/base.ts';

/** Milliseconds since the epoch; `untilMs` is exclusive. */
export interface AskedPeriod {
  readonly fromMs: number;
  readonly untilMs: number;
}

const DAY = /^\d{4}-\d\d-\d\d$/;
const TIME =
  /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,3})?)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
/** Ten years: more than any retention keeps. */
const LENGTH_DAYS_MAX = 3_660;

/** Reads the two ends of a period; a sentence says what is wrong with them. */
export const readPeriod = (from: string, to: string): AskedPeriod | string => {
  const start = readMoment(from);
  const end = readMoment(to);
  if (start === undefined) return wrongMoment('--from', from);
  if (end === undefined) return wrongMoment('--to', to);
  const period = { fromMs: start.ms, untilMs: end.isDay ? end.ms + DAY_MS : end.ms };
  if (period.untilMs <= period.fromMs) return '--to is before --from';
  if (period.untilMs - period.fromMs > LENGTH_DAYS_MAX * DAY_MS)
    return `a report covers ${LENGTH_DAYS_MAX} days at most`;
  return period;
};

const readMoment = (text: string): { ms: number; isDay: boolean } | undefined => {
  if (DAY.test(text)) return isRealDay(text) ? { ms: Date.parse(text), isDay: true } : undefined;
  const day = TIME.exec(text)?.[1];
  return day !== undefined && isRealDay(day) ? { ms: Date.parse(text), isDay: false } : undefined;
};

/** February has no 30th day: some programs would take it for a day of March. */
const isRealDay = (text: string): boolean => {
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
};

const wrongMoment = (option: string, text: string): string =>
  `${option} "${text.slice(0, 40)}" is neither a day (2026-11-25) nor a time with its zone (2026-11-25T08:00:00Z)`;
