// Forwarding: questions go to configured upstreams over UDP, over TCP when the answer did not fit. Hot file.
//
// The longest zone that holds the name chooses the endpoints; nothing else is ever asked. Every try ends by an
// answer, a fault or the time wheel; the next endpoint follows at once. An answer counts only when it came to the
// connected socket of the try with its ID and its question (RFC 5452 section 9.1); anything else is counted and
// dropped while the query goes on waiting. One timer serves all of it and stands still when nothing is in flight.
import assert from 'node:assert/strict';
import type { Clock } from '../base/base.ts';
import { FLAG, HEADER_LENGTH, messageFlags, messageId, RCODE, RecordReader } from '../dns/dns.ts';
import type {
  Exchange,
  TryFault,
  UnwantedReason,
  UpstreamObserver,
  UpstreamOutcome,
  UpstreamQuestion,
} from './exchange.ts';
import { Flight } from './flight.ts';
import { OwnPorts } from './own-ports.ts';
import { createQuery, isResponse, readRcode, repeatsQuestion } from './query.ts';
import { RandomPool } from './random-pool.ts';
import { type ForwardingRoute, RouteTable } from './route-table.ts';
import { TcpQuery } from './tcp-query.ts';
import { TICKS_MAX, TimeWheel } from './time-wheel.ts';
import type { UdpChannel } from './udp-channel.ts';
import type { UpstreamEndpoint } from './upstream-endpoint.ts';

/** Parts into which the time of one try is divided: time-outs are late by at most a thirty-second of it. */
const TICKS_PER_TRY = 32;
/** TCP connections at a time: each may hold a message of 64 KB, together 16 MB. */
const TCP_QUERIES_MAX = 256;

/** What Forwarding is made of. */
export interface ForwardingOptions {
  /** One of them for the root. */
  readonly routes: readonly ForwardingRoute[];
  /** For a question, all tries together. */
  readonly timeoutMs: number;
  /** For one try at one endpoint. */
  readonly tryTimeoutMs: number;
  /** Questions in flight; more fail at once. */
  readonly inflightMax: number;
  readonly clock: Clock;
  readonly observer: UpstreamObserver;
  /** Shared by the workers; without it, this object knows only its own ports. */
  readonly ownPorts?: OwnPorts;
}

/** Resolves questions by asking upstreams. */
export class Forwarding implements Exchange {
  /** All distinct endpoints as `ADDRESS:PORT`, in the order of the observer's indexes. */
  readonly endpoints: readonly string[];
  readonly #routes: RouteTable;
  readonly #inflightMax: number;
  readonly #clock: Clock;
  readonly #observer: UpstreamObserver;
  readonly #ownPorts: OwnPorts;
  readonly #random = new RandomPool();
  readonly #records = new RecordReader();
  readonly #wheel = new TimeWheel<Flight>((flight) => this.#expire(flight));
  readonly #tickMs: number;
  readonly #tryTicks: number;
  readonly #questionTicks: number;
  #inflight = 0;
  #tcpInflight = 0;
  #timer: NodeJS.Timeout | undefined;
  #sweptAtMs = 0;
  #isClosed = false;

