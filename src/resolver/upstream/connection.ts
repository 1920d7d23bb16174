// Queries to one upstream over connections that are kept, whatever they are made of. Hot file.
//
// A stream (TCP, TLS) and an HTTP/2 session are links; what they have in common is here: which link takes the next
// query, how many there are, and what becomes of queries whose link is lost. Time is the owner's matter: a query waits
// until its answer or fault, or until it is released. What is handed over is framed and has the ID of the query;
// nothing else of it was checked.
//
// A server may close an idle connection at the moment of our next query (RFC 7766 section 6.2.4). So what waits on a
// link that has brought answers before is sent once more on a new one; what waits on a link that never brought any is a
// fault at once. A link that is silent although something is due takes no more queries, because packets to a peer
// that is gone, or behind a firewall that forgot the connection, vanish without a word.
import { type Clock, systemClock } from '../../base/base.ts';
import type { UntrustedReason } from './exchange.ts';
import { RandomPool, type RandomSource } from './random-pool.ts';

/** Queries that wait on one link. */
export const LINK_QUERIES_MAX = 1_000;
/**
 * Links of a connection at a time unless options say otherwise: each is a descriptor here and at the upstream, and a message of
 * 64 KB at most. One more is opened only when those before are full.
 */
const LINKS_MAX = 4;
/** Unless options say otherwise, milliseconds: as long as public resolvers keep idle clients. */
const IDLE_MS = 10_000;
/** From the first packet to a link that takes queries, milliseconds: two lost SYNs are sent again within it. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Without a byte although an answer is due, milliseconds: above what a resolver needs for nearly every name. */
const SILENT_MS_MAX = 2_000;

/**
 * Why a connection brought no answer; `certificate` is a name, chain or pin that does not fit. `overload`: there is no room, or
 * the query was evicted, which says nothing about the upstream.
 */
export type ConnectionFault = 'network' | 'certificate' | 'malformed' | 'overload';

/** What a connection reports, never before send() returned. For each query exactly one of the two, unless released. */
export interface ConnectionListener<T> {
  /** A whole message whose ID is the query's; QR, question and records are not checked. The listener owns the bytes. */
  message(waiting: T, bytes: Uint8Array): void;
  fault(waiting: T, fault: ConnectionFault): void;
}

/** Queries to one upstream over connections that are kept. T is what waits. */
export interface Connection<T> {
  /**
   * Sends a query of which the connection becomes the owner: it puts the ID into the first two bytes and may read the
   * others until the query is answered, faulty or released. `waiting` waits for nothing else here.
   */
  send(waiting: T, query: Uint8Array): void;
  /** Nobody waits for this answer any more; what comes of it is dropped. */
  release(waiting: T): void;
  /** Queries that wait. */
  readonly waiting: number;
  /** Ends everything without a report. */
  close(): void;
}

/** How an upstream proves who it is (RFC 8310 section 8). The strict profile is the only one: no proof, no query. */
export interface TlsSettings {
  /** A name, or an address as text; the certificate has to be for it. Only a name is sent (SNI, RFC 6066 section 3). */
  readonly serverName: string;
  /** SHA-256 of SubjectPublicKeyInfo in Base64 (RFC 7858 section 4.2). When there are any, the leaf has to match one. */
  readonly pins: readonly string[];
  /**
   * SHA-256 of the TBSCertificate in lower-case hex, as DNS stamps have them. When there are any, the leaf or one of
   * the certificates that it was signed with, directly or through others, has to match one.
   */
  readonly certificateHashes?: readonly string[];
  /** PEM; without it, the certificates that Node.js trusts. */
  readonly caCertificates?: readonly string[];
  /** The pins alone are the proof (RFC 7858 section 4.2): neither chain, nor name, nor time is verified. */
  readonly isPinOnly?: boolean;
}

/** What a connection can be given. */
export interface ConnectionOptions {
  /** A link on which nobody waits is closed after this time; 10 s unless given. */
  readonly idleMs?: number;
  /** A link that is not open by then is lost; 5 s unless given. */
  readonly connectTimeoutMs?: number;
  /** Links at a time; 4 unless given. */
  readonly linksMax?: number;
  readonly clock?: Clock;
  /** Where IDs come from; connections that share a pool need its memory once. */
  readonly random?: RandomSource;
  /** Is told of the proof of each handshake. */
  readonly proof?: ProofListener;
}

/** Is told whether a server proved who it is. */
export interface ProofListener {
  /** `endMs`: until when its certificate and those above it are valid, milliseconds since the epoch. */
  trusted(endMs: number): void;
  untrusted(reason: UntrustedReason): void;
}

