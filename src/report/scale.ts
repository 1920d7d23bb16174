// Where things stand in a figure: shared by the figures of pages and of PDF.

import { DAY_MS } from '../base/base.ts';
import type { BarChart, Timeline, Tone } from './document.ts';
import { dayText } from './time-text.ts';

/** Shortest stretch that is drawn, in the unit of the width: an outage of seconds in a quarter can still be seen. */
const WIDTH_MIN = 1.2;
/** Ticks of an axis. */
const TICKS_MAX = 7;

/** Fills of a tone: 3:1 against white (WCAG 2.2, 1.4.11), and told apart in grey and by who sees no red. */
export const TONE_FILL: Readonly<Record<Tone, string>> = {
  good: '#1f7a5c',
  bad: '#b3261e',
  warning: '#b8720a',
  unknown: '#8a8f98',
};

/** How high a tone is drawn, as a part of its row: told apart without colors as well. */
const TONE_HEIGHT: Readonly<Record<Tone, number>> = { good: 0.7, bad: 1, warning: 1, unknown: 0.25 };
/** Widest label of a tick, in parts of the width: none is cut off at the right. */
const TICK_ROOM = 0.1;

/** A rectangle along the axis; `top` and `height` are parts of the row. */
export interface Stretch {
  readonly x: number;
  readonly width: number;
  readonly top: number;
  readonly height: number;
  readonly tone: Tone;
}

/** The stretches of a row, the bad ones last so that nothing covers them. */
export const placeStretches = (
  { fromMs, untilMs }: Timeline,
  stretches: Timeline['rows'][number]['stretches'],
  width: number,
): Stretch[] =>
  stretches
    .map((one): Stretch => {
      const x = ((one.fromMs - fromMs) / (untilMs - fromMs)) * width;
      const exact = ((one.untilMs - one.fromMs) / (untilMs - fromMs)) * width;
      const drawn = one.tone === 'good' ? exact : Math.max(exact, WIDTH_MIN);
      const height = TONE_HEIGHT[one.tone];
      return { x: Math.min(x, width - drawn), width: drawn, top: (1 - height) / 2, height, tone: one.tone };
    })
    .sort((a, b) => TONE_ORDER[a.tone] - TONE_ORDER[b.tone] || a.x - b.x);

const TONE_ORDER: Readonly<Record<Tone, number>> = { good: 0, unknown: 1, warning: 2, bad: 3 };

/** A mark of a time axis. */
export interface Tick {
  readonly x: number;
  readonly label: string;
}

/** Days along a time axis. */
export const placeTimeTicks = (
  { fromMs, untilMs }: Pick<Timeline, 'fromMs' | 'untilMs'>,
  width: number,
): Tick[] => {
  const days = Math.max(1, Math.ceil((untilMs - fromMs) / DAY_MS / TICKS_MAX));
  const ticks: Tick[] = [];
  for (let ms = Math.ceil(fromMs / DAY_MS) * DAY_MS; ms < untilMs; ms += days * DAY_MS)
    ticks.push({ x: ((ms - fromMs) / (untilMs - fromMs)) * width, label: dayText(ms) });
  return ticks.filter(({ x }) => x < width * (1 - TICK_ROOM));
};

/** A bar with its height as a part of the whole. */
export interface Bar {
  readonly x: number;
  readonly width: number;
  readonly part: number;
  readonly day: string;
  readonly count: number;
}

/** Bars side by side, and the number at the top of the scale. */
export const placeBars = ({ bars }: BarChart, width: number): { bars: Bar[]; top: number; ticks: Tick[] } => {
  const top = roundUp(Math.max(1, ...bars.map(({ count }) => count)));
  const step = width / Math.max(1, bars.length);
  const every = Math.max(1, Math.ceil(bars.length / TICKS_MAX));
  return {
    top,
    bars: bars.map(({ day, count }, at) => ({
      x: at * step + step * 0.1,
      width: step * 0.8,
      part: count / top,
      day,
      count,
    })),
    ticks: bars.flatMap(({ day }, at) =>
      at % every === 0 && at * step < width * (1 - TICK_ROOM) ? [{ x: at * step, label: day }] : [],
    ),
  };
};

/** The next of 1, 2, 5, 10, 20, 50, … */
const roundUp = (value: number): number => {
  const power = 10 ** Math.floor(Math.log10(value));
  for (const factor of [1, 2, 5]) if (value <= factor * power) return factor * power;
  return 10 * power;
};
