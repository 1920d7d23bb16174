// Written from docs/openapi.yaml by `npm run gen`: what the server says.

export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code?: string;
  readonly hint?: string;
};

export type Act = {
  readonly id: string;
  readonly operation: string;
  readonly summary: string;
  readonly by: string;
  readonly byAccount: string | null;
  readonly askedAt: string;
  readonly expiresAt: string;
  readonly reason: string;
  readonly confirmRoles: readonly ('viewer' | 'help-desk' | 'operator' | 'approver' | 'auditor' | 'administrator')[];
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  readonly state: 'waiting' | 'confirmed' | 'withdrawn' | 'expired' | 'lapsed' | 'failed';
  readonly confirmedBy: string | null;
  readonly endedAt: string | null;
};

export type Change = {
  readonly time: string;
  readonly kind: string;
  readonly text: string;
  readonly by: string | null;
  readonly told: Readonly<Record<string, string>>;
};

export type ChangeTried = {
  readonly state: 'never' | 'running' | 'done' | 'failed' | 'ended' | 'no-log' | 'busy';
  readonly sha256: string;
  readonly obstacle: 'off' | 'receivers' | 'closed' | 'unrecorded' | null;
  readonly days: number | null;
  readonly time: string | null;
  readonly fault: string | null;
  readonly progress: {
    readonly queries: number;
    readonly until: string | null;
  } | null;
  readonly impact: {
    readonly queries: number;
    readonly from: string | null;
    readonly to: string | null;
    readonly isShort: boolean;
    readonly isWhole: boolean;
    readonly isAtLeast: boolean;
    readonly sample: number;
    readonly withoutAddress: number;
    readonly refusedBefore: number;
    readonly refusedAfter: number;
    readonly newlyRefused: {
      readonly queries: number;
      readonly names: number;
      readonly clients: number | null;
      readonly networks: number | null;
    };
    readonly newlyPassing: {
      readonly queries: number;
      readonly names: number;
      readonly clients: number | null;
      readonly networks: number | null;
    };
    readonly otherList: number;
    readonly guards: readonly string[];
    readonly names: readonly {
      readonly name: string;
      readonly change: 'refused' | 'passes' | 'other';
      readonly queries: number;
      readonly clients: number;
      readonly list: string;
      readonly owner: string | null;
      readonly guard: string | null;
    }[];
  } | null;
};

export type ClientRefusals = {
  readonly reference: string;
  readonly refusals: readonly {
    readonly time: string;
    readonly name: string;
    readonly group: string;
    readonly list: string;
    readonly category: string;
    readonly trigger: string;
  }[];
  readonly check: DeviceCheck | null;
};

export type ConfigurationApplied = {
  readonly sha256: string;
  readonly previous: string;
  readonly generation: number;
  readonly text: string;
  readonly restart: readonly string[];
};

export type ConfigurationChecked = {
  readonly draft: string | null;
  readonly base: string | null;
  readonly text: string;
  readonly problems: readonly {
    readonly line: number;
    readonly column: number;
    readonly path: string;
    readonly code: string;
    readonly text: string;
    readonly hint: string | null;
    readonly variable: string | null;
  }[];
  readonly differences: readonly {
    readonly key: string;
    readonly from: string | null;
    readonly to: string | null;
  }[];
  readonly more: number;
  readonly restart: readonly string[];
  readonly lifts: readonly {
    readonly group: string;
    readonly prefixes: readonly string[];
    readonly more: number;
    readonly list: string;
    readonly passes: boolean;
    readonly rules: number | null;
  }[];
  readonly confirm: readonly ('viewer' | 'help-desk' | 'operator' | 'approver' | 'auditor' | 'administrator')[] | null;
};

export type ConfigurationShown = {
  readonly path: string | null;
  readonly sha256: string | null;
  readonly text: string | null;
  readonly inForce: string;
  readonly isAhead: boolean;
  readonly isWritable: boolean;
  readonly obstacle: {
    readonly text: string;
    readonly todo: string;
  } | null;
  readonly keys: readonly {
    readonly key: string;
    readonly value: string;
    readonly isDefault: boolean;
    readonly about: string;
    readonly section: string;
    readonly needsRestart: boolean;
  }[];
  readonly variables: readonly string[];
  readonly versions: readonly {
    readonly sha256: string;
    readonly time: string;
    readonly by: string;
    readonly reason: string;
    readonly isCurrent: boolean;
  }[];
  readonly notices: readonly {
    readonly group: string | null;
    readonly texts: Readonly<Record<string, string>>;
  }[];
  readonly hasNotice: boolean;
};

export type Coverage = {
  readonly measured: string;
  readonly families: number;
  readonly sources: number;
  readonly votes: number;
  readonly rows: readonly {
    readonly of: 'all' | 'three' | 'two' | 'one' | 'no-vote' | 'tiktok' | 'ranked';
    readonly names: number;
    readonly refusedByDefault: number;
    readonly refusedBySwitch: number;
    readonly explained: number;
    readonly unanswered: number;
  }[];
};

export type DecisionStatus = {
  readonly list: string;
  readonly decision: {
    readonly authority: string;
    readonly reference: string;
    readonly text?: string;
    readonly inForceFrom: string;
    readonly review?: string;
    readonly ends?: string;
    readonly provisional?: boolean;
    readonly mandate?: {
      readonly id: string;
      readonly version: string;
      readonly sha256: string;
      readonly standing: string;
      readonly since?: string;
      readonly by?: string;
      readonly lists: readonly string[];
      readonly duties?: readonly {
        readonly kind: 'report' | 'deadline' | 'list';
        readonly text: string;
        readonly due?: string;
        readonly eachDays?: number;
        readonly eachExemption?: true;
      }[];
      readonly done?: readonly {
        readonly duty: 'report' | 'deadline' | 'list';
        readonly due: string;
        readonly done: string;
        readonly by: string;
        readonly reference: string;
      }[];
      readonly doneBefore?: string;
    };
    readonly decided?: {
      readonly outcome: string;
      readonly of: string;
      readonly operators: readonly string[];
      readonly authority: string;
      readonly reference: string;
      readonly reason: string;
      readonly from: string;
      readonly by: string;
      readonly confirmedBy: string;
    };
  };
  readonly alarms: readonly ('review-near' | 'review-passed' | 'end-near' | 'end-passed')[];
  readonly reviewSec: number | null;
  readonly endSec: number | null;
};

