// What waits for a receiver of records: encoded, bounded in number and bytes, oldest first.
//
// A full queue drops what comes, not what is there: what a receiver gets after a pause then begins where it stopped, and
// one gap follows. What has been handed over leaves the queue only when the system has taken it, so that a connection
// that breaks on the way is not a loss of its own.

/** Bounds of a queue. */
export interface QueueBounds {
  readonly count: number;
  readonly bytes: number;
}

/** A minute at 1,000 records a second, some 400 bytes each. */
export const QUEUE_BOUNDS: QueueBounds = { count: 65_536, bytes: 24 << 20 };
/** One write: as much as a socket's buffer takes as a rule. */
const BATCH_BYTES_MAX = 65_536;
/** The places of what has left are given back when there are so many, so that each costs a constant. */
const SPENT_MAX = 4_096;

/** A bounded queue of encoded records. */
export class OutputQueue {
  /** Records that found no room. */
  dropped = 0;
  /** Records that the system has taken. */
  written = 0;
  #waiting: Uint8Array[] = [];
  /** Records that each of them holds. */
  #counts: number[] = [];
  #first = 0;
  #bytes = 0;
  readonly #bounds: QueueBounds;
  readonly #release: ((piece: Uint8Array) => void) | undefined;

  /** `release` is given the memory of pieces that nobody needs any more. */
  constructor(bounds: QueueBounds = QUEUE_BOUNDS, release?: (piece: Uint8Array) => void) {
    this.#bounds = bounds;
    this.#release = release;
  }

  /** Pieces that wait: records, or what their writer put together. */
  get length(): number {
    return this.#waiting.length - this.#first;
  }

  /** Takes a record, or several in one piece; `encode` is called only when there is room, so that what is dropped costs nothing. */
  push(encode: () => Uint8Array, count = 1): void {
    if (this.length >= this.#bounds.count || this.#bytes >= this.#bounds.bytes) {
      this.dropped += count;
      return;
    }
    const encoded = encode();
    this.#bytes += encoded.length;
    this.#waiting.push(encoded);
    this.#counts.push(count);
  }

  /** The oldest records for one write, at least one when any waits. They stay until shift(). */
  peek(): Uint8Array[] {
    const batch: Uint8Array[] = [];
    let bytes = 0;
    for (let at = this.#first; at < this.#waiting.length; at++) {
      const encoded = this.#waiting[at];
      if (encoded === undefined || (batch.length > 0 && bytes + encoded.length > BATCH_BYTES_MAX)) break;
      batch.push(encoded);
      bytes += encoded.length;
    }
    return batch;
  }

  /** The oldest `count` were taken by the system. */
  shift(count: number): void {
    this.written += this.#remove(count);
  }

  /** Nobody will take what waits any more. */
  abandon(): void {
    this.dropped += this.#remove(this.length);
  }

  /** Returns how many records went. */
  #remove(count: number): number {
    let records = 0;
    for (let i = 0; i < count; i++) {
      records += this.#counts[this.#first] ?? 0;
      const piece = this.#waiting[this.#first++];
      if (piece === undefined) continue;
      this.#bytes -= piece.length;
      this.#release?.(piece);
    }
    if (this.#first < SPENT_MAX && this.#first < this.#waiting.length) return records;
    this.#waiting = this.#waiting.slice(this.#first);
    this.#counts = this.#counts.slice(this.#first);
    this.#first = 0;
    return records;
  }
}

/** One write of what peek() returned; what is one piece already is not copied. */
export const joinBatch = (batch: readonly Uint8Array[]): Uint8Array => {
  const [only] = batch;
  return batch.length === 1 && only !== undefined ? only : Buffer.concat(batch);
};