  /** Throws ERR_UPSTREAM_ROUTE when there is no route for the root, or one with no or too many endpoints. */
  constructor(options: ForwardingOptions) {
    this.#inflightMax = options.inflightMax;
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#ownPorts = options.ownPorts ?? new OwnPorts();
    this.#tickMs = Math.max(1, Math.ceil(options.tryTimeoutMs / TICKS_PER_TRY));
    // One more, because the current tick is already under way.
    this.#tryTicks = Math.ceil(options.tryTimeoutMs / this.#tickMs) + 1;
    this.#questionTicks = Math.ceil(options.timeoutMs / this.#tickMs) + 1;
    this.#routes = new RouteTable(options.routes, {
      clock: this.#clock,
      observer: this.#observer,
      ownPorts: this.#ownPorts,
      listener: {
        datagram: (endpoint, channel, bytes, length) =>
          this.#readDatagram(endpoint, channel, copyMessage(bytes, length)),
        channelFault: (channel) => this.#loseChannel(channel),
      },
    });
    this.endpoints = this.#routes.endpointTexts();
  }

  /** Questions in flight, probes included. */
  get inflight(): number {
    return this.#inflight;
  }

  /** True when a query from this local port was sent by Cordon itself. */
  isOwnPort(port: number): boolean {
    return this.#ownPorts.has(port);
  }

  resolve(question: UpstreamQuestion, done: (outcome: UpstreamOutcome) => void): void {
    if (this.#isClosed || this.#inflight >= this.#inflightMax) {
      const reason = this.#isClosed ? 'network' : 'overload';
      done({ kind: 'failure', reason, message: undefined });
      return;
    }
    const endpoints = this.#routes.find(question.name);
    this.#launch(question, endpoints, this.#questionTicks, done);
    if (endpoints.length > 1) this.#probe(question, endpoints);
  }

  /** Ends everything in flight as a network failure and closes all sockets. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const endpoint of this.#routes.endpoints) endpoint.close();
    this.#wheel.advance(TICKS_MAX);
  }

  #launch(
    question: UpstreamQuestion,
    endpoints: readonly UpstreamEndpoint<Flight>[],
    ticks: number,
    done: (outcome: UpstreamOutcome) => void,
  ): void {
    this.#inflight++;
    if (this.#timer === undefined) {
      this.#sweptAtMs = this.#clock();
      this.#timer = setTimeout(() => this.#sweep(), this.#tickMs);
    }
    this.#tryNext(new Flight(question, endpoints, this.#wheel.tick + ticks, done));
  }

  /** Sends a copy of the question to the endpoints that may have recovered; nobody waits for the outcome. */
  #probe(question: UpstreamQuestion, endpoints: readonly UpstreamEndpoint<Flight>[]): void {
    for (const endpoint of endpoints) {
      if (endpoint.isHealthy || this.#inflight >= this.#inflightMax || !endpoint.takeProbe()) continue;
      this.#launch(question, [endpoint], this.#tryTicks, ignoreOutcome);
    }
  }

  #tryNext(flight: Flight): void {
    if (this.#wheel.tick >= flight.deadlineTick || !flight.advance()) {
      this.#finish(flight, { kind: 'failure', reason: flight.reason, message: flight.message });
      return;
    }
    this.#sendUdp(flight);
  }

  #sendUdp(flight: Flight): void {
    const endpoint = currentEndpoint(flight);
    const channel = endpoint.channel(this.#random.next());
    const id = channel.freeId(this.#random);
    flight.channel = channel;
    flight.id = id;
    flight.sentAtMs = this.#clock();
    this.#await(flight);
    channel.send(id, flight, createQuery(id, flight.question, flight.edns));
    this.#observer.sent(endpoint.index, 'udp');
  }

  #sendTcp(flight: Flight): void {
    if (this.#tcpInflight >= TCP_QUERIES_MAX) {
      this.#finish(flight, { kind: 'failure', reason: 'overload', message: undefined });
      return;
    }
    const endpoint = currentEndpoint(flight);
    flight.id = this.#random.next();
    flight.sentAtMs = this.#clock();
    this.#await(flight);
    this.#tcpInflight++;
    flight.tcp = new TcpQuery(endpoint.endpoint, createQuery(flight.id, flight.question, flight.edns), {
      message: (bytes) => this.#readStreamed(endpoint, flight, bytes),
      fault: () => this.#failTry(flight, 'network', undefined),
    });
    this.#observer.sent(endpoint.index, 'tcp');
  }

  /** Puts the try into the wheel, for its own time or what is left of the question's. */
  #await(flight: Flight): void {
    this.#wheel.add(flight, Math.max(1, Math.min(this.#tryTicks, flight.deadlineTick - this.#wheel.tick)));
  }

  #readDatagram(endpoint: UpstreamEndpoint<Flight>, channel: UdpChannel<Flight>, bytes: Uint8Array): void {
    const flight = channel.waiting.get(messageId(bytes));
    const flaw = findFlaw(flight, bytes);
    if (flaw !== undefined || flight === undefined) {
      this.#observer.unwanted(endpoint.index, flaw ?? 'id');
      return;
    }
    this.#release(flight);
    if ((messageFlags(bytes) & FLAG.TC) === 0) {
      this.#judge(endpoint, flight, bytes);
    } else {
      endpoint.noteAnswer();
      this.#sendTcp(flight);
    }
  }

  /** A message over TCP: nobody else can have written it, so a wrong one ends the try. */
  #readStreamed(endpoint: UpstreamEndpoint<Flight>, flight: Flight, bytes: Uint8Array): void {
    const flaw = messageId(bytes) === flight.id ? findFlaw(flight, bytes) : 'id';
    if (flaw === undefined) {
      this.#release(flight);
      this.#judge(endpoint, flight, bytes);
    } else {
      this.#observer.unwanted(endpoint.index, flaw);
      this.#failTry(flight, 'malformed', undefined);
    }
  }

  /** Takes an answer whose try was released. */
  #judge(endpoint: UpstreamEndpoint<Flight>, flight: Flight, bytes: Uint8Array): void {
    const rcode = readRcode(bytes, flight.question, this.#records);
    if (rcode < 0) {
      this.#observer.unwanted(endpoint.index, 'malformed');
      this.#failTry(flight, 'malformed', undefined);
      return;
    }
    const rttMs = Math.max(0, this.#clock() - flight.sentAtMs);
    endpoint.noteAnswer();
    this.#observer.answered(endpoint.index, rttMs, rcode);
    const fault = faultOfRcode(rcode);
    if (fault === undefined) {
      this.#finish(flight, { kind: 'answer', message: bytes, endpoint: endpoint.text, rttMs });
    } else if (fault === 'unsupported' && flight.edns && !flight.question.dnssecOk) {
      // RFC 6891 section 7: an old server is asked once more without OPT; DNSSEC records cannot be had that way.
      flight.edns = false;
      this.#sendUdp(flight);
    } else {
      this.#failTry(flight, fault, bytes);
    }
  }

  #failTry(flight: Flight, fault: TryFault, message: Uint8Array | undefined): void {
    const endpoint = currentEndpoint(flight);
    this.#release(flight);
    this.#observer.failed(endpoint.index, fault);
    if (fault === 'timeout' || fault === 'network') endpoint.noteFault();
    flight.note(fault, message);
    this.#tryNext(flight);
  }

  #loseChannel(channel: UdpChannel<Flight>): void {
    for (const flight of channel.waiting.values()) this.#failTry(flight, 'network', undefined);
  }

  /** Ends the current try, if there is one: no answer to it is taken any more. */
  #release(flight: Flight): void {
    if (flight.channel !== undefined) {
      flight.channel.release(flight.id);
      flight.channel = undefined;
    } else if (flight.tcp !== undefined) {
      flight.tcp.close();
      flight.tcp = undefined;
      this.#tcpInflight--;
    }
    this.#wheel.remove(flight);
  }

  #finish(flight: Flight, outcome: UpstreamOutcome): void {
    this.#inflight--;
    flight.done(outcome);
  }

  #expire(flight: Flight): void {
    if (this.#isClosed) {
      this.#release(flight);
      this.#finish(flight, { kind: 'failure', reason: 'network', message: undefined });
    } else {
      this.#failTry(flight, 'timeout', undefined);
    }
  }

  /**
   * Advances the wheel by the time that passed. A clock that stepped, or a loop that stood still for longer than a
   * try, counts as one tick: nothing waits forever, and answers that came meanwhile are read before their deadline.
   */
  #sweep(): void {
    const now = this.#clock();
    const passed = Math.floor((now - this.#sweptAtMs) / this.#tickMs);
    const isPlausible = passed >= 1 && passed <= TICKS_PER_TRY;
    const ticks = isPlausible ? passed : 1;
    this.#sweptAtMs = isPlausible ? this.#sweptAtMs + ticks * this.#tickMs : now;
    this.#wheel.advance(ticks);
    this.#timer = this.#inflight > 0 ? setTimeout(() => this.#sweep(), this.#tickMs) : undefined;
  }
}

