// The kinds of policy that this version knows, with what their bodies hold.
//
// A kind that is not here is kept and not applied. Bodies outlive the program that wrote them: members are added, never
// renamed, so that unknown ones are let pass.
import { z } from 'zod';
import { NODE_NAME } from './subjects.ts';

const name = z.string().regex(NODE_NAME);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const publicKey = z.string().regex(/^ed25519:[A-Za-z0-9+/]{43}=$/);
const line = z.string().max(500);
/** Whom an entry is for. */
const SCOPE = /^(?:all|(?:site|node):[a-z0-9-]{1,40})$/;

/** A step of the authority's register: a record of kind `exemption`, whole. */
const exemption = z.looseObject({ kind: z.literal('exemption'), event: z.string(), id: z.string() });
/** What a mandate list rests on. */
const decision = z.looseObject({ kind: z.literal('decision'), event: z.string(), list: z.string() });
/** The content of a list, in pieces that are fetched by its hash; `given: false` beside the last one: it is given no more. */
const list = z.looseObject({
  id: z
    .string()
    .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/)
    .max(40),
  sha256,
  bytes: z
    .int()
    .min(1)
    .max(256 << 20),
  pieces: z.int().min(1).max(1_024),
  rules: z.int().min(0),
  given: z.literal(false).exactOptional(),
});
/** Keys of configuration for all, a site or a node; without YAML: none any more. */
const overlay = z.looseObject({
  for: z.string().regex(SCOPE),
  yaml: z.string().max(200_000),
  by: line,
  reason: line.exactOptional(),
});
/** Refusals are suspended for all, a site or a node; without `until` they are given again. */
const pause = z.looseObject({
  for: z.string().regex(SCOPE),
  until: z.iso.datetime().exactOptional(),
  by: line,
  reason: line,
});
/** A resolver is taken in, or has a new key. `enrolment` counts from 1 by name: a new one begins new chains of records. */
const node = z.looseObject({
  name,
  site: z.string().max(40).exactOptional(),
  key: z.string().regex(/^U[A-Z2-7]{55}$/),
  enrolment: z.int().min(1),
  /** It makes policy, or did. */
  role: z.literal('authority').exactOptional(),
});
/** Whose confirmations of evidence count; a later one takes its place. */
const collector = z.looseObject({ name, key: z.string().regex(/^U[A-Z2-7]{55}$/) });
const nodeRemoved = z.looseObject({ name, by: line, reason: line });
/** A key of the authority is trusted from here on, and another one is not any more. */
const authorityKey = z.looseObject({ add: publicKey, remove: publicKey.exactOptional() });

/** Schemas of bodies by kind. */
export const KINDS = {
  exemption,
  decision,
  list,
  overlay,
  pause,
  node,
  collector,
  'node-removed': nodeRemoved,
  'authority-key': authorityKey,
} as const;

/** A kind that this version knows. */
export type Kind = keyof typeof KINDS;
/** The body of a kind. */
export type Body<Name extends Kind> = Readonly<z.infer<(typeof KINDS)[Name]>>;

/** Kinds at which a version that does not know them has to stop. */
export const MUST: ReadonlySet<Kind> = new Set(['exemption', 'node', 'node-removed', 'authority-key']);

/** True for a kind of this version. */
export const isKind = (kind: string): kind is Kind => Object.hasOwn(KINDS, kind);

/** True for what ends an exemption or a pause, which is applied whatever stands before it. */
export const isRevocation = (kind: string, body: unknown): boolean => {
  if (kind === 'pause') return pause.safeParse(body).data?.until === undefined;
  if (kind !== 'exemption') return false;
  const read = exemption.safeParse(body);
  return read.success && (read.data.event === 'revoked' || read.data.event === 'rejected');
};
