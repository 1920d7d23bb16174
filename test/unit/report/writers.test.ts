// The forms of a report, judged by other programs: pdftotext and pdfinfo for PDF, Chromium for HTML.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LANGUAGES } from '../../../src/base/words/words.ts';
import { buildReport } from '../../../src/evidence/report/build.ts';
import { tableNames } from '../../../src/evidence/report/csv.ts';
import { REPORT_TABLES } from '../../../src/evidence/report/forms.ts';
import type { Report } from '../../../src/evidence/report/model.ts';
import { formatReport } from '../../../src/evidence/report/produce.ts';
import { toDocument } from '../../../src/evidence/report/sections.ts';
import { REPORT_TEXTS } from '../../../src/evidence/report/texts/dictionaries.ts';
import { requireProgram, run } from '../../support/process.ts';
import { createSource, FROM_MS, QUARTER, UNTIL_MS } from './quarter.ts';

let report: Report;
const directory = mkdtempSync(join(tmpdir(), 'cordon-report-'));
beforeAll(async () => {
  report = await buildReport(createSource(QUARTER), { fromMs: FROM_MS, untilMs: UNTIL_MS });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const text = async (format: 'html' | 'csv', table?: string): Promise<string> =>
  Buffer.from(await formatReport(report, format, table)).toString();

test('the PDF is the same bytes each time, and tagged', async () => {
  const first = await formatReport(report, 'pdf');
  const second = await formatReport(report, 'pdf');
  expect(Buffer.compare(Buffer.from(first), Buffer.from(second))).toBe(0);
  const bytes = Buffer.from(first).toString('latin1');
  for (const mark of [
    '%PDF-1.7',
    '/MarkInfo',
    '/Marked true',
    '/StructTreeRoot',
    '/Lang (en)',
    '/Alt (',
    'pdfuaid:part',
  ])
    expect(bytes).toContain(mark);
  expect(bytes).not.toContain('/JavaScript');
});

test('the PDF says what the report says, as pdftotext reads it', async (context) => {
  for (const program of ['pdftotext', 'pdfinfo']) requireProgram(context, program);
  const path = join(directory, 'report.pdf');
  writeFileSync(path, await formatReport(report, 'pdf'));
  const { code, stdout } = await run('pdftotext', ['-layout', path, '-']);
  expect(code).toBe(0);
  for (const words of [
    'Compliance report',
    'Was the prohibition in force?',
    'Not all of the time: in force 99.482 %',
    'Fourth quarter 2026: 1 October 2026 to 31 December 2026',
    'paused by an operator',
    ...['Łukasz', 'Świętochowski', 'Ελλάδα', 'България', 'საქართველო', 'Հայաստան'],
    'www.tiktok.com A +do: NOERROR',
    'Exemption ex-000001',
    'Circular 7',
    'Page 1 of',
  ])
    expect(stdout).toContain(words);
  const info = await run('pdfinfo', [path]);
  expect(info.stdout).toMatch(/Tagged: +yes/);
  // Every font is in the file, with a way back to its letters.
  const fonts = await run('pdffonts', [path]);
  const rows = fonts.stdout.trimEnd().split('\n').slice(2);
  expect(rows.length).toBeGreaterThan(1);
  for (const row of rows) expect(row).toMatch(/DejaVuSansCondensed.* yes yes yes/);
  expect(stdout).not.toMatch(/U\+[0-9A-F]{4}/);
  const structure = await run('pdfinfo', ['-struct', path]);
  expect(structure.stdout).toMatch(
    /H1[\s\S]*H2[\s\S]*Figure[\s\S]*L[\s\S]*LI[\s\S]*Table[\s\S]*TR[\s\S]*TH[\s\S]*TD/,
  );
});

test.each([
  ['en', 'configuration', 'chose no mandate list'],
  ['de', 'Konfiguration', 'wählte nicht alle'],
  ['fr', 'configuration', 'ne choisissait pas'],
  ['nl', 'configuratie', 'koos niet alle'],
] as const)(
  'a change of the configuration is one, and no gap that it was the cause of, in %s',
  async (language, word, other) => {
    const html = Buffer.from(await formatReport(report, 'html', undefined, language)).toString();
    const section = html.slice(html.indexOf('id="changes"'), html.indexOf('id="records"'));
    expect(section).toContain(`>${word}<`);
    expect(section).not.toContain(other);
  },
);

test('the HTML needs nothing from elsewhere, and describes its tables and figures', async () => {
  const html = await text('html');
  expect(/<script|<link|<img|<iframe|<[^>]* on\w+=|url\(|@import|\ssrc=/.exec(html)?.[0]).toBeUndefined();
  for (const [, target = ''] of html.matchAll(/ href="([^"]*)"/g)) expect(target).toMatch(/^#/);
  expect(html).toContain('<html lang="en">');
  const count = (pattern: RegExp): number => html.match(pattern)?.length ?? 0;
  expect(count(/<table/g)).toBeGreaterThan(10);
  expect(count(/<caption[ >]/g)).toBe(count(/<table/g));
  expect(count(/<svg [^>]*role="img"/g)).toBe(3);
  expect(count(/<desc /g)).toBe(3);
  expect(count(/<svg [^>]*(?:role="img"|aria-hidden="true")/g)).toBe(count(/<svg /g));
  expect(count(/<th scope="(?:col|row)"/g) + count(/<th scope="col" class/g)).toBeGreaterThan(50);
  expect(count(/<th[ >](?!scope)/g)).toBe(0);
  const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  // Headings go down by one.
  const levels = [...html.matchAll(/<h([1-6])[ >]/g)].map(([, level]) => Number(level));
  for (const [at, level] of levels.entries()) expect(level - (levels[at - 1] ?? 0)).toBeLessThanOrEqual(1);
});

test('a browser reads the HTML as it was meant', async (context) => {
  requireProgram(context, 'chromium');
  const path = join(directory, 'report.html');
  writeFileSync(path, await text('html'));
  const profile = join(directory, 'profile');
  const { stdout, stderr } = await run(
    'chromium',
    [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', `--user-data-dir=${profile}`],
      ...['--dump-dom', `file://${path}`],
    ],
    { timeoutMs: 60_000, env: { HOME: directory } },
  );
  expect(stderr).not.toMatch(/Refused to|CONSOLE/);
  expect(stdout.replaceAll('<wbr>', '')).toContain(
    'Analysis of &lt;script&gt;alert(1)&lt;/script&gt; traffic',
  );
  expect(stdout).toContain('<h3>Attention</h3>');
});

test('the CSV has the tables that --table knows, in that order', () => {
  expect(tableNames(toDocument(report, REPORT_TEXTS.en))).toEqual(REPORT_TABLES);
});

test('the CSV has numbers for programs, and no cell that begins a formula', async () => {
  const outages = (await text('csv', 'outages')).split('\r\n');
  expect(outages[0]).toBe('from,until,ms,state,cause,uncertain,by,reason,detail');
  expect(outages[3]).toBe(
    '2026-11-02T10:00:00.000Z,2026-11-02T10:15:00.000Z,900000,not-in-force,operator-pause,no,O. Perator,"a hearing, ""live""; café 試験",',
  );
  const changes = await text('csv', 'changes');
  expect(changes).toContain(`"'=HYPERLINK(""http://192.0.2.66"",""+1"")"`);
  expect(changes).toContain(`'-2+3,'@SUM(A1)`);
  const clocks = await text('csv', 'records');
  expect(clocks).not.toContain(`'4`);
});

test('a page shows as many rows as people read, and says where the others are', async () => {
  const change = report.changes[0];
  if (change === undefined) throw new Error('there are changes');
  const long: Report = { ...report, changes: Array.from({ length: 1_234 }, () => change) };
  const html = Buffer.from(await formatReport(long, 'html')).toString();
  expect(html).toContain('234 more rows are in the CSV (table changes) and JSON forms of this report.');
  const csv = Buffer.from(await formatReport(long, 'csv', 'changes')).toString();
  expect(csv.split('\r\n')).toHaveLength(1_236);
});

test.each(LANGUAGES)('in %s, no head, caption or term is missing, and no code is left', (language) => {
  const texts = REPORT_TEXTS[language];
  const { sections, front } = toDocument(report, texts);
  for (const { table } of front.questions) {
    if (table === undefined) continue;
    expect(texts.captions[table.name], `the caption of ${table.name}`).toBeDefined();
    for (const { name } of table.columns) expect(texts.columns[name], `${table.name}: ${name}`).toBeDefined();
  }
  const shown = [
    ...sections.flatMap(({ tables, sheets = [] }) => [...tables, ...sheets.flatMap((one) => one.tables)]),
  ];
  for (const { name, columns, isForMachines } of shown) {
    if (isForMachines === true) continue;
    expect(texts.captions[name], `the caption of ${name}`).toBeDefined();
    for (const column of columns) expect(texts.columns[column.name], `${name}: ${column.name}`).toBeDefined();
  }
  const { en } = REPORT_TEXTS;
  for (const part of ['captions', 'empty', 'columns', 'needs', 'notes', 'paper', 'signalMeanings'] as const)
    expect(Object.keys(texts[part]).sort(), part).toEqual(Object.keys(en[part]).sort());
  for (const term of Object.keys(en.terms)) expect(texts.terms[term], term).toBeDefined();
  for (const { code } of report.attention) expect(texts.needs[code], code).toBeDefined();
});

test.each(LANGUAGES)('in %s, a page and a PDF are made', async (language) => {
  const html = Buffer.from(await formatReport(report, 'html', undefined, language)).toString();
  expect(html).toContain(`<html lang="${language}">`);
  expect(html).toContain(REPORT_TEXTS[language].verdict.no);
  const pdf = Buffer.from(await formatReport(report, 'pdf', undefined, language)).toString('latin1');
  expect(pdf).toContain(`/Lang (${language})`);
});

test('texts that turn the direction of a line are shown as what they are', async () => {
  const turned: Report = { ...report, resolver: 'a\u202egpj.exe' };
  expect(Buffer.from(await formatReport(turned, 'html')).toString()).toContain('a\ufffdgpj.exe');
});
