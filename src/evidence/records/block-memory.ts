// What was read of blocks before, for who follows the same records again and again.
//
// A block never changes once it is written: it is read and parsed once, and what its reader needs of each record is kept
// until a reading does not come across the block any more. Which blocks there are is asked of the disk each time, so that
// what is swept, filled in later or of another time is as the disk has it. What somebody changes in a block that is kept is
// found by verify(), as all that somebody changes (docs/adr/0199).
import type { EvidenceRecord } from './record.ts';

/** Sizes of what is kept, in all, at some 250 bytes: a day in which 5,000 exemptions are granted has 55,000. What is beyond is read each time. */
const SIZE_MAX = 60_000;

/** What is kept of a record, its place and its time. */
export interface KeptRecord<Kept> {
  readonly sequence: number;
  readonly timeMs: number;
  readonly kept: Kept;
}

/** What is needed of a record. */
interface Sized {
  /** In records of a few words: 1 for most. */
  readonly size: number;
}

type Blocks<Kept> = Map<string, Map<number, readonly KeptRecord<Kept>[]>>;

/** Of one chain. */
export class BlockMemory<Kept extends Sized> {
  readonly #keep: (record: EvidenceRecord) => Kept;
  readonly #sizeMax: number;
  #before: Blocks<Kept> = new Map();
  #now: Blocks<Kept> = new Map();
  #size = 0;

  /** `keep` gives what is needed of a record, which is all that is kept of it. */
  constructor(keep: (record: EvidenceRecord) => Kept, sizeMax = SIZE_MAX) {
    this.#keep = keep;
    this.#sizeMax = sizeMax;
  }

  /** A reading begins: what the one before did not come across is forgotten. */
  begin(): void {
    this.#before = this.#now;
    this.#now = new Map();
    this.#size = 0;
  }

  /** Of the block that begins with the record `first` of a partition. */
  of(partition: string, first: number, read: () => readonly EvidenceRecord[]): readonly KeptRecord<Kept>[] {
    const known =
      this.#before.get(partition)?.get(first) ??
      read().map((record, index) => ({
        ...{ sequence: first + index, timeMs: Date.parse(record.time) },
        kept: this.#keep(record),
      }));
    const size = known.reduce((sum, { kept }) => sum + kept.size, 0);
    if (this.#size + size > this.#sizeMax) return known;
    this.#size += size;
    const blocks = this.#now.get(partition) ?? new Map<number, readonly KeptRecord<Kept>[]>();
    this.#now.set(partition, blocks.set(first, known));
    return known;
  }
}
