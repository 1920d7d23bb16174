// Denial of existence: whether the NSEC and NSEC3 records of an answer prove what it says is not there.
//
// Invariants: what a proof uses was verified, before or by the way, as a record of one zone, and nothing else about it is
// trusted; of the records that come only those are verified that a proof uses (hundreds may be well signed); NSEC3
// records of different parameters in one answer prove nothing, nor do they beside NSEC, because an honest server has one
// chain, and who collected records of others would choose among them; a proof by more iterations than count has to be as
// whole as any other before it makes something insecure; nothing throws, and hashing is paid from the work that one
// question may cost.
// RFC 4035 section 5.4, RFC 5155 section 8, RFC 6840 section 4, RFC 9276.
import { countLabels, foldedName, isInZone, TYPE } from '../../wire/dns/dns.ts';
import { orderKey } from './canonical.ts';
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
  isSameParameters,
  NSEC3_ITERATIONS_COMPUTED_MAX,
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

/** NSEC and NSEC3 RRsets of one answer, of one zone. */
export interface DenialRecords {
  /** The apex, a folded wire name. */
  readonly zone: Uint8Array;
  readonly nsec: readonly Rrset[];
  readonly nsec3: readonly Rrset[];
  /**
   * Verifies a record before it is used: it with the signature that is good, or undefined. Without it, all are
   * verified.
   */
  readonly verify?: (rrset: Rrset) => Rrset | undefined;
  /** True when a record could not be verified because the work of the question is used up. */
  readonly isExceeded?: () => boolean;
}

/** RRsets of a kind that are looked at: all that a message may have. Each costs some µs, once. */
const RECORDS_MAX = 256;

/** Each name above one that is looked for among NSEC records: some 2 µs. */
const LABEL_UNITS = 0.03;

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
 * Whether NSEC shows that a name exists without records of its own, because there are names below it (an empty
 * non-terminal, RFC 4592 section 2.2.2), or a wildcard of that kind stands for it. Never where NSEC3 is: who signs with it has to
 * know the empty names (RFC 5155 section 7.1), and other validators take no NXDOMAIN for one.
 */
export const proveEmptyName = (records: DenialRecords, qname: Uint8Array): Proof => {
  const name = foldedName(qname);
  // Only such a name has no types at all: every other one has NSEC.
  const isProven =
    records.nsec3.length === 0 &&
    isInZone(name, records.zone) &&
    proveNoDataByNsec(readNsecChain(records), name, TYPE.ANY) !== undefined;
  if (isProven) return 'proven';
  return records.isExceeded?.() === true ? 'exceeded' : 'unproven';
};

/**
 * Whether a delegation without DS is at a name or between it and the apex, so that the name belongs to a zone that nobody
 * signed (RFC 4035 section 5.2, RFC 6840 section 4.4). The record of the delegation itself is needed: opt-out, which
 * leaves room for one, proves nothing here. Of several delegations the first from the apex down counts.
 */
export const proveUnsigned = (records: DenialRecords, qname: Uint8Array, work: Work): Proof => {
  const name = foldedName(qname);
  if (!isInZone(name, records.zone)) return 'unproven';
  work.spend(LABEL_UNITS * countLabels(name));
  if (proveUnsignedByNsec(readNsecChain(records), name)) return 'proven';
  const chain = readNsec3Chain(records);
  const proof = isComputed(chain) ? proveUnsignedByNsec3(chain, name, work) : 'unproven';
  return proof === 'unproven' && records.isExceeded?.() === true ? 'exceeded' : proof;
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
  const chain = readNsec3Chain(records);
  // Nothing becomes secure by it, so that iterations do not matter: data of a name that is no delegation have to be signed.
  const proof = isComputed(chain) ? proveNoDsByNsec3(surveyName(chain, folded, work)) : (chain ?? 'unproven');
  return proof === 'unproven' && records.isExceeded?.() === true ? 'exceeded' : proof;
};

const prove = (
  records: DenialRecords,
  name: Uint8Array,
  byNsec: (chain: NsecChain) => boolean,
  byNsec3: (chain: Nsec3Chain) => Proof,
): Proof => {
  if (!isInZone(name, records.zone)) return 'unproven';
  if (byNsec(readNsecChain(records))) return 'proven';
  const chain = readNsec3Chain(records);
  const proof = isComputed(chain) ? byNsec3(chain) : (chain ?? 'unproven');
  if (proof === 'unproven') return records.isExceeded?.() === true ? 'exceeded' : proof;
  const isCounted = !isComputed(chain) || chain.parameters.iterations <= NSEC3_ITERATIONS_MAX;
  return isCounted || proof === 'exceeded' ? proof : 'unsupported';
};

/** What was read of the records of an answer: once for all proofs about them, and what was discarded stays so. */
interface Chains {
  nsec?: NsecChain;
  nsec3?: Nsec3Chain | 'unsupported' | 'none';
}

const chains = new WeakMap<DenialRecords, Chains>();

