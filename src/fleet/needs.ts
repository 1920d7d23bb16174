// What of a resolver needs a person: one judgement for the command, the control room and what either shows first.
//
// Alerts judge the same by metrics, with times that a night's watch can live with; these bounds are for somebody who looks.
import type { FleetNeedKind } from '../words/words.ts';
import type { FleetNeed, ResolverStatus } from './status.ts';

/** A resolver says how it is every ten seconds; when six of them are missing, nobody knows. Seconds. */
const HEARD_SEC_MAX = 60;
/** Exemptions begin and end by each clock, milliseconds. */
const OFFSET_MS_MAX = 1_000;
/** Records that wait for a collector: some minutes of a busy resolver. */
const UNCONFIRMED_MAX = 10_000;
/** In force, or by decision out of scope: the words of enforcement in which nothing is to do. */
const AS_DECIDED = new Set(['enforced', 'out-of-scope']);

/** A resolver without what is judged of it. */
export type HeardResolver = Omit<ResolverStatus, 'needs'>;

/** What needs a person; nothing of a resolver that was removed. */
export const needsOfResolver = (resolver: HeardResolver): FleetNeed[] => {
  const { removed, heard, heardSec, enforcement, state, probe, isForked, stopped, isSuspended } = resolver;
  const { cutOffSince, offsetMs, refused, alarms, records, confirmed, role } = resolver;
  const needs: FleetNeed[] = [];
  const add = (kind: FleetNeedKind, more: Partial<FleetNeed> = {}): void => {
    needs.push({ kind, since: null, count: null, text: '', ...more });
  };
  if (removed !== null) return needs;
  if (heardSec === null || heardSec > HEARD_SEC_MAX) add('unheard', { since: heard });
  if (heardSec === null) return needs;
  if (probe !== null && probe.leakedNames > 0)
    add('leaking', { since: probe.ended, count: probe.leakedNames, text: probe.examples[0] ?? '' });
  if (enforcement !== null && !AS_DECIDED.has(enforcement)) add('not-in-force', { text: state ?? '' });
  if (isForked) add('forked');
  if (resolver.isReplaced) add('replaced');
  if (stopped !== null) add('stopped', { count: stopped });
  if (isSuspended) add('suspended');
  if (cutOffSince !== null) add('cut-off', { since: cutOffSince });
  for (const { number, subject, code, reason } of refused)
    add('refused-entry', {
      count: number,
      text: `${subject === undefined ? '' : `${subject}: `}${reason} [${code}]`,
    });
  if (resolver.isKeeping === false) add('keeps-nothing', { text: state ?? '' });
  for (const [alarm, count] of Object.entries(alarms)) add('evidence-refused', { count, text: alarm });
  if (offsetMs !== null && Math.abs(offsetMs) > OFFSET_MS_MAX) add('clock', { count: offsetMs });
  const waiting =
    records === null || confirmed === null
      ? 0
      : records.queries + records.changes - confirmed.queries - confirmed.changes;
  if (role !== 'collector' && waiting > UNCONFIRMED_MAX) add('unconfirmed', { count: waiting });
  return needs;
};

/** Who needs somebody first: the unheard, the longest first; then the others with needs; the removed last. */
export const byUrgency = (a: ResolverStatus, b: ResolverStatus): number =>
  rankOf(a) - rankOf(b) ||
  (isUnheard(a) && isUnheard(b) ? (b.heardSec ?? LONGEST_SEC) - (a.heardSec ?? LONGEST_SEC) : 0) ||
  a.name.localeCompare(b.name, 'en', { numeric: true });

/** Never heard is unheard for longer than anything. */
const LONGEST_SEC = Number.MAX_SAFE_INTEGER;

const isUnheard = ({ needs }: ResolverStatus): boolean => needs[0]?.kind === 'unheard';

const rankOf = (resolver: ResolverStatus): number => {
  if (resolver.removed !== null) return 3;
  const [first] = resolver.needs;
  if (first === undefined) return 2;
  return first.kind === 'unheard' ? 0 : 1;
};
