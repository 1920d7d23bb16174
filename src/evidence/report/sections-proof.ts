// The section on proof: in force by network, and what the self-probe saw in each view.
import { column, field, type Section, type Timeline, type Tone, tableOf } from './document.ts';
import type { ProbeInterval, Report } from './model.ts';
import { noteText } from './notes.ts';
import { comparedFigures } from './sections-times.ts';
import type { ReportTexts } from './texts/texts.ts';
import { numberText, shareText } from './words.ts';

const OUTCOME_TONES: Readonly<Record<ProbeInterval['outcome'], Tone>> = {
  enforced: 'good',
  leaking: 'bad',
  broken: 'warning',
  'no-evidence': 'unknown',
};

/** Proof by network. */
export const toProofSection = (report: Report, texts: ReportTexts): Section => {
  const { enforcement, probes, networks, verdict, gaps } = report;
  const { views, runs } = probes;
  const count = (value: number): string => numberText(value, texts);
  return {
    id: 'proof',
    title: texts.sections.proof,
    lead:
      runs === 0
        ? texts.leads.proofNone
        : texts.leads.proof(count(runs), count(views.length), count(verdict.questions)),
    notes: [...enforcement.notes, ...probes.notes].map((note) => noteText(note, texts)),
    figures: views.length === 0 ? [] : [toProbeTimeline(report, texts)],
    tables: [
      tableOf({ name: 'networks' }, networks, [
        field('group', 'text', (one) => one.group),
        field('in_force_ms', 'duration', ({ ms }) => ms['in-force']),
        field('not_in_force_ms', 'duration', ({ ms }) => ms['not-in-force']),
        field('no_evidence_ms', 'duration', ({ ms }) => ms['no-evidence']),
        field('in_force', 'figure', ({ ms }) =>
          shareText(ms['in-force'], ms['in-force'] + ms['not-in-force'] + ms['no-evidence'], texts),
        ),
      ]),
      tableOf({ name: 'comparison', isForMachines: true }, comparedFigures(report), [
        field('figure', 'word', (one) => one.figure),
        field('now', 'number', (one) => one.now),
        field('before', 'number', (one) => one.before),
      ]),
      tableOf({ name: 'gaps', isForMachines: true }, gaps, [
        field('number', 'number', (one) => one.number),
        field('from', 'time', (one) => one.from),
        field('until', 'time', (one) => one.until),
        field('ms', 'duration', (one) => one.ms),
        field('state', 'term', (one) => one.state),
        field('causes', 'term', (one) => one.causes.join(', ')),
        field('uncertain', 'text', (one) => (one.isUncertain ? 'yes' : 'no')),
        field('by', 'text', (one) => one.by),
        field('reason', 'prose', (one) => one.reason),
        field('groups', 'prose', (one) => one.groups?.join(' ') ?? null),
        field('upgraded_to', 'text', (one) => one.upgradedTo),
      ]),
      {
        name: 'causes',
        isForMachines: true,
        columns: [
          column('state', 'term'),
          column('cause', 'term'),
          column('times', 'number'),
          column('ms', 'duration'),
        ],
        rows: enforcement.causes.map(({ state, cause, count: times, ms }) => [state, cause, times, ms]),
      },
      ...(['outages', 'enforcement'] as const).map((name) =>
        tableOf(
          { name, isForMachines: true },
          enforcement.intervals.filter(({ state }) => name === 'enforcement' || state !== 'in-force'),
          [
            field('from', 'time', (one) => one.from),
            field('until', 'time', (one) => one.until),
            field('ms', 'duration', (one) => one.ms),
            field('state', 'term', (one) => one.state),
            field('cause', 'term', (one) => one.cause),
            field('uncertain', 'text', (one) => (one.isUncertain ? 'yes' : 'no')),
            field('by', 'text', (one) => one.by),
            field('reason', 'prose', (one) => one.reason),
            field('detail', 'prose', (one) => one.detail),
          ],
        ),
      ),
      tableOf({ name: 'probe-views' }, views, [
        field('view', 'text', (one) => one.view),
        field('runs', 'number', (one) => one.runs),
        field('questions', 'number', (one) => one.questions),
        field('enforced_ms', 'duration', ({ ms }) => ms.enforced),
        field('leaking_ms', 'duration', ({ ms }) => ms.leaking),
        field('broken_ms', 'duration', ({ ms }) => ms.broken),
        field('no_evidence_ms', 'duration', ({ ms }) => ms['no-evidence']),
        field('last_success', 'time', (one) => one.lastSuccess),
      ]),
      {
        name: 'probe-findings',
        columns: [
          column('time', 'time'),
          column('view'),
          column('outcome', 'term'),
          column('examples', 'prose'),
        ],
        rows: views.flatMap(({ view, findings }) =>
          findings.map(({ time, outcome, examples }) => [time, view, outcome, examples.join('; ')]),
        ),
      },
      {
        name: 'probes',
        isForMachines: true,
        columns: [
          column('view'),
          column('from', 'time'),
          column('until', 'time'),
          column('ms', 'duration'),
          column('outcome', 'term'),
        ],
        rows: views.flatMap(({ view, intervals }) =>
          intervals.map(({ from, until, ms, outcome }) => [view, from, until, ms, outcome]),
        ),
      },
    ],
  };
};

const toProbeTimeline = ({ probes, period }: Report, texts: ReportTexts): Timeline => ({
  kind: 'timeline',
  title: texts.chart.proof,
  fromMs: Date.parse(period.from),
  untilMs: Date.parse(period.until),
  legend: (['enforced', 'leaking', 'broken', 'no-evidence'] as const).map((outcome) => ({
    tone: OUTCOME_TONES[outcome],
    label: texts.terms[outcome] ?? outcome,
  })),
  rows: probes.views.map(({ view, intervals }) => ({
    label: view,
    stretches: intervals.map(({ from, until, outcome }) => ({
      fromMs: Date.parse(from),
      untilMs: Date.parse(until),
      tone: OUTCOME_TONES[outcome],
    })),
  })),
  pins: [],
  description: texts.chart.proofWords,
});
