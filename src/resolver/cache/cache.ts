// cache: what upstreams answered, for as long as they allowed, and which questions failed just now. Hot file.
//
// Invariants: bounded by bytes, which are reserved once; only what was resolved is kept, never a verdict, so an
// answer that is in the cache is judged again for every client against the lists then in force; a clock that steps
// back makes entries stale, not immortal; a stale answer is given only to a caller that asks for one, and only
// for as long as was configured; a question finds its answer in a bounded number of steps, whatever names somebody
// makes up. RFC 2308, RFC 8767, RFC 9520.
//
// One ring of bytes holds all answers (see answer.ts) in the order in which they came. A new one is written at the
// head; the ones at the tail make room. One that was used since it was written is moved to the head once more
// instead of being dropped ("second chance"), so that what is popular stays. Nothing is allocated for an answer.
//
//   buckets  1 word each: the answer that came last of those whose hash falls there, as 1 + offset / UNIT_BYTES
//   ring     tail → [answer][answer][dead][answer] → head, free space; then round again
import { randomInt } from 'node:crypto';
import { HEADER_LENGTH, RCODE, readU16, TARGET_ADDRESS_WORDS } from '../../wire/dns/dns.ts';
import {
  ANSWER_HEADER_WORDS,
  Answer,
  AnswerMemory,
  SIZE_MASK,
  UNIT_BYTES,
  WORD,
  WORD_BYTES,
} from './answer.ts';
import { CacheKey, KEY_FLAG } from './key.ts';

export { type Answer, copyAnswer } from './answer.ts';
export { FailureCache, STALE_RECHECK_MS } from './failures.ts';
export { CacheKey, KEY_FLAG, KEY_TAIL_BYTES, keyFlags, keyText, VIEWS_MAX } from './key.ts';
export { createAnswer, NOT_VALIDATED, type TtlLimits, type Validation } from './packing.ts';

/** Bytes of answers for each bucket: an everyday answer takes 150 to 250. */
const BYTES_PER_BUCKET = 128;
const BUCKETS_MIN = 16;
/**
 * Answers of one bucket. By chance there are never more than a dozen; names that were chosen to fall together push
 * each other out.
 */
const CHAIN_MAX = 24;
/** Answers that are moved to the head, at most, to make room for one. */
const MOVES_MAX = 64;

const WORDS_PER_UNIT = UNIT_BYTES / WORD_BYTES;

/** Marks in the word SIZE. */
const DEAD = 0x8000_0000;
const USED = 0x4000_0000;

/** Told about evictions. */
export interface CacheObserver {
  cacheEvicted(): void;
}

/** The answer cache of one worker. */
export class AnswerCache {
  /** Number of answers. */
  entries = 0;
  /** Bytes of the ring that are taken. */
  bytes = 0;
  readonly #observer: CacheObserver;
  readonly #memory: AnswerMemory;
  readonly #capacity: number;
  readonly #buckets: Uint32Array;
  readonly #bucketMask: number;
  readonly #view: Answer;
  readonly #key = new CacheKey();
  /** Names that fall together here fall apart elsewhere. */
  readonly #seed = randomInt(0x1_0000_0000);
  /** How long expired answers are kept, milliseconds. */
  #staleMs = 0;
  #head = 0;
  #tail = 0;

  /** `sizeBytes` is for answers and buckets together; memory that was never used is never resident. */
  constructor(options: { sizeBytes: number; observer: CacheObserver }) {
    this.#observer = options.observer;
    const wanted = Math.max(BUCKETS_MIN, options.sizeBytes / (BYTES_PER_BUCKET + WORD_BYTES));
    this.#buckets = new Uint32Array(2 ** Math.floor(Math.log2(wanted)));
    this.#bucketMask = this.#buckets.length - 1;
    this.#memory = new AnswerMemory(Math.max(0, options.sizeBytes - this.#buckets.byteLength));
    this.#capacity = this.#memory.bytes.length;
    this.#view = new Answer(this.#memory);
  }

  /** Keeps answers for so long after they expire, for getStale(); 0: not at all. */
  setStale(staleMs: number): void {
    this.#staleMs = staleMs;
  }

