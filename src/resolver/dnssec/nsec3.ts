// NSEC3: the same proofs over hashed names, and spans that leave unsigned delegations out (opt-out).
//
// Invariants: as for NSEC; no name is hashed that the work of the question does not pay for, and nothing is hashed
// with more iterations than NSEC3_ITERATIONS_COMPUTED_MAX (CVE-2023-50868). Records with a hash or flags that nobody has
// defined are passed over (RFC 5155 sections 8.1 and 8.2), so that an answer with no others proves nothing.
// RFC 5155 section 8, RFC 6840 sections 4.1, 4.3 and 4.4, RFC 9276 section 3.2.
import { hash } from 'node:crypto';
import { countLabels, skipLabels, TYPE } from '../../wire/dns/dns.ts';
import { ancestor, wildcardOf } from './canonical.ts';
import {
  type DelegationProof,
  endsZone,
  hasType,
  isBitmapSound,
  isSameName,
  isSignedInPlace,
  judgeDelegation,
  judgeWildcard,
  lacksType,
  type Proof,
} from './nsec.ts';
import type { Rrset } from './rrset.ts';
import type { Work } from './work.ts';

/**
 * Iterations up to which a proof makes an answer secure; above, it makes it insecure (RFC 9276 section 3.2). The same as
 * in BIND 9.20, which will not sign with more either.
 */
export const NSEC3_ITERATIONS_MAX = 50;
/**
 * Iterations that are computed, as in unbound: 151 rounds of SHA-1 are some 150 µs, and while they run no other client of
 * the thread is served. A record that is not computed shows nothing, and taking it for a proof would let whoever has one
 * say that any name is unsigned.
 */
export const NSEC3_ITERATIONS_COMPUTED_MAX = 150;

/** SHA-1, the only hash of the registry (RFC 5155 section 11). */
const HASH_ALGORITHM_SHA1 = 1;
const HASH_LENGTH = 20;
/** A hash as a label: 160 bits, five a letter. */
const HASH_LABEL_LENGTH = 32;
const FLAG_OPT_OUT = 1;

/** How names are hashed. */
export interface Nsec3Parameters {
  readonly iterations: number;
  readonly salt: Uint8Array;
}

/** One NSEC3 record. */
export interface Nsec3 {
  readonly rrset: Rrset;
  readonly parameters: Nsec3Parameters;
  /** The hash that its owner name begins with. */
  readonly hash: Uint8Array;
  /** The next hash of the zone; the first one in the last record. */
  readonly next: Uint8Array;
  readonly isOptOut: boolean;
  /** The type bitmap, in sound form. */
  readonly types: Uint8Array;
}

/** Some NSEC3 records of one zone, of the same parameters. */
export interface Nsec3Chain<Span extends Nsec3 = Nsec3> {
  /** The apex, a folded wire name. */
  readonly zone: Uint8Array;
  readonly parameters: Nsec3Parameters;
  /** The record with the greatest hash that is not above `hash`; the one with the greatest of all if there is none. */
  floor(hash: Uint8Array): Span | undefined;
  /**
   * The record of floor() with its signature verified; undefined when it is not good, and floor() does not return it
   * again. Absent where all are verified.
   */
  confirm?(span: Span): Span | undefined;
}

/** What was proven, and the records that it took. */
export interface Nsec3Finding<Span extends Nsec3 = Nsec3> {
  readonly proof: Proof;
  readonly records: readonly Span[];
}

/**
 * The record of an NSEC3 RRset whose signature was verified; undefined when it proves nothing about `zone`. Iterations
 * may be above NSEC3_ITERATIONS_COMPUTED_MAX.
 */
