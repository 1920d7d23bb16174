// The annex of page one: every time without the prohibition, what needs a person, and the period before.
import {
  type Cell,
  column,
  field,
  type Need,
  type Places,
  type Section,
  type Table,
  tableOf,
} from './document.ts';
import type { Attention, Gap, Report } from './model.ts';
import type { ReportTexts } from './texts/texts.ts';
import {
  changeText,
  durationText,
  minutesText,
  NOTHING,
  numberText,
  roundDuration,
  secondsText,
  shareText,
} from './words.ts';

/** Times without the prohibition. */
export const toTimesSection = (report: Report, texts: ReportTexts, places: Places): Section => ({
  id: 'times',
  title: texts.sections.times,
  lead: texts.front.timesLead,
  tables: [
    gapTable(report, texts),
    needsTable(report, texts, places),
    {
      name: 'attention',
      isForMachines: true,
      columns: [column('code', 'word'), column('values', 'prose')],
      rows: report.attention.map(({ code, values }): Cell[] => [code, values.join('; ')]),
    },
    comparisonTable(report, texts),
  ],
});

/** Written for people: lengths of gaps, who and why. */
const gapTable = ({ gaps, networks }: Report, texts: ReportTexts): Table =>
  tableOf({ name: 'gaps', isForPeople: true }, gaps, [
    field('number', 'figure', ({ number }) => String(number)),
    field('from', 'word', ({ from }) => secondsText(from)),
    field('ms', 'figure', (gap) => gapLength(gap, texts)),
    field('groups', 'text', (gap) => groupsText(gap, networks.length, texts)),
    field('causes', 'text', (gap) => causesText(gap, texts)),
    field('person', 'prose', personText),
  ]);

/** `at most 10 min`. */
export const gapLength = ({ ms, isUncertain }: Gap, texts: ReportTexts): string =>
  `${isUncertain ? `${texts.atMost} ` : ''}${durationText(ms, texts)}`;

/** Causes and an upgrade. */
export const causesText = ({ causes, upgradedTo }: Gap, texts: ReportTexts): string =>
  [
    ...causes.map((cause) => texts.terms[cause] ?? cause),
    ...(upgradedTo === null ? [] : [texts.upgraded(upgradedTo)]),
  ].join(', ');

/** By whom, and why; null where nobody is named. */
export const personText = ({ by, reason }: Gap): string | null =>
  by === null && reason === null ? null : [by, reason].filter((text) => text !== null).join(': ');

/** Names of groups that a cell holds. */
const GROUPS_SHOWN_MAX = 3;

/** The networks of a gap. */
export const groupsText = ({ groups }: Gap, all: number, texts: ReportTexts): string => {
  if (groups === null) return all === 0 ? texts.all : `${texts.all} ${numberText(all, texts)}`;
  return groups.length > GROUPS_SHOWN_MAX ? numberText(groups.length, texts) : groups.join(', ');
};

const needsTable = ({ attention }: Report, texts: ReportTexts, places: Places): Table => ({
  name: 'attention',
  isForPeople: true,
  columns: [column('what', 'text'), column('detail', 'prose')],
  rows: attention.map((one): Cell[] => [...toNeed(one, texts, places)]),
});

/** Needs that another section tells more of. */
const TOLD_IN: Readonly<Record<string, keyof Places>> = {
  ...{ leak: 'proof', reidentified: 'changes' },
  ...{ 'duty-overdue': 'lists', 'duty-dropped': 'lists' },
};

/** Values that are codes, lengths or times are written for people. */
export const toNeed = ({ code, values }: Attention, texts: ReportTexts, places: Places): Need => {
  const words = values.map((value, at) => {
    if (typeof value === 'number')
      return LENGTHS.has(code) ? durationText(value, texts) : numberText(value, texts);
    if (code === 'signal-rose' && at === 0) return texts.terms[value] ?? value;
    if (code.startsWith('duty-') && at === 1) return texts.terms[`duty:${value}`] ?? value;
    return minuteOf(value);
  });
  const [lead, rest] = texts.needs[code]?.(...words) ?? [code, words.join(', ')];
  const section = TOLD_IN[code];
  return [lead, section === undefined ? rest : `${rest} ${texts.front.seeSection(places[section])}`];
};

const LENGTHS: ReadonlySet<string> = new Set(['no-evidence', 'unproven-long', 'held-long']);

const minuteOf = (text: string): string => (/^\d{4}-\d\d-\d\dT/.test(text) ? minutesText(text) : text);

type Figure = keyof ReportTexts['figures'];

/** The figures of both periods, in their order. */
export const comparedFigures = ({
  enforcement,
  probes,
  attempts,
  clients,
  exemptions,
  signals,
  previous,
}: Report): readonly {
  readonly figure: Figure;
  readonly now: number | null;
  readonly before: number | null;
}[] => [
  { figure: 'inForce', now: enforcement.ms['in-force'], before: previous?.ms['in-force'] ?? null },
  { figure: 'notInForce', now: enforcement.ms['not-in-force'], before: previous?.ms['not-in-force'] ?? null },
  { figure: 'noEvidence', now: enforcement.ms['no-evidence'], before: previous?.ms['no-evidence'] ?? null },
  { figure: 'proofGap', now: probes.longestGapMs, before: previous?.longestProofGapMs ?? null },
  { figure: 'refusals', now: attempts.byPurpose.mandate, before: previous?.refusals ?? null },
  { figure: 'clients', now: clients.total, before: previous?.clients ?? null },
  {
    figure: 'passed',
    now: exemptions.reduce((sum, { hits }) => sum + hits, 0),
    before: previous?.passed ?? null,
  },
  { figure: 'signals', now: signals.total, before: previous?.signals ?? null },
];

const DURATIONS: ReadonlySet<Figure> = new Set(['notInForce', 'noEvidence', 'proofGap']);

/** Empty where the records do not reach back over the period before. */
const comparisonTable = (report: Report, texts: ReportTexts): Table => {
  const { period, previous } = report;
  const nowMs = Date.parse(period.until) - Date.parse(period.from);
  const beforeMs =
    previous === null ? 0 : Date.parse(previous.period.until) - Date.parse(previous.period.from);
  const write = (figure: Figure, value: number | null, wholeMs: number): string => {
    if (value === null) return NOTHING;
    if (figure === 'inForce') return shareText(value, wholeMs, texts);
    return DURATIONS.has(figure) ? durationText(roundDuration(value), texts) : numberText(value, texts);
  };
  return {
    name: 'comparison',
    isForPeople: true,
    columns: [
      column('figure'),
      column('now', 'figure'),
      column('before', 'figure'),
      column('change', 'figure'),
    ],
    rows: (previous === null ? [] : comparedFigures(report)).map(({ figure, now, before }): Cell[] => [
      texts.figures[figure],
      write(figure, now, nowMs),
      write(figure, before, beforeMs),
      now === null || before === null || figure === 'inForce' ? NOTHING : changeText(now, before, texts),
    ]),
  };
};
