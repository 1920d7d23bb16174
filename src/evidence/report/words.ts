// How values are written for people. Numbers and times look the same on every machine: no locale of the system is asked.
import type { Cell, ColumnKind } from './document.ts';
import type { ReportTexts } from './texts/texts.ts';

const SECOND_MS = 1_000;
/** Symbols of the SI, the same in all languages. */
const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;
/** Hexadecimal digits of a hash that people compare. */
const HASH_DIGITS = 12;
/** Keeps a number and its unit on one line. */
const TIED = '\u00a0';

/** What stands where there is nothing. */
export const NOTHING = '–';

/** The format of numbers of a language. */
type Format = Pick<ReportTexts, 'thousands' | 'decimal'>;

/** Characters of a cell that people read: a paragraph. CSV and JSON have all. */
const CELL_LENGTH_MAX = 400;

/** A cell for people: what is longer than a paragraph is cut, and says how much is missing. */
export const cellText = (cell: Cell, kind: ColumnKind, texts: ReportTexts): string => {
  const text = wholeText(cell, kind, texts);
  if (text.length <= CELL_LENGTH_MAX) return text;
  const shown = text.slice(0, CELL_LENGTH_MAX).replace(/[\ud800-\udbff]$/, '');
  return `${shown}${texts.front.cut(numberText(text.length - shown.length, texts))}`;
};

const wholeText = (cell: Cell, kind: ColumnKind, texts: ReportTexts): string => {
  if (cell === null || cell === '') return NOTHING;
  switch (kind) {
    case 'number':
      return typeof cell === 'number' ? numberText(cell, texts) : cell;
    case 'duration':
      return typeof cell === 'number' ? durationText(cell, texts) : cell;
    case 'time':
      return timeWords(String(cell));
    case 'hash':
      return String(cell).slice(0, HASH_DIGITS);
    case 'term':
      return termText(String(cell), texts);
    case 'kind':
      // A kind of records may be the cause of something else as well, and means another thing there.
      return texts.terms[`kind:${cell}`] ?? termText(String(cell), texts);
    default:
      return String(cell);
  }
};

/** A code in words, or codes that are separated by `, `; what has no words stands for itself. */
export const termText = (codes: string, { terms }: ReportTexts): string =>
  codes
    .split(', ')
    .map((code) => terms[code] ?? code)
    .join(', ');

/** `1,234,567`. */
export const numberText = (value: number, { thousands }: Format): string =>
  String(value).replace(/\B(?=(?:\d{3})+(?!\d))/g, thousands);

/** `at least 12`. */
export const boundText = (value: number, isLowerBound: boolean, texts: ReportTexts): string =>
  `${isLowerBound ? `${texts.atLeast} ` : ''}${numberText(value, texts)}`;

/** An estimate: `about 60`, `at least about 60`. */
export const aboutText = (value: number, isLowerBound: boolean, texts: ReportTexts): string =>
  `${isLowerBound ? `${texts.atLeast} ` : ''}${texts.about} ${numberText(value, texts)}`;

/** A length as a headline has it: to the second, from a minute on. */
export const roundDuration = (ms: number): number =>
  ms < 60 * SECOND_MS ? ms : Math.round(ms / SECOND_MS) * SECOND_MS;

/** `2 d 3 h`, `4 min 5 s`, `0.25 s`: exact, without the units that are zero. */
export const durationText = (ms: number, { decimal }: Format): string => {
  if (ms === 0) return `0${TIED}s`;
  const parts: string[] = [];
  let restMs = ms;
  for (const [unit, seconds] of UNITS) {
    const unitMs = seconds * SECOND_MS;
    const isLast = seconds === 1;
    const count = Math.floor(restMs / unitMs);
    const thousandths = isLast ? restMs % unitMs : 0;
    if (count > 0 || thousandths > 0)
      parts.push(
        `${count}${thousandths > 0 ? `${decimal}${String(thousandths).padStart(3, '0').replace(/0+$/, '')}` : ''}${TIED}${unit}`,
      );
    restMs -= count * unitMs;
  }
  return parts.join(' ');
};

/** `2026-11-25 10:00:00`, with thousandths where there are any; UTC like all times of a report. */
export const timeWords = (text: string): string =>
  /^\d{4}-\d\d-\d\dT/.test(text) ? text.replace('T', ' ').replace(/(?:\.000)?Z$/, '') : text;

/** `2026-11-25 10:00:00`, without thousandths. */
export const secondsText = (text: string): string => text.slice(0, 19).replace('T', ' ');

/** `2026-11-25 10:00`. */
export const minutesText = (text: string): string => text.slice(0, 16).replace('T', ' ');

/** The day in words. */
export const dayWords = (text: string, texts: ReportTexts): string => {
  const date = new Date(text);
  return texts.day(date.getUTCDate(), texts.months[date.getUTCMonth()] ?? '', date.getUTCFullYear());
};

/** A period in whole days, or with its times; a quarter or a month has its name before. */
export const periodText = (from: string, until: string, texts: ReportTexts): string => {
  if (!from.endsWith('T00:00:00.000Z') || !until.endsWith('T00:00:00.000Z'))
    return texts.times(timeWords(from), timeWords(until));
  const last = new Date(Date.parse(until) - 1).toISOString();
  if (from.slice(0, 10) === last.slice(0, 10)) return dayWords(from, texts);
  const range = texts.range(dayWords(from, texts), dayWords(last, texts));
  const name = calendarName(new Date(from), new Date(until), texts);
  return name === undefined ? range : `${name}: ${range}`;
};

const calendarName = (from: Date, until: Date, texts: ReportTexts): string | undefined => {
  if (from.getUTCDate() !== 1 || until.getUTCDate() !== 1) return undefined;
  const year = from.getUTCFullYear();
  const month = from.getUTCMonth();
  const months = (until.getUTCFullYear() - year) * 12 + until.getUTCMonth() - month;
  if (months === 1) return texts.month(texts.months[month] ?? '', year);
  return months === 3 && month % 3 === 0 ? texts.quarter(month / 3 + 1, year) : undefined;
};

/** The part of a whole in per cent, never rounded up to all or down to nothing. */
export const shareText = (part: number, whole: number, { decimal }: Format): string => {
  if (whole === 0) return NOTHING;
  if (part === whole) return `100${TIED}%`;
  if (part === 0) return `0${TIED}%`;
  const thousandths = Math.min(99_999, Math.max(1, Math.floor((part / whole) * 100_000)));
  return `${Math.floor(thousandths / 1_000)}${decimal}${String(thousandths % 1_000).padStart(3, '0')}${TIED}%`;
};

/** How a number changed, in per cent with a sign: `−7.0 %`; NOTHING where there was none before. */
export const changeText = (now: number, before: number, { decimal, thousands }: Format): string => {
  if (before === 0) return NOTHING;
  const tenths = Math.round(((now - before) / before) * 1_000);
  const sign = tenths > 0 ? '+' : tenths < 0 ? '\u2212' : '\u00b1';
  const whole = numberText(Math.floor(Math.abs(tenths) / 10), { decimal, thousands });
  return `${sign}${whole}${decimal}${Math.abs(tenths) % 10}${TIED}%`;
};

/** Controls, and marks that turn the direction of a text: they would make a page show other than it says. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const DECEIVING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A text that shows what it holds; for pages, never for data. */
export const honestText = (text: string): string => text.replace(DECEIVING, '\ufffd');
