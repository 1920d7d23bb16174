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

/** Where a list comes from. */
export type ListSource =
  | { readonly kind: 'shipped'; readonly id: string }
  | {
      readonly kind: 'file';
      /** Absolute. */
      readonly path: string;
      readonly format: ListFormat;
      /** What a name of a `domains` file covers; the other formats state it themselves. */
      readonly match: 'suffix' | 'exact';
    };

/** The formats of list files. */
export type ListFormat = 'domains' | 'hosts' | 'cordon';

/** One list. What is undefined here is what the list's own header says. */
export interface ListConfig {
  readonly id: string;
  readonly source: ListSource;
  readonly mandate: boolean | undefined;
  readonly answer: BlockAnswer | undefined;
  /** Extended DNS Error of the refusal (RFC 8914). */
  readonly ede: { readonly code: number; readonly text: string | undefined } | undefined;
  readonly category: string | undefined;
}

/** Clients that share lists. */
export interface GroupConfig {
  readonly name: string;
  /** Empty for the default group only. */
  readonly clients: readonly Prefix[];
  /** Identifiers of lists that exist, each once. */
  readonly lists: readonly string[];
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
