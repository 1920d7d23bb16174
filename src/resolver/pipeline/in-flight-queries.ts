// In-flight queries: which queries share one upstream query, and which one is evicted. Hot file: runs for each miss.
//
// Queries are known by their cache key. Lists and cache are unknown here: the Responder decides what an answer means for a
// client. Identical questions share one upstream query: a burst costs one, and a forger has one
// chance, not many. A resolver that was replaced answers those who asked it, and nobody later.
//
// One client, or the names below one zone, must not take the slots of all others, however slow the answers are. Each
// in-flight query takes one of a fixed number of slots and counts for two sources: the first client (an IPv4 address, or
// the /64 of an IPv6 address, which is one subscriber) and the zone (the last two labels). Once half of the slots are taken,
// each source has a share; a query beyond it evicts the oldest one of its own source. When all slots are taken, a query
// evicts the oldest one of the heaviest source. Young queries are never evicted, and when no source dominates, half of the
// slots run to their end. Nothing is allocated for a client or a zone.
import { type Clock, Pool } from '../../base/base.ts';
import { GAVE_WAY } from '../../base/words/words.ts';
import { QUERY_LENGTH_MAX } from '../../wire/dns/dns.ts';
import type { CacheKey } from '../cache/cache.ts';
import { type Asked, endAsked } from './asked.ts';
import type { InFlightBySource } from './in-flight-by-source.ts';
import type { FairnessLimit } from './in-force.ts';
import { GIVEN_WAY, type Outcome, OVER_SHARE, OVER_ZONE_SHARE, OVERLOAD, STALE } from './outcome.ts';
import type { WaitingObserver } from './parts.ts';
import { type Completion, isAwaited, NO_SLOT, PENDINGS_KEPT_MAX, Pending, type Waiting } from './pending.ts';
import { PLACES, Places } from './places.ts';
import { Questions } from './questions.ts';
import type { Resolution, Resolver } from './resolver.ts';
import { MAY_GIVE_WAY, SCARCE_PART, Slots } from './slots.ts';
import { endWaiter, isRepeated, WAITER_BYTES, type Waiter } from './waiter.ts';

/** Younger queries are never evicted, milliseconds: nearly every name is answered by then. */
const GIVES_WAY_AFTER_MS = 200;
/** A zone has many clients: it counts as heavier than a client only with more than this many times its queries. */
const ZONE_PATIENCE = 2;
/** Queries that pass to other waiting clients, at most, before one of the source itself is evicted. */
const HEIRS_MAX = 8;
/**
 * Queries of one client that wait for one question. An office behind one address asks a popular name that often in
 * several seconds; a client that sends more would get all answers at once, in more than a socket's buffer holds.
 */
const WAITERS_PER_CLIENT_MAX = 256;
/** Answers of one question that leave in one turn of the loop; others are served between. A few hundred microseconds. */
const ANSWERS_PER_TURN = 256;
/** For how long, milliseconds: answers of 48 KB over TLS, or in a program that was just started, take longer. */
const ANSWERING_MS_MAX = 2;
/** Answers between two looks at the clock. */
const ANSWERS_PER_LOOK = 8;
/**
 * Bytes of those who wait for a question of others, beyond what each question in flight may take (ASKER_BYTES_MAX).
 * Without it, 10,000 questions of thousands of clients each would take gigabytes while an upstream is silent. Room for
 * some 90,000 ordinary queries. Who asks first needs none of it: else long queries of one would shut out the others.
 */
const SHARING_BYTES_MAX = 32 * 1024 * 1024;
const ASKER_BYTES_MAX = QUERY_LENGTH_MAX + WAITER_BYTES;

/** Decides what answers mean for clients; see WaiterResponder. */
export interface Responder {
  /** True when there is a stale answer. */
  hasStale(asked: Asked, nowMs: number): boolean;
  /** Reads what the resolver said, and keeps it in the cache when `isKept`. */
  read(asked: Asked, resolution: Resolution, nowMs: number, isKept: boolean): Outcome;
  /** Answers a waiter, which is given back then. */
  answer(waiter: Waiter, outcome: Outcome): void;
  /** All waiters of a question were answered. */
  answered(): void;
}

/** The bucket of queries that no client waits for. */
const NOBODY = PLACES;
const NO_PLACE = -1;
const NO_BYTES = new Uint8Array(0);

