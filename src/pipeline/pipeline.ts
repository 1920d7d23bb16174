// pipeline: the order in which a query is decided, with the reason for each step. Hot file.
//
// Invariants: decide() is synchronous, and a refusal or a cache hit makes no promise and keeps no object; a listed
// name is refused whatever the type, class, flags, transport or letters; every answer is judged against the policy
// now in force, also one that was waited for while the lists changed; without a policy nothing is resolved (EDE 14).
// The pipeline knows a Resolver interface, never an upstream. RFCs 1035, 2308, 6891, 8482, 8914, 9619.
import type { Client, Clients } from '../access/access.ts';
import { type AddressWords, type Clock, createAddress } from '../base/base.ts';
import {
  type Answer,
  type AnswerCache,
  CacheKey,
  createAnswer,
  FailureCache,
  KEY_FLAG,
  type TtlLimits,
} from '../cache/cache.ts';
import {
  CLASS,
  createEde,
  EDE,
  FLAG,
  foldByte,
  foldName,
  HEADER_LENGTH,
  MESSAGE_LENGTH_MAX,
  MessageBuilder,
  QUERY_FAULT,
  Query,
  RCODE,
  TYPE,
  UDP_LENGTH_MAX,
} from '../dns/dns.ts';
import { LOCAL, type LocalZones } from '../local/local.ts';
import { ACTION, type BlockMode, type Policy, type PolicyList, Verdict } from '../policy/policy.ts';
import {
  answerFlags,
  finish,
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

/** What decide() returns when nothing may be answered. */
export const DROPPED = 0;
/** What decide() returns when the answer has to be resolved: call resolve() at once. */
export const PENDING = -1;
/** Not decided yet: data is needed. */
const UNDECIDED = -2;

/** How a query came in. */
export const TRANSPORT = { UDP: 0, TCP: 1, DOT: 2, DOH: 3 } as const;

/** What made an answer, for the counters. */
export const SOURCE = {
  CACHE: 0,
  UPSTREAM: 1,
  POLICY: 2,
  LOCAL: 3,
  ACCESS: 4,
  PROTOCOL: 5,
  NOT_READY: 6,
  SHED: 7,
} as const;

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
} as const;

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

const EDE_NOT_READY = createEde(EDE.NOT_READY, 'policy lists are not loaded');
const EDE_PROHIBITED = createEde(EDE.PROHIBITED);
const EDE_NOT_AUTHORITATIVE = createEde(EDE.NOT_AUTHORITATIVE);
const EDE_NOT_SUPPORTED = createEde(EDE.NOT_SUPPORTED);
const EDE_INVALID_DATA = createEde(EDE.INVALID_DATA);

/** A question for an upstream. */
export interface Question {
  /** Wire name with the letters of the client that asked first. */
  readonly name: Uint8Array;
  readonly type: number;
  readonly class: number;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
}

/** What became of it. The resolver has checked id, QR and question of a message. */
export type Resolution =
  | { readonly kind: 'answer'; readonly message: Uint8Array }
  | {
      readonly kind: 'failure';
      readonly reason: 'timeout' | 'network' | 'servfail' | 'refused' | 'overload';
    };

/** Whoever finds answers; calls back exactly once. */
export interface Resolver {
  resolve(question: Question, done: (resolution: Resolution) => void): void;
}

/**
 * Takes a finished answer; the bytes are only valid during the call. No bytes: nothing may be answered, because a
 * list says so.
 */
export type Reply = (message: Uint8Array) => void;

/** Told what happened; every method is a few memory operations. Numbers are TRANSPORT, SOURCE, DROP, MATCH, TRIGGER. */
export interface PipelineObserver {
  query(transport: number, qtype: number): void;
  answer(source: number, rcode: number): void;
  /** Refused by a list, or passed although a list that is only watched would have refused. */
  refusal(list: number, match: number, trigger: number, group: number, qtype: number): void;
  dropped(reason: number): void;
  cacheHit(): void;
  cacheMiss(): void;
  coalesced(): void;
  inflight(count: number): void;
  missDuration(ms: number): void;
}

/** Is told of names that no list has while what they lead to is on a mandate list. Numbers as for PipelineObserver. */
export interface CandidateObserver {
  /** The folded wire name is in the first `length` bytes, valid only during the call. */
  candidate(name: Uint8Array, length: number, list: string, line: number, trigger: number): void;
}

interface Waiter {
  /** A copy of the query. */
  readonly bytes: Uint8Array;
  /** The client is identified again for the answer: its group may have changed meanwhile. */
  readonly address: AddressWords;
  readonly transport: number;
  readonly listener: string;
  readonly reply: Reply;
  readonly sinceMs: number;
  /** Where a rule led the question. */
  readonly alias: Alias | undefined;
}

