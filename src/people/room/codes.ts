// Codes of authenticator apps (RFC 6238): six digits, thirty seconds, SHA-1, which is what every app has.
//
// The library brings the protocol; cryptography comes from the module of Node.js, so that a FIPS provider does it. A code
// counts once: one that was overheard is worth nothing.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { generateSecret, generateURI, verifySync } from 'otplib';

const PERIOD_SEC = 30;
/** One step before and after: clocks of phones are off by some seconds, and people type. */
const TOLERANCE_SEC = PERIOD_SEC;

const crypto = {
  name: 'node',
  hmac: (algorithm: string, key: Uint8Array, data: Uint8Array): Uint8Array =>
    createHmac(algorithm, key).update(data).digest(),
  randomBytes: (length: number): Uint8Array => randomBytes(length),
  constantTimeEqual: (a: string | Uint8Array, b: string | Uint8Array): boolean => {
    const [left, right] = [Buffer.from(a), Buffer.from(b)];
    return left.length === right.length && timingSafeEqual(left, right);
  },
};

/** A new secret, in base32, and the address that an app reads. */
export const createCodeSecret = (issuer: string, label: string): { secret: string; uri: string } => {
  const secret = generateSecret({ crypto });
  return { secret, uri: generateURI({ issuer, label, secret }) };
};

/** The time step of a code that counts now and is later than the last one; undefined for any other code. */
export const findStep = (
  secret: string,
  code: string,
  nowMs: number,
  lastStep: number,
): number | undefined => {
  const epoch = Math.floor(nowMs / 1000);
  const found = verifySync({ secret, token: code, epoch, epochTolerance: TOLERANCE_SEC, crypto });
  if (!found.valid) return undefined;
  const step = Math.floor(epoch / PERIOD_SEC) + found.delta;
  return step > lastStep ? step : undefined;
};
