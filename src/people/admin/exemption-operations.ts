// Exemptions on the control socket, and the decisions that lists rest on.
//
// Who acts is who is signed in, or the user of the system who connected: no member of a request says otherwise.
import { z } from 'zod';
import type { Account } from '../../base/base.ts';
import {
  decisionSchema,
  EXEMPTION_STATES,
  paperSchema,
  profileSchema,
} from '../../evidence/exemptions/exemptions.ts';
import {
  type Actor,
  gives,
  listOf,
  type Outcome,
  operationsOn,
  ROLES,
  type Role,
  refuses,
} from './operation.ts';

/** Characters of a name or a reference, as the register keeps them, and of a reason. */
const LINE_LENGTH_MAX = 200;
const REASON_LENGTH_MAX = 500;
/** Of what a paper says in prose; the register has the bound that counts. */
const PROSE_LENGTH_MAX = 10_000;

const optionalText = z.string().exactOptional();
const event = z
  .object({
    time: z.string(),
    event: z.enum(['requested', 'approved', 'rejected', 'active', 'warned', 'expired', 'revoked']),
    by: optionalText,
    role: optionalText,
    reason: optionalText,
  })
  .meta({ id: 'ExemptionEvent' });
/** Granted, and the rules as they now are would refuse it: `isIncomplete`. */
const listed = paperSchema.extend({ isIncomplete: z.boolean() });
const shown = listed.extend({ history: listOf(event) }).meta({ id: 'Exemption' });
const decisionStatus = z
  .object({
    list: z.string(),
    decision: decisionSchema,
    /** Those that hold now. */
    alarms: listOf(z.enum(['review-near', 'review-passed', 'end-near', 'end-passed'])),
    /** Seconds until the day, negative once it has passed; null without one. */
    reviewSec: z.number().nullable(),
    endSec: z.number().nullable(),
  })
  .meta({ id: 'DecisionStatus' });
const report = z
  .object({
    time: z.string(),
    /** Null when none is configured. */
    profile: z
      .object({
        id: z.string(),
        title: z.string(),
        legalBasis: z.array(
          z.object({ reference: z.string(), title: z.string(), date: z.string().optional() }),
        ),
        notes: listOf(z.string()),
      })
      .nullable(),
    /** To whom and until when exemptions were to be reported; null when the profile has no such duty. */
    reporting: z.object({ to: z.string(), until: z.string() }).nullable(),
    counts: z.record(z.enum(EXEMPTION_STATES), z.number()),
    exemptions: listOf(paperSchema.extend({ history: listOf(event) })),
    decisions: listOf(decisionStatus),
  })
  .meta({ id: 'ExemptionReport' });

const opened = z
  .object({
    /** With everything below them; null: all names. */
    names: listOf(z.string()).nullable(),
    lists: listOf(z.string()).nullable(),
    groups: listOf(z.string()),
    devices: listOf(z.string()),
    clients: listOf(z.string()),
    /** Addresses in its prefixes, those of IPv6 left out; null: more than a number can hold. */
    addresses: z.number().nullable(),
    days: z.number().nullable(),
    /** Refused to its groups by its lists in thirty days; null where the records cannot tell. */
    asked30d: z.number().nullable(),
    /** Per name, with all below it; null without names or records, and for who may not look records up. */
    askedNames: z
      .object({
        /** Counted from here on: thirty days ago, or as far as the records go back. */
        since: z.string(),
        /** False: records are missing, or there are too many to count; all numbers are "at least". */
        isWhole: z.boolean(),
        /** Queries whose records have no name. */
        unnamed: z.number(),
        /** By whose clients, exempt or not; none: everybody's. */
        groups: listOf(z.string()),
        names: listOf(z.object({ name: z.string(), queries: z.number() })),
      })
      .nullable(),
  })
  .meta({ id: 'ExemptionEffect' });
const problem = z.object({
  code: z.string(),
  /** Empty for the whole. */
  field: z.string(),
  text: z.string(),
  hint: optionalText,
});
const checked = z.object({ problems: listOf(problem), opens: opened }).meta({ id: 'ExemptionCheck' });
const rules = z
  .object({
    /** Null when none is configured: nothing can be granted. */
    profile: profileSchema.meta({ id: 'ExemptionProfile' }).nullable(),
    groups: listOf(z.string()),
    lists: listOf(z.string()),
    /** Who may approve, where the configuration says; none: anybody with a role of the profile. */
    approvers: listOf(
      z.object({
        name: z.string(),
        account: z.string().optional(),
        role: z.string(),
        delegation: z.string().optional(),
      }),
    ),
  })
  .meta({ id: 'ExemptionRules' });

/** What an exemption would open, or opens. */
export type ExemptionEffect = Readonly<z.output<typeof opened>>;

const line = z
  .string()
  .trim()
  .min(1)
  .max(LINE_LENGTH_MAX)
  .regex(/^\P{C}*$/u);
