// RRsets under the keys of a zone: which of them are good, and what is wrong with the others.
//
// Nothing here asks for data. Bounded per RRset as well as per question: a zone whose keys share one tag cannot use up
// the work of a whole question on one RRset (CVE-2023-50387). What is wrong becomes a code of RFC 8914 and a text that
// names the RRset. RFC 4035 section 5.3, RFC 6840 section 5.
import { CLASS, EDE, formatName, formatType, SECTION, TYPE } from '../../wire/dns/dns.ts';
import type { TrustAnchor } from './anchors.ts';
import type { DenialRecords } from './denial.ts';
import { type DelegationSigner, matchesDs, mayNameKey } from './digest.ts';
import { type DnsKey, isKeySupported, parseDnsKey } from './key.ts';
import { isSameName } from './nsec.ts';
import type { Rrset, Signature } from './rrset.ts';
import { isWildcardExpanded, type SignatureFlaw, verifySignature } from './signature.ts';
import type { Work } from './work.ts';

/**
 * Wrong signatures of one RRset before it is given up: what is expired or of an unknown key costs no cryptography, so an
 * honest zone has one at worst, when two of its keys share a tag.
 */
const FAILURES_PER_RRSET_MAX = 4;
/** Records of denial of one zone in one answer that are not good: an honest answer that is over has three. */
const DISCARDED_MAX = 16;
/** To read one and put it in its place among the others, good or not: some 2 µs where its name is long. */
const DENIAL_UNITS = 0.03;
/** What one of those costs beside its cryptography: its text, mostly. */
const DISCARDED_UNITS = 0.25;
/** Digests of one DNSKEY RRset: some 1 ms. Only keys with the tag and the algorithm of a DS take one. */
const DIGESTS_MAX = 512;
/** Characters of a name in a text. */
const NAME_TEXT_LENGTH_MAX = 80;

/** What is wrong: an INFO-CODE of RFC 8914 and a short text for people. */
export interface Flaw {
  readonly code: number;
  readonly text: string;
}

/** What one client question is validated with. */
export interface Examination {
  /** Seconds since 1970 at which signatures are judged. */
  readonly nowSec: number;
  readonly work: Work;
  /** SHA-1 signatures count (see isAlgorithmSupported). */
  readonly allowSha1: boolean;
  /**
   * To be awaited before work that takes long, and only where there is something to await; false: too many wait. The work
   * follows at once: a promise in between would let others in before it counts.
   */
  readonly pause?: () => Promise<boolean> | undefined;
}

/** The work of the question is used up. */
export interface Exceeded {
  readonly kind: 'exceeded';
}

export const EXCEEDED: Exceeded = { kind: 'exceeded' };

/** What the signatures of an RRset say under the keys of a zone. */
export type Verification =
  | {
      readonly kind: 'good';
      readonly signature: Signature;
      /** Seconds that the signature allows: its original TTL, its end, the TTL as it came (RFC 4035 section 5.3.3). */
      readonly ttlSec: number;
    }
  | { readonly kind: 'flawed'; readonly flaw: Flaw }
  | Exceeded;

/** `NAME TYPE: PROBLEM`, the name bounded. */
export const createFlaw = (code: number, name: Uint8Array, type: number, problem: string): Flaw => ({
  code,
  text: `${formatName(name).slice(0, NAME_TEXT_LENGTH_MAX)} ${formatType(type)}: ${problem}`,
});

/** Verifies an RRset: one good signature of the zone by one of its keys is enough (RFC 6840 section 5.11). */
export const verifyRrset = (
  rrset: Rrset,
  zone: Uint8Array,
  keys: readonly DnsKey[],
  examination: Examination,
): Verification => {
  const { nowSec, work, allowSha1 } = examination;
  let worst: Problem = 'unsigned';
  let failures = 0;
  for (const signature of rrset.signatures) {
    if (!isSameName(signature.signer, zone)) continue;
    worst = worseOf(worst, 'unknown-key');
    for (const key of keys) {
      if (key.keyTag !== signature.keyTag || key.algorithm !== signature.algorithm) continue;
      if (failures >= FAILURES_PER_RRSET_MAX) break;
      const problem = verifySignature(rrset, signature, key, nowSec, work, allowSha1);
      if (problem === undefined) {
        const leftSec = (signature.expiration - nowSec) | 0;
        return { kind: 'good', signature, ttlSec: Math.min(rrset.ttlSec, signature.originalTtlSec, leftSec) };
      }
      if (problem === 'exceeded') return EXCEEDED;
      if (problem === 'wrong' || problem === 'malformed') failures++;
      worst = worseOf(worst, problem);
    }
  }
  const { code, text } = PROBLEMS[worst];
  return { kind: 'flawed', flaw: createFlaw(code, rrset.owner, rrset.type, text) };
};

