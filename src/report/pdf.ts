// The report as PDF, tagged so that screen readers find headings, tables and what figures show.
//
// pdfkit is loaded only here. Its built-in fonts know the characters of Windows-1252: others are written as [U+0141], so
// that nothing is lost and nothing looks like something else. The bytes depend on the document alone: the date of
// creation is the end of the period, from which the file's identifier follows.
import type {
  BarChart,
  Column,
  ColumnKind,
  Fact,
  ReportDocument,
  Section,
  Table,
  Timeline,
} from './document.ts';
import { placeBars, placeStretches, placeTimeTicks, TONE_FILL } from './scale.ts';
import { cellText, honestText, numberText } from './words.ts';

/** A4, in points. */
const PAGE = { width: 595.28, height: 841.89, margin: 45, footer: 30 } as const;
const CONTENT_WIDTH = PAGE.width - 2 * PAGE.margin;
const CONTENT_END = PAGE.height - PAGE.margin - PAGE.footer;
const FONT = { plain: 'Helvetica', bold: 'Helvetica-Bold', oblique: 'Helvetica-Oblique' } as const;
const SIZE = { title: 22, section: 15, sheet: 11.5, text: 9.5, table: 7.5, figure: 7 } as const;
const INK = {
  text: '#1a1f29',
  soft: '#4a5260',
  line: '#c6cad1',
  shade: '#f3f5f8',
  accent: '#1d4a73',
  alarm: '#9b1c14',
};

/** Rows that people read; CSV and JSON have all. */
const ROWS_MAX = 1_000;
/** Characters of a cell; CSV and JSON have the whole. */
const CELL_LENGTH_MAX = 400;
const FACT_LABEL_WIDTH = 145;
const CELL_PADDING = 5;
const ROW_PADDING = 4;
/** Of a column whose cells are short; longer cells are broken into lines. */
const COLUMN_WIDTH_MAX = 105;
/** Kinds of columns that are never narrower than their cells. */
const FIXED: ReadonlySet<ColumnKind> = new Set(['time', 'day', 'hash', 'number', 'word']);
/** Rows that decide the width of columns. */
const MEASURED_ROWS_MAX = 200;
const BARS_HEIGHT = 80;
const TIMELINE_ROW_HEIGHT = 12;
const TIMELINE_LABEL_WIDTH = 100;
/** Rows of a timeline: a page. */
const TIMELINE_ROWS_MAX = 50;

/** The bytes of the file; `untilMs` is the end of the period, milliseconds since the epoch. */
export const toPdf = async (document: ReportDocument, untilMs: number): Promise<Uint8Array> => {
  const { default: PdfDocument } = await import('pdfkit');
  const name = `${document.title}: ${document.facts.map(({ value }) => value).join(', ')}`;
  const pdf = new PdfDocument({
    size: 'A4',
    margins: { top: PAGE.margin, left: PAGE.margin, right: PAGE.margin, bottom: PAGE.margin + PAGE.footer },
    pdfVersion: '1.7',
    tagged: true,
    lang: 'en',
    displayTitle: true,
    bufferPages: true,
    info: { Title: winAnsi(name), Creator: 'Cordon', Producer: 'Cordon', CreationDate: new Date(untilMs) },
  });
  const pieces: Uint8Array[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    pdf.on('data', (piece: Uint8Array) => pieces.push(piece));
    pdf.on('end', resolve);
    pdf.on('error', reject);
  });
  new PdfWriter(pdf).write(document);
  pdf.end();
  await ended;
  return Buffer.concat(pieces);
};

type Pdf = PDFKit.PDFDocument;
type Element = PDFKit.PDFStructureElement;

class PdfWriter {
  readonly #pdf: Pdf;
  readonly #root: Element;

