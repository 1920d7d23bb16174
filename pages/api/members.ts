// Names for what stands within the shapes of the server (shapes.ts), as pages speak of them.
//
// Times are RFC 3339 in UTC unless a name ends in `Sec` or `Ms`. Whatever is a union of words may grow on the server: pages look
// words up in tables and show an unknown one as it is.
import type {
  ExemptionCheck,
  ExemptionEffect,
  FoldedRefusal,
  KeptReport,
  ListContent,
  Network,
  NetworkStanding,
  Person,
  Session,
  State,
} from './shapes.ts';

export type Role = Person['roles'][number];
export const ROLES: readonly Role[] = [
  'viewer',
  'help-desk',
  'operator',
  'approver',
  'auditor',
  'administrator',
];

/** The session of somebody who is signed in; undefined: nobody is. */
export const signedInOf = (session: Session | undefined): Extract<Session, { signedIn: true }> | undefined =>
  session?.signedIn === true ? session : undefined;

export type Headline = State['headline'];
export type HeadlineState = Headline['state'];
export type ShownNetwork = NetworkStanding;
export type Need = State['todo'][number];
export type Refusal = FoldedRefusal;
export type Group = Network;
export type Opens = ExemptionEffect;
/** What a count of what was asked for covers. */
export type AskedSpan = Pick<NonNullable<Opens['askedNames']>, 'since' | 'isWhole' | 'unnamed'>;
export type Content = ListContent;
export type Report = KeptReport;
export type ExemptionProblem = ExemptionCheck['problems'][number];
