// What a browser is told of a report that could not be made.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { DAY_MS } from '../../../src/base/base.ts';
import type { SignedReport } from '../../../src/evidence/report/report.ts';
import { faultOf, ReportStore, type Scheduled } from '../../../src/people/controls/report-store.ts';

test('the line that says why, without the warnings before it', () => {
  const line = 'cordon report: reading records: there are none (start the service first) [ERR_REPORT_EMPTY]';
  expect(faultOf(`a warning\n${line}`)).toBe(line);
});

test('nothing of a defect: its traceback has places of the machine', () => {
  const said =
    'node:internal/modules\nError: Cannot find module x\n    at /opt/cordon/src/evidence/report/pdf-fonts.ts:3:1';
  expect(faultOf(said)).toMatch(/^the command ended without a report/);
  expect(faultOf('')).not.toContain('/');
});

const shelfIn = (stateDirectory: string): ReportStore =>
  new ReportStore({ stateDirectory, configPath: undefined, clock: () => Date.parse('2026-11-26T00:00:00Z') });

const stateDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-shelf-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

const REPORT = { bytes: Buffer.from('{}'), signature: 'signature x\n' } as unknown as SignedReport;
const scheduled = (day: number) =>
  ({
    ...{ schedule: { every: 'daily', format: 'json', language: undefined, group: undefined } },
    ...{ language: 'en', by: 'Compliance officer' },
    period: { fromMs: day * DAY_MS, untilMs: (day + 1) * DAY_MS, name: `day ${day}` },
  }) as unknown as Scheduled;

test('reports of a schedule outlive the program; the oldest go when there are too many, and no other', async () => {
  const directory = stateDirectory();
  const store = shelfIn(directory);
  for (let day = 0; day < 452; day++) await store.keep(REPORT, scheduled(day));
  expect(store.list()).toHaveLength(450);
  const again = shelfIn(directory).list();
  expect(again).toHaveLength(450);
  expect(new Set(again.map(({ id }) => id))).toEqual(new Set(store.list().map(({ id }) => id)));
  expect(again.some(({ from }) => from === '1970-01-02')).toBe(false);
  expect(readdirSync(join(directory, 'kept-reports'))).toHaveLength(450);
});

test('a report that was not finished, and what is no report, is not told of', async () => {
  const directory = stateDirectory();
  const store = shelfIn(directory);
  await store.keep(REPORT, scheduled(1));
  const [kept] = store.list();
  const folder = join(directory, 'kept-reports');
  mkdirSync(join(folder, 'r-000000000000'));
  writeFileSync(join(folder, 'r-000000000000/report.pdf'), 'half of it');
  mkdirSync(join(folder, 'r-111111111111'));
  writeFileSync(
    join(folder, 'r-111111111111/about.json'),
    JSON.stringify({ ...kept, id: '../..', formats: [] }),
  );
  mkdirSync(join(folder, 'notes of an operator'));
  expect(shelfIn(directory).list()).toEqual([kept]);
  expect(readdirSync(folder).toSorted()).toEqual([kept?.id ?? '', 'notes of an operator'].toSorted());
});

test('only files that a report has are read', async () => {
  const store = shelfIn(stateDirectory());
  await store.keep(REPORT, scheduled(1));
  const id = store.list()[0]?.id ?? '';
  expect(Buffer.from(await store.file(id, 'report.json')).toString()).toBe('{}');
  for (const name of ['about.json', '../../room.db', 'report.pdf'])
    await expect(store.file(id, name)).rejects.toMatchObject({ code: 'ERR_ROOM_UNKNOWN' });
});