const reason = z
  .string()
  .trim()
  .max(REASON_LENGTH_MAX)
  .regex(/^\P{C}*$/u);
const decider = z.strictObject({ reason: reason.min(1) });
const approver = z.strictObject({
  /** Those of the configuration where it names who approves. */
  role: line.optional(),
  delegation: line.optional(),
  reason: reason.default(''),
});

/** Who decides, and why. */
export interface ExemptionDecider {
  readonly by: string;
  readonly reason: string;
}

/** Who grants an exemption. */
export interface ExemptionApprover extends ExemptionDecider {
  readonly account: Account | undefined;
  readonly role: string | undefined;
  readonly delegation: string | undefined;
}

/** An exemption with its history. Plain data. */
export type ExemptionShown = Readonly<z.output<typeof shown>>;

/** Everything that is wrong with a paper. Plain data. */
export interface ExemptionRefusal {
  readonly problems: readonly {
    readonly code: string;
    /** Empty for the whole. */
    readonly field: string;
    readonly text: string;
    readonly hint?: string;
  }[];
}

/**
 * The register of the program, as it implements it. All reject with an AppError: ERR_EXEMPTION_UNKNOWN for an id that
 * it does not have, ERR_EXEMPTION_STATE and ERR_EXEMPTION_ORIGIN for what cannot be done to it. Results are plain data.
 * What is granted or revoked is in force, or out of it, when the promise resolves.
 */
export interface ExemptionControl {
  list(state: string | undefined): Promise<readonly z.output<typeof listed>[]>;
  show(id: string): Promise<ExemptionShown>;
  report(): Promise<z.output<typeof report>>;
  /** Asked for by an account, whatever `raw` says. */
  request(raw: unknown, account: Account | undefined): Promise<ExemptionShown | ExemptionRefusal>;
  approve(id: string, approver: ExemptionApprover): Promise<ExemptionShown | ExemptionRefusal>;
  reject(id: string, decider: ExemptionDecider): Promise<ExemptionShown>;
  revoke(id: string, decider: ExemptionDecider): Promise<ExemptionShown>;
  decisions(): Promise<readonly z.output<typeof decisionStatus>[]>;
  /** Everything that is wrong with a request, and what it would open. Keeps nothing. */
  check(raw: unknown): Promise<z.output<typeof checked>>;
  effect(id: string): Promise<ExemptionEffect>;
  rules(): z.output<typeof rules>;
  /** A request as the one before says, but for what `changes` says. */
  renew(
    id: string,
    by: Pick<Actor, 'name' | 'account'>,
    changes: object,
  ): Promise<ExemptionShown | ExemptionRefusal>;
}

const onExemptions = operationsOn<ExemptionControl>('exemptions');
const one = z.object({ id: z.string().regex(/^(?:ex-\d{6,9}|\d{1,9})$/) });
const toEnd = {
  parameters: one,
  body: decider,
  form: '{ "reason": text }',
  result: shown,
} as const;

const isRefusal = (outcome: object): outcome is ExemptionRefusal =>
  'problems' in outcome && Array.isArray(outcome.problems) && outcome.problems.length > 0;

/** What came of a paper; a refusal tells everything that is wrong, in words as well. */
const toOutcome = (doing: string, outcome: ExemptionShown | ExemptionRefusal): Outcome<ExemptionShown> => {
  if (!isRefusal(outcome)) return gives(outcome);
  const { problems } = outcome;
  const lines = problems.map(({ code, field, text, hint }) => {
    const where = field === '' ? '' : `${field}: `;
    return `\n  ${where}${text}${hint === undefined ? '' : `; ${hint}`} [${code}]`;
  });
  const count = `${problems.length} problem${problems.length === 1 ? '' : 's'}`;
  return refuses(422, `${doing}: ${count}${lines.join('')}`, { code: 'ERR_EXEMPTION_REFUSED', problems });
};

/** Who asks is who is signed in, or the user of the system, whatever the paper says. */
const requestedBy = (body: unknown, { name }: Actor): unknown =>
  typeof body !== 'object' || body === null || Array.isArray(body) ? body : { ...body, 'requested-by': name };

/** Roles that may look records up: which names were asked for is theirs to see. */
const LOOKERS: readonly Role[] = ['help-desk', 'operator', 'approver', 'auditor'];

/** Without what somebody may not see. */
const shownTo = ({ roles, via }: Actor, opens: ExemptionEffect): ExemptionEffect =>
  via === 'socket' || roles.some((role) => LOOKERS.includes(role)) ? opens : { ...opens, askedNames: null };

