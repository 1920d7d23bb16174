// Queries that wait for the resolver: who shares a question, and who gives way. Hot file: runs for each miss.
//
// The room knows questions by their cache key, and nothing of lists or of the cache: what an answer means for a client
// is the pipeline's to say (Desk). Identical questions share one upstream query: a burst costs one, and a forger has one
// chance, not many. A resolver that was replaced answers those who asked it, and nobody later.
//
// One client, or names below one zone, shall not take the room of all others, however slow the answers are. Each question
// in flight takes one of a fixed number of slots and stands in two crowds: that of the client who asked first (an IPv4
// address, or the /64 of an IPv6 address, which is one subscriber) and that of the zone (the last two labels). Once half
// of the slots are taken, a crowd has a share of them, and beyond it its own oldest question gives way. When all are
// taken, the oldest question of the greediest crowd does. Only what has waited for longer than most names take gives way,
// and when nobody is greedy, half of the slots are left to run to their end. Nothing is allocated for a client or a zone.
import { randomInt } from 'node:crypto';
import type { AddressWords, Clock } from '../base/base.ts';
import { QUERY_LENGTH_MAX, SuffixHashes } from '../dns/dns.ts';
import { Crowds } from './crowds.ts';
import { GIVEN_WAY, type Outcome, OVER_SHARE, OVER_ZONE_SHARE, OVERLOAD, STALE } from './outcome.ts';
import type { Question, Resolution, Resolver } from './resolver.ts';
import type { Alias } from './rewrite.ts';

/** Questions in flight where no limit is given. */
const INFLIGHT_MAX = 10_000;
/** Places of clients and of zones, a power of two: a thousand attackers share theirs with a quarter of the others. */
const PLACES = 4096;
/** Labels of a zone: what is registered below a top-level domain. Where more are shared (co.uk), a crowd is a little larger. */
const ZONE_LABELS = 2;
/** Below this part of the room nobody is bounded: bursts of a single client are normal then. */
const SCARCE_PART = 0.5;
/** Questions that have waited less do not give way, milliseconds: nearly every name is answered by then. */
const GIVES_WAY_AFTER_MS = 200;
/** A zone has many clients: of two crowds of the same size that of the client is the greedier one, by this factor. */
const ZONE_PATIENCE = 2;
/** Questions of a crowd that are passed on to others who wait for them, at most, before one of its own gives way. */
const HEIRS_MAX = 8;
/**
 * Queries of one client that wait for one question. An office behind one address asks a popular name that often in
 * several seconds; whoever sends more would get all answers at once, in more than a socket's buffer holds.
 */
const WAITERS_PER_CLIENT_MAX = 256;
/** Answers of one question that leave in one turn of the loop; others are served between. A few hundred microseconds. */
const ANSWERS_PER_TURN = 256;
/** Bytes of a waiter beside its copy of the query: objects, address and the reply's closure. */
const WAITER_BYTES = 256;
/**
 * Bytes of those who wait for a question of others, beyond what each question in flight may take (ASKER_BYTES_MAX).
 * Without it, 10,000 questions of thousands of clients each would take gigabytes while an upstream is silent. Room for
 * some 100,000 ordinary queries. Who asks first needs none of it: else long queries of one would shut out the others.
 */
const SHARING_BYTES_MAX = 32 * 1024 * 1024;
const ASKER_BYTES_MAX = QUERY_LENGTH_MAX + WAITER_BYTES;

/** How a query came in. */
export const TRANSPORT = { UDP: 0, TCP: 1, DOT: 2, DOH: 3 } as const;

/** What a question gave way to: others than its client, or than its zone, or whoever came later. For the counters. */
export const GAVE_WAY = { CLIENT: 0, ZONE: 1, AGE: 2 } as const;

/** Bounds of what is in flight. */
export interface FairnessLimit {
  /** Questions in flight that there is room for. */
  readonly inflightMax: number;
  /** What one client may have of them when they are scarce, 0 to 1. */
  readonly share: number;
  /** What names below one zone may have of them when they are scarce, 0 to 1; all without it. */
  readonly zoneShare?: number;
}

