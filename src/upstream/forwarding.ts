// Forwarding: questions go to configured upstreams, over UDP and TCP or through TLS and HTTPS. Hot file.
//
// The longest zone that holds the name chooses the endpoints, and the route's strategy their order; nothing else is
// ever asked. Every try ends by an answer, a fault or the time wheel; the next endpoint follows at once. While a try is
// silent for longer than its endpoint usually is (RFC 6298), another endpoint is asked as well, or the same one once more,
// and the first usable answer wins, also one to a try that was given up for late. Silence is the endpoint's fault only when
// it answered nothing meanwhile; otherwise the zone's, which is not asked about for a while (SilentZones). An answer over UDP counts only when it came to the connected socket of the try with its ID and its question
// (RFC 5452 section 9.1), and with its cookie and its letters where those were sent; anything else is counted and
// dropped. One that is right but for cookie or letters is neither believed nor waited for: the same question goes over
// TCP, which nobody forges blindly, and what comes that way is taken, and teaches how the server is. One timer serves
// all of it and stands still when nothing is in flight.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/base.ts';
import {
  FLAG,
  formatName,
  formatRcode,
  formatType,
  HEADER_LENGTH,
  messageFlags,
  messageId,
  RCODE,
  SuffixHashes,
  skipName,
} from '../dns/dns.ts';
import type { ConnectionFault } from './connection.ts';
import { COOKIE_SECRET_BYTES, type CookieFit } from './cookie-jar.ts';
import type { Exchange, TryFault, UpstreamObserver, UpstreamOutcome, UpstreamQuestion } from './exchange.ts';
import { Flight } from './flight.ts';
import { HedgeBudget } from './hedge-budget.ts';
import { keepsLetters } from './letter-case.ts';
import { OwnPorts } from './own-ports.ts';
import { createQuery, writeQuery } from './query.ts';
import { RandomPool } from './random-pool.ts';
import { findFlaw, hasQuestion, ResponseReader } from './response.ts';
import type { Route } from './route.ts';
import { type ForwardingRoute, RouteTable, upstreamTexts } from './route-table.ts';
import { SilentZones } from './silent-zones.ts';
import { TICKS_MAX, TimeWheel } from './time-wheel.ts';
import { Try } from './try.ts';
import type { UdpChannel } from './udp-channel.ts';
import type { UpstreamEndpoint } from './upstream-endpoint.ts';

/** Parts into which the time of one try is divided: time-outs are late by at most a sixty-fourth of it. */
const TICKS_PER_TRY = 64;
/**
 * Queries outstanding at one upstream unless options say otherwise: twice the questions that wait by default, so that the
 * room in which clients wait is full before, where the greedy give way. Eight sockets have 26 IDs for each.
 */
const INFLIGHT_PER_SERVER_MAX = 20_000;
/**
 * For a try at an endpoint that is known to be down while a fallback waits: enough to notice that it is back, and no
 * longer than a client hardly notices. At most half of an ordinary try.
 */
const BRIEF_TRY_MS = 300;
/** Labels of a zone whose answers somebody guesses. */
const GUARDED_LABELS = 2;
/** Tries' times that a question waits before its silence counts for its zone: names of slow zones are answered by then. */
const SILENCE_TRIES = 1.5;

/** What Forwarding is made of. */
export interface ForwardingOptions {
  /** One of them for the root of the default view. */
  readonly routes: readonly ForwardingRoute[];
  /** For a question, all tries together. */
  readonly timeoutMs: number;
  /** For one try at one endpoint. */
  readonly tryTimeoutMs: number;
  /** Questions in flight; more fail at once. */
  readonly inflightMax: number;
  /** Queries outstanding at one upstream: what is above goes to the next one. INFLIGHT_PER_SERVER_MAX without it. */
  readonly inflightPerServerMax?: number;
  /** Send DNS cookies over UDP and insist on them where a server has them (RFC 7873). Off without it. */
  readonly cookies?: boolean;
  /** Send names over UDP in mixed case and insist on their letters. Off without it. */
  readonly mixedCase?: boolean;
  readonly clock: Clock;
  readonly observer: UpstreamObserver;
  /** Shared by the workers; without it, this object knows only its own ports. */
  readonly ownPorts?: OwnPorts;
}

