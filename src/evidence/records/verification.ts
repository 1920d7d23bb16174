// What verify() is asked for, and what it finds: plain data.
import type { KeyObject } from 'node:crypto';
import type { SignedCheckpoint } from './checkpoint-file.ts';
import type { Finding } from './finding.ts';
import type { SignedHead } from './heads.ts';
import type { TakenUp } from './log-check.ts';
import type { RecordSpan } from './proof.ts';
import type { RecordClass } from './record.ts';
import type { RegisterState } from './register-marks.ts';

/** How far verify() has come. */
export interface VerifyProgress {
  readonly class: RecordClass;
  readonly partition: string;
  readonly records: number;
}

/** A file outside of the records that would not be there without some. */
export interface Witness {
  readonly file: string;
  /** What it holds, for people: `12 events of exemptions`. */
  readonly text: string;
  /** Its events, which the records have to hold as well; undefined where they cannot be read. */
  readonly register?: RegisterState;
}

/** What verify() is asked for. */
export interface VerifyOptions {
  /** Only these; both by default. */
  readonly classes?: readonly RecordClass[];
  /** A file of heads that was kept elsewhere. */
  readonly headsFile?: string | undefined;
  /** A checkpoint of this log that was kept elsewhere: what a witness serves. */
  readonly checkpointFile?: string | undefined;
  /** A public key that was kept elsewhere. With it, keys beside the records count for nothing. */
  readonly keyFile?: string;
  /** The same, as a key. */
  readonly key?: KeyObject;
  /** The records of another resolver that a collector took: without its log. */
  readonly isCollected?: boolean;
  /** What time it is: what happened just now may stand in a register and not in the records yet, or the other way round. */
  readonly nowMs?: number;
  /** Other files whose content shows that there were records. */
  readonly witnesses?: readonly Witness[];
  readonly onProgress?: (progress: VerifyProgress) => void;
  /** Is awaited between pieces of some 20 ms. */
  readonly pause?: () => Promise<void>;
}

/** What verify() found. */
export interface VerifyResult {
  readonly findings: readonly Finding[];
  /** Findings beyond those that are told. */
  readonly more: number;
  readonly partitions: number;
  readonly blocks: number;
  readonly records: number;
  readonly heads: number;
  /** The last checkpoint of the log; undefined where none counts. */
  readonly checkpoint: SignedCheckpoint | undefined;
  /** What starts found that nobody had signed, and is therefore no evidence. */
  readonly takenUp: readonly TakenUp[];
  /** Exemptions that were decided on so lately that the registers and the records cannot be compared yet. */
  readonly young: number;
  /** Heads whose signature is that of a key that is known, in the order in which they were found. */
  readonly signedHeads: readonly SignedHead[];
  /** By class: what the records prove; empty for a class that was not asked for. */
  readonly proof: Readonly<Record<RecordClass, ClassProof>>;
}

/** What can be believed of one class. */
export interface ClassProof {
  /** The records that are there and count. */
  readonly sound: readonly RecordSpan[];
  /** The records that are there and do not: nothing that stands in them is known to have been written. */
  readonly doubtful: readonly RecordSpan[];
  /** The records behind the last signature: nobody has signed them yet, and they are no evidence. */
  readonly unsigned: readonly RecordSpan[];
  /** The records that nobody had signed when a start found them: they are none either, though they were signed then. */
  readonly taken: readonly RecordSpan[];
  /** Ordinals of partitions of which something was found: what they hold beside records may be wrong. */
  readonly questioned: ReadonlySet<number>;
}
