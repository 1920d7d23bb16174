// Page one: the answer, when it was not so, what needs a person, who was exempt, and how far it can be trusted.
import {
  type Cell,
  column,
  type Front,
  field,
  type Need,
  type Table,
  type Timeline,
  type Tone,
  tableOf,
} from './document.ts';
import { endText, scopeText } from './exemption-words.ts';
import type { EnforcementState, Gap, Report } from './model.ts';
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
  termText,
  timeWords,
} from './words.ts';

const TONES: Readonly<Record<Report['verdict']['answer'], Tone>> = {
  yes: 'good',
  'yes-but': 'good',
  no: 'bad',
  'not-shown': 'unknown',
};
const STATE_TONES: Readonly<Record<EnforcementState, Tone>> = {
  'in-force': 'good',
  'not-in-force': 'bad',
  'no-evidence': 'unknown',
};
/** Causes that the answer names, the most frequent first. */
const CAUSES_MAX = 4;
/** Times without the prohibition that have a number on the strip; the table has all. */
const PINS_MAX = 40;

/** Page one. */
export const toFront = (report: Report, texts: ReportTexts): Front => ({
  tone: TONES[report.verdict.answer],
  answer: answerText(report, texts),
  texts: answerTexts(report, texts),
  strip: toStrip(report, texts),
  comparison: report.previous === null ? undefined : comparisonTable(report, texts),
  needs: report.attention.map(({ code, values }) => needOf(code, values, texts)),
  gaps: gapTable(report, texts),
  exempt: exemptTable(report, texts),
  trust: trustTexts(report, texts),
  command: 'cordon report verify FILE',
});

const answerText = ({ verdict, enforcement, period }: Report, texts: ReportTexts): string => {
  const { yes, yesBut, no, notShown, soFar, share } = texts.verdict;
  const { answer, networks, isSoFar } = verdict;
  const wholeMs = Date.parse(period.until) - Date.parse(period.from);
  const words = {
    yes,
    'yes-but': yesBut(durationText(roundDuration(enforcement.ms['not-in-force']), texts)),
    no,
    'not-shown': notShown,
  }[answer];
  const counted =
    networks.all === 0
      ? shareText(enforcement.ms['in-force'], wholeMs, texts)
      : share(
          shareText(enforcement.ms['in-force'], wholeMs, texts),
          numberText(networks.inForce, texts),
          numberText(networks.all, texts),
        );
  return `${words}${isSoFar ? `, ${soFar}` : ''}: ${counted}`;
};

const answerTexts = (
  { verdict, gaps, enforcement, probes, attention }: Report,
  texts: ReportTexts,
): string[] => {
  const { verdict: words } = texts;
  const counts = new Map<string, number>();
  for (const gap of gaps) {
    const cause = gap.causes[0] ?? '';
    counts.set(cause, (counts.get(cause) ?? 0) + 1);
  }
  const causes = [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, CAUSES_MAX)
    .map(([cause, count]) => `${count > 1 ? `${numberText(count, texts)} × ` : ''}${termText(cause, texts)}`);
  const missingMs = enforcement.ms['no-evidence'];
  const isLeaking = attention.some(({ code }) => code === 'leak');
  const told = [
    gaps.length === 0 ? words.noGaps : words.gaps(gaps.length, causes.join(', ')),
    words.evidence(missingMs === 0 ? undefined : durationText(missingMs, texts)),
    probes.runs === 0 ? words.untested : words.tested(numberText(verdict.questions, texts), isLeaking),
  ];
  return [told.join(' '), ...verdict.reasons.map((reason) => words.reasons[reason] ?? reason)];
};

const toStrip = (report: Report, texts: ReportTexts): Timeline => {
  const { ms, intervals } = report.enforcement;
  const { strip } = texts;
  const fromMs = Date.parse(report.period.from);
  const untilMs = Date.parse(report.period.until);
  return {
    kind: 'timeline',
    title: strip.title,
    fromMs,
    untilMs,
    legend: [
      { tone: 'good', label: strip.inForce },
      { tone: 'bad', label: strip.notInForce },
      { tone: 'unknown', label: strip.noEvidence },
    ],
    ...(report.gaps.length > 0 ? { remark: strip.wider } : {}),
    rows: [
      {
        label: '',
        stretches: intervals.map(({ from, until, state }) => ({
          fromMs: Date.parse(from),
          untilMs: Date.parse(until),
          tone: STATE_TONES[state],
        })),
      },
    ],
    pins: report.gaps.slice(0, PINS_MAX).map((gap) => ({
      atMs: (Date.parse(gap.from) + Date.parse(gap.until)) / 2,
      label: String(gap.number),
    })),
    description: strip.words(
      durationText(ms['in-force'], texts),
      durationText(ms['not-in-force'], texts),
      durationText(ms['no-evidence'], texts),
    ),
  };
};

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
    rows: comparedFigures(report).map(({ figure, now, before }): Cell[] => [
      texts.figures[figure],
      write(figure, now, nowMs),
      write(figure, before, beforeMs),
      now === null || before === null || figure === 'inForce' ? NOTHING : changeText(now, before, texts),
    ]),
  };
};

