// An answer as it is kept: the part of an upstream's message that clients get, and what is known about it.
//
// Kept are header, question, ANSWER and, where it carries the proof (negative answers, DNSSEC), AUTHORITY; never
// ADDITIONAL, whose records nobody asked for. TTLs follow RFC 2181 section 8 (a set top bit means 0) and RFC 2308
// section 5 (a negative answer lives as long as its SOA says, and is not kept without one).
import {
  CLASS,
  collectTargets,
  copyName,
  expandName,
  expandRdata,
  FLAG,
  foldName,
  HEADER_LENGTH,
  MESSAGE_LENGTH_MAX,
  MessageBuilder,
  messageRcode,
  NAME_LENGTH_MAX,
  questionEnd,
  RCODE,
  RecordReader,
  readU16,
  readU32,
  SECTION,
  type Targets,
  TYPE,
  writeU16,
  writeU32,
} from '../dns/dns.ts';

/** Bounds for lifetimes, seconds. */
export interface TtlLimits {
  readonly minSec: number;
  readonly maxSec: number;
  readonly negativeMaxSec: number;
}

/** One answer, ready to be copied to any client that asks the same question. */
export interface Answer {
  /** Header, question and records; flags are QR, RA and the RCODE. */
  readonly wire: Uint8Array;
  /** Offsets of all TTL fields. */
  readonly ttlOffsets: Uint16Array;
  readonly targets: Targets;
  readonly storedAtMs: number;
  /** When the cache last noted its use. */
  usedAtMs: number;
  /** Its place in the front of the cache, -1 when it has none. */
  place: number;
  /** Seconds that it may be used; 0: only for those who wait for it. */
  readonly lifetimeSec: number;
}

const reader = new RecordReader();
const rebuildBuffer = new Uint8Array(MESSAGE_LENGTH_MAX);
const nameBuffer = new Uint8Array(NAME_LENGTH_MAX);

/**
 * Makes an Answer of an upstream's message; undefined when its records cannot be read. The caller has checked id,
 * QR and question. Allocates: once per answer that arrives.
 */
export const createAnswer = (
  message: Uint8Array,
  qname: Uint8Array,
  dnssecOk: boolean,
  limits: TtlLimits,
  nowMs: number,
): Answer | undefined => {
  const start = questionEnd(message, message.length);
  if (start < 0) return undefined;
  const qtype = readU16(message, start - 4);
  const shape = readShape(message, start, qtype);
  if (shape === undefined) return undefined;
  if (!dnssecOk && shape.strayDnssec) {
    const scrubbed = withoutDnssec(message, start, qtype);
    return scrubbed && createAnswer(scrubbed, qname, false, limits, nowMs);
  }
  const keepsAuthority = dnssecOk || !shape.positive;
  // Not slice(): that of a Buffer is a view, and the socket's memory would be kept, written to and shared.
  const wire = new Uint8Array(message.subarray(0, keepsAuthority ? shape.authorityEnd : shape.answerEnd));
  writeU16(wire, 2, FLAG.QR | FLAG.RA | messageRcode(message));
  if (!keepsAuthority) writeU16(wire, 8, 0);
  writeU16(wire, 10, 0);
  // The cache compares it with folded keys; clients get their own letters back.
  foldName(wire, HEADER_LENGTH, start - 4 - HEADER_LENGTH);
  const ttlOffsets = Uint16Array.from(shape.ttlOffsets.filter((offset) => offset < wire.length));
  const negativeSec = shape.positive ? Number.POSITIVE_INFINITY : negativeTtl(shape, limits);
  let lifetimeSec = Math.min(negativeSec, limits.maxSec);
  for (const offset of ttlOffsets) {
    const ttl = clampTtl(
      readU32(wire, offset),
      offset === shape.soaTtlOffset ? negativeSec : limits.maxSec,
      limits,
    );
    writeU32(wire, offset, ttl);
    if (offset < shape.answerEnd || !shape.positive) lifetimeSec = Math.min(lifetimeSec, ttl);
  }
  const rcode = messageRcode(message);
  const keepable = rcode === RCODE.NOERROR || rcode === RCODE.NXDOMAIN;
  return {
    wire,
    ttlOffsets,
    targets: collectTargets(wire, wire.length, start, qname),
    storedAtMs: nowMs,
    usedAtMs: nowMs,
    place: -1,
    lifetimeSec: keepable ? lifetimeSec : 0,
  };
};

/**
 * Bytes that an answer occupies beside its wire form: objects, views, key and the cache's own links. Measured: a full
 * cache of 36,525 everyday answers is charged with 33.6 MB and makes heap and buffers grow by 33.0 MB.
 */
const OVERHEAD_BYTES = 800;

