// What a person has to look at, the most urgent first: each as a code with the values of its sentence.
import { DAY_MS, HOUR_MS } from '../../base/base.ts';
import { TOLD_BEFORE_MS } from '../exemptions/exemptions.ts';
import type {
  Attention,
  DutyEntry,
  ExemptionSection,
  Gap,
  ListSection,
  PreviousPeriod,
  ProbeSection,
  SignalSection,
  Total,
  Verdict,
} from './model.ts';
import type { IntegritySection } from './records-model.ts';

/** How far ahead dates are told: a month is what a decision takes. */
const AHEAD_MS = 31 * DAY_MS;
/** A held content waits for a person; a day is a week-end's end and more. */
const HELD_MS_MAX = DAY_MS;
/** Without a proof of a view; sweeps come each day. */
const UNPROVEN_MS_MAX = 25 * HOUR_MS;
/** A sign that grew by half, and by more than chance. */
const SIGNAL_GROWTH_MIN = 1.5;
const SIGNAL_RISE_MIN = 50;
/** Of one kind; the sections have all. */
const SAME_MAX = 5;

/** What attention follows from. */
export interface AttentionFacts {
  readonly untilMs: number;
  readonly integrity: IntegritySection;
  readonly verdict: Verdict;
  readonly gaps: readonly Gap[];
  readonly noEvidenceMs: number;
  readonly leaks: readonly { readonly view: string; readonly from: string }[];
  readonly probes: ProbeSection;
  readonly lists: readonly ListSection[];
  readonly duties: readonly DutyEntry[];
  readonly exemptions: readonly ExemptionSection[];
  readonly signals: SignalSection;
  readonly previous: PreviousPeriod | null;
  readonly dropped: number;
  readonly reidentified: number;
}

/** All of it. */
export const toAttention = (facts: AttentionFacts): Attention[] => {
  const { integrity, verdict, gaps, noEvidenceMs, leaks, probes, dropped, reidentified } = facts;
  const found: Attention[] = [];
  const add = (code: string, ...values: (string | number)[]): void => {
    if (found.filter((one) => one.code === code).length < SAME_MAX) found.push({ code, values });
  };
  if (!integrity.isIntact) add('damaged', integrity.findings.length);
  for (const { view, from } of leaks) add('leak', view, from);
  for (const { number, from, causes } of gaps) if (causes.includes('crash')) add('unclean-end', number, from);
  if (noEvidenceMs > 0) add('no-evidence', noEvidenceMs);
  if (verdict.reasons.includes('no-probe')) add('no-probe');
  else if (probes.longestGapMs !== null && probes.longestGapMs > UNPROVEN_MS_MAX)
    add('unproven-long', probes.longestGapMs);
  if (dropped > 0) add('dropped', dropped);
  lookAtLists(facts, add);
  lookAtDuties(facts, add);
  lookAtExemptions(facts, add);
  lookAtSignals(facts, add);
  if (reidentified > 0) add('reidentified', reidentified);
  return found;
};

type Add = (code: string, ...values: (string | number)[]) => void;

/** How a mandate stands about which nobody has decided, or not since it stands so; undefined: nothing is open. */
const openStanding = (decision: object | null): 'disputed' | 'superseded' | 'repealed' | undefined => {
  const { mandate, decided } = (decision ?? {}) as {
    readonly mandate?: { readonly standing?: unknown };
    readonly decided?: { readonly of?: unknown };
  };
  const standing = mandate?.standing;
  if (standing === decided?.of) return undefined;
  return standing === 'disputed' || standing === 'superseded' || standing === 'repealed'
    ? standing
    : undefined;
};

const lookAtLists = ({ lists, untilMs }: AttentionFacts, add: Add): void => {
  const mandates = lists.filter(({ mandate }) => mandate);
  if (mandates.length === 0) add('no-mandate');
  for (const { list, mandate, decision, versions } of lists) {
    for (const [member, day] of Object.entries(decision ?? {})) {
      const dueMs = member === 'review' || member === 'ends' ? Date.parse(String(day)) : Number.NaN;
      if (dueMs < untilMs) add('decision-passed', list, String(day));
      else if (dueMs < untilMs + AHEAD_MS) add('decision-due', list, String(day));
    }
    const standing = openStanding(decision);
    if (standing !== undefined) add(`mandate-${standing}`, list);
    const due = versions.at(-1)?.reviewDue;
    if (mandate && due !== undefined && due !== null && Date.parse(due) < untilMs)
      add('list-overdue', list, due);
  }
  const undecided = mandates.filter(({ decision }) => decision === null);
  if (undecided.length > 0) add('no-decision', undecided.map(({ list }) => list).join(', '));
  for (const one of lists) lookAtHeld(one, untilMs, add);
};

/** Reviews are told with the decisions. */
const lookAtDuties = ({ duties, untilMs }: AttentionFacts, add: Add): void => {
  for (const { mandate, kind, text, due, state } of duties) {
    if (kind === 'review' || due === null) continue;
    if (state === 'overdue' || state === 'dropped') add(`duty-${state}`, mandate, kind, text, due);
    else if (state === 'due' && Date.parse(due) - TOLD_BEFORE_MS <= untilMs)
      add('duty-due', mandate, kind, text, due);
  }
};

const DECIDED: ReadonlySet<string> = new Set(['accepted', 'dismissed']);

const lookAtHeld = ({ list, events }: ListSection, untilMs: number, add: Add): void => {
  let since: string | undefined;
  for (const { event, time } of events) {
    if (event === 'held') since ??= time;
    if (!DECIDED.has(event) || since === undefined) continue;
    const ms = Date.parse(time) - Date.parse(since);
    if (ms > HELD_MS_MAX) add('held-long', list, ms);
    since = undefined;
  }
  if (since !== undefined && untilMs - Date.parse(since) > HELD_MS_MAX) add('held-open', list, since);
};

const lookAtExemptions = ({ exemptions, untilMs }: AttentionFacts, add: Add): void => {
  for (const { id, paper, active } of exemptions) {
    const last = active.at(-1);
    const endMs = last?.isOver === false ? Date.parse(last.until) : Number.NaN;
    if (endMs < untilMs + AHEAD_MS) add('exemption-ends', id, last?.until ?? '');
    const { clients, devices, groups } = paper as Readonly<Record<string, unknown>>;
    const isWide = [clients, devices].every((some) => !Array.isArray(some) || some.length === 0);
    if (active.length > 0 && isWide && Array.isArray(groups) && groups.length > 0) add('exemption-wide', id);
  }
};

const lookAtSignals = ({ signals, previous }: AttentionFacts, add: Add): void => {
  if (previous === null) return;
  const before = new Map(previous.bySignalAndGroup.map(({ name, count }) => [name, count]));
  for (const { name, count } of signalsByGroup(signals)) {
    const earlier = before.get(name) ?? 0;
    if (count < earlier * SIGNAL_GROWTH_MIN || count - earlier < SIGNAL_RISE_MIN) continue;
    const [signal = '', group = ''] = name.split(' ');
    add('signal-rose', signal, group, earlier, count);
  }
};

/** Signs by `SIGN GROUP`, the most first. */
export const signalsByGroup = ({ rows }: SignalSection): Total[] => {
  const sums = new Map<string, number>();
  for (const { signal, group, count } of rows) {
    const name = `${signal} ${group}`;
    sums.set(name, (sums.get(name) ?? 0) + count);
  }
  return [...sums]
    .map(([name, count]) => ({ name, count }))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
};