export type DeviceCheck = {
  readonly time: string;
  readonly verdict: 'holds' | 'exempt' | 'out-of-scope' | 'not-in-force' | 'elsewhere';
  readonly transport: string | null;
  readonly group: string;
  readonly isBetween: boolean;
};

export type DeviceDay = {
  readonly reference: string;
  readonly day: string | null;
  readonly lookedBackTo: string;
  readonly isWhole: boolean;
  readonly series: readonly {
    readonly kind: 'refusal' | 'would-refuse' | 'exemption-hit' | 'bypass';
    readonly counts: readonly number[];
  }[];
  readonly names: readonly {
    readonly kind: 'refusal' | 'would-refuse' | 'exemption-hit' | 'bypass';
    readonly name: string;
    readonly type: string;
    readonly group: string;
    readonly list: string | null;
    readonly exemption: string | null;
    readonly count: number;
    readonly first: string;
    readonly last: string;
  }[];
  readonly unnamed: number;
  readonly groups: readonly {
    readonly key: string;
    readonly count: number;
  }[];
  readonly exemptions: readonly {
    readonly key: string;
    readonly count: number;
  }[];
  readonly signs: readonly {
    readonly key: string;
    readonly count: number;
  }[];
  readonly unwatched: readonly string[];
};

export type EnrolmentLink = {
  readonly url: string;
  readonly expiresAt: string;
};

export type ExemptedRule = {
  readonly exemption: string;
  readonly reason: Rule;
};

