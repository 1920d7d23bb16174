// Tables of a report as PDF: widths of columns, rows over several pages whose heads come again, nothing cut.
import type { ColumnKind, Table } from './document.ts';
import { type Face, FONT } from './pdf-fonts.ts';
import {
  type Box,
  CONTENT_HEIGHT,
  CONTENT_WIDTH,
  type Element,
  type ElementOptions,
  INK,
  PAGE,
  type PdfPages,
  SERIES_FILL,
  SIZE,
} from './pdf-pages.ts';
import { cellText, numberText } from './words.ts';

/** Rows that people read; CSV and JSON have all. */
const ROWS_MAX = 1_000;
/** Rows that decide the width of columns. */
const MEASURED_ROWS_MAX = 200;
const PADDING = 9;
const ROW_GAP = 5;
/** Of a column of bars, as a part of the width. */
const BAR_PART = 0.24;
/** Sizes that are tried until the widest words of all columns fit side by side. */
const SIZES = [SIZE.table, 7.4, 6.8, 6.2] as const;
const AT_RIGHT: ReadonlySet<ColumnKind> = new Set(['number', 'duration', 'figure']);
/** Kinds whose cells are not broken into lines. */
const ON_ONE_LINE: ReadonlySet<ColumnKind> = new Set(['time', 'day', 'hash', 'number', 'word', 'figure']);

const WHOLE: Box = { x: PAGE.margin, width: CONTENT_WIDTH };

interface Layout {
  readonly table: Table;
  readonly size: number;
  readonly columns: readonly Box[];
  readonly bar: Box | undefined;
  readonly box: Box;
}

/** Draws a table, or says that it is empty. `level` is the tag of its caption where nothing follows it. */
export const drawTable = (pages: PdfPages, table: Table, box: Box = WHOLE): void => {
  const { pdf, texts, fonts } = pages;
  const caption = texts.captions[table.name] ?? table.name;
  const style = { face: FONT.bold, size: SIZE.heading, color: INK.text };
  if (table.rows.length === 0) {
    pages.need(30);
    pages.text('P', caption, style, 2, box);
    pages.text(
      'P',
      texts.empty[table.name] ?? '',
      { face: FONT.plain, size: SIZE.text, color: INK.faint },
      10,
      box,
    );
    return;
  }
  const layout = layOut(pages, table, box);
  pages.need(76);
  const element = pdf.struct('Table');
  pages.root.add(element);
  pages.text('Caption', caption, style, 3, box, element);
  const heads = table.columns.map(({ name }) => fonts.known(texts.columns[name] ?? name));
  const head = linesOf(pages, layout, heads, FONT.bold);
  drawHead(pages, layout, head, element);
  for (const [index, row] of table.rows.slice(0, ROWS_MAX).entries()) {
    const cells = table.columns.map(({ kind }, at) => fonts.known(cellText(row[at] ?? null, kind, texts)));
    drawRow(pages, layout, linesOf(pages, layout, cells, FONT.plain), element, head, index);
  }
  element.end();
  pdf.y += 4;
  drawRemarks(pages, table, box);
  pdf.y += 8;
};

const drawRemarks = (pages: PdfPages, table: Table, box: Box): void => {
  const { texts } = pages;
  const style = { face: FONT.plain, size: SIZE.small, color: INK.faint };
  if (table.bars?.some(({ before }) => before !== null) === true)
    pages.text('P', texts.chart.stroke, style, 2, box);
  const more = table.rows.length - ROWS_MAX;
  if (more > 0) pages.text('P', texts.moreRows(numberText(more, texts), table.name), style, 2, box);
};

const linesOf = (
  { fonts }: PdfPages,
  { columns, size }: Layout,
  cells: readonly string[],
  face: Face,
): string[][] => cells.map((cell, at) => fonts.lines(cell, face, size, (columns[at]?.width ?? 0) - PADDING));

const heightOf = (pages: PdfPages, { size }: Layout, lines: readonly (readonly string[])[]): number =>
  pages.heightOf(Math.max(1, ...lines.map((cell) => cell.length)), size) + ROW_GAP;

/** The head of the table, which screen readers know as that of each column. */
const drawHead = (pages: PdfPages, layout: Layout, head: readonly string[][], table: Element): void => {
  const { pdf } = pages;
  const row = pdf.struct('TR');
  table.add(row);
  const top = pdf.y;
  for (const at of layout.columns.keys())
    row.add(pages.element('TH', { scope: 'Column' }, () => drawCell(pages, layout, head, at, top, true)));
  row.end();
  pdf.y = top + heightOf(pages, layout, head);
  pages.rule(layout.box, INK.rule, 0.8);
};

const drawRow = (
  pages: PdfPages,
  layout: Layout,
  lines: readonly string[][],
  table: Element,
  head: readonly string[][],
  index: number,
): void => {
  const { pdf } = pages;
  const headHeight = heightOf(pages, layout, head);
  const height = heightOf(pages, layout, lines);
  const row = pdf.struct('TR');
  table.add(row);
  const cells = layout.columns.map((_, at) =>
    at === 0 ? pdf.struct('TH', { scope: 'Row' } as ElementOptions) : pdf.struct('TD'),
  );
  for (const cell of cells) row.add(cell);
  // A row that is taller than a page is drawn in pieces; any other one stays whole.
  const isTall = height + headHeight > CONTENT_HEIGHT;
  let rest: string[][] = lines.map((cell) => [...cell]);
  if (pages.isFull(isTall ? headHeight + height / 8 : height)) beginPage(pages, layout, head);
  for (;;) {
    const fits = Math.max(1, Math.floor((pages.left - ROW_GAP) / pages.heightOf(1, layout.size)));
    const piece = rest.map((cell) => cell.slice(0, fits));
    rest = rest.map((cell) => cell.slice(fits));
    const top = pdf.y + ROW_GAP / 2;
    for (const [at, cell] of cells.entries()) cell.add(() => drawCell(pages, layout, piece, at, top, false));
    if (layout.bar !== undefined) drawBar(pages, layout, index, top);
    pdf.y = top - ROW_GAP / 2 + heightOf(pages, layout, piece);
    if (rest.every((cell) => cell.length === 0)) break;
    beginPage(pages, layout, head);
  }
  row.end();
  pages.rule(layout.box, INK.line, 0.5);
};

