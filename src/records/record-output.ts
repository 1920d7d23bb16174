// Where records go besides the store: JSON lines, syslog, dnstap.
//
// The recorder thread hands each output what it has just committed. An output is never waited for: it has a bounded
// queue of its own, and what does not fit is dropped and counted, so that a receiver that is slow or gone costs neither
// a record in the store nor an answer.

import type { SignedHead } from './heads.ts';
import type { EvidenceRecord, RecordClass } from './record.ts';

/** A record with its place in its chain. */
export interface PlacedRecord {
  readonly record: EvidenceRecord;
  /** Place in the chain; numbers run on over partitions. */
  readonly sequence: number;
  readonly class: RecordClass;
}

/** A receiver of committed records. None of its methods throws or blocks. */
export interface RecordOutput {
  /** Of the configuration; label of its metrics. */
  readonly name: string;
  /** Takes what has been committed; drops and counts what its queue has no room for. */
  write(records: readonly PlacedRecord[]): void;
  /** Takes a signed head, so that a cut tail shows where the receiver keeps it. */
  head?(head: SignedHead): void;
  /** Records that the receiver did not get. */
  readonly dropped: number;
  /** Records that were handed to the receiver's connection. */
  readonly written: number;
  /** Records that wait for it. */
  readonly queued: number;
  /** Why nothing goes through at the moment; undefined while all is well. */
  readonly trouble: string | undefined;
  /** The operator said to look at the settings again: a file that was moved away is begun anew. */
  reopen?(): void;
  /** Sends what is queued, within a bound of its own, and closes. */
  close(): Promise<void>;
}
