// The report as data: what each section says, in the terms of records. Its JSON is one of the formats.
//
// Times are UTC in RFC 3339 with milliseconds, days are UTC days, `until` is exclusive, lengths are milliseconds. Members
// are never renamed or given another meaning; `version` counts additions that a reader has to know about.

import type { FeedRecordState } from '../records/records.ts';
import type { IntegritySection, RecordsSection, SigningSection } from './records-model.ts';

/** A piece of time. */
export interface Period {
  readonly from: string;
  readonly until: string;
}

/** Something that has to be known to read a number: `text` is it in English, with the values in it. */
export interface Note {
  readonly code: string;
  readonly values: readonly (string | number)[];
  readonly text: string;
}

/** `no-evidence`: nothing was recorded that would tell. It is never counted as in force. */
export const ENFORCEMENT_STATES = ['in-force', 'not-in-force', 'no-evidence'] as const;
/** One of ENFORCEMENT_STATES. */
export type EnforcementState = (typeof ENFORCEMENT_STATES)[number];

/** Whether the prohibition was in force. */
export interface EnforcementInterval extends Period {
  readonly ms: number;
  readonly state: EnforcementState;
  /** Of what is not `in-force`: the records' words, and `stopped`, `crash`, `before-records`, `after-records`, `records-missing`. */
  readonly cause: string | null;
  /** True: part of it may have been in force. */
  readonly isUncertain: boolean;
  readonly by: string | null;
  readonly reason: string | null;
  /** Groups and lists that it was about, in words. */
  readonly detail: string | null;
  /** The groups in which it was not in force; null: all, or none is known. */
  readonly groups: readonly string[] | null;
}

/** Times that follow each other without the prohibition being in force, as one. */
export interface Gap extends Period {
  /** From 1, in the order of time. */
  readonly number: number;
  readonly ms: number;
  /** The worst of its times: `not-in-force` before `no-evidence`. */
  readonly state: Exclude<EnforcementState, 'in-force'>;
  /** In the order of time, each once. */
  readonly causes: readonly string[];
  readonly isUncertain: boolean;
  readonly by: string | null;
  readonly reason: string | null;
  /** As of an interval. */
  readonly groups: readonly string[] | null;
  /** The version that the program had afterwards, where it had another before. */
  readonly upgradedTo: string | null;
}

/** One group, over the time in which there was a group of that name. */
export interface NetworkEntry {
  readonly group: string;
  readonly ms: Readonly<Record<EnforcementState, number>>;
}

/** Whether it was in force, in one word; what each means is in docs/reports.md. */
export const VERDICT_ANSWERS = ['yes', 'yes-but', 'no', 'not-shown'] as const;
/** One of VERDICT_ANSWERS. */
export type VerdictAnswer = (typeof VERDICT_ANSWERS)[number];

/** The answer of page one. */
export interface Verdict {
  readonly answer: VerdictAnswer;
  /** True: of a period that was not over. */
  readonly isSoFar: boolean;
  /** What kept it from a better answer: `not-in-force`, `leak`, `no-evidence`, `records`, `no-probe`. */
  readonly reasons: readonly string[];
  /** Groups in which it was in force for at least 99.9 % of the time that there was evidence of, of all. */
  readonly networks: {
    readonly inForce: number;
    readonly all: number;
    /** Groups of which there is no evidence at all. */
    readonly unknown: number;
  };
  /** Questions of the self-probe, and times in which it saw listed names resolve outside of a pause. */
  readonly questions: number;
  readonly leaks: number;
}

/** Something that a person has to look at; `values` go into the sentence of the code. */
export interface Attention {
  readonly code: string;
  readonly values: readonly (string | number)[];
}

/** Who made the report of what; null where it was not said. It is no evidence: nothing of it comes from records. */
export interface Statement {
  /** RFC 3339. */
  readonly at: string | null;
  readonly by: string | null;
  readonly agency: string | null;
  /** Name and version. */
  readonly program: string | null;
  readonly addresses: readonly string[];
}

