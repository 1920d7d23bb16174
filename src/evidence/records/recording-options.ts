// What a recorder is told, and what it tells of itself.
import type { Clock } from '../../base/base.ts';
import type { EventReader } from '../../telemetry/events/events.ts';
import type { WitnessFacts, WitnessSettings } from './cosignature-collector.ts';
import type { DiskSpace } from './disk-reserve.ts';
import type { HeadSettings, RecordLog } from './head-publisher.ts';
import type { IdentityPolicy } from './identity.ts';
import type { RecordClass } from './record.ts';
import type { RecordLimits } from './record-budget.ts';
import type { OutputFacts, RecordOutput } from './record-output.ts';
import type { Retention } from './retention.ts';

/** What the operator can change while the program runs. */
export interface RecordingSettings {
  readonly identity: IdentityPolicy;
  readonly retention: Retention;
  readonly heads: HeadSettings;
  readonly bounds: RecordBounds;
  /** Who cosigns the checkpoints of the records; nobody where it is left out. */
  readonly witnesses?: readonly WitnessSettings[];
  /** PEM of the public key that keys of pseudonyms are sealed to; undefined: to none. */
  readonly escrow?: string | undefined;
}

/** How much records of queries may take. */
export interface RecordBounds extends RecordLimits {
  /** Equal queries within it are counted in one record, milliseconds; 0: each has its own. */
  readonly repeatMs: number;
  /** Bytes of the disk that are left to changes and the register. */
  readonly reserveBytes: number;
}

/** What a recorder needs. */
export interface RecordingOptions extends RecordingSettings {
  /** Of all records: `records` in the state directory. */
  readonly directory: string;
  readonly readers: readonly EventReader[];
  /** Events of each ring whose loss the recorder before this one has recorded. */
  readonly droppedBefore: readonly number[];
  readonly outputs: readonly RecordOutput[];
  /** Name of this resolver: visible ASCII. */
  readonly resolver: string;
  readonly version: string;
  /** What the log of the records is called in checkpoints; undefined: as the resolver. */
  readonly origin?: string | undefined;
  /** The program has been running, only its recorder is new. */
  readonly isResumed: boolean;
  /** Of a recorder that takes the place of another: until when that one had looked at the rings. */
  readonly watchedUntilMs?: number | undefined;
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly log: RecordLog;
  /** Is called for an event of a generation that is not defined: calls define() for what has arrived since. */
  readonly fetchDefinitions?: () => void;
  /** A witness replied: what it found is written by the next tick(), which asks it again where that is due. */
  readonly onWitness?: (() => void) | undefined;
  /** Awaited between pieces of checks. */
  readonly pause: () => Promise<void>;
  /** One number in shared memory: queries that were counted and are in no record yet. It outlives a recorder. */
  readonly waiting?: Float64Array | undefined;
  /**
   * Of a resolver in a fleet: by RECORD_CLASSES, the last record that a collector has confirmed, in shared memory. What is not
   * confirmed is kept for longer.
   */
  readonly confirmed?: Float64Array | undefined;
  readonly unconfirmedMsMax?: number | undefined;
  /** Of a resolver in a fleet: file of the key under which all of them count clients, which may come later. */
  readonly countingKeyPath?: string | undefined;
  /** Free and all bytes of the file system of a directory. */
  readonly diskSpace?: ((directory: string) => DiskSpace) | undefined;
  /** Pages that a partition may have: tests fill a disk with it. */
  readonly pageCountMax?: number | undefined;
}

/** The state of the recorder, for metrics. Plain data. */
export interface RecordingFacts {
  /** Records that were written since the start of this recorder, by chain. */
  readonly written: ReadonlyMap<RecordClass, number>;
  /** Sequence number of the last record, by chain. */
  readonly sequence: ReadonlyMap<RecordClass, number>;
  readonly dropped: number;
  readonly droppedOfRings: readonly number[];
  readonly backlogBytes: number;
  readonly lastCommitMs: number | undefined;
  /** Why nothing can be written; undefined while it can. */
  readonly failure: string | undefined;
  readonly oldestSearchableMs: number | undefined;
  readonly isVerified: boolean | undefined;
  readonly verifiedMs: number | undefined;
  readonly isClockTrusted: boolean;
  readonly clockStepMs: number;
  /** From the last sign of life of the program before this one, which ended without recording it, to this start. */
  readonly crashMs: number | undefined;
  readonly partitions: number;
  readonly bytes: number;
  /** Of the disk: undefined before the first look. */
  readonly freeBytes: number | undefined;
  readonly reserveBytes: number | undefined;
  /** Queries since the start of this recorder, by the record that tells of them. */
  readonly queries: ReadonlyMap<string, number>;
  readonly outputs: readonly OutputFacts[];
  /** Blocks that the last checkpoint covers, when it was signed, milliseconds, and the verifier key; undefined: there is none. */
  readonly checkpoint:
    | { readonly size: number; readonly signedMs: number; readonly verifier: string }
    | undefined;
  readonly witnesses: readonly WitnessFacts[];
  /** Group to the estimate of distinct clients whose queries were refused today, or would have been; `*`: all. */
  readonly distinctClients: ReadonlyMap<string, number>;
}
