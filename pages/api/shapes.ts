// What the control room's server says, as far as the pages read it. docs/openapi.yaml has all of it.
//
// Times are RFC 3339 in UTC unless a name ends in `Sec` or `Ms`. Whatever is a union of words here may grow on the server:
// pages look words up in tables and show an unknown one as it is.

export type Role = 'viewer' | 'help-desk' | 'operator' | 'approver' | 'auditor' | 'administrator';
export const ROLES: readonly Role[] = [
  'viewer',
  'help-desk',
  'operator',
  'approver',
  'auditor',
  'administrator',
];

export interface Person {
  readonly id: string;
  readonly name: string;
  /** By what people are told apart; the name is shown. */
  readonly account: string;
  readonly roles: readonly Role[];
  readonly kind: string;
}

export interface Session {
  readonly signedIn: boolean;
  readonly csrf: string;
  readonly agency: string | null;
  readonly version: string;
  readonly needsSetup: boolean;
  readonly methods: {
    readonly oidc: null | { readonly label: string };
    readonly password: boolean;
    readonly passkey: boolean;
  };
  readonly person?: Person;
  readonly may?: readonly string[];
  readonly endsAt?: string;
  readonly idleEndsAt?: string;
  readonly steppedUpUntil?: string | null;
  readonly stepUp?: { readonly code: boolean; readonly passkey: boolean; readonly oidc: boolean };
}

export type HeadlineState =
  | 'starting'
  | 'paused'
  | 'not-in-force'
  | 'no-mandate-list'
  | 'leaking'
  | 'unproven'
  | 'unrecorded'
  | 'stale'
  | 'in-force';

export interface Headline {
  readonly state: HeadlineState;
  /** Why, in a word of the program; null: the state says it all. */
  readonly cause: string | null;
  readonly sinceTime: string | null;
  /** The sentence of the program, in English: what the pages say of a state that they do not know. */
  readonly text: string;
  readonly detail: string;
  readonly todo: string | null;
  readonly networks: number;
  readonly networksInForce: number;
  readonly networksProven: number;
  readonly oldestProofTime: string | null;
  readonly leakedNames: number;
  readonly examples: readonly string[];
  readonly lists: readonly string[];
  readonly groups: readonly string[];
  readonly unasked: readonly string[];
  readonly pause: null | { readonly by: string; readonly reason: string; readonly until: string };
  readonly sweep: null | { readonly time: string; readonly names: number; readonly leakedNames: number };
}

export interface Span {
  readonly from: string;
  readonly to: string;
  readonly state: string;
  readonly cause: string | null;
  readonly by: string | null;
  readonly number: number | null;
}

export interface Network {
  readonly group: string;
  readonly state: string;
  readonly inForce: boolean;
  readonly inScope: boolean;
  readonly prefixes: readonly string[];
  readonly proof: {
    readonly state: string;
    readonly time: string | null;
    readonly leakedNames: number;
    readonly examples: readonly string[];
    readonly reason: string | null;
  };
  readonly refusedToday: number;
  readonly clientsToday: number | null;
  readonly exempt: number;
  readonly strip: readonly Span[];
}

export interface Need {
  readonly kind: string;
  readonly subject: string;
  readonly since: string | null;
  readonly due: string | null;
  readonly text: string;
  readonly to: string;
}

