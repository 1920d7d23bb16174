// Where things stand in a figure, in parts of its width: shared by the figures of pages and of PDF.

import { DAY_MS, HOUR_MS } from '../../base/base.ts';
import type { Timeline, Tone } from './document.ts';
import type { ReportTexts } from './texts/texts.ts';
import { numberText } from './words.ts';

/** What is shorter is drawn as a stroke, which no width makes thinner than 3 px. */
export const STROKE_PART = 0.01;
/** Marks of an axis. */
const TICKS_MAX = 8;
/** Behind it, the label of a mark would be cut off. */
const TICK_PART_MAX = 0.93;
/** Between two numbers above a strip that stand in one line. */
const PIN_PART = 0.028;
/** Lines of numbers above a strip: page one has no room for another. */
const PIN_LINES = 1;
/** Counts are shortened from here on. */
const SHORT_FROM = 10_000;

/** How high a tone is drawn, as a part of its row: told apart without colors as well. */
export const TONE_HEIGHT: Readonly<Record<Tone, number>> = { good: 0.7, bad: 1, warning: 1, unknown: 0.3 };
const TONE_ORDER: Readonly<Record<Tone, number>> = { good: 0, unknown: 1, warning: 2, bad: 3 };

/** A stretch along the axis, as parts of it. */
export interface Stretch {
  readonly from: number;
  readonly width: number;
  readonly tone: Tone;
}

/** The stretches of a row, the bad ones last so that nothing covers them. */
export const placeStretches = (
  { fromMs, untilMs }: Timeline,
  stretches: Timeline['rows'][number]['stretches'],
): Stretch[] =>
  stretches
    .map(
      (one): Stretch => ({
        from: (one.fromMs - fromMs) / (untilMs - fromMs),
        width: (one.untilMs - one.fromMs) / (untilMs - fromMs),
        tone: one.tone,
      }),
    )
    .sort((a, b) => TONE_ORDER[a.tone] - TONE_ORDER[b.tone] || a.from - b.from);

/** A number above a strip; `line` counts from the strip upwards. */
export interface Pin {
  readonly part: number;
  readonly line: number;
  readonly label: string;
}

/** Numbers that find room; those that do not stand in the table alone. */
export const placePins = ({ fromMs, untilMs, pins }: Timeline): Pin[] => {
  const ends: number[] = [];
  const placed: Pin[] = [];
  for (const { atMs, label } of pins) {
    const part = (atMs - fromMs) / (untilMs - fromMs);
    for (let line = 0; line < PIN_LINES; line++) {
      if (part - (ends[line] ?? -1) < PIN_PART) continue;
      ends[line] = part;
      placed.push({ part, line, label });
      break;
    }
  }
  return placed;
};

/** A mark of a time axis. */
export interface Tick {
  readonly part: number;
  readonly label: string;
}

/** Hours of a day, days of a month, months of a year, years. */
export const placeTimeTicks = (fromMs: number, untilMs: number, texts: ReportTexts): Tick[] => {
  const ticks = momentsOf(fromMs, untilMs, texts).map(({ ms, label }) => ({
    part: (ms - fromMs) / (untilMs - fromMs),
    label,
  }));
  const every = Math.ceil(ticks.length / TICKS_MAX);
  return ticks.filter(({ part }, at) => at % every === 0 && part < TICK_PART_MAX);
};

const momentsOf = (fromMs: number, untilMs: number, texts: ReportTexts): { ms: number; label: string }[] => {
  const spanMs = untilMs - fromMs;
  const moments: { ms: number; label: string }[] = [];
  if (spanMs <= 40 * DAY_MS) {
    const stepMs = spanMs <= 3 * DAY_MS ? 3 * HOUR_MS : DAY_MS;
    for (let ms = Math.ceil(fromMs / stepMs) * stepMs; ms < untilMs; ms += stepMs) {
      const text = new Date(ms).toISOString();
      moments.push({ ms, label: stepMs === DAY_MS ? text.slice(5, 10) : text.slice(11, 16) });
    }
    return moments;
  }
  const isYears = spanMs > 800 * DAY_MS;
  const first = new Date(fromMs);
  for (let month = 0; ; month++) {
    const ms = Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + month, 1);
    if (ms >= untilMs) return moments;
    const at = new Date(ms);
    if (ms < fromMs || (isYears && at.getUTCMonth() !== 0)) continue;
    moments.push({
      ms,
      label: isYears ? String(at.getUTCFullYear()) : (texts.months[at.getUTCMonth()] ?? ''),
    });
  }
};

/** A round number that is no less: the top of a scale. */
export const roundUp = (value: number): number => {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  for (const factor of [1, 1.5, 2, 3, 4, 5, 6, 8]) if (value <= factor * power) return factor * power;
  return 10 * power;
};

/** A count beside a bar: `8,412`, `11.8 k`. */
export const shortText = (count: number, texts: ReportTexts): string => {
  if (count < SHORT_FROM) return numberText(count, texts);
  const [unit, size] = count < 1_000_000 ? ['k', 1_000] : ['M', 1_000_000];
  const tenths = Math.round((count / size) * 10);
  return `${numberText(Math.floor(tenths / 10), texts)}${texts.decimal}${tenths % 10}\u00a0${unit}`;
};
