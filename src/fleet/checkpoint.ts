// The checkpoint: once a minute the authority says how far policy has come and what time it is, signed.
//
// With an old checkpoint a node knows that it is cut off, or that it is told the past. Signed is this text:
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

/** Bytes of a checkpoint as JSON. */
const CHECKPOINT_BYTES_MAX = 1_024;

const checkpointSchema = z.strictObject({
  number: z.int().min(0),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  time: z.iso.datetime(),
  key: z.string().regex(/^[0-9a-f]{16}$/),
  signature: z.base64().max(100),
});

/** How far policy had come at a time. Plain data. */
export type Checkpoint = Readonly<z.infer<typeof checkpointSchema>>;

const checkpointText = ({ number, hash, time, key }: Omit<Checkpoint, 'signature'>): string =>
  `cordon fleet tide 1\nnumber ${number}\nhash ${hash}\ntime ${time}\nkey ${key}\n`;

/** The checkpoint of an end. */
export const signCheckpoint = (end: LogEnd, time: string, key: SigningKey): Checkpoint => {
  const unsigned = { number: end.number, hash: end.hash, time, key: key.keyId };
  return { ...unsigned, signature: key.sign(checkpointText(unsigned)) };
};

/** True when the signature is that key's. */
export const isCheckpointSignedBy = (checkpoint: Checkpoint, key: KeyObject): boolean =>
  isSignature(key, checkpointText(checkpoint), checkpoint.signature);

/** The checkpoint of bytes from the network; undefined for anything else. */
export const parseCheckpoint = (bytes: Uint8Array): Checkpoint | undefined => {
  if (bytes.length > CHECKPOINT_BYTES_MAX) return undefined;
  try {
    const { success, data } = checkpointSchema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return success ? data : undefined;
  } catch {
    return undefined;
  }
};