/** Bytes that an answer is charged with in the cache. */
export const sizeOf = (answer: Answer): number =>
  OVERHEAD_BYTES +
  answer.wire.length +
  answer.ttlOffsets.byteLength +
  answer.targets.names.length +
  answer.targets.addresses.byteLength;

interface Shape {
  readonly answerEnd: number;
  readonly authorityEnd: number;
  /** A record of the asked type is there. */
  readonly positive: boolean;
  readonly strayDnssec: boolean;
  readonly ttlOffsets: readonly number[];
  /** Offset of the SOA's TTL in AUTHORITY, -1 without one. */
  readonly soaTtlOffset: number;
  /** The smaller of the SOA's TTL and its MINIMUM field. */
  readonly soaTtlSec: number;
}

const readShape = (message: Uint8Array, start: number, qtype: number): Shape | undefined => {
  const ttlOffsets: number[] = [];
  let answerEnd = start;
  let authorityEnd = start;
  let positive = false;
  let strayDnssec = false;
  let soaTtlOffset = -1;
  let soaTtlSec = 0;
  reader.reset(message, message.length, start);
  while (reader.next()) {
    if (reader.section === SECTION.ADDITIONAL) break;
    if (reader.type === TYPE.OPT || !isReadable(message)) return undefined;
    ttlOffsets.push(reader.ttlOffset);
    if (isDnssec(reader.type) && reader.type !== qtype && qtype !== TYPE.ANY) strayDnssec = true;
    authorityEnd = reader.offset;
    if (reader.section === SECTION.ANSWER) {
      // Only IN is asked for and judged; a client that overlooks the class would use the record (RFC 1035 section 3.2.4).
      if (reader.class !== CLASS.IN) return undefined;
      answerEnd = reader.offset;
      if (reader.type === qtype || qtype === TYPE.ANY) positive = true;
    } else if (reader.type === TYPE.SOA && reader.class === CLASS.IN && reader.rdataLength >= 4) {
      soaTtlOffset = reader.ttlOffset;
      soaTtlSec = Math.min(
        normalTtl(reader.ttl),
        normalTtl(readU32(message, reader.rdataOffset + reader.rdataLength - 4)),
      );
    }
  }
  if (reader.fault) return undefined;
  return { answerEnd, authorityEnd, positive, strayDnssec, ttlOffsets, soaTtlOffset, soaTtlSec };
};

/**
 * True when all names of the record can be read, without the header, which is another one for each client: a client
 * must get the names that were judged, and nothing that is made to break its decoder.
 */
const isReadable = (message: Uint8Array): boolean => {
  const { ownerOffset, rdataOffset, rdataLength, type } = reader;
  const end = message.length;
  return (
    expandName(message, ownerOffset, end, nameBuffer, 0, HEADER_LENGTH) > 0 &&
    expandRdata(message, rdataOffset, rdataLength, type, end, HEADER_LENGTH) !== undefined
  );
};

const isDnssec = (type: number): boolean => type === TYPE.RRSIG || type === TYPE.NSEC || type === TYPE.NSEC3;

const normalTtl = (ttl: number): number => (ttl >= 0x8000_0000 ? 0 : ttl);

const clampTtl = (ttl: number, maxSec: number, limits: TtlLimits): number =>
  Math.min(Math.max(normalTtl(ttl), Math.min(limits.minSec, maxSec)), maxSec, limits.maxSec);

const negativeTtl = (shape: Shape, limits: TtlLimits): number =>
  shape.soaTtlOffset < 0 ? 0 : Math.min(shape.soaTtlSec, limits.negativeMaxSec);

/** Copies a message without the DNSSEC records that a client without DO must not get (RFC 4035 section 3.2.1). */
const withoutDnssec = (message: Uint8Array, start: number, qtype: number): Uint8Array | undefined => {
  const qname = copyName(message, HEADER_LENGTH, message.length);
  if (qname === undefined) return undefined;
  const builder = new MessageBuilder(rebuildBuffer).start(0, FLAG.QR | messageRcode(message));
  builder.question(qname, qtype, readU16(message, start - 2));
  reader.reset(message, message.length, start);
  while (reader.next()) {
    if (reader.section === SECTION.ADDITIONAL) break;
    if (isDnssec(reader.type) && reader.type !== qtype) continue;
    const owner = copyName(message, reader.ownerOffset, message.length);
    const rdata = expandRdata(message, reader.rdataOffset, reader.rdataLength, reader.type, message.length);
    if (owner === undefined || rdata === undefined) return undefined;
    builder.record(reader.section, owner, reader.type, reader.class, reader.ttl, rdata);
  }
  return builder.overflow ? undefined : builder.finish().slice();
};
