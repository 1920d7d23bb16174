// The report as PDF: A4, fonts within it, tagged so that screen readers find headings, tables and what figures show (PDF/UA-1).
//
// pdfkit is loaded only here. The bytes depend on the document alone: the date of creation is the end of the period, from
// which the file's identifier follows.
import { loadFeature } from '../../base/base.ts';
import type { Fact, ReportDocument, Section, Sheet } from './document.ts';
import { drawFigure } from './pdf-figure.ts';
import { FONT } from './pdf-fonts.ts';
import { drawFront, drawTop } from './pdf-front.ts';
import { CONTENT_WIDTH, INK, PAGE, PdfPages, SIZE } from './pdf-pages.ts';
import { drawTable } from './pdf-table.ts';
import { honestText } from './words.ts';

const LABEL_WIDTH = 150;
/** Less of a page does not begin a section. */
const SECTION_HEIGHT_MIN = 170;
const PLAIN = { face: FONT.plain, size: SIZE.text, color: INK.text };

/** The bytes of the file; `untilMs` is the end of the period, milliseconds since the epoch. */
export const toPdf = async (document: ReportDocument, untilMs: number): Promise<Uint8Array> => {
  const { default: PdfDocument } = await loadFeature('PDF reports', () => import('pdfkit'));
  const { texts, kicker, subtitle } = document;
  const name = honestText(`${kicker}, ${subtitle}`);
  const date = new Date(untilMs);
  const pdf = new PdfDocument({
    size: 'A4',
    // Lines are placed here, and none begins a page by itself.
    margins: { top: 0, left: 0, right: 0, bottom: 0 },
    pdfVersion: '1.7',
    // A type of an earlier version has no name for it.
    subset: 'PDF/UA' as PDFKit.Mixins.PDFSubsets,
    tagged: true,
    lang: texts.language,
    displayTitle: true,
    bufferPages: true,
    info: { Title: name, Creator: 'Cordon', Producer: 'Cordon', CreationDate: date, ModDate: date },
  });
  const pieces: Uint8Array[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    pdf.on('data', (piece: Uint8Array) => pieces.push(piece));
    pdf.on('end', resolve);
    pdf.on('error', reject);
  });
  const pages = new PdfPages(pdf, texts);
  writeDocument(pages, document);
  pages.root.end();
  pages.footers(name);
  pdf.end();
  await ended;
  return Buffer.concat(pieces);
};

const writeDocument = (pages: PdfPages, document: ReportDocument): void => {
  const { sections, front } = document;
  drawTop(pages, document);
  pages.pdf.outline.addItem(document.title);
  drawFront(pages, front);
  for (const [at, section] of sections.entries()) writeSection(pages, section, at + 2);
};

const writeSection = (pages: PdfPages, section: Section, number: number): void => {
  const { title, lead, facts = [], notes = [], figures = [], tables, sheets = [], paragraphs = [] } = section;
  const { pdf } = pages;
  // Page one stands alone.
  if (number === 2) pages.addPage();
  else pdf.y += 14;
  pages.need(SECTION_HEIGHT_MIN);
  pdf.outline.addItem(`${number} ${title}`);
  pages.heading('H2', `${number}  ${title}`, SIZE.section);
  if (lead !== undefined) pages.text('P', lead, { ...PLAIN, color: INK.soft }, 4);
  pages.rule({ x: PAGE.margin, width: CONTENT_WIDTH }, INK.text, 1.2);
  pdf.y += 8;
  writeFacts(pages, facts);
  for (const note of notes) pages.text('P', note, { ...PLAIN, size: SIZE.table, color: INK.faint }, 3);
  if (notes.length > 0) pdf.y += 6;
  for (const text of paragraphs) pages.text('P', text, PLAIN, 6);
  for (const figure of figures) drawFigure(pages, figure);
  for (const table of tables) if (table.isForMachines !== true) drawTable(pages, table);
  for (const sheet of sheets) writeSheet(pages, sheet);
};

const writeSheet = (pages: PdfPages, { title, facts, tables }: Sheet): void => {
  pages.heading('H3', title, SIZE.heading);
  writeFacts(pages, facts);
  for (const table of tables) drawTable(pages, table);
};

const writeFacts = (pages: PdfPages, facts: readonly Fact[]): void => {
  const { pdf, fonts, texts } = pages;
  const width = CONTENT_WIDTH - LABEL_WIDTH;
  for (const { label, value, isAlarming } of facts) {
    const text = fonts.known(isAlarming === true ? `${texts.attention}: ${value}` : value);
    const names = fonts.lines(fonts.known(label), FONT.plain, SIZE.text, LABEL_WIDTH - 8);
    const lines = fonts.lines(text, FONT.plain, SIZE.text, width);
    const color = isAlarming === true ? INK.alarm : INK.text;
    pages.need(Math.min(pages.heightOf(lines.length, SIZE.text), 60));
    const element = pdf.struct('P');
    pages.root.add(element);
    let labels: readonly string[] = names;
    for (let at = 0; at < lines.length; ) {
      pages.need(pages.heightOf(1, SIZE.text));
      const fits = Math.max(1, Math.floor(pages.left / pages.heightOf(1, SIZE.text)));
      const piece = lines.slice(at, at + fits);
      const top = pdf.y;
      const shown = labels;
      element.add(() => {
        pages.drawLines(shown, { ...PLAIN, color: INK.faint }, PAGE.margin, top);
        pages.drawLines(piece, { ...PLAIN, color }, PAGE.margin + LABEL_WIDTH, top);
      });
      pdf.y = top + pages.heightOf(Math.max(piece.length, shown.length), SIZE.text);
      labels = [];
      at += piece.length;
    }
    element.end();
    pdf.y += 1;
  }
  pdf.y += facts.length === 0 ? 0 : 6;
};