export interface State {
  readonly time: string;
  readonly agency: string | null;
  readonly version: string;
  readonly generation: number;
  readonly resolver: { readonly name: string; readonly addresses: readonly string[] };
  readonly headline: Headline;
  readonly networks: readonly Network[];
  readonly strip: { readonly from: string; readonly to: string; readonly spans: readonly Span[] };
  readonly todo: readonly Need[];
  readonly today: {
    readonly since: string;
    readonly refusedMandate: number;
    readonly refusedOther: number;
    readonly clients: number | null;
    readonly exemptionHits: number;
    readonly bypassSignals: number;
    readonly byList: readonly {
      readonly list: string;
      readonly mandate: boolean;
      readonly total: number;
      readonly hours: readonly number[];
    }[];
    readonly signs: readonly { readonly signal: string; readonly count: number }[];
  };
  readonly service: {
    readonly queriesPerSec: number | null;
    readonly servfailShare: number | null;
    readonly p95Ms: number | null;
    readonly upstreams: { readonly up: number; readonly total: number };
    readonly records: {
      readonly enabled: boolean;
      readonly lastCommitTime: string | null;
      readonly verified: boolean | null;
      readonly verifiedTime: string | null;
      readonly dropped: number;
    };
  };
  readonly exemptions: readonly {
    readonly id: string;
    readonly groups: readonly string[];
    readonly clients: readonly string[];
    readonly grounds: string;
    readonly until: string;
    readonly hitsToday: number;
  }[];
  readonly lists: readonly {
    readonly id: string;
    readonly mandate: boolean | null;
    readonly rules: number | null;
    readonly state: string;
    readonly reachedTime: string | null;
    readonly restsOn: string | null;
  }[];
  readonly changes: readonly {
    readonly time: string;
    readonly kind: string;
    readonly text: string;
    readonly by: string | null;
  }[];
}

export interface Refusal {
  readonly time: string;
  readonly until: string | null;
  readonly count: number;
  readonly name: string;
  readonly type: string;
  readonly group: string;
  readonly list: string | null;
  readonly client: string;
  readonly signal: string | null;
  readonly exemption: string | null;
  readonly kind: string;
}

export interface Group {
  readonly name: string;
  readonly prefixes: readonly string[];
  readonly lists: readonly string[];
  readonly inScope: boolean;
}

export interface Rule {
  readonly list: string;
  readonly title: string;
  readonly mandate: boolean;
  readonly trigger: string;
  readonly target?: string;
  readonly match: string;
  readonly action: string;
  readonly file: string;
  readonly line: number;
  /** The line of the list. */
  readonly text: string;
  readonly part?: string;
  readonly service?: string;
  readonly owner?: string;
  readonly evidence?: string;
  readonly derived?: string;
  readonly reviewed?: string;
}

export interface Explanation {
  readonly name: string;
  readonly client: string;
  readonly allowed: boolean;
  readonly group: string;
  readonly groupPrefix?: string;
  readonly groupListener?: string;
  readonly lists: readonly string[];
  readonly outcome: 'refused' | 'failed' | 'local' | 'passes';
  readonly reason?: Rule;
  readonly passedBy?: Rule;
  readonly watched?: Rule;
  readonly exempted: readonly { readonly exemption: string; readonly reason: Rule }[];
  readonly answers: readonly {
    readonly type: string;
    readonly status: string;
    readonly outcome: string;
    readonly refusedBy?: string;
    readonly rcode?: string;
    readonly ede?: { readonly code: number; readonly text: string };
    readonly records: readonly string[];
    readonly judged: string;
  }[];
  readonly asked: { readonly generation: number; readonly isPaused?: boolean };
}

export interface Problem {
  readonly code: string;
  readonly field: string;
  readonly text: string;
  readonly hint?: string;
}

export interface Opens {
  readonly names: readonly string[] | null;
  readonly clients: readonly string[];
  readonly devices: readonly string[];
  readonly groups: readonly string[];
  /** Null: more than a number can hold, or of IPv6. */
  readonly addresses: number | null;
  readonly days: number | null;
  readonly asked30d: number | null;
  readonly askedNames:
    | null
    | (AskedSpan & {
        readonly groups: readonly string[];
        readonly names: readonly { readonly name: string; readonly queries: number }[];
      });
}

/** What a count of what was asked for covers. */
export interface AskedSpan {
  readonly since: string;
  readonly isWhole: boolean;
  readonly unnamed: number;
}

export interface Exemption {
  readonly id: string;
  readonly state: 'requested' | 'approved' | 'active' | 'rejected' | 'expired' | 'revoked';
  readonly profile: { readonly id: string };
  readonly requestedBy: string;
  readonly requesterAccount?: string;
  readonly requestedAt: string;
  readonly grounds: string;
  readonly justification: string;
  readonly alternatives: string;
  readonly mitigations: readonly { readonly item?: string; readonly text: string }[];
  readonly groups: readonly string[];
  readonly clients: readonly string[];
  readonly devices?: readonly string[];
  readonly lists?: readonly string[];
  readonly names?: readonly string[];
  readonly schedule?: {
    readonly weekdays?: readonly string[];
    readonly hours?: string;
    readonly timezone: string;
  };
  readonly from: string;
  readonly until: string;
  readonly renews?: string;
  readonly approvedBy?: string;
  readonly approvedAt?: string;
  readonly role?: string;
  readonly delegation?: string;
  readonly endedAt?: string;
  readonly isIncomplete: boolean;
  readonly history?: readonly {
    readonly time: string;
    readonly event: string;
    readonly by?: string;
    readonly role?: string;
    readonly reason?: string;
  }[];
}

