// The report as data: what each section says, in the terms of records. Its JSON is one of the formats.
//
// Times are UTC in RFC 3339 with milliseconds, days are UTC days, `until` is exclusive, lengths are milliseconds. Members
// are never renamed or given another meaning; `version` counts additions that a reader has to know about.

/** A piece of time. */
export interface Period {
  readonly from: string;
  readonly until: string;
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
  readonly ms: Readonly<Record<EnforcementState, number>>;
  readonly causes: readonly CauseTotal[];
  /** Cover the period without gap or overlap. */
  readonly intervals: readonly EnforcementInterval[];
  readonly notes: readonly string[];
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
  readonly views: readonly ProbeView[];
  readonly notes: readonly string[];
}

/** A version of a list, and when it was in force within the period: never while the program did not run. */
export interface ListVersion extends Period {
  /** What ended it within the period; null: it was in force when the period ended. */
  readonly endedBy: 'another-version' | 'out-of-force' | 'stopped' | 'crash' | 'records-missing' | null;
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
  readonly event: string;
  readonly sha256: string | null;
  readonly by: string | null;
  readonly reason: string | null;
  readonly code: string | null;
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

/** Queries for listed names. */
export interface AttemptSection {
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
  readonly notes: readonly string[];
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
  readonly notes: readonly string[];
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
  readonly notes: readonly string[];
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

/** How far the records can be believed. */
export interface RecordsSection {
  readonly first: string | null;
  readonly last: string | null;
  /** Events that were not recorded. */
  readonly dropped: number;
  /** Records that a receiver did not get; the store has them. */
  readonly outputDropped: readonly Total[];
  readonly uncleanEnds: readonly { readonly lastWritten: string | null; readonly found: string }[];
  readonly events: readonly {
    readonly time: string;
    readonly event: string;
    readonly count: number | null;
    readonly ms: number | null;
    readonly file: string | null;
    readonly from: string | null;
    readonly until: string | null;
    readonly text: string | null;
  }[];
  readonly chain: {
    readonly isIntact: boolean;
    readonly records: number;
    readonly findings: readonly string[];
  };
  /** The last head of each class that was signed within the period or, without one, the first after it. */
  readonly heads: readonly {
    readonly class: string;
    readonly number: number;
    readonly last: number;
    readonly hash: string;
    readonly signedAt: string;
    readonly keyId: string;
  }[];
}

/** What the whole report rests on. */
export interface IntegritySection {
  /** False: something was found, and the report says less than it could. */
  readonly isIntact: boolean;
  readonly findings: readonly string[];
  /** Records whose content is repeated nowhere, because no signed head proves it. */
  readonly doubtful: readonly {
    readonly class: string;
    readonly partition: number;
    readonly first: number;
    readonly last: number;
    /** Times of the nearest records that count, before and behind. */
    readonly after: string | null;
    readonly before: string | null;
  }[];
  /** True: some of them, or records that are missing, may be of the period. */
  readonly mayConcernPeriod: boolean;
}

/** All of it. */
export interface Report {
  readonly format: 'cordon-report';
  readonly version: 2;
  readonly integrity: IntegritySection;
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
  readonly attempts: AttemptSection;
  readonly clients: ClientSection;
  readonly exemptions: readonly ExemptionSection[];
  readonly signals: SignalSection;
  readonly changes: readonly ChangeEntry[];
  readonly records: RecordsSection;
}
