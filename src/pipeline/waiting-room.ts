// Queries that wait for the resolver: who shares a question, and who has to go. Hot file: runs for each miss.
//
// The room knows questions by their cache key, and nothing of lists or of the cache: what an answer means for a client
// is the pipeline's to say (Desk). Identical questions share one upstream query: a burst costs one, and a forger has one
// chance, not many. A resolver that was replaced answers those who asked it, and nobody later.
import type { AddressWords, Clock } from '../base/base.ts';
import { type FairnessLimit, FairShares } from './fair-shares.ts';
import { type Outcome, OVER_SHARE, OVERLOAD, STALE } from './outcome.ts';
import type { Question, Resolution, Resolver } from './resolver.ts';
import type { Alias } from './rewrite.ts';

/**
 * Clients that wait for one upstream question. A popular name that expires under full load gathers a few thousand in
 * the time of an upstream's answer; more than this is a flood.
 */
const WAITERS_MAX = 4096;
/**
 * Bytes of all queries that wait. Without it, 10,000 questions of WAITERS_MAX clients each, or long queries over TCP,
 * would take gigabytes while an upstream is silent. Room for some 100,000 ordinary queries.
 */
const WAITING_BYTES_MAX = 32 * 1024 * 1024;
/** Bytes of a waiter beside its copy of the query: objects, address and the reply's closure. */
const WAITER_BYTES = 256;

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

/** Told what happens in the room; see PipelineObserver. */
export interface WaitingObserver {
  coalesced(): void;
  inflight(count: number): void;
  clientShed(): void;
}

/** A question that was sent to the resolver. */
interface Pending {
  /** Without any, the answer is only for the cache. */
  waiters: Waiter[];
  /** Runs when there is an answer that is over, for those who do not want to wait longer. */
  timer: NodeJS.Timeout | undefined;
  /** True once the timer has run: whoever comes now does not wait for it again. */
  isLate: boolean;
}

/** Questions on their way, by key. */
type Waiting = Map<string, Pending>;

/** The questions in flight of one worker's pipeline, and who waits for them. */
export class WaitingRoom {
  readonly #desk: Desk;
  readonly #clock: Clock;
  readonly #observer: WaitingObserver;
  readonly #shares: FairShares;
  #resolver: Resolver;
  #staleAfterMs = 0;
  #waiting: Waiting = new Map();
  /** Questions that wait for resolvers that were replaced. */
  #retired: Waiting[] = [];
  #waitingBytes = 0;

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
    this.#shares = new FairShares(options.limit);
  }

  /** Puts other bounds in force; undefined: none. */
  setLimit(limit: FairnessLimit | undefined): void {
    this.#shares.setLimit(limit);
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

  /** Questions for whose answer somebody waits, those of replaced resolvers included. */
  get awaited(): number {
    let count = countAwaited(this.#waiting);
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

  /** Asks for the cache alone, unless the question is in flight. */
  refresh(asked: Asked): void {
    if (!this.#waiting.has(asked.key)) this.#ask(asked, { waiters: [], timer: undefined, isLate: false });
  }

  /** Lets a waiter wait for the answer to a question, or answers it at once when there is no room. */
  enter(waiter: Waiter, asked: Asked): void {
    const pending = this.#waiting.get(asked.key);
    const bytes = this.#waitingBytes + waiter.bytes.length + WAITER_BYTES;
    if (bytes > WAITING_BYTES_MAX || (pending?.waiters.length ?? 0) >= WAITERS_MAX) {
      this.#desk.answer(waiter, OVERLOAD);
      return;
    }
    if (!this.#shares.take(waiter.address, this.#waiting.size)) {
      this.#observer.clientShed();
      this.#desk.answer(waiter, OVER_SHARE);
      return;
    }
    this.#waitingBytes = bytes;
    if (pending !== undefined) {
      pending.waiters.push(waiter);
      this.#observer.coalesced();
      if (pending.timer === undefined) pending.timer = this.#startStaleTimer(asked, waiter.sinceMs);
      return;
    }
    const timer = this.#startStaleTimer(asked, waiter.sinceMs);
    this.#ask(asked, { waiters: [waiter], timer, isLate: false });
  }

  /** Answers those who wait with the answer that is over, when there is one and the fresh one takes too long. */
  #startStaleTimer(asked: Asked, nowMs: number): NodeJS.Timeout | undefined {
    if (this.#staleAfterMs === 0 || !this.#desk.hasStale(asked, nowMs)) return undefined;
    const waiting = this.#waiting;
    return setTimeout(() => {
      const pending = waiting.get(asked.key);
      if (pending === undefined) return;
      pending.timer = undefined;
      pending.isLate = true;
      const lateMs = this.#clock();
      if (this.#desk.hasStale(asked, lateMs)) this.#answerAll(pending, STALE);
    }, this.#staleAfterMs);
  }

  /** Sends a question to the resolver, which may answer before this returns. */
  #ask(asked: Asked, pending: Pending): void {
    const waiting = this.#waiting;
    waiting.set(asked.key, pending);
    this.#observer.inflight(this.#waiting.size);
    const resolver = this.#resolver;
    resolver.resolve(asked.question, (resolution) => {
      this.#complete(waiting, asked, resolution, resolver === this.#resolver);
    });
  }

  #complete(waiting: Waiting, asked: Asked, resolution: Resolution, isKept: boolean): void {
    const pending = waiting.get(asked.key);
    waiting.delete(asked.key);
    clearTimeout(pending?.timer);
    this.#observer.inflight(this.#waiting.size);
    const nowMs = this.#clock();
    const outcome = this.#desk.read(asked, resolution, nowMs, isKept);
    if (pending !== undefined) this.#answerAll(pending, outcome);
  }

  /** Answers everybody who waits for a question. */
  #answerAll(pending: Pending, outcome: Outcome): void {
    const { waiters } = pending;
    pending.waiters = [];
    for (let i = 0; i < waiters.length; i++) {
      const waiter = waiters[i];
      if (waiter === undefined) continue;
      this.#waitingBytes -= waiter.bytes.length + WAITER_BYTES;
      this.#shares.release(waiter.address);
      this.#desk.answer(waiter, outcome);
    }
    this.#desk.answered();
  }
}

const countAwaited = (waiting: Waiting): number => {
  let count = 0;
  for (const { waiters } of waiting.values()) if (waiters.length > 0) count++;
  return count;
};
