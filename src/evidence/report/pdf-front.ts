// Page one of the report as PDF: each part within the height that page-one.ts gives it, so that the page ends on itself.
import type { Fact, Front, FrontFindings, FrontTable, Question, ReportDocument, Tone } from './document.ts';
import { topLines } from './front.ts';
import {
  ANSWER_WIDTH,
  BULLET_WIDTH,
  CELL_GAP,
  FACT_LABEL_WIDTH,
  FACTS_WIDTH,
  FRONT,
  type FrontText,
  LABEL_WIDTH,
  TITLE_WIDTH,
} from './page-one.ts';
import { drawFigure } from './pdf-figure.ts';
import { type Face, FONT } from './pdf-fonts.ts';
import {
  CONTENT_WIDTH,
  type Element,
  type ElementOptions,
  INK,
  PAGE,
  type PdfPages,
  TONE_FILL,
} from './pdf-pages.ts';

const SOFT: Readonly<Record<Tone, string>> = {
  good: '#e3f3ec',
  bad: '#fbeae7',
  warning: '#fcf1dd',
  unknown: '#eceff2',
};
const ANSWER_INK: Readonly<Record<Tone, string>> = {
  good: '#0a6649',
  bad: '#ab2317',
  warning: '#7d4b00',
  unknown: '#4d5866',
};
const INNER = PAGE.margin + 46;

interface Style {
  readonly face: Face;
  readonly size: number;
  readonly color: string;
  /** Height of a line, points. */
  readonly line: number;
}

const PLAIN: Style = { face: FONT.plain, size: FRONT.text, color: INK.text, line: FRONT.textLine };
const BOLD: Style = { ...PLAIN, face: FONT.bold };
const CELL: Style = { face: FONT.plain, size: FRONT.table, color: INK.text, line: FRONT.tableLine };

/** The lines of a text, as many as there may be; the last ends with an ellipsis where some are missing. */
const clamp = ({ fonts }: PdfPages, text: string, most: number, style: Style, width: number): string[] => {
  const lines = fonts.lines(fonts.known(text), style.face, style.size, width);
  if (lines.length <= most) return lines;
  const shown = lines.slice(0, most);
  let last = `${shown.pop() ?? ''}\u2026`;
  while (last.length > 1 && fonts.width(last, style.face, style.size) > width)
    last = `${last.slice(0, -2).trimEnd()}\u2026`;
  return [...shown, last];
};

/** Draws lines from `y` on; gives where they end. */
const drawLines = (pages: PdfPages, lines: readonly string[], style: Style, x: number, y: number): number => {
  for (const [at, line] of lines.entries()) pages.drawLines([line], style, x, y + at * style.line);
  return y + lines.length * style.line;
};

/** A paragraph within its lines. */
const drawText = (
  pages: PdfPages,
  tag: string,
  { text, lines }: FrontText,
  style: Style,
  x: number,
  width: number,
): void => {
  const { pdf } = pages;
  const shown = clamp(pages, text, lines, style, width);
  const top = pdf.y;
  pages.root.add(pages.element(tag, {}, () => void drawLines(pages, shown, style, x, top)));
  pdf.y = top + shown.length * style.line;
};

/** Agency, question, period; at the right who made it of what. */
export const drawTop = (pages: PdfPages, document: ReportDocument): void => {
  const { pdf } = pages;
  const { kicker, title, subtitle, facts } = topLines(document);
  const top = pdf.y;
  drawText(pages, 'P', kicker, { ...BOLD, color: INK.accent }, PAGE.margin, TITLE_WIDTH);
  const large = { ...BOLD, size: FRONT.title, line: FRONT.titleLine };
  drawText(pages, 'H1', title, large, PAGE.margin, TITLE_WIDTH);
  drawText(pages, 'P', subtitle, { ...PLAIN, color: INK.soft }, PAGE.margin, TITLE_WIDTH);
  const bottom = pdf.y;
  pdf.y = top;
  for (const fact of facts) drawFact(pages, fact);
  pdf.y = Math.max(bottom, pdf.y) + 5;
  pages.rule({ x: PAGE.margin, width: CONTENT_WIDTH }, INK.text, 1.5);
  pdf.y += FRONT.boxGap - 5;
};

