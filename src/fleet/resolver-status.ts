// What is known of one resolver, put together: what it said of itself, what the log of policy says of it, what its probe was
// answered, and what of all that needs a person.
import type { ProbeResult } from './fleet-probe.ts';
import { type HeardResolver, needsOfResolver } from './needs.ts';
import type { Presence } from './presence.ts';
import type { Member } from './roll.ts';
import type { ProbeSummary, ResolverStatus } from './status.ts';

/** The status of a resolver. `number` is the last entry of policy, `agoMs` how long ago it was heard. */
export const toResolverStatus = (
  presence: Presence | undefined,
  name: string,
  number: number,
  agoMs: number | undefined,
  member: Member | undefined,
  probe: ProbeResult | undefined,
): ResolverStatus => {
  const heard: HeardResolver = {
    name,
    site: presence?.site ?? member?.site ?? null,
    role: presence?.role ?? 'node',
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
    probe: probe === undefined ? null : summaryOf(probe),
  };
  return { ...heard, needs: needsOfResolver(heard) };
};

const summaryOf = ({ name: _, results: __, ...summary }: ProbeResult): ProbeSummary => summary;
