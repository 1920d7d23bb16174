// The pages of a report as PDF: texts, what fits on a page, and letters.
//
// Built-in fonts know the characters of Windows-1252: others are written as [U+0141], so that nothing is lost and nothing
// looks like something else.
import type { Fact } from './document.ts';
import { honestText } from './words.ts';

/** A4, in points. */
export const PAGE = { width: 595.28, height: 841.89, margin: 45, footer: 30 } as const;
/** Between the margins. */
export const CONTENT_WIDTH = PAGE.width - 2 * PAGE.margin;
const CONTENT_END = PAGE.height - PAGE.margin - PAGE.footer;
export const FONT = { plain: 'Helvetica', bold: 'Helvetica-Bold', oblique: 'Helvetica-Oblique' } as const;
export const SIZE = { title: 22, section: 15, sheet: 11.5, text: 9.5, table: 7.5, figure: 7 } as const;
export const INK = {
  text: '#1a1f29',
  soft: '#4a5260',
  line: '#c6cad1',
  shade: '#f3f5f8',
  accent: '#1d4a73',
  alarm: '#9b1c14',
};

const FACT_LABEL_WIDTH = 145;

type Pdf = PDFKit.PDFDocument;
/** A part of the document's structure, which screen readers follow. */
export type Element = PDFKit.PDFStructureElement;

/** Pages that are written from top to bottom. */
export class PdfPages {
  readonly pdf: Pdf;
  readonly root: Element;

  constructor(pdf: Pdf) {
    this.pdf = pdf;
    this.root = pdf.struct('Document');
    pdf.addStructure(this.root);
  }

  heading(tag: string, text: string, size: number): void {
    const { pdf } = this;
    // Not alone at the foot of a page.
    this.need(size + 70);
    pdf.y += size;
    this.text(tag, text, { font: FONT.bold, size, color: tag === 'H2' ? INK.accent : INK.text, gap: 4 });
  }

  text(tag: string, text: string, style: { font: string; size: number; color: string; gap: number }): void {
    const { pdf } = this;
    this.root.add(
      pdf.struct(tag, {}, () => {
        pdf.font(style.font).fontSize(style.size).fillColor(style.color);
        pdf.text(winAnsi(text), PAGE.margin, pdf.y, { width: CONTENT_WIDTH });
      }),
    );
    pdf.y += style.gap;
  }

  facts(facts: readonly Fact[], font: string = FONT.plain): void {
    const { pdf } = this;
    for (const { label, value, isAlarming } of facts) {
      const text = winAnsi(isAlarming === true ? `Attention: ${value}` : value);
      const width = CONTENT_WIDTH - FACT_LABEL_WIDTH;
      pdf.font(font).fontSize(SIZE.text);
      this.need(Math.min(pdf.heightOfString(text, { width }), 60));
      const top = pdf.y;
      this.root.add(
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

  /** True when so much does not fit on this page any more, points. */
  isFull(height: number): boolean {
    return this.pdf.y + height > CONTENT_END;
  }

  /** Begins a page unless so much is left of this one. */
  need(height: number): void {
    if (this.isFull(height)) this.pdf.addPage();
  }

  /** Draws what screen readers pass over. */
  artifact(draw: () => void): void {
    this.pdf.markContent('Artifact', { type: 'Layout' });
    draw();
    this.pdf.endMarkedContent();
  }

  /** Numbers the pages; when all else is written. */
  footers(title: string, facts: readonly Fact[]): void {
    const { pdf } = this;
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

/** Above U+00FF, what Windows-1252 has. */
const WIN_ANSI: ReadonlySet<string> = new Set('€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ');

/** The text in letters that the built-in fonts have. */
export const winAnsi = (text: string): string => {
  let written = '';
  for (const character of honestText(text)) {
    const code = character.codePointAt(0) ?? 0;
    const isKnown = code < 0x80 || (code >= 0xa0 && code <= 0xff) || WIN_ANSI.has(character);
    written += isKnown ? character : `[U+${code.toString(16).toUpperCase().padStart(4, '0')}]`;
  }
  return written;
};
