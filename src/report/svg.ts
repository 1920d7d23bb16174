// The figures of the HTML report: SVG within the page, each with a title and a description in words.
//
// What a figure shows also stands in a table: a reader who cannot see it, or prints in grey, misses nothing.
import type { BarChart, Timeline } from './document.ts';
import { placeBars, placeStretches, placeTimeTicks, TONE_FILL } from './scale.ts';
import { honestText, numberText } from './words.ts';

/** In units of the drawing; the page scales it to its width. */
const WIDTH = 900;
const LABEL_WIDTH = 170;
const ROW_HEIGHT = 22;
/** What is drawn of a row. */
const BAND = ROW_HEIGHT - 2;
const AXIS_HEIGHT = 24;
const BARS_HEIGHT = 160;
/** Rows of a timeline; a view more is in the table. */
const ROWS_MAX = 60;
/** Characters of a label that fit. */
const LABEL_LENGTH_MAX = 26;

/** Text within HTML or SVG. */
export const escapeText = (text: string): string =>
  honestText(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** A figure as SVG; `id` is of the page. */
export const toSvg = (figure: BarChart | Timeline, id: string): string =>
  figure.kind === 'bars' ? barsToSvg(figure, id) : timelineToSvg(figure, id);

const open = (id: string, height: number, title: string, description: string): string =>
  `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="${id}-title ${id}-text">` +
  `<title id="${id}-title">${escapeText(title)}</title><desc id="${id}-text">${escapeText(description)}</desc>`;

/** Two decimals: enough for a pixel, and the same bytes everywhere. */
const round = (value: number): string => String(Math.round(value * 100) / 100);

const rect = (x: number, y: number, width: number, height: number, fill: string, title = ''): string =>
  `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" fill="${fill}">` +
  `${title === '' ? '' : `<title>${escapeText(title)}</title>`}</rect>`;

const text = (x: number, y: number, content: string, anchor = 'start'): string =>
  `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escapeText(content)}</text>`;

const barsToSvg = (chart: BarChart, id: string): string => {
  const width = WIDTH - 70;
  const { bars, top, ticks } = placeBars(chart, width);
  const total = chart.bars.reduce((sum, { count }) => sum + count, 0);
  const most = chart.bars.reduce((best, one) => (one.count > best.count ? one : best), { day: '', count: 0 });
  const description =
    total === 0
      ? 'None on any day.'
      : `Between 0 and ${numberText(most.count)} a day; the most on ${most.day}. The table of days has each number.`;
  const baseline = BARS_HEIGHT + 8;
  return [
    open(id, baseline + AXIS_HEIGHT, chart.title, description),
    ...[0, 0.5, 1].map(
      (part) =>
        `<line x1="70" x2="${WIDTH}" y1="${round(baseline - part * BARS_HEIGHT)}" y2="${round(baseline - part * BARS_HEIGHT)}" stroke="#c6cad1"/>`,
    ),
    ...[0, 1].map((part) => text(62, baseline - part * BARS_HEIGHT + 5, numberText(part * top), 'end')),
    ...bars.map((bar) =>
      rect(
        70 + bar.x,
        baseline - bar.part * BARS_HEIGHT,
        bar.width,
        bar.part * BARS_HEIGHT,
        '#2b5c8a',
        `${bar.day}: ${numberText(bar.count)}`,
      ),
    ),
    ...ticks.map(({ x, label }) => text(70 + x, baseline + 18, label)),
    '</svg>',
  ].join('');
};

const timelineToSvg = (timeline: Timeline, id: string): string => {
  const width = WIDTH - LABEL_WIDTH;
  const rows = timeline.rows.slice(0, ROWS_MAX);
  const height = rows.length * ROW_HEIGHT + AXIS_HEIGHT;
  const drawn = rows.flatMap(({ label, stretches }, row) => [
    text(LABEL_WIDTH - 8, row * ROW_HEIGHT + 15, label.slice(0, LABEL_LENGTH_MAX), 'end'),
    ...placeStretches(timeline, stretches, width).map((one) =>
      rect(
        LABEL_WIDTH + one.x,
        row * ROW_HEIGHT + 1 + one.top * BAND,
        one.width,
        one.height * BAND,
        TONE_FILL[one.tone],
      ),
    ),
  ]);
  const ticks = placeTimeTicks(timeline, width).flatMap(({ x, label }) => [
    `<line x1="${round(LABEL_WIDTH + x)}" x2="${round(LABEL_WIDTH + x)}" y1="0" y2="${height - AXIS_HEIGHT + 5}" stroke="#5c626c" stroke-width="0.6"/>`,
    text(LABEL_WIDTH + x + 3, height - 6, label),
  ]);
  return `${open(id, height, timeline.title, timeline.description)}${drawn.join('')}${ticks.join('')}</svg>`;
};
