// A year of days that a mandate sets: the health of the service and the report of each quarter say the same of each, in every form.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { shippedMandateFile } from '../../../src/config/config.ts';
import { type Decision, DecisionWatch, decisionAlarms } from '../../../src/evidence/exemptions/decision.ts';
import type { ChangeRecord, DecisionRecord } from '../../../src/evidence/records/record.ts';
import { judgeRecord } from '../../../src/evidence/records/record-schema.ts';
import { buildReport } from '../../../src/evidence/report/build.ts';
import { DutyHistory } from '../../../src/evidence/report/duty-history.ts';
import type { Report } from '../../../src/evidence/report/model.ts';
import { formatReport } from '../../../src/evidence/report/produce.ts';
import { toDocument } from '../../../src/evidence/report/sections.ts';
import { REPORT_TEXTS } from '../../../src/evidence/report/texts/dictionaries.ts';
import { exemptionSettings } from '../../../src/people/controls/controls.ts';
import { dutyIssues } from '../../../src/people/health/mandate-duties.ts';
import { requireProgram, run } from '../../support/process.ts';
import { configOf, createDirectory } from '../app/setup.ts';
import { openRegister } from '../exemptions/setup.ts';
import { createSource } from './quarter.ts';

const pack = (version: string, more = ''): string =>
  readFileSync(shippedMandateFile('be-federal-tiktok'), 'utf8')
    .replace('id: be-federal-tiktok', 'id: agency-rule')
    .replace(/version: .*/, `version: "${version}"`)
    .replace(
      /^reports:.*\n/m,
      `reports:
  - { to: the ministry, within-days: 10, of: "2027-03-31", each-days: 90, source: circular }
  - { to: the court, source: circular }
  - { to: the auditor, each-exemption: true, source: circular }
`,
    )
    .replace(
      /^deadlines:\n.*\n/m,
      `deadlines:
  - { text: "Remove it from service devices.", by: "2023-03-31", source: circular }
  - { text: "Tell the council.", by: "2027-02-15", source: circular }
${more}`,
    )
    .concat('review: "2027-10-15"\n');

const OWN_DEVICES = '  - { text: "Remove it from own devices.", by: "2027-02", source: circular }\n';
const FIRST = pack('2027-01-10', OWN_DEVICES);

const done = (duty: string, due: string, on: string): string =>
  `{ mandate: agency-rule, duty: ${duty}, due: "${due}", done: "${on}", by: A. Officer, reference: Letter 7 }`;
const REPORTED = done('report', '2027-04-10', '2027-04-12');

interface Step {
  readonly day: string;
  readonly pack: string;
  readonly done: readonly string[];
  readonly more?: string;
}

const LIFTED =
  'mandate-decisions: [{ mandate: agency-rule, of: repealed, outcome: lift, authority: CIO, reference: Memo 1, reason: counsel, from: "2027-11-02", decided-by: A. Counsel, confirmed-by: B. Officer }]\n';

const YEAR: readonly Step[] = [
  { day: '2027-01-12', pack: FIRST, done: [] },
  { day: '2027-04-12', pack: FIRST, done: [REPORTED] },
  // A newer pack leaves the removal out that nobody had done.
  { day: '2027-05-02', pack: pack('2027-05-01'), done: [REPORTED] },
  { day: '2027-11-02', pack: pack('2027-05-01'), done: [REPORTED], more: LIFTED },
];

/** What was recorded through the year, and what health said on each day that ends a quarter. */
const played = () => {
  const { register } = openRegister();
  const directory = createDirectory();
  const watch = new DecisionWatch(register);
  const records: DecisionRecord[] = [];
  const configs = YEAR.map(({ day, pack: text, done: rows, more = '' }) => {
    const config = configOf(
      `mandates: [agency-rule.yaml]\nmandates-done: [${rows.join(', ')}]\n${more}`,
      { 'agency-rule.yaml': text },
      directory,
    );
    records.push(...watch.compare(exemptionSettings(config).decisions, Date.parse(day)));
    return { day, config, decisions: watch.dates() };
  });
  const end: ChangeRecord = { kind: 'admin', time: '2028-03-31T00:00:00.000Z', action: 'look', by: 'kim' };
  const changes = [...records, end];
  for (const record of changes) expect(judgeRecord(record, 'changes')).toBe('fits');
  const report = (from: string, until: string): Promise<Report> =>
    buildReport(
      { ...createSource({ changes }), heads: [] },
      { fromMs: Date.parse(from), untilMs: Date.parse(until), group: undefined },
    );
  const told = (day: string): string[] => {
    const { config, decisions } = configs.findLast((one) => one.day <= day) ?? {};
    return config === undefined
      ? []
      : dutyIssues(config, Date.parse(day), decisions).map(({ dueMs = 0 }) => dayOf(dueMs));
  };
  return { report, told };
};

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

