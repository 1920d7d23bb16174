// What a report says of records: the quarter, and each thing that can happen to a timeline.
import { expect, test } from 'vitest';
import type { ChangeRecord } from '../../../src/evidence/records/record.ts';
import { buildReport } from '../../../src/evidence/report/build.ts';
import type { Report } from '../../../src/evidence/report/model.ts';
import { createSource, FROM_MS, type MadeEvidence, QUARTER, UNTIL_MS } from './quarter.ts';

const at = (time: string): string => `2026-11-25T${time}.000Z`;
const DAY = { fromMs: Date.parse(at('00:00:00')), untilMs: Date.parse('2026-11-26T00:00:00.000Z') };

const report = (made: MadeEvidence, scope = DAY, group?: string): Promise<Report> =>
  buildReport({ ...createSource(made), heads: [] }, { ...scope, group });

const start = (time: string): ChangeRecord => ({ kind: 'service', time: at(time), event: 'start' });
const stop = (time: string): ChangeRecord => ({ kind: 'service', time: at(time), event: 'stop' });
const begin = (time: string, cause: string): ChangeRecord => ({
  kind: 'enforcement',
  time: at(time),
  event: 'gap-begin',
  cause,
});
const end = (time: string, cause: string, ms = 0): ChangeRecord => ({
  kind: 'enforcement',
  time: at(time),
  event: 'gap-end',
  cause,
  ms,
});
const crash = (found: string, lastWritten: string): ChangeRecord => ({
  kind: 'service',
  time: at(found),
  event: 'unclean-end',
  lastWritten: at(lastWritten),
});
const probe = (time: string, outcome: 'enforced' | 'leaking' | 'broken' = 'enforced'): ChangeRecord => ({
  kind: 'probe',
  time: at(time),
  event: 'sweep',
  generation: 1,
  began: at(time),
  outcome,
  results: [
    {
      view: 'group:lab',
      transport: 'udp',
      qtype: 'A',
      outcome,
      asked: 9,
      leaked: 0,
      failed: 0,
      examples: ['x'],
    },
  ],
});
/** Says nothing of enforcement, but that there are records. */
const still = (time: string): ChangeRecord => ({ kind: 'admin', time: at(time), action: 'look', by: 'kim' });

/** `00:00-06:00 no-evidence before-records`. */
const timeline = ({ enforcement }: Report): string[] =>
  enforcement.intervals.map(({ from, until, state, cause, isUncertain }) =>
    [
      `${from.slice(11, 16)}-${until.slice(11, 16)}`,
      ...[state, ...(cause === null ? [] : [cause])],
      ...(isUncertain ? ['uncertain'] : []),
    ].join(' '),
  );

