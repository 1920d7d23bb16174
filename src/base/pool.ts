// Things that are used again, so that a query which has to wait leaves no garbage. Hot file.
//
// A miss made 3.5 KB of objects; those of all questions in flight are copied by each collection of young ones, which took
// two fifths of what a miss costs outside the kernel. Who takes a thing from a pool has it alone and gives it back once.
// Each use has a number: who may look at a thing later than it was given back notes the number, and sees by it that the
// thing is somebody else's by now.
import { fail } from 'node:assert/strict';

/** Numbers of uses stay small integers, which are no objects. */
const USE_MASK = 0x3fff_ffff;

/** What a pool can keep. */
export abstract class Reusable {
  /** Odd while somebody has it, even while nobody does; only the pool changes it. */
  use = 1;
}

/** Things of one kind that wait to be used again. */
export class Pool<T extends Reusable> {
  readonly #free: T[] = [];
  readonly #keptMax: number;

  /** Keeps `keptMax` of them: others that are given back are garbage, as what is made for a flood is. */
  constructor(keptMax: number) {
    this.#keptMax = keptMax;
  }

  /** One that nobody else has, with whatever its last user left in it; undefined: make a new one. */
  take(): T | undefined {
    const thing = this.#free.pop();
    if (thing !== undefined) thing.use = (thing.use + 1) & USE_MASK;
    return thing;
  }

  /** Takes back what take() gave, or what is new. Ends the thread when it was given back already: two would write into it. */
  give(thing: T): void {
    if ((thing.use & 1) === 0) fail('a thing of a pool was given back twice');
    thing.use = (thing.use + 1) & USE_MASK;
    if (this.#free.length < this.#keptMax) this.#free.push(thing);
  }
}

/**
 * Things that are of one length each, as a view of bytes is: who wants one of a length gets one of that length. When it is
 * full, one of each length in turn makes room, so that what a flood left does not keep out what is usual.
 */
export class PoolByLength<T extends Reusable> {
  /** By length; what lies beyond the count was taken. */
  readonly #free: T[][] = [];
  readonly #counts: Uint16Array;
  readonly #keptMax: number;
  #kept = 0;
  /** Length of which the next one makes room. */
  #full = 0;

  /** Keeps `keptMax` of all lengths together, and nothing that is longer than `lengthMax`. */
  constructor(lengthMax: number, keptMax: number) {
    for (let length = 0; length <= lengthMax; length++) this.#free.push([]);
    this.#counts = new Uint16Array(lengthMax + 1);
    this.#keptMax = keptMax;
  }

  /** As Pool.take(). */
  take(length: number): T | undefined {
    const count = this.#counts[length] ?? 0;
    const thing = count === 0 ? undefined : this.#free[length]?.[count - 1];
    if (thing === undefined) return undefined;
    this.#counts[length] = count - 1;
    this.#kept--;
    thing.use = (thing.use + 1) & USE_MASK;
    return thing;
  }

  /** As Pool.give(). */
  give(thing: T, length: number): void {
    if ((thing.use & 1) === 0) fail('a thing of a pool was given back twice');
    thing.use = (thing.use + 1) & USE_MASK;
    const free = this.#free[length];
    if (free === undefined) return;
    if (this.#kept === this.#keptMax) this.#makeRoom();
    const count = this.#counts[length] ?? 0;
    free[count] = thing;
    this.#counts[length] = count + 1;
    this.#kept++;
  }

  #makeRoom(): void {
    const counts = this.#counts;
    while (counts[this.#full] === 0) this.#full = (this.#full + 1) % counts.length;
    const count = (counts[this.#full] ?? 0) - 1;
    counts[this.#full] = count;
    this.#free[this.#full]?.splice(count);
    this.#kept--;
    this.#full = (this.#full + 1) % counts.length;
  }
}
