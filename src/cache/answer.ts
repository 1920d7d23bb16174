// An answer as it is kept: the part of an upstream's message that clients get, and what is known about it, packed
// into one run of bytes. Hot file.
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
//
// Only records that answer the question are kept: those of the asked name and of the names that its CNAME and DNAME
// records lead to, and in AUTHORITY only the proof of a zone that holds the last of these names.
import {
  CLASS,
  copyName,
  expandName,
  expandRdata,
  FLAG,
  findEde,
  foldedName,
  foldName,
  HEADER_LENGTH,
  isInZone,
  isRdataReadable,
  MESSAGE_LENGTH_MAX,
  MessageBuilder,
  messageRcode,
  NAME_LENGTH_MAX,
  nameEquals,
  OPT_LENGTH,
  OPTION,
  questionEnd,
  RCODE,
  RecordReader,
  readU16,
  readU32,
  SECTION,
  TARGET_ADDRESS_WORDS,
  TargetCollector,
  type Targets,
  TYPE,
  UDP_LENGTH_MAX,
  writeOpt,
  writeOption,
  writeU16,
  writeU32,
} from '../dns/dns.ts';

/** Bounds for lifetimes, seconds. */
export interface TtlLimits {
  readonly minSec: number;
  readonly maxSec: number;
  readonly negativeMaxSec: number;
}

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
const SECURE_MARK = 0x1_0000;
/** A form without DNSSEC records stands behind the EDE. */
const PLAIN_MARK = 0x2_0000;
/** DNSSEC records were asked for: what is not there the zone does not have. */
const COMPLETE_MARK = 0x4_0000;
/** Length of the wire and number of TTLs of the plain form. */
const PLAIN_HEADER_BYTES = 4;
/** Longer data of an EDE option is not passed on: its text may be anything, the code and a sentence are enough. */
const EDE_LENGTH_MAX = 130;
/** A compression pointer to the question's name. */
const QNAME_POINTER = 0xc000 | HEADER_LENGTH;

/** The bits of the word SIZE that are the size: below the marks of the cache. */
export const SIZE_MASK = 0x3fff_ffff;

/** Signatures over one RRset that clients get, as unbound bounds them: a change of keys has two or three. */
const SIGNATURES_MAX = 8;
/** Aliases of an answer that are looked at without another message being made; real chains have two or three. */
const ALIASES_MAX = 15;
/** Aliases that are followed when they stand in no order; more names than this are not judged either. */
const ALIASES_FOLLOWED_MAX = 64;

/** Records of the shortest kind in the longest message: a root owner and no RDATA. */
const RECORDS_MAX = Math.ceil(MESSAGE_LENGTH_MAX / 11);

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

