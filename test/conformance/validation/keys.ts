// Keys of zones in every shape that a DNSKEY can have: sizes that nobody takes, curves cut short, tags that collide.
//
// Those that can sign do so with node:crypto, because programs that sign zones refuse most of them. A key is made once a
// run. The RSA key of 8,192 bits is the product of two primes that everybody has (RFC 3526), so that nobody waits for one.
import assert from 'node:assert/strict';
import {
  createDiffieHellmanGroup,
  createPrivateKey,
  generateKeyPairSync,
  hash,
  type JsonWebKey,
  type KeyObject,
  sign,
} from 'node:crypto';
import { readU16, writeU16 } from '../../../src/wire/dns/dns.ts';
import { keyTagOf } from '../resign.ts';

const FLAGS = { KSK: 0x0101, ZSK: 0x0100, REVOKED: 0x0181, NO_ZONE: 0x0001 } as const;
const PROTOCOL = 3;
const FIXED_LENGTH = 4;
const ALG = { RSASHA1: 5, RSASHA256: 8, GOST: 12, P256: 13, P384: 14, ED25519: 15, UNKNOWN: 200 } as const;
const EXPONENT = 65_537n;

/** A key as its zone serves it. */
export interface MatrixKey {
  /** RDATA of the DNSKEY. */
  readonly rdata: Uint8Array;
  readonly algorithm: number;
  readonly tag: number;
  /** Signs; undefined for a key that is none. */
  readonly sign: ((bytes: Uint8Array) => Uint8Array) | undefined;
}

/** The names of the shapes. */
export type KeyKind =
  | 'p256'
  | 'p256-other'
  | 'p256-zsk'
  | 'p256-revoked'
  | 'p256-no-zone'
  | 'p256-short'
  | 'p256-long'
  | 'p256-off-curve'
  | 'p256-same-tag'
  | 'p384'
  | 'ed25519'
  | 'rsa1024'
  | 'rsa2048'
  | 'rsa2048-exponent3'
  | 'rsa2048-exponent-long'
  | 'rsa4096'
  | 'rsa512'
  | 'rsa512-same-tag'
  | 'rsa8192'
  | 'rsa-empty'
  | 'rsasha1'
  | 'gost'
  | 'unknown';

const made = new Map<KeyKind, MatrixKey>();

/** The key of a kind, the same for all who ask. */
export const keyOf = (kind: KeyKind): MatrixKey => {
  const known = made.get(kind);
  if (known !== undefined) return known;
  const key = MAKERS[kind]();
  made.set(kind, key);
  return key;
};

/** The RDATA of a DS that names a key, by a digest type that node:crypto knows. */
export const digestOf = (owner: Uint8Array, key: MatrixKey, digestType: number): Uint8Array => {
  const name = DIGESTS.get(digestType) ?? 'sha256';
  return hash(name, Buffer.concat([owner, key.rdata]), 'buffer');
};

const DIGESTS: ReadonlyMap<number, string> = new Map([
  [1, 'sha1'],
  [2, 'sha256'],
  [4, 'sha384'],
]);

const toKey = (
  flags: number,
  algorithm: number,
  publicKey: Uint8Array,
  signer?: (bytes: Uint8Array) => Uint8Array,
): MatrixKey => {
  const rdata = new Uint8Array(FIXED_LENGTH + publicKey.length);
  writeU16(rdata, 0, flags);
  rdata[2] = PROTOCOL;
  rdata[3] = algorithm;
  rdata.set(publicKey, FIXED_LENGTH);
  return { rdata, algorithm, tag: keyTagOf(rdata), sign: signer };
};

const bytesOf = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64url');

const ec = (flags: number, curve: 'P-256' | 'P-384'): MatrixKey => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curve });
  const { x, y } = publicKey.export({ format: 'jwk' });
  const digest = curve === 'P-256' ? 'sha256' : 'sha384';
  return toKey(
    flags,
    curve === 'P-256' ? ALG.P256 : ALG.P384,
    Buffer.concat([bytesOf(x), bytesOf(y)]),
    (bytes) => sign(digest, bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
  );
};

const ed25519 = (): MatrixKey => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const { x } = publicKey.export({ format: 'jwk' });
  return toKey(FLAGS.KSK, ALG.ED25519, bytesOf(x), (bytes) => sign(null, bytes, privateKey));
};

const toRsaKey = (algorithm: number, privateKey: KeyObject): MatrixKey => {
  const { n, e } = privateKey.export({ format: 'jwk' });
  const digest = algorithm === ALG.RSASHA1 ? 'sha1' : 'sha256';
  return toKey(FLAGS.KSK, algorithm, rsaBytes(bytesOf(e), bytesOf(n)), (bytes) =>
    sign(digest, bytes, privateKey),
  );
};

/** RFC 3110 section 2. */
const rsaBytes = (exponent: Uint8Array, modulus: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.of(exponent.length), exponent, modulus]);

const rsa = (bits: number, algorithm: number = ALG.RSASHA256, exponent = 65_537): MatrixKey =>
  toRsaKey(
    algorithm,
    generateKeyPairSync('rsa', { modulusLength: bits, publicExponent: exponent }).privateKey,
  );

const primeOf = (group: string): bigint =>
  BigInt(`0x${createDiffieHellmanGroup(group).getPrime().toString('hex')}`);

const power = (base: bigint, exponent: bigint, modulus: bigint): bigint => {
  let result = 1n;
  let square = base % modulus;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
};

/** The inverse by Euclid's algorithm. */
const inverse = (value: bigint, modulus: bigint): bigint => {
  let [a, b, x, y] = [value % modulus, modulus, 1n, 0n];
  while (b > 0n) {
    const quotient = a / b;
    [a, b, x, y] = [b, a - quotient * b, y, x - quotient * y];
  }
  assert.equal(a, 1n);
  return ((x % modulus) + modulus) % modulus;
};

