// Figures of a report as PDF: counts of days as bars, and what was so when as a timeline.
import type { BarChart, Timeline } from './document.ts';
import { FONT, INK, PAGE, type PdfPages, SIZE, winAnsi } from './pdf-pages.ts';
import { placeBars, placeStretches, placeTimeTicks, TONE_FILL } from './scale.ts';
import { numberText } from './words.ts';

const BARS_HEIGHT = 80;
const TIMELINE_ROW_HEIGHT = 12;
const TIMELINE_LABEL_WIDTH = 100;
/** Rows of a timeline: a page. */
const TIMELINE_ROWS_MAX = 50;

/** Draws a figure, with words for who does not see it. */
export const drawFigure = (pages: PdfPages, figure: BarChart | Timeline): void => {
  const rows = figure.kind === 'timeline' ? figure.rows.slice(0, TIMELINE_ROWS_MAX) : [];
  const height = figure.kind === 'bars' ? BARS_HEIGHT + 30 : rows.length * TIMELINE_ROW_HEIGHT + 40;
  const { pdf } = pages;
  pages.need(height + 20);
  pages.text('P', figure.title, { font: FONT.bold, size: SIZE.text, color: INK.text, gap: 4 });
  const top = pdf.y;
  const alt = figure.kind === 'bars' ? barsInWords(figure) : figure.description;
  pages.root.add(
    pdf.struct('Figure', { alt: winAnsi(alt) }, () => {
      if (figure.kind === 'bars') drawBars(pages, figure, top);
      else drawTimeline(pages, figure, top);
    }),
  );
  pdf.y = top + height;
};

const drawBars = (pages: PdfPages, chart: BarChart, top: number): void => {
  const { pdf } = pages;
  const left = PAGE.margin + 38;
  const baseline = top + BARS_HEIGHT;
  const { bars, top: most, ticks } = placeBars(chart, PAGE.width - PAGE.margin - left);
  for (const part of [0, 0.5, 1]) {
    const y = baseline - part * BARS_HEIGHT;
    pdf
      .moveTo(left, y)
      .lineTo(PAGE.width - PAGE.margin, y)
      .lineWidth(0.5)
      .strokeColor(INK.line)
      .stroke();
  }
  for (const bar of bars)
    pdf
      .rect(left + bar.x, baseline - bar.part * BARS_HEIGHT, bar.width, bar.part * BARS_HEIGHT)
      .fill('#2b5c8a');
  pdf.font(FONT.plain).fontSize(SIZE.figure).fillColor(INK.soft);
  for (const part of [0, 1])
    pdf.text(numberText(part * most), PAGE.margin, baseline - part * BARS_HEIGHT - 3, {
      width: 33,
      align: 'right',
      lineBreak: false,
    });
  for (const { x, label } of ticks) pdf.text(label, left + x, baseline + 4, { lineBreak: false });
};

const drawTimeline = (pages: PdfPages, timeline: Timeline, top: number): void => {
  const { pdf } = pages;
  const left = PAGE.margin + TIMELINE_LABEL_WIDTH;
  const width = PAGE.width - PAGE.margin - left;
  const rows = timeline.rows.slice(0, TIMELINE_ROWS_MAX);
  const band = TIMELINE_ROW_HEIGHT - 2;
  for (const [at, { label, stretches }] of rows.entries()) {
    const y = top + at * TIMELINE_ROW_HEIGHT;
    pdf.font(FONT.plain).fontSize(SIZE.figure).fillColor(INK.soft);
    pdf.text(winAnsi(label), PAGE.margin, y + 2, {
      width: TIMELINE_LABEL_WIDTH - 6,
      height: SIZE.figure,
      align: 'right',
      ellipsis: true,
    });
    for (const one of placeStretches(timeline, stretches, width))
      pdf.rect(left + one.x, y + 1 + one.top * band, one.width, one.height * band).fill(TONE_FILL[one.tone]);
  }
  const end = top + rows.length * TIMELINE_ROW_HEIGHT;
  pdf.font(FONT.plain).fontSize(SIZE.figure);
  for (const { x, label } of placeTimeTicks(timeline, width)) {
    pdf
      .moveTo(left + x, top)
      .lineTo(left + x, end + 4)
      .lineWidth(0.4)
      .strokeColor(INK.soft)
      .stroke();
    pdf.fillColor(INK.soft).text(label, left + x + 2, end + 3, { lineBreak: false });
  }
  let x = left;
  for (const { tone, label } of timeline.legend) {
    pdf.rect(x, end + 17, 7, 7).fill(TONE_FILL[tone]);
    pdf.fillColor(INK.text).text(label, x + 10, end + 17, { lineBreak: false });
    x += 28 + pdf.widthOfString(label);
  }
};

const barsInWords = ({ bars }: BarChart): string => {
  const most = bars.reduce((best, one) => (one.count > best.count ? one : best), { day: '', count: 0 });
  return most.count === 0
    ? 'None on any day.'
    : `Between 0 and ${numberText(most.count)} a day; the most on ${most.day}. The table of days has each number.`;
};
