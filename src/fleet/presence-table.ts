// What an authority hears of its resolvers: the last that each said of itself, and whether its key signed that.
//
// Nothing that one says moves a figure of another: its role is that of the log of policy, and what was refused as evidence is
// the word of the collector alone.
import type { FleetActs } from './acts.ts';
import type { FleetAlarm } from './alarms.ts';
import type { StoredMessage } from './bus.ts';
import { PUT_BACK } from './evidence-store.ts';
import { FairQueue } from './fair-queue.ts';
import type { Membership } from './membership.ts';
import { PRESENCE_BYTES_MAX, type Presence } from './presence.ts';
import { PresenceCheck } from './presence-check.ts';
import type { LastSequences, Stamp } from './signed-message.ts';

/** A presence that was made longer ago than this came late, milliseconds: they come every ten seconds. */
const LATE_MS = 30_000;
/** Between two records of presences of one name that are refused, milliseconds: a stolen key fills no disk. */
const REFUSED_MS = 60_000;
/** Alarms of the collector that are remembered, so that each is recorded once. */
const ALARMS_MAX = 1_000;
/** Names that are heard: twice the largest fleet. */
const PRESENCES_MAX = 4_096;
const NAME_SHOWN = 40;
/** A resolver that spoke with two voices is told of for so long behind the last time, milliseconds: each speaks every ten seconds. */
const TWICE_MS = 300_000;

/** A resolver as it was last heard. */
export interface LastContact {
  readonly presence: Presence;
  /** By the monotonic clock, milliseconds. */
  readonly atMs: number;
  /** Its key signed it; what nobody signed is no more than a hint where to look for policy. */
  readonly isSigned: boolean;
}

/** What it needs. */
export interface PresenceTableOptions {
  readonly membership: Membership;
  readonly sequences: LastSequences;
  readonly acts: FleetActs;
  readonly onAlarm: (alarm: FleetAlarm) => void;
}

/** Hears presences. */
export class PresenceTable {
  /** In which what comes waits for its turn. */
  readonly queue: FairQueue;
  readonly #options: PresenceTableOptions;
  readonly #check: PresenceCheck;
  readonly #contacts = new Map<string, LastContact>();
  readonly #alarms = new Set<string>();
  /** When a presence of a name was last recorded as refused, by the monotonic clock. */
  readonly #refusedMs = new Map<string, number>();
  /** When a resolver last spoke with two voices, by the monotonic clock. Only names of the log of policy come into it. */
  readonly #twiceMs = new Map<string, number>();
  /** By the clock: what was told before is on the record. */
  readonly #startedTimeMs: number;

  constructor(options: PresenceTableOptions) {
    const { membership, sequences, acts } = options;
    this.#options = options;
    this.#check = new PresenceCheck(membership, sequences, acts.clock);
    this.#startedTimeMs = acts.clock();
    this.queue = new FairQueue({
      lengthMax: PRESENCE_BYTES_MAX,
      onDropped: (subject) => this.#drop(subject),
    });
  }

  /**
   * Whether somebody else has the key and the state of a resolver: its key signed something newer than what was heard, under a number
   * that is used up. What the engine tells again is never newer.
   */
  isTwice(name: string): boolean {
    const atMs = this.#twiceMs.get(name) ?? Number.NEGATIVE_INFINITY;
    return this.#options.acts.monotonic() - atMs < TWICE_MS;
  }

  /** Resolvers as they were last heard, by name. */
  get all(): ReadonlyMap<string, LastContact> {
    return this.#contacts;
  }

