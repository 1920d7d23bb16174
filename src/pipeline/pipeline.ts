// pipeline: the order in which a query is decided, with the reason for each step. Hot file.
//
// Invariants: decide() is synchronous, and a refusal or a cache hit makes no promise and keeps no object; a listed
// name is refused whatever the type, class, flags, transport or letters; every answer is judged against the policy
// now in force, also one that was waited for while the lists changed; without a policy nothing is resolved (EDE 14).
// An answer that is over is given only when no fresh one is to be had in time, judged like any other (RFC 8767).
// The pipeline knows a Resolver interface, never an upstream. RFCs 1035, 2308, 6840, 6891, 8482, 8767, 8914, 9619.
import type { Client, Clients } from '../access/access.ts';
import { type AddressWords, type Clock, createAddress } from '../base/base.ts';
import {
  type Answer,
  type AnswerCache,
  CacheKey,
  createAnswer,
  FailureCache,
  KEY_FLAG,
  KEY_TAIL_BYTES,
  keyFlags,
  NOT_VALIDATED,
  type TtlLimits,
  type Validation,
} from '../cache/cache.ts';
import {
  BOGUS_MS,
  CLASS,
  createEde,
  EDE,
  FLAG,
  foldByte,
  foldedName,
  HEADER_LENGTH,
  MESSAGE_LENGTH_MAX,
  MessageBuilder,
  QUERY_FAULT,
  Query,
  RCODE,
  readU16,
  TYPE,
  UDP_LENGTH_MAX,
} from '../dns/dns.ts';
import { LOCAL, type LocalZones } from '../local/local.ts';
import {
  ACTION,
  type BlockMode,
  type ExemptionIndex,
  type ExemptionObserver,
  type Policy,
  type PolicyList,
  Verdict,
} from '../policy/policy.ts';
import { COOKIE, ServerCookies } from './cookie.ts';
import { EVENT, type EventObserver, QueryEvent, SIGNAL } from './event.ts';
import { type Note, Notes } from './notes.ts';
import {
  createBogus,
  FAILURES,
  type Failure,
  INVALID,
  type Outcome,
  OVER_SHARE,
  OVERLOAD,
  REBINDING,
  RULES_CHANGED,
  SOURCE,
  STALE,
  UNREACHABLE,
  withEdeOf,
} from './outcome.ts';
import type { RebindingGuard } from './rebinding.ts';
import type { Question, Resolution, Resolver } from './resolver.ts';
import {
  answerFlags,
  finish,
  limitTtls,
  REFUSAL_LENGTH_MAX,
  writeAnswer,
  writeAny,
  writeEmpty,
  writeFault,
  writeRefusal,
  writeTruncated,
} from './respond.ts';
import {
  type Alias,
  aliasFor,
  aliasTarget,
  type Lead,
  leadTo,
  writeAliased,
  writeRecords,
} from './rewrite.ts';
import type { PipelineTrace } from './trace.ts';
import {
  type Asked,
  type Desk,
  type FairnessLimit,
  type Reply,
  TRANSPORT,
  type Waiter,
  type WaitingObserver,
  WaitingRoom,
} from './waiting-room.ts';

export { COOKIE, ServerCookies } from './cookie.ts';
export { Dns64Resolver } from './dns64.ts';
export { EVENT, type EventObserver, QueryEvent, SIGNAL } from './event.ts';
export { SOURCE } from './outcome.ts';
export { PROBE_ZONE, ProbeZone } from './probe-zone.ts';
export { RebindingGuard } from './rebinding.ts';
export type { Question, Resolution, Resolver } from './resolver.ts';
export { writeTruncated } from './respond.ts';
export type { Alias } from './rewrite.ts';
export type { PipelineTrace } from './trace.ts';
export { GAVE_WAY, type Reply, TRANSPORT } from './waiting-room.ts';

/** What decide() returns when nothing may be answered. */
export const DROPPED = 0;
/** What decide() returns when the answer has to be resolved: call resolve() at once. */
export const PENDING = -1;
/** Not decided yet: data is needed. */
const UNDECIDED = -2;

/**
 * In the place of a client's port: the resolver asks itself, on behalf of a client that may not exist, to see what
 * that client would get. Decided and answered like any other, but no attempt of anybody: no event, and no count but
 * that of the probe itself. No client has port 0.
 */
export const PORT_OF_PROBE = 0;

/** Why nothing was answered, for the counters. */
export const DROP = {
  QR_SET: 0,
  SHORT: 1,
  SOURCE_PORT_ZERO: 2,
  LOOP: 3,
  OVERLOAD: 4,
  SEND_FAILED: 5,
  /** A rule whose action is DROP. */
  POLICY: 6,
  /** A message to the port of the probe that did not come from it. */
  PROBE: 7,
  /** The address asks too much. */
  RATE_LIMIT: 8,
  /** From the port of a service that answers whatever reaches it. */
  REFLECTOR: 9,
} as const;

const EDE_NOT_READY = createEde(EDE.NOT_READY, 'policy lists are not loaded');
const EDE_PROHIBITED = createEde(EDE.PROHIBITED);
const EDE_NOT_AUTHORITATIVE = createEde(EDE.NOT_AUTHORITATIVE);
const EDE_NOT_SUPPORTED = createEde(EDE.NOT_SUPPORTED);
const EDE_INVALID_DATA = createEde(EDE.INVALID_DATA);
const EDE_STALE = createEde(EDE.STALE_ANSWER);
const EDE_STALE_NXDOMAIN = createEde(EDE.STALE_NXDOMAIN_ANSWER);

/** Of an answer's lifetime, the last part in which whoever asks lets it be fetched anew. */
const PREFETCH_PART = 10;
/** Answers that live shorter, seconds, are not fetched before they are over: it would be most of the time. */
const PREFETCH_LIFETIME_SEC_MIN = 10;
/** Questions in flight beside which nothing is fetched before somebody has to wait for it. */
const PREFETCH_INFLIGHT_MAX = 512;
/**
 * Events about clients outside of what is allowed, a second; the others are only counted. Enough to name a network that
 * was forgotten, too few to flood the records from forged addresses.
 */
const OUTSIDER_EVENTS_PER_SEC = 10;
/** Told what happened; every method is a few memory operations. Numbers are TRANSPORT, SOURCE, DROP, MATCH, TRIGGER. */
export interface PipelineObserver extends WaitingObserver {
  /** `group` is -1 for an address that may not ask. */
  query(transport: number, qtype: number, group: number): void;
  answer(source: number, rcode: number): void;
  /** A list decided the answer. */
  policyAnswer(transport: number): void;
  /** Refused by a list, or passed although a list that is only watched would have refused. */
  refusal(list: number, match: number, trigger: number, group: number, qtype: number): void;
  dropped(reason: number): void;
  cacheHit(): void;
  cacheMiss(): void;
  /** A query that had to wait was answered so long after it came in. */
  missDuration(ms: number): void;
  /** The self-probe asked something, of which nothing else is told. */
  probed(): void;
  /** An answer is fetched anew before it is over. */
  prefetched(): void;
  /** Private addresses for a public name were refused. */
  rebindingRefused(): void;
  /** A query was let pass by the exemption of this index, and would have been refused. */
  exempted(index: number): void;
  /** A sign of a way around the resolver; SIGNAL. */
  bypass(signal: number): void;
}

