// Times and lengths as reports write them.
import { DAY_MS } from '../../base/base.ts';

/** UTC, RFC 3339 with milliseconds. */
export const timeText = (ms: number): string => new Date(ms).toISOString();

/** The UTC day of a time. */
export const dayText = (ms: number): string => timeText(ms).slice(0, 10);

/** The UTC days that a period touches. */
export const daysOf = (fromMs: number, untilMs: number): string[] => {
  const days: string[] = [];
  for (let ms = Math.floor(fromMs / DAY_MS) * DAY_MS; ms < untilMs; ms += DAY_MS) days.push(dayText(ms));
  return days;
};
