// Two pieces of reports of report-quarter.ts, byte for byte: a week of one office as JSON, and page one as HTML. What
// else a report says is asserted by its meaning. UPDATE_GOLDEN=1 rewrites the files.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { buildReport } from '../../../src/evidence/report/build.ts';
import { formatReport } from '../../../src/evidence/report/produce.ts';
import { createSource, FROM_MS, QUARTER, UNTIL_MS } from './quarter.ts';

const { UPDATE_GOLDEN } = process.env;
const WEEK_MS = 7 * 86_400_000;

const expectGolden = (name: string, actual: string): void => {
  const path = fileURLToPath(new URL(`../../golden/report/${name}`, import.meta.url));
  if (UPDATE_GOLDEN === '1') writeFileSync(path, actual);
  expect(actual).toBe(readFileSync(path, 'utf8'));
};

const make = async (format: 'json' | 'html' | 'csv', group: string | undefined, untilMs: number) => {
  const report = await buildReport(createSource(QUARTER), { fromMs: FROM_MS, untilMs, group });
  return Buffer.from(await formatReport(report, format)).toString();
};

test('a week of an office is office.json', async () => {
  expectGolden('office.json', await make('json', 'office', FROM_MS + WEEK_MS));
});

test('page one is front.html', async () => {
  const page = await make('html', undefined, UNTIL_MS);
  const begin = page.indexOf('<article class="sheet front">');
  expectGolden('front.html', page.slice(begin, page.indexOf('</article>', begin)).concat('</article>\n'));
});

test.each(['json', 'html', 'csv'] as const)('%s is the same each time it is made', async (format) => {
  expect(await make(format, undefined, UNTIL_MS)).toBe(await make(format, undefined, UNTIL_MS));
});