type Problem = Exclude<SignatureFlaw, 'exceeded'> | 'unsigned' | 'unknown-key';

/** In the order of how much they tell: the last one that was met is reported. */
const PROBLEMS: Readonly<Record<Problem, Flaw>> = {
  unsigned: { code: EDE.RRSIGS_MISSING, text: 'no signature of its zone' },
  'unknown-key': { code: EDE.DNSKEY_MISSING, text: 'signed by a key that the zone does not have' },
  unsupported: { code: EDE.RRSIGS_MISSING, text: 'no signature of a supported algorithm' },
  malformed: { code: EDE.DNSSEC_BOGUS, text: 'malformed signature' },
  'not-yet-valid': { code: EDE.SIGNATURE_NOT_YET_VALID, text: 'signature is not valid yet' },
  expired: { code: EDE.SIGNATURE_EXPIRED, text: 'signature has expired' },
  wrong: { code: EDE.DNSSEC_BOGUS, text: 'wrong signature' },
};
const PROBLEM_ORDER = Object.keys(PROBLEMS);

const worseOf = (a: Problem, b: Problem): Problem =>
  PROBLEM_ORDER.indexOf(b) > PROBLEM_ORDER.indexOf(a) ? b : a;

/**
 * What a DNSKEY RRset is worth. Never insecure: who names a key, the parent or an operator, wants the zone validated, and
 * whoever serves the keys must not be able to say otherwise.
 */
export type KeySet =
  | {
      readonly kind: 'secure';
      readonly keys: readonly DnsKey[];
      readonly ttlSec: number;
      /** The one that was verified: no other says anything. */
      readonly signature: Signature;
    }
  | { readonly kind: 'bogus'; readonly flaw: Flaw }
  | Exceeded;

/** What makes a key of a zone trusted: its trust anchor or the DS records of its parent that count. */
export type KeyTrust = TrustAnchor | { readonly zone: Uint8Array; readonly ds: readonly DelegationSigner[] };

/** Verifies the DNSKEY RRset of a zone by one of the keys that are trusted, whose signature makes all of them good. */
export const verifyKeys = (rrset: Rrset, trust: KeyTrust, examination: Examination): KeySet => {
  const { zone } = trust;
  const keys = rrset.rdatas.flatMap((rdata) => parseDnsKey(rdata) ?? []);
  const trusted = findTrusted(trust, keys);
  if (trusted.length === 0) return { kind: 'bogus', flaw: missingKey(trust, keys) };
  const usable = trusted.filter((key) => isKeySupported(key, examination.allowSha1));
  if (usable.length === 0) {
    const problem = 'no trusted key of a size that counts';
    return { kind: 'bogus', flaw: createFlaw(EDE.DNSKEY_MISSING, zone, TYPE.DNSKEY, problem) };
  }
  const verified = verifyRrset(rrset, zone, usable, examination);
  if (verified.kind === 'exceeded') return verified;
  if (verified.kind === 'flawed') return { kind: 'bogus', flaw: verified.flaw };
  // A revoked key would verify the DNSKEY RRset that others ask for, which says nothing (RFC 5011 section 2.1).
  const zoneKeys = keys.filter((key) => key.isZoneKey && !key.isRevoked);
  return { kind: 'secure', keys: zoneKeys, ttlSec: verified.ttlSec, signature: verified.signature };
};

/** The zone keys that an anchor or a DS names, none that is revoked (RFC 4034 section 5.2, RFC 5011 section 2.1). */
export const findTrusted = (trust: KeyTrust, keys: readonly DnsKey[]): DnsKey[] => {
  const anchored = 'keys' in trust ? trust.keys : [];
  let digests = DIGESTS_MAX;
  const isNamed = (ds: DelegationSigner, key: DnsKey): boolean =>
    mayNameKey(ds, key) && digests-- > 0 && matchesDs(ds, trust.zone, key);
  return keys.filter(
    (key) =>
      key.isZoneKey &&
      !key.isRevoked &&
      (anchored.some(({ rdata }) => Buffer.compare(rdata, key.rdata) === 0) ||
        trust.ds.some((ds) => isNamed(ds, key))),
  );
};

