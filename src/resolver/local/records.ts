// Records of the configuration: names that are answered with what the operator wrote, and zones that are nobody else's.
//
// A look-up is made for a question that the cache does not answer, so it may build strings. From the name upwards,
// what is written closest decides: the name itself, then for each name above it a wildcard or a zone. A wildcard holds at any
// depth and beside other names below it, as the address= of dnsmasq and the rewrites of AdGuard Home do, and unlike one of
// a zone file (RFC 4592 section 3.3.1): whoever writes it means "and everything below".
import { nameFrom, TYPE } from '../../wire/dns/dns.ts';

/** One record of a configuration; plain data that crosses threads. */
export interface LocalRecord {
  /** Wire form, letters folded; of a wildcard the name above the star. */
  readonly owner: Uint8Array;
  /** True: the record is for every name below the owner, and not for the owner. */
  readonly isWildcard: boolean;
  readonly type: number;
  /** Seconds; one for all records of a type and owner. */
  readonly ttlSec: number;
  /** Uncompressed. */
  readonly rdata: Uint8Array;
}

/** All records and zones of a configuration. */
export interface LocalData {
  readonly records: readonly LocalRecord[];
  /** Folded wire names: what lies in them and has no record does not exist. */
  readonly zones: readonly Uint8Array[];
}

/** What is known here of a name. */
export interface LocalName {
  /** Of every type; none of a name that only exists, or does not. */
  readonly records: readonly LocalRecord[];
  readonly exists: boolean;
  /** Of the SOA of a negative answer: the zone, or the name itself where no zone is written. */
  readonly apex: Uint8Array;
}

/** The data of a configuration, with PTR records for its addresses where it wishes: what is written goes before. */
export const localDataOf = ({
  records,
  zones,
  hasReverse,
}: LocalData & { readonly hasReverse: boolean }): LocalData => {
  if (!hasReverse) return { records, zones };
  const written = new Set(records.map(({ owner }) => keyOf(owner)));
  const pointers = new Map<string, LocalRecord>();
  for (const { owner, isWildcard, type, ttlSec, rdata } of records) {
    if (isWildcard || (type !== TYPE.A && type !== TYPE.AAAA)) continue;
    const reverse = reverseNameOf(rdata);
    const key = keyOf(reverse);
    // The first name of an address is the host's; a second PTR record would only confuse who looks for one.
    if (written.has(key) || pointers.has(key)) continue;
    pointers.set(key, { owner: reverse, isWildcard: false, type: TYPE.PTR, ttlSec, rdata: owner });
  }
  return { records: [...records, ...pointers.values()], zones };
};

/** The name of an address (RFC 1035 section 3.5, RFC 3596 section 2.5). */
const reverseNameOf = (address: Uint8Array): Uint8Array => {
  const bytes = [...address].reverse();
  if (address.length === 4) return nameFrom(`${bytes.join('.')}.in-addr.arpa`);
  return nameFrom(
    `${bytes.map((byte) => `${(byte & 0xf).toString(16)}.${(byte >>> 4).toString(16)}`).join('.')}.ip6.arpa`,
  );
};

interface Node {
  own: LocalRecord[];
  below: LocalRecord[];
  isZone: boolean;
  /** True when a name below has records. */
  isAbove: boolean;
}

const NONE: readonly LocalRecord[] = [];

/** The records of one configuration. */
export class LocalRecords {
  readonly #nodes = new Map<string, Node>();

  constructor({ records, zones }: LocalData) {
    for (const record of records) {
      const node = this.#nodeOf(record.owner);
      (record.isWildcard ? node.below : node.own).push(record);
      for (const above of namesAbove(record.owner)) this.#nodeOf(above).isAbove = true;
      if (record.isWildcard) node.isAbove = true;
    }
    for (const zone of zones) this.#nodeOf(zone).isZone = true;
  }

  /** True when there is nothing to look up. */
  get isEmpty(): boolean {
    return this.#nodes.size === 0;
  }

  /** What is written of a folded wire name; undefined: nothing, others are asked. */
  find(name: Uint8Array): LocalName | undefined {
    const node = this.#nodes.get(keyOf(name));
    if (node !== undefined && node.own.length > 0) return this.#known(name, node.own, true);
    if (node?.isZone === true) return { records: NONE, exists: true, apex: name };
    for (const above of namesAbove(name)) {
      const upper = this.#nodes.get(keyOf(above));
      if (upper === undefined) continue;
      if (upper.below.length > 0) return this.#known(name, upper.below, true);
      if (upper.isZone) return { records: NONE, exists: node?.isAbove === true, apex: above };
    }
    // Names exist below it, which says nothing of its own data: others may have some.
    return undefined;
  }

  /** True for a name above one with records: it exists, although nothing is written of it. */
  isAbove(name: Uint8Array): boolean {
    return this.#nodes.get(keyOf(name))?.isAbove === true;
  }

  #known(name: Uint8Array, records: readonly LocalRecord[], exists: boolean): LocalName {
    const zone = [name, ...namesAbove(name)].find((above) => this.#nodes.get(keyOf(above))?.isZone === true);
    return { records, exists, apex: zone ?? name };
  }

  #nodeOf(name: Uint8Array): Node {
    const key = keyOf(name);
    let node = this.#nodes.get(key);
    if (node === undefined) {
      node = { own: [], below: [], isZone: false, isAbove: false };
      this.#nodes.set(key, node);
    }
    return node;
  }
}

const keyOf = (name: Uint8Array): string =>
  Buffer.from(name.buffer, name.byteOffset, name.length).toString('latin1');

/** The names above a name, the closest first, without the root. */
const namesAbove = (name: Uint8Array): Uint8Array[] => {
  const above: Uint8Array[] = [];
  for (let at = (name[0] ?? 0) + 1; at < name.length - 1; at += (name[at] ?? 0) + 1)
    above.push(name.subarray(at));
  return above;
};
