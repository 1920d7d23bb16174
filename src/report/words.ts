// How values are written for people. Numbers and times look the same on every machine: no locale is asked.
import type { Cell, ColumnKind } from './document.ts';

const SECOND_MS = 1_000;
const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;
/** Hexadecimal digits of a hash that people compare. */
const HASH_DIGITS = 12;
/** A narrow no-break space between three digits (SI brochure section 5.4.4); PDF's fonts have only the wide one. */
const DIGIT_SPACE = '\u00a0';

/** What stands where there is nothing. */
export const NOTHING = '–';

/** A cell for people. */
export const cellText = (cell: Cell, kind: ColumnKind): string => {
  if (cell === null || cell === '') return NOTHING;
  switch (kind) {
    case 'number':
      return typeof cell === 'number' ? numberText(cell) : cell;
    case 'duration':
      return typeof cell === 'number' ? durationText(cell) : cell;
    case 'time':
      return timeWords(String(cell));
    case 'hash':
      return String(cell).slice(0, HASH_DIGITS);
    default:
      return String(cell);
  }
};

/** `1 234 567`. */
export const numberText = (value: number): string =>
  String(value).replace(/\B(?=(?:\d{3})+(?!\d))/g, DIGIT_SPACE);

/** `at least 12`. */
export const boundText = (value: number, isLowerBound: boolean): string =>
  `${isLowerBound ? 'at least ' : ''}${numberText(value)}`;

/** An estimate: `about 60`, `at least about 60`. */
export const aboutText = (value: number, isLowerBound: boolean): string =>
  `${isLowerBound ? 'at least ' : ''}about ${numberText(value)}`;

/** `2 d 3 h`, `4 min 5 s`, `0.250 s`: exact, without the units that are zero. */
export const durationText = (ms: number): string => {
  if (ms === 0) return '0 s';
  const parts: string[] = [];
  let restMs = ms;
  for (const [unit, seconds] of UNITS) {
    const unitMs = seconds * SECOND_MS;
    const isLast = seconds === 1;
    const count = Math.floor(restMs / unitMs);
    const thousandths = isLast ? restMs % unitMs : 0;
    if (count > 0 || thousandths > 0)
      parts.push(`${count}${thousandths > 0 ? `.${String(thousandths).padStart(3, '0')}` : ''} ${unit}`);
    restMs -= count * unitMs;
  }
  return parts.join(' ');
};

/** `2026-11-25 10:00:00`, with thousandths where there are any; UTC like all times of a report. */
export const timeWords = (text: string): string => text.replace('T', ' ').replace(/(?:\.000)?Z$/, '');

/** A period in whole days, or with its times. */
export const periodText = (from: string, until: string): string => {
  if (!from.endsWith('T00:00:00.000Z') || !until.endsWith('T00:00:00.000Z'))
    return `${timeWords(from)} until before ${timeWords(until)} UTC`;
  const last = new Date(Date.parse(until) - 1).toISOString().slice(0, 10);
  const first = from.slice(0, 10);
  return first === last ? `${first} (UTC day)` : `${first} to ${last} (UTC days)`;
};

/** The part of a whole in per cent, never rounded up to all or down to nothing. */
export const shareText = (part: number, whole: number): string => {
  if (whole === 0) return NOTHING;
  if (part === whole) return '100 %';
  if (part === 0) return '0 %';
  const thousandths = Math.min(99_999, Math.max(1, Math.floor((part / whole) * 100_000)));
  return `${Math.floor(thousandths / 1_000)}.${String(thousandths % 1_000).padStart(3, '0')} %`;
};

/** `1 exemption`, `2 exemptions`. */
export const countText = (count: number, noun: string): string =>
  `${numberText(count)} ${noun}${count === 1 ? '' : 's'}`;

/** Controls, and marks that turn the direction of a text: they would make a page show other than it says. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const DECEIVING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A text that shows what it holds; for pages, never for data. */
export const honestText = (text: string): string => text.replace(DECEIVING, '\ufffd');
