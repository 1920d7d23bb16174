// The numbers of the DNS protocol with their IANA mnemonics: the one place where a protocol number may stand.
//
// Registries: https://www.iana.org/assignments/dns-parameters, https://www.iana.org/assignments/dns-svcb.
// A tidy test refuses bare type, option and code numbers elsewhere.

/** Resource record types and query types. */
export const TYPE = {
  A: 1,
  NS: 2,
  MD: 3,
  MF: 4,
  CNAME: 5,
  SOA: 6,
  MB: 7,
  MG: 8,
  MR: 9,
  NULL: 10,
  WKS: 11,
  PTR: 12,
  HINFO: 13,
  MINFO: 14,
  MX: 15,
  TXT: 16,
  RP: 17,
  AFSDB: 18,
  X25: 19,
  ISDN: 20,
  RT: 21,
  NSAP: 22,
  SIG: 24,
  KEY: 25,
  PX: 26,
  GPOS: 27,
  AAAA: 28,
  LOC: 29,
  NXT: 30,
  SRV: 33,
  NAPTR: 35,
  KX: 36,
  CERT: 37,
  DNAME: 39,
  OPT: 41,
  APL: 42,
  DS: 43,
  SSHFP: 44,
  IPSECKEY: 45,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  DHCID: 49,
  NSEC3: 50,
  NSEC3PARAM: 51,
  TLSA: 52,
  SMIMEA: 53,
  HIP: 55,
  CDS: 59,
  CDNSKEY: 60,
  OPENPGPKEY: 61,
  CSYNC: 62,
  ZONEMD: 63,
  SVCB: 64,
  HTTPS: 65,
  DSYNC: 66,
  SPF: 99,
  NID: 104,
  L32: 105,
  L64: 106,
  LP: 107,
  EUI48: 108,
  EUI64: 109,
  NXNAME: 128,
  TKEY: 249,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  MAILB: 253,
  MAILA: 254,
  ANY: 255,
  URI: 256,
  CAA: 257,
  AMTRELAY: 260,
  RESINFO: 261,
} as const;

/** Classes. */
export const CLASS = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 } as const;

/** Operation codes. */
export const OPCODE = { QUERY: 0, IQUERY: 1, STATUS: 2, NOTIFY: 4, UPDATE: 5, DSO: 6 } as const;

/** Response codes, the extended ones of RFC 6891 included. */
export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
  DSOTYPENI: 11,
  BADVERS: 16,
  BADKEY: 17,
  BADTIME: 18,
  BADMODE: 19,
  BADNAME: 20,
  BADALG: 21,
  BADTRUNC: 22,
  BADCOOKIE: 23,
} as const;

/** EDNS options (RFC 6891). */
export const OPTION = {
  LLQ: 1,
  UL: 2,
  NSID: 3,
  DAU: 5,
  DHU: 6,
  N3U: 7,
  CLIENT_SUBNET: 8,
  EXPIRE: 9,
  COOKIE: 10,
  TCP_KEEPALIVE: 11,
  PADDING: 12,
  CHAIN: 13,
  KEY_TAG: 14,
  EDE: 15,
  CLIENT_TAG: 16,
  SERVER_TAG: 17,
  REPORT_CHANNEL: 18,
  ZONEVERSION: 19,
  /** Of local use (RFC 6891 section 9): what the self-probe asks on behalf of whom; never sent to anybody else. */
  CORDON_PROBE: 65_072,
} as const;

/** Options in which vendors say for whom a forwarder asks; beside OPTION, which IANA leaves to local use but for the first. */
export const VENDOR_OPTION = {
  /** Who asked a Cisco Umbrella virtual appliance, or dnsmasq with `umbrella`: `ODNS`, then fields. */
  UMBRELLA: 20_292,
  /** The client's MAC address as dnsmasq sends it with `add-mac`: six bytes. */
  DNSMASQ_MAC: 65_001,
  /** The same as text or base64 (`add-mac=text`, `add-mac=base64`). */
  DNSMASQ_MAC_TEXT: 65_073,
  /** What a forwarder calls itself (dnsmasq's `add-cpe-id`). */
  CPE_ID: 65_074,
  /** The client's address and MAC address as Infoblox NIOS sends them. */
  INFOBLOX_ADDRESS: 65_523,
  INFOBLOX_MAC: 65_524,
} as const;