/** Values that are codes, lengths or times are written for people. */
const needOf = (code: string, values: readonly (string | number)[], texts: ReportTexts): Need => {
  const words = values.map((value, at) => {
    if (typeof value === 'number')
      return LENGTHS.has(code) ? durationText(value, texts) : numberText(value, texts);
    if (code === 'signal-rose' && at === 0) return texts.terms[value] ?? value;
    return minuteOf(value);
  });
  return texts.needs[code]?.(...words) ?? [code, words.join(', ')];
};

const LENGTHS: ReadonlySet<string> = new Set(['no-evidence', 'unproven-long', 'held-long']);

const minuteOf = (text: string): string => (/^\d{4}-\d\d-\d\dT/.test(text) ? minutesText(text) : text);

const gapTable = ({ gaps, networks }: Report, texts: ReportTexts): Table =>
  tableOf({ name: 'gaps', isForPeople: true }, gaps, [
    field('number', 'figure', ({ number }) => String(number)),
    field('from', 'word', ({ from }) => secondsText(from)),
    field(
      'ms',
      'figure',
      ({ ms, isUncertain }) => `${isUncertain ? `${texts.atMost} ` : ''}${durationText(ms, texts)}`,
    ),
    field('groups', 'text', (gap) => groupsText(gap, networks.length, texts)),
    field('causes', 'text', ({ causes, upgradedTo }) =>
      [
        ...causes.map((cause) => texts.terms[cause] ?? cause),
        ...(upgradedTo === null ? [] : [texts.upgraded(upgradedTo)]),
      ].join(', '),
    ),
    field('person', 'prose', ({ by, reason }) =>
      by === null && reason === null ? null : [by, reason].filter((text) => text !== null).join(': '),
    ),
  ]);

/** Names of groups that a cell holds. */
const GROUPS_SHOWN_MAX = 3;

const groupsText = ({ groups }: Gap, all: number, texts: ReportTexts): string => {
  if (groups === null) return all === 0 ? texts.all : `${texts.all} ${numberText(all, texts)}`;
  return groups.length > GROUPS_SHOWN_MAX ? numberText(groups.length, texts) : groups.join(', ');
};

const exemptTable = ({ exemptions }: Report, texts: ReportTexts): Table =>
  tableOf(
    { name: 'exempt', isForPeople: true },
    exemptions.filter(({ active }) => active.length > 0),
    [
      field('id', 'word', ({ id }) => id),
      field('scope', 'text', ({ paper }) => scopeText(paper, texts)),
      field('grounds', 'text', ({ paper }) => memberOf(paper, 'grounds')),
      field('approved_by', 'text', ({ paper }) =>
        [memberOf(paper, 'approvedBy'), memberOf(paper, 'role')].filter((text) => text !== null).join(', '),
      ),
      field('force', 'text', (one) => {
        const { from = '', until = '' } = one.active[0] ?? {};
        const last = one.active.at(-1)?.until ?? until;
        return `${texts.exemptionFrom(from.slice(0, 10), last.slice(0, 10))}${endText(one, texts)}`;
      }),
      field('hits', 'number', ({ hits }) => hits),
    ],
  );

const memberOf = (paper: object, name: string): string | null => {
  const value = (paper as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' ? value : null;
};

const trustTexts = ({ records, resolver, integrity }: Report, texts: ReportTexts): string[] => {
  const { trust } = texts;
  const head = records.heads.at(-1);
  return [
    trust.records(numberText(records.chain.records, texts), resolver === '' ? NOTHING : resolver),
    integrity.isIntact ? trust.whole : trust.notWhole(numberText(integrity.findings.length, texts)),
    head === undefined
      ? trust.noHeads
      : trust.heads(numberText(head.number, texts), timeWords(head.signedAt), head.keyId),
  ];
};
