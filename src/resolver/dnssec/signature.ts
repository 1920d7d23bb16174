// Verifying one signature over one RRset with one key (RFC 4034 section 3.1.8, RFC 4035 section 5.3).
//
// Everything that costs little is checked first, the validity period included; the cryptography comes last and is
// taken from the question's work before. Whether the key may sign for the owner's zone is the chain's business; here
// the signer must be the owner or above it. RFC 1982, 3110, 5011, 5702, 6605, 8080.
import { type KeyObject, verify } from 'node:crypto';
import { countLabels, isInZone, TYPE, writeU16, writeU32 } from '../../wire/dns/dns.ts';
import { ancestor, isWildcard, wildcardOf } from './canonical.ts';
import { toDerSignature } from './ecdsa.ts';
import { ALGORITHM, type DnsKey, importKey, isAlgorithmSupported, keyCost } from './key.ts';
import type { Rrset, Signature } from './rrset.ts';
import type { Work } from './work.ts';

/** Type, class, TTL and RDLENGTH of a record. */
const RECORD_FIXED_LENGTH = 10;

/** The digest of each algorithm; the Edwards curves have their own (RFC 8080). */
const HASHES: ReadonlyMap<number, string> = new Map([
  [ALGORITHM.RSASHA1, 'sha1'],
  [ALGORITHM.RSASHA1_NSEC3_SHA1, 'sha1'],
  [ALGORITHM.RSASHA256, 'sha256'],
  [ALGORITHM.RSASHA512, 'sha512'],
  [ALGORITHM.ECDSAP256SHA256, 'sha256'],
  [ALGORITHM.ECDSAP384SHA384, 'sha384'],
]);

/** Bytes of each of the two numbers of an ECDSA signature (RFC 6605 section 4). */
const ECDSA_NUMBER_BYTES: ReadonlyMap<number, number> = new Map([
  [ALGORITHM.ECDSAP256SHA256, 32],
  [ALGORITHM.ECDSAP384SHA384, 48],
]);

/**
 * Why a signature does not count. `wrong`: it is not this key's signature over these records. `unsupported`: its
 * algorithm or the size of the key does not count here. `malformed`: it could be nobody's. `exceeded`: the question
 * has no work left, and nothing was found out.
 */
export type SignatureFlaw = 'not-yet-valid' | 'expired' | 'wrong' | 'unsupported' | 'malformed' | 'exceeded';

/**
 * Verifies a signature over the RRset that it covers; undefined when it is good.
 *
 * `nowSec` is in seconds since 1970. A revoked key verifies the DNSKEY RRset only: that is how its owner proves the
 * revocation (RFC 5011 section 2.1), and nothing follows from it for the other keys.
 */
export const verifySignature = (
  rrset: Rrset,
  signature: Signature,
  key: DnsKey,
  nowSec: number,
  work: Work,
  allowSha1 = false,
): SignatureFlaw | undefined => {
  if (!isPossible(rrset, signature)) return 'malformed';
  if (!isAlgorithmSupported(signature.algorithm, allowSha1)) return 'unsupported';
  if (compareSerials(nowSec, signature.inception) < 0) return 'not-yet-valid';
  if (compareSerials(nowSec, signature.expiration) > 0) return 'expired';
  if (!mayHaveSigned(key, signature)) return 'wrong';
  const signedLength = lengthOfSigned(rrset, signature);
  if (!work.takeVerification(signedLength, keyCost(key))) return 'exceeded';
  const imported = importKey(key);
  if (imported === 'unsupported') return imported;
  if (
    imported !== 'malformed' &&
    isSignedBy(imported, signature, writeSigned(rrset, signature, signedLength))
  )
    return undefined;
  work.countFailure();
  return imported === 'malformed' ? imported : 'wrong';
};

/**
 * True when an RRset that the signature covers stands there by expansion of a wildcard (RFC 4035 section 5.3.4). The
 * name that was expanded is the wildcard below ancestor(owner, signature.labels).
 */
