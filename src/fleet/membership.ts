// Membership of a fleet: which resolvers are in it and which keys make policy, as the entries of the log say.
import type { KeyObject } from 'node:crypto';
import { keyIdOf } from '../evidence/records/records.ts';
import { type Checkpoint, isCheckpointSignedBy } from './checkpoint.ts';
import { bodyOf, isEntrySignedBy, type PolicyEntry } from './entry.ts';
import { formatPublicKey, isSignature, parseNkey, parsePublicKey } from './key.ts';
import { KINDS } from './kinds.ts';

/** A resolver of the fleet. */
export interface Member {
  readonly name: string;
  readonly site: string | undefined;
  /** Its public nkey. */
  readonly key: string;
  /** The one before of this enrolment: what is under way is still signed by it; and when it was replaced. */
  readonly before: { readonly key: string; readonly until: string } | undefined;
  readonly enrolment: number;
  /** Of the machine before, in whose place this one came: the engine may still have what it sent. Undefined when that was shut out. */
  readonly former: { readonly key: string; readonly enrolment: number } | undefined;
  /** The last machine under the name that was shut out, and when: something of it may be under way. */
  readonly removed: { readonly key: string; readonly time: string } | undefined;
  /** When it was taken in for the first time, and when it was removed. */
  readonly since: string;
  readonly until: string | undefined;
  /** It makes policy, or did before another one took over. */
  readonly isAuthority: boolean;
}

/** Who collects evidence. */
export interface CollectorIdentity {
  readonly name: string;
  /** Its public nkey. */
  readonly key: string;
}

/** How long what a key signed that was replaced is still taken, milliseconds. */
export const OLD_KEY_MS = 3_600_000;

/** Keys that are kept ready: more than the largest fleet has. */
const NKEYS_MAX = 4_096;

/** Follows the entries, one after the other. */
export class Membership {
  readonly #members = new Map<string, Member>();
  readonly #turns = new Map<string, number>();
  readonly #keys = new Map<string, KeyObject>();
  readonly #nkeys = new Map<string, KeyObject>();
  #collector: CollectorIdentity | undefined;
  /** Told when another collector's word counts. */
  onCollector: () => void = () => undefined;

  constructor(trust: readonly string[]) {
    for (const text of trust) this.#add(text);
  }

  /** Whose confirmations count; undefined while no entry says so, under an authority of an older version. */
  get collector(): CollectorIdentity | undefined {
    return this.#collector;
  }

  /** The keys by which a resolver that is in the fleet, or the collector, signs what it says; none of anybody else. */
  keysOf(name: string, nowMs: number): KeyObject[] {
    const member = this.#members.get(name);
    const texts: string[] = [];
    if (member !== undefined && member.until === undefined) {
      texts.push(member.key);
      const { before } = member;
      if (before !== undefined && nowMs - Date.parse(before.until) < OLD_KEY_MS) texts.push(before.key);
    }
    if (this.#collector?.name === name) texts.push(this.#collector.key);
    return texts.flatMap((text) => this.#nkeyOf(text) ?? []);
  }

  /** The key of the machine before; undefined where there was none, or it was shut out. */
  formerKeyOf({ former }: Member): KeyObject | undefined {
    return former === undefined ? undefined : this.#nkeyOf(former.key);
  }

  /** The key of the last machine that was shut out; undefined where none was. */
  removedKeyOf({ removed }: Member): KeyObject | undefined {
    return removed === undefined ? undefined : this.#nkeyOf(removed.key);
  }

  /** Made once for each text: it takes as long as checking a signature. */
  #nkeyOf(text: string): KeyObject | undefined {
    const known = this.#nkeys.get(text);
    if (known !== undefined) return known;
    const key = parseNkey(text);
    // Of members that come and go: what is left over is made again.
    if (this.#nkeys.size >= NKEYS_MAX) this.#nkeys.clear();
    if (key !== undefined) this.#nkeys.set(text, key);
    return key;
  }

  /** The key that makes policy and has that identifier. */
  keyOf(keyId: string): KeyObject | undefined {
    return this.#keys.get(keyId);
  }

  /** All that ever were in it. */
  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  /** A resolver by its name; undefined for one that never was in it. */
  find(name: string): Member | undefined {
    return this.#members.get(name);
  }

  /** How many resolvers came for the first time before one of the fleet; -1 for one that never was in it. */
  turnOf(name: string): number {
    return this.#turns.get(name) ?? -1;
  }

  /** True while that key makes policy. */
  hasKey(keyId: string): boolean {
    return this.#keys.has(keyId);
  }

  /** Keys that make policy, as they are written in `fleet.trust`. */
  get keys(): readonly string[] {
    return [...this.#keys.values()].map(formatPublicKey);
  }

  /** True for an entry that one of the keys signed. */
  isTrusted(entry: PolicyEntry): boolean {
    const key = this.#keys.get(entry.key);
    return key !== undefined && isEntrySignedBy(entry, key);
  }

  /** True for a text that the key of that identifier signed. */
  isSignedBy(keyId: string, text: string, signature: string): boolean {
    const key = this.#keys.get(keyId);
    return key !== undefined && isSignature(key, text, signature);
  }

  /** The same for a checkpoint. */
  isTrustedCheckpoint(checkpoint: Checkpoint): boolean {
    const key = this.#keys.get(checkpoint.key);
    return key !== undefined && isCheckpointSignedBy(checkpoint, key);
  }

  /** Takes an entry of the log. */
  take(entry: PolicyEntry): void {
    const body = bodyOf(entry);
    switch (entry.kind) {
      case 'node': {
        const { success, data } = KINDS.node.safeParse(body);
        if (!success) return;
        const { name, site, key, enrolment, role } = data;
        const known = this.#members.get(name);
        const isSame = known?.enrolment === enrolment;
        const since = isSame ? known.since : entry.time;
        const before = isSame ? { key: known.key, until: entry.time } : undefined;
        const isAuthority = role === 'authority';
        const isReplaced = known !== undefined && known.until === undefined && !isSame;
        const former = isReplaced ? { key: known.key, enrolment: known.enrolment } : known?.former;
        if (known === undefined) this.#turns.set(name, this.#turns.size);
        const { removed } = known ?? {};
        const one = {
          name,
          site,
          key,
          before,
          enrolment,
          former,
          removed,
          since,
          until: undefined,
          isAuthority,
        };
        this.#members.set(name, one);
        return;
      }
      case 'node-removed': {
        const { success, data } = KINDS['node-removed'].safeParse(body);
        const known = success ? this.#members.get(data.name) : undefined;
        if (known === undefined) return;
        const removed = { key: known.key, time: entry.time };
        this.#members.set(known.name, { ...known, former: undefined, removed, until: entry.time });
        return;
      }
      case 'collector': {
        const { success, data } = KINDS.collector.safeParse(body);
        if (!success) return;
        this.#collector = { name: data.name, key: data.key };
        this.onCollector();
        return;
      }
      case 'authority-key': {
        const { success, data } = KINDS['authority-key'].safeParse(body);
        if (!success) return;
        this.#add(data.add);
        const gone = data.remove === undefined ? undefined : parsePublicKey(data.remove);
        if (gone !== undefined) this.#keys.delete(keyIdOf(gone));
      }
    }
  }

  #add(text: string): void {
    const key = parsePublicKey(text);
    if (key !== undefined) this.#keys.set(keyIdOf(key), key);
  }
}