/** Decides messages of clients: the pipeline, or whoever stands before it. */
export interface Decider {
  decide(
    bytes: Uint8Array,
    length: number,
    address: AddressWords,
    port: number,
    transport: number,
    out: Uint8Array,
    listener: string,
  ): number;
  resolve(reply: Reply): void;
}

/** Is told of names that no list has while what they lead to is on a mandate list. Numbers as for PipelineObserver. */
export interface CandidateObserver {
  /** The folded wire name is in the first `length` bytes, valid only during the call. */
  candidate(name: Uint8Array, length: number, list: string, line: number, trigger: number): void;
}

/** What is done with answers that are over (RFC 8767). */
export interface StaleRules {
  /** How long a client waits for a fresh one, milliseconds. */
  readonly afterMs: number;
  /** TTL that clients get, seconds. */
  readonly ttlSec: number;
}

/** What a reload replaces. */
export interface PipelineRules {
  /** Undefined: not ready. */
  readonly policy: Policy | undefined;
  readonly clients: Clients;
  readonly localZones: LocalZones;
  readonly ttlLimits: TtlLimits;
  /** Undefined: answers that are over are not given; the cache has to be told to keep them. */
  readonly stale?: StaleRules | undefined;
  /** Whether answers that are asked for again and again are fetched before they are over. */
  readonly prefetch?: boolean;
  /** Refuses private addresses for public names. */
  readonly rebinding?: RebindingGuard | undefined;
  /** Bounds of what is in flight; undefined: as much as there is room. */
  readonly fairness?: FairnessLimit | undefined;
}

