// A fleet's report: clients that asked several resolvers are counted once, and what each probe found is there.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { COUNTING_KEY_LENGTH, verifyRecords } from '../../../src/evidence/records/records.ts';
import { buildReport } from '../../../src/evidence/report/build.ts';
import { buildFleetReport, type FleetReport } from '../../../src/evidence/report/fleet-report.ts';
import { RecordsSource } from '../../../src/evidence/report/records-source.ts';
import { createRandom, seedOfRun } from '../../support/mutate.ts';
import { NIGHT } from '../../support/night.ts';
import { START } from '../../support/record-events.ts';
import { Bench, DAY_MS, edit, HOUR_MS } from '../records/setup.ts';

let directory: string;
let countingKeyPath: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-fleet-report-'));
  countingKeyPath = join(directory, 'counting-key');
  writeFileSync(countingKeyPath, randomBytes(COUNTING_KEY_LENGTH));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A resolver's directory, which a collector would have. */
const open = (name: string, path: string | undefined = countingKeyPath): Bench =>
  new Bench({ directory: join(directory, name), countingKeyPath: path });

/** One query of each of these clients. */
const ask = (bench: Bench, first: number, count: number): void => {
  for (let client = first; client < first + count; client++) {
    bench.emit(1, { client: `10.0.${client >> 8}.${client & 255}` });
    if (client % 100 === 0) bench.advance(1_000);
  }
  bench.advance(1_000);
};

const report = (names: readonly string[], from = '2026-11-25', until = '2026-11-27'): Promise<FleetReport> =>
  buildFleetReport({
    directory,
    members: names.map((name) => ({
      name,
      labels: [name],
      since: '2026-11-01T00:00:00.000Z',
      until: undefined,
    })),
    fromMs: Date.parse(from),
    untilMs: Date.parse(until),
  });

/** Whether an estimate is within three standard errors. */
const isAbout = (clients: number | undefined, wanted: number): boolean =>
  clients !== undefined && Math.abs(clients - wanted) <= wanted * 0.049;

test('clients of two resolvers under the key of the fleet are counted once, over days', async () => {
  const [ns1, ns2] = [open('ns1'), open('ns2')];
  ask(ns1, 0, 1_000);
  ask(ns2, 500, 1_000);
  for (const bench of [ns1, ns2]) bench.advance(DAY_MS);
  ask(ns1, 1_500, 500);
  for (const bench of [ns1, ns2]) await bench.recording.stop();
  const { clients } = await report(['ns1', 'ns2']);
  expect(clients.without).toEqual([]);
  expect(clients.resolvers).toEqual(['ns1', 'ns2']);
  expect(clients.standardErrorPercent).toBe(1.6);
  expect(clients.merged.map(({ group }) => group)).toEqual(['*', 'default']);
  expect(isAbout(clients.merged[0]?.clients, 2_000)).toBe(true);
  expect(
    isAbout((await report(['ns1', 'ns2'], '2026-11-25', '2026-11-26')).clients.merged[0]?.clients, 1_500),
  ).toBe(true);
  expect(isAbout((await report(['ns2'])).clients.merged[0]?.clients, 1_000)).toBe(true);
  expect((await verifyRecords(join(directory, 'ns1'))).findings).toEqual([]);
});

test('a resolver that counted under its own key, one that was never heard, and one under another key are named and left out', async () => {
  const resolvers = [
    open('ns1'),
    open('ns2'),
    open('ns3', join(directory, 'none')),
    open('ns4', join(directory, 'other')),
  ];
  const [ns1, ns2, ns3, ns4] = resolvers;
  writeFileSync(join(directory, 'other'), randomBytes(COUNTING_KEY_LENGTH));
  for (const bench of [ns1, ns2, ns3, ns4]) if (bench !== undefined) ask(bench, 0, 300);
  for (const bench of resolvers) await bench.recording.stop();
  const { clients, isComplete } = await report(['ns1', 'ns2', 'ns3', 'ns4', 'ns5']);
  expect(isAbout(clients.merged[0]?.clients, 300)).toBe(true);
  expect(clients.resolvers).toEqual(['ns1', 'ns2']);
  expect(clients.without).toEqual([
    { name: 'ns3', reason: 'it counted under a key of its own on 2026-11-25' },
    { name: 'ns4', reason: 'it counted under another key on 2026-11-25' },
    { name: 'ns5', reason: 'nothing of it can be read' },
  ]);
  expect(isComplete).toBe(false);
});