const missingKey = (trust: KeyTrust, keys: readonly DnsKey[]): Flaw => {
  const named = keys.find((key) =>
    trust.ds.some((ds) => ds.keyTag === key.keyTag && ds.algorithm === key.algorithm),
  );
  return named !== undefined && !named.isZoneKey
    ? createFlaw(EDE.NO_ZONE_KEY_BIT_SET, trust.zone, TYPE.DNSKEY, 'the key is no zone key')
    : createFlaw(EDE.DNSKEY_MISSING, trust.zone, TYPE.DNSKEY, 'no key that is trusted');
};

/** The NSEC and NSEC3 RRsets of an answer, those that proofs use verified by the way. */
export class VerifiedDenial implements DenialRecords {
  readonly zone: Uint8Array;
  readonly nsec: readonly Rrset[];
  readonly nsec3: readonly Rrset[];
  /** Seconds, the smallest of those verified; Infinity without any. */
  ttlSec = Number.POSITIVE_INFINITY;
  /** What is wrong with the first that is not good. */
  flaw: Flaw | undefined;
  readonly #keys: readonly DnsKey[];
  readonly #examination: Examination;
  /** What is shown to others of those that were looked at; undefined: not good. */
  readonly #results = new Map<Rrset, Rrset | undefined>();
  /** Those of the message by what is left of them without signatures of others. */
  readonly #sources = new Map<Rrset, Rrset>();
  #isExceeded = false;
  #discarded = 0;

  /**
   * The records of denial in AUTHORITY that `zone` signed. One that cannot be verified is left out, because it may be
   * superfluous or of another zone: a proof that needs it fails.
   */
  constructor(rrsets: readonly Rrset[], zone: Uint8Array, keys: readonly DnsKey[], examination: Examination) {
    this.zone = zone;
    this.#keys = keys;
    this.#examination = examination;
    const nsec: Rrset[] = [];
    const nsec3: Rrset[] = [];
    for (const rrset of rrsets) {
      if (!isDenial(rrset)) continue;
      const candidate = narrow(rrset, zone);
      this.#sources.set(candidate, rrset);
      if (candidate.signatures.length > 0) (rrset.type === TYPE.NSEC ? nsec : nsec3).push(candidate);
      // Costs nothing but a text: there is no signature to verify.
      else if (this.flaw === undefined) this.verify(candidate);
    }
    this.nsec = nsec;
    this.nsec3 = nsec3;
    examination.work.spend(DENIAL_UNITS * (nsec.length + nsec3.length));
  }

  readonly isExceeded = (): boolean => this.#isExceeded;

  /** Those of the message whose signatures were verified. */
  get verified(): Rrset[] {
    return [...this.#results].flatMap(([candidate, proven]) =>
      proven === undefined ? [] : (this.#sources.get(candidate) ?? []),
    );
  }

  /** The same, each with the signature that was verified and the TTL that it allows. */
  get proven(): Rrset[] {
    return [...this.#results.values()].filter((proven) => proven !== undefined);
  }

  /** Each record once, however many proofs use it. */
  readonly verify = (rrset: Rrset): Rrset | undefined => {
    if (this.#results.has(rrset)) return this.#results.get(rrset);
    if (this.#discarded >= DISCARDED_MAX) return undefined;
    const result = verifyRrset(rrset, this.zone, this.#keys, this.#examination);
    let proven: Rrset | undefined;
    if (result.kind === 'exceeded') this.#isExceeded = true;
    else if (result.kind === 'flawed') {
      this.flaw ??= result.flaw;
      this.#discarded++;
      this.#examination.work.spend(DISCARDED_UNITS);
    } else {
      this.ttlSec = Math.min(this.ttlSec, result.ttlSec);
      // Only the signature that was verified counts, for the proof and for a client that is shown it later.
      proven = { ...rrset, ttlSec: result.ttlSec, signatures: [result.signature] };
    }
    this.#results.set(rrset, proven);
    return proven;
  };
}

/** The RRset without signatures that are not the zone's, or for a wildcard: they count for no proof (see readNsec). */
const narrow = (rrset: Rrset, zone: Uint8Array): Rrset => {
  const signatures = rrset.signatures.filter(
    (signature) => isSameName(signature.signer, zone) && !isWildcardExpanded(rrset, signature),
  );
  return signatures.length === rrset.signatures.length ? rrset : { ...rrset, signatures };
};

const isDenial = ({ type, section, class: rrsetClass }: Rrset): boolean =>
  (type === TYPE.NSEC || type === TYPE.NSEC3) && section === SECTION.AUTHORITY && rrsetClass === CLASS.IN;
