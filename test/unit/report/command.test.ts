// `cordon report` as a person runs it, over records that lie on the disk.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import type { Report } from '../../../src/report/model.ts';
import { type RunResult, run } from '../../support/process.ts';
import { PROGRAM } from '../../support/program.ts';
import { Bench, DAY_MS } from '../records/setup.ts';

const PERIOD = ['--from', '2026-11-25', '--to', '2026-11-26'];

let directory: string;
beforeEach(async () => {
  const bench = new Bench();
  bench.recording.tick();
  for (let day = 0; day < 3; day++) {
    bench.record(10, { client: `192.0.2.${day + 1}` });
    bench.advance(DAY_MS);
  }
  await bench.recording.stop();
  // Removed after the test, with the records in it.
  directory = dirname(bench.directory);
  writeFileSync(join(directory, 'cordon.yaml'), 'state: .\n');
});

const cordon = (...args: string[]): Promise<RunResult> =>
  run(process.execPath, [PROGRAM, 'report', ...args], {
    cwd: directory,
    env: { SOURCE_DATE_EPOCH: '1796000000' },
  });

test('report writes a file with its signature, and verify checks both', async () => {
  const made = await cordon(...PERIOD, '--out', 'report.html');
  expect(made, made.stderr).toMatchObject({ code: 0, stdout: '' });
  expect(made.stderr).toMatch(/^report\.html: \d+ bytes, signed by key [0-9a-f]{16}\n$/);
  expect(readFileSync(join(directory, 'report.html'), 'utf8')).toContain(
    '25 November 2026 to 26 November 2026',
  );
  const checked = await cordon('verify', 'report.html');
  expect(checked).toMatchObject({ code: 0, stderr: '' });
  expect(checked.stdout).toMatch(/^report\.html: unchanged, signed by key [0-9a-f]{16}\n$/);
  const key = join('records', 'signing-key.pub.pem');
  expect(await cordon('verify', 'report.html', '--key', key)).toMatchObject({ code: 0 });
  writeFileSync(join(directory, 'report.html'), 'another');
  const changed = await cordon('verify', 'report.html');
  expect(changed).toMatchObject({ code: 1, stdout: '' });
  expect(changed.stderr).toContain('the file is not what was signed [ERR_COMPLIANCE_REPORT_SIGNATURE]');
});

test('report writes to standard output without --out, the same each time', async () => {
  const [first, second] = await Promise.all([1, 2].map(() => cordon(...PERIOD, '--format', 'json')));
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(second?.stdout).toBe(first?.stdout);
  const report = JSON.parse(first?.stdout ?? '') as Report;
  expect(report.period).toEqual({ from: '2026-11-25T00:00:00.000Z', until: '2026-11-27T00:00:00.000Z' });
  // The third day is not of the period.
  expect(report.attempts.refusals).toBe(20);
});

test('report writes one table of the CSV', async () => {
  const { code, stdout } = await cordon(...PERIOD, '--format', 'csv', '--table', 'attempts-by-day');
  expect([code, stdout]).toEqual([0, 'day,refusals,would_refuse\r\n2026-11-25,10,0\r\n2026-11-26,10,0\r\n']);
});

test('report writes a PDF, and leaves out the signature where that is asked for', async () => {
  const made = await cordon(...PERIOD, '--format', 'pdf', '--out', 'report.pdf', '--unsigned');
  expect(made.stderr).toMatch(/not signed/);
  expect(readFileSync(join(directory, 'report.pdf')).subarray(0, 5).toString()).toBe('%PDF-');
  expect(existsSync(join(directory, 'report.pdf.sig'))).toBe(false);
});

test.each([
  [['--from', '2026-11-25'], '--from and --to are needed'],
  [['--from', '2026-11-31', '--to', '2026-12-01'], 'is neither a day'],
  [[...PERIOD, '--format', 'docx'], 'is none of html, pdf, csv, json'],
  [[...PERIOD, '--table', 'attempts'], '--table goes with --format csv'],
  [[...PERIOD, '--format', 'csv', '--table', 'x'], '--table "x" is none of attention, networks'],
  [[...PERIOD, 'x'], '"x" is not understood'],
  [['verify'], 'one FILE is needed'],
])('report %j is wrong usage', async (args, text) => {
  const { code, stderr } = await cordon(...args);
  expect(code).toBe(2);
  expect(stderr).toContain(text);
});

test('report refuses a period without records, a group that nobody knows, and a place that cannot be written', async () => {
  const before = await cordon('--from', '2025-01-01', '--to', '2025-03-31');
  expect(before).toMatchObject({ code: 1, stdout: '' });
  expect(before.stderr).toMatch(
    /there is no record of that time \(Records reach from 2026-11-25T.*\[ERR_COMPLIANCE_REPORT_PERIOD\]/,
  );
  const group = await cordon(...PERIOD, '--group', 'nobody');
  expect(group).toMatchObject({ code: 1, stdout: '' });
  expect(group.stderr).toContain('[ERR_COMPLIANCE_REPORT_GROUP]');
  const place = await cordon(...PERIOD, '--out', join('none', 'report.html'));
  expect(place.stderr).toContain('[ERR_CLI_OUTPUT]');
});
