// What a report is made from: the records, as the reports' side needs to read them.
//
// A report of a period that is over is a function of this and of nothing else: no clock, no configuration, no running
// program. The reader of records satisfies it; the same records give the same report. Only records that their signed
// heads prove are given out; of the others it is told where they stand.
import type { ChangeRecord, HourCount, RecordClass, SignedHead } from '../records/records.ts';

/** A record of the chain `changes` with its place. */
export interface PlacedChange {
  readonly sequence: number;
  readonly record: ChangeRecord;
}

/** The distinct-client estimate of one day and group; `*` is all groups. Several of one day and group are merged. */
export interface DaySketch {
  /** UTC day, `2026-11-25`. */
  readonly day: string;
  readonly group: string;
  /** Of Sketch. */
  readonly registers: Uint8Array;
}

/** Records that are there and do not count: nothing that stands in them is known to have been written. */
export interface DoubtfulRecords {
  readonly class: RecordClass;
  /** Ordinal. */
  readonly partition: number;
  /** Sequence numbers, both included. */
  readonly first: number;
  readonly last: number;
  /** Times of the records around them that count, milliseconds since the epoch; undefined where there are none. */
  readonly afterMs: number | undefined;
  readonly beforeMs: number | undefined;
}

/** What checking the chains found. */
export interface ChainCheck {
  readonly isIntact: boolean;
  /** Records that were looked at. */
  readonly records: number;
  /** Sentences; none when the chains are intact. */
  readonly findings: readonly string[];
  readonly doubtful: readonly DoubtfulRecords[];
}

/** How far the records of one class reach, milliseconds since the epoch. */
export interface Coverage {
  readonly firstMs: number;
  readonly lastMs: number;
  /** False when earlier records were deleted. */
  readonly isFromBeginning: boolean;
}

/** A witness of the configuration, with what it has cosigned as far as that is kept here. */
export interface WitnessWord {
  readonly name: string;
  /** Verifier key (C2SP signed-note). */
  readonly key: string;
  readonly size: number | undefined;
  readonly atMs: number | undefined;
  /** What it cosigned are the blocks that are here. */
  readonly isSame: boolean;
  /** The checkpoint with its cosignature. */
  readonly note: string | undefined;
}

/** Who signed the records, and how far. */
export interface Signing {
  readonly checkpoint:
    | {
        readonly origin: string;
        readonly size: number;
        readonly root: Uint8Array;
        readonly signedMs: number;
        /** Verifier key (C2SP signed-note); undefined where the public key is not there any more. */
        readonly publicKey: string | undefined;
        readonly note: string;
      }
    | undefined;
  /** Records behind the last signature. */
  readonly unsigned: number;
  readonly witnesses: readonly WitnessWord[];
  /** How many of them the configuration needs. */
  readonly needed: number;
}

/** The records of one resolver. Times are milliseconds since the epoch; `until` is exclusive. */
export interface EvidenceSource {
  /** Empty where no signed head tells. */
  readonly resolver: string;
  /** Absent for a class without records. */
  readonly coverage: Readonly<Partial<Record<RecordClass, Coverage>>>;
  /** Until when the recorder has signed that nothing else happened; undefined where heads alone tell. */
  readonly provenMs: number | undefined;
  /** All that are kept, in the order of the chain: what was in force at a time follows from what went before. */
  changes(): AsyncIterable<PlacedChange>;
  /** Of each hour of which a part is in the period: there is no smaller one. */
  counts(fromMs: number, untilMs: number): Promise<readonly HourCount[]>;
  /** Of the UTC days, both included. */
  sketches(fromDay: string, untilDay: string): AsyncIterable<DaySketch>;
  /** With good signatures. */
  readonly heads: readonly SignedHead[];
  readonly check: ChainCheck;
  readonly signing: Signing;
}
