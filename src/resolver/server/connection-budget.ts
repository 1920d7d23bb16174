// Limits of client connections of a worker, over all its listeners, and of the memory that unread answers take.
//
// One client has many addresses: a /64 of IPv6 at least, a /24 of IPv4 where a network attacks. So connections are limited
// by address, by network and by site; at its limit, a new connection closes the longest idle one of the same source. At the
// limit of the worker, a new connection closes one of the network with the most, so that a client with few keeps them. A
// connection with a query in flight is closed only for a network with fewer. Connections are scarce only under attack; idle
// ones then live shorter, too.
import { type AddressWords, type Clock, isIpv4, systemClock } from '../../base/base.ts';
import { TCP_CLOSED, TCP_REFUSAL } from '../../base/words/words.ts';
import { MESSAGE_LENGTH_MAX } from '../../wire/dns/dns.ts';
import { LoopTurns } from './loop-turns.ts';
import { PenaltyList } from './penalty-list.ts';

export { TCP_CLOSED, TCP_REFUSAL } from '../../base/words/words.ts';

/** Told about connections. */
export interface StreamObserver {
  setTcpConnections(count: number): void;
  /** Of all connections, in the memory of this process. */
  setTcpUnread(bytes: number): void;
  tcpRefused(reason: number): void;
  tcpClosed(reason: number): void;
}

/** Bounds of all TCP listeners of a worker together, or of all encrypted ones. */
export interface StreamLimits {
  readonly connectionsMax: number;
  readonly connectionsPerClientMax: number;
  /** Of a /24 of IPv4 or a /64 of IPv6; a /56 has twice as many. */
  readonly connectionsPerNetworkMax: number;
  readonly idleMs: number;
  /** Sockets that accept, for each listener; undefined: as many as is good where descriptors suffice. */
  readonly acceptors?: number | undefined;
}

/**
 * Bytes of answers that one client has not taken: 16 of the longest. Reading from it stops at a quarter, so that only
 * answers that were on their way can come to more. The kernel holds some beside.
 */
const UNREAD_BYTES_MAX = 16 * MESSAGE_LENGTH_MAX;
/** The same over QUIC: what OpenSSL lets a client ask at once, a hundred, may all be on its way. */
export const QUIC_UNREAD_BYTES_MAX = 100 * MESSAGE_LENGTH_MAX;
/** Bytes of answers that all clients of a worker have not taken: what the largest answers of 256 clients come to. */
const UNREAD_BYTES_TOTAL_MAX = 16 * 1024 * 1024;
/** An idle connection is closed for a network with as many only after this, milliseconds: else none could be used. */
const GIVES_WAY_MS = 1000;
/** The shortest that an idle connection lives, milliseconds: a client needs a round trip to ask. */
const IDLE_MS_MIN = 1000;
/** Connections that are examined for one to close; the next search goes on behind them. */
const LOOK_MAX = 1024;

/** A connection as the budget sees it. */
export interface Tenant {
  readonly words: AddressWords;
  /** When a query was last complete or output was last taken. */
  readonly aliveMs: number;
  /** False while an answer is waited for or not taken. */
  readonly isIdle: boolean;
  /** Bytes of answers that its client has not taken. */
  readonly unreadBytes: number;
  /** Closes it; the reason is one of TCP_CLOSED. */
  end(reason: number): void;
}

/** A tenant with the groups of connections that it belongs to. */
interface Place {
  readonly tenant: Tenant;
  readonly keys: readonly (string | undefined)[];
  readonly ofClient: Set<Place>;
  readonly ofNetwork: Set<Place>;
  /** Of IPv6 only. */
  readonly ofSite: Set<Place> | undefined;
}

/** The connections of a worker. */
export class ConnectionBudget {
  readonly limits: StreamLimits;
  /** Of the loop, for what comes over connections. */
  readonly turns = new LoopTurns();
  readonly #observer: StreamObserver;
  readonly #clock: Clock;
  readonly #penalties = new PenaltyList();
  readonly #places = new Map<Tenant, Place>();
  readonly #groups = new Map<string, Set<Place>>();
  #look: Iterator<Place> = [][Symbol.iterator]();
  /** At least as much as is unread: what clients took since is found out when it matters. */
  #unreadBytes = 0;
  /** Why the last connection was refused, of TCP_REFUSAL. */
  refusal = 0;