const toText = (value: bigint): string => {
  const text = value.toString(16);
  return Buffer.from(text.length % 2 === 0 ? text : `0${text}`, 'hex').toString('base64url');
};

const rsa8192 = (): MatrixKey => {
  const [p, q] = [primeOf('modp17'), primeOf('modp14')];
  const d = inverse(EXPONENT, (p - 1n) * (q - 1n));
  const numbers = { n: p * q, e: EXPONENT, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
  const texts = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, toText(value)]));
  const key: JsonWebKey = { kty: 'RSA', ...texts };
  return toRsaKey(ALG.RSASHA256, createPrivateKey({ key, format: 'jwk' }));
};

/** An exponent of 65 bits, which is more than a validator has to take. */
const rsaLongExponent = (): MatrixKey => {
  const { p: pText, q: qText } = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
    format: 'jwk',
  });
  const [p, q] = [pText, qText].map((text) => BigInt(`0x${bytesOf(text).toString('hex')}`));
  assert(p !== undefined && q !== undefined);
  const phi = (p - 1n) * (q - 1n);
  for (let e = (1n << 64n) + 13n; ; e += 2n) {
    if (greatest(e, phi) !== 1n) continue;
    const d = inverse(e, phi);
    const n = p * q;
    return toKey(
      FLAGS.KSK,
      ALG.RSASHA256,
      rsaBytes(Buffer.from(toText(e), 'base64url'), Buffer.from(toText(n), 'base64url')),
      (bytes) => signRaw(bytes, d, n),
    );
  }
};

const greatest = (a: bigint, b: bigint): bigint => (b === 0n ? a : greatest(b, a % b));

/** PKCS #1 v1.5 with SHA-256, by hand: OpenSSL takes no exponent of 65 bits beside a modulus of more than 3,072. */
const signRaw = (bytes: Uint8Array, d: bigint, n: bigint): Uint8Array => {
  const prefix = Buffer.from('3031300d060960864801650304020105000420', 'hex');
  const digest = Buffer.concat([prefix, hash('sha256', bytes, 'buffer')]);
  const length = Math.ceil(n.toString(16).length / 2);
  const padding = Buffer.alloc(length - digest.length - 3, 0xff);
  const padded = Buffer.concat([Buffer.of(0, 1), padding, Buffer.of(0), digest]);
  const signature = power(BigInt(`0x${padded.toString('hex')}`), d, n).toString(16);
  return Buffer.from(signature.padStart(2 * length, '0'), 'hex');
};

/** A key that is none, whose tag is another's: its last two bytes make up for the rest. */
const collide = (other: MatrixKey, length: number, start: Uint8Array): MatrixKey => {
  const publicKey = Buffer.alloc(length, 0x5a);
  publicKey.set(start);
  for (let last = 0; last < 0x1_0000; last++) {
    writeU16(publicKey, length - 2, last);
    const key = toKey(readU16(other.rdata, 0), other.algorithm, publicKey);
    if (key.tag === other.tag && (last & 1) === 1) return key;
  }
  // Of two values that give the tag one may be even: another byte gives the other.
  publicKey[length - 3] = 0x5b;
  return collide(other, length, publicKey.subarray(0, length - 2));
};

const MAKERS: Readonly<Record<KeyKind, () => MatrixKey>> = {
  p256: () => ec(FLAGS.KSK, 'P-256'),
  'p256-other': () => ec(FLAGS.KSK, 'P-256'),
  'p256-zsk': () => ec(FLAGS.ZSK, 'P-256'),
  'p256-revoked': () => ec(FLAGS.REVOKED, 'P-256'),
  'p256-no-zone': () => ec(FLAGS.NO_ZONE, 'P-256'),
  'p256-short': () => toKey(FLAGS.KSK, ALG.P256, keyOf('p256-other').rdata.subarray(FIXED_LENGTH, -1)),
  'p256-long': () =>
    toKey(
      FLAGS.KSK,
      ALG.P256,
      Buffer.concat([keyOf('p256-other').rdata.subarray(FIXED_LENGTH), Buffer.of(1)]),
    ),
  'p256-off-curve': () => toKey(FLAGS.KSK, ALG.P256, Buffer.alloc(64, 0x5a)),
  'p256-same-tag': () => collide(keyOf('p256'), 64, new Uint8Array(0)),
  p384: () => ec(FLAGS.KSK, 'P-384'),
  ed25519,
  rsa1024: () => rsa(1024),
  rsa2048: () => rsa(2048),
  'rsa2048-exponent3': () => rsa(2048, ALG.RSASHA256, 3),
  'rsa2048-exponent-long': rsaLongExponent,
  rsa4096: () => rsa(4096),
  rsa512: () => rsa(512),
  'rsa512-same-tag': () => collide(keyOf('rsa2048'), 68, Buffer.of(3, 1, 0, 1, 0xc5)),
  rsa8192,
  'rsa-empty': () => toKey(FLAGS.KSK, ALG.RSASHA256, Buffer.of(3, 1, 0, 1)),
  rsasha1: () => rsa(2048, ALG.RSASHA1),
  gost: () => toKey(FLAGS.KSK, ALG.GOST, Buffer.alloc(64, 0x33)),
  unknown: () => withAlgorithm('p256-other', ALG.UNKNOWN),
};

const withAlgorithm = (kind: KeyKind, algorithm: number): MatrixKey =>
  toKey(FLAGS.KSK, algorithm, keyOf(kind).rdata.subarray(FIXED_LENGTH), keyOf(kind).sign);
