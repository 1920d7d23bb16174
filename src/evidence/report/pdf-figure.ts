// Figures of a report as PDF: counts as bars, and what was so when as strips. Each is one element with words for who does not see.
import type { BarChart, Timeline, Tone } from './document.ts';
import { FONT } from './pdf-fonts.ts';
import { CONTENT_WIDTH, INK, PAGE, type PdfPages, SERIES_FILL, SIZE, TONE_FILL } from './pdf-pages.ts';
import { placePins, placeStretches, placeTimeTicks, roundUp, shortText, TONE_HEIGHT } from './scale.ts';
import { numberText } from './words.ts';

const BARS_HEIGHT = 92;
const BARS_TOP = 12;
const STRIP_HEIGHT = 16;
const PIN_HEIGHT = 11;
const ROW_HEIGHT = 12;
const LABEL_WIDTH = 118;
const AXIS_HEIGHT = 14;
/** Three pixels of a screen at 96 to the inch: a gap of seconds in a quarter can still be seen. */
const STROKE_WIDTH = 2.25;
/** Around it. */
const HALO_WIDTH = 4.5;
/** Rows of a timeline: a page. */
const ROWS_MAX = 50;
/** Bars with a label each. */
const LABELS_MAX = 31;

const SMALL = { face: FONT.plain, size: SIZE.small, color: INK.faint };

/** Draws a figure with its title and its legend. */
export const drawFigure = (pages: PdfPages, figure: BarChart | Timeline, hasTitle = true): void => {
  const { pdf } = pages;
  const isStrip = figure.kind === 'timeline' && figure.rows[0]?.label === '';
  const height =
    figure.kind === 'bars'
      ? BARS_TOP + BARS_HEIGHT + AXIS_HEIGHT
      : isStrip
        ? pinsHeight(figure) + STRIP_HEIGHT + AXIS_HEIGHT
        : Math.min(figure.rows.length, ROWS_MAX) * ROW_HEIGHT + AXIS_HEIGHT;
  pages.need(height + 40);
  if (hasTitle) pages.text('P', figure.title, { face: FONT.bold, size: SIZE.heading, color: INK.text }, 3);
  const top = pdf.y;
  const more = {
    alt: pages.fonts.known(`${figure.title}. ${figure.description}`),
    bbox: [PAGE.margin, top, PAGE.width - PAGE.margin, top + height],
    placement: 'Block',
  };
  pages.root.add(
    pages.element('Figure', more, () => {
      if (figure.kind === 'bars') drawBars(pages, figure, top);
      else if (isStrip) drawStrip(pages, figure, top);
      else drawTimeline(pages, figure, top);
    }),
  );
  pdf.y = top + height + 4;
  drawLegend(pages, figure);
  pdf.y += 12;
};

const pinsHeight = (strip: Timeline): number =>
  Math.max(0, ...placePins(strip).map(({ line }) => line + 1)) * PIN_HEIGHT + 2;

const drawStrip = (pages: PdfPages, strip: Timeline, top: number): void => {
  const { fonts } = pages;
  const band = top + pinsHeight(strip);
  drawStretches(pages, strip, strip.rows[0]?.stretches ?? [], PAGE.margin, band, STRIP_HEIGHT);
  const style = { face: FONT.bold, size: SIZE.table, color: INK.text };
  for (const { part, line, label } of placePins(strip)) {
    const x = PAGE.margin + part * CONTENT_WIDTH - fonts.width(label, style.face, style.size) / 2;
    pages.drawLines([label], style, x, band - (line + 1) * PIN_HEIGHT);
  }
  drawAxis(pages, strip, PAGE.margin, band + STRIP_HEIGHT);
};

const drawStretches = (
  { pdf }: PdfPages,
  timeline: Timeline,
  stretches: Timeline['rows'][number]['stretches'],
  left: number,
  top: number,
  height: number,
): void => {
  const width = PAGE.width - PAGE.margin - left;
  for (const one of placeStretches(timeline, stretches)) {
    const band = height * TONE_HEIGHT[one.tone];
    const y = top + (height - band) / 2;
    const x = left + one.from * width;
    const drawn = one.width * width;
    if (one.tone === 'good' || drawn >= STROKE_WIDTH) {
      pdf.rect(x, y, drawn, band).fill(TONE_FILL[one.tone]);
      continue;
    }
    const middle = Math.min(left + width - HALO_WIDTH / 2, Math.max(left + HALO_WIDTH / 2, x + drawn / 2));
    if (one.tone !== 'unknown') pdf.rect(middle - HALO_WIDTH / 2, y, HALO_WIDTH, band).fill(INK.white);
    pdf.rect(middle - STROKE_WIDTH / 2, y, STROKE_WIDTH, band).fill(TONE_FILL[one.tone]);
  }
};