const drawFact = (
  pages: PdfPages,
  { label, value }: Pick<Fact, 'label'> & { readonly value: FrontText },
): void => {
  const { pdf, fonts } = pages;
  const x = PAGE.width - PAGE.margin - FACTS_WIDTH;
  const lines = clamp(pages, value.text, value.lines, CELL, FACTS_WIDTH - FACT_LABEL_WIDTH);
  const top = pdf.y;
  pages.root.add(
    pages.element('P', {}, () => {
      drawLines(pages, [fonts.known(label)], { ...CELL, color: INK.faint }, x, top);
      drawLines(pages, lines, { ...CELL, color: INK.soft }, x + FACT_LABEL_WIDTH, top);
    }),
  );
  pdf.y = top + lines.length * CELL.line + 1;
};

/** Findings, the answer, and the eight questions. */
export const drawFront = (pages: PdfPages, front: Front): void => {
  const { pdf } = pages;
  if (front.findings !== undefined) drawFindings(pages, front.findings);
  drawAnswer(pages, front);
  drawFigure(pages, front.strip, false);
  // Its own gap behind it is that of a section.
  pdf.y -= 6;
  if (front.needs !== undefined) {
    drawLabeled(pages, front.needs.label, 'P', [front.needs.text], INK.alarm);
    pdf.y += FRONT.gap;
  }
  for (const question of front.questions) drawQuestion(pages, question);
  pages.rule({ x: PAGE.margin, width: CONTENT_WIDTH }, INK.rule, 0.8);
  pdf.y += FRONT.rule - 4;
  drawText(pages, 'P', front.check, { ...CELL, color: INK.soft }, PAGE.margin, CONTENT_WIDTH);
};

/** A label, and texts at its right. */
const drawLabeled = (
  pages: PdfPages,
  label: string,
  tag: string,
  texts: readonly FrontText[],
  color: string = INK.text,
): void => {
  const { pdf } = pages;
  const top = pdf.y;
  drawText(pages, tag, { text: label, lines: 2 }, { ...BOLD, color }, PAGE.margin, LABEL_WIDTH - 6);
  const bottom = pdf.y;
  pdf.y = top;
  for (const text of texts)
    drawText(pages, 'P', text, PLAIN, PAGE.margin + LABEL_WIDTH, CONTENT_WIDTH - LABEL_WIDTH);
  pdf.y = Math.max(pdf.y, Math.min(bottom, top + BOLD.line * Math.max(1, texts.length)));
};

const drawQuestion = (pages: PdfPages, question: Question): void => {
  const { number, label, texts, items, table, more } = question;
  const { pdf } = pages;
  pages.rule({ x: PAGE.margin, width: CONTENT_WIDTH }, INK.line, 0.5);
  pdf.y += 2;
  const top = pdf.y;
  drawLabeled(pages, `${number}  ${label}`, 'H3', texts);
  if (texts.length === 0) pdf.y = top;
  if (items.length > 0) drawItems(pages, items);
  if (table !== undefined) drawFrontTable(pages, table);
  if (more !== undefined) {
    const x = table === undefined ? PAGE.margin + LABEL_WIDTH : PAGE.margin;
    const style = { ...CELL, face: FONT.bold, color: INK.soft };
    drawText(pages, 'P', { text: more, lines: 1 }, style, x, CONTENT_WIDTH - LABEL_WIDTH);
  }
  pdf.y += FRONT.gap - 2;
};