  /** Completes a key whose folded name is in place. */
  seal(key: CacheKey, nameLength: number, type: number, flags: number): void {
    key.seal(nameLength, type, flags, this.#seed);
  }

  /**
   * The answer under a sealed key while it lives; `nowMs` is the time of the clock that stored it. The answer is
   * valid until the next call of any method.
   */
  get(key: CacheKey, nowMs: number): Answer | undefined {
    const at = this.#find(key);
    if (at < 0) return undefined;
    const view = this.#view;
    view.open(at);
    const ageMs = nowMs - view.storedAtMs;
    if (ageMs >= 0 && ageMs < view.lifetimeSec * 1000) {
      const { words } = this.#memory;
      const word = at / WORD_BYTES;
      const size = words[word] ?? 0;
      if ((size & USED) === 0) words[word] = size | USED;
      return view;
    }
    if (this.#isStale(view, ageMs)) return undefined;
    this.#unlink(at);
    this.#kill(at);
    return undefined;
  }

  /** The stale answer under a sealed key, while it may still be given (RFC 8767); valid as that of get(). */
  getStale(key: CacheKey, nowMs: number): Answer | undefined {
    const at = this.#find(key);
    if (at < 0) return undefined;
    const view = this.#view;
    view.open(at);
    return this.#isStale(view, nowMs - view.storedAtMs) ? view : undefined;
  }

  #isStale(answer: Answer, ageMs: number): boolean {
    const overMs = ageMs - answer.lifetimeSec * 1000;
    return overMs >= 0 && overMs < this.#staleMs;
  }

  /** Keeps a copy of an answer for queries with these KEY_FLAGs; one without a lifetime is not kept. */
  set(answer: Answer, flags: number): void {
    const { sizeBytes, rcode } = answer;
    const isKept = answer.lifetimeSec > 0 && sizeBytes <= this.#capacity / 2;
    // What may not be kept is still true: it takes the place of an expired answer.
    if (!isKept && rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) return;
    const key = this.#key;
    this.#readKey(key, answer, flags);
    this.#forget(key);
    if (this.#staleMs > 0 && (flags & KEY_FLAG.DNSSEC_OK) !== 0) {
      this.#forgetPlain(answer, flags);
      this.#readKey(key, answer, flags);
    }
    if (!isKept) return;
    const at = this.#makeRoom(sizeBytes);
    const { words } = this.#memory;
    const word = at / WORD_BYTES;
    const from = answer.memory.words;
    const fromWord = answer.at / WORD_BYTES;
    const sizeWords = sizeBytes / WORD_BYTES;
    for (let i = 0; i < sizeWords; i++) words[word + i] = from[fromWord + i] ?? 0;
    words[word + WORD.HASH] = key.hash;
    words[word + WORD.KEY_FLAGS] = flags;
    this.#head = at + sizeBytes;
    this.bytes += sizeBytes;
    this.entries++;
    this.#link(at);
  }

  #forget(key: CacheKey): void {
    const at = this.#find(key);
    if (at < 0) return;
    this.#unlink(at);
    this.#kill(at);
  }

