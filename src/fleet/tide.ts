// The tide: once a minute the authority says how far policy has come and what time it is, signed.
//
// With an old tide a node knows that it is cut off, or that it is told the past. Signed is this text:
//
//   cordon fleet tide 1
//   number 12
//   hash 64 hexadecimal digits: of the entry of that number
//   time 2026-11-25T08:00:00.000Z
//   key 16 hexadecimal digits
import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { LogEnd } from './entry.ts';
import { isSignature, type SigningKey } from './key.ts';

/** Bytes of a tide as JSON. */
const TIDE_BYTES_MAX = 1_024;

const tideSchema = z.strictObject({
  number: z.int().min(0),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  time: z.iso.datetime(),
  key: z.string().regex(/^[0-9a-f]{16}$/),
  signature: z.base64().max(100),
});

/** How far policy had come at a time. Plain data. */
export type Tide = Readonly<z.infer<typeof tideSchema>>;

const tideText = ({ number, hash, time, key }: Omit<Tide, 'signature'>): string =>
  `cordon fleet tide 1\nnumber ${number}\nhash ${hash}\ntime ${time}\nkey ${key}\n`;

/** The tide of an end. */
export const signTide = (end: LogEnd, time: string, key: SigningKey): Tide => {
  const unsigned = { number: end.number, hash: end.hash, time, key: key.keyId };
  return { ...unsigned, signature: key.sign(tideText(unsigned)) };
};

/** True when the signature is that key's. */
export const isTideSignedBy = (tide: Tide, key: KeyObject): boolean =>
  isSignature(key, tideText(tide), tide.signature);

/** The tide of bytes from the network; undefined for anything else. */
export const parseTide = (bytes: Uint8Array): Tide | undefined => {
  if (bytes.length > TIDE_BYTES_MAX) return undefined;
  try {
    const { success, data } = tideSchema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return success ? data : undefined;
  } catch {
    return undefined;
  }
};