/** Extended DNS Error info codes (RFC 8914). */
export const EDE = {
  OTHER: 0,
  UNSUPPORTED_DNSKEY_ALGORITHM: 1,
  UNSUPPORTED_DS_DIGEST: 2,
  STALE_ANSWER: 3,
  FORGED_ANSWER: 4,
  DNSSEC_INDETERMINATE: 5,
  DNSSEC_BOGUS: 6,
  SIGNATURE_EXPIRED: 7,
  SIGNATURE_NOT_YET_VALID: 8,
  DNSKEY_MISSING: 9,
  RRSIGS_MISSING: 10,
  NO_ZONE_KEY_BIT_SET: 11,
  NSEC_MISSING: 12,
  CACHED_ERROR: 13,
  NOT_READY: 14,
  BLOCKED: 15,
  CENSORED: 16,
  FILTERED: 17,
  PROHIBITED: 18,
  STALE_NXDOMAIN_ANSWER: 19,
  NOT_AUTHORITATIVE: 20,
  NOT_SUPPORTED: 21,
  NO_REACHABLE_AUTHORITY: 22,
  NETWORK_ERROR: 23,
  INVALID_DATA: 24,
  UNSUPPORTED_NSEC3_ITERATIONS: 27,
  INVALID_QUERY_TYPE: 30,
} as const;

/** Service parameter keys of SVCB and HTTPS records (RFC 9460). */
export const SVC_PARAM = {
  MANDATORY: 0,
  ALPN: 1,
  NO_DEFAULT_ALPN: 2,
  PORT: 3,
  IPV4HINT: 4,
  ECH: 5,
  IPV6HINT: 6,
  DOHPATH: 7,
  OHTTP: 8,
} as const;

/** Bits of the third and fourth byte of a header (RFC 1035 section 4.1.1, RFC 4035 section 3), as one 16-bit number. */
export const FLAG = {
  QR: 0x8000,
  AA: 0x0400,
  TC: 0x0200,
  RD: 0x0100,
  RA: 0x0080,
  Z: 0x0040,
  AD: 0x0020,
  CD: 0x0010,
} as const;

/** The DO bit of an OPT record's TTL field (RFC 3225). */
export const EDNS_DO = 0x8000;

/** Bytes before the question. */
export const HEADER_LENGTH = 12;
/** Longest name in wire form, the root label included (RFC 1035 section 3.1). */
export const NAME_LENGTH_MAX = 255;
/** Longest label (RFC 1035 section 3.1). */
export const LABEL_LENGTH_MAX = 63;
/** Longest message: the two-byte length of RFC 1035 section 4.2.2. */
export const MESSAGE_LENGTH_MAX = 65_535;
/**
 * Longest query of a client that is taken: name, EDNS with cookie and subnet, and padding to a multiple of 128 (RFC 8467)
 * take less than 1 KB.
 */
export const QUERY_LENGTH_MAX = 4096;
/** Longest UDP message to a client without EDNS (RFC 1035 section 4.2.1). */
export const UDP_LENGTH_PLAIN = 512;
/** Longest UDP message to or from anyone, so that no path has to fragment it (DNS flag day 2020). */
export const UDP_LENGTH_MAX = 1232;

const nameOf = (registry: Record<string, number>): ReadonlyMap<number, string> =>
  new Map(Object.entries(registry).map(([name, number]) => [number, name]));

const typeNames = nameOf(TYPE);
const classNames = nameOf(CLASS);
const rcodeNames = nameOf(RCODE);
const opcodeNames = nameOf(OPCODE);
const edeNames = nameOf(EDE);

/** The mnemonic of a type, or `TYPEn` (RFC 3597 section 5). */
export const formatType = (type: number): string => typeNames.get(type) ?? `TYPE${type}`;

/** The mnemonic of a class, or `CLASSn` (RFC 3597 section 5). */
export const formatClass = (value: number): string => classNames.get(value) ?? `CLASS${value}`;

/** The mnemonic of a response code, or `RCODEn`. */
export const formatRcode = (rcode: number): string => rcodeNames.get(rcode) ?? `RCODE${rcode}`;

/** The mnemonic of an operation code, or `OPCODEn`. */
export const formatOpcode = (opcode: number): string => opcodeNames.get(opcode) ?? `OPCODE${opcode}`;

/** The mnemonic of an EDE info code in words (`NOT READY`), or `EDEn`. */
export const formatEde = (code: number): string => edeNames.get(code)?.replaceAll('_', ' ') ?? `EDE${code}`;

/** The number of a type's mnemonic or `TYPEn`, in any case; undefined when there is none. */
export const parseType = (text: string): number | undefined => parseMnemonic(TYPE, 'TYPE', text);

/** The number of a class's mnemonic or `CLASSn`, in any case; undefined when there is none. */
export const parseClass = (text: string): number | undefined => parseMnemonic(CLASS, 'CLASS', text);

const parseMnemonic = (
  registry: Record<string, number>,
  prefix: string,
  text: string,
): number | undefined => {
  const upper = text.toUpperCase();
  if (Object.hasOwn(registry, upper)) return registry[upper];
  const digits = upper.startsWith(prefix) ? upper.slice(prefix.length) : '';
  const number = /^\d{1,5}$/.test(digits) ? Number(digits) : Number.NaN;
  return number <= 0xffff ? number : undefined;
};
