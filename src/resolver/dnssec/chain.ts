// The chain of trust: from a trust anchor down to the zone of a name, delegation by delegation (RFC 4035 section 5.2).
//
// Invariants: what is not proven to be insecure is not insecure; a zone is secure only by a DS of a secure parent or an
// anchor; a state is kept no longer than its records and signatures allow, and what is bogus only for seconds. Bounded:
// the states that are kept, by number and bytes, and the look-ups of one question, by its work. Those who need the same
// state at the same time wait for one look-up. RFC 4033, 4035, 5155, 6840, 7646.
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../base/base.ts';
import { BOGUS_MS, countLabels, isInZone, nameKey, type ResolveFailure, TYPE } from '../../wire/dns/dns.ts';
import type { TrustAnchor } from './anchors.ts';
import { ancestor } from './canonical.ts';
import {
  type Delegation,
  type Judged,
  judgeDelegation,
  judgeKeys,
  type SecureZone,
  type Step,
  type ZoneState,
} from './delegation.ts';
import { isSameAnswer, type Lookup, lookUp } from './lookup.ts';
import type { NegativeAnchors } from './negative-anchors.ts';
import { ownerOf } from './owner.ts';
import { EXCEEDED, type Examination, type Exceeded, type Flaw } from './verification.ts';

/** States that are kept: every name on the way counts, so this is some thousand zones in use. */
const STATES_MAX = 20_000;
/** Bytes of keys and names of all states; an everyday zone takes 1,200, and one with all the keys of a message 2 MB. */
const STATES_BYTES_MAX = 24 * 1024 * 1024;
/** Bytes of a state beside keys and name. */
const STATE_BYTES = 100;
/** Bytes of a key beside its RDATA: its object, its view and the buffer behind it, measured. */
const KEY_BYTES = 450;
/** A delegation that its parent signs again should be seen within a day, whatever its TTL says. */
const LIFETIME_SEC_MAX = 86_400;
/** Zones with a TTL of zero would be looked up for every question. */
const LIFETIME_SEC_MIN = 1;
/** A state younger than this is not looked up again because a signature does not fit it. */
const RENEW_AFTER_MS = 10_000;
/** The first answer, and one more when it is bogus, which may come from another upstream. */
const TRIES_MAX = 2;

interface Kept {
  readonly step: Step;
  readonly madeAtMs: number;
  readonly lifetimeMs: number;
}

/** What is known, and what is being looked up, by view and name. */
interface Memory {
  readonly states: LRUCache<string, Kept>;
  readonly pending: Map<string, Promise<Step>>;
}

/** Is told what chains cost. */
export interface ChainObserver {
  /** A DS or DNSKEY RRset is looked up. */
  chainLookup(type: number): void;
}

/** What a chain is built with. */
export interface ChainOptions {
  readonly lookup: Lookup;
  readonly anchors: readonly TrustAnchor[];
  readonly negativeAnchors: NegativeAnchors;
  readonly clock: Clock;
  readonly observer: ChainObserver;
}

/** The states of zones, for all views of one thread. */
export class Chain {
  readonly #lookup: Lookup;
  readonly #negativeAnchors: NegativeAnchors;
  readonly #clock: Clock;
  readonly #observer: ChainObserver;
  #anchors: readonly TrustAnchor[];
  /** Replaced as a whole, so that a validation under way with other anchors leaves nothing in the new one. */
  #memory = createMemory();
  /** Until then a zone may be kept whose keys are bogus. */
  #failedUntilMs = 0;

  constructor(options: ChainOptions) {
    this.#lookup = options.lookup;
    this.#anchors = options.anchors;
    this.#negativeAnchors = options.negativeAnchors;
    this.#clock = options.clock;
    this.#observer = options.observer;
  }

  /** Trusts other anchors from here on; forgets all states. */
  setAnchors(anchors: readonly TrustAnchor[]): void {
    this.#anchors = anchors;
    this.clear();
  }

  /** Forgets all states, those that are being looked up included. */
  clear(): void {
    this.#memory = createMemory();
  }

  /** Forgets a zone whose keys do not fit what it signed, unless they were looked up just now: true when it did. */
  renew(view: number, zone: Uint8Array): boolean {
    const { states } = this.#memory;
    const key = nameKey(view, zone);
    const ageMs = this.#clock() - (states.get(key)?.madeAtMs ?? 0);
    return (ageMs < 0 || ageMs >= RENEW_AFTER_MS) && states.delete(key);
  }

