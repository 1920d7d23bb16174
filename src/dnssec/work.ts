// How much work one client question may cause, whatever a zone's owner wrote into it.
//
// Keys that share a tag, signatures without number (CVE-2023-50387) and hashes of long names (CVE-2023-50868) make a
// validator work for seconds on one small message. Every cost of validation is taken from here before it arises; what
// cannot be taken is not done, and the answer is bogus.
//
// Costs are in units: what one verification of ECDSA P-256 takes, 0.06 ms. A signature of P-384 is eight of them
// (keyCost()), a name of NSEC3 hashed 51 times most of one.

/** What a question may take, each a count. */
export interface WorkLimits {
  /** Units of signatures verified, good ones included. */
  readonly verifications: number;
  /** Signatures that turned out wrong. */
  readonly failures: number;
  /** NSEC3 hashes, their iterations not counted. */
  readonly nsec3Hashes: number;
  /** Look-ups for keys, delegations and answers. */
  readonly lookups: number;
}

/** Which limit a question ran into. */
export type WorkExcess = keyof WorkLimits;

/**
 * Twelve aliases whose zones each need DNSKEY, DS, answer and two denials come to 60, and one of three zones of P-384 to
 * 120. A question costs 8 ms at worst, in pieces (see pace.ts).
 */
const VERIFICATIONS_MAX = 128;
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

  /** `onSpend` is told each number of units that is taken. */
  constructor(limits: Partial<WorkLimits> = {}, onSpend?: (units: number) => void) {
    this.#onSpend = onSpend;
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

  /**
   * Takes the verification of a signature over `sizeBytes` by a key that costs `units`; false when it may not be done.
   */
  takeVerification(sizeBytes = 0, units = 1): boolean {
    if (this.#failures <= 0) return this.#exceed('failures');
    const cost = units + Math.floor(sizeBytes / VERIFICATION_BYTES);
    if (this.#verifications < cost) return this.#exceed('verifications');
    this.#verifications -= cost;
    this.spend(cost);
    return true;
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
    this.spend((iterations + 1) / ROUNDS_PER_UNIT);
    return true;
  }

  /** Counts units that have no limit of their own. */
  spend(units: number): void {
    this.#spent += units;
    this.#onSpend?.(units);
  }

  /** Takes a look-up; false when it may not be made. */
  takeLookup(): boolean {
    this.#lookups--;
    return this.#lookups >= 0 || this.#exceed('lookups');
  }

  #exceed(limit: WorkExcess): false {
    this.#exceeded ??= limit;
    return false;
  }
}
