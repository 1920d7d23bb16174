// The leaves of a schedule: dates and instants, hours of a day, time zones.
//
// A date is the midnight at which it begins where the clocks of a time zone say so; which zone that is stands beside
// it, so that a date only becomes an instant when both are known.

import { DAY_MS } from '../base/base.ts';
import { withForm } from './form.ts';
import { Fault, quote, same, suggest, textLeaf } from './value.ts';

/** The words of weekdays; a day's number is its place. */
export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** A point in time as it is written. */
export interface TimePoint {
  /** Milliseconds since the epoch; for a date, of its midnight in UTC. */
  readonly ms: number;
  readonly isDate: boolean;
}

/** Minutes since midnight, from the first until before the second; a first that is later runs past midnight. */
export interface DayHours {
  readonly fromMin: number;
  readonly untilMin: number;
}

/** Two centuries: what lies outside is a slip. */
const DATE = /^2[01]\d\d-\d\d-\d\d$/;
/** RFC 3339 section 5.6, without leap seconds, which clocks of computers do not have. */
const INSTANT =
  /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i;
const HOURS = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24(?=:00)):([0-5]\d)$/;
const HOUR_MIN = 60;
/** Names of time zones are short; the longest of the IANA has 32 letters. */
const TIME_ZONE_LENGTH_MAX = 64;

/** A date, or an instant of RFC 3339. */
export const timePoint = () =>
  textLeaf(
    { name: 'date or time', bounds: '`2026-12-01` or `2026-12-01T08:00:00+01:00`' },
    (text) => {
      const isDate = DATE.test(text);
      const [, day = ''] = INSTANT.exec(text) ?? [];
      return isDay(isDate ? text : day)
        ? { ms: Date.parse(text.toUpperCase()), isDate }
        : new Fault(
            'ERR_CONFIG_VALUE',
            `${quote(text)} is not a date or a time`,
            'write it such as "2026-12-01" or "2026-12-01T08:00:00+01:00"',
          );
    },
    ({ ms }) => new Date(ms).toISOString(),
  );

/** timePoint() of a paper, milliseconds since the epoch in the program: a date is its midnight in UTC. */
export const paperTime = () =>
  withForm(timePoint(), { into: ({ ms }) => ms, from: (ms): TimePoint => ({ ms, isDate: false }) });

/** True for a date that the calendar has: Date.parse() takes February 30 for March 2. */
const isDay = (text: string): boolean => {
  const ms = DATE.test(text) ? Date.parse(text) : Number.NaN;
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
};

/** Hours of a day, such as `08:00-18:00`; `22:00-06:00` runs past midnight. */
export const dayHours = () =>
  textLeaf<DayHours>(
    { name: 'hours', bounds: '`00:00-24:00`; past midnight when the first is later' },
    (text) => {
      const [, ...parts] = HOURS.exec(text) ?? [];
      const [fromHour = 0, fromMinute = 0, untilHour = 0, untilMinute = 0] = parts.map(Number);
      if (parts.length === 0) {
        const hint = 'write them such as "08:00-18:00"';
        return new Fault('ERR_CONFIG_VALUE', `${quote(text)} is not a range of hours`, hint);
      }
      const hours = {
        fromMin: fromHour * HOUR_MIN + fromMinute,
        untilMin: untilHour * HOUR_MIN + untilMinute,
      };
      return hours.fromMin === hours.untilMin
        ? new Fault('ERR_CONFIG_VALUE', `${quote(text)} has no hour`, 'write "00:00-24:00" for all of them')
        : hours;
    },
    formatDayHours,
  );

const formatDayHours = ({ fromMin, untilMin }: DayHours): string =>
  `${formatMinute(fromMin)}-${formatMinute(untilMin)}`;

const formatMinute = (minute: number): string =>
  [Math.floor(minute / HOUR_MIN), minute % HOUR_MIN].map((part) => String(part).padStart(2, '0')).join(':');

/** The name of a time zone. */
export const timeZone = () =>
  textLeaf(
    { name: 'time zone', bounds: 'a name of the IANA, such as `Europe/Brussels`' },
    (text) =>
      isTimeZone(text)
        ? text
        : new Fault(
            'ERR_CONFIG_VALUE',
            `${quote(text)} is not a time zone`,
            suggest(text, Intl.supportedValuesOf('timeZone')) ?? 'write its name, such as "Europe/Brussels"',
          ),
    same,
  );

const isTimeZone = (text: string): boolean => {
  // Offsets such as +01:00 are known to Intl, but do not follow the clocks of a place.
  if (text.length > TIME_ZONE_LENGTH_MAX || !/^[A-Za-z]/.test(text)) return false;
  try {
    clockOf(text);
    return true;
  } catch (thrown) {
    if (thrown instanceof RangeError) return false;
    throw thrown;
  }
};

/**
 * The instant of a point in a time zone: for a date, when its first moment there begins.
 *
 * Clocks that are put forward at midnight skip it: then the day begins at the hour that follows. Clocks that are put
 * back show a midnight twice: then the day begins at the first.
 */
export const toInstantMs = ({ ms, isDate }: TimePoint, zone: string): number => {
  if (!isDate) return ms;
  const clock = clockOf(zone);
  // Clocks change at most once in the two days around it.
  const instants = [ms - DAY_MS, ms + DAY_MS].map((around) => ms - offsetMs(clock, around));
  const reached = instants.filter((instant) => instant + offsetMs(clock, instant) >= ms);
  return Math.min(...reached);
};

const clockOf = (zone: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
    hourCycle: 'h23',
  });

/** How far the clocks of a zone are ahead of UTC at an instant of whole seconds. */
const offsetMs = (clock: Intl.DateTimeFormat, instantMs: number): number => {
  const parts = new Map(clock.formatToParts(instantMs).map(({ type, value }) => [type, Number(value)]));
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  const local = Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
  );
  return local - instantMs;
};
