// The rows that the control room keeps. Times are milliseconds since the epoch.
import { z } from 'zod';
import { BUDGETS, ROLES } from '../admin/admin.ts';

const roles = z.array(z.enum(ROLES));

/** Somebody who may sign in. The key is the id. */
export const personSchema = z.object({
  /** As records show it; no two are alike but for letter case and blanks. */
  name: z.string(),
  roles,
  kind: z.enum(['local', 'oidc']),
  /** Of the identity provider: issuer and subject. */
  subject: z.string().optional(),
  /** What the provider of this issuer last said: the groups that had a role here. Undefined: kept by an earlier version. */
  told: z.object({ issuer: z.string(), groups: z.array(z.string()), atMs: z.number() }).optional(),
  /** As passwords.ts writes it. */
  password: z.string().optional(),
  /** Secret of the authenticator app in base32, and the last time step that was used. */
  totp: z.object({ secret: z.string(), step: z.number() }).optional(),
  createdMs: z.number(),
  signedInMs: z.number().optional(),
});
export type Person = z.output<typeof personSchema>;

/** The key is the id of the credential. */
export const passkeySchema = z.object({
  person: z.string(),
  /** COSE key in base64url. */
  publicKey: z.string(),
  counter: z.number(),
  transports: z.array(z.string()),
  createdMs: z.number(),
});

/** A token that enrols one person. The key is its hash. */
export const enrolmentSchema = z.object({
  /** Undefined: nobody is known yet. */
  person: z.string().optional(),
  endsMs: z.number(),
  /** Who asked for a link of an administrator, where somebody did. */
  madeBy: z.string().optional(),
  /** A password that waits for the first code of its app. */
  pending: z.object({ name: z.string(), password: z.string(), secret: z.string() }).optional(),
});
export type EnrolmentRow = z.output<typeof enrolmentSchema>;

/** The key is the hash of the cookie's token. */
export const sessionSchema = z.object({
  id: z.string(),
  person: z.string(),
  /** By what one signed in. */
  by: z.enum(['password', 'passkey', 'oidc']),
  from: z.string(),
  startedMs: z.number(),
  seenMs: z.number(),
  /** When the person last proved who it is. */
  provenMs: z.number(),
});
export type SessionRow = z.output<typeof sessionSchema>;

/** A token of a machine. The key is its hash. */
export const tokenSchema = z.object({
  id: z.string(),
  name: z.string(),
  roles,
  by: z.string(),
  /** Account of who made it, as which it acts. Undefined: made by an earlier version, by a name. */
  holder: z.string().optional(),
  createdMs: z.number(),
  endsMs: z.number(),
  usedMs: z.number().optional(),
  /** A record says that it rests, since when it was used. */
  isResting: z.boolean().optional(),
});
export type TokenRow = z.output<typeof tokenSchema>;

/** What one person asked for and another has to confirm. The key is the id. */
export const actSchema = z.object({
  /** Name in the table of operations. */
  operation: z.string(),
  parameters: z.record(z.string(), z.unknown()),
  /** As it was sent. */
  body: z.unknown(),
  by: z.string(),
  /** Id of the person or token. */
  byId: z.string(),
  /** Undefined: asked for by way of an earlier version. */
  byAccount: z.string().optional(),
  roles,
  from: z.string(),
  reason: z.string(),
  /** Who may confirm. */
  confirmRoles: roles,
  askedMs: z.number(),
  endsMs: z.number(),
  state: z.enum(['waiting', 'confirmed', 'withdrawn', 'expired', 'failed']),
  /** It ended because who asked may not ask for it any more; `state` is `expired`, which earlier versions read. */
  hasLapsed: z.boolean().optional(),
  confirmedBy: z.string().optional(),
  endedMs: z.number().optional(),
});
export type ActRow = z.output<typeof actSchema>;

/** What one person did alone of what is summed. The key names the budget and the person. */
export const spentSchema = z.object({
  budget: z.enum(BUDGETS),
  entries: z.array(z.object({ atMs: z.number(), amount: z.number() })),
});
export type SpentRow = z.output<typeof spentSchema>;