/** What the same figures were in the period before. */
export interface PreviousPeriod {
  readonly period: Period;
  readonly ms: Readonly<Record<EnforcementState, number>>;
  readonly longestProofGapMs: number | null;
  /** Refusals by mandate lists. */
  readonly refusals: number;
  readonly clients: number | null;
  /** Queries that exemptions let pass. */
  readonly passed: number;
  readonly signals: number;
  readonly byGroup: readonly Total[];
  readonly byList: readonly Total[];
  readonly bySignal: readonly Total[];
  /** `SIGN GROUP`. */
  readonly bySignalAndGroup: readonly Total[];
}

/** Time by cause. */
export interface CauseTotal {
  readonly state: EnforcementState;
  readonly cause: string;
  readonly ms: number;
  readonly count: number;
}

/** In force or not, over the period. */
export interface EnforcementSection {
  /** From when on records say that it was in force for the first time; null: at no time. May be before the period. */
  readonly firstInForce: string | null;
  /** Since when it was in force without a gap when the period ended; null: it was not. May be before the period. */
  readonly inForceSince: string | null;
  readonly ms: Readonly<Record<EnforcementState, number>>;
  readonly causes: readonly CauseTotal[];
  /** Cover the period without gap or overlap. */
  readonly intervals: readonly EnforcementInterval[];
  readonly notes: readonly Note[];
}

/** What the self-probe saw in a view. */
export interface ProbeInterval extends Period {
  readonly ms: number;
  readonly outcome: 'enforced' | 'leaking' | 'broken' | 'no-evidence';
}

/** One view. */
export interface ProbeView {
  readonly view: string;
  readonly runs: number;
  readonly questions: number;
  readonly ms: Readonly<Record<ProbeInterval['outcome'], number>>;
  /** Of the last run that found it enforced, within the period. */
  readonly lastSuccess: string | null;
  /** Of the last run, whatever it found, within the period. */
  readonly lastRun: string | null;
  readonly intervals: readonly ProbeInterval[];
  /** Of each time that it began to leak or was broken. */
  readonly findings: readonly {
    readonly time: string;
    readonly outcome: 'leaking' | 'broken';
    readonly examples: readonly string[];
  }[];
}

/** The self-probe. */
export interface ProbeSection {
  readonly runs: number;
  /** Of any view: the longest time within the period without a run that found it enforced; null without a run. */
  readonly longestGapMs: number | null;
  readonly views: readonly ProbeView[];
  readonly notes: readonly Note[];
}

/** A version of a list, and when it was in force within the period: never while the program did not run. */
export interface ListVersion extends Period {
  /** What ended it within the period; null: it was in force when the period ended. */
  readonly endedBy:
    | 'another-version'
    | 'out-of-force'
    | 'stopped'
    | 'crash'
    | 'records-missing'
    | 'after-records'
    | null;
  readonly sha256: string | null;
  readonly entries: number | null;
  /** Day of the oldest review among its entries, and the day on which the next one is due; null: it tells none. */
  readonly reviewed: string | null;
  readonly reviewDue: string | null;
  readonly added: number | null;
  readonly removed: number | null;
  readonly generation: number | null;
  /** When it came into force, which may be before the period. */
  readonly since: string;
}

/** Something that happened to a list, but for versions. */
export interface ListEvent {
  readonly time: string;
  /** Of its record: what happened first has the smaller one, whatever the clock said. */
  readonly sequence: number;
  readonly event: string;
  readonly sha256: string | null;
  readonly by: string | null;
  readonly reason: string | null;
  readonly code: string | null;
}

