// Denial of existence: whether the NSEC and NSEC3 records of an answer prove what it says is not there.
//
// Invariants: takes RRsets whose signatures were verified, of one zone, and trusts nothing else about them; the two
// kinds are never put together into one proof, nor NSEC3 records of different parameters; nothing throws, and hashing
// is paid from the work that one question may cost.
// RFC 4035 section 5.4, RFC 5155 section 8, RFC 6840 section 4, RFC 9276.
import { foldedName, isInZone, TYPE } from '../dns/dns.ts';
import { compareNames } from './canonical.ts';
import {
  type DelegationProof,
  isSameName,
  type Nsec,
  type NsecChain,
  type Proof,
  proveNameErrorByNsec,
  proveNoDataByNsec,
  proveNoDsByNsec,
  proveUnsignedByNsec,
  proveWildcardByNsec,
  readNsec,
} from './nsec.ts';
import {
  compareHashes,
  isSameParameters,
  NSEC3_ITERATIONS_MAX,
  type Nsec3,
  type Nsec3Chain,
  proveNameErrorByNsec3,
  proveNoDataByNsec3,
  proveNoDsByNsec3,
  proveUnsignedByNsec3,
  proveWildcardByNsec3,
  readNsec3,
  surveyName,
} from './nsec3.ts';
import type { Rrset } from './rrset.ts';
import type { Work } from './work.ts';

export type { DelegationProof, Proof } from './nsec.ts';

/** Verified NSEC and NSEC3 RRsets of one answer, of one zone. */
export interface DenialRecords {
  /** The apex, a folded wire name. */
  readonly zone: Uint8Array;
  readonly nsec: readonly Rrset[];
  readonly nsec3: readonly Rrset[];
}

/**
 * RRsets of a kind that are looked at. A proof takes three at most; an alias through several wildcards of a zone puts
 * a few proofs into one answer.
 */
const RECORDS_MAX = 32;
/** Sets of NSEC3 parameters that are tried: an answer has one, and two while a zone changes them. */
const CHAINS_MAX = 2;

/** Whether an NXDOMAIN is right: neither the name nor a wildcard for it exists (RFC 4035 section 5.4, RFC 5155 section 8.4). */
export const proveNameError = (records: DenialRecords, qname: Uint8Array, work: Work): Proof => {
  const name = foldedName(qname);
  return prove(
    records,
    name,
    (chain) => proveNameErrorByNsec(chain, name) !== undefined,
    (chain) => proveNameErrorByNsec3(surveyName(chain, name, work)).proof,
  );
};

/**
 * Whether an answer without data is right: the name, an empty non-terminal, or a wildcard has no such type
 * (RFC 4035 section 5.4, RFC 5155 sections 8.5 to 8.7).
 */
export const proveNoData = (records: DenialRecords, qname: Uint8Array, qtype: number, work: Work): Proof => {
  const name = foldedName(qname);
  return prove(
    records,
    name,
    (chain) => proveNoDataByNsec(chain, name, qtype) !== undefined,
    (chain) => proveNoDataByNsec3(surveyName(chain, name, work), name, qtype).proof,
  );
};

/**
 * Whether a name exists without records of its own, because there are names below it (an empty non-terminal, RFC 4592
 * section 2.2.2), or a wildcard of that kind stands for it. What opt-out leaves open is not proven.
 */
export const proveEmptyName = (records: DenialRecords, name: Uint8Array, work: Work): Proof => {
  // Only such a name has no types at all: every other one has NSEC, or types that its NSEC3 record shows.
  const proof = proveNoData(records, name, TYPE.ANY, work);
  return proof === 'proven' || proof === 'exceeded' ? proof : 'unproven';
};

/**
 * Whether a delegation without DS is at a name or between it and the apex, so that the name belongs to a zone that nobody
 * signed (RFC 4035 section 5.2, RFC 6840 section 4.4). The record of the delegation itself is needed: opt-out, which
 * leaves room for one, proves nothing here. Of several delegations the first from the apex down counts.
 */
export const proveUnsigned = (records: DenialRecords, qname: Uint8Array, work: Work): Proof => {
  const name = foldedName(qname);
  const proof = prove(
    records,
    name,
    (chain) => proveUnsignedByNsec(chain, name),
    (chain) => proveUnsignedByNsec3(chain, name, work),
  );
  return proof === 'unsupported' ? 'unproven' : proof;
};

