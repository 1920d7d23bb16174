// Days that a mandate sets, played through by the clock: told 30 days before, after them, and until somebody wrote what was done.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DAY_MS } from '../../../src/base/base.ts';
import { shippedMandateFile, shippedMandates } from '../../../src/config/config.ts';
import { dutyDays } from '../../../src/evidence/exemptions/mandate-days.ts';
import { dutyIssues } from '../../../src/people/health/mandate-duties.ts';
import { configOf } from '../app/setup.ts';

const PACK = readFileSync(shippedMandateFile('be-federal-tiktok'), 'utf8')
  .replace('id: be-federal-tiktok', 'id: agency-rule')
  .replace(/version: .*/, 'version: "2027-01-10"')
  .replace(
    /^reports:.*\n/m,
    `reports:
  - { to: the ministry, within-days: 10, of: "2027-03-31", each-days: 90, source: circular }
  - { to: the court, source: circular }
`,
  )
  .replace(
    /^deadlines:\n.*\n/m,
    `deadlines:
  - { text: "Remove it from service devices.", by: "2023-03-31", source: circular }
  - { text: "Remove it from own devices.", by: "2027-02", source: circular }
`,
  );

/** What is told on a day, as `subject: end of the sentence`. */
const told = (day: string, done: readonly string[] = [], more = ''): string[] => {
  const config = configOf(`mandates: [agency-rule.yaml]\nmandates-done: [${done.join(', ')}]\n${more}`, {
    'agency-rule.yaml': PACK,
  });
  return dutyIssues(config, Date.parse(day)).map(
    ({ subject, text }) => `${subject}:${text.replace(/^.*?(?= is due| was due)/, '')}`,
  );
};

const done = (duty: string, due: string, on: string): string =>
  `{ mandate: agency-rule, duty: ${duty}, due: "${due}", done: "${on}", by: A. Officer, reference: Letter 7 }`;

const REMOVED = done('deadline', '2027-02', '2027-02-20');
const LATE = 'and nobody wrote that it was done';

test.each([
  ['2027-01-10', [], []],
  // A month is over with its last day.
  ['2027-01-28', [], []],
  ['2027-01-29', [], ['agency-rule deadline 2: is due by 2027-02-28']],
  ['2027-02-28T23:59:59Z', [], ['agency-rule deadline 2: is due by 2027-02-28']],
  ['2027-03-01', [], [`agency-rule deadline 2: was due by 2027-02-28, ${LATE}`]],
  ['2027-03-01', [REMOVED], []],
  // What is to be done later is not done.
  ['2027-02-19', [REMOVED], ['agency-rule deadline 2: is due by 2027-02-28']],
  ['2027-03-11', [REMOVED], ['agency-rule report 1: is due by 2027-04-10']],
  ['2027-04-11', [REMOVED], [`agency-rule report 1: was due by 2027-04-10, ${LATE}`]],
  ['2027-07-20', [REMOVED], [`agency-rule report 1: was due by 2027-04-10, and 1 more since, ${LATE}`]],
  // Of another kind, or with another day, it is another duty.
  [
    '2027-04-11',
    [REMOVED, done('deadline', '2027-04-10', '2027-04-01')],
    [`agency-rule report 1: was due by 2027-04-10, ${LATE}`],
  ],
  ['2027-06-08', [REMOVED, done('report', '2027-04-10', '2027-04-20')], []],
  [
    '2027-06-09',
    [REMOVED, done('report', '2027-04-10', '2027-04-20')],
    ['agency-rule report 1: is due by 2027-07-09'],
  ],
])('on %s with %j is told: %j', (day, written, wanted) => {
  expect(told(day, written)).toEqual(wanted);
});

test('nobody is asked any more by a mandate that was lifted', () => {
  const lifted =
    'mandate-decisions: [{ mandate: agency-rule, of: repealed, outcome: lift, authority: CIO, reference: Memo 1, reason: counsel, from: "2027-02-01", decided-by: A. Counsel, confirmed-by: B. Officer }]';
  expect(told('2027-03-01', [], lifted)).toEqual([]);
});

test('a list of an authority is due anew from when it was renewed, and no day of the future counts', () => {
  const florida = (day: string, on: string): (number | undefined)[] =>
    dutyIssues(
      configOf(
        `mandates: [us-florida]\nmandates-done: [{ mandate: us-florida, duty: list, due: "2027-03-16", done: "${on}", by: A. Officer, reference: List 2 }]`,
      ),
      Date.parse(day),
    ).map(({ dueMs }) => dueMs);
  expect(florida('2027-03-20', '2027-03-01')).toEqual([]);
  expect(florida('2027-06-01', '2027-03-01')).toEqual([Date.parse('2027-03-01') + 107 * DAY_MS]);
  expect(florida('2027-03-20', '2099-01-01')).toEqual([Date.parse('2027-03-16')]);
});

test('no pack that ships is in arrears on the day of its text', () => {
  for (const id of shippedMandates()) {
    const { mandates } = configOf(`mandates: [${id}]`);
    const [version = ''] = mandates.map(({ mandate }) => mandate.version);
    expect([id, dutyIssues(configOf(`mandates: [${id}]`), Date.parse(version))]).toEqual([id, []]);
  }
});

test('a clock that is ahead by centuries takes no time, and what recurs is told from its latest days', () => {
  const daily = { kind: 'report', text: 'the ministry', due: '2027-01-10', eachDays: 1 } as const;
  const nowMs = Date.parse('9999-12-01');
  const days = dutyDays({ duties: [daily], done: [], since: '2027-01-01' }, nowMs);
  expect(days.length).toBeLessThan(1_050);
  expect(days.filter(({ dueMs }) => dueMs === nowMs)).toMatchObject([{ state: 'open', number: 1 }]);
  expect(days.at(-1)?.dueMs).toBe(nowMs + 30 * DAY_MS);
});