/**
 * Takes a finished answer; the bytes are only valid during the call. No bytes: nothing may be answered, because a
 * list says so.
 */
export type Reply = (message: Uint8Array) => void;

/** A query that waits. */
export interface Waiter {
  /** A copy of the query. */
  readonly bytes: Uint8Array;
  /** The client is identified again for the answer: its group may have changed meanwhile. */
  readonly address: AddressWords;
  readonly port: number;
  readonly transport: number;
  readonly listener: string;
  readonly reply: Reply;
  readonly sinceMs: number;
  /** Where a rule led the question. */
  readonly alias: Alias | undefined;
  /** It asks for what could not be validated (CD). */
  readonly isUnchecked?: boolean;
}

/** A question for the resolver. */
export interface Asked {
  /** The text of its cache key. */
  readonly key: string;
  /** Folded; `question.name` has the letters of the client that asked first. */
  readonly qname: Uint8Array;
  readonly question: Question;
}

/** Knows what answers mean: the pipeline. */
export interface Desk {
  /** True when there is an answer that is over. */
  hasStale(asked: Asked, nowMs: number): boolean;
  /** Reads what the resolver said, and keeps it in the cache when `isKept`. */
  read(asked: Asked, resolution: Resolution, nowMs: number, isKept: boolean): Outcome;
  /** Answers a waiter. */
  answer(waiter: Waiter, outcome: Outcome): void;
  /** All waiters of a question were answered. */
  answered(): void;
}

/** Told what happens in the room; every method is a few memory operations. */
export interface WaitingObserver {
  coalesced(): void;
  inflight(count: number): void;
  /** A query was refused: its client had its share of what is in flight, or waited for the same name too often. */
  clientShed(): void;
  /** A query was refused: names below its zone had their share of what is in flight. */
  zoneShed(): void;
  /** A question was given up for others; GAVE_WAY. */
  gaveWay(reason: number): void;
  /** A client repeated a query that waits, and gets one answer for both. */
  repeated(): void;
}

/** A question that was sent to the resolver. */
interface Pending {
  /** Without any, the answer is only for the cache. */
  waiters: Waiter[];
  /** Waiters by the place of their client, from the second one on. */
  byPlace: Map<number, Waiter[]> | undefined;
  /** Runs when there is an answer that is over, for those who do not want to wait longer. */
  timer: NodeJS.Timeout | undefined;
  /** True once the timer has run: whoever comes now does not wait for it again. */
  isLate: boolean;
  /** Its slot, or NO_SLOT once it has given way. */
  slot: number;
  readonly asked: Asked;
  readonly waiting: Waiting;
  readonly sinceMs: number;
}

/** Questions on their way, by key. */
type Waiting = Map<string, Pending>;

const NO_SLOT = -1;
const NO_BYTES = new Uint8Array(0);

/** The questions in flight of one worker's pipeline, and who waits for them. */
export class WaitingRoom {
  readonly #desk: Desk;
  readonly #clock: Clock;
  readonly #observer: WaitingObserver;
  #resolver: Resolver;
  #staleAfterMs = 0;
  #waiting: Waiting = new Map();
  /** Questions that wait for resolvers that were replaced. */
  #retired: Waiting[] = [];
  #waitingBytes = 0;
  /** Waiters whose answer is there and leaves in one of the next turns. */
  #leaving = 0;
  #slots: Slots;
  #clientMax = 0;
  #zoneMax = 0;
  readonly #waitersOf = new Uint32Array(PLACES);
  readonly #suffix = new SuffixHashes();
  readonly #seed = randomInt(0x1_0000_0000) | 0;

  constructor(options: {
    readonly desk: Desk;
    readonly resolver: Resolver;
    readonly clock: Clock;
    readonly observer: WaitingObserver;
    readonly limit: FairnessLimit | undefined;
  }) {
    this.#desk = options.desk;
    this.#resolver = options.resolver;
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#slots = new Slots(options.limit?.inflightMax ?? INFLIGHT_MAX);
    this.setLimit(options.limit);
  }

