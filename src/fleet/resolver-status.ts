// What is known of one resolver, put together: what it said of itself, what the log of policy says of it, what its probe was
// answered, and what of all that needs a person.
import type { ProbeResult } from './fleet-probe.ts';
import type { Member, Membership } from './membership.ts';
import { isSilence, needsOfResolver, type ResolverFacts } from './needs.ts';
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

/** A row, and what it was made of. */
interface KnownRow {
  readonly contact: LastContact | undefined;
  readonly member: Member | undefined;
  readonly number: number;
  readonly probe: ProbeResult | undefined;
  readonly isTwice: boolean;
  readonly row: ResolverStatus;
}

/**
 * The rows of a fleet. Several ask for a thousand of them each second: one is made anew where something of it was heard or decided
 * since, or its silence becomes one that needs a person.
 */
export class ResolverRows {
  readonly #known = new Map<string, KnownRow>();

  /** Every resolver that ever was in the fleet, and the collector; this one first. */
  of(facts: RowFacts): ResolverStatus[] {
    const { own, number, membership, contacts, resultOf } = facts;
    const rows = [toResolverStatus(own, own.name, number, 0, undefined, resultOf(own.name), facts)];
    if (contacts === undefined) return rows;
    const names = new Set(membership.members.map(({ name }) => name));
    if (contacts.has(COLLECTOR_NAME)) names.add(COLLECTOR_NAME);
    names.delete(own.name);
    for (const name of [...names].sort()) rows.push(this.#rowOf(name, contacts.get(name), facts));
    return rows;
  }

  #rowOf(name: string, contact: LastContact | undefined, facts: RowFacts): ResolverStatus {
    const { nowMs, membership, resultOf } = facts;
    // Whoever was never heard lacks no entry: while many come, each is one, and the rows of all would be made anew for it.
    const number = contact === undefined ? 0 : facts.number;
    const member = membership.find(name);
    const probe = resultOf(name);
    const isTwice = facts.isTwice?.(name) === true;
    const known = this.#known.get(name);
    const isSame =
      known !== undefined &&
      known.contact === contact &&
      known.member === member &&
      known.number === number &&
      known.probe === probe &&
      known.isTwice === isTwice;
    const agoMs = contact && nowMs - contact.atMs;
    const row =
      (isSame && heardLater(known.row, agoMs)) || makeRow(name, contact, member, agoMs, probe, facts);
    this.#known.set(name, { contact, member, number, probe, isTwice, row });
    return row;
  }
}

/** The row of a resolver of which nothing is new but that time went by; undefined where that needs a person from now on. */
const heardLater = (row: ResolverStatus, agoMs: number | undefined): ResolverStatus | undefined => {
  const heardSec = row.heardSec === null || agoMs === undefined ? null : Math.round(agoMs / 1_000);
  if (heardSec === row.heardSec) return row;
  return isSilence(heardSec) === isSilence(row.heardSec) ? { ...row, heardSec } : undefined;
};

const makeRow = (
  name: string,
  contact: LastContact | undefined,
  member: Member | undefined,
  agoMs: number | undefined,
  probe: ProbeResult | undefined,
  facts: RowFacts,
): ResolverStatus =>
  contact?.isSigned === false
    ? toOlderStatus(contact.presence, name, facts.number, member, probe)
    : toResolverStatus(contact?.presence, name, facts.number, agoMs, member, probe, facts);

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
