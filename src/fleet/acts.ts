// What a fleet needs of the program around it.
import type { Clock } from '../base/base.ts';
import type { FleetRecord, RecordClass } from '../evidence/records/records.ts';
import type { Body } from './kinds.ts';
import type { ContentsInForce } from './signed-contents.ts';

/** What came of putting something in force. */
export type Verdict =
  /** It is told later, by who does it: what stands behind it does not wait. */
  { readonly isDeferred: true } | Done;

/** What came of it, once that is known. */
export type Done =
  | { readonly isApplied: true; readonly subject?: string }
  | { readonly isApplied: false; readonly subject?: string; readonly code: string; readonly reason: string };

/** Takes what operators have to know. */
export interface FleetLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

/** A record of a fleet without what is the same in all. */
export type FleetNote = Omit<FleetRecord, 'kind' | 'time'>;

/** What a resolver says of itself. */
export interface OwnFacts {
  readonly version: string;
  /** Of the policy in force. */
  readonly generation: number;
  /** In the words of enforcement. */
  readonly state: string;
  /** The same as the closed word of it; undefined of a resolver without one. */
  readonly enforcement?: string;
  /** Sequence number of the last record, by chain. */
  readonly records: Readonly<Record<RecordClass, number>>;
}

/** Suspended refusals, as the authority decided. Plain data. */
export interface FleetPause {
  /** `all`, `site:NAME` or `node:NAME`. */
  readonly for: string;
  /** Of its entry. */
  readonly number: number;
  readonly untilMs: number;
  /** How long it was to last when it was decided: however wrong a clock is, it lasts no longer there. */
  readonly forMs: number;
  readonly by: string;
  readonly reason: string;
}

/** Puts policy in force, as the program does it. None of them rejects for what an entry says. */
export interface FleetActs {
  /** A step of an exemption; done when all workers have it. */
  exemption(event: Body<'exemption'>): Promise<Done>;
  /** The content of a list is at `path`, whole; done when it is in force. */
  list(list: Body<'list'>, path: string): Promise<Done>;
  /** The overlays that concern this resolver, the narrowest last. */
  overlays(yamls: readonly string[]): Promise<Done>;
  /** Refusals are suspended, as the authority decided; undefined: they are given. Done when all workers have it. */
  pause(pause: FleetPause | undefined): Promise<Done>;
  /** For how long they may be suspended at most, milliseconds. */
  pauseMsMax(): number;
  /** Exemptions are taken out because the authority was not heard for too long, or put back. */
  suspend(isSuspended: boolean): Promise<void>;
  /** The log of this authority is that of the fleet: what waited for it, such as texts, can be decided. */
  decides(): Promise<void>;
  /** A record. */
  note(note: FleetNote): void;
  /** A record of the kind `records`: a witness knows other records than are here. */
  damaged(file: string, text: string): void;
  facts(): OwnFacts;
  /** What is in force of what the authority signs, by itself and not by what was told here; undefined of a collector. */
  contents(): ContentsInForce | undefined;
  readonly log: FleetLog;
  readonly clock: Clock;
  readonly monotonic: Clock;
}
