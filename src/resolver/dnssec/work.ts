// How much work one client question may cause, whatever a zone's owner wrote into it, and which zones caused it.
//
// Keys that share a tag, signatures without number (CVE-2023-50387) and hashes of long names (CVE-2023-50868) make a
// validator work for seconds on one small message. Every cost of validation is taken from here before it arises; what
// cannot be taken is not done, and the answer is bogus. Before each step whoever takes it says whose keys it is about, so that
// a zone in debt (see debts.ts) can be held to less, and no other is.
//
// Costs are in units: what one verification of ECDSA P-256 takes, 0.06 ms. A signature of P-384 is eight of them
// (keyCost()), a name of NSEC3 hashed 51 times most of one, a look-up three.
import { nameEquals } from '../../wire/dns/dns.ts';

/** What a question may take, each a count. */
export interface WorkLimits {
  /** Units of signatures verified, good ones included, of hashes and of look-ups. */
  readonly verifications: number;
  /** Signatures that turned out wrong. */
  readonly failures: number;
  /** NSEC3 hashes, their iterations not counted. */
  readonly nsec3Hashes: number;
  /** Look-ups for keys, delegations and answers. */
  readonly lookups: number;
}

/** Which limit a question ran into: its own, or what a zone in debt may cost. */
export type WorkExcess = keyof WorkLimits | 'debt';

/** To what work by the keys of a zone is bound. */
export interface Terms {
  /** Zones with the same one share its units. */
  readonly purse: string;
  /** For each question. */
  readonly units: number;
}

/** Knows who is in debt. */
export interface Creditor {
  termsOf(zone: Uint8Array): Terms | undefined;
}

/** What one zone's keys and names cost in one question. */
export interface Share {
  readonly zone: Uint8Array;
  units: number;
  /** It would have cost more than its terms allow. */
  isOverdrawn: boolean;
  readonly purse: Purse | undefined;
}

interface Purse {
  readonly name: string;
  left: number;
}

/**
 * An address of ip6.arpa in a signed zone of a network of 64 bits comes to 70 when nothing is known, an alias between two
 * zones of P-384 to 75. A question costs 5 ms at worst, in pieces (see pace.ts), as with unbound 1.22, which gives up twenty
 * signed cuts after 3.5 to 4.7. What was learned up to then stays, so that a question that honestly needs more succeeds when it is
 * asked again.
 */
const VERIFICATIONS_MAX = 80;
/** A zone in the middle of a rollover has two or three keys of one tag at worst; sixteen wrong tries are an attack. */
const FAILURES_MAX = 16;
/** A name of ip6.arpa has 34 labels, each hashed once; three such proofs fit. */
const NSEC3_HASHES_MAX = 128;
/** Rounds of SHA-1 of all hashes: 40 names at the most iterations that are computed, 1.7 ms. */
const NSEC3_ROUNDS_MAX = 2048;
/** Rounds of SHA-1 that take as long as one unit. */
const ROUNDS_PER_UNIT = 72;
/** Two a zone cut for five zones, and the same for each of some aliases. */
const LOOKUPS_MAX = 64;
/** A look-up with its answer takes 0.2 ms. */
export const LOOKUP_UNITS = 3;

/** Bytes whose digest takes less time than the verification itself; more under one signature count as further ones. */
const VERIFICATION_BYTES = 65_536;

/** What is left for one client question. */
export class Work {
  #verifications: number;
  #failures: number;
  #nsec3Hashes: number;
  #nsec3Rounds = NSEC3_ROUNDS_MAX;
  #lookups: number;
  #exceeded: WorkExcess | undefined;
  #spent = 0;
  readonly #onSpend: ((units: number) => void) | undefined;
  readonly #creditor: Creditor | undefined;
  readonly #shares: Share[] = [];
  #share: Share | undefined;
  #isLimited = false;

