// Accepts stream connections of every protocol: address, access, connection limits and TLS.
import type { Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { AddressWords, Clock, Endpoint } from '../../base/base.ts';
import type { Shown } from '../../policy/access/access.ts';
import type { Decider } from '../pipeline/pipeline.ts';
import { type ConnectionBudget, TCP_CLOSED, TCP_REFUSAL, type Tenant } from './connection-budget.ts';
import { readShown } from './credentials.ts';
import { EmptyRecords } from './empty-records.ts';
import { type Caller, Proxies, readCaller } from './proxies.ts';
import type { SecureGate, SecureOptions } from './secure-gate.ts';
import { ValidationConnections } from './validation-connections.ts';

/** From the end of a listener to that of the last connection, milliseconds: a round trip, and some. */
const CLOSE_MS = 500;

/** What a TCP listener needs beside its endpoint. */
export interface StreamOptions {
  readonly endpoint: Endpoint;
  /** Name of the configured listener. */
  readonly name: string;
  readonly shared: boolean;
  readonly pipeline: Decider;
  readonly budget: ConnectionBudget;
  readonly clock: Clock;
  /** Is told that the answers that were at hand have left, milliseconds after their queries were read. */
  readonly settled?: (ms: number) => void;
  /** False: a client of this address gets REFUSED for every query. */
  readonly mayAsk: (address: AddressWords) => boolean;
  /** Proxies that may give a client's address (PROXY protocol); undefined: none. */
  readonly proxies?: Proxies | undefined;
  /** Nobody else may come in. */
  readonly onlyProxies?: boolean | undefined;
  /** DNS over TLS; undefined: plain TCP. */
  readonly secure?: SecureOptions | undefined;
}

/** A connection that was accepted. */
export interface AcceptedConnection extends Tenant {
  /** That of TLS takes the place of the one below it after the handshake. */
  socket: Socket;
  /** What the client has shown, in the handshake where there is one; undefined: it can show nothing. */
  shown: Shown | undefined;
  aliveMs: number;
}

/** What a listener does with accepted connections. */
export interface ConnectionHandler<G extends AcceptedConnection> {
  create(socket: Socket, caller: Caller, nowMs: number): G;
  /** It may ask now; the socket is that of TLS where there is one. */
  begin(guest: G): void;
}

/** The connections of one listener. */
export class Acceptor<G extends AcceptedConnection> {
  readonly guests = new Set<G>();
  /** Of those that speak TLS. */
  readonly #records = new Map<G, EmptyRecords>();
  /** Those of proxies that have not said yet whose connection it is. */
  readonly #unknown = new Set<Socket>();
  readonly #servers: readonly Server[];
  readonly #options: StreamOptions;
  /** Undefined: nothing is encrypted. */
  readonly #secure: SecureGate | undefined;
  readonly #host: ConnectionHandler<G>;
  readonly #validations = new ValidationConnections();

  constructor(
    servers: readonly Server[],
    options: StreamOptions,
    secure: SecureGate | undefined,
    host: ConnectionHandler<G>,
  ) {
    this.#servers = servers;
    this.#options = options;
    this.#secure = secure;
    this.#host = host;
    for (const server of servers) {
      server.on('connection', (socket) => this.#accept(socket));
      // Accepting can fail for want of descriptors; the connections that exist go on.
      server.on('error', () => options.budget.refuse(TCP_REFUSAL.CONNECTIONS));
    }
  }

  /** Ends connections over which records come that carry nothing; to be called every second or so. */
  endFloods(): void {
    for (const [guest, records] of this.#records) {
      if (records.look() && !guest.socket.destroyed) this.#options.budget.punish(guest, TCP_CLOSED.FLOOD);
    }
  }

  /** Ends the connections of clients that have not shown, or not any more, what is required. */
  endOthers(): void {
    const { secure } = this.#options;
    for (const { shown, socket } of this.guests) {
      if (shown !== undefined && secure?.mayStay(shown) === false) socket.destroy();
    }
  }

  /** Lets nobody in any more, and ends each connection as `end` does; those that stay are closed. */
  async close(end: (guest: G) => void): Promise<void> {
    const closed = this.#servers.map(
      (server) =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
        }),
    );
    for (const socket of this.#unknown) socket.destroy();
    for (const guest of this.guests) end(guest);
    // Who does not take what was written, or never ends a request, is not waited for.
    setTimeout(() => {
      for (const { socket } of this.guests) socket.destroy();
    }, CLOSE_MS).unref();
    await Promise.all(closed);
  }

  #accept(socket: Socket): void {
    // A reset is a client's right; 'close' follows.
    socket.on('error', nothing);
    this.#unknown.add(socket);
    const { proxies = NOBODY, onlyProxies = false } = this.#options;
    readCaller(socket, proxies, onlyProxies, (caller) => {
      this.#unknown.delete(socket);
      if (caller !== undefined) this.#admit(socket, caller);
      else {
        this.#options.budget.refuse(TCP_REFUSAL.PROXY);
        socket.destroy();
      }
    });
  }

  #admit(socket: Socket, caller: Caller): void {
    const { budget, clock, mayAsk } = this.#options;
    const refused = (): void => budget.refuse(TCP_REFUSAL.ACCESS);
    const isStranger = !mayAsk(caller.words);
    const place = isStranger ? this.#takeStranger(caller.words) : undefined;
    if (isStranger && place === undefined) {
      refused();
      socket.destroy();
      return;
    }
    if (place !== undefined) socket.on('close', () => place.left());
    const guest = this.#host.create(socket, caller, clock());
    if (!budget.take(guest, guest.aliveMs)) {
      socket.destroy();
      return;
    }
    this.guests.add(guest);
    socket.on('close', () => {
      this.#records.delete(guest);
      if (this.guests.delete(guest)) budget.release(guest);
    });
    const secure = this.#secure;
    if (secure === undefined) this.#host.begin(guest);
    else {
      const enter = (secured: TLSSocket): void => {
        this.#records.set(guest, new EmptyRecords(socket, secured));
        this.#enter(guest, secured, secure);
      };
      secure.admit(socket, caller.words, enter, isStranger ? refused : undefined);
    }
  }

  /** A place for one who may not ask; undefined where nobody has to look at a challenge, or too many do. */
  #takeStranger(words: AddressWords): { left(): void } | undefined {
    return this.#secure?.takesStrangers === true ? this.#validations.admit(words) : undefined;
  }

  #enter(guest: G, secured: TLSSocket, { authorities }: SecureGate): void {
    guest.socket = secured;
    guest.shown = readShown(secured, authorities);
    guest.aliveMs = this.#options.clock();
    secured.on('error', nothing);
    if (this.#options.secure?.mayStay(guest.shown) === false) secured.destroy();
    else this.#host.begin(guest);
  }
}

const NOBODY = new Proxies();
const nothing = (): void => {};
