// A quarter of a small network, recorded by the recorder: every number of its report is that of the exported records as a
// program counts them that shares no code with this one.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ChangeRecord } from '../../../src/evidence/records/record.ts';
import { createReport } from '../../../src/evidence/report/report.ts';
import { run } from '../../support/process.ts';
import { PROGRAM } from '../../support/program.ts';
import { Bench, DAY_MS, HOUR_MS } from '../records/setup.ts';

const recompute = fileURLToPath(new URL('../../support/recompute-report.mjs', import.meta.url));
const START_MS = Date.parse('2026-10-01T00:00:00.000Z');
const DAYS = 92;

const state = mkdtempSync(join(tmpdir(), 'cordon-recompute-'));
afterAll(() => rmSync(state, { recursive: true, force: true }));

const paper = (id: string, more: object): object => ({
  ...{ id, requestedBy: 'R. Researcher', grounds: 'security-research', groups: ['lab'], clients: [] },
  ...more,
});

/** Runs of the program, each with what it records at its beginning. */
class Quarter {
  bench: Bench;
  #number = 0;

  constructor() {
    this.bench = this.#begin(START_MS + 6 * HOUR_MS);
  }

  #begin(nowMs: number): Bench {
    const bench = new Bench({ directory: join(state, 'records'), start: new Date(nowMs).toISOString() });
    this.bench = bench;
    bench.recording.tick();
    bench.advance(1_500);
    this.write({ kind: 'enforcement', event: 'state', state: 'not-ready', cause: 'startup', groups: [] });
    bench.advance(700);
    this.list('tiktok', 'social', true, 'aa', 120);
    this.list('relays', 'private-relay', false, 'bb', 9);
    this.list('extra', 'feeds', false, 'cc', 40);
    this.write({
      kind: 'enforcement',
      event: 'state',
      state: 'enforced',
      previous: 'not-ready',
      ms: 2_000,
      groups: [],
    });
    return bench;
  }

  write(record: object): void {
    this.bench.recording.write({ time: new Date(this.bench.nowMs).toISOString(), ...record } as ChangeRecord);
    this.bench.advance(1_000);
  }

  list(list: string, category: string, mandate: boolean, digits: string, entries: number): void {
    const sha256 = digits.repeat(32);
    this.write({ kind: 'list', event: 'in-force', list, category, mandate, sha256, entries, generation: 1 });
  }

  probe(outcome: string): void {
    const view = (name: string, found: string) => ({
      ...{ view: `group:${name}`, transport: 'udp', qtype: 'A', outcome: found },
      ...{ asked: 40, leaked: 0, failed: 0, examples: [] },
    });
    const results = [view('default', 'enforced'), view('lab', outcome)];
    const began = new Date(this.bench.nowMs).toISOString();
    this.write({ kind: 'probe', event: 'sweep', generation: 1, began, outcome, results });
  }

  async restart(offMs: number): Promise<void> {
    await this.bench.recording.stop();
    this.#begin(this.bench.nowMs + offMs);
  }

  crash(offMs: number): void {
    this.bench.crash();
    this.#begin(this.bench.nowMs + offMs);
  }

  /** Numbers that repeat in each run of the test and look like chance. */
  next(below: number): number {
    this.#number = (this.#number * 1_103_515_245 + 12_345) % 2_147_483_648;
    return this.#number % below;
  }
}

const pass = (quarter: Quarter): void => {
  const { bench } = quarter;
  const client = (): string => `192.0.2.${1 + quarter.next(200)}`;
  for (let hour = 0; hour < 3; hour++) {
    bench.record(1 + quarter.next(6), { client: client(), group: quarter.next(2) });
    bench.record(quarter.next(3), { client: client(), list: 1, trigger: quarter.next(2) });
    bench.record(quarter.next(2), { client: client(), list: 2 });
    bench.record(quarter.next(2), { client: client(), kind: 1, list: 1 });
    bench.record(quarter.next(2), {
      client: client(),
      kind: 2,
      exemption: 1,
      rcode: 0,
      edeCode: -1,
      group: 1,
    });
    bench.record(quarter.next(3), { client: client(), kind: 3, list: -1, signal: 4, rcode: 5 });
    bench.advance(HOUR_MS);
  }
};

