// What is recorded: the kinds of records, what each holds, and which chain it belongs to.
//
// A record is one JSON object. Its members are the fields that an auditor searches by; none is ever renamed or given
// another meaning, because records outlive the program that wrote them. Times are UTC in RFC 3339 with milliseconds.
// Two chains: `queries` holds what clients did, in volume, and may identify them; `changes` holds what the operators
// and the program did, identifies no client, and is kept longer.
import type {
  GroupEnforcement,
  MandateState,
  NotEnforcingCause,
} from '../../telemetry/enforcement/enforcement.ts';
import type { BypassSignal } from './bypass-signal.ts';
import type { ForeignRecord } from './foreign-record.ts';

/** The chains of records. */
export const RECORD_CLASSES = ['queries', 'changes'] as const;

/** One of RECORD_CLASSES. */
export type RecordClass = (typeof RECORD_CLASSES)[number];

/** Kinds of records about queries. `sketch` is which registers of the distinct-client estimate rose (no identity). */
export const QUERY_KINDS = ['refusal', 'would-refuse', 'exemption-hit', 'bypass', 'sketch'] as const;

/** Kinds of records about the program, its lists and its operators. */
export const CHANGE_KINDS = [
  'service',
  'enforcement',
  'list',
  'configuration',
  'exemption',
  'decision',
  'probe',
  'records',
  'admin',
  'fleet',
  'foreign',
] as const;

/** One of QUERY_KINDS. */
export type QueryKind = (typeof QUERY_KINDS)[number];
/** One of CHANGE_KINDS. */
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** What every record has. */
interface RecordHead {
  /** UTC, RFC 3339 with milliseconds. */
  readonly time: string;
}

/** A query that a list refused, would have refused, or that was a sign of a bypass. */
export interface QueryRecord extends RecordHead {
  readonly kind: Exclude<QueryKind, 'sketch'>;
  /** The client as the identity policy allows: an address, a prefix, or `p:` with a pseudonym. */
  readonly client: string;
  /**
   * The device by the name of its certificate or token, or `d:` with a pseudonym; absent where none was shown, and
   * where addresses are truncated.
   */
  readonly device?: string;
  /** The forwarder that says who the client is, by its name in the configuration; absent where the client asked itself. */
  readonly reportedBy?: string;
  /** Source port; absent unless addresses are recorded in full. */
  readonly port?: number;
  /** `udp`, `tcp`, `dot`, `doh` or `doq`. */
  readonly transport: string;
  readonly group: string;
  /** Presentation form without the final dot; `.` for the root. */
  readonly qname: string;
  /** Mnemonic of the type, or `TYPE65300`. */
  readonly qtype: string;
  /** Mnemonic of the answer's RCODE; absent when the query was dropped. */
  readonly rcode?: string;
  /** Absent where no list had a part in it (`bypass` from an unlisted network, `ddr`). */
  readonly list?: string;
  readonly category?: string;
  /** First 12 hexadecimal digits of the SHA-256 of the list's content. */
  readonly version?: string;
  /** Line of the rule in its list. */
  readonly line?: number;
  /** `qname`, `cname`, `dname`, `service-target`, `service-hint`, `response-ip`, …: a word of the metrics. */
  readonly trigger?: string;
  /** The name or address that the rule matched, where it is not the QNAME. */
  readonly target?: string;
  /** Policy generation that decided. */
  readonly generation: number;
  /** Identifier of the exemption that let the query pass. */
  readonly exemption?: string;
  /** Code of the Extended DNS Error in the answer (RFC 8914). */
  readonly ede?: number;
  /** Of `bypass`, and of a refusal by a list whose category is one. */
  readonly signal?: BypassSignal;
  /**
   * How many queries the record stands for; absent for 1. They agree in every member but `time` and `port`, which are
   * those of the first, unless `summary` says otherwise.
   */
  readonly count?: number;
  /** Time of the last of `count` queries. */
  readonly until?: string;
  /**
   * The queries agree in less, because records have bounds: name, type, line, target and answer are those of the first.
   * `client`: they are this client's, which used up its share of records; `total`: they are those of many clients
   * (`client` is `other`). Kind, group, list, trigger, exemption and signal are those of all, so that sums are exact.
   */
  readonly summary?: 'client' | 'total';
}

