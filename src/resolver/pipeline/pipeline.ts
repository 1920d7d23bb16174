// pipeline: decides queries of clients. Its order is in order.ts, what a query is meanwhile in turn.ts. Hot file.
//
// Invariants: decide() is synchronous, and a refusal or a cache hit makes no promise and keeps no object; a listed
// name is refused whatever the type, class, flags, transport or letters; every answer is judged against the policy
// now in force, also one that was waited for while the lists changed; without a policy nothing is resolved (EDE 14).
// The pipeline knows a Resolver interface, never an upstream. RFCs 1035, 2308, 6840, 6891, 8482, 8767, 8914, 9619.

import type { AddressWords, Clock } from '../../base/base.ts';
import { SIGNAL } from '../../base/words/words.ts';
import type { Shown } from '../../policy/access/access.ts';
import type { ExemptionIndex } from '../../policy/policy.ts';
import type { EventObserver, QueryObserver } from '../../telemetry/events/events.ts';
import { type AnswerCache, FailureCache } from '../cache/cache.ts';
import { createAsked } from './asked.ts';
import { conclude } from './conclusion.ts';
import { ServerCookies } from './cookie.ts';
import { readQuery } from './envelope.ts';
import { refresh } from './from-cache.ts';
import { InForce, type PipelineRules } from './in-force.ts';
import { decideByCache, decideQuestion } from './order.ts';
import type { Failure } from './outcome.ts';
import type { CandidateObserver, CheckObserver, Parts, PipelineObserver } from './parts.ts';
import { NEXT, PENDING, QueryContext, REFRESH } from './query-context.ts';
import { logQuery } from './query-log.ts';
import type { Resolver } from './resolver.ts';
import type { PipelineTrace } from './trace.ts';
import { UnauthorizedClients } from './unauthorized-clients.ts';
import { createWaiter, type Reply } from './waiter.ts';
import { WaiterResponder } from './waiter-responder.ts';

export { DROP, GAVE_WAY, SOURCE, TRANSPORT } from '../../base/words/words.ts';
export { COOKIE, ServerCookies } from './cookie.ts';
export type { PipelineRules, StaleRules, StructuredError, StructuredErrors } from './in-force.ts';
export type { CheckContext, PipelineObserver } from './parts.ts';
export { createNeverForeignTable, createPrivateIpv4Table } from './private-addresses.ts';
export { DROPPED, PENDING, PORT_OF_PROBE } from './query-context.ts';
export { RebindingGuard } from './rebinding.ts';
export type { Question, Resolution, Resolver } from './resolver.ts';
export { writeTruncated } from './respond.ts';
export type { Alias } from './rewrite.ts';
export type { PipelineTrace, TracedQuery } from './trace.ts';
export type { Reply } from './waiter.ts';

/** Decides messages of clients: the pipeline, or a gate before it. */
export interface Decider {
  decide(
    bytes: Uint8Array,
    length: number,
    address: AddressWords,
    port: number,
    transport: number,
    out: Uint8Array,
    listener: string,
    shown?: Shown,
  ): number;
  resolve(reply: Reply): void;
}

/** What a pipeline is made of. */
export interface PipelineOptions {
  readonly rules: PipelineRules;
  readonly resolver: Resolver;
  readonly cache: AnswerCache;
  readonly clock: Clock;
  readonly observer: PipelineObserver;
  /** Is told what the self-probe asks, in place of `observer`; the same object without it. */
  readonly probeObserver?: PipelineObserver;
  readonly candidates?: CandidateObserver;
  readonly checks?: CheckObserver;
  /** Of the cookies that clients get (RFC 9018 section 5); undefined: none. */
  readonly cookieSecret?: Uint8Array;
  /** How long connections of a TRANSPORT may be idle; undefined: clients are not told. */
  readonly keepaliveMs?: (transport: number) => number;
  /** Lists that do not count for some. */
  readonly exemptions?: ExemptionIndex | undefined;
  /** Is told what is worth a record; undefined: nobody keeps any. */
  readonly events?: EventObserver | undefined;
  /** Is told of every query; undefined: no query log is kept. */
  readonly queryLog?: QueryObserver | undefined;
  /** True for an address and a port from which the self-probe asks listeners as any client would. */
  readonly isProbe?: (address: AddressWords, port: number) => boolean;
  /** Is told how questions are decided: for a pipeline that explains one. */
  readonly trace?: PipelineTrace;
  /** The pipeline whose remembered failures are this one's too. */
  readonly beside?: Pipeline;
}

/** Decides the queries of one worker. */
export class Pipeline implements Decider {
  #rules: InForce;
  readonly #parts: Parts;
  readonly #context: QueryContext;
  readonly #responder: WaiterResponder;

