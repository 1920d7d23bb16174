// One configured upstream: its sockets and connections, its health, and what it turned out to be like. Hot file.
//
// How queries travel never changes: an encrypted upstream has no datagram socket and no stream without TLS.
import assert from 'node:assert/strict';
import { type Clock, type Endpoint, formatEndpoint } from '../../base/base.ts';
import { type Connection, type ConnectionListener, LINK_QUERIES_MAX } from './connection.ts';
import { CookieJar } from './cookie-jar.ts';
import { EndpointHealth } from './endpoint-health.ts';
import { EndpointSockets } from './endpoint-sockets.ts';
import type { UntrustedReason, UpstreamObserver, UpstreamTransport } from './exchange.ts';
import { ForgeryWatch } from './forgery-watch.ts';
import { HttpsConnection } from './https-connection.ts';
import { mixLetters } from './letter-case.ts';
import type { OwnPorts } from './own-ports.ts';
import { Pause } from './pause.ts';
import type { RandomSource } from './random-pool.ts';
import { RoundTrip } from './round-trip.ts';
import { SlowZones } from './slow-zones.ts';
import type { Candidate } from './strategy.ts';
import { StreamConnection } from './stream-connection.ts';
import type { ChannelListener, UdpChannel } from './udp-channel.ts';
import { DEFAULT_PATH, isEncrypted, type UpstreamServer } from './upstream-server.ts';

/** What an endpoint reports of its sockets; it has already taken a faulty channel out of use. */
export interface EndpointListener<T> extends ConnectionListener<T> {
  /** The bytes are only valid during the call. */
  datagram(endpoint: UpstreamEndpoint<T>, channel: UdpChannel<T>, bytes: Uint8Array, length: number): void;
  channelFault(channel: UdpChannel<T>): void;
}

/** What endpoints share. */
export interface EndpointContext<T> {
  readonly clock: Clock;
  readonly observer: UpstreamObserver;
  readonly ownPorts: OwnPorts;
  readonly listener: EndpointListener<T>;
  /** For one try. */
  readonly tryTimeoutMs: number;
  /** Queries outstanding at one endpoint. */
  readonly outstandingMax: number;
  /** For cookies over UDP (RFC 7873), COOKIE_SECRET_BYTES; undefined: none are sent. */
  readonly cookieSecret: Uint8Array | undefined;
  /** Letters of queries over UDP are sent in mixed case. */
  readonly mixedCase: boolean;
}

/** An upstream; T is what waits on its sockets and connections. */
export class UpstreamEndpoint<T> implements ChannelListener<T>, Candidate {
  /** As metrics and logs name it. */
  readonly server: UpstreamServer;
  /** Place in Forwarding.endpoints. */
  readonly index: number;
  readonly transport: UpstreamTransport;
  readonly isEncrypted: boolean;
  readonly roundTrip: RoundTrip;
  /** For queries that do not go as datagrams; it opens its sockets when they are needed. */
  readonly connection: Connection<T>;
  /** Undefined when no cookies are sent. */
  readonly cookies: CookieJar | undefined;
  readonly #health: EndpointHealth;
  readonly #sockets: EndpointSockets<T>;
  /** When the last answer came: a try that was sent before was not lost because the endpoint is down. */
  answeredAtMs = Number.NEGATIVE_INFINITY;
  readonly #slowZones = new SlowZones();
  /** What looks like an answer and is none. */
  readonly forgeries = new ForgeryWatch();
  /** Tries that are under way. */
  outstanding = 0;
  readonly #context: EndpointContext<T>;
  readonly #letterPause: Pause | undefined;

  /** Throws ERR_UPSTREAM_CERTIFICATE when a CA certificate cannot be read. */
  constructor(server: UpstreamServer, index: number, context: EndpointContext<T>) {
    const { clock, cookieSecret, mixedCase, observer, ownPorts } = context;
    const isUdp = server.transport === 'udp';
    this.server = server;
    this.index = index;
    this.transport = server.transport;
    this.isEncrypted = isEncrypted(server);
    this.roundTrip = new RoundTrip(context.tryTimeoutMs);
    this.cookies =
      isUdp && cookieSecret !== undefined
        ? new CookieJar(formatEndpoint(server.endpoint), cookieSecret, clock)
        : undefined;
    this.#letterPause = isUdp && mixedCase ? new Pause(clock) : undefined;
    this.connection = createConnection(server, index, context);
    this.#health = new EndpointHealth(index, clock, observer);
    this.#sockets = new EndpointSockets<T>(server.endpoint, this, ownPorts);
    this.#context = context;
  }

  /** As metrics and logs name it. */
  get text(): string {
    return this.server.text;
  }

  /** True when it has as many queries outstanding as it may have. */
  get isFull(): boolean {
    return this.outstanding >= this.#context.outstandingMax;
  }

  get isHealthy(): boolean {
    return this.#health.isHealthy;
  }