  constructor(pdf: Pdf) {
    this.#pdf = pdf;
    this.#root = pdf.struct('Document');
    pdf.addStructure(this.#root);
  }

  write({ title, facts, summary, sections, warning }: ReportDocument): void {
    const pdf = this.#pdf;
    this.#text('P', 'CORDON', { font: FONT.bold, size: 8, color: INK.accent, gap: 2 });
    this.#text('H1', title, { font: FONT.bold, size: SIZE.title, color: INK.text, gap: 6 });
    this.#facts(facts);
    if (warning !== undefined) {
      this.#heading('H2', warning.title, SIZE.section);
      for (const text of warning.texts)
        this.#text('P', text, { font: FONT.bold, size: SIZE.text, color: INK.alarm, gap: 4 });
      for (const table of warning.tables) this.#table(table);
    }
    this.#heading('H2', 'Summary', SIZE.section);
    this.#facts(summary, FONT.bold);
    for (const section of sections) this.#section(section);
    pdf.moveDown();
    this.#text(
      'P',
      'All times are UTC. The same records give the same report, byte for byte. A signature of the file stands beside it, in a file of the same name with .sig at its end: "cordon report verify FILE" checks it. Characters that this form has no letters for are written as [U+0141].',
      { font: FONT.plain, size: 8, color: INK.soft, gap: 0 },
    );
    this.#root.end();
    this.#footers(title, facts);
  }

