// Takes events out of the rings of all workers, none of which keeps the others from their turn.
import type { EventReader, RingEvent } from '../../telemetry/events/events.ts';
import type { Batch } from './chain.ts';
import type { QueryEncoder } from './query-encoder.ts';

/** The rings of one recorder. */
export class RingDrain {
  /** What was made of what was read and is not on the disk; its events are still in the rings. */
  pending: Batch | undefined;
  /** The last batch was large. */
  isBusy = false;
  readonly #readers: readonly EventReader[];
  readonly #onDamage: (text: string) => void;
  #first = 0;

  /** `onDamage` is told of bytes that no worker wrote. */
  constructor(readers: readonly EventReader[], onDamage: (text: string) => void) {
    this.#readers = readers;
    this.#onDamage = onDamage;
  }

  /** Of the ring that is fullest. */
  get backlogBytesMax(): number {
    return Math.max(0, ...this.#readers.map((reader) => reader.backlogBytes));
  }

  get backlogBytes(): number {
    return this.#readers.reduce((sum, reader) => sum + reader.backlogBytes, 0);
  }

  /** Gives at most `max` events to the encoder; returns how many. */
  read(max: number, encoder: QueryEncoder): number {
    const take = (event: RingEvent): void => encoder.add(event);
    let count = 0;
    for (let turn = 0; turn < this.#readers.length; turn++) {
      // A ring that is always full must not keep the others from their turn.
      const reader = this.#readers[(this.#first + turn) % this.#readers.length];
      if (reader === undefined) continue;
      count += reader.read(max - count, take, encoder.attempts);
      // The ring has to go on behind bytes that cannot be read.
      if (reader.isDamaged) this.#onDamage(`${reader.discard()} bytes of events could not be read`);
    }
    this.#first++;
    return count;
  }

  /** What was read is on the disk. */
  release(): void {
    for (const reader of this.#readers) reader.release();
  }
}
