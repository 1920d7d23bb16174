// The key under which all resolvers of a fleet count distinct clients: with it their estimates merge, and a client that asked
// two resolvers is counted once.
//
// The authority makes it once. A resolver gets it when it joins, or asks for it when it has none, sealed to its own key and signed by the
// authority: the engine between them learns nothing and cannot give another one. To seal to an Ed25519 key, it is taken to X25519
// (RFC 7748 section 4.1: the curves are one in two forms); that both uses of one pair are sound together has been proven for
// this KEM (Thormarker 2021).
import { createHash, createPrivateKey, createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { replaceFileNow } from '../base/base.ts';
import { COUNTING_KEY_LENGTH, seal, unseal } from '../evidence/records/records.ts';
import { fleetPath } from './identity.ts';
import { isSignature, parseNkey, rawSeedOf, type SigningKey } from './key.ts';

const PRIVATE_MODE = 0o600;
/** DER of X25519 keys without their 32 bytes (RFC 8410). */
const PUBLIC_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');
const KEY_LENGTH = 32;
/** The prime of both curves: 2^255 - 19. */
const PRIME = 2n ** 255n - 19n;
const SIGN_BIT = 0x80;

/** The key on its way to a resolver. */
export const givenCountingKeySchema = z.looseObject({
  sealed: z.base64().max(200),
  signature: z.base64().max(100),
});
/** The same. */
export type GivenCountingKey = Readonly<z.infer<typeof givenCountingKeySchema>>;

/** A key of bytes from the network; undefined for anything else. */
export const parseCountingKey = (bytes: Uint8Array): GivenCountingKey | undefined => {
  try {
    const { success, data } = givenCountingKeySchema.safeParse(
      JSON.parse(Buffer.from(bytes).toString('utf8')),
    );
    return success ? data : undefined;
  } catch {
    return undefined;
  }
};

const sealedFor = (name: string) => ({ use: 'cordon fleet counting key 1', about: name });
const signedText = (name: string, sealed: string): string =>
  `cordon fleet counting key 1\nname ${name}\nsealed ${sealed}\n`;

/** The key of the authority's fleet, made when there is none. Throws errors of the system. */
export const makeCountingKey = (stateDirectory: string): Uint8Array => {
  const path = fleetPath(stateDirectory, 'countingKey');
  const kept = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  if (kept.length === COUNTING_KEY_LENGTH) return kept;
  const made = randomBytes(COUNTING_KEY_LENGTH);
  replaceFileNow(path, made, PRIVATE_MODE);
  return made;
};

/** Gives the key to a resolver by its public nkey; undefined for one that is none. */
export const giveCountingKey = (
  secret: Uint8Array,
  name: string,
  nkey: string,
  authority: SigningKey,
): GivenCountingKey | undefined => {
  const key = parseNkey(nkey);
  if (key === undefined) return undefined;
  const sealed = seal(toExchangePublic(key), sealedFor(name), secret);
  return { sealed, signature: authority.sign(signedText(name, sealed)) };
};

/** Keeps the key that was given to a resolver; false for one that none of those keys signed, or that its own does not open. */
export const keepCountingKey = (
  stateDirectory: string,
  given: GivenCountingKey,
  name: string,
  seed: string,
  authorities: readonly KeyObject[],
): boolean => {
  const { sealed, signature } = given;
  if (!authorities.some((key) => isSignature(key, signedText(name, sealed), signature))) return false;
  const secret = unseal(toExchangePrivate(rawSeedOf(seed)), sealedFor(name), sealed);
  if (secret?.length !== COUNTING_KEY_LENGTH) return false;
  replaceFileNow(fleetPath(stateDirectory, 'countingKey'), secret, PRIVATE_MODE);
  return true;
};

/** u = (1 + y) / (1 - y). */
const toExchangePublic = (key: KeyObject): KeyObject => {
  const raw = Buffer.from(key.export({ type: 'spki', format: 'der' }).subarray(-KEY_LENGTH));
  raw[KEY_LENGTH - 1] = (raw[KEY_LENGTH - 1] ?? 0) & ~SIGN_BIT;
  const y = BigInt(`0x${raw.reverse().toString('hex')}`);
  const u = ((1n + y) * inverse(1n - y)) % PRIME;
  const bytes = Buffer.from(u.toString(16).padStart(2 * KEY_LENGTH, '0'), 'hex').reverse();
  return createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, bytes]), format: 'der', type: 'spki' });
};

/** By the little theorem of Fermat. */
const inverse = (value: bigint): bigint => {
  let base = ((value % PRIME) + PRIME) % PRIME;
  let result = 1n;
  for (let exponent = PRIME - 2n; exponent > 0n; exponent >>= 1n) {
    if ((exponent & 1n) === 1n) result = (result * base) % PRIME;
    base = (base * base) % PRIME;
  }
  return result;
};

/** The first half of the hash of the seed, as Ed25519 itself uses it (RFC 8032 section 5.1.5). */
const toExchangePrivate = (seed: Uint8Array): KeyObject =>
  createPrivateKey({
    key: Buffer.concat([PRIVATE_PREFIX, createHash('sha512').update(seed).digest().subarray(0, KEY_LENGTH)]),
    format: 'der',
    type: 'pkcs8',
  });
