// The sections on enforcement and on the self-probe.
import { column, type Field, field, type Section, type Timeline, type Tone, tableOf } from './document.ts';
import type { EnforcementState, ProbeInterval, Report } from './model.ts';
import { durationText, NOTHING, numberText, shareText } from './words.ts';

/** Names of CAUSES for people; others are shown as they are. */
const CAUSES: Readonly<Record<string, string>> = {
  startup: 'starting',
  'no-generation': 'no policy',
  'no-worker': 'no worker',
  'hung-worker': 'a worker did not answer',
  'operator-pause': 'suspended by an operator',
  configuration: 'the configuration chose no mandate list, or not all',
  schedule: 'outside the hours of a schedule',
  'out-of-scope': 'out of scope, by decision',
  crash: 'the program ended unexpectedly',
  stopped: 'the program was stopped',
  'before-records': 'before the first record that tells',
  'after-records': 'after the last record',
  'records-missing': 'records are missing',
  'no-such-group': 'there was no such group',
};

const STATE_TONES: Readonly<Record<EnforcementState, Tone>> = {
  'in-force': 'good',
  'not-in-force': 'bad',
  'no-evidence': 'unknown',
};
const OUTCOME_TONES: Readonly<Record<ProbeInterval['outcome'], Tone>> = {
  enforced: 'good',
  leaking: 'bad',
  broken: 'warning',
  'no-evidence': 'unknown',
};

/** Length of the period, milliseconds. */
export const periodMs = ({ period }: Report): number => Date.parse(period.until) - Date.parse(period.from);

/** In force or not. */
export const toEnforcementSection = (report: Report): Section => {
  const { ms, intervals, causes, notes } = report.enforcement;
  const allTheTime =
    report.inProgressUntil === null
      ? 'The prohibition was in force all the time.'
      : 'So far, the prohibition was in force without a break.';
  const total = periodMs(report);
  const outages = intervals.filter(({ state }) => state !== 'in-force');
  return {
    id: 'in-force',
    title: 'In force',
    facts: [
      { label: 'In force', value: `${durationText(ms['in-force'])} (${shareText(ms['in-force'], total)})` },
      {
        label: 'Not in force',
        value: `${durationText(ms['not-in-force'])} (${shareText(ms['not-in-force'], total)})`,
        isAlarming: ms['not-in-force'] > 0,
      },
      {
        label: 'No evidence',
        value: `${durationText(ms['no-evidence'])} (${shareText(ms['no-evidence'], total)})`,
        isAlarming: ms['no-evidence'] > 0,
      },
    ],
    notes,
    figures: [toEnforcementTimeline(report)],
    tables: [
      {
        name: 'causes',
        caption: 'Time not in force or without evidence, by cause',
        columns: [
          column('state', 'State', 'word'),
          column('cause', 'Cause'),
          column('times', 'Times', 'number'),
          column('ms', 'Altogether', 'duration'),
        ],
        rows: causes.map(({ state, cause, count, ms: length }) => [
          stateWords(state),
          causeWords(cause),
          count,
          length,
        ]),
        empty: allTheTime,
      },
      tableOf(
        {
          name: 'outages',
          caption: 'Each time not in force or without evidence',
          empty: allTheTime,
          isForMachines: outages.length === 0,
        },
        outages,
        [
          ...INTERVAL_START,
          field('state', 'State', 'word', (one) => stateWords(one.state)),
          field(
            'cause',
            'Cause',
            'text',
            (one) => `${causeWords(one.cause ?? '')}${one.isUncertain ? ' (at most)' : ''}`,
          ),
          ...INTERVAL_END,
        ],
      ),
      tableOf(
        {
          name: 'enforcement',
          caption: 'In force or not, the whole period',
          empty: NOTHING,
          isForMachines: true,
        },
        intervals,
        [
          ...INTERVAL_START,
          field('state', 'State', 'word', (one) => one.state),
          field('cause', 'Cause', 'text', (one) => one.cause),
          field('uncertain', 'Uncertain', 'text', (one) => (one.isUncertain ? 'yes' : 'no')),
          ...INTERVAL_END,
        ],
      ),
    ],
    sheets: [],
  };
};

type Interval = Report['enforcement']['intervals'][number];

const INTERVAL_START: readonly Field<Interval>[] = [
  field('from', 'From', 'time', (one) => one.from),
  field('until', 'Until', 'time', (one) => one.until),
  field('ms', 'Length', 'duration', (one) => one.ms),
];
const INTERVAL_END: readonly Field<Interval>[] = [
  field('by', 'By', 'text', (one) => one.by),
  field('reason', 'Reason', 'prose', (one) => one.reason),
  field('detail', 'Concerned', 'prose', (one) => one.detail),
];