/** How a feed of lists was at a time. */
export interface FeedEvent {
  readonly time: string;
  /** `none`: it is not configured. */
  readonly state: FeedRecordState;
  readonly reason: string | null;
  /** Where there is no feed: day of the latest review of an entry of the lists that ship. */
  readonly reviewed: string | null;
  /** Version of its timestamp. */
  readonly timestamp: number | null;
  /** Until when it vouches for being fresh. */
  readonly until: string | null;
  /** Lists of which it has a newer content than was in force, since when, and why. */
  readonly behind: readonly { readonly list: string; readonly since: string; readonly reason: string }[];
}

/** A feed as it was when the period ended. */
export interface FeedSection extends FeedEvent {
  /** Null: that there is no feed. */
  readonly feed: string | null;
  /** Since when it is in that state, which may be before the period. */
  readonly since: string;
  /** What changed within the period. */
  readonly events: readonly FeedEvent[];
}

/** A day that a mandate sets. */
export interface DutyEntry {
  /** By the `id` of its pack. */
  readonly mandate: string;
  readonly kind: 'report' | 'deadline' | 'list' | 'review';
  /** To whom the report is, what is to be done, or which list is to be renewed. */
  readonly text: string;
  /** Null: no text that was read sets a day. */
  readonly due: string | null;
  readonly eachDays: number | null;
  /**
   * At the end of the period. `before`: it lay behind when the pack was written, and nobody was asked; `dropped`: it had passed,
   * nobody had written that it was done, and a newer pack or a decision asks for it no more.
   */
  readonly state: 'done' | 'late' | 'due' | 'overdue' | 'before' | 'each-exemption' | 'dateless' | 'dropped';
  /** Day on which it was done, who did it, and what shows it, as a person wrote it down. */
  readonly done: string | null;
  readonly by: string | null;
  readonly reference: string | null;
}

/** A list with what it rests on. */
export interface ListSection {
  readonly list: string;
  readonly category: string | null;
  readonly mandate: boolean;
  /** As it stood at the end of the period. */
  readonly decision: object | null;
  readonly decisionEvents: readonly {
    readonly time: string;
    readonly event: string;
    readonly decision: object | null;
  }[];
  readonly versions: readonly ListVersion[];
  readonly events: readonly ListEvent[];
}

/**
 * What the list that refused is there for: a mandate, to stop ways around, or something else; `unknown` where no record
 * of it is left. A list that is both a mandate and against ways around is a mandate.
 */
export const LIST_PURPOSES = ['mandate', 'other', 'bypass', 'unknown'] as const;
/** One of LIST_PURPOSES. */
export type ListPurpose = (typeof LIST_PURPOSES)[number];

/** A number of queries of one day. */
export interface AttemptRow {
  readonly purpose: ListPurpose;
  readonly day: string;
  readonly kind: 'refusal' | 'would-refuse';
  readonly group: string;
  readonly list: string;
  readonly category: string;
  readonly trigger: string;
  readonly count: number;
}

/** A number by what it is counted by. */
export interface Total {
  readonly name: string;
  readonly count: number;
}

/** Refusals by mandate lists alone: attempts to reach what is prohibited. */
export interface MandateAttempts {
  readonly byGroup: readonly Total[];
  readonly byList: readonly Total[];
  /** By hours, days, weeks or months, as the period is long; `from` is the beginning of each. */
  readonly series: {
    readonly step: 'hour' | 'day' | 'week' | 'month';
    readonly points: readonly {
      readonly from: string;
      readonly count: number;
      readonly lists: readonly Total[];
    }[];
  };
}

/** Queries for listed names. */
export interface AttemptSection {
  readonly mandate: MandateAttempts;
  /** True: some that happened were not recorded; the notes say how many at most, where that is known. */
  readonly isLowerBound: boolean;
  readonly refusals: number;
  /** Of the refusals. */
  readonly byPurpose: Readonly<Record<ListPurpose, number>>;
  readonly wouldRefuse: number;
  readonly byDay: readonly {
    readonly day: string;
    readonly refusals: number;
    readonly wouldRefuse: number;
  }[];
  /** Of the refusals. */
  readonly byGroup: readonly Total[];
  readonly byCategory: readonly Total[];
  readonly byList: readonly Total[];
  readonly byTrigger: readonly Total[];
  readonly rows: readonly AttemptRow[];
  readonly notes: readonly Note[];
}

