// Small zones whose content is known, their NSEC and NSEC3 records without cryptography, and what a question about
// them has to meet. For property tests that judge thousands of zones; signed ones come from signed-zone.ts.
//
// Chains and hashes are made here from the RFCs' words, apart from the code that reads them.
import { createHash } from 'node:crypto';
import type { Rrset, Signature } from '../../src/resolver/dnssec/rrset.ts';
import {
  CLASS,
  countLabels,
  nameFrom,
  parseRecord,
  parseType,
  SECTION,
  skipLabels,
} from '../../src/wire/dns/dns.ts';

/** What a zone holds: owner names with their types, in presentation format. The apex is there as well. */
export interface DenialZone {
  readonly apex: string;
  readonly names: ReadonlyMap<string, readonly string[]>;
}

/** How NSEC3 records are made. */
export interface HashOptions {
  readonly iterations?: number;
  /** Hexadecimal, `-` by default. */
  readonly salt?: string;
  readonly isOptOut?: boolean;
}

/**
 * What a question meets: data (or an alias) at the name; an existing name or wildcard without the type; data by
 * expansion of a wildcard; nothing; or a name that the zone does not decide about: at or below a delegation, below a
 * DNAME, DS of an apex other than the root.
 */
export type Truth = 'data' | 'no-data' | 'expanded' | 'name-error' | 'elsewhere';

/** Signatures of test records end here, seconds since 1970. */
export const SIGNATURES_END_SEC = 2_000_000_000;

/** What a question for a type (a mnemonic, or ANY) meets in the zone. */
export const lookUp = (zone: DenialZone, qname: string, qtype: string): Truth => {
  if (qname === zone.apex && qtype === 'DS' && qname !== '.') return 'elsewhere';
  for (const [name, types] of zone.names) {
    const isCut = name !== zone.apex && types.includes('NS');
    if (isBelow(qname, name) && (isCut || types.includes('DNAME'))) return 'elsewhere';
    if (qname === name && isCut && qtype !== 'DS') return 'elsewhere';
  }
  if (exists(zone, qname)) return holds(zone, qname, qtype) ? 'data' : 'no-data';
  const wildcard = `*.${closestEncloser(zone, qname)}`.replace(/\.\.$/, '.');
  if (!exists(zone, wildcard)) return 'name-error';
  return holds(zone, wildcard, qtype) ? 'expanded' : 'no-data';
};

/** The longest ancestor of a name that exists. */
export const closestEncloser = (zone: DenialZone, name: string): string => {
  let encloser = parentOf(name);
  while (!exists(zone, encloser)) encloser = parentOf(encloser);
  return encloser;
};

/** True when the zone holds the name, maybe as an empty non-terminal. */
export const exists = (zone: DenialZone, name: string): boolean =>
  zone.names.has(name) || [...zone.names.keys()].some((other) => isBelow(other, name));

/** A zone without what opt-out leaves out: delegations without DS. */
export const withoutUnsignedDelegations = (zone: DenialZone): DenialZone => ({
  apex: zone.apex,
  names: new Map(
    [...zone.names].filter(
      ([name, types]) => name === zone.apex || !types.includes('NS') || types.includes('DS'),
    ),
  ),
});

/** The NSEC records of the zone, each as an RRset with the signature that it would have (RFC 4034 section 4). */
export const createNsecRrsets = (zone: DenialZone): Rrset[] => {
  const owners = [...zone.names.keys()].sort(compareOwners);
  return owners.map((owner, index) => {
    const types = [...(zone.names.get(owner) ?? []), 'NSEC', 'RRSIG'];
    return createRrset(
      `${owner} 300 IN NSEC ${owners[index + 1] ?? zone.apex} ${types.join(' ')}`,
      zone.apex,
    );
  });
};

