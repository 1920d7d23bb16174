// The eight questions of an auditor, each answered from the report alone: a sentence or two, and the rows or items that follow.
import { HOUR_MS } from '../../base/base.ts';
import type { FrontTable } from './document.ts';
import { endText, scopeText } from './exemption-words.ts';
import { feedTexts } from './feed-texts.ts';
import type { ExemptionSection, ListSection, Report } from './model.ts';
import {
  BULLET_WIDTH,
  type FrontRow,
  type FrontText,
  frontRow,
  frontText,
  LABEL_WIDTH,
  PAGE_WIDTH,
} from './page-one.ts';
import { causesText, gapLength, groupsText, personText } from './sections-times.ts';
import type { QuestionId } from './texts/front-texts.ts';
import type { ReportTexts } from './texts/texts.ts';
import {
  aboutText,
  boundText,
  changeText,
  durationText,
  minutesText,
  NOTHING,
  numberText,
  roundDuration,
  secondsText,
} from './words.ts';

/** What answers a question, all of it; what is shown is decided by the room there is. */
export interface Answer {
  readonly texts: readonly FrontText[];
  readonly columns?: FrontTable['columns'];
  readonly rows?: readonly FrontRow[];
  readonly items?: readonly FrontText[];
  /** Where all rows or items stand. */
  readonly section?: keyof ReportTexts['sections'];
}

const WIDTH = PAGE_WIDTH - LABEL_WIDTH;
/** Lines of a sentence, and of a cell. */
const LINES_MAX = 2;
/** Names that a sentence holds. */
const NAMES_MAX = 3;
/** Hexadecimal digits of a hash that people compare. */
const HASH_DIGITS = 12;

/** All answers. */
export const answerQuestions = (
  report: Report,
  texts: ReportTexts,
): Readonly<Record<QuestionId, Answer>> => ({
  mandate: answerMandate(report, texts),
  enforcement: answerEnforcement(report, texts),
  lists: answerLists(report, texts),
  exempt: answerExempt(report, texts),
  attempts: answerAttempts(report, texts),
  probe: answerProbe(report, texts),
  evidence: answerEvidence(report, texts),
  unknown: answerUnknown(report, texts),
});

const sentence = (parts: readonly (string | undefined)[], lines = LINES_MAX): FrontText =>
  frontText(parts.filter((part) => part !== undefined && part !== '').join(' '), lines, WIDTH);

const answerMandate = ({ lists }: Report, texts: ReportTexts): Answer => {
  const { mandate: words } = texts.front;
  const mandates = lists.filter(({ mandate }) => mandate);
  const undecided = mandates.filter(({ decision }) => decision === null);
  const decided = Map.groupBy(
    mandates.filter(({ decision }) => decision !== null),
    ({ decision }) => decisionText(decision ?? {}, texts),
  );
  const items = [...decided].map(([text, some]) => {
    const lists = words.lists(
      namesText(
        some.map(({ list }) => list),
        texts,
      ),
    );
    return frontText(`${text} ${lists}.`, LINES_MAX, WIDTH - BULLET_WIDTH);
  });
  return {
    texts: [
      ...(mandates.length === 0 ? [sentence([words.none])] : []),
      ...(undecided.length === 0 ? [] : [sentence([words.undecided(numberText(undecided.length, texts))])]),
    ],
    items,
    section: 'lists',
  };
};

/** What a decision says of itself, in a line. */
const decisionText = (decision: object, texts: ReportTexts): string => {
  const { mandate: words } = texts.front;
  const { authority, reference, inForceFrom, review, provisional } = decision as Readonly<
    Record<string, unknown>
  >;
  const name = [authority, reference].filter((part) => typeof part === 'string').join(', ');
  const more = [
    ...(typeof inForceFrom === 'string' ? [words.from(inForceFrom)] : []),
    ...(typeof review === 'string' ? [words.review(review)] : []),
    ...(provisional === true ? [words.provisional] : []),
  ];
  // Dates before names: whoever has a long name does not push them out of the line.
  const dates = more.join(', ');
  return `${dates === '' ? '' : `${dates.slice(0, 1).toUpperCase()}${dates.slice(1)}: `}${name},`;
};

const namesText = (names: readonly string[], texts: ReportTexts): string => {
  const more = names.length - NAMES_MAX;
  return [
    ...names.slice(0, NAMES_MAX),
    ...(more > 0 ? [texts.front.mandate.others(numberText(more, texts))] : []),
  ].join(', ');
};

