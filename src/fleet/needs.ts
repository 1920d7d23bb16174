// What of a resolver of a fleet needs a person, and what of this one: one judgement for commands, control room, metrics and alerts.
import type { FleetNeedKind, FoundIssue } from '../base/words/words.ts';
import type { FleetFacts, FleetNeed, ResolverStatus } from './status.ts';

/** A resolver says how it is every ten seconds; when six of them are missing, nobody knows. Seconds. */
const CONTACT_SEC_MAX = 60;
/** Exemptions begin and end by each clock, milliseconds. */
const OFFSET_MS_MAX = 1_000;
/** Records that wait for a collector: some minutes of a busy resolver. */
const UNCONFIRMED_MAX = 10_000;
/** In force, or by decision out of scope: the words of enforcement in which nothing is to do. */
const AS_DECIDED = new Set(['enforced', 'out-of-scope']);

/** A resolver without what is judged of it. */
export type ResolverFacts = Omit<ResolverStatus, 'needs'>;

/** Whether nobody knows how a resolver is that was heard so long ago, seconds; null: never. */
export const isSilence = (heardSec: number | null): boolean =>
  heardSec === null || heardSec > CONTACT_SEC_MAX;

/** What needs a person; nothing of a resolver that was removed. `differing`: of what was signed it has something else in force; `isTwice`: two programs speak with its key. */
export const needsOfResolver = (
  resolver: ResolverFacts,
  differing: readonly string[] = [],
  isTwice = false,
): FleetNeed[] => {
  const { removed, heard, heardSec, enforcement, state, probe, isForked, stopped, isSuspended } = resolver;
  const { cutOffSince, offsetMs, refused, alarms, records, confirmed, role } = resolver;
  const needs: FleetNeed[] = [];
  const add = (kind: FleetNeedKind, more: Partial<FleetNeed> = {}): void => {
    needs.push({ kind, since: null, count: null, text: '', ...more });
  };
  if (removed !== null) return needs;
  if (isSilence(heardSec)) add('unheard', { since: heard });
  if (heardSec === null) return needs;
  if (probe !== null && probe.leakedNames > 0)
    add('leaking', { since: probe.ended, count: probe.leakedNames, text: probe.examples[0] ?? '' });
  if (enforcement !== null && !AS_DECIDED.has(enforcement)) add('not-in-force', { text: state ?? '' });
  if (isForked) add('forked');
  if (resolver.isReplaced) add('replaced');
  if (isTwice) add('twice');
  if (stopped !== null) add('stopped', { count: stopped });
  if (isSuspended) add('suspended');
  if (cutOffSince !== null) add('cut-off', { since: cutOffSince });
  for (const { number, subject, code, reason } of refused)
    add('refused-entry', {
      count: number,
      text: `${subject === undefined ? '' : `${subject}: `}${reason} [${code}]`,
    });
  if (differing.length > 0) add('other-content', { text: differing.join(', ') });
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

/** What is wrong with the part of this resolver in its fleet; at the authority, with each other resolver as well. */
export const fleetIssues = (facts: FleetFacts): FoundIssue[] => {
  const found: FoundIssue[] = [];
  const add = (id: FoundIssue['id'], text: string, subject = '', sinceMs?: number): void => {
    found.push({ id, subject, text, sinceMs });
  };
  const { isConnected, isCutOff, isSuspended, offsetMs = 0, unconfirmed, resolvers, setAside } = facts;
  if (isSuspended)
    add('exemptions-suspended', 'no exemption holds: the authority of the fleet was not heard for too long');
  if (isCutOff || facts.isForked) add('fleet-cut-off', cutOffText(facts));
  if (setAside !== undefined)
    add(
      'fleet-forged',
      `${setAside.count} messages of the engine were set aside, the last one because: ${setAside.reason}`,
      '',
      setAside.sinceMs,
    );
  for (const { number, subject = '', code, reason } of facts.refused)
    add('fleet-refused', `entry ${number} does not hold here: ${reason} [${code}]`, subject);
  for (const subject of facts.differing)
    add('fleet-refused', `what is in force of ${subject} is not what the authority signed`, subject);
  for (const id of facts.lateLists)
    add('list-missing', `the content of ${id} that the authority gave is not in force here`, id);
  if (!isConnected) add('fleet-disconnected', 'the engine of the fleet is not reached');
  else if (facts.engineTrouble !== undefined)
    add(
      'fleet-engine',
      `the engine of the fleet is reached and takes nothing: ${facts.engineTrouble.text}`,
      '',
      facts.engineTrouble.sinceMs,
    );
  for (const { server, untilMs } of facts.engineEnds) {
    const until = new Date(untilMs).toISOString();
    add('fleet-certificate-ends', `a certificate of the engine at ${server} ends at ${until}`, server);
  }
  if (Math.abs(offsetMs) > OFFSET_MS_MAX)
    add('fleet-clock', `the clock differs by ${offsetMs / 1_000} s from that of the authority`);
  for (const [chain, count] of unconfirmed)
    if (count > UNCONFIRMED_MAX)
      add('fleet-unconfirmed', `${count} records of ${chain} wait for a collector`, chain);
  for (const { name, heard, needs, foreign } of resolvers) {
    const [first] = needs;
    // Of a collector that is not heard nobody knows more than that.
    for (const { id, subject, text, since } of first?.kind === 'unheard' ? [] : foreign)
      if (id === 'foreign-leaking' || id === 'foreign-unseen') add(id, text, subject, Date.parse(since));
    if (first?.kind === 'unheard')
      add('resolver-unheard', `${name} is not heard`, name, heard === null ? undefined : Date.parse(heard));
    else if (first !== undefined)
      add(
        'resolver-trouble',
        `${first.kind}${first.text === '' ? '' : `: ${first.text}`}`,
        name,
        first.since === null ? undefined : Date.parse(first.since),
      );
  }
  return found;
};

const cutOffText = ({ isForked, behind }: FleetFacts): string => {
  if (isForked) return 'there are two logs of policy: no new decision is taken here';
  if (behind === 0) return 'the authority of the fleet is not heard: no new decision arrives';
  return `${behind} entries that the authority decided do not arrive`;
};

/** Who needs somebody first: the unheard, the longest first; then the others with needs; the removed last. */
export const byUrgency = (a: ResolverStatus, b: ResolverStatus): number =>
  rankOf(a) - rankOf(b) ||
  (isSilent(a) && isSilent(b) ? (b.heardSec ?? LONGEST_SEC) - (a.heardSec ?? LONGEST_SEC) : 0) ||
  a.name.localeCompare(b.name, 'en', { numeric: true });

/** Never heard is unheard for longer than anything. */
const LONGEST_SEC = Number.MAX_SAFE_INTEGER;

const isSilent = ({ needs }: ResolverStatus): boolean => needs[0]?.kind === 'unheard';

const rankOf = (resolver: ResolverStatus): number => {
  if (resolver.removed !== null) return 3;
  const [first] = resolver.needs;
  if (first === undefined) return 2;
  return first.kind === 'unheard' ? 0 : 1;
};
