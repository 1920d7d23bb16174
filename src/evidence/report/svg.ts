// The figures of the HTML report: SVG within the page, each with a title and a description in words.
//
// There is no viewBox: x is in per cent and y in pixels, so that letters stay as large as those of the page and a figure is read
// on a telephone. What a figure shows also stands in a table or in the CSV: a reader who cannot see it misses nothing.
import type { BarChart, RowBar, Timeline } from './document.ts';
import {
  placePins,
  placeStretches,
  placeTimeTicks,
  roundUp,
  STROKE_PART,
  shortText,
  TONE_HEIGHT,
} from './scale.ts';
import type { ReportTexts } from './texts/texts.ts';
import { honestText, numberText } from './words.ts';

const STRIP_HEIGHT = 22;
const ROW_HEIGHT = 18;
const LABEL_PART = 0.24;
const PIN_HEIGHT = 14;
const AXIS_HEIGHT = 18;
const BARS_HEIGHT = 130;
const BARS_TOP = 18;
/** Rows of a timeline; a view more is in the table. */
const ROWS_MAX = 60;
/** Characters of a label that fit. */
const LABEL_LENGTH_MAX = 26;
/** Bars with a value and a label each; with more, every other one or less. */
const LABELS_MAX = 31;

/** Text within HTML or SVG. */
export const escapeText = (text: string): string =>
  honestText(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** A figure as SVG; `id` is of the page. */
export const toSvg = (figure: BarChart | Timeline, id: string, texts: ReportTexts): string => {
  if (figure.kind === 'bars') return barsToSvg(figure, id, texts);
  return figure.rows.length === 1 && figure.rows[0]?.label === ''
    ? stripToSvg(figure, id, texts)
    : timelineToSvg(figure, id, texts);
};

const open = (id: string, height: number, title: string, description: string): string =>
  `<svg class="chart" width="100%" height="${round(height)}" role="img" aria-labelledby="${id}-title ${id}-text">` +
  `<title id="${id}-title">${escapeText(title)}</title><desc id="${id}-text">${escapeText(description)}</desc>`;

/** Three decimals: the same bytes everywhere. */
const round = (value: number): string => String(Math.round(value * 1_000) / 1_000);

const percent = (part: number): string => `${round(part * 100)}%`;

const rect = (className: string, x: number, width: number, y: number, height: number, title = ''): string => {
  const shape = `<rect class="${className}" x="${percent(x)}" width="${percent(width)}" y="${round(y)}" height="${round(height)}"`;
  return title === '' ? `${shape}/>` : `${shape}><title>${escapeText(title)}</title></rect>`;
};

const stroke = (className: string, x: number, top: number, bottom: number): string =>
  `<line class="${className}" x1="${percent(x)}" x2="${percent(x)}" y1="${round(top)}" y2="${round(bottom)}"/>`;

const text = (x: number, y: number, content: string, attributes = ''): string =>
  `<text x="${percent(x)}" y="${round(y)}"${attributes}>${escapeText(content)}</text>`;

const MIDDLE = ' text-anchor="middle"';

/** Stretches between two parts of the width. */
const stretchesToSvg = (
  timeline: Timeline,
  stretches: Timeline['rows'][number]['stretches'],
  left: number,
  top: number,
  height: number,
): string =>
  placeStretches(timeline, stretches)
    .map(({ from, width, tone }) => {
      const band = height * TONE_HEIGHT[tone];
      const y = top + (height - band) / 2;
      const x = left + from * (1 - left);
      if (tone === 'good' || width >= STROKE_PART) return rect(`t-${tone}`, x, width * (1 - left), y, band);
      const middle = Math.min(0.997, Math.max(left + 0.003, x + (width * (1 - left)) / 2));
      const halo = tone === 'unknown' ? '' : stroke('halo', middle, y, y + band);
      return halo + stroke(`s-${tone}`, middle, y, y + band);
    })
    .join('');

const stripToSvg = (strip: Timeline, id: string, texts: ReportTexts): string => {
  const pins = placePins(strip);
  const lines = Math.max(0, ...pins.map(({ line }) => line + 1));
  const top = lines * PIN_HEIGHT + 2;
  const bottom = top + STRIP_HEIGHT;
  return [
    open(id, bottom + AXIS_HEIGHT, strip.title, strip.description),
    stretchesToSvg(strip, strip.rows[0]?.stretches ?? [], 0, top, STRIP_HEIGHT),
    ...pins.map(({ part, line, label }) => {
      const x = Math.min(0.985, Math.max(0.015, part));
      return text(x, top - 4 - line * PIN_HEIGHT, label, `${MIDDLE} class="pin"`);
    }),
    ...axisToSvg(strip, 0, bottom, texts),
    '</svg>',
  ].join('');
};

const timelineToSvg = (timeline: Timeline, id: string, texts: ReportTexts): string => {
  const rows = timeline.rows.slice(0, ROWS_MAX);
  const bottom = rows.length * ROW_HEIGHT;
  return [
    open(id, bottom + AXIS_HEIGHT, timeline.title, timeline.description),
    ...rows.map(({ label, stretches }, at) =>
      [
        text(0, at * ROW_HEIGHT + 13, label.slice(0, LABEL_LENGTH_MAX)),
        stretchesToSvg(timeline, stretches, LABEL_PART, at * ROW_HEIGHT + 2, ROW_HEIGHT - 4),
      ].join(''),
    ),
    ...axisToSvg(timeline, LABEL_PART, bottom, texts),
    '</svg>',
  ].join('');
};

const axisToSvg = (
  { fromMs, untilMs }: Timeline,
  left: number,
  bottom: number,
  texts: ReportTexts,
): string[] =>
  placeTimeTicks(fromMs, untilMs, texts).flatMap(({ part, label }) => {
    const x = left + part * (1 - left);
    return [stroke('axis', x, bottom, bottom + 5), text(x, bottom + 15, label, ' dx="3"')];
  });

const barsToSvg = (chart: BarChart, id: string, texts: ReportTexts): string => {
  const { bars, spans } = chart;
  const most = roundUp(Math.max(1, ...bars.map(({ count }) => count)));
  const baseline = BARS_TOP + BARS_HEIGHT;
  const step = 1 / Math.max(1, bars.length);
  const heightOf = (count: number): number => (count / most) * BARS_HEIGHT;
  const every = Math.ceil(bars.length / LABELS_MAX);
  const labels =
    spans.length > 0
      ? spans.flatMap(({ label, from, until, count }) => {
          const x = ((from + until) / 2) * step;
          const highest = Math.max(...bars.slice(from, until).map((bar) => bar.count));
          return [
            text(x, baseline - heightOf(highest) - 5, shortText(count, texts), `${MIDDLE} class="val"`),
            text(x, baseline + 14, label, `${MIDDLE} class="lab"`),
            stroke('axis', from * step, baseline, baseline + 5),
          ];
        })
      : bars.flatMap(({ label, count }, at) => {
          const x = (at + 0.5) * step;
          if (at % every !== 0) return [];
          return [
            ...(count === 0
              ? []
              : [text(x, baseline - heightOf(count) - 5, shortText(count, texts), `${MIDDLE} class="val"`)]),
            text(x, baseline + 14, label, `${MIDDLE} class="lab"`),
          ];
        });
  return [
    open(id, baseline + AXIS_HEIGHT, chart.title, chart.description),
    ...[0, 0.5, 1].map(
      (part) =>
        `<line class="grid" x1="0%" x2="100%" y1="${round(baseline - part * BARS_HEIGHT)}" y2="${round(baseline - part * BARS_HEIGHT)}"/>`,
    ),
    ...bars.flatMap(({ label, count, parts }, at) => {
      let y = baseline;
      return parts.map((part, series) => {
        const height = heightOf(part);
        y -= height;
        if (part === 0) return '';
        const title = `${label}: ${numberText(part, texts)} / ${numberText(count, texts)}`;
        return rect(
          `c-${series + 1}`,
          (at + 0.1) * step,
          0.8 * step,
          y,
          Math.max(1, height - (parts.length > 1 ? 1 : 0)),
          title,
        );
      });
    }),
    ...labels,
    '</svg>',
  ].join('');
};

/** The bar of a row; what it says stands beside it as a number. */
export const barToSvg = ({ part, before }: RowBar): string =>
  `<svg class="chart" width="100%" height="10" aria-hidden="true">${part > 0 ? rect('c-1', 0, Math.max(part * 0.98, 0.003), 2, 6) : ''}${before === null || before === 0 ? '' : stroke('before', before * 0.98, 0, 10)}</svg>`;
