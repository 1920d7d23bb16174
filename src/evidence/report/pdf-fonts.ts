// The letters of the PDF: DejaVu Sans Condensed, which has those of every European language, embedded in the file.
//
// What the fonts have no letter for, such as Chinese, stands as a box: the other forms have it. Widths are remembered, because
// most words of a report come many times.
import { createRequire } from 'node:module';
import { honestText } from './words.ts';

type Pdf = PDFKit.PDFDocument;

/** The faces. */
export const FONT = { plain: 'Plain', bold: 'Bold' } as const;
/** One of the faces. */
export type Face = (typeof FONT)[keyof typeof FONT];

const FILES: Readonly<Record<Face, string>> = {
  [FONT.plain]: 'dejavu-fonts-ttf/ttf/DejaVuSansCondensed.ttf',
  [FONT.bold]: 'dejavu-fonts-ttf/ttf/DejaVuSansCondensed-Bold.ttf',
};
/** Stands for a letter that the fonts do not have. */
const BOX = '\u25a1';
/** Shorter words are never broken. */
const LONG = 16;
/** Words whose width is remembered, of each face. */
const WORDS_MAX = 50_000;
/** Size at which words are measured; widths grow with the size. */
const MEASURED_SIZE = 100;
/** A line is broken behind spaces; in a word that is too wide behind these, or anywhere. */
const SPACES = /(?<= )/;
const BREAKS = /(?<=[./:@_,;=]|\D-)/;
const LETTERS = /(?<=.)/su;

/** A text in one face. */
export type Run = readonly [text: string, face: Face];

/** What pdfkit knows of an embedded font. */
interface EmbeddedFont {
  readonly font?: { hasGlyphForCodePoint(codePoint: number): boolean };
}

/** Measures and breaks texts in the fonts of one document. */
export class PdfFonts {
  readonly #pdf: Pdf;
  readonly #widths: Readonly<Record<Face, Map<string, number>>> = { Plain: new Map(), Bold: new Map() };
  readonly #known = new Map<number, boolean>();

  constructor(pdf: Pdf) {
    this.#pdf = pdf;
    const require = createRequire(import.meta.url);
    for (const [face, file] of Object.entries(FILES)) pdf.registerFont(face, require.resolve(file));
  }

  /** The text in letters that the fonts have. */
  known(text: string): string {
    let written = '';
    for (const character of honestText(text).replace(/[\t\n]/g, ' '))
      written += this.#isKnown(character.codePointAt(0) ?? 0) ? character : BOX;
    return written;
  }

  /** Width of a text that is known(), points. */
  width(text: string, face: Face, size: number): number {
    const widths = this.#widths[face];
    let width = widths.get(text);
    if (width === undefined) {
      if (widths.size >= WORDS_MAX) widths.clear();
      width = this.#pdf.font(face).fontSize(MEASURED_SIZE).widthOfString(text);
      widths.set(text, width);
    }
    return (width * size) / MEASURED_SIZE;
  }

  /** Width of the widest piece that is not broken. */
  widestPiece(text: string, face: Face, size: number): number {
    let widest = 0;
    for (const word of text.split(SPACES))
      for (const piece of word.length > LONG ? word.split(BREAKS) : [word])
        widest = Math.max(widest, this.width(piece.trimEnd(), face, size));
    return widest;
  }

  /** The lines of a text within a width. A word that is wider by itself is broken where it may be, else where it has to be. */
  lines(text: string, face: Face, size: number, width: number): string[] {
    return this.runs([[text, face]], size, width).map((line) => line.map(([piece]) => piece).join(''));
  }

  /** The same for a text in several faces: the pieces of each line. */
  runs(parts: readonly Run[], size: number, width: number): Run[][] {
    const lines: Run[][] = [];
    let line: [string, Face][] = [];
    let lineWidth = 0;
    const push = (): void => {
      const last = line.at(-1);
      if (last !== undefined) last[0] = last[0].trimEnd();
      lines.push(line);
      line = [];
      lineWidth = 0;
    };
    const add = (piece: string, face: Face, pieceWidth: number): void => {
      const last = line.at(-1);
      if (last?.[1] === face) last[0] += piece;
      else line.push([piece, face]);
      lineWidth += pieceWidth;
    };
    const put = (piece: string, face: Face, pieces: readonly RegExp[]): void => {
      const visible = this.width(piece.trimEnd(), face, size);
      if (lineWidth > 0 && lineWidth + visible > width) push();
      const [breaks, ...finer] = pieces;
      if (visible <= width || breaks === undefined) add(piece, face, this.width(piece, face, size));
      else for (const part of piece.split(breaks)) put(part, face, finer);
    };
    for (const [text, face] of parts)
      for (const word of text.split(SPACES)) put(word, face, [BREAKS, LETTERS]);
    if (line.length > 0 || lines.length === 0) push();
    return lines;
  }

  #isKnown(codePoint: number): boolean {
    let isKnown = this.#known.get(codePoint);
    if (isKnown === undefined) {
      const { font } = (this.#pdf.font(FONT.plain) as unknown as { readonly _font: EmbeddedFont })._font;
      isKnown = codePoint === 0x20 || font?.hasGlyphForCodePoint(codePoint) === true;
      this.#known.set(codePoint, isKnown);
    }
    return isKnown;
  }
}
