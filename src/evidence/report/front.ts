// Page one: the answer, and eight questions with theirs, on one page whatever the length of the rest.
//
// What is shown of a long answer is its weightiest part, the rest is counted with its place: nothing is left out silently. The
// room of the page is divided here, so that all forms show the same.
import type { Front, FrontFindings, Places, Question, ReportDocument, Timeline, Tone } from './document.ts';
import type { EnforcementState, Report } from './model.ts';
import {
  ANSWER_WIDTH,
  CELL_GAP,
  divide,
  FACT_LABEL_WIDTH,
  FACTS_WIDTH,
  FRONT,
  type FrontText,
  frontText,
  LABEL_WIDTH,
  LEGEND,
  linesOf,
  PAGE_HEIGHT,
  PAGE_WIDTH,
  rowHeight,
  type Share,
  STRIP_HEIGHT,
  TITLE_WIDTH,
} from './page-one.ts';
import { type Answer, answerQuestions } from './questions.ts';
import { toNeed } from './sections-times.ts';
import { QUESTIONS, type QuestionId } from './texts/front-texts.ts';
import type { ReportTexts } from './texts/texts.ts';
import { durationText, numberText, roundDuration, shareText, termText } from './words.ts';

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
const CAUSES_MAX = 3;
/** Lines of what needs a person. */
const TEXT_LINES_MAX = 2;
/** What needs a person: as many as two lines may hold. */
const NEEDS_MAX = 6;
/** Of a question that shows a part of many, at least and at most. */
const SHOWN: Readonly<Partial<Record<QuestionId, readonly [least: number, most: number]>>> = {
  mandate: [1, 4],
  enforcement: [1, 12],
  lists: [1, 12],
  exempt: [1, 10],
  unknown: [2, 8],
};
const FINDINGS_SHOWN = { least: 1, most: 4 };

/** What stands above page one's own parts. */
type Top = Pick<ReportDocument, 'kicker' | 'title' | 'subtitle' | 'facts'>;

/** Page one below its top. */
export const toFront = (report: Report, texts: ReportTexts, top: Top, places: Places): Front => {
  const { answer, told, needs, check, answers, findings, shown } = fitting(report, texts, top, places);
  return {
    tone: TONES[report.verdict.answer],
    answer,
    texts: told,
    findings: toFindings(report, texts, findings, shown.at(-1) ?? 0, places),
    strip: toStrip(report, texts, new Set(longestGaps(report).slice(0, shown[1]))),
    needs,
    questions: answers.map((one, at) => toQuestion(one, at + 1, shown[at] ?? 0, texts, places)),
    check,
  };
};

/** Lines at most of a sentence of an answer, and of anything else. */
interface Lines {
  readonly sentence: number;
  readonly other: number;
}
const WIDE: Lines = { sentence: 3, other: 2 };
/** What would not fit with the least of each gets fewer lines, one step after the other. */
const TIGHTER: readonly Lines[] = [
  { sentence: 2, other: 1 },
  { sentence: 1, other: 1 },
];

/** All parts in as many lines as the page has room for. */
const fitting = (report: Report, texts: ReportTexts, top: Top, places: Places): Parts =>
  TIGHTER.reduce(
    (parts, lines) => (parts.isFull ? toParts(report, texts, top, places, lines) : parts),
    toParts(report, texts, top, places, WIDE),
  );

type Parts = ReturnType<typeof toParts>;

/** All parts, and how much of each is shown. */
const toParts = (
  report: Report,
  texts: ReportTexts,
  top: Top,
  places: Places,
  { sentence, other }: Lines,
) => {
  const cap = (one: FrontText, most: number): FrontText => ({ ...one, lines: Math.min(one.lines, most) });
  const answer = frontText(answerText(report, texts), 2, ANSWER_WIDTH, FRONT.answer);
  const told = answerTexts(report, texts).map((text) => frontText(text, other, ANSWER_WIDTH));
  const needs = toNeeds(report, texts, places);
  const check = frontText(`${texts.checkSignature} cordon report verify FILE`, 1, PAGE_WIDTH, FRONT.table);
  const questions = answerQuestions(report, texts);
  const answers = QUESTIONS.map((id) => {
    const { texts: said, rows, items, ...more } = questions[id];
    return {
      ...{ id, ...more },
      texts: said.map((one) => cap(one, sentence)),
      ...(rows && { rows: rows.map((row) => ({ ...row, lines: Math.min(row.lines, other) })) }),
      ...(items && { items: items.map((one) => cap(one, other)) }),
    };
  });
  const findings = report.integrity.findings.map((text) => frontText(text, other, ANSWER_WIDTH));
  const fixed =
    topHeight(top) +
    FRONT.boxGap * 2 -
    4 +
    answer.lines * FRONT.answerLine +
    heightOf(told) +
    stripHeight(texts, report.gaps.length > 0) +
    (needs === undefined ? 0 : heightOf([needs.text]) + FRONT.gap) +
    answers.reduce((sum, one) => sum + FRONT.gap + heightOf(one.texts), 0) +
    FRONT.rule +
    FRONT.tableLine;
  const shares = [...answers.map((one) => shareOf(one, texts)), findingsShare(report, texts, findings)];
  const { shown, isFull } = divide(shares, PAGE_HEIGHT - fixed);
  return { answer, told, needs, check, answers, findings, shown, isFull };
};

