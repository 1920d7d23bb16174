// Queries over QUIC (RFC 9250): one a stream, each answered on its own. Hot file.
//
// What bounds it is what bounds DNS over TLS (connection-budget.ts): connections by address and network, queries that wait,
// answers that are not taken, idle time; what one client breaks costs it its connection. A client has proven its address before
// it has a connection (Retry). It is known by that address and by the name that it asked for, not by a certificate.

import { type AddressWords, AppError, every } from '../../base/base.ts';
import { HANDSHAKE } from '../../base/words/words.ts';
import { Shown } from '../../policy/access/access.ts';
import {
  type DatagramHandler,
  type DatagramSocket,
  openDatagramSocket,
  type Peer,
} from '../../wire/datagram/datagram.ts';
import {
  FLAG,
  FRAME_HEADER,
  frameOf,
  MESSAGE_LENGTH_MAX,
  messageFlags,
  QUERY_LENGTH_MAX,
  Query,
  readU16,
} from '../../wire/dns/dns.ts';
import {
  openSslFault,
  openSslVersion,
  type QuicClient,
  type QuicConnection,
  QuicServer,
  type QuicStream,
} from '../../wire/quic/quic.ts';
import type { TlsSettings } from '../../wire/tls/tls.ts';
import { type Decider, DROP, PENDING, TRANSPORT } from '../pipeline/pipeline.ts';
import type { StreamOptions } from './acceptor.ts';
import {
  QUIC_UNREAD_BYTES_MAX,
  type StreamLimits,
  TCP_CLOSED,
  TCP_REFUSAL,
  type Tenant,
} from './connection-budget.ts';
import { toListenError } from './listen-error.ts';
import { QuicAdmission } from './quic-admission.ts';
import { isReflectorPort } from './reflector-ports.ts';
import type { SecureOptions } from './secure-gate.ts';
import type { UdpObserver } from './udp.ts';

/** Name of DNS over QUIC in ALPN (RFC 9250 section 4.1.1). */
const PROTOCOL = 'doq';
/** Queries of one connection that may wait for upstreams, as over TCP. */
const WAITING_MAX = 128;
/** Bytes of answers that a client has not taken, above which its queries wait, as over TCP: four of the longest answers. */
const UNREAD_HOLD_BYTES = 4 * MESSAGE_LENGTH_MAX;
/** Kernel buffers, bytes: those of a UDP listener, though a packet of QUIC is longer. */
const BUFFER_BYTES = 4 * 1024 * 1024;
/** From the first packet to the end of the handshake, milliseconds, as over TLS. */
const HANDSHAKE_MS_MAX = 5_000;
/** From the beginning of a stream to its end, milliseconds: a query fits one packet. */
const STREAM_MS_MAX = 5_000;
/** How often connections are looked at, milliseconds. */
const SWEEP_MS = 500;
/** Streams of a connection that may be taken back between two looks: a page that is left takes back what it asked for. */
const CANCELLED_MAX = 100;
/** Addresses over their limit that are remembered until the next look; others are turned away after a handshake. */
const LIMITED_MAX = 1024;
const LONG_HEADER = 0x80;

/** What a connection or a stream is ended with (RFC 9250 section 8.4). */
const DOQ_ERROR = { NO_ERROR: 0, PROTOCOL: 2, EXCESSIVE_LOAD: 4, UNSPECIFIED: 5 } as const;

/**
 * Connections at a time: for each packet OpenSSL looks at every connection, 1.2 µs each, so that more of them would make each
 * packet cost more than the answer in it.
 */
const CONNECTIONS_MAX = 256;
const PER_NETWORK_MAX = 64;
const PER_CLIENT_MAX = 32;

/** The bounds of encrypted connections, as far as QUIC can have them. @cold */
export const toDoqLimits = (limits: StreamLimits): StreamLimits => ({
  connectionsMax: Math.min(limits.connectionsMax, CONNECTIONS_MAX),
  connectionsPerNetworkMax: Math.min(limits.connectionsPerNetworkMax, PER_NETWORK_MAX),
  connectionsPerClientMax: Math.min(limits.connectionsPerClientMax, PER_CLIENT_MAX),
  idleMs: limits.idleMs,
});

