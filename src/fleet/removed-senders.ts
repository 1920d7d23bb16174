// What resolvers had under way when they were removed: it is refused as all that they send from then on, and is no alarm.
//
// Nothing is kept of it, so that whoever has a stolen key gains nothing by it, and whoever has the engine as well, who tells the
// time, hides at most that the key still sends.
import type { FleetLog } from './acts.ts';
import type { EvidenceMessage } from './bus.ts';
import { isEvidenceSignedBy } from './evidence-message.ts';
import type { Member, Membership } from './membership.ts';

/**
 * What the engine got until so long behind a removal may have been under way, milliseconds: it is told four times meanwhile to let
 * the resolver in no more (engine-delivery.ts), and what comes later was sent by one that still is let in.
 */
const UNDER_WAY_MS = 60_000;

/** Resolvers that were removed, for a collector. */
export class RemovedSenders {
  readonly #membership: Membership;
  readonly #log: FleetLog;
  /** The last removal of each name of which something was under way. */
  readonly #told = new Map<string, string>();

  constructor(membership: Membership, log: FleetLog) {
    this.#membership = membership;
    this.#log = log;
  }

  /** Whether the machine that was removed last under a member's name sent this before the engine let it in no more. Told once. */
  hadUnderWay(member: Member, { subject, bytes, signature, storedMs }: EvidenceMessage): boolean {
    const { name, removed } = member;
    const key = this.#membership.removedKeyOf(member);
    if (removed === undefined || key === undefined) return false;
    const isInTime = storedMs <= Date.parse(removed.time) + UNDER_WAY_MS;
    if (!isInTime || !isEvidenceSignedBy(subject, bytes, signature, key)) return false;
    if (this.#told.get(name) !== removed.time)
      this.#log.info({ node: name }, 'collector: what was under way when a resolver was removed is not kept');
    this.#told.set(name, removed.time);
    return true;
  }
}