const GAP_COLUMNS: FrontTable['columns'] = [
  { name: 'number', part: 0.05, isAtRight: true },
  { name: 'from', part: 0.17 },
  { name: 'ms', part: 0.18 },
  { name: 'groups', part: 0.16 },
  { name: 'causes', part: 0.22 },
  { name: 'person', part: 0.22 },
];

const answerEnforcement = (report: Report, texts: ReportTexts): Answer => {
  const { enforcement: words } = texts.front;
  const { enforcement, gaps, networks } = report;
  const { firstInForce, inForceSince, ms } = enforcement;
  const longest = [...gaps].sort((a, b) => b.ms - a.ms || a.number - b.number);
  return {
    texts: [
      sentence(
        [
          firstInForce === null ? words.never : words.first(secondsText(firstInForce)),
          firstInForce === null
            ? undefined
            : inForceSince === null
              ? words.notAtEnd
              : words.since(secondsText(inForceSince)),
          gaps.length === 0
            ? words.noGaps
            : words.gaps(
                gaps.length,
                durationText(roundDuration(ms['not-in-force']), texts),
                durationText(roundDuration(ms['no-evidence']), texts),
              ),
        ],
        3,
      ),
    ],
    columns: GAP_COLUMNS,
    rows: longest.map((gap) =>
      rowOf(GAP_COLUMNS, [
        String(gap.number),
        secondsText(gap.from),
        gapLength(gap, texts),
        groupsText(gap, networks.length, texts),
        causesText(gap, texts),
        personText(gap) ?? NOTHING,
      ]),
    ),
    section: 'times',
  };
};

const rowOf = (columns: FrontTable['columns'], cells: readonly string[]): FrontRow =>
  frontRow(
    cells,
    columns.map(({ part }) => part),
    LINES_MAX,
  );

const LIST_COLUMNS: FrontTable['columns'] = [
  { name: 'list', part: 0.22 },
  { name: 'kind', part: 0.1 },
  { name: 'version', part: 0.14 },
  { name: 'entries', part: 0.1, isAtRight: true },
  { name: 'since', part: 0.18 },
  { name: 'fresh', part: 0.16 },
  { name: 'due', part: 0.1 },
];

const answerLists = ({ lists, feeds, period }: Report, texts: ReportTexts): Answer => {
  const { lists: words } = texts.front;
  const inForce = lists.filter(({ versions }) => versions.length > 0);
  const mandates = inForce.filter(({ mandate }) => mandate);
  const untilMs = Date.parse(period.until);
  const oldestMs = Math.max(
    0,
    ...mandates.map(({ versions }) => untilMs - Date.parse(versions.at(-1)?.since ?? period.until)),
  );
  const overdue = mandates.filter(({ versions }) => {
    const due = versions.at(-1)?.reviewDue;
    return typeof due === 'string' && Date.parse(due) < untilMs;
  });
  const failing = inForce.filter((one) => lastFetch(one)?.event === 'fetch-failed');
  const count = (some: readonly unknown[]): string => numberText(some.length, texts);
  return {
    texts: [
      inForce.length === 0
        ? sentence([words.none])
        : sentence([
            words.counts(count(mandates), numberText(inForce.length - mandates.length, texts)),
            mandates.length === 0 ? undefined : words.oldest(ageText(oldestMs, texts)),
            overdue.length === 0 ? undefined : words.overdue(count(overdue)),
            failing.length === 0 ? undefined : words.failing(count(failing)),
          ]),
      ...feedTexts(feeds, texts),
    ],
    columns: LIST_COLUMNS,
    rows: inForce.map((one) => rowOf(LIST_COLUMNS, listCells(one, texts))),
    section: 'lists',
  };
};

const lastFetch = ({ events }: ListSection): ListSection['events'][number] | undefined =>
  events.findLast(({ event }) => event === 'fetched' || event === 'fetch-failed');

/** Days, or hours of the first one. */
const ageText = (ms: number, texts: ReportTexts): string =>
  durationText(
    Math.floor(ms / HOUR_MS / (ms < 48 * HOUR_MS ? 1 : 24)) * HOUR_MS * (ms < 48 * HOUR_MS ? 1 : 24),
    texts,
  );