/** What a reload replaces. */
export interface PipelineRules {
  /** Undefined: not ready. */
  readonly policy: Policy | undefined;
  readonly clients: Clients;
  readonly localZones: LocalZones;
  readonly ttlLimits: TtlLimits;
}

/** Decides the queries of one worker. */
export class Pipeline {
  #policy: Policy | undefined;
  #clients: Clients;
  #localZones: LocalZones;
  #ttlLimits: TtlLimits;
  #resolver: Resolver;
  readonly #cache: AnswerCache;
  readonly #clock: Clock;
  readonly #observer: PipelineObserver;
  readonly #candidates: CandidateObserver | undefined;
  readonly #query = new Query();
  readonly #verdict = new Verdict();
  readonly #watched = new Verdict();
  /** Mask of the lists that go before the one that decided the question in hand; for lists that are only watched. */
  #listsBefore = -1;
  /** Where a rule leads the question in hand. */
  #alias: Alias | undefined;
  /** The cache key of the query in hand, which starts with its folded QNAME. */
  readonly #key = new CacheKey();
  readonly #failures = new FailureCache<Failure>();
  readonly #out = Buffer.alloc(MESSAGE_LENGTH_MAX);
  readonly #waiting = new Map<string, Waiter[]>();
  /** Waiters of the answer in hand that a rule leads elsewhere. */
  readonly #followers: Waiter[] = [];
  #waitingBytes = 0;
  // The query in hand, for resolve().
  #keyText = '';
  readonly #address = createAddress();
  #transport = 0;
  #listener = '';
  #nowMs = 0;

  constructor(options: {
    rules: PipelineRules;
    resolver: Resolver;
    cache: AnswerCache;
    clock: Clock;
    observer: PipelineObserver;
    candidates?: CandidateObserver;
  }) {
    this.#policy = options.rules.policy;
    this.#clients = options.rules.clients;
    this.#localZones = options.rules.localZones;
    this.#ttlLimits = options.rules.ttlLimits;
    this.#resolver = options.resolver;
    this.#cache = options.cache;
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#candidates = options.candidates;
  }

  /** Puts other rules in force from the next query on; queries that wait are judged by them too. */
  setRules(rules: PipelineRules): void {
    this.#policy = rules.policy;
    this.#clients = rules.clients;
    this.#localZones = rules.localZones;
    this.#ttlLimits = rules.ttlLimits;
  }