const stateWords = (state: EnforcementState): string => state.replaceAll('-', ' ');

const causeWords = (causes: string): string =>
  causes
    .split(', ')
    .map((cause) => CAUSES[cause] ?? cause)
    .join(', ');

const toEnforcementTimeline = (report: Report): Timeline => {
  const { ms, intervals } = report.enforcement;
  return {
    kind: 'timeline',
    title: 'In force over the period',
    fromMs: Date.parse(report.period.from),
    untilMs: Date.parse(report.period.until),
    legend: [
      { tone: 'good', label: 'in force' },
      { tone: 'bad', label: 'not in force' },
      { tone: 'unknown', label: 'no evidence' },
    ],
    rows: [
      {
        label: 'prohibition',
        stretches: intervals.map(({ from, until, state }) => ({
          fromMs: Date.parse(from),
          untilMs: Date.parse(until),
          tone: STATE_TONES[state],
        })),
      },
    ],
    description: `In force for ${durationText(ms['in-force'])}, not in force for ${durationText(ms['not-in-force'])}, no evidence for ${durationText(ms['no-evidence'])}. The table below has each interval.`,
  };
};

/** What the self-probe found. */
export const toProbeSection = (report: Report): Section => {
  const { views, runs, notes } = report.probes;
  const leaking = views.filter(({ ms }) => ms.leaking > 0);
  const broken = views.filter(({ ms }) => ms.broken > 0);
  return {
    id: 'probes',
    title: 'Probes',
    facts: [
      { label: 'Runs', value: numberText(runs), isAlarming: runs === 0 },
      { label: 'Views', value: numberText(views.length) },
      { label: 'Leaking at some time', value: namesText(leaking), isAlarming: leaking.length > 0 },
      { label: 'Broken at some time', value: namesText(broken), isAlarming: broken.length > 0 },
    ],
    notes,
    figures: views.length === 0 ? [] : [toProbeTimeline(report)],
    tables: [
      tableOf(
        {
          name: 'probe-views',
          caption: 'What the probe found, by view',
          empty: 'The probe did not ask in this period.',
        },
        views,
        [
          field('view', 'View', 'text', (one) => one.view),
          field('runs', 'Runs', 'number', (one) => one.runs),
          field('questions', 'Questions', 'number', (one) => one.questions),
          field('enforced_ms', 'Enforced', 'duration', ({ ms }) => ms.enforced),
          field('leaking_ms', 'Leaking', 'duration', ({ ms }) => ms.leaking),
          field('broken_ms', 'Broken', 'duration', ({ ms }) => ms.broken),
          field('no_evidence_ms', 'No evidence', 'duration', ({ ms }) => ms['no-evidence']),
          field('last_success', 'Last success', 'time', (one) => one.lastSuccess),
        ],
      ),
      {
        name: 'probe-findings',
        caption: 'When a view began to leak or was broken',
        columns: [
          column('time', 'Time', 'time'),
          column('view', 'View'),
          column('outcome', 'Outcome', 'word'),
          column('examples', 'Examples', 'prose'),
        ],
        rows: views.flatMap(({ view, findings }) =>
          findings.map(({ time, outcome, examples }) => [time, view, outcome, examples.join('; ')]),
        ),
        empty: 'No view leaked or was broken.',
      },
      {
        name: 'probes',
        caption: 'What the probe found, the whole period',
        columns: [
          column('view', 'View'),
          column('from', 'From', 'time'),
          column('until', 'Until', 'time'),
          column('ms', 'Length', 'duration'),
          column('outcome', 'Outcome', 'word'),
        ],
        rows: views.flatMap(({ view, intervals }) =>
          intervals.map(({ from, until, ms, outcome }) => [view, from, until, ms, outcome]),
        ),
        empty: NOTHING,
        isForMachines: true,
      },
    ],
    sheets: [],
  };
};

const namesText = (views: readonly { readonly view: string }[]): string =>
  views.length === 0 ? 'none' : views.map(({ view }) => view).join(', ');

const toProbeTimeline = (report: Report): Timeline => ({
  kind: 'timeline',
  title: 'What the probe found over the period',
  fromMs: Date.parse(report.period.from),
  untilMs: Date.parse(report.period.until),
  legend: [
    { tone: 'good', label: 'enforced' },
    { tone: 'bad', label: 'leaking' },
    { tone: 'warning', label: 'broken' },
    { tone: 'unknown', label: 'no evidence' },
  ],
  rows: report.probes.views.map(({ view, intervals }) => ({
    label: view,
    stretches: intervals.map(({ from, until, outcome }) => ({
      fromMs: Date.parse(from),
      untilMs: Date.parse(until),
      tone: OUTCOME_TONES[outcome],
    })),
  })),
  description: 'One row for each view. The table below has the times of each.',
});
