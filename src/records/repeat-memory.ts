// Events that came before in the same words: what a flood is made of. Hot file.
//
// An attempt that repeats costs the recorder a look-up and an addition, but only once its event has been opened and its
// names have been folded and hashed byte by byte. Here the words of the event as they lie in the ring are looked up
// first, without its time, port and ID, in fixed memory with one place for each hash. A hit names the entry of the
// attempts' table that the same words led to before; a miss costs a hash, and says nothing.
import { randomInt } from 'node:crypto';
import { EVENT_WORD } from '../events/events.ts';

/** Places: four times what a large site repeats within a window, so that few share one. 2 MiB, resident where used. */
const PLACES = 16_384;
/** Words of an event that a place can hold: 16, and names of 64 bytes. Longer events are not looked up. */
const PLACE_WORDS = 32;

/** Events that wanted a place collide by chance only. */
const SEED = randomInt(2 ** 32);

/** Remembers by the words of an event to which entry of a table it was counted. */
export class RepeatMemory {
  readonly #words = new Uint32Array(PLACES * PLACE_WORDS);
  readonly #entries = new Int32Array(PLACES);
  /** Place and bounds of the event that was looked up last; place -1: it has none. */
  #place = -1;
  #source: Uint32Array | undefined;
  #start = 0;
  #end = 0;

  constructor() {
    this.forget();
  }

  /** The entry that an event of these words led to; -1: not known. */
  find(words: Uint32Array, start: number, end: number): number {
    this.#place = -1;
    if (end - start > PLACE_WORDS) return -1;
    const afterTime = start + EVENT_WORD.TIME + 2;
    const port = start + EVENT_WORD.PORT;
    let hash = mix(SEED, words, start, start + EVENT_WORD.TIME);
    hash = mix(hash, words, afterTime, port);
    hash = mix(hash, words, port + 1, end);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    const place = (hash ^ (hash >>> 13)) & (PLACES - 1);
    this.#place = place;
    this.#source = words;
    this.#start = start;
    this.#end = end;
    const entry = this.#entries[place] ?? -1;
    // The first word holds the length, so that equal events are equally long.
    if (entry < 0) return -1;
    const isSame =
      this.#isEqual(place, words, start, start + EVENT_WORD.TIME) &&
      this.#isEqual(place, words, afterTime, port) &&
      this.#isEqual(place, words, port + 1, end);
    return isSame ? entry : -1;
  }

  /** Keeps the entry of the event that was looked up last. */
  remember(entry: number): void {
    const source = this.#source;
    if (this.#place < 0 || source === undefined) return;
    const known = this.#place * PLACE_WORDS - this.#start;
    for (let i = this.#start; i < this.#end; i++) this.#words[known + i] = source[i] ?? 0;
    this.#entries[this.#place] = entry;
    this.#place = -1;
  }

  /** True when the words from `from` to `to` of the event that is looked up are those of the place. */
  #isEqual(place: number, words: Uint32Array, from: number, to: number): boolean {
    const known = place * PLACE_WORDS - this.#start;
    for (let i = from; i < to; i++) if (this.#words[known + i] !== words[i]) return false;
    return true;
  }

  /** Forgets everything: the table is another. Once per window. */
  forget(): void {
    this.#entries.fill(-1);
    this.#place = -1;
  }
}

const mix = (seed: number, words: Uint32Array, from: number, to: number): number => {
  let hash = seed;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ (words[i] ?? 0), 0x01000193);
  return hash;
};
