// The one judge of whether the prohibition is in force.
//
// It is told what is in force (what the workers judge by, not what a file says), and what was: a mandate list that is
// taken out of the configuration does not take the mandate away with it, so it is missed until somebody writes that it
// is out of scope. A list that names itself a mandate, or was one, and is used as an ordinary list is missed as well.
import { type ListStanding, type MandateState, type NotEnforcingCause, worstState } from './words.ts';

/** What no mandate concerns, by decision: everything, nothing, or these mandate lists. */
export type OutOfScope = boolean | readonly string[];

/** A list that is in force. */
export interface ListFacts {
  readonly id: string;
  /** It goes before allowlists. */
  readonly isMandate: boolean;
  readonly isLogOnly: boolean;
}

/** A group of clients. */
export interface GroupFacts {
  readonly name: string;
  /** Identifiers of the lists that it chooses. */
  readonly chosen: readonly string[];
  /** Those of them that a schedule takes out at this moment. */
  readonly outsideHours: readonly string[];
  readonly outOfScope: OutOfScope;
  /** The last run of the self-probe that asked as the group got an answer for a name that a mandate list refuses. */
  readonly isLeaking?: boolean;
}

/** Everything that decides. */
export interface EnforcementFacts {
  /** False until lists were in force, or loading them was tried. */
  readonly isStarted: boolean;
  /** A policy is in force. */
  readonly isLoaded: boolean;
  /** Worker threads that answer, and those that live and do not. */
  readonly workers: { readonly answering: number; readonly hung: number };
  readonly isPaused: boolean;
  readonly lists: readonly ListFacts[];
  /** Lists that are a mandate by their own header, or were one when they were last in force. */
  readonly bound: readonly string[];
  readonly groups: readonly GroupFacts[];
  /** Of the whole service. */
  readonly outOfScope: OutOfScope;
}

/** A mandate list that does not refuse. */
export interface UnenforcedList {
  readonly list: string;
  readonly standing: Exclude<ListStanding, 'enforced'>;
}

/** The state of one group. */
export interface GroupEnforcement {
  readonly group: string;
  readonly state: MandateState;
  /** Undefined when all is as decided. */
  readonly cause?: NotEnforcingCause;
  /** Mandate lists that do not refuse to this group and that nobody wrote out of scope; absent for none. */
  readonly lists?: readonly UnenforcedList[];
}

/** The state of everything. Plain data; two that are alike compare as deeply equal. */
export interface Enforcement {
  readonly state: MandateState;
  /** Of the group that is worst; undefined when all is as decided. */
  readonly cause?: NotEnforcingCause;
  /** The default group first. */
  readonly groups: readonly GroupEnforcement[];
}

/** Decides for each group and for the service. */
export const judgeEnforcement = (facts: EnforcementFacts): Enforcement => {
  const outage = outageOf(facts);
  const groups = facts.groups.map((group) => judgeGroup(group, facts, outage));
  if (outage !== undefined) return { ...outage, groups };
  const state = worstState(groups.map((group) => group.state));
  const cause = groups.find((group) => group.state === state)?.cause;
  return cause === undefined ? { state, groups } : { state, cause, groups };
};

type Outage = Required<Pick<GroupEnforcement, 'state' | 'cause'>>;

/** What stops everything, for whomever: clients get no answers, or none but SERVFAIL. */
const outageOf = ({ isStarted, isLoaded, workers }: EnforcementFacts): Outage | undefined => {
  if (isStarted && workers.hung > 0) return { state: 'not-answering', cause: 'hung-worker' };
  if (isStarted && workers.answering === 0) return { state: 'not-answering', cause: 'no-worker' };
  if (!isLoaded) return { state: 'not-ready', cause: isStarted ? 'no-generation' : 'startup' };
  return undefined;
};

const judgeGroup = (
  group: GroupFacts,
  facts: EnforcementFacts,
  outage: Outage | undefined,
): GroupEnforcement => {
  const { name } = group;
  if (outage !== undefined) return { group: name, ...outage };
  const mandates = mandatesOf(facts);
  const standings = standingsOf(group, facts, mandates);
  const missed = standings.filter((one): one is UnenforcedList => one.standing !== 'enforced');
  const lists = missed.length === 0 ? {} : { lists: missed };
  const hasEnforced = missed.length < standings.length;
  if (standings.length === 0) {
    // Naming lists excuses these lists; that there is no mandate at all, only "true" does.
    const isExcused = mandates.length > 0 || group.outOfScope === true || facts.outOfScope === true;
    return isExcused
      ? { group: name, state: 'out-of-scope' }
      : { group: name, state: 'no-mandate', cause: 'configuration' };
  }
  if (facts.isPaused && hasEnforced)
    return { group: name, state: 'paused', cause: 'operator-pause', ...lists };
  if (missed.length === 0) {
    // What a client gets goes before what ought to be. Where a list is missing, that is what leaks.
    return group.isLeaking === true
      ? { group: name, state: 'leaking', cause: 'leak' }
      : { group: name, state: 'enforced' };
  }
  const state = hasEnforced ? 'partly' : stateWithout(missed);
  const isByTime = missed.every(({ standing }) => standing === 'outside-hours');
  return { group: name, state, cause: isByTime ? 'schedule' : 'configuration', ...lists };
};

/** Of a group to which no mandate list refuses anything. */
const stateWithout = (missed: readonly UnenforcedList[]): MandateState => {
  const some = (standing: ListStanding): boolean => missed.some((one) => one.standing === standing);
  if (some('watched')) return 'watched';
  return some('outside-hours') ? 'outside-hours' : 'no-mandate';
};

/** Every list that is a mandate for somebody, or was one. */
const mandatesOf = ({ lists, bound }: EnforcementFacts): readonly string[] => [
  ...new Set([...lists.filter(({ isMandate }) => isMandate).map(({ id }) => id), ...bound]),
];

/** What each mandate list that concerns a group does for it. */
const standingsOf = (
  group: GroupFacts,
  facts: EnforcementFacts,
  mandates: readonly string[],
): { readonly list: string; readonly standing: ListStanding }[] => {
  const known = new Map(facts.lists.map((list) => [list.id, list]));
  return mandates.flatMap((list) => {
    const standing = standingOf(list, known.get(list), group);
    // What is chosen and refuses is in force, whatever is written of its scope.
    const isExcused = excuses(group.outOfScope, list) || excuses(facts.outOfScope, list);
    return standing !== 'enforced' && isExcused ? [] : [{ list, standing }];
  });
};

const standingOf = (id: string, list: ListFacts | undefined, group: GroupFacts): ListStanding => {
  if (list === undefined) return 'removed';
  if (!group.chosen.includes(id)) return 'not-chosen';
  if (list.isLogOnly) return 'watched';
  if (group.outsideHours.includes(id)) return 'outside-hours';
  return list.isMandate ? 'enforced' : 'no-mandate';
};

/** True when what is written out of scope covers the list. */
export const excuses = (outOfScope: OutOfScope, list: string): boolean =>
  typeof outOfScope === 'boolean' ? outOfScope : outOfScope.includes(list);