  /** Puts other bounds in force; undefined: none but that of the room. */
  setLimit(limit: FairnessLimit | undefined): void {
    const room = limit?.inflightMax ?? INFLIGHT_MAX;
    this.#clientMax = Math.max(1, Math.floor(room * (limit?.share ?? 1)));
    this.#zoneMax = Math.max(1, Math.floor(room * (limit?.zoneShare ?? 1)));
    if (room !== this.#slots.room) this.#slots = this.#slots.moved(room);
  }

  /** How long a waiter waits before it gets an answer that is over, milliseconds; 0: nobody gets one after a time. */
  setStaleAfter(ms: number): void {
    this.#staleAfterMs = ms;
  }

  /** Sends further questions to another resolver. */
  setResolver(resolver: Resolver): void {
    // Nobody who asks from now on shares an answer of the one before.
    this.#retired.push(this.#waiting);
    // What has ended meanwhile is let go of; one or two are left, because a resolver's questions have a deadline.
    while (this.#retired[0]?.size === 0) this.#retired.shift();
    this.#waiting = new Map();
    this.#resolver = resolver;
  }

  /** Questions in flight. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Questions for whose answer somebody waits, those of replaced resolvers included, and answers still to be sent. */
  get awaited(): number {
    let count = countAwaited(this.#waiting) + this.#leaving;
    for (const waiting of this.#retired) count += countAwaited(waiting);
    return count;
  }

  /** True when the question of a key is in flight. */
  has(key: string): boolean {
    return this.#waiting.has(key);
  }

  /** True when nobody shall wait for the question of a key before an answer that is over is given. */
  isLate(key: string): boolean {
    return this.#waiting.get(key)?.isLate === true;
  }

  /** Asks for the cache alone, unless the question is in flight or room is scarce: nobody gives way to it. */
  refresh(asked: Asked): void {
    if (this.#waiting.has(asked.key) || this.#slots.taken >= this.#slots.room * SCARCE_PART) return;
    this.#ask(asked, undefined, NOBODY, this.#zoneOf(asked));
  }

  /** Lets a waiter wait for the answer to a question, or answers it at once when there is no room. */
  enter(waiter: Waiter, asked: Asked): void {
    // TCP lets none in; a datagram may be as long.
    if (waiter.bytes.length > QUERY_LENGTH_MAX) {
      this.#desk.answer(waiter, OVERLOAD);
      return;
    }
    const place = this.#placeOf(waiter.address);
    const pending = this.#waiting.get(asked.key);
    if (pending !== undefined) {
      this.#join(pending, waiter, place);
      return;
    }
    const zone = this.#zoneOf(asked);
    const refusal = this.#admit(place, zone);
    if (refusal !== undefined) this.#desk.answer(waiter, refusal);
    else this.#ask(asked, waiter, place, zone);
  }

  /** Lets a waiter wait for a question that is in flight. */
  #join(pending: Pending, waiter: Waiter, place: number): void {
    const { waiters } = pending;
    if (waiters.length > 0 && pending.byPlace === undefined) {
      pending.byPlace = new Map();
      for (const other of waiters) addTo(pending.byPlace, this.#placeOf(other.address), other);
    }
    const own = pending.byPlace?.get(place);
    if (own !== undefined && isRepeated(waiter, own)) {
      this.#observer.repeated();
      waiter.reply(NO_BYTES);
      return;
    }
    const bytes = this.#waitingBytes + waiter.bytes.length + WAITER_BYTES;
    const bytesMax = SHARING_BYTES_MAX + this.#slots.taken * ASKER_BYTES_MAX;
    if (bytes > bytesMax) {
      this.#desk.answer(waiter, OVERLOAD);
      return;
    }
    const isScarce = this.#slots.isScarce || bytes > bytesMax * SCARCE_PART;
    if (
      (own?.length ?? 0) >= WAITERS_PER_CLIENT_MAX ||
      (isScarce && (this.#waitersOf[place] ?? 0) >= this.#clientMax)
    ) {
      this.#observer.clientShed();
      this.#desk.answer(waiter, OVER_SHARE);
      return;
    }
    if (pending.byPlace !== undefined) addTo(pending.byPlace, place, waiter);
    waiters.push(waiter);
    this.#hold(waiter, place);
    this.#observer.coalesced();
    if (pending.timer === undefined) pending.timer = this.#startStaleTimer(pending, waiter.sinceMs);
  }

  #hold(waiter: Waiter, place: number): void {
    this.#waitingBytes += waiter.bytes.length + WAITER_BYTES;
    this.#waitersOf[place] = (this.#waitersOf[place] ?? 0) + 1;
  }

  /** Sees to it that there is room for a question of a client below a zone; says why when there is none. */
  #admit(client: number, zone: number): Outcome | undefined {
    if (!this.#slots.isScarce) return undefined;
    const { clients, zones } = this.#slots;
    const nowMs = this.#clock();
    if (
      clients.countOf(client) >= this.#clientMax &&
      !this.#sendAway(clients, client, nowMs, GAVE_WAY.CLIENT)
    ) {
      this.#observer.clientShed();
      return OVER_SHARE;
    }
    if (zones.countOf(zone) >= this.#zoneMax && !this.#sendAway(zones, zone, nowMs, GAVE_WAY.ZONE)) {
      this.#observer.zoneShed();
      return OVER_ZONE_SHARE;
    }
    return !this.#slots.isFull || this.#makeRoom(nowMs) ? undefined : OVERLOAD;
  }

  /** Frees a slot of a full room; false when everything in it is young. */
  #makeRoom(nowMs: number): boolean {
    const { clients, zones, ages } = this.#slots;
    const isZoneGreedier = zones.max > clients.max * ZONE_PATIENCE;
    // A crowd of one or two is none.
    if (
      clients.max > 1 &&
      !isZoneGreedier &&
      this.#sendAway(clients, clients.greatest, nowMs, GAVE_WAY.CLIENT)
    )
      return !this.#slots.isFull;
    if (zones.max > 1 && this.#sendAway(zones, zones.greatest, nowMs, GAVE_WAY.ZONE))
      return !this.#slots.isFull;
    if (
      clients.max > 1 &&
      isZoneGreedier &&
      this.#sendAway(clients, clients.greatest, nowMs, GAVE_WAY.CLIENT)
    )
      return !this.#slots.isFull;
    return this.#sendAway(ages, MAY_GIVE_WAY, nowMs, GAVE_WAY.AGE) && !this.#slots.isFull;
  }

  /** Gives up the oldest question of a crowd, unless it is young; one that others wait for too becomes theirs. */
  #sendAway(crowds: Crowds, place: number, nowMs: number, reason: number): boolean {
    const { clients } = this.#slots;
    for (let i = 0; i < HEIRS_MAX; i++) {
      const slot = crowds.oldestOf(place);
      const pending = this.#slots.at(slot);
      if (pending === undefined) return false;
      const waitedMs = nowMs - pending.sinceMs;
      // A clock that stepped back makes everything old.
      if (waitedMs >= 0 && waitedMs < GIVES_WAY_AFTER_MS) return false;
      const heir = crowds === clients ? this.#heirOf(pending, place) : NO_PLACE;
      if (heir === NO_PLACE) {
        this.#observer.gaveWay(reason);
        this.#giveUp(pending, nowMs);
        return true;
      }
      clients.remove(slot);
      clients.add(heir, slot);
    }
    return false;
  }

  /** The place of another client who waits for a question, or NO_PLACE. */
  #heirOf({ byPlace }: Pending, place: number): number {
    if (byPlace === undefined) return NO_PLACE;
    for (const other of byPlace.keys()) if (other !== place) return other;
    return NO_PLACE;
  }

  /** Ends a question without an answer of the resolver, which is told that nobody wants one. */
  #giveUp(pending: Pending, nowMs: number): void {
    const { asked } = pending;
    const { waiters } = pending;
    pending.waiters = [];
    this.#leave(pending);
    // Ends with a failure of the resolver, which nobody waits for any more.
    asked.question.interest?.cancel?.();
    pending.waiters = waiters;
    const outcome = this.#desk.hasStale(asked, nowMs) ? STALE : GIVEN_WAY;
    this.#answerAll(pending, outcome, nowMs, undefined);
  }

  /** A question is in flight no longer. */
  #leave(pending: Pending): void {
    const { waiting, asked, timer } = pending;
    if (waiting.get(asked.key) === pending) waiting.delete(asked.key);
    clearTimeout(timer);
    pending.timer = undefined;
    if (pending.slot !== NO_SLOT) this.#slots.free(pending.slot);
    pending.slot = NO_SLOT;
    this.#observer.inflight(this.#waiting.size);
  }

  /** Answers those who wait with the answer that is over, when there is one and the fresh one takes too long. */
  #startStaleTimer(pending: Pending, nowMs: number): NodeJS.Timeout | undefined {
    if (this.#staleAfterMs === 0 || !this.#desk.hasStale(pending.asked, nowMs)) return undefined;
    return setTimeout(() => {
      pending.timer = undefined;
      pending.isLate = true;
      const lateMs = this.#clock();
      if (this.#desk.hasStale(pending.asked, lateMs)) this.#answerAll(pending, STALE, lateMs, undefined);
    }, this.#staleAfterMs);
  }

  /** Sends a question to the resolver, which may answer before this returns. There is a slot for it. */
  #ask(asked: Asked, waiter: Waiter | undefined, client: number, zone: number): void {
    const pending: Pending = {
      waiters: waiter === undefined ? [] : [waiter],
      byPlace: undefined,
      timer: undefined,
      isLate: false,
      slot: NO_SLOT,
      asked,
      waiting: this.#waiting,
      sinceMs: waiter?.sinceMs ?? this.#clock(),
    };
    this.#waiting.set(asked.key, pending);
    pending.slot = this.#slots.take(pending, client, zone);
    if (waiter !== undefined) {
      this.#hold(waiter, client);
      pending.timer = this.#startStaleTimer(pending, waiter.sinceMs);
    }
    this.#observer.inflight(this.#waiting.size);
    const resolver = this.#resolver;
    resolver.resolve(asked.question, (resolution) => {
      this.#complete(pending, resolution, resolver === this.#resolver);
    });
  }

  #complete(pending: Pending, resolution: Resolution, isKept: boolean): void {
    this.#leave(pending);
    const nowMs = this.#clock();
    const outcome = this.#desk.read(pending.asked, resolution, nowMs, isKept);
    this.#answerAll(pending, outcome, nowMs, resolution);
  }

  /** Answers everybody who waits for a question: ANSWERS_PER_TURN at once, others in the turns after. */
  #answerAll(pending: Pending, outcome: Outcome, nowMs: number, resolution: Resolution | undefined): void {
    const { waiters } = pending;
    pending.waiters = [];
    pending.byPlace = undefined;
    this.#answerSome(waiters, 0, outcome);
    if (waiters.length <= ANSWERS_PER_TURN) return;
    this.#leaving++;
    let next = ANSWERS_PER_TURN;
    const goOn = (): void => {
      // An answer is valid until the next one is made.
      const isAnswer = resolution !== undefined && !('ede' in outcome);
      const again = isAnswer ? this.#desk.read(pending.asked, resolution, nowMs, false) : outcome;
      this.#answerSome(waiters, next, again);
      next += ANSWERS_PER_TURN;
      if (next < waiters.length) setImmediate(goOn);
      else this.#leaving--;
    };
    setImmediate(goOn);
  }

  #answerSome(waiters: readonly Waiter[], start: number, outcome: Outcome): void {
    const end = Math.min(waiters.length, start + ANSWERS_PER_TURN);
    for (let i = start; i < end; i++) {
      const waiter = waiters[i];
      if (waiter === undefined) continue;
      this.#waitingBytes -= waiter.bytes.length + WAITER_BYTES;
      const place = this.#placeOf(waiter.address);
      this.#waitersOf[place] = Math.max(0, (this.#waitersOf[place] ?? 0) - 1);
      this.#desk.answer(waiter, outcome);
    }
    this.#desk.answered();
  }

