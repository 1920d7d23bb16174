// Acts that need a second person: what waits, and the two ways in which it ends.
import { z } from 'zod';
import { type Actor, gives, listOf, operationsOn, ROLES } from './operation.ts';

const REASON_LENGTH_MAX = 500;

const act = z
  .object({
    id: z.string(),
    /** Name in this table. */
    operation: z.string(),
    summary: z.string(),
    by: z.string(),
    byAccount: z.string().nullable(),
    askedAt: z.string(),
    expiresAt: z.string(),
    reason: z.string(),
    /** Who may confirm: one of these roles, and somebody else than who asked. */
    confirmRoles: z.array(z.enum(ROLES)).readonly(),
    parameters: z.record(z.string(), z.unknown()),
    body: z.unknown(),
    state: z.enum(['waiting', 'confirmed', 'withdrawn', 'expired', 'lapsed', 'failed']),
    confirmedBy: z.string().nullable(),
    endedAt: z.string().nullable(),
  })
  .meta({ id: 'Act' });

/** Something that waits for a second person, or did. */
export type ActShown = Readonly<z.output<typeof act>>;

/** An act that was confirmed. */
export interface Confirmed {
  readonly act: ActShown;
  /** HTTP status of the operation. */
  readonly status: number;
  readonly problem: string | null;
}

/** Acts that wait, as the control room keeps them. Throws ERR_ROOM_UNKNOWN, ERR_ROOM_ACT and ERR_ROOM_ROLE. */
export interface ActControl {
  list(): readonly ActShown[];
  /** Does what was asked for; `problem` says why it could not be done. What came of it is for who asked. */
  confirm(id: string, actor: Actor, reason: string): Promise<Confirmed>;
  /** What came of an act, told once and to who asked for it. */
  takeResult(id: string): unknown;
  withdraw(id: string, actor: Actor, reason: string): ActShown;
}

const onActs = operationsOn<ActControl>('acts', { door: 'room', failureStatus: 409 });
const one = z.object({ act: z.string().regex(/^a-[0-9a-f]{12}$/) });
const reasoned = z.strictObject({ reason: z.string().trim().max(REASON_LENGTH_MAX).default('') });

/** Acts that need a second person. */
export const ACT_OPERATIONS = {
  listActs: onActs({
    method: 'GET',
    path: '/v1/acts',
    summary: 'What waits for a second person, and what became of the last ones',
    roles: ROLES,
    result: listOf(act),
    handle: (acts) => Promise.resolve(gives(acts.list())),
  }),
  confirmAct: onActs({
    method: 'POST',
    path: '/v1/acts/{act}/confirm',
    summary: 'Confirms and does what somebody else asked for',
    roles: ['operator', 'approver', 'administrator'],
    needsProof: true,
    parameters: one,
    body: reasoned,
    form: '{ "reason": text }',
    result: z.object({ act, status: z.number(), problem: z.string().nullable() }),
    handle: async (acts, { parameters, body }, actor) =>
      gives(await acts.confirm(parameters.act, actor, body.reason)),
  }),
  takeActResult: onActs({
    method: 'POST',
    path: '/v1/acts/{act}/result',
    summary: 'What came of an act that was confirmed, told once and to who asked for it',
    roles: ['operator', 'approver', 'auditor', 'administrator'],
    parameters: one,
    body: z.strictObject({}),
    form: '{ }',
    result: z.object({ result: z.unknown() }),
    handle: (acts, { parameters }) => Promise.resolve(gives({ result: acts.takeResult(parameters.act) })),
  }),
  withdrawAct: onActs({
    method: 'POST',
    path: '/v1/acts/{act}/withdraw',
    summary: 'Withdraws what one asked for, or turns away what one could confirm',
    roles: ['operator', 'approver', 'auditor', 'administrator'],
    parameters: one,
    body: reasoned,
    form: '{ "reason": text }',
    result: act,
    handle: (acts, { parameters, body }, actor) =>
      Promise.resolve(gives(acts.withdraw(parameters.act, actor, body.reason))),
  }),
};
