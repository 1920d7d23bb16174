// Reports by their schedule: made once their period has ended, sent with a signature, tried again, on the record.
import { createPublicKey, verify } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { periodAt } from '../../../src/evidence/outbox/report-periods.ts';
import { ReportScheduler } from '../../../src/people/controls/report-scheduler.ts';
import { ReportStore } from '../../../src/people/controls/report-store.ts';
import { configOf } from '../config/support.ts';
import { Bench, DAY_MS } from '../records/setup.ts';

test.each([
  ['2026-11-25T14:00:00Z', 'daily', '2026-11-25', '2026-11-26'],
  ['2026-11-25T14:00:00Z', 'weekly', '2026-W48', '2026-11-30'],
  ['2027-01-02T00:00:00Z', 'weekly', '2026-W53', '2027-01-04'],
  ['2026-12-31T23:59:59Z', 'monthly', '2026-12', '2027-01-01'],
  ['2026-11-25T14:00:00Z', 'quarterly', '2026-Q4', '2027-01-01'],
] as const)('the period of %s, %s, is %s', (at, every, name, until) => {
  const period = periodAt(Date.parse(at), every);
  expect([period.name, new Date(period.untilMs).toISOString().slice(0, 10)]).toEqual([name, until]);
  expect(period.fromMs).toBeLessThanOrEqual(Date.parse(at));
});

