// Whether what a resolver says of itself is believed: signed by its key, and not heard before.
//
// What a version before signatures says is known to be that and counts for nothing: it is asked as a hint where to look for
// policy, which proves itself. Who signed once is never believed without a signature again.
import type { Clock } from '../base/base.ts';
import type { Membership } from './membership.ts';
import { type Presence, parsePresence } from './presence.ts';
import { isStampedBy, type LastSequences, type Stamp } from './signed-message.ts';
import { COLLECTOR_NAME } from './subjects.ts';

/** A presence, and what is made of it. */
export type JudgedPresence =
  | { readonly kind: 'signed'; readonly presence: Presence }
  /** Of a version that does not sign, or of a resolver that this log of policy does not know (yet). */
  | { readonly kind: 'older' | 'unknown'; readonly presence: Presence }
  | {
      readonly kind: 'refused';
      readonly alarm: 'forged-presence' | 'replayed';
      readonly name: string;
      readonly reason: string;
      /** Its key signed it, under a number that is used up: when it says that it was said. */
      readonly signedTime?: string;
    };

type RefusedPresence = Extract<JudgedPresence, { kind: 'refused' }>;

/** Judges presences against the membership. */
export class PresenceCheck {
  readonly #membership: Membership;
  readonly #sequences: LastSequences;
  readonly #clock: Clock;

  constructor(membership: Membership, sequences: LastSequences, clock: Clock) {
    this.#membership = membership;
    this.#sequences = sequences;
    this.#clock = clock;
  }

  /** Judges a presence. `isStored`: the engine kept it, so that it may be the last one that was heard. */
  judge(bytes: Uint8Array, subject: string, stamp: Stamp | undefined, isStored: boolean): JudgedPresence {
    const name = subject.split('.').at(-1) ?? '';
    const refused = (alarm: 'forged-presence' | 'replayed', reason: string): RefusedPresence => ({
      ...{ kind: 'refused', alarm, name, reason },
    });
    const parsed = parsePresence(bytes, name);
    if (parsed === undefined) return refused('forged-presence', 'it has another form');
    const sender = this.#senderOf(name);
    if (sender === undefined || sender.enrolment !== parsed.enrolment)
      return { kind: name === COLLECTOR_NAME ? 'older' : 'unknown', presence: parsed };
    // What it is stands in the log of policy.
    const presence = { ...parsed, role: sender.role };
    const id = `${PRESENCE}${name} ${sender.key}`;
    const last = this.#sequences.last(id);
    if (stamp === undefined) {
      if (last === 0) return { kind: 'older', presence };
      return refused('forged-presence', 'it is not signed, and what this resolver said before was');
    }
    if (!isStampedBy(subject, bytes, stamp, this.#membership.keysOf(name, this.#clock())))
      return refused('forged-presence', 'its key did not sign it');
    if (isStored ? stamp.sequence < last : stamp.sequence <= last)
      return {
        ...refused('replayed', `number ${stamp.sequence} was heard before, the last is ${last}`),
        signedTime: presence.time,
      };
    this.#sequences.note(id, stamp.sequence);
    return { kind: 'signed', presence };
  }

  #senderOf(
    name: string,
  ): { readonly key: string; readonly enrolment: number; readonly role: Presence['role'] } | undefined {
    const member = this.#membership.find(name);
    if (member !== undefined && member.until === undefined) {
      const { key, enrolment, isAuthority } = member;
      return { key, enrolment, role: isAuthority ? 'authority' : 'node' };
    }
    const { collector } = this.#membership;
    return collector?.name === name ? { key: collector.key, enrolment: 1, role: 'collector' } : undefined;
  }
}

/** Begins what the sequence of a resolver's presences is kept under; its name and key follow. */
const PRESENCE = 'presence ';

/** True when another resolver than this one was ever heard. */
export const knowsOthers = (sequences: LastSequences, name: string): boolean => {
  for (const sender of sequences.senders) {
    const [kind, other] = sender.split(' ');
    if (`${kind} ` === PRESENCE && other !== name && other !== COLLECTOR_NAME) return true;
  }
  return false;
};