/** The NSEC3 records of the zone (RFC 5155 section 7.1). */
export const createNsec3Rrsets = (zone: DenialZone, options: HashOptions = {}): Rrset[] => {
  const { iterations = 0, salt = '-', isOptOut = false } = options;
  const hashed = isOptOut ? withoutUnsignedDelegations(zone) : zone;
  const types = new Map<string, readonly string[]>(hashed.names);
  for (const name of hashed.names.keys())
    for (let above = name; above !== zone.apex; above = parentOf(above))
      if (!types.has(above)) types.set(above, []);
  const owners = [...types].map(([name, held]) => ({ hash: hashText(name, iterations, salt), held }));
  owners.sort((a, b) => (a.hash < b.hash ? -1 : 1));
  return owners.map(({ hash, held }, index) => {
    const next = owners[(index + 1) % owners.length]?.hash ?? hash;
    const isSigned = held.some((type) => type !== 'NS') || held.includes('SOA');
    const bitmap = [...held, ...(isSigned ? ['RRSIG'] : [])].join(' ');
    const fields = `1 ${isOptOut ? 1 : 0} ${iterations} ${salt} ${next} ${bitmap}`;
    return createRrset(`${hash}.${zone.apex === '.' ? '' : zone.apex} 300 IN NSEC3 ${fields}`, zone.apex);
  });
};

/** The SOA of a zone as an RRset; `minimumSec` is its negative TTL. */
export const createSoaRrset = (apex: string, minimumSec = 300): Rrset =>
  createRrset(`${apex} 3600 IN SOA ns.example. hostmaster.example. 1 7200 3600 1209600 ${minimumSec}`, apex);

/** An RRset of one record with a signature of the zone `signer`, which nobody could verify. */
export const createRrset = (text: string, signer: string): Rrset => {
  const { owner, type, class: recordClass, ttl, rdata } = parseRecord(text);
  const signature: Signature = {
    typeCovered: type,
    algorithm: 13,
    labels: countLabels(owner) - (owner[1] === 0x2a && owner[0] === 1 ? 1 : 0),
    originalTtlSec: ttl,
    expiration: SIGNATURES_END_SEC,
    inception: 0,
    keyTag: 1,
    signer: nameFrom(signer),
    signature: new Uint8Array(64),
    rdata: parseRecord(
      `${text.split(' ')[0]} ${ttl} IN RRSIG ${text.split(' ')[3]} 13 ${countLabels(owner)} ${ttl} 20330518033320 19700101000000 1 ${signer} AAAA`,
    ).rdata,
  };
  return {
    owner,
    type,
    class: recordClass ?? CLASS.IN,
    section: SECTION.AUTHORITY,
    ttlSec: ttl,
    rdatas: [rdata],
    signatures: [signature],
  };
};

/** The hash of a name in base32hex (RFC 5155 section 5). */
export const hashText = (name: string, iterations: number, saltText: string): string => {
  const salt = saltText === '-' ? Buffer.alloc(0) : Buffer.from(saltText, 'hex');
  let digest: Buffer = createHash('sha1').update(nameFrom(name)).update(salt).digest();
  for (let i = 0; i < iterations; i++) digest = createHash('sha1').update(digest).update(salt).digest();
  const bits = [...digest].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? []).map((five) => Number.parseInt(five, 2).toString(32)).join('');
};

/** The number of a type's mnemonic. */
export const typeOf = (mnemonic: string): number => {
  const type = parseType(mnemonic);
  if (type === undefined) throw new TypeError(`"${mnemonic}" is not a type`);
  return type;
};

const holds = (zone: DenialZone, name: string, type: string): boolean => {
  const types = zone.names.get(name) ?? [];
  return types.includes(type) || types.includes('CNAME') || (type === 'ANY' && types.length > 0);
};

/** True when `name` is below `above`, both in presentation format without escaped dots. */
const isBelow = (name: string, above: string): boolean =>
  name !== above && name.endsWith(above === '.' ? '.' : `.${above}`);

const parentOf = (name: string): string => name.slice(name.indexOf('.') + 1) || '.';

/** Canonical order (RFC 4034 section 6.1): labels from the right, as bytes. */
const compareOwners = (a: string, b: string): number => {
  const [x, y] = [labelsOf(a), labelsOf(b)];
  for (const [index, label] of x.entries()) {
    const other = y[index];
    if (other === undefined) return 1;
    const order = Buffer.compare(label, other);
    if (order !== 0) return order;
  }
  return x.length - y.length;
};

const labelsOf = (text: string): Uint8Array[] => {
  const labels: Uint8Array[] = [];
  for (let name = nameFrom(text); name.length > 1; name = skipLabels(name, 1))
    labels.unshift(name.slice(1, 1 + (name[0] ?? 0)));
  return labels;
};