const listCells = (one: ListSection, texts: ReportTexts): string[] => {
  const { lists: words } = texts.front;
  const last = one.versions.at(-1);
  const fetched = one.events.findLast(({ event }) => event === 'fetched')?.time;
  const ended = last?.endedBy === null || last === undefined ? undefined : last.until;
  const fresh = [
    ...(fetched === undefined ? [] : [words.fetched(minutesText(fetched))]),
    ...(typeof last?.reviewed === 'string' ? [words.reviewed(last.reviewed)] : []),
  ];
  const kind = one.mandate ? 'mandate' : 'ordinary';
  return [
    one.list,
    texts.terms[kind] ?? kind,
    last?.sha256?.slice(0, HASH_DIGITS) ?? NOTHING,
    last?.entries === null || last === undefined ? NOTHING : numberText(last.entries, texts),
    [
      last === undefined ? NOTHING : minutesText(last.since),
      ...(ended === undefined ? [] : [words.ended(minutesText(ended))]),
    ].join(' '),
    fresh.length === 0 ? NOTHING : fresh.join(', '),
    last?.reviewDue ?? NOTHING,
  ];
};

const EXEMPT_COLUMNS: FrontTable['columns'] = [
  { name: 'id', part: 0.1 },
  { name: 'scope', part: 0.12 },
  { name: 'requested_by', part: 0.115 },
  { name: 'approved_by', part: 0.13 },
  { name: 'grounds', part: 0.12 },
  { name: 'began', part: 0.105 },
  { name: 'planned_end', part: 0.105 },
  { name: 'real_end', part: 0.13 },
  { name: 'hits', part: 0.075, isAtRight: true },
];

const answerExempt = ({ exemptions }: Report, texts: ReportTexts): Answer => {
  const { exempt: words } = texts.front;
  const active = exemptions
    .filter((one) => one.active.length > 0)
    .sort((a, b) => b.hits - a.hits || (a.id < b.id ? -1 : 1));
  const passed = exemptions.reduce((sum, { hits }) => sum + hits, 0);
  return {
    texts: [
      active.length === 0
        ? sentence([words.none])
        : sentence([words.counts(numberText(active.length, texts), numberText(passed, texts))]),
    ],
    columns: EXEMPT_COLUMNS,
    rows: active.map((one) => rowOf(EXEMPT_COLUMNS, exemptCells(one, texts))),
    section: 'exemptions',
  };
};

const exemptCells = (one: ExemptionSection, texts: ReportTexts): string[] => {
  const { id, paper, active, hits } = one;
  const member = (name: string): string | undefined => {
    const value = (paper as Readonly<Record<string, unknown>>)[name];
    return typeof value === 'string' ? value : undefined;
  };
  const planned = member('until');
  const last = active.at(-1);
  const approved = [member('approvedBy'), member('role')].filter((text) => text !== undefined);
  return [
    id,
    scopeText(paper, texts) || NOTHING,
    member('requestedBy') ?? NOTHING,
    approved.length === 0 ? NOTHING : approved.join(', '),
    member('grounds') ?? NOTHING,
    minutesText(active[0]?.from ?? ''),
    planned === undefined ? NOTHING : minutesText(planned),
    last?.isOver === true ? `${minutesText(last.until)}${endText(one, texts)}` : texts.front.exempt.goesOn,
    numberText(hits, texts),
  ];
};

const answerAttempts = (report: Report, texts: ReportTexts): Answer => {
  const { attempts: words } = texts.front;
  const { attempts, clients, previous, exemptions, signals } = report;
  const { byPurpose, isLowerBound, mandate } = attempts;
  const count = byPurpose.mandate;
  const asked = clients.total === null ? NOTHING : aboutText(clients.total, clients.isLowerBound, texts);
  const most = mandate.byGroup
    .slice(0, NAMES_MAX)
    .map((one) => `${one.name} (${numberText(one.count, texts)})`);
  const rest = mandate.byGroup.length - most.length;
  const others = [...most, ...(rest > 0 ? [texts.front.mandate.others(numberText(rest, texts))] : [])];
  return {
    texts: [
      sentence(
        [
          count === 0 ? words.none : words.counts(boundText(count, isLowerBound, texts), asked),
          previous === null
            ? undefined
            : words.before(numberText(previous.refusals, texts), changeText(count, previous.refusals, texts)),
          words.beside(
            numberText(
              exemptions.reduce((sum, { hits }) => sum + hits, 0),
              texts,
            ),
            numberText(signals.total, texts),
            numberText(byPurpose.other + byPurpose.unknown, texts),
          ),
          most.length === 0 ? undefined : words.most(others.join(', ')),
        ],
        3,
      ),
    ],
  };
};