/**
 * Whether a positive answer may come from the wildcard below `closestEncloser`, which the Labels field of its
 * signature tells: nothing closer exists (RFC 4035 section 5.3.4, RFC 5155 section 8.8).
 */
export const proveWildcard = (
  records: DenialRecords,
  qname: Uint8Array,
  closestEncloser: Uint8Array,
  work: Work,
): Proof => {
  const name = foldedName(qname);
  const encloser = foldedName(closestEncloser);
  if (!isInZone(encloser, records.zone) || !isInZone(name, encloser) || isSameName(name, encloser))
    return 'unproven';
  return prove(
    records,
    name,
    (chain) => proveWildcardByNsec(chain, name, encloser) !== undefined,
    (chain) => proveWildcardByNsec3(chain, name, encloser, work).proof,
  );
};

/**
 * What the records of `zone` say about a zone cut at `name`, for which there is no DS (RFC 4035 section 5.2, RFC 5155
 * sections 8.6 and 8.9). Nothing is proven about the apex: its DS is the parent's.
 */
export const proveNoDs = (records: DenialRecords, name: Uint8Array, work: Work): DelegationProof => {
  const folded = foldedName(name);
  if (!isInZone(folded, records.zone) || isSameName(folded, records.zone)) return 'unproven';
  const byNsec = proveNoDsByNsec(readNsecChain(records), folded);
  if (byNsec !== 'unproven') return byNsec;
  const { chains, isUnsupported } = readNsec3Chains(records);
  for (const chain of chains) {
    const proof = proveNoDsByNsec3(surveyName(chain, folded, work));
    if (proof !== 'unproven') return proof;
  }
  return isUnsupported ? 'unsupported' : 'unproven';
};

const prove = (
  records: DenialRecords,
  name: Uint8Array,
  byNsec: (chain: NsecChain) => boolean,
  byNsec3: (chain: Nsec3Chain) => Proof,
): Proof => {
  if (!isInZone(name, records.zone)) return 'unproven';
  if (byNsec(readNsecChain(records))) return 'proven';
  const { chains, isUnsupported } = readNsec3Chains(records);
  for (const chain of chains) {
    const proof = byNsec3(chain);
    if (proof !== 'unproven') return proof;
  }
  return isUnsupported ? 'unsupported' : 'unproven';
};

const readNsecChain = (records: DenialRecords): NsecChain => {
  const { zone } = records;
  const spans: Nsec[] = [];
  for (const rrset of records.nsec.slice(0, RECORDS_MAX)) {
    const nsec = readNsec(rrset, zone);
    if (nsec !== undefined) spans.push(nsec);
  }
  const floor = (name: Uint8Array): Nsec | undefined => {
    let found: Nsec | undefined;
    for (const span of spans) {
      if (compareNames(span.owner, name) > 0) continue;
      if (found === undefined || compareNames(span.owner, found.owner) > 0) found = span;
    }
    return found;
  };
  return { zone, floor };
};

/** The NSEC3 records, those of the same parameters together; whether there are some that are not computed. */
const readNsec3Chains = (
  records: DenialRecords,
): { readonly chains: readonly Nsec3Chain[]; readonly isUnsupported: boolean } => {
  const { zone } = records;
  const groups: Nsec3[][] = [];
  let isUnsupported = false;
  for (const rrset of records.nsec3.slice(0, RECORDS_MAX)) {
    const nsec3 = readNsec3(rrset, zone);
    if (nsec3 === undefined) continue;
    if (nsec3.parameters.iterations > NSEC3_ITERATIONS_MAX) {
      isUnsupported = true;
      continue;
    }
    const group = groups.find(([first]) => first && isSameParameters(first.parameters, nsec3.parameters));
    if (group !== undefined) group.push(nsec3);
    else if (groups.length < CHAINS_MAX) groups.push([nsec3]);
  }
  return { chains: groups.flatMap((spans) => createNsec3Chain(zone, spans)), isUnsupported };
};

const createNsec3Chain = (zone: Uint8Array, spans: readonly Nsec3[]): Nsec3Chain[] => {
  const [first] = spans;
  if (first === undefined) return [];
  const floor = (hash: Uint8Array): Nsec3 | undefined => {
    let found: Nsec3 | undefined;
    let last = first;
    for (const span of spans) {
      if (compareHashes(span.hash, last.hash) > 0) last = span;
      if (compareHashes(span.hash, hash) > 0) continue;
      if (found === undefined || compareHashes(span.hash, found.hash) > 0) found = span;
    }
    return found ?? last;
  };
  return [{ zone, parameters: first.parameters, floor }];
};
