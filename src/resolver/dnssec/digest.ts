// Delegation signers: DS RDATA, and whether a key is the one that it names (RFC 4034 section 5, RFC 4509, 6605).
//
// Digests are public, so that comparing them in constant time would protect nothing. Nothing here throws.
import { hash } from 'node:crypto';
import { readU16 } from '../../wire/dns/dns.ts';
import { type DnsKey, isAlgorithmSupported } from './key.ts';

/** Digest types: https://www.iana.org/assignments/ds-rr-types. */
export const DIGEST = { SHA1: 1, SHA256: 2, SHA384: 4 } as const;

/** Key tag, algorithm and digest type. */
const FIXED_LENGTH = 4;

/** DS records of one delegation that are compared with its keys. */
const DS_MAX = 16;

/** What node:crypto calls a digest type. */
const HASHES: ReadonlyMap<number, { readonly name: string; readonly bytes: number }> = new Map([
  [DIGEST.SHA1, { name: 'sha1', bytes: 20 }],
  [DIGEST.SHA256, { name: 'sha256', bytes: 32 }],
  [DIGEST.SHA384, { name: 'sha384', bytes: 48 }],
]);

/** The RDATA of a DS (RFC 4034 section 5.1). */
export interface DelegationSigner {
  readonly keyTag: number;
  readonly algorithm: number;
  readonly digestType: number;
  readonly digest: Uint8Array;
}

/**
 * The delegation signer that the RDATA of a DS stands for; undefined when it is too short to be one. A digest of a wrong
 * length, or of no bytes at all, names no key, and the zone is signed all the same.
 */
export const parseDs = (rdata: Uint8Array): DelegationSigner | undefined => {
  if (rdata.length < FIXED_LENGTH) return undefined;
  return {
    keyTag: readU16(rdata, 0),
    algorithm: rdata[2] ?? 0,
    digestType: rdata[3] ?? 0,
    digest: rdata.subarray(FIXED_LENGTH),
  };
};

/**
 * True when a digest can be compared. SHA-1 is among them: to find a second key for a digest is another thing than a
 * collision, and IANA still recommends validation by it. selectDs() drops it where better stands beside it.
 */
export const isDigestSupported = (digestType: number): boolean => HASHES.has(digestType);

/**
 * The only thing in a DS RRset that makes the zone below it insecure: none of them is of an algorithm and a digest type
 * that are supported (RFC 4035 section 5.2, RFC 6840 section 5.2). What the zone itself says about its keys cannot make
 * one. Only readDsSet() does.
 */
export class UnsupportedDs {
  // Private, so that no other object has this type.
  readonly #lacking: 'algorithm' | 'digest';

  private constructor(lacking: 'algorithm' | 'digest') {
    this.#lacking = lacking;
  }

  /** What they lack. */
  get lacking(): 'algorithm' | 'digest' {
    return this.#lacking;
  }

  /** Looks at every DS, however many there are: undefined when one can be used, or might be if it were not malformed. */
  static of(rdatas: readonly Uint8Array[], allowSha1: boolean): UnsupportedDs | undefined {
    let lacking: 'algorithm' | 'digest' = 'algorithm';
    for (const rdata of rdatas) {
      const ds = parseDs(rdata);
      if (ds === undefined || isDsSupported(ds, allowSha1)) return undefined;
      if (isAlgorithmSupported(ds.algorithm, allowSha1)) lacking = 'digest';
    }
    return rdatas.length === 0 ? undefined : new UnsupportedDs(lacking);
  }
}

/**
 * What the DS RRset of a delegation asks for: keys that these name, DS_MAX at most, or nothing. Malformed ones name no
 * key: a set of such is empty, and no key will do.
 */
export const readDsSet = (
  rdatas: readonly Uint8Array[],
  allowSha1 = false,
): readonly DelegationSigner[] | UnsupportedDs =>
  UnsupportedDs.of(rdatas, allowSha1) ??
  selectDs(
    rdatas.flatMap((rdata) => parseDs(rdata) ?? []),
    allowSha1,
  ).slice(0, DS_MAX);

const isDsSupported = ({ algorithm, digestType }: DelegationSigner, allowSha1: boolean): boolean =>
  isAlgorithmSupported(algorithm, allowSha1) && isDigestSupported(digestType);

/**
 * The delegation signers that count: of supported algorithm and digest, and those with SHA-1 only where none has a
 * better digest (RFC 4509 section 3).
 */
export const selectDs = (set: readonly DelegationSigner[], allowSha1 = false): DelegationSigner[] => {
  const supported = set.filter((ds) => isDsSupported(ds, allowSha1));
  const better = supported.filter((ds) => ds.digestType !== DIGEST.SHA1);
  return better.length === 0 ? supported : better;
};

/** True when a DS might name a key: only then is a digest computed. */
export const mayNameKey = (ds: DelegationSigner, key: DnsKey): boolean =>
  ds.keyTag === key.keyTag && ds.algorithm === key.algorithm && key.isZoneKey && !key.isRevoked;

/**
 * True when a DS names the zone key of `owner`, a folded wire name (RFC 4034 section 5.1.4). A key without the zone
 * flag is nobody's (RFC 4034 section 5.2), and neither is one that is revoked (RFC 5011 section 2.1).
 */
export const matchesDs = (ds: DelegationSigner, owner: Uint8Array, key: DnsKey): boolean => {
  if (!mayNameKey(ds, key)) return false;
  const digest = HASHES.get(ds.digestType);
  if (digest === undefined || ds.digest.length !== digest.bytes) return false;
  return Buffer.compare(hash(digest.name, Buffer.concat([owner, key.rdata]), 'buffer'), ds.digest) === 0;
};