/** On which day what happens. */
const events: Readonly<Record<number, (quarter: Quarter) => void | Promise<void>>> = {
  3: (quarter) => {
    const approved = {
      state: 'approved',
      approvedBy: 'A. Head',
      from: '2026-10-04T00:00:00.000Z',
      until: '2026-11-05T00:00:00.000Z',
    };
    quarter.write({
      kind: 'exemption',
      event: 'approved',
      id: 'ex-000001',
      by: 'A. Head',
      paper: paper('ex-000001', approved),
    });
    const active = { ...approved, state: 'active', activeAt: '2026-10-04T00:00:00.000Z' };
    quarter.write({ kind: 'exemption', event: 'active', id: 'ex-000001', paper: paper('ex-000001', active) });
  },
  20: (quarter) => quarter.list('extra', 'feeds', false, 'dd', 44),
  25: (quarter) => quarter.list('extra', 'feeds', true, 'dd', 44),
  30: (quarter) => quarter.restart(5 * HOUR_MS),
  35: (quarter) => {
    const over = {
      state: 'expired',
      approvedBy: 'A. Head',
      from: '2026-10-04T00:00:00.000Z',
      until: '2026-11-05T00:00:00.000Z',
      activeAt: '2026-10-04T00:00:00.000Z',
      endedAt: '2026-11-05T00:00:00.000Z',
    };
    quarter.write({ kind: 'exemption', event: 'expired', id: 'ex-000001', paper: paper('ex-000001', over) });
    const active = {
      state: 'active',
      approvedBy: 'A. Head',
      from: '2026-11-05T00:00:00.000Z',
      until: '2027-03-05T00:00:00.000Z',
      activeAt: '2026-11-05T00:00:00.000Z',
    };
    quarter.write({ kind: 'exemption', event: 'active', id: 'ex-000002', paper: paper('ex-000002', active) });
  },
  45: (quarter) => {
    quarter.write({
      kind: 'enforcement',
      event: 'state',
      state: 'paused',
      cause: 'operator-pause',
      groups: [],
      previous: 'enforced',
      ms: 1,
      by: 'kim',
      reason: 'incident',
    });
    quarter.bench.advance(600_000);
    quarter.write({
      kind: 'enforcement',
      event: 'state',
      state: 'enforced',
      groups: [],
      previous: 'paused',
      ms: 600_000,
      by: 'kim',
    });
  },
  60: (quarter) => quarter.probe('leaking'),
  61: (quarter) => quarter.probe('enforced'),
  70: (quarter) => quarter.crash(2 * HOUR_MS),
  80: (quarter) => {
    quarter.write({ kind: 'list', event: 'out-of-force', list: 'extra', generation: 4 });
  },
};

beforeAll(async () => {
  mkdirSync(join(state, 'records'), { recursive: true });
  writeFileSync(join(state, 'cordon.yaml'), 'state: .\n');
  const quarter = new Quarter();
  quarter.probe('enforced');
  for (let day = 1; day < DAYS; day++) {
    quarter.bench.advance(START_MS + day * DAY_MS + 8 * HOUR_MS - quarter.bench.nowMs);
    await events[day]?.(quarter);
    pass(quarter);
  }
  await quarter.bench.recording.stop();
}, 600_000);

test('every number of a quarter is that of the exported records, as another program counts them', {
  timeout: 240_000,
}, async () => {
  const exported = join(state, 'records.jsonl');
  const config = join(state, 'cordon.yaml');
  const made = await run(
    process.execPath,
    [PROGRAM, 'records', 'export', '--out', exported, '--config', config],
    {
      timeoutMs: 120_000,
    },
  );
  expect(made, made.stderr).toMatchObject({ code: 0 });
  const period = { fromMs: START_MS, untilMs: START_MS + DAYS * DAY_MS };
  const report = await createReport({ directory: join(state, 'records'), ...period, format: 'json' });
  expect(report.findings).toEqual([]);
  const reportPath = join(state, 'report.json');
  writeFileSync(reportPath, report.bytes);
  const right = await run(process.execPath, [recompute, exported, reportPath], { timeoutMs: 120_000 });
  expect(right, `${right.stdout}${right.stderr}`).toMatchObject({ code: 0 });
  const [, count = '0'] = /^(\d+) numbers compared, 0 differ$/m.exec(right.stdout) ?? [];
  expect(Number(count)).toBeGreaterThan(700);
  // It can fail: one refusal less is several numbers.
  const lines = readFileSync(exported, 'utf8').split('\n');
  const gone = lines.findIndex((line) => line.includes('"kind":"refusal"'));
  writeFileSync(exported, lines.toSpliced(gone, 1).join('\n'));
  const wrong = await run(process.execPath, [recompute, exported, reportPath], { timeoutMs: 120_000 });
  expect(wrong.code).toBe(1);
  expect(wrong.stdout).toContain('refusals: the report says');
});