  /**
   * The zone that a folded name is in, or the first that is not secure on the way to it.
   *
   * The name's own delegation is followed: for what a parent holds about a name (DS), ask for the name above it.
   */
  async find(view: number, name: Uint8Array, examination: Examination): Promise<ZoneState> {
    const anchor = this.#anchorFor(name);
    if (anchor === undefined) return INSECURE;
    const memory = this.#memory;
    const labels = countLabels(name);
    let depth = labels;
    let state: ZoneState | undefined;
    for (; depth >= countLabels(anchor.zone); depth--) {
      const kept = this.#get(memory, nameKey(view, ancestor(name, depth)));
      if (kept === undefined || kept.kind === 'no-cut' || kept.kind === 'no-name') continue;
      state = kept;
      break;
    }
    if (state === undefined) {
      depth = countLabels(anchor.zone);
      const top = await this.#share(memory, view, anchor.zone, () => this.#enter(view, anchor, examination));
      if (top.kind === 'no-cut' || top.kind === 'no-name') return INSECURE;
      state = top;
    }
    while (state.kind === 'secure' && depth < labels) {
      depth++;
      const parent: SecureZone = state;
      const below = ancestor(name, depth);
      const step = await this.#share(memory, view, below, () =>
        this.#descend(view, below, parent, examination),
      );
      if (step.kind === 'no-name') break;
      if (step.kind !== 'no-cut') state = step;
    }
    return state;
  }

  /** The zone with this very apex, which must be an anchor's or below it, when its keys are known. Asks nobody. */
  findSecure(view: number, zone: Uint8Array): SecureZone | undefined {
    const kept = this.#get(this.#memory, nameKey(view, zone));
    return kept?.kind === 'secure' ? kept : undefined;
  }

  /** What is wrong with the zone of a folded name, when its keys were found bogus just now. Asks nobody. */
  findFailed(view: number, name: Uint8Array): Flaw | undefined {
    // Usually no zone failed, and nothing is looked for.
    if (this.#clock() >= this.#failedUntilMs) return undefined;
    const anchor = this.#anchorFor(name);
    if (anchor === undefined) return undefined;
    for (let depth = countLabels(name); depth >= countLabels(anchor.zone); depth--) {
      const kept = this.#get(this.#memory, nameKey(view, ancestor(name, depth)));
      if (kept === undefined || kept.kind === 'no-cut' || kept.kind === 'no-name') continue;
      return kept.kind === 'bogus' && kept.isZone === true ? kept.flaw : undefined;
    }
    return undefined;
  }

  /** True when a folded name has a trust anchor above it and no negative one below that. */
  isAnchored(name: Uint8Array): boolean {
    return this.#anchorFor(name) !== undefined;
  }

  /** The zone of the trust anchor that decides on a folded name; undefined when there is none, or a negative one does. */
  anchorZone(name: Uint8Array): Uint8Array | undefined {
    return this.#anchorFor(name)?.zone;
  }

  #anchorFor(name: Uint8Array): TrustAnchor | undefined {
    let found: TrustAnchor | undefined;
    for (const anchor of this.#anchors)
      if (anchor.zone.length > (found?.zone.length ?? 0) && isInZone(name, anchor.zone)) found = anchor;
    const negative = this.#negativeAnchors.find(name);
    return (negative?.length ?? 0) >= (found?.zone.length ?? 0) ? undefined : found;
  }

  /** The step to a name that is kept or being looked up, or that `make` looks up. */
  async #share(memory: Memory, view: number, name: Uint8Array, make: () => Promise<Judged>): Promise<Step> {
    const { states, pending } = memory;
    const key = nameKey(view, name);
    const kept = this.#get(memory, key);
    if (kept !== undefined) return kept;
    for (let other = pending.get(key); other !== undefined; other = pending.get(key)) {
      const step = await other;
      // Somebody else's question may have no work left, which says nothing about the zone: one of those who waited asks.
      if (step.kind !== 'exceeded') return step;
    }
    const made = make().then((judged) => {
      keep(states, key, judged, this.#clock());
      return judged;
    });
    pending.set(key, made);
    try {
      return await made;
    } finally {
      if (pending.get(key) === made) pending.delete(key);
    }
  }

  #get({ states }: Memory, key: string): Step | undefined {
    const kept = states.get(key);
    if (kept === undefined) return undefined;
    const ageMs = this.#clock() - kept.madeAtMs;
    if (ageMs >= 0 && ageMs < kept.lifetimeMs) return kept.step;
    states.delete(key);
    return undefined;
  }

  /** The zone of a trust anchor. */
  async #enter(view: number, anchor: TrustAnchor, examination: Examination): Promise<Judged> {
    const keys = await this.#ask(view, anchor.zone, TYPE.DNSKEY, anchor.zone, examination, (message) =>
      judgeKeys(message, anchor, Number.POSITIVE_INFINITY, examination),
    );
    return this.#noteFailure(keys);
  }

  /** The step from a secure zone to a name below it, one label below what is known to be in it. */
  async #descend(
    view: number,
    name: Uint8Array,
    parent: SecureZone,
    examination: Examination,
  ): Promise<Judged> {
    // A registry's keys sign for all who have names below it: what these make of that is their own.
    const payer = ownerOf(name) === ownerOf(parent.zone) ? parent.zone : name;
    const delegation = await this.#ask<Delegation>(view, name, TYPE.DS, payer, examination, (message) =>
      judgeDelegation(message, name, parent, examination),
    );
    if (delegation.kind !== 'delegated') return delegation;
    const trust = { zone: name, ds: delegation.ds };
    const keys = await this.#ask(view, name, TYPE.DNSKEY, name, examination, (message) =>
      judgeKeys(message, trust, delegation.ttlSec, examination),
    );
    return this.#noteFailure(keys);
  }

  #noteFailure(keys: Judged): Judged {
    if (keys.kind !== 'bogus') return keys;
    this.#failedUntilMs = this.#clock() + BOGUS_MS;
    return { ...keys, isZone: true };
  }

  /** Asks, and once more when the answer is bogus, at the cost of `payer`. */
  async #ask<Judgement extends { readonly kind: string }>(
    view: number,
    name: Uint8Array,
    type: number,
    payer: Uint8Array,
    examination: Examination,
    judge: (message: Uint8Array) => Judgement,
  ): Promise<Judgement | ResolveFailure | Exceeded> {
    let bogus: Judgement | undefined;
    let first: Uint8Array | undefined;
    let notFrom: string | undefined;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      examination.work.chargeTo(payer);
      if (!examination.work.takeLookup()) return bogus ?? EXCEEDED;
      this.#observer.chainLookup(type);
      const outcome = await lookUp(this.#lookup, name, type, view, notFrom);
      if (outcome.kind === 'failure') return bogus ?? outcome;
      if (bogus !== undefined && isSameAnswer(outcome.message, first)) return bogus;
      first = outcome.message;
      const turn = examination.pause?.();
      if (turn !== undefined && !(await turn)) return OVERLOAD;
      const judgement = judge(outcome.message);
      if (judgement.kind !== 'bogus') return judgement.kind === 'exceeded' ? EXCEEDED : judgement;
      bogus ??= judgement;
      notFrom = outcome.endpoint;
      if (outcome.isOnly === true) break;
    }
    return bogus ?? EXCEEDED;
  }
}

const INSECURE: ZoneState = { kind: 'insecure', reason: undefined };
const OVERLOAD: ResolveFailure = { kind: 'failure', reason: 'overload' };

const createMemory = (): Memory => ({
  states: new LRUCache({
    max: STATES_MAX,
    maxSize: STATES_BYTES_MAX,
    sizeCalculation: ({ step }, key) => STATE_BYTES + key.length + sizeOf(step),
  }),
  pending: new Map(),
});

const sizeOf = (step: Step): number =>
  step.kind === 'secure' ? step.keys.reduce((sum, key) => sum + KEY_BYTES + key.rdata.length, 0) : 0;

/** Keeps what is known about a zone; a failed look-up says nothing about it. */
const keep = (states: LRUCache<string, Kept>, key: string, judged: Judged, nowMs: number): void => {
  if (judged.kind === 'failure' || judged.kind === 'exceeded') return;
  const allowedSec = Math.min(LIFETIME_SEC_MAX, Math.max(LIFETIME_SEC_MIN, judged.ttlSec ?? 0));
  const lifetimeMs = judged.kind === 'bogus' ? BOGUS_MS : 1000 * allowedSec;
  states.set(key, { step: judged, madeAtMs: nowMs, lifetimeMs });
};
