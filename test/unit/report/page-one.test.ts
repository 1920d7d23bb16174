// Page one answers the eight questions on one page, whatever the length of the rest: as pdftotext finds it in the PDF and in what
// Chromium prints, and what does not stand on it is counted with its place.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { LANGUAGES, type Language } from '../../../src/base/words/words.ts';
import { buildReport } from '../../../src/evidence/report/build.ts';
import type { ReportDocument } from '../../../src/evidence/report/document.ts';
import { toHtml } from '../../../src/evidence/report/html.ts';
import type { Report } from '../../../src/evidence/report/model.ts';
import { toPdf } from '../../../src/evidence/report/pdf.ts';
import { formatReport } from '../../../src/evidence/report/produce.ts';
import { toDocument } from '../../../src/evidence/report/sections.ts';
import { REPORT_TEXTS } from '../../../src/evidence/report/texts/dictionaries.ts';
import { NIGHT, runsInTwo } from '../../support/night.ts';
import { requireProgram, run } from '../../support/process.ts';
import { type FactNumbers, manyFacts } from './many-facts.ts';
import { createSource, FROM_MS, UNTIL_MS } from './quarter.ts';

const directory = mkdtempSync(join(tmpdir(), 'cordon-page-one-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const FEW: FactNumbers = {
  ...{ gaps: 10, exemptions: 3, lists: 3, networks: 4, findings: 0, keys: 3 },
  ...{ length: 12, letters: 'words' },
};
const MANY: FactNumbers = {
  ...{ gaps: 500, exemptions: 200, lists: 64, networks: 40, findings: 30, keys: 50 },
  ...{ length: 300, letters: 'wide' },
};

const numbers: fc.Arbitrary<FactNumbers> = fc.record({
  gaps: fc.oneof(fc.constantFrom(0, 1, 10, 500), fc.integer({ min: 0, max: 500 })),
  exemptions: fc.oneof(fc.constantFrom(0, 1, 200), fc.integer({ min: 0, max: 200 })),
  lists: fc.oneof(fc.constantFrom(0, 1, 64), fc.integer({ min: 0, max: 64 })),
  networks: fc.integer({ min: 0, max: 40 }),
  findings: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 40 })),
  keys: fc.integer({ min: 0, max: 50 }),
  length: fc.integer({ min: 0, max: 400 }),
  letters: fc.constantFrom('words', 'word', 'wide'),
});
const facts = fc.record({
  numbers,
  agency: fc.integer({ min: 0, max: 250 }),
  language: fc.constantFrom(...LANGUAGES),
});

type Facts = { readonly numbers: FactNumbers; readonly agency: number; readonly language: Language };
const EXAMPLES: [Facts][] = [[{ numbers: MANY, agency: 250, language: 'fr' }]];

const SIGNING = {
  checkpoint: {
    ...{ origin: 'ns1.agency.example', size: 1_812_334, root: new Uint8Array(32).fill(0xab) },
    ...{ signedMs: UNTIL_MS + 500_000, note: 'ns1.agency.example\n1812334\n…' },
    publicKey: `${'ns1.'.repeat(20)}agency.example+530d903a+AekyeRrm0123456789abcdefghijklmnopqrstuvwxyzABCD`,
  },
  unsigned: 12,
  witnesses: Array.from({ length: 9 }, (_, i) => ({
    ...{ name: `witness-${i}.audit.agency.example/w1`, key: 'k', size: 1_812_000, atMs: UNTIL_MS },
    ...{ isSame: true, note: undefined },
  })),
  needed: 3,
};

const make = async (of: FactNumbers, agency = 30): Promise<Report> =>
  buildReport(createSource({ ...manyFacts(of), signing: SIGNING }), {
    fromMs: FROM_MS,
    untilMs: UNTIL_MS,
    made: {
      ...{ at: '2027-01-02T09:00:00.000Z', by: 'Compliance officer', program: 'Cordon 1.0.0' },
      agency: 'Bundesministerium für Zusammenarbeit '.repeat(7).slice(0, agency),
      addresses: Array.from({ length: 8 }, (_, i) => `2001:db8::53:${i}`),
    },
  });

/** Page one as it is, and no more of the annex than its first section without its tables. */
const cut = (document: ReportDocument): ReportDocument => ({
  ...document,
  sections: document.sections.slice(0, 1).map((one) => ({ ...one, tables: [] })),
});

const pageOf = async (path: string, page: number): Promise<string> =>
  (await run('pdftotext', ['-layout', '-f', String(page), '-l', String(page), path, '-'])).stdout;

const print = async (html: string): Promise<string> => {
  const [page, pdf] = [join(directory, 'page.html'), join(directory, 'page.pdf')];
  writeFileSync(page, html);
  await run(
    'chromium',
    [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--no-pdf-header-footer'],
      ...[`--user-data-dir=${join(directory, 'profile')}`, `--print-to-pdf=${pdf}`, `file://${page}`],
    ],
    { timeoutMs: 60_000, env: { HOME: directory } },
  );
  return pdf;
};

