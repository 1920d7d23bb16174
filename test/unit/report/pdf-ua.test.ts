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
import { inTwo } from '../../support/night.ts';
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

const write = (name: string, bytes: Uint8Array): string => {
  const path = join(directory, `${name}.pdf`);
  writeFileSync(path, bytes);
  return path;
};

/** What is said of each file, in one start of the reader, which takes longer than to read. */
const judge = async (paths: readonly string[]): Promise<{ code: number | null; found: string[][] }> => {
  const { code, stdout, stderr } = await run(PYTHON, [SCRIPT, ...paths]);
  const found = `${stdout}${stderr}`.trim().split('\n\n');
  return { code, found: found.map((lines) => lines.split('\n')) };
};

for (const [options, languages] of inTwo(LANGUAGES, (language) => language === 'de'))
  test(`nothing of what a program can check fails: ${languages.join(', ')}`, options, async () => {
    const paths: string[] = [];
    for (const language of languages)
      paths.push(write(language, await formatReport(report, 'pdf', undefined, language)));
    const checked = expect.stringMatching(/^checked [1-9].* Figure, .* Table$/) as string;
    expect(await judge(paths)).toEqual({ code: 0, found: languages.map(() => [checked]) });
  });

/** Points of the Matterhorn Protocol, and what breaks each: of the same length, so that every other byte stays where it is. */
const BREACHES = [
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
] as const;

for (const [options, breaches] of inTwo(BREACHES, (_, index) => index % 3 === 0))
  test(`a breach of each of ${breaches.length} points is seen`, options, async () => {
    const bytes = Buffer.from(await formatReport(report, 'pdf')).toString('latin1');
    const paths = breaches.map(([point, whole, broken]) => {
      expect(bytes).toContain(whole);
      return write(point, Buffer.from(bytes.replace(whole, broken), 'latin1'));
    });
    const { code, found } = await judge(paths);
    expect(code).toBe(1);
    for (const [index, [point]] of breaches.entries())
      expect(found[index]).toContainEqual(expect.stringContaining(`${point} `));
  });