const heightOf = (parts: readonly FrontText[]): number =>
  parts.reduce((sum, { lines }) => sum + lines * FRONT.textLine, 0);

/** Lines of what stands above; see drawTop(). */
export const topLines = ({ kicker, title, subtitle, facts }: Top) => ({
  kicker: frontText(kicker, 2, TITLE_WIDTH),
  title: frontText(title, 2, TITLE_WIDTH, FRONT.title),
  subtitle: frontText(subtitle, 3, TITLE_WIDTH),
  facts: facts.map(({ label, value }) => ({
    label,
    value: frontText(value, 2, FACTS_WIDTH - FACT_LABEL_WIDTH, FRONT.table),
  })),
});

const topHeight = (top: Top): number => {
  const { kicker, title, subtitle, facts } = topLines(top);
  const left = heightOf([kicker, subtitle]) + title.lines * FRONT.titleLine;
  const right = facts.reduce((sum, { value }) => sum + value.lines * FRONT.tableLine + 1, 0);
  return Math.max(left, right) + FRONT.boxGap + 1;
};

/** The strip and its legend; see drawFigure(). */
export const stripHeight = ({ strip }: ReportTexts, isRemarked: boolean): number => {
  const labels = [strip.inForce, strip.notInForce, strip.noEvidence, ...(isRemarked ? [strip.wider] : [])];
  const keys = LEGEND.key * labels.length;
  return STRIP_HEIGHT + LEGEND.line * linesOf(labels.join(' '), LEGEND.size, PAGE_WIDTH - keys);
};

/** What a question shows a part of: rows of its table, or sentences that are items of a list. */
const shareOf = (
  { id, rows, items, columns }: Answer & { readonly id: QuestionId },
  texts: ReportTexts,
): Share => {
  const [least, most] = SHOWN[id] ?? [0, 0];
  const heights = rows?.map(rowHeight) ?? items?.map(({ lines }) => lines * FRONT.textLine) ?? [];
  const heads = (columns ?? []).map(({ name, part }) =>
    linesOf(texts.columns[name] ?? name, FRONT.table, part * PAGE_WIDTH - CELL_GAP),
  );
  const head = heads.length === 0 ? 0 : FRONT.tableLine * Math.min(2, Math.max(...heads)) + 2.5;
  return { heights, least, most, head, more: FRONT.tableLine };
};

const toQuestion = (
  { id, texts: told, rows, items, columns, section }: Answer & { readonly id: QuestionId },
  number: number,
  shown: number,
  texts: ReportTexts,
  places: Places,
): Question => {
  const label = texts.front.labels[id];
  const all = rows?.length ?? items?.length;
  if (all === undefined || section === undefined) return { id, number, label, texts: told, items: [] };
  const rest = all - shown;
  return {
    ...{ id, number, label, shown, all },
    texts: told,
    items: items?.slice(0, shown) ?? [],
    table:
      rows === undefined || columns === undefined || rows.length === 0
        ? undefined
        : { name: TABLE_NAMES[id] ?? id, columns, rows: rows.slice(0, shown) },
    more:
      rest === 0
        ? undefined
        : texts.front.more(numberText(rest, texts), places[section], texts.sections[section]),
  };
};

/** Captions of tables, for those who do not see where they stand. */
const TABLE_NAMES: Readonly<Partial<Record<QuestionId, string>>> = {
  enforcement: 'gaps',
  lists: 'list-rows',
  exempt: 'exempt',
};

const findingsShare = ({ integrity }: Report, texts: ReportTexts, findings: readonly FrontText[]): Share => ({
  heights: findings.map((one) => heightOf([one])),
  least: FINDINGS_SHOWN.least,
  most: FINDINGS_SHOWN.most,
  head: FRONT.boxGap * 2 + FRONT.answerLine + heightOf([concernsText({ integrity }, texts)]),
  more: FRONT.textLine,
});

