// Events of queries on their way from a worker to the recorder: a ring in shared memory with one writer and one reader.
// Hot file: write() runs for each refusal.
//
// The writer never waits: an event that finds no room is lost and counted. The reader frees events only once what it
// made of them is safe, and reads them again until then, also one that was started anew. A position counts units for
// ever, in 32 bits that run over; each is written by one side with an atomic store after the bytes it speaks of, and
// read by the other with an atomic load before, which orders them. A worker that dies amid an event has not yet stored
// its position, so that nobody sees half of one.
//
// A reader sleeps while little comes, and hangs up a bell for the case that much does: the units that are not freed at
// which the writer wakes it.
//
//   header   head (units written) · tail (units freed) · events lost, bell: each on a cache line of its own
//   ring     a power of two of units of 8 bytes; an event is in one piece, and where it does not fit before the end
//            a filler takes the place that is left
//
//   event, 32-bit words:  0 mark, units            6 … 9   client's address    13 line
//                         1 kind, transport, …     10 port, ID                 14 exemption
//                         2 3 time (a double)      11 generation               15 QTYPE, flags
//                         4 RCODE + 1, EDE + 1     12 group, list + 1, signal + 1
//                         5 lengths of QNAME, target and device, forwarder + 1; then the bytes of all three from word 16

import { EVENT } from '../../base/words/words.ts';
import { foldByte, NAME_LENGTH_MAX } from '../../wire/dns/dns.ts';
import { DEVICE_BYTES_MAX, type EventObserver, type QueryEvent, RingEvent } from './query-event.ts';

/** Bytes of a unit: the time in an event is a double. */
const UNIT_BYTES = 8;
const WORD_BYTES = 4;
const UNIT_WORDS = UNIT_BYTES / WORD_BYTES;
/** More than the cache line of any machine, so that the two sides do not slow each other. */
const LINE_BYTES = 128;
const HEADER_BYTES = 3 * LINE_BYTES;
const HEAD = 0;
const TAIL = LINE_BYTES / WORD_BYTES;
const LOST = (2 * LINE_BYTES) / UNIT_BYTES;
/** 0: no bell hangs. */
const BELL = (2 * LINE_BYTES + UNIT_BYTES) / WORD_BYTES;

const EVENT_WORDS = 16;
const EVENT_BYTES = EVENT_WORDS * WORD_BYTES;
const EVENT_UNITS_MIN = EVENT_BYTES / UNIT_BYTES;
/** With a QNAME, a target and a device of the longest names. */
const EVENT_UNITS_MAX = Math.ceil((EVENT_BYTES + 2 * NAME_LENGTH_MAX + DEVICE_BYTES_MAX) / UNIT_BYTES);
/** The upper half of an event's first word, and of a filler's: tell them from whatever else may stand there. */
const EVENT_MARK = 0xe7a1_0000;
const FILLER_MARK = 0xf1e5_0000;
const MARK_MASK = 0xffff_0000;
const UNITS_MASK = 0xffff;
/** In the lengths: the target is an address of 16 bytes. */
const ADDRESS_MARK = 0x1_0000;
/** In the lengths: where that of the device begins. */
const DEVICE_SHIFT = 17;
const DEVICE_MASK = 0x7f;
/** In the lengths: where the forwarder stands. */
const FORWARDER_SHIFT = 24;
const ADDRESS_BYTES = 16;
const KIND_MAX = EVENT.BYPASS;

/**
 * Bytes of a ring unless told otherwise. An event takes some 96, so there is room for 40,000: what a worker at full
 * load refuses in a fifth of a second, and a reader looks more often; at the rates of a network, an hour.
 */
const RING_BYTES_DEFAULT = 4 * 1024 * 1024;
/** Positions are told apart up to half of 2^32 units; nobody needs more than this, which is far below. */
const RING_BYTES_MAX = 1024 * 1024 * 1024;

/**
 * Words of an event that tell apart two queries of one attempt, of which its time takes two; and some by which attempts
 * differ: client (four), line, type, and the names behind the rest.
 */
export const EVENT_WORD = { TIME: 2, CLIENT: 6, PORT: 10, LINE: 13, TYPE: 15, NAMES: EVENT_WORDS } as const;

/** Knows events by their words, so that those that it takes need not be opened. */
export interface EventGlance {
  /** True when the event in `words` from `start` to `end` was taken. The words are valid during the call only. */
  takes(words: Uint32Array, start: number, end: number, timeMs: number): boolean;
}

