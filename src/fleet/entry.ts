// An entry of the fleet's policy: numbered, bound to the one before by its hash, signed by the authority.
//
// Hashed is this text, UTF-8, each line ended by a line feed, in this order:
//
//   cordon fleet entry 1
//   number 12
//   previous 64 hexadecimal digits: the hash of the entry before; zeros for the first
//   time 2026-11-25T08:00:00.000Z
//   kind exemption
//   must true
//   key 16 hexadecimal digits
//   body 64 hexadecimal digits: SHA-256 of the body, which is JSON as it was written
//
// and signed is "cordon fleet entry 1\n" with the hash in hexadecimal behind it. The body travels as text, so that nobody
// has to write JSON again to check it.
import { createHash, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { isSignature, type SigningKey } from './key.ts';

const HEAD = 'cordon fleet entry 1\n';
/** Characters of a body: the YAML of an overlay with all it may hold, the paper of an exemption has a tenth. */
export const BODY_LENGTH_MAX = 256 * 1024;
/** Bytes of an entry as JSON; letters may take six. */
export const ENTRY_BYTES_MAX = 2 << 20;

/** `previous` of the first entry. */
export const NO_ENTRY = '0'.repeat(64);

const hash = z.string().regex(/^[0-9a-f]{64}$/);

const entrySchema = z.strictObject({
  number: z.int().min(1),
  previous: hash,
  time: z.iso.datetime(),
  kind: z.string().regex(/^[a-z][a-z-]{0,39}$/),
  /** A version that does not know the kind applies nothing behind the entry but revocations. */
  must: z.boolean(),
  /** JSON. */
  body: z.string().max(BODY_LENGTH_MAX),
  key: z.string().regex(/^[0-9a-f]{16}$/),
  signature: z.base64().max(100),
});

/** An entry. Plain data. */
export type PolicyEntry = Readonly<z.infer<typeof entrySchema>>;

/** Where a log of entries ends. */
export interface LogEnd {
  readonly number: number;
  readonly hash: string;
}

/** Before the first entry. */
export const NO_END: LogEnd = { number: 0, hash: NO_ENTRY };

type Unsigned = Omit<PolicyEntry, 'signature'>;

/** What the entry after this one has as `previous`. */
export const entryHash = ({ number, previous, time, kind, must, key, body }: Unsigned): string =>
  createHash('sha256')
    .update(HEAD)
    .update(`number ${number}\nprevious ${previous}\ntime ${time}\nkind ${kind}\nmust ${must}\nkey ${key}\n`)
    .update(`body ${createHash('sha256').update(body).digest('hex')}\n`)
    .digest('hex');

/** The entry behind an end. */
export const signEntry = (
  end: LogEnd,
  entry: Pick<PolicyEntry, 'time' | 'kind' | 'must' | 'body'>,
  key: SigningKey,
): PolicyEntry => {
  const unsigned = { ...entry, number: end.number + 1, previous: end.hash, key: key.keyId };
  return { ...unsigned, signature: key.sign(HEAD + entryHash(unsigned)) };
};

/** True when the signature is that key's. */
export const isEntrySignedBy = (entry: PolicyEntry, key: KeyObject): boolean =>
  isSignature(key, HEAD + entryHash(entry), entry.signature);

/** The entry of bytes from the network; undefined for anything else. */
export const parseEntry = (bytes: Uint8Array): PolicyEntry | undefined => {
  if (bytes.length > ENTRY_BYTES_MAX) return undefined;
  try {
    const { success, data } = entrySchema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return success ? data : undefined;
  } catch {
    return undefined;
  }
};

/** An entry as it travels. */
export const formatEntry = (entry: PolicyEntry): string => JSON.stringify(entry);

/** The body of an entry; undefined where it is no JSON. */
export const bodyOf = (entry: PolicyEntry): unknown => {
  try {
    return JSON.parse(entry.body);
  } catch {
    return undefined;
  }
};
