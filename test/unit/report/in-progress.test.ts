// A report of a day that is not over: what was lived is told and judged, nothing is said of the rest.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ChangeRecord } from '../../../src/evidence/records/record.ts';
import type { Report } from '../../../src/evidence/report/model.ts';
import { createReport } from '../../../src/evidence/report/report.ts';
import { needing, run } from '../../support/process.ts';
import { Bench, DAY_MS, HOUR_MS } from '../records/setup.ts';

const DAY = '2026-11-25T00:00:00.000Z';
const DAY_START_MS = Date.parse(DAY);
const LIVED_HOURS = 9;

const state = mkdtempSync(join(tmpdir(), 'cordon-progress-'));
afterAll(() => rmSync(state, { recursive: true, force: true }));
let nowMs = 0;

beforeAll(async () => {
  const directory = join(state, 'records');
  mkdirSync(directory, { recursive: true });
  const bench = new Bench({ directory, start: new Date(DAY_START_MS - HOUR_MS).toISOString() });
  const write = (record: object): void =>
    bench.recording.write({ time: new Date(bench.nowMs).toISOString(), ...record } as ChangeRecord);
  bench.recording.tick();
  const state0 = { kind: 'enforcement', event: 'state', groups: [] };
  write({ ...state0, state: 'not-ready', cause: 'startup' });
  bench.advance(1_000);
  const sha256 = 'aa'.repeat(32);
  const list = { list: 'tiktok', category: 'social', mandate: true, sha256, entries: 120, generation: 1 };
  write({ kind: 'list', event: 'in-force', ...list });
  write({ ...state0, state: 'enforced', previous: 'not-ready', ms: 1_000 });
  bench.advance(DAY_START_MS - bench.nowMs);
  for (let hour = 0; hour < LIVED_HOURS; hour++) {
    bench.record(2, { client: '192.0.2.1' });
    bench.advance(HOUR_MS);
  }
  await bench.recording.stop();
  nowMs = bench.nowMs;
});

const made = (format: 'json' | 'html' | 'pdf') =>
  createReport({
    ...{ directory: join(state, 'records'), fromMs: DAY_START_MS, untilMs: DAY_START_MS + DAY_MS },
    ...{ nowMs, format },
  });

test('tells until when it was lived, and judges no more', async () => {
  const { bytes, findings, inProgressUntil } = await made('json');
  const report = JSON.parse(Buffer.from(bytes).toString('utf8')) as Report;
  expect(findings).toEqual([]);
  expect(inProgressUntil).toBe('2026-11-26T00:00:00.000Z');
  expect(report.inProgressUntil).toBe(inProgressUntil);
  const untilMs = Date.parse(report.period.until);
  expect(report.period.from).toBe(DAY);
  expect(untilMs).toBeLessThanOrEqual(nowMs);
  expect(untilMs).toBeGreaterThan(DAY_START_MS + (LIVED_HOURS - 1) * HOUR_MS);
  const { ms } = report.enforcement;
  expect(ms['in-force'] + ms['not-in-force'] + ms['no-evidence']).toBe(untilMs - DAY_START_MS);
  expect(ms['in-force']).toBe(untilMs - DAY_START_MS);
  expect(report.attempts.refusals).toBe(2 * LIVED_HOURS);
  for (const { versions } of report.lists)
    for (const { until } of versions) expect(until === null || Date.parse(until) <= nowMs).toBe(true);
  // Nothing in it lies behind the moment in which it was made, but the end that was asked for.
  const times =
    Buffer.from(bytes)
      .toString('utf8')
      .match(/\d{4}-\d\d-\d\dT[\d:.]+Z/g) ?? [];
  const later = times.filter((time) => Date.parse(time) > nowMs);
  expect(new Set(later)).toEqual(new Set([inProgressUntil]));
});

test('says so to people, and never that the day is over', async () => {
  const html = Buffer.from((await made('html')).bytes).toString('utf8');
  expect(html).toContain('so far; the period goes on until');
  expect(html).toMatch(/<h2 id="answer"[^>]*>[^<]*, so far: /);
});

test(
  'a PDF of it has the date of the last sign of life, not of the end that was asked for',
  needing('pdfinfo'),
  async () => {
    const { bytes } = await made('pdf');
    const path = join(state, 'report.pdf');
    writeFileSync(path, bytes);
    const told = await run('pdfinfo', ['-isodates', path], { timeoutMs: 60_000 });
    const date = /^CreationDate: +(\S+)/m.exec(told.stdout)?.[1] ?? '';
    const madeMs = Date.parse(date.replace(/([+-]\d\d)$/, '$1:00'));
    expect(madeMs, told.stdout).toBeGreaterThan(DAY_START_MS + (LIVED_HOURS - 1) * HOUR_MS);
    expect(madeMs).toBeLessThanOrEqual(nowMs);
  },
);
