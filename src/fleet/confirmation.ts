// Up to where the collector has a chain: what it says in the engine, and what a resolver makes of it.
import { z } from 'zod';

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const confirmationSchema = z.looseObject({
  enrolment: z.int().min(1),
  sequence: z.int().min(0),
  hash,
  /** Records before that which the collector had and has no more: it asks for them. Versions before this one do not see it. */
  missing: z
    .looseObject({
      ordinal: z.int().min(1),
      after: z.looseObject({ sequence: z.int().min(0), hash }),
      until: z.int().min(1),
    })
    .exactOptional(),
});

/** Up to where a chain is whole and linked on the collector's disk. Plain data. */
export type Confirmation = Readonly<z.infer<typeof confirmationSchema>>;

/** What is confirmed: both chains, and the signed heads. */
export const CONFIRMED_CLASSES = ['queries', 'changes', 'heads'] as const;
/** One of CONFIRMED_CLASSES. */
export type ConfirmedClass = (typeof CONFIRMED_CLASSES)[number];

/** The confirmation of bytes from the network; undefined for anything else. */
export const parseConfirmation = (bytes: Uint8Array): Confirmation | undefined => {
  try {
    const { success, data } = confirmationSchema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return success ? data : undefined;
  } catch {
    return undefined;
  }
};
