// Tables of a report as PDF: widths of columns, rows over several pages.
import type { Column, ColumnKind, Table } from './document.ts';
import { CONTENT_WIDTH, type Element, FONT, INK, PAGE, type PdfPages, SIZE, winAnsi } from './pdf-pages.ts';
import { cellText, numberText } from './words.ts';

/** Rows that people read; CSV and JSON have all. */
const ROWS_MAX = 1_000;
/** Characters of a cell; CSV and JSON have the whole. */
const CELL_LENGTH_MAX = 400;
const CELL_PADDING = 5;
const ROW_PADDING = 4;
/** Of a column whose cells are short; longer cells are broken into lines. */
const COLUMN_WIDTH_MAX = 105;
/** Kinds of columns that are never narrower than their cells. */
const FIXED: ReadonlySet<ColumnKind> = new Set(['time', 'day', 'hash', 'number', 'word']);
/** Rows that decide the width of columns. */
const MEASURED_ROWS_MAX = 200;

/** Draws a table, or says that it is empty. */
export const drawTable = (pages: PdfPages, table: Table): void => {
  const { pdf } = pages;
  if (table.rows.length === 0) {
    const text = `${table.caption}: ${table.empty}`;
    pages.text('P', text, { font: FONT.plain, size: SIZE.text, color: INK.soft, gap: 3 });
    return;
  }
  const widths = columnWidths(pages, table);
  pages.need(70);
  pdf.y += 4;
  const element = pdf.struct('Table');
  pages.root.add(element);
  element.add(
    pdf.struct('Caption', {}, () => {
      pdf.font(FONT.bold).fontSize(SIZE.text).fillColor(INK.text);
      pdf.text(winAnsi(table.caption), PAGE.margin, pdf.y, { width: CONTENT_WIDTH });
    }),
  );
  pdf.y += 3;
  addRow(
    pages,
    element,
    table.columns,
    widths,
    table.columns.map(({ label }) => label),
    true,
  );
  for (const row of table.rows.slice(0, ROWS_MAX)) {
    const texts = table.columns.map(({ kind }, at) => cut(cellText(row[at] ?? null, kind)));
    if (pages.isFull(rowHeight(pages, widths, texts.map(winAnsi)))) {
      pdf.addPage();
      // For the eye only: a screen reader knows the heads of the columns.
      pages.artifact(() =>
        drawRow(
          pages,
          table.columns,
          widths,
          table.columns.map(({ label }) => label),
          FONT.bold,
        ),
      );
    }
    addRow(pages, element, table.columns, widths, texts, false);
  }
  element.end();
  pdf.y += 5;
  const more = table.rows.length - ROWS_MAX;
  if (more > 0) {
    const text = `${numberText(more)} more rows are in the CSV (table ${table.name}) and JSON forms of this report.`;
    pages.text('P', text, { font: FONT.oblique, size: 8.5, color: INK.text, gap: 3 });
  }
};

const addRow = (
  pages: PdfPages,
  element: Element,
  columns: readonly Column[],
  widths: readonly number[],
  texts: readonly string[],
  isHead: boolean,
): void => {
  const { pdf } = pages;
  const top = pdf.y;
  const row = pdf.struct('TR');
  element.add(row);
  let x: number = PAGE.margin;
  let bottom = top;
  for (const [at, column] of columns.entries()) {
    const width = widths[at] ?? 0;
    row.add(
      pdf.struct(isHead ? 'TH' : 'TD', {}, () => {
        drawCell(pages, column, winAnsi(texts[at] ?? ''), x, top, width, isHead ? FONT.bold : FONT.plain);
      }),
    );
    bottom = Math.max(bottom, pdf.y);
    x += width;
  }
  row.end();
  pdf.y = bottom + ROW_PADDING / 2;
  pages.artifact(() => drawRule(pages, widths, isHead));
};