/** How many clients, by estimate. */
export interface ClientSection {
  readonly isLowerBound: boolean;
  /** Standard error of each estimate, per cent. */
  readonly errorPercent: number;
  /** Of the whole period; null when nothing was recorded. */
  readonly total: number | null;
  readonly byGroup: readonly Total[];
  readonly byDay: readonly {
    readonly day: string;
    readonly total: number;
    readonly groups: readonly Total[];
  }[];
  readonly notes: readonly Note[];
}

/** An exemption with its papers. */
export interface ExemptionSection {
  readonly id: string;
  /** The whole paper as it stood at the end of the period. */
  readonly paper: object;
  readonly events: readonly {
    readonly time: string;
    readonly event: string;
    readonly by: string | null;
    readonly role: string | null;
    readonly reason: string | null;
  }[];
  /**
   * The times of its force that lie in the period or touch it, with their own ends. `isOver` is false for one that went on
   * when the period ended: its `until` is what the paper says.
   */
  readonly active: readonly (Period & { readonly isOver: boolean })[];
  /** Queries that it let pass within the period. */
  readonly hits: number;
}

/** Signs of a bypass. */
export interface SignalSection {
  readonly isLowerBound: boolean;
  readonly total: number;
  readonly bySignal: readonly Total[];
  readonly byGroup: readonly Total[];
  readonly rows: readonly {
    readonly day: string;
    readonly signal: string;
    readonly group: string;
    readonly list: string;
    readonly count: number;
  }[];
  readonly notes: readonly Note[];
}

/** Something that somebody or the program did. */
export interface ChangeEntry {
  readonly time: string;
  readonly sequence: number;
  readonly kind: string;
  readonly event: string;
  /** List, exemption, file, … */
  readonly subject: string | null;
  readonly by: string | null;
  readonly reason: string | null;
  readonly detail: string | null;
  /** Of a configuration: keys that changed, as far as they are recorded. */
  readonly differences: readonly {
    readonly key: string;
    readonly from: string | null;
    readonly to: string | null;
  }[];
}

/** All of it. */
export interface Report {
  readonly format: 'cordon-report';
  readonly version: 4;
  readonly made: Statement;
  readonly verdict: Verdict;
  readonly gaps: readonly Gap[];
  readonly networks: readonly NetworkEntry[];
  readonly attention: readonly Attention[];
  /** Null where the records do not reach back to its beginning. */
  readonly previous: PreviousPeriod | null;
  readonly integrity: IntegritySection;
  readonly signing: SigningSection;
  /** What is not known, the weightiest first. */
  readonly unknown: readonly Attention[];
  readonly resolver: string;
  /** Counts, probe views and exemptions are those of this group; null: of all. */
  readonly group: string | null;
  /** What the report is about. Of a period that was not over, the part until the last sign of life. */
  readonly period: Period;
  /** Until when a period was asked for that was not over when the report was made; otherwise null. */
  readonly inProgressUntil: string | null;
  readonly enforcement: EnforcementSection;
  readonly probes: ProbeSection;
  readonly lists: readonly ListSection[];
  /** Days that mandates set. */
  readonly duties: readonly DutyEntry[];
  /** Signed feeds that lists come from; empty: no record tells. */
  readonly feeds: readonly FeedSection[];
  readonly attempts: AttemptSection;
  readonly clients: ClientSection;
  readonly exemptions: readonly ExemptionSection[];
  /** Of a node of a fleet: how long they hold where it does not hear the authority. */
  readonly exemptionBound?: Note;
  readonly signals: SignalSection;
  readonly changes: readonly ChangeEntry[];
  readonly records: RecordsSection;
}