/** Registers of the distinct-client estimate of one day and group that rose since the record before. */
export interface SketchRecord extends RecordHead {
  readonly kind: 'sketch';
  /** UTC day, `2026-11-25`. */
  readonly day: string;
  readonly group: string;
  /** Base64 of three bytes each: index (big-endian) and value. */
  readonly registers: string;
}

/** How a feed of lists is, as it is told of it; `none`: it is not configured. */
export const FEED_RECORD_STATES = [
  ...(['current', 'unknown', 'unreached', 'expired', 'backwards', 'unproven', 'none'] as const),
] as const;
/** One of FEED_RECORD_STATES. */
export type FeedRecordState = (typeof FEED_RECORD_STATES)[number];

/** The life of the process. */
export interface ServiceRecord extends RecordHead {
  readonly kind: 'service';
  readonly event:
    | ('start' | 'stop' | 'unclean-end' | 'worker-died' | 'worker-started')
    | ('cryptography' | 'certificate' | 'feed');
  readonly version?: string;
  /** Of `start`: the verifier key of the log (C2SP signed-note), which has its name, and how many blocks the log had. */
  readonly verifier?: string;
  readonly logSize?: number;
  /** Of `start`: blocks that were there and in no checkpoint: a second of them after a crash, none after a stop. */
  readonly unsigned?: number;
  /** Of `cryptography`: written where a FIPS module is in use, and names it. */
  readonly openssl?: string;
  readonly modules?: readonly { readonly path: string; readonly sha256: string }[];
  /** Of `certificate`: one was obtained by ACME, from whom, for whom, and until when it is valid. */
  readonly directory?: string;
  readonly names?: readonly string[];
  readonly issuer?: string;
  /** SHA-256, hexadecimal with colons. */
  readonly fingerprint?: string;
  readonly until?: string;
  /** Of `feed`: how a feed of lists is, when that changes, and `until` when it vouches; without `feed`: there is none. */
  readonly feed?: string;
  readonly state?: FeedRecordState;
  readonly reason?: string;
  /** Day of the latest review of an entry of the lists that ship. */
  readonly reviewed?: string;
  /** Version of its timestamp. */
  readonly timestamp?: number;
  /** Lists of which it has a newer content than is in force, since when that is known, and why. */
  readonly behind?: readonly { readonly list: string; readonly since: string; readonly reason: string }[];
  /** Of `unclean-end`: time of the last record that the run before had written; what came after it may be missing. */
  readonly lastWritten?: string;
  readonly worker?: number;
}

/**
 * The prohibition was not in force from `gap-begin` to `gap-end`: written about a crash, which is known afterwards only,
 * and by versions that had no EnforcementStateRecord.
 */
export interface EnforcementGapRecord extends RecordHead {
  readonly kind: 'enforcement';
  readonly event: 'gap-begin' | 'gap-end';
  /** `crash`; in records of earlier versions, any cause. */
  readonly cause: string;
  /** Of `gap-end`: length by the monotonic clock, milliseconds. */
  readonly ms?: number;
  readonly by?: string;
  readonly reason?: string;
}

/**
 * From here on this is the state of the prohibition, in the words of the room enforcement: the first one of a run is
 * written at its start. It is in force where `state` is `enforced`, for the whole service as for each group.
 */
export interface EnforcementStateRecord extends RecordHead {
  readonly kind: 'enforcement';
  readonly event: 'state';
  readonly state: MandateState;
  /** Absent where all is as decided: `enforced`, `out-of-scope`. */
  readonly cause?: NotEnforcingCause;
  /** The state before in this run of the program, and how long it held by the monotonic clock, milliseconds. */
  readonly previous?: MandateState;
  readonly ms?: number;
  /** The state of each group, with the mandate lists that do not refuse to it; none before a policy is in force. */
  readonly groups: readonly GroupEnforcement[];
  /** Who changed it, as far as the program can know; absent where nobody did. */
  readonly by?: string;
  readonly reason?: string;
}

/** Whether the prohibition is in force changed. */
export type EnforcementRecord = EnforcementGapRecord | EnforcementStateRecord;

