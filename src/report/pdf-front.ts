// Page one of the report as PDF.
import type { Fact, Front, Need, ReportDocument, Tone } from './document.ts';
import { drawFigure } from './pdf-figure.ts';
import { FONT, type Run } from './pdf-fonts.ts';
import { type Box, CONTENT_WIDTH, INK, PAGE, type PdfPages, SIZE, TONE_FILL } from './pdf-pages.ts';
import { drawTable } from './pdf-table.ts';

const FACTS_WIDTH = 188;
const LABEL_WIDTH = 52;
const BETWEEN = 24;
const LEFT_PART = 0.57;
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
const PLAIN = { face: FONT.plain, size: SIZE.text, color: INK.text };

/** Agency, question, period; at the right who made it of what. */
export const drawTop = (pages: PdfPages, { kicker, title, subtitle, facts }: ReportDocument): void => {
  const { pdf } = pages;
  const top = pdf.y;
  const left: Box = { x: PAGE.margin, width: CONTENT_WIDTH - FACTS_WIDTH - BETWEEN };
  pages.text('P', kicker, { face: FONT.bold, size: SIZE.text, color: INK.accent }, 3, left);
  pages.text('H1', title, { face: FONT.bold, size: SIZE.title, color: INK.text }, 3, left);
  pages.text('P', subtitle, { face: FONT.plain, size: SIZE.text, color: INK.soft }, 0, left);
  const bottom = pdf.y;
  pdf.y = top;
  for (const fact of facts) drawSmallFact(pages, fact);
  pdf.y = Math.max(bottom, pdf.y) + 8;
  pages.rule({ x: PAGE.margin, width: CONTENT_WIDTH }, INK.text, 1.5);
  pdf.y += 12;
};

const drawSmallFact = (pages: PdfPages, { label, value }: Fact): void => {
  const { pdf, fonts } = pages;
  const x = PAGE.width - PAGE.margin - FACTS_WIDTH;
  const size = SIZE.small;
  const lines = fonts.lines(fonts.known(value), FONT.plain, size, FACTS_WIDTH - LABEL_WIDTH);
  const top = pdf.y;
  pages.root.add(
    pages.element('P', {}, () => {
      pages.drawLines([fonts.known(label)], { face: FONT.plain, size, color: INK.faint }, x, top);
      pages.drawLines(lines, { face: FONT.plain, size, color: INK.soft }, x + LABEL_WIDTH, top);
    }),
  );
  pdf.y = top + pages.heightOf(lines.length, size) + 1;
};

/** The answer, when it was not so, what needs a person, who was exempt, how far it can be trusted. */
export const drawFront = (pages: PdfPages, front: Front): void => {
  const { pdf, texts } = pages;
  drawAnswer(pages, front);
  drawFigure(pages, front.strip, false);
  drawTwo(pages, front);
  const { front: words } = texts;
  drawOr(pages, front.gaps.rows.length > 0, words.gaps, words.noGaps, () => drawTable(pages, front.gaps));
  drawOr(pages, front.exempt.rows.length > 0, words.exempt, words.noExempt, () =>
    drawTable(pages, front.exempt),
  );
  pages.need(34);
  pages.rule({ x: PAGE.margin, width: CONTENT_WIDTH }, INK.rule, 0.8);
  pdf.y += 5;
  const { fonts } = pages;
  const rest = `${front.trust.join(' ')} ${texts.trust.check} ${front.command}`;
  const lines = fonts.runs(
    [
      [`${fonts.known(words.trust)} `, FONT.bold],
      [fonts.known(rest), FONT.plain],
    ],
    SIZE.small,
    CONTENT_WIDTH,
  );
  const top = pdf.y;
  pages.root.add(pages.element('P', {}, () => pages.drawRuns(lines, SIZE.small, INK.soft, PAGE.margin, top)));
  pdf.y = top + pages.heightOf(lines.length, SIZE.small);
};

const drawOr = (pages: PdfPages, isThere: boolean, title: string, empty: string, draw: () => void): void => {
  if (isThere) {
    draw();
    return;
  }
  pages.need(40);
  pages.text('P', title, { face: FONT.bold, size: SIZE.heading, color: INK.text }, 2);
  pages.text('P', empty, { ...PLAIN, color: INK.faint }, 12);
};

