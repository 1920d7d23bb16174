// Gives back the memory of tables that are out of force.
//
// V8 does not count shared memory when it decides whether to collect garbage, so a thread with little to do would
// hold every table that it was ever given. Each thread that held a large one collects once, a while after it let go.
import { collectHeap, keepHeapSmall, shrinkHeap } from '../../base/base.ts';
import { giveBackFreedMemory } from '../../wire/datagram/datagram.ts';

/** Bytes of tables that are worth a collection, which takes some 20 ms: more than 400,000 names. */
const COLLECT_BYTES_MIN = 16 * 1024 * 1024;
/** Until then every reader of a table, such as a reload that is under way, has ended; milliseconds. */
const COLLECT_AFTER_MS = 1000;

/** What this thread let go of since it last collected. */
export class RetiredMemory {
  #bytes = 0;
  #isDue = false;

  /** Counts a table that is out of force in this thread. */
  add(table: SharedArrayBuffer | undefined): void {
    this.#bytes += table?.byteLength ?? 0;
    if (this.#bytes < COLLECT_BYTES_MIN || this.#isDue) return;
    this.#isDue = true;
    setTimeout(() => {
      this.#isDue = false;
      this.#bytes = 0;
      collectGarbage();
    }, COLLECT_AFTER_MS).unref();
  }
}

/** Until what a start began beside the answers, such as saving a table, is done; milliseconds. */
const SETTLE_AFTER_MS = [1500] as const;

/**
 * What the heap of the main thread grows by at most, bytes: V8 alone lets 45 MB that are alive become 180 before it collects, which
 * an authority of 400 resolvers came to. It takes 85 ms, in which no query waits.
 */
const MAIN_GROWN_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Gives back, a while from now and whenever this thread has grown, what loading, compiling and a rest left behind in it, and in the
 * allocator that all threads share. A resolver with one worker and one million names has 207 MiB after its start, not 264.
 */
export const settleAfterStart = (): void => {
  for (const afterMs of SETTLE_AFTER_MS)
    setTimeout(() => {
      shrinkHeap();
      giveBackFreedMemory();
    }, afterMs).unref();
  // No query waits for this thread.
  keepHeapSmall({ onShrunk: giveBackFreedMemory, readWork: () => 0, grownBytesMax: MAIN_GROWN_BYTES_MAX });
};

/**
 * Collects garbage before a table is built beside this one: what a fetch or an earlier build left behind would stand beside
 * both, some 20 MB at a million names. A reload of small lists is not held up for it.
 */
export const collectBeside = (table: SharedArrayBuffer): void => {
  if (table.byteLength >= COLLECT_BYTES_MIN) collectGarbage();
};

/** Collects garbage now and gives what is free back to the system, some 30 ms. */
const collectGarbage = (): void => {
  collectHeap();
  giveBackFreedMemory();
};