/** What a listener needs beside its endpoint; always encrypted. */
export type DoqOptions = StreamOptions & { readonly secure: SecureOptions; readonly observer: UdpObserver };

class Connection implements Tenant, QuicClient {
  readonly words: AddressWords;
  readonly port: number;
  readonly quic: QuicConnection;
  readonly #listener: DoqListener;
  readonly sinceMs: number;
  /** What the client has shown; undefined until the end of the handshake. */
  shown: Shown | undefined = undefined;
  waiting = 0;
  /** Streams whose queries wait until the client has taken what it asked for before. */
  readonly held: { readonly stream: QuicStream; readonly message: Uint8Array }[] = [];
  /** Streams that it took back since the last look. */
  takenBack = 0;
  aliveMs: number;

  constructor(listener: DoqListener, quic: QuicConnection, nowMs: number) {
    this.#listener = listener;
    this.quic = quic;
    this.words = quic.peer.words;
    this.port = quic.peer.port;
    this.sinceMs = nowMs;
    this.aliveMs = nowMs;
  }

  get isIdle(): boolean {
    return this.waiting === 0 && this.held.length === 0 && this.quic.unreadBytes === 0;
  }

  get unreadBytes(): number {
    return this.quic.unreadBytes;
  }

  end(reason: number): void {
    this.quic.end(reason === TCP_CLOSED.IDLE ? DOQ_ERROR.NO_ERROR : DOQ_ERROR.EXCESSIVE_LOAD);
  }

  secured(serverName: string): void {
    this.#listener.secured(this, serverName);
  }

  asked(stream: QuicStream, bytes: Uint8Array): void {
    this.#listener.asked(this, stream, bytes);
  }

  tookOn(): void {
    this.#listener.tookOn(this);
  }

  cancelled(): void {
    this.takenBack++;
  }

  misbehaved(isTooLong: boolean): void {
    if (isTooLong) this.#listener.endFor(this, TCP_CLOSED.TOO_LONG);
    else this.quic.end(DOQ_ERROR.PROTOCOL);
  }

  closed(): void {
    this.#listener.forget(this);
  }
}

/** Why nobody can listen for QUIC here; undefined: one can. @cold */
export const quicFault = openSslFault;

/** Version of the library that speaks QUIC; empty before quicFault(). @cold */
export const quicVersion = openSslVersion;

/** One endpoint that clients ask over QUIC. */
export class DoqListener implements DatagramHandler {
  readonly #options: DoqOptions;
  readonly #server: QuicServer;
  readonly #endLooks: () => void;
  readonly #connections = new Set<Connection>();
  readonly #admission = new QuicAdmission();
  /** Address and port of clients whose handshake is under way. */
  readonly #shaking = new Set<string>();
  /** Addresses that make too many handshakes, until the next look. */
  readonly #limited = new Set<string>();
  readonly #query = new Query();
  readonly #out = Buffer.allocUnsafeSlow(MESSAGE_LENGTH_MAX);
  #socket: DatagramSocket | undefined;

