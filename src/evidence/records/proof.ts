// Which records of a chain are proven, by the signed heads that cover them.
//
// A head says the hash at one record; going back from there, each block whose hash can be computed again from the hash
// before it is what was written. A block that does not fit ends the way back: it is in doubt, and so is everything
// before it that no earlier head covers, because a person who rewrote those blocks would have had to break the chain right
// there. What was written since the last head is not signed yet: it counts as long as nothing contradicts it.
//
//   head        head                    head
//    │           │                       │
//   [b][b][b][b][b][b][b][x][b][b][b][b][b][b]        x: does not fit
//   ◄──────────┤         ├►◄─────────────┤  ├─► not signed yet
//               └─ in doubt ┘
//
// Records are told apart by partition and number: a file that somebody made may repeat numbers of another one.

/** Records of one partition from one number to another, both included. */
export interface RecordSpan {
  readonly ordinal: number;
  readonly first: number;
  readonly last: number;
}

/** Blocks of one partition that follow each other, each computed from the one before. */
interface Run {
  readonly ordinal: number;
  readonly first: number;
  /** It goes on where the run before ended. */
  readonly isLinked: boolean;
  last: number;
  /** Up to this record, a head covers it. */
  provenLast: number;
  /** A head says otherwise about it than its blocks. */
  isContradicted: boolean;
}

/** Follows one chain, block by block and head by head. */
export class ChainProof {
  readonly #runs: Run[] = [];
  /** Records that are there and in no run. */
  readonly #unfit: RecordSpan[] = [];
  #isCut = false;
  #isSignedToItsEnd = false;

  /** A partition begins with record `first`; `isLinked` when it goes on where the one before ended. */
  partition(ordinal: number, first: number, isLinked: boolean): void {
    this.#begin(ordinal, first, isLinked && this.#runs.length > 0);
  }

  /** The next block of the partition; `isWhole` when it is what its hash says and holds what it says of itself. */
  block(first: number, last: number, isWhole: boolean): void {
    const run = this.#runs.at(-1);
    if (run === undefined) return;
    if (isWhole) {
      run.last = last;
      return;
    }
    this.#unfit.push({ ordinal: run.ordinal, first, last });
    this.#begin(run.ordinal, last + 1, false);
  }

  /** A head with a good signature speaks of the partition that was read last: truly or not. */
  head(last: number, isTrue: boolean): void {
    const ordinal = this.#runs.at(-1)?.ordinal;
    // A head of a partition without blocks speaks of the record before its first one.
    const run = this.#runs.findLast((one) => one.ordinal === ordinal && last >= one.first - 1);
    if (run === undefined) return;
    if (isTrue && last <= run.last) run.provenLast = Math.max(run.provenLast, last);
    else run.isContradicted = true;
  }

  /** Records at the end are missing, or are not those that were noted. */
  cut(): void {
    this.#isCut = true;
  }

  /** The chain is signed while it grows: what stands behind the last signature counts for nothing. */
  endAtSigned(): void {
    this.#isSignedToItsEnd = true;
  }

  /**
   * The records that count, those that are there and do not, and those that nobody signed yet, in order. `taken` were signed
   * only after somebody else may have written them.
   */
  spans(taken: readonly RecordSpan[] = []): {
    readonly sound: RecordSpan[];
    readonly doubtful: RecordSpan[];
    readonly unsigned: RecordSpan[];
  } {
    const sound: RecordSpan[] = [];
    const unsigned: RecordSpan[] = [];
    const doubtful = [...this.#unfit];
    // What proves a partition's beginning proves the end of the one before.
    for (const [index, run] of [...this.#runs.entries()].toReversed()) {
      const before = this.#runs[index - 1];
      if (run.isLinked && before !== undefined && run.provenLast >= run.first - 1)
        before.provenLast = before.last;
    }
    for (const [index, run] of this.#runs.entries()) {
      const { ordinal, first, last } = run;
      const isOpen = this.#isOpen(index);
      const until = isOpen && !this.#isSignedToItsEnd ? last : Math.min(last, run.provenLast);
      if (until >= first) sound.push({ ordinal, first, last: until });
      if (until < last) {
        const rest = { ordinal, first: Math.max(first, until + 1), last };
        if (isOpen) unsigned.push(rest);
        else doubtful.push(rest);
      }
    }
    return { sound: without(sound, taken), doubtful: merge(doubtful), unsigned };
  }

  /** True for the end of the chain where only the next head is still to come. */
  #isOpen(index: number): boolean {
    const run = this.#runs[index];
    if (run === undefined || index !== this.#runs.length - 1 || run.isContradicted || this.#isCut)
      return false;
    if (run.provenLast >= run.first - 1) return true;
    const before = this.#runs[index - 1];
    return run.isLinked && before !== undefined && before.provenLast >= before.last;
  }

  #begin(ordinal: number, first: number, isLinked: boolean): void {
    const provenLast = Number.NEGATIVE_INFINITY;
    this.#runs.push({ ordinal, first, isLinked, last: first - 1, provenLast, isContradicted: false });
  }
}

/** What of spans is not in others. */
const without = (spans: readonly RecordSpan[], taken: readonly RecordSpan[]): RecordSpan[] => {
  let left = [...spans];
  for (const { ordinal, first, last } of merge([...taken]))
    left = left.flatMap((span) => {
      if (span.ordinal !== ordinal || last < span.first || first > span.last) return [span];
      const before = { ordinal, first: span.first, last: first - 1 };
      const after = { ordinal, first: last + 1, last: span.last };
      return [before, after].filter((one) => one.last >= one.first);
    });
  return left;
};

/** In order; neighbors become one. */
const merge = (spans: RecordSpan[]): RecordSpan[] => {
  const merged: RecordSpan[] = [];
  for (const span of spans.sort((a, b) => a.ordinal - b.ordinal || a.first - b.first)) {
    const before = merged.at(-1);
    if (before?.ordinal === span.ordinal && span.first <= before.last + 1)
      merged[merged.length - 1] = { ...before, last: Math.max(before.last, span.last) };
    else merged.push(span);
  }
  return merged;
};

/** Whether a record of a partition is among spans. */
export const isAmong = (spans: readonly RecordSpan[], ordinal: number, sequence: number): boolean =>
  spans.some((span) => span.ordinal === ordinal && sequence >= span.first && sequence <= span.last);
