// cache: what upstreams answered, for as long as they allowed. Hot file.
//
// Invariants: bounded by bytes; only what was resolved is kept, never a verdict, so an answer that is in the cache
// is judged again for every client against the lists then in force; a clock that steps back makes entries stale, not
// immortal. Keyed by QNAME (folded), QTYPE and the flags that change an upstream's answer: DO and CD. RFC 2308.
import { LRUCache } from 'lru-cache';
import { type Answer, sizeOf } from './answer.ts';
import { Front } from './front.ts';

export { type Answer, createAnswer, type TtlLimits } from './answer.ts';
export { KEY_EXTRA } from './front.ts';

/** Smallest entry that can occur, for the number of index slots: overhead plus a short negative answer. */
const ENTRY_BYTES_MIN = 840;

/**
 * How exact the order of use is, milliseconds. Moving an entry to the front costs as much as finding it, and a popular
 * answer would be moved thousands of times a second.
 */
const TOUCH_MS = 1000;

/** Told about evictions and size. */
export interface CacheObserver {
  cacheEvicted(): void;
}

/** The answer cache of one worker. */
export class AnswerCache {
  readonly #entries: LRUCache<string, Answer>;
  readonly #front = new Front();

  constructor(options: { sizeBytes: number; observer: CacheObserver }) {
    this.#entries = new LRUCache<string, Answer>({
      max: Math.max(1, Math.ceil(options.sizeBytes / ENTRY_BYTES_MIN)),
      maxSize: Math.max(1, options.sizeBytes),
      dispose: (answer, _key, reason) => {
        this.#front.remove(answer);
        if (reason === 'evict') options.observer.cacheEvicted();
      },
    });
  }

  /**
   * The answer under the key in the first `length` bytes while it lives: the folded name, then KEY_EXTRA bytes.
   * `nowMs` is the time of the clock that stored it.
   */
  get(key: Buffer, length: number, nowMs: number): Answer | undefined {
    let answer = this.#front.find(key, length);
    if (answer === undefined) {
      answer = this.#entries.peek(keyText(key, length));
      if (answer === undefined) return undefined;
      this.#front.put(key, length, answer);
    }
    const ageMs = nowMs - answer.storedAtMs;
    if (ageMs >= 0 && ageMs < answer.lifetimeSec * 1000) {
      const unusedMs = nowMs - answer.usedAtMs;
      if (unusedMs >= TOUCH_MS || unusedMs < 0) {
        answer.usedAtMs = nowMs;
        this.#entries.get(keyText(key, length));
      }
      return answer;
    }
    this.#entries.delete(keyText(key, length));
    return undefined;
  }

  /** Keeps an answer under the text of its key; one without a lifetime is not kept. */
  set(key: string, answer: Answer): void {
    if (answer.lifetimeSec <= 0) return;
    this.#entries.set(key, answer, { size: sizeOf(answer) });
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries.clear();
  }

  /** Number of answers. */
  get entries(): number {
    return this.#entries.size;
  }

  /** Bytes that the answers are charged with. */
  get bytes(): number {
    return this.#entries.calculatedSize;
  }
}

/** The text of a key: one character a byte. */
export const keyText = (key: Buffer, length: number): string => key.toString('latin1', 0, length);
