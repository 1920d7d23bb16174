// What a paper is judged by: profiles of mandates and of the agency, approvers, the network; and how faults are collected.
import type { Account, Persons } from '../../base/base.ts';
import type { ExemptionPaper } from './paper.ts';
import type { PaperSet } from './paper-set.ts';
import type { ExemptionProblemCode, Fault, FieldPath } from './problem.ts';
import type { Profile } from './profile.ts';
import type { Network } from './scope.ts';

/** Somebody who may approve, as the configuration names them. */
export interface Approver {
  readonly name: string;
  /** Undefined: known by the name alone. */
  readonly account?: Account | undefined;
  readonly role: string;
  readonly delegation: string | undefined;
}

/** A profile that holds for some lists: a mandate's. */
export interface ListRules {
  readonly profile: Profile;
  /** Undefined: it holds whatever the lists. */
  readonly lists: readonly string[] | undefined;
}

/** By what exemptions are judged: all of it may change with the configuration. */
export interface Rules {
  /** What is shown, and what papers are marked with: all that may hold, as one. */
  readonly profile: Profile;
  /** By what a paper is judged: by each of those whose lists it opens. Absent: by `profile` alone. */
  readonly judged?: readonly ListRules[];
  /** Empty: anybody who states a role of the profile. */
  readonly approvers: readonly Approver[];
  /** Accounts that are known to be those of one person. */
  readonly persons: Persons;
  readonly network: Network;
  /** No records are kept: what is granted now would be suspended as soon as they are. */
  readonly isUnrecorded?: boolean;
}

/** What a rule sees beside the exemption. */
export interface RuleContext extends Rules {
  readonly nowMs: number;
  /** Others that are granted; whose time is over counts no more. Undefined: none is at hand. */
  readonly granted: PaperSet | undefined;
  /** Any paper of the register by its number. Undefined where no register is at hand: what it knows is not judged. */
  readonly find: ((number: number) => ExemptionPaper | undefined) | undefined;
}

/** Takes a fault. */
export type Report = (code: ExemptionProblemCode, path: FieldPath, text: string, hint?: string) => void;

/** Names in a sentence. */
export const listIds = (ids: readonly string[]): string => ids.join(', ');

/**
 * The profiles that hold for lists; undefined: all lists. What opens a list that two mandates ask for has to keep the rules of
 * both. What opens none of theirs keeps those of all: nothing is judged by nobody's rules.
 */
export const profilesFor = (
  { profile, judged = [{ profile, lists: undefined }] }: Rules,
  lists: readonly string[] | undefined,
): readonly Profile[] => {
  const own = judged.filter(
    (one) => one.lists === undefined || lists === undefined || one.lists.some((id) => lists.includes(id)),
  );
  return (own.length === 0 ? judged : own).map((one) => one.profile);
};

/** The faults that a check reports. */
export const collect = (check: (report: Report) => void): Fault[] => {
  const faults: Fault[] = [];
  check((code, path, text, hint) => {
    faults.push({ code, path, text, ...(hint === undefined ? {} : { hint }) });
  });
  return faults;
};
