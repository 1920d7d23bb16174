// NSEC: what the names of a zone, signed in their order, prove about a name that is not among them.
//
// Invariants: a record counts only when it was signed by the zone itself and under its own name; a record from the
// parent's side of a delegation, or with a DNAME, says nothing about names below it; no reader throws. A proof is the
// records that it takes, so that an answer made of it can show them.
// RFC 4034 section 4, RFC 4035 section 5.4, RFC 6840 sections 4.1, 4.3 and 4.4, RFC 4592.
import {
  copyName,
  countLabels,
  foldName,
  isInZone,
  nameEquals,
  skipLabels,
  skipName,
  TYPE,
} from '../../wire/dns/dns.ts';
import { ancestor, compareNames, wildcardOf } from './canonical.ts';
import type { Rrset } from './rrset.ts';
import { isWildcardExpanded } from './signature.ts';

/** What records prove about a negative answer or a wildcard expansion. */
export type Proof =
  | 'proven'
  /** Only up to a span that leaves unsigned delegations out (RFC 5155 section 6): insecure. */
  | 'opt-out'
  | 'unproven'
  /** NSEC3 with more iterations than are computed (RFC 9276 section 3.2): insecure. */
  | 'unsupported'
  /** The work that one question may cost is used up. */
  | 'exceeded';

/** What records prove about a DS RRset that is not there. */
export type DelegationProof =
  /** A delegation without DS, or room for one in an opt-out span. */
  | 'insecure'
  /** The name is in the zone, maybe as an empty non-terminal or by a wildcard, and is no delegation. */
  | 'no-delegation'
  /** The name is not in the zone. */
  | 'no-name'
  | Exclude<Proof, 'proven' | 'opt-out'>;

/** One NSEC record. */
export interface Nsec {
  readonly rrset: Rrset;
  /** Folded wire name. */
  readonly owner: Uint8Array;
  /** The next name of the zone, folded; the apex in the last record. */
  readonly next: Uint8Array;
  /** The type bitmap, in sound form. */
  readonly types: Uint8Array;
}

/** Some NSEC records of one zone. */
export interface NsecChain<Span extends Nsec = Nsec> {
  /** The apex, a folded wire name. */
  readonly zone: Uint8Array;
  /**
   * The record with the last owner that does not come after `name`, in canonical order; with `isExact` only when that
   * is its owner. Who verifies records as late as this does so for what it returns.
   */
  floor(name: Uint8Array, isExact?: boolean): Span | undefined;
}

/**
 * The record of an NSEC RRset whose signature was verified; undefined when it proves nothing about `zone`: not one
 * record, malformed, from outside the zone, or expanded from a wildcard, which would put the owner anywhere
 * (RFC 4035 section 5.3.2).
 */
export const readNsec = (rrset: Rrset, zone: Uint8Array): Nsec | undefined => {
  const [rdata, second] = rrset.rdatas;
  if (rrset.type !== TYPE.NSEC || rdata === undefined || second !== undefined) return undefined;
  if (!isInZone(rrset.owner, zone) || !isSignedInPlace(rrset, zone)) return undefined;
  const end = skipName(rdata, 0, rdata.length);
  if (end < 0) return undefined;
  // The canonical form keeps the letters of this name (RFC 6840 section 5.1).
  const next = copyFolded(rdata, end);
  const types = rdata.subarray(end);
  if (next === undefined || !isInZone(next, zone) || !isBitmapSound(types)) return undefined;
  return { rrset, owner: rrset.owner, next, types };
};

/** True when every signature is the zone's own and none is for a wildcard that was expanded. */
export const isSignedInPlace = (rrset: Rrset, zone: Uint8Array): boolean => {
  if (rrset.signatures.length === 0) return false;
  for (const signature of rrset.signatures)
    if (!isSameName(signature.signer, zone) || isWildcardExpanded(rrset, signature)) return false;
  return true;
};

/** The records that prove NXDOMAIN: neither `qname` nor a wildcard that would match it is in the zone. */
export const proveNameErrorByNsec = <Span extends Nsec>(
  chain: NsecChain<Span>,
  qname: Uint8Array,
): readonly Span[] | undefined => {
  const nsec = findDenying(chain, qname);
  if (nsec === undefined) return undefined;
  const wildcard = wildcardOf(closestEncloserOf(nsec, qname));
  const denyingWildcard = wildcard === undefined ? undefined : findDenying(chain, wildcard);
  return denyingWildcard === undefined ? undefined : [nsec, denyingWildcard];
};

