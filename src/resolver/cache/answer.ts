// An answer as it is kept: the part of an upstream's message that clients get, and what is known about it, packed
// into one run of bytes. packing.ts makes them. Hot file.
//
// Kept are header, question, ANSWER and, where it carries the proof (negative answers, DNSSEC), AUTHORITY; never
// ADDITIONAL, whose records nobody asked for. TTLs follow RFC 2181 section 8 (a set top bit means 0) and RFC 2308
// section 5 (a negative answer lives as long as its SOA says, and is not kept without one).
//
//   header     12 words: see WORD
//   addresses  TARGET_ADDRESS_WORDS words each
//   wire       header, question (folded) and records; flags are QR, RA and the RCODE; starts at a whole word
//   TTLs       2 bytes each: offset of a TTL field in wire
//   names      runs of [trigger][length][folded wire name]
//   plain      only when it differs: length of the wire and number of TTLs, 2 bytes each, wire and TTLs again, without
//              DNSSEC records and what stands in AUTHORITY for them; after the EDE
//   EDE        data of the first Extended DNS Error option that the upstream gave (RFC 8914), if any
import { readU16, TARGET_ADDRESS_WORDS, type Targets } from '../../wire/dns/dns.ts';

/** Bytes of a word. */
export const WORD_BYTES = 4;
/** Packed answers start at, and take, multiples of this: the time is a double. */
export const UNIT_BYTES = 8;

/** The header's words, from the start of a packed answer. NEXT, HASH and KEY_FLAGS belong to the cache. */
export const WORD = {
  /** Bytes of the whole, a multiple of UNIT_BYTES; the cache has marks in the top bits. */
  SIZE: 0,
  NEXT: 1,
  HASH: 2,
  /** Seconds. */
  LIFETIME: 3,
  /** Two words, a double: milliseconds. */
  STORED_AT: 4,
  /** Bytes of wire; number of TTLs above 16 bits. */
  WIRE: 6,
  /** Bytes of names; number of addresses above 16 bits. */
  TARGETS: 7,
  OVERFLOW: 8,
  KEY_FLAGS: 9,
  /** See Answer.unlistedGeneration. */
  UNLISTED: 10,
  /** Bytes of the EDE option's data; SECURE_MARK, PLAIN_MARK and COMPLETE_MARK above. */
  MARKS: 11,
} as const;
/** Words of the header. */
export const ANSWER_HEADER_WORDS = 12;
/** In the word MARKS: the data was validated. */
export const SECURE_MARK = 0x1_0000;
/** A form without DNSSEC records stands behind the EDE. */
export const PLAIN_MARK = 0x2_0000;
/** DNSSEC records were asked for: what is not there the zone does not have. */
export const COMPLETE_MARK = 0x4_0000;
/** Length of the wire and number of TTLs of the plain form. */
export const PLAIN_HEADER_BYTES = 4;
/** The bits of the word SIZE that are the size: below the marks of the cache. */
export const SIZE_MASK = 0x3fff_ffff;

/** The bytes in which packed answers lie. */
export class AnswerMemory {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  readonly doubles: Float64Array;

  /** `sizeBytes` is rounded down to whole units. */
  constructor(sizeBytes: number) {
    const buffer = new ArrayBuffer(Math.floor(sizeBytes / UNIT_BYTES) * UNIT_BYTES);
    this.bytes = new Uint8Array(buffer);
    this.words = new Uint32Array(buffer);
    this.doubles = new Float64Array(buffer);
  }
}

/** Where a packed answer leads to. */
class PackedTargets implements Targets {
  readonly names: Uint8Array;
  readonly addresses: Uint32Array;
  namesStart = 0;
  namesEnd = 0;
  addressesStart = 0;
  addressesEnd = 0;
  overflow = false;

  constructor(memory: AnswerMemory) {
    this.names = memory.bytes;
    this.addresses = memory.words;
  }
}

/** A packed answer as it is read: one object is pointed at many. */
export class Answer {
  readonly memory: AnswerMemory;
  readonly targets: PackedTargets;
  #hasPlain = false;
  #isPlain = false;
  /** Offset of the packed answer, a multiple of UNIT_BYTES. */
  at = 0;
  sizeBytes = 0;
  wireStart = 0;
  wireLength = 0;
  ttlCount = 0;
  /** Bytes of the data of an EDE option; 0: there is none. */
  edeLength = 0;
  /** DNSSEC validation, or a validator that is trusted, found the data secure (RFC 4033 section 5). */
  secure = false;
  /** It has what clients get that ask for DNSSEC records, and what the others get. */
  isComplete = false;
  storedAtMs = 0;
  /** The policy generation of which no rule, for whomever, concerns the question or where it leads; 0: not known. */
  unlistedGeneration = 0;
  /** Seconds that it may be used; 0: only for those who wait for it. */
  lifetimeSec = 0;

