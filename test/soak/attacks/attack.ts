// What an attack is, for the files beside this one. A new one is a file with an `Attack` and a line in test/soak/attack.ts.
//
// Names say what the upstream does with them, see upstream.ts; `*` in a name is a label that nobody asked for before.

/** Clients that ask at a rate, all of them together; queries over UDP of one program, see querier.ts. */
export interface Queries {
  /** Addresses of 127.0.0.0/8 to ask from, in turn, or of 2001:db8::/32 where the attack is over IPv6. */
  readonly clients: readonly string[];
  /** Queries a second. */
  readonly rate: number;
  /** `*` is a fresh label, wherever it stands. Several names are asked in turn. */
  readonly names: readonly string[];
  readonly type?: number;
  /** Each over a TCP connection of its own. */
  readonly tcp?: boolean;
  /** Over DNS over TLS, a connection for each client that stays; where the attack is encrypted. */
  readonly isSecure?: boolean;
  /** Over DNS over QUIC, a connection for each client that stays; where the attack is on it. */
  readonly isQuic?: boolean;
  /** Each of these over a connection of its own. */
  readonly isFresh?: boolean;
  /** Each query is sent this often, as it is: same ID, same port. */
  readonly copies?: number;
}

/** Where an attack takes place. */
export interface Arena {
  /** The server under attack. */
  readonly server: 'cordon' | 'unbound';
  /** Its port of 127.0.0.1, and of ::1 where the attack is over IPv6, UDP and TCP. */
  readonly port: number;
  /** Its ports of DNS over TLS and over HTTPS; 0 unless the attack is encrypted. */
  readonly dotPort: number;
  readonly dohPort: number;
  /** Of DNS over QUIC; 0 unless the attack is on it. */
  readonly doqPort: number;
  readonly pid: number;
  /** Ports of the scripted upstreams. */
  readonly upstreamPorts: readonly number[];
  /** For files; goes away afterwards. */
  readonly directory: string;
  /** How long the attack lasts, seconds. */
  readonly seconds: number;
  /** Address of `/metrics`, Cordon only. */
  readonly metricsUrl: string | undefined;
}

/** Something of an attack that goes on beside the victims. */
export interface Running {
  /** Ends it, and tells what it came to, such as `connections: 2000`. */
  stop(): Promise<string>;
}

/** Victims whose fate is a row of its own. */
export interface Victims {
  /** What is asked for, for the title of the row; empty where an attack has one kind of victims. */
  readonly about: string;
  readonly queries: Queries;
  /** What p99 has to stay below, milliseconds. */
  readonly goalMs: number;
}

/** One attack; every figure of its row is about the victims. */
export interface Attack {
  /** As it is chosen on the command line. */
  readonly name: string;
  /** One line for the table. */
  readonly title: string;
  /** Scripted upstreams; one unless given. */
  readonly upstreams?: number;
  /** Milliseconds that an upstream takes, and the share of queries that it loses, 0 to 1; 20 and 0 unless given. */
  readonly upstream?: { readonly delayMs?: number; readonly loss?: number };
  /** A zone of the attacker, and the program that answers for it, a file beside this one. */
  readonly zone?: {
    readonly name: string;
    readonly program: string;
    readonly environment?: Readonly<Record<string, string>>;
  };
  /** Servers listen at ::1 as well, in a network namespace to which all of 2001:db8::/32 belongs. */
  readonly isIpv6?: boolean;
  /** Servers listen with TLS as well. */
  readonly isEncrypted?: boolean;
  /** Something within the server itself goes wrong, which only Cordon can be told to do: it is the only one attacked. */
  readonly within?: {
    /** Workers, one unless given. */
    readonly workers: number;
    /** A module that is loaded into it, which looks for files in the directory of the arena (`HANG_DIRECTORY`). */
    readonly preload: string;
  };
  /** Cordon listens with QUIC as well, and is the only server that is attacked. */
  readonly isQuic?: boolean;
  /** Lines for cordon.yaml, and for the server clause of unbound.conf. */
  readonly cordon?: readonly string[];
  readonly unbound?: readonly string[];
  /** The attackers, as queries over UDP. */
  readonly attackers?: readonly Queries[];
  /** Whatever else attacks; called when the victims begin. */
  readonly start?: (arena: Arena) => Promise<Running>;
  /** What p99 of the victims has to stay below, milliseconds; 100 unless given. */
  readonly goalMs?: number;
  /** The victims; 50 fresh names a second from one client unless given. */
  readonly victims?: Queries;
  /** It lives by answers of 48 KB: nothing is measured unless the server gives one. */
  readonly needsBigAnswers?: boolean;
  /** Several kinds of victims at the same time, in place of `victims` and `goalMs`. */
  readonly kinds?: readonly Victims[];
}

/** Clients of a network, `count` addresses from `127.0.NET.1` on. */
export const clientsOf = (net: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `127.0.${net}.${index + 1}`);