/**
 * A message that whoever asked may keep, from the socket's memory. From Buffer's pool: a view of the slot would cost
 * as much as the copy, and memory of its own for each message more.
 */
const copyMessage = (bytes: Uint8Array, length: number): Uint8Array => {
  const message = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) message[i] = bytes[i] ?? 0;
  return message;
};

const ignoreOutcome = (): void => {};

/** Why the message is no answer to the flight that waits for its ID; undefined when it is one. */
const findFlaw = (flight: Flight | undefined, bytes: Uint8Array): UnwantedReason | undefined => {
  if (bytes.length < HEADER_LENGTH) return 'short';
  if (!isResponse(bytes)) return 'header';
  if (flight === undefined) return 'id';
  return repeatsQuestion(bytes, flight.question) ? undefined : 'question';
};

const currentEndpoint = (flight: Flight): UpstreamEndpoint<Flight> => {
  assert(flight.endpoint !== undefined, 'a try without an endpoint');
  return flight.endpoint;
};

/** What an RCODE says about the try; undefined when the message is an answer. */
const faultOfRcode = (rcode: number): TryFault | undefined => {
  if (rcode === RCODE.SERVFAIL) return 'servfail';
  if (rcode === RCODE.REFUSED) return 'refused';
  return rcode === RCODE.FORMERR || rcode === RCODE.NOTIMP || rcode >= RCODE.BADVERS
    ? 'unsupported'
    : undefined;
};