test('the key of the fleet is taken up with the next day, never amid estimates of the day before', async () => {
  rmSync(countingKeyPath);
  const bench = open('ns1');
  ask(bench, 0, 200);
  writeFileSync(countingKeyPath, randomBytes(COUNTING_KEY_LENGTH));
  await bench.recording.stop();
  // Started again on the same day: its estimates go on under the key that they have.
  const again = new Bench({
    directory: join(directory, 'ns1'),
    countingKeyPath,
    start: '2026-11-25T18:00:00Z',
  });
  ask(again, 0, 200);
  const today = await report(['ns1'], '2026-11-25', '2026-11-26');
  expect(today.clients.merged).toEqual([]);
  again.advance(DAY_MS);
  ask(again, 0, 200);
  await again.recording.stop();
  const { clients } = await report(['ns1'], '2026-11-26', '2026-11-27');
  expect([clients.without, isAbout(clients.merged[0]?.clients, 200)]).toEqual([[], true]);
  const both = await report(['ns1']);
  expect(both.clients.without[0]?.reason).toBe('it counted under a key of its own on 2026-11-25');
});

const compareSums = async (periods: number): Promise<void> => {
  const names = ['ns1', 'ns2', 'ns3'];
  const benches = names.map((name) => open(name));
  const random = createRandom(seedOfRun());
  for (const bench of benches) {
    for (let turn = 0; turn < 60; turn++) {
      bench.emit(1 + random(9), { client: `10.0.0.${random(9)}` });
      if (random(4) === 0) bench.emit(random(5), { kind: 1 });
      bench.advance(1_000);
      bench.advance(random(90) * 60_000);
    }
    await bench.recording.stop();
  }
  const [, ns2, ns3] = benches.map((bench) => join(bench.directory, 'queries'));
  // A day that is gone, and a block that somebody took out.
  rmSync(join(ns2 ?? '', readdirSync(ns2 ?? '').sort()[1] ?? ''));
  edit(join(ns3 ?? '', readdirSync(ns3 ?? '').sort()[1] ?? ''), 'DELETE FROM blocks WHERE rowid = 3');
  const sources = await Promise.all(
    names.map((name) => RecordsSource.open(join(directory, name), { isCollected: true })),
  );
  let compared = 0;
  const firstMs = Date.parse(START);
  const lastMs = Math.max(...benches.map(({ nowMs }) => nowMs));
  for (let period = 0; period < periods; period++) {
    const fromMs = firstMs + random(lastMs - firstMs);
    const lengthMs = [60_000, HOUR_MS, DAY_MS, 3 * DAY_MS][random(4)] ?? HOUR_MS;
    const untilMs = Math.min(lastMs, fromMs + 1 + random(lengthMs));
    const of = await report(names, new Date(fromMs).toISOString(), new Date(untilMs).toISOString());
    for (const [index, source] of sources.entries()) {
      const single = await buildReport(source, { fromMs, untilMs }).catch((thrown: unknown) => {
        // Of a time without a record there is no report of one resolver.
        expect(thrown).toMatchObject({ code: 'ERR_COMPLIANCE_REPORT_PERIOD' });
      });
      if (single === undefined) continue;
      const { attempts } = single;
      compared++;
      const counts = of.resolvers[index]?.counts ?? [];
      const sumOf = (kind: string): number =>
        counts.filter((one) => one.kind === kind).reduce((sum, { count }) => sum + count, 0);
      expect(
        [sumOf('refusal'), sumOf('would-refuse')],
        `${names[index]} from ${fromMs} until ${untilMs}`,
      ).toEqual([attempts.refusals, attempts.wouldRefuse]);
    }
    expect(of.queries).toBe(of.resolvers.reduce((sum, { queries }) => sum + queries, 0));
    expect(of.isComplete).toBe(false);
  }
  expect(compared).toBeGreaterThan(periods);
  for (const source of sources) source.close();
};

