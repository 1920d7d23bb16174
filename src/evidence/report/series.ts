// Counts over time in steps that people read: hours of a day, days of a quarter, weeks of a year, months of many.
import { DAY_MS, HOUR_MS } from '../../base/base.ts';
import type { MandateAttempts } from './model.ts';

/** Step of a series. */
export type Step = MandateAttempts['series']['step'];

/** Longest period in hours, in days and in weeks, milliseconds: some 50, 100 and 110 bars. */
const HOURS_MS_MAX = 2 * DAY_MS;
const DAYS_MS_MAX = 100 * DAY_MS;
const WEEKS_MS_MAX = 760 * DAY_MS;
const WEEK_DAYS = 7;
/** The first day of the epoch was a Thursday. */
const THURSDAY = 3;

/** The step for a period of a length, milliseconds. */
export const stepOf = (ms: number): Step => {
  if (ms <= HOURS_MS_MAX) return 'hour';
  if (ms <= DAYS_MS_MAX) return 'day';
  return ms <= WEEKS_MS_MAX ? 'week' : 'month';
};

/** The beginning of the step that holds a time; weeks begin on Monday (ISO 8601). */
export const stepStart = (ms: number, step: Step): number => {
  const dayMs = Math.floor(ms / DAY_MS) * DAY_MS;
  switch (step) {
    case 'hour':
      return Math.floor(ms / HOUR_MS) * HOUR_MS;
    case 'day':
      return dayMs;
    case 'week':
      return dayMs - ((Math.floor(ms / DAY_MS) + THURSDAY) % WEEK_DAYS) * DAY_MS;
    case 'month': {
      const date = new Date(ms);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
    }
  }
};

const nextStart = (startMs: number, step: Step): number => {
  switch (step) {
    case 'hour':
      return startMs + HOUR_MS;
    case 'day':
      return startMs + DAY_MS;
    case 'week':
      return startMs + WEEK_DAYS * DAY_MS;
    case 'month': {
      const date = new Date(startMs);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
    }
  }
};

/** The beginnings of all steps that a period touches. */
export const stepsOf = (fromMs: number, untilMs: number, step: Step): number[] => {
  const starts: number[] = [];
  for (let ms = stepStart(fromMs, step); ms < untilMs; ms = nextStart(ms, step)) starts.push(ms);
  return starts;
};

/** Number of the week of a Monday (ISO 8601): week 1 has the year's first Thursday. */
export const weekNumber = (mondayMs: number): number => {
  const thursday = new Date(mondayMs + THURSDAY * DAY_MS);
  const yearMs = Date.UTC(thursday.getUTCFullYear(), 0, 1);
  return Math.floor((thursday.getTime() - yearMs) / (WEEK_DAYS * DAY_MS)) + 1;
};

/**
 * The period before one: as many calendar months before where it is made of whole months, otherwise as long and directly
 * before.
 */
export const periodBefore = (fromMs: number, untilMs: number): { fromMs: number; untilMs: number } => {
  const from = new Date(fromMs);
  const until = new Date(untilMs);
  const isMonth = (date: Date): boolean => date.getUTCDate() === 1 && date.getTime() % DAY_MS === 0;
  if (!isMonth(from) || !isMonth(until)) return { fromMs: 2 * fromMs - untilMs, untilMs: fromMs };
  const months =
    (until.getUTCFullYear() - from.getUTCFullYear()) * 12 + until.getUTCMonth() - from.getUTCMonth();
  return {
    fromMs: Date.UTC(from.getUTCFullYear(), from.getUTCMonth() - months, 1),
    untilMs: fromMs,
  };
};