/** A list changed, or should have. */
export interface ListRecord extends RecordHead {
  readonly kind: 'list';
  readonly event:
    | 'in-force'
    | 'out-of-force'
    | 'fetched'
    | 'fetch-failed'
    | 'held'
    | 'accepted'
    | 'dismissed'
    | 'rolled-back';
  readonly list: string;
  readonly category?: string;
  readonly mandate?: boolean;
  /** Of the content, 64 hexadecimal digits. */
  readonly sha256?: string;
  readonly entries?: number;
  /** Day on which the entry was reviewed whose review is the oldest, and the day on which its next one is due. */
  readonly reviewed?: string;
  readonly reviewDue?: string;
  readonly added?: number;
  readonly removed?: number;
  readonly generation?: number;
  readonly by?: string;
  readonly reason?: string;
  /** Code of the error. */
  readonly code?: string;
}

/** The configuration was loaded or refused. */
export interface ConfigurationRecord extends RecordHead {
  readonly kind: 'configuration';
  readonly event: 'in-force' | 'refused';
  /** Of the effective configuration. */
  readonly sha256?: string;
  readonly previous?: string;
  readonly code?: string;
  /** `start`, `reload`, `lists`. */
  readonly cause: string;
  /** What is known of who changed it: whose file it is and when it was written, and what made the program read it. */
  readonly by?: string;
  readonly reason?: string;
  /** Keys that changed, the first few; values that may be secret are masked. */
  readonly differences?: readonly ConfigurationDifference[];
  /** How many more there are. */
  readonly more?: number;
  /** Of a node of a fleet: how long exemptions hold while it does not hear the authority, milliseconds; null: to their own ends. */
  readonly suspendAfterMs?: number | null;
}

/** One key of the effective configuration; a value that is absent was or is not set. */
export interface ConfigurationDifference {
  /** `lists[tiktok].mandate` */
  readonly key: string;
  readonly from?: string;
  readonly to?: string;
}

/** Something happened to an exemption; `paper` is the whole of it as it then stood. */
export interface ExemptionRecord extends RecordHead {
  readonly kind: 'exemption';
  readonly event: 'requested' | 'approved' | 'rejected' | 'active' | 'warned' | 'expired' | 'revoked';
  /** `ex-000001`. */
  readonly id: string;
  /** Who did it; absent for what time alone did. */
  readonly by?: string;
  readonly role?: string;
  readonly reason?: string;
  readonly paper: object;
}

/** The decision that a mandate list rests on was set or changed, or a date of it nears or has passed. */
export interface DecisionRecord extends RecordHead {
  readonly kind: 'decision';
  readonly event: 'set' | 'changed' | 'removed' | 'review-near' | 'review-passed' | 'end-near' | 'end-passed';
  readonly list: string;
  readonly decision?: object;
}

/** One view of one probe run. */
export interface ProbeResult {
  /** `group:NAME`, `listener:ADDRESS` (with `@NAME`: asked by it), or `server:ADDRESS` for another resolver. */
  readonly view: string;
  /** `*` with the type `*`: all of the view, which is in order. */
  readonly transport: string;
  readonly qtype: string;
  readonly outcome: 'enforced' | 'leaking' | 'broken';
  readonly asked: number;
  /** Questions that were answered although they should have been refused. */
  readonly leaked: number;
  /** Questions without the answer that they should have had: controls that did not resolve, no answer at all. */
  readonly failed: number;
  /** A few of them, for people: `www.tiktok.com A +do: NOERROR 192.0.2.1`. */
  readonly examples: readonly string[];
}

/** The self-probe asked. */
export interface ProbeRecord extends RecordHead {
  readonly kind: 'probe';
  readonly event: 'sweep' | 'sample' | 'change';
  readonly generation: number;
  /** When the run began. */
  readonly began: string;
  readonly outcome: 'enforced' | 'leaking' | 'broken';
  readonly results: readonly ProbeResult[];
  /** Names of the mandate lists in force, how many of them were asked somewhere, and the part asked of all in all views. */
  readonly coverage?: { readonly names: number; readonly asked: number; readonly share: number };
  /** Views and lists (`list:ID`) that could not be asked about, or only in part, and why. */
  readonly unasked?: readonly { readonly view: string; readonly reason: string }[];
  /** What the encrypted listeners proved with; of samples only those at fault. */
  readonly certificates?: readonly ProbedCertificate[];
}

