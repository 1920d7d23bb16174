// One connected UDP socket to one endpoint with the queries that wait on it. Hot file.
//
// Connected, so that the kernel drops every datagram that does not come from the endpoint's address and port, and
// reports ICMP errors. Bound to port 0: the kernel draws an ephemeral port at random, which together with the
// random ID is what a spoofer has to guess (RFC 5452 section 9.2). A socket is given up after a bounded number of
// queries, so that a port that leaked is soon worth nothing.
import { createSocket, type Socket } from 'node:dgram';
import type { Endpoint } from '../base/base.ts';
import type { OwnPorts } from './own-ports.ts';
import type { RandomSource } from './random-pool.ts';

/** What a channel reports. */
export interface ChannelListener<T> {
  /** A datagram came from the endpoint; nothing of it was checked. The listener owns the bytes. */
  datagram(channel: UdpChannel<T>, bytes: Uint8Array): void;
  /** The socket is unusable (ECONNREFUSED, ENETUNREACH, EMFILE, …): what waits on it is lost. Reported once. */
  fault(channel: UdpChannel<T>): void;
}

/** A socket and its waiting queries by ID. */
export class UdpChannel<T> {
  readonly waiting = new Map<number, T>();
  /** Queries sent so far. */
  sentCount = 0;
  readonly #socket: Socket;
  readonly #ownPorts: OwnPorts;
  readonly #onSent: (thrown: Error | null) => void;
  /** Queries until the socket is connected, then undefined. */
  #backlog: Uint8Array[] | undefined = [];
  #port = -1;
  #isDraining = false;
  #isClosed = false;

  constructor(endpoint: Endpoint, listener: ChannelListener<T>, ownPorts: OwnPorts) {
    this.#ownPorts = ownPorts;
    const onFault = () => {
      if (this.#isClosed) return;
      this.close();
      listener.fault(this);
    };
    // A send may take the error that an earlier datagram caused, and then the socket reports none: look at both.
    this.#onSent = (thrown) => {
      if (thrown) onFault();
    };
    this.#socket = createSocket(endpoint.family === 6 ? 'udp6' : 'udp4');
    this.#socket.on('error', onFault);
    this.#socket.on('message', (bytes) => listener.datagram(this, bytes));
    this.#socket.on('connect', () => this.#connected());
    this.#socket.bind({ port: 0, exclusive: true }, () => {
      this.#socket.connect(endpoint.port, endpoint.address);
    });
  }

  /** A random ID that no waiting query has. Ends soon: far fewer wait than there are IDs. */
  freeId(random: RandomSource): number {
    let id = random.next();
    while (this.waiting.has(id)) id = random.next();
    return id;
  }

  /** Sends the query of a waiter under an ID of freeId(). */
  send(id: number, waiter: T, query: Uint8Array): void {
    this.waiting.set(id, waiter);
    this.sentCount++;
    if (this.#backlog === undefined) this.#socket.send(query, this.#onSent);
    else this.#backlog.push(query);
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
    if (this.#port >= 0) this.#ownPorts.delete(this.#port);
    this.#socket.close();
  }

  #connected(): void {
    if (this.#isClosed) return;
    this.#port = this.#socket.address().port;
    this.#ownPorts.add(this.#port);
    const backlog = this.#backlog ?? [];
    this.#backlog = undefined;
    for (const query of backlog) this.#socket.send(query, this.#onSent);
  }
}
