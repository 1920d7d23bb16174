// What metrics and reports say of the register: counts by grounds, the nearest end, papers that lack something.

import { DAY_MS } from '../../base/base.ts';
import { type ExemptionPaper, isGranted, toSharedExemption } from './paper.ts';
import type { Profile } from './profile.ts';
import type { ExemptionEvent, Register } from './register.ts';
import type { Rules } from './rule-context.ts';
import { standingFaults } from './rules.ts';

/** Numbers for metrics; grounds are those of the profile and of papers that were granted by another one. */
export interface ExemptionFacts {
  /** In force, by grounds; those of the profile with 0. */
  readonly activeByGround: ReadonlyMap<string, number>;
  /** Requests that nobody has decided on. */
  readonly waiting: number;
  /** When the next one in force ends, milliseconds since the epoch; undefined when none is. */
  readonly nearestEndMs: number | undefined;
  /** Id to end of each in force, milliseconds since the epoch. */
  readonly ends: ReadonlyMap<string, number>;
  /** Over by time, ever, and by decision. */
  readonly expired: number;
  readonly revoked: number;
  /** In force and warned of. */
  readonly ending: number;
  /** Granted ones that the rules now in force would refuse; all of them while there is no profile. */
  readonly incomplete: number;
  /** Granted ones that are out of force because the records do not bear them out, and why, by id. */
  readonly unproven: ReadonlyMap<string, string>;
  /** When one was last approved, milliseconds since the epoch. */
  readonly lastApprovalMs: number | undefined;
}

/** Counts, again only when the register or the rules changed, or something began or ended: they are asked for each second. */
export class ExemptionCounts {
  readonly #register: Register;
  /** What was counted last, and for which times it holds while the register has the same version. */
  #counted:
    | {
        readonly version: number;
        readonly fromMs: number;
        readonly untilMs: number;
        readonly facts: ExemptionFacts;
      }
    | undefined;
  #version = -1;
  /** What the rules say of each paper: nothing that passes with time, and a paper that changes is another one. */
  #rules: Rules | undefined;
  #judged = new WeakMap<ExemptionPaper, boolean>();
  #incomplete: ReadonlySet<string> = new Set();

  constructor(register: Register) {
    this.#register = register;
  }

  at(nowMs: number): ExemptionFacts {
    const { version } = this.#register;
    const known = this.#counted;
    if (known?.version === version && nowMs >= known.fromMs && nowMs < known.untilMs) return known.facts;
    const facts = this.#count(nowMs);
    const beginnings = this.#register
      .standing()
      .filter(isGranted)
      .map((paper) => toSharedExemption(paper).fromMs)
      .filter((fromMs) => fromMs > nowMs);
    const untilMs = Math.min(...beginnings, facts.nearestEndMs ?? Number.POSITIVE_INFINITY);
    this.#counted = { version, fromMs: nowMs, untilMs, facts };
    return facts;
  }

  #count(nowMs: number): ExemptionFacts {
    const register = this.#register;
    const active = register.activeAt(nowMs);
    const grounds = register.rules?.profile.grounds.map(({ id }) => id) ?? [];
    const activeByGround = new Map(grounds.map((id) => [id, 0]));
    for (const paper of active) {
      activeByGround.set(paper.grounds, (activeByGround.get(paper.grounds) ?? 0) + 1);
    }
    const ends = new Map(active.map((paper) => [paper.id, toSharedExemption(paper).untilMs]));
    return {
      activeByGround,
      waiting: register.standing().filter(({ state }) => state === 'requested').length,
      nearestEndMs: ends.size === 0 ? undefined : Math.min(...ends.values()),
      ends,
      expired: register.counts.expired,
      revoked: register.counts.revoked,
      ending: active.filter(({ warnedDays }) => warnedDays !== undefined).length,
      incomplete: this.incomplete(nowMs).size,
      unproven: register.unproven,
      lastApprovalMs: register.lastApprovalMs,
    };
  }

  /** Ids of granted papers that the rules now in force would refuse. */
  incomplete(nowMs: number): ReadonlySet<string> {
    const register = this.#register;
    if (this.#version === register.version) return this.#incomplete;
    this.#version = register.version;
    this.#incomplete = new Set(
      register
        .standing()
        .filter((paper) => this.isIncomplete(paper, nowMs))
        .map(({ id }) => id),
    );
    return this.#incomplete;
  }

  /** Whether a paper is granted and the rules now in force would refuse it. */
  isIncomplete(paper: ExemptionPaper, nowMs: number): boolean {
    const { rules } = this.#register;
    if (this.#rules !== rules) this.#judged = new WeakMap();
    this.#rules = rules;
    if (!isGranted(paper)) return false;
    // Together they were judged when they were granted; again for each of a thousand would take seconds.
    const context = rules && { ...rules, nowMs, granted: undefined, find: undefined };
    const known =
      this.#judged.get(paper) ?? (context === undefined || standingFaults(paper, context).length > 0);
    this.#judged.set(paper, known);
    return known;
  }
}

/** The whole register as one document: what an agency reports (OMB M-23-13), and what an auditor asks for. */
export interface ExemptionReport {
  readonly time: string;
  /** Null when none is configured. */
  readonly profile: {
    readonly id: string;
    readonly title: string;
    readonly legalBasis: Profile['legal-basis'];
    readonly notes: readonly string[];
  } | null;
  /** To whom and until when exemptions were to be reported; null when the profile has no such duty. */
  readonly reporting: { readonly to: string; readonly until: string } | null;
  readonly counts: Readonly<Record<ExemptionPaper['state'], number>>;
  readonly exemptions: readonly (ExemptionPaper & { readonly history: readonly ExemptionEvent[] })[];
}

/** The report of a time. */
export const reportExemptions = (register: Register, nowMs: number): ExemptionReport => {
  const profile = register.rules?.profile;
  return {
    time: new Date(nowMs).toISOString(),
    profile:
      profile === undefined
        ? null
        : {
            id: profile.id,
            title: profile.title,
            legalBasis: profile['legal-basis'],
            notes: profile.notes,
          },
    reporting: profile?.reporting === undefined ? null : deadlineOf(profile.reporting),
    counts: { ...register.counts },
    exemptions: register.entries().map(({ paper, history }) => ({ ...paper, history })),
  };
};

const deadlineOf = (reporting: NonNullable<Profile['reporting']>): { to: string; until: string } => ({
  to: reporting.to,
  until: new Date(Date.parse(reporting.of) + reporting['within-days'] * DAY_MS).toISOString().slice(0, 10),
});