const drawAnswer = (pages: PdfPages, { tone, answer, texts }: Front): void => {
  const { pdf, fonts } = pages;
  const inner: Box = { x: PAGE.margin + 50, width: CONTENT_WIDTH - 66 };
  const title = fonts.lines(fonts.known(answer), FONT.bold, SIZE.answer, inner.width);
  const body = texts.map((text) => fonts.lines(fonts.known(text), FONT.plain, SIZE.text, inner.width));
  const bodyHeight = body.reduce((sum, lines) => sum + pages.heightOf(lines.length, SIZE.text) + 2, 0);
  const height = Math.max(48, 24 + pages.heightOf(title.length, SIZE.answer) + bodyHeight);
  const top = pdf.y;
  pages.artifact(() => {
    pdf.roundedRect(PAGE.margin, top, CONTENT_WIDTH, height, 5).fill(SOFT[tone]);
    drawMark(pages, tone, PAGE.margin + 16, top + 13, 24);
  });
  pdf.y = top + 11;
  pages.text('H2', answer, { face: FONT.bold, size: SIZE.answer, color: ANSWER_INK[tone] }, 2, inner);
  for (const text of texts) pages.text('P', text, PLAIN, 2, inner);
  pdf.y = top + height + 10;
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

/** What is compared, and beside it what needs a person; one below the other where that does not fit. */
const drawTwo = (pages: PdfPages, { comparison, needs }: Front): void => {
  const { pdf, texts } = pages;
  const { front: words } = texts;
  const left: Box = { x: PAGE.margin, width: CONTENT_WIDTH * LEFT_PART };
  const right: Box = {
    x: left.x + left.width + BETWEEN,
    width: CONTENT_WIDTH - left.width - BETWEEN,
  };
  pages.need(170);
  const top = pdf.y;
  if (comparison === undefined) {
    pages.text('P', words.compared, { face: FONT.bold, size: SIZE.heading, color: INK.text }, 2, left);
    pages.text('P', words.noPrevious, { ...PLAIN, color: INK.faint }, 10, left);
  } else drawTable(pages, comparison, left);
  const bottom = pdf.y;
  const isBeside = needsHeight(pages, needs, right) <= pages.left + bottom - top;
  if (isBeside) pdf.y = top;
  const box = isBeside ? right : { x: PAGE.margin, width: CONTENT_WIDTH };
  pages.text('P', words.needsAttention, { face: FONT.bold, size: SIZE.heading, color: INK.text }, 4, box);
  if (needs.length === 0) pages.text('P', words.nothingNeeds, { ...PLAIN, color: INK.faint }, 4, box);
  else drawNeeds(pages, needs, box);
  pdf.y = (isBeside ? Math.max(pdf.y, bottom) : pdf.y) + 10;
};

const NEED_INDENT = 15;
const NEED_GAP = 4;

const needLines = ({ fonts }: PdfPages, [lead, rest]: Need, { width }: Box): Run[][] =>
  fonts.runs(
    [
      [`${fonts.known(lead)} `, FONT.bold],
      [fonts.known(rest), FONT.plain],
    ],
    SIZE.text,
    width - NEED_INDENT,
  );

const needsHeight = (pages: PdfPages, needs: readonly Need[], box: Box): number =>
  needs.reduce(
    (sum, need) => sum + pages.heightOf(needLines(pages, need, box).length, SIZE.text) + NEED_GAP,
    24,
  );

const drawNeeds = (pages: PdfPages, needs: readonly Need[], box: Box): void => {
  const { pdf } = pages;
  const list = pdf.struct('L');
  pages.root.add(list);
  for (const need of needs) {
    const lines = needLines(pages, need, box);
    const height = pages.heightOf(lines.length, SIZE.text);
    pages.need(height);
    const top = pdf.y;
    pages.artifact(() => drawMark(pages, 'warning', box.x, top + 1, 9));
    const item = pdf.struct('LI');
    list.add(item);
    item.add(
      pages.element('LBody', {}, () => pages.drawRuns(lines, SIZE.text, INK.text, box.x + NEED_INDENT, top)),
    );
    item.end();
    pdf.y = top + height + NEED_GAP;
  }
  list.end();
};
