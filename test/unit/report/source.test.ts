// Reports from real records: what the recorder wrote is what the report says, while it writes and afterwards.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ChangeRecord } from '../../../src/evidence/records/record.ts';
import type { Report } from '../../../src/evidence/report/model.ts';
import { createReport } from '../../../src/evidence/report/report.ts';
import { START } from '../../support/record-events.ts';
import { Bench, DAY_MS, edit, HOUR_MS } from '../records/setup.ts';

const FROM_MS = Date.parse('2026-11-25T00:00:00.000Z');
const WEEK = { fromMs: FROM_MS, untilMs: FROM_MS + 7 * DAY_MS };

const readReport = async (directory: string, more: object = {}): Promise<Report> =>
  JSON.parse(
    Buffer.from((await createReport({ directory, ...WEEK, format: 'json', ...more })).bytes).toString(),
  ) as Report;

/** Three days: a start, queries of two groups, a pause. */
const recordDays = (bench: Bench): { refusals: number; lab: number; wouldRefuse: number } => {
  bench.recording.tick();
  bench.advance(2_000);
  const write = (record: object): void => {
    bench.recording.write({ time: new Date(bench.nowMs).toISOString(), ...record } as ChangeRecord);
    bench.advance(1_000);
  };
  write({ kind: 'enforcement', event: 'gap-end', cause: 'startup', ms: 1_000 });
  const sent = { refusals: 0, lab: 0, wouldRefuse: 0 };
  for (let day = 0; day < 3; day++) {
    for (let host = 1; host <= 20; host++) {
      bench.record(3, { client: `192.0.2.${host}` });
      bench.record(2, { client: `198.51.100.${host}`, group: 1, list: 1 });
      sent.refusals += 5;
      sent.lab += 2;
    }
    bench.record(7, { kind: 1 });
    sent.wouldRefuse += 7;
    if (day === 1) {
      write({ kind: 'enforcement', event: 'gap-begin', cause: 'operator-pause', by: 'kim', reason: 'test' });
      bench.advance(600_000 - 1_000);
      write({ kind: 'enforcement', event: 'gap-end', cause: 'operator-pause', ms: 600_000, by: 'kim' });
    }
    bench.advance(HOUR_MS);
    bench.advance(DAY_MS - HOUR_MS);
  }
  return sent;
};

test('a report agrees with what was sent, while the recorder writes and after it stopped', async () => {
  const bench = new Bench();
  const sent = recordDays(bench);
  const running = await readReport(bench.directory);
  expect(running.records.chain).toMatchObject({ isIntact: true, findings: [] });
  expect(running.resolver).toBe('ns1.agency.example');
  expect([running.attempts.refusals, running.attempts.wouldRefuse]).toEqual([
    sent.refusals,
    sent.wouldRefuse,
  ]);
  expect(running.attempts.byGroup).toEqual([
    { name: 'default', count: sent.refusals - sent.lab },
    { name: 'lab', count: sent.lab },
  ]);
  expect(running.attempts.byDay.filter(({ refusals }) => refusals > 0)).toHaveLength(3);
  // 40 addresses, the same on each day.
  expect(Math.abs((running.clients.total ?? 0) - 40)).toBeLessThanOrEqual(2);
  expect(running.enforcement.intervals.map(({ state, cause }) => cause ?? state)).toEqual([
    ...['before-records', 'startup', 'in-force', 'operator-pause', 'in-force', 'after-records'],
  ]);
  expect(running.enforcement.causes.find(({ cause }) => cause === 'operator-pause')?.ms).toBe(600_000);
  await bench.recording.stop();
  const stopped = await readReport(bench.directory);
  expect(stopped.attempts).toEqual(running.attempts);
  expect(stopped.records.heads.map((head) => head.class).sort()).toEqual(['changes', 'queries']);
});

test('the same records give the same bytes in each form', async () => {
  const bench = new Bench();
  recordDays(bench);
  await bench.recording.stop();
  for (const format of ['html', 'pdf', 'csv', 'json'] as const) {
    const options = { directory: bench.directory, ...WEEK, format };
    const [one, other] = [await createReport(options), await createReport(options)];
    expect(Buffer.compare(one.bytes, other.bytes)).toBe(0);
  }
});

test('a report of a group that nobody knows is refused, one of a quiet group is not', async () => {
  const bench = new Bench();
  recordDays(bench);
  const options = {
    directory: bench.directory,
    ...WEEK,
    format: 'json',
    groups: ['default', 'quiet'],
  } as const;
  await expect(createReport({ ...options, group: 'defualt' })).rejects.toMatchObject({
    code: 'ERR_COMPLIANCE_REPORT_GROUP',
    hint: 'The configuration has default, quiet.',
  });
  expect((await readReport(bench.directory, { ...options, group: 'quiet' })).attempts.refusals).toBe(0);
});

test('a report says what checking the chain found', async () => {
  const bench = new Bench();
  recordDays(bench);
  await bench.recording.stop();
  const [partition = ''] = readdirSync(join(bench.directory, 'queries')).filter((name) =>
    name.endsWith('.sqlite'),
  );
  edit(
    join(bench.directory, 'queries', partition),
    "UPDATE blocks SET body = replace(body, 'tiktok', 'ticktock')",
  );
  const { records } = await readReport(bench.directory);
  expect(records.chain.isIntact).toBe(false);
  expect(records.chain.findings.length).toBeGreaterThan(0);
});

test('a report without a directory of records, and without records of its time, is refused', async () => {
  const bench = new Bench();
  recordDays(bench);
  const options = { ...WEEK, format: 'json' } as const;
  await expect(createReport({ ...options, directory: join(bench.directory, 'none') })).rejects.toMatchObject({
    code: 'ERR_COMPLIANCE_NO_RECORDS',
  });
  const before = { fromMs: Date.parse(START) - 9 * DAY_MS, untilMs: Date.parse(START) - 8 * DAY_MS };
  await expect(createReport({ ...options, ...before, directory: bench.directory })).rejects.toMatchObject({
    code: 'ERR_COMPLIANCE_REPORT_PERIOD',
  });
});
