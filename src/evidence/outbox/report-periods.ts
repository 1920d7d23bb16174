// The periods of reports that are made by themselves: UTC days, weeks from Monday on, months and quarters.
import { DAY_MS } from '../../base/base.ts';
import type { ReportsConfig } from '../../config/config.ts';

/** How often. */
export type Every = ReportsConfig['schedule'][number]['every'];

/** Milliseconds since the epoch; `untilMs` is exclusive. */
export interface ReportPeriod {
  readonly fromMs: number;
  readonly untilMs: number;
  /** Part of the name of its file, such as `2026-Q3`. */
  readonly name: string;
}

const WEEK_DAYS = 7;
/** The first day of the epoch was a Thursday. */
const THURSDAY = 3;
const QUARTER_MONTHS = 3;

/** The beginning of the period that holds a time. */
const startOf = (ms: number, every: Every): number => {
  const date = new Date(ms);
  const day = Math.floor(ms / DAY_MS);
  switch (every) {
    case 'daily':
      return day * DAY_MS;
    case 'weekly':
      return (day - ((day + THURSDAY) % WEEK_DAYS)) * DAY_MS;
    case 'monthly':
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
    case 'quarterly':
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - (date.getUTCMonth() % QUARTER_MONTHS), 1);
  }
};

/** The period that begins with a time, or holds it. */
export const periodAt = (ms: number, every: Every): ReportPeriod => {
  const fromMs = startOf(ms, every);
  const from = new Date(fromMs);
  const month = from.getUTCMonth();
  switch (every) {
    case 'daily':
      return { fromMs, untilMs: fromMs + DAY_MS, name: from.toISOString().slice(0, 10) };
    case 'weekly':
      return { fromMs, untilMs: fromMs + WEEK_DAYS * DAY_MS, name: weekName(fromMs) };
    case 'monthly':
      return {
        fromMs,
        untilMs: Date.UTC(from.getUTCFullYear(), month + 1, 1),
        name: from.toISOString().slice(0, 7),
      };
    case 'quarterly':
      return {
        fromMs,
        untilMs: Date.UTC(from.getUTCFullYear(), month + QUARTER_MONTHS, 1),
        name: `${from.getUTCFullYear()}-Q${month / QUARTER_MONTHS + 1}`,
      };
  }
};

/** `2026-W48`: the year is that of the week's Thursday (ISO 8601). */
const weekName = (mondayMs: number): string => {
  const thursday = new Date(mondayMs + THURSDAY * DAY_MS);
  const year = thursday.getUTCFullYear();
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (WEEK_DAYS * DAY_MS)) + 1;
  return `${year}-W${String(week).padStart(2, '0')}`;
};