const drawItems = (pages: PdfPages, items: readonly FrontText[]): void => {
  const { pdf } = pages;
  const x = PAGE.margin + LABEL_WIDTH;
  const list = pdf.struct('L');
  pages.root.add(list);
  for (const { text, lines } of items) {
    const width = CONTENT_WIDTH - LABEL_WIDTH - BULLET_WIDTH;
    const shown = clamp(pages, text, lines, PLAIN, width);
    const top = pdf.y;
    pages.artifact(() => pages.drawLines(['•'], PLAIN, x, top));
    const item = pdf.struct('LI');
    list.add(item);
    item.add(pages.element('LBody', {}, () => void drawLines(pages, shown, PLAIN, x + BULLET_WIDTH, top)));
    item.end();
    pdf.y = top + shown.length * PLAIN.line;
  }
  list.end();
};

const drawFrontTable = (pages: PdfPages, { name, columns, rows }: FrontTable): void => {
  const { pdf, texts, fonts } = pages;
  let x: number = PAGE.margin;
  const boxes = columns.map(({ part, isAtRight = false }) => {
    const width = part * CONTENT_WIDTH;
    x += width;
    return { x: x - width, width: width - CELL_GAP, isAtRight };
  });
  const drawRow = (
    row: Element,
    cells: readonly (readonly string[])[],
    style: Style,
    elementOf: (at: number) => Element,
  ): void => {
    // Drawing a text moves the place by its own idea of a line.
    const top = pdf.y;
    const height = Math.max(1, ...cells.map((cell) => cell.length)) * style.line;
    for (const [at, cell] of cells.entries()) {
      const box = boxes[at];
      if (box === undefined) continue;
      const element = elementOf(at);
      row.add(element);
      element.add(() => {
        for (const [line, text] of cell.entries()) {
          const shift = box.isAtRight ? box.width - fonts.width(text, style.face, style.size) : 0;
          pages.drawLines([text], style, box.x + shift, top + line * style.line);
        }
      });
      element.end();
    }
    pdf.y = top + height;
  };
  const table = pdf.struct('Table');
  pages.root.add(table);
  // What stands above says it to the eye.
  table.add(pages.element('Caption', { actual: fonts.known(texts.captions[name] ?? name) }, () => undefined));
  const head = columns.map((column, at) =>
    clamp(pages, texts.columns[column.name] ?? column.name, 2, HEAD, boxes[at]?.width ?? 0),
  );
  pdf.y += 1.5;
  const headRow = pdf.struct('TR');
  table.add(headRow);
  drawRow(headRow, head, HEAD, () => pdf.struct('TH', { scope: 'Column' } as ElementOptions));
  headRow.end();
  pages.rule({ x: PAGE.margin, width: CONTENT_WIDTH }, INK.rule, 0.6);
  for (const { cells, lines } of rows) {
    const drawn = cells.map((text, at) => clamp(pages, text, lines, CELL, boxes[at]?.width ?? 0));
    pdf.y += FRONT.rowGap / 2;
    const row = pdf.struct('TR');
    table.add(row);
    drawRow(row, drawn, CELL, (at) =>
      at === 0 ? pdf.struct('TH', { scope: 'Row' } as ElementOptions) : pdf.struct('TD'),
    );
    row.end();
    pdf.y += FRONT.rowGap / 2 - 0.5;
    pages.rule({ x: PAGE.margin, width: CONTENT_WIDTH }, INK.line, 0.4);
  }
  table.end();
};

const HEAD: Style = { ...CELL, face: FONT.bold, color: INK.faint };

const drawFindings = (pages: PdfPages, { title, texts, more }: FrontFindings): void => {
  const told = more === undefined ? texts : [...texts, { text: more, lines: 1 }];
  drawBox(pages, 'bad', { text: title, lines: 1 }, told, true);
};

const drawAnswer = (pages: PdfPages, { tone, answer, texts }: Front): void =>
  drawBox(pages, tone, answer, texts, false);