  #zoneOf({ qname }: Asked): number {
    this.#suffix.read(qname, 0);
    return this.#suffix.of(ZONE_LABELS) & (PLACES - 1);
  }

  #placeOf(address: AddressWords): number {
    const isIpv4 = address[0] === 0 && address[1] === 0 && address[2] === IPV4_MARK;
    let hash = Math.imul((isIpv4 ? (address[3] ?? 0) : (address[0] ?? 0)) ^ this.#seed, 0x9e3779b1);
    if (!isIpv4) hash = Math.imul(hash ^ (hash >>> 15) ^ (address[1] ?? 0), 0x85ebca6b);
    return (hash ^ (hash >>> 15)) & (PLACES - 1);
  }
}

/** `0000ffff` in the third word marks an IPv4 address in its mapped form. */
const IPV4_MARK = 0xffff;
const NO_PLACE = -1;
/** The place of questions that no client waits for. */
const NOBODY = PLACES;
/** The only place of the crowd of ages. */
const MAY_GIVE_WAY = 0;

/** The slots of questions in flight, and the crowds that their questions stand in. */
class Slots {
  taken = 0;
  readonly room: number;
  readonly clients: Crowds;
  readonly zones: Crowds;
  /** Those that came when half of the slots were taken: the others run to their end unless they are of a greedy crowd. */
  readonly ages: Crowds;
  readonly #pendings: (Pending | undefined)[];
  readonly #free: Int32Array;

