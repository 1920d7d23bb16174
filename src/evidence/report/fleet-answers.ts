// The eight questions of page one for one directory of a fleet's records: what a report of that resolver alone would answer.
import { isAppError } from '../../base/base.ts';
import { buildReport } from './build.ts';
import type { EvidenceSource } from './evidence.ts';
import type { Attention, EnforcementState, FeedSection, Note, Report, VerdictAnswer } from './model.ts';

/** An exemption that was in force. */
export interface FleetExemption {
  readonly id: string;
  readonly requestedBy: string | null;
  readonly approvedBy: string | null;
  readonly grounds: string | null;
  readonly from: string;
  readonly plannedEnd: string | null;
  /** Null: it went on when the period ended. */
  readonly realEnd: string | null;
  readonly hits: number;
}

/** What one directory answers. Plain data. */
export interface FleetAnswers {
  readonly label: string;
  readonly verdict: VerdictAnswer;
  readonly ms: Readonly<Record<EnforcementState, number>>;
  readonly gaps: number;
  readonly longestGap: { readonly from: string; readonly ms: number } | null;
  /** Authority and reference of each decision, and lists that have none. */
  readonly decisions: readonly string[];
  readonly undecided: readonly string[];
  /** As they were in force last. */
  readonly lists: readonly {
    readonly list: string;
    readonly mandate: boolean;
    readonly sha256: string | null;
    readonly since: string;
    readonly reviewDue: string | null;
  }[];
  /** How each feed was when the period ended, without what changed within it; empty: no record tells. */
  readonly feeds: readonly Omit<FeedSection, 'events' | 'time'>[];
  readonly exemptions: readonly FleetExemption[];
  /** How long they held at most where the authority was not heard, milliseconds; null: to their own ends; absent: no record tells. */
  readonly exemptionBoundMs?: number | null;
  /** By mandate lists. */
  readonly refusals: number;
  readonly isLowerBound: boolean;
  readonly questions: number;
  readonly leaks: number;
  readonly signedUntil: string | null;
  readonly keyId: string | null;
  readonly unknown: readonly Attention[];
}

/** Undefined where no record is of the period. */
export const answerOf = async (
  source: EvidenceSource,
  label: string,
  fromMs: number,
  untilMs: number,
): Promise<FleetAnswers | undefined> => {
  let report: Report;
  try {
    report = await buildReport(source, { fromMs, untilMs });
  } catch (thrown) {
    if (isAppError(thrown) && thrown.code === 'ERR_COMPLIANCE_REPORT_PERIOD') return undefined;
    throw thrown;
  }
  const { verdict, enforcement, gaps, lists, feeds, exemptions, exemptionBound, attempts, signing, unknown } =
    report;
  const longest = gaps.reduce<Report['gaps'][number] | undefined>(
    (found, gap) => (found === undefined || gap.ms > found.ms ? gap : found),
    undefined,
  );
  const mandates = lists.filter(({ mandate }) => mandate);
  return {
    label,
    verdict: verdict.answer,
    ms: enforcement.ms,
    gaps: gaps.length,
    longestGap: longest === undefined ? null : { from: longest.from, ms: longest.ms },
    decisions: [
      ...new Set(mandates.flatMap(({ decision }) => (decision === null ? [] : [nameOf(decision)]))),
    ],
    undecided: mandates.filter(({ decision }) => decision === null).map(({ list }) => list),
    feeds: feeds.map(({ events: _, time: __, ...feed }) => feed),
    lists: lists.flatMap(({ list, mandate, versions }) => {
      const last = versions.at(-1);
      return last === undefined
        ? []
        : [{ list, mandate, sha256: last.sha256, since: last.since, reviewDue: last.reviewDue }];
    }),
    exemptions: exemptions.filter(({ active }) => active.length > 0).map(toExemption),
    ...(exemptionBound && { exemptionBoundMs: boundMs(exemptionBound) }),
    refusals: attempts.byPurpose.mandate,
    isLowerBound: attempts.isLowerBound,
    questions: verdict.questions,
    leaks: verdict.leaks,
    signedUntil: signing.signedUntil,
    keyId: source.heads.at(-1)?.keyId ?? null,
    unknown,
  };
};

/** The note has a time where there is a bound. */
const boundMs = ({ values: [ms] }: Note): number | null => (typeof ms === 'number' ? ms : null);

const nameOf = (decision: object): string => {
  const { authority, reference } = decision as Readonly<Record<string, unknown>>;
  return [authority, reference].filter((part) => typeof part === 'string').join(', ');
};

const toExemption = ({ id, paper, active, hits }: Report['exemptions'][number]): FleetExemption => {
  const member = (name: string): string | null => {
    const value = (paper as Readonly<Record<string, unknown>>)[name];
    return typeof value === 'string' ? value : null;
  };
  const last = active.at(-1);
  return {
    id,
    requestedBy: member('requestedBy'),
    approvedBy: member('approvedBy'),
    grounds: member('grounds'),
    from: active[0]?.from ?? '',
    plannedEnd: member('until'),
    realEnd: last?.isOver === true ? last.until : null,
    hits,
  };
};
