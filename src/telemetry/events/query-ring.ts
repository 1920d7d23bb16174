// Every query with its answer on the way from a worker to the query log: a ring in shared memory with one writer and one
// reader. Hot file: write() runs for each query while a log is kept.
//
// As the ring of events, and simpler: nobody waits, what finds no room is counted, and what was read is freed at once,
// because a log of all queries is no evidence. The messages stand in it as they came and went; the reader makes of
// them whatever its outputs want, and the worker none of it.
//
//   header   head (units written) · tail (units freed) · entries lost: each on a cache line of its own
//   ring     a power of two of units of 8 bytes; an entry is in one piece, and a filler takes what is left at the end, which
//            comes early where the reader has everything
//
//   entry, 32-bit words:  0 mark, units            6 … 9   address of the client, or of the upstream
//                         1 kind, transport, …     10 port, group + 1         12 line of the rule
//                         2 3 time (a double)      11 generation              13 lengths of query and response
//                         4 milliseconds taken     5 list + 1             14 forwarder + 1, length of the device's name
//
//   then the bytes of the query, and of the response and the device's name, each from the next whole word on; zeros fill
//   the last word of each message, so that they can be compared by words

import { type AddressWords, createAddress } from '../../base/base.ts';
import { DEVICE_BYTES_MAX } from './query-event.ts';

const UNIT_BYTES = 8;
const WORD_BYTES = 4;
const UNIT_WORDS = UNIT_BYTES / WORD_BYTES;
/** More than the cache line of any machine. */
const LINE_BYTES = 128;
const HEADER_BYTES = 3 * LINE_BYTES;
const HEAD = 0;
const TAIL = LINE_BYTES / WORD_BYTES;
const LOST = (2 * LINE_BYTES) / UNIT_BYTES;

const ENTRY_WORDS = 15;
const ENTRY_BYTES = ENTRY_WORDS * WORD_BYTES;
/** Two messages of the longest, and a name of a device. */
const ENTRY_UNITS_MAX = Math.ceil((ENTRY_BYTES + 2 * 65_536 + DEVICE_BYTES_MAX) / UNIT_BYTES);
const ENTRY_MARK = 0x9e10_0000;
const FILLER_MARK = 0xf1e0_0000;
const MARK_MASK = 0xfff0_0000;
const UNITS_MASK = 0x000f_ffff;
/** From here on one call of native code is quicker than a loop over bytes. */
const NATIVE_COPY_BYTES = 96;
/**
 * As much as a processor has near, and no less than an entry: where the reader has everything, the ring begins anew behind it,
 * and the rest stays untouched.
 */
const NEAR_UNITS = ENTRY_UNITS_MAX;
/** An entry takes some 250 bytes: room for what a worker at full load answers in a third of a second. */
const RING_BYTES_DEFAULT = 8 << 20;

/** What an entry tells of. */
export const LOGGED = {
  /** A query of a client. */
  CLIENT: 0,
  /** One that was sent to an upstream. */
  UPSTREAM: 1,
} as const;

/** What validation made of an answer (RFC 4033 section 5), as far as it is known. */
export const VALIDATION = { NONE: 0, SECURE: 1, BOGUS: 2 } as const;

/** What is told in numbers, written and read. Below 0: none. */
class LoggedNumbers {
  /** LOGGED. */
  kind: number = LOGGED.CLIENT;
  /** When the answer was there, milliseconds since the epoch. */
  timeMs = 0;
  /** How long it took. */
  tookMs = 0;
  /** TRANSPORT. */
  transport = 0;
  /** SOURCE. */
  source = 0;
  /** VALIDATION. */
  validation = 0;
  port = 0;
  /** Group and list belong to the generation. */
  generation = 0;
  group = -1;
  list = -1;
  line = 0;
  /** Index of who said who asks. */
  forwarder = -1;
  queryLength = 0;
  /** 0: nothing was answered. */
  responseLength = 0;
}

/** A query as it is written: it points at what the writer has. */
export class LoggedQuery extends LoggedNumbers {
  address: AddressWords = createAddress();
  query: Uint8Array = EMPTY;
  response: Uint8Array = EMPTY;
  /** The name of the client's device in UTF-8, at most DEVICE_BYTES_MAX; undefined: nobody knows it. */
  device: Uint8Array | undefined = undefined;
}

const EMPTY = new Uint8Array(0);

/** A query as it is read: the bytes are the ring's, and valid during the call only. */
export class RingQuery extends LoggedNumbers {
  readonly address: AddressWords = createAddress();
  readonly bytes: Uint8Array;
  /** The same memory; both messages begin at a whole word, and zeros fill the last one. */
  readonly words: Uint32Array;
  queryStart = 0;
  responseStart = 0;
  deviceStart = 0;
  /** 0: nobody knows the device. */
  deviceLength = 0;