const chainsOf = (records: DenialRecords): Chains => {
  const known = chains.get(records) ?? {};
  chains.set(records, known);
  return known;
};

const readNsecChain = (records: DenialRecords): NsecChain => {
  const known = chainsOf(records);
  known.nsec ??= createNsecChain(records);
  return known.nsec;
};

const createNsecChain = (records: DenialRecords): NsecChain => {
  const { zone } = records;
  const spans = new Spans(
    records.nsec,
    (rrset) => readNsec(rrset, zone),
    ({ owner }) => orderKey(owner),
    records.verify,
  );
  const floor = (name: Uint8Array, isExact = false): Nsec | undefined => {
    const key = orderKey(name);
    for (;;) {
      const found = spans.floor(key);
      if (found === undefined || (isExact && !isSameName(found.owner, name))) return undefined;
      const verified = spans.confirm(found);
      if (verified !== undefined) return verified;
    }
  };
  return { zone, floor };
};

/** Records of one chain in their order, each verified when it is first used. */
class Spans<Span extends { readonly rrset: Rrset }> {
  readonly #entries: { readonly key: Uint8Array; span: Span; isVerified: boolean }[] = [];
  readonly #read: (rrset: Rrset) => Span | undefined;
  readonly #keyOf: (span: Span) => Uint8Array;
  readonly #verify: DenialRecords['verify'];

  /** `keyOf` gives the bytes by which the records stand in order. */
  constructor(
    rrsets: readonly Rrset[],
    read: (rrset: Rrset) => Span | undefined,
    keyOf: (span: Span) => Uint8Array,
    verify: DenialRecords['verify'],
  ) {
    this.#read = read;
    this.#keyOf = keyOf;
    this.#verify = verify;
    for (const rrset of rrsets.slice(0, RECORDS_MAX)) {
      const span = read(rrset);
      if (span !== undefined)
        this.#entries.push({ key: keyOf(span), span, isVerified: verify === undefined });
    }
    this.#entries.sort((a, b) => Buffer.compare(a.key, b.key));
  }

  get all(): readonly Span[] {
    return this.#entries.map(({ span }) => span);
  }

  get last(): Span | undefined {
    return this.#entries.at(-1)?.span;
  }

  /** The last one whose key is not above `key`. */
  floor(key: Uint8Array): Span | undefined {
    return this.#entries[this.#indexOf(key)]?.span;
  }

  /** The record with its signature verified; undefined, and never found again, when it is not good. */
  confirm(span: Span): Span | undefined {
    const index = this.#indexOf(this.#keyOf(span));
    const entry = this.#entries[index];
    if (entry === undefined || entry.isVerified) return entry?.span;
    const rrset = this.#verify?.(entry.span.rrset);
    const verified = rrset === undefined ? undefined : this.#read(rrset);
    if (verified === undefined) {
      this.#entries.splice(index, 1);
      return undefined;
    }
    entry.span = verified;
    entry.isVerified = true;
    return verified;
  }

  /** -1 where all are above `key`. */
  #indexOf(key: Uint8Array): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = this.#entries[middle]?.key;
      if (at !== undefined && Buffer.compare(at, key) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/**
 * The NSEC3 records of the answer, all of the same parameters; undefined when there are none, or of different ones, or when
 * NSEC records of the zone are there, which did not prove it. 'unsupported': they are not computed, and the zone signed one
 * of them.
 */
const readNsec3Chain = (records: DenialRecords): Nsec3Chain | 'unsupported' | undefined => {
  const known = chainsOf(records);
  known.nsec3 ??= createNsec3Chain(records) ?? 'none';
  return known.nsec3 === 'none' ? undefined : known.nsec3;
};

const createNsec3Chain = (records: DenialRecords): Nsec3Chain | 'unsupported' | undefined => {
  const { zone, verify } = records;
  if (records.nsec.some((rrset) => readNsec(rrset, zone) !== undefined)) return undefined;
  const spans = new Spans<Nsec3>(
    records.nsec3,
    (rrset) => readNsec3(rrset, zone),
    ({ hash }) => hash,
    verify,
  );
  const [head, ...others] = spans.all;
  if (head === undefined) return undefined;
  const { parameters } = head;
  if (others.some((other) => !isSameParameters(other.parameters, parameters))) return undefined;
  if (parameters.iterations > NSEC3_ITERATIONS_COMPUTED_MAX) {
    // A forger of such a record must not make a zone insecure.
    const isSigned = verify === undefined || spans.all.some(({ rrset }) => verify(rrset) !== undefined);
    return isSigned ? 'unsupported' : undefined;
  }
  return {
    zone,
    parameters,
    floor: (hash) => spans.floor(hash) ?? spans.last,
    confirm: (span) => spans.confirm(span),
  };
};

const isComputed = (chain: Nsec3Chain | 'unsupported' | undefined): chain is Nsec3Chain =>
  typeof chain === 'object';