test('a report is made a while after its day, tried again while a receiver fails, and recorded', async () => {
  const bench = new Bench({ start: '2026-11-25T08:00:00.000Z' });
  bench.recording.tick();
  for (let day = 0; day < 3; day++) {
    bench.record(5, { client: '192.0.2.1' });
    bench.advance(DAY_MS);
  }
  await bench.recording.stop();
  const state = dirname(bench.directory);
  const folder = join(state, 'out');
  mkdirSync(folder);
  let status = 500;
  const posted: { signature: string; body: Buffer }[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      posted.push({
        signature: String(request.headers['cordon-report-signature']),
        body: Buffer.concat(pieces),
      });
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/cordon`;
  const config = {
    ...configOf(
      `reports: { schedule: [{ every: daily, format: json, folder: "${folder}", webhook: "${url}" }] }`,
    ),
    stateDirectory: state,
  };
  let nowMs = Date.parse('2026-11-25T10:00:00Z');
  const records: { action: string; detail: object }[] = [];
  const lines: string[] = [];
  const log = {
    info: (_: object, text: string) => lines.push(text),
    error: (_: object, text: string) => lines.push(text),
  };
  const shelfOf = () => new ReportStore({ stateDirectory: state, configPath: undefined, clock: () => nowMs });
  const keeper = new ReportScheduler({
    log: log as never,
    nowMs: () => nowMs,
    config: () => config,
    store: shelfOf(),
    record: (action, _by, _reason, detail) => void records.push({ action, detail }),
  });
  // New: it begins with this day.
  await keeper.look();
  nowMs = Date.parse('2026-11-26T00:10:00Z');
  await keeper.look();
  expect(readdirSync(folder)).toEqual([]);
  nowMs = Date.parse('2026-11-26T00:16:00Z');
  await keeper.look();
  expect(readdirSync(folder).sort()).toEqual([
    'cordon-report-2026-11-25-all.json',
    'cordon-report-2026-11-25-all.json.sig',
  ]);
  expect(keeper.facts()).toEqual({ made: 0, failed: 1, failing: 1 });
  expect(records.map(({ action }) => action)).toEqual(['report-failed']);
  // Not before its time.
  await keeper.look();
  expect(posted).toHaveLength(1);
  status = 204;
  nowMs += 61_000;
  await keeper.look();
  expect(keeper.facts()).toEqual({ made: 1, failed: 1, failing: 0 });
  expect(records.map(({ action }) => action)).toEqual(['report-failed', 'report']);
  expect(records[1]?.detail).toMatchObject({
    period: '2026-11-25',
    to: ['control room', folder, new URL(url).host],
  });
  // What came is what was signed.
  const { signature = '', body = Buffer.alloc(0) } = posted[1] ?? {};
  const [, base64 = ''] = /^signature (.*)$/m.exec(Buffer.from(signature, 'base64').toString()) ?? [];
  const key = createPublicKey(readFileSync(join(bench.directory, 'signing-key.pub.pem')));
  expect(verify(null, body, key, Buffer.from(base64, 'base64'))).toBe(true);
  expect(JSON.parse(body.toString())).toMatchObject({ format: 'cordon-report', version: 4 });
  // A program that was off makes up for what it missed, one day at a look.
  nowMs = Date.parse('2026-11-28T09:00:00Z');
  const again = new ReportScheduler({
    log: log as never,
    nowMs: () => nowMs,
    config: () => config,
    store: shelfOf(),
    record: () => undefined,
  });
  await again.look();
  await again.look();
  expect(readdirSync(folder).filter((name) => name.endsWith('.json'))).toHaveLength(3);
  // People find them in the control room, after a start as well; one that failed once stands there once.
  const store = shelfOf();
  const kept = store.list();
  expect(kept.map(({ from, to, every, by }) => [from, to, every, by])).toEqual([
    ['2026-11-27', '2026-11-27', 'daily', expect.stringMatching(/^Cordon /)],
    ['2026-11-26', '2026-11-26', 'daily', expect.stringMatching(/^Cordon /)],
    ['2026-11-25', '2026-11-25', 'daily', expect.stringMatching(/^Cordon /)],
  ]);
  const [first] = kept.toReversed();
  expect(first?.files.map(({ name }) => name)).toEqual(['report.json', 'report.json.sig']);
  const inFolder = readFileSync(join(folder, 'cordon-report-2026-11-25-all.json'));
  expect(Buffer.from(await store.file(first?.id ?? '', 'report.json')).equals(inFolder)).toBe(true);
});

/** A schedule of each day into a folder, and records of two days. */
const dailyInFolder = async () => {
  const bench = new Bench({ start: '2026-11-25T08:00:00.000Z' });
  bench.recording.tick();
  for (let day = 0; day < 2; day++) {
    bench.record(5, { client: '192.0.2.1' });
    bench.advance(DAY_MS);
  }
  await bench.recording.stop();
  const state = dirname(bench.directory);
  const folder = join(state, 'out');
  mkdirSync(folder);
  const config = {
    ...configOf(`reports: { schedule: [{ every: daily, format: json, folder: "${folder}" }] }`),
    stateDirectory: state,
  };
  return { state, folder, config };
};

test('what is done and cannot be written is a failure, and nobody is passed over with the next report', async () => {
  const { state, folder, config } = await dailyInFolder();
  let nowMs = Date.parse('2026-11-25T10:00:00Z');
  const records: { action: string; period: unknown }[] = [];
  const quiet = () => undefined;
  const keeper = new ReportScheduler({
    log: { info: quiet, error: quiet } as never,
    ...{ nowMs: () => nowMs, config: () => config },
    store: new ReportStore({ stateDirectory: state, configPath: undefined, clock: () => nowMs }),
    record: (action, _by, _reason, detail) =>
      void records.push({ action, period: (detail as { period?: unknown }).period }),
  });
  await keeper.look();
  // A file cannot take the place of a folder.
  const stateFile = join(state, 'reports.json');
  rmSync(stateFile);
  mkdirSync(join(stateFile, 'x'), { recursive: true });
  nowMs = Date.parse('2026-11-26T00:16:00Z');
  await keeper.look();
  expect(keeper.facts()).toEqual({ made: 0, failed: 1, failing: 1 });
  expect(records).toEqual([{ action: 'report-failed', period: '2026-11-25' }]);
  const reports = () => readdirSync(folder).filter((name) => name.endsWith('.json'));
  expect(reports()).toEqual(['cordon-report-2026-11-25-all.json']);
  rmSync(stateFile, { recursive: true });
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
  nowMs = Date.parse('2026-11-27T00:16:00Z');
  await keeper.look();
  // It has that one already.
  expect(reports()).toEqual([]);
  await keeper.look();
  expect(reports()).toEqual(['cordon-report-2026-11-26-all.json']);
  expect(keeper.facts()).toEqual({ made: 2, failed: 1, failing: 0 });
  expect(records.slice(1)).toEqual([
    { action: 'report', period: '2026-11-25' },
    { action: 'report', period: '2026-11-26' },
  ]);
});

test('a clock that was ahead for an hour takes no report away from the year that follows', async () => {
  const { state, folder, config } = await dailyInFolder();
  let nowMs = Date.parse('2026-11-25T10:00:00Z');
  const lines: string[] = [];
  const tried: unknown[] = [];
  const log = (about: object, text: string) => {
    lines.push(text);
    tried.push((about as { readonly period?: string }).period);
  };
  const start = () =>
    new ReportScheduler({
      log: { info: log, warn: log, error: log } as never,
      ...{ nowMs: () => nowMs, config: () => config },
      store: new ReportStore({ stateDirectory: state, configPath: undefined, clock: () => nowMs }),
      record: () => undefined,
    });
  const reports = () =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .sort();
  await start().look();
  const stateFile = join(state, 'reports.json');
  const [id = ''] = Object.keys(JSON.parse(readFileSync(stateFile, 'utf8')) as object);
  for (const [written, at, day] of [
    ['2028-01-01T00:00:00.000Z', '2026-11-25T11:00:00Z', '2026-11-25'],
    ['soon', '2026-11-26T11:00:00Z', '2026-11-26'],
  ] as const) {
    writeFileSync(stateFile, JSON.stringify({ [id]: written }));
    const started = start();
    nowMs = Date.parse(at);
    await started.look();
    nowMs += DAY_MS;
    await started.look();
    expect(reports().at(-1)).toBe(`cordon-report-${day}-all.json`);
  }
  expect(lines.filter((line) => line.includes('ahead'))).toHaveLength(1);
  // A clock that is behind for a while makes nothing, and nothing twice once it is right.
  const behind = start();
  nowMs = Date.parse('1970-01-01T00:01:00Z');
  await behind.look();
  nowMs = Date.parse('2026-11-27T12:00:00Z');
  await behind.look();
  await behind.look();
  expect(reports()).toHaveLength(2);
  // After years without the program, no more than that of a year is made up for.
  writeFileSync(stateFile, JSON.stringify({ [id]: '2001-01-01T00:00:00.000Z' }));
  const late = start();
  await late.look();
  expect(lines.at(-1)).toContain('failed');
  expect(late.facts().failing).toBe(1);
  expect(tried.at(-1)).toBe('2025-10-23');
  // A step back of less than an hour behind the end of a day makes no report of it twice.
  writeFileSync(stateFile, JSON.stringify({ [id]: '2026-11-28T00:00:00.000Z' }));
  const started = start();
  nowMs = Date.parse('2026-11-27T23:30:00Z');
  await started.look();
  nowMs = Date.parse('2026-11-28T00:20:00Z');
  await started.look();
  expect(reports()).toHaveLength(2);
});