const concernsText = ({ integrity }: Pick<Report, 'integrity'>, { warning }: ReportTexts): FrontText =>
  frontText(integrity.mayConcernPeriod ? warning.concerns : warning.outside, 2, ANSWER_WIDTH);

const toFindings = (
  report: Report,
  texts: ReportTexts,
  findings: readonly FrontText[],
  shown: number,
  places: Places,
): FrontFindings | undefined => {
  const all = findings.length;
  if (report.integrity.isIntact) return undefined;
  const { front, sections } = texts;
  return {
    title: front.findings(numberText(all, texts)),
    texts: [concernsText(report, texts), ...findings.slice(0, shown)],
    ...{ shown, all },
    more:
      shown === all
        ? undefined
        : front.more(numberText(all - shown, texts), places.records, sections.records),
  };
};

const answerText = ({ verdict, enforcement, period }: Report, texts: ReportTexts): string => {
  const { yes, yesBut, no, notShown, soFar } = texts.verdict;
  const { answer, isSoFar } = verdict;
  const { ms } = enforcement;
  const wholeMs = Date.parse(period.until) - Date.parse(period.from);
  const words = {
    yes,
    'yes-but': yesBut(durationText(roundDuration(ms['not-in-force']), texts)),
    no,
    'not-shown': notShown,
  }[answer];
  const told = texts.front.answer;
  const shares = [
    told.inForce(shareText(ms['in-force'], wholeMs, texts)),
    ...(ms['not-in-force'] === 0 ? [] : [told.notInForce(shareText(ms['not-in-force'], wholeMs, texts))]),
    ...(ms['no-evidence'] === 0 ? [] : [told.noEvidence(shareText(ms['no-evidence'], wholeMs, texts))]),
  ];
  return `${words}${isSoFar ? `, ${soFar}` : ''}: ${shares.join(', ')}`;
};

const answerTexts = (report: Report, texts: ReportTexts): string[] => {
  const { verdict, gaps } = report;
  const { verdict: words, front } = texts;
  const counts = new Map<string, number>();
  for (const gap of gaps) {
    const cause = gap.causes[0] ?? '';
    counts.set(cause, (counts.get(cause) ?? 0) + 1);
  }
  const causes = [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, CAUSES_MAX)
    .map(([cause, count]) => `${count > 1 ? `${numberText(count, texts)} × ` : ''}${termText(cause, texts)}`);
  const others = counts.size - CAUSES_MAX;
  const rest = others > 0 ? `, ${front.mandate.others(numberText(others, texts))}` : '';
  const { all, inForce, unknown } = verdict.networks;
  const told = [
    gaps.length === 0 ? words.noGaps : words.gaps(gaps.length, `${causes.join(', ')}${rest}`),
    ...(all < 2
      ? []
      : [
          front.answer.networks(
            numberText(all, texts),
            numberText(inForce, texts),
            numberText(all - inForce - unknown, texts),
            numberText(unknown, texts),
          ),
        ]),
  ];
  const reasons = verdict.reasons.map((reason) => words.reasons[reason] ?? reason);
  return [told.join(' '), ...(reasons.length === 0 ? [] : [reasons.join(' ')])];
};

/** What needs a person in two lines; section `times` has all of it. */
const toNeeds = ({ attention }: Report, texts: ReportTexts, places: Places): Front['needs'] => {
  if (attention.length === 0) return undefined;
  const { front, sections } = texts;
  const width = PAGE_WIDTH - LABEL_WIDTH;
  const told = attention.slice(0, NEEDS_MAX).map((one) => front.need(toNeed(one, texts, places)));
  // As many whole ones as leave room for the count of the rest.
  for (let shown = told.length; shown >= 0; shown--) {
    const rest = attention.length - shown;
    const more = rest === 0 ? [] : [front.more(numberText(rest, texts), places.times, sections.times)];
    const count = `${numberText(attention.length, texts)}:`;
    const text = [count, ...told.slice(0, shown), ...more].join(' ');
    if (linesOf(text, FRONT.text, width) <= TEXT_LINES_MAX || shown === 0)
      return { label: front.needs, text: frontText(text, TEXT_LINES_MAX, width) };
  }
  return undefined;
};

/** Gaps, the longest first. */
const longestGaps = ({ gaps }: Report): number[] =>
  [...gaps].sort((a, b) => b.ms - a.ms || a.number - b.number).map(({ number }) => number);

/** `pinned` are the gaps whose numbers stand above it: those that page one shows. */
const toStrip = (report: Report, texts: ReportTexts, pinned: ReadonlySet<number>): Timeline => {
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
    pins: report.gaps
      .filter(({ number }) => pinned.has(number))
      .map((gap) => ({
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
