// Special-use names and locally served zones. Hot file: find() runs for every query.
//
// The table is data: RFC 6761 (localhost, invalid, test), RFC 6762 (local), RFC 7686 (onion), RFC 9476 (alt), RFC 8375
// (home.arpa), RFC 9462 section 6.4 and RFC 9606 (resolver.arpa), RFC 6303 and RFC 7793 (reverse zones of private and
// special addresses). Queries for them must not leave the network. A forwarding zone that an operator configured wins
// over these defaults, as do records of the configuration, and a DS query at the top of a zone, which belongs to its parent.
import { CLASS, isInZone, type MessageBuilder, nameFrom, SECTION, TYPE } from '../../wire/dns/dns.ts';
import type { DeviceCheck } from './device-check.ts';
import type { LocalRecords } from './records.ts';

/** What is answered for names of a zone. */
export const LOCAL = {
  /** Not a special name. */
  NONE: 0,
  /** The name does not exist (the zone's apex exists, RFC 6303 section 3). */
  NXDOMAIN: 1,
  /** The name exists without data of the type. */
  NODATA: 2,
  /** A loopback address or PTR: see localRecord. */
  DATA: 3,
  /** The name of a check of a device: see `check`. */
  CHECK: 4,
} as const;

interface Zone {
  readonly apex: Uint8Array;
  /** Every name of the zone is a loopback host (RFC 6761 section 6.3). */
  readonly loopback: boolean;
  /** The apex does not exist either (RFC 6761 section 6.4). */
  readonly absent: boolean;
}

const zone = (text: string, kind: { loopback?: boolean; absent?: boolean } = {}): Zone => ({
  apex: nameFrom(text),
  loopback: kind.loopback ?? false,
  absent: kind.absent ?? false,
});

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

const ip6Zone = (nibbles: string, count: number): string => `${nibbles}${'0.'.repeat(count)}ip6.arpa`;

const ZONES: readonly Zone[] = [
  zone('localhost', { loopback: true }),
  zone('invalid', { absent: true }),
  zone('test', { absent: true }),
  zone('local', { absent: true }),
  zone('onion', { absent: true }),
  zone('alt', { absent: true }),
  zone('home.arpa'),
  zone('resolver.arpa'),
  ...['0', '127', '254.169', '2.0.192', '100.51.198', '113.0.203', '255.255.255.255', '10', '168.192'].map(
    (octets) => zone(`${octets}.in-addr.arpa`),
  ),
  ...numbers(16, 31).map((octet) => zone(`${octet}.172.in-addr.arpa`)),
  ...numbers(64, 127).map((octet) => zone(`${octet}.100.in-addr.arpa`)),
  zone(ip6Zone('0.', 31)),
  zone(ip6Zone('1.', 31)),
  ...['d.f', '8.e.f', '9.e.f', 'a.e.f', 'b.e.f', '8.b.d.0.1.0.0.2'].map((nibbles) =>
    zone(`${nibbles}.ip6.arpa`),
  ),
];

const DDR_NAME = nameFrom('_dns.resolver.arpa');
const RESOLVER_NAME = nameFrom('resolver.arpa');
/**
 * What this resolver says of itself (RFC 9606): the EDE codes that an answer of it may have. It minimizes no QNAME,
 * because it follows no delegations, so the key `qnamemin` is absent.
 */
const RESOLVER_INFO = 'exterr=0-3,6-24,27';
const RESOLVER_INFO_RDATA = Uint8Array.of(RESOLVER_INFO.length, ...Buffer.from(RESOLVER_INFO));
const LOOPBACK_REVERSE = [nameFrom('1.0.0.127.in-addr.arpa'), nameFrom(ip6Zone('1.', 31))];
const IPV4_LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const IPV6_LOOPBACK = Uint8Array.from({ length: 16 }, (_, index) => (index === 15 ? 1 : 0));
const LOCALHOST = nameFrom('localhost');
/** TTL of the records of DDR, seconds: short, because a certificate or a listener may change. */
const DDR_TTL_SEC = 300;
/** TTL of the SOA and of local data, seconds: RFC 6303 section 3 proposes three hours. */
const LOCAL_TTL_SEC = 10_800;
const TOP_LABELS = new Set(['localhost', 'invalid', 'test', 'local', 'onion', 'alt', 'arpa']);

/** A bit per (length, first byte) of a last label that may be special: most queries stop here. */
const topLabelFilter = new Uint8Array(64 * 256);
for (const label of TOP_LABELS) topLabelFilter[label.length * 256 + label.charCodeAt(0)] = 1;

/** The local zones of one configuration. */
export class LocalZones {
  /** Apex of the zone that the last find() met. */
  #found: Zone | undefined;
  readonly #forwarded: readonly Uint8Array[];
  readonly #encrypted: readonly Uint8Array[];
  readonly #records: LocalRecords | undefined;
  readonly #probeZone: Uint8Array | undefined;
  /** The names by which a device finds out whether it asks here. */
  readonly check: DeviceCheck | undefined;