  /** Forgets the expired answer without DNSSEC records: getStale() has no use for it beside a newer one with them. */
  #forgetPlain(answer: Answer, flags: number): void {
    const key = this.#key;
    this.#readKey(key, answer, flags & ~KEY_FLAG.DNSSEC_OK);
    const at = this.#find(key);
    if (at < 0) return;
    const view = this.#view;
    view.open(at);
    if (answer.storedAtMs - view.storedAtMs >= view.lifetimeSec * 1000) this.#forget(key);
  }

  /** Forgets everything. */
  clear(): void {
    this.#buckets.fill(0);
    this.#head = 0;
    this.#tail = 0;
    this.bytes = 0;
    this.entries = 0;
  }

  #readKey(key: CacheKey, answer: Answer, flags: number): void {
    const { bytes } = answer.memory;
    const start = answer.wireStart + HEADER_LENGTH;
    let length = 0;
    let label = 0;
    do {
      label = bytes[start + length] ?? 0;
      for (let i = 0; i <= label; i++) key.bytes[length + i] = bytes[start + length + i] ?? 0;
      length += label + 1;
    } while (label !== 0);
    this.seal(key, length, readU16(bytes, start + length), flags);
  }

  /** Offset of the living answer under a key, or -1. */
  #find(key: CacheKey): number {
    const { words } = this.#memory;
    let link = this.#buckets[key.hash & this.#bucketMask] ?? 0;
    while (link !== 0) {
      const word = (link - 1) * WORDS_PER_UNIT;
      if (((words[word + WORD.HASH] ?? 0) | 0) === key.hash && this.#isUnder(word, key))
        return (link - 1) * UNIT_BYTES;
      link = words[word + WORD.NEXT] ?? 0;
    }
    return -1;
  }

  #isUnder(word: number, key: CacheKey): boolean {
    const { bytes, words } = this.#memory;
    if (words[word + WORD.KEY_FLAGS] !== key.flags) return false;
    // The answer's question is the key's name, folded, and its type (see createAnswer).
    const question = wireStartOf(words, word) + HEADER_LENGTH;
    const keyBytes = key.bytes;
    const length = key.length - 1;
    for (let i = 0; i < length; i++) if (bytes[question + i] !== keyBytes[i]) return false;
    return true;
  }

  /** Puts an answer first in its bucket; the last one leaves a bucket that is too long. */
  #link(at: number): void {
    const { words } = this.#memory;
    const word = at / WORD_BYTES;
    const bucket = this.#bucketOf(word);
    words[word + WORD.NEXT] = this.#buckets[bucket] ?? 0;
    this.#buckets[bucket] = at / UNIT_BYTES + 1;
    let last = word;
    for (let length = 1; ; length++) {
      const next = words[last + WORD.NEXT] ?? 0;
      if (next === 0) return;
      if (length === CHAIN_MAX) {
        words[last + WORD.NEXT] = 0;
        this.#kill((next - 1) * UNIT_BYTES);
        this.#observer.cacheEvicted();
        return;
      }
      last = (next - 1) * WORDS_PER_UNIT;
    }
  }

  /** Takes an answer out of its bucket; its bytes stay in the ring. */
  #unlink(at: number): void {
    this.#relink(at, this.#memory.words[at / WORD_BYTES + WORD.NEXT] ?? 0);
  }

  /** Makes whatever points at an answer point at `link` instead. */
  #relink(at: number, link: number): void {
    const { words } = this.#memory;
    const own = at / UNIT_BYTES + 1;
    const bucket = this.#bucketOf(at / WORD_BYTES);
    let before = this.#buckets[bucket] ?? 0;
    if (before === own) {
      this.#buckets[bucket] = link;
      return;
    }
    while (before !== 0) {
      const next = (before - 1) * WORDS_PER_UNIT + WORD.NEXT;
      before = words[next] ?? 0;
      if (before === own) {
        words[next] = link;
        return;
      }
    }
  }

  #bucketOf(word: number): number {
    return (this.#memory.words[word + WORD.HASH] ?? 0) & this.#bucketMask;
  }

  /** Marks an answer that no bucket holds any more. */
  #kill(at: number): void {
    const { words } = this.#memory;
    const word = at / WORD_BYTES;
    const size = words[word] ?? 0;
    words[word] = size | DEAD;
    this.entries--;
  }

  /** Frees `sizeBytes` in one piece at the head; returns where. At most half of the ring is ever asked for. */
  #makeRoom(sizeBytes: number): number {
    let moves = MOVES_MAX;
    for (;;) {
      if (this.bytes === 0) {
        this.#head = 0;
        this.#tail = 0;
      }
      const isFull = this.#head === this.#tail && this.bytes > 0;
      const isWrapped = this.#head < this.#tail || isFull;
      const end = isWrapped ? this.#tail : this.#capacity;
      if (this.#head + sizeBytes <= end && !isFull) return this.#head;
      if (!isWrapped) {
        // What is left before the end of the ring is too short: it counts as taken.
        this.#fill(this.#head, this.#capacity - this.#head);
        continue;
      }
      moves -= this.#dropTail(moves > 0) ? 1 : 0;
    }
  }

  /** Takes bytes at the head that hold no answer. */
  #fill(at: number, sizeBytes: number): void {
    if (sizeBytes > 0) {
      this.#memory.words[at / WORD_BYTES] = sizeBytes | DEAD;
      this.bytes += sizeBytes;
    }
    this.#head = 0;
  }

  /** Frees the bytes of the oldest answer; moves it to the head when it was used, if it may. True when it was moved. */
  #dropTail(mayMove: boolean): boolean {
    const { words, bytes } = this.#memory;
    const at = this.#tail;
    const word = at / WORD_BYTES;
    const mark = words[word] ?? 0;
    const size = mark & SIZE_MASK;
    this.#tail = at + size === this.#capacity ? 0 : at + size;
    if ((mark & DEAD) !== 0) {
      this.bytes -= size;
      return false;
    }
    const head = this.#head;
    // Only towards lower addresses and within what is free, the answer's own place included.
    if (mayMove && (mark & USED) !== 0 && head <= at) {
      words[word] = size;
      if (head !== at) {
        this.#relink(at, head / UNIT_BYTES + 1);
        bytes.copyWithin(head, at, at + size);
      }
      this.#head = head + size === this.#capacity ? 0 : head + size;
      return true;
    }
    this.#unlink(at);
    this.entries--;
    this.bytes -= size;
    this.#observer.cacheEvicted();
    return false;
  }
}

/** Where the wire of the packed answer at a word starts, in bytes. */
const wireStartOf = (words: Uint32Array, word: number): number =>
  (word + ANSWER_HEADER_WORDS + ((words[word + WORD.TARGETS] ?? 0) >>> 16) * TARGET_ADDRESS_WORDS) *
  WORD_BYTES;
