// Refusals over time: every number is what an independent script counts in the exported records, over changes of the clock and
// of daylight saving, over starts, archiving and retention.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { RecordsReader } from '../../../src/evidence/records/records-reader.ts';
import { RefusalCounts } from '../../../src/evidence/records/refusal-counts.ts';
import type { RefusalFigures, RefusalFiguresWanted } from '../../../src/people/admin/admin.ts';
import { RefusalFiguresMaker } from '../../../src/people/controls/refusal-figures.ts';
import { inTwo } from '../../support/night.ts';
import { isInstalled, needing } from '../../support/process.ts';
import { Bench, DAY_MS, HOUR_MS } from '../records/setup.ts';

const SCRIPT = 'test/support/recompute-refusals.py';
const WITH_PYTHON = needing('python3');
/** Clocks at home go forward in the night of 28 March, and back in that of 31 October. */
const DST = ['2027-03-27T20:30:00Z', '2027-10-30T20:30:00Z'] as const;

const makerOf = (bench: Bench): RefusalFiguresMaker =>
  new RefusalFiguresMaker(
    dirname(bench.directory),
    () => bench.nowMs,
    // Nothing is dear.
    () => 0,
  );

/** Figures once all is counted. */
const wholeOf = async (maker: RefusalFiguresMaker, wanted: RefusalFiguresWanted): Promise<RefusalFigures> => {
  let figures = await maker.read(wanted);
  while (figures.counting !== null) figures = await maker.read(wanted);
  return figures;
};

interface Recomputed {
  readonly steps: Readonly<Record<string, number>>;
  readonly names: Readonly<Record<string, number>>;
  readonly types: Readonly<Record<string, number>>;
  readonly groups: Readonly<Record<string, number>>;
}

/** What the script counts in everything that is exported. */
const recompute = async (
  bench: Bench,
  { from, until, stepSec }: RefusalFigures,
  { group = '', list = '' }: RefusalFiguresWanted,
): Promise<Recomputed> => {
  const reader = RecordsReader.open(bench.directory);
  const lines: string[] = [];
  for await (const { record } of reader.records('queries', 0, Number.MAX_SAFE_INTEGER))
    lines.push(JSON.stringify(record));
  reader.close();
  const text = execFileSync('python3', [SCRIPT, from, until, String(stepSec), group, list], {
    input: lines.join('\n'),
    env: { ...process.env, TZ: 'Europe/Brussels' },
  });
  const { names, types, groups, steps } = JSON.parse(text.toString()) as Recomputed;
  return { names, types, groups, steps };
};

const sumBy = (rows: readonly (readonly [string, number])[]): Record<string, number> => {
  const sums: Record<string, number> = {};
  for (const [key, count] of rows) if (count > 0) sums[key] = (sums[key] ?? 0) + count;
  return sums;
};

/** The same numbers as a page has them. */
const shown = ({ series, top, unnamed }: RefusalFigures): Recomputed => ({
  steps: sumBy(
    series.flatMap(({ list, counts }) => counts.map((count, step) => [`${list} ${step}`, count] as const)),
  ),
  names: sumBy([...top.names.map(({ key, count }) => [key, count] as const), ['', unnamed] as const]),
  types: sumBy([...top.types.map(({ key, count }) => [key, count] as const), ['', unnamed] as const]),
  groups: sumBy(top.networks.map(({ key, count }) => [key, count] as const)),
});

const WANTED: readonly RefusalFiguresWanted[] = [
  { days: 1 },
  { days: 7 },
  { days: 30 },
  { days: 91 },
  { days: 7, group: 'lab' },
  { days: 30, list: 'tiktok' },
  { days: 30, group: 'lab', list: 'extra' },
];

const expectSame = async (
  bench: Bench,
  maker: RefusalFiguresMaker,
  all = WANTED.slice(0, 3),
): Promise<void> => {
  for (const wanted of all) {
    const figures = await wholeOf(maker, wanted);
    expect([wanted, shown(figures)]).toEqual([wanted, await recompute(bench, figures, wanted)]);
  }
};