  /**
   * `forwarded`: folded wire names of the zones that the operator forwards. `encrypted`: RDATA of the SVCB records that
   * lead to the encrypted ways to this resolver (RFC 9462 section 4). `records`: what the configuration answers. `probeZone`: where
   * names are special for everybody but the self-probe, whatever is forwarded.
   */
  constructor(
    forwarded: readonly Uint8Array[],
    encrypted: readonly Uint8Array[] = [],
    records?: LocalRecords,
    probeZone?: Uint8Array,
    check?: DeviceCheck,
  ) {
    this.#forwarded = forwarded;
    this.#encrypted = encrypted;
    this.#records = records;
    this.#probeZone = probeZone;
    this.check = check;
  }

  /** Tells what is answered for the folded name in the first `length` bytes and a type; one of LOCAL. */
  find(qname: Uint8Array, length: number, qtype: number, isProbe = false): number {
    if (this.check?.has(qname, length) === true) return LOCAL.CHECK;
    return hasSpecialTop(qname, length)
      ? this.#lookUp(qname.subarray(0, length), qtype, isProbe)
      : LOCAL.NONE;
  }

  /** True for the name that clients ask to learn of encrypted ways to this resolver (RFC 9462 section 4). */
  isDiscovery(qname: Uint8Array): boolean {
    return equals(qname, DDR_NAME);
  }

  /** Writes the SOA of the zone that find() met, for a negative answer, after the builder's question. */
  writeSoa(builder: MessageBuilder): void {
    builder.record(
      SECTION.AUTHORITY,
      this.#found?.apex ?? LOCALHOST,
      TYPE.SOA,
      CLASS.IN,
      LOCAL_TTL_SEC,
      SOA_RDATA,
    );
  }

  /** Writes the records that find() answered DATA for. */
  writeData(builder: MessageBuilder, qname: Uint8Array, qtype: number): void {
    if (this.#isEncryptedWay(qname, qtype)) {
      for (const rdata of this.#encrypted) {
        builder.record(SECTION.ANSWER, qname, qtype, CLASS.IN, DDR_TTL_SEC, rdata);
      }
      return;
    }
    const rdata = localRecord(qname, qtype, this.#found);
    if (rdata !== undefined) {
      builder.record(SECTION.ANSWER, qname, qtype, CLASS.IN, LOCAL_TTL_SEC, rdata);
    }
  }

  #lookUp(qname: Uint8Array, qtype: number, isProbe: boolean): number {
    if (this.#probeZone !== undefined && isInZone(qname, this.#probeZone)) {
      this.#found = ZONES.find((candidate) => isInZone(qname, candidate.apex));
      return isProbe ? LOCAL.NONE : LOCAL.NXDOMAIN;
    }
    const found = ZONES.find((candidate) => isInZone(qname, candidate.apex));
    if (found === undefined || this.#forwarded.some((forwarded) => isInZone(qname, forwarded))) {
      return LOCAL.NONE;
    }
    const isApex = qname.length === found.apex.length;
    if (isApex && qtype === TYPE.DS) return LOCAL.NONE;
    if (this.#records?.find(qname) !== undefined) return LOCAL.NONE;
    this.#found = found;
    if (this.#isEncryptedWay(qname, qtype) || localRecord(qname, qtype, found) !== undefined)
      return LOCAL.DATA;
    const exists =
      found.loopback ||
      (isApex && !found.absent) ||
      this.#records?.isAbove(qname) === true ||
      equals(qname, DDR_NAME) ||
      LOOPBACK_REVERSE.some((name) => isInZone(name, qname));
    return exists ? LOCAL.NODATA : LOCAL.NXDOMAIN;
  }

  #isEncryptedWay(qname: Uint8Array, qtype: number): boolean {
    return qtype === TYPE.SVCB && this.#encrypted.length > 0 && equals(qname, DDR_NAME);
  }
}

/** MNAME localhost., RNAME nobody.invalid., then the numbers of RFC 6303 section 3. */
const SOA_RDATA = (() => {
  const rname = nameFrom('nobody.invalid');
  const rdata = new Uint8Array(LOCALHOST.length + rname.length + 20);
  rdata.set(LOCALHOST);
  rdata.set(rname, LOCALHOST.length);
  const view = new DataView(rdata.buffer, LOCALHOST.length + rname.length);
  for (const [index, value] of [1, 3600, 1200, 604_800, LOCAL_TTL_SEC].entries())
    view.setUint32(index * 4, value);
  return rdata;
})();

const equals = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && isInZone(a, b);

const localRecord = (qname: Uint8Array, qtype: number, found: Zone | undefined): Uint8Array | undefined => {
  if (found === undefined) return undefined;
  if (found.loopback) {
    if (qtype === TYPE.A) return IPV4_LOOPBACK;
    return qtype === TYPE.AAAA ? IPV6_LOOPBACK : undefined;
  }
  if (qtype === TYPE.PTR && LOOPBACK_REVERSE.some((name) => equals(qname, name))) return LOCALHOST;
  if (qtype === TYPE.SOA && !found.absent && equals(qname, found.apex)) return SOA_RDATA;
  if (qtype === TYPE.RESINFO && equals(qname, RESOLVER_NAME)) return RESOLVER_INFO_RDATA;
  return undefined;
};

const hasSpecialTop = (qname: Uint8Array, length: number): boolean => {
  let at = 0;
  let last = 0;
  while (at < length - 1) {
    last = at;
    at += (qname[at] ?? 0) + 1;
  }
  return topLabelFilter[(qname[last] ?? 0) * 256 + (qname[last + 1] ?? 0)] === 1;
};