test.each<[string, MadeEvidence, string[]]>([
  [
    'the time before the first record is no evidence, and a start is in force when it says so',
    {
      changes: [
        start('06:00:00'),
        begin('06:00:00', 'startup'),
        end('06:01:00', 'startup'),
        still('23:59:00'),
      ],
    },
    [
      '00:00-06:00 no-evidence before-records',
      '06:00-06:01 not-in-force startup',
      '06:01-23:59 in-force',
      '23:59-00:00 no-evidence after-records',
    ],
  ],
  [
    'a start that never says that it enforces is not in force',
    { changes: [start('06:00:00'), still('12:00:00')] },
    [
      '00:00-06:00 no-evidence before-records',
      '06:00-12:00 not-in-force startup',
      '12:00-00:00 no-evidence after-records',
    ],
  ],
  [
    'two causes at a time last until both have ended',
    {
      changes: [
        ...[start('00:00:00'), end('01:00:00', 'startup'), begin('02:00:00', 'operator-pause')],
        ...[begin('03:00:00', 'no-worker'), end('04:00:00', 'operator-pause'), end('05:00:00', 'no-worker')],
        still('06:00:00'),
      ],
    },
    [
      '00:00-01:00 not-in-force startup',
      '01:00-02:00 in-force',
      '02:00-03:00 not-in-force operator-pause',
      '03:00-04:00 not-in-force operator-pause, no-worker',
      '04:00-05:00 not-in-force no-worker',
      '05:00-06:00 in-force',
      '06:00-00:00 no-evidence after-records',
    ],
  ],
  [
    'a stop lasts until the next start',
    {
      changes: [
        ...[start('00:00:00'), end('01:00:00', 'startup'), stop('02:00:00'), start('03:00:00')],
        ...[end('03:01:00', 'startup'), still('04:00:00')],
      ],
    },
    [
      '00:00-01:00 not-in-force startup',
      '01:00-02:00 in-force',
      '02:00-03:00 not-in-force stopped',
      '03:00-03:01 not-in-force startup',
      '03:01-04:00 in-force',
      '04:00-00:00 no-evidence after-records',
    ],
  ],
  [
    'a crash lasts from the last record before it, whichever record comes first',
    {
      changes: [
        ...[start('00:00:00'), end('01:00:00', 'startup')],
        ...[crash('04:00:00', '03:00:00'), start('04:00:00'), end('04:01:00', 'startup')],
        ...[start('08:00:00'), crash('08:00:00', '07:00:00'), end('08:01:00', 'startup'), still('09:00:00')],
      ],
    },
    [
      '00:00-01:00 not-in-force startup',
      '01:00-03:00 in-force',
      '03:00-04:00 not-in-force crash uncertain',
      '04:00-04:01 not-in-force startup',
      '04:01-07:00 in-force',
      '07:00-08:00 not-in-force crash uncertain',
      '08:00-08:01 not-in-force startup',
      '08:01-09:00 in-force',
      '09:00-00:00 no-evidence after-records',
    ],
  ],
  [
    'missing records leave no evidence until one says what holds',
    {
      changes: [
        ...[start('00:00:00'), end('01:00:00', 'startup'), still('02:00:00'), still('03:00:00')],
        ...[still('04:00:00'), probe('05:00:00'), still('06:00:00')],
      ],
      missing: [4],
    },
    [
      '00:00-01:00 not-in-force startup',
      '01:00-02:00 in-force',
      '02:00-05:00 no-evidence records-missing',
      '05:00-06:00 in-force',
      '06:00-00:00 no-evidence after-records',
    ],
  ],
  [
    'records whose beginning was deleted are evidence from a probe on, not from one that leaks',
    {
      changes: [still('01:00:00'), probe('02:00:00', 'leaking'), probe('03:00:00'), still('04:00:00')],
      first: 900,
    },
    [
      '00:00-03:00 no-evidence before-records',
      '03:00-04:00 in-force',
      '04:00-00:00 no-evidence after-records',
    ],
  ],
  [
    'a probe does not end a gap that the program tells of',
    { changes: [start('00:00:00'), begin('01:00:00', 'no-worker'), probe('02:00:00'), still('03:00:00')] },
    [
      '00:00-01:00 not-in-force startup',
      '01:00-03:00 not-in-force no-worker',
      '03:00-00:00 no-evidence after-records',
    ],
  ],
  [
    'a clock that goes back amid a gap does not hide it',
    {
      changes: [
        ...[start('00:00:00'), end('01:00:00', 'startup'), begin('10:00:00', 'no-worker')],
        ...[end('08:00:00', 'no-worker', 1_800_000), still('12:00:00')],
      ],
    },
    [
      '00:00-01:00 not-in-force startup',
      '01:00-07:30 in-force',
      '07:30-08:00 not-in-force no-worker',
      '08:00-12:00 in-force',
      '12:00-00:00 no-evidence after-records',
    ],
  ],
])('a report of enforcement: %s', async (_name, made, expected) => {
  expect(timeline(await report(made))).toEqual(expected);
});

test('a report names a clock that was set, beside the times that it concerns', async () => {
  const step: ChangeRecord = { kind: 'records', time: at('08:00:00'), event: 'clock-step', ms: -7_200_000 };
  const { enforcement } = await report({
    changes: [start('00:00:00'), end('10:00:00', 'startup'), step, still('12:00:00')],
  });
  expect(enforcement.notes.map(({ text }) => text)).toEqual([
    'Time without evidence is not counted as in force.',
    'The clock was set back by 2\u00a0h, seen at 2026-11-25 08:00:00: times around it may be wrong by as much.',
  ]);
});

