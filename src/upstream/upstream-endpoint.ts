// One configured upstream: its sockets and its health. Hot file.
//
// Health counts faults that follow each other without an answer between them. An unhealthy endpoint is not given
// up: it is tried after the healthy ones, and from time to time a copy of a real question goes to it, whose answer
// only serves to notice that it is back. No client ever waits for such a probe.
import { type Clock, type Endpoint, formatEndpoint } from '../base/base.ts';
import type { UpstreamObserver } from './exchange.ts';
import type { OwnPorts } from './own-ports.ts';
import { type ChannelListener, UdpChannel } from './udp-channel.ts';

/** Sockets of an endpoint, a power of two: a spoofer has to guess the port too, and each one costs a descriptor. */
const CHANNELS_MAX = 8;
/**
 * Queries of one turn that share a socket, because they leave with one system call and their answers come with one:
 * a fifth more misses per CPU second than with a socket drawn for each, and no fewer than with 64. A spoofer gains
 * nothing: he does not see which of the eight was drawn, so that a guess of port and ID meets a given query as seldom
 * as before (RFC 5452 section 9.2).
 */
const BURST_MAX = 16;
/** Queries of a socket before its port is given up; also keeps at least 84 % of the IDs free. */
const QUERIES_PER_CHANNEL_MAX = 10_000;
/** Time-outs or network faults in a row that make an endpoint unhealthy: a lost datagram or two are no sign. */
const FAULTS_MAX = 3;
/** Between two probes of an unhealthy endpoint. */
const PROBE_INTERVAL_MS = 2_000;

/** What an endpoint reports; it has already taken a faulty channel out of use. */
export interface EndpointListener<T> {
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
}

/** An upstream; T is what waits on its sockets. */
export class UpstreamEndpoint<T> implements ChannelListener<T> {
  readonly endpoint: Endpoint;
  /** `ADDRESS:PORT`. */
  readonly text: string;
  /** Place in Forwarding.endpoints. */
  readonly index: number;
  isHealthy = true;
  readonly #context: EndpointContext<T>;
  readonly #channels = new Array<UdpChannel<T> | undefined>(CHANNELS_MAX).fill(undefined);
  /** Of the socket that the last query took. */
  #slot = 0;
  #faultCount = 0;
  #probedAtMs = 0;

  constructor(endpoint: Endpoint, index: number, context: EndpointContext<T>) {
    this.endpoint = endpoint;
    this.text = formatEndpoint(endpoint);
    this.index = index;
    this.#context = context;
  }

  /**
   * One of the sockets, opened when it is its first use: that of the last query while BURST_MAX allows, otherwise one
   * chosen by the random number.
   */
  channel(random: number): UdpChannel<T> {
    const queued = this.#channels[this.#slot]?.queued ?? 0;
    if (queued === 0 || queued >= BURST_MAX) this.#slot = random % CHANNELS_MAX;
    const slot = this.#slot;
    let channel = this.#channels[slot];
    if (channel !== undefined && channel.sentCount >= QUERIES_PER_CHANNEL_MAX) {
      channel.drain();
      channel = undefined;
    }
    if (channel === undefined) {
      channel = new UdpChannel<T>(this.endpoint, this, this.#context.ownPorts);
      this.#channels[slot] = channel;
    }
    return channel;
  }

  datagram(channel: UdpChannel<T>, bytes: Uint8Array, length: number): void {
    this.#context.listener.datagram(this, channel, bytes, length);
  }

  fault(channel: UdpChannel<T>): void {
    const slot = this.#channels.indexOf(channel);
    if (slot >= 0) this.#channels[slot] = undefined;
    this.#context.listener.channelFault(channel);
  }

  /** A valid answer came: the endpoint is well. */
  noteAnswer(): void {
    this.#faultCount = 0;
    if (this.isHealthy) return;
    this.isHealthy = true;
    this.#context.observer.healthy(this.index, true);
  }

  /** A time-out or a network fault. */
  noteFault(): void {
    this.#faultCount++;
    if (!this.isHealthy || this.#faultCount < FAULTS_MAX) return;
    this.isHealthy = false;
    this.#probedAtMs = this.#context.clock();
    this.#context.observer.healthy(this.index, false);
  }

  /** True when it is time for a probe; the caller then sends it. A clock that stepped back makes it time, too. */
  takeProbe(): boolean {
    if (this.isHealthy) return false;
    const now = this.#context.clock();
    const elapsed = now - this.#probedAtMs;
    if (elapsed >= 0 && elapsed < PROBE_INTERVAL_MS) return false;
    this.#probedAtMs = now;
    return true;
  }

  /** Closes all sockets as soon as nothing waits on them. */
  close(): void {
    for (const channel of this.#channels) channel?.drain();
    this.#channels.fill(undefined);
  }
}
