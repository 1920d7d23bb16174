// Public keys of zones: DNSKEY RDATA, its key tag, and the key that node:crypto verifies with.
//
// A key is data from the network: its sizes are checked before anything computes with it, and one that cannot be used
// is a word, never an exception. Imported keys are kept by their RDATA, because an import costs a third of what a
// verification does. RFC 4034 section 2 and appendix B, RFC 3110, 5011, 5702, 6605, 8080, 9904, 9905.
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { readU16 } from '../../wire/dns/dns.ts';

/** Signature algorithms that can be verified: https://www.iana.org/assignments/dns-sec-alg-numbers. */
export const ALGORITHM = {
  RSASHA1: 5,
  RSASHA1_NSEC3_SHA1: 7,
  RSASHA256: 8,
  RSASHA512: 10,
  ECDSAP256SHA256: 13,
  ECDSAP384SHA384: 14,
  ED25519: 15,
  ED448: 16,
} as const;

/** Bits of the flags of a DNSKEY (RFC 4034 section 2.1.1, RFC 5011 section 3). */
const KEY_FLAG = { ZONE: 0x0100, REVOKE: 0x0080, SECURE_ENTRY_POINT: 0x0001 } as const;
/** The only protocol of a DNSKEY (RFC 4034 section 2.1.2). */
const PROTOCOL_DNSSEC = 3;
/** Flags, protocol and algorithm. */
const FIXED_LENGTH = 4;

/**
 * RSA moduli in bits. RFC 5702 section 2 ends at 4096, where one verification costs 0.1 ms; below 1024 a key can be
 * computed from its public half, and its signatures would show nothing.
 */
const RSA_BITS_MIN = 1024;
const RSA_BITS_MAX = 4096;
/** RSA exponents in bytes: those in use are 3, 2^16 + 1 and 2^32 + 1. A long one makes a verification slow. */
const RSA_EXPONENT_BYTES_MAX = 5;

/** Imported keys that are kept: two for each of 1000 zones, about 2 KB each in OpenSSL. */
const KEY_OBJECTS_MAX = 2000;

/** The RDATA of a DNSKEY (RFC 4034 section 2.1). */
export interface DnsKey {
  readonly flags: number;
  readonly protocol: number;
  readonly algorithm: number;
  readonly keyTag: number;
  readonly rdata: Uint8Array;
  /** It may sign the zone's data: the zone flag is set and the protocol is DNSSEC. */
  readonly isZoneKey: boolean;
  /** Its owner says that it must not be trusted any more (RFC 5011 section 2.1). */
  readonly isRevoked: boolean;
  readonly isSecureEntryPoint: boolean;
}

/** Why there is nothing to verify with. */
export type KeyFlaw = 'unsupported' | 'malformed';

/** The key that the RDATA of a DNSKEY stands for; undefined when it is malformed. Its public key is not looked at. */
export const parseDnsKey = (rdata: Uint8Array): DnsKey | undefined => {
  if (rdata.length <= FIXED_LENGTH) return undefined;
  const flags = readU16(rdata, 0);
  const protocol = rdata[2] ?? 0;
  return {
    flags,
    protocol,
    algorithm: rdata[3] ?? 0,
    keyTag: computeKeyTag(rdata),
    rdata,
    isZoneKey: (flags & KEY_FLAG.ZONE) !== 0 && protocol === PROTOCOL_DNSSEC,
    isRevoked: (flags & KEY_FLAG.REVOKE) !== 0,
    isSecureEntryPoint: (flags & KEY_FLAG.SECURE_ENTRY_POINT) !== 0,
  };
};

/**
 * True when signatures of an algorithm count.
 *
 * SHA-1 collides, and the author of a zone's records could get a signature for others. RFC 9905 section 2 wants
 * validators able to verify RSASHA1 and operators to treat it as unsupported, so that such zones are insecure; it is
 * verified with `allowSha1` only.
 */
export const isAlgorithmSupported = (algorithm: number, allowSha1 = false): boolean =>
  ALGORITHMS_WITH_SHA1.has(algorithm) ? allowSha1 : ALGORITHMS.has(algorithm);

/**
 * True when signatures of a key count: its algorithm does, and an RSA modulus has 1024 to 4096 bits. A DS names no
 * size: a zone all of whose keys that it names are otherwise is bogus.
 */
export const isKeySupported = (key: DnsKey, allowSha1 = false): boolean =>
  isAlgorithmSupported(key.algorithm, allowSha1) && !(isRsa(key.algorithm) && isRsaSizeRefused(key.rdata));

/** What a verification costs beside one of P-256, measured with OpenSSL 3.5: 463, 162 and 86 µs against 64; RSA less. */
const COSTS: ReadonlyMap<number, number> = new Map([
  [ALGORITHM.ECDSAP384SHA384, 8],
  [ALGORITHM.ED448, 3],
  [ALGORITHM.ED25519, 2],
]);

/** Units of Work that a verification by the key takes. */
export const keyCost = ({ algorithm }: DnsKey): number => COSTS.get(algorithm) ?? 1;

