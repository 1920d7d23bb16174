// The configuration after loading: what the program runs with.
//
// Every text of the file is parsed (endpoints, prefixes, names, durations, sizes), every default is filled in and
// every path is absolute. A `Config` comes only from loadConfig: its holder need not check it again. The
// form as written is `RawConfig` in schema.ts; the two types share no member that a mix-up would compile with.
import type { AddressWords, Endpoint, Prefix, PrefixList } from '../base/base.ts';

/** What a refused name is answered with. */
export type BlockAnswer =
  | { readonly kind: 'nxdomain' | 'nodata' | 'null-ip' | 'refused' }
  | { readonly kind: 'address'; readonly addresses: readonly AddressWords[] };

/** What is done about clients that ask too much. */
export const RATE_LIMIT_MODES = ['enforce', 'dry-run', 'off'] as const;

/** The formats of list files. */
export const LIST_FORMATS = [
  'adblock',
  'cordon',
  'dnsmasq',
  'domains',
  'hosts',
  'regex',
  'rpz',
  'unbound',
  'wildcard',
] as const;

/** One of LIST_FORMATS. */
export type ListFormat = (typeof LIST_FORMATS)[number];

/** How the text of a list is read. */
export interface ListReading {
  readonly format: ListFormat;
  /** What a name of a `domains` file covers; the other formats state it themselves. */
  readonly match: 'suffix' | 'exact';
  /** The apex of an `rpz` file in presentation form, folded, with the final dot; undefined when the file tells. */
  readonly origin: string | undefined;
  /** Whether the trigger `*` of an `rpz` file is taken, which refuses all names but those of guarded trees. */
  readonly takesEverything: boolean;
  /** A record of an `rpz` file lives no longer in an answer, seconds; undefined: as long as the file says. */
  readonly recordTtlSecMax: number | undefined;
}

/** An address of a host. */
export interface HostAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** From when on a difference between two contents of a list is held for a person to see; shares are of 1. */
export interface ReviewConfig {
  readonly shrinkShareMax: number;
  readonly growthShareMax: number;
  readonly rejectedShareMax: number;
}

/** A list that is fetched. */
export interface UrlSource extends ListReading {
  readonly kind: 'url';
  /** HTTP or HTTPS, without user, password and fragment; a query may hold a token. */
  readonly url: string;
  readonly refreshMs: number;
  /** Of the list's signer: a minisign key, or 32 bytes of an Ed25519 key in Base64. */
  readonly publicKey: string | undefined;
  /** Undefined for the address beside the list's; only there with a key. */
  readonly signatureUrl: string | undefined;
  /** The only content that is taken: 64 hexadecimal digits, lower case. */
  readonly sha256: string | undefined;
  /** Of the unpacked content. */
  readonly sizeBytesMax: number;
  /** Addresses of the list's host; empty when it is looked up. */
  readonly addresses: readonly HostAddress[];
  readonly review: ReviewConfig;
}

/** Where a list comes from. */
export type ListSource =
  | { readonly kind: 'shipped'; readonly id: string }
  | ({
      readonly kind: 'file';
      /** Absolute. */
      readonly path: string;
      /** True: all files of the directory are read as one list. */
      readonly isDirectory: boolean;
    } & ListReading)
  | UrlSource;

/** The decision of an authority that a mandate list rests on. */
export interface DecisionConfig {
  readonly authority: string;
  readonly reference: string;
  readonly text: string | undefined;
  /** Milliseconds since the epoch, as the two below. */
  readonly inForceFromMs: number;
  readonly reviewMs: number | undefined;
  readonly endsMs: number | undefined;
}

/** What a decision says of one operator of a list. */
export interface OperatorConfig {
  /** As the entries of the list name it. */
  readonly name: string;
  /** False: its entries are left out. */
  readonly refuse: boolean;
  readonly decision: DecisionConfig;
}

/** One list. What is undefined here is what the list's own header says. */
export interface ListConfig {
  readonly id: string;
  readonly source: ListSource;
  readonly mandate: boolean | undefined;
  /** True: its names pass whatever ordinary lists say; then nothing of mandate, answer and ede is set. */
  readonly allow: boolean;
  /** True: what it would refuse is counted and passes. Neither a mandate nor an allow list. */
  readonly logOnly: boolean;
  readonly answer: BlockAnswer | undefined;
  /** Extended DNS Error of the refusal (RFC 8914). */
  readonly ede: { readonly code: number; readonly text: string | undefined } | undefined;
  readonly category: string | undefined;
  /** Each once; of shipped lists and the format cordon only. */
  readonly operators: readonly OperatorConfig[];
  /** Of mandate lists only. */
  readonly decision: DecisionConfig | undefined;
}