/** The records that prove NODATA: the name itself, an empty non-terminal, or a wildcard, without the type. */
export const proveNoDataByNsec = <Span extends Nsec>(
  chain: NsecChain<Span>,
  qname: Uint8Array,
  qtype: number,
): readonly Span[] | undefined => {
  const existing = findExisting(chain, qname);
  if (existing !== undefined) return lacksType(existing.types, qtype, qname) ? [existing.nsec] : undefined;
  const denying = findDenying(chain, qname);
  const wildcard = denying === undefined ? undefined : findWildcard(chain, denying, qname);
  return denying !== undefined && wildcard !== undefined && lacksType(wildcard.types, qtype, qname)
    ? [denying, wildcard.nsec]
    : undefined;
};

/** The record that proves that nothing closer to `qname` exists than the wildcard below `closestEncloser`. */
export const proveWildcardByNsec = <Span extends Nsec>(
  chain: NsecChain<Span>,
  qname: Uint8Array,
  closestEncloser: Uint8Array,
): readonly Span[] | undefined => {
  const nsec = findDenying(chain, qname);
  return nsec !== undefined && isSameName(closestEncloserOf(nsec, qname), closestEncloser)
    ? [nsec]
    : undefined;
};

/** What the records prove about the DS of `name`, which is below the apex. */
export const proveNoDsByNsec = (chain: NsecChain, name: Uint8Array): DelegationProof => {
  const existing = findExisting(chain, name);
  if (existing !== undefined) return judgeDelegation(existing.types);
  const denying = findDenying(chain, name);
  if (denying === undefined) return 'unproven';
  const wildcard = findWildcard(chain, denying, name);
  if (wildcard !== undefined) return judgeWildcard(wildcard.types);
  return proveNameErrorByNsec(chain, name) === undefined ? 'unproven' : 'no-name';
};

/** True when the first delegation on the way from the apex to a name is shown, and has no DS. */
export const proveUnsignedByNsec = (chain: NsecChain, name: Uint8Array): boolean => {
  const labels = countLabels(name);
  for (let count = countLabels(chain.zone) + 1; count <= labels; count++) {
    const above = ancestor(name, count);
    const nsec = chain.floor(above, true);
    if (nsec === undefined || !isSameName(nsec.owner, above) || !hasType(nsec.types, TYPE.NS)) continue;
    return judgeDelegation(nsec.types) === 'insecure';
  }
  return false;
};

/**
 * What the types at a name say about a delegation there. SOA means the child's side, where no DS is ever found
 * (RFC 6840 section 4.4).
 */
export const judgeDelegation = (types: Uint8Array): DelegationProof => {
  if (hasType(types, TYPE.DS) || hasType(types, TYPE.SOA)) return 'unproven';
  return hasType(types, TYPE.NS) ? 'insecure' : 'no-delegation';
};

/** The same for a wildcard, which cannot delegate in a way that anybody has defined (RFC 4592 section 4.2). */
export const judgeWildcard = (types: Uint8Array): DelegationProof =>
  judgeDelegation(types) === 'no-delegation' ? 'no-delegation' : 'unproven';

/**
 * True when the types at a name prove that it has no data of `qtype`, and no CNAME that would lead to some
 * (RFC 6840 section 4.3). The parent's side of a delegation knows DS only, and the child's side knows it not, but the
 * root has no parent.
 */
export const lacksType = (types: Uint8Array, qtype: number, qname: Uint8Array): boolean => {
  // Not a type that a bitmap could show: whatever is there would have been the answer.
  if (qtype === TYPE.ANY) return types.length === 0;
  if (hasType(types, qtype) || hasType(types, TYPE.CNAME)) return false;
  return qtype === TYPE.DS ? qname.length === 1 || !hasType(types, TYPE.SOA) : !isParentSide(types);
};

/** True when names below belong elsewhere: to a child zone or to the target of a DNAME (RFC 6840 section 4.1). */
export const endsZone = (types: Uint8Array): boolean => isParentSide(types) || hasType(types, TYPE.DNAME);