/** Memory for the events of one worker: `sizeBytes`, a power of two, and a header. */
export const createEventRing = (sizeBytes = RING_BYTES_DEFAULT): SharedArrayBuffer => {
  const isPower = Number.isInteger(Math.log2(sizeBytes));
  // The longest event and what may be left before the end have to fit together, or it would never find room.
  if (!isPower || sizeBytes < 2 * EVENT_UNITS_MAX * UNIT_BYTES || sizeBytes > RING_BYTES_MAX) {
    throw new RangeError(`creating a ring of events: ${sizeBytes} bytes`);
  }
  return new SharedArrayBuffer(HEADER_BYTES + sizeBytes);
};

/** Writes events; one for each ring. A worker that takes the place of one that died goes on where that one was. */
export class EventWriter implements EventObserver {
  readonly #positions: Int32Array;
  readonly #doubles: Float64Array;
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #units: number;
  #head: number;
  /** What the tail was when it was looked at last: looked at again only when there seems to be no room. */
  #tail: number;

  constructor(ring: SharedArrayBuffer) {
    this.#positions = new Int32Array(ring, 0, HEADER_BYTES / WORD_BYTES);
    this.#doubles = new Float64Array(ring);
    this.#words = new Uint32Array(ring, HEADER_BYTES);
    this.#bytes = new Uint8Array(ring, HEADER_BYTES);
    this.#units = this.#bytes.length / UNIT_BYTES;
    this.#head = Atomics.load(this.#positions, HEAD);
    this.#tail = Atomics.load(this.#positions, TAIL);
  }