  /** One of the sockets of a `udp` upstream, see EndpointSockets.take(). */
  channel(random: number): UdpChannel<T> {
    return this.#sockets.take(random, this.#context.clock());
  }

  /** True when a query below a zone, given as a hash, shall go over TCP, because somebody guesses answers. */
  isGuarded(zone: () => number): boolean {
    const nowMs = this.#context.clock();
    if (!this.forgeries.isAlert(nowMs) || this.cookies?.protects === true) return false;
    return this.forgeries.isGuarded(zone(), nowMs);
  }

  /** The data of the COOKIE option for the next query; undefined when none shall be sent. */
  nextCookie(): Uint8Array | undefined {
    return this.cookies?.next(this.#health.faultCount > 0);
  }

  /** Mixes the letters of a query whose name has this length; false when the endpoint's queries shall stay as they are. */
  mixLetters(query: Uint8Array, length: number, random: RandomSource): boolean {
    if (this.#letterPause === undefined || this.#letterPause.holds()) return false;
    mixLetters(query, length, random);
    return true;
  }

  /** The endpoint does not keep letters: its queries stay as they are for a while. */
  pauseLetters(): void {
    this.#letterPause?.start();
  }

  datagram(channel: UdpChannel<T>, bytes: Uint8Array, length: number): void {
    this.#context.listener.datagram(this, channel, bytes, length);
  }

  fault(channel: UdpChannel<T>): void {
    this.#sockets.drop(channel);
    this.#context.listener.channelFault(channel);
  }

  /** True when answers for names below the zone of this one take long, and others do not. */
  isSlowFor(name: Uint8Array): boolean {
    return this.#slowZones.has(name) && !this.roundTrip.isSlow;
  }

  /** A name is asked for once more although other names are answered. */
  noteEarly(name: Uint8Array): void {
    this.#slowZones.askEarly(name);
  }

  /** A valid answer came to a query for a name, with a cookie or without: the endpoint is well. */
  noteAnswer(name: Uint8Array, rttMs: number, hadCookie: boolean): void {
    if (this.#slowZones.note(name, this.roundTrip.isSlowAnswer(rttMs))) this.roundTrip.forgive();
    else this.roundTrip.measure(rttMs);
    this.answeredAtMs = this.#context.clock();
    // What was answered at last went without a cookie: that may be why.
    if (this.#health.noteAnswer() && !hadCookie) this.cookies?.forgetUnlessKnown();
  }

  /** The network or the certificate is at fault. */
  noteFault(): void {
    this.roundTrip.penalize();
    this.#health.noteFault();
  }

  /**
   * A try was met with silence, and so was everything since it was sent. True when a question that any server answers has
   * to show whether the endpoint is down, or only those whose names were asked; its own silence is `isOfCheck`.
   */
  noteSilence(isOfCheck: boolean): boolean {
    this.roundTrip.penalize();
    return this.#health.noteSilence(isOfCheck);
  }

  /** True when it is time for a probe; the caller then sends it. */
  takeProbe(): boolean {
    return this.#health.takeProbe();
  }

  /** Closes all sockets as soon as nothing waits on them, and connections at once. */
  close(): void {
    this.#sockets.close();
    this.connection.close();
  }
}

/** Queries that do not go as datagrams; throws ERR_UPSTREAM_CERTIFICATE when a CA certificate cannot be read. */
const createConnection = <T>(
  server: UpstreamServer,
  index: number,
  context: EndpointContext<T>,
): Connection<T> => {
  const { endpoint, transport, tls, path = DEFAULT_PATH, authority } = server;
  const { listener, clock, observer, outstandingMax } = context;
  const linksMax = Math.min(LINKS_MAX, Math.max(LINKS_MIN, Math.ceil(outstandingMax / LINK_QUERIES_MAX)));
  if (!isEncrypted(server))
    return new StreamConnection<T>(endpoint, undefined, listener, { clock, linksMax });
  assert(tls !== undefined, 'an encrypted upstream without TLS settings');
  const proof = {
    trusted: (endMs: number) => observer.trusted?.(index, endMs),
    untrusted: (reason: UntrustedReason) => observer.untrusted?.(index, reason),
  };
  if (transport === 'tls')
    return new StreamConnection<T>(endpoint, tls, listener, { clock, linksMax, proof });
  const resource = { path, authority: authority ?? authorityOf(endpoint, tls.serverName), tls };
  return new HttpsConnection<T>(endpoint, resource, listener, { clock, linksMax, proof });
};

/** Links to one upstream, however many queries it may have: each is opened only when those before are full or retire. */
const LINKS_MIN = 4;
const LINKS_MAX = 32;
/** The port that an authority leaves out (RFC 9110 section 4.2.2). */
const HTTPS_PORT = 443;

const authorityOf = ({ port }: Endpoint, serverName: string): string => {
  const host = serverName.includes(':') ? `[${serverName}]` : serverName;
  return port === HTTPS_PORT ? host : `${host}:${port}`;
};
