// What comes of a question to an upstream, and who watches.
//
// The pipeline sees an Exchange and nothing else of this room; other ways to resolve implement the same interface.
// Callbacks instead of promises: a miss costs no microtask and no promise object.

import type { Endpoint } from '../../base/base.ts';
import type { Question, ResolveFailure } from '../../wire/dns/dns.ts';

/** The view of everybody who has no other. */
export const VIEW_DEFAULT = 0;

/** What became of a question. */
export type UpstreamOutcome =
  | {
      readonly kind: 'answer';
      /** The whole message, OPT included, owned by the receiver. ID, question and records were checked. */
      readonly message: Uint8Array;
      /** The text of the upstream that answered. */
      readonly endpoint: string;
      readonly rttMs: number;
      /** The answer came through TLS from a server that proved who it is. */
      readonly isEncrypted: boolean;
      /** The route has no other server: asking again brings the same. */
      readonly isOnly: boolean;
      /** See Resolution. */
      end?(): void;
    }
  | ResolveFailure;

/** Resolves questions. */
export interface Exchange {
  /** Calls `done` exactly once, possibly before resolve() returns. */
  resolve(question: Question, done: (outcome: UpstreamOutcome) => void): void;
}

/** How a query travels; `tls` is RFC 7858, `https` RFC 8484. */
export type UpstreamTransport = 'udp' | 'tcp' | 'tls' | 'https';

/**
 * Why one try at one endpoint brought nothing; `unsupported` is FORMERR, NOTIMP or an extended RCODE, `certificate` a
 * server that could not prove who it is, `overload` a want of room on our side.
 */
export type TryFault =
  | 'timeout'
  | 'network'
  | 'certificate'
  | 'malformed'
  | 'overload'
  | 'servfail'
  | 'refused'
  | 'unsupported';

/**
 * What made a message no answer to anything asked; `header` is a query or an opcode other than QUERY, `case` are other
 * letters than those of the query, `cookie` is a wrong cookie, or none from a server that has one.
 */
export type UnwantedReason = 'short' | 'header' | 'id' | 'question' | 'malformed' | 'case' | 'cookie';

/** Is told what happens at each endpoint, by its index in Forwarding.endpoints. Called per query: must be cheap. */
export interface UpstreamObserver {
  sent(endpointIndex: number, transport: UpstreamTransport): void;
  /** A whole answer came, whatever its RCODE (the extended bits included); a truncated one is followed by sent('tcp'). */
  answered(endpointIndex: number, rttMs: number, rcode: number): void;
  /** A try ended without a usable answer; after answered() when it was the RCODE. */
  failed(endpointIndex: number, fault: TryFault): void;
  /** A message was dropped. */
  unwanted(endpointIndex: number, reason: UnwantedReason): void;
  /** A datagram was nearly an answer: to a port in use, with a wrong ID, question, letters or cookie. */
  nearMiss(endpointIndex: number): void;
  /** A query goes over TCP instead of UDP, because somebody guesses answers; its sent() follows. */
  guarded(endpointIndex: number): void;
  /** A question is not asked, because its zone is silent while others are answered. */
  silentZone(): void;
  /** The endpoint's health changed. */
  healthy(endpointIndex: number, isHealthy: boolean): void;
  /** The endpoint was silent for so long that another one is asked as well; that one's sent() follows. */
  hedged(endpointIndex: number): void;
  /** The message that sent() tells of, in the first `length` bytes; valid during the call. */
  asked?(to: Endpoint, transport: UpstreamTransport, query: Uint8Array, length: number): void;
  /** The message that answered() tells of; valid during the call. */
  told?(by: Endpoint, transport: UpstreamTransport, response: Uint8Array, rttMs: number): void;
  /** The endpoint proved who it is; until when its certificate and those above it are valid, milliseconds since the epoch. */
  trusted?(endpointIndex: number, endMs: number): void;
  /** The endpoint did not prove who it is. */
  untrusted?(endpointIndex: number, reason: UntrustedReason): void;
}

/** For questions that nobody counts. */
export const UNOBSERVED: UpstreamObserver = {
  sent: () => {},
  answered: () => {},
  failed: () => {},
  unwanted: () => {},
  nearMiss: () => {},
  guarded: () => {},
  silentZone: () => {},
  healthy: () => {},
  hedged: () => {},
};

/**
 * Why a server is not believed to be who it should be: its authority is not trusted, its certificate has expired or is
 * not valid yet, is for other names, or is not the one that pins or hashes ask for.
 */
export type UntrustedReason = 'authority' | 'expired' | 'early' | 'name' | 'pin' | 'other';