export const readNsec3 = (rrset: Rrset, zone: Uint8Array): Nsec3 | undefined => {
  const [rdata, second] = rrset.rdatas;
  if (rrset.type !== TYPE.NSEC3 || rdata === undefined || second !== undefined) return undefined;
  if (!isSignedInPlace(rrset, zone) || !isSameName(skipLabels(rrset.owner, 1), zone)) return undefined;
  const ownHash = readHashLabel(rrset.owner);
  const flags = rdata[1] ?? 0;
  if (ownHash === undefined || rdata[0] !== HASH_ALGORITHM_SHA1 || (flags & ~FLAG_OPT_OUT) !== 0)
    return undefined;
  const saltEnd = 5 + (rdata[4] ?? 0);
  const nextEnd = saltEnd + 1 + HASH_LENGTH;
  if (nextEnd > rdata.length || rdata[saltEnd] !== HASH_LENGTH) return undefined;
  const types = rdata.subarray(nextEnd);
  if (!isBitmapSound(types)) return undefined;
  const iterations = ((rdata[2] ?? 0) << 8) | (rdata[3] ?? 0);
  return {
    rrset,
    parameters: { iterations, salt: rdata.subarray(5, saltEnd) },
    hash: ownHash,
    next: rdata.subarray(saltEnd + 1, nextEnd),
    isOptOut: (flags & FLAG_OPT_OUT) !== 0,
    types,
  };
};

/**
 * What a chain shows about a name: a record of its own, or its closest encloser, the span of the next closer name and
 * what stands for the wildcard. The proofs of everything but a wildcard expansion begin with it.
 */
export interface Nsec3Survey<Span extends Nsec3 = Nsec3> {
  /** The record of the name itself, or of its closest encloser when `covering` is there. */
  readonly matching: Span;
  /** The span that the next closer name, one label longer than the encloser, falls into. */
  readonly covering: Span | undefined;
  readonly wildcard: Nsec3LookUp<Span>;
}

/** Why there is no survey: the records do not show enough, or the work that a question may cost is used up. */
export type Nsec3Failure = 'unproven' | 'exceeded';

/** What the chain has for one name: a record of its hash, a span that its hash falls into, or neither. */
export interface Nsec3LookUp<Span extends Nsec3 = Nsec3> {
  readonly matching?: Span;
  readonly covering?: Span;
}

/** Surveys a folded wire name of the zone. */
export const surveyName = <Span extends Nsec3>(
  chain: Nsec3Chain<Span>,
  name: Uint8Array,
  work: Work,
): Nsec3Survey<Span> | Nsec3Failure => {
  const found = findEncloser(chain, name, work);
  if (typeof found === 'string') return found;
  const { matching, covering } = found;
  if (covering === undefined) return { matching, covering, wildcard: {} };
  const wildcard = lookUpVerified(chain, wildcardOf(found.name), work);
  return typeof wildcard === 'string' ? wildcard : { matching, covering, wildcard };
};

/** The records of a survey that prove NXDOMAIN (RFC 5155 section 8.4). */
export const proveNameErrorByNsec3 = <Span extends Nsec3>(
  survey: Nsec3Survey<Span> | Nsec3Failure,
): Nsec3Finding<Span> => {
  if (typeof survey === 'string') return { proof: survey, records: [] };
  const { matching, covering, wildcard } = survey;
  if (covering === undefined || wildcard.covering === undefined) return UNPROVEN;
  return createFinding(covering, [matching, covering, wildcard.covering]);
};

/** The records of a survey of `qname` that prove NODATA (RFC 5155 sections 8.5 to 8.7). */
export const proveNoDataByNsec3 = <Span extends Nsec3>(
  survey: Nsec3Survey<Span> | Nsec3Failure,
  qname: Uint8Array,
  qtype: number,
): Nsec3Finding<Span> => {
  if (typeof survey === 'string') return { proof: survey, records: [] };
  const { matching, covering, wildcard } = survey;
  if (covering === undefined)
    return lacksType(matching.types, qtype, qname) ? { proof: 'proven', records: [matching] } : UNPROVEN;
  if (wildcard.matching !== undefined)
    return lacksType(wildcard.matching.types, qtype, qname)
      ? createFinding(covering, [matching, covering, wildcard.matching])
      : UNPROVEN;
  // An unsigned delegation may hide in an opt-out span, and the empty non-terminals above it (RFC 5155 section 7.1).
  return covering.isOptOut ? { proof: 'opt-out', records: [matching, covering] } : UNPROVEN;
};