/** Minutes since midnight, from the first until before the second; a first that is later runs past midnight. */
export interface DayHours {
  readonly fromMin: number;
  readonly untilMin: number;
}

/** Times at which a list is in force; what is undefined does not restrict. */
export interface ScheduleConfig {
  /** From this time on, milliseconds since the epoch. */
  readonly fromMs: number | undefined;
  /** Until just before this time. */
  readonly untilMs: number | undefined;
  /** Days of the week, each once: 0 is Sunday. */
  readonly weekdays: readonly number[] | undefined;
  readonly hours: DayHours | undefined;
  /** IANA name of the time zone of weekdays and hours. */
  readonly timeZone: string;
}

/** Which mandate lists do not apply, by decision: all of them, none, or those with these identifiers. */
export type OutOfScope = boolean | readonly string[];

/** A file of prefixes as it was read with the configuration. */
export interface PrefixFile {
  /** Absolute. */
  readonly path: string;
  /** Prefixes that it has. */
  readonly count: number;
}

/** Clients that share lists. */
export interface GroupConfig {
  readonly name: string;
  /** Empty for the default group only; those of the file stand behind the others. */
  readonly clients: PrefixList;
  readonly clientsFile: PrefixFile | undefined;
  /** Addresses of listen.dns; each in one group at most. */
  readonly listeners: readonly Endpoint[];
  /** Identifiers of lists that exist, each once. */
  readonly lists: readonly string[];
  /** Mandates that do not concern the group. Lists that are named need not exist: a list that was taken out is still missed. */
  readonly outOfScope: OutOfScope;
  /** A list of the group that stands here is in force at the times of any of its schedules, and at no other. */
  readonly schedules: readonly { readonly list: string; readonly schedule: ScheduleConfig }[];
  /** Undefined: those of the configuration. Otherwise at least one; conditional forwarding goes before them. */
  readonly upstreams: readonly UpstreamConfig[] | undefined;
  /** Asked when all of `upstreams` failed; empty without `upstreams`. */
  readonly fallback: readonly UpstreamConfig[];
}

/** Where an upstream is: at an address, or at whatever addresses the bootstrap servers have for its name. */
export type UpstreamHost =
  | { readonly kind: 'address'; readonly endpoint: Endpoint }
  | {
      readonly kind: 'name';
      /** Letters folded, without the final dot. Never for `udp` and `tcp`. */
      readonly name: string;
      readonly port: number;
    };

/** One server that is asked. */
export interface UpstreamConfig {
  /** How it is asked: `udp` is UDP, and TCP when an answer is truncated. */
  readonly transport: 'udp' | 'tcp' | 'tls' | 'https';
  readonly host: UpstreamHost;
  /** Whom the certificate has to be for: a name, or an address without a zone; undefined without encryption. */
  readonly serverName: string | undefined;
  /** SHA-256 of public keys (SPKI) in Base64, of which the certificate has to have one; empty: any. */
  readonly pins: readonly string[];
  /** SHA-256 of TBS certificates in lower-case hexadecimal, one of which has to be in the chain; empty: any. */
  readonly certificateHashes: readonly string[];
  /** Of `https` only: the path, with the query if there is one. */
  readonly path: string | undefined;
  /** What metrics and logs call it, such as `192.0.2.53:53` or `tls://192.0.2.54:853#dns.example.net`. */
  readonly text: string;
}

/** Zones whose questions go to upstreams of their own. */
export interface ForwardConfig {
  /** Wire form, letters folded, never the root; no zone stands in two rules. */
  readonly zones: readonly Uint8Array[];
  readonly upstreams: readonly UpstreamConfig[];
}

/** The ways to choose among the servers of a list. */
export const STRATEGIES = ['ordered', 'fastest', 'random', 'parallel'] as const;

/** One of STRATEGIES. */
export type Strategy = (typeof STRATEGIES)[number];

/** What is done about DNSSEC. */
export const DNSSEC_MODES = ['auto', 'validate', 'trust-ad', 'off'] as const;

/** One of DNSSEC_MODES. */
export type DnssecMode = (typeof DNSSEC_MODES)[number];

/** The profiles of jurisdictions that ship. */
export const PROFILES = ['us-federal', 'be-federal', 'eu-institution'] as const;

/** The profile of a jurisdiction as it is written: the name of one that ships, or a file. */
export type ProfileSource = { readonly id: (typeof PROFILES)[number] } | { readonly path: string };

