// Deadlines of everything in flight, on one timer. Hot file: add() and remove() run per query.
//
// A ring of slots, one per tick; each slot is a doubly linked list through the entries themselves, so that adding
// and removing allocate nothing. Ticks are advanced by the owner, who decides what a tick is.
//
//   slots   [0] [1] [2] … [511]       an entry due at tick t hangs in slot t mod 512
//                ^ tick: its slot was the last one emptied
import { Reusable } from '../../base/base.ts';

/** Slots of the ring: a power of two above TICKS_MAX, so that an entry never lands in the slot being emptied. */
const SLOTS = 512;
/** Furthest deadline in ticks. */
export const TICKS_MAX = SLOTS - 1;

/** `dueTick` of an entry that is in no wheel. */
export const NOT_DUE = -1;

/** The fields that an entry brings and only the wheel changes. */
export abstract class WheelEntry<T> extends Reusable {
  dueTick = NOT_DUE;
  earlier: T | undefined = undefined;
  later: T | undefined = undefined;
}

/** A ring of deadlines. */
export class TimeWheel<T extends WheelEntry<T>> {
  /** Ticks advanced so far. */
  tick = 0;
  /** Entries that wait for their tick. */
  count = 0;
  readonly #slots = new Array<T | undefined>(SLOTS).fill(undefined);
  readonly #expire: (entry: T) => void;

  constructor(expire: (entry: T) => void) {
    this.#expire = expire;
  }

  /** Adds an entry that is in no wheel, due in 1 to TICKS_MAX ticks. Ticks are never early: the first one is under way. */
  add(entry: T, ticks: number): void {
    this.count++;
    entry.dueTick = this.tick + ticks;
    const slot = entry.dueTick % SLOTS;
    const first = this.#slots[slot];
    entry.earlier = undefined;
    entry.later = first;
    if (first !== undefined) first.earlier = entry;
    this.#slots[slot] = entry;
  }

  /** Removes an entry; does nothing when it is in no wheel. */
  remove(entry: T): void {
    if (entry.dueTick === NOT_DUE) return;
    this.count--;
    const { earlier, later } = entry;
    if (earlier === undefined) this.#slots[entry.dueTick % SLOTS] = later;
    else earlier.later = later;
    if (later !== undefined) later.earlier = earlier;
    entry.earlier = undefined;
    entry.later = undefined;
    entry.dueTick = NOT_DUE;
  }

  /** Moves on and expires what is due; entries may be added and removed meanwhile. */
  advance(ticks: number): void {
    for (let i = 0; i < ticks; i++) {
      this.tick++;
      const slot = this.tick % SLOTS;
      for (let entry = this.#slots[slot]; entry !== undefined; entry = this.#slots[slot]) {
        this.remove(entry);
        this.#expire(entry);
      }
    }
  }
}