/** What a survey proves about the DS of a name below the apex (RFC 5155 sections 8.6 and 8.9). */
export const proveNoDsByNsec3 = (survey: Nsec3Survey | Nsec3Failure): DelegationProof => {
  if (typeof survey === 'string') return survey;
  const { matching, covering, wildcard } = survey;
  if (covering === undefined) return judgeDelegation(matching.types);
  if (covering.isOptOut) return 'insecure';
  if (wildcard.matching !== undefined) return judgeWildcard(wildcard.matching.types);
  return wildcard.covering === undefined ? 'unproven' : 'no-name';
};

/** 'proven' when the first delegation on the way from the apex to a name is shown, and has no DS. One hash a label. */
export const proveUnsignedByNsec3 = (chain: Nsec3Chain, name: Uint8Array, work: Work): Proof => {
  const labels = countLabels(name);
  for (let count = countLabels(chain.zone) + 1; count <= labels; count++) {
    const above = lookUp(chain, ancestor(name, count), work);
    if (typeof above === 'string') return above;
    // Below a name that is not there is nothing.
    if (above.covering !== undefined) return 'unproven';
    if (above.matching === undefined || !hasType(above.matching.types, TYPE.NS)) continue;
    const verified = confirm(chain, above.matching);
    if (verified === undefined) return 'unproven';
    return judgeDelegation(verified.types) === 'insecure' ? 'proven' : 'unproven';
  }
  return 'unproven';
};

/** The record that proves that nothing closer to `qname` exists than `closestEncloser` (RFC 5155 section 8.8). */
export const proveWildcardByNsec3 = <Span extends Nsec3>(
  chain: Nsec3Chain<Span>,
  qname: Uint8Array,
  closestEncloser: Uint8Array,
  work: Work,
): Nsec3Finding<Span> => {
  const nextCloser = lookUpVerified(chain, ancestor(qname, countLabels(closestEncloser) + 1), work);
  if (typeof nextCloser === 'string') return { proof: nextCloser, records: [] };
  const { covering } = nextCloser;
  return covering === undefined ? UNPROVEN : createFinding(covering, [covering]);
};

/** The hash of a folded wire name (RFC 5155 section 5). Costs as many rounds of SHA-1 as there are iterations, and one. */
export const hashName = (name: Uint8Array, parameters: Nsec3Parameters): Uint8Array => {
  const { iterations, salt } = parameters;
  let digest = hash('sha1', Buffer.concat([name, salt]), 'buffer');
  const input = Buffer.alloc(HASH_LENGTH + salt.length);
  input.set(salt, HASH_LENGTH);
  for (let i = 0; i < iterations; i++) {
    input.set(digest, 0);
    digest = hash('sha1', input, 'buffer');
  }
  return digest;
};

/** The order of hashes: negative, zero or positive. */
export const compareHashes = (a: Uint8Array, b: Uint8Array): number => Buffer.compare(a, b);

/** True when names hash alike. */
export const isSameParameters = (a: Nsec3Parameters, b: Nsec3Parameters): boolean =>
  a.iterations === b.iterations && Buffer.compare(a.salt, b.salt) === 0;

/** True when a hash falls strictly between the two of a record; the span of the last one goes round. */
export const isHashBetween = (nsec3: Nsec3, nameHash: Uint8Array): boolean => {
  const isAfter = compareHashes(nsec3.hash, nameHash) < 0;
  const isBefore = compareHashes(nameHash, nsec3.next) < 0;
  return compareHashes(nsec3.hash, nsec3.next) < 0 ? isAfter && isBefore : isAfter || isBefore;
};

const UNPROVEN = { proof: 'unproven', records: [] } as const;

/** The closest encloser of a name, or the name itself when `covering` is undefined. */
interface Encloser<Span extends Nsec3> {
  readonly name: Uint8Array;
  readonly matching: Span;
  /** The span of the next closer name: one label longer, and not there. */
  readonly covering: Span | undefined;
}