  private constructor(options: DoqOptions) {
    this.#options = options;
    this.#server = new QuicServer({
      family: options.endpoint.family,
      protocol: PROTOCOL,
      settings: options.secure.settings,
      streamBytesMax: FRAME_HEADER + QUERY_LENGTH_MAX,
      handler: {
        mayBegin: (peer) => this.#mayBegin(peer),
        opened: (connection) => this.#open(connection),
        send: (bytes, length, peer) => this.#send(bytes, length, peer),
      },
    });
    this.#endLooks = every(SWEEP_MS, () => this.#look());
  }

  /** Binds the endpoint; throws AppError ERR_SERVER_LISTEN or ERR_SERVER_QUIC. @cold */
  static async open(options: DoqOptions): Promise<DoqListener> {
    const fault = await openSslFault();
    if (fault !== undefined) throw new AppError('ERR_SERVER_QUIC', `listening for QUIC: ${fault}`);
    const listener = new DoqListener(options);
    try {
      listener.#socket = await openDatagramSocket({
        endpoint: options.endpoint,
        shared: false,
        receiveBytes: BUFFER_BYTES,
        sendBytes: BUFFER_BYTES,
        handler: listener,
      });
    } catch (error) {
      await listener.close();
      throw toListenError('DoQ', options.endpoint, error);
    }
    return listener;
  }

  /** The port that it has. */
  get port(): number {
    return this.#socket?.port ?? 0;
  }

  /** Proves with another certificate from the next handshake on; throws AppError ERR_SERVER_QUIC. @cold */
  setTls(settings: TlsSettings): void {
    this.#server.setTls(settings);
  }

  /** Ends the connections of clients that have not shown, or not any more, what is required. @cold */
  endOthers(): void {
    const { mayStay } = this.#options.secure;
    for (const { shown, quic } of this.#connections) {
      if (shown !== undefined && !mayStay(shown)) quic.end(DOQ_ERROR.UNSPECIFIED);
    }
  }

  /** Ends the connections and stops listening. @cold */
  async close(): Promise<void> {
    this.#endLooks();
    this.#server.close(DOQ_ERROR.NO_ERROR);
    await this.#socket?.close();
  }

  receive(bytes: Uint8Array, length: number, peer: Peer): void {
    const { observer, mayAsk, budget } = this.#options;
    if (peer.port === 0) observer.dropped(DROP.SOURCE_PORT_ZERO);
    else if (isReflectorPort(peer.port)) observer.dropped(DROP.REFLECTOR);
    else if (mayAsk(peer.words)) this.#server.receive(bytes, length, peer);
    else if (((bytes[0] ?? 0) & LONG_HEADER) !== 0) budget.refuse(TCP_REFUSAL.ACCESS);
  }

  forged(): void {
    this.#options.observer.dropped(DROP.SOURCE_ADDRESS);
  }

  sendFailed(): void {
    this.#options.observer.dropped(DROP.SEND_FAILED);
  }

  #send(bytes: Uint8Array, length: number, peer: Peer): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    socket.reserve().set(bytes);
    socket.commit(length, peer);
  }

  /** Packets of a handshake that is under way may look like first ones. */
  #mayBegin(peer: Peer): boolean {
    if (this.#limited.has(peer.address)) return false;
    return this.#admission.mayBegin(peer.words) || this.#shaking.has(nameOf(peer));
  }

  #open(quic: QuicConnection): Connection | undefined {
    const { budget, clock, secure } = this.#options;
    const connection = new Connection(this, quic, clock());
    this.#admission.note(connection.words);
    if (!secure.mayShake(connection.words)) {
      secure.observer.tlsHandshake(HANDSHAKE.LIMITED);
      this.#limit(quic.peer);
      return undefined;
    }
    if (!budget.take(connection, connection.aliveMs)) {
      // What one client did, or what all of them hold, is no fault of its network.
      if (budget.refusal === TCP_REFUSAL.NETWORK) this.#admission.close(connection.words);
      else this.#limit(quic.peer);
      return undefined;
    }
    this.#shaking.add(nameOf(quic.peer));
    this.#connections.add(connection);
    return connection;
  }

  /** Nothing begins at an address before the next look. */
  #limit({ address }: Peer): void {
    if (this.#limited.size < LIMITED_MAX) this.#limited.add(address);
  }

  /** A handshake is done. */
  secured(connection: Connection, serverName: string): void {
    const { secure, clock } = this.#options;
    connection.shown = new Shown(serverName.toLowerCase(), undefined, '');
    connection.aliveMs = clock();
    this.#shaking.delete(nameOf(connection.quic.peer));
    secure.observer.tlsHandshake(HANDSHAKE.FULL);
    if (!secure.mayStay(connection.shown)) connection.quic.end(DOQ_ERROR.UNSPECIFIED);
  }

  /** A query has come. */
  asked(connection: Connection, stream: QuicStream, bytes: Uint8Array): void {
    const { clock, settled } = this.#options;
    const readMs = performance.now();
    connection.aliveMs = clock();
    const message = bytes.subarray(FRAME_HEADER);
    if (!this.#isSound(bytes, message)) {
      connection.quic.end(DOQ_ERROR.PROTOCOL);
      return;
    }
    const { held, waiting, quic } = connection;
    if (held.length + waiting >= WAITING_MAX) stream.reset(DOQ_ERROR.EXCESSIVE_LOAD);
    else if (held.length > 0 || quic.unreadBytes > UNREAD_HOLD_BYTES) held.push({ stream, message });
    else this.#decide(connection, stream, message);
    settled?.(performance.now() - readMs);
  }

  /** A client took answers: what it asked for beside them gets its turn. */
  tookOn(connection: Connection): void {
    const { clock, settled } = this.#options;
    const { held, quic } = connection;
    const beganMs = performance.now();
    connection.aliveMs = clock();
    while (held.length > 0 && quic.unreadBytes <= UNREAD_HOLD_BYTES && !quic.isGone) {
      const next = held.shift();
      if (next?.stream.isOpen === true) this.#decide(connection, next.stream, next.message);
    }
    settled?.(performance.now() - beganMs);
  }

  /** One message behind its length, with the ID 0 and without a time for the connection (RFC 9250 sections 4.2 and 5.5.2). */
  #isSound(bytes: Uint8Array, message: Uint8Array): boolean {
    if (bytes.length < FRAME_HEADER || readU16(bytes, 0) !== message.length) return false;
    if (message.length >= FRAME_HEADER && readU16(message, 0) !== 0) return false;
    this.#query.parse(message, message.length);
    return !this.#query.opt.hasKeepalive;
  }

  #decide(connection: Connection, stream: QuicStream, message: Uint8Array): void {
    const { pipeline, name }: { pipeline: Decider; name: string } = this.#options;
    const { words, port, shown } = connection;
    const out = this.#out;
    const length = pipeline.decide(message, message.length, words, port, TRANSPORT.DOQ, out, name, shown);
    if (length > 0) this.#answer(connection, stream, out.subarray(0, length));
    else if (length === PENDING) {
      connection.waiting++;
      pipeline.resolve((answer) => {
        connection.waiting--;
        if (!stream.isOpen) return;
        if (answer.length === 0) stream.reset(DOQ_ERROR.UNSPECIFIED);
        else this.#answer(connection, stream, answer);
      });
    } else if (message.length < FRAME_HEADER || (messageFlags(message) & FLAG.QR) !== 0)
      connection.quic.end(DOQ_ERROR.PROTOCOL);
    else stream.reset(DOQ_ERROR.UNSPECIFIED);
  }

  #answer(connection: Connection, stream: QuicStream, message: Uint8Array): void {
    stream.answer(frameOf(message));
    this.#options.budget.noteWritten(connection, message.length, QUIC_UNREAD_BYTES_MAX);
  }

  /** Ends a connection for a reason of TCP_CLOSED, and counts it. */
  endFor(connection: Connection, reason: number): void {
    this.#options.budget.end(connection, reason);
  }

  /** A connection is over. */
  forget(connection: Connection): void {
    if (!this.#connections.delete(connection)) return;
    const { budget, secure } = this.#options;
    budget.release(connection);
    this.#shaking.delete(nameOf(connection.quic.peer));
    if (connection.shown === undefined) secure.observer.tlsHandshake(HANDSHAKE.FAILED);
  }

  #look(): void {
    const { budget, clock } = this.#options;
    const nowMs = clock();
    this.#limited.clear();
    this.#admission.renew();
    budget.measureUnread();
    for (const connection of this.#connections) this.#lookAt(connection, nowMs);
    this.#server.look();
  }

  #lookAt(connection: Connection, nowMs: number): void {
    const { budget } = this.#options;
    const { takenBack, quic, sinceMs, shown, aliveMs } = connection;
    connection.takenBack = 0;
    if (takenBack > CANCELLED_MAX) budget.end(connection, TCP_CLOSED.FLOOD);
    else if (shown === undefined) {
      if (nowMs - sinceMs > HANDSHAKE_MS_MAX || nowMs < sinceMs) quic.end(DOQ_ERROR.NO_ERROR);
    } else if ((connection.waiting === 0 || quic.unreadBytes > 0) && nowMs - aliveMs > budget.idleMs) {
      budget.end(connection, connection.isIdle ? TCP_CLOSED.IDLE : TCP_CLOSED.UNREAD);
    } else quic.endUnfinished(performance.now() - STREAM_MS_MAX, DOQ_ERROR.EXCESSIVE_LOAD);
  }
}

const nameOf = ({ address, port }: Pick<Peer, 'address' | 'port'>): string => `${address} ${port}`;
