// A connection that carries what waits in a queue to a receiver: Unix socket, TCP or TLS, opened again when it breaks.
//
// One write is under way at a time, and the next waits until the system has taken it, so that at most a batch is in the
// socket's own buffer. A receiver that reads nothing for a while is left and tried again: its connection may be one that
// a device on the way has forgotten. TLS proves the receiver's name before a byte is written, and never becomes TCP.
import { connect, isIP, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { errorText } from '../../../base/base.ts';
import { joinBatch, type OutputQueue } from './output-queue.ts';

/** Where a receiver listens. */
export type StreamAddress =
  | { readonly transport: 'unix'; readonly path: string }
  | { readonly transport: 'tcp'; readonly address: string; readonly port: number }
  | ({ readonly transport: 'tls'; readonly address: string; readonly port: number } & TlsTerms);

/** What TLS has to prove, and with what. */
export interface TlsTerms {
  /** The name or address that the receiver's certificate has to carry (subjectAltName). */
  readonly serverName: string;
  /** PEM of the authorities; those of Node.js when absent. */
  readonly ca?: string;
  /** PEM, for receivers that ask who sends (RFC 5425 section 4.2.1). */
  readonly certificate?: string;
  readonly key?: string;
}

/** What a protocol does with a fresh connection before records flow, and when it ends. */
export interface LinkProtocol {
  /** Calls `ready` when records may flow. It owns what the receiver sends. */
  open(socket: Socket, ready: () => void): void;
  /** Says goodbye and resolves when the receiver has confirmed it; bounded by the caller. */
  close(socket: Socket): Promise<void>;
}

/** Times of a link, milliseconds. */
export interface LinkTimes {
  /** Until the first try after a failure; doubles up to `retryMax`. */
  readonly retryMin: number;
  readonly retryMax: number;
  /** For connecting, TLS and the protocol's greeting together. */
  readonly open: number;
  /** A write that the receiver does not take for so long ends the connection. */
  readonly stall: number;
  /** For what is queued at the end, goodbye included. */
  readonly close: number;
}

/** In place of a trouble: the first connection is being made. */
export const CONNECTING = 'connecting';

/** Receivers restart in seconds; one that is gone for good is asked once a minute. */
export const LINK_TIMES: LinkTimes = {
  retryMin: 500,
  retryMax: 60_000,
  open: 10_000,
  stall: 60_000,
  close: 3_000,
};

/** Loaded by the first receiver that wants it: it takes 6 MiB of the thread. */
const loadTls = (): typeof import('node:tls') => process.getBuiltinModule('node:tls');

/** A connection to one receiver, kept up until close(). */
export class StreamLink {
  readonly #address: StreamAddress;
  readonly #queue: OutputQueue;
  readonly #protocol: LinkProtocol;
  readonly #times: LinkTimes;
  #socket: Socket | undefined;
  #isReady = false;
  #isWriting = false;
  #isClosing = false;
  #retryMs: number;
  #timer: NodeJS.Timeout | undefined;
  #trouble: string | undefined;
  /** Called when nothing is left to write, or nothing can be. */
  #onIdle: (() => void) | undefined;

  constructor(
    address: StreamAddress,
    queue: OutputQueue,
    protocol: LinkProtocol,
    times: LinkTimes = LINK_TIMES,
  ) {
    this.#address = address;
    this.#queue = queue;
    this.#protocol = protocol;
    this.#times = times;
    this.#retryMs = times.retryMin;
    this.#connect();
  }

  /** Why records do not flow, in words; undefined while they do. */
  get trouble(): string | undefined {
    return this.#isReady ? undefined : (this.#trouble ?? CONNECTING);
  }

  /** Something was queued. */
  wake(): void {
    if (this.#isReady && !this.#isWriting) this.#writeNext();
  }

  /** Writes what is queued, says goodbye and closes, in a bounded time; what is left is dropped and counted. */
  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    const end = Promise.withResolvers<void>();
    const timer = setTimeout(end.resolve, this.#times.close);
    await Promise.race([this.#drain().then(() => this.#sayGoodbye()), end.promise]);
    clearTimeout(timer);
    clearTimeout(this.#timer);
    this.#isReady = false;
    this.#socket?.destroy();
    this.#queue.abandon();
  }

  #connect(): void {
    this.#timer = undefined;
    const socket = this.#dial();
    this.#socket = socket;
    this.#isWriting = false;
    let fault = 'the receiver closed the connection';
    const isTls = this.#address.transport === 'tls';
    socket.once(isTls ? 'secureConnect' : 'connect', () =>
      this.#protocol.open(socket, () => this.#becomeReady(socket)),
    );
    // Ends a connection whose opening takes too long, and one whose receiver stopped reading.
    socket.setTimeout(this.#times.open);
    socket.on('timeout', () => {
      if (!this.#isReady || this.#isWriting)
        socket.destroy(new Error(this.#isReady ? 'the receiver does not read' : 'no answer'));
    });
    socket.on('error', (error) => {
      fault = errorText(error);
    });
    socket.on('close', () => this.#lose(fault));
  }

  #dial(): Socket {
    const where = this.#address;
    if (where.transport === 'unix') return connect({ path: where.path });
    const { address: host, port } = where;
    if (where.transport === 'tcp')
      return connect({ host, port, keepAlive: true, keepAliveInitialDelay: this.#times.stall });
    try {
      return dialTls(host, port, where);
    } catch (thrown) {
      // A certificate that cannot be read: told like any other failure, so that the thread lives.
      const socket = connect({ host, port });
      socket.destroy(new Error(errorText(thrown)));
      return socket;
    }
  }

  #becomeReady(socket: Socket): void {
    if (socket !== this.#socket || socket.destroyed) return;
    this.#isReady = true;
    this.#trouble = undefined;
    this.#retryMs = this.#times.retryMin;
    socket.setTimeout(this.#times.stall);
    this.#writeNext();
  }

  #writeNext(): void {
    const batch = this.#queue.peek();
    const socket = this.#socket;
    if (batch.length === 0 || socket === undefined || !this.#isReady) {
      this.#onIdle?.();
      return;
    }
    this.#isWriting = true;
    socket.write(joinBatch(batch), (error) => {
      // What was not taken stays queued for the next connection.
      if ((error !== undefined && error !== null) || socket !== this.#socket) return;
      this.#isWriting = false;
      this.#queue.shift(batch.length);
      this.#writeNext();
    });
  }

  #lose(fault: string): void {
    this.#socket = undefined;
    this.#isReady = false;
    this.#isWriting = false;
    this.#trouble = fault;
    if (this.#isClosing) {
      this.#onIdle?.();
      return;
    }
    // A tenth more or less, so that resolvers do not come back at the same moment.
    const pauseMs = this.#retryMs * (0.9 + 0.2 * Math.random());
    this.#retryMs = Math.min(this.#retryMs * 2, this.#times.retryMax);
    this.#timer = setTimeout(() => this.#connect(), pauseMs);
    this.#timer.unref();
  }

  /** Resolves when nothing is queued any more or nothing can be written. */
  #drain(): Promise<void> {
    if (this.#socket === undefined || this.#queue.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  async #sayGoodbye(): Promise<void> {
    if (this.#socket !== undefined && this.#isReady) await this.#protocol.close(this.#socket);
  }
}

/** Starts a handshake that fails unless the receiver proves the name (RFC 5425 section 4.2, RFC 9525). */
const dialTls = (host: string, port: number, terms: TlsTerms): TLSSocket => {
  const tls = loadTls();
  return tls.connect({
    host,
    port,
    servername: isIP(terms.serverName) === 0 ? terms.serverName : '',
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    // The common name proves nothing (RFC 9525 section 2), which Node.js would fall back to.
    checkServerIdentity: (_host, certificate) =>
      certificate.subjectaltname === undefined
        ? new Error('the certificate has no subjectAltName')
        : tls.checkServerIdentity(terms.serverName, certificate),
    ...(terms.ca === undefined ? {} : { ca: terms.ca }),
    ...(terms.certificate === undefined ? {} : { cert: terms.certificate }),
    ...(terms.key === undefined ? {} : { key: terms.key }),
  });
};