  /** Puts in force what the schedules of the policy say for a time. */
  setTime(nowMs: number): void {
    if (this.#policy?.isScheduled === true) this.#policy.setTime(nowMs);
  }

  /** Sends further questions to another resolver. */
  setResolver(resolver: Resolver): void {
    this.#failures.clear();
    this.#resolver = resolver;
  }

  /** Questions that wait for the resolver. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** The generation in force, 0 when there is none. */
  get generation(): number {
    return this.#policy?.generation ?? 0;
  }

  /**
   * Decides a message of `length` bytes from a client's address to a listener and writes the answer into `out`, which
   * must hold at least the transport's longest answer. Returns the answer's length, DROPPED or PENDING.
   */
  decide(
    bytes: Uint8Array,
    length: number,
    address: AddressWords,
    transport: number,
    out: Uint8Array,
    listener: string,
  ): number {
    const query = this.#query;
    const fault = query.parse(bytes, length);
    if (fault !== QUERY_FAULT.NONE) return this.#answerFault(fault, out);
    this.#observer.query(transport, query.qtype);
    const client = this.#clients.identify(address, listener);
    const early = this.#decideBeforeLists(client, out);
    if (early !== UNDECIDED) return early;
    const nowMs = this.#clock();
    let answer = this.#findAnswer(query.qnameLength, nowMs);
    // Most answers of a network concern no list at all, which is found out once for a generation.
    if (answer !== undefined && answer.unlistedGeneration === this.generation && isAskingResolver(query)) {
      this.#observer.cacheHit();
      this.#observer.answer(SOURCE.CACHE, answer.rcode);
      return writeAnswer(query, answer, ageSecOf(answer, nowMs), limitOf(query, transport), out);
    }
    const decided = this.#decideByLists(client, address, transport, true, out);
    if (decided !== UNDECIDED) return decided;
    if (this.#alias !== undefined) answer = this.#findTarget(this.#alias, nowMs);
    let answered = UNDECIDED;
    if (answer !== undefined) {
      answered = this.#inspect(answer, client, transport, nowMs, SOURCE.CACHE, out);
      // A rule leads from the answer elsewhere: only once, because an alias leads to no other one.
      if (answered === UNDECIDED && this.#alias !== undefined) {
        answer = this.#findTarget(this.#alias, nowMs);
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
      return this.#answerEmpty(SOURCE.CACHE, RCODE.SERVFAIL, failure.cachedEde, out);
    }
    this.#keyText = text;
    for (let i = 0; i < 4; i++) this.#address[i] = address[i] ?? 0;
    this.#transport = transport;
    this.#listener = listener;
    this.#nowMs = nowMs;
    return PENDING;
  }

  /** The answer for the name that a rule leads to. */
  #findTarget({ target }: Alias, nowMs: number): Answer | undefined {
    this.#key.bytes.set(target);
    return this.#findAnswer(target.length, nowMs);
  }

  /** The answer to the question in hand for the folded name in the first bytes of the key. */
  #findAnswer(nameLength: number, nowMs: number): Answer | undefined {
    const { qtype, dnssecOk, flags } = this.#query;
    this.#cache.seal(this.#key, nameLength, qtype, keyFlags(dnssecOk, flags));
    return this.#cache.get(this.#key, nowMs);
  }

  /** Resolves the query that decide() just left pending. `reply` is called once, maybe before this returns. */
  resolve(reply: Reply): void {
    const query = this.#query;
    const key = this.#keyText;
    const waiter: Waiter = {
      // A Buffer's own slice() would be a view of the socket's memory.
      bytes: Uint8Array.prototype.slice.call(query.bytes, 0, query.length),
      address: this.#address.slice(),
      transport: this.#transport,
      listener: this.#listener,
      reply,
      sinceMs: this.#nowMs,
      alias: this.#alias,
    };
    const { target } = waiter.alias ?? {};
    const qname = target ?? Uint8Array.prototype.slice.call(this.#key.bytes, 0, query.qnameLength);
    this.#await(waiter, key, qname);
  }

  /** Lets a waiter wait for the answer under a key to the question of its query with a folded name. */
  #await(waiter: Waiter, key: string, qname: Uint8Array): void {
    const query = this.#query;
    const waiters = this.#waiting.get(key);
    const bytes = this.#waitingBytes + waiter.bytes.length + WAITER_BYTES;
    if (bytes > WAITING_BYTES_MAX || (waiters?.length ?? 0) >= WAITERS_MAX) {
      this.#answerWaiter(waiter, OVERLOAD);
      return;
    }
    this.#waitingBytes = bytes;
    if (waiters !== undefined) {
      // Identical questions share one upstream query: a burst costs one, and a forger has one chance, not many.
      waiters.push(waiter);
      this.#observer.coalesced();
      return;
    }
    this.#waiting.set(key, [waiter]);
    this.#observer.inflight(this.#waiting.size);
    const question: Question = {
      name: waiter.alias?.target ?? waiter.bytes.subarray(HEADER_LENGTH, HEADER_LENGTH + query.qnameLength),
      type: query.qtype,
      class: query.qclass,
      dnssecOk: query.dnssecOk,
      checkingDisabled: (query.flags & FLAG.CD) !== 0,
    };
    const resolver = this.#resolver;
    resolver.resolve(question, (resolution) => {
      // What a resolver says that was replaced meanwhile serves those who asked it, and nobody later.
      this.#complete(key, qname, question, resolution, resolver === this.#resolver);
    });
  }

  /** What is decided before the lists have a say. Returns the answer's length or UNDECIDED; folds the name. */
  #decideBeforeLists(client: Client, out: Uint8Array): number {
    const query = this.#query;
    // Access first: whoever may not ask learns nothing, not even what is refused to others.
    if (!client.allowed) return this.#answerEmpty(SOURCE.ACCESS, RCODE.REFUSED, EDE_PROHIBITED, out);
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
    // Unreachable: #decideBeforeLists came first.
    if (policy === undefined) return this.#answerEmpty(SOURCE.NOT_READY, RCODE.SERVFAIL, EDE_NOT_READY, out);
    // Policy before everything that depends on the type or the flags: none of them lets a listed name through.
    const verdict = this.#verdict;
    const { qnameLength, qtype } = query;
    policy.judgeQuestion(this.#key.bytes, 0, qnameLength, qtype, address, client.group, verdict);
    if (verdict.refused) {
      const refused = this.#answerRefusal(policy, undefined, client.group, transport, isFirst, out);
      if (refused !== UNDECIDED) return refused;
    }
    if (policy.isWatching) {
      this.#listsBefore = verdict.listsBefore;
      policy.watchQuestion(this.#key.bytes, qnameLength, client.group, verdict, this.#watched);
      if (isFirst) this.#countWatched(client.group);
    }
    const unserved = unservedRcode(query.qtype);
    if (unserved >= 0) return this.#answerEmpty(SOURCE.PROTOCOL, unserved, EDE_NOT_SUPPORTED, out);
    if (query.qtype === TYPE.ANY) {
      this.#observer.answer(SOURCE.LOCAL, RCODE.NOERROR);
      return writeAny(query, out);
    }
    // Without RD a client may only look at the cache, which tells it what others asked: refused, as RFC 8914 4.21 names.
    if (!isAskingResolver(query)) {
      return this.#answerEmpty(SOURCE.PROTOCOL, RCODE.REFUSED, EDE_NOT_AUTHORITATIVE, out);
    }
    return UNDECIDED;
  }

  #countWatched(group: number): void {
    const { refused, list, match, trigger } = this.#watched;
    if (refused) this.#observer.refusal(list, match, trigger, group, this.#query.qtype);
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
    const verdict = this.#verdict;
    const alias = this.#alias;
    // The lists before the one with the alias have their say on where it leads.
    if (alias !== undefined) policy.judgeAlias(alias.target, client.group, verdict);
    if (alias === undefined || !verdict.refused) policy.judgeTargets(answer, client.group, verdict);
    if (verdict.refused) {
      if (this.#candidates !== undefined) this.#noteCandidate(policy, this.#candidates);
      const refused = this.#answerRefusal(policy, answer, client.group, transport, true, out);
      if (refused !== UNDECIDED || this.#alias !== alias) return refused;
    } else if (policy.isWatching && !this.#watched.refused) {
      policy.watchTargets(answer, client.group, this.#listsBefore, verdict, this.#watched);
      this.#countWatched(client.group);
    }
    // Only on the second use: most names of the long tail are asked once.
    if (source === SOURCE.CACHE && alias === undefined && verdict.list < 0) {
      const { bytes } = this.#key;
      if (policy.isUnlisted(bytes, query.qnameLength, answer)) answer.markUnlisted(policy.generation);
    }
    this.#observer.answer(source, answer.rcode);
    const limit = limitOf(query, transport);
    const ageSec = ageSecOf(answer, nowMs);
    if (alias !== undefined) return writeAliased(query, alias, answer, ageSec, limit, out);
    return writeAnswer(query, answer, ageSec, limit, out);
  }

  /** The question passed, what it leads to does not. */
  #noteCandidate(policy: Policy, candidates: CandidateObserver): void {
    const { list, line, trigger } = this.#verdict;
    const { id = '', mandate = false } = policy.lists[list] ?? {};
    if (!mandate || this.#alias !== undefined) return;
    candidates.candidate(this.#key.bytes, this.#query.qnameLength, id, line, trigger);
  }

  #complete(
    key: string,
    qname: Uint8Array,
    question: Question,
    resolution: Resolution,
    isKept: boolean,
  ): void {
    const waiters = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    this.#observer.inflight(this.#waiting.size);
    const nowMs = this.#clock();
    let outcome: Answer | Failure;
    if (resolution.kind === 'answer') {
      const answer = createAnswer(resolution.message, qname, question.dnssecOk, this.#ttlLimits, nowMs);
      outcome = answer === undefined || answer.overflow ? INVALID : answer;
      if (isKept && outcome === answer) {
        this.#cache.set(answer, keyFlags(question.dnssecOk, question.checkingDisabled ? FLAG.CD : 0));
      }
    } else {
      outcome = FAILURES[resolution.reason];
    }
    if (isKept && 'ede' in outcome && outcome !== OVERLOAD) this.#failures.set(key, outcome, nowMs);
    for (let i = 0; i < waiters.length; i++) {
      const waiter = waiters[i];
      if (waiter === undefined) continue;
      this.#waitingBytes -= waiter.bytes.length + WAITER_BYTES;
      this.#answerWaiter(waiter, outcome);
      this.#observer.missDuration(Math.max(0, nowMs - waiter.sinceMs));
    }
    if (this.#followers.length > 0)
      for (const follower of this.#followers.splice(0)) this.#followAlias(follower);
  }

  /** Allocates where a rule leads from the answer elsewhere. */
  #answerWaiter(waiter: Waiter, outcome: Answer | Failure): void {
    this.#query.parse(waiter.bytes, waiter.bytes.length);
    const { address, transport } = waiter;
    const client = this.#clients.identify(address, waiter.listener);
    let length = this.#decideBeforeLists(client, this.#out);
    if (length === UNDECIDED) length = this.#decideByLists(client, address, transport, false, this.#out);
    if (length === UNDECIDED) {
      const failure = this.#isStillAsked(waiter) ? outcome : RULES_CHANGED;
      length =
        'ede' in failure
          ? this.#answerEmpty(failure.source, RCODE.SERVFAIL, failure.ede, this.#out)
          : this.#inspect(failure, client, transport, failure.storedAtMs, SOURCE.UPSTREAM, this.#out);
    }
    if (length !== UNDECIDED || this.#alias === undefined) waiter.reply(this.#out.subarray(0, length));
    else this.#followers.push({ ...waiter, alias: this.#alias });
  }

  /** True when the answer that a waiter waited for is the one that the rules now in force call for. */
  #isStillAsked({ alias }: Waiter): boolean {
    if (isSameAlias(alias, this.#alias)) return true;
    // A rule led there from an answer: under the same rules it still does.
    if (alias === undefined || this.#alias !== undefined || alias.generation !== this.generation)
      return false;
    this.#alias = alias;
    this.#verdict.list = alias.list;
    this.#verdict.action = ACTION.DATA;
    return true;
  }

  /**
   * Answers a waiter whose answer a rule leads elsewhere, or lets it wait for what that is. Allocates. Not while others
   * are given the same answer: a resolver that answers at once would overwrite it.
   */
  #followAlias(waiter: Waiter): void {
    const { alias, bytes, address, transport } = waiter;
    if (alias === undefined) return;
    const nowMs = this.#clock();
    this.#query.parse(bytes, bytes.length);
    const client = this.#clients.identify(address, waiter.listener);
    // Decided again for this very client: others were decided since.
    let length = this.#decideBeforeLists(client, this.#out);
    if (length === UNDECIDED) length = this.#decideByLists(client, address, transport, false, this.#out);
    if (length === UNDECIDED) {
      const answer = this.#findTarget(alias, nowMs);
      if (answer === undefined || !this.#isStillAsked(waiter)) {
        this.#await(waiter, this.#key.text, alias.target);
        return;
      }
      length = this.#inspect(answer, client, transport, nowMs, SOURCE.CACHE, this.#out);
    }
    waiter.reply(this.#out.subarray(0, length));
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
    const length = this.#writeAction(list, answer, transport, out);
    if (isFirst || length !== UNDECIDED) {
      this.#observer.refusal(verdict.list, verdict.match, verdict.trigger, group, query.qtype);
    }
    if (length > 0) this.#observer.answer(SOURCE.POLICY, (out[3] ?? 0) & 0xf);
    return length;
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
        const { ttlSec } = alias;
        const { list: index } = this.#verdict;
        this.#alias = { target, ttlSec, lead, list: index, generation: this.generation, ede: list.ede };
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
    const qname = Uint8Array.prototype.slice.call(bytes, HEADER_LENGTH, HEADER_LENGTH + qnameLength);
    foldName(qname, 0, qnameLength);
    return qname;
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

/** What of a query changes an upstream's answer. */
const keyFlags = (dnssecOk: boolean, flags: number): number =>
  (dnssecOk ? KEY_FLAG.DNSSEC_OK : 0) | ((flags & FLAG.CD) !== 0 ? KEY_FLAG.CHECKING_DISABLED : 0);

interface Failure {
  readonly source: number;
  readonly ede: Uint8Array;
  /** The same for those who ask again at once (RFC 9520): EDE 13, with what it was. */
  readonly cachedEde: Uint8Array;
}

const createFailure = (source: number, code: number, text: string): Failure => ({
  source,
  ede: createEde(code, text),
  cachedEde: createEde(EDE.CACHED_ERROR, text),
});

const INVALID = createFailure(SOURCE.UPSTREAM, EDE.INVALID_DATA, '');
const OVERLOAD = createFailure(SOURCE.SHED, EDE.OTHER, 'too many queries wait for upstreams');
/** The answer that was waited for is not the one that the lists now in force ask for: the client has to ask again. */
const RULES_CHANGED = createFailure(SOURCE.POLICY, EDE.OTHER, 'the lists have changed: ask again');
const UNREACHABLE = createFailure(SOURCE.UPSTREAM, EDE.NO_REACHABLE_AUTHORITY, '');
/** RFC 8914: 22 when nobody could be reached or helped, 23 when the network itself reported an error. */
const FAILURES: Record<'timeout' | 'network' | 'servfail' | 'refused' | 'overload', Failure> = {
  timeout: UNREACHABLE,
  network: createFailure(SOURCE.UPSTREAM, EDE.NETWORK_ERROR, ''),
  servfail: UNREACHABLE,
  refused: UNREACHABLE,
  overload: OVERLOAD,
};

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
