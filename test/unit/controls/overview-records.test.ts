// What the overview reads of the last day: each of many networks has its own history, however many share one.
import { dirname } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { ChangeRecord } from '../../../src/evidence/records/record.ts';
import { findRecords } from '../../../src/evidence/records/records.ts';
import { EnforcementHistory } from '../../../src/evidence/report/report.ts';
import { OverviewRecords, toSpans } from '../../../src/people/controls/overview-records.ts';
import { Bench, DAY_MS, HOUR_MS } from '../records/setup.ts';

const GROUPS = Array.from({ length: 40 }, (_, index) => `net-${index}`);

/** A day in which networks went different ways. */
const recordDay = async (bench: Bench): Promise<void> => {
  const change = async (record: object): Promise<void> => {
    const written = bench.change({
      time: new Date(bench.nowMs).toISOString(),
      ...record,
    } as ChangeRecord);
    bench.advance(600_000);
    await written;
  };
  const tell = (state: string, out: (index: number) => string | undefined): Promise<void> =>
    change({
      ...{ kind: 'enforcement', event: 'state', state, ...(state === 'enforced' ? {} : { cause: 'leak' }) },
      groups: GROUPS.map((group, index) => {
        const own = out(index);
        return own === undefined ? { group, state: 'enforced' } : { group, state: own, cause: 'leak' };
      }),
    });
  await change({ kind: 'service', event: 'start', version: '1' });
  await tell('enforced', () => undefined);
  await tell('leaking', (index) => (index % 3 === 0 ? 'leaking' : undefined));
  for (let act = 0; act < 5; act++) await change({ kind: 'admin', action: `act-${act}`, by: 'alice' });
  await tell('partly', (index) => (index === 7 ? 'partly' : undefined));
  await tell('enforced', () => undefined);
};

test('networks that share a day and those that do not have the spans that each has alone', async () => {
  const bench = new Bench();
  await recordDay(bench);
  bench.advance(HOUR_MS);
  const untilMs = bench.nowMs;
  const records = new OverviewRecords(dirname(bench.directory), () => untilMs);
  const { spansOf, fault } = await records.day([...GROUPS, 'never-named']);
  expect(fault).toBeUndefined();
  const changes: Parameters<EnforcementHistory['add']>[0][] = [];
  const filter = { classes: ['changes'] as const, fromMs: 0, untilMs };
  for await (const { sequence, record } of findRecords(bench.directory, filter))
    changes.push({ sequence, record: record as ChangeRecord });
  for (const group of [...GROUPS, 'never-named']) {
    const history = new EnforcementHistory(group);
    for (const change of changes) history.add(change);
    expect([group, spansOf.get(group)]).toEqual([group, toSpans(history, untilMs - DAY_MS, untilMs)]);
  }
  const ways = new Set([...spansOf.values()].map((spans) => JSON.stringify(spans)));
  expect(ways.size).toBe(4);
});

test('a day that is dear to read counts for longer, and never for more than half a minute', async () => {
  const bench = new Bench();
  await recordDay(bench);
  const costs = [10, 100, 10_000, 10];
  let monotonicMs = 0;
  let isBegun = false;
  // Twice around each reading.
  const monotonic = (): number => {
    isBegun = !isBegun;
    if (!isBegun) monotonicMs += costs.shift() ?? 0;
    return monotonicMs;
  };
  const records = new OverviewRecords(dirname(bench.directory), () => bench.nowMs, monotonic);
  const lasts = async (): Promise<number> => {
    const first = await records.day(GROUPS);
    for (let seconds = 1; ; seconds++) {
      bench.nowMs += 1_000;
      if (costs.length === 0 || (await records.day(GROUPS)) !== first) return seconds;
    }
  };
  expect([await lasts(), await lasts(), await lasts()]).toEqual([5, 10, 30]);
});

test('a clock that was set back takes no evidence away', async () => {
  const bench = new Bench({ start: '2027-05-10T10:00:00Z' });
  const change = async (record: object): Promise<void> => {
    const written = bench.change({ time: new Date(bench.nowMs).toISOString(), ...record } as ChangeRecord);
    bench.advance(60_000);
    await written;
  };
  await change({ kind: 'service', event: 'start', version: '1' });
  await change({ kind: 'enforcement', event: 'state', state: 'enforced', groups: [] });
  bench.advance(3 * HOUR_MS);
  await change({ kind: 'admin', action: 'act-1', by: 'alice' });
  bench.step(-2 * HOUR_MS);
  await change({ kind: 'admin', action: 'act-2', by: 'alice' });
  const records = new OverviewRecords(dirname(bench.directory), () => bench.nowMs);
  const { spans, spansOf } = await records.day(['lab']);
  const shown = [spans, spansOf.get('lab') ?? []].map((all) => all.map(({ to, state }) => `${state} ${to}`));
  const own = ['no-evidence 2027-05-10T10:00:00.000Z', 'not-in-force 2027-05-10T10:01:00.000Z'];
  expect(shown).toEqual([own, own]);
});

/** Texts of blocks that were parsed meanwhile: what was read of records is counted, however it is read. */
const parsedBlocks = async (act: () => Promise<unknown>): Promise<number> => {
  const parse = vi.spyOn(JSON, 'parse');
  try {
    await act();
    return parse.mock.calls.filter(([text]) => String(text).startsWith('[{"time"')).length;
  } finally {
    parse.mockRestore();
  }
};

test('a look at a day reads what is new since the one before, and nothing twice', async () => {
  const bench = new Bench();
  await recordDay(bench);
  const records = new OverviewRecords(dirname(bench.directory), () => bench.nowMs);
  const read = async (): Promise<number> => {
    bench.nowMs += 60_000;
    return parsedBlocks(() => records.day(GROUPS));
  };
  expect(await read()).toBeGreaterThan(5);
  expect(await read()).toBe(0);
  const written = bench.change({
    ...{ time: new Date(bench.nowMs).toISOString(), kind: 'admin', action: 'late', by: 'bob' },
  } as ChangeRecord);
  bench.advance(1_000);
  await written;
  expect(await read()).toBe(1);
  expect(await read()).toBe(0);
});

test('days that are read after one another are those that are read alone, whatever the clock does', async () => {
  const bench = new Bench({ start: '2027-05-10T10:00:00Z' });
  const state = dirname(bench.directory);
  const records = new OverviewRecords(state, () => bench.nowMs);
  const moves = [
    HOUR_MS,
    -2 * HOUR_MS,
    5 * HOUR_MS,
    20 * HOUR_MS,
    -30 * HOUR_MS,
    90_000,
    31 * HOUR_MS,
    60_000,
  ];
  for (const [round, ms] of moves.entries()) {
    await recordDay(bench);
    bench.step(ms);
    bench.advance(60_000);
    const alone = await new OverviewRecords(state, () => bench.nowMs).day(GROUPS);
    expect(await records.day(GROUPS), `round ${round}`).toEqual(alone);
    expect(alone.fault).toBeUndefined();
    expect(alone.changes.length).toBeGreaterThan(0);
  }
});