export const isWildcardExpanded = (rrset: Rrset, signature: Signature): boolean =>
  signature.labels < countSignedLabels(rrset.owner);

/** Labels as RRSIGs count them: without the root and without a leading `*` (RFC 4034 section 3.1.3). */
const countSignedLabels = (owner: Uint8Array): number => countLabels(owner) - (isWildcard(owner) ? 1 : 0);

/** What RFC 4035 section 5.3.1 asks of a signature that does not depend on time or key. */
const isPossible = (rrset: Rrset, signature: Signature): boolean =>
  rrset.type === signature.typeCovered &&
  signature.labels <= countSignedLabels(rrset.owner) &&
  // A wildcard that was expanded lies in the signer's zone.
  signature.labels >= countLabels(signature.signer) &&
  isInZone(rrset.owner, signature.signer) &&
  compareSerials(signature.inception, signature.expiration) <= 0;

const mayHaveSigned = (key: DnsKey, signature: Signature): boolean =>
  key.keyTag === signature.keyTag &&
  key.algorithm === signature.algorithm &&
  key.isZoneKey &&
  (!key.isRevoked || signature.typeCovered === TYPE.DNSKEY);

/** The order of two times in 32 bits, half a circle apart at most (RFC 1982 section 3.2). */
const compareSerials = (a: number, b: number): number => (Math.floor(a) - b) | 0;

const isSignedBy = (key: KeyObject, signature: Signature, signed: Uint8Array): boolean => {
  const { algorithm } = signature;
  const numberBytes = ECDSA_NUMBER_BYTES.get(algorithm);
  const bytes =
    numberBytes === undefined ? signature.signature : toDerSignature(signature.signature, numberBytes);
  if (bytes === undefined) return false;
  try {
    // The key as it is: with options verify() would prepare it anew. Padding is that of PKCS #1 v1.5 by default.
    return verify(HASHES.get(algorithm) ?? null, signed, key, bytes);
  } catch {
    // OpenSSL may refuse a signature or, by the policy of its host, an algorithm.
    return false;
  }
};

/** The owner that was signed: the RRset's own, or the wildcard that was expanded (RFC 4035 section 5.3.2). */
const findSignedOwner = (rrset: Rrset, signature: Signature): Uint8Array =>
  isWildcardExpanded(rrset, signature)
    ? (wildcardOf(ancestor(rrset.owner, signature.labels)) ?? rrset.owner)
    : rrset.owner;

const lengthOfFields = (signature: Signature): number => signature.rdata.length - signature.signature.length;

const lengthOfSigned = (rrset: Rrset, signature: Signature): number => {
  const fixed = findSignedOwner(rrset, signature).length + RECORD_FIXED_LENGTH;
  let length = lengthOfFields(signature);
  for (const rdata of rrset.rdatas) length += fixed + rdata.length;
  return length;
};

/** What most RRsets and their names take: room that serves all of them, one after the other. */
const scratch = new Uint8Array(4096);

/**
 * What is signed: the RRSIG's RDATA up to the signature, then the records in canonical form and order. Valid until the
 * next call.
 */
const writeSigned = (rrset: Rrset, signature: Signature, length: number): Uint8Array => {
  const signed = length <= scratch.length ? scratch.subarray(0, length) : new Uint8Array(length);
  const owner = findSignedOwner(rrset, signature);
  let at = lengthOfFields(signature);
  signed.set(signature.rdata.subarray(0, at));
  for (const rdata of rrset.rdatas) {
    signed.set(owner, at);
    at += owner.length;
    writeU16(signed, at, rrset.type);
    writeU16(signed, at + 2, rrset.class);
    writeU32(signed, at + 4, signature.originalTtlSec);
    writeU16(signed, at + 8, rdata.length);
    signed.set(rdata, at + RECORD_FIXED_LENGTH);
    at += RECORD_FIXED_LENGTH + rdata.length;
  }
  return signed;
};
