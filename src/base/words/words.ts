// words: closed sets that several rooms speak in, as numbers and as words, each declared once.
//
// Invariants: a set of numbers counts from 0 without a gap (MATCH: by bits), and only grows at its end, because its words are
// labels of metrics; a set that other numbers are folded into ends in OTHER, which nobody tells. Imports nothing.

export { FLEET_NEEDS, type FleetNeedKind } from './fleet-needs.ts';
export {
  type FoundIssue,
  HEALTH_ISSUE_IDS,
  HEALTH_ISSUES,
  type HealthIssue,
  type HealthIssueId,
  ISSUE_SUBJECTS_MAX,
} from './health-issues.ts';
export { REASONS, type ReasonId, reasonText } from './reasons.ts';
export { ROLES, type Role } from './roles.ts';

/** How a query came in, or how one was sent to an upstream. */
export const TRANSPORT = { UDP: 0, TCP: 1, DOT: 2, DOH: 3, DOQ: 4 } as const;

/** What made the answer. */
export const SOURCE = {
  CACHE: 0,
  UPSTREAM: 1,
  POLICY: 2,
  LOCAL: 3,
  /** The client may not ask. */
  ACCESS: 4,
  /** The query itself was at fault: FORMERR, NOTIMP, BADVERS. */
  PROTOCOL: 5,
  /** The mandate lists are not loaded yet. */
  NOT_READY: 6,
  /** Refused to protect the service from load. */
  SHED: 7,
  /** A stale answer of the cache: no fresh one was to be had in time. */
  STALE: 8,
} as const;

/** Why a datagram or a query got no answer. */
export const DROP = {
  /** A response, not a query. */
  QR_SET: 0,
  /** Shorter than a header. */
  SHORT: 1,
  SOURCE_PORT_ZERO: 2,
  /** A query that this resolver sent itself. */
  LOOP: 3,
  OVERLOAD: 4,
  SEND_FAILED: 5,
  /** A rule of a list says so. */
  POLICY: 6,
  /** A message to the port of the self-probe that did not come from it. */
  PROBE: 7,
  /** An address over its rate limit. */
  RATE_LIMIT: 8,
  /** From the port of a service that answers whatever reaches it: forged. */
  REFLECTOR: 9,
  /** From a proxy without a header that says for whom, or with one from somebody who is none. */
  PROXY: 10,
  /** From an address that no datagram comes from: forged. */
  SOURCE_ADDRESS: 11,
  OTHER: 12,
} as const;

/** Kinds of events; the order is that of the words of records. */
export const EVENT = {
  REFUSAL: 0,
  /** A list that is only watched would have refused. */
  WOULD_REFUSE: 1,
  /** An exemption let pass what a list would have refused. */
  EXEMPTION_HIT: 2,
  /** A sign that a client does not ask here, or does not have to. */
  BYPASS: 3,
} as const;

/** Signs of a way around the resolver. Of the first three, lists of these categories tell: refusals are counted there. */
export const SIGNAL = {
  CANARY: 0,
  PRIVATE_RELAY: 1,
  FOREIGN_DOH: 2,
  /** A client looks for encrypted ways to a resolver (RFC 9462). */
  DDR: 3,
  /** A query from an address outside of what is allowed. */
  UNLISTED_NETWORK: 4,
} as const;

/** Of an event that is no sign. */
export const NO_SIGNAL = -1;

/** What became of a query over the rate limit. */
export const LIMITED = {
  /** Answered with TC: a real client comes back over TCP. */
  TRUNCATED: 0,
  DROPPED: 1,
  /** Answered as if there were no limit. */
  DRY_RUN: 2,
} as const;

/** What a forwarder says of the client for whom it sends a query. */
export const REPORTED = {
  /** Who it is: its address, its device or both. */
  NAMED: 0,
  /** Nobody: the forwarder asks for itself, or the client wants to stay unnamed (RFC 7871 section 7.1.2). */
  NOBODY: 1,
  /** A network: less than a whole address. */
  NETWORK: 2,
  /** Something malformed, or two things that disagree. */
  MALFORMED: 3,
  /** Somebody for whom it does not speak. */
  OUTSIDE: 4,
  /** Beside one of the others: an option that it is not said to send, which was not read. */
  IGNORED: 5,
} as const;

/** Why a TCP connection was closed at once. */
export const TCP_REFUSAL = {
  /** All connections are taken. */
  CONNECTIONS: 0,
  /** The client has as many as one client may have. */
  PER_CLIENT: 1,
  /** The client may not ask. */
  ACCESS: 2,
  /** The client's network has as many as one network may have. */
  NETWORK: 3,
  /** A proxy that does not say for whom, or somebody who is none and says so. */
  PROXY: 4,
  /** A connection of the client was ended just before for what it did. */
  OFFENDER: 5,
  OTHER: 6,
} as const;

/** Why a TCP connection was closed that its client had left open. */
export const TCP_CLOSED = {
  IDLE: 0,
  /** To a new one, while places were scarce. */
  GAVE_WAY: 1,
  /** Its client did not take its answers. */
  UNREAD: 2,
  /** It began a query that is longer than a query may be. */
  TOO_LONG: 3,
  /** Much came over it that asks for nothing. */
  FLOOD: 4,
  OTHER: 5,
} as const;

/** What became of a client that connected for TLS. */
export const HANDSHAKE = {
  FULL: 0,
  /** A session of before was resumed. */
  RESUMED: 1,
  /** It began, and came to nothing. */
  FAILED: 2,
  /** The client makes too many. */
  LIMITED: 3,
  /** What came first was no ClientHello. */
  NO_HELLO: 4,
  /** No whole ClientHello came in time. */
  TOO_LATE: 5,
  /** An authority looked whether a name leads here (RFC 8737). */
  CHALLENGE: 6,
  OTHER: 7,
} as const;

/** What a question in flight gave way to. */
export const GAVE_WAY = { CLIENT: 0, ZONE: 1, AGE: 2 } as const;

/** How a trigger matches. Bits. */
export const MATCH = {
  /** The name and everything below it. */
  SUFFIX: 1,
  /** The name only. */
  EXACT: 2,
  /** Everything below the name, not the name itself (`*.example.com`). */
  WILDCARD: 4,
  /** An address inside a prefix. */
  PREFIX: 8,
  /** A regular expression. */
  PATTERN: 16,
} as const;

/** The formats that lists come in; docs/lists-formats.md tells how each is read. */
export const LIST_FORMATS = [
  'adblock',
  'cordon',
  'dnsmasq',
  'domains',
  'hosts',
  'regex',
  'rpz',
  'stamps',
  'unbound',
  'wildcard',
] as const;

/** One of LIST_FORMATS. */
export type ListFormat = (typeof LIST_FORMATS)[number];

/** The zone that the self-probe asks for names of its own in. */
export const PROBE_ZONE_TEXT = 'probe.cordon.invalid';

/** Languages of pages and reports. */
export const LANGUAGES = ['en', 'fr', 'nl', 'de'] as const;

/** One of LANGUAGES. */
export type Language = (typeof LANGUAGES)[number];
