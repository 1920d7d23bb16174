// The quarter of report-quarter.ts in each form, byte for byte. UPDATE_GOLDEN=1 rewrites the files.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { buildReport } from '../../../src/compliance/report/build.ts';
import { formatReport } from '../../../src/compliance/report/produce.ts';
import { createSource, FROM_MS, QUARTER, UNTIL_MS } from './report-quarter.ts';

const { UPDATE_GOLDEN } = process.env;

const golden = (name: string): string =>
  fileURLToPath(new URL(`../../golden/report/${name}`, import.meta.url));

test.each([
  ['quarter.json', 'json', undefined],
  ['quarter.html', 'html', undefined],
  ['quarter.csv', 'csv', undefined],
  ['office.json', 'json', 'office'],
] as const)('a report of the quarter is %s, each time it is made', async (name, format, group) => {
  const make = async (): Promise<string> => {
    const report = await buildReport(createSource(QUARTER), { fromMs: FROM_MS, untilMs: UNTIL_MS, group });
    return Buffer.from(await formatReport(report, format)).toString();
  };
  const actual = await make();
  expect(await make()).toBe(actual);
  if (UPDATE_GOLDEN === '1') writeFileSync(golden(name), actual);
  expect(actual).toBe(readFileSync(golden(name), 'utf8'));
});
