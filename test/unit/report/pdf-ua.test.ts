// The PDF as PDF/UA-1 wants it, judged by a reader that shares no code with what wrote it; and that reader, judged by breaches.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { LANGUAGES } from '../../../src/base/words/words.ts';
import { buildReport } from '../../../src/evidence/report/build.ts';
import type { Report } from '../../../src/evidence/report/model.ts';
import { formatReport } from '../../../src/evidence/report/produce.ts';
import { requireFile, run } from '../../support/process.ts';
import { createSource, FROM_MS, QUARTER, UNTIL_MS } from './quarter.ts';

/** Debian's, which has the library. */
const PYTHON = '/usr/bin/python3';
const LIBRARY = '/usr/lib/python3/dist-packages/pikepdf/__init__.py';
const SCRIPT = fileURLToPath(new URL('../../support/pdf-ua.py', import.meta.url));

let report: Report;
const directory = mkdtempSync(join(tmpdir(), 'cordon-pdf-ua-'));
beforeAll(async () => {
  report = await buildReport(createSource(QUARTER), { fromMs: FROM_MS, untilMs: UNTIL_MS });
});
beforeEach((context) => requireFile(context, LIBRARY, 'python3-pikepdf'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const judge = async (bytes: Uint8Array): Promise<{ code: number | null; lines: string[] }> => {
  const path = join(directory, 'report.pdf');
  writeFileSync(path, bytes);
  const { code, stdout, stderr } = await run(PYTHON, [SCRIPT, path]);
  return { code, lines: `${stdout}${stderr}`.trim().split('\n') };
};

test.each(LANGUAGES)('nothing of what a program can check fails, in %s', async (language) => {
  const found = await judge(await formatReport(report, 'pdf', undefined, language));
  expect(found).toEqual({ code: 0, lines: [expect.stringMatching(/^checked [1-9].* Figure, .* Table$/)] });
});

// Of the same length each, so that every other byte stays where it is.
test.each([
  ['11-006', '/Lang (en)', '/Lxng (en)'],
  ['07-002', '/DisplayDocTitle', '/DisplayDocTitlx'],
  ['06-001', '/Marked true', '/Mxrked true'],
  ['06-002', 'pdfuaid:part>1', 'pdfuaid:part>2'],
  ['13-004', '/Alt (', '/Axt ('],
  ['15-003', '/Scope ', '/Scxpe '],
  ['10-001', '/ToUnicode', '/TxUnicode'],
  ['31-009', '/FontFile2', '/FxntFile2'],
  ['31-005', '/CIDToGIDMap', '/CIDToGIDMxp'],
  ['14-003', '/S /H3', '/S /H5'],
  ['02-001', '/S /Caption', '/S /Heading'],
  ['09-004', '/S /TR', '/S /LI'],
  ['01-005', '/StructParents 0', '/StructParents 9'],
])('a breach of %s is seen', async (point, whole, broken) => {
  const bytes = Buffer.from(await formatReport(report, 'pdf')).toString('latin1');
  expect(bytes).toContain(whole);
  const { code, lines } = await judge(Buffer.from(bytes.replace(whole, broken), 'latin1'));
  expect([code, lines.filter((line) => line.startsWith(point)).length > 0, lines]).toEqual([
    ...[1, true, lines],
  ]);
});