/** A title with its mark and sentences, on a soft ground or within a frame. */
const drawBox = (
  pages: PdfPages,
  tone: Tone,
  title: FrontText,
  texts: readonly FrontText[],
  isFramed: boolean,
): void => {
  const { pdf } = pages;
  const large = { ...BOLD, size: FRONT.answer, line: FRONT.answerLine, color: ANSWER_INK[tone] };
  const heads = clamp(pages, title.text, title.lines, large, ANSWER_WIDTH);
  const bodies = texts.map(({ text, lines }) => clamp(pages, text, lines, PLAIN, ANSWER_WIDTH));
  const height =
    FRONT.boxGap +
    heads.length * large.line +
    bodies.reduce((sum, { length }) => sum + length * PLAIN.line, 0);
  const top = pdf.y;
  pages.artifact(() => {
    if (isFramed)
      pdf
        .roundedRect(PAGE.margin + 1, top, CONTENT_WIDTH - 2, height, 5)
        .lineWidth(1.6)
        .strokeColor(TONE_FILL[tone])
        .stroke();
    else pdf.roundedRect(PAGE.margin, top, CONTENT_WIDTH, height, 5).fill(SOFT[tone]);
    drawMark(pages, tone, PAGE.margin + 13, top + 8, 21);
  });
  let y = top + FRONT.boxGap / 2;
  const draw = (tag: string, lines: readonly string[], style: Style): void => {
    const at = y;
    pages.root.add(pages.element(tag, {}, () => void drawLines(pages, lines, style, INNER, at)));
    y += lines.length * style.line;
  };
  draw('H2', heads, large);
  for (const lines of bodies) draw('P', lines, PLAIN);
  pdf.y = top + height + FRONT.boxGap - 5;
};

/** A disc with a tick, an octagon with a cross, a triangle, a dashed ring: no state is told by its color alone. */
const drawMark = ({ pdf }: PdfPages, tone: Tone, x: number, y: number, size: number): void => {
  const at = (part: number): number => part * size;
  const knock = (draw: () => void): void => {
    pdf
      .lineWidth(size / 10)
      .lineCap('round')
      .lineJoin('round')
      .strokeColor(INK.white);
    draw();
    pdf.stroke();
  };
  switch (tone) {
    case 'good':
      pdf.circle(x + at(0.5), y + at(0.5), at(0.5)).fill(TONE_FILL.good);
      knock(() =>
        pdf
          .moveTo(x + at(0.28), y + at(0.52))
          .lineTo(x + at(0.44), y + at(0.68))
          .lineTo(x + at(0.73), y + at(0.36)),
      );
      return;
    case 'bad':
      pdf
        .polygon(
          ...[
            [0.3, 0],
            [0.7, 0],
            [1, 0.3],
            [1, 0.7],
            [0.7, 1],
            [0.3, 1],
            [0, 0.7],
            [0, 0.3],
          ].map(([a = 0, b = 0]) => [x + at(a), y + at(b)]),
        )
        .fill(TONE_FILL.bad);
      knock(() =>
        pdf
          .moveTo(x + at(0.33), y + at(0.33))
          .lineTo(x + at(0.67), y + at(0.67))
          .moveTo(x + at(0.67), y + at(0.33))
          .lineTo(x + at(0.33), y + at(0.67)),
      );
      return;
    case 'warning':
      pdf.polygon([x + at(0.5), y], [x + size, y + at(0.92)], [x, y + at(0.92)]).fill(TONE_FILL.warning);
      knock(() =>
        pdf
          .moveTo(x + at(0.5), y + at(0.34))
          .lineTo(x + at(0.5), y + at(0.6))
          .moveTo(x + at(0.5), y + at(0.76))
          .lineTo(x + at(0.5), y + at(0.77)),
      );
      return;
    case 'unknown':
      pdf
        .circle(x + at(0.5), y + at(0.5), at(0.42))
        .lineWidth(size / 12)
        .dash(size / 7, { space: size / 9 });
      pdf.strokeColor(TONE_FILL.unknown).stroke().undash();
  }
};
