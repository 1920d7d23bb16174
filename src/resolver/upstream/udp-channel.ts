// One connected UDP socket to one endpoint with the queries that wait on it. Hot file.
//
// Connected, so that the kernel drops every datagram that does not come from the endpoint's address and port, and
// reports ICMP errors. Bound to port 0: the kernel draws an ephemeral port at random, which together with the
// random ID is what a spoofer has to guess (RFC 5452 section 9.2). A socket is given up after a bounded number of
// queries and a bounded time, so that a port that leaked is soon worth nothing. Which IDs it used is remembered: a late
// answer has one of them, a forged one most often none.
import { type Endpoint, NumberMap } from '../../base/base.ts';
import {
  type ConnectedHandler,
  type ConnectedSocket,
  openConnectedSocket,
} from '../../wire/datagram/datagram.ts';
import type { OwnPorts } from './own-ports.ts';
import { QUERY_LENGTH_MAX } from './query.ts';
import type { RandomSource } from './random-pool.ts';

/** The kernel's receive buffer, bytes: a burst of several hundred answers. The system may grant less. */
const RECEIVE_BYTES = 1024 * 1024;
const ID_COUNT = 0x1_0000;

/** What a channel reports. */
export interface ChannelListener<T> {
  /** A datagram came from the endpoint, `length` bytes that are only valid during the call; nothing was checked. */
  datagram(channel: UdpChannel<T>, bytes: Uint8Array, length: number): void;
  /** The socket is unusable (ECONNREFUSED, ENETUNREACH, EMFILE, …): what waits on it is lost. Reported once. */
  fault(channel: UdpChannel<T>): void;
}

/** A socket and its waiting queries by ID. */
export class UdpChannel<T> implements ConnectedHandler {
  readonly waiting = new NumberMap<T>();
  /** Queries sent so far. */
  sentCount = 0;
  readonly openedAtMs: number;
  /** One bit for each ID that a query had, 8 KiB. */
  readonly #usedIds = new Int32Array(ID_COUNT / 32);
  readonly #listener: ChannelListener<T>;
  readonly #ownPorts: OwnPorts;
  #socket: ConnectedSocket | undefined;
  /** Queries until the socket is open. */
  #backlog: Uint8Array[] = [];
  #isDraining = false;
  #isClosed = false;

  constructor(endpoint: Endpoint, listener: ChannelListener<T>, ownPorts: OwnPorts, nowMs: number) {
    this.openedAtMs = nowMs;
    this.#listener = listener;
    this.#ownPorts = ownPorts;
    openConnectedSocket({ endpoint, receiveBytes: RECEIVE_BYTES, handler: this }).then(
      (socket) => this.#opened(socket),
      () => this.failed(),
    );
  }

  /** Queries of this turn that will leave together with the next one. */
  get queued(): number {
    return this.#socket?.queued ?? 0;
  }

  /** A random ID that no waiting query has. Ends soon: far fewer wait than there are IDs. */
  freeId(random: RandomSource): number {
    let id = random.next();
    while (this.waiting.has(id)) id = random.next();
    return id;
  }

  /** Room for a query of QUERY_LENGTH_MAX bytes, until send(). */
  reserve(): Uint8Array {
    return this.#socket?.reserve() ?? early;
  }

  /** Sends the first `length` bytes of what reserve() gave as the query of a waiter under an ID of freeId(). */
  send(id: number, waiter: T, length: number): void {
    this.waiting.set(id, waiter);
    this.sentCount++;
    this.#usedIds[id >>> 5] = (this.#usedIds[id >>> 5] ?? 0) | (1 << (id & 31));
    if (this.#socket === undefined) this.#backlog.push(early.slice(0, length));
    else this.#socket.commit(length);
  }

  /** True when a query of this socket had the ID. */
  hasUsed(id: number): boolean {
    return ((this.#usedIds[id >>> 5] ?? 0) & (1 << (id & 31))) !== 0;
  }

  /** Forgets a waiting query. */
  release(id: number): void {
    this.waiting.delete(id);
    if (this.#isDraining && this.waiting.size === 0) this.close();
  }

  /** Closes as soon as nothing waits. */
  drain(): void {
    this.#isDraining = true;
    if (this.waiting.size === 0) this.close();
  }

  /** Closes at once, without a report. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#socket === undefined) return;
    this.#ownPorts.delete(this.#socket.port);
    void this.#socket.close();
  }

  receive(bytes: Uint8Array, length: number): void {
    if (!this.#isClosed) this.#listener.datagram(this, bytes, length);
  }

  failed(): void {
    if (this.#isClosed) return;
    this.close();
    this.#listener.fault(this);
  }

  #opened(socket: ConnectedSocket): void {
    if (this.#isClosed) {
      void socket.close();
      return;
    }
    this.#socket = socket;
    this.#ownPorts.add(socket.port);
    for (const query of this.#backlog) {
      socket.reserve().set(query);
      socket.commit(query.length);
    }
    this.#backlog = [];
  }
}

/** Where queries are written until a socket is open. */
const early = new Uint8Array(QUERY_LENGTH_MAX);