const NOBODY: ProofListener = { trusted: () => {}, untrusted: () => {} };

/** Options with nothing left open. */
export type LinkOptions = Required<ConnectionOptions>;

/** A query that waits. */
export interface Waiter<T> {
  readonly waiting: T;
  readonly query: Uint8Array;
  /** What it was sent on last. */
  link: Link<T> | undefined;
  /** When that was, where the link keeps it. */
  sentAtMs: number;
  /** False after its answer, fault or release. */
  isWaiting: boolean;
  isResent: boolean;
}

/** One socket or session. */
export interface Link<T> {
  /** True when it can take one more query. One that is never going to says so by isRetired. */
  accepts(nowMs: number): boolean;
  /** It takes no more queries; those that wait go on waiting. */
  readonly isRetired: boolean;
  /** It is retired although the upstream answers on it. */
  readonly isUsedUp: boolean;
  /** Sends a query after accepts() was true; reports nothing before it returned. */
  send(waiter: Waiter<T>): void;
  /** The waiter was released, or evicted. */
  forget(waiter: Waiter<T>): void;
  /** Ends it and all that waits on it, without a report. */
  close(): void;
  /** What waits on it or waited when it was closed, in any order. */
  waiters(): Iterable<Waiter<T>>;
}

/** What links report to. */
export interface LinkOwner<T> {
  /** The answer of a waiter, owned by the receiver; nothing happens when it does not wait any more. */
  answered(waiter: Waiter<T>, bytes: Uint8Array): void;
  /** The waiter alone has a fault. */
  failed(waiter: Waiter<T>, fault: ConnectionFault): void;
  /** Gives the place of a waiter to others; its link forgets it. */
  evictWaiter(waiter: Waiter<T>): void;
  /** The upstream refused the query without a look at it: it is sent again, once. */
  refused(waiter: Waiter<T>): void;
  /** The link, which has closed itself, is lost. It reports nothing more. */
  lost(link: Link<T>, fault: ConnectionFault, hasAnswered: boolean): void;
  /** The link has closed itself because nobody waited. */
  ended(link: Link<T>): void;
}

/** A connection over a few links of one kind. */
export class LinkedConnection<T> implements Connection<T>, LinkOwner<T> {
  readonly #listener: ConnectionListener<T>;
  readonly #clock: Clock;
  readonly #linksMax: number;
  readonly #createLink: (owner: LinkOwner<T>) => Link<T>;
  /** In the order in which they came; those that were evicted, whose fault is due, are the last. */
  readonly #waiters = new Map<T, Waiter<T>>();
  readonly #links: Link<T>[] = [];
  #isClosed = false;

  constructor(
    listener: ConnectionListener<T>,
    { clock, linksMax }: LinkOptions,
    createLink: (owner: LinkOwner<T>) => Link<T>,
  ) {
    this.#listener = listener;
    this.#clock = clock;
    this.#linksMax = linksMax;
    this.#createLink = createLink;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  send(waiting: T, query: Uint8Array): void {
    const waiter: Waiter<T> = {
      waiting,
      query,
      link: undefined,
      sentAtMs: 0,
      isWaiting: true,
      isResent: false,
    };
    const link = this.#isClosed ? undefined : (this.#usable() ?? this.#open() ?? this.#makeRoom());
    this.#waiters.set(waiting, waiter);
    if (link === undefined) this.#failLater(waiter, this.#isClosed ? 'network' : 'overload');
    else post(link, waiter);
  }

  release(waiting: T): void {
    const waiter = this.#waiters.get(waiting);
    if (waiter === undefined) return;
    this.#settle(waiter);
    waiter.link?.forget(waiter);
  }