const drawRow = (
  pages: PdfPages,
  columns: readonly Column[],
  widths: readonly number[],
  texts: readonly string[],
  font: string,
): void => {
  const { pdf } = pages;
  const top = pdf.y;
  let x: number = PAGE.margin;
  let bottom = top;
  for (const [at, column] of columns.entries()) {
    drawCell(pages, column, winAnsi(texts[at] ?? ''), x, top, widths[at] ?? 0, font);
    bottom = Math.max(bottom, pdf.y);
    x += widths[at] ?? 0;
  }
  pdf.y = bottom + ROW_PADDING / 2;
  drawRule(pages, widths, true);
};

const drawCell = (
  pages: PdfPages,
  { kind }: Column,
  text: string,
  x: number,
  y: number,
  width: number,
  font: string,
): void => {
  pages.pdf
    .font(font)
    .fontSize(SIZE.table)
    .fillColor(font === FONT.bold ? INK.soft : INK.text)
    .text(text, x, y, {
      width: width - CELL_PADDING,
      align: kind === 'number' || kind === 'duration' ? 'right' : 'left',
    });
};

const drawRule = (pages: PdfPages, widths: readonly number[], isStrong: boolean): void => {
  const { pdf } = pages;
  pdf
    .moveTo(PAGE.margin, pdf.y)
    .lineTo(PAGE.margin + widths.reduce((sum, width) => sum + width, 0), pdf.y)
    .lineWidth(isStrong ? 0.9 : 0.4)
    .strokeColor(isStrong ? INK.soft : INK.line)
    .stroke();
  pdf.y += ROW_PADDING / 2;
};

const rowHeight = (pages: PdfPages, widths: readonly number[], texts: readonly string[]): number => {
  const { pdf } = pages;
  pdf.font(FONT.plain).fontSize(SIZE.table);
  const heights = texts.map((text, at) =>
    pdf.heightOfString(text, { width: (widths[at] ?? 0) - CELL_PADDING }),
  );
  return Math.max(...heights) + ROW_PADDING;
};

/** Short columns get what they need, texts of people share what is left. */
const columnWidths = (pages: PdfPages, { columns, rows }: Table): number[] => {
  const { pdf } = pages;
  pdf.font(FONT.bold).fontSize(SIZE.table);
  const measured = rows.slice(0, MEASURED_ROWS_MAX);
  const wanted = columns.map(({ label, kind }, at) => {
    const texts = measured.map((row) => winAnsi(cellText(row[at] ?? null, kind)));
    const widest = Math.max(
      pdf.widthOfString(label),
      ...texts.map((text) => pdf.widthOfString(text.slice(0, 60))),
    );
    return Math.min(widest + CELL_PADDING + 2, kind === 'prose' ? 260 : COLUMN_WIDTH_MAX);
  });
  const total = wanted.reduce((sum, width) => sum + width, 0);
  if (total <= CONTENT_WIDTH) {
    const prose = columns.filter(({ kind }) => kind === 'prose').length;
    const spare = CONTENT_WIDTH - total;
    // A narrow table stays narrow: numbers far from their names are hard to read.
    return wanted.map((width, at) => (columns[at]?.kind === 'prose' ? width + spare / prose : width));
  }
  const isFixed = columns.map(({ kind }) => FIXED.has(kind));
  const fixed = wanted.reduce((sum, width, at) => sum + (isFixed[at] === true ? width : 0), 0);
  const factor = Math.max(0.3, (CONTENT_WIDTH - fixed) / (total - fixed));
  const narrowed = columns.map(({ label }, at) => {
    const width = wanted[at] ?? 0;
    const least = Math.max(...label.split(' ').map((word) => pdf.widthOfString(word))) + CELL_PADDING + 1;
    return isFixed[at] === true ? width : Math.max(least, width * factor);
  });
  const over = CONTENT_WIDTH / narrowed.reduce((sum, width) => sum + width, 0);
  return narrowed.map((width) => width * Math.min(1, over));
};

const cut = (text: string): string =>
  text.length <= CELL_LENGTH_MAX ? text : `${text.slice(0, CELL_LENGTH_MAX)}… (whole in CSV and JSON)`;
