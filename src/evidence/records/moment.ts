// Times as every record states them: UTC, RFC 3339 with milliseconds, from 1970 to 2999.
//
// One form only: what compares and sorts as a text is also what a database takes. A time that nobody could have written, such
// as the 31st of February or the year 0, ended views and programs that had to make a date of it.

const FORM = /^(?:19[7-9]\d|2\d{3})-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** The first and the last moment that is one, milliseconds since the epoch. */
export const MOMENT_MS_MIN = 0;
/** See MOMENT_MS_MIN. */
export const MOMENT_MS_MAX = Date.UTC(3000, 0) - 1;

/** True for a time as the recorder writes it. */
export const isMoment = (text: string): boolean => {
  if (!FORM.test(text)) return false;
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && new Date(ms).toISOString() === text;
};

const DAY_FORM = /^(?:19[7-9]\d|2\d{3})-\d\d-\d\d$/;

/** True for a UTC day as partitions and heads name it. */
export const isDay = (text: string): boolean => DAY_FORM.test(text) && isMoment(`${text}T00:00:00.000Z`);