  close(): void {
    this.#isClosed = true;
    for (const waiter of this.#waiters.values()) waiter.isWaiting = false;
    this.#waiters.clear();
    for (const link of this.#links) link.close();
    this.#links.length = 0;
  }

  answered(waiter: Waiter<T>, bytes: Uint8Array): void {
    if (!waiter.isWaiting) return;
    this.#settle(waiter);
    this.#listener.message(waiter.waiting, bytes);
  }

  failed(waiter: Waiter<T>, fault: ConnectionFault): void {
    if (!waiter.isWaiting) return;
    this.#settle(waiter);
    this.#listener.fault(waiter.waiting, fault);
  }

  refused(waiter: Waiter<T>): void {
    if (!waiter.isWaiting) return;
    const link = waiter.isResent ? undefined : (this.#usable() ?? this.#open());
    if (link === undefined) {
      this.failed(waiter, waiter.isResent ? 'network' : 'overload');
    } else {
      waiter.isResent = true;
      post(link, waiter);
    }
  }

  lost(link: Link<T>, fault: ConnectionFault, hasAnswered: boolean): void {
    this.ended(link);
    // All of them first, so that a query which the listener sends meanwhile takes none of the room.
    if (hasAnswered && fault === 'network') this.#resend(link.waiters());
    for (const waiter of link.waiters()) if (waiter.link === link) this.failed(waiter, fault);
  }

  ended(link: Link<T>): void {
    const place = this.#links.indexOf(link);
    if (place >= 0) this.#links.splice(place, 1);
  }

  #resend(waiters: Iterable<Waiter<T>>): void {
    let link: Link<T> | undefined;
    for (const waiter of waiters) {
      if (!waiter.isWaiting || waiter.isResent) continue;
      link ??= this.#open();
      if (link === undefined || !link.accepts(this.#clock())) return;
      waiter.isResent = true;
      post(link, waiter);
    }
  }

  #usable(): Link<T> | undefined {
    const nowMs = this.#clock();
    for (const link of this.#links) if (link.accepts(nowMs)) return link;
    return undefined;
  }

  /** A new link; undefined when there are too many and all of them are in use. */
  #open(): Link<T> | undefined {
    if (this.#links.length >= this.#linksMax && !this.#evict()) return undefined;
    const link = this.#createLink(this);
    this.#links.push(link);
    return link;
  }

  /** Gives up the oldest link that takes no more queries, with whatever still waits on it. */
  #evict(): boolean {
    for (const link of this.#links) {
      if (!link.isRetired) continue;
      link.close();
      this.ended(link);
      const fault = link.isUsedUp ? 'overload' : 'network';
      for (const waiter of link.waiters()) if (waiter.link === link) this.#failLater(waiter, fault);
      return true;
    }
    return false;
  }

  /**
   * Evicts the query that waits longest: who fills an upstream with names that nobody answers has the
   * oldest, and whoever is answered has none for long. Undefined where that brings no room.
   */
  #makeRoom(): Link<T> | undefined {
    for (const oldest of this.#waiters.values()) {
      if (oldest.link === undefined) return undefined;
      this.evictWaiter(oldest);
      return this.#usable() ?? this.#open();
    }
    return undefined;
  }

  evictWaiter(waiter: Waiter<T>): void {
    waiter.link?.forget(waiter);
    waiter.link = undefined;
    this.#waiters.delete(waiter.waiting);
    this.#waiters.set(waiter.waiting, waiter);
    this.#failLater(waiter, 'overload');
  }

  /** Reports a fault after the current callback, because send() may not have returned yet. */
  #failLater(waiter: Waiter<T>, fault: ConnectionFault): void {
    process.nextTick(() => this.failed(waiter, fault));
  }

  #settle(waiter: Waiter<T>): void {
    waiter.isWaiting = false;
    this.#waiters.delete(waiter.waiting);
  }
}

const post = <T>(link: Link<T>, waiter: Waiter<T>): void => {
  waiter.link = link;
  link.send(waiter);
};

/** When a link was last used and last heard from. */
export class LinkTimes {
  readonly #options: LinkOptions;
  #usedAtMs: number;
  /** Since when an answer is due without a byte. */
  #silentSinceMs: number;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#usedAtMs = options.clock();
    this.#silentSinceMs = this.#usedAtMs;
  }

  /** A query is going to be sent; `isFirst` when no other answer is due. */
  noteQuery(isFirst: boolean): void {
    this.#usedAtMs = this.#options.clock();
    if (isFirst) this.#silentSinceMs = this.#usedAtMs;
  }

  /** Something came. */
  noteBytes(): void {
    this.#usedAtMs = this.#options.clock();
    this.#silentSinceMs = this.#usedAtMs;
  }

  /** True when the link is silent for too long; an answer is due. */
  isSilent(nowMs: number): boolean {
    return nowMs - this.#silentSinceMs > SILENT_MS_MAX;
  }

  /** Milliseconds until the link is idle for too long; 0 when it is. A clock that stepped back begins anew. */
  idleLeftMs(): number {
    const { clock, idleMs } = this.#options;
    const elapsedMs = clock() - this.#usedAtMs;
    return elapsedMs < 0 ? idleMs : Math.max(0, idleMs - elapsedMs);
  }
}

/** Options with their defaults. Once per connection. */
export const completeOptions = (options: ConnectionOptions): LinkOptions => ({
  idleMs: options.idleMs ?? IDLE_MS,
  connectTimeoutMs: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
  linksMax: options.linksMax ?? LINKS_MAX,
  clock: options.clock ?? systemClock,
  random: options.random ?? new RandomPool(),
  proof: options.proof ?? NOBODY,
});
