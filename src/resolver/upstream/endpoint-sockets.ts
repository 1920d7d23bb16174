// The UDP sockets of one upstream: each with an ID space of its own, each for a while. Hot file.
import type { Endpoint } from '../../base/base.ts';
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
/**
 * Life of a socket, milliseconds, and what is drawn on top of it: on a quiet network 10,000 queries take hours, in which a
 * forger may find the port.
 */
const CHANNEL_LIFE_MS = 30_000;
const CHANNEL_LIFE_SPREAD_MS = 30_000;
/** The sockets of an endpoint; T is what waits on them. */
export class EndpointSockets<T> {
  readonly #endpoint: Endpoint;
  readonly #listener: ChannelListener<T>;
  readonly #ownPorts: OwnPorts;
  readonly #channels = new Array<UdpChannel<T> | undefined>(CHANNELS_MAX).fill(undefined);
  /** Of the socket that the last query took. */
  #slot = 0;

  constructor(endpoint: Endpoint, listener: ChannelListener<T>, ownPorts: OwnPorts) {
    this.#endpoint = endpoint;
    this.#listener = listener;
    this.#ownPorts = ownPorts;
  }

  /**
   * One of them, opened when it is its first use: that of the last query while BURST_MAX allows, otherwise one chosen by the
   * random number.
   */
  take(random: number, nowMs: number): UdpChannel<T> {
    const queued = this.#channels[this.#slot]?.queued ?? 0;
    if (queued === 0 || queued >= BURST_MAX) this.#slot = random % CHANNELS_MAX;
    const slot = this.#slot;
    let channel = this.#channels[slot];
    if (channel !== undefined && this.#isSpent(channel, nowMs, random)) {
      channel.drain();
      channel = undefined;
    }
    if (channel === undefined) {
      channel = new UdpChannel<T>(this.#endpoint, this.#listener, this.#ownPorts, nowMs);
      this.#channels[slot] = channel;
    }
    return channel;
  }

  /** Takes a faulty one out of use. */
  drop(channel: UdpChannel<T>): void {
    const slot = this.#channels.indexOf(channel);
    if (slot >= 0) this.#channels[slot] = undefined;
  }

  /** Closes all as soon as nothing waits on them. */
  close(): void {
    for (const channel of this.#channels) channel?.drain();
    this.#channels.fill(undefined);
  }

  /** A clock that stepped back ends a life as well. */
  #isSpent(channel: UdpChannel<T>, nowMs: number, random: number): boolean {
    const lifeMs = CHANNEL_LIFE_MS + (random / 0x1_0000) * CHANNEL_LIFE_SPREAD_MS;
    const ageMs = nowMs - channel.openedAtMs;
    return channel.sentCount >= QUERIES_PER_CHANNEL_MAX || ageMs > lifeMs || ageMs < 0;
  }
}