  /** `size` may be more than the room, for questions from before it was made smaller. */
  constructor(room: number, size = room) {
    this.room = room;
    this.clients = new Crowds(PLACES + 1, size);
    this.zones = new Crowds(PLACES, size);
    this.ages = new Crowds(1, size);
    this.#pendings = new Array<Pending | undefined>(size).fill(undefined);
    this.#free = Int32Array.from({ length: size }, (_, index) => size - 1 - index);
  }

  get isScarce(): boolean {
    return this.taken >= this.room * SCARCE_PART;
  }

  get isFull(): boolean {
    return this.taken >= this.room;
  }

  at(slot: number): Pending | undefined {
    return this.#pendings[slot];
  }

  /** Takes a slot, of which there is one. */
  take(pending: Pending, client: number, zone: number): number {
    const slot = this.#free[this.#pendings.length - 1 - this.taken] ?? 0;
    if (this.isScarce) this.ages.add(MAY_GIVE_WAY, slot);
    this.clients.add(client, slot);
    this.zones.add(zone, slot);
    this.taken++;
    this.#pendings[slot] = pending;
    return slot;
  }

  free(slot: number): void {
    this.clients.remove(slot);
    this.zones.remove(slot);
    this.ages.remove(slot);
    this.taken--;
    this.#free[this.#pendings.length - 1 - this.taken] = slot;
    this.#pendings[slot] = undefined;
  }