/** The heads come again for the eye only. */
const beginPage = (pages: PdfPages, layout: Layout, head: readonly string[][]): void => {
  pages.addPage();
  const top = pages.pdf.y;
  pages.artifact(() => {
    for (const at of layout.columns.keys()) drawCell(pages, layout, head, at, top, true);
  });
  pages.pdf.y = top + heightOf(pages, layout, head);
  pages.rule(layout.box, INK.rule, 0.8);
};

const drawCell = (
  pages: PdfPages,
  { columns, table, size }: Layout,
  lines: readonly (readonly string[])[],
  at: number,
  top: number,
  isHead: boolean,
): void => {
  const column = columns[at];
  const cell = lines[at];
  if (column === undefined || cell === undefined) return;
  const style = { face: isHead ? FONT.bold : FONT.plain, size, color: isHead ? INK.faint : INK.text };
  const { kind = 'text' } = table.columns[at] ?? {};
  const isLast = at === columns.length - 1;
  if (AT_RIGHT.has(kind))
    pages.drawAtRight(cell, style, { x: column.x, width: column.width - (isLast ? 0 : PADDING) }, top);
  else pages.drawLines(cell, style, column.x, top);
};

const drawBar = (pages: PdfPages, { table, bar, size }: Layout, index: number, top: number): void => {
  const { pdf } = pages;
  const shown = table.bars?.[index];
  if (bar === undefined || shown === undefined) return;
  const width = bar.width - PADDING;
  const middle = top + pages.heightOf(1, size) / 2 - 1;
  pages.artifact(() => {
    if (shown.part > 0)
      pdf.rect(bar.x, middle - 2.5, Math.max(0.8, shown.part * width), 5).fill(SERIES_FILL[0]);
    if (shown.before !== null && shown.before > 0) {
      const x = bar.x + shown.before * width;
      pdf
        .moveTo(x, middle - 4.5)
        .lineTo(x, middle + 4.5)
        .lineWidth(1.2)
        .strokeColor(INK.soft)
        .stroke();
    }
  });
};

/**
 * Columns between what their widest word needs and what their widest cell wants; letters get smaller until the words fit.
 */
const layOut = (pages: PdfPages, table: Table, box: Box): Layout => {
  const barWidth = table.bars === undefined ? 0 : box.width * BAR_PART;
  const room = box.width - barWidth;
  for (const size of SIZES) {
    const { least, most } = measure(pages, table, size);
    const leastTotal = sum(least);
    const isLast = size === SIZES.at(-1);
    if (leastTotal > room && !isLast) continue;
    const widths =
      leastTotal > room ? least.map((width) => (width * room) / leastTotal) : share(least, most, room);
    return { table, size, box, ...place(widths, box.x, barWidth) };
  }
  throw new RangeError('a table has a size');
};

const measure = ({ fonts, texts }: PdfPages, table: Table, size: number) => {
  const least: number[] = [];
  const most: number[] = [];
  for (const [at, { name, kind }] of table.columns.entries()) {
    const head = fonts.known(texts.columns[name] ?? name);
    let narrow = fonts.widestPiece(head, FONT.bold, size);
    let wide = fonts.width(head, FONT.bold, size);
    if (ON_ONE_LINE.has(kind)) wide = narrow;
    for (const row of table.rows.slice(0, MEASURED_ROWS_MAX)) {
      const text = fonts.known(cellText(row[at] ?? null, kind, texts));
      const width = fonts.width(text, FONT.plain, size);
      wide = Math.max(wide, width);
      narrow = Math.max(narrow, ON_ONE_LINE.has(kind) ? width : fonts.widestPiece(text, FONT.plain, size));
    }
    least.push(narrow + PADDING + 1);
    most.push(wide + PADDING + 1);
  }
  return { least, most };
};

/** What is left goes to columns by what they want beyond the least. */
const share = (least: readonly number[], most: readonly number[], room: number): number[] => {
  const left = room - sum(least);
  const wanted = most.map((width, at) => width - (least[at] ?? 0));
  const all = sum(wanted);
  if (all <= left) {
    const spare = (left - all) / Math.max(1, least.length);
    return most.map((width) => width + spare);
  }
  return least.map((width, at) => width + (left * (wanted[at] ?? 0)) / all);
};

/** Places of the columns; a bar stands behind the first. */
const place = (widths: readonly number[], left: number, barWidth: number) => {
  let x = left;
  let bar: Box | undefined;
  const columns = widths.map((width, at) => {
    const column = { x, width };
    x += width;
    if (at === 0 && barWidth > 0) {
      bar = { x, width: barWidth };
      x += barWidth;
    }
    return column;
  });
  return { columns, bar };
};

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