/** The key to verify with. The first call for a key takes 0.02 to 0.06 ms. */
export const importKey = (key: DnsKey): KeyObject | KeyFlaw => {
  const text = textOf(key);
  const known = keyObjects.get(text);
  if (known !== undefined) return known;
  if (!ALGORITHMS.has(key.algorithm)) return 'unsupported';
  if (isRsa(key.algorithm) && isRsaSizeRefused(key.rdata)) return 'unsupported';
  const jwk = toJwk(key);
  if (jwk === undefined) return 'malformed';
  try {
    const imported = createPublicKey({ key: jwk, format: 'jwk' });
    keyObjects.set(text, imported);
    return imported;
  } catch {
    // A point that is not on its curve: only OpenSSL can tell.
    return 'malformed';
  }
};

const keyObjects = new LRUCache<string, KeyObject>({ max: KEY_OBJECTS_MAX });
/** The RDATA of keys as text, one character a byte, made once: a zone's keys verify many signatures. */
const texts = new WeakMap<DnsKey, string>();

const textOf = (key: DnsKey): string => {
  const known = texts.get(key);
  if (known !== undefined) return known;
  const { rdata } = key;
  const text = Buffer.from(rdata.buffer, rdata.byteOffset, rdata.length).toString('latin1');
  texts.set(key, text);
  return text;
};

const ALGORITHMS: ReadonlySet<number> = new Set(Object.values(ALGORITHM));
const ALGORITHMS_WITH_SHA1: ReadonlySet<number> = new Set([ALGORITHM.RSASHA1, ALGORITHM.RSASHA1_NSEC3_SHA1]);

/** Curves of the algorithms that are not RSA, with the bytes of one coordinate, or of the whole key (RFC 6605, 8080). */
const CURVES: ReadonlyMap<
  number,
  { readonly kty: 'EC' | 'OKP'; readonly crv: string; readonly bytes: number }
> = new Map([
  [ALGORITHM.ECDSAP256SHA256, { kty: 'EC', crv: 'P-256', bytes: 32 }],
  [ALGORITHM.ECDSAP384SHA384, { kty: 'EC', crv: 'P-384', bytes: 48 }],
  [ALGORITHM.ED25519, { kty: 'OKP', crv: 'Ed25519', bytes: 32 }],
  [ALGORITHM.ED448, { kty: 'OKP', crv: 'Ed448', bytes: 57 }],
]);

const isRsa = (algorithm: number): boolean => ALGORITHMS.has(algorithm) && !CURVES.has(algorithm);

/** RFC 4034 appendix B. Algorithm 1 has a rule of its own, and nobody may validate with it (RFC 9904). */
const computeKeyTag = (rdata: Uint8Array): number => {
  let sum = 0;
  for (let i = 0; i < rdata.length; i++) sum += (i & 1) === 0 ? (rdata[i] ?? 0) << 8 : (rdata[i] ?? 0);
  return (sum + (sum >>> 16)) & 0xffff;
};

const toJwk = (key: DnsKey): JsonWebKey | undefined => {
  const curve = CURVES.get(key.algorithm);
  const bytes = key.rdata.subarray(FIXED_LENGTH);
  if (curve === undefined) return toRsaJwk(bytes);
  const { kty, crv } = curve;
  if (kty === 'OKP') return bytes.length === curve.bytes ? { kty, crv, x: toText(bytes) } : undefined;
  if (bytes.length !== 2 * curve.bytes) return undefined;
  return { kty, crv, x: toText(bytes.subarray(0, curve.bytes)), y: toText(bytes.subarray(curve.bytes)) };
};

/** RFC 3110 section 2: the length of the exponent, the exponent, the modulus. */
const toRsaJwk = (bytes: Uint8Array): JsonWebKey | undefined => {
  const parts = splitRsa(bytes);
  if (parts === undefined) return undefined;
  const { exponent, modulus } = parts;
  const isOdd = ((exponent.at(-1) ?? 0) & 1) === 1;
  const isOne = exponent.length === 1 && exponent[0] === 1;
  if (exponent.length > RSA_EXPONENT_BYTES_MAX || !isOdd || isOne || ((modulus.at(-1) ?? 0) & 1) === 0)
    return undefined;
  return { kty: 'RSA', n: toText(modulus), e: toText(exponent) };
};

/** True when the modulus has a size that does not count; one that is not there at all is malformed instead. */
const isRsaSizeRefused = (rdata: Uint8Array): boolean => {
  const modulus = splitRsa(rdata.subarray(FIXED_LENGTH))?.modulus;
  if (modulus === undefined) return false;
  const bits = 8 * modulus.length - Math.clz32(modulus[0] ?? 0) + 24;
  return bits < RSA_BITS_MIN || bits > RSA_BITS_MAX;
};

/** Exponent and modulus without leading zeros; undefined when one of them is missing. */
const splitRsa = (bytes: Uint8Array): { exponent: Uint8Array; modulus: Uint8Array } | undefined => {
  const isLong = bytes[0] === 0;
  const start = isLong ? 3 : 1;
  const end = start + (isLong ? readU16(bytes, 1) : (bytes[0] ?? 0));
  const exponent = withoutZeros(bytes.subarray(start, end));
  const modulus = withoutZeros(bytes.subarray(end));
  return exponent.length === 0 || modulus.length === 0 ? undefined : { exponent, modulus };
};

const withoutZeros = (bytes: Uint8Array): Uint8Array => {
  const start = bytes.findIndex((byte) => byte !== 0);
  return start < 0 ? bytes.subarray(bytes.length) : bytes.subarray(start);
};

const toText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
