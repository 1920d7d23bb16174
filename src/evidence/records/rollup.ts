// What queries are counted by: the columns of the table `rollup`, taken from a record.
//
// The recorder counts while it writes and verify() counts again while it reads; both have the words from here.
import { HOUR_MS } from '../../base/base.ts';

/** The start of the hour of a time. */
export const rollupHourMs = (timeMs: number): number => Math.floor(timeMs / HOUR_MS) * HOUR_MS;

/** The members of a record in the order of the columns; '' for one that it does not have. */
export const rollupColumns = (record: Readonly<Record<string, unknown>>): string[] =>
  MEMBERS.map((name) => {
    const value = record[name];
    return typeof value === 'string' ? value : '';
  });

const MEMBERS = ['kind', 'group', 'list', 'category', 'trigger', 'signal', 'exemption'];