const answerProbe = ({ probes, verdict, attention }: Report, texts: ReportTexts): Answer => {
  const { probe: words } = texts.front;
  if (probes.runs === 0) return { texts: [sentence([words.none])] };
  const last = probes.views
    .flatMap(({ lastRun }) => (lastRun === null ? [] : [lastRun]))
    .sort()
    .at(-1);
  const leaks = attention.filter(({ code }) => code === 'leak');
  const [view = '', time = ''] = (leaks[0]?.values ?? []).map(String);
  return {
    texts: [
      sentence(
        [
          leaks.length === 0
            ? words.clean
            : words.leaks(numberText(verdict.leaks, texts), view, minutesText(time)),
          words.runs(
            numberText(verdict.questions, texts),
            numberText(probes.runs, texts),
            numberText(probes.views.length, texts),
            last === undefined ? NOTHING : secondsText(last),
          ),
          probes.longestGapMs === null
            ? undefined
            : words.longest(durationText(roundDuration(probes.longestGapMs), texts)),
        ],
        3,
      ),
    ],
  };
};

const answerEvidence = ({ signing, records }: Report, texts: ReportTexts): Answer => {
  const { evidence: words } = texts.front;
  const { checkpoint, signedUntil, unsigned, witnesses } = signing;
  const head = records.heads.at(-1);
  const count = (value: number): string => numberText(value, texts);
  const cosigned = witnesses.all.filter(({ state }) => state === 'cosigned');
  const names = namesText(
    cosigned.map(({ name }) => name),
    texts,
  );
  return {
    texts: [
      sentence([
        signedUntil === null
          ? words.never
          : words.signed(secondsText(signedUntil), count(records.chain.records)),
        unsigned === 0 ? words.nothingBehind : words.unsigned(count(unsigned)),
      ]),
      ...(checkpoint === null
        ? []
        : [
            sentence([words.checkpoint(count(checkpoint.size), checkpoint.root)]),
            sentence([words.key(keyText(checkpoint.publicKey))]),
          ]),
      ...(checkpoint !== null || head === undefined
        ? []
        : [sentence([words.head(count(head.number), secondsText(head.signedAt), head.keyId)])]),
      witnesses.needed === 0
        ? sentence([words.noWitness])
        : witnesses.until === null
          ? sentence([words.notWitnessed(count(witnesses.needed), count(cosigned.length))])
          : sentence([
              words.witnessed(
                count(witnesses.needed),
                count(witnesses.all.length),
                secondsText(witnesses.until),
                names,
              ),
            ]),
    ],
  };
};

/** Characters of a verifier key that stands in a line. */
const KEY_LENGTH_MAX = 90;

/** A verifier key; of one with a long name the key comes first, so that it stands whole. */
const keyText = (key: string | null): string => {
  if (key === null || key.length <= KEY_LENGTH_MAX) return key ?? NOTHING;
  const [name = '', ...rest] = key.split('+');
  return `${rest.join('+')} (${name})`;
};

const answerUnknown = ({ unknown }: Report, texts: ReportTexts): Answer => {
  const { unknown: words } = texts.front;
  return {
    texts: [sentence([words.always, unknown.length === 0 ? undefined : words.also])],
    items: unknown.map((one) => frontText(`${unknownText(one, texts)}.`, 1, WIDTH - BULLET_WIDTH)),
    section: 'records',
  };
};

/** Codes whose number is a length. */
const LENGTHS: ReadonlySet<string> = new Set(['no-evidence', 'unproven', 'clock-back', 'clock-forward']);

/** What is not known, in words. */
export const unknownText = ({ code, values }: Report['unknown'][number], texts: ReportTexts): string => {
  const words = values.map((value) =>
    typeof value === 'string'
      ? secondsText(value)
      : LENGTHS.has(code)
        ? durationText(roundDuration(value), texts)
        : numberText(value, texts),
  );
  return texts.front.unknowns[code]?.(...words) ?? code;
};
