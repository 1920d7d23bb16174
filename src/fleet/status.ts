// What a fleet looks like from one resolver: for the command, the control room, and metrics.
import type { LogEnd } from './entry.ts';
import type { FleetAlarm, RefusedEntry } from './policy.ts';

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
  readonly offsetMs: number | null;
  /** The last entry of policy that it has, and how many it is behind. */
  readonly policy: number | null;
  readonly behind: number | null;
  readonly cutOffSince: string | null;
  readonly isSuspended: boolean;
  readonly isForked: boolean;
  /** The entry at which its version had to stop. */
  readonly stopped: number | null;
  readonly refused: readonly RefusedEntry[];
  readonly lists: Readonly<Record<string, string>>;
  readonly records: { readonly queries: number; readonly changes: number } | null;
  readonly confirmed: { readonly queries: number; readonly changes: number } | null;
  /** Of a collector: what it refused, by kind. */
  readonly alarms: Readonly<Record<string, number>>;
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
  readonly resolvers: readonly ResolverStatus[];
  /** The last entry about each exemption, by its identifier: by it, `policy` of a resolver says whether it has heard. */
  readonly exemptions: Readonly<Record<string, { readonly number: number; readonly event: string }>>;
}

/** What metrics tell of a fleet. */
export interface FleetFacts {
  readonly isConnected: boolean;
  readonly policyNumber: number;
  readonly offsetMs: number | undefined;
  readonly isCutOff: boolean;
  readonly isSuspended: boolean;
  readonly alarms: ReadonlyMap<FleetAlarm, number>;
  /** Records that wait to be confirmed, by chain. */
  readonly unconfirmed: ReadonlyMap<string, number>;
  /** Of the authority: each resolver. */
  readonly resolvers: readonly ResolverStatus[];
}