test('a report takes records as the program writes them: what was before the start is recorded after it', async () => {
  const crashed: ChangeRecord[] = [
    ...[start('00:10:00'), end('00:09:30', 'startup', 1_800_000), still('03:00:00')],
    ...[crash('05:00:00', '04:00:00'), begin('04:00:00', 'crash'), end('05:00:00', 'crash', 3_600_000)],
    ...[start('05:00:00'), end('04:59:00', 'startup', 120_000), still('09:00:00')],
  ];
  expect(timeline(await report({ changes: crashed }))).toEqual([
    '00:00-00:09 not-in-force startup',
    '00:09-04:00 in-force',
    '04:00-04:57 not-in-force crash uncertain',
    '04:57-04:59 not-in-force startup',
    '04:59-09:00 in-force',
    '09:00-00:00 no-evidence after-records',
  ]);
});

test('a report says no longer of a list that it was in force than records are there to show it', async () => {
  const list = {
    kind: 'list',
    time: at('02:00:00'),
    event: 'in-force',
    list: 'tiktok',
    mandate: true,
  } as const;
  const { lists } = await report({ changes: [start('01:00:00'), list, still('09:00:00')] });
  expect(lists[0]?.versions).toMatchObject([
    { from: at('02:00:00'), until: at('09:00:00'), endedBy: 'after-records' },
  ]);
});

test('a report knows of a crash that was found after its period', async () => {
  const made = { changes: [start('00:00:00'), end('01:00:00', 'startup'), crash('20:00:00', '05:00:00')] };
  const scope = { fromMs: DAY.fromMs, untilMs: Date.parse(at('12:00:00')) };
  expect(timeline(await report(made, scope))).toEqual([
    '00:00-01:00 not-in-force startup',
    '01:00-05:00 in-force',
    '05:00-12:00 not-in-force crash uncertain',
  ]);
});

test('a report takes what held at the beginning of its period from the records before', async () => {
  const scope = { fromMs: Date.parse(at('10:00:00')), untilMs: Date.parse(at('12:00:00')) };
  const changes = [start('00:00:00'), end('01:00:00', 'startup'), probe('02:00:00'), still('23:00:00')];
  const made = await report({ changes }, scope);
  expect(timeline(made)).toEqual(['10:00-12:00 in-force']);
  expect(made.probes.views).toMatchObject([{ view: 'group:lab', runs: 0, ms: { enforced: 7_200_000 } }]);
});

test('a report of a period without any record is refused, and says what there is', async () => {
  const scope = { fromMs: Date.parse('2025-01-01'), untilMs: Date.parse('2025-02-01') };
  await expect(report({ changes: [start('06:00:00'), still('07:00:00')] }, scope)).rejects.toMatchObject({
    code: 'ERR_COMPLIANCE_REPORT_PERIOD',
    hint: 'Records reach from 2026-11-25T06:00:00.000Z to 2026-11-25T07:00:00.000Z.',
  });
  await expect(report({ changes: [] })).rejects.toMatchObject({ hint: 'Nothing has been recorded yet.' });
});

const paused = (from: string, until: string): ChangeRecord[] => [
  begin(from, 'operator-pause'),
  end(until, 'operator-pause'),
];
const DAY_BEGINS = [start('00:00:00'), end('00:00:01', 'startup'), probe('00:01:00')];

test.each<[string, ChangeRecord[], string, string[]]>([
  [
    'a leak that only a pause explains is none',
    [
      ...[
        begin('10:00:00', 'operator-pause'),
        probe('10:05:00', 'leaking'),
        end('10:10:00', 'operator-pause'),
      ],
      ...[probe('10:15:00'), still('23:59:59')],
    ],
    'no',
    [],
  ],
  [
    'a leak that outlives a pause is one, from the first run behind it',
    [
      ...[
        begin('10:00:00', 'operator-pause'),
        probe('10:05:00', 'leaking'),
        end('10:10:00', 'operator-pause'),
      ],
      ...[probe('10:10:03', 'leaking'), probe('10:30:00', 'leaking'), probe('11:00:00'), still('23:59:59')],
    ],
    'no',
    ['10:10:03'],
  ],
  [
    'a leak between two pauses is one',
    [
      ...[
        begin('10:00:00', 'operator-pause'),
        probe('10:05:00', 'leaking'),
        end('10:10:00', 'operator-pause'),
      ],
      ...[
        probe('10:20:00', 'leaking'),
        ...paused('10:30:00', '10:40:00'),
        probe('10:41:00'),
        still('23:59:59'),
      ],
    ],
    'no',
    ['10:20:00'],
  ],
])('%s', async (_, changes, answer, leaks) => {
  const made = await report({ changes: [...DAY_BEGINS, ...changes] });
  expect(made.verdict).toMatchObject({ answer, leaks: leaks.length });
  const told = made.attention.filter(({ code }) => code === 'leak').map(({ values }) => values[1]);
  expect(told).toEqual(leaks.map(at));
  // As one time, however many runs found it.
  const leaking = made.probes.views[0]?.intervals.filter(({ outcome }) => outcome === 'leaking');
  expect(leaking?.length).toBe(1);
});