  constructor(options: PipelineOptions) {
    const { rules, resolver, exemptions, events, queryLog, cache, clock, observer, cookieSecret } = options;
    this.#parts = {
      cache,
      failures: options.beside === undefined ? new FailureCache<Failure>() : options.beside.#parts.failures,
      clock,
      observer,
      probeObserver: options.probeObserver ?? observer,
      candidates: options.candidates,
      checks: options.checks,
      cookies: cookieSecret && new ServerCookies(cookieSecret),
      unauthorized: new UnauthorizedClients(),
      isProbe: options.isProbe,
      keepaliveMs: options.keepaliveMs,
      trace: options.trace,
    };
    this.#rules = new InForce(rules, { resolver, exemptions, exemptionChange: 0, events, queryLog });
    this.#context = new QueryContext(this.#parts);
    this.#responder = new WaiterResponder(this.#parts, this.#rules);
    this.#exempt();
  }

  /** Puts other rules in force from the next query on; queries that wait are judged by them too. */
  setRules(rules: PipelineRules): void {
    this.#enforce(new InForce(rules, this.#rules));
    this.#exempt();
    // What failed under other rules may not fail under these.
    this.#parts.failures.clear();
  }

  /** Puts other exemptions in force from the next query on; queries that wait are judged by them too. */
  setExemptions(exemptions: ExemptionIndex | undefined): void {
    this.#enforce(this.#rules.with({ exemptions, exemptionChange: this.#rules.exemptionChange + 1 }));
    this.#exempt();
  }

  /** Tells somebody else, or nobody, what is worth a record. */
  setEvents(events: EventObserver | undefined): void {
    this.#enforce(this.#rules.with({ events }));
  }

  /** Tells somebody else, or nobody, of every query. */
  setQueryLog(queryLog: QueryObserver | undefined): void {
    this.#enforce(this.#rules.with({ queryLog }));
  }

  /** Sends further questions to another resolver. */
  setResolver(resolver: Resolver): void {
    this.#parts.failures.clear();
    this.#enforce(this.#rules.with({ resolver }));
    this.#responder.room.setResolver(resolver);
  }

  #enforce(rules: InForce): void {
    this.#rules = rules;
    this.#responder.enforce(rules);
  }

  #exempt(): void {
    const { policy, exemptions } = this.#rules;
    policy?.setExemptions(exemptions, this.#parts.clock);
  }

  /** Puts in force what the schedules of the policy say for a time. */
  setTime(nowMs: number): void {
    const { policy } = this.#rules;
    if (policy?.isScheduled === true) policy.setTime(nowMs);
  }

  /** Questions for whose answer somebody waits. */
  get waiting(): number {
    return this.#responder.room.awaited;
  }

  /** False for a client that nothing would be answered but REFUSED, which counts as a sign of a way around. */
  mayAsk(address: AddressWords, listener: string): boolean {
    const { clients } = this.#rules;
    const isForwarder =
      clients.forwarders !== undefined && clients.forwarders.find(address, undefined, 0) >= 0;
    const allowed = isForwarder || clients.identify(address, listener).allowed;
    if (!allowed) this.#parts.observer.bypass(SIGNAL.UNLISTED_NETWORK);
    return allowed;
  }

  /** True when connections have to be taken from everywhere: devices may ask wherever they are. */
  get takesAll(): boolean {
    return this.#rules.clients.allowsDevices;
  }

  /** True where some group knows clients by tokens. */
  get takesTokens(): boolean {
    return this.#rules.clients.identities?.hasTokens === true;
  }

  /** True for a connection that has shown a certificate which counts. */
  hasCertificate({ certificate }: Shown): boolean {
    if (certificate === undefined || certificate.notAfterMs <= this.#parts.clock()) return false;
    return this.#rules.clients.identities?.counts(certificate) !== false;
  }

  /** True for a request whose authority belongs to another group than the name of its connection. */
  isMisdirected(shown: Shown, authority: string): boolean {
    const { identities } = this.#rules.clients;
    return identities !== undefined && shown.isMisdirected(authority, identities, this.#parts.clock());
  }

  /** The generation in force, 0 when there is none. */
  get generation(): number {
    return this.#rules.generation;
  }

  /**
   * Decides a message of `length` bytes from a client's address and port to a listener and writes the answer into
   * `out`, which must hold at least the transport's longest answer. `shown` is what the connection shows of its client. Returns the answer's length, DROPPED or PENDING.
   */
  decide(
    bytes: Uint8Array,
    length: number,
    address: AddressWords,
    port: number,
    transport: number,
    out: Uint8Array,
    listener: string,
    shown?: Shown,
  ): number {
    const context = this.#context;
    const rules = this.#rules;
    const { room } = this.#responder;
    context.begin(address, port, transport, listener, out, shown);
    let end = readQuery(context, rules, bytes, length);
    if (end === NEXT) end = decideQuestion(context, rules);
    if (end === NEXT) end = decideByCache(context, rules, room);
    if (end === NEXT) return PENDING;
    end = context.fitted(end);
    conclude(context, rules, end);
    if (rules.queryLog !== undefined) logQuery(context, rules, rules.queryLog, end, 0);
    // A resolver may answer at once: nothing of the turn is needed any more.
    if (context.refresh !== REFRESH.NO) refresh(context, rules, room);
    return end;
  }

  /** Resolves the query that decide() just left pending. `reply` is called once, maybe before this returns. */
  resolve(reply: Reply): void {
    const context = this.#context;
    const waiter = createWaiter(context, reply);
    this.#responder.room.enter(waiter, createAsked(context, this.#rules, context.alias, waiter));
  }
}
