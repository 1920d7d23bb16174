// The pages of a report as PDF: what fits on them, texts in lines, structure for screen readers, and what these pass over.
import type { Tone } from './document.ts';
import { type Face, FONT, PdfFonts } from './pdf-fonts.ts';
import type { ReportTexts } from './texts/texts.ts';

/** A4, in points. */
export const PAGE = { width: 595.28, height: 841.89, margin: 42, footer: 26 } as const;
/** Between the margins. */
export const CONTENT_WIDTH = PAGE.width - 2 * PAGE.margin;
const CONTENT_END = PAGE.height - PAGE.margin - PAGE.footer;
/** What a page holds, points. */
export const CONTENT_HEIGHT = CONTENT_END - PAGE.margin;
export const SIZE = {
  section: 15,
  heading: 10.5,
  text: 9,
  table: 8,
  small: 7.5,
} as const;
/** Between two lines, in parts of the size. */
const LEADING = 1.32;
export const INK = {
  text: '#17202c',
  soft: '#475364',
  faint: '#5b6778',
  line: '#dde2e8',
  rule: '#7f8a99',
  accent: '#1d4f9e',
  alarm: '#7d4b00',
  white: '#ffffff',
};
/** Fills of a tone: 3:1 against white (WCAG 2.2, 1.4.11). */
export const TONE_FILL: Readonly<Record<Tone, string>> = {
  good: '#12855f',
  bad: '#c6301f',
  warning: '#b36b00',
  unknown: '#7b8694',
};
/** Of the series of a chart. */
export const SERIES_FILL = ['#1f5fb4', '#c2570c', '#17988a', '#5e2a7e'] as const;

type Pdf = PDFKit.PDFDocument;
/** A part of the document's structure, which screen readers follow. */
export type Element = PDFKit.PDFStructureElement;
/** Options of an element, as far as the types of pdfkit know them. */
export type ElementOptions = NonNullable<Parameters<Pdf['struct']>[1]>;

/** How a text is written. */
export interface TextStyle {
  readonly face: Face;
  readonly size: number;
  readonly color: string;
}

/** Where a text is written; the whole width by default. */
export interface Box {
  readonly x: number;
  readonly width: number;
}

const WHOLE: Box = { x: PAGE.margin, width: CONTENT_WIDTH };

/** Pages that are written from top to bottom. */
export class PdfPages {
  readonly pdf: Pdf;
  readonly fonts: PdfFonts;
  readonly texts: ReportTexts;
  readonly root: Element;

  constructor(pdf: Pdf, texts: ReportTexts) {
    this.pdf = pdf;
    this.texts = texts;
    this.fonts = new PdfFonts(pdf);
    this.root = pdf.struct('Document');
    pdf.addStructure(this.root);
    pdf.y = PAGE.margin;
  }

  /** An element of the structure; `more` are options that the types of pdfkit lack. */
  element(tag: string, more: object, draw: () => void): Element {
    return this.pdf.struct(tag, more as ElementOptions, draw);
  }

  /** Height of so many lines, points. */
  heightOf(lines: number, size: number): number {
    return lines * size * LEADING;
  }

  /** Lines of a text, drawn from `y` on; nothing is moved. */
  drawLines(lines: readonly string[], { face, size, color }: TextStyle, x: number, y: number): void {
    const { pdf } = this;
    pdf.font(face).fontSize(size).fillColor(color);
    for (const [at, line] of lines.entries())
      if (line !== '') pdf.text(line, x, y + this.heightOf(at, size), { lineBreak: false });
  }

  /** A text that ends at the right of a box, in lines. */
  drawAtRight(lines: readonly string[], style: TextStyle, { x, width }: Box, y: number): void {
    for (const [at, line] of lines.entries()) {
      const left = x + width - this.fonts.width(line, style.face, style.size);
      this.drawLines([line], style, left, y + this.heightOf(at, style.size));
    }
  }

  /** A paragraph in lines; it goes on to the next page where it has to. */
  text(tag: string, text: string, style: TextStyle, gap: number, box: Box = WHOLE, parent = this.root): void {
    const { pdf, fonts } = this;
    const lines = fonts.lines(fonts.known(text), style.face, style.size, box.width);
    const element = pdf.struct(tag);
    parent.add(element);
    for (let at = 0; at < lines.length; ) {
      this.need(this.heightOf(1, style.size));
      const fits = Math.max(1, Math.floor((CONTENT_END - pdf.y) / this.heightOf(1, style.size)));
      const piece = lines.slice(at, at + fits);
      const top = pdf.y;
      element.add(() => this.drawLines(piece, style, box.x, top));
      pdf.y = top + this.heightOf(piece.length, style.size);
      at += piece.length;
    }
    element.end();
    pdf.y += gap;
  }

  /** A heading that does not stand alone at the foot of a page. */
  heading(tag: string, text: string, size: number, follows = 60): void {
    this.need(size * LEADING + follows);
    this.text(tag, text, { face: FONT.bold, size, color: INK.text }, 4);
  }

  /** True when so much does not fit on this page any more, points. */
  isFull(height: number): boolean {
    return this.pdf.y + height > CONTENT_END;
  }

  /** What is left of this page, points. */
  get left(): number {
    return CONTENT_END - this.pdf.y;
  }

  /** Begins a page unless so much is left of this one. */
  need(height: number): void {
    if (this.isFull(height) && this.pdf.y > PAGE.margin) this.addPage();
  }

  addPage(): void {
    this.pdf.addPage();
    this.pdf.y = PAGE.margin;
  }

  /** Draws what screen readers pass over. */
  artifact(draw: () => void): void {
    this.pdf.markContent('Artifact', { type: 'Layout' });
    draw();
    this.pdf.endMarkedContent();
  }

  /** A line over the width of a box. */
  rule({ x, width }: Box, color: string, thickness: number): void {
    const { pdf } = this;
    this.artifact(() => {
      pdf
        .moveTo(x, pdf.y)
        .lineTo(x + width, pdf.y)
        .lineWidth(thickness)
        .strokeColor(color)
        .stroke();
    });
  }

  /** Names and numbers of the pages; when all else is written. */
  footers(name: string): void {
    const { pdf, fonts, texts } = this;
    const { start, count } = pdf.bufferedPageRange();
    const y = PAGE.height - PAGE.margin - 6;
    const style = { face: FONT.plain, size: SIZE.small, color: INK.faint };
    for (let page = start; page < start + count; page++) {
      pdf.switchToPage(page);
      // Otherwise text so far down would begin a page.
      pdf.page.margins.bottom = 0;
      pdf.markContent('Artifact', { type: 'Pagination' });
      const number = texts.page(page - start + 1, count);
      const [line = ''] = fonts.lines(fonts.known(name), style.face, style.size, CONTENT_WIDTH - 90);
      this.drawLines([line], style, PAGE.margin, y);
      this.drawAtRight([fonts.known(number)], style, WHOLE, y);
      pdf.endMarkedContent();
    }
  }
}