/** True when a sound type bitmap (RFC 4034 section 4.1.2) holds the type. */
export const hasType = (bitmap: Uint8Array, type: number): boolean => {
  let at = 0;
  while (at < bitmap.length) {
    const length = bitmap[at + 1] ?? 0;
    if (bitmap[at] === type >> 8) {
      const place = (type & 0xff) >> 3;
      return place < length && ((bitmap[at + 2 + place] ?? 0) & (0x80 >> (type & 7))) !== 0;
    }
    at += 2 + length;
  }
  return false;
};

/**
 * True when windows ascend and have the lengths that they may have. Zeros at the end of a window are let pass: they
 * should not be sent, and hide no type.
 */
export const isBitmapSound = (bitmap: Uint8Array): boolean => {
  let windowBefore = -1;
  let at = 0;
  while (at < bitmap.length) {
    const window = bitmap[at] ?? 0;
    const length = bitmap[at + 1] ?? 0;
    if (window <= windowBefore || length < 1 || length > WINDOW_LENGTH_MAX) return false;
    windowBefore = window;
    at += 2 + length;
  }
  return at === bitmap.length;
};

/** Bytes of one window: 256 types (RFC 4034 section 4.1.2). */
const WINDOW_LENGTH_MAX = 32;

/** True when two folded wire names are the same. */
export const isSameName = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && nameEquals(a, 0, b, 0, a.length);

/** True when `name` falls strictly between the owner and the next name of a record. */
export const isBetween = (nsec: Nsec, name: Uint8Array, zone: Uint8Array): boolean =>
  compareNames(nsec.owner, name) < 0 && (isSameName(nsec.next, zone) || compareNames(name, nsec.next) < 0);

const isParentSide = (types: Uint8Array): boolean => hasType(types, TYPE.NS) && !hasType(types, TYPE.SOA);

const copyFolded = (rdata: Uint8Array, length: number): Uint8Array | undefined => {
  const name = copyName(rdata, 0, length);
  if (name !== undefined) foldName(name, 0, name.length);
  return name;
};

/** A name that a record shows to exist, and its types: none at an empty non-terminal. */
interface Existing<Span extends Nsec> {
  readonly nsec: Span;
  readonly types: Uint8Array;
}

const NO_TYPES = new Uint8Array(0);

const findExisting = <Span extends Nsec>(
  chain: NsecChain<Span>,
  name: Uint8Array,
): Existing<Span> | undefined => {
  const nsec = chain.floor(name);
  if (nsec === undefined) return undefined;
  if (isSameName(nsec.owner, name)) return { nsec, types: nsec.types };
  const covering = findCovering(chain, name);
  return covering !== undefined && isInZone(covering.next, name)
    ? { nsec: covering, types: NO_TYPES }
    : undefined;
};

/** The record whose span `name` falls into, when that span may speak about it. The name may be an empty non-terminal. */
const findCovering = <Span extends Nsec>(chain: NsecChain<Span>, name: Uint8Array): Span | undefined => {
  const nsec = chain.floor(name);
  if (nsec === undefined || !isBetween(nsec, name, chain.zone)) return undefined;
  return isInZone(name, nsec.owner) && endsZone(nsec.types) ? undefined : nsec;
};

/** The record that proves that `name` does not exist, not even as an empty non-terminal (RFC 4592 section 2.2.2). */
const findDenying = <Span extends Nsec>(chain: NsecChain<Span>, name: Uint8Array): Span | undefined => {
  const nsec = findCovering(chain, name);
  return nsec === undefined || isInZone(nsec.next, name) ? undefined : nsec;
};

/** The wildcard that would match a denied name, when it exists. */
const findWildcard = <Span extends Nsec>(
  chain: NsecChain<Span>,
  denying: Nsec,
  name: Uint8Array,
): Existing<Span> | undefined => {
  const wildcard = wildcardOf(closestEncloserOf(denying, name));
  return wildcard === undefined ? undefined : findExisting(chain, wildcard);
};

/**
 * The longest ancestor of a denied name that exists: one of the two neighbors is at it or below it, because in
 * canonical order whatever is below a name follows it directly.
 */
const closestEncloserOf = (denying: Nsec, name: Uint8Array): Uint8Array => {
  let encloser = skipLabels(name, 1);
  while (!isInZone(denying.owner, encloser) && !isInZone(denying.next, encloser))
    encloser = skipLabels(encloser, 1);
  return encloser;
};
