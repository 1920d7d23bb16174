// What is known of one resolver, put together: what it said of itself, what the log of policy says of it, what its probe was
// answered, and what of all that needs a person.
import type { ProbeResult } from './fleet-probe.ts';
import type { Member, Membership } from './membership.ts';
import { needsOfResolver, type ResolverFacts } from './needs.ts';
import type { Presence } from './presence.ts';
import type { LastContact } from './presence-table.ts';
import type { ProbeAsker } from './probe-asker.ts';
import type { FleetMatrix, FleetNeed, ProbeSummary, ResolverStatus } from './status.ts';
import { COLLECTOR_NAME } from './subjects.ts';

/** What the rows are made of. */
export interface RowFacts {
  /** What this resolver says of itself. */
  readonly own: Presence;
  /** By the monotonic clock. */
  readonly nowMs: number;
  /** Of the last entry of policy. */
  readonly number: number;
  readonly membership: Membership;
  /** Of an authority; undefined on a node, which knows itself only. */
  readonly contacts: ReadonlyMap<string, LastContact> | undefined;
  readonly resultOf: (name: string) => ProbeResult | undefined;
  /** Two programs speak with its key. */
  readonly isTwice?: (name: string) => boolean;
  /** Things of which somebody has something else in force than was signed. */
  readonly differing: (presence: Presence) => readonly string[];
}

/** Every resolver that ever was in the fleet, and the collector; this one first. */
export const resolverRows = (facts: RowFacts): ResolverStatus[] => {
  const { own, nowMs, number, membership, contacts, resultOf } = facts;
  const rows = [toResolverStatus(own, own.name, number, 0, undefined, resultOf(own.name), facts)];
  if (contacts === undefined) return rows;
  const names = new Set(membership.members.map(({ name }) => name));
  if (contacts.has(COLLECTOR_NAME)) names.add(COLLECTOR_NAME);
  names.delete(own.name);
  for (const name of [...names].sort()) {
    const known = contacts.get(name);
    const member = membership.find(name);
    if (known?.isSigned === false)
      rows.push(toOlderStatus(known.presence, name, number, member, resultOf(name)));
    else
      rows.push(
        toResolverStatus(
          known?.presence,
          name,
          number,
          known && nowMs - known.atMs,
          member,
          resultOf(name),
          facts,
        ),
      );
  }
  return rows;
};

/** Of a version that does not sign what it says: it counts for nothing, and that it is older needs a person. */
const toOlderStatus = (
  { version }: Presence,
  name: string,
  number: number,
  member: Member | undefined,
  probe: ProbeResult | undefined,
): ResolverStatus => {
  const status = toResolverStatus(undefined, name, number, undefined, member, probe, { differing: () => [] });
  const older: FleetNeed = { kind: 'older', since: null, count: null, text: version };
  return { ...status, needs: status.removed === null ? [older] : [] };
};

/** The status of a resolver. `number` is the last entry of policy, `agoMs` how long ago it was heard. */
const toResolverStatus = (
  presence: Presence | undefined,
  name: string,
  number: number,
  agoMs: number | undefined,
  member: Member | undefined,
  probe: ProbeResult | undefined,
  { differing, isTwice }: Pick<RowFacts, 'differing' | 'isTwice'>,
): ResolverStatus => {
  const row: ResolverFacts = {
    name,
    site: presence?.site ?? member?.site ?? null,
    role: presence?.role ?? (name === COLLECTOR_NAME ? 'collector' : 'node'),
    enrolment: member?.enrolment ?? presence?.enrolment ?? 1,
    removed: member?.until ?? null,
    heard: presence?.time ?? null,
    heardSec: agoMs === undefined ? null : Math.round(agoMs / 1_000),
    version: presence?.version ?? null,
    generation: presence?.generation ?? null,
    state: presence?.state ?? null,
    enforcement: presence?.enforcement ?? null,
    offsetMs: presence?.offsetMs ?? null,
    policy: presence?.policy.number ?? null,
    behind: presence === undefined ? null : Math.max(0, number - presence.policy.number),
    cutOffSince: presence?.cutOffSince ?? null,
    isSuspended: presence?.isSuspended ?? false,
    suspendAfterMs: presence?.suspendAfterMs ?? null,
    isForked: presence?.isForked ?? false,
    isReplaced: presence?.isReplaced ?? false,
    stopped: presence?.stopped?.number ?? null,
    refused: (presence?.refused ?? []).map(({ number: at, subject, code, reason }) => ({
      number: at,
      subject,
      code,
      reason,
    })),
    lists: presence?.lists ?? {},
    records: presence?.records ?? null,
    confirmed: presence?.confirmed ?? null,
    isKeeping: presence?.isKeeping ?? null,
    alarms: presence?.alarms ?? {},
    foreign: (presence?.foreign ?? []).map(({ id, subject, text, since }) => ({ id, subject, text, since })),
    probe: probe === undefined ? null : summaryOf(probe),
  };
  const others = presence === undefined || presence.role === 'collector' ? [] : differing(presence);
  return { ...row, needs: needsOfResolver(row, others, isTwice?.(name)) };
};

const summaryOf = ({ name: _, results: __, ...summary }: ProbeResult): ProbeSummary => summary;

/** What the probe of each resolver was answered: of those that are in the fleet and refuse names. On a node nobody is asked. */
export const matrixOf = (rows: readonly ResolverStatus[], asker: ProbeAsker | undefined): FleetMatrix => ({
  asked: asker?.asked ?? null,
  resolvers: rows
    .filter(({ removed, role }) => removed === null && role !== 'collector')
    .map(({ name, site }) => ({ name, site, probe: asker?.resultOf(name) ?? null })),
});