/** The questions in flight of one worker's pipeline, and who waits for them. */
export class InFlightQueries {
  readonly #responder: Responder;
  readonly #clock: Clock;
  readonly #observer: WaitingObserver;
  #resolver: Resolver;
  #staleAfterMs = 0;
  #waiting: Waiting = new Questions();
  readonly #pendings = new Pool<Pending>(PENDINGS_KEPT_MAX);
  /** Questions that wait for resolvers that were replaced. */
  #retired: Waiting[] = [];
  #waitingBytes = 0;
  /** Waiters whose answer is there and leaves in one of the next turns. */
  #leaving = 0;
  /** True while waiters are answered; what the resolver says meanwhile is read afterwards. */
  #isAnswering = false;
  readonly #unread: Completion[] = [];
  #slots: Slots<Pending>;
  readonly #waitersOf = new Uint32Array(PLACES);
  readonly #places = new Places();

  constructor(options: {
    readonly responder: Responder;
    readonly resolver: Resolver;
    readonly clock: Clock;
    readonly observer: WaitingObserver;
    readonly limit: FairnessLimit | undefined;
  }) {
    this.#responder = options.responder;
    this.#resolver = options.resolver;
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#slots = new Slots(options.limit);
  }

  /** Puts other bounds in force; undefined: none but that of the room. */
  setLimit(limit: FairnessLimit | undefined): void {
    this.#slots = this.#slots.within(limit);
  }

  /** How long a waiter waits before it gets a stale answer, milliseconds; 0: nobody gets one after a time. */
  setStaleAfter(ms: number): void {
    this.#staleAfterMs = ms;
  }

