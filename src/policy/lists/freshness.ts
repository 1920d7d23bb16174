// How old a list is by its own entries: each says when somebody last looked at it, and the oldest one counts.
//
// Only the cordon format tells. A list past its review is still in force: an old prohibition is better than none, and a
// person has to look, so that the metric, the status and the log say it.
import { DAY_MS } from '../../base/base.ts';
import type { ListEntry } from './cordon-format.ts';

/** Days after which an entry is due: the shipped lists are reviewed once a year at least. */
export const REVIEW_INTERVAL_DAYS = 365;

/** The days of the first and the last review among the entries, YYYY-MM-DD. */
export interface ReviewDates {
  readonly oldest: string;
  readonly newest: string;
}

/** When the entries were reviewed; undefined for none. */
export const reviewDatesOf = (entries: readonly ListEntry[]): ReviewDates | undefined => {
  let oldest: string | undefined;
  let newest: string | undefined;
  for (const { reviewed } of entries) {
    if (oldest === undefined || reviewed < oldest) oldest = reviewed;
    if (newest === undefined || reviewed > newest) newest = reviewed;
  }
  return oldest === undefined || newest === undefined ? undefined : { oldest, newest };
};

/** Whole days since the oldest review. */
export const reviewAgeDays = ({ oldest }: ReviewDates, nowMs: number): number =>
  Math.floor((nowMs - Date.parse(oldest)) / DAY_MS);

/** The day on which the next review of the oldest entry is due, YYYY-MM-DD. */
export const reviewDueDay = ({ oldest }: ReviewDates): string =>
  new Date(Date.parse(oldest) + REVIEW_INTERVAL_DAYS * DAY_MS).toISOString().slice(0, 10);

/** True when an entry is due for review. */
export const isPastReview = (dates: ReviewDates | undefined, nowMs: number): dates is ReviewDates =>
  dates !== undefined && reviewAgeDays(dates, nowMs) > REVIEW_INTERVAL_DAYS;