test('runs that prove nothing are no proof, whatever their results say', async () => {
  const begins = [start('00:00:00'), end('00:00:01', 'startup')];
  const broken = await report({ changes: [...begins, probe('00:01:00', 'broken'), still('23:59:59')] });
  expect(broken.verdict).toMatchObject({ answer: 'not-shown', reasons: ['no-evidence', 'no-probe'] });
  // Of a list that could not be read, as earlier versions recorded it.
  const unread = { ...probe('00:01:00'), outcome: 'broken' } as ChangeRecord;
  const found = await report({ changes: [...begins, unread, still('23:59:59')] });
  expect(found.verdict.reasons).toContain('no-probe');
  expect(found.probes.views[0]).toMatchObject({ lastSuccess: null, ms: { enforced: 0 } });
  // A network that was removed before the period has nothing to show.
  const removed = {
    ...{
      kind: 'probe',
      time: '2026-11-20T00:00:00.000Z',
      event: 'sweep',
      generation: 1,
      outcome: 'enforced',
    },
    began: '2026-11-20T00:00:00.000Z',
    results: [
      { view: 'group:old', transport: '*', qtype: '*', outcome: 'enforced', asked: 9, leaked: 0, failed: 0 },
    ],
  } as unknown as ChangeRecord;
  const state = {
    ...{ kind: 'enforcement', time: at('00:00:01'), event: 'state', state: 'enforced' },
    groups: [{ group: 'lab', state: 'enforced' }],
  } as unknown as ChangeRecord;
  const later = await report({
    changes: [removed, ...begins, state, probe('00:01:00'), still('23:59:59')],
  });
  expect(later.probes.views.map(({ view, runs }) => [view, runs])).toContainEqual(['group:old', 0]);
  expect(later.verdict.reasons).not.toContain('no-probe');
  const proven = await report({ changes: [...begins, probe('00:01:00'), still('23:59:59')] });
  expect(proven.verdict.reasons).not.toContain('no-probe');
});

test('the quarter: what the probe found, view by view', async () => {
  const { probes } = await buildReport(createSource(QUARTER), { fromMs: FROM_MS, untilMs: UNTIL_MS });
  expect(probes.views.map(({ view, ms }) => [view, ms.leaking, ms.broken])).toEqual([
    ['group:default', 0, 0],
    ['group:lab', 0, 0],
    ['group:office', 2 * 3_600_000 + 30_000, 0],
  ]);
  expect(probes.views[2]?.findings).toEqual([
    {
      time: '2026-10-25T12:00:00.000Z',
      outcome: 'leaking',
      examples: ['www.tiktok.com A +do: NOERROR 192.0.2.1'],
    },
  ]);
});

test('the quarter: counts, with what makes them lower bounds beside them', async () => {
  const { attempts, signals, clients, records } = await buildReport(createSource(QUARTER), {
    fromMs: FROM_MS,
    untilMs: UNTIL_MS,
  });
  const counted = (QUARTER.counts ?? []).reduce(
    (sum, { kind, count }) => sum + (kind === 'refusal' ? count : 0),
    0,
  );
  expect([attempts.refusals, attempts.wouldRefuse, signals.total]).toEqual([counted, 21, 8]);
  expect(attempts.isLowerBound).toBe(true);
  expect(attempts.notes.map(({ text }) => text).join(' ')).toContain('40 events could not be recorded');
  expect(attempts.notes.map(({ text }) => text).join(' ')).toContain(
    'ended unexpectedly after 2026-11-20 03:10:00',
  );
  expect(records).toMatchObject({
    dropped: 40,
    outputDropped: [{ name: 'soc', count: 300 }],
    uncleanEnds: [{ lastWritten: '2026-11-20T03:10:00.000Z', found: '2026-11-20T03:20:00.000Z' }],
  });
  // 60 clients, 45 of them on the second day as well: numbers so small come out exactly.
  expect(clients.byDay.slice(0, 3).map(({ total }) => total)).toEqual([60, 45, 0]);
  expect(clients.total).toBe(60);
});