/** How a client stands in records. */
export const RECORD_IDENTITIES = ['full', 'truncated', 'pseudonym'] as const;

/** The chains of records; the words of compliance. */
export const RECORD_CLASSES = ['queries', 'changes'] as const;

/** Named times for which records are kept. */
export const RETENTION_PRESETS = ['m-26-14', 'm-21-31'] as const;

/** Facilities of syslog, by number (RFC 5424 section 6.2.1); those that are kept for the system are left out. */
export const SYSLOG_FACILITIES = [
  'user',
  'daemon',
  'auth',
  'local0',
  'local1',
  'local2',
  'local3',
  'local4',
  'local5',
  'local6',
  'local7',
] as const;

/** How long records of a chain are kept. */
export interface KeepConfig {
  readonly searchableMs: number;
  /** After that. */
  readonly archivedMs: number;
}

/** Where records are sent to, as they are written. */
export type RecordTarget =
  | { readonly kind: 'file'; readonly path: string }
  | {
      readonly kind: 'syslog';
      readonly endpoint: Endpoint;
      /** Whom the certificate has to be for; undefined: not encrypted. */
      readonly serverName: string | undefined;
    }
  | { readonly kind: 'dnstap-unix'; readonly path: string }
  | { readonly kind: 'dnstap-tcp'; readonly endpoint: Endpoint };

/** Somewhere that records go beside the state directory. */
export interface RecordOutputConfig {
  readonly to: RecordTarget;
  /** What metrics and records call it: the target as text. */
  readonly text: string;
  readonly classes: readonly (typeof RECORD_CLASSES)[number][];
  /** Absolute; undefined: the certificates that the system trusts. */
  readonly caPath: string | undefined;
  readonly facility: (typeof SYSLOG_FACILITIES)[number];
}

/** What exemptions have to keep to, and who may grant them. */
export interface ComplianceConfig {
  /** One that ships, or the absolute path of a file; undefined: no exemption is granted. */
  readonly profile: ProfileSource | undefined;
  /** Absolute: a file or a directory. */
  readonly exemptionsPath: string | undefined;
  readonly approvers: readonly {
    readonly name: string;
    readonly role: string;
    readonly delegation: string | undefined;
  }[];
  /** 0: refusals are never suspended. */
  readonly pauseMsMax: number;
  /** For every group, beside what its own key says. */
  readonly outOfScope: OutOfScope;
}

/** What is recorded, how, and for how long. */
export interface RecordsConfig {
  readonly isEnabled: boolean;
  readonly identity: (typeof RECORD_IDENTITIES)[number];
  /** Bits of an address that stay when it is truncated. */
  readonly truncateBits: { readonly ipv4: number; readonly ipv6: number };
  readonly keyRotationMs: number;
  /** 0: each query has a record of its own. */
  readonly repeatWindowMs: number;
  readonly bytesPerDay: number;
  readonly clientBytesPerDay: number;
  readonly reserveBytes: number;
  readonly retention: Readonly<Record<(typeof RECORD_CLASSES)[number], KeepConfig>>;
  readonly heads: { readonly everyMs: number; readonly filePath: string | undefined };
  readonly outputs: readonly RecordOutputConfig[];
}

/** The self-probe. */
export interface ProbeConfig {
  /** 0: never. */
  readonly intervalMs: number;
  readonly sweepMs: number;
  /** Questions a second. */
  readonly rate: number;
  /** Wire form, letters folded. */
  readonly controls: readonly Uint8Array[];
  readonly asksListeners: boolean;
}

/** The levels of operational logs, the most talkative first. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Whether lines of the log carry the priority that the journal reads. */
export const LOG_PRIORITIES = ['auto', 'always', 'never'] as const;
export type LogPriorities = (typeof LOG_PRIORITIES)[number];

/** In `resolver.ca`, what is no file: the authorities that Node.js brings, and those of the system's store. */
export const BUNDLED_AUTHORITIES = 'bundled';
export const SYSTEM_AUTHORITIES = 'system';