/** A packed answer as it is read: one object is pointed at many. */
export class Answer implements Targets {
  readonly memory: AnswerMemory;
  readonly names: Uint8Array;
  readonly addresses: Uint32Array;
  #hasPlain = false;
  #isPlain = false;
  /** Offset of the packed answer, a multiple of UNIT_BYTES. */
  at = 0;
  sizeBytes = 0;
  wireStart = 0;
  wireLength = 0;
  ttlsStart = 0;
  ttlCount = 0;
  namesStart = 0;
  namesEnd = 0;
  addressesStart = 0;
  addressesEnd = 0;
  /** Where the data of an EDE option lies in `names`; equal when there is none. */
  edeStart = 0;
  edeEnd = 0;
  overflow = false;
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
    this.names = memory.bytes;
    this.addresses = memory.words;
  }

  /** Points at the packed answer at an offset. */
  open(at: number): void {
    const { words, doubles } = this.memory;
    const word = at / WORD_BYTES;
    const wire = words[word + WORD.WIRE] ?? 0;
    const targets = words[word + WORD.TARGETS] ?? 0;
    this.at = at;
    this.sizeBytes = (words[word + WORD.SIZE] ?? 0) & SIZE_MASK;
    this.lifetimeSec = words[word + WORD.LIFETIME] ?? 0;
    this.storedAtMs = doubles[(word + WORD.STORED_AT) / 2] ?? 0;
    this.overflow = words[word + WORD.OVERFLOW] !== 0;
    this.unlistedGeneration = words[word + WORD.UNLISTED] ?? 0;
    this.wireLength = wire & 0xffff;
    this.ttlCount = wire >>> 16;
    this.addressesStart = word + ANSWER_HEADER_WORDS;
    this.addressesEnd = this.addressesStart + (targets >>> 16) * TARGET_ADDRESS_WORDS;
    this.wireStart = this.addressesEnd * WORD_BYTES;
    this.ttlsStart = this.wireStart + this.wireLength;
    this.namesStart = this.ttlsStart + this.ttlCount * 2;
    this.namesEnd = this.namesStart + (targets & 0xffff);
    const marks = words[word + WORD.MARKS] ?? 0;
    this.secure = (marks & SECURE_MARK) !== 0;
    this.edeStart = this.namesEnd;
    this.edeEnd = this.edeStart + (marks & 0xffff);
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
    this.wireLength = readU16(this.names, this.edeEnd);
    this.ttlCount = readU16(this.names, this.edeEnd + 2);
    this.wireStart = this.edeEnd + PLAIN_HEADER_BYTES;
    this.ttlsStart = this.wireStart + this.wireLength;
  }

  /** Notes that no rule of a policy generation concerns the question or where it leads. */
  markUnlisted(generation: number): void {
    this.memory.words[this.at / WORD_BYTES + WORD.UNLISTED] = generation;
    this.unlistedGeneration = generation;
  }

  /** The low four bits of the RCODE. */
  get rcode(): number {
    return (this.names[this.wireStart + 3] ?? 0) & 0xf;
  }

  /** Offset in wire of the TTL field of the given number. */
  ttlOffset(index: number): number {
    return readU16(this.names, this.ttlsStart + index * 2);
  }

  /** Header, question and records, as a view. Not per query. */
  get wire(): Uint8Array {
    return this.names.subarray(this.wireStart, this.wireStart + this.wireLength);
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

const reader = new RecordReader();
const targets = new TargetCollector();
const rebuildBuffer = new Uint8Array(MESSAGE_LENGTH_MAX);
const nameBuffer = new Uint8Array(NAME_LENGTH_MAX);
const chainBuffer = new Uint8Array(NAME_LENGTH_MAX);
/** Offsets of TTL fields of the current message, in the order of its records. */
const ttlOffsets = new Uint16Array(RECORDS_MAX);

/** The answer that was made last: room for the longest message and the most of everything else. */
const made = new Answer(
  new AnswerMemory(
    ANSWER_HEADER_WORDS * WORD_BYTES +
      2 * (MESSAGE_LENGTH_MAX + ttlOffsets.byteLength) +
      PLAIN_HEADER_BYTES +
      targets.names.length +
      targets.addresses.byteLength +
      EDE_LENGTH_MAX +
      UNIT_BYTES,
  ),
);

/** What the records of the current message showed. */
const shape = {
  answerEnd: 0,
  authorityEnd: 0,
  /** A record of the asked type is there. */
  positive: false,
  strayDnssec: false,
  /** A record is there that does not answer the question, or whose place in the chain of aliases is not plain. */
  stray: false,
  /** ADDITIONAL may hold an EDE option. */
  mayHaveEde: false,
  ttlCount: 0,
  /** Offset of the SOA's TTL in AUTHORITY, -1 without one. */
  soaTtlOffset: -1,
  /** The smaller of the SOA's TTL and its MINIMUM field. */
  soaTtlSec: 0,
};

/** What a validator found out about a message. */
export interface Validation {
  readonly isSecure: boolean;
  /** What the signatures allow, seconds. */
  readonly ttlMaxSec: number;
}

/** Nothing was validated. */
export const NOT_VALIDATED: Validation = { isSecure: false, ttlMaxSec: Number.POSITIVE_INFINITY };

/**
 * Makes an Answer of an upstream's message; undefined when its records cannot be read or its question has another
 * name than `qname`, which is folded. The caller has checked id and QR.
 *
 * `isForAll` makes one answer for clients that ask for DNSSEC records and those that do not (see Answer.choose()); the
 * message was asked for with them.
 *
 * The answer is valid until the next call: it lies in memory that all calls share.
 */
export const createAnswer = (
  message: Uint8Array,
  qname: Uint8Array,
  dnssecOk: boolean,
  limits: TtlLimits,
  nowMs: number,
  validation = NOT_VALIDATED,
  isForAll = false,
): Answer | undefined => {
  const start = questionEnd(message, message.length);
  if (start < 0 || start - 4 - HEADER_LENGTH !== qname.length) return undefined;
  if (!nameEquals(message, HEADER_LENGTH, qname, 0, qname.length)) return undefined;
  const qtype = readU16(message, start - 4);
  targets.begin(message, message.length, qname);
  if (!readShape(message, start, qtype, dnssecOk, true)) return undefined;
  targets.finish();
  if (shape.stray || (!dnssecOk && shape.strayDnssec)) {
    // Judged is all that came: a listed name that was hidden among stray records says enough about the answer.
    const scrubbed = scrub(message, start, qname, qtype, dnssecOk);
    if (scrubbed === undefined) return undefined;
    if (scrubbed !== message) {
      if (!readShape(scrubbed, start, qtype, dnssecOk, false)) return undefined;
      return packForms(scrubbed, qname, dnssecOk, limits, nowMs, validation, isForAll);
    }
  }
  return packForms(message, qname, dnssecOk, limits, nowMs, validation, isForAll);
};

/** Packs a message whose shape and targets were read, in both forms where they differ and both are wanted. */
const packForms = (
  message: Uint8Array,
  qname: Uint8Array,
  dnssecOk: boolean,
  limits: TtlLimits,
  nowMs: number,
  validation: Validation,
  isForAll: boolean,
): Answer | undefined => {
  if (!isForAll) return packAnswer(message, qname, dnssecOk, limits, nowMs, validation);
  const { strayDnssec } = shape;
  // Where nothing is signed, clients that ask for DNSSEC records get what the others get: AUTHORITY proves nothing.
  packAnswer(message, qname, strayDnssec, limits, nowMs, validation);
  const { words } = made.memory;
  words[WORD.MARKS] = (words[WORD.MARKS] ?? 0) | COMPLETE_MARK;
  if (strayDnssec && !packPlain(message, qname, limits, validation.ttlMaxSec)) return undefined;
  made.open(0);
  return made;
};

/** Packs the form without DNSSEC records behind the answer just packed. Allocates: for misses of signed zones. */
const packPlain = (message: Uint8Array, qname: Uint8Array, limits: TtlLimits, ttlMaxSec: number): boolean => {
  const start = questionEnd(message, message.length);
  const qtype = readU16(message, start - 4);
  const plain = scrub(message, start, qname, qtype, false);
  if (plain === undefined || !readShape(plain, start, qtype, false, false)) return false;
  const { bytes, words } = made.memory;
  const wireLength = shape.positive ? shape.answerEnd : shape.authorityEnd;
  let { ttlCount } = shape;
  while (ttlCount > 0 && (ttlOffsets[ttlCount - 1] ?? 0) >= wireLength) ttlCount--;
  const at = made.edeEnd;
  writeU16(bytes, at, wireLength);
  writeU16(bytes, at + 2, ttlCount);
  const wireStart = at + PLAIN_HEADER_BYTES;
  const ttlsStart = wireStart + wireLength;
  for (let i = 0; i < wireLength; i++) bytes[wireStart + i] = plain[i] ?? 0;
  for (let i = 0; i < ttlCount; i++) writeU16(bytes, ttlsStart + i * 2, ttlOffsets[i] ?? 0);
  writeU16(bytes, wireStart + 2, FLAG.QR | FLAG.RA | messageRcode(message));
  if (shape.positive) writeU16(bytes, wireStart + 8, 0);
  writeU16(bytes, wireStart + 10, 0);
  foldName(bytes, wireStart + HEADER_LENGTH, qname.length);
  clampTtls(wireStart, ttlCount, limits, ttlMaxSec);
  words[WORD.SIZE] = Math.ceil((ttlsStart + ttlCount * 2) / UNIT_BYTES) * UNIT_BYTES;
  words[WORD.MARKS] = (words[WORD.MARKS] ?? 0) | PLAIN_MARK;
  return true;
};

/** Packs a message whose shape and targets were read. */
const packAnswer = (
  message: Uint8Array,
  qname: Uint8Array,
  dnssecOk: boolean,
  limits: TtlLimits,
  nowMs: number,
  validation: Validation,
): Answer => {
  const keepsAuthority = dnssecOk || !shape.positive;
  const wireLength = keepsAuthority ? shape.authorityEnd : shape.answerEnd;
  pack(message, wireLength, validation.isSecure);
  const { memory, wireStart } = made;
  const wireBytes = memory.bytes;
  const rcode = messageRcode(message);
  writeU16(wireBytes, wireStart + 2, FLAG.QR | FLAG.RA | rcode);
  if (!keepsAuthority) writeU16(wireBytes, wireStart + 8, 0);
  writeU16(wireBytes, wireStart + 10, 0);
  // The cache compares it with folded keys; clients get their own letters back.
  foldName(wireBytes, wireStart + HEADER_LENGTH, qname.length);
  const isKeepable = rcode === RCODE.NOERROR || rcode === RCODE.NXDOMAIN;
  const lifetimeSec = clampTtls(made.wireStart, made.ttlCount, limits, validation.ttlMaxSec);
  memory.words[WORD.LIFETIME] = isKeepable ? lifetimeSec : 0;
  memory.doubles[WORD.STORED_AT / 2] = nowMs;
  made.open(0);
  return made;
};

/** Copies the first `wireLength` bytes of the message, the TTL offsets in it and the targets, and writes the header. */
const pack = (message: Uint8Array, wireLength: number, isSecure: boolean): void => {
  const { bytes, words } = made.memory;
  let ttlCount = shape.ttlCount;
  while (ttlCount > 0 && (ttlOffsets[ttlCount - 1] ?? 0) >= wireLength) ttlCount--;
  const addressWords = targets.addressesEnd;
  const namesLength = targets.namesEnd;
  words[WORD.WIRE] = (ttlCount << 16) | wireLength;
  words[WORD.TARGETS] = ((addressWords / TARGET_ADDRESS_WORDS) << 16) | namesLength;
  words[WORD.OVERFLOW] = targets.overflow ? 1 : 0;
  words[WORD.KEY_FLAGS] = 0;
  words[WORD.UNLISTED] = 0;
  const edeOffset = shape.mayHaveEde ? findEde(message) : -1;
  const edeLength = edeOffset < 0 ? 0 : readU16(message, edeOffset - 2);
  const keptEdeLength = edeLength > EDE_LENGTH_MAX ? 0 : edeLength;
  words[WORD.MARKS] = (isSecure ? SECURE_MARK : 0) | keptEdeLength;
  made.open(0);
  for (let i = 0; i < addressWords; i++) words[ANSWER_HEADER_WORDS + i] = targets.addresses[i] ?? 0;
  const { wireStart, ttlsStart, namesStart, edeStart, edeEnd } = made;
  for (let i = 0; i < wireLength; i++) bytes[wireStart + i] = message[i] ?? 0;
  for (let i = 0; i < ttlCount; i++) writeU16(bytes, ttlsStart + i * 2, ttlOffsets[i] ?? 0);
  for (let i = 0; i < namesLength; i++) bytes[namesStart + i] = targets.names[i] ?? 0;
  for (let i = 0; i < keptEdeLength; i++) bytes[edeStart + i] = message[edeOffset + i] ?? 0;
  words[WORD.SIZE] = Math.ceil(edeEnd / UNIT_BYTES) * UNIT_BYTES;
};

/** Puts all TTLs of a form just packed within the limits; returns the seconds that it may be used. */
const clampTtls = (wireStart: number, ttlCount: number, limits: TtlLimits, ttlMaxSec: number): number => {
  const { bytes } = made.memory;
  const negativeSec = shape.positive ? Number.POSITIVE_INFINITY : negativeTtl(limits);
  const anySec = Math.min(limits.maxSec, ttlMaxSec);
  let lifetimeSec = Math.min(negativeSec, anySec);
  for (let i = 0; i < ttlCount; i++) {
    const offset = ttlOffsets[i] ?? 0;
    const maxSec = offset === shape.soaTtlOffset ? Math.min(negativeSec, anySec) : anySec;
    const ttl = clampTtl(readU32(bytes, wireStart + offset), maxSec, limits);
    writeU32(bytes, wireStart + offset, ttl);
    if (offset < shape.answerEnd || !shape.positive) lifetimeSec = Math.min(lifetimeSec, ttl);
  }
  return lifetimeSec;
};

/** Fills `shape` and, when `isCollecting`, adds the targets; false when the message cannot be used. */
const readShape = (
  message: Uint8Array,
  start: number,
  qtype: number,
  dnssecOk: boolean,
  isCollecting: boolean,
): boolean => {
  shape.answerEnd = start;
  shape.authorityEnd = start;
  shape.positive = false;
  shape.strayDnssec = false;
  shape.stray = false;
  shape.mayHaveEde = false;
  shape.ttlCount = 0;
  shape.soaTtlOffset = -1;
  shape.soaTtlSec = 0;
  chainCount = 0;
  chainOffsets[chainCount++] = HEADER_LENGTH;
  let signatures = 0;
  reader.reset(message, message.length, start);
  while (reader.next()) {
    if (reader.section === SECTION.ADDITIONAL) {
      // The everyday OPT has no options: no second walk for those of the others.
      shape.mayHaveEde = reader.type !== TYPE.OPT || reader.rdataLength > 0;
      break;
    }
    if (reader.type === TYPE.OPT || !isReadable(message)) return false;
    ttlOffsets[shape.ttlCount++] = reader.ttlOffset;
    if (isUnaskedProof(qtype)) shape.strayDnssec = true;
    if (reader.type === TYPE.RRSIG && ++signatures > SIGNATURES_MAX) shape.stray = true;
    shape.authorityEnd = reader.offset;
    if (reader.section === SECTION.ANSWER) {
      // Only IN is asked for and judged; a client that overlooks the class would use the record (RFC 1035 section 3.2.4).
      if (reader.class !== CLASS.IN) return false;
      shape.answerEnd = reader.offset;
      if (isAnswering(message, qtype)) shape.positive = true;
      if (!isInChain(message, qtype)) shape.stray = true;
    } else if (!isProof(message)) {
      shape.stray = true;
    } else if (reader.type === TYPE.SOA && reader.class === CLASS.IN && reader.rdataLength >= 4) {
      shape.soaTtlOffset = reader.ttlOffset;
      shape.soaTtlSec = Math.min(
        normalTtl(reader.ttl),
        normalTtl(readU32(message, reader.rdataOffset + reader.rdataLength - 4)),
      );
    }
    if (isCollecting && (reader.section === SECTION.ANSWER || dnssecOk || !shape.positive))
      targets.add(reader);
  }
  return !reader.fault;
};

/**
 * True when all names of the record can be read, without the header, which is another one for each client: a client
 * must get the names that were judged, and nothing that is made to break its decoder.
 */
const isReadable = (message: Uint8Array): boolean => {
  const { ownerOffset, rdataOffset, rdataLength, type } = reader;
  const end = message.length;
  return (
    (readU16(message, ownerOffset) === QNAME_POINTER ||
      expandName(message, ownerOffset, end, nameBuffer, 0, HEADER_LENGTH) > 0) &&
    isRdataReadable(message, rdataOffset, rdataLength, type, end, HEADER_LENGTH)
  );
};

const isDenialType = (type: number): boolean => type === TYPE.NSEC || type === TYPE.NSEC3;

const isDnssec = (type: number): boolean => type === TYPE.RRSIG || type === TYPE.NSEC || type === TYPE.NSEC3;

/**
 * True for a record that a client without DO must not get (RFC 4035 section 3.2.1), also when its type was asked for: in
 * AUTHORITY it is a proof, and no answer.
 */
const isUnaskedProof = (qtype: number): boolean =>
  isDnssec(reader.type) &&
  (reader.section === SECTION.AUTHORITY || (reader.type !== qtype && qtype !== TYPE.ANY));

const normalTtl = (ttl: number): number => (ttl >= 0x8000_0000 ? 0 : ttl);

const clampTtl = (ttl: number, maxSec: number, limits: TtlLimits): number =>
  Math.min(Math.max(normalTtl(ttl), Math.min(limits.minSec, maxSec)), maxSec, limits.maxSec);

const negativeTtl = (limits: TtlLimits): number =>
  shape.soaTtlOffset < 0 ? 0 : Math.min(shape.soaTtlSec, limits.negativeMaxSec);

/** Names of the chain of aliases in the order of the records, by their offsets in the message; the first is QNAME. */
const chainOffsets = new Uint16Array(ALIASES_MAX + 1);
let chainCount = 0;

/** True when the current record of ANSWER continues what the records before it have led to. */
const isInChain = (message: Uint8Array, qtype: number): boolean => {
  const { ownerOffset, type } = reader;
  if (!isOfType(type, qtype, message, reader.rdataOffset)) return false;
  if (type === TYPE.DNAME || (type === TYPE.RRSIG && readU16(message, reader.rdataOffset) === TYPE.DNAME)) {
    return isAboveChain(message, ownerOffset);
  }
  if (!isChainName(message, ownerOffset)) return false;
  if (type !== TYPE.CNAME || qtype === TYPE.CNAME) return true;
  if (chainCount === chainOffsets.length) return false;
  chainOffsets[chainCount++] = reader.rdataOffset;
  return true;
};

/** True when the current record of ANSWER is of the asked type; a DNAME above the name makes an alias of it, and no data. */
const isAnswering = (message: Uint8Array, qtype: number): boolean => {
  if (qtype === TYPE.ANY) return true;
  if (reader.type !== qtype) return false;
  return qtype !== TYPE.DNAME || isChainName(message, reader.ownerOffset);
};

/**
 * True for a type that answers a question of another one: the type itself, an alias, or a signature over these. The
 * RDATA of a signature stands at `offset` of `bytes`.
 */
const isOfType = (type: number, qtype: number, bytes: Uint8Array, offset: number): boolean => {
  if (qtype === TYPE.ANY || type === qtype || type === TYPE.CNAME || type === TYPE.DNAME) return true;
  if (type !== TYPE.RRSIG) return false;
  const covered = readU16(bytes, offset);
  return covered === qtype || covered === TYPE.CNAME || covered === TYPE.DNAME;
};

/** True when the name at an offset is one of the chain. */
const isChainName = (message: Uint8Array, offset: number): boolean => {
  const pointer = readU16(message, offset);
  // The usual owner points at QNAME or into the CNAME before it.
  if (pointer === (QNAME_POINTER & 0xc000) + (chainOffsets[chainCount - 1] ?? 0)) return true;
  const length = expandFolded(message, offset, nameBuffer);
  for (let i = chainCount - 1; i >= 0; i--) {
    const otherLength = expandFolded(message, chainOffsets[i] ?? 0, chainBuffer);
    if (length === otherLength && isSame(nameBuffer, chainBuffer, length)) return true;
  }
  return false;
};

/** True when the name at an offset is above one of the chain, or one of it. */
const isAboveChain = (message: Uint8Array, offset: number): boolean => {
  const zone = nameBuffer.subarray(0, Math.max(0, expandFolded(message, offset, nameBuffer)));
  if (zone.length === 0) return false;
  for (let i = chainCount - 1; i >= 0; i--) {
    const length = expandFolded(message, chainOffsets[i] ?? 0, chainBuffer);
    if (length > 0 && isInZone(chainBuffer.subarray(0, length), zone)) return true;
  }
  return false;
};

/**
 * True when the current record of AUTHORITY may say something of the question: its zone's SOA and NS, or a proof. Beside
 * signed data the name servers of the zone say nothing, and make the answer too long for UDP.
 */
const isProof = (message: Uint8Array): boolean => {
  const { type, ownerOffset, rdataOffset } = reader;
  if (isDenialType(type)) return true;
  if (type === TYPE.RRSIG) return !shape.positive || readU16(message, rdataOffset) !== TYPE.NS;
  if (type === TYPE.NS && shape.positive && shape.strayDnssec) return false;
  return (type === TYPE.SOA || type === TYPE.NS) && isAboveChain(message, ownerOffset);
};

const expandFolded = (message: Uint8Array, offset: number, out: Uint8Array): number => {
  const length = expandName(message, offset, message.length, out, 0);
  foldName(out, 0, Math.max(0, length));
  return length;
};

const isSame = (a: Uint8Array, b: Uint8Array, length: number): boolean => {
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
};

/**
 * A message without records that answer nothing that was asked, and without the DNSSEC records that a client without DO
 * must not get (RFC 4035 section 3.2.1); the message itself when all are in place. Undefined when it cannot be read.
 * Allocates: most messages need none of it.
 */
const scrub = (
  message: Uint8Array,
  start: number,
  qname: Uint8Array,
  qtype: number,
  dnssecOk: boolean,
): Uint8Array | undefined => {
  const chain = shape.stray ? followAliases(message, start, qname, qtype) : undefined;
  const isAbove = (owner: Uint8Array): boolean => chain?.some((name) => isInZone(name, owner)) !== false;
  const asked = copyName(message, HEADER_LENGTH, message.length);
  if (asked === undefined) return undefined;
  const builder = new MessageBuilder(rebuildBuffer).start(0, FLAG.QR | messageRcode(message));
  builder.question(asked, qtype, readU16(message, start - 2));
  const signatures = new Map<string, number>();
  let isWhole = true;
  reader.reset(message, message.length, start);
  while (reader.next()) {
    if (reader.section === SECTION.ADDITIONAL) break;
    const owner = copyName(message, reader.ownerOffset, message.length);
    const rdata = expandRdata(message, reader.rdataOffset, reader.rdataLength, reader.type, message.length);
    if (owner === undefined || rdata === undefined) return undefined;
    const folded = foldedName(owner);
    const isLeftOut =
      (!dnssecOk && isUnaskedProof(qtype)) ||
      !isPartOf(chain, folded, rdata, qtype, isAbove) ||
      (reader.type === TYPE.RRSIG && isOneTooMany(signatures, folded, rdata));
    if (isLeftOut) {
      isWhole = false;
      continue;
    }
    builder.record(reader.section, owner, reader.type, reader.class, reader.ttl, rdata);
  }
  if (isWhole) return message;
  if (builder.overflow) return undefined;
  const scrubbed = builder.finish();
  return shape.mayHaveEde ? withOpt(message, scrubbed) : scrubbed.slice();
};

/** Counts the signature over one RRset; true when there were enough before. */
const isOneTooMany = (signatures: Map<string, number>, owner: Uint8Array, rdata: Uint8Array): boolean => {
  const key = `${reader.section} ${readU16(rdata, 0)} ${Buffer.from(owner).toString('latin1')}`;
  const count = (signatures.get(key) ?? 0) + 1;
  signatures.set(key, count);
  return count > SIGNATURES_MAX;
};

/** True when the current record belongs to the chain of names, or proves something about it; always without a chain. */
const isPartOf = (
  chain: readonly Uint8Array[] | undefined,
  owner: Uint8Array,
  rdata: Uint8Array,
  qtype: number,
  isAbove: (owner: Uint8Array) => boolean,
): boolean => {
  if (chain === undefined) return true;
  const { type, section } = reader;
  if (section === SECTION.AUTHORITY) {
    if (shape.positive && (type === TYPE.RRSIG ? readU16(rdata, 0) : type) === TYPE.NS) return false;
    if (isDenialType(type) || type === TYPE.RRSIG) return true;
    return (type === TYPE.SOA || type === TYPE.NS) && isAbove(owner);
  }
  if (!isOfType(type, qtype, rdata, 0)) return false;
  if (type === TYPE.DNAME || (type === TYPE.RRSIG && readU16(rdata, 0) === TYPE.DNAME)) return isAbove(owner);
  return chain.some((name) => name.length === owner.length && isSame(name, owner, name.length));
};

/** QNAME and the names that the aliases of the message lead to, in whatever order they stand. */
const followAliases = (
  message: Uint8Array,
  start: number,
  qname: Uint8Array,
  qtype: number,
): readonly Uint8Array[] => {
  const chain = [qname];
  if (qtype === TYPE.CNAME) return chain;
  const aliases = new Map<string, Uint8Array>();
  const dnames: { readonly owner: Uint8Array; readonly target: Uint8Array }[] = [];
  reader.reset(message, message.length, start);
  while (reader.next() && reader.section === SECTION.ANSWER) {
    if (reader.type !== TYPE.CNAME && reader.type !== TYPE.DNAME) continue;
    const owner = copyName(message, reader.ownerOffset, message.length);
    const target = copyName(message, reader.rdataOffset, message.length);
    if (owner === undefined || target === undefined) continue;
    foldName(owner, 0, owner.length);
    foldName(target, 0, target.length);
    if (reader.type === TYPE.DNAME) dnames.push({ owner, target });
    else aliases.set(Buffer.from(owner).toString('latin1'), target);
  }
  const next = (name: Uint8Array): Uint8Array | undefined =>
    aliases.get(Buffer.from(name).toString('latin1')) ?? derive(name, dnames);
  for (let name = next(qname); name !== undefined; name = next(name)) {
    if (chain.length > ALIASES_FOLLOWED_MAX) break;
    chain.push(name);
  }
  return chain;
};

/** What a DNAME above a name makes of it (RFC 6672 section 2.2), where the server left its CNAME out. */
const derive = (
  name: Uint8Array,
  dnames: readonly { readonly owner: Uint8Array; readonly target: Uint8Array }[],
): Uint8Array | undefined => {
  const found = dnames.find(({ owner }) => name.length > owner.length && isInZone(name, owner));
  if (found === undefined) return undefined;
  const prefixLength = name.length - found.owner.length;
  if (prefixLength + found.target.length > NAME_LENGTH_MAX) return undefined;
  const derived = new Uint8Array(prefixLength + found.target.length);
  derived.set(name.subarray(0, prefixLength));
  derived.set(found.target, prefixLength);
  return derived;
};

/** A copy of the scrubbed message with the OPT record of the message that it was made of, for its EDE. */
const withOpt = (message: Uint8Array, scrubbed: Uint8Array): Uint8Array => {
  const offset = findEde(message);
  if (offset < 0) return scrubbed.slice();
  const data = message.subarray(offset, offset + readU16(message, offset - 2));
  const out = new Uint8Array(scrubbed.length + OPT_LENGTH + 4 + data.length);
  out.set(scrubbed);
  writeOpt(out, scrubbed.length, UDP_LENGTH_MAX, RCODE.NOERROR, false);
  writeOption(out, scrubbed.length, scrubbed.length + OPT_LENGTH, OPTION.EDE, data);
  writeU16(out, 10, 1);
  return out;
};
