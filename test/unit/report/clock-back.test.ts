// A clock that was set back between two runs: no pause that was none, no time that nobody lived, and the true order of what happened.
import { expect, test } from 'vitest';
import type { ChangeRecord } from '../../../src/evidence/records/record.ts';
import type { Report } from '../../../src/evidence/report/model.ts';
import { createReport } from '../../../src/evidence/report/report.ts';
import { Bench, DAY_MS, HOUR_MS, recordsDirectory } from '../records/setup.ts';

const RIGHT = '2026-11-20T10:00:00.000Z';
const BEHIND = '2026-11-11T09:00:00.000Z';
const RUN_MS = HOUR_MS / 2;

const readReport = async (directory: string, from: string, days: number): Promise<Report> => {
  const fromMs = Date.parse(from);
  const period = { fromMs, untilMs: fromMs + days * DAY_MS };
  const made = await createReport({ directory, ...period, format: 'json' });
  return JSON.parse(Buffer.from(made.bytes).toString()) as Report;
};

/** Half an hour under a clock. */
const live = async (directory: string, start: string, by: string, how: 'stop' | 'crash' = 'stop') => {
  const bench = new Bench({ directory, start });
  const write = (record: object): void =>
    bench.recording.write({ time: new Date(bench.nowMs).toISOString(), ...record } as ChangeRecord);
  bench.recording.tick();
  bench.advance(1_000);
  write({
    kind: 'enforcement',
    event: 'state',
    groups: [],
    state: 'enforced',
    previous: 'not-ready',
    ms: 1_000,
  });
  bench.advance(1_000);
  write({ kind: 'admin', action: 'look', by });
  for (let step = 0; step < 6; step++) bench.advance(RUN_MS / 6);
  if (how === 'stop') await bench.recording.stop();
  else bench.crash();
};

const runs = async (...of: Parameters<typeof live> extends [string, ...infer Rest] ? Rest[] : never) => {
  const directory = recordsDirectory();
  for (const one of of) await live(directory, ...one);
  return directory;
};

/** Day, hour and minute at which each stretch began, what it was, and minutes. Starts take a second. */
const told = ({ enforcement }: Report): string[] =>
  enforcement.intervals
    .filter(({ cause }) => cause !== 'startup')
    .map(({ from, state, cause, ms }) => `${from.slice(8, 16)} ${cause ?? state} ${Math.round(ms / 60_000)}`);

const LATER = '2026-11-20T11:00:00.000Z';
const FROM = '2026-11-11T00:00:00.000Z';

test('a clock that was nine days back in one run makes no pause of nine days', async () => {
  const directory = await runs([RIGHT, 'kim'], [BEHIND, 'lea'], [LATER, 'mia']);
  const report = await readReport(directory, FROM, 10);
  expect(told(report)).toEqual([
    ...['11T00:00 before-records 540', '11T09:00 in-force 30', '11T09:30 before-records 12990'],
    ...['20T10:00 in-force 30', '20T10:30 stopped 30', '20T11:00 in-force 30', '20T11:30 after-records 750'],
  ]);
  expect(report.changes.map(({ by }) => by).filter((by) => by !== null)).toEqual(['kim', 'lea', 'mia']);
  expect(report.unknown.map(({ code }) => code)).toContain('clock-back');
  // The day of the run alone is one of which there are records.
  expect(told(await readReport(directory, FROM, 1))).toEqual([
    ...['11T00:00 before-records 540', '11T09:00 in-force 30', '11T09:30 before-records 870'],
  ]);
});

test.each(['stop', 'crash'] as const)(
  'a run behind that ends by a %s as the last one is told until its end, and no longer',
  async (how) => {
    const directory = await runs([RIGHT, 'kim'], [BEHIND, 'lea', how]);
    expect(told(await readReport(directory, FROM, 10))).toEqual([
      ...['11T00:00 before-records 540', '11T09:00 in-force 30', '11T09:30 before-records 12990'],
      ...['20T10:00 in-force 30', '20T10:30 after-records 810'],
    ]);
  },
);

test.each(['stop', 'crash'] as const)(
  'a run that ended by a %s before the clock was back keeps its end',
  async (how) => {
    const directory = await runs([RIGHT, 'kim', how], [BEHIND, 'lea'], [BEHIND.replace('T09', 'T10'), 'mia']);
    expect(told(await readReport(directory, FROM, 10))).toEqual([
      ...[
        '11T00:00 before-records 540',
        '11T09:00 in-force 30',
        '11T09:30 before-records 30',
        '11T10:00 in-force 30',
      ],
      ...[
        '11T10:30 before-records 12930',
        ...(how === 'stop'
          ? ['20T10:00 in-force 30', '20T10:30 after-records 810']
          : ['20T10:00 in-force 0', '20T10:00 after-records 840']),
      ],
    ]);
  },
);

test('a clock that was ahead in one run takes nothing from the time that followed', async () => {
  const directory = await runs([BEHIND, 'kim'], [RIGHT, 'lea'], [BEHIND.replace('T09', 'T10'), 'mia']);
  expect(told(await readReport(directory, FROM, 1))).toEqual([
    ...['11T00:00 before-records 540', '11T09:00 in-force 30', '11T09:30 stopped 30', '11T10:00 in-force 30'],
    '11T10:30 stopped 810',
  ]);
});