/** Resolves questions by asking upstreams. */
export class Forwarding implements Exchange {
  /** The texts of all servers, each once, in the order of the observer's indexes. */
  readonly endpoints: readonly string[];
  readonly #routes: RouteTable<Try>;
  readonly #inflightMax: number;
  readonly #clock: Clock;
  readonly #observer: UpstreamObserver;
  readonly #ownPorts: OwnPorts;
  readonly #random = new RandomPool();
  readonly #response = new ResponseReader();
  readonly #hedges = new HedgeBudget();
  readonly #silent = new SilentZones();
  readonly #suffix = new SuffixHashes();
  readonly #wheel = new TimeWheel<Try>((attempt) => this.#expire(attempt));
  readonly #tickMs: number;
  readonly #tryTicks: number;
  readonly #briefTicks: number;
  readonly #questionTicks: number;
  #inflight = 0;
  #timer: NodeJS.Timeout | undefined;
  #sweptAtMs = 0;
  #isClosed = false;

  /** Throws ERR_UPSTREAM_ROUTE or ERR_UPSTREAM_CERTIFICATE when the routes cannot be used, see RouteTable. */
  constructor(options: ForwardingOptions) {
    const { tryTimeoutMs, clock, observer } = options;
    this.#inflightMax = options.inflightMax;
    this.#clock = clock;
    this.#observer = observer;
    this.#ownPorts = options.ownPorts ?? new OwnPorts();
    this.#tickMs = Math.max(1, Math.ceil(tryTimeoutMs / TICKS_PER_TRY));
    this.#tryTicks = this.#toTicks(tryTimeoutMs);
    this.#briefTicks = this.#toTicks(Math.min(BRIEF_TRY_MS, tryTimeoutMs / 2));
    this.#questionTicks = this.#toTicks(options.timeoutMs);
    this.#routes = new RouteTable<Try>(options.routes, {
      clock,
      observer,
      ownPorts: this.#ownPorts,
      tryTimeoutMs,
      outstandingMax: options.inflightPerServerMax ?? INFLIGHT_PER_SERVER_MAX,
      cookieSecret: options.cookies === true ? randomBytes(COOKIE_SECRET_BYTES) : undefined,
      mixedCase: options.mixedCase === true,
      listener: {
        datagram: (endpoint, channel, bytes, length) =>
          this.#readDatagram(endpoint, channel, copyMessage(bytes, length)),
        channelFault: (channel) => this.#loseChannel(channel),
        message: (attempt, bytes) => this.#readStreamed(attempt, bytes),
        fault: (attempt, fault) => this.#loseStream(attempt, fault),
      },
    });
    this.endpoints = upstreamTexts(options.routes);
  }

  /** Questions in flight, probes included. */
  get inflight(): number {
    return this.#inflight;
  }

  /** True when a query from this local port was sent by Cordon itself. */
  isOwnPort(port: number): boolean {
    return this.#ownPorts.has(port);
  }

  /** True when a zone of its own, and not the root's servers, decides who is asked for a name in a view. */
  hasZoneFor(name: Uint8Array, view: number): boolean {
    return this.#routes.find(name, view).zone.length > 1;
  }

  resolve(question: UpstreamQuestion, done: (outcome: UpstreamOutcome) => void): void {
    if (this.#isClosed || this.#inflight >= this.#inflightMax) {
      const reason = this.#isClosed ? 'network' : 'overload';
      done({ kind: 'failure', reason, message: undefined });
      return;
    }
    const route = this.#routes.find(question.name, question.view);
    if (route.endpoints.length + route.fallback.length === 0) {
      done({ kind: 'failure', reason: 'network', message: undefined });
      return;
    }
    if (!this.#silent.isEmpty && this.#silent.refuses(question.name, question.view, this.#clock())) {
      this.#observer.silentZone();
      done({ kind: 'failure', reason: 'timeout', message: undefined });
      return;
    }
    this.#hedges.earn();
    this.#start(question, route, this.#questionTicks, done);
    if (!route.isSingle) {
      this.#probe(question, route, route.endpoints);
      this.#probe(question, route, route.fallback);
    }
  }

  /** Ends everything in flight as a network failure and closes all sockets. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const endpoint of this.#routes.endpoints) endpoint.close();
    this.#wheel.advance(TICKS_MAX);
  }

  /** One more, because the current tick is already under way. */
  #toTicks(timeMs: number): number {
    return Math.ceil(timeMs / this.#tickMs) + 1;
  }

  /** With a fallback, the route's own endpoints have half of the time. */
  #start(
    question: UpstreamQuestion,
    route: Route<Try>,
    ticks: number,
    done: (outcome: UpstreamOutcome) => void,
  ): void {
    const { tick } = this.#wheel;
    this.#inflight++;
    const flight = new Flight<Try>(question, route, tick, tick + Math.ceil(ticks / 2), tick + ticks, done);
    if (question.interest !== undefined) question.interest.cancel = () => this.#abandon(flight);
    this.#advance(flight);
  }

  /** Nobody wants an answer any more: ends the question and all that is under way for it. */
  #abandon(flight: Flight<Try>): void {
    if (flight.isOver) return;
    for (let attempt = flight.last; attempt !== undefined; attempt = attempt.sibling)
      if (attempt.isOpen) this.#end(attempt);
    this.#finish(flight, { kind: 'failure', reason: 'overload', message: undefined });
  }

  /**
   * Asks the endpoints that may have recovered; nobody waits for the outcome. A copy of the question serves best,
   * because a server for one zone may ignore other names. An encrypted server gets the name of the zone instead: what
   * fails there is the connection, and a client's question is not shown to a server that it does not need.
   */
  #probe(question: UpstreamQuestion, route: Route<Try>, endpoints: readonly UpstreamEndpoint<Try>[]): void {
    for (const endpoint of endpoints) {
      if (endpoint.isHealthy || this.#inflight >= this.#inflightMax || !endpoint.takeProbe()) continue;
      const probe = endpoint.isEncrypted ? route.probe : question;
      this.#start(probe, createProbeRoute(route, endpoint), this.#tryTicks, ignoreOutcome);
    }
  }

  /** Begins as many tries as may be open; without any, the question has failed. */
  #advance(flight: Flight<Try>): void {
    while (flight.openCount < flight.width) {
      const index = flight.next(this.#wheel.tick, this.#random);
      if (index < 0) break;
      this.#launch(flight, index);
    }
    if (flight.openCount > 0) return;
    this.#finish(flight, { kind: 'failure', reason: flight.reason, message: flight.message });
  }

  /** Begins a try at one of the endpoints in turn. */
  #launch(flight: Flight<Try>, index: number): void {
    const endpoint = flight.endpoints[index];
    assert(endpoint !== undefined, 'a try without an endpoint');
    const attempt = new Try(flight, endpoint, 1 << index);
    attempt.sibling = flight.last;
    flight.last = attempt;
    flight.opened(attempt.bit);
    endpoint.outstanding++;
    this.#send(attempt);
  }

  #send(attempt: Try): void {
    const { endpoint, flight } = attempt;
    if (endpoint.transport !== 'udp') {
      this.#sendStreamed(attempt);
    } else if (
      endpoint.forgeries.hasAlerted &&
      endpoint.isGuarded(() => this.#guardedZone(flight.question.name))
    ) {
      attempt.isGuarded = true;
      this.#observer.guarded(endpoint.index);
      this.#sendStreamed(attempt);
    } else {
      this.#sendDatagram(attempt);
    }
  }

  #guardedZone(name: Uint8Array): number {
    this.#suffix.read(name, 0);
    return this.#suffix.of(GUARDED_LABELS);
  }

  #sendDatagram(attempt: Try): void {
    const { endpoint, flight } = attempt;
    const channel = endpoint.channel(this.#random.next());
    const id = channel.freeId(this.#random);
    const cookie = attempt.hasEdns ? endpoint.nextCookie() : undefined;
    const query = channel.reserve();
    const length = writeQuery(query, id, flight.question, attempt.hasEdns ? 'edns' : 'bare', cookie);
    const isMixed = endpoint.mixLetters(query, flight.question.name.length, this.#random);
    attempt.channel = channel;
    attempt.id = id;
    attempt.hasCookie = cookie !== undefined;
    attempt.letters = isMixed ? copyMessage(query, length) : undefined;
    this.#await(attempt);
    channel.send(id, attempt, length);
    this.#observer.sent(endpoint.index, 'udp');
    if (flight.question.trace !== undefined) traceSent(flight.question, endpoint.text, 'udp');
  }

  /** Over TCP, TLS or HTTPS. Letters are mixed only when the answer shall show whether the server keeps them. */
  #sendStreamed(attempt: Try): void {
    const { endpoint, flight } = attempt;
    const { connection } = endpoint;
    const cookie = attempt.hasEdns ? endpoint.nextCookie() : undefined;
    const form = attempt.hasEdns ? (endpoint.isEncrypted ? 'padded' : 'edns') : 'bare';
    const query = createQuery(0, flight.question, form, cookie);
    const isMixed =
      attempt.doubt === 'case' && endpoint.mixLetters(query, flight.question.name.length, this.#random);
    attempt.connection = connection;
    attempt.hasCookie = cookie !== undefined;
    attempt.letters = isMixed ? query : undefined;
    this.#await(attempt);
    connection.send(attempt, query);
    const transport = endpoint.transport === 'udp' ? 'tcp' : endpoint.transport;
    this.#observer.sent(endpoint.index, transport);
    if (flight.question.trace !== undefined) traceSent(flight.question, endpoint.text, transport);
  }

  /** Puts the try into the wheel: for its own time or what is left of the question's, and until the hedge before. */
  #await(attempt: Try): void {
    const { flight, endpoint } = attempt;
    const { tick } = this.#wheel;
    const isBrief = flight.hasFallback && !endpoint.isHealthy;
    const tryTicks = isBrief ? this.#briefTicks : this.#toTicks(endpoint.roundTrip.patienceMs);
    const ticks = Math.max(1, Math.min(tryTicks, flight.limitTick - tick));
    attempt.sentAtMs = this.#clock();
    // Each early try waits twice as long for the next one (RFC 6298 section 5.5).
    const { hedgeMs, retryMs: ownMs } = endpoint.roundTrip;
    const retryMs = (flight.endpoints.length > 1 ? hedgeMs : ownMs) * 2 ** flight.earlyCount;
    const retryTicks = flight.mayAskEarly ? this.#toTicks(retryMs) : ticks;
    attempt.isFresh = retryTicks < ticks;
    if (this.#timer === undefined) {
      this.#sweptAtMs = attempt.sentAtMs;
      this.#timer = setTimeout(() => this.#sweep(), this.#tickMs);
    }
    const lagTicks = this.#lagTicks(attempt.sentAtMs);
    attempt.endTick = tick + lagTicks + ticks;
    this.#wheel.add(attempt, Math.min(lagTicks + Math.min(retryTicks, ticks), TICKS_MAX));
  }

  #readDatagram(endpoint: UpstreamEndpoint<Try>, channel: UdpChannel<Try>, bytes: Uint8Array): void {
    const attempt = channel.waiting.get(messageId(bytes));
    const flaw = findFlaw(bytes, attempt?.flight.question);
    if (flaw !== undefined || attempt === undefined) {
      this.#observer.unwanted(endpoint.index, flaw ?? 'id');
      // An ID that was used is a late answer's.
      if (flaw === 'question' || (flaw === 'id' && !channel.hasUsed(messageId(bytes))))
        this.#noteNearMiss(endpoint, bytes);
      return;
    }
    if (changesLetters(attempt, bytes)) {
      this.#doubt(attempt, 'case');
      return;
    }
    if ((messageFlags(bytes) & FLAG.TC) !== 0) {
      this.#readTruncated(attempt);
      return;
    }
    const isSound = this.#response.read(bytes, attempt.flight.question);
    if (isSound && attempt.hasCookie) {
      const fit = this.#examineCookie(attempt, bytes);
      if (fit === 'missing') {
        this.#doubt(attempt, 'cookie');
        return;
      }
      if (fit === 'wrong') {
        this.#observer.unwanted(endpoint.index, 'cookie');
        this.#noteNearMiss(endpoint, bytes);
        return;
      }
    }
    this.#stop(attempt);
    this.#judge(attempt, bytes, isSound, true);
  }

  /** Somebody may have guessed all but a part of what makes an answer. */
  #noteNearMiss(endpoint: UpstreamEndpoint<Try>, bytes: Uint8Array): void {
    this.#observer.nearMiss(endpoint.index);
    const end = skipName(bytes, HEADER_LENGTH, bytes.length);
    const zone = end > HEADER_LENGTH ? this.#guardedZone(bytes.subarray(HEADER_LENGTH, end)) : 0;
    endpoint.forgeries.miss(zone, this.#clock());
  }

  /** The answer did not fit into a datagram: the same question goes over TCP, unless nobody waits any more. */
  #readTruncated(attempt: Try): void {
    const { endpoint } = attempt;
    endpoint.noteAnswer(attempt.flight.question.name, this.#elapsedMs(attempt), attempt.hasCookie);
    if (attempt.flight.isOver) {
      this.#end(attempt);
      return;
    }
    this.#stop(attempt);
    this.#resume(attempt);
    this.#sendStreamed(attempt);
  }

  /** A late try is under way again. */
  #resume(attempt: Try): void {
    if (!attempt.isLate) return;
    attempt.isLate = false;
    attempt.endpoint.outstanding++;
    attempt.flight.reopened();
  }

  /** Drops an answer that may be forged, and asks over TCP. */
  #doubt(attempt: Try, reason: 'case' | 'cookie'): void {
    this.#observer.unwanted(attempt.endpoint.index, reason);
    this.#observer.nearMiss(attempt.endpoint.index);
    if (attempt.flight.isOver) {
      this.#end(attempt);
      return;
    }
    this.#stop(attempt);
    this.#resume(attempt);
    attempt.doubt = reason;
    this.#sendStreamed(attempt);
  }

  /** A message over a connection: nobody else can have written it, so a wrong one ends the try. */
  #readStreamed(attempt: Try, bytes: Uint8Array): void {
    attempt.connection = undefined;
    this.#stop(attempt);
    const flaw = findFlaw(bytes, attempt.flight.question);
    if (flaw !== undefined) {
      this.#observer.unwanted(attempt.endpoint.index, flaw);
      this.#failTry(attempt, 'malformed', undefined);
      return;
    }
    // A server that truncates here has no whole answer to give, and part of one must not be taken for it (RFC 2181 section 9).
    if ((messageFlags(bytes) & FLAG.TC) !== 0) {
      this.#failTry(attempt, 'malformed', undefined);
      return;
    }
    const isSound = this.#response.read(bytes, attempt.flight.question);
    if (isSound) {
      // What was doubted is the server's way after all.
      const fit = attempt.hasCookie ? this.#examineCookie(attempt, bytes) : 'none';
      if (attempt.doubt === 'cookie' && fit !== 'fits') attempt.endpoint.cookies?.forget();
      if (attempt.doubt === 'case' && changesLetters(attempt, bytes)) attempt.endpoint.pauseLetters();
    }
    this.#judge(attempt, bytes, isSound, false);
  }

  #examineCookie(attempt: Try, bytes: Uint8Array): CookieFit {
    const { cookieOffset, cookieLength } = this.#response;
    return attempt.endpoint.cookies?.examine(bytes, cookieOffset, cookieLength) ?? 'none';
  }

  /** Takes an answer whose try was stopped; the response reader has read it. */
  #judge(attempt: Try, bytes: Uint8Array, isSound: boolean, isDatagram: boolean): void {
    const { endpoint, flight } = attempt;
    this.#resume(attempt);
    if (!isSound) {
      this.#observer.unwanted(endpoint.index, 'malformed');
      this.#failTry(attempt, 'malformed', undefined);
      return;
    }
    if (attempt.letters !== undefined && hasQuestion(bytes)) bytes.set(flight.question.name, HEADER_LENGTH);
    const { rcode, blamesZone } = this.#response;
    const rttMs = this.#elapsedMs(attempt);
    endpoint.noteAnswer(flight.question.name, rttMs, attempt.hasCookie);
    this.#observer.answered(endpoint.index, rttMs, rcode);
    this.#silent.answered(flight.question.name, flight.question.view);
    flight.question.trace?.step('upstream', `${endpoint.text} answers ${formatRcode(rcode)}`);
    const fault = faultOfRcode(rcode);
    if (fault === undefined) {
      this.#end(attempt);
      if (flight.isOver) return;
      const { text, isEncrypted } = endpoint;
      const { isOnly } = flight;
      this.#finish(flight, { kind: 'answer', message: bytes, endpoint: text, rttMs, isEncrypted, isOnly });
    } else if (flight.isOver || fault !== 'unsupported' || !this.#simplify(attempt, rcode, isDatagram)) {
      this.#failTry(attempt, fault, bytes, blamesZone && fault === 'servfail');
    }
  }

  /** Sends a query that the server did not understand in another form; false when there is none. Each form once. */
  #simplify(attempt: Try, rcode: number, isDatagram: boolean): boolean {
    if (attempt.hasCookie && rcode === RCODE.BADCOOKIE) {
      // RFC 7873 section 5.3: once more with the cookie that came along, then over TCP.
      if (!isDatagram) return false;
      if (attempt.isCookieRefused) this.#sendStreamed(attempt);
      else this.#sendDatagram(attempt);
      attempt.isCookieRefused = true;
      return true;
    }
    if (attempt.hasCookie) {
      attempt.endpoint.cookies?.forget();
    } else if (attempt.hasEdns && !attempt.flight.question.dnssecOk) {
      // RFC 6891 section 7: an old server is asked once more without OPT; DNSSEC records cannot be had that way.
      attempt.hasEdns = false;
    } else {
      return false;
    }
    this.#send(attempt);
    return true;
  }

  #failTry(attempt: Try, fault: TryFault, message: Uint8Array | undefined, blamesZone = false): void {
    const { endpoint, flight } = attempt;
    if (this.#relents(attempt, fault)) return;
    flight.question.trace?.step('upstream', `${endpoint.text} is of no use: ${fault}`);
    this.#end(attempt);
    this.#observer.failed(endpoint.index, fault);
    if (isFaultOfPath(fault)) {
      endpoint.noteFault();
      this.#trustAgain(attempt);
    }
    if (flight.isOver) return;
    flight.note(attempt.bit, fault, message);
    if (blamesZone) flight.blameZone();
    this.#advance(flight);
  }

  /** TCP cannot tell the truth: better the answers that there are than none. */
  #trustAgain({ endpoint, doubt }: Try): void {
    if (doubt === 'cookie') endpoint.cookies?.forget();
    if (doubt === 'case') endpoint.pauseLetters();
  }

  /** Sends a query over UDP after all when it went over TCP for fear of a forger, and TCP does not work. */
  #relents(attempt: Try, fault: TryFault): boolean {
    if (!attempt.isGuarded || attempt.flight.isOver || !isFaultOfPath(fault)) return false;
    attempt.isGuarded = false;
    attempt.endpoint.forgeries.relent(this.#clock());
    this.#stop(attempt);
    this.#sendDatagram(attempt);
    return true;
  }

  /** A try was silent for its time. It goes on to be waited for, beside others. */
  #fallSilent(attempt: Try): void {
    const { endpoint, flight } = attempt;
    if (this.#relents(attempt, 'timeout')) return;
    flight.question.trace?.step('upstream', `${endpoint.text} is of no use: timeout`);
    this.#observer.failed(endpoint.index, 'timeout');
    this.#trustAgain(attempt);
    const wasAlive = endpoint.answeredAtMs > attempt.sentAtMs;
    const isOfProbe = flight.route.isProbe === true;
    if (!wasAlive && endpoint.noteSilence(isOfProbe)) this.#check(endpoint, flight.route);
    const leftTicks = flight.deadlineTick - this.#wheel.tick;
    if (flight.isOver || isOfProbe || leftTicks <= 0) {
      this.#end(attempt);
    } else {
      attempt.isLate = true;
      endpoint.outstanding--;
      flight.closed();
      this.#wheel.add(attempt, Math.min(leftTicks, TICKS_MAX));
    }
    if (flight.isOver) return;
    if (
      wasAlive &&
      !flight.isSilenceNoted &&
      this.#wheel.tick - flight.startTick > SILENCE_TRIES * this.#tryTicks
    ) {
      flight.isSilenceNoted = true;
      this.#silent.fail(flight.question.name, flight.question.view, this.#clock());
    }
    flight.note(attempt.bit, 'timeout', undefined);
    this.#advance(flight);
  }

  /** Asks an endpoint what any server answers: whether it is down, or only silent about the names that were asked. */
  #check(endpoint: UpstreamEndpoint<Try>, route: Route<Try>): void {
    if (this.#isClosed) return;
    this.#start(route.probe, createProbeRoute(route, endpoint), this.#briefTicks, ignoreOutcome);
  }

  #loseChannel(channel: UdpChannel<Try>): void {
    for (const attempt of channel.waiting.values()) {
      if (attempt.isLate) this.#end(attempt);
      else this.#failTry(attempt, 'network', undefined);
    }
  }

  #loseStream(attempt: Try, fault: ConnectionFault): void {
    attempt.connection = undefined;
    if (attempt.isLate) this.#end(attempt);
    else this.#failTry(attempt, fault, undefined);
  }

  /** No answer to the query under way is taken any more. */
  #stop(attempt: Try): void {
    if (attempt.channel !== undefined) {
      attempt.channel.release(attempt.id);
      attempt.channel = undefined;
    } else if (attempt.connection !== undefined) {
      attempt.connection.release(attempt);
      attempt.connection = undefined;
    }
    this.#wheel.remove(attempt);
  }

  /** Ends a try. */
  #end(attempt: Try): void {
    this.#stop(attempt);
    attempt.isOpen = false;
    if (attempt.isLate) return;
    attempt.endpoint.outstanding--;
    attempt.flight.closed();
  }

  /** Tries that are still open are overtaken: see Try. Late ones are waited for no longer. */
  #finish(flight: Flight<Try>, outcome: UpstreamOutcome): void {
    flight.isOver = true;
    this.#inflight--;
    if (flight.question.interest !== undefined) flight.question.interest.cancel = undefined;
    for (let attempt = flight.last; attempt !== undefined; attempt = attempt.sibling)
      if (attempt.isOpen && attempt.isLate) this.#end(attempt);
    flight.done(outcome);
  }

  #elapsedMs(attempt: Try): number {
    return Math.max(0, this.#clock() - attempt.sentAtMs);
  }

  #expire(attempt: Try): void {
    const { flight } = attempt;
    if (this.#isClosed) {
      this.#end(attempt);
      if (flight.isOver || flight.openCount > 0) return;
      this.#finish(flight, { kind: 'failure', reason: 'network', message: undefined });
    } else if (attempt.isFresh) {
      // Without a budget it is tried again later, the waits doubled: what was lost need not wait for its whole time.
      const laterTick = this.#wheel.tick + this.#toTicks(this.#elapsedMs(attempt));
      attempt.isFresh = !this.#askEarly(attempt) && laterTick < attempt.endTick;
      this.#waitOn(attempt, attempt.isFresh ? laterTick : attempt.endTick);
    } else if (attempt.isLate) {
      if (this.#wheel.tick < flight.deadlineTick) this.#waitOn(attempt, flight.deadlineTick);
      else this.#end(attempt);
    } else if (this.#wheel.tick < attempt.endTick) {
      this.#waitOn(attempt, attempt.endTick);
    } else {
      this.#fallSilent(attempt);
    }
  }

  /** Puts a try into the wheel again, until a tick that may lie further ahead than the wheel reaches. */
  #waitOn(attempt: Try, tick: number): void {
    this.#wheel.add(attempt, Math.min(TICKS_MAX, Math.max(1, tick - this.#wheel.tick)));
  }

  /**
   * Asks another healthy endpoint as well, or the same one again where there is no other, if enough questions came without
   * that. Not about names below a zone that was silent or is slow: they would take what lost datagrams of others need.
   * False when it is worth another look later.
   */
  #askEarly(attempt: Try): boolean {
    const { flight, endpoint } = attempt;
    const { name, view } = flight.question;
    if (flight.isOver || !flight.mayAskEarly || this.#wheel.tick >= flight.limitTick) return true;
    if (this.#silent.isDoubtful(name, view)) return true;
    if (endpoint.isSlowFor(name)) return true;
    const other = flight.nextHedge(this.#random);
    if (other < 0 && (flight.endpoints.length > 1 || endpoint.isFull)) return true;
    if (!this.#hedges.take()) return false;
    if (endpoint.answeredAtMs > attempt.sentAtMs) endpoint.noteEarly(name);
    flight.earlyCount++;
    if (other >= 0) this.#observer.hedged(endpoint.index);
    flight.widen();
    this.#launch(flight, Math.max(other, 0));
    return true;
  }

  /** Ticks by which the wheel is behind: what is sent now would be taken for that much older at the next sweep. */
  #lagTicks(nowMs: number): number {
    const ticks = Math.floor((nowMs - this.#sweptAtMs) / this.#tickMs);
    return ticks >= 0 && ticks <= TICKS_PER_TRY ? ticks : 0;
  }

  /** Sees what is due. When the loop was late, answers lie in the sockets that are read before. */
  #sweep(): void {
    if (this.#clock() - this.#sweptAtMs < 2 * this.#tickMs) this.#moveOn();
    else setImmediate(() => this.#moveOn());
  }

  /**
   * Advances the wheel by the time that passed. A clock that stepped, or a loop that stood still for longer than a
   * try, counts as one tick: nothing waits forever, and answers that came meanwhile are read before their deadline.
   */
  #moveOn(): void {
    if (this.#isClosed) return;
    const now = this.#clock();
    const passed = Math.floor((now - this.#sweptAtMs) / this.#tickMs);
    const isPlausible = passed >= 1 && passed <= TICKS_PER_TRY;
    const ticks = isPlausible ? passed : 1;
    this.#sweptAtMs = isPlausible ? this.#sweptAtMs + ticks * this.#tickMs : now;
    this.#wheel.advance(ticks);
    this.#timer = this.#wheel.count > 0 ? setTimeout(() => this.#sweep(), this.#tickMs) : undefined;
  }
}

/**
 * A message that the asker may keep, from the socket's memory. From Buffer's pool: a view of the slot would cost
 * as much as the copy, and memory of its own for each message more.
 */
const copyMessage = (bytes: Uint8Array, length: number): Uint8Array => {
  const message = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) message[i] = bytes[i] ?? 0;
  return message;
};

/** Once per query that is explained. */
const traceSent = ({ name, type, trace }: UpstreamQuestion, server: string, transport: string): void => {
  trace?.step('upstream', `${server} is asked for ${formatName(name)} ${formatType(type)} over ${transport}`);
};

const ignoreOutcome = (): void => {};

/** A route to nothing but one endpoint. Allocates, once per probe. */
const createProbeRoute = (route: Route<Try>, endpoint: UpstreamEndpoint<Try>): Route<Try> => ({
  zone: route.zone,
  endpoints: [endpoint],
  fallback: [],
  strategy: 'ordered',
  probe: route.probe,
  isSingle: true,
  isProbe: true,
});

/** True when the query was in mixed case and the message, which repeats its question, is in another. */
const changesLetters = ({ letters, flight }: Try, bytes: Uint8Array): boolean =>
  letters !== undefined && hasQuestion(bytes) && !keepsLetters(bytes, letters, flight.question.name.length);

/** What an RCODE says about the try; undefined when the message is an answer. */
const faultOfRcode = (rcode: number): TryFault | undefined => {
  if (rcode === RCODE.SERVFAIL) return 'servfail';
  if (rcode === RCODE.REFUSED) return 'refused';
  if (rcode === RCODE.FORMERR || rcode === RCODE.NOTIMP || rcode >= RCODE.BADVERS) return 'unsupported';
  // YXDOMAIN: what a DNAME makes of the name is too long (RFC 6672 section 2.2). The others answer no query.
  const isAnswer = rcode === RCODE.NOERROR || rcode === RCODE.NXDOMAIN || rcode === RCODE.YXDOMAIN;
  return isAnswer ? undefined : 'servfail';
};

/** True for faults that say that the endpoint cannot be reached, or is not what it should be. */
const isFaultOfPath = (fault: TryFault): boolean =>
  fault === 'timeout' || fault === 'network' || fault === 'certificate';