  /** `onSpend` is told each number of units that is taken; without a creditor nobody is in debt. */
  constructor(
    limits: Partial<WorkLimits> = {},
    onSpend?: (units: number) => void,
    creditor?: Creditor | undefined,
  ) {
    this.#onSpend = onSpend;
    this.#creditor = creditor;
    this.#verifications = limits.verifications ?? VERIFICATIONS_MAX;
    this.#failures = limits.failures ?? FAILURES_MAX;
    this.#nsec3Hashes = limits.nsec3Hashes ?? NSEC3_HASHES_MAX;
    this.#lookups = limits.lookups ?? LOOKUPS_MAX;
  }

  /** The limit that was met first; undefined while every take was granted. */
  get exceeded(): WorkExcess | undefined {
    return this.#exceeded;
  }

  /** Units taken so far. */
  get spent(): number {
    return this.#spent;
  }

  /** True when somebody is in debt who led here, or whose keys it took. */
  get isLimited(): boolean {
    return this.#isLimited;
  }

  /** Leaves so many units at most. */
  limitTo(units: number): void {
    this.#verifications = Math.min(this.#verifications, units);
    this.#isLimited = true;
  }

  /** What each zone cost, in the order in which they were first needed. */
  get shares(): readonly Share[] {
    return this.#shares;
  }

  /** Who pays now. */
  get payer(): Share | undefined {
    return this.#share;
  }

  /** From here on the zone with this apex pays, a folded wire name. */
  chargeTo(zone: Uint8Array): void {
    if (this.#share?.zone === zone) return;
    for (const share of this.#shares)
      if (isSameZone(share.zone, zone)) {
        this.#share = share;
        return;
      }
    this.#share = this.#open(zone);
  }

  /**
   * Takes the verification of a signature over `sizeBytes` by a key that costs `units`; false when it may not be done.
   */
  takeVerification(sizeBytes = 0, units = 1): boolean {
    if (this.#failures <= 0) return this.#exceed('failures');
    return this.#take(units + Math.floor(sizeBytes / VERIFICATION_BYTES));
  }

  /** Counts a signature that was wrong; after the last one that is allowed no verification is granted. */
  countFailure(): void {
    this.#failures--;
  }

  /** Takes the NSEC3 hash of one name with so many iterations; false when it may not be computed. */
  takeNsec3Hash(iterations = 0): boolean {
    this.#nsec3Hashes--;
    this.#nsec3Rounds -= iterations + 1;
    if (this.#nsec3Hashes < 0 || this.#nsec3Rounds < 0) return this.#exceed('nsec3Hashes');
    return this.#take((iterations + 1) / ROUNDS_PER_UNIT);
  }

  /** Counts units that have no limit of their own. */
  spend(units: number): void {
    this.#spent += units;
    if (this.#share !== undefined) this.#share.units += units;
    this.#onSpend?.(units);
  }

  /** Takes a look-up; false when it may not be made. */
  takeLookup(): boolean {
    this.#lookups--;
    return this.#lookups < 0 ? this.#exceed('lookups') : this.#take(LOOKUP_UNITS);
  }

  #take(units: number): boolean {
    const share = this.#share;
    if (share?.purse !== undefined && share.purse.left < units) {
      share.isOverdrawn = true;
      return this.#exceed('debt');
    }
    if (this.#verifications < units) return this.#exceed('verifications');
    this.#verifications -= units;
    if (share?.purse !== undefined) share.purse.left -= units;
    this.spend(units);
    return true;
  }

  /** Bounded by the look-ups of a question: each zone took one, or was known. */
  #open(zone: Uint8Array): Share {
    const terms = this.#creditor?.termsOf(zone);
    let purse: Purse | undefined;
    if (terms !== undefined) {
      this.#isLimited = true;
      const { purse: name, units } = terms;
      purse = this.#shares.find((share) => share.purse?.name === name)?.purse ?? { name, left: units };
    }
    const share: Share = { zone, units: 0, isOverdrawn: false, purse };
    this.#shares.push(share);
    return share;
  }

  #exceed(limit: WorkExcess): false {
    this.#exceeded ??= limit;
    return false;
  }
}

const isSameZone = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && nameEquals(a, 0, b, 0, a.length);
