// The closed label sets of the counters: an index for each word, in the order in which the words are exported.
//
// A label set is closed so that nothing a client sends can add a time series. A set that outside numbers are folded
// into ends in `other`. The rooms that count declare the same numbers for themselves; a test compares them.
import { formatRcode, formatType, RCODE, TRIGGER, TYPE } from '../dns/dns.ts';

/** How a query came in, or how one was sent to an upstream. */
export const TRANSPORT = { UDP: 0, TCP: 1, DOT: 2, DOH: 3 } as const;

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
  /** An answer of the cache that is over: no fresh one was to be had in time. */
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
  OTHER: 10,
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

/** What became of a query over the rate limit. */
export const LIMITED = {
  /** Answered with TC: a real client comes back over TCP. */
  TRUNCATED: 0,
  DROPPED: 1,
  /** Answered as if there were no limit. */
  DRY_RUN: 2,
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
  OTHER: 4,
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
  OTHER: 4,
} as const;

/** What a question in flight gave way to. */
export const GAVE_WAY = { CLIENT: 0, ZONE: 1, AGE: 2 } as const;

/** How a rule matches: the bits that the policy table uses. */
export const MATCH = { SUFFIX: 1, EXACT: 2, WILDCARD: 4, PREFIX: 8, PATTERN: 16 } as const;

/** Why one try at an upstream brought no usable answer. */
export const UPSTREAM_FAILURE = {
  TIMEOUT: 0,
  NETWORK: 1,
  SERVFAIL: 2,
  REFUSED: 3,
  MALFORMED: 4,
  /** FORMERR, NOTIMP or an extended RCODE. */
  UNSUPPORTED: 5,
  /** A name, a chain or a pin that does not fit. */
  CERTIFICATE: 6,
  OTHER: 7,
} as const;

/** Why an upstream is not believed to be who it should be. */
export const UNTRUSTED = { AUTHORITY: 0, EXPIRED: 1, EARLY: 2, NAME: 3, PIN: 4, OTHER: 5 } as const;

/** What validation found. */
export const VALIDATION = {
  SECURE: 0,
  INSECURE: 1,
  BOGUS: 2,
  /** A defect of ours: the question failed. */
  DEFECT: 3,
} as const;

const toWords = (constants: Readonly<Record<string, number>>): readonly string[] =>
  Object.keys(constants).map((key) => key.toLowerCase().replaceAll('_', '-'));

export const TRANSPORT_WORDS = toWords(TRANSPORT);
export const SOURCE_WORDS = toWords(SOURCE);
export const DROP_WORDS = toWords(DROP);
export const SIGNAL_WORDS = toWords(SIGNAL);
export const LIMITED_WORDS = toWords(LIMITED);
export const TCP_REFUSAL_WORDS = toWords(TCP_REFUSAL);
export const GAVE_WAY_WORDS = toWords(GAVE_WAY);
export const TCP_CLOSED_WORDS = toWords(TCP_CLOSED);
/** In the order of the bits of MATCH. */
export const MATCH_WORDS = toWords(MATCH);
export const UPSTREAM_FAILURE_WORDS = toWords(UPSTREAM_FAILURE);
export const VALIDATION_WORDS = toWords(VALIDATION);
/** A word of UNTRUSTED. */
export type UntrustedReason = Lowercase<keyof typeof UNTRUSTED>;
export const UNTRUSTED_WORDS = Object.keys(UNTRUSTED).map((key) => key.toLowerCase()) as UntrustedReason[];

/** What led to the listed name or address, in the order of TRIGGER of dns; HTTPS stands for SVCB as well. */
export const TRIGGER_WORDS: readonly string[] = toWords(TRIGGER).map((word) =>
  word.replace('service', 'https'),
);

/** Query types with a time series of their own: what clients send in numbers, and what tells of trouble. */
const QTYPES: readonly number[] = [
  TYPE.A,
  TYPE.AAAA,
  TYPE.HTTPS,
  TYPE.SVCB,
  TYPE.PTR,
  TYPE.TXT,
  TYPE.MX,
  TYPE.NS,
  TYPE.SOA,
  TYPE.SRV,
  TYPE.CNAME,
  TYPE.DS,
  TYPE.DNSKEY,
  TYPE.ANY,
  TYPE.CAA,
  TYPE.NAPTR,
];

/** Response codes with a time series of their own: RFC 1035, RFC 2136, and those that EDNS adds to answers. */
const RCODES: readonly number[] = [
  RCODE.NOERROR,
  RCODE.FORMERR,
  RCODE.SERVFAIL,
  RCODE.NXDOMAIN,
  RCODE.NOTIMP,
  RCODE.REFUSED,
  RCODE.YXDOMAIN,
  RCODE.YXRRSET,
  RCODE.NXRRSET,
  RCODE.NOTAUTH,
  RCODE.NOTZONE,
  RCODE.BADVERS,
  RCODE.BADCOOKIE,
];

export const QTYPE_WORDS: readonly string[] = [...QTYPES.map(formatType), 'other'];
export const RCODE_WORDS: readonly string[] = [...RCODES.map(formatRcode), 'other'];

const toSlots = (numbers: readonly number[], size: number): Uint8Array => {
  const slots = new Uint8Array(size).fill(numbers.length);
  for (const [slot, number] of numbers.entries()) slots[number] = slot;
  return slots;
};

/** Type to index in QTYPE_WORDS, for each of the 65,536 types. */
export const QTYPE_SLOTS = toSlots(QTYPES, 0x1_0000);
/** Response code to index in RCODE_WORDS, for each of the 4,096 extended codes (RFC 6891 section 6.1.3). */
export const RCODE_SLOTS = toSlots(RCODES, 0x1000);