/** The configuration of one process. */
export interface Config {
  readonly listen: {
    /** UDP and TCP; at least one. Port 0 is any free port. */
    readonly dns: readonly Endpoint[];
    /** Undefined when the admin listener is off. */
    readonly admin: Endpoint | undefined;
  };
  readonly workers: number | 'auto';
  /** The state directory, absolute. */
  readonly stateDirectory: string;
  /** Undefined: the system's resolvers. Otherwise at least one. */
  readonly upstreams: readonly UpstreamConfig[] | undefined;
  /** Asked when all of `upstreams` failed. Encrypted when `upstreams` are: nothing here weakens a list. */
  readonly fallback: readonly UpstreamConfig[];
  /** Asked, unencrypted, for the addresses of upstreams that have a name; empty exactly when none has. */
  readonly bootstrap: readonly Endpoint[];
  readonly forward: readonly ForwardConfig[];
  readonly lists: readonly ListConfig[];
  /** The first is the default group: every client that no other group names. */
  readonly groups: readonly GroupConfig[];
  readonly block: { readonly answer: BlockAnswer; readonly ttlSec: number };
  /** Who may ask. */
  readonly access: {
    /** Those of the file stand behind the others. */
    readonly allow: PrefixList;
    readonly allowFile: PrefixFile | undefined;
    readonly readCache: PrefixList;
  };
  /** Who may reach the admin listener. */
  readonly admin: {
    readonly allow: readonly Prefix[];
    /** Further names that requests may be for: wire form, letters folded. */
    readonly hosts: readonly Uint8Array[];
  };
  /** Per worker. */
  readonly cache: {
    readonly sizeBytes: number;
    readonly ttlSecMin: number;
    readonly ttlSecMax: number;
    readonly negativeTtlSecMax: number;
    readonly stale: {
      /** How long after its TTL an answer may still be given; 0: never. */
      readonly staleSecMax: number;
      /** How long a client waits for a fresh answer before it gets a stale one. */
      readonly afterMs: number;
      /** TTL of a stale answer. */
      readonly ttlSec: number;
    };
    /** Whether an answer that is asked for is fetched again shortly before its TTL ends. */
    readonly prefetch: boolean;
  };
  readonly resolver: {
    /** All tries for one question together. */
    readonly timeoutMs: number;
    readonly tryTimeoutMs: number;
    /** Questions that wait for an upstream, per worker. */
    readonly inflightMax: number;
    /** Queries under way to one upstream, per worker. */
    readonly inflightPerServerMax: number;
    /** Share of `inflightMax`, of 1, that one client may hold while more than half of it is taken. */
    readonly clientShareMax: number;
    /** The same for the names below one zone. */
    readonly zoneShareMax: number;
    readonly strategy: Strategy;
    /** DNS cookies towards upstreams (RFC 7873). */
    readonly cookies: boolean;
    /** Letters of names at random over UDP. */
    readonly mixedCase: boolean;
    /** Whose certificates count: BUNDLED_AUTHORITIES, SYSTEM_AUTHORITIES, or absolute paths of PEM files. */
    readonly ca: readonly string[];
  };
  readonly dnssec: {
    /** With `trust-ad`, every upstream is encrypted. */
    readonly mode: DnssecMode;
    /** Absolute; undefined: the anchors that are built in. */
    readonly anchorsPath: string | undefined;
    /** Wire form, letters folded, each once, never the root. */
    readonly negativeAnchors: readonly Uint8Array[];
    readonly aggressiveNsec: boolean;
    /** Signatures with SHA-1 count. */
    readonly allowSha1: boolean;
  };
  /** Undefined: no addresses are synthesized. */
  readonly dns64:
    | {
        /** Of a length of RFC 6052 section 2.2. */
        readonly prefix: Prefix;
        /** AAAA addresses that count as none. */
        readonly exclude: readonly Prefix[];
      }
    | undefined;
  readonly rebinding: {
    readonly protect: boolean;
    /** Zones whose names may lead to private addresses: wire form, letters folded, beside those of `forward`. */
    readonly allow: readonly Uint8Array[];
  };
  readonly rateLimit: {
    readonly mode: (typeof RATE_LIMIT_MODES)[number];
    /** Queries a second of one address. */
    readonly perClient: number;
    readonly slip: number;
    readonly exempt: readonly Prefix[];
    /** What is enforced or tried; undefined: nothing. */
    readonly rules:
      | {
          readonly perClient: number;
          readonly isDryRun: boolean;
          readonly slip: number;
          readonly exempt: readonly Prefix[];
        }
      | undefined;
  };
  readonly tcp: {
    /** Per worker. */
    readonly connectionsMax: number;
    /** Per worker and client address. */
    readonly connectionsPerClientMax: number;
    /** Per worker and /24 of IPv4 or /64 of IPv6; what the next line comes to. */
    readonly connectionsPerNetworkMax: number;
    readonly networkShareMax: number;
    readonly idleMs: number;
  };
  readonly log: { readonly level: LogLevel; readonly priorities: LogPriorities };
  readonly compliance: ComplianceConfig;
  readonly records: RecordsConfig;
  readonly probe: ProbeConfig;
}
