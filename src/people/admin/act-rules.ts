// How many persons each act of the control room takes: the one table, from which the server decides, docs/acts.md is written,
// and tests are made.
//
// An act that stands here nowhere is done by nobody. What one person may do alone and loosens is summed over a window, so that
// no number of small acts becomes what takes two.
import type { z } from 'zod';
import type { Given, Operation, Role } from './operation.ts';
import type { OPERATIONS } from './operations.ts';

/** What is summed. */
export const BUDGETS = ['pause'] as const;
export type Budget = (typeof BUDGETS)[number];

/** What one person may do alone of something within a window. */
interface Sum {
  readonly max: number;
  readonly windowMs: number;
  /** Acts: small ones beyond this are no work on a fault any more. */
  readonly actsMax: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** What one person may suspend alone: as long as it takes to find out what is wrong, once a day. */
export const SUMS: Readonly<Record<Budget, Sum>> = {
  pause: { max: 15 * MINUTE_MS, windowMs: DAY_MS, actsMax: 20 },
};

/** What is taken of a sum. */
export interface Amount {
  readonly budget: Budget;
  readonly amount: number;
}

/** Takes it for a person, and gives what gives it back; undefined: it is more than one person may do alone. */
export type Spend = (budget: Budget, person: string, amount: number) => (() => void) | undefined;

/** What an act takes, as it was asked for. */
export type Need =
  /** One person. */
  | { readonly persons: 'one' }
  /** One person, as long as the sum of the budget with `amount` is within its bound; else a second one with one of `roles`. */
  | (Amount & { readonly persons: 'summed'; readonly roles: readonly Role[] })
  /** A second person with one of `roles`. */
  | { readonly persons: 'two'; readonly roles: readonly Role[] }
  /** Nobody; `why` says what to do instead. */
  | { readonly persons: 'nobody'; readonly why: string };

/** Who there is to confirm. */
export interface Office {
  /** One administrator alone. */
  readonly isSole: boolean;
  /** The day of the first account. */
  readonly isFirstDay: boolean;
}

/** The rule of one act: what it says for people, each part that it has, and what decides. */
export interface ActRule<Control = object, Wanted = Given<Record<string, unknown>, unknown, unknown>> {
  /** What one person does alone. */
  readonly alone?: string;
  /** What takes a second person, and which. */
  readonly second?: string;
  /** What nobody does. */
  readonly never?: string;
  /**
   * Decides at once where it can: what is decided and done in one turn cannot change between. Throws or rejects as the operation
   * does.
   */
  need(control: Control, given: Wanted, office: Office): Need | Promise<Need>;
  /** Counts in a sum, also where nobody is there to be the second person. */
  sum?(given: Wanted): Amount;
}

type RuleOf<One> =
  One extends Operation<infer Control, infer Parameters, infer Query, infer Body, infer _Result>
    ? ActRule<Control, Given<z.output<Parameters>, z.output<Query>, z.output<Body>>>
    : never;

/** Ways in, and links: who holds them is who they are for. */
const OWN = "one's own session";
const ONE: Need = { persons: 'one' };

/** Loosens nothing: it tightens, asks, or reads. */
const alone = (what: string) => ({ alone: what, need: () => ONE });
/** Always with a second person who has one of the roles. */
const withSecond = (what: string, ...roles: [Role, ...Role[]]) => {
  const need: Need = { persons: 'two', roles };
  return { second: `${what} (${roles.join(' or ')})`, need: () => need };
};

const SETTING_UP = 'on the first day, while there is one administrator';
const NOBODY_CONFIRMS =
  'there is one administrator, and the day of setting up is over: "cordon room link" on the host makes a second one';

/** Two administrators; in the first day the one that there is. */
const withAdministrator = (what: string) => ({
  alone: `${what} ${SETTING_UP}`,
  second: `${what} (administrator)`,
  never: `${what} by the only administrator later: the host makes a second one`,
  need: (_control: object, _given: object, { isSole, isFirstDay }: Office): Need => {
    if (!isSole) return { persons: 'two', roles: ['administrator'] };
    return isFirstDay ? ONE : { persons: 'nobody', why: NOBODY_CONFIRMS };
  },
});

/** What a mandate list refuses is changed by two; any other list by one. */
const forMandates = (what: string) => ({
  alone: `${what} of a list without mandate`,
  second: `${what} of a mandate list (approver)`,
  need: async (
    lists: { status(id: string): Promise<{ readonly mandate: boolean | null }> },
    { parameters }: { readonly parameters: { readonly list: string } },
  ): Promise<Need> =>
    (await lists.status(parameters.list)).mandate === false ? ONE : { persons: 'two', roles: ['approver'] },
});

/** By the name of the operation; complete, as a test sees to. */
export const ACT_RULES: { readonly [Name in keyof typeof OPERATIONS]?: RuleOf<(typeof OPERATIONS)[Name]> } = {
  pause: {
    alone: 'up to 15 minutes in 24 hours in all, in at most 20 pieces',
    second: 'more than that, up to `compliance.pause-max` each time (operator or approver)',
    sum: ({ body }) => ({ budget: 'pause', amount: body.ms }),
    need: (_, { body }) => ({
      ...{ persons: 'summed', budget: 'pause', amount: body.ms },
      roles: ['operator', 'approver'],
    }),
  },
  resume: alone('refusing again'),
  pauseFleet: {
    alone: 'as of `pause`, of the same sum',
    second: 'as of `pause`',
    sum: ({ body }) => ({ budget: 'pause', amount: body.ms }),
    need: (_, { body }) => ({
      ...{ persons: 'summed', budget: 'pause', amount: body.ms },
      roles: ['operator', 'approver'],
    }),
  },
  resumeFleet: alone('refusing again'),
  acceptList: forMandates('the held content'),
  rollBackList: forMandates('an earlier content'),
  dismissList: alone('what is in force stays'),
  tryList: alone('asking what a content would have made different; nothing is in force'),
  refreshList: alone('fetching; what is unusual is held'),
  requestExemption: alone('asking'),
  renewExemption: alone('asking'),
  checkExemption: alone('asking what would come of it; nothing is kept'),
  approveExemption: {
    second: 'by its nature: who approves is another person than who asked',
    never: 'approving what one asked for',
    // The register knows who asked, and refuses.
    need: () => ONE,
  },
  rejectExemption: alone('turning a request away'),
  revokeExemption: alone('ending an exemption'),
  applyConfiguration: {
    alone: 'what only tightens, or changes nothing that is in force',
    second: 'rules (approver); who may do what and where the program is reached (administrator)',
    never: 'both of these at once',
    need: async (configuration, { body }) => {
      const roles = await configuration.confirmers(body);
      return roles === undefined ? ONE : { persons: 'two', roles };
    },
  },
  checkConfiguration: alone('a draft; nothing is in force'),
  draftConfigurationVersion: alone('a draft; nothing is in force'),
  tryConfiguration: alone('asking what it would have made different; nothing is in force'),
  draftNotice: alone('a draft; nothing is in force'),
  reload: alone('what the host has put on the disk'),
  copyRegister: alone('a copy within the state directory'),
  reidentify: withSecond('the client behind a pseudonym', 'approver'),
  listPseudonyms: withSecond('the pseudonyms of a client', 'approver'),
  recordOpening: alone('the record that a key from the safe is used'),
  requestSweep: alone('probing'),
  checkRecords: alone('checking the records'),
  explain: alone('asking'),
  searchQueries: alone('queries of the query log, clients by their reference; on the record'),
  searchQueriesOf: withSecond('queries of an address or a device', 'approver'),
  readDevice: alone('what a device tried, by its reference; on the record'),
  makeReport: alone('a report'),
  addPerson: withAdministrator('a new account'),
  setRoles: withAdministrator('other roles'),
  enrolPerson: withAdministrator('a link to enrol anew'),
  addToken: withAdministrator('a token'),
  removePerson: {
    alone: 'while there is one administrator: it gives nobody anything',
    second: 'else (administrator)',
    never: 'the last administrator',
    need: (_control, _given, { isSole }) => (isSole ? ONE : { persons: 'two', roles: ['administrator'] }),
  },
  revokeToken: alone('ending a token'),
  endOtherSession: alone('signing somebody out'),
  confirmAct: {
    second: 'by its nature: who confirms is another person than who asked',
    never: 'confirming what one asked for',
    // The acts know who asked, and refuse.
    need: () => ONE,
  },
  takeActResult: alone('what came of what one asked for, once'),
  withdrawAct: alone('ending what waits'),
  probeFleet: alone('probing'),
  inviteResolver: withAdministrator('a token for a new resolver'),
  removeResolver: withAdministrator('taking a resolver out'),
  setOverlay: withSecond('keys of configuration of other resolvers', 'approver'),
  rotateFleetKey: withAdministrator('another key of the authority'),
  signInByPassword: alone(OWN),
  askForPasskey: alone(OWN),
  signInByPasskey: alone(OWN),
  proveByCode: alone(OWN),
  askForProof: alone(OWN),
  proveByPasskey: alone(OWN),
  keepSession: alone(OWN),
  endSession: alone(OWN),
  readEnrolment: alone(OWN),
  enrolByPassword: alone(OWN),
  confirmEnrolment: alone(OWN),
  askForNewPasskey: alone(OWN),
  enrolByPasskey: alone(OWN),
  proposeOwnPassword: alone(OWN),
  confirmOwnPassword: alone(OWN),
  askForOwnPasskey: alone(OWN),
  addOwnPasskey: alone(OWN),
  removeOwnPasskey: alone(OWN),
};

const RULES: ReadonlyMap<string, ActRule | undefined> = new Map(
  Object.entries<ActRule | undefined>(ACT_RULES),
);

/** What an act takes; nobody does what no rule speaks of. */
export const needOf = (
  name: string,
  control: object,
  given: Given<Record<string, unknown>, unknown, unknown>,
  office: Office,
): Need | Promise<Need> =>
  RULES.get(name)?.need(control, given, office) ?? { persons: 'nobody', why: 'no rule says who may do it' };

/** What an act takes of a sum; undefined for one that is in none. */
export const sumOf = (
  name: string,
  given: Given<Record<string, unknown>, unknown, unknown>,
): Amount | undefined => RULES.get(name)?.sum?.(given);