for (const [options, starts] of inTwo(DST, (_, index) => index === 1))
  test.each(starts)(
    'charts are what a script counts again, from %s on',
    { ...WITH_PYTHON, ...options },
    async (start) => {
      expect(isInstalled('python3')).toBe(true);
      const bench = new Bench({ start });
      const maker = makerOf(bench);
      const names = ['www.tiktok.com', 'v16.tiktok.com', 'api.example.org'];
      for (let round = 0; round < 30; round++) {
        bench.record(1 + (round % 4), {
          qname: names[round % 3] ?? '',
          group: round % 2,
          list: round % 3 === 2 ? 1 : 0,
        });
        // A sign of a bypass is no refusal.
        bench.record(1, { qname: 'mask.icloud.com', list: 2 });
        bench.advance(97 * 60_000);
        // The clock is set back, and forward again.
        if (round === 11) bench.step(-3 * HOUR_MS);
        if (round === 17) bench.step(2 * HOUR_MS);
        // Counted on the way as well: what was counted stays, and what comes is added.
        if (round % 7 === 0) await wholeOf(maker, { days: 7 });
      }
      bench.advance(6_000);
      await expectSame(bench, maker, [...WANTED]);
      // After a start, from what was kept and from nothing.
      await expectSame(bench, makerOf(bench));
      bench.advance(4 * DAY_MS);
      bench.record(2, { qname: 'late.tiktok.com' });
      await bench.housekeep();
      await expectSame(bench, maker);
      const { top, changes } = await wholeOf(maker, { days: 30 });
      expect(top.clients.length).toBeGreaterThan(0);
      for (const { key } of top.clients) expect(key).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{2}$/);
      expect(Array.isArray(changes)).toBe(true);
    },
  );

test(
  'days that a clock ahead took for old have their hours again when it is put right',
  WITH_PYTHON,
  async () => {
    const bench = new Bench({ start: '2027-05-10T20:30:00Z' });
    const maker = makerOf(bench);
    bench.record(3, { qname: 'www.tiktok.com' });
    bench.step(5 * DAY_MS);
    bench.record(1, { qname: 'late.tiktok.com' });
    await wholeOf(maker, { days: 7 });
    bench.step(-5 * DAY_MS + 6 * HOUR_MS);
    bench.record(2, { qname: 'v16.tiktok.com' });
    bench.advance(6_000);
    await expectSame(bench, maker, WANTED.slice(0, 2));
    await expectSame(bench, makerOf(bench), WANTED.slice(0, 2));
  },
);

test('days that are over are summed once: as of one network, which is summed row by row', async () => {
  const bench = new Bench({ start: '2027-03-01T12:00:00Z' });
  // A day stands in two partitions where the clock was two days ahead for a while.
  for (const [turn, hours] of [6, 48, -48, 24, 30].entries()) {
    for (let client = 1; client <= 150; client++)
      bench.emit(turn < 3 ? (client <= 110 ? 2 : 1) : client <= 110 ? 1 : 5, {
        qname: `n${client % 30}.tiktok.com`,
        client: `192.0.2.${client}`,
      });
    bench.record(1, { qname: 'www.tiktok.com' });
    bench.step(hours * HOUR_MS);
  }
  bench.advance(6 * DAY_MS);
  bench.record(1, { qname: 'www.tiktok.com' });
  const maker = makerOf(bench);
  const all = await wholeOf(maker, { days: 30 });
  const { top } = await wholeOf(maker, { days: 30, group: 'default' });
  expect(all.top).toEqual(top);
  expect(all.top.clients).toHaveLength(20);
});

test('changes that are dear to read count for a hundred times as long, and no longer', async () => {
  const bench = new Bench({ start: '2027-03-01T10:00:00Z' });
  // Each reading takes so long.
  let tookMs = 300;
  let monotonicMs = 0;
  const maker = new RefusalFiguresMaker(
    dirname(bench.directory),
    () => bench.nowMs,
    () => (monotonicMs += tookMs),
  );
  const read = async (): Promise<number> => (await wholeOf(maker, { days: 1 })).changes.length;
  const change = async (): Promise<void> => {
    const time = new Date(bench.nowMs).toISOString();
    const done = bench.change({
      time,
      kind: 'service',
      event: 'start',
      version: '1',
      resolver: 'ns1',
    } as never);
    bench.advance(6_000);
    await done;
  };
  await change();
  const first = await read();
  await change();
  expect(await read()).toBe(first);
  monotonicMs += 30_000;
  const second = await read();
  expect(second).toBeGreaterThan(first);
  // What is cheap is read each time.
  tookMs = 1;
  monotonicMs += 30_000;
  expect(await read()).toBe(second);
  await change();
  expect(await read()).toBe(second + 1);
});

