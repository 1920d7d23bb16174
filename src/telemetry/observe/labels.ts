// The closed label sets of the counters: an index for each word, in the order in which the words are exported.
//
// A label set is closed so that nothing a client sends can add a time series. A set that outside numbers are folded
// into ends in `other`.

import {
  DROP,
  GAVE_WAY,
  HANDSHAKE,
  LIMITED,
  MATCH,
  REPORTED,
  SIGNAL,
  SOURCE,
  TCP_CLOSED,
  TCP_REFUSAL,
  TRANSPORT,
} from '../../base/words/words.ts';
import { formatRcode, formatType, RCODE, TRIGGER, TYPE } from '../../wire/dns/dns.ts';

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
export const REPORTED_WORDS = toWords(REPORTED);
export const TCP_REFUSAL_WORDS = toWords(TCP_REFUSAL);
export const HANDSHAKE_WORDS = toWords(HANDSHAKE);
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
