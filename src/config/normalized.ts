// The configuration after loading: what the program runs with.
//
// Every text of the file is parsed (endpoints, prefixes, names, durations, sizes), every default is filled in and
// every path is absolute. A `Config` comes only from loadConfig: whoever holds one need not check it again. The
// form as written is `RawConfig` in schema.ts; the two types share no member that a mix-up would compile with.
import type { AddressWords, Endpoint, Prefix } from '../base/base.ts';

/** What a refused name is answered with. */
export type BlockAnswer =
  | { readonly kind: 'nxdomain' | 'nodata' | 'null-ip' | 'refused' }
  | { readonly kind: 'address'; readonly addresses: readonly AddressWords[] };

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
  /** Of whoever signs the list: a minisign key, or 32 bytes of an Ed25519 key in Base64. */
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

/** Clients that share lists. */
export interface GroupConfig {
  readonly name: string;
  /** Empty for the default group only. */
  readonly clients: readonly Prefix[];
  /** Addresses of listen.dns; each in one group at most. */
  readonly listeners: readonly Endpoint[];
  /** Identifiers of lists that exist, each once. */
  readonly lists: readonly string[];
  /** A list of the group that stands here is in force at the times of any of its schedules, and at no other. */
  readonly schedules: readonly { readonly list: string; readonly schedule: ScheduleConfig }[];
}

/** Zones whose questions go to upstreams of their own. */
export interface ForwardConfig {
  /** Wire form, letters folded, never the root; no zone stands in two rules. */
  readonly zones: readonly Uint8Array[];
  readonly upstreams: readonly Endpoint[];
}

/** The levels of operational logs, the most talkative first. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

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
  readonly upstreams: readonly Endpoint[] | undefined;
  readonly forward: readonly ForwardConfig[];
  readonly lists: readonly ListConfig[];
  /** The first is the default group: every client that no other group names. */
  readonly groups: readonly GroupConfig[];
  readonly block: { readonly answer: BlockAnswer; readonly ttlSec: number };
  /** Who may ask. */
  readonly access: { readonly allow: readonly Prefix[] };
  /** Who may reach the admin listener. */
  readonly admin: { readonly allow: readonly Prefix[] };
  /** Per worker. */
  readonly cache: {
    readonly sizeBytes: number;
    readonly ttlSecMin: number;
    readonly ttlSecMax: number;
    readonly negativeTtlSecMax: number;
  };
  readonly resolver: {
    /** All tries for one question together. */
    readonly timeoutMs: number;
    readonly tryTimeoutMs: number;
    /** Questions that wait for an upstream, per worker. */
    readonly inflightMax: number;
  };
  readonly tcp: {
    /** Per worker. */
    readonly connectionsMax: number;
    /** Per worker and client address. */
    readonly connectionsPerClientMax: number;
    readonly idleMs: number;
  };
  readonly log: { readonly level: LogLevel };
}