const drawTimeline = (pages: PdfPages, timeline: Timeline, top: number): void => {
  const { fonts } = pages;
  const left = PAGE.margin + LABEL_WIDTH;
  const rows = timeline.rows.slice(0, ROWS_MAX);
  for (const [at, { label, stretches }] of rows.entries()) {
    const y = top + at * ROW_HEIGHT;
    const [line = ''] = fonts.lines(fonts.known(label), SMALL.face, SMALL.size, LABEL_WIDTH - 6);
    pages.drawLines([line], SMALL, PAGE.margin, y + 1);
    drawStretches(pages, timeline, stretches, left, y + 1, ROW_HEIGHT - 2);
  }
  drawAxis(pages, timeline, left, top + rows.length * ROW_HEIGHT);
};

const drawAxis = (pages: PdfPages, { fromMs, untilMs }: Timeline, left: number, y: number): void => {
  const { pdf, texts, fonts } = pages;
  const width = PAGE.width - PAGE.margin - left;
  for (const { part, label } of placeTimeTicks(fromMs, untilMs, texts)) {
    const x = left + part * width;
    pdf
      .moveTo(x, y)
      .lineTo(x, y + 5)
      .lineWidth(0.6)
      .strokeColor(INK.rule)
      .stroke();
    pages.drawLines([fonts.known(label)], SMALL, x + 3, y + 3);
  }
};

const drawBars = (pages: PdfPages, chart: BarChart, top: number): void => {
  const { pdf } = pages;
  const { bars, spans } = chart;
  const baseline = top + BARS_TOP + BARS_HEIGHT;
  const most = roundUp(Math.max(1, ...bars.map(({ count }) => count)));
  const step = CONTENT_WIDTH / Math.max(1, bars.length);
  const heightOf = (count: number): number => (count / most) * BARS_HEIGHT;
  for (const part of [0, 0.5, 1]) {
    const y = baseline - part * BARS_HEIGHT;
    pdf
      .moveTo(PAGE.margin, y)
      .lineTo(PAGE.width - PAGE.margin, y)
      .lineWidth(0.5)
      .strokeColor(INK.line)
      .stroke();
  }
  for (const [at, { parts }] of bars.entries()) {
    let y = baseline;
    for (const [series, part] of parts.entries()) {
      const height = heightOf(part);
      y -= height;
      const gap = parts.length > 1 && height > 1.5 ? 0.6 : 0;
      if (part > 0)
        pdf
          .rect(PAGE.margin + (at + 0.1) * step, y, step * 0.8, Math.max(0.5, height - gap))
          .fill(SERIES_FILL[series] ?? INK.faint);
    }
  }
  const write = (x: number, y: number, text: string): void => {
    const known = pages.fonts.known(text);
    pages.drawLines([known], SMALL, x - pages.fonts.width(known, SMALL.face, SMALL.size) / 2, y);
  };
  const every = Math.ceil(bars.length / LABELS_MAX);
  const labels =
    spans.length > 0
      ? spans
      : bars
          .map(({ label, count }, at) => ({ label, from: at, until: at + 1, count }))
          .filter((_, at) => at % every === 0);
  for (const { label, from, until, count } of labels) {
    const x = PAGE.margin + ((from + until) / 2) * step;
    const highest = Math.max(...bars.slice(from, until).map((bar) => bar.count));
    if (count > 0) write(x, baseline - heightOf(highest) - 10, shortText(count, pages.texts));
    write(x, baseline + 3, label);
  }
};

/** What the colors stand for, with the numbers of series; one line, and another where it is full. */
const drawLegend = (pages: PdfPages, figure: BarChart | Timeline): void => {
  const { pdf, fonts, texts } = pages;
  const items: { fill: string | undefined; tone?: Tone; text: string }[] =
    figure.kind === 'bars'
      ? figure.series.map(({ name, total }, at) => ({
          fill: SERIES_FILL[at],
          text: `${name} ${numberText(total, texts)}`,
        }))
      : figure.legend.map(({ tone, label }) => ({ fill: TONE_FILL[tone], text: label }));
  if (figure.kind === 'timeline' && figure.remark !== undefined)
    items.push({ fill: undefined, text: figure.remark });
  const style = { face: FONT.plain, size: SIZE.small, color: INK.soft };
  const lineHeight = pages.heightOf(1, style.size);
  let x: number = PAGE.margin;
  let y = pdf.y;
  const placed = items.map(({ fill, text }) => {
    const known = fonts.known(text);
    const width = fonts.width(known, style.face, style.size) + (fill === undefined ? 0 : 11);
    if (x > PAGE.margin && x + width > PAGE.width - PAGE.margin) {
      x = PAGE.margin;
      y += lineHeight;
    }
    const at = { x, y, fill, known };
    x += width + 16;
    return at;
  });
  pages.artifact(() => {
    for (const one of placed) if (one.fill !== undefined) pdf.rect(one.x, one.y + 1.5, 7, 7).fill(one.fill);
  });
  pages.root.add(
    pages.element('P', {}, () => {
      for (const one of placed)
        pages.drawLines([one.known], style, one.x + (one.fill === undefined ? 0 : 11), one.y);
    }),
  );
  pdf.y = y + lineHeight;
};