test('the quarter: lists with versions and decisions, exemptions with papers and hits', async () => {
  const { lists, exemptions, changes } = await buildReport(createSource(QUARTER), {
    fromMs: FROM_MS,
    untilMs: UNTIL_MS,
  });
  expect(lists.map(({ list, mandate, versions }) => [list, mandate, versions.length])).toEqual([
    ['tiktok', true, 1],
    ['feed', false, 2],
  ]);
  expect(lists[0]?.decision).toMatchObject({ reference: 'Circular 7' });
  expect(lists[1]?.versions[1]).toMatchObject({ entries: 5010, added: 12, removed: 2 });
  expect(exemptions.map(({ id, active, hits }) => [id, active, hits])).toEqual([
    [
      'ex-000001',
      [{ from: '2026-10-11T00:00:00.000Z', until: '2026-11-10T00:00:00.000Z', isOver: true }],
      37,
    ],
    ['ex-000002', [], 0],
  ]);
  expect(changes.filter(({ kind }) => kind === 'records')).toMatchObject([
    { event: 'reidentified', by: 'S. Oc', reason: 'incident 12' },
  ]);
});

test('a report of one group has its counts, views and exemptions only', async () => {
  const scope = { fromMs: FROM_MS, untilMs: UNTIL_MS };
  const lab = await report(QUARTER, scope, 'lab');
  expect(lab.group).toBe('lab');
  expect([lab.attempts.refusals, lab.signals.total]).toEqual([9, 0]);
  expect(lab.probes.views.map(({ view }) => view)).toEqual(['group:lab']);
  const office = await report(QUARTER, scope, 'office');
  // The second names a client by address, who may be of any group.
  expect(office.exemptions.map(({ id }) => id)).toEqual(['ex-000002']);
  expect(office.clients.byGroup).toEqual([{ name: 'office', count: office.clients.total }]);
});

test('a report says which hours count as a whole when the period begins amid one', async () => {
  const made = await report(QUARTER, { fromMs: FROM_MS + 1_800_000, untilMs: UNTIL_MS });
  expect(made.attempts.notes.at(-1)?.text).toMatch(
    /hours in which the period begins and ends count as a whole/,
  );
  expect(made.clients.notes.at(-1)?.text).toMatch(
    /days in which the period begins and ends count as a whole/,
  );
});

test('a report says that records of queries were deleted', async () => {
  const source = createSource(QUARTER);
  const { queries } = source.coverage;
  if (queries === undefined) throw new Error('there are queries');
  const trimmed = {
    ...source,
    coverage: {
      ...source.coverage,
      queries: { ...queries, firstMs: FROM_MS + 86_400_000, isFromBeginning: false },
    },
  };
  const { attempts } = await buildReport(trimmed, { fromMs: FROM_MS, untilMs: UNTIL_MS });
  expect(attempts.notes[0]?.text).toContain('before 2026-10-02 00:00:00 have been deleted');
});

test.each([
  ['2026-01-10', '2027-01-10', []],
  ['2025-06-01', '2026-06-01', [{ code: 'list-overdue', values: ['tiktok', '2026-06-01'] }]],
  [undefined, undefined, []],
])(
  'a mandate list whose entries are overdue for review needs attention: reviewed %s',
  async (reviewed, reviewDue, expected) => {
    const list: ChangeRecord = {
      kind: 'list',
      time: at('06:00:00'),
      event: 'in-force',
      list: 'tiktok',
      mandate: true,
      sha256: 'aa'.repeat(32),
      ...(reviewed === undefined ? {} : { reviewed, reviewDue }),
    };
    const made = await report({ changes: [start('06:00:00'), list] });
    expect(made.attention.filter(({ code }) => code === 'list-overdue')).toEqual(expected);
  },
);
