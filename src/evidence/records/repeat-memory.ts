// Events that came before in the same words: what a flood is made of. Hot file.
//
// An attempt that repeats costs the recorder a look-up and an addition, but only once its event has been opened and its
// names have been folded and hashed byte by byte. Here the words of the event as they lie in the ring are looked up
// first, without its time, port and ID, in fixed memory with one place for each hash. A hit names the entry of the
// attempts' table that the same words led to before; a miss costs a hash, and says nothing.
import { randomInt } from 'node:crypto';
import { EVENT_WORD } from '../../telemetry/events/events.ts';

/** Places: four times what a large site repeats within a window, so that few share one. 2 MiB, resident where used. */
const PLACES = 16_384;
/** Words of an event that a place can hold: 16, and names of 64 bytes. Longer events are not looked up. */
const PLACE_WORDS = 32;

/** That of FNV-1a. */
const PRIME = 0x01000193;

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
    // By these words nearly all attempts differ; that they are alike in all is looked at below.
    let hash = SEED;
    const client = start + EVENT_WORD.CLIENT;
    for (let i = client; i < client + 4; i++) hash = Math.imul(hash ^ (words[i] ?? 0), PRIME);
    hash = Math.imul(hash ^ (words[start + EVENT_WORD.LINE] ?? 0), PRIME);
    for (let i = start + EVENT_WORD.TYPE; i < end; i++) hash = Math.imul(hash ^ (words[i] ?? 0), PRIME);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    const place = (hash ^ (hash >>> 13)) & (PLACES - 1);
    this.#place = place;
    this.#source = words;
    this.#start = start;
    this.#end = end;
    const entry = this.#entries[place] ?? -1;
    return entry >= 0 && this.#isKnown(place, words, start, end) ? entry : -1;
  }

  /** True when a place holds these words, without time, port and ID. The first has the length: equal events are as long. */
  #isKnown(place: number, words: Uint32Array, start: number, end: number): boolean {
    const known = this.#words;
    const offset = place * PLACE_WORDS - start;
    // From the end: names are what differs.
    for (let i = end - 1; i > start + EVENT_WORD.PORT; i--) if (known[offset + i] !== words[i]) return false;
    for (let i = start + EVENT_WORD.TIME + 2; i < start + EVENT_WORD.PORT; i++)
      if (known[offset + i] !== words[i]) return false;
    return known[offset + start] === words[start] && known[offset + start + 1] === words[start + 1];
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

  /** Forgets everything: the table is another. Once per window. */
  forget(): void {
    this.#entries.fill(-1);
    this.#place = -1;
  }
}