const lines = ({ duties }: Report): string[] =>
  duties.map(({ kind, due, state, done: on }) =>
    [kind, due, state, on].filter((one) => one !== null).join(' '),
  );

/** What health would tell at the end of a period, out of its report. */
const openIn = ({ duties }: Report, untilMs: number): string[] =>
  duties
    .filter(({ kind, state }) => kind !== 'review' && (state === 'due' || state === 'overdue'))
    .map(({ due }) => due ?? '')
    .filter((due) => Date.parse(due) - 30 * 86_400_000 <= untilMs);

test('each quarter tells what was due, done, late, and asked for no more; and health says the same of its last day', async () => {
  const { report, told } = played();
  const quarters = [
    ['2027-01-01', '2027-04-01'],
    ['2027-04-01', '2027-07-01'],
    ['2027-07-01', '2027-10-01'],
    ['2027-10-01', '2028-01-01'],
  ] as const;
  const reports = await Promise.all(quarters.map(([from, until]) => report(from, until)));
  expect(reports.map(lines)).toEqual([
    [
      ...['report 2027-04-10 due', 'report dateless', 'report each-exemption'],
      ...['deadline 2023-03-31 before', 'deadline 2027-02-15 overdue', 'deadline 2027-02-28 overdue'],
      'review 2027-10-15 due',
    ],
    [
      ...[
        'report 2027-04-10 late 2027-04-12',
        'report 2027-07-09 due',
        'report dateless',
        'report each-exemption',
      ],
      // It stands in the newer pack as well, and nobody did it.
      ...['deadline 2023-03-31 before', 'deadline 2027-02-15 overdue', 'review 2027-10-15 due'],
      'deadline 2027-02-28 dropped',
    ],
    [
      ...['report 2027-07-09 overdue', 'report 2027-10-07 due', 'report dateless', 'report each-exemption'],
      ...['deadline 2023-03-31 before', 'deadline 2027-02-15 overdue', 'review 2027-10-15 due'],
    ],
    // Lifted: what had not been done by then is told once more, and nothing is asked for.
    ['report 2027-07-09 dropped', 'report 2027-10-07 dropped', 'deadline 2027-02-15 dropped'],
  ]);
  expect(quarters.map(([, until]) => told(dayOf(Date.parse(until) - 1)))).toEqual([
    ['2027-04-10', '2027-02-15', '2027-02-28'],
    ['2027-07-09', '2027-02-15'],
    ['2027-07-09', '2027-02-15'],
    [],
  ]);
  for (const [index, [, until]] of quarters.entries()) {
    const one = reports[index];
    const last = dayOf(Date.parse(until) - 1);
    expect([last, one && [...new Set(openIn(one, Date.parse(last)))]]).toEqual([
      last,
      expect.arrayContaining(told(last)),
    ]);
    expect([last, one && openIn(one, Date.parse(last)).length >= told(last).length]).toEqual([last, true]);
  }
  expect(
    reports.map(({ attention }) => attention.filter(({ code }) => code.startsWith('duty-'))),
  ).toMatchObject([
    [
      { code: 'duty-due', values: ['agency-rule', 'report', 'the ministry', '2027-04-10'] },
      { code: 'duty-overdue', values: ['agency-rule', 'deadline', 'Tell the council.', '2027-02-15'] },
      { code: 'duty-overdue' },
    ],
    [{ code: 'duty-due' }, { code: 'duty-overdue' }, { code: 'duty-dropped' }],
    [{ code: 'duty-overdue' }, { code: 'duty-due' }, { code: 'duty-overdue' }],
    [{ code: 'duty-dropped' }, { code: 'duty-dropped' }, { code: 'duty-dropped' }],
  ]);
});