  /** Writes an event; false when there is no room for it, which is counted. */
  write(event: QueryEvent): boolean {
    const { qnameLength, targetAddress } = event;
    const targetLength = targetAddress === undefined ? event.targetLength : ADDRESS_BYTES;
    const { device } = event;
    const deviceLength = device === undefined ? 0 : device.length;
    const units = (EVENT_BYTES + qnameLength + targetLength + deviceLength + UNIT_BYTES - 1) >>> 3;
    let at = this.#head & (this.#units - 1);
    const before = at + units > this.#units ? this.#units - at : 0;
    if (!this.#hasRoom(before + units)) {
      this.#doubles[LOST] = (this.#doubles[LOST] ?? 0) + 1;
      return false;
    }
    if (before > 0) {
      this.#words[at * UNIT_WORDS] = (FILLER_MARK | before) >>> 0;
      at = 0;
    }
    const words = this.#words;
    const bytes = this.#bytes;
    // Equal events are equal to their last word.
    words[(at + units) * UNIT_WORDS - 2] = 0;
    words[(at + units) * UNIT_WORDS - 1] = 0;
    this.#writeFields(event, at * UNIT_WORDS, units);
    words[at * UNIT_WORDS + 5] =
      qnameLength |
      (targetLength << 8) |
      (targetAddress === undefined ? 0 : ADDRESS_MARK) |
      (deviceLength << DEVICE_SHIFT) |
      ((event.forwarder + 1) << FORWARDER_SHIFT);
    const qnameAt = at * UNIT_BYTES + EVENT_BYTES;
    const { query, qnameStart } = event;
    // Letters as they were sent: the reader has the time to fold them.
    for (let i = 0; i < qnameLength; i++) bytes[qnameAt + i] = query[qnameStart + i] ?? 0;
    const targetAt = qnameAt + qnameLength;
    if (targetAddress === undefined) {
      const { target } = event;
      for (let i = 0; i < targetLength; i++) bytes[targetAt + i] = target[i] ?? 0;
    } else {
      for (let i = 0; i < ADDRESS_BYTES; i++) {
        bytes[targetAt + i] = ((targetAddress[i >>> 2] ?? 0) >>> (24 - 8 * (i & 3))) & 0xff;
      }
    }
    const deviceAt = targetAt + targetLength;
    for (let i = 0; i < deviceLength; i++) bytes[deviceAt + i] = device?.[i] ?? 0;
    this.#head = (this.#head + before + units) | 0;
    Atomics.store(this.#positions, HEAD, this.#head);
    const bell = Atomics.load(this.#positions, BELL);
    if (bell !== 0) this.#ring(bell);
    return true;
  }

  #ring(bell: number): void {
    if (((this.#head - Atomics.load(this.#positions, TAIL)) | 0) < bell) return;
    // The writer that takes it down rings it, once each time that it hangs.
    if (Atomics.exchange(this.#positions, BELL, 0) !== 0) Atomics.notify(this.#positions, BELL);
  }

  #hasRoom(units: number): boolean {
    if (((this.#head - this.#tail) | 0) + units <= this.#units) return true;
    this.#tail = Atomics.load(this.#positions, TAIL);
    return ((this.#head - this.#tail) | 0) + units <= this.#units;
  }

  #writeFields(event: QueryEvent, word: number, units: number): void {
    const words = this.#words;
    const { address } = event;
    words[word] = (EVENT_MARK | units) >>> 0;
    words[word + 1] =
      event.kind | (event.transport << 8) | (event.rule.trigger << 16) | (event.rule.match << 24);
    this.#doubles[(HEADER_BYTES + (word + 2) * WORD_BYTES) / UNIT_BYTES] = event.timeMs;
    words[word + 4] = ((event.rcode + 1) << 17) | (event.edeCode + 1);
    for (let i = 0; i < 4; i++) words[word + 6 + i] = address[i] ?? 0;
    words[word + 10] = event.port | (event.id << 16);
    words[word + 11] = event.generation;
    words[word + 12] = (event.group & 0xffff) | ((event.rule.list + 1) << 16) | ((event.signal + 1) << 24);
    words[word + 13] = event.rule.line;
    words[word + 14] = event.rule.exemption;
    words[word + 15] = event.qtype | (event.flags << 16);
  }
}

/** Reads events; one for each ring. One that takes the place of another reads again what that one had not freed. */
export class EventReader {
  /** True once bytes were met that no writer wrote: nothing more is read. See discard(). */
  isDamaged = false;
  readonly #positions: Int32Array;
  readonly #doubles: Float64Array;
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #units: number;
  readonly #event = new RingEvent();
  #tail: number;
  /** Up to where was read. */
  #at: number;

  constructor(ring: SharedArrayBuffer) {
    this.#positions = new Int32Array(ring, 0, HEADER_BYTES / WORD_BYTES);
    this.#doubles = new Float64Array(ring);
    this.#words = new Uint32Array(ring, HEADER_BYTES);
    this.#bytes = new Uint8Array(ring, HEADER_BYTES);
    this.#units = this.#bytes.length / UNIT_BYTES;
    this.#tail = Atomics.load(this.#positions, TAIL);
    this.#at = this.#tail;
  }

  /** Events that found no room since the ring was made. */
  get dropped(): number {
    return this.#doubles[LOST] ?? 0;
  }

  /** Bytes of events that are not freed. */
  get backlogBytes(): number {
    // The tail as it stands there: somebody else may be the reader that frees.
    return ((Atomics.load(this.#positions, HEAD) - Atomics.load(this.#positions, TAIL)) >>> 0) * UNIT_BYTES;
  }

  /**
   * Hands out at most `max` events that were not read before, in their order; returns how many. The event is valid
   * during the call only. What `glance` takes is handed out no more, and counts.
   */
  read(max: number, take: (event: RingEvent) => void, glance?: EventGlance): number {
    const head = Atomics.load(this.#positions, HEAD);
    let count = 0;
    while (count < max && !this.isDamaged && this.#at !== head) {
      const at = this.#at & (this.#units - 1);
      const left = (head - this.#at) >>> 0;
      const units = left > this.#units ? -1 : this.#unitsAt(at, left);
      if (units < 0) {
        this.isDamaged = true;
        break;
      }
      const isEvent = ((this.#words[at * UNIT_WORDS] ?? 0) & MARK_MASK) >>> 0 === EVENT_MARK;
      this.#at = (this.#at + units) | 0;
      if (!isEvent) continue;
      count++;
      const word = at * UNIT_WORDS;
      if (glance?.takes(this.#words, word, word + units * UNIT_WORDS, this.#timeAt(word)) === true) continue;
      this.#open(at);
      take(this.#event);
    }
    return count;
  }

  /** Frees what was read: it is safe elsewhere. */
  release(): void {
    this.#tail = this.#at;
    Atomics.store(this.#positions, TAIL, this.#tail);
  }

  /** Resolves once so many bytes of events are not freed; one call at a time. @cold */
  filled(bytes: number): Promise<void> {
    const units = Math.ceil(bytes / UNIT_BYTES);
    Atomics.store(this.#positions, BELL, units);
    // What was written before the bell hung did not ring it.
    if (this.backlogBytes >= bytes && Atomics.exchange(this.#positions, BELL, 0) !== 0) {
      return Promise.resolve();
    }
    const waiting = Atomics.waitAsync(this.#positions, BELL, units);
    return waiting.async ? waiting.value.then(() => {}) : Promise.resolve();
  }

  /** The bell that hangs rings at so many bytes from now on. One that has rung stays down. @cold */
  rehang(bytes: number): void {
    const units = Math.ceil(bytes / UNIT_BYTES);
    const before = Atomics.load(this.#positions, BELL);
    if (before === 0 || before === units) return;
    if (Atomics.compareExchange(this.#positions, BELL, before, units) !== before) return;
    // As in filled().
    if (this.backlogBytes >= bytes && Atomics.exchange(this.#positions, BELL, 0) !== 0)
      Atomics.notify(this.#positions, BELL);
  }

  /** Frees everything unread: the way on behind damage. Returns how many bytes that were. */
  discard(): number {
    const head = Atomics.load(this.#positions, HEAD);
    const bytes = ((head - this.#at) >>> 0) * UNIT_BYTES;
    this.#at = head;
    this.isDamaged = false;
    this.release();
    return Math.min(bytes, this.#bytes.length);
  }

  /** Units of the event or filler at a place, of which `left` are written; -1 when there is none that makes sense. */
  #unitsAt(at: number, left: number): number {
    const first = this.#words[at * UNIT_WORDS] ?? 0;
    const units = first & UNITS_MASK;
    const mark = (first & MARK_MASK) >>> 0;
    if (units === 0 || units > EVENT_UNITS_MAX || units > left || at + units > this.#units) return -1;
    if (mark === FILLER_MARK) return at + units === this.#units ? units : -1;
    if (mark !== EVENT_MARK || units < EVENT_UNITS_MIN) return -1;
    const lengths = this.#words[at * UNIT_WORDS + 5] ?? 0;
    const targetLength = (lengths >>> 8) & 0xff;
    const deviceLength = (lengths >>> DEVICE_SHIFT) & DEVICE_MASK;
    const bytes = EVENT_BYTES + (lengths & 0xff) + targetLength + deviceLength;
    const isAddress = (lengths & ADDRESS_MARK) !== 0;
    const isSound =
      Math.ceil(bytes / UNIT_BYTES) === units &&
      (!isAddress || targetLength === ADDRESS_BYTES) &&
      deviceLength <= DEVICE_BYTES_MAX &&
      ((this.#words[at * UNIT_WORDS + 1] ?? 0) & 0xff) <= KIND_MAX;
    return isSound ? units : -1;
  }

  #timeAt(word: number): number {
    return this.#doubles[(HEADER_BYTES + (word + EVENT_WORD.TIME) * WORD_BYTES) / UNIT_BYTES] ?? 0;
  }

  #open(at: number): void {
    const event = this.#event;
    const words = this.#words;
    const word = at * UNIT_WORDS;
    const kinds = words[word + 1] ?? 0;
    const codes = words[word + 4] ?? 0;
    const lengths = words[word + 5] ?? 0;
    const places = words[word + 12] ?? 0;
    event.kind = kinds & 0xff;
    event.transport = (kinds >>> 8) & 0xff;
    event.rule.trigger = (kinds >>> 16) & 0xff;
    event.rule.match = kinds >>> 24;
    event.timeMs = this.#timeAt(word);
    event.rcode = (codes >>> 17) - 1;
    event.edeCode = (codes & 0x1_ffff) - 1;
    for (let i = 0; i < 4; i++) event.address[i] = words[word + 6 + i] ?? 0;
    event.port = (words[word + 10] ?? 0) & 0xffff;
    event.id = (words[word + 10] ?? 0) >>> 16;
    event.generation = words[word + 11] ?? 0;
    event.group = places & 0xffff;
    event.rule.list = ((places >>> 16) & 0xff) - 1;
    event.signal = (places >>> 24) - 1;
    event.rule.line = words[word + 13] ?? 0;
    event.rule.exemption = words[word + 14] ?? 0;
    event.qtype = (words[word + 15] ?? 0) & 0xffff;
    event.flags = (words[word + 15] ?? 0) >>> 16;
    this.#openNames(at * UNIT_BYTES + EVENT_BYTES, lengths);
  }

  #openNames(start: number, lengths: number): void {
    const event = this.#event;
    const bytes = this.#bytes;
    const qnameLength = lengths & 0xff;
    const targetLength = (lengths >>> 8) & 0xff;
    event.qnameLength = qnameLength;
    for (let i = 0; i < qnameLength; i++) event.qname[i] = foldByte(bytes[start + i] ?? 0);
    const target = start + qnameLength;
    event.deviceLength = (lengths >>> DEVICE_SHIFT) & DEVICE_MASK;
    event.forwarder = (lengths >>> FORWARDER_SHIFT) - 1;
    for (let i = 0; i < event.deviceLength; i++) event.device[i] = bytes[target + targetLength + i] ?? 0;
    event.hasTargetAddress = (lengths & ADDRESS_MARK) !== 0;
    event.targetLength = event.hasTargetAddress ? 0 : targetLength;
    if (!event.hasTargetAddress) {
      for (let i = 0; i < targetLength; i++) event.target[i] = bytes[target + i] ?? 0;
      return;
    }
    for (let i = 0; i < 4; i++) {
      const at = target + 4 * i;
      event.targetAddress[i] =
        (((bytes[at] ?? 0) << 24) |
          ((bytes[at + 1] ?? 0) << 16) |
          ((bytes[at + 2] ?? 0) << 8) |
          (bytes[at + 3] ?? 0)) >>>
        0;
    }
  }
}