const SUMS =
  'a sum over any period is that of the single reports, with holes, deleted rows and parts of hours';
test(SUMS, () => compareSums(8));
test(`${SUMS}: 500 of them`, { ...NIGHT, timeout: 1_800_000 }, () => compareSums(500));

test('a row that somebody deleted is named and costs its own records: the rest is counted', async () => {
  const bench = new Bench({ directory: join(directory, 'ns1'), countingKeyPath, heads: { everyMs: 3_000 } });
  for (let block = 0; block < 20; block++) bench.record(10);
  await bench.recording.stop();
  const whole = await report(['ns1']);
  const folder = join(bench.directory, 'queries');
  edit(
    join(folder, readdirSync(folder)[0] ?? ''),
    'DELETE FROM blocks WHERE rowid = (SELECT rowid FROM blocks LIMIT 1 OFFSET 7)',
  );
  const { queries, isComplete, resolvers } = await report(['ns1']);
  expect(whole.queries).toBe(200);
  // The ten behind the deleted ones stand on a hash that is gone.
  expect([queries, isComplete]).toEqual([180, false]);
  expect(resolvers[0]?.gaps[0]).toContain('records 73 to 82 are not there');
});

test('resolvers that refused nobody anything count none, and are in it', async () => {
  const bench = open('ns1');
  bench.advance(1_000);
  await bench.recording.stop();
  const { clients } = await report(['ns1']);
  expect([clients.merged, clients.resolvers, clients.without]).toEqual([[], ['ns1'], []]);
});

test('what the probe of each resolver found, and when; one without a run in the period has none', async () => {
  const [ns1, ns2] = [open('ns1'), open('ns2')];
  const run = (bench: Bench, outcome: 'enforced' | 'leaking') =>
    bench.recording.write({
      time: new Date(bench.nowMs).toISOString(),
      kind: 'probe',
      event: 'sweep',
      generation: 1,
      began: new Date(bench.nowMs).toISOString(),
      outcome,
      results: [
        {
          view: 'default',
          transport: '*',
          qtype: '*',
          asked: 10,
          leaked: outcome === 'enforced' ? 0 : 1,
          failed: 0,
          outcome,
          examples: outcome === 'enforced' ? [] : ['www.tiktok.com A udp'],
        },
      ],
    });
  for (const outcome of ['enforced', 'leaking', 'enforced'] as const) {
    run(ns1, outcome);
    ns1.advance(3_600_000);
  }
  ns2.advance(1_000);
  for (const bench of [ns1, ns2]) await bench.recording.stop();
  const [first, second] = (await report(['ns1', 'ns2'], '2026-11-25', '2026-11-26')).resolvers;
  expect(first?.probe).toMatchObject({
    runs: 3,
    last: { time: '2026-11-25T14:00:00.000Z', outcome: 'enforced' },
    views: [
      {
        view: 'default',
        runs: 3,
        questions: 30,
        findings: [
          { time: '2026-11-25T13:00:00.000Z', outcome: 'leaking', examples: ['www.tiktok.com A udp'] },
        ],
      },
    ],
  });
  expect(second?.probe).toEqual({ runs: 0, last: null, longestGapMs: null, views: [] });
  // Of the resolver that was never collected, nothing is known either.
  expect((await report(['ns9'])).resolvers[0]?.probe.last).toBeNull();
});

test('each resolver answers the questions of page one', async () => {
  const bench = open('ns1');
  ask(bench, 0, 50);
  bench.advance(DAY_MS);
  await bench.recording.stop();
  const { resolvers } = await report(['ns1', 'ns2'], '2026-11-25', '2026-11-26');
  expect(resolvers.map(({ answers }) => answers.length)).toEqual([1, 0]);
  const [answer] = resolvers[0]?.answers ?? [];
  expect(answer).toMatchObject({ label: 'ns1', verdict: 'no', leaks: 0, exemptions: [] });
  expect(Date.parse(answer?.signedUntil ?? '')).toBeGreaterThan(Date.parse('2026-11-26'));
});
