// People, their roles, the tokens of machines, and sessions.
//
// Who may sign in, and as what, is changed by two administrators; on the first day, by the one that there is, on the record.
import { z } from 'zod';
import type { Identity } from '../../base/base.ts';
import { type Actor, gives, listOf, operationsOn, ROLES, type Role } from './operation.ts';

const NAME_LENGTH_MAX = 64;
const REASON_LENGTH_MAX = 500;
/** A token that nobody renews is one that nobody remembers. */
const TOKEN_DAYS_MAX = 400;

const roles = z.array(z.enum(ROLES)).min(1).max(ROLES.length);
const person = z
  .object({
    id: z.string(),
    name: z.string(),
    /** By what rules tell who it is: it never changes. */
    account: z.string(),
    roles: z.array(z.enum(ROLES)).readonly(),
    kind: z.enum(['local', 'oidc']),
    hasPassword: z.boolean(),
    hasPasskey: z.boolean(),
    /** A link waits for this person. */
    isInvited: z.boolean(),
    createdAt: z.string(),
    lastSignInAt: z.string().nullable(),
  })
  .meta({ id: 'Person' });
const link = z
  .object({
    /** With the token in its fragment; shown once. */
    url: z.string(),
    expiresAt: z.string(),
  })
  .meta({ id: 'EnrolmentLink' });
const token = z
  .object({
    id: z.string(),
    name: z.string(),
    roles: z.array(z.enum(ROLES)).readonly(),
    by: z.string(),
    createdAt: z.string(),
    endsAt: z.string(),
    lastUsedAt: z.string().nullable(),
    isResting: z
      .boolean()
      .describe(
        'The identity provider has not vouched for its holder for 14 days: refused until the holder signs in',
      ),
  })
  .meta({ id: 'MachineToken' });
const session = z
  .object({
    id: z.string(),
    name: z.string(),
    method: z.enum(['password', 'passkey', 'oidc']),
    from: z.string(),
    startedAt: z.string(),
    seenAt: z.string(),
    isOwn: z.boolean(),
  })
  .meta({ id: 'OpenSession' });

/** Somebody who may sign in. */
export type PersonShown = Readonly<z.output<typeof person>>;
/** A link that enrols one person, once. */
export type LinkShown = Readonly<z.output<typeof link>>;
/** A token of a machine, without its secret. */
export type TokenShown = Readonly<z.output<typeof token>>;
/** Somebody who is signed in. */
export type OpenSession = Readonly<z.output<typeof session>>;

/** Who may sign in, as the control room keeps them. All throw ERR_ROOM_PEOPLE and ERR_ROOM_UNKNOWN. */
export interface PeopleControl {
  list(): readonly PersonShown[];
  add(name: string, roles: readonly Role[]): { readonly person: PersonShown; readonly link: LinkShown };
  setRoles(id: string, roles: readonly Role[]): PersonShown;
  remove(id: string): PersonShown;
  /** Ends every way in that somebody has, and makes a link. */
  enrol(id: string): LinkShown;
  /** For one more administrator; a record says who made it. */
  createSetupLink(by: Identity): LinkShown;
  tokens(): readonly TokenShown[];
  addToken(
    name: string,
    roles: readonly Role[],
    days: number,
    by: Identity,
  ): { readonly secret: string; readonly token: TokenShown };
  revokeToken(id: string): TokenShown;
  sessions(actor: Actor): readonly OpenSession[];
  endSession(id: string): { readonly id: string };
}

const onPeople = operationsOn<PeopleControl>('people', { door: 'room', failureStatus: 409 });
const onePerson = z.object({ person: z.string().regex(/^p-[0-9a-f]{12}$/) });
const oneToken = z.object({ token: z.string().regex(/^t-[0-9a-f]{12}$/) });
const oneSession = z.object({ session: z.string().regex(/^s-[0-9a-f]{12}$/) });
const name = z
  .string()
  .trim()
  .min(1)
  .max(NAME_LENGTH_MAX)
  .regex(/^\P{C}*$/u);
const reason = z.string().trim().min(1).max(REASON_LENGTH_MAX);
const reasoned = z.strictObject({ reason });
const reasonForm = '{ "reason": text }';

/** Two administrators, unless there is one alone: act-rules.ts. */
const byTwo = { roles: ['administrator'], needsProof: true } as const;