/** The register, and the decisions about it. */
export const EXEMPTION_OPERATIONS = {
  listExemptions: onExemptions({
    method: 'GET',
    path: '/v1/exemptions',
    summary: 'All exemptions, or those in one state',
    roles: ROLES,
    query: z.strictObject({ state: z.enum(EXEMPTION_STATES).optional() }),
    form: `state=STATE, of ${EXEMPTION_STATES.join(', ')}`,
    result: listOf(listed),
    handle: async (register, { query }) => gives(await register.list(query.state)),
  }),
  requestExemption: onExemptions({
    method: 'POST',
    path: '/v1/exemptions',
    summary: 'Asks for an exemption; 422 with all problems when the rules do not allow it',
    roles: ['viewer', 'help-desk', 'operator', 'approver', 'administrator'],
    // The register judges the fields, and tells everything that is wrong with them at once.
    body: z.unknown(),
    result: shown,
    handle: async (register, { body }, actor) =>
      toOutcome('requesting an exemption', await register.request(requestedBy(body, actor), actor.account)),
  }),
  reportExemptions: onExemptions({
    method: 'GET',
    path: '/v1/exemptions/report',
    summary: 'The whole register as one document',
    roles: ROLES,
    result: report,
    handle: async (register) => gives(await register.report()),
  }),
  readExemption: onExemptions({
    method: 'GET',
    path: '/v1/exemptions/{id}',
    summary: 'One exemption with its history',
    roles: ROLES,
    parameters: one,
    result: shown,
    handle: async (register, { parameters }) => gives(await register.show(parameters.id)),
  }),
  approveExemption: onExemptions({
    method: 'POST',
    path: '/v1/exemptions/{id}/approve',
    summary: 'Grants an exemption; 422 with all problems when the rules do not allow it',
    roles: ['approver'],
    needsProof: true,
    parameters: one,
    body: approver,
    form: '{ "role": text, "delegation": text, "reason": text }',
    result: shown,
    handle: async (register, { parameters: { id }, body: { role, delegation, reason } }, { name, account }) =>
      toOutcome(
        `approving ${id}`,
        await register.approve(id, { by: name, account, reason, role, delegation }),
      ),
  }),
  rejectExemption: onExemptions({
    method: 'POST',
    path: '/v1/exemptions/{id}/reject',
    summary: 'Turns a request away',
    roles: ['approver'],
    ...toEnd,
    handle: async (register, { parameters, body: { reason } }, { name }) =>
      gives(await register.reject(parameters.id, { by: name, reason })),
  }),
  revokeExemption: onExemptions({
    method: 'POST',
    path: '/v1/exemptions/{id}/revoke',
    summary: 'Ends an exemption now',
    roles: ['operator', 'approver'],
    ...toEnd,
    handle: async (register, { parameters, body: { reason } }, { name }) =>
      gives(await register.revoke(parameters.id, { by: name, reason })),
  }),
  readExemptionRules: onExemptions({
    method: 'GET',
    path: '/v1/exemptions/rules',
    summary: 'What a request has to say, by the profile in force',
    roles: ROLES,
    result: rules,
    handle: (register) => Promise.resolve(gives(register.rules())),
  }),
  checkExemption: onExemptions({
    method: 'POST',
    path: '/v1/exemptions/check',
    summary:
      'Everything that is wrong with a request, each at its field, and what it would open; nothing is kept',
    roles: ['viewer', 'help-desk', 'operator', 'approver', 'administrator'],
    body: z.unknown(),
    result: checked,
    handle: async (register, { body }, actor) => {
      const { problems, opens } = await register.check(requestedBy(body, actor));
      return gives({ problems, opens: shownTo(actor, opens) });
    },
  }),
  readExemptionEffect: onExemptions({
    method: 'GET',
    path: '/v1/exemptions/{id}/opens',
    summary: 'What an exemption opens: names, clients, days, and how often that was asked for',
    roles: ROLES,
    parameters: one,
    result: opened,
    handle: async (register, { parameters }, actor) =>
      gives(shownTo(actor, await register.effect(parameters.id))),
  }),
  renewExemption: onExemptions({
    method: 'POST',
    path: '/v1/exemptions/{id}/renew',
    summary: 'Asks for an exemption that follows another one, which says all that is not said here',
    roles: ['viewer', 'help-desk', 'operator', 'approver', 'administrator'],
    parameters: one,
    body: z.strictObject({
      until: z.string().max(LINE_LENGTH_MAX),
      from: z.string().max(LINE_LENGTH_MAX).exactOptional(),
      justification: z.string().max(PROSE_LENGTH_MAX).exactOptional(),
      alternatives: z.string().max(PROSE_LENGTH_MAX).exactOptional(),
    }),
    form: '{ "until": date, "from": date, "justification": text, "alternatives": text }',
    result: shown,
    handle: async (register, { parameters: { id }, body }, actor) =>
      toOutcome(`renewing ${id}`, await register.renew(id, actor, body)),
  }),
  listDecisions: onExemptions({
    method: 'GET',
    path: '/v1/decisions',
    summary: 'The decisions that lists rest on, and their alarms',
    roles: ROLES,
    result: listOf(decisionStatus),
    handle: async (register) => gives(await register.decisions()),
  }),
};
