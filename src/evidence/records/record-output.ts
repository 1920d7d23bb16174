// Where records go besides the store: JSON lines, syslog, dnstap.
//
// The recorder thread hands each output what it has just committed. An output is never waited for: it has a bounded
// queue of its own, and what does not fit is dropped and counted, so that a receiver that is slow or gone costs neither
// a record in the store nor an answer.

import type { Block } from './chain.ts';
import type { SignedHead } from './heads.ts';
import type { EvidenceRecord, RecordClass } from './record.ts';

/** A record with its place in its chain. */
export class PlacedRecord {
  /** The very text that was stored: JSON without a line break. */
  readonly text: string;
  /** Place in the chain; numbers run on over partitions. */
  readonly sequence: number;
  readonly class: RecordClass;
  #record: EvidenceRecord | undefined;

  constructor(text: string, sequence: number, recordClass: RecordClass) {
    this.text = text;
    this.sequence = sequence;
    this.class = recordClass;
  }

  /** Its members, for receivers that are sent members: read from the text once, when somebody asks. */
  get record(): EvidenceRecord {
    // The text was made here, of a record of these types.
    this.#record ??= JSON.parse(this.text) as EvidenceRecord;
    return this.#record;
  }
}

/** The records of blocks of one class, the first of which has the number `first`. Blocks have a line for each. */
export const placeRecords = (
  blocks: readonly Block[],
  first: number,
  recordClass: RecordClass,
): PlacedRecord[] => {
  const texts = blocks.flatMap(({ body }) => body.slice(1, -1).split(',\n'));
  return texts.map((text, index) => new PlacedRecord(text, first + index, recordClass));
};

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

/** The state of one output. */
export type OutputFacts = Pick<RecordOutput, 'name' | 'written' | 'dropped' | 'queued' | 'trouble'>;
