// What metrics ask the running program about its evidence: exemptions, decisions, probe, records. Plain data.

/** What metrics tell of exemptions. */
export interface ExemptionMetrics {
  /** Those in force, by their grounds. */
  readonly activeByGround: ReadonlyMap<string, number>;
  /** Requests that nobody has decided on. */
  readonly waiting: number;
  /** When the next one ends, milliseconds since the epoch; undefined when none is in force. */
  readonly nearestEndMs: number | undefined;
  /** Id to end of each in force, milliseconds since the epoch. */
  readonly ends: ReadonlyMap<string, number>;
  readonly expired: number;
  readonly revoked: number;
  /** In force, but refused by the rules as they now are. */
  readonly incomplete: number;
  /** Granted, and suspended because the records do not bear them out: why, by id. */
  readonly unproven: ReadonlyMap<string, string>;
  /** When a second person last approved one, milliseconds since the epoch. */
  readonly lastApprovalMs: number | undefined;
}

/** What metrics tell of the self-probe. */
export interface ProbeMetrics {
  readonly results: readonly {
    readonly view: string;
    readonly transport: string;
    readonly qtype: string;
    readonly isEnforced: boolean;
  }[];
  /** View to when all of it was last enforced, milliseconds since the epoch. */
  readonly lastSuccessMs: ReadonlyMap<string, number>;
  /** Names that leaked in the last run. */
  readonly leakedNames: number;
  /** Questions of the last run without the answer that they should have had. */
  readonly failed: number;
  readonly lastRunMs: number | undefined;
  /** Share of the mandate names that the last sweep asked, of 1. */
  readonly coverage: number | undefined;
  readonly runs: ReadonlyMap<string, number>;
  /** What encrypted listeners proved with in the last run. */
  readonly certificates: readonly {
    readonly view: string;
    readonly transport: string;
    readonly isValid: boolean;
  }[];
}

/** What metrics tell of the records. */
export interface RecordMetrics {
  /** By chain. */
  readonly written: ReadonlyMap<string, number>;
  readonly dropped: number;
  readonly backlogBytes: number;
  readonly lastCommitMs: number | undefined;
  readonly oldestSearchableMs: number | undefined;
  /** Whether the last verification found nothing; undefined before the first. */
  readonly isVerified: boolean | undefined;
  /** Files of records, archived ones too, as of the last look. */
  readonly partitions: number;
  readonly bytes: number;
  /** Of the disk, and what of it is left to changes; undefined before the first look. */
  readonly freeBytes: number | undefined;
  readonly reserveBytes: number | undefined;
  /** Queries by the record that tells of them. */
  readonly queries: ReadonlyMap<string, number>;
  readonly clockStepMs: number;
  readonly outputs: readonly {
    readonly name: string;
    readonly written: number;
    readonly dropped: number;
    readonly queued: number;
    /** Why it takes nothing; undefined: it does. */
    readonly trouble: string | undefined;
  }[];
  readonly checkpoint: { readonly size: number; readonly signedMs: number } | undefined;
  readonly witnesses: readonly WitnessMetrics[];
  /** Group to the estimate of distinct clients that were refused today (UTC). */
  readonly distinctClients: ReadonlyMap<string, number>;
}

/** What is told of a witness of the records. */
export interface WitnessMetrics {
  readonly name: string;
  readonly url: string;
  /** Another resolver of the fleet, which nobody named. */
  readonly isOfFleet: boolean;
  readonly size: number | undefined;
  readonly cosignedMs: number | undefined;
  readonly trouble: string | undefined;
  readonly finding: string | undefined;
}

/** What metrics tell of a fleet. */
export interface FleetMetrics {
  /** Who this resolver is. */
  readonly own: { readonly name: string; readonly site: string | undefined; readonly role: string };
  readonly isConnected: boolean;
  readonly policyNumber: number;
  /** By how much the clock is ahead of the authority's, milliseconds. */
  readonly offsetMs: number | undefined;
  readonly isCutOff: boolean;
  readonly isSuspended: boolean;
  readonly alarms: ReadonlyMap<string, number>;
  /** By chain. */
  readonly unconfirmed: ReadonlyMap<string, number>;
  /** Resolvers of the fleet that cosign the records of this one. */
  readonly witnesses: readonly WitnessMetrics[];
  /** Of the authority: every resolver. */
  readonly resolvers: readonly {
    readonly name: string;
    readonly site: string | null;
    readonly removed: string | null;
    readonly role: 'authority' | 'node' | 'collector';
    readonly version: string | null;
    /** The closed word of whether the prohibition is in force there. */
    readonly enforcement: string | null;
    readonly heardSec: number | null;
    readonly behind: number | null;
    readonly offsetMs: number | null;
    readonly records: { readonly queries: number; readonly changes: number } | null;
    readonly confirmed: { readonly queries: number; readonly changes: number } | null;
    readonly isKeeping: boolean | null;
    readonly alarms: Readonly<Record<string, number>>;
    readonly probe: { readonly leakedNames: number } | null;
    readonly needs: readonly { readonly kind: string }[];
  }[];
}

/** What metrics tell of the query log. */
export interface QueryLogMetrics {
  readonly outputs: readonly {
    readonly name: string;
    readonly written: number;
    /** Why it takes nothing; undefined: it does. */
    readonly trouble: string | undefined;
    /** Which of its files are not kept as they should be, and why. */
    readonly overdue?: string | undefined;
  }[];
  /** By why. */
  readonly lost: Readonly<Record<string, number>>;
  /** Queries of the last minutes are missing. */
  readonly isLossy: boolean;
}

/** Everything that these metrics are read from; what is undefined is off. */
export interface EvidenceFacts {
  /** By list: what it does at the moment. */
  readonly modes: readonly {
    readonly list: string;
    readonly mandate: boolean;
    readonly mode: 'enforce' | 'log-only' | 'paused';
  }[];
  readonly exemptions?: ExemptionMetrics | undefined;
  /** By mandate list: dates of its decision, milliseconds since the epoch. */
  readonly decisions: readonly {
    readonly list: string;
    /** Of a mandate: which, and the version of its pack with which it began to bind here. */
    readonly mandate?: { readonly id: string; readonly since: string } | undefined;
    readonly reviewMs: number | undefined;
    readonly endsMs: number | undefined;
  }[];
  readonly probe?: ProbeMetrics | undefined;
  readonly records?: RecordMetrics | undefined;
  readonly queryLog?: QueryLogMetrics | undefined;
  readonly fleet?: FleetMetrics | undefined;
  readonly reports?: ReportFacts | undefined;
  readonly reminders?: ReminderFacts | undefined;
  /** What operators did, by action. */
  readonly actions: ReadonlyMap<string, number>;
  readonly nowMs: number;
}

/** Reports that are made by themselves, since the start. */
export interface ReportFacts {
  readonly made: number;
  readonly failed: number;
  /** Schedules whose last try failed. */
  readonly failing: number;
}

/** Reminders before exemptions end, since the start. */
export interface ReminderFacts {
  readonly sent: number;
  readonly failed: number;
  /** Reminders whose last try failed. */
  readonly failing: number;
}

/** No evidence is kept. */
export const NO_EVIDENCE: EvidenceFacts = { modes: [], decisions: [], actions: new Map(), nowMs: 0 };
