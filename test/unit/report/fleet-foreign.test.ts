// What a fleet's report says of resolvers that are not Cordon's, from a chain that a recorder wrote: sums, times, holes.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { foreignText } from '../../../src/commands/foreign-text.ts';
import { RETENTION } from '../../../src/config/retention.ts';
import { FOREIGN_DIRECTORY, type ForeignRecord } from '../../../src/evidence/records/foreign-record.ts';
import { Recording } from '../../../src/evidence/records/recording.ts';
import { readForeign } from '../../../src/evidence/report/fleet-foreign.ts';
import { buildFleetReport } from '../../../src/evidence/report/fleet-report.ts';
import { UNBOUNDED } from '../../support/record-events.ts';

const DAY = '2026-11-30';
const at = (time: string): string => `${DAY}T${time}.000Z`;
const [FROM_MS, UNTIL_MS] = [Date.parse(at('10:00:00')), Date.parse(at('11:00:00'))];
const POLICY = {
  event: 'policy',
  files: [{ file: '/srv/p.rpz', sha256: 'a'.repeat(64), entries: 2 }],
} as const;

let directory = '';
let nowMs = 0;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-foreign-report-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

type Note = readonly [time: string, record: Omit<ForeignRecord, 'time' | 'kind' | 'resolver'>];

/** One run of a collector, which ends without a word where it is killed. */
const run = async (notes: readonly Note[], isKilled = false, resolver = 'bind'): Promise<void> => {
  nowMs = Date.parse(at(notes[0]?.[0] ?? ''));
  const recording = new Recording({
    ...{ directory: join(directory, FOREIGN_DIRECTORY), readers: [], droppedBefore: [], outputs: [] },
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    ...{ resolver: 'dnstap.ns1', version: '1.2.3', isResumed: false, identity: { kind: 'full' } },
    retention: { queries: RETENTION['m-26-14'], changes: RETENTION['m-26-14'] },
    ...{ heads: { everyMs: 3_600_000 }, bounds: UNBOUNDED, pause: () => Promise.resolve() },
    ...{ clock: () => nowMs, monotonic: () => nowMs },
  });
  for (const [time, record] of notes) {
    nowMs = Date.parse(at(time));
    recording.write({ time: at(time), kind: 'foreign', resolver, ...record });
    recording.tick();
  }
  nowMs += 1_000;
  recording.tick();
  if (isKilled) recording.close();
  else await recording.stop();
};

/** What is told each minute. */
const minutes = (from: number, until: number): Note[] =>
  Array.from({ length: until - from }, (_, i): Note => {
    const time = (minute: number): string => `10:${String(minute).padStart(2, '0')}:00`;
    const [began, ended] = [from + i, from + i + 1];
    const times = { from: at(time(began)), until: at(time(ended)) };
    return [time(ended), { event: 'answers', ...times, answers: 10, refused: 2, leaked: 0, failed: 0 }];
  });
const leak = (from: string, until: string, qname: string): Note => [
  until,
  {
    ...{ event: 'answers', from: at(from), until: at(until), answers: 5, refused: 0, leaked: 3, failed: 1 },
    ...{ leakedFrom: at(from), leakedUntil: at(until), names: [{ qname, count: 3, example: 'NOERROR' }] },
  },
];

const found = async () => (await readForeign(directory, FROM_MS, UNTIL_MS))?.resolvers;

test('nobody is watched where no collector did it', async () => {
  expect(await readForeign(directory, FROM_MS, UNTIL_MS)).toBe(null);
});

test('sums, and times in which listed names were answered', async () => {
  await run([
    ['10:00:00', POLICY],
    ['10:00:00', { event: 'connected' }],
    ...minutes(0, 10),
    leak('10:10:10', '10:10:40', 'a.example'),
    leak('10:10:50', '10:11:10', 'b.example'),
    leak('10:20:00', '10:20:05', 'a.example'),
  ]);
  expect(await found()).toMatchObject([
    {
      ...{ name: 'bind', answers: 115, refused: 20, leaked: 9, failed: 3, malformed: 0, isHeld: false },
      policies: [{ since: at('10:00:00'), files: POLICY.files }],
      leaks: [
        {
          ...{ from: at('10:10:10'), until: at('10:11:10'), count: 6 },
          names: [{ qname: 'a.example' }, { qname: 'b.example' }],
        },
        { from: at('10:20:00'), until: at('10:20:05'), count: 3, names: [{ qname: 'a.example' }] },
      ],
    },
  ]);
});

test('times without a connection, before the first and after the last sign are holes', async () => {
  await run([
    ['10:05:00', POLICY],
    ['10:06:00', { event: 'connected' }],
    ...minutes(6, 8),
    ['10:08:30', { event: 'disconnected', reason: 'the connection was closed' }],
    ['10:09:00', { event: 'connected' }],
    ...minutes(9, 30),
  ]);
  expect((await found())?.[0]?.unseen).toEqual([
    { from: at('10:00:00'), until: at('10:06:00'), reason: null },
    { from: at('10:08:30'), until: at('10:09:00'), reason: 'the connection was closed' },
    { from: at('10:30:00'), until: at('11:00:00'), reason: null },
  ]);
});