const createFinding = <Span extends Nsec3>(
  nextCloser: Nsec3,
  records: readonly Span[],
): Nsec3Finding<Span> => ({ proof: nextCloser.isOptOut ? 'opt-out' : 'proven', records });

const lookUp = <Span extends Nsec3>(
  chain: Nsec3Chain<Span>,
  name: Uint8Array | undefined,
  work: Work,
): Nsec3LookUp<Span> | Nsec3Failure => {
  if (name === undefined) return {};
  if (!work.takeNsec3Hash(chain.parameters.iterations)) return 'exceeded';
  const nameHash = hashName(name, chain.parameters);
  const nsec3 = chain.floor(nameHash);
  if (nsec3 === undefined) return {};
  if (compareHashes(nsec3.hash, nameHash) === 0) return { matching: nsec3 };
  return isHashBetween(nsec3, nameHash) ? { covering: nsec3 } : {};
};

const confirm = <Span extends Nsec3>(chain: Nsec3Chain<Span>, span: Span): Span | undefined =>
  chain.confirm === undefined ? span : chain.confirm(span);

/** As lookUp(), of records that were verified: one whose signature is not good gives its place to another. */
const lookUpVerified = <Span extends Nsec3>(
  chain: Nsec3Chain<Span>,
  name: Uint8Array | undefined,
  work: Work,
): Nsec3LookUp<Span> | Nsec3Failure => {
  for (;;) {
    const found = lookUp(chain, name, work);
    if (typeof found === 'string') return found;
    const { matching, covering } = found;
    const span = matching ?? covering;
    if (span === undefined) return found;
    const verified = confirm(chain, span);
    if (verified !== undefined)
      return matching === undefined ? { covering: verified } : { matching: verified };
  }
};

/**
 * The name itself or its closest encloser (RFC 5155 section 8.3); 'unproven' when the records do not show it.
 *
 * Goes up from the name, one hash a label, to the first that a record matches. Only the two records that count are
 * verified; when one of them is not good, the search begins again without it.
 */
const findEncloser = <Span extends Nsec3>(
  chain: Nsec3Chain<Span>,
  qname: Uint8Array,
  work: Work,
): Encloser<Span> | Nsec3Failure => {
  const apexLabels = countLabels(chain.zone);
  let below: Nsec3LookUp<Span> = {};
  for (let count = countLabels(qname); count >= apexLabels; count--) {
    const name = ancestor(qname, count);
    const at = lookUp(chain, name, work);
    if (typeof at === 'string') return at;
    if (at.matching === undefined) {
      below = at;
      continue;
    }
    const isWhole = name.length === qname.length;
    if (!isWhole && (below.covering === undefined || endsZone(at.matching.types))) return 'unproven';
    const matching = confirm(chain, at.matching);
    const covering = below.covering && confirm(chain, below.covering);
    const isGood = matching !== undefined && (isWhole || covering !== undefined);
    return isGood ? { name, matching, covering } : findEncloser(chain, qname, work);
  }
  return 'unproven';
};

/** The hash that the first label of a folded owner writes in base32hex (RFC 5155 section 3, RFC 4648 section 7). */
const readHashLabel = (owner: Uint8Array): Uint8Array | undefined => {
  if (owner[0] !== HASH_LABEL_LENGTH) return undefined;
  const out = new Uint8Array(HASH_LENGTH);
  let written = 0;
  let bits = 0;
  let pending = 0;
  for (let i = 1; i <= HASH_LABEL_LENGTH; i++) {
    const digit = readDigit(owner[i] ?? 0);
    if (digit < 0) return undefined;
    pending = ((pending << 5) | digit) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    out[written++] = (pending >> bits) & 0xff;
  }
  return out;
};

const readDigit = (letter: number): number => {
  if (letter >= 0x30 && letter <= 0x39) return letter - 0x30;
  return letter >= 0x61 && letter <= 0x76 ? letter - 0x61 + 10 : -1;
};
