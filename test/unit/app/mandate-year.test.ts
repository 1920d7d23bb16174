// A year played through by the clock: a mandate is disputed in May, narrowed to one operator in June, repealed in September and
// lifted in November. Refusals, health issues, records and the report of each quarter say the same.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Config, reachOf, shippedMandateFile } from '../../../src/config/config.ts';
import { DecisionWatch } from '../../../src/evidence/exemptions/decision.ts';
import type { ChangeRecord, DecisionRecord } from '../../../src/evidence/records/record.ts';
import { buildReport } from '../../../src/evidence/report/build.ts';
import { exemptionSettings } from '../../../src/people/controls/controls.ts';
import { buildGeneration } from '../../../src/policy/generation/generation.ts';
import { standingIssues } from '../../../src/policy/keeping/mandate-rows.ts';
import { openRegister } from '../exemptions/setup.ts';
import { createSource } from '../report/quarter.ts';
import { configOf, createDirectory, judge } from './setup.ts';

const VENTURE = 'TikTok USDS Joint Venture LLC';
const MANDATE = 'mandate agency-rule';

/** The pack of a day with its standing. */
const pack = (version: string, value: string, more = ''): string =>
  readFileSync(shippedMandateFile('be-federal-tiktok'), 'utf8')
    .replace('id: be-federal-tiktok', 'id: agency-rule')
    .replace(/version: .*/, `version: "${version}"`)
    .replace(/^standing:\n.*\n.*\n/m, `standing:\n  value: ${value}\n  since: "${version}"\n${more}`)
    .replace(/( {2}readings:\n)/, '$1    - { text: "Another reading.", source: circular }\n');

const decide = (of: string, outcome: string, from: string, more = ''): string =>
  `mandate-decisions: [{ mandate: agency-rule, of: ${of}, outcome: ${outcome}, authority: CIO, reference: Memo ${from}, reason: counsel advised so, from: "${from}", decided-by: A. Counsel, confirmed-by: B. Officer${more} }]\n`;

const BOUND = 'mandates: [agency-rule.yaml]\n';
const NARROWED = decide('disputed', 'narrow', '2027-06-15', `, operators: [${VENTURE}]`);
const DISPUTED = pack('2027-05-10', 'disputed', '  by: "a court of appeal"\n');
const REPEALED = pack('2027-09-20', 'repealed', '  by: "Act of 20 September 2027"\n');

interface Step {
  readonly day: string;
  readonly text: string;
  readonly pack: string;
  /** Whether what the venture runs, and what serves all regions, is refused. */
  readonly refuses: readonly [venture: boolean, others: boolean];
  readonly issue: string | undefined;
}

const YEAR: readonly Step[] = [
  {
    day: '2027-01-02',
    text: BOUND,
    pack: pack('2026-11-29', 'in-force'),
    refuses: [true, true],
    issue: undefined,
  },
  {
    day: '2027-05-12',
    text: BOUND,
    pack: DISPUTED,
    refuses: [true, true],
    issue: 'is disputed by a court of appeal: refusals go on until a person decides, by 2027-06-09',
  },
  { day: '2027-06-15', text: BOUND + NARROWED, pack: DISPUTED, refuses: [false, true], issue: undefined },
  {
    day: '2027-09-21',
    text: BOUND + NARROWED,
    pack: REPEALED,
    refuses: [false, true],
    issue:
      'is repealed by Act of 20 September 2027: what was decided (narrow) was about disputed, and holds until a person decides again, by 2027-10-20',
  },
  {
    day: '2027-11-02',
    text: BOUND + decide('repealed', 'lift', '2027-11-02'),
    pack: REPEALED,
    refuses: [false, false],
    issue: undefined,
  },
];

test('no standing lifts a refusal, each change is a task and a record, and each quarter says what held', async () => {
  const { register, reopen } = openRegister();
  const directory = createDirectory();
  let held = { register, reopen };
  const records: DecisionRecord[] = [];
  let before: Config | undefined;
  for (const [index, { day, text, pack: written, refuses, issue }] of YEAR.entries()) {
    const nowMs = Date.parse(day);
    const config = configOf(text, { 'agency-rule.yaml': written }, directory);
    const generation = buildGeneration(config, index + 1, nowMs);
    const isRefused = (name: string): boolean => judge(generation, name).refused;
    expect([day, isRefused('us.tiktok.com'), isRefused('www.tiktok.com')]).toEqual([day, ...refuses]);
    expect([
      day,
      standingIssues(config).map((one) => one.text.replace('the mandate agency-rule ', '')),
    ]).toEqual([day, issue === undefined ? [] : [issue]]);
    // What people decide takes a second person in the control room.
    if (before !== undefined) expect(reachOf(before, config)).toBe('rules');
    before = config;
    // A restart between the steps: what was recorded last is known from the register.
    held = held.reopen();
    records.push(...new DecisionWatch(held.register).compare(exemptionSettings(config).decisions, nowMs));
  }
  const changes: ChangeRecord[] = [
    ...records,
    { kind: 'admin', time: '2028-03-31T00:00:00.000Z', action: 'look', by: 'kim' },
  ];
  const quarter = async (
    from: string,
    until: string,
  ): Promise<{ open: string[]; standing: unknown; events: string[] }> => {
    const scope = { fromMs: Date.parse(from), untilMs: Date.parse(until), group: undefined };
    const report = await buildReport({ ...createSource({ changes }), heads: [] }, scope);
    const found = report.lists.find(({ list }) => list === MANDATE);
    const told = found?.decision as
      | { mandate: { standing: string }; decided?: { outcome: string } }
      | undefined;
    const open = report.attention.filter(({ code }) => code.startsWith('mandate-')).map(({ code }) => code);
    return {
      open,
      standing: told && [told.mandate.standing, told.decided?.outcome ?? null],
      events: (found?.decisionEvents ?? []).map(({ time, event }) => `${time.slice(0, 10)} ${event}`),
    };
  };
  expect([
    await quarter('2027-01-01', '2027-04-01'),
    await quarter('2027-04-01', '2027-07-01'),
    await quarter('2027-07-01', '2027-10-01'),
    await quarter('2027-10-01', '2028-01-01'),
    // A quarter in which nothing of it changed says how it stood.
    await quarter('2028-01-01', '2028-04-01'),
  ]).toEqual([
    { open: [], standing: ['in-force', null], events: ['2027-01-02 set'] },
    { open: [], standing: ['disputed', 'narrow'], events: ['2027-05-12 changed', '2027-06-15 changed'] },
    { open: ['mandate-repealed'], standing: ['repealed', 'narrow'], events: ['2027-09-21 changed'] },
    { open: [], standing: ['repealed', 'lift'], events: ['2027-11-02 changed'] },
    { open: [], standing: ['repealed', 'lift'], events: [] },
  ]);
  const decided = records
    .filter(({ list }) => list === MANDATE)
    .map(
      ({ decision }) =>
        (decision as { decided?: { by: string; confirmedBy: string; reason: string } }).decided,
    )
    .filter((one) => one !== undefined);
  expect(decided.map(({ by, confirmedBy, reason }) => [by, confirmedBy, reason])).toEqual(
    Array.from({ length: 3 }, () => ['A. Counsel', 'B. Officer', 'counsel advised so']),
  );
});
