// Decisions that mandate lists rest on: recorded when they change, alarmed on when their dates come, never acted on.
import { expect, test } from 'vitest';
import { type Decision, DecisionWatch, decisionAlarms } from '../../../src/evidence/exemptions/decision.ts';
import type { DecisionRecord } from '../../../src/evidence/records/record.ts';
import { openRegister } from './setup.ts';

/** Belgium, federal: provisional for six months, prolonged by six months, then for an indefinite time. */
const BELGIUM: readonly Decision[] = [
  {
    authority: 'National Security Council',
    reference: 'Circular no. 716 of 17 March 2023',
    inForceFrom: '2023-03-17',
    review: '2023-09-17',
    provisional: true,
  },
  {
    authority: 'National Security Council',
    reference: 'Prolongation of circular no. 716 by six months',
    inForceFrom: '2023-09-17',
    review: '2024-03-17',
    provisional: true,
  },
  {
    authority: 'National Security Council',
    reference: 'Prolongation of circular no. 716 for an indefinite time, 20 March 2024',
    inForceFrom: '2024-03-20',
  },
];
/** A statute without an end. */
const STATUTE: Decision = {
  authority: 'Congress',
  reference: 'Pub. L. 117-328, div. R',
  text: 'No TikTok on Government Devices Act',
  inForceFrom: '2022-12-29',
};

const FORGETFUL = { decisions: [], writeDecisions: () => undefined };

const at = (text: string): number => Date.parse(text);
const told = (records: readonly DecisionRecord[]): string[] =>
  records.map(({ list, event, time }) => `${time.slice(0, 10)} ${list} ${event}`);

test.each<[when: string, change: Partial<Decision>, alarms: string[]]>([
  ['2026-05-02', {}, []],
  ['2026-05-02', { review: '2026-06-01' }, ['review-near']],
  ['2026-05-01', { review: '2026-06-01' }, []],
  ['2026-05-31', { review: '2026-06-01' }, ['review-near']],
  ['2026-06-01', { review: '2026-06-01' }, ['review-near']],
  ['2026-06-01T23:59:59.999Z', { review: '2026-06-01' }, ['review-near']],
  ['2026-06-02', { review: '2026-06-01' }, ['review-passed']],
  ['2030-01-01', { review: '2026-06-01', ends: '2030-01-15' }, ['review-passed', 'end-near']],
  ['2031-01-01', { ends: '2030-01-15' }, ['end-passed']],
])('decisionAlarms() on %s of %j', (when, change, alarms) => {
  expect(decisionAlarms({ ...STATUTE, ...change }, at(when))).toEqual(alarms);
});

test('the story of Belgium is told by records, each alarm once, and the list stays whatever happens', () => {
  const held = openRegister();
  let watch = new DecisionWatch(held.register);
  const records: DecisionRecord[] = [];
  const decisions = new Map<string, Decision>([['tiktok', STATUTE]]);
  for (let now = at('2023-03-17'); now < at('2024-06-01'); now += 86_400_000) {
    held.clock.nowMs = now;
    const day = new Date(now).toISOString().slice(0, 10);
    const changed: Record<string, number> = { '2023-03-17': 0, '2023-09-25': 1, '2024-03-22': 2 };
    const decision = BELGIUM[changed[day] ?? -1];
    if (decision !== undefined) records.push(...watch.compare(decisions.set('circular', decision), now));
    else records.push(...watch.advance(now));
    // A restart in between tells nothing twice.
    if (day.endsWith('-28')) watch = new DecisionWatch(held.register);
  }
  expect(told(records)).toEqual([
    '2023-03-17 tiktok set',
    '2023-03-17 circular set',
    '2023-08-18 circular review-near',
    '2023-09-18 circular review-passed',
    '2023-09-25 circular changed',
    '2024-02-16 circular review-near',
    '2024-03-18 circular review-passed',
    '2024-03-22 circular changed',
  ]);
  expect(held.events).toEqual(records);
  expect(watch.statuses(at('2024-06-01'))).toEqual([
    { list: 'tiktok', decision: STATUTE, alarms: [], reviewSec: null, endSec: null },
    { list: 'circular', decision: BELGIUM[2], alarms: [], reviewSec: null, endSec: null },
  ]);
});

test('a decision that changed while the program was down is seen at the next start', () => {
  const held = openRegister();
  new DecisionWatch(held.register).compare(new Map([['tiktok', STATUTE]]), at('2026-01-01'));
  const again = held.reopen();
  const watch = new DecisionWatch(again.register);
  const other = { ...STATUTE, text: 'another text' };
  expect(told(watch.compare(new Map([['tiktok', STATUTE]]), at('2026-02-01')))).toEqual([]);
  expect(watch.compare(new Map([['tiktok', other]]), at('2026-02-02'))).toMatchObject([
    { event: 'changed', decision: { text: 'another text' } },
  ]);
});

test('US-12: a list that loses its decision is a record with the decision that it had', () => {
  const held = openRegister();
  const watch = new DecisionWatch(held.register);
  watch.compare(new Map([['tiktok', STATUTE]]), at('2026-01-01'));
  expect(watch.compare(new Map(), at('2026-01-02'))).toEqual([
    {
      kind: 'decision',
      time: '2026-01-02T00:00:00.000Z',
      event: 'removed',
      list: 'tiktok',
      decision: STATUTE,
    },
  ]);
  expect(watch.statuses(at('2026-01-02'))).toEqual([]);
});

test('statuses() count the seconds until a review is overdue and to an end, negative when that has passed', () => {
  const watch = new DecisionWatch(FORGETFUL);
  const decision = { ...STATUTE, review: '2026-01-02', ends: '2026-01-11' };
  watch.compare(new Map([['tiktok', decision]]), at('2026-01-01'));
  expect(watch.statuses(at('2026-01-03'))).toMatchObject([
    { alarms: ['review-passed', 'end-near'], reviewSec: 0, endSec: 8 * 86_400 },
  ]);
  expect(watch.nextChangeMs(at('2026-01-02'))).toBe(at('2026-01-03'));
  expect(watch.nextChangeMs(at('2026-01-03'))).toBe(at('2026-01-11'));
  expect(watch.nextChangeMs(at('2026-01-11'))).toBeUndefined();
});

test('a log that remembers nothing hears everything again', () => {
  const watch = new DecisionWatch(FORGETFUL);
  const records = watch.compare(
    new Map([['tiktok', { ...STATUTE, review: '2020-01-01' }]]),
    at('2026-01-01'),
  );
  expect(records.map(({ event }) => event)).toEqual(['set', 'review-passed']);
});
