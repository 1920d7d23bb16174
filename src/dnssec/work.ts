// How much work one client question may cause, whatever a zone's owner wrote into it.
//
// Keys that share a tag, signatures without number (CVE-2023-50387) and hashes of long names (CVE-2023-50868) make a
// validator work for seconds on one small message. Every cost of validation is taken from here before it arises; what
// cannot be taken is not done, and the answer is bogus.

/** What a question may take, each a count. */
export interface WorkLimits {
  /** Signatures verified, good ones included. */
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
 * Twelve aliases whose zones each need DNSKEY, DS, answer and two denials come to 60. A verification takes 0.06 to 0.15
 * ms for what most zones use and 0.7 ms for P-384: a question costs 10 ms as a rule and 50 ms at worst.
 */
const VERIFICATIONS_MAX = 64;
/** A zone in the middle of a rollover has two or three keys of one tag at worst; sixteen wrong tries are an attack. */
const FAILURES_MAX = 16;
/**
 * A name of ip6.arpa has 34 labels, each hashed once; three such proofs fit. At 100 iterations a hash takes 0.1 ms, so
 * that a question costs 13 ms at worst.
 */
const NSEC3_HASHES_MAX = 128;
/** Two a zone cut for five zones, and the same for each of some aliases. */
const LOOKUPS_MAX = 64;

/** Bytes whose digest takes less time than the verification itself; more under one signature count as further ones. */
const VERIFICATION_BYTES = 65_536;

/** What is left for one client question. */
export class Work {
  #verifications: number;
  #failures: number;
  #nsec3Hashes: number;
  #lookups: number;
  #exceeded: WorkExcess | undefined;

  constructor(limits: Partial<WorkLimits> = {}) {
    this.#verifications = limits.verifications ?? VERIFICATIONS_MAX;
    this.#failures = limits.failures ?? FAILURES_MAX;
    this.#nsec3Hashes = limits.nsec3Hashes ?? NSEC3_HASHES_MAX;
    this.#lookups = limits.lookups ?? LOOKUPS_MAX;
  }

  /** The limit that was met first; undefined while every take was granted. */
  get exceeded(): WorkExcess | undefined {
    return this.#exceeded;
  }

  /** Takes the verification of a signature over `sizeBytes`; false when it may not be done. */
  takeVerification(sizeBytes = 0): boolean {
    if (this.#failures <= 0) return this.#exceed('failures');
    this.#verifications -= 1 + Math.floor(sizeBytes / VERIFICATION_BYTES);
    return this.#verifications >= 0 || this.#exceed('verifications');
  }

  /** Counts a signature that was wrong; after the last one that is allowed no verification is granted. */
  countFailure(): void {
    this.#failures--;
  }

  /** Takes the NSEC3 hash of one name; false when it may not be computed. */
  takeNsec3Hash(): boolean {
    this.#nsec3Hashes--;
    return this.#nsec3Hashes >= 0 || this.#exceed('nsec3Hashes');
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