  /** The same questions in another room. Once per reload that changes it; the order of ages is lost. */
  moved(room: number): Slots {
    const slots = new Slots(room, Math.max(room, this.taken));
    for (const [slot, pending] of this.#pendings.entries()) {
      if (pending === undefined) continue;
      pending.slot = slots.take(pending, this.clients.placeOf(slot), this.zones.placeOf(slot));
    }
    return slots;
  }
}

const addTo = (byPlace: Map<number, Waiter[]>, place: number, waiter: Waiter): void => {
  const own = byPlace.get(place);
  if (own === undefined) byPlace.set(place, [waiter]);
  else own.push(waiter);
};

/** True when a client has sent the very same datagram before, from the same port. */
const isRepeated = (waiter: Waiter, others: readonly Waiter[]): boolean => {
  if (waiter.transport !== TRANSPORT.UDP) return false;
  for (let i = 0; i < others.length; i++) {
    const other = others[i];
    if (other?.port === waiter.port && isSameQuery(waiter, other)) return true;
  }
  return false;
};

const isSameQuery = (a: Waiter, b: Waiter): boolean => {
  if (a.bytes.length !== b.bytes.length || a.transport !== b.transport || a.listener !== b.listener)
    return false;
  for (let i = 0; i < 4; i++) if (a.address[i] !== b.address[i]) return false;
  for (let i = 0; i < a.bytes.length; i++) if (a.bytes[i] !== b.bytes[i]) return false;
  return true;
};

const countAwaited = (waiting: Waiting): number => {
  let count = 0;
  for (const { waiters } of waiting.values()) if (waiters.length > 0) count++;
  return count;
};
