// What a fleet looks like from one resolver: for the command, the control room, and metrics.

import type { FleetNeedKind } from '../base/words/words.ts';
import type { WitnessFacts } from '../evidence/records/records.ts';
import type { FleetAlarm } from './alarms.ts';
import type { ShownEnd } from './engine-monitor.ts';
import type { LogEnd } from './entry.ts';
import type { ProbeResult } from './fleet-probe.ts';
import type { LastStep } from './last-steps.ts';
import type { ScopeOfPause } from './pauses.ts';
import type { RefusedEntry, SetAside } from './policy.ts';
import type { AskedProbe } from './probe-asker.ts';
import type { EngineTrouble } from './publication.ts';

/** One thing that needs a person. Plain data. */
export interface FleetNeed {
  readonly kind: FleetNeedKind;
  /** Since when; null of `unheard`: it was never heard. */
  readonly since: string | null;
  /** Names that resolve, the number of an entry, milliseconds, messages or records: as the kind has it. */
  readonly count: number | null;
  /** In the words of the resolver; empty where the kind says all. */
  readonly text: string;
}

/** What a probe was answered, without its rows. Plain data. */
export type ProbeSummary = Omit<ProbeResult, 'name' | 'results'>;

/** One resolver of the fleet, as it was last heard. Plain data. */
export interface ResolverStatus {
  readonly name: string;
  readonly site: string | null;
  readonly role: 'authority' | 'node' | 'collector';
  readonly enrolment: number;
  /** When it was removed; null for one that is in the fleet. */
  readonly removed: string | null;
  /** When it last said how it is, and how long ago that is; null: never. */
  readonly heard: string | null;
  readonly heardSec: number | null;
  readonly version: string | null;
  readonly generation: number | null;
  readonly state: string | null;
  /** The closed word of it; null of a version that does not say it. */
  readonly enforcement: string | null;
  readonly offsetMs: number | null;
  /** The last entry of policy that it has, and how many it is behind. */
  readonly policy: number | null;
  readonly behind: number | null;
  readonly cutOffSince: string | null;
  readonly isSuspended: boolean;
  /** How long exemptions hold there when it does not hear the authority; null: until their own ends, as far as is known. */
  readonly suspendAfterMs: number | null;
  readonly isForked: boolean;
  /** An authority in whose place another one is. */
  readonly isReplaced: boolean;
  /** The entry at which its version had to stop. */
  readonly stopped: number | null;
  readonly refused: readonly RefusedEntry[];
  readonly lists: Readonly<Record<string, string>>;
  readonly records: { readonly queries: number; readonly changes: number } | null;
  readonly confirmed: { readonly queries: number; readonly changes: number } | null;
  /** Of a collector: whether it keeps what it is sent; null of others, and of a version that does not say it. */
  readonly isKeeping: boolean | null;
  /** Of a collector: what it refused, by kind. */
  readonly alarms: Readonly<Record<string, number>>;
  /** Of a collector: what is wrong with resolvers that are not Cordon's, by the id of the health issue. */
  readonly foreign: readonly {
    readonly id: string;
    readonly subject: string;
    readonly text: string;
    readonly since: string;
  }[];
  /** What its probe was answered when all were asked the last time; null: never. */
  readonly probe: ProbeSummary | null;
  /** What needs a person, the most urgent first. */
  readonly needs: readonly FleetNeed[];
}

/** Something that was signed, and where it is in force: by hash, as resolvers say. Plain data. */
export interface ContentStatus {
  /** `overlays`, `exemptions` or `list ID`. */
  readonly subject: string;
  /** When it was signed last. */
  readonly time: string;
  readonly inForce: number;
  readonly of: number;
  /** Resolvers that say something else, say nothing, or were never heard. */
  readonly without: readonly string[];
}

/** A fleet. On a node, `resolvers` has only itself. Plain data. */
export interface FleetStatus {
  readonly name: string;
  readonly role: 'authority' | 'node';
  readonly isConnected: boolean;
  readonly policy: LogEnd;
  /** How many entries the engine does not have yet; null on a node. */
  readonly unpublished: number | null;
  /** For how long new papers wait for the log of the nodes, milliseconds. */
  readonly holdMs: number;
  /** When the authority was last heard, by its clock. */
  readonly authorityHeard: string | null;
  /** Those that need a person first, the unheard before all others. */
  readonly resolvers: readonly ResolverStatus[];
  /** When all were asked for a probe, and by whom; null: not since the start. */
  readonly probe: AskedProbe | null;
  /** What was signed last of each thing, with who has just that in force; none on a node. */
  readonly contents: readonly ContentStatus[];
  /** Where the authority has suspended refusals, and the scopes that it took out of a wider one: `until` null. */
  readonly pauses: readonly ScopeOfPause[];
  /** The last entry about each exemption, by its identifier: by it, `policy` of a resolver says whether it has heard. */
  readonly exemptions: Readonly<Record<string, LastStep>>;
}

/** What the probe of each resolver was answered. Plain data. */
export interface FleetMatrix {
  readonly asked: AskedProbe | null;
  readonly resolvers: readonly (Pick<ResolverStatus, 'name' | 'site'> & {
    readonly probe: ProbeResult | null;
  })[];
}

/** What metrics tell of a fleet. */
export interface FleetFacts {
  /** Who this resolver is. */
  readonly own: { readonly name: string; readonly site: string | undefined; readonly role: string };
  readonly isConnected: boolean;
  /** Of an authority: the engine is reached and takes nothing. */
  readonly engineTrouble: EngineTrouble | undefined;
  /** Of an authority: servers of the engine with a certificate that ends soon. */
  readonly engineEnds: readonly ShownEnd[];
  readonly policyNumber: number;
  readonly offsetMs: number | undefined;
  readonly isCutOff: boolean;
  readonly isSuspended: boolean;
  /** Two logs of policy were seen. */
  readonly isForked: boolean;
  /** Entries that the authority says there are, and that are not here. */
  readonly behind: number;
  /** What the engine had that nobody of the fleet sent; undefined when that is long ago. */
  readonly setAside: SetAside | undefined;
  /** Entries that do not hold here, and things of which something else is in force than was signed; none of the authority, whose row has both. */
  readonly refused: readonly RefusedEntry[];
  readonly differing: readonly string[];
  /** Lists that the authority gave and that are not in force here, for longer than a minute. */
  readonly lateLists: readonly string[];
  readonly alarms: ReadonlyMap<FleetAlarm, number>;
  /** Records that wait to be confirmed, by chain. */
  readonly unconfirmed: ReadonlyMap<string, number>;
  /** Resolvers of the fleet that cosign the records of this one. */
  readonly witnesses: readonly WitnessFacts[];
  /** Of the authority: each resolver. */
  readonly resolvers: readonly ResolverStatus[];
}
