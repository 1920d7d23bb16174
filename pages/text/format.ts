// Numbers, times and lengths of time in the reader's language. Times are UTC: the records are, and so is what is said on the phone.
import type { Language } from './text.ts';

const SECOND = 1;
const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;

type Unit = 'second' | 'minute' | 'hour' | 'day';
/** Units used with the SI. */
const SYMBOLS = { second: 's', minute: 'min', hour: 'h' } as const;

/** A number and its unit stay on one line. */
const NBSP = '\u00a0';

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
  /** `25 Nov` */
  readonly dayOfYear: (time: string) => string;
  /** `40 s`, `2 h 12 min` */
  readonly length: (seconds: number) => string;
  /** `40 s ago`, `in 5 d` */
  readonly ago: (seconds: number) => string;
  readonly bytes: (count: number) => string;
  readonly list: (items: readonly string[]) => string;
  /** Between a thing and what is said of it: in French it stands off from both. */
  readonly colon: string;
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

/** What stands around a length of time that has passed, or that is still to come. */
const PAST: Readonly<Record<Language, readonly [string, string]>> = {
  en: ['', ' ago'],
  fr: ['il y a ', ''],
  nl: ['', ' geleden'],
  de: ['vor ', ''],
};
const FUTURE: Readonly<Record<Language, readonly [string, string]>> = {
  en: ['in ', ''],
  fr: ['dans ', ''],
  nl: ['over ', ''],
  de: ['in ', ''],
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
  const dayOfYear = new Intl.DateTimeFormat(locale, { timeZone: 'UTC', day: 'numeric', month: 'short' });
  const days = new Intl.NumberFormat(locale, { style: 'unit', unit: 'day', unitDisplay: 'long' });
  const lengthOf = (seconds: number): string =>
    partsOf(seconds)
      .map(([count, unit]) =>
        unit === 'day' ? days.format(count) : `${number.format(count)}${NBSP}${SYMBOLS[unit]}`,
      )
      .join(' ');
  const relative = new Intl.RelativeTimeFormat(locale, { style: 'long', numeric: 'always' });
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
    dayOfYear: dated(dayOfYear),
    // What lasted is not said to have lasted nothing.
    length: (seconds) => (seconds > 0 && seconds < 0.5 ? `< 1${NBSP}s` : lengthOf(seconds)),
    ago: (seconds) => {
      const size = Math.abs(Math.round(seconds));
      if (size >= 2 * DAY) return relative.format(-Math.round(seconds / DAY), 'day');
      // Symbols of the SI are shorter than words, and the same in every language.
      const step = size < MINUTE ? SECOND : size < HOUR ? MINUTE : HOUR;
      const symbol = step === SECOND ? 's' : step === MINUTE ? 'min' : 'h';
      const text = `${number.format(Math.round(size / step))}${NBSP}${symbol}`;
      const [before, after] = seconds >= 0 ? PAST[language] : FUTURE[language];
      return `${before}${text}${after}`;
    },
    bytes: (count) => (count < 1024 ? `${number.format(count)} B` : `${kibibytes.format(count / 1024)} KiB`),
    list: (items) => list.format(items),
    colon: language === 'fr' ? `${NBSP}: ` : ': ',
  };
};
