// Makes answers of upstreams' messages: packs what clients get, with TTLs within bounds, in one form or in two. Hot file.
//
// Only records that answer the question are kept (message-shape.ts, scrub.ts); what was judged of them is all that came.
import {
  FLAG,
  findEde,
  foldName,
  HEADER_LENGTH,
  MESSAGE_LENGTH_MAX,
  messageRcode,
  nameEquals,
  questionEnd,
  RCODE,
  readU16,
  readU32,
  TARGET_ADDRESS_WORDS,
  writeU16,
  writeU32,
} from '../../wire/dns/dns.ts';
import {
  ANSWER_HEADER_WORDS,
  Answer,
  AnswerMemory,
  COMPLETE_MARK,
  PLAIN_HEADER_BYTES,
  PLAIN_MARK,
  SECURE_MARK,
  UNIT_BYTES,
  WORD,
  WORD_BYTES,
} from './answer.ts';
import { normalTtl, readShape, shape, targets, ttlOffsets } from './message-shape.ts';
import { scrub, wastesRoom } from './scrub.ts';

/** Bounds for lifetimes, seconds. */
export interface TtlLimits {
  readonly minSec: number;
  readonly maxSec: number;
  readonly negativeMaxSec: number;
}

/** Longer data of an EDE option is not passed on: its text may be anything, the code and a sentence are enough. */
const EDE_LENGTH_MAX = 130;

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
  // An answer with more than is judged is given to nobody, so nothing has to be taken out of it.
  const isUsable = !targets.overflow;
  if (isUsable && (shape.stray || (!dnssecOk && shape.strayDnssec) || wastesRoom())) {
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

/** Packs the form without DNSSEC records behind the answer just packed. Allocates where they stand between others. */
const packPlain = (message: Uint8Array, qname: Uint8Array, limits: TtlLimits, ttlMaxSec: number): boolean => {
  let plain = message;
  let wireLength = shape.positive ? Math.min(shape.plainEnd, shape.answerEnd) : shape.plainEnd;
  const { plainAnswers, plainAuthority } = shape;
  const isStart = shape.hasPlainStart && !shape.stray && !wastesRoom();
  if (!isStart) {
    const start = questionEnd(message, message.length);
    const qtype = readU16(message, start - 4);
    const scrubbed = scrub(message, start, qname, qtype, false);
    if (scrubbed === undefined || !readShape(scrubbed, start, qtype, false, false)) return false;
    plain = scrubbed;
    wireLength = shape.positive ? shape.answerEnd : shape.authorityEnd;
  }
  const { bytes, words } = made.memory;
  let { ttlCount } = shape;
  while (ttlCount > 0 && (ttlOffsets[ttlCount - 1] ?? 0) >= wireLength) ttlCount--;
  const at = made.edeEnd;
  writeU16(bytes, at, wireLength);
  writeU16(bytes, at + 2, ttlCount);
  const wireStart = at + PLAIN_HEADER_BYTES;
  const ttlsStart = wireStart + wireLength;
  bytes.set(plain.subarray(0, wireLength), wireStart);
  for (let i = 0; i < ttlCount; i++) writeU16(bytes, ttlsStart + i * 2, ttlOffsets[i] ?? 0);
  writeU16(bytes, wireStart + 2, FLAG.QR | FLAG.RA | messageRcode(message));
  if (isStart) {
    writeU16(bytes, wireStart + 6, plainAnswers);
    writeU16(bytes, wireStart + 8, plainAuthority);
  } else if (shape.positive) writeU16(bytes, wireStart + 8, 0);
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
  const { wireStart, ttlsStart, edeStart, edeEnd } = made;
  const { namesStart } = made.targets;
  copyBytes(message, wireLength, bytes, wireStart);
  for (let i = 0; i < ttlCount; i++) writeU16(bytes, ttlsStart + i * 2, ttlOffsets[i] ?? 0);
  for (let i = 0; i < namesLength; i++) bytes[namesStart + i] = targets.names[i] ?? 0;
  for (let i = 0; i < keptEdeLength; i++) bytes[edeStart + i] = message[edeOffset + i] ?? 0;
  words[WORD.SIZE] = Math.ceil(edeEnd / UNIT_BYTES) * UNIT_BYTES;
};

/** An answer of everyday is copied byte by byte: a view of it costs more, and is garbage. */
const BYTE_BY_BYTE_MAX = 256;

const copyBytes = (from: Uint8Array, length: number, to: Uint8Array, at: number): void => {
  if (length > BYTE_BY_BYTE_MAX) to.set(from.subarray(0, length), at);
  else for (let i = 0; i < length; i++) to[at + i] = from[i] ?? 0;
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

const clampTtl = (ttl: number, maxSec: number, limits: TtlLimits): number =>
  Math.min(Math.max(normalTtl(ttl), Math.min(limits.minSec, maxSec)), maxSec, limits.maxSec);

const negativeTtl = (limits: TtlLimits): number =>
  shape.soaTtlOffset < 0 ? 0 : Math.min(shape.soaTtlSec, limits.negativeMaxSec);