  /** Takes a presence that comes live; undefined for one that is refused. */
  take(bytes: Uint8Array, subject: string, stamp: Stamp | undefined): Presence | undefined {
    const judged = this.#check.judge(bytes, subject, stamp, false);
    if (judged.kind === 'refused') {
      const { name, signedTime } = judged;
      const last = this.#contacts.get(name)?.presence.time;
      if (signedTime !== undefined && last !== undefined && Date.parse(signedTime) > Date.parse(last))
        this.#twiceMs.set(name, this.#options.acts.monotonic());
      this.#refuse(judged);
      return undefined;
    }
    const { presence, kind } = judged;
    const isSigned = kind === 'signed';
    // What was signed is never forgotten for what was not.
    if (isSigned || this.#contacts.get(presence.name)?.isSigned !== true)
      this.#keep({ presence, atMs: this.#madeMs(presence), isSigned });
    if (isSigned && presence.role === 'collector')
      for (const alarm of presence.lastAlarms ?? []) this.#recordAlarm(alarm);
    return presence;
  }

  /** Takes what the engine kept. It may be what has just come and waits: so it comes behind that, or it would be a replay. */
  async recall(kept: readonly StoredMessage[]): Promise<void> {
    const recalled = kept.map(async ({ subject, bytes, stamp }) => {
      await this.queue.add(subject, bytes.length, () => this.#recall(bytes, subject, stamp));
    });
    await Promise.all(recalled);
  }

  /** Takes what the engine kept of a resolver that was not heard itself. */
  #recall(bytes: Uint8Array, subject: string, stamp: Stamp | undefined): void {
    if (this.#contacts.has(subject.split('.').at(-1) ?? '')) return;
    const judged = this.#check.judge(bytes, subject, stamp, true);
    if (judged.kind === 'refused') return;
    const { acts } = this.#options;
    const { presence, kind } = judged;
    const atMs = acts.monotonic() - Math.max(0, acts.clock() - Date.parse(presence.time));
    this.#keep({ presence, atMs, isSigned: kind === 'signed' });
  }

  /** A presence is not looked at: there were more than could be. What was left out may be what nobody signed. */
  #drop(subject: string): void {
    const name = subject.split('.').at(-1) ?? '';
    this.#refuse({ name, alarm: 'says-too-much', reason: 'there is more of it than can be heard' });
  }

  #keep(contact: LastContact): void {
    const { name } = contact.presence;
    if (this.#contacts.has(name) || this.#contacts.size < PRESENCES_MAX) this.#contacts.set(name, contact);
  }

  /** When a presence was made, by the monotonic clock: one that comes late may have been kept back. */
  #madeMs({ time, offsetMs = 0 }: Presence): number {
    const { acts } = this.#options;
    const agoMs = acts.clock() - (Date.parse(time) - offsetMs);
    // Less is what clocks and ways differ by.
    return acts.monotonic() - (agoMs > LATE_MS ? agoMs : 0);
  }

  #refuse({ name, alarm, reason }: { name: string; alarm: FleetAlarm; reason: string }): void {
    const { acts, onAlarm, membership } = this.#options;
    onAlarm(alarm);
    const nowMs = acts.monotonic();
    // By what it is: what was left out hides nothing that was forged.
    const sender = `${alarm} ${membership.find(name) === undefined ? '' : name}`;
    if (nowMs - (this.#refusedMs.get(sender) ?? Number.NEGATIVE_INFINITY) < REFUSED_MS) return;
    this.#refusedMs.set(sender, nowMs);
    const subject = name.slice(0, NAME_SHOWN);
    const told = `${alarm}: what it says of itself: ${reason}`;
    acts.note({ event: 'evidence-refused', subject, code: 'ERR_FLEET_EVIDENCE', reason: told });
    acts.log.error({ node: subject, alarm, reason }, 'fleet: what a resolver says of itself is refused');
  }

  /** What a collector refused is on the record here, once. */
  #recordAlarm({ time, alarm, node, text }: NonNullable<Presence['lastAlarms']>[number]): void {
    const key = `${time} ${alarm} ${node}`;
    if (this.#alarms.has(key)) return;
    if (this.#alarms.size > ALARMS_MAX) this.#alarms.clear();
    this.#alarms.add(key);
    // What was told before this start is in the records.
    if (Date.parse(time) < this.#startedTimeMs) return;
    const refused = { event: 'evidence-refused', code: 'ERR_FLEET_EVIDENCE' } as const;
    const recorded = alarm === PUT_BACK ? ({ event: 'recovered' } as const) : refused;
    this.#options.acts.note({ ...recorded, subject: node, reason: `${alarm}: ${text}` });
  }
}