test('who does not wait is told how much is counted, and gets all of it later', async () => {
  const bench = new Bench({ start: '2027-03-01T12:00:00Z' });
  const days = 12;
  for (let day = 0; day < days; day++) {
    bench.record(2, { qname: 'www.tiktok.com' });
    bench.advance(DAY_MS);
  }
  bench.record(1, { qname: 'v16.tiktok.com' });
  const counts = new RefusalCounts(bench.directory, dirname(bench.directory), () => bench.nowMs);
  const all = { fromMs: 0, untilMs: Number.MAX_SAFE_INTEGER };
  const first = await counts.read(all, 0);
  expect(first.counting?.of).toBe(days + 1);
  expect(first.counting?.counted).toBeLessThan(days + 1);
  const parts = [first];
  while (parts.at(-1)?.counting !== undefined) parts.push(await counts.read(all, 1));
  const sums = parts.map(({ hours }) => hours.reduce((sum, { count }) => sum + count, 0));
  expect(sums).toEqual(sums.toSorted((a, b) => a - b));
  expect(sums.at(-1)).toBe(2 * days + 1);
  // What cannot be counted is told to who looks next, not to nobody.
  const none = new RefusalCounts(join(bench.directory, 'gone'), dirname(bench.directory), () => bench.nowMs);
  await expect(none.read(all, 0).then(() => none.read(all, 0))).rejects.toMatchObject({
    code: expect.stringMatching(/^ERR_COMPLIANCE_/),
  });
});

test('days that nobody looked at are counted ahead, once, and the figures are the same', async () => {
  const bench = new Bench({ start: '2027-03-01T12:00:00Z' });
  for (const count of [3, 2, 4]) {
    bench.record(count, { qname: 'www.tiktok.com' });
    bench.advance(DAY_MS);
  }
  bench.record(1, { qname: 'v16.tiktok.com' });
  const state = dirname(bench.directory);
  const counts = (): RefusalCounts => new RefusalCounts(bench.directory, state, () => bench.nowMs);
  await counts().countAhead();
  const kept = readdirSync(join(state, 'refusal-counts'));
  // All but the day that goes on.
  expect(kept.map((name) => name.slice(-15, -5))).toEqual(['2027-03-01', '2027-03-02', '2027-03-03']);
  const modes = kept.map((name) => statSync(join(state, 'refusal-counts', name)).mtimeMs);
  await counts().countAhead();
  expect(kept.map((name) => statSync(join(state, 'refusal-counts', name)).mtimeMs)).toEqual(modes);
  // Somebody looks while it goes on.
  const both = counts();
  const [read] = await Promise.all([
    both.read({ fromMs: 0, untilMs: Number.MAX_SAFE_INTEGER }),
    both.countAhead(),
  ]);
  expect(read.hours.reduce((sum, { count }) => sum + count, 0)).toBe(10);
  await expectSame(bench, makerOf(bench), [{ days: 7 }, { days: 30 }]);
});

test('what is kept of a partition goes with it, and is made anew where it is damaged', async () => {
  const bench = new Bench({ start: '2027-03-01T12:00:00Z' });
  bench.record(3, { qname: 'www.tiktok.com' });
  bench.advance(2 * DAY_MS);
  bench.record(1, { qname: 'v16.tiktok.com' });
  const maker = makerOf(bench);
  expect((await wholeOf(maker, { days: 7 })).top.names).toEqual([
    { key: 'www.tiktok.com', count: 3 },
    { key: 'v16.tiktok.com', count: 1 },
  ]);
  const kept = join(dirname(bench.directory), 'refusal-counts');
  expect(readdirSync(kept).length).toBe(2);
  expect(readFileSync(join(kept, readdirSync(kept)[0] ?? ''), 'utf8')).not.toContain('192.0.2');
  const [old = ''] = readdirSync(join(bench.directory, 'queries')).filter((name) =>
    name.includes('2027-03-01'),
  );
  renameSync(join(bench.directory, 'queries', old), join(dirname(bench.directory), old));
  bench.advance(6_000);
  expect((await wholeOf(maker, { days: 7 })).top.names).toEqual([{ key: 'v16.tiktok.com', count: 1 }]);
  expect(readdirSync(kept).some((name) => name.includes('2027-03-01'))).toBe(false);
  // At a start as well, whether anybody looks or not.
  writeFileSync(join(kept, '1-2027-01-01.json'), '{}');
  makerOf(bench);
  expect(existsSync(join(kept, '1-2027-01-01.json'))).toBe(false);
});
