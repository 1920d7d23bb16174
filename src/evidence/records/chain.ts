// What a chain of records is made of: blocks, what is counted beside them, and the place where it ends.
import type { SignedHead } from './heads.ts';
import type { RecordClass } from './record.ts';

/** A block before it has a place in the chain. */
export interface Block {
  readonly count: number;
  /** Earliest and latest time of its records. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** A JSON array of records. */
  readonly body: string;
}

/** A block that has its place in the chain. */
export interface PlacedBlock {
  /** Sequence number of its first record. */
  readonly first: number;
  readonly count: number;
  readonly hash: Buffer;
}

/** A number of queries under the columns of the rollup. */
export interface RollupCount {
  readonly hourMs: number;
  /** Of rollupColumns(). */
  readonly columns: readonly string[];
  readonly count: number;
}

/** Registers of one estimate that rose, as the batch's record of kind `sketch` tells them. */
export interface RisenRegisters {
  readonly day: string;
  readonly group: string;
  /** Of Sketch.takeRisen(). */
  readonly text: string;
}

/** All registers of one estimate. */
export interface SketchState {
  readonly day: string;
  readonly group: string;
  readonly registers: Uint8Array;
}

/** What is written in one transaction. */
export interface Batch {
  readonly blocks: readonly Block[];
  readonly rollup: readonly RollupCount[];
  readonly risen: readonly RisenRegisters[];
}

/** A place in the chain: the last record and the hash that covers it. */
export interface ChainEnd {
  readonly sequence: number;
  readonly hash: Buffer;
}

/** What a store found to be wrong, for the record `damaged`. */
export interface ChainFault {
  /** Name of the file, as it is now. */
  readonly file: string;
  readonly text: string;
  /** Records that had been written and are missing, where that is known. */
  readonly count?: number;
}

/** What a store is opened with. */
export interface ChainStoreOptions {
  /** Of all records. */
  readonly directory: string;
  readonly class: RecordClass;
  /** Name of this resolver, in each partition. */
  readonly resolver: string;
  readonly version: string;
  /** Day for a partition that has to be begun. */
  readonly day: string;
  readonly nowMs: number;
  /** The furthest that the run before had written; undefined when nothing tells. */
  readonly expected: ChainEnd | undefined;
  /** Other files show that the chain was begun before this start. */
  readonly wasBegun?: boolean;
  /** The last signed head of this class. */
  readonly lastHead: SignedHead | undefined;
  /** Pages that a partition may have: tests fill a disk with it. */
  readonly pageCountMax?: number | undefined;
}