  constructor(memory: AnswerMemory) {
    this.memory = memory;
    this.targets = new PackedTargets(memory);
  }

  /** Points at the packed answer at an offset. */
  open(at: number): void {
    const { words, doubles } = this.memory;
    const { targets } = this;
    const word = at / WORD_BYTES;
    const wire = words[word + WORD.WIRE] ?? 0;
    const counts = words[word + WORD.TARGETS] ?? 0;
    this.at = at;
    this.sizeBytes = (words[word + WORD.SIZE] ?? 0) & SIZE_MASK;
    this.lifetimeSec = words[word + WORD.LIFETIME] ?? 0;
    this.storedAtMs = doubles[(word + WORD.STORED_AT) / 2] ?? 0;
    targets.overflow = words[word + WORD.OVERFLOW] !== 0;
    this.unlistedGeneration = words[word + WORD.UNLISTED] ?? 0;
    this.wireLength = wire & 0xffff;
    this.ttlCount = wire >>> 16;
    targets.addressesStart = word + ANSWER_HEADER_WORDS;
    targets.addressesEnd = targets.addressesStart + (counts >>> 16) * TARGET_ADDRESS_WORDS;
    this.wireStart = targets.addressesEnd * WORD_BYTES;
    targets.namesStart = this.ttlsStart + this.ttlCount * 2;
    targets.namesEnd = targets.namesStart + (counts & 0xffff);
    const marks = words[word + WORD.MARKS] ?? 0;
    this.secure = (marks & SECURE_MARK) !== 0;
    this.edeLength = marks & 0xffff;
    this.isComplete = (marks & COMPLETE_MARK) !== 0;
    this.#hasPlain = (marks & PLAIN_MARK) !== 0;
    this.#isPlain = false;
  }

  /** Shows the form for clients that ask for DNSSEC records, as open() does, or the one for the others. */
  choose(isDnssecOk: boolean): void {
    if (!this.#hasPlain || isDnssecOk !== this.#isPlain) return;
    if (isDnssecOk) {
      this.open(this.at);
      return;
    }
    this.#isPlain = true;
    const { bytes } = this.memory;
    const plainStart = this.edeEnd;
    this.wireLength = readU16(bytes, plainStart);
    this.ttlCount = readU16(bytes, plainStart + 2);
    this.wireStart = plainStart + PLAIN_HEADER_BYTES;
  }

  /** Notes that no rule of a policy generation concerns the question or where it leads. */
  markUnlisted(generation: number): void {
    this.memory.words[this.at / WORD_BYTES + WORD.UNLISTED] = generation;
    this.unlistedGeneration = generation;
  }

  /** The low four bits of the RCODE. */
  get rcode(): number {
    return (this.memory.bytes[this.wireStart + 3] ?? 0) & 0xf;
  }

  /** Offset of the places of the TTLs. */
  get ttlsStart(): number {
    return this.wireStart + this.wireLength;
  }

  /** Holds the wire form and the data of the EDE option. */
  get bytes(): Uint8Array {
    return this.memory.bytes;
  }

  /** Where the data of the EDE option lie; equal when there is none. */
  get edeStart(): number {
    return this.targets.namesEnd;
  }

  get edeEnd(): number {
    return this.edeStart + this.edeLength;
  }

  /** Offset in wire of the TTL field of the given number. */
  ttlOffset(index: number): number {
    return readU16(this.memory.bytes, this.ttlsStart + index * 2);
  }

  /** Header, question and records, as a view. Not per query. */
  get wire(): Uint8Array {
    return this.memory.bytes.subarray(this.wireStart, this.wireStart + this.wireLength);
  }
}

/** A copy in memory of its own, of an answer that is valid until the next one is made. Allocates. */
export const copyAnswer = ({ memory, at, sizeBytes }: Answer): Answer => {
  const own = new AnswerMemory(sizeBytes);
  own.bytes.set(memory.bytes.subarray(at, at + sizeBytes));
  const copy = new Answer(own);
  copy.open(0);
  return copy;
};