/** Decides the queries of one worker. */
export class Pipeline implements Decider {
  #policy: Policy | undefined;
  #clients: Clients;
  #localZones: LocalZones;
  #ttlLimits: TtlLimits;
  #stale: StaleRules | undefined;
  #prefetches: boolean;
  #rebinding: RebindingGuard | undefined;
  readonly #room: WaitingRoom;
  readonly #cache: AnswerCache;
  readonly #clock: Clock;
  readonly #clientObserver: PipelineObserver;
  readonly #probeObserver: PipelineObserver;
  /** Of the query in hand: that of clients, or that of the probe. */
  #observer: PipelineObserver;
  readonly #candidates: CandidateObserver | undefined;
  readonly #cookies: ServerCookies | undefined;
  #exemptions: ExemptionIndex | undefined;
  /** Counts the changes of exemptions. */
  #exemptionChange = 0;
  readonly #exemptionObserver: ExemptionObserver = {
    exempted: (verdict, targets, index, number) => {
      this.#notes.exempted(verdict, targets, this.#alias?.target, index, number);
      this.#trace?.takenOut(verdict, targets, number);
    },
  };
  #events: EventObserver | undefined;
  readonly #isProbeAt: ((address: AddressWords, port: number) => boolean) | undefined;
  readonly #event = new QueryEvent();
  /** What the lists said of the query in hand. */
  readonly #notes = new Notes();
  /** The second in which the last event about a client outside was, and how many it had. */
  #outsiderSec = 0;
  #outsiderEvents = 0;
  readonly #query = new Query();
  readonly #verdict = new Verdict();
  readonly #watched = new Verdict();
  /** Mask of the lists that go before the one that decided the question in hand; for lists that are only watched. */
  #listsBefore = -1;
  /** Where a rule leads the question in hand. */
  #alias: Alias | undefined;
  /** The cache key of the query in hand, which starts with its folded QNAME. */
  readonly #key = new CacheKey();
  readonly #failures: FailureCache<Failure>;
  /** Whose answers serve clients with and without DO and CD; see Resolver.joinsVariants(). */
  #resolver: Resolver;
  /** Undefined but in a pipeline that was made to explain one question. */
  readonly #trace: PipelineTrace | undefined;
  readonly #out = Buffer.alloc(MESSAGE_LENGTH_MAX);
  /** Waiters of the answer in hand that a rule leads elsewhere. */
  readonly #followers: Waiter[] = [];
  // The query in hand: who asks, and how.
  #asker: AddressWords = createAddress();
  #port = 0;
  #transport = 0;
  /** Nobody asks but the resolver itself; see PORT_OF_PROBE. */
  #isProbe = false;
  // For resolve(), beside these.
  #keyText = '';
  readonly #address = createAddress();
  #listener = '';
  #nowMs = 0;

  constructor(options: {
    rules: PipelineRules;
    resolver: Resolver;
    cache: AnswerCache;
    clock: Clock;
    observer: PipelineObserver;
    /** Is told what the self-probe asks, in place of `observer`; the same object without it. */
    probeObserver?: PipelineObserver;
    candidates?: CandidateObserver;
    /** Of the cookies that clients get (RFC 9018 section 5); undefined: none. */
    cookieSecret?: Uint8Array;
    /** Lists that do not count for some. */
    exemptions?: ExemptionIndex | undefined;
    /** Is told what is worth a record; undefined: nobody keeps any. */
    events?: EventObserver | undefined;
    /** True for an address and a port from which the self-probe asks listeners as any client would. */
    isProbe?: (address: AddressWords, port: number) => boolean;
    /** Is told how questions are decided: for a pipeline that explains one. */
    trace?: PipelineTrace;
    /** The pipeline whose remembered failures are this one's too. */
    beside?: Pipeline;
  }) {
    this.#policy = options.rules.policy;
    this.#clients = options.rules.clients;
    this.#localZones = options.rules.localZones;
    this.#ttlLimits = options.rules.ttlLimits;
    this.#stale = options.rules.stale;
    this.#prefetches = options.rules.prefetch === true;
    this.#rebinding = options.rules.rebinding;
    this.#cache = options.cache;
    this.#clock = options.clock;
    this.#clientObserver = options.observer;
    this.#probeObserver = options.probeObserver ?? options.observer;
    this.#observer = options.observer;
    this.#candidates = options.candidates;
    this.#cookies = options.cookieSecret && new ServerCookies(options.cookieSecret);
    this.#exemptions = options.exemptions;
    this.#events = options.events;
    this.#isProbeAt = options.isProbe;
    this.#resolver = options.resolver;
    this.#room = new WaitingRoom({
      desk: this.#createDesk(),
      resolver: options.resolver,
      clock: options.clock,
      observer: {
        inflight: (count) => this.#clientObserver.inflight(count),
        coalesced: () => this.#observer.coalesced(),
        clientShed: () => this.#observer.clientShed(),
        zoneShed: () => this.#observer.zoneShed(),
        gaveWay: (reason) => this.#clientObserver.gaveWay(reason),
        repeated: () => this.#observer.repeated(),
      },
      limit: options.rules.fairness,
    });
    this.#room.setStaleAfter(this.#stale?.afterMs ?? 0);
    this.#trace = options.trace;
    this.#failures = options.beside === undefined ? new FailureCache<Failure>() : options.beside.#failures;
    this.setExemptions(this.#exemptions);
  }

  /** Puts other rules in force from the next query on; queries that wait are judged by them too. */
  setRules(rules: PipelineRules): void {
    this.#policy = rules.policy;
    this.#clients = rules.clients;
    this.#localZones = rules.localZones;
    this.#ttlLimits = rules.ttlLimits;
    this.#stale = rules.stale;
    this.#prefetches = rules.prefetch === true;
    this.#rebinding = rules.rebinding;
    this.#room.setLimit(rules.fairness);
    this.#room.setStaleAfter(rules.stale?.afterMs ?? 0);
    this.#policy?.setExemptions(this.#exemptions, this.#clock, this.#exemptionObserver);
    // What failed under other rules may not fail under these.
    this.#failures.clear();
  }

  /** Puts other exemptions in force from the next query on; queries that wait are judged by them too. */
  setExemptions(exemptions: ExemptionIndex | undefined): void {
    this.#exemptions = exemptions;
    this.#exemptionChange++;
    this.#policy?.setExemptions(exemptions, this.#clock, this.#exemptionObserver);
  }

  /** Tells somebody else, or nobody, what is worth a record. */
  setEvents(events: EventObserver | undefined): void {
    this.#events = events;
  }

  /** Puts in force what the schedules of the policy say for a time. */
  setTime(nowMs: number): void {
    if (this.#policy?.isScheduled === true) this.#policy.setTime(nowMs);
  }

  /** Sends further questions to another resolver. */
  setResolver(resolver: Resolver): void {
    this.#failures.clear();
    this.#resolver = resolver;
    this.#room.setResolver(resolver);
  }

  /** Questions for whose answer somebody waits. */
  get waiting(): number {
    return this.#room.awaited;
  }

  /** False for a client whom nothing would be answered but REFUSED, which counts as a sign of a way around. */
  mayAsk(address: AddressWords, listener: string): boolean {
    const { allowed } = this.#clients.identify(address, listener);
    if (!allowed) this.#clientObserver.bypass(SIGNAL.UNLISTED_NETWORK);
    return allowed;
  }

  /** The generation in force, 0 when there is none. */
  get generation(): number {
    return this.#policy?.generation ?? 0;
  }

  /**
   * Decides a message of `length` bytes from a client's address and port to a listener and writes the answer into
   * `out`, which must hold at least the transport's longest answer. Returns the answer's length, DROPPED or PENDING.
   */
  decide(
    bytes: Uint8Array,
    length: number,
    address: AddressWords,
    port: number,
    transport: number,
    out: Uint8Array,
    listener: string,
  ): number {
    const query = this.#query;
    this.#takeAsker(address, port, transport);
    if (this.#isProbe) this.#clientObserver.probed();
    const fault = query.parse(bytes, length);
    if (fault !== QUERY_FAULT.NONE && fault !== QUERY_FAULT.COOKIE_ONLY) return this.#answerFault(fault, out);
    const client = this.#clients.identify(address, listener);
    const cookie = query.cookieLength >= 0 && client.allowed ? this.#judgeCookie(address) : COOKIE.NONE;
    if (fault === QUERY_FAULT.COOKIE_ONLY) return this.#answerCookie(client, cookie, out);
    this.#observer.query(transport, query.qtype, client.allowed ? client.group : -1);
    const early = this.#decideBeforeLists(client, out);
    if (early !== UNDECIDED) return early;
    const nowMs = this.#clock();
    const answer = this.#findAnswer(query.qnameLength, client.view, nowMs);
    // Most answers of a network concern no list at all, which is found out once for a generation.
    if (answer !== undefined && answer.unlistedGeneration === this.generation && isAskingResolver(query)) {
      this.#observer.cacheHit();
      this.#observer.answer(SOURCE.CACHE, answer.rcode);
      this.#trace?.found(SOURCE.CACHE, answer, nowMs);
      answer.choose(query.dnssecOk);
      const length = writeAnswer(query, answer, ageSecOf(answer, nowMs), limitOf(query, transport), out);
      if (this.#prefetches && isNearlyOver(answer, nowMs)) this.#prefetch(client.view, nowMs);
      return length;
    }
    let decided = this.#decideByLists(client, address, transport, true, out);
    if (decided === UNDECIDED) decided = this.#decideByAnswer(answer, client, transport, nowMs, out);
    if (decided !== PENDING) {
      if (this.#notes.isAny) this.#conclude(client.group, decided, out);
      return decided;
    }
    for (let i = 0; i < 4; i++) this.#address[i] = address[i] ?? 0;
    this.#listener = listener;
    this.#nowMs = nowMs;
    return PENDING;
  }

  /**
   * Answers a question that the lists let pass with what is there: the answer of the cache, if any, or what failed.
   * PENDING: it has to be resolved.
   */
  #decideByAnswer(
    cached: Answer | undefined,
    client: Client,
    transport: number,
    nowMs: number,
    out: Uint8Array,
  ): number {
    let answer = this.#alias === undefined ? cached : this.#findTarget(this.#alias, client.view, nowMs);
    let answered = UNDECIDED;
    if (answer !== undefined) {
      answered = this.#inspect(answer, client, transport, nowMs, SOURCE.CACHE, out);
      // A rule leads from the answer elsewhere: only once, because an alias leads to no other one.
      if (answered === UNDECIDED && this.#alias !== undefined) {
        answer = this.#findTarget(this.#alias, client.view, nowMs);
        if (answer !== undefined)
          answered = this.#inspect(answer, client, transport, nowMs, SOURCE.CACHE, out);
      }
    }
    if (answer !== undefined) {
      this.#observer.cacheHit();
      return answered;
    }
    this.#observer.cacheMiss();
    const text = this.#key.text;
    const failure = this.#failures.get(text, nowMs);
    if (failure !== undefined) {
      this.#trace?.remembered(failure.source);
      if (failure.mayBeStale) {
        const length = this.#decideStale(client, transport, nowMs, out);
        if (length !== UNDECIDED) return length;
      }
      return this.#answerEmpty(SOURCE.CACHE, failure.rcode, failure.cachedEde, out);
    }
    if (!isAskingResolver(this.#query)) return this.#answerUnknown(client, transport, nowMs, out);
    if (this.#stale !== undefined) {
      const isLate = this.#room.isLate(text);
      if (isLate || this.#stale.afterMs === 0) {
        const length = this.#decideStale(client, transport, nowMs, out);
        if (length !== UNDECIDED) {
          this.#refresh(text, client.view);
          return length;
        }
      }
    }
    this.#keyText = text;
    return PENDING;
  }

  /**
   * Answers a query without RD for what the cache does not have, or only as a stale answer, which is fetched anew as for
   * any other client. Nothing known is NOERROR without a record, as BIND and unbound answer: no SOA, so nobody keeps it.
   */
  #answerUnknown(client: Client, transport: number, nowMs: number, out: Uint8Array): number {
    const { text } = this.#key;
    const length = this.#decideStale(client, transport, nowMs, out);
    if (length !== UNDECIDED) {
      this.#refresh(text, client.view);
      return length;
    }
    return this.#answerEmpty(SOURCE.PROTOCOL, RCODE.NOERROR, EDE_NOT_AUTHORITATIVE, out);
  }

  /** The answer for the name that a rule leads to. */
  #findTarget({ target }: Alias, view: number, nowMs: number): Answer | undefined {
    this.#key.bytes.set(target);
    return this.#findAnswer(target.length, view, nowMs);
  }

  /** The answer to the question in hand for the folded name in the first bytes of the key. */
  #findAnswer(nameLength: number, view: number, nowMs: number): Answer | undefined {
    const { qtype, dnssecOk, flags } = this.#query;
    const isCheckingDisabled = (flags & FLAG.CD) !== 0;
    const key = this.#key;
    if (this.#resolver.joinsVariants?.(qtype) !== true) {
      this.#cache.seal(key, nameLength, qtype, keyFlags(dnssecOk, isCheckingDisabled, view));
      return this.#cache.get(key, nowMs);
    }
    this.#cache.seal(key, nameLength, qtype, keyFlags(false, false, view));
    const answer = this.#cache.get(key, nowMs);
    // What came when nobody validated may lack what this client asks for.
    if (answer !== undefined) return answer.isComplete || !dnssecOk ? answer : undefined;
    // Who validates by itself gets what could not be validated here, under a key of its own (RFC 4035 section 3.2.2).
    const failure = isCheckingDisabled ? this.#failures.get(key.text, nowMs) : undefined;
    if (failure === undefined) return undefined;
    if (failure.mayBeStale && this.#stale !== undefined && this.#getStale(nameLength, nowMs) !== undefined)
      return undefined;
    this.#cache.seal(key, nameLength, qtype, keyFlags(false, true, view));
    return this.#cache.get(key, nowMs);
  }

  /** Answers the query in hand with an answer under the key that is over; UNDECIDED when there is none. */
  #answerStale(client: Client, transport: number, nowMs: number, out: Uint8Array): number {
    if (this.#stale === undefined) return UNDECIDED;
    const answer = this.#getStale(this.#key.length - KEY_TAIL_BYTES, nowMs);
    if (answer === undefined) return UNDECIDED;
    return this.#inspect(answer, client, transport, nowMs, SOURCE.STALE, out);
  }

  /** As #answerStale(), for a query that goes on to the resolver when a rule leads from the old answer elsewhere. */
  #decideStale(client: Client, transport: number, nowMs: number, out: Uint8Array): number {
    const alias = this.#alias;
    const length = this.#answerStale(client, transport, nowMs, out);
    if (length === UNDECIDED) this.#alias = alias;
    return length;
  }

  /** Fetches the answer in hand anew while it still lives, if nobody does so already. */
  #prefetch(view: number, nowMs: number): void {
    if (this.#room.size >= PREFETCH_INFLIGHT_MAX) return;
    const { text } = this.#key;
    if (this.#room.has(text) || this.#failures.get(text, nowMs) !== undefined) return;
    this.#observer.prefetched();
    this.#refresh(text, view);
  }

  /** Asks the resolver the question in hand, under the key in hand, for the cache alone. Allocates. */
  #refresh(key: string, view: number): void {
    if (this.#room.has(key)) return;
    const { qnameLength } = this.#query;
    const qname = this.#alias?.target ?? Uint8Array.prototype.slice.call(this.#key.bytes, 0, qnameLength);
    this.#room.refresh(this.#toAsked(key, qname, qname, view));
  }

  /** Resolves the query that decide() just left pending. `reply` is called once, maybe before this returns. */
  resolve(reply: Reply): void {
    const query = this.#query;
    const key = this.#keyText;
    const waiter: Waiter = {
      // No Buffer: its slice() would be a view, of the socket's memory here and of this copy elsewhere.
      bytes: new Uint8Array(query.bytes.subarray(0, query.length)),
      address: this.#address.slice(),
      // Its port may be another's by the time of the answer.
      port: this.#isProbe ? PORT_OF_PROBE : this.#port,
      transport: this.#transport,
      listener: this.#listener,
      reply,
      sinceMs: this.#nowMs,
      alias: this.#alias,
    };
    const { target } = waiter.alias ?? {};
    const qname = target ?? Uint8Array.prototype.slice.call(this.#key.bytes, 0, query.qnameLength);
    this.#await(waiter, key, qname, this.#clients.identify(waiter.address, waiter.listener).view);
  }

  /** Lets a waiter wait for the answer under a key to the question of its query with a folded name. */
  #await(waiter: Waiter, key: string, qname: Uint8Array, view: number): void {
    const { qnameLength } = this.#query;
    // A copy of its own: the letters of the waiter's query come back to it, whatever a resolver does with the name.
    const name = waiter.alias?.target ?? waiter.bytes.slice(HEADER_LENGTH, HEADER_LENGTH + qnameLength);
    this.#room.enter(waiter, this.#toAsked(key, qname, name, view));
  }

  /** The answer under a key, given as text, that is over. */
  #findStale(key: string, qname: Uint8Array, nowMs: number): Answer | undefined {
    this.#key.bytes.write(key, 'latin1');
    const tail = qname.length;
    const type = (key.charCodeAt(tail) << 8) | key.charCodeAt(tail + 1);
    this.#cache.seal(this.#key, tail, type, key.charCodeAt(tail + 2));
    return this.#getStale(tail, nowMs);
  }

  /**
   * The answer under the key in hand that is over. For who asks for DNSSEC records one without them will do: there is
   * nothing better, and most clients that ask for them do not validate.
   */
  #getStale(nameLength: number, nowMs: number): Answer | undefined {
    const key = this.#key;
    const answer = this.#cache.getStale(key, nowMs);
    if (answer !== undefined || (key.flags & KEY_FLAG.DNSSEC_OK) === 0) return answer;
    const { flags, bytes } = key;
    const type = readU16(bytes, nameLength);
    this.#cache.seal(key, nameLength, type, flags & ~KEY_FLAG.DNSSEC_OK);
    const plain = this.#cache.getStale(key, nowMs);
    this.#cache.seal(key, nameLength, type, flags);
    return plain;
  }

  /** The question of the query in hand for the resolver. */
  #toAsked(key: string, qname: Uint8Array, name: Uint8Array, view: number): Asked {
    const query = this.#query;
    const isJoined = this.#resolver.joinsVariants?.(query.qtype) === true;
    const question: Question = {
      name,
      type: query.qtype,
      class: query.qclass,
      dnssecOk: isJoined || query.dnssecOk,
      checkingDisabled: (flagsOf(key) & KEY_FLAG.CHECKING_DISABLED) !== 0,
      view,
      wantsAd: false,
      interest: { cancel: undefined },
    };
    return { key, qname, question };
  }

  /** What the waiting room leaves to the pipeline. */
  #createDesk(): Desk {
    return {
      hasStale: ({ key, qname }, nowMs) => this.#findStale(key, qname, nowMs) !== undefined,
      read: (asked, resolution, nowMs, isKept) => this.#complete(asked, resolution, nowMs, isKept),
      answer: (waiter, outcome) => {
        this.#answerWaiter(waiter, outcome);
      },
      answered: () => {
        // Not while others are given the same answer: a resolver that answers at once would overwrite it.
        if (this.#followers.length > 0)
          for (const follower of this.#followers.splice(0)) this.#follow(follower);
      },
    };
  }

  #judgeCookie(address: AddressWords): number {
    return this.#cookies?.judge(this.#query, address, this.#clock()) ?? COOKIE.NONE;
  }

  /** Answers a client that only wants a cookie (RFC 7873 section 5.4). */
  #answerCookie(client: Client, cookie: number, out: Uint8Array): number {
    if (!client.allowed) return this.#answerEmpty(SOURCE.ACCESS, RCODE.REFUSED, EDE_PROHIBITED, out);
    if (this.#query.hasTsig) return this.#answerEmpty(SOURCE.PROTOCOL, RCODE.NOTAUTH, undefined, out);
    const rcode = cookie === COOKIE.UNKNOWN ? RCODE.BADCOOKIE : RCODE.NOERROR;
    return this.#answerEmpty(SOURCE.PROTOCOL, rcode, undefined, out);
  }

  /** What is decided before the lists have a say. Returns the answer's length or UNDECIDED; folds the name. */
  #decideBeforeLists(client: Client, out: Uint8Array): number {
    const query = this.#query;
    // Access first: whoever may not ask learns nothing, not even what is refused to others.
    if (!client.allowed) {
      this.#noteOutsider(client.group);
      return this.#answerEmpty(SOURCE.ACCESS, RCODE.REFUSED, EDE_PROHIBITED, out);
    }
    // The envelope before the letter: an EDNS version that is not spoken here has other semantics (RFC 6891 6.1.3).
    if (query.ednsVersion !== 0) return this.#answerEmpty(SOURCE.PROTOCOL, RCODE.BADVERS, undefined, out);
    if (query.hasTsig) return this.#answerEmpty(SOURCE.PROTOCOL, RCODE.NOTAUTH, undefined, out);
    // Other classes hold no data for clients, so nothing listed can leak through them.
    if (query.qclass !== CLASS.IN)
      return this.#answerEmpty(SOURCE.PROTOCOL, RCODE.REFUSED, EDE_NOT_SUPPORTED, out);
    // Not ready is not open: before local names, so that a health check cannot mistake it for working.
    const policy = this.#policy;
    if (policy === undefined) return this.#answerEmpty(SOURCE.NOT_READY, RCODE.SERVFAIL, EDE_NOT_READY, out);
    this.#foldQname();
    // Local names are nobody's business outside, and no list may turn localhost into something else.
    const local = this.#localZones.find(this.#key.bytes, query.qnameLength, query.qtype);
    return local === LOCAL.NONE ? UNDECIDED : this.#answerLocal(local, out);
  }

  /**
   * What the lists decide on the question, and what follows from its type and flags. Returns the answer's length,
   * DROPPED or UNDECIDED: data is needed. `isFirst` is false when the same query is decided again for its answer.
   */
  #decideByLists(
    client: Client,
    address: AddressWords,
    transport: number,
    isFirst: boolean,
    out: Uint8Array,
  ): number {
    const query = this.#query;
    const policy = this.#policy;
    this.#alias = undefined;
    this.#notes.clear();
    // Unreachable: #decideBeforeLists came first.
    if (policy === undefined) return this.#answerEmpty(SOURCE.NOT_READY, RCODE.SERVFAIL, EDE_NOT_READY, out);
    // Policy before everything that depends on the type or the flags: none of them lets a listed name through.
    const verdict = this.#verdict;
    const { qnameLength, qtype } = query;
    policy.judgeQuestion(this.#key.bytes, 0, qnameLength, qtype, address, client.group, verdict);
    this.#trace?.judged(verdict, undefined, undefined);
    if (verdict.refused) {
      const refused = this.#answerRefusal(policy, undefined, client.group, transport, isFirst, out);
      if (refused !== UNDECIDED) return refused;
    }
    if (policy.isWatching) {
      this.#listsBefore = verdict.listsBefore;
      policy.watchQuestion(this.#key.bytes, qnameLength, client.group, verdict, this.#watched);
      if (this.#watched.refused) this.#noteWatched(undefined, client.group, isFirst);
    }
    const unserved = unservedRcode(query.qtype);
    if (unserved >= 0) return this.#answerEmpty(SOURCE.PROTOCOL, unserved, EDE_NOT_SUPPORTED, out);
    if (query.qtype === TYPE.ANY) {
      this.#observer.answer(SOURCE.LOCAL, RCODE.NOERROR);
      return writeAny(query, out);
    }
    // Without RD a client may only look at the cache, which tells it what others asked: refused, as RFC 8914 4.21 names.
    if (!isAskingResolver(query) && !client.readsCache) {
      return this.#answerEmpty(SOURCE.PROTOCOL, RCODE.REFUSED, EDE_NOT_AUTHORITATIVE, out);
    }
    return UNDECIDED;
  }

  #noteWatched(answer: Answer | undefined, group: number, isFirst: boolean): void {
    this.#trace?.watched(this.#watched, answer);
    if (this.#isProbe) return;
    const { list, match, trigger } = this.#watched;
    if (isFirst) this.#observer.refusal(list, match, trigger, group, this.#query.qtype);
    if (this.#events === undefined) return;
    this.#notes.watched.take(this.#watched, answer, undefined);
    this.#notes.isAny = true;
  }

  /** Judges an answer for the client and writes it, or the refusal; UNDECIDED when a rule leads elsewhere (#alias). */
  #inspect(
    answer: Answer,
    client: Client,
    transport: number,
    nowMs: number,
    source: number,
    out: Uint8Array,
  ): number {
    const query = this.#query;
    const policy = this.#policy;
    // Unreachable without a policy: #decideBeforeLists came first. Stated again because this is the last door.
    if (policy === undefined) return this.#answerEmpty(SOURCE.NOT_READY, RCODE.SERVFAIL, EDE_NOT_READY, out);
    if (answer.overflow) return this.#answerEmpty(source, RCODE.SERVFAIL, EDE_INVALID_DATA, out);
    answer.choose(query.dnssecOk);
    this.#trace?.found(source, answer, nowMs);
    const isStale = source === SOURCE.STALE;
    const verdict = this.#verdict;
    const alias = this.#alias;
    // The lists before the one with the alias have their say on where it leads.
    if (alias !== undefined) policy.judgeAlias(alias.target, client.group, verdict);
    if (alias === undefined || !verdict.refused) policy.judgeTargets(answer, client.group, verdict);
    this.#trace?.judged(verdict, answer, alias);
    if (verdict.refused) {
      if (this.#candidates !== undefined) this.#noteCandidate(policy, this.#candidates);
      const refused = this.#answerRefusal(policy, answer, client.group, transport, true, out);
      if (refused !== UNDECIDED || this.#alias !== alias) return refused;
    } else if (policy.isWatching && !this.#watched.refused) {
      policy.watchTargets(answer, client.group, this.#listsBefore, verdict, this.#watched);
      if (this.#watched.refused) this.#noteWatched(answer, client.group, true);
    }
    // Only on the second use: most names of the long tail are asked once.
    if (source === SOURCE.CACHE && alias === undefined && verdict.list < 0 && verdict.exempted === 0) {
      const { bytes } = this.#key;
      if (policy.isUnlisted(bytes, query.qnameLength, answer)) answer.markUnlisted(policy.generation);
    }
    const { rcode } = answer;
    this.#observer.answer(source, rcode);
    const limit = limitOf(query, transport);
    const ageSec = ageSecOf(answer, nowMs);
    if (alias !== undefined) return writeAliased(query, alias, answer, ageSec, limit, out);
    if (!isStale) {
      const length = writeAnswer(query, answer, ageSec, limit, out);
      if (
        source === SOURCE.CACHE &&
        this.#prefetches &&
        isAskingResolver(query) &&
        isNearlyOver(answer, nowMs)
      )
        this.#prefetch(client.view, nowMs);
      return length;
    }
    const ede = rcode === RCODE.NXDOMAIN ? EDE_STALE_NXDOMAIN : EDE_STALE;
    return writeAnswer(query, answer, 0, limit, out, ede, this.#stale?.ttlSec ?? 0);
  }

  /** The question passed, what it leads to does not. */
  #noteCandidate(policy: Policy, candidates: CandidateObserver): void {
    const { list, line, trigger } = this.#verdict;
    const { id = '', mandate = false } = policy.lists[list] ?? {};
    if (!mandate || this.#alias !== undefined || this.#isProbe) return;
    candidates.candidate(this.#key.bytes, this.#query.qnameLength, id, line, trigger);
  }

  /** Reads what the resolver said, and keeps it unless the resolver was replaced meanwhile. */
  #complete(
    { key, qname, question }: Asked,
    resolution: Resolution,
    nowMs: number,
    isKept: boolean,
  ): Outcome {
    const flags = flagsOf(key);
    const isForAll = question.dnssecOk && (flags & KEY_FLAG.DNSSEC_OK) === 0;
    const outcome = this.#readResolution(qname, question, resolution, nowMs, isForAll);
    if (!('ede' in outcome)) {
      if (isKept) this.#cache.set(outcome, flags);
      return outcome;
    }
    if (isForAll && isKept && resolution.kind === 'bogus' && resolution.message !== undefined)
      this.#keepBogus(qname, resolution.message, nowMs, flags);
    if (outcome !== OVERLOAD && isKept) this.#failures.set(key, outcome, nowMs, outcome.lifetimeMs);
    if (!outcome.mayBeStale || this.#stale === undefined) return outcome;
    return this.#findStale(key, qname, nowMs) === undefined ? outcome : STALE;
  }

  /** What became of a question: an answer, which is valid until the next one is made, or why there is none. */
  #readResolution(
    qname: Uint8Array,
    question: Question,
    resolution: Resolution,
    nowMs: number,
    isForAll: boolean,
  ): Outcome {
    if (resolution.kind === 'failure') return withEdeOf(FAILURES[resolution.reason], resolution.message);
    if (resolution.kind === 'bogus') return createBogus(resolution.code, resolution.text);
    const { message, security, ttlMaxSec = Number.POSITIVE_INFINITY } = resolution;
    const validation: Validation =
      security === undefined ? NOT_VALIDATED : { isSecure: security === 'secure', ttlMaxSec };
    const { dnssecOk } = question;
    const answer = createAnswer(message, qname, dnssecOk, this.#ttlLimits, nowMs, validation, isForAll);
    if (answer === undefined || answer.overflow) return INVALID;
    if (this.#rebinding?.isForbidden(answer, qname, qname.length) !== true) return answer;
    this.#clientObserver.rebindingRefused();
    return REBINDING;
  }

  /** Keeps what is bogus for clients that want it all the same (CD), for as long as it is remembered as bogus. */
  #keepBogus(qname: Uint8Array, message: Uint8Array, nowMs: number, flags: number): void {
    const validation = { isSecure: false, ttlMaxSec: BOGUS_MS / 1000 };
    const answer = createAnswer(message, qname, true, this.#ttlLimits, nowMs, validation, true);
    if (answer === undefined || answer.overflow) return;
    if (this.#rebinding?.isForbidden(answer, qname, qname.length) === true) return;
    this.#cache.set(answer, flags | KEY_FLAG.CHECKING_DISABLED);
  }

  /** Who asks the query that is taken in hand, and who is told of it. */
  #takeAsker(address: AddressWords, port: number, transport: number): void {
    this.#asker = address;
    this.#port = port;
    this.#transport = transport;
    this.#isProbe = port === PORT_OF_PROBE || this.#isProbeAt?.(address, port) === true;
    this.#observer = this.#isProbe ? this.#probeObserver : this.#clientObserver;
  }

  /** Takes the query of a waiter in hand again; returns who asks. */
  #takeUp({ bytes, address, port, transport, listener }: Waiter): Client {
    this.#query.parse(bytes, bytes.length);
    this.#takeAsker(address, port, transport);
    if (this.#query.cookieLength >= 0) this.#judgeCookie(address);
    return this.#clients.identify(address, listener);
  }

  /** Gives a waiter the answer of `length` bytes, or none; `hasWaited` unless there was no room to wait. */
  #reply({ reply, sinceMs }: Waiter, client: Client, length: number, hasWaited: boolean): void {
    if (this.#notes.isAny) this.#conclude(client.group, length, this.#out);
    if (length > 0 && hasWaited) this.#observer.missDuration(Math.max(0, this.#clock() - sinceMs));
    reply(this.#out.subarray(0, length));
  }

  /** Allocates where a rule leads from the answer elsewhere. */
  #answerWaiter(waiter: Waiter, outcome: Outcome): void {
    const client = this.#takeUp(waiter);
    const { address, transport } = waiter;
    let length = this.#decideBeforeLists(client, this.#out);
    if (length === UNDECIDED) length = this.#decideByLists(client, address, transport, false, this.#out);
    if (length === UNDECIDED) {
      const last = this.#isStillAsked(waiter) ? outcome : RULES_CHANGED;
      if (last === STALE) length = this.#answerStaleWaiter(waiter, client);
      else if ('ede' in last && last.source !== SOURCE.SHED && this.#mayAskUnchecked(waiter, client)) {
        this.#followers.push({ ...waiter, isUnchecked: true });
        return;
      } else if ('ede' in last) length = this.#answerEmpty(last.source, last.rcode, last.ede, this.#out);
      else length = this.#inspect(last, client, transport, last.storedAtMs, SOURCE.UPSTREAM, this.#out);
    }
    const hasWaited = outcome !== OVERLOAD && outcome !== OVER_SHARE;
    if (length !== UNDECIDED || this.#alias === undefined) this.#reply(waiter, client, length, hasWaited);
    else this.#followers.push({ ...waiter, alias: this.#alias });
  }

  /** True when what could not be validated shall be given, or asked for, without: CD, and not tried yet. */
  #mayAskUnchecked({ alias, isUnchecked }: Waiter, { view }: Client): boolean {
    const { flags, qnameLength, qtype } = this.#query;
    if ((flags & FLAG.CD) === 0 || isUnchecked === true || alias !== undefined || this.#alias !== undefined)
      return false;
    if (this.#resolver.joinsVariants?.(qtype) !== true) return false;
    this.#findAnswer(qnameLength, view, this.#clock());
    return (this.#key.flags & KEY_FLAG.CHECKING_DISABLED) !== 0;
  }

  /** Answers a waiter with the answer that is over. It was there a moment ago, so what is left is a failure. */
  #answerStaleWaiter({ transport }: Waiter, client: Client): number {
    const nowMs = this.#clock();
    const { view } = client;
    const nameLength = this.#alias?.target.length ?? this.#query.qnameLength;
    if (this.#alias !== undefined) this.#key.bytes.set(this.#alias.target);
    if (this.#findAnswer(nameLength, view, nowMs) === undefined) {
      const length = this.#answerStale(client, transport, nowMs, this.#out);
      if (length !== UNDECIDED || this.#alias !== undefined) return length;
    }
    return this.#answerEmpty(UNREACHABLE.source, UNREACHABLE.rcode, UNREACHABLE.ede, this.#out);
  }

  /** True when the answer that a waiter waited for is the one that the rules now in force call for. */
  #isStillAsked({ alias }: Waiter): boolean {
    if (isSameAlias(alias, this.#alias)) return true;
    // A rule led there from an answer: under the same rules it still does.
    if (alias === undefined || this.#alias !== undefined || alias.isOfQuestion) return false;
    if (alias.generation !== this.generation || alias.exemptionChange !== this.#exemptionChange) return false;
    // It was met because a list before its own did not count, which is over.
    if (this.#clock() >= alias.validUntilMs) return false;
    this.#alias = alias;
    this.#verdict.list = alias.list;
    this.#verdict.action = ACTION.DATA;
    if (this.#events !== undefined) this.#noteAlias(alias);
    return true;
  }

  #noteAlias({ list, line, match, trigger, lead }: Alias): void {
    const { refusal } = this.#notes;
    refusal.list = list;
    refusal.line = line;
    refusal.match = match;
    refusal.trigger = trigger;
    refusal.targetLength = 0;
    refusal.hasAddress = false;
    if (lead !== undefined) refusal.setTarget(lead.name, 0, lead.name.length);
    this.#notes.isAny = true;
  }

  /**
   * Answers a waiter whose answer a rule leads elsewhere, or who does not want it validated, or lets it wait for what that
   * is. Allocates. Not while others are given the same answer: a resolver that answers at once would overwrite it.
   */
  #follow(waiter: Waiter): void {
    const { alias, address, transport } = waiter;
    const nowMs = this.#clock();
    const client = this.#takeUp(waiter);
    // Decided again for this very client: others were decided since.
    let length = this.#decideBeforeLists(client, this.#out);
    if (length === UNDECIDED) length = this.#decideByLists(client, address, transport, false, this.#out);
    if (length === UNDECIDED) {
      const { qnameLength } = this.#query;
      const answer =
        alias === undefined
          ? this.#findAnswer(qnameLength, client.view, nowMs)
          : this.#findTarget(alias, client.view, nowMs);
      if (answer === undefined || !this.#isStillAsked(waiter)) {
        const qname = alias?.target ?? new Uint8Array(this.#key.bytes.subarray(0, qnameLength));
        this.#await(waiter, this.#key.text, qname, client.view);
        return;
      }
      length = this.#inspect(answer, client, transport, nowMs, SOURCE.CACHE, this.#out);
    }
    this.#reply(waiter, client, length, true);
  }

  #answerFault(fault: number, out: Uint8Array): number {
    if (fault === QUERY_FAULT.SILENT) {
      this.#observer.dropped(this.#query.length < HEADER_LENGTH ? DROP.SHORT : DROP.QR_SET);
      return DROPPED;
    }
    const length = writeFault(this.#query, fault, out);
    this.#observer.answer(SOURCE.PROTOCOL, (out[3] ?? 0) & 0xf);
    return length;
  }

  #answerEmpty(source: number, rcode: number, ede: Uint8Array | undefined, out: Uint8Array): number {
    this.#observer.answer(source, rcode);
    return writeEmpty(this.#query, rcode, ede, out);
  }

  /** Answers as the rule that prevailed says; UNDECIDED when it says to go on, which is counted when `isFirst`. */
  #answerRefusal(
    policy: Policy,
    answer: Answer | undefined,
    group: number,
    transport: number,
    isFirst: boolean,
    out: Uint8Array,
  ): number {
    const verdict = this.#verdict;
    const query = this.#query;
    const list = policy.lists[verdict.list];
    if (list === undefined) return this.#answerEmpty(SOURCE.NOT_READY, RCODE.SERVFAIL, EDE_NOT_READY, out);
    if (verdict.action === ACTION.TCP_ONLY && transport !== TRANSPORT.UDP) return UNDECIDED;
    this.#noteRefusal(answer);
    const length = this.#writeAction(list, answer, transport, out);
    if ((isFirst || length !== UNDECIDED) && !this.#isProbe) {
      this.#observer.refusal(verdict.list, verdict.match, verdict.trigger, group, query.qtype);
    }
    if (length > 0) {
      this.#observer.answer(SOURCE.POLICY, (out[3] ?? 0) & 0xf);
      this.#observer.policyAnswer(transport);
    }
    return length;
  }

  /** Notes the rule that answers in place of what was asked for. */
  #noteRefusal(answer: Answer | undefined): void {
    const notes = this.#notes;
    // What is refused all the same was not let pass by anybody.
    notes.hitCount = 0;
    // Whoever comes back over TCP gets what was asked for.
    if (this.#events === undefined || this.#verdict.action === ACTION.TCP_ONLY) return;
    notes.refusal.take(this.#verdict, answer, this.#alias?.target);
    notes.isAny = true;
  }

  /** Tells what the lists said of the query in hand, whose answer was written with `length` bytes or dropped. */
  #conclude(group: number, length: number, out: Uint8Array): void {
    const { refusal, watched, hits, hitCount } = this.#notes;
    const { exemptUntilMs, exemptTtlSec } = this.#verdict;
    const isProbe = this.#isProbe;
    const rcode = length > 0 ? (out[3] ?? 0) & 0xf : -1;
    if (refusal.list >= 0 && !isProbe) this.#tell(EVENT.REFUSAL, refusal, group, rcode);
    if (watched.list >= 0 && !isProbe) this.#tell(EVENT.WOULD_REFUSE, watched, group, rcode);
    if (hitCount === 0) return;
    for (let i = 0; i < hitCount && !isProbe; i++) {
      const hit = hits[i];
      if (hit === undefined) continue;
      this.#observer.exempted(hit.index);
      this.#tell(EVENT.EXEMPTION_HIT, hit, group, rcode);
    }
    if (length <= 0) return;
    // What clients keep of it shall not outlive the exemption, nor for long its being taken back.
    const leftSec = Math.max(0, Math.floor((exemptUntilMs - this.#clock()) / 1000));
    limitTtls(out, length, Math.min(exemptTtlSec, leftSec));
  }

  /** Tells of an event of a list. */
  #tell(kind: number, note: Note, group: number, rcode: number): void {
    const events = this.#events;
    if (events === undefined) return;
    const event = this.#event;
    const isListSent = kind === EVENT.REFUSAL && rcode >= 0 && this.#query.hasEdns;
    const ede = isListSent ? this.#policy?.lists[note.list]?.ede : undefined;
    event.kind = kind;
    event.list = note.list;
    event.line = note.line;
    event.match = note.match;
    event.trigger = note.trigger;
    event.edeCode = ede === undefined ? -1 : readU16(ede, 0);
    event.exemption = kind === EVENT.EXEMPTION_HIT ? note.exemption : 0;
    event.signal = SIGNAL.NONE;
    event.target = note.target;
    event.targetLength = note.targetLength;
    event.targetAddress = note.hasAddress ? note.address : undefined;
    this.#write(events, group, rcode);
  }

  /** Completes the event in hand with what is known of every query. */
  #write(events: EventObserver, group: number, rcode: number): void {
    const event = this.#event;
    const query = this.#query;
    event.timeMs = this.#clock();
    event.address = this.#asker;
    event.port = this.#port;
    event.transport = this.#transport;
    event.generation = this.generation;
    event.group = group;
    event.qtype = query.qtype;
    event.rcode = rcode;
    event.id = query.id;
    event.flags = query.flags;
    event.query = query.bytes;
    event.qnameStart = HEADER_LENGTH;
    event.qnameLength = query.qnameLength;
    events.write(event);
  }

  /** Tells of a query from an address that may not ask. */
  #noteOutsider(group: number): void {
    if (this.#isProbe) return;
    this.#observer.bypass(SIGNAL.UNLISTED_NETWORK);
    const events = this.#events;
    if (events === undefined) return;
    const second = Math.floor(this.#clock() / 1000);
    if (second !== this.#outsiderSec) this.#outsiderEvents = 0;
    this.#outsiderSec = second;
    if (this.#outsiderEvents >= OUTSIDER_EVENTS_PER_SEC) return;
    this.#outsiderEvents++;
    const event = this.#event;
    event.kind = EVENT.BYPASS;
    event.list = -1;
    event.line = 0;
    event.match = 0;
    event.trigger = 0;
    event.edeCode = this.#query.hasEdns ? EDE.PROHIBITED : -1;
    event.exemption = 0;
    event.signal = SIGNAL.UNLISTED_NETWORK;
    event.targetLength = 0;
    event.targetAddress = undefined;
    this.#write(events, group, RCODE.REFUSED);
  }

  #writeAction(list: PolicyList, answer: Answer | undefined, transport: number, out: Uint8Array): number {
    const query = this.#query;
    switch (this.#verdict.action) {
      case ACTION.DROP:
        this.#observer.dropped(DROP.POLICY);
        return DROPPED;
      case ACTION.TCP_ONLY:
        return writeTruncated(query, out);
      case ACTION.NXDOMAIN:
        return writeRefusal(query, list, NXDOMAIN, out);
      case ACTION.NODATA:
        return writeRefusal(query, list, NODATA, out);
      case ACTION.DATA:
        return this.#writeData(list, answer, transport, out);
      default:
        return writeRefusal(query, list, list.mode, out);
    }
  }

  /**
   * Answers with the records of a rule, or notes the alias that has to be resolved first. Allocates: rules with
   * records of their own are few.
   */
  #writeData(list: PolicyList, answer: Answer | undefined, transport: number, out: Uint8Array): number {
    const query = this.#query;
    const { records } = this.#verdict;
    const limit = limitOf(query, transport);
    const lead = answer && this.#leadOf(answer);
    const alias = aliasFor(records, query.qtype);
    if (alias !== undefined) {
      const target = aliasTarget(alias, lead?.name ?? this.#foldedQname());
      if (target === undefined) return writeEmpty(query, RCODE.YXDOMAIN, list.ede, out);
      if (this.#alias === undefined) {
        const { line, match, trigger, exempted, exemptUntilMs } = this.#verdict;
        this.#alias = {
          target,
          ttlSec: alias.ttlSec,
          lead,
          list: this.#verdict.list,
          generation: this.generation,
          line,
          match,
          trigger,
          isOfQuestion: answer === undefined,
          exemptionChange: this.#exemptionChange,
          validUntilMs: exempted === 0 ? Number.POSITIVE_INFINITY : exemptUntilMs,
          ede: list.ede,
        };
        return UNDECIDED;
      }
      return writeRecords(query, [{ ...alias, rdata: target }], lead, list.ede, limit, out);
    }
    const asked = query.qtype === TYPE.ANY ? records : records.filter(({ type }) => type === query.qtype);
    if (asked.length === 0) return writeRefusal(query, list, NODATA, out);
    return writeRecords(query, asked, lead, list.ede, limit, out);
  }

  /** How an answer leads to the name that the rule in hand is about. Allocates. */
  #leadOf(answer: Answer): Lead | undefined {
    const { targetStart, targetLength } = this.#verdict;
    if (targetLength === 0) return undefined;
    const name = answer.names.slice(targetStart, targetStart + targetLength);
    const ageSec = ageSecOf(answer, this.#clock());
    return leadTo(answer, this.#foldedQname(), name, ageSec);
  }

  /** Allocates. The key may hold the name that a rule leads to. */
  #foldedQname(): Uint8Array {
    const { bytes, qnameLength } = this.#query;
    return foldedName(bytes.subarray(HEADER_LENGTH, HEADER_LENGTH + qnameLength));
  }

  #answerLocal(local: number, out: Uint8Array): number {
    const query = this.#query;
    const rcode = local === LOCAL.NXDOMAIN ? RCODE.NXDOMAIN : RCODE.NOERROR;
    const qname = this.#key.bytes.subarray(0, query.qnameLength);
    const builder = new MessageBuilder(out.subarray(0, REFUSAL_LENGTH_MAX));
    builder.start(query.id, answerFlags(query, rcode, 0));
    builder.question(
      query.bytes.subarray(HEADER_LENGTH, HEADER_LENGTH + query.qnameLength),
      query.qtype,
      query.qclass,
    );
    if (this.#localZones.isDiscovery(qname) && !this.#isProbe) this.#observer.bypass(SIGNAL.DDR);
    if (local === LOCAL.DATA) this.#localZones.writeData(builder, qname, query.qtype);
    else this.#localZones.writeSoa(builder);
    this.#observer.answer(SOURCE.LOCAL, rcode);
    return finish(query, rcode, undefined, out, builder.length);
  }

  #foldQname(): void {
    const { bytes, qnameLength } = this.#query;
    const key = this.#key.bytes;
    for (let i = 0; i < qnameLength; i++) key[i] = foldByte(bytes[HEADER_LENGTH + i] ?? 0);
  }
}

/** The flags at the end of a key as text. */
const flagsOf = (key: string): number => key.charCodeAt(key.length - 1);

const isAskingResolver = (query: Query): boolean => (query.flags & FLAG.RD) !== 0;

/** Bytes that an answer may have. */
const limitOf = (query: Query, transport: number): number =>
  transport === TRANSPORT.UDP ? Math.min(query.udpLength, UDP_LENGTH_MAX) : MESSAGE_LENGTH_MAX;

const ageSecOf = (answer: Answer, nowMs: number): number =>
  Math.max(0, Math.floor((nowMs - answer.storedAtMs) / 1000));

const NXDOMAIN: BlockMode = { kind: 'nxdomain' };
const NODATA: BlockMode = { kind: 'nodata' };

const isSameAlias = (a: Alias | undefined, b: Alias | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && Buffer.compare(a.target, b.target) === 0);

/** True in the last part of an answer's lifetime. */
const isNearlyOver = ({ lifetimeSec, storedAtMs }: Answer, nowMs: number): boolean =>
  lifetimeSec >= PREFETCH_LIFETIME_SEC_MIN &&
  nowMs - storedAtMs >= lifetimeSec * 1000 * (1 - 1 / PREFETCH_PART);

/** The RCODE for types that are no data (RFC 6895 section 3.1) and are not served here, or -1. */
const unservedRcode = (qtype: number): number => {
  switch (qtype) {
    case TYPE.AXFR:
    case TYPE.IXFR:
      return RCODE.REFUSED;
    case TYPE.OPT:
      return RCODE.FORMERR;
    case TYPE.TKEY:
    case TYPE.TSIG:
    case TYPE.MAILA:
    case TYPE.MAILB:
      return RCODE.NOTIMP;
    default:
      return -1;
  }
};