export interface ExemptionRules {
  readonly profile: null | {
    readonly id: string;
    readonly title: string;
    readonly grounds: readonly { readonly id: string; readonly title: string; readonly source?: string }[];
    readonly duration: { readonly 'days-max': number; readonly 'start-within-days': number };
    readonly approvers: readonly {
      readonly role: string;
      readonly title: string;
      readonly delegation: boolean;
    }[];
    readonly mitigations: {
      readonly least: number;
      readonly checklist: readonly {
        readonly id: string;
        readonly title: string;
        readonly required: boolean;
      }[];
    };
    readonly texts: {
      readonly justification: number;
      readonly alternatives: number;
      readonly mitigation: number;
    };
    readonly notes: readonly string[];
  };
  readonly groups: readonly string[];
  readonly lists: readonly string[];
}

export interface Content {
  readonly sha256: string;
  readonly entries: number;
  readonly since: string;
}

export interface ListStatus {
  readonly id: string;
  readonly kind: string;
  readonly source: string;
  readonly mandate: boolean | null;
  readonly inForce: null | {
    readonly sha256: string;
    readonly entries: number;
    readonly rejected: number;
    readonly notes: readonly string[];
    readonly reviewed: null | { readonly oldest: string; readonly newest: string };
  };
  readonly kept: null | {
    readonly current: Content | null;
    readonly previous: readonly Content[];
    readonly checkedAt: string | null;
    readonly nextFetchAt: string | null;
    readonly failures: number;
    readonly lastFailure: string | null;
    readonly isStale: boolean;
  };
  readonly held: null | (Content & { readonly reasons: readonly string[] });
}

export interface Act {
  readonly id: string;
  readonly operation: string;
  readonly summary: string;
  readonly by: string;
  readonly byAccount: string | null;
  readonly askedAt: string;
  readonly expiresAt: string;
  readonly reason: string;
  readonly confirmRoles: readonly Role[];
  readonly parameters: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly state: 'waiting' | 'confirmed' | 'withdrawn' | 'expired' | 'lapsed' | 'failed';
  readonly confirmedBy: string | null;
  readonly endedAt: string | null;
}

export interface Report {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly group: string | null;
  readonly by: string;
  /** Of which schedule; null: somebody asked for it. */
  readonly every: 'daily' | 'weekly' | 'monthly' | 'quarterly' | null;
  readonly askedAt: string;
  readonly state: 'waiting' | 'running' | 'done' | 'failed';
  readonly progress: number;
  readonly fault: string | null;
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
}

export interface ProbeRun {
  readonly run: number;
  readonly event: string;
  readonly group?: string;
  readonly began: string;
  readonly ended: string;
  readonly generation: number;
  readonly outcome: 'enforced' | 'leaking' | 'broken';
  readonly asked: number;
  readonly exempted: number;
  readonly leakedNames: number;
  readonly failingNames: number;
  readonly coverage: { readonly names: number; readonly asked: number; readonly share: number };
  readonly results?: readonly {
    readonly view: string;
    readonly transport: string;
    readonly qtype: string;
    readonly outcome: string;
    readonly asked: number;
    readonly leaked: number;
    readonly failed: number;
    readonly examples: readonly string[];
  }[];
  readonly unasked?: readonly { readonly view: string; readonly reason: string }[];
}

export interface ProbeStatus {
  readonly running: null | { readonly run: number; readonly asked: number; readonly total: number };
  readonly nextSample: string | null;
  readonly nextSweep: string | null;
  readonly waiting: readonly number[];
  readonly runs: readonly ProbeRun[];
  readonly last: ProbeRun | null;
}