  constructor(limits: StreamLimits, observer: StreamObserver, clock: Clock = systemClock) {
    this.limits = limits;
    this.#observer = observer;
    this.#clock = clock;
  }

  /** Admits a connection; false when a limit is reached and none can be closed for it. */
  take(tenant: Tenant, nowMs: number): boolean {
    if (this.#penalties.mustWait(tenant.words, nowMs)) return this.#refuse(TCP_REFUSAL.OFFENDER);
    const keys = groupsOf(tenant.words);
    const [client, network, site] = keys;
    const { connectionsMax, connectionsPerClientMax, connectionsPerNetworkMax } = this.limits;
    const siteMax = Math.min(2 * connectionsPerNetworkMax, connectionsMax);
    if (!this.#isRoomIn(client, connectionsPerClientMax, nowMs)) return this.#refuse(TCP_REFUSAL.PER_CLIENT);
    if (!this.#isRoomIn(network, connectionsPerNetworkMax, nowMs)) return this.#refuse(TCP_REFUSAL.NETWORK);
    if (site !== undefined && !this.#isRoomIn(site, siteMax, nowMs)) return this.#refuse(TCP_REFUSAL.NETWORK);
    const held = this.#groups.get(network)?.size ?? 0;
    if (this.#places.size >= connectionsMax && !this.#makeRoom(held, nowMs)) {
      return this.#refuse(TCP_REFUSAL.CONNECTIONS);
    }
    const place = {
      tenant,
      keys,
      ofClient: this.#groupOf(client),
      ofNetwork: this.#groupOf(network),
      ofSite: site === undefined ? undefined : this.#groupOf(site),
    };
    place.ofClient.add(place);
    place.ofNetwork.add(place);
    place.ofSite?.add(place);
    this.#places.set(tenant, place);
    this.#observer.setTcpConnections(this.#places.size);
    return true;
  }

  /** Gives the place back. */
  release(tenant: Tenant): void {
    const place = this.#places.get(tenant);
    if (place === undefined) return;
    this.#places.delete(tenant);
    for (const group of place.keys) {
      if (group === undefined) continue;
      const places = this.#groups.get(group);
      places?.delete(place);
      if (places?.size === 0) this.#groups.delete(group);
    }
    this.#observer.setTcpConnections(this.#places.size);
    if (this.#places.size === 0) this.#setUnread(0);
  }

  /** How long a connection may be idle, milliseconds: all of it up to half of the places, then ever less. */
  get idleMs(): number {
    const free = 1 - this.#places.size / this.limits.connectionsMax;
    return Math.max(Math.min(IDLE_MS_MIN, this.limits.idleMs), this.limits.idleMs * Math.min(1, 2 * free));
  }

  /** Answers of so many bytes were written, of which the client may take its time to take them. May end connections. */
  noteWritten(tenant: Tenant, bytes: number, unreadBytesMax = UNREAD_BYTES_MAX): void {
    if (tenant.unreadBytes > unreadBytesMax) this.punish(tenant, TCP_CLOSED.UNREAD);
    this.#setUnread(this.#unreadBytes + bytes);
    while (this.#unreadBytes > UNREAD_BYTES_TOTAL_MAX) {
      const most = this.measureUnread();
      if (most === undefined || this.#unreadBytes <= UNREAD_BYTES_TOTAL_MAX) return;
      this.punish(most, TCP_CLOSED.UNREAD);
    }
  }

  /** Adds up what clients have not taken; returns the one that has most. A walk over all connections. */
  measureUnread(): Tenant | undefined {
    let sum = 0;
    let most: Tenant | undefined;
    for (const tenant of this.#places.keys()) {
      sum += tenant.unreadBytes;
      if (tenant.unreadBytes > (most?.unreadBytes ?? 0)) most = tenant;
    }
    this.#setUnread(sum);
    return most;
  }

  /** Ends a connection and counts it. */
  end(tenant: Tenant, reason: number): void {
    this.release(tenant);
    this.#observer.tcpClosed(reason);
    tenant.end(reason);
  }

  /** The same for what its client did, who waits then before it may connect again. */
  punish(tenant: Tenant, reason: number): void {
    this.#penalties.note(tenant.words, this.#clock());
    this.end(tenant, reason);
  }

  /** Counts a connection that was closed at once. */
  refuse(reason: number): void {
    this.#observer.tcpRefused(reason);
  }

  #refuse(reason: number): false {
    this.refusal = reason;
    this.refuse(reason);
    return false;
  }

  #groupOf(key: string): Set<Place> {
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = new Set();
      this.#groups.set(key, group);
    }
    return group;
  }

  /** True when a group has a place left, or when the one of it that was idle for longest gave way. */
  #isRoomIn(key: string, placesMax: number, nowMs: number): boolean {
    const group = this.#groups.get(key);
    if (group === undefined || group.size < placesMax) return true;
    let found: Place | undefined;
    let looked = 0;
    for (const place of group) {
      if (looked++ === LOOK_MAX) break;
      if (place.tenant.isIdle && (found === undefined || isGreedier(place, found))) found = place;
    }
    if (found === undefined || nowMs - found.tenant.aliveMs < GIVES_WAY_MS) return false;
    this.end(found.tenant, TCP_CLOSED.GAVE_WAY);
    return true;
  }

  /** Frees a place for a network that holds so many. */
  #makeRoom(held: number, nowMs: number): boolean {
    let idle: Place | undefined;
    let busy: Place | undefined;
    for (let looked = 0; looked < Math.min(LOOK_MAX, this.#places.size); looked++) {
      const place = this.#nextPlace();
      if (place === undefined) break;
      if (place.tenant.isIdle) {
        if (idle === undefined || isGreedier(place, idle)) idle = place;
      } else if (busy === undefined || isGreedier(place, busy)) busy = place;
    }
    const mayGo =
      idle !== undefined &&
      (idle.ofNetwork.size > held + 1 ||
        (idle.ofNetwork.size >= held && nowMs - idle.tenant.aliveMs >= GIVES_WAY_MS));
    const found = mayGo ? idle : busy !== undefined && busy.ofNetwork.size > held + 1 ? busy : undefined;
    if (found === undefined) return false;
    this.end(found.tenant, TCP_CLOSED.GAVE_WAY);
    return true;
  }

  /** The next place in turn, for ever. */
  #nextPlace(): Place | undefined {
    const next = this.#look.next();
    if (next.done !== true) return next.value;
    this.#look = this.#places.values();
    const first = this.#look.next();
    return first.done === true ? undefined : first.value;
  }

  #setUnread(bytes: number): void {
    this.#unreadBytes = bytes;
    this.#observer.setTcpUnread(bytes);
  }
}

/** True when a place is to be given up before another: its network holds more, or its client, or it was idle longer. */
const isGreedier = (a: Place, b: Place): boolean => {
  if (a.ofNetwork.size !== b.ofNetwork.size) return a.ofNetwork.size > b.ofNetwork.size;
  if (a.ofClient.size !== b.ofClient.size) return a.ofClient.size > b.ofClient.size;
  return a.tenant.aliveMs < b.tenant.aliveMs;
};

/** Key of the network of an address, a /24 of IPv4 or a /64 of IPv6. */
export const networkOf = (words: AddressWords): string => groupsOf(words)[1];

/** Keys of the address, of its /24 or /64, and of the /56 of an IPv6 address. */
const groupsOf = (words: AddressWords): [client: string, network: string, site: string | undefined] => {
  const [a = 0, b = 0, c = 0, d = 0] = words;
  if (isIpv4(words)) return [`${d}`, `${d >>> 8}/24`, undefined];
  return [`${a}:${b}:${c}:${d}`, `${a}:${b}/64`, `${a}:${b >>> 8}/56`];
};
