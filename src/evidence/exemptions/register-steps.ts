// The steps of one exemption: what a grant makes of a paper, and what time makes of it.
//
// Pure: a paper and a time give steps, each with the paper as it then stands. A step says when something came true,
// which may be long before anybody could write it down.

import { DAY_MS } from '../../base/base.ts';
import { reasonText } from '../../base/words/words.ts';
import { formatExemption } from '../../policy/policy.ts';
import type { ExemptionRecord } from '../records/records.ts';
import type { ExemptionPaper } from './paper.ts';
import type { Approval, Draft, ExemptionTerms } from './terms.ts';

/** One step of one exemption, before it has happened. */
export interface Step {
  readonly event: ExemptionRecord['event'];
  /** As it stands after the step. */
  readonly paper: ExemptionPaper;
  readonly by?: string | undefined;
  readonly role?: string | undefined;
  readonly reason?: string | undefined;
}

/** A time as papers and records have it. */
export const toTime = (ms: number): string => new Date(ms).toISOString();

/** The paper of a request whose terms are whole. */
export const paperFrom = (
  terms: ExemptionTerms,
  about: Pick<ExemptionPaper, 'id' | 'origin' | 'profile' | 'requestedAt'>,
): ExemptionPaper => {
  const { devices, lists, names, schedule, renews } = terms;
  const { id, origin, profile, requestedAt } = about;
  return {
    ...{ id, state: 'requested', origin, profile },
    ...{ requestedBy: terms.requestedBy, requestedAt, grounds: terms.grounds },
    ...{ justification: terms.justification, alternatives: terms.alternatives },
    ...{ mitigations: [...terms.mitigations], groups: [...terms.groups], clients: [...terms.clients] },
    ...(devices === undefined ? {} : { devices: [...devices] }),
    ...(lists === undefined ? {} : { lists: [...lists] }),
    ...(names === undefined ? {} : { names: [...names] }),
    ...(schedule === undefined ? {} : { schedule }),
    ...{ from: toTime(terms.fromMs), until: toTime(terms.untilMs) },
    ...(renews === undefined ? {} : { renews: formatExemption(renews) }),
  };
};

/** The steps that grant a paper, and that put it in force when its time has begun. */
export const grantSteps = (
  paper: ExemptionPaper,
  { by, account, role, delegation }: Draft<Approval>,
  nowMs: number,
  profile: ExemptionPaper['profile'],
  reason?: string,
): Step[] => {
  const approved: ExemptionPaper = {
    ...paper,
    state: 'approved',
    profile,
    approvedAt: toTime(nowMs),
    ...(by === undefined ? {} : { approvedBy: by }),
    ...(account === undefined ? {} : { approverAccount: account }),
    ...(role === undefined ? {} : { role }),
    ...(delegation === undefined ? {} : { delegation }),
  };
  return [{ event: 'approved', paper: approved, by, role, reason }, ...dueSteps(approved, nowMs, [])];
};

/** What time has done to a paper and nobody has written down. */
export const dueSteps = (before: ExemptionPaper, nowMs: number, warnDays: readonly number[]): Step[] => {
  const fromMs = Date.parse(before.from);
  const untilMs = Date.parse(before.until);
  const isOver = nowMs >= untilMs;
  if (before.state === 'requested') {
    const paper: ExemptionPaper = { ...before, state: 'rejected', endedAt: before.until };
    return isOver ? [{ event: 'rejected', paper, reason: reasonText('nobody-decided') }] : [];
  }
  const steps: Step[] = [];
  let paper = before;
  if (paper.state === 'approved' && nowMs >= fromMs) {
    const activeAt = toTime(Math.max(fromMs, Date.parse(paper.approvedAt ?? paper.from)));
    paper = { ...paper, state: 'active', activeAt };
    steps.push({ event: 'active', paper });
  }
  if (paper.state !== 'active') return steps;
  if (isOver) {
    paper = { ...paper, state: 'expired', endedAt: paper.until };
    return [...steps, { event: 'expired', paper }];
  }
  const days = warningsOf(paper, warnDays).filter((before) => nowMs >= untilMs - before * DAY_MS);
  if (days.length === 0) return steps;
  const nearest = Math.min(...days);
  paper = { ...paper, warnedDays: nearest };
  const reason = reasonText(nearest === 1 ? 'ends-in-day' : 'ends-in-days', { count: nearest });
  return [...steps, { event: 'warned', paper, reason }];
};

/** Days before its end of which a paper has not been warned: none that would come with its beginning. */
const warningsOf = ({ from, until, warnedDays }: ExemptionPaper, warnDays: readonly number[]): number[] =>
  warnDays.filter(
    (days) =>
      days * DAY_MS < Date.parse(until) - Date.parse(from) && days < (warnedDays ?? Number.POSITIVE_INFINITY),
  );

/** When dueSteps() of a paper has something to say, milliseconds since the epoch. */
export const nextTimes = (paper: ExemptionPaper, warnDays: readonly number[]): number[] => {
  const untilMs = Date.parse(paper.until);
  if (paper.state === 'requested') return [untilMs];
  if (paper.state === 'approved') return [Date.parse(paper.from)];
  return [untilMs, ...warningsOf(paper, warnDays).map((days) => untilMs - days * DAY_MS)];
};