/** All eight questions, their counts and the last line stand on page one, and section two begins on page two. */
const expectOnePage = async (path: string, { front, texts }: ReportDocument): Promise<void> => {
  const first = await pageOf(path, 1);
  const flat = first.replaceAll(/\s+/g, ' ');
  for (const { number, label, more } of front.questions) {
    expect(first).toMatch(new RegExp(`^ *${number} +${label}`, 'm'));
    if (more !== undefined) expect(flat).toContain(more.replaceAll(/\s+/g, ' '));
  }
  if (front.findings !== undefined) expect(first).toContain(front.findings.title.slice(0, 20));
  expect(first).toContain('cordon report verify FILE');
  const second = await pageOf(path, 2);
  expect(second.trimStart()).toMatch(new RegExp(`^2 +${texts.sections.times}`));
};

const documentOf = async (of: FactNumbers, agency: number, language: Language): Promise<ReportDocument> =>
  toDocument(await make(of, agency), REPORT_TEXTS[language]);

test('ten gaps leave page one of a whole report on one page', async (context) => {
  requireProgram(context, 'pdftotext');
  const document = await documentOf(FEW, 30, 'en');
  const path = join(directory, 'whole.pdf');
  writeFileSync(path, await toPdf(document, UNTIL_MS));
  await expectOnePage(path, document);
});

for (const [options, runs] of runsInTwo(3, 11))
  test(`any facts leave page one on one page in the PDF: ${runs} of them`, options, async (context) => {
    requireProgram(context, 'pdftotext');
    const path = join(directory, 'any.pdf');
    const property = fc.asyncProperty(facts, async ({ numbers: of, agency, language }) => {
      const document = await documentOf(of, agency, language);
      writeFileSync(path, await toPdf(cut(document), UNTIL_MS));
      await expectOnePage(path, document);
    });
    await fc.assert(property, { numRuns: runs, examples: EXAMPLES });
  });

/** The longest facts, and others. */
const PRINTED_RUNS = 3;
test(
  `any facts leave page one on one page as a browser prints it: ${PRINTED_RUNS} of them`,
  NIGHT,
  async (context) => {
    for (const program of ['chromium', 'pdftotext']) requireProgram(context, program);
    const property = fc.asyncProperty(facts, async ({ numbers: of, agency, language }) => {
      const document = await documentOf(of, agency, language);
      await expectOnePage(await print(toHtml(cut(document))), document);
    });
    // A browser for each smaller input would take longer than the test may, which then says nothing of what failed.
    await fc.assert(property, { numRuns: PRINTED_RUNS, examples: EXAMPLES, endOnFailure: true });
  },
);

test('what does not stand on page one is counted with its place, and stands there', async () => {
  const property = fc.asyncProperty(facts, async ({ numbers: of, agency }) => {
    const report = await make(of, agency);
    const { front, sections } = toDocument(report, REPORT_TEXTS.en);
    const counts: Readonly<Record<string, number>> = {
      enforcement: report.gaps.length,
      lists: report.lists.filter(({ versions }) => versions.length > 0).length,
      exempt: report.exemptions.filter(({ active }) => active.length > 0).length,
      unknown: report.unknown.length,
    };
    for (const { id, shown = 0, all, more, table } of front.questions) {
      if (counts[id] !== undefined) expect([id, all]).toEqual([id, counts[id]]);
      if (table !== undefined) expect(table.rows).toHaveLength(shown);
      const rest = (all ?? 0) - shown;
      if (rest === 0) expect(more).toBeUndefined();
      else expect(more).toMatch(new RegExp(`^${rest} more in section [2-9], “`));
      const [, place] = /section (\d)/.exec(more ?? '') ?? [];
      if (place !== undefined) expect(more).toContain(sections[Number(place) - 2]?.title);
    }
    const { findings } = front;
    expect(findings?.all ?? 0).toBe(report.integrity.findings.length);
    expect(findings === undefined || findings.shown > 0).toBe(true);
    const rows = sections[0]?.tables.find(({ name }) => name === 'gaps')?.rows ?? [];
    expect(rows).toHaveLength(report.gaps.length);
  });
  await fc.assert(property, { numRuns: 20, examples: EXAMPLES });
});

test('the longest gaps stand first', async () => {
  const report = await make(FEW);
  const { front } = toDocument(report, REPORT_TEXTS.en);
  const shown = front.questions[1]?.table?.rows.map(({ cells }) => Number(cells[0])) ?? [];
  const lengths = shown.map((number) => report.gaps.find((gap) => gap.number === number)?.ms ?? 0);
  expect(lengths).toEqual([...report.gaps.map(({ ms }) => ms)].sort((a, b) => b - a).slice(0, shown.length));
});

test('a report says who asked, who approved, what was planned, and which key and checkpoint it rests on', async () => {
  const html = Buffer.from(await formatReport(await make({ ...FEW, gaps: 2, exemptions: 2 }), 'html'))
    .toString()
    .replaceAll('<wbr>', '');
  for (const words of [
    ...['R. Researcher 0', 'A. Head 0', 'security-research', '2027-01-02 00:00', 'goes on', 'revoked'],
    ...['1,812,334 blocks', SIGNING.checkpoint.publicKey, Buffer.alloc(32, 0xab).toString('base64')],
    ...['Witnessed until 2027-01-01 00:00:00 by the 3 that are needed, of 9', '12 records behind that'],
  ])
    expect(html).toContain(words);
  expect(html).not.toMatch(/on \d+ of \d+ networks/);
});
