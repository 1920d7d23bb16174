// How much of what upstreams send over streams is read in one turn of the loop. Hot file.
//
// An answer of 48 KiB over TCP takes up to 2 ms until it is judged and kept. Who asks for many of them could have the loop
// read one from each connection in a turn, while everybody else waits. Answers over UDP are short, and come in batches.

/** Bytes that are read in a turn: two of the longest messages, some 4 ms. */
const BYTES_MAX = 131_072;
/** Longer than this nothing more is read, milliseconds: in a program that was just started an answer takes ten times as long. */
const TURN_MS_MAX = 2;

/** The turns of one thread's loop. */
class ReadTurns {
  #left = BYTES_MAX;
  #sinceMs = 0;
  #isPlanned = false;
  #waiting: (() => void)[] = [];

  /** True when this turn has room; then so many bytes are counted. */
  take(bytes: number): boolean {
    this.#plan();
    if (this.#left <= 0 || performance.now() - this.#sinceMs > TURN_MS_MAX) return false;
    this.#left -= bytes;
    return true;
  }

  /** Calls back in later turns, in the order in which they began to wait. */
  wait(goOn: () => void): void {
    this.#waiting.push(goOn);
    this.#plan();
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    this.#sinceMs = performance.now();
    setImmediate(this.#begin);
  }

  readonly #begin = (): void => {
    this.#isPlanned = false;
    this.#left = BYTES_MAX;
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length > 0) this.#plan();
    for (let at = 0; at < waiting.length; at++) waiting[at]?.();
  };
}

/** Of this thread. */
export const readTurns = new ReadTurns();
