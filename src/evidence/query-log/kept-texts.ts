// What a form made of parts of a query before, for when the same ones come again: at full load most do.
//
// Tables of fixed size in which what comes takes the place of what was there: they need no sweeping, and whoever makes
// queries fall on the same places makes his own cost what they would without a table.
import type { RingQuery } from '../../telemetry/events/events.ts';
import { HEADER_LENGTH } from '../../wire/dns/dns.ts';
import type { Piece } from './encoder.ts';

/** Questions with answers: what a large site asks for within a second. */
const ANSWER_SLOTS = 8_192;
/** Of a place, in words of 4 bytes: the key, and the text behind it. What takes more is written anew each time. */
const PLACE_WORDS = 256;
const KEY_WORDS_MAX = 96;
const WORD_BYTES = 4;
/** Rules that decide, times the ways to an answer. */
const DECISION_SLOTS = 4_096;
/** Takes any array of bytes, and makes no object for a part of one. */
const copyNative = (Buffer.prototype as Buffer).copy;
/** 2^32 divided by the golden ratio: spreads what differs in few bits. */
const SPREAD = 0x9e37_79b1;

const mix = (hash: number, word: number): number => {
  const next = Math.imul(hash ^ word, SPREAD);
  return next ^ (next >>> 15);
};

/** What was made of a question and the response to it, by the bytes of both. Hot. */
export class AnswerTexts {
  /** Of each place: lengths of question and response, length of the text, the rest of the key; then the text. */
  readonly #words = new Uint32Array(ANSWER_SLOTS * PLACE_WORDS);
  readonly #bytes = new Uint8Array(this.#words.buffer);
  /** The key of the query that was looked for last, and the place that is its own; below 0: it has none. */
  readonly #key = new Uint32Array(KEY_WORDS_MAX);
  #count = 0;
  #place = -1;

  /** Appends what was kept of the same bytes, for which there is room; false: nothing was. */
  put(query: RingQuery, piece: Piece): boolean {
    const hash = this.#readKey(query);
    const count = this.#count;
    this.#place = -1;
    if (count === 0) return false;
    const place = (hash & (ANSWER_SLOTS - 1)) * PLACE_WORDS;
    this.#place = place;
    const words = this.#words;
    const key = this.#key;
    if (words[place] !== key[0]) return false;
    for (let i = 2; i < count; i++) if (words[place + i] !== key[i]) return false;
    piece.copy(this.#bytes, (place + count) * WORD_BYTES, words[place + 1] ?? 0);
    return true;
  }

  /** Keeps what was made of the query that was looked for last. */
  keep(bytes: Uint8Array, start: number, end: number): void {
    const place = this.#place;
    const count = this.#count;
    if (place < 0 || (end - start + 3) >>> 2 > PLACE_WORDS - count) return;
    const words = this.#words;
    for (let i = 0; i < count; i++) words[place + i] = this.#key[i] ?? 0;
    words[place + 1] = end - start;
    copyNative.call(bytes, this.#bytes, (place + count) * WORD_BYTES, start, end);
  }

  /**
   * Writes down what a text depends on: the question, and the response without its ID. Returns where to look; what is no
   * plain question, or is too long, has no key.
   */
  #readKey({ bytes, words, queryStart, queryLength, responseStart, responseLength }: RingQuery): number {
    this.#count = 0;
    const first = queryStart + HEADER_LENGTH;
    const end = questionEnd(bytes, queryStart, queryLength);
    const responseWords = (responseLength + 3) >>> 2;
    if (
      end < 0 ||
      responseLength < HEADER_LENGTH ||
      ((end - first) >>> 2) + responseWords + 4 > KEY_WORDS_MAX
    )
      return 0;
    const key = this.#key;
    // Lengths first, so that no key is the beginning of another.
    key[0] = (end - first) | (responseLength << 16);
    let count = 2;
    let hash = 0;
    let at = first;
    for (; at + WORD_BYTES <= end; at += WORD_BYTES) {
      const word = words[at >>> 2] ?? 0;
      key[count++] = word;
      hash = mix(hash, word);
    }
    let last = 0;
    for (; at < end; at++) last = (last << 8) | (bytes[at] ?? 0);
    key[count++] = last;
    hash = mix(hash, last);
    key[count++] = ((bytes[responseStart + 2] ?? 0) << 8) | (bytes[responseStart + 3] ?? 0);
    const response = responseStart >>> 2;
    for (let i = 1; i < responseWords; i++) key[count++] = words[response + i] ?? 0;
    this.#count = count;
    return hash;
  }
}

/** Where the one question of a query ends; below 0: it has none, or not one. */
const questionEnd = (bytes: Uint8Array, start: number, length: number): number => {
  const end = start + length;
  if (length < HEADER_LENGTH || bytes[start + 4] !== 0 || bytes[start + 5] !== 1) return -1;
  let at = start + HEADER_LENGTH;
  while (at < end) {
    const label = bytes[at++] ?? 0;
    if (label === 0) return at + 4 <= end ? at + 4 : -1;
    if (label > 63) return -1;
    at += label;
  }
  return -1;
};

/** What decided a query. */
interface Decision {
  readonly generation: number;
  readonly group: number;
  readonly list: number;
  readonly line: number;
  readonly ways: number;
  readonly forwarder: number;
  readonly text: Uint8Array;
}

/** What was made of how queries were decided, and came about. Hot. */
export class DecisionTexts {
  readonly #kept = new Array<Decision | undefined>(DECISION_SLOTS).fill(undefined);
  readonly #make: (query: RingQuery) => Uint8Array;

  /** `make` looks at generation, group, list, line, source, validation, transport and forwarder, and at nothing else. */
  constructor(make: (query: RingQuery) => Uint8Array) {
    this.#make = make;
  }

  /** The text of a query's. */
  of(query: RingQuery): Uint8Array {
    const { generation, group, list, line, forwarder } = query;
    const ways = query.source | (query.validation << 8) | (query.transport << 16);
    const slot =
      mix(mix(mix(ways, generation ^ (forwarder << 16)), (list << 16) ^ group), line) & (DECISION_SLOTS - 1);
    const known = this.#kept[slot];
    const isSame =
      known !== undefined &&
      known.generation === generation &&
      known.group === group &&
      known.list === list &&
      known.line === line &&
      known.ways === ways &&
      known.forwarder === forwarder;
    if (isSame) return known.text;
    const text = this.#make(query);
    this.#kept[slot] = { generation, group, list, line, ways, forwarder, text };
    return text;
  }
}