  constructor(bytes: Uint8Array, words: Uint32Array) {
    super();
    this.bytes = bytes;
    this.words = words;
  }
}

/** Is told of every query; a few memory operations. */
export interface QueryObserver {
  /** False for a query that is left out of the sample: nothing has to be gathered for it. */
  wants(): boolean;
  write(query: LoggedQuery): void;
}

/** What a worker is given of a query log. */
export interface QueryLogShare {
  readonly ring: SharedArrayBuffer;
  /** Of so many queries one is logged. */
  readonly sample: number;
  /** Somebody wants what upstreams are asked as well. */
  readonly hasUpstreams: boolean;
}

/** Memory for the queries of one worker. @cold */
export const createQueryRing = (sizeBytes = RING_BYTES_DEFAULT): SharedArrayBuffer => {
  const isPower = Number.isInteger(Math.log2(sizeBytes));
  if (!isPower || sizeBytes < 2 * ENTRY_UNITS_MAX * UNIT_BYTES || sizeBytes > 1 << 30)
    throw new RangeError(`creating a ring of queries: ${sizeBytes} bytes`);
  return new SharedArrayBuffer(HEADER_BYTES + sizeBytes);
};

/** Writes queries; one for each ring. */
export class QueryRingWriter implements QueryObserver {
  readonly #positions: Int32Array;
  readonly #doubles: Float64Array;
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #units: number;
  readonly #sample: number;
  #head: number;
  #tail: number;
  /** Of the sample: xorshift, so that what asks at a rhythm is neither always nor never in it. */
  #random = 0x9e37_79b9;

  constructor({ ring, sample }: Pick<QueryLogShare, 'ring' | 'sample'>) {
    this.#positions = new Int32Array(ring, 0, HEADER_BYTES / WORD_BYTES);
    this.#doubles = new Float64Array(ring);
    this.#words = new Uint32Array(ring, HEADER_BYTES);
    this.#bytes = new Uint8Array(ring, HEADER_BYTES);
    this.#units = this.#bytes.length / UNIT_BYTES;
    this.#sample = sample;
    this.#head = Atomics.load(this.#positions, HEAD);
    this.#tail = Atomics.load(this.#positions, TAIL);
  }