  /** Sends further questions to another resolver. */
  setResolver(resolver: Resolver): void {
    // Nobody who asks from now on shares an answer of the one before.
    this.#retired.push(this.#waiting);
    // What has ended meanwhile is let go of; one or two are left, because a resolver's questions have a deadline.
    while (this.#retired[0]?.size === 0) this.#retired.shift();
    this.#waiting = new Questions();
    this.#resolver = resolver;
  }

  /** Questions in flight. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Questions for whose answer somebody waits, those of replaced resolvers included, and answers still to be sent. */
  get awaited(): number {
    let count = this.#waiting.count(isAwaited) + this.#leaving;
    for (const waiting of this.#retired) count += waiting.count(isAwaited);
    return count;
  }

  /** True when the question of a key is in flight. */
  has(key: CacheKey): boolean {
    return this.#waiting.under(key) !== undefined;
  }

  /** True when nobody shall wait for the question of a key before a stale answer is given. */
  isLate(key: CacheKey): boolean {
    return this.#waiting.under(key)?.isLate === true;
  }

  /** Resolves for the cache alone, unless the query is in flight or slots are scarce: it evicts no other query. */
  refresh(asked: Asked): void {
    if (this.#waiting.find(asked) !== undefined || this.#slots.taken >= this.#slots.room * SCARCE_PART)
      endAsked(asked);
    else this.#ask(asked, undefined, NOBODY, this.#places.ofZone(asked.qname));
  }

  /** Lets a waiter wait for the answer to a question, or answers it at once when there is no room. */
  enter(waiter: Waiter, asked: Asked): void {
    // TCP lets none in; a datagram may be as long.
    if (waiter.length > QUERY_LENGTH_MAX) {
      endAsked(asked);
      this.#answer(waiter, OVERLOAD);
      return;
    }
    const place = this.#places.ofClient(waiter.address);
    const pending = this.#waiting.find(asked);
    if (pending !== undefined) {
      endAsked(asked);
      this.#join(pending, waiter, place);
      return;
    }
    const zone = this.#places.ofZone(asked.qname);
    const refusal = this.#admit(waiter, place, zone);
    if (refusal === undefined) this.#ask(asked, waiter, place, zone);
    else {
      endAsked(asked);
      this.#answer(waiter, refusal);
    }
  }

  /** Lets a waiter wait for a question that is in flight. */
  #join(pending: Pending, waiter: Waiter, place: number): void {
    const { waiters } = pending;
    if (waiters.length > 0 && pending.byPlace === undefined) {
      pending.byPlace = new Map();
      for (const other of waiters) pending.place(other, this.#places.ofClient(other.address));
    }
    const own = pending.byPlace?.get(place);
    if (own !== undefined && isRepeated(waiter, own)) {
      waiter.observer?.repeated();
      waiter.reply(NO_BYTES);
      endWaiter(waiter);
      return;
    }
    const bytes = this.#waitingBytes + waiter.sizeBytes;
    const bytesMax = SHARING_BYTES_MAX + this.#slots.taken * ASKER_BYTES_MAX;
    if (bytes > bytesMax) {
      this.#answer(waiter, OVERLOAD);
      return;
    }
    const isScarce = this.#slots.isScarce || bytes > bytesMax * SCARCE_PART;
    if (
      (own?.length ?? 0) >= WAITERS_PER_CLIENT_MAX ||
      (isScarce && (this.#waitersOf[place] ?? 0) >= this.#slots.clientMax)
    ) {
      waiter.observer?.clientShed();
      this.#answer(waiter, OVER_SHARE);
      return;
    }
    pending.place(waiter, place);
    waiters.push(waiter);
    this.#hold(waiter, place);
    waiter.observer?.coalesced();
    if (pending.timer === undefined) this.#startStaleTimer(pending, waiter.sinceMs);
  }

  #hold(waiter: Waiter, place: number): void {
    this.#waitingBytes += waiter.sizeBytes;
    this.#waitersOf[place] = (this.#waitersOf[place] ?? 0) + 1;
  }

  /** Sees to it that there is room for a question of a client below a zone; says why when there is none. */
  #admit({ observer }: Waiter, client: number, zone: number): Outcome | undefined {
    if (!this.#slots.isScarce) return undefined;
    const { clients, zones } = this.#slots;
    const nowMs = this.#clock();
    if (
      clients.countOf(client) >= this.#slots.clientMax &&
      !this.#sendAway(clients, client, nowMs, GAVE_WAY.CLIENT)
    ) {
      observer?.clientShed();
      return OVER_SHARE;
    }
    if (zones.countOf(zone) >= this.#slots.zoneMax && !this.#sendAway(zones, zone, nowMs, GAVE_WAY.ZONE)) {
      observer?.zoneShed();
      return OVER_ZONE_SHARE;
    }
    return !this.#slots.isFull || this.#makeRoom(nowMs) ? undefined : OVERLOAD;
  }

  /** Frees a slot of a full room; false when everything in it is young. */
  #makeRoom(nowMs: number): boolean {
    const { clients, zones, ages } = this.#slots;
    const isZoneGreedier = zones.max > clients.max * ZONE_PATIENCE;
    // A source with a single query does not dominate.
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

  /** Evicts the oldest query of a bucket, unless it is young; one that others wait for passes to them. */
  #sendAway(bySource: InFlightBySource, place: number, nowMs: number, reason: number): boolean {
    const { clients } = this.#slots;
    for (let i = 0; i < HEIRS_MAX; i++) {
      const slot = bySource.oldestOf(place);
      const pending = this.#slots.at(slot);
      if (pending === undefined) return false;
      const waitedMs = nowMs - pending.sinceMs;
      // A clock that stepped back makes everything old.
      if (waitedMs >= 0 && waitedMs < GIVES_WAY_AFTER_MS) return false;
      const heir = bySource === clients ? this.#heirOf(pending, place) : NO_PLACE;
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

  /** The bucket of another client that waits for a query, or NO_PLACE. */
  #heirOf({ byPlace }: Pending, place: number): number {
    if (byPlace === undefined) return NO_PLACE;
    for (const other of byPlace.keys()) if (other !== place) return other;
    return NO_PLACE;
  }

  /** Evicts a query, and cancels it at the resolver. */
  #giveUp(pending: Pending, nowMs: number): void {
    const { asked, waiters } = pending;
    pending.waiters = [];
    pending.isGivenUp = true;
    this.#leave(pending);
    // Ends with a failure of the resolver, which nobody waits for any more.
    asked.question.interest?.cancel?.();
    pending.waiters = waiters;
    const outcome = this.#responder.hasStale(asked, nowMs) ? STALE : GIVEN_WAY;
    this.#answerAll(pending, outcome, nowMs, undefined);
  }

  /** Removes a query that is no longer in flight. */
  #leave(pending: Pending): void {
    const { waiting, timer } = pending;
    waiting?.remove(pending);
    if (timer !== undefined) clearTimeout(timer);
    pending.timer = undefined;
    if (pending.slot !== NO_SLOT) this.#slots.free(pending.slot);
    pending.slot = NO_SLOT;
    this.#observer.inflight(this.#waiting.size);
  }

  /** Answers those who wait with the stale answer, when there is one and the fresh one takes too long. */
  #startStaleTimer(pending: Pending, nowMs: number): void {
    if (this.#staleAfterMs === 0 || !this.#responder.hasStale(pending.asked, nowMs)) return;
    pending.timer = this.#createStaleTimer(pending);
  }

  /** By itself: what a closure holds is made when a function begins, also where the closure is not. */
  #createStaleTimer(pending: Pending): NodeJS.Timeout {
    return setTimeout(() => {
      pending.timer = undefined;
      pending.isLate = true;
      const lateMs = this.#clock();
      if (this.#responder.hasStale(pending.asked, lateMs)) this.#answerAll(pending, STALE, lateMs, undefined);
    }, this.#staleAfterMs);
  }

  /** Sends a question to the resolver, which may answer before this returns. There is a slot for it. */
  #ask(asked: Asked, waiter: Waiter | undefined, client: number, zone: number): void {
    const pending = this.#pendings.take() ?? new Pending();
    pending.asked = asked;
    pending.waiting = this.#waiting;
    pending.sinceMs = waiter?.sinceMs ?? this.#clock();
    this.#waiting.add(pending);
    pending.slot = this.#slots.take(pending, client, zone);
    if (waiter !== undefined) {
      pending.waiters.push(waiter);
      this.#hold(waiter, client);
      this.#startStaleTimer(pending, waiter.sinceMs);
    }
    this.#observer.inflight(this.#waiting.size);
    pending.done ??= this.#createDone(pending);
    this.#resolver.resolve(asked.question, pending.done);
  }

  /** By itself, as #createStaleTimer() is. */
  #createDone(pending: Pending): (resolution: Resolution) => void {
    const done = (resolution: Resolution): void => {
      // A resolver calls once. Who called again would be heard for somebody else's question by now.
      if (pending.done === done) this.#complete(pending, resolution, pending.waiting === this.#waiting);
    };
    return done;
  }

  #complete(pending: Pending, resolution: Resolution, isKept: boolean): void {
    if (this.#isAnswering) {
      this.#unread.push({ pending, resolution, isKept });
      return;
    }
    this.#leave(pending);
    const nowMs = this.#clock();
    const { asked, hadPlainLife } = pending;
    const outcome = this.#responder.read(asked, resolution, nowMs, isKept);
    const isOver = this.#answerAll(pending, outcome, nowMs, resolution);
    if (!isOver || !hadPlainLife) {
      pending.waiters = [];
      return;
    }
    const isEnded = resolution.kind === 'answer' && resolution.end !== undefined;
    pending.clear(isEnded);
    this.#pendings.give(pending);
    if (!isEnded) return;
    resolution.end?.();
    endAsked(asked);
  }

