// What a report says of feeds: how each was when the period ended, since when, and what of it was not in force.
import { expect, test } from 'vitest';
import type { ChangeRecord } from '../../../src/evidence/records/record.ts';
import { judgeRecord } from '../../../src/evidence/records/record-schema.ts';
import { buildReport } from '../../../src/evidence/report/build.ts';
import { answerOf } from '../../../src/evidence/report/fleet-answers.ts';
import { toDocument } from '../../../src/evidence/report/sections.ts';
import { REPORT_TEXTS } from '../../../src/evidence/report/texts/dictionaries.ts';
import { createSource } from './quarter.ts';

const DAY = { fromMs: Date.UTC(2026, 10, 25), untilMs: Date.UTC(2026, 10, 26) };
type Service = Extract<ChangeRecord, { kind: 'service' }>;

const at = (time: string): string => `2026-11-${time}:00.000Z`;
const feed = (time: string, facts: Partial<Service>): ChangeRecord => ({
  ...{ kind: 'service', time: at(time), event: 'feed' },
  ...facts,
});
const of = (state: Service['state'], more: Partial<Service> = {}): Partial<Service> => ({
  ...{ feed: 'project', timestamp: 7, until: '2026-12-09T00:00:00.000Z' },
  ...(state === undefined ? {} : { state }),
  ...more,
});
const behind = [{ list: 'tiktok', since: at('25T10:00'), reason: 'held: shrunk: 3 of 158 rules' }];

const told = async (records: readonly ChangeRecord[]) => {
  const start: ChangeRecord = { kind: 'service', time: at('24T06:00'), event: 'start' };
  const end: ChangeRecord = { kind: 'admin', time: at('25T23:59'), action: 'look', by: 'kim' };
  const changes = [start, ...records, end];
  for (const record of changes) expect(judgeRecord(record, 'changes')).toBe('fits');
  const report = await buildReport({ ...createSource({ changes }), heads: [] }, DAY);
  const { front, sections } = toDocument(report, REPORT_TEXTS.en);
  const answer = front.questions.find(({ id }) => id === 'lists');
  const table = sections.flatMap(({ tables }) => tables).find(({ name }) => name === 'feeds');
  return { feeds: report.feeds, texts: (answer?.texts ?? []).slice(1).map(({ text }) => text), table };
};

test('without a feed it says of when the lists are', async () => {
  const { texts, table } = await told([feed('24T06:00', { state: 'none', reviewed: '2026-11-24' })]);
  expect(texts).toEqual(['The lists that ship are of 2026-11-24; no feed is configured.']);
  expect(table?.rows).toHaveLength(1);
});

test('without a record of feeds it says nothing', async () => {
  const { texts, feeds } = await told([]);
  expect([texts, feeds]).toEqual([[], []]);
});

test('which version, since when, how fresh, and what is not in force and why', async () => {
  const { texts, feeds } = await told([
    feed('24T06:00', { state: 'none', reviewed: '2026-11-24' }),
    feed('24T07:00', of('current')),
    feed('25T08:00', of('current', { timestamp: 8 })),
    feed('25T10:00', of('current', { timestamp: 9, behind })),
    feed('26T01:00', of('expired')),
  ]);
  expect(texts).toEqual([
    'Feed project: current since 2026-11-24 07:00, version 9, vouches until 2026-12-09 00:00. Not in force of it: 1, tiktok since 2026-11-25 10:00: held: shrunk: 3 of 158 rules',
  ]);
  expect(feeds).toMatchObject([
    { feed: 'project', since: at('24T07:00'), behind, events: [{ timestamp: 9 }] },
  ]);
});

test('each state is told, and a feed that was taken out of the configuration as well', async () => {
  const { feeds, table, texts } = await told([
    feed('24T06:00', of('current')),
    feed('25T01:00', of('unproven', { reason: 'signed by nobody' })),
    feed('25T02:00', of('expired')),
    feed('25T03:00', { feed: 'project', state: 'none' }),
    feed('25T03:00', { state: 'none', reviewed: '2026-11-24' }),
  ]);
  expect(feeds.map((one) => one.feed)).toEqual([null, 'project']);
  expect(feeds[1]?.events.map(({ state }) => state)).toEqual(['unproven', 'expired', 'none']);
  expect(texts[0]).toBe('The lists that ship are of 2026-11-24; no feed is configured.');
  expect(JSON.stringify(table?.rows)).toContain('signed by nobody');
});

test('of many feeds page one has two, those first that ask for a look, and counts the others', async () => {
  const { texts } = await told([
    ...['a', 'b', 'c', 'd'].map((id) => feed('25T01:00', of('current', { feed: id }))),
    feed('25T02:00', of('backwards', { feed: 'd' })),
  ]);
  expect(texts.map((text) => text.slice(0, 20))).toEqual([
    'Feed d: went back to',
    'Feed a: current sinc',
    'Further feeds, in th',
  ]);
});

test('a fleet is told of them by each resolver', async () => {
  const changes = [feed('24T06:00', of('current')), feed('25T10:00', of('expired', { behind }))];
  const end: ChangeRecord = { kind: 'admin', time: at('25T23:59'), action: 'look', by: 'kim' };
  const source = { ...createSource({ changes: [...changes, end] }), heads: [] };
  const answer = await answerOf(source, 'ns1', DAY.fromMs, DAY.untilMs);
  expect(answer?.feeds).toMatchObject([{ feed: 'project', state: 'expired', since: at('25T10:00'), behind }]);
});