/** People, tokens, sessions. */
export const PEOPLE_OPERATIONS = {
  listPeople: onPeople({
    method: 'GET',
    path: '/v1/people',
    summary: 'Who may sign in, and as what',
    roles: ['auditor', 'administrator'],
    result: listOf(person),
    handle: (people) => Promise.resolve(gives(people.list())),
  }),
  addPerson: onPeople({
    ...byTwo,
    method: 'POST',
    path: '/v1/people',
    summary: 'Adds a local account, and gives the link with which its owner enrols',
    body: z.strictObject({ name, roles, reason }),
    form: '{ "name": text, "roles": roles, "reason": text }',
    result: z.object({ person, link }),
    handle: (people, { body }) => Promise.resolve(gives(people.add(body.name, body.roles))),
  }),
  setRoles: onPeople({
    ...byTwo,
    method: 'POST',
    path: '/v1/people/{person}/roles',
    summary: 'Changes the roles of a local account',
    parameters: onePerson,
    body: z.strictObject({ roles, reason }),
    form: '{ "roles": roles, "reason": text }',
    result: person,
    handle: (people, { parameters, body }) =>
      Promise.resolve(gives(people.setRoles(parameters.person, body.roles))),
  }),
  enrolPerson: onPeople({
    ...byTwo,
    method: 'POST',
    path: '/v1/people/{person}/enrol',
    summary: 'Ends password, passkeys and sessions of a local account, and gives a link for new ones',
    parameters: onePerson,
    body: reasoned,
    form: reasonForm,
    result: link,
    handle: (people, { parameters }) => Promise.resolve(gives(people.enrol(parameters.person))),
  }),
  removePerson: onPeople({
    ...byTwo,
    method: 'POST',
    path: '/v1/people/{person}/remove',
    summary: 'Removes somebody, who is signed out at once',
    parameters: onePerson,
    body: reasoned,
    form: reasonForm,
    result: person,
    handle: (people, { parameters }) => Promise.resolve(gives(people.remove(parameters.person))),
  }),
  listTokens: onPeople({
    method: 'GET',
    path: '/v1/tokens',
    summary: 'Tokens of machines',
    roles: ['auditor', 'administrator'],
    result: listOf(token),
    handle: (people) => Promise.resolve(gives(people.tokens())),
  }),
  addToken: onPeople({
    ...byTwo,
    method: 'POST',
    path: '/v1/tokens',
    summary: 'Makes a token for a machine, which is shown once',
    body: z.strictObject({ name, roles, days: z.int().min(1).max(TOKEN_DAYS_MAX), reason }),
    form: `{ "name": text, "roles": roles, "days": 1 to ${TOKEN_DAYS_MAX}, "reason": text }`,
    result: z.object({ secret: z.string(), token }),
    handle: (people, { body }, actor) =>
      Promise.resolve(gives(people.addToken(body.name, body.roles, body.days, actor))),
  }),
  revokeToken: onPeople({
    method: 'POST',
    path: '/v1/tokens/{token}/revoke',
    summary: 'Ends a token now',
    roles: ['administrator'],
    parameters: oneToken,
    body: reasoned,
    form: reasonForm,
    result: token,
    handle: (people, { parameters }) => Promise.resolve(gives(people.revokeToken(parameters.token))),
  }),
  listSessions: onPeople({
    method: 'GET',
    path: '/v1/sessions',
    summary: 'Who is signed in',
    roles: ['auditor', 'administrator'],
    result: listOf(session),
    handle: (people, _, actor) => Promise.resolve(gives(people.sessions(actor))),
  }),
  endOtherSession: onPeople({
    method: 'POST',
    path: '/v1/sessions/{session}/end',
    summary: 'Signs somebody out',
    roles: ['administrator'],
    parameters: oneSession,
    body: reasoned,
    form: reasonForm,
    result: z.object({ id: z.string() }),
    handle: (people, { parameters }) => Promise.resolve(gives(people.endSession(parameters.session))),
  }),
  createSetupLink: onPeople({
    door: 'command',
    method: 'POST',
    path: '/v1/setup-link',
    summary: 'Makes a link with which one more administrator enrols',
    roles: [],
    body: z.strictObject({}),
    form: '{ }',
    result: link,
    handle: (people, _, actor) => Promise.resolve(gives(people.createSetupLink(actor))),
  }),
};
