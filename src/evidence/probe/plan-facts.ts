// What a plan of the probe is made from, and what a question of it is. plan.ts says in which order they come.
import type { Prefix } from '../../base/base.ts';
import type { Expectation, RefusalForm } from './judge.ts';

/** How a question travels. The words are those of records and metrics. */
export const PROBE_TRANSPORTS = ['udp', 'tcp', 'dot', 'doh', 'doq'] as const;

/** One of PROBE_TRANSPORTS. */
export type ProbeTransport = (typeof PROBE_TRANSPORTS)[number];

/** A mandate list. Lists are known by their place, in the order of precedence. */
export interface ProbeList {
  readonly id: string;
  /** How its refusals look. */
  readonly forms: readonly RefusalForm[];
  /** Names and prefixes that it refuses. */
  readonly names: number;
  readonly prefixes: number;
}

/** A name that a list refuses. */
export interface ListedName {
  /** Presentation form, folded, without the final dot and without escapes. */
  readonly name: string;
  /** Index of the list. */
  readonly list: number;
  readonly line: number;
  readonly match: 'suffix' | 'exact' | 'wildcard';
  /** The rule's own form of refusal, where it is not the list's. */
  readonly form?: RefusalForm | undefined;
}

/** Addresses that a list refuses. */
export interface ListedPrefix {
  readonly prefix: Prefix;
  readonly list: number;
  readonly line: number;
  readonly form?: RefusalForm | undefined;
}

/** Where questions are asked as whom. */
export interface ProbeView {
  /** `group:NAME`, `listener:ADDRESS`, `listener:ADDRESS@NAME` or `server:ADDRESS`. */
  readonly id: string;
  /** `group` has every worker and the zone; `listener` is looked at with few questions; `server` is not Cordon. */
  readonly kind: 'group' | 'listener' | 'server';
  /** Indexes of the lists in force, ascending. */
  readonly lists: readonly number[];
  readonly transports: readonly ProbeTransport[];
  /** False: this host may not ask there, and every answer has to say so. */
  readonly isAllowed: boolean;
}

/** What a plan is made from. */
export interface PlanFacts {
  /** Of the policy. */
  readonly generation: number;
  readonly lists: readonly ProbeList[];
  /** All, or as many as are kept. */
  readonly names: readonly ListedName[];
  readonly prefixes: readonly ListedPrefix[];
  readonly views: readonly ProbeView[];
  /** Presentation form: have to resolve everywhere. */
  readonly controls: readonly string[];
  /** Number of workers that `group` views are asked at. */
  readonly workers: number;
  /** Structured DNS Errors are given over encrypted transports to who asks for them. */
  readonly asksStructured?: boolean;
  /** What a server that is not Cordon may answer to refuse. */
  readonly serverForms?: readonly RefusalForm[];
}

/** How much of it. */
export interface PlanOptions {
  /** Questions about names and prefixes; no view gets fewer than one of each way and type. */
  readonly questionsMax: number;
  /** True: every worker is asked in every way. */
  readonly isSweep: boolean;
  /** Chooses names and the start of the rotation: 32 bits. */
  readonly seed: number;
  /** Questions of earlier runs that have to be asked again. */
  readonly again?: readonly ProbeQuestion[];
}

/** One question. */
export interface ProbeQuestion {
  /** `id` of the view. */
  readonly view: string;
  /** Index of the worker in a view of a group; 0 in others. */
  readonly worker: number;
  readonly transport: ProbeTransport;
  /** Presentation form without escapes, in the letters that are sent. */
  readonly name: string;
  readonly type: number;
  readonly edns: boolean;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
  readonly purpose: 'listed' | 'alias' | 'prefix' | 'control';
  /** The rule that it is about; absent for controls. */
  readonly rule?: ListedName | ListedPrefix;
  readonly expected: Expectation;
}

/** How much of the mandate a plan covers. */
export interface Coverage {
  /** Names of all mandate lists that are in force in some view. */
  readonly names: number;
  /** Those of them that are asked in some view at least. */
  readonly asked: number;
  /** Of all names in all views with every type: the part that is asked, of 1. */
  readonly share: number;
}