export type Exemption = {
  readonly id: string;
  readonly state: 'requested' | 'approved' | 'active' | 'rejected' | 'expired' | 'revoked';
  readonly origin: {
    readonly kind: 'command';
  } | {
    readonly kind: 'text';
    readonly file: string;
    readonly key: string;
    readonly sha256: string;
  };
  readonly profile: {
    readonly id: string;
    readonly sha256: string;
  };
  readonly requestedBy: string;
  readonly requesterAccount?: string;
  readonly requestedAt: string;
  readonly grounds: string;
  readonly justification: string;
  readonly alternatives: string;
  readonly mitigations: readonly {
    readonly item?: string;
    readonly text: string;
  }[];
  readonly groups: readonly string[];
  readonly clients: readonly string[];
  readonly devices?: readonly string[];
  readonly lists?: readonly string[];
  readonly names?: readonly string[];
  readonly schedule?: {
    readonly weekdays?: readonly ('sun' | 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat')[];
    readonly hours?: string;
    readonly timezone: string;
  };
  readonly from: string;
  readonly until: string;
  readonly renews?: string;
  readonly approvedBy?: string;
  readonly approverAccount?: string;
  readonly approvedAt?: string;
  readonly role?: string;
  readonly delegation?: string;
  readonly activeAt?: string;
  readonly endedAt?: string;
  readonly warnedDays?: number;
  readonly isIncomplete: boolean;
  readonly history: readonly ExemptionEvent[];
};

export type ExemptionCheck = {
  readonly problems: readonly {
    readonly code: string;
    readonly field: string;
    readonly text: string;
    readonly hint?: string;
  }[];
  readonly opens: ExemptionEffect;
};

export type ExemptionEffect = {
  readonly names: readonly string[] | null;
  readonly lists: readonly string[] | null;
  readonly groups: readonly string[];
  readonly devices: readonly string[];
  readonly clients: readonly string[];
  readonly addresses: number | null;
  readonly days: number | null;
  readonly asked30d: number | null;
  readonly askedNames: {
    readonly since: string;
    readonly isWhole: boolean;
    readonly unnamed: number;
    readonly groups: readonly string[];
    readonly names: readonly {
      readonly name: string;
      readonly queries: number;
    }[];
  } | null;
};

export type ExemptionEvent = {
  readonly time: string;
  readonly event: 'requested' | 'approved' | 'rejected' | 'active' | 'warned' | 'expired' | 'revoked';
  readonly by?: string;
  readonly role?: string;
  readonly reason?: string;
};

export type ExemptionProfile = {
  readonly id: string;
  readonly title: string;
  readonly 'legal-basis': readonly {
    readonly reference: string;
    readonly title: string;
    readonly date?: string;
  }[];
  readonly grounds: readonly {
    readonly id: string;
    readonly title: string;
    readonly source?: string;
  }[];
  readonly duration: {
    readonly 'days-max'?: number;
    readonly 'start-within-days': number;
    readonly source?: string;
  };
  readonly approvers: readonly {
    readonly role: string;
    readonly title: string;
    readonly delegation: boolean;
    readonly source?: string;
  }[];
  readonly texts: {
    readonly justification: number;
    readonly alternatives: number;
    readonly mitigation: number;
    readonly source?: string;
  };
  readonly mitigations: {
    readonly least: number;
    readonly checklist: readonly {
      readonly id: string;
      readonly title: string;
      readonly required: boolean;
      readonly source?: string;
    }[];
  };
  readonly scope: {
    readonly 'ipv4-length-min': number;
    readonly 'ipv6-length-min': number;
    readonly 'default-group': boolean;
    readonly source?: string;
  };
  readonly 'warn-before-days': readonly number[];
  readonly reporting?: {
    readonly to: string;
    readonly 'within-days': number;
    readonly of: string;
    readonly source?: string;
  };
  readonly notes: readonly string[];
};

export type ExemptionReport = {
  readonly time: string;
  readonly profile: {
    readonly id: string;
    readonly title: string;
    readonly legalBasis: readonly {
      readonly reference: string;
      readonly title: string;
      readonly date?: string;
    }[];
    readonly notes: readonly string[];
  } | null;
  readonly reporting: {
    readonly to: string;
    readonly until: string;
  } | null;
  readonly counts: Readonly<Record<string, number>>;
  readonly exemptions: readonly {
    readonly id: string;
    readonly state: 'requested' | 'approved' | 'active' | 'rejected' | 'expired' | 'revoked';
    readonly origin: {
      readonly kind: 'command';
    } | {
      readonly kind: 'text';
      readonly file: string;
      readonly key: string;
      readonly sha256: string;
    };
    readonly profile: {
      readonly id: string;
      readonly sha256: string;
    };
    readonly requestedBy: string;
    readonly requesterAccount?: string;
    readonly requestedAt: string;
    readonly grounds: string;
    readonly justification: string;
    readonly alternatives: string;
    readonly mitigations: readonly {
      readonly item?: string;
      readonly text: string;
    }[];
    readonly groups: readonly string[];
    readonly clients: readonly string[];
    readonly devices?: readonly string[];
    readonly lists?: readonly string[];
    readonly names?: readonly string[];
    readonly schedule?: {
      readonly weekdays?: readonly ('sun' | 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat')[];
      readonly hours?: string;
      readonly timezone: string;
    };
    readonly from: string;
    readonly until: string;
    readonly renews?: string;
    readonly approvedBy?: string;
    readonly approverAccount?: string;
    readonly approvedAt?: string;
    readonly role?: string;
    readonly delegation?: string;
    readonly activeAt?: string;
    readonly endedAt?: string;
    readonly warnedDays?: number;
    readonly history: readonly ExemptionEvent[];
  }[];
  readonly decisions: readonly DecisionStatus[];
};

export type ExemptionRules = {
  readonly profile: ExemptionProfile | null;
  readonly groups: readonly string[];
  readonly lists: readonly string[];
  readonly approvers: readonly {
    readonly name: string;
    readonly account?: string;
    readonly role: string;
    readonly delegation?: string;
  }[];
};

export type Explanation = {
  readonly name: string;
  readonly client: string;
  readonly allowed: boolean;
  readonly group: string;
  readonly groupPrefix?: string;
  readonly groupListener?: string;
  readonly lists: readonly string[];
  readonly outcome: 'refused' | 'failed' | 'local' | 'passes';
  readonly reason?: Rule;
  readonly rules: readonly Rule[];
  readonly passedBy?: Rule;
  readonly watched?: Rule;
  readonly exempted: readonly ExemptedRule[];
  readonly answers: readonly {
    readonly type: string;
    readonly status: 'refused' | 'failed' | 'local' | 'passes';
    readonly outcome: string;
    readonly refusedBy?: 'list' | 'access' | 'rebinding' | 'protocol';
    readonly reason?: Rule;
    readonly passedBy?: Rule;
    readonly watched?: Rule;
    readonly exempted: readonly ExemptedRule[];
    readonly judged: 'question' | 'answer';
    readonly rcode?: string;
    readonly ede?: {
      readonly code: number;
      readonly text: string;
    };
    readonly records: readonly string[];
    readonly followed: boolean;
    readonly tookMs: number;
    readonly steps: readonly {
      readonly atMs: number;
      readonly stage: string;
      readonly outcome: string;
      readonly reason?: Rule;
      readonly exemption?: string;
    }[];
  }[];
  readonly asked: {
    readonly kind: 'service' | 'configuration';
    readonly version: string;
    readonly configSha256: string;
    readonly generation: number;
    readonly validation: string;
    readonly time: string;
    readonly pid?: number;
    readonly worker?: number;
    readonly workers?: number;
    readonly isPaused?: boolean;
  };
};

export type FeedStatus = {
  readonly id: string;
  readonly url: string;
  readonly state: 'current' | 'unknown' | 'unreached' | 'expired' | 'backwards' | 'unproven';
  readonly reason: string | null;
  readonly since: string | null;
  readonly checkedAt: string | null;
  readonly root: number | null;
  readonly timestamp: number | null;
  readonly expires: string | null;
  readonly behind: readonly {
    readonly list: string;
    readonly since: string;
    readonly reason: string;
  }[];
  readonly release: {
    readonly version: string;
    readonly date: string;
    readonly notes: string;
  } | null;
};

export type FleetNeed = {
  readonly kind: 'unheard' | 'older' | 'leaking' | 'not-in-force' | 'forked' | 'replaced' | 'twice' | 'stopped' | 'suspended' | 'cut-off' | 'refused-entry' | 'other-content' | 'keeps-nothing' | 'evidence-refused' | 'clock' | 'unconfirmed';
  readonly since: string | null;
  readonly count: number | null;
  readonly text: string;
};

export type FleetProbe = {
  readonly asked: {
    readonly id: string;
    readonly time: string;
    readonly by: string;
  } | null;
  readonly resolvers: readonly {
    readonly name: string;
    readonly site: string | null;
    readonly probe: {
      readonly request: string;
      readonly began: string;
      readonly ended: string;
      readonly generation: number;
      readonly outcome: 'enforced' | 'leaking' | 'broken';
      readonly asked: number;
      readonly leakedNames: number;
      readonly failingNames: number;
      readonly examples: readonly string[];
      readonly results: readonly {
        readonly view: string;
        readonly transport: string;
        readonly qtype: string;
        readonly outcome: 'enforced' | 'leaking' | 'broken';
        readonly asked: number;
        readonly leaked: number;
        readonly failed: number;
      }[];
    } | null;
  }[];
};

export type FleetProbed = {
  readonly request: string;
  readonly began: string;
  readonly ended: string;
  readonly generation: number;
  readonly outcome: 'enforced' | 'leaking' | 'broken';
  readonly asked: number;
  readonly leakedNames: number;
  readonly failingNames: number;
  readonly examples: readonly string[];
};

export type FleetResolver = {
  readonly name: string;
  readonly site: string | null;
  readonly role: 'authority' | 'node' | 'collector';
  readonly enrolment: number;
  readonly removed: string | null;
  readonly heard: string | null;
  readonly heardSec: number | null;
  readonly version: string | null;
  readonly generation: number | null;
  readonly state: string | null;
  readonly enforcement: string | null;
  readonly offsetMs: number | null;
  readonly policy: number | null;
  readonly behind: number | null;
  readonly cutOffSince: string | null;
  readonly isSuspended: boolean;
  readonly suspendAfterMs: number | null;
  readonly isForked: boolean;
  readonly isReplaced: boolean;
  readonly stopped: number | null;
  readonly refused: readonly {
    readonly number: number;
    readonly subject?: string;
    readonly code: string;
    readonly reason: string;
  }[];
  readonly lists: Readonly<Record<string, string>>;
  readonly records: {
    readonly queries: number;
    readonly changes: number;
  } | null;
  readonly confirmed: {
    readonly queries: number;
    readonly changes: number;
  } | null;
  readonly isKeeping: boolean | null;
  readonly alarms: Readonly<Record<string, number>>;
  readonly foreign: readonly {
    readonly id: string;
    readonly subject: string;
    readonly text: string;
    readonly since: string;
  }[];
  readonly probe: FleetProbed | null;
  readonly needs: readonly FleetNeed[];
};

export type FleetStatus = {
  readonly name: string;
  readonly role: 'authority' | 'node';
  readonly isConnected: boolean;
  readonly policy: {
    readonly number: number;
    readonly hash: string;
  };
  readonly unpublished: number | null;
  readonly holdMs: number;
  readonly authorityHeard: string | null;
  readonly resolvers: readonly FleetResolver[];
  readonly probe: {
    readonly id: string;
    readonly time: string;
    readonly by: string;
  } | null;
  readonly contents: readonly {
    readonly subject: string;
    readonly time: string;
    readonly inForce: number;
    readonly of: number;
    readonly without: readonly string[];
  }[];
  readonly pauses: readonly {
    readonly for: string;
    readonly until: string | null;
    readonly by: string;
    readonly reason: string;
  }[];
  readonly exemptions: Readonly<Record<string, {
    readonly number: number;
    readonly event: string;
    readonly time: string;
  }>>;
};

export type FoldedRefusal = {
  readonly time: string;
  readonly until: string | null;
  readonly count: number;
  readonly kind: 'refusal' | 'would-refuse' | 'exemption-hit' | 'bypass';
  readonly name: string;
  readonly type: string;
  readonly group: string;
  readonly list: string | null;
  readonly client: string;
  readonly signal: string | null;
  readonly exemption: string | null;
};

export type FoundRecords = {
  readonly records: readonly {
    readonly class: 'queries' | 'changes';
    readonly sequence: number;
    readonly record: Readonly<Record<string, unknown>>;
  }[];
  readonly before: string | null;
};

export type HistoryStep = {
  readonly from: string;
  readonly seconds: number;
  readonly queries: number;
  readonly answers: number;
  readonly servfail: number;
  readonly refusals: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  readonly recordsLost: number;
  readonly cpuMs: number;
  readonly times: readonly number[];
  readonly workers: {
    readonly wanted: number;
    readonly alive: number;
    readonly hung: number;
  };
  readonly residentBytes: number;
  readonly freeBytes: number | null;
  readonly certificateEnds: string | null;
  readonly roomCertificateEnds: string | null;
  readonly upstreams: readonly {
    readonly name: string;
    readonly answers: number;
    readonly failures: number;
    readonly totalMs: number;
  }[];
  readonly outputs: readonly {
    readonly name: string;
    readonly written: number;
    readonly lost: number;
  }[];
};

export type KeptReport = {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly group: string | null;
  readonly language: 'en' | 'fr' | 'nl' | 'de' | null;
  readonly by: string;
  readonly every: 'daily' | 'weekly' | 'monthly' | 'quarterly' | null;
  readonly askedAt: string;
  readonly state: 'waiting' | 'running' | 'done' | 'failed';
  readonly progress: number;
  readonly fault: string | null;
  readonly files: readonly {
    readonly name: string;
    readonly bytes: number;
    readonly sha256: string;
  }[];
};

export type ListAsked = {
  readonly list: string;
  readonly since: string;
  readonly isWhole: boolean;
  readonly unnamed: number;
  readonly count: number;
  readonly rules: readonly {
    readonly rule: string;
    readonly queries: number;
  }[];
};

export type ListContent = {
  readonly sha256: string;
  readonly entries: number;
  readonly since: string;
};

export type ListDifference = {
  readonly list: string;
  readonly from: {
    readonly sha256: string;
    readonly entries: number;
  } | null;
  readonly to: {
    readonly sha256: string;
    readonly entries: number;
  };
  readonly isHeld: boolean;
  readonly added: {
    readonly count: number;
    readonly rules: readonly string[];
  };
  readonly removed: {
    readonly count: number;
    readonly rules: readonly string[];
  };
  readonly openings: readonly {
    readonly list: string;
    readonly isOpened: boolean;
    readonly count: number;
    readonly names: readonly string[];
  }[];
};

export type ListOutcome = {
  readonly list: string;
  readonly generation: number;
  readonly sha256: string | null;
  readonly entries: number | null;
};

export type ListRules = {
  readonly rules: readonly {
    readonly file: string | null;
    readonly line: number;
    readonly text: string;
    readonly service: string | null;
    readonly owner: string | null;
    readonly evidence: string | null;
    readonly reviewed: string | null;
  }[];
  readonly count: number;
};

export type ListRulesAsked = {
  readonly list: string;
  readonly since: string;
  readonly isWhole: boolean;
  readonly unnamed: number;
  readonly queries: readonly (number | null)[];
};

export type ListStatus = {
  readonly id: string;
  readonly kind: 'shipped' | 'file' | 'directory' | 'url';
  readonly source: string;
  readonly mandate: boolean | null;
  readonly inForce: {
    readonly sha256: string;
    readonly entries: number;
    readonly exceptions: number;
    readonly opened: {
      readonly count: number;
      readonly names: readonly string[];
    };
    readonly guarded: number;
    readonly rejected: number;
    readonly reasons: Readonly<Record<string, number>>;
    readonly notes: readonly string[];
    readonly reviewed: {
      readonly oldest: string;
      readonly newest: string;
    } | null;
  } | null;
  readonly kept: {
    readonly current: ListContent | null;
    readonly previous: readonly ListContent[];
    readonly checkedAt: string | null;
    readonly nextFetchAt: string | null;
    readonly failures: number;
    readonly lastFailure: string | null;
    readonly isStale: boolean;
    readonly refreshSec: number;
  } | null;
  readonly held: {
    readonly sha256: string;
    readonly entries: number;
    readonly since: string;
    readonly reasons: readonly string[];
  } | null;
};

export type LoggedQuery = {
  readonly time: string;
  readonly name: string;
  readonly type: string;
  readonly rcode: string | null;
  readonly source: string;
  readonly validation: string;
  readonly transport: string;
  readonly tookMs: number;
  readonly group: string | null;
  readonly list: string | null;
  readonly reportedBy: string | null;
  readonly client: string | null;
  readonly answers: readonly string[];
  readonly more: number;
};

export type MachineToken = {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly ('viewer' | 'help-desk' | 'operator' | 'approver' | 'auditor' | 'administrator')[];
  readonly by: string;
  readonly createdAt: string;
  readonly endsAt: string;
  readonly lastUsedAt: string | null;
  readonly isResting: boolean;
};

export type Network = {
  readonly name: string;
  readonly prefixes: readonly string[];
  readonly lists: readonly string[];
  readonly inScope: boolean;
  readonly forwarders: readonly string[];
};

export type NetworkNow = {
  readonly network: NetworkStanding;
  readonly from: string;
  readonly to: string;
  readonly mandates: readonly {
    readonly id: string;
    readonly title: string;
    readonly reach: 'whole' | 'part' | 'none';
  }[];
  readonly exemptions: readonly {
    readonly id: string;
    readonly groups: readonly string[];
    readonly clients: readonly string[];
    readonly grounds: string;
    readonly until: string;
    readonly hitsToday: number;
  }[];
};

export type NetworkStanding = {
  readonly group: string;
  readonly state: 'not-answering' | 'not-ready' | 'no-mandate' | 'paused' | 'watched' | 'outside-hours' | 'leaking' | 'partly' | 'enforced' | 'out-of-scope';
  readonly inForce: boolean;
  readonly inScope: boolean;
  readonly prefixes: readonly string[];
  readonly proof: {
    readonly state: 'proven' | 'leaking' | 'failing' | 'old' | 'changed' | 'never' | 'unasked';
    readonly time: string | null;
    readonly leakedNames: number;
    readonly examples: readonly string[];
    readonly reason: string | null;
  };
  readonly refusedToday: number;
  readonly clientsToday: number | null;
  readonly exempt: number;
  readonly strip: readonly Span[];
};

export type NewQueries = {
  readonly queries: readonly LoggedQuery[];
  readonly newest: string;
  readonly leftOut: number;
  readonly isWhole: boolean;
};

export type OpenSession = {
  readonly id: string;
  readonly name: string;
  readonly method: 'password' | 'passkey' | 'oidc';
  readonly from: string;
  readonly startedAt: string;
  readonly seenAt: string;
  readonly isOwn: boolean;
};

export type OwnKeys = {
  readonly isLocal: boolean;
  readonly hasPassword: boolean;
  readonly passkeys: readonly {
    readonly id: string;
    readonly createdAt: string;
  }[];
};

export type PauseStatus = {
  readonly isPaused: boolean;
  readonly until?: string;
  readonly by?: string;
  readonly reason?: string;
  readonly for?: string;
  readonly state: 'not-answering' | 'not-ready' | 'no-mandate' | 'paused' | 'watched' | 'outside-hours' | 'leaking' | 'partly' | 'enforced' | 'out-of-scope';
  readonly text: string;
};

export type Person = {
  readonly id: string;
  readonly name: string;
  readonly account: string;
  readonly roles: readonly ('viewer' | 'help-desk' | 'operator' | 'approver' | 'auditor' | 'administrator')[];
  readonly kind: 'local' | 'oidc';
  readonly hasPassword: boolean;
  readonly hasPasskey: boolean;
  readonly isInvited: boolean;
  readonly createdAt: string;
  readonly lastSignInAt: string | null;
};

export type ProbeRun = {
  readonly run: number;
  readonly event: 'sweep' | 'sample' | 'change';
  readonly group?: string;
  readonly began: string;
  readonly ended: string;
  readonly generation: number;
  readonly outcome: 'enforced' | 'leaking' | 'broken';
  readonly asked: number;
  readonly exempted: number;
  readonly leakedNames: number;
  readonly failingNames: number;
  readonly coverage: {
    readonly names: number;
    readonly asked: number;
    readonly share: number;
  };
  readonly results: readonly {
    readonly view: string;
    readonly transport: string;
    readonly qtype: string;
    readonly outcome: 'enforced' | 'leaking' | 'broken';
    readonly asked: number;
    readonly leaked: number;
    readonly failed: number;
    readonly examples: readonly string[];
  }[];
  readonly unasked: readonly {
    readonly view: string;
    readonly reason: string;
  }[];
  readonly certificates: readonly {
    readonly view: string;
    readonly transport: string;
    readonly name: string;
    readonly names: readonly string[];
    readonly fingerprint?: string;
    readonly ends?: string;
    readonly daysLeft?: number;
    readonly faults: readonly string[];
    readonly notes: readonly string[];
  }[];
  readonly enforcement: {
    readonly state: 'not-answering' | 'not-ready' | 'no-mandate' | 'paused' | 'watched' | 'outside-hours' | 'leaking' | 'partly' | 'enforced' | 'out-of-scope';
    readonly text: string;
    readonly todo?: string;
  };
};

export type ProbeStatus = {
  readonly running: {
    readonly run: number;
    readonly event: 'sweep' | 'sample' | 'change';
    readonly began: string;
    readonly asked: number;
    readonly total: number;
  } | null;
  readonly nextSample: string | null;
  readonly nextSweep: string | null;
  readonly waiting: readonly number[];
  readonly runs: readonly ProbeSummary[];
  readonly last: ProbeRun | null;
};

export type ProbeSummary = {
  readonly run: number;
  readonly event: 'sweep' | 'sample' | 'change';
  readonly group?: string;
  readonly began: string;
  readonly ended: string;
  readonly generation: number;
  readonly outcome: 'enforced' | 'leaking' | 'broken';
  readonly asked: number;
  readonly exempted: number;
  readonly leakedNames: number;
  readonly failingNames: number;
  readonly coverage: {
    readonly names: number;
    readonly asked: number;
    readonly share: number;
  };
};

export type QueriesFound = {
  readonly queries: readonly LoggedQuery[];
  readonly end: 'whole' | 'rows' | 'bytes' | 'time';
  readonly readBackTo: string | null;
  readonly before: string | null;
  readonly newest: string;
  readonly search: string | null;
  readonly unread: number;
};

export type QueryLogState = {
  readonly state: 'off' | 'receivers' | 'closed' | 'files';
  readonly identity: 'address' | 'prefix' | 'pseudonym' | 'none';
  readonly sample: number;
  readonly searchableSec: number;
  readonly written: number;
  readonly lost: number;
  readonly isRecorded: boolean;
};

export type Readiness = {
  readonly ready: boolean;
  readonly answering: boolean;
  readonly causes: readonly string[];
  readonly issues: readonly ('state-directory' | 'not-in-force' | 'leaking' | 'workers-missing' | 'upstreams-down' | 'upstream-untrusted' | 'upstream-down' | 'certificate-missing' | 'certificate-ended' | 'certificate-refused' | 'certificate-ends' | 'certificate-unobtained' | 'certificate-unbelieved' | 'room-certificate-ends' | 'upstream-certificate-ends' | 'clock-wrong' | 'exemptions-unusable' | 'exemptions-unproven' | 'exemptions-suspended' | 'exemption-incomplete' | 'approvers-open' | 'approver-by-name' | 'unproven' | 'unrecorded' | 'records-not-whole' | 'records-reserve' | 'records-disk-low' | 'output-stuck' | 'witness-conflict' | 'witness-away' | 'list-missing' | 'list-held' | 'list-stale' | 'list-failing' | 'feed-unproven' | 'feed-backwards' | 'feed-expired' | 'feed-behind' | 'release-newer' | 'forwarder-outside' | 'leases-unread' | 'reload-refused' | 'mandate-standing' | 'mandate-review' | 'mandate-deadline' | 'reports-failing' | 'reminders-failing' | 'fleet-cut-off' | 'fleet-refused' | 'fleet-forged' | 'fleet-disconnected' | 'fleet-certificate-ends' | 'fleet-engine' | 'fleet-clock' | 'fleet-unconfirmed' | 'resolver-unheard' | 'resolver-trouble' | 'foreign-leaking' | 'foreign-unseen' | 'exemption-ends' | 'probe-off' | 'query-log-lossy' | 'query-log-overdue' | 'records-off' | 'set-up')[];
  readonly state: 'not-answering' | 'not-ready' | 'no-mandate' | 'paused' | 'watched' | 'outside-hours' | 'leaking' | 'partly' | 'enforced' | 'out-of-scope';
  readonly text: string;
  readonly todo?: string;
  readonly groups: readonly {
    readonly group: string;
    readonly state: 'not-answering' | 'not-ready' | 'no-mandate' | 'paused' | 'watched' | 'outside-hours' | 'leaking' | 'partly' | 'enforced' | 'out-of-scope';
    readonly cause?: string;
    readonly lists?: readonly {
      readonly list: string;
      readonly standing: string;
    }[];
  }[];
};

export type RecorderStatus = {
  readonly isAlive: boolean;
  readonly restarts: number;
  readonly reportedMs?: number;
  readonly written: Readonly<Record<string, number>>;
  readonly sequence: Readonly<Record<string, number>>;
  readonly dropped: number;
  readonly droppedOfRings: readonly number[];
  readonly backlogBytes: number;
  readonly lastCommitMs?: number;
  readonly failure?: string;
  readonly oldestSearchableMs?: number;
  readonly isVerified?: boolean;
  readonly verifiedMs?: number;
  readonly isClockTrusted: boolean;
  readonly clockStepMs: number;
  readonly crashMs?: number;
  readonly partitions: number;
  readonly bytes: number;
  readonly freeBytes?: number;
  readonly reserveBytes?: number;
  readonly queries: Readonly<Record<string, number>>;
  readonly outputs: readonly {
    readonly name: string;
    readonly written: number;
    readonly dropped: number;
    readonly queued: number;
    readonly trouble?: string;
  }[];
  readonly checkpoint?: {
    readonly size: number;
    readonly signedMs: number;
    readonly verifier: string;
  };
  readonly witnesses: readonly {
    readonly name: string;
    readonly url: string;
    readonly size?: number;
    readonly cosignedMs?: number;
    readonly trouble?: string;
    readonly finding?: string;
  }[];
  readonly distinctClients: Readonly<Record<string, number>>;
};

export type RecordsChecked = {
  readonly state: 'never' | 'running' | 'whole' | 'not-whole' | 'failed';
  readonly time: string | null;
  readonly records: number;
  readonly findings: readonly string[];
  readonly fault: string | null;
};

export type RefusalFigures = {
  readonly from: string;
  readonly until: string;
  readonly now: string;
  readonly stepSec: number;
  readonly series: readonly {
    readonly list: string;
    readonly group: string;
    readonly counts: readonly number[];
  }[];
  readonly top: {
    readonly names: readonly {
      readonly key: string;
      readonly count: number;
    }[];
    readonly types: readonly {
      readonly key: string;
      readonly count: number;
    }[];
    readonly networks: readonly {
      readonly key: string;
      readonly count: number;
    }[];
    readonly clients: readonly {
      readonly key: string;
      readonly count: number;
    }[];
  };
  readonly unnamed: number;
  readonly counting: {
    readonly counted: number;
    readonly of: number;
  } | null;
  readonly changes: readonly Change[];
  readonly spans: readonly Span[];
};

export type RegisterCopy = {
  readonly version: string;
  readonly register: string | null;
  readonly room: string | null;
};

export type ReloadOutcome = {
  readonly generation: number;
  readonly state: 'not-answering' | 'not-ready' | 'no-mandate' | 'paused' | 'watched' | 'outside-hours' | 'leaking' | 'partly' | 'enforced' | 'out-of-scope';
  readonly text: string;
};

export type Rule = {
  readonly list: string;
  readonly title: string;
  readonly mandate: boolean;
  readonly mandates: readonly string[];
  readonly trigger: string;
  readonly target?: string;
  readonly match: string;
  readonly action: string;
  readonly data: readonly string[];
  readonly file: string;
  readonly line: number;
  readonly part?: string;
  readonly text: string;
  readonly service?: string;
  readonly owner?: string;
  readonly evidence?: string;
  readonly derived?: string;
  readonly reviewed?: string;
};

export type ServiceFigures = {
  readonly time: string;
  readonly atMs: number;
  readonly queries: number;
  readonly answers: Readonly<Record<string, number>>;
  readonly refusals: number;
  readonly wouldRefuse: number;
  readonly dropped: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  readonly inflight: number;
  readonly tcpConnections: number;
  readonly tlsConnections: number;
  readonly answerTimes: {
    readonly boundsMs: readonly number[];
    readonly counts: readonly number[];
  };
  readonly residentBytes: number;
  readonly cpuMs: number;
  readonly state: 'not-answering' | 'not-ready' | 'no-mandate' | 'paused' | 'watched' | 'outside-hours' | 'leaking' | 'partly' | 'enforced' | 'out-of-scope';
  readonly upstreams: readonly {
    readonly upstream: string;
    readonly up: boolean;
    readonly queries: number;
    readonly answers: number;
    readonly failures: number;
    readonly totalMs: number;
  }[];
};

export type ServiceHistory = {
  readonly from: string;
  readonly until: string;
  readonly now: string;
  readonly startedAt: string;
  readonly stepSec: number;
  readonly boundsMs: readonly number[];
  readonly steps: readonly (HistoryStep | null)[];
};

export type ServiceStatus = {
  readonly version: string;
  readonly node: string;
  readonly pid: number;
  readonly time: string;
  readonly startedAt: string;
  readonly ready: boolean;
  readonly causes: readonly string[];
  readonly enforcement: {
    readonly state: 'not-answering' | 'not-ready' | 'no-mandate' | 'paused' | 'watched' | 'outside-hours' | 'leaking' | 'partly' | 'enforced' | 'out-of-scope';
    readonly text: string;
    readonly todo: string | null;
    readonly since: string;
    readonly groups: readonly {
      readonly group: string;
      readonly state: 'not-answering' | 'not-ready' | 'no-mandate' | 'paused' | 'watched' | 'outside-hours' | 'leaking' | 'partly' | 'enforced' | 'out-of-scope';
    }[];
  };
  readonly pause: {
    readonly until: string;
    readonly by: string;
    readonly reason: string;
  } | null;
  readonly generation: number;
  readonly loadedAt: string | null;
  readonly configSha256: string;
  readonly reloads: {
    readonly success: number;
    readonly failure: number;
  };
  readonly dnssec: string;
  readonly workers: {
    readonly wanted: number;
    readonly alive: number;
    readonly hung: number;
    readonly restarts: number;
    readonly hangs: number;
  };
  readonly listeners: readonly {
    readonly kind: 'dns' | 'dot' | 'doh' | 'doh-plain' | 'doq' | 'admin';
    readonly address: string;
  }[];
  readonly lists: readonly {
    readonly id: string;
    readonly mandate: boolean | null;
    readonly mandates: readonly string[];
    readonly entries: number | null;
    readonly state: 'good' | 'empty' | 'held' | 'stale' | 'failing' | 'not in force';
    readonly checkedAt: string | null;
  }[];
  readonly upstreams: readonly UpstreamStatus[];
  readonly exemptions: {
    readonly active: number;
    readonly waiting: number;
    readonly nextEnd: string | null;
  } | null;
  readonly records: {
    readonly lastCommit: string | null;
    readonly dropped: number;
    readonly verified: boolean | null;
    readonly freeBytes: number | null;
  } | null;
  readonly outputs: readonly {
    readonly name: string;
    readonly written: number;
    readonly dropped: number;
    readonly waiting: number;
    readonly trouble: string | null;
  }[];
  readonly certificate: {
    readonly ends: string;
    readonly isEnding: boolean;
    readonly isRefused: boolean;
  } | null;
  readonly acme: {
    readonly state: 'obtaining' | 'issued' | 'failing';
    readonly failures: number;
    readonly error: string | null;
    readonly text: string | null;
    readonly next: string;
  } | null;
  readonly probe: {
    readonly lastRun: string | null;
    readonly leakedNames: number;
    readonly failed: number;
    readonly unbelieved: readonly string[];
  } | null;
  readonly leftOut: {
    readonly features: readonly string[];
    readonly how: string;
  } | null;
  readonly problems: readonly string[];
  readonly issues: readonly {
    readonly id: 'state-directory' | 'not-in-force' | 'leaking' | 'workers-missing' | 'upstreams-down' | 'upstream-untrusted' | 'upstream-down' | 'certificate-missing' | 'certificate-ended' | 'certificate-refused' | 'certificate-ends' | 'certificate-unobtained' | 'certificate-unbelieved' | 'room-certificate-ends' | 'upstream-certificate-ends' | 'clock-wrong' | 'exemptions-unusable' | 'exemptions-unproven' | 'exemptions-suspended' | 'exemption-incomplete' | 'approvers-open' | 'approver-by-name' | 'unproven' | 'unrecorded' | 'records-not-whole' | 'records-reserve' | 'records-disk-low' | 'output-stuck' | 'witness-conflict' | 'witness-away' | 'list-missing' | 'list-held' | 'list-stale' | 'list-failing' | 'feed-unproven' | 'feed-backwards' | 'feed-expired' | 'feed-behind' | 'release-newer' | 'forwarder-outside' | 'leases-unread' | 'reload-refused' | 'mandate-standing' | 'mandate-review' | 'mandate-deadline' | 'reports-failing' | 'reminders-failing' | 'fleet-cut-off' | 'fleet-refused' | 'fleet-forged' | 'fleet-disconnected' | 'fleet-certificate-ends' | 'fleet-engine' | 'fleet-clock' | 'fleet-unconfirmed' | 'resolver-unheard' | 'resolver-trouble' | 'foreign-leaking' | 'foreign-unseen' | 'exemption-ends' | 'probe-off' | 'query-log-lossy' | 'query-log-overdue' | 'records-off' | 'set-up';
    readonly severity: 'critical' | 'warning' | 'info';
    readonly subject: string;
    readonly text: string;
    readonly since: string;
    readonly due: string | null;
    readonly do: string;
  }[];
};

export type Session = {
  readonly signedIn: false;
  readonly csrf: string;
  readonly agency: string | null;
  readonly version: string;
  readonly needsSetup: boolean;
  readonly methods: SignInMethods;
} | {
  readonly signedIn: true;
  readonly csrf: string;
  readonly agency: string | null;
  readonly version: string;
  readonly needsSetup: boolean;
  readonly methods: SignInMethods;
  readonly person: {
    readonly id: string;
    readonly name: string;
    readonly account: string;
    readonly roles: readonly ('viewer' | 'help-desk' | 'operator' | 'approver' | 'auditor' | 'administrator')[];
    readonly kind: 'local' | 'oidc' | 'token';
  };
  readonly may: readonly string[];
  readonly startedAt: string;
  readonly endsAt: string;
  readonly idleEndsAt: string;
  readonly steppedUpUntil: string | null;
  readonly stepUp: {
    readonly code: boolean;
    readonly passkey: boolean;
    readonly oidc: boolean;
  };
};

export type SignInMethods = {
  readonly oidc: {
    readonly label: string;
  } | null;
  readonly password: boolean;
  readonly passkey: boolean;
};

export type Span = {
  readonly from: string;
  readonly to: string;
  readonly state: 'paused' | 'not-in-force' | 'unproven' | 'no-evidence';
  readonly cause: string | null;
  readonly by: string | null;
  readonly number: number | null;
};

export type State = {
  readonly time: string;
  readonly agency: string | null;
  readonly version: string;
  readonly generation: number;
  readonly resolver: {
    readonly name: string;
    readonly addresses: readonly string[];
  };
  readonly headline: {
    readonly state: 'starting' | 'paused' | 'not-in-force' | 'no-mandate-list' | 'leaking' | 'unproven' | 'unrecorded' | 'stale' | 'in-force';
    readonly cause: 'startup' | 'no-generation' | 'no-worker' | 'hung-worker' | 'operator-pause' | 'configuration' | 'schedule' | 'leak' | 'crash' | 'not-answering' | 'not-ready' | 'no-mandate' | 'paused' | 'watched' | 'outside-hours' | 'leaking' | 'partly' | 'enforced' | 'out-of-scope' | 'no-probe' | 'unasked' | 'never' | 'broken' | 'old' | 'clock' | 'disabled' | 'failing' | 'silent' | 'waiting' | 'lost' | 'unreadable' | 'not-whole' | null;
    readonly text: string;
    readonly detail: string;
    readonly todo: string | null;
    readonly sinceTime: string | null;
    readonly networks: number;
    readonly networksInForce: number;
    readonly networksProven: number;
    readonly groups: readonly string[];
    readonly groupCount: number;
    readonly unasked: readonly string[];
    readonly unaskedCount: number;
    readonly lists: readonly string[];
    readonly oldestProofTime: string | null;
    readonly isProofCurrent: boolean;
    readonly leakedNames: number;
    readonly examples: readonly string[];
    readonly pause: {
      readonly by: string;
      readonly reason: string;
      readonly until: string;
    } | null;
    readonly sweep: {
      readonly time: string;
      readonly names: number;
      readonly leakedNames: number;
    } | null;
  };
  readonly strip: {
    readonly from: string;
    readonly to: string;
    readonly spans: readonly Span[];
  };
  readonly networks: readonly NetworkStanding[];
  readonly counts: {
    readonly networks: number;
    readonly networksWithClients: number;
    readonly exemptions: number;
    readonly todo: readonly {
      readonly kind: 'state-directory' | 'not-in-force' | 'leaking' | 'workers-missing' | 'upstreams-down' | 'upstream-untrusted' | 'upstream-down' | 'certificate-missing' | 'certificate-ended' | 'certificate-refused' | 'certificate-ends' | 'certificate-unobtained' | 'certificate-unbelieved' | 'room-certificate-ends' | 'upstream-certificate-ends' | 'clock-wrong' | 'exemptions-unusable' | 'exemptions-unproven' | 'exemptions-suspended' | 'exemption-incomplete' | 'approvers-open' | 'approver-by-name' | 'unproven' | 'unrecorded' | 'records-not-whole' | 'records-reserve' | 'records-disk-low' | 'output-stuck' | 'witness-conflict' | 'witness-away' | 'list-missing' | 'list-held' | 'list-stale' | 'list-failing' | 'feed-unproven' | 'feed-backwards' | 'feed-expired' | 'feed-behind' | 'release-newer' | 'forwarder-outside' | 'leases-unread' | 'reload-refused' | 'mandate-standing' | 'mandate-review' | 'mandate-deadline' | 'reports-failing' | 'reminders-failing' | 'fleet-cut-off' | 'fleet-refused' | 'fleet-forged' | 'fleet-disconnected' | 'fleet-certificate-ends' | 'fleet-engine' | 'fleet-clock' | 'fleet-unconfirmed' | 'resolver-unheard' | 'resolver-trouble' | 'foreign-leaking' | 'foreign-unseen' | 'exemption-ends' | 'probe-off' | 'query-log-lossy' | 'query-log-overdue' | 'records-off' | 'set-up' | 'act-waiting' | 'exemption-waiting' | 'break-glass';
      readonly count: number;
    }[];
  };
  readonly todo: readonly {
    readonly kind: 'state-directory' | 'not-in-force' | 'leaking' | 'workers-missing' | 'upstreams-down' | 'upstream-untrusted' | 'upstream-down' | 'certificate-missing' | 'certificate-ended' | 'certificate-refused' | 'certificate-ends' | 'certificate-unobtained' | 'certificate-unbelieved' | 'room-certificate-ends' | 'upstream-certificate-ends' | 'clock-wrong' | 'exemptions-unusable' | 'exemptions-unproven' | 'exemptions-suspended' | 'exemption-incomplete' | 'approvers-open' | 'approver-by-name' | 'unproven' | 'unrecorded' | 'records-not-whole' | 'records-reserve' | 'records-disk-low' | 'output-stuck' | 'witness-conflict' | 'witness-away' | 'list-missing' | 'list-held' | 'list-stale' | 'list-failing' | 'feed-unproven' | 'feed-backwards' | 'feed-expired' | 'feed-behind' | 'release-newer' | 'forwarder-outside' | 'leases-unread' | 'reload-refused' | 'mandate-standing' | 'mandate-review' | 'mandate-deadline' | 'reports-failing' | 'reminders-failing' | 'fleet-cut-off' | 'fleet-refused' | 'fleet-forged' | 'fleet-disconnected' | 'fleet-certificate-ends' | 'fleet-engine' | 'fleet-clock' | 'fleet-unconfirmed' | 'resolver-unheard' | 'resolver-trouble' | 'foreign-leaking' | 'foreign-unseen' | 'exemption-ends' | 'probe-off' | 'query-log-lossy' | 'query-log-overdue' | 'records-off' | 'set-up' | 'act-waiting' | 'exemption-waiting' | 'break-glass';
    readonly subject: string;
    readonly since: string | null;
    readonly due: string | null;
    readonly text: string;
    readonly to: string;
    readonly act?: {
      readonly operation: string;
      readonly by: string;
    };
  }[];
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
    readonly signs: readonly {
      readonly signal: string;
      readonly count: number;
    }[];
    readonly unwatched: readonly {
      readonly signal: string;
      readonly groups: readonly string[];
      readonly groupCount: number;
    }[];
  };
  readonly service: {
    readonly queriesPerSec: number | null;
    readonly servfailShare: number | null;
    readonly p95Ms: number | null;
    readonly upstreams: {
      readonly up: number;
      readonly total: number;
    };
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
  readonly mandates: readonly {
    readonly id: string;
    readonly title: string;
    readonly standing: 'in-force' | 'under-review' | 'disputed' | 'superseded' | 'repealed';
    readonly isUnread: boolean;
    readonly networks: readonly {
      readonly group: string;
      readonly reach: 'whole' | 'part' | 'none';
      readonly why: string;
    }[];
    readonly reaches: {
      readonly whole: number;
      readonly part: number;
      readonly none: number;
    };
  }[];
  readonly lists: readonly {
    readonly id: string;
    readonly mandate: boolean | null;
    readonly rules: number | null;
    readonly state: 'in-force' | 'held' | 'stale' | 'missing' | 'suspended';
    readonly reachedTime: string | null;
    readonly restsOn: string | null;
  }[];
  readonly changes: readonly Change[];
};

export type UpstreamStatus = {
  readonly upstream: string;
  readonly route: string;
  readonly up: boolean;
  readonly untrusted: string | null;
  readonly certificateEnds: string | null;
  readonly queries: number;
  readonly answers: number;
  readonly failures: number;
  readonly meanMs: number | null;
};