/** What one encrypted listener proved with. */
export interface ProbedCertificate {
  /** `listener:ADDRESS`, with `@NAME` where that is the name of a group. */
  readonly view: string;
  readonly transport: string;
  /** The name that it was asked by, which clients are told. */
  readonly name: string;
  /** subjectAltName, such as `DNS:dns.example.net`; none where nothing was seen. */
  readonly names: readonly string[];
  /** SHA-256, lower-case hexadecimal; absent where nothing was seen. */
  readonly fingerprint?: string;
  /** When the chain ends, RFC 3339, and whole days until then; negative: since. */
  readonly ends?: string;
  readonly daysLeft?: number;
  /** What a client refuses; none: it believes the server. */
  readonly faults: readonly string[];
  /** What is worth knowing. */
  readonly notes: readonly string[];
}

/** Something about the records themselves. */
export interface RecordsRecord extends RecordHead {
  readonly kind: 'records';
  readonly event:
    | 'dropped'
    | 'clock-step'
    | 'archived'
    | 'deleted'
    | 'restored'
    | 'damaged'
    | 'pseudonym-key'
    | 'counting-key'
    | 'reidentified'
    | 'output-dropped'
    | 'reserve-begin'
    | 'reserve-end'
    /** How many events the register of exemptions had (`count`), under which hash (`text`): nothing was found wrong with it. */
    | 'register';
  readonly count?: number;
  /** Of `clock-step`: milliseconds, negative when the clock went back. */
  readonly ms?: number;
  readonly file?: string;
  readonly output?: string;
  readonly by?: string;
  readonly reason?: string;
  readonly text?: string;
  /** Of `pseudonym-key`: its number, and sealed to which key of a privacy officer: see sealing.ts. */
  readonly key?: number;
  readonly escrow?: string;
  readonly sealed?: string;
  /** Of `counting-key`: the UTC day, and under which key its clients are counted: see countingKeyId(). */
  readonly day?: string;
  readonly keyId?: string;
  /** Of `dropped`: when the first and the last of them were missed. */
  readonly from?: string;
  /** Of `restored` as well: the last sign of life of the recorder before. */
  readonly until?: string;
  /** Of `restored`, as of a start: blocks in the log, and how many of them nobody had signed. */
  readonly logSize?: number;
  readonly unsigned?: number;
}

/** An operator did something that no other kind tells. */
export interface AdminRecord extends RecordHead {
  readonly kind: 'admin';
  readonly action: string;
  readonly by: string;
  readonly reason?: string;
  readonly detail?: object;
}

/** What one entry of the fleet's policy came to here, or what this resolver knows of the fleet. */
export interface FleetRecord extends RecordHead {
  readonly kind: 'fleet';
  /**
   * `applied`, `refused`, `kept` (of a kind that this version does not know) and `stopped` (as `kept`, and nothing behind it
   * but revocations is applied) are about an entry; the others about the fleet.
   */
  readonly event:
    | 'applied'
    | 'refused'
    | 'kept'
    | 'stopped'
    | 'fork'
    | 'cut-off'
    | 'heard-again'
    | 'suspended'
    | 'resumed'
    | 'clock'
    | 'token-refused'
    | 'evidence-refused'
    | 'recovered'
    | 'replaced'
    | 'probe-asked'
    | 'probed'
    | 'probe-refused';
  /** Number and hash of the entry, and its kind. */
  readonly number?: number;
  readonly hash?: string;
  readonly entry?: string;
  /** What the entry is about: the identifier of an exemption, a list, a resolver. */
  readonly subject?: string;
  /** When the authority made the entry. */
  readonly authorityTime?: string;
  /** By how much this clock was ahead of the authority's when both were last compared, milliseconds. */
  readonly offsetMs?: number;
  readonly code?: string;
  readonly reason?: string;
}

/** What is read of a record whose kind or event this version does not know. It is never written. */
export interface LaterRecord extends RecordHead {
  readonly kind: 'later';
}

/** A record of the chain `changes`. */
export type ChangeRecord =
  | ServiceRecord
  | EnforcementRecord
  | ListRecord
  | ConfigurationRecord
  | ExemptionRecord
  | DecisionRecord
  | ProbeRecord
  | RecordsRecord
  | AdminRecord
  | FleetRecord
  | ForeignRecord
  | LaterRecord;

/** A record of either chain. */
export type EvidenceRecord = QueryRecord | SketchRecord | ChangeRecord;