test('a collector that was killed saw nothing from its last record until it is connected again', async () => {
  await run([['10:00:00', POLICY], ['10:00:00', { event: 'connected' }], ...minutes(0, 10)], true);
  await run([
    ['10:20:00', POLICY],
    ['10:21:00', { event: 'connected' }],
    ...minutes(21, 59),
    ['11:00:00', { event: 'answers', from: at('10:59:00'), until: at('11:00:00'), answers: 1 }],
  ]);
  expect((await found())?.[0]?.unseen).toEqual([
    { from: at('10:10:00'), until: at('10:21:00'), reason: null },
  ]);
});

test('the report is complete where each was seen all the time and the chain is whole, and not otherwise', async () => {
  await run([['10:00:00', POLICY], ['10:00:00', { event: 'connected' }], ...minutes(0, 30)]);
  const report = (untilMs: number) => buildFleetReport({ directory, members: [], fromMs: FROM_MS, untilMs });
  expect((await report(Date.parse(at('10:30:00')))).isComplete).toBe(true);
  const over = await report(UNTIL_MS);
  expect(over.isComplete).toBe(false);
  expect(foreignText(over).join('\n')).toMatch(
    /bind +aaaaaaaaaaaa +300 +60 +0 +0 +1 times, 30 min[\s\S]*nothing was seen from .*10:30:00/,
  );
  const place = join(directory, FOREIGN_DIRECTORY, 'changes');
  const [name = ''] = readdirSync(place).filter((one) => one.endsWith('.sqlite'));
  const database = new DatabaseSync(join(place, name));
  database.exec(`UPDATE blocks SET body = replace(body, '"answers":10', '"answers":11')`);
  database.close();
  const changed = await report(Date.parse(at('10:30:00')));
  expect(changed.isComplete).toBe(false);
  expect(changed.foreign?.gaps.length).toBeGreaterThan(0);
});

test('proofs that were handed in: what they found, times without one, and files that do not count', async () => {
  const proof = (ended: string, verdict: 'enforced' | 'leaking', sha256: string, mandate = 'm'): Note => [
    '10:59:00',
    {
      event: 'proof',
      proof: {
        ...{ sha256: sha256.repeat(64), keyid: 'c'.repeat(64), mandate, version: '1', asked: ['192.0.2.53'] },
        ...{ began: ended, ended, verdict, names: 20, askedNames: 20 },
        leakedNames: verdict === 'leaking' ? 2 : 0,
      },
    },
  ];
  const day = `${DAY}T`;
  await run([
    ['10:00:00', POLICY],
    proof(`${day}05:30:00.000Z`, 'enforced', 'a'),
    // Taken again by a collector that started anew.
    proof(`${day}05:30:00.000Z`, 'enforced', 'a'),
    proof(`${day}07:29:59.000Z`, 'leaking', 'b'),
    // Of another period.
    proof(`${day}03:59:59.000Z`, 'enforced', 'd'),
    // Another mandate, each hour: it hides neither what was found of the first one nor that nothing was proven of it.
    ...['e', 'f', '1', '2', '3', '4', '5'].map((sha256, i) =>
      proof(`${day}0${4 + i}:00:00.000Z`.replace('010', '10'), 'enforced', sha256, 'other'),
    ),
    // And one of which there was a proof before, and none in the period.
    proof(`${day}02:00:00.000Z`, 'enforced', '6', 'former'),
    ['10:59:30', { event: 'proof', reason: 'p.json: another key signed it' }],
  ]);
  const report = await readForeign(directory, Date.parse(at('04:00:00')), Date.parse(at('11:00:00')));
  expect(report?.resolvers[0]?.proofs).toMatchObject({
    ...{ count: 9, enforced: 8, last: { mandate: 'other' }, others: [{ leakedNames: 2 }] },
    lasts: [
      { mandate: 'm', verdict: 'leaking' },
      { mandate: 'other', verdict: 'enforced' },
    ],
    holes: [
      { from: at('04:00:00'), until: at('11:00:00'), mandate: 'former' },
      { from: at('07:29:59'), until: at('11:00:00'), mandate: 'm' },
    ],
    ...{ refused: 1, reason: 'p.json: another key signed it' },
  });
  const text = foreignText({ foreign: report } as Parameters<typeof foreignText>[0]).join('\n');
  expect(text).toContain('8 of 9 enforced');
  expect(text).toContain(
    'bind: no proof of m was made from 2026-11-30T07:29:59.000Z until 2026-11-30T11:00:00.000Z',
  );
  expect(text).toContain('of m found leaking, 2 names answered');
});