  #section({ title, facts, notes, figures, tables, sheets }: Section): void {
    this.#heading('H2', title, SIZE.section);
    this.#facts(facts);
    for (const note of notes)
      this.#text('P', note, { font: FONT.oblique, size: 8.5, color: INK.text, gap: 3 });
    for (const figure of figures) this.#figure(figure);
    for (const table of tables) if (table.isForMachines !== true) this.#table(table);
    for (const sheet of sheets) {
      this.#heading('H3', sheet.title, SIZE.sheet);
      this.#facts(sheet.facts);
      for (const table of sheet.tables) this.#table(table);
    }
  }

  #heading(tag: string, text: string, size: number): void {
    const pdf = this.#pdf;
    // Not alone at the foot of a page.
    this.#need(size + 70);
    pdf.y += size;
    this.#text(tag, text, { font: FONT.bold, size, color: tag === 'H2' ? INK.accent : INK.text, gap: 4 });
  }

  #text(tag: string, text: string, style: { font: string; size: number; color: string; gap: number }): void {
    const pdf = this.#pdf;
    this.#root.add(
      pdf.struct(tag, {}, () => {
        pdf.font(style.font).fontSize(style.size).fillColor(style.color);
        pdf.text(winAnsi(text), PAGE.margin, pdf.y, { width: CONTENT_WIDTH });
      }),
    );
    pdf.y += style.gap;
  }

  #facts(facts: readonly Fact[], font: string = FONT.plain): void {
    const pdf = this.#pdf;
    for (const { label, value, isAlarming } of facts) {
      const text = winAnsi(isAlarming === true ? `Attention: ${value}` : value);
      const width = CONTENT_WIDTH - FACT_LABEL_WIDTH;
      pdf.font(font).fontSize(SIZE.text);
      this.#need(Math.min(pdf.heightOfString(text, { width }), 60));
      const top = pdf.y;
      this.#root.add(
        pdf.struct('P', {}, [
          () => {
            pdf.font(FONT.plain).fontSize(SIZE.text).fillColor(INK.soft);
            pdf.text(`${winAnsi(label)} `, PAGE.margin, top, { width: FACT_LABEL_WIDTH - 8 });
          },
          () => {
            const afterLabel = pdf.y;
            pdf
              .font(font)
              .fontSize(SIZE.text)
              .fillColor(isAlarming === true ? INK.alarm : INK.text);
            pdf.text(text, PAGE.margin + FACT_LABEL_WIDTH, top, { width });
            // A label of two lines beside a value of one; a value that went on to another page is further down there.
            if (pdf.y > top) pdf.y = Math.max(pdf.y, afterLabel);
          },
        ]),
      );
      pdf.y += 2;
    }
    pdf.y += facts.length === 0 ? 0 : 4;
  }

  #figure(figure: BarChart | Timeline): void {
    const rows = figure.kind === 'timeline' ? figure.rows.slice(0, TIMELINE_ROWS_MAX) : [];
    const height = figure.kind === 'bars' ? BARS_HEIGHT + 30 : rows.length * TIMELINE_ROW_HEIGHT + 40;
    const pdf = this.#pdf;
    this.#need(height + 20);
    this.#text('P', figure.title, { font: FONT.bold, size: SIZE.text, color: INK.text, gap: 4 });
    const top = pdf.y;
    const alt = figure.kind === 'bars' ? barsInWords(figure) : figure.description;
    this.#root.add(
      pdf.struct('Figure', { alt: winAnsi(alt) }, () => {
        if (figure.kind === 'bars') this.#bars(figure, top);
        else this.#timeline(figure, top);
      }),
    );
    pdf.y = top + height;
  }

  #bars(chart: BarChart, top: number): void {
    const pdf = this.#pdf;
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
  }

  #timeline(timeline: Timeline, top: number): void {
    const pdf = this.#pdf;
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
        pdf
          .rect(left + one.x, y + 1 + one.top * band, one.width, one.height * band)
          .fill(TONE_FILL[one.tone]);
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
  }

  #table(table: Table): void {
    const pdf = this.#pdf;
    if (table.rows.length === 0) {
      const text = `${table.caption}: ${table.empty}`;
      this.#text('P', text, { font: FONT.plain, size: SIZE.text, color: INK.soft, gap: 3 });
      return;
    }
    const widths = this.#columnWidths(table);
    this.#need(70);
    pdf.y += 4;
    const element = pdf.struct('Table');
    this.#root.add(element);
    element.add(
      pdf.struct('Caption', {}, () => {
        pdf.font(FONT.bold).fontSize(SIZE.text).fillColor(INK.text);
        pdf.text(winAnsi(table.caption), PAGE.margin, pdf.y, { width: CONTENT_WIDTH });
      }),
    );
    pdf.y += 3;
    this.#row(
      element,
      table.columns,
      widths,
      table.columns.map(({ label }) => label),
      true,
    );
    for (const row of table.rows.slice(0, ROWS_MAX)) {
      const texts = table.columns.map(({ kind }, at) => cut(cellText(row[at] ?? null, kind)));
      if (this.#isFull(this.#rowHeight(widths, texts.map(winAnsi)))) {
        pdf.addPage();
        // For the eye only: a screen reader knows the heads of the columns.
        this.#artifact(() =>
          this.#drawRow(
            table.columns,
            widths,
            table.columns.map(({ label }) => label),
            FONT.bold,
          ),
        );
      }
      this.#row(element, table.columns, widths, texts, false);
    }
    element.end();
    pdf.y += 5;
    const more = table.rows.length - ROWS_MAX;
    if (more > 0) {
      const text = `${numberText(more)} more rows are in the CSV (table ${table.name}) and JSON forms of this report.`;
      this.#text('P', text, { font: FONT.oblique, size: 8.5, color: INK.text, gap: 3 });
    }
  }

  #row(
    element: Element,
    columns: readonly Column[],
    widths: readonly number[],
    texts: readonly string[],
    isHead: boolean,
  ): void {
    const pdf = this.#pdf;
    const top = pdf.y;
    const row = pdf.struct('TR');
    element.add(row);
    let x: number = PAGE.margin;
    let bottom = top;
    for (const [at, column] of columns.entries()) {
      const width = widths[at] ?? 0;
      row.add(
        pdf.struct(isHead ? 'TH' : 'TD', {}, () => {
          this.#cell(column, winAnsi(texts[at] ?? ''), x, top, width, isHead ? FONT.bold : FONT.plain);
        }),
      );
      bottom = Math.max(bottom, pdf.y);
      x += width;
    }
    row.end();
    pdf.y = bottom + ROW_PADDING / 2;
    this.#artifact(() => this.#rule(widths, isHead));
  }

  #drawRow(
    columns: readonly Column[],
    widths: readonly number[],
    texts: readonly string[],
    font: string,
  ): void {
    const pdf = this.#pdf;
    const top = pdf.y;
    let x: number = PAGE.margin;
    let bottom = top;
    for (const [at, column] of columns.entries()) {
      this.#cell(column, winAnsi(texts[at] ?? ''), x, top, widths[at] ?? 0, font);
      bottom = Math.max(bottom, pdf.y);
      x += widths[at] ?? 0;
    }
    pdf.y = bottom + ROW_PADDING / 2;
    this.#rule(widths, true);
  }

  #cell({ kind }: Column, text: string, x: number, y: number, width: number, font: string): void {
    this.#pdf
      .font(font)
      .fontSize(SIZE.table)
      .fillColor(font === FONT.bold ? INK.soft : INK.text)
      .text(text, x, y, {
        width: width - CELL_PADDING,
        align: kind === 'number' || kind === 'duration' ? 'right' : 'left',
      });
  }

  #rule(widths: readonly number[], isStrong: boolean): void {
    const pdf = this.#pdf;
    pdf
      .moveTo(PAGE.margin, pdf.y)
      .lineTo(PAGE.margin + widths.reduce((sum, width) => sum + width, 0), pdf.y)
      .lineWidth(isStrong ? 0.9 : 0.4)
      .strokeColor(isStrong ? INK.soft : INK.line)
      .stroke();
    pdf.y += ROW_PADDING / 2;
  }

  #rowHeight(widths: readonly number[], texts: readonly string[]): number {
    const pdf = this.#pdf;
    pdf.font(FONT.plain).fontSize(SIZE.table);
    const heights = texts.map((text, at) =>
      pdf.heightOfString(text, { width: (widths[at] ?? 0) - CELL_PADDING }),
    );
    return Math.max(...heights) + ROW_PADDING;
  }

  /** Short columns get what they need, texts of people share what is left. */
  #columnWidths({ columns, rows }: Table): number[] {
    const pdf = this.#pdf;
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
  }

  #isFull(height: number): boolean {
    return this.#pdf.y + height > CONTENT_END;
  }

  /** Begins a page unless so much is left of this one. */
  #need(height: number): void {
    if (this.#isFull(height)) this.#pdf.addPage();
  }

  #artifact(draw: () => void): void {
    this.#pdf.markContent('Artifact', { type: 'Layout' });
    draw();
    this.#pdf.endMarkedContent();
  }

  #footers(title: string, facts: readonly Fact[]): void {
    const pdf = this.#pdf;
    const { start, count } = pdf.bufferedPageRange();
    const y = PAGE.height - PAGE.margin - 8;
    for (let page = start; page < start + count; page++) {
      pdf.switchToPage(page);
      // Otherwise text so far down would begin a page.
      pdf.page.margins.bottom = 0;
      pdf.markContent('Artifact', { type: 'Pagination' });
      pdf.font(FONT.plain).fontSize(7.5).fillColor(INK.soft);
      const name = winAnsi(`${title}: ${facts.map(({ value }) => value).join(', ')}`);
      pdf.text(name, PAGE.margin, y, { width: CONTENT_WIDTH - 90, height: 8, ellipsis: true });
      pdf.text(`Page ${page - start + 1} of ${count}`, PAGE.width - PAGE.margin - 80, y, {
        width: 80,
        align: 'right',
        lineBreak: false,
      });
      pdf.endMarkedContent();
    }
  }
}

const barsInWords = ({ bars }: BarChart): string => {
  const most = bars.reduce((best, one) => (one.count > best.count ? one : best), { day: '', count: 0 });
  return most.count === 0
    ? 'None on any day.'
    : `Between 0 and ${numberText(most.count)} a day; the most on ${most.day}. The table of days has each number.`;
};

const cut = (text: string): string =>
  text.length <= CELL_LENGTH_MAX ? text : `${text.slice(0, CELL_LENGTH_MAX)}… (whole in CSV and JSON)`;

/** Above U+00FF, what Windows-1252 has. */
const WIN_ANSI: ReadonlySet<string> = new Set('€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ');

/** The text in letters that the built-in fonts have. */
const winAnsi = (text: string): string => {
  let written = '';
  for (const character of honestText(text)) {
    const code = character.codePointAt(0) ?? 0;
    const isKnown = code < 0x80 || (code >= 0xa0 && code <= 0xff) || WIN_ANSI.has(character);
    written += isKnown ? character : `[U+${code.toString(16).toUpperCase().padStart(4, '0')}]`;
  }
  return written;
};