  /**
   * Answers everybody who waits for a question: ANSWERS_PER_TURN at once, others in the turns after. True when nobody is left
   * for these.
   */
  #answerAll(pending: Pending, outcome: Outcome, nowMs: number, resolution: Resolution | undefined): boolean {
    const { waiters } = pending;
    // Who comes while a stale answer leaves waits for the fresh one, and what the resolver says to one that was evicted is for nobody.
    if (!pending.hadPlainLife) pending.waiters = [];
    pending.byPlace = undefined;
    const next = this.#answerSome(waiters, 0, outcome);
    if (next === waiters.length) return true;
    this.#answerLater(pending.asked, waiters, next, outcome, nowMs, resolution);
    return false;
  }

  #answerLater(
    asked: Asked,
    waiters: readonly Waiter[],
    start: number,
    outcome: Outcome,
    nowMs: number,
    resolution: Resolution | undefined,
  ): void {
    let next = start;
    this.#leaving++;
    const goOn = (): void => {
      // An answer is valid until the next one is made.
      const isAnswer = resolution !== undefined && !('ede' in outcome);
      const again = isAnswer ? this.#responder.read(asked, resolution, nowMs, false) : outcome;
      next = this.#answerSome(waiters, next, again);
      if (next < waiters.length) setImmediate(goOn);
      else this.#leaving--;
    };
    setImmediate(goOn);
  }

  /** Answers a waiter, which is nobody's any more. */
  #answer(waiter: Waiter, outcome: Outcome): void {
    this.#responder.answer(waiter, outcome);
    endWaiter(waiter);
  }

  /**
   * An answer is valid until the next one is read. A reply may ask again, and a resolver answer that at once: it is read
   * when everybody here has been answered. Returns where the next turn goes on.
   */
  #answerSome(waiters: readonly Waiter[], start: number, outcome: Outcome): number {
    const wasAnswering = this.#isAnswering;
    this.#isAnswering = true;
    const end = Math.min(waiters.length, start + ANSWERS_PER_TURN);
    const sinceMs = waiters.length > ANSWERS_PER_LOOK ? performance.now() : 0;
    let next = start;
    for (; next < end; next++) {
      const waiter = waiters[next];
      if (waiter === undefined) continue;
      const isLook = next > start && (next - start) % ANSWERS_PER_LOOK === 0;
      if (isLook && performance.now() - sinceMs > ANSWERING_MS_MAX) break;
      this.#waitingBytes -= waiter.sizeBytes;
      const place = this.#places.ofClient(waiter.address);
      this.#waitersOf[place] = Math.max(0, (this.#waitersOf[place] ?? 0) - 1);
      this.#answer(waiter, outcome);
    }
    this.#isAnswering = wasAnswering;
    if (wasAnswering) return next;
    this.#responder.answered();
    while (this.#unread.length > 0) {
      const unread = this.#unread.shift();
      if (unread !== undefined) this.#complete(unread.pending, unread.resolution, unread.isKept);
    }
    return next;
  }
}