  wants(): boolean {
    if (this.#sample <= 1) return true;
    let next = this.#random;
    next ^= next << 13;
    next ^= next >>> 17;
    next ^= next << 5;
    this.#random = next;
    return (next >>> 0) % this.#sample === 0;
  }

  write(entry: LoggedQuery): void {
    const { queryLength, responseLength, query, response, address } = entry;
    const queryWords = (queryLength + 3) >>> 2;
    const responseWords = (responseLength + 3) >>> 2;
    const { device } = entry;
    const deviceLength = device === undefined ? 0 : device.length;
    const units = (ENTRY_WORDS + queryWords + responseWords + ((deviceLength + 3) >>> 2) + 1) >>> 1;
    let at = this.#head & (this.#units - 1);
    const before = at + units > this.#units || (at >= NEAR_UNITS && this.#isEmpty()) ? this.#units - at : 0;
    if (!this.#hasRoom(before + units)) {
      this.#doubles[LOST] = (this.#doubles[LOST] ?? 0) + 1;
      return;
    }
    const words = this.#words;
    if (before > 0) {
      words[at * UNIT_WORDS] = (FILLER_MARK | before) >>> 0;
      at = 0;
    }
    const word = at * UNIT_WORDS;
    words[word] = (ENTRY_MARK | units) >>> 0;
    words[word + 1] =
      entry.kind | (entry.transport << 8) | ((entry.source + 1) << 16) | (entry.validation << 24);
    this.#doubles[(HEADER_BYTES + (word + 2) * WORD_BYTES) / UNIT_BYTES] = entry.timeMs;
    words[word + 4] = entry.tookMs;
    words[word + 5] = entry.list + 1;
    for (let i = 0; i < 4; i++) words[word + 6 + i] = address[i] ?? 0;
    words[word + 10] = entry.port | ((entry.group + 1) << 16);
    words[word + 11] = entry.generation;
    words[word + 12] = entry.line;
    words[word + 13] = queryLength | (responseLength << 16);
    words[word + 14] = (entry.forwarder + 1) | (deviceLength << 16);
    const queryWord = word + ENTRY_WORDS;
    const responseWord = queryWord + queryWords;
    if (queryLength > 0) words[responseWord - 1] = 0;
    if (responseLength > 0) words[responseWord + responseWords - 1] = 0;
    copyBytes(query, queryLength, this.#bytes, queryWord * WORD_BYTES);
    copyBytes(response, responseLength, this.#bytes, responseWord * WORD_BYTES);
    if (device !== undefined)
      copyBytes(device, deviceLength, this.#bytes, (responseWord + responseWords) * WORD_BYTES);
    this.#head = (this.#head + before + units) | 0;
    Atomics.store(this.#positions, HEAD, this.#head);
  }

  #isEmpty(): boolean {
    this.#tail = Atomics.load(this.#positions, TAIL);
    return this.#tail === this.#head;
  }

  #hasRoom(units: number): boolean {
    if (((this.#head - this.#tail) | 0) + units <= this.#units) return true;
    this.#tail = Atomics.load(this.#positions, TAIL);
    return ((this.#head - this.#tail) | 0) + units <= this.#units;
  }
}

/** Copies the first bytes of a message. */
const copyBytes = (source: Uint8Array, length: number, target: Uint8Array, at: number): void => {
  if (length >= NATIVE_COPY_BYTES) copyNative.call(source, target, at, 0, length);
  else for (let i = 0; i < length; i++) target[at + i] = source[i] ?? 0;
};

/** Takes any array of bytes, and makes no object for a part of one. */
const copyNative = (Buffer.prototype as Buffer).copy;

/** Reads queries; one for each ring. */
export class QueryRingReader {
  readonly #positions: Int32Array;
  readonly #doubles: Float64Array;
  readonly #words: Uint32Array;
  readonly #units: number;
  readonly #query: RingQuery;
  #at: number;
  #damages = 0;

  constructor(ring: SharedArrayBuffer) {
    this.#positions = new Int32Array(ring, 0, HEADER_BYTES / WORD_BYTES);
    this.#doubles = new Float64Array(ring);
    this.#words = new Uint32Array(ring, HEADER_BYTES);
    this.#query = new RingQuery(new Uint8Array(ring, HEADER_BYTES), this.#words);
    this.#units = this.#query.bytes.length / UNIT_BYTES;
    this.#at = Atomics.load(this.#positions, TAIL);
  }

  /** Queries that found no room since the ring was made. */
  get lost(): number {
    return (this.#doubles[LOST] ?? 0) + this.#damages;
  }

  /** Hands out at most `max` queries in their order and frees them; returns how many. */
  read(max: number, take: (query: RingQuery) => void): number {
    const head = Atomics.load(this.#positions, HEAD);
    let count = 0;
    while (count < max && this.#at !== head) {
      const at = this.#at & (this.#units - 1);
      const first = this.#words[at * UNIT_WORDS] ?? 0;
      const mark = (first & MARK_MASK) >>> 0;
      const units = first & UNITS_MASK;
      const isKnown = mark === ENTRY_MARK || mark === FILLER_MARK;
      if (!isKnown || units === 0 || units > this.#units) {
        // Nobody wrote this: on with what comes next. How many that were, nobody knows.
        this.#damages++;
        this.#at = head;
        break;
      }
      this.#at = (this.#at + units) | 0;
      if (mark === FILLER_MARK) continue;
      count++;
      this.#open(at);
      take(this.#query);
    }
    Atomics.store(this.#positions, TAIL, this.#at);
    return count;
  }

  #open(at: number): void {
    const query = this.#query;
    const words = this.#words;
    const word = at * UNIT_WORDS;
    const kinds = words[word + 1] ?? 0;
    const places = words[word + 10] ?? 0;
    const lengths = words[word + 13] ?? 0;
    query.kind = kinds & 0xff;
    query.transport = (kinds >>> 8) & 0xff;
    query.source = ((kinds >>> 16) & 0xff) - 1;
    query.validation = kinds >>> 24;
    query.timeMs = this.#doubles[(HEADER_BYTES + (word + 2) * WORD_BYTES) / UNIT_BYTES] ?? 0;
    query.tookMs = words[word + 4] ?? 0;
    query.list = (words[word + 5] ?? 0) - 1;
    for (let i = 0; i < 4; i++) query.address[i] = words[word + 6 + i] ?? 0;
    query.port = places & 0xffff;
    query.group = (places >>> 16) - 1;
    query.generation = words[word + 11] ?? 0;
    query.line = words[word + 12] ?? 0;
    query.queryLength = lengths & 0xffff;
    query.responseLength = lengths >>> 16;
    query.queryStart = at * UNIT_BYTES + ENTRY_BYTES;
    query.responseStart = query.queryStart + ((query.queryLength + 3) & ~3);
    query.deviceStart = query.responseStart + ((query.responseLength + 3) & ~3);
    const others = words[word + 14] ?? 0;
    query.forwarder = (others & 0xffff) - 1;
    query.deviceLength = others >>> 16;
  }
}
