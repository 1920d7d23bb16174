// What metrics ask the running program for, once per scrape.
import type { EnforcementClock } from '../enforcement/enforcement.ts';
import type { EvidenceFacts } from './evidence-facts.ts';
import type { CounterTotals } from './totals.ts';

/** What metrics tell of one list. */
export interface ListFacts {
  readonly id: string;
  readonly category: string;
  readonly mandate: boolean;
  /** Of the list in force, hexadecimal. */
  readonly sha256: string;
  readonly entries: number;
  readonly rejectedEntries: number;
  /** When the list was last loaded or confirmed, milliseconds since the epoch; undefined: never. */
  readonly lastSuccessMs: number | undefined;
  /** When the entry was reviewed that was reviewed longest ago, milliseconds since the epoch; undefined: not told. */
  readonly oldestReviewMs?: number | undefined;
  /** Rules more, or fewer, than in the generation before; undefined for the first. */
  readonly entriesChange?: number | undefined;
}

/** What metrics tell of where one list comes from. */
export interface SourceFacts {
  readonly id: string;
  /** A content waits for a person. */
  readonly isHeld: boolean;
  /** By outcome; undefined for a list that is not fetched, as is the next. */
  readonly fetches?: Readonly<Record<string, number>>;
  /** Not reached for longer than its refreshes allow. */
  readonly isStale?: boolean;
  /** When its address was last asked, milliseconds since the epoch. */
  readonly lastAttemptMs?: number | undefined;
}

/** What metrics tell of one signed feed. */
export interface FeedFacts {
  readonly id: string;
  readonly isCurrent: boolean;
  /** Until when it vouches for being fresh, milliseconds since the epoch; undefined: nothing of it is trusted yet. */
  readonly expiresMs: number | undefined;
  /** Lists of which it has a newer content than is in force. */
  readonly behind: number;
}

/** What metrics tell of the servers for a zone or a group. */
export interface RouteFacts {
  /** The zone, or `group:NAME`. */
  readonly route: string;
  readonly upstreams: readonly string[];
  /** False while a worker finds none of them answering. */
  readonly isUp: boolean;
}

/** What metrics ask the running program for, once per scrape. */
export interface MetricsSource {
  readonly version: string;
  readonly totals: CounterTotals;
  readonly enforcement: EnforcementClock;
  lists(): readonly ListFacts[];
  /** Of lists that are not shipped; absent when nobody keeps any. */
  sources?(): readonly SourceFacts[];
  /** Absent when there are none. */
  feeds?(): readonly FeedFacts[];
  /** Of the policy in force; 0: none. */
  generation(): number;
  /** Of the effective configuration, hexadecimal. */
  configSha256(): string;
  reloads(): Readonly<Record<'success' | 'failure', number>>;
  /** Workers that run. */
  workers(): number;
  workerRestarts(): number;
  /** Workers that gave no sign of life and were ended. */
  workerHangs(): number;
  routes?(): readonly RouteFacts[];
  /** Encrypted upstreams that were connected to, and why one did not prove who it is; undefined: it did. */
  untrusted?(): ReadonlyMap<string, string | undefined>;
  /** When the trust anchors were last confirmed by the zone's own keys, milliseconds since the epoch. */
  anchorsConfirmedMs?(): number | undefined;
  /** The certificate of the encrypted listeners; undefined: there is none. */
  tls?(): { readonly startMs: number; readonly endMs: number; readonly isRefused: boolean } | undefined;
  /** How certificates are obtained by ACME; undefined: none is. `failures` one after the other, the others since the start. */
  acme?(): { readonly failures: number; readonly issued: number; readonly failed: number } | undefined;
  /** When the certificate of the control room ends, milliseconds since the epoch; undefined: it has none. */
  roomCertificateEndMs?(): number | undefined;
  /** Encrypted connections of clients that all workers may have. */
  tlsConnectionsLimit?(): number;
  /** TCP connections of clients that all workers may have. */
  tcpConnectionsLimit?(): number;
  /** Bytes that the caches of all workers may take. */
  cacheLimitBytes?(): number;
  /** Whether UDP sockets move datagrams in batches. */
  isUdpBatched(): boolean;
  /** Whether DNS over QUIC is served; undefined: nothing should listen for it. */
  hasQuic?(): boolean | undefined;
  /** Cryptography comes from a FIPS module; false when absent. */
  isFips?(): boolean;
  /** What is done about DNSSEC: `validate`, `trust-ad` or `off`. */
  dnssecMode?(): string;
  /** What is wrong now. */
  health?(): readonly { readonly id: string; readonly subject: string }[];
  /** What is known of papers, probes and records. */
  evidence?(): EvidenceFacts;
}
