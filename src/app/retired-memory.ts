// Gives back the memory of tables that are out of force.
//
// V8 does not count shared memory when it decides whether to collect garbage, so a thread with little to do would
// hold every table that it was ever given. Each thread that held a large one collects once, a while after it let go.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Retired bytes that are worth a collection, which takes some 20 ms: more than 400,000 names. */
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

/**
 * Collects garbage now, some 20 ms. The flag belongs to the whole process, so it stays set: another thread may be
 * between these two lines.
 */
export const collectGarbage = (): void => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('globalThis.gc') as (() => void) | undefined;
  collect?.();
};
