// What happened to connections and streams, asked for many of them in one call. Hot file.
import { OutNumber } from './memory.ts';
import type { OpenSsl } from './openssl.ts';

/** Objects that are looked at in one call. */
const POLL_MAX = 1024;
/** SSL_poll(3): an item is its kind, a pointer, the events that are of interest and those that are; 64 bits each. */
const ITEM_WORDS = 8;
const ITEM_BYTES = 32;
const POINTER = 2;
const WANTED = 4;
const HAPPENED = 6;
const ITEM_SSL = 2;
/** Events have been handled just before. */
const POLL_ONLY = 1;

/** A pointer in the two halves in which SSL_poll(3) is told of it. */
export interface Words {
  readonly low: number;
  readonly high: number;
}

/** An object of OpenSSL. */
export interface Polled {
  readonly words: Words;
}

/** A set of objects that are looked at together. */
export class Poll<T extends Polled> {
  readonly #c: OpenSsl;
  readonly #happened: (object: T, events: number) => void;
  readonly #items = new Uint32Array(POLL_MAX * ITEM_WORDS);
  readonly #itemBytes = new Uint8Array(this.#items.buffer);
  readonly #atOnce = new Uint8Array(16);
  readonly #count = new OutNumber();
  readonly #objects: T[] = [];

  /** `happened` is called for each object to which something happened. */
  constructor(c: OpenSsl, happened: (object: T, events: number) => void) {
    this.#c = c;
    this.#happened = happened;
  }

  /** Has an object looked at, at the latest by run(); until then it must not be freed but by what `happened` does. */
  add(object: T, events: number): void {
    const at = this.#objects.length * ITEM_WORDS;
    const { low, high } = object.words;
    this.#items[at] = ITEM_SSL;
    this.#items[at + POINTER] = low;
    this.#items[at + POINTER + 1] = high;
    this.#items[at + WANTED] = events;
    this.#items[at + HAPPENED] = 0;
    this.#items[at + HAPPENED + 1] = 0;
    this.#objects.push(object);
    if (this.#objects.length === POLL_MAX) this.run();
  }

  /** Looks at all that were added. */
  run(): void {
    const objects = this.#objects.splice(0);
    if (objects.length === 0) return;
    // Its result says whether one of them cannot be asked; what happened to the others stands in the items all the same.
    this.#c.SSL_poll(this.#itemBytes, objects.length, ITEM_BYTES, this.#atOnce, POLL_ONLY, this.#count.bytes);
    // What is done about one may add others.
    const events = Uint32Array.from(objects, (_, i) => this.#items[i * ITEM_WORDS + HAPPENED] ?? 0);
    for (let i = 0; i < objects.length; i++) {
      const object = objects[i];
      const happened = events[i] ?? 0;
      if (happened !== 0 && object !== undefined) this.#happened(object, happened);
    }
  }
}
