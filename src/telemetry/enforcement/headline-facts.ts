// What the headline is judged from, and what it says: plain data and closed sets of words.
import type { Enforcement } from './judge.ts';
import { MANDATE_STATES, NOT_ENFORCING_CAUSES } from './words.ts';

/** In the order in which they are tried. */
export const HEADLINE_STATES = [
  'starting',
  'paused',
  'not-in-force',
  'no-mandate-list',
  'leaking',
  'unproven',
  'unrecorded',
  'stale',
  'in-force',
] as const;

/** One of HEADLINE_STATES. */
export type HeadlineState = (typeof HEADLINE_STATES)[number];

/** Why it is unproven. */
const UNPROVEN_CAUSES = ['no-probe', 'unasked', 'never', 'broken', 'old', 'clock'] as const;

/** Why what happens now cannot be shown later. */
const UNRECORDED_CAUSES = [
  /** None are kept, by configuration. */
  'disabled',
  /** The disk takes nothing; `detail` says what it says. */
  'failing',
  /** The thread that writes gives no sign of life. */
  'silent',
  /** What came waits for too long. */
  'waiting',
  'lost',
  /** What is on the disk cannot be read. */
  'unreadable',
  'not-whole',
] as const;

/** Why it is in its state: words that pages translate; each belongs to one state. */
export const HEADLINE_CAUSES = [
  ...NOT_ENFORCING_CAUSES,
  ...MANDATE_STATES,
  ...UNPROVEN_CAUSES,
  ...UNRECORDED_CAUSES,
] as const;

/** One of HEADLINE_CAUSES. */
export type HeadlineCause = (typeof HEADLINE_CAUSES)[number];

/** What the probe knows of one group. */
export interface ProofFacts {
  readonly group: string;
  /** When all of it was last found refused; undefined: never since the start. */
  readonly lastSuccessMs: number | undefined;
  /** True: what was in force then is not what is in force now, and nobody asked since. */
  readonly isOutdated?: boolean;
  /** Of the last run that asked. */
  readonly outcome: 'enforced' | 'leaking' | 'broken' | undefined;
  /** End of the first of the runs that found it so, without one between them that did not; undefined: not known. */
  readonly outcomeSinceMs: number | undefined;
  readonly leaked: number;
  readonly failed: number;
  readonly examples: readonly string[];
  /** Why it cannot be asked. */
  readonly unasked: string | undefined;
}

/** Everything that decides. */
export interface HeadlineFacts {
  readonly nowMs: number;
  /** Since the start of the program. */
  readonly upMs: number;
  readonly enforcement: Enforcement;
  /** When the enforcement became what it is. */
  readonly enforcementSinceMs: number;
  readonly pause: { readonly by: string; readonly reason: string; readonly until: string } | undefined;
  /** Milliseconds between two samples; undefined: no probe runs. */
  readonly probeEveryMs: number | undefined;
  readonly proofs: readonly ProofFacts[];
  readonly records: {
    readonly isEnabled: boolean;
    /** What the disk says; undefined: it takes what comes. */
    readonly failure: string | undefined;
    /** When the thread that writes last told of itself; undefined: not yet. */
    readonly reportedMs: number | undefined;
    /** Why what is on the disk cannot be read; undefined: it can. */
    readonly unreadable: string | undefined;
    readonly lastCommitMs: number | undefined;
    readonly backlogBytes: number;
    /** When records were last lost. */
    readonly lostMs: number | undefined;
    readonly isVerified: boolean | undefined;
    readonly verifiedMs: number | undefined;
  };
  /** Mandate lists whose source was not reached for too long. */
  readonly staleLists: readonly { readonly list: string; readonly sinceMs: number }[];
}

/** The headline. Plain data. */
export interface Headline {
  readonly state: HeadlineState;
  /** Null where the state says it all. */
  readonly cause: HeadlineCause | null;
  /** Since when it is so, milliseconds since the epoch; null: not known. Of `stale`: when the list was last reached. */
  readonly sinceMs: number | null;
  readonly text: string;
  /** Another sentence. */
  readonly detail: string;
  readonly todo: string | null;
  /** Groups that a mandate concerns; those on which it is in force; of these, those with a proof that is not old. */
  readonly networks: number;
  readonly networksInForce: number;
  readonly networksProven: number;
  /** Groups that the state is about. */
  readonly groups: readonly string[];
  /** Groups that the probe cannot ask as: named, and counted as neither proven nor unproven. */
  readonly unasked: readonly string[];
  /** The oldest of the last proofs of all groups, milliseconds since the epoch; null while one has none. */
  readonly oldestProofMs: number | null;
  /** False: some of these proofs are of what was in force before the last change. */
  readonly isProofCurrent: boolean;
  readonly leakedNames: number;
  readonly examples: readonly string[];
  readonly lists: readonly string[];
}