test('CSV and JSON have all of it, HTML and PDF what people need, in four languages', async (context) => {
  requireProgram(context, 'pdftotext');
  const one = await played().report('2027-04-01', '2027-07-01');
  const csv = Buffer.from(await formatReport(one, 'csv', 'mandate-days')).toString();
  expect(csv.split('\r\n').slice(0, 2)).toEqual([
    'mandate,duty,text,due_by,each_days,state,done,by,reference',
    'agency-rule,duty:report,the ministry,2027-04-10,90,duty:late,2027-04-12,A. Officer,Letter 7',
  ]);
  expect(JSON.parse(Buffer.from(await formatReport(one, 'json')).toString())).toMatchObject({
    duties: one.duties,
  });
  const file = join(createDirectory(), 'report.pdf');
  for (const [language, wanted] of [
    ['en', ['Days that mandates set', 'done late', 'not done, asked for no more', 'lay behind']],
    [
      'de',
      [
        'Termine, die Vorgaben setzen',
        'verspätet getan',
        'nicht getan, nicht mehr verlangt',
        'lag schon zurück',
      ],
    ],
    [
      'fr',
      [
        'Échéances fixées par les obligations',
        'fait en retard',
        'pas fait, n’est plus demandé',
        'déjà passée',
      ],
    ],
    [
      'nl',
      [
        'Termijnen die voorschriften stellen',
        'te laat gedaan',
        'niet gedaan, niet meer gevraagd',
        'was al voorbij',
      ],
    ],
  ] as const) {
    const html = Buffer.from(await formatReport(one, 'html', undefined, language)).toString();
    writeFileSync(file, await formatReport(one, 'pdf', undefined, language));
    const pdf = (await run('pdftotext', [file, '-'])).stdout.replaceAll(/\s+/g, ' ');
    for (const text of [...wanted, 'Letter 7', '2027-04-12']) {
      expect(html).toContain(text);
      expect(pdf).toContain(text);
    }
    const { terms, needs } = REPORT_TEXTS[language];
    const values = ['agency-rule', terms['duty:deadline'] ?? '', 'Remove it from own devices.', '2027-02-28'];
    for (const part of needs['duty-dropped']?.(...values) ?? ['no sentence']) expect(html).toContain(part);
  }
});

test('without a mandate there is no table for people, and one without rows for programs', async () => {
  const changes: ChangeRecord[] = [
    { kind: 'admin', time: '2027-01-31T00:00:00.000Z', action: 'look', by: 'kim' },
  ];
  const scope = { fromMs: Date.parse('2027-01-01'), untilMs: Date.parse('2027-02-01'), group: undefined };
  const one = await buildReport({ ...createSource({ changes }), heads: [] }, scope);
  expect(one.duties).toEqual([]);
  const tables = toDocument(one, REPORT_TEXTS.en).sections.flatMap(({ tables: some }) => some);
  expect(tables.filter(({ name, isForMachines }) => name === 'mandate-days' && !isForMachines)).toEqual([]);
  expect(Buffer.from(await formatReport(one, 'csv', 'mandate-days')).toString()).toMatch(
    /^mandate,duty,[^\n]*\n$/,
  );
});

test.each([
  ['2026-11-30T23:59:59.999Z', 'due', 'review-near'],
  ['2026-12-01T09:00:00.000Z', 'due', 'review-near'],
  ['2026-12-02T00:00:00.000Z', 'overdue', 'review-passed'],
])('at %s a review by 1 December is %s in the report, and the alarm is %s', (time, state, alarm) => {
  const mandate = { id: 'm', version: '2026-01-01', sha256: '0', standing: 'in-force', lists: [] };
  const decision: Decision = {
    ...{ authority: 'a', reference: 'r', inForceFrom: '2026-01-01', review: '2026-12-01', mandate },
  };
  const nowMs = Date.parse(time);
  const history = new DutyHistory(Date.parse('2026-10-01'), nowMs);
  const record = { kind: 'decision', time: '2026-10-02T00:00:00.000Z', event: 'set', list: 'l' } as const;
  history.add({ sequence: 1, record: { ...record, decision } });
  expect(history.sections()).toMatchObject([{ kind: 'review', due: '2026-12-01', state }]);
  expect(decisionAlarms(decision, nowMs)).toEqual([alarm]);
});
