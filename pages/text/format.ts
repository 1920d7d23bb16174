// Numbers, times and lengths of time in the reader's language. Times are UTC: the records are, and so is what is said on the phone.
import type { Language } from './text.ts';

const SECOND = 1;
const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;

type Unit = 'second' | 'minute' | 'hour' | 'day';

/** What a page writes values with. */
export interface Format {
  readonly number: (value: number) => string;
  readonly percent: (share: number) => string;
  /** `14:31:52` */
  readonly clock: (time: string) => string;
  /** `25 Nov 2026, 14:31 UTC` */
  readonly time: (time: string) => string;
  /** `25 Nov 2026` */
  readonly day: (time: string) => string;
  /** `40 s`, `2 h 12 min` */
  readonly length: (seconds: number) => string;
  /** `40 s ago`, `in 5 d` */
  readonly ago: (seconds: number) => string;
  readonly bytes: (count: number) => string;
  readonly list: (items: readonly string[]) => string;
}

const partsOf = (seconds: number): [number, Unit][] => {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < MINUTE) return [[whole, 'second']];
  if (whole < HOUR) {
    const rest = whole % MINUTE;
    const minutes: [number, Unit] = [Math.floor(whole / MINUTE), 'minute'];
    return rest > 0 && whole < 10 * MINUTE ? [minutes, [rest, 'second']] : [minutes];
  }
  if (whole < DAY) {
    const rest = Math.floor((whole % HOUR) / MINUTE);
    const hours: [number, Unit] = [Math.floor(whole / HOUR), 'hour'];
    return rest > 0 ? [hours, [rest, 'minute']] : [hours];
  }
  const rest = Math.floor((whole % DAY) / HOUR);
  const days: [number, Unit] = [Math.floor(whole / DAY), 'day'];
  return rest > 0 && whole < 3 * DAY ? [days, [rest, 'hour']] : [days];
};

const largest = (seconds: number): [number, Intl.RelativeTimeFormatUnit] => {
  const size = Math.abs(seconds);
  if (size < MINUTE) return [Math.round(seconds / SECOND), 'second'];
  if (size < HOUR) return [Math.round(seconds / MINUTE), 'minute'];
  if (size < 2 * DAY) return [Math.round(seconds / HOUR), 'hour'];
  return [Math.round(seconds / DAY), 'day'];
};

/** English as those read it who write days before months. */
const localeOf = (language: Language): string => (language === 'en' ? 'en-GB' : language);

/** The ways to write values in a language. */
export const createFormat = (language: Language): Format => {
  const locale = localeOf(language);
  const number = new Intl.NumberFormat(locale);
  const percent = new Intl.NumberFormat(locale, { style: 'percent', maximumSignificantDigits: 3 });
  const clock = new Intl.DateTimeFormat(locale, {
    timeZone: 'UTC',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  const time = new Intl.DateTimeFormat(locale, {
    timeZone: 'UTC',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const day = new Intl.DateTimeFormat(locale, {
    timeZone: 'UTC',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
  });
  const units = new Map<Unit, Intl.NumberFormat>(
    (['second', 'minute', 'hour', 'day'] as const).map((unit) => [
      unit,
      new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'short' }),
    ]),
  );
  const relative = new Intl.RelativeTimeFormat(locale, { style: 'short', numeric: 'always' });
  const kibibytes = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const list = new Intl.ListFormat(locale, { type: 'conjunction' });
  const dated =
    (format: Intl.DateTimeFormat) =>
    (text: string): string => {
      const date = new Date(text);
      return Number.isNaN(date.getTime()) ? text : format.format(date);
    };
  return {
    number: (value) => number.format(value),
    percent: (share) => percent.format(share),
    clock: dated(clock),
    time: (text) => `${dated(time)(text)} UTC`,
    day: dated(day),
    length: (seconds) =>
      partsOf(seconds)
        .map(([count, unit]) => units.get(unit)?.format(count) ?? '')
        .join(' '),
    ago: (seconds) => relative.format(...largest(-seconds)),
    bytes: (count) => (count < 1024 ? `${number.format(count)} B` : `${kibibytes.format(count / 1024)} KiB`),
    list: (items) => list.format(items),
  };
};
