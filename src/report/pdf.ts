// The report as PDF, tagged so that screen readers find headings, tables and what figures show.
//
// pdfkit is loaded only here. The bytes depend on the document alone: the date of creation is the end of the period, from
// which the file's identifier follows.
import type { ReportDocument, Section } from './document.ts';
import { drawFigure } from './pdf-figure.ts';
import { FONT, INK, PAGE, PdfPages, SIZE, winAnsi } from './pdf-pages.ts';
import { drawTable } from './pdf-table.ts';

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
  writeDocument(new PdfPages(pdf), document);
  pdf.end();
  await ended;
  return Buffer.concat(pieces);
};

const writeDocument = (
  pages: PdfPages,
  { title, facts, summary, sections, warning }: ReportDocument,
): void => {
  pages.text('P', 'CORDON', { font: FONT.bold, size: 8, color: INK.accent, gap: 2 });
  pages.text('H1', title, { font: FONT.bold, size: SIZE.title, color: INK.text, gap: 6 });
  pages.facts(facts);
  if (warning !== undefined) {
    pages.heading('H2', warning.title, SIZE.section);
    for (const text of warning.texts)
      pages.text('P', text, { font: FONT.bold, size: SIZE.text, color: INK.alarm, gap: 4 });
    for (const table of warning.tables) drawTable(pages, table);
  }
  pages.heading('H2', 'Summary', SIZE.section);
  pages.facts(summary, FONT.bold);
  for (const section of sections) writeSection(pages, section);
  pages.pdf.moveDown();
  pages.text(
    'P',
    'All times are UTC. The same records give the same report, byte for byte. A signature of the file stands beside it, in a file of the same name with .sig at its end: "cordon report verify FILE" checks it. Characters that this form has no letters for are written as [U+0141].',
    { font: FONT.plain, size: 8, color: INK.soft, gap: 0 },
  );
  pages.root.end();
  pages.footers(title, facts);
};

const writeSection = (pages: PdfPages, { title, facts, notes, figures, tables, sheets }: Section): void => {
  pages.heading('H2', title, SIZE.section);
  pages.facts(facts);
  for (const note of notes) pages.text('P', note, { font: FONT.oblique, size: 8.5, color: INK.text, gap: 3 });
  for (const figure of figures) drawFigure(pages, figure);
  for (const table of tables) if (table.isForMachines !== true) drawTable(pages, table);
  for (const sheet of sheets) {
    pages.heading('H3', sheet.title, SIZE.sheet);
    pages.facts(sheet.facts);
    for (const table of sheet.tables) drawTable(pages, table);
  }
};
