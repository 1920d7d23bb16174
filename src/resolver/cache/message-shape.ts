// What the records of an upstream's message show: which of them answer the question, where the chain of aliases leads, and
// what of it clients must not get. Hot file.
//
// An answer consists of the records of the asked name and of the names that its CNAME and DNAME records lead to, and in
// AUTHORITY of the proof of a zone that holds the last of these names. One message is looked at at a time.
import {
  CLASS,
  expandName,
  foldName,
  HEADER_LENGTH,
  MESSAGE_LENGTH_MAX,
  NAME_LENGTH_MAX,
  NameList,
  RecordReader,
  readU16,
  readU32,
  SECTION,
  TargetCollector,
  TYPE,
  WrittenOut,
} from '../../wire/dns/dns.ts';

/** The first byte of a compression pointer, and not of a label. */
const POINTER = 0xc0;
/** A compression pointer to the question's name. */
const QNAME_POINTER = 0xc000 | HEADER_LENGTH;

/** Signatures over one RRset that clients get, as unbound bounds them: a change of keys has two or three. */
export const SIGNATURES_MAX = 8;
/** Aliases of an answer that are looked at without another message being made; real chains have two or three. */
const ALIASES_MAX = 15;
/** Records of the shortest kind in the longest message: a root owner and no RDATA. */
const RECORDS_MAX = Math.ceil(MESSAGE_LENGTH_MAX / 11);

const reader = new RecordReader();
const written = new WrittenOut();
const nameBuffer = new Uint8Array(NAME_LENGTH_MAX);
/** What the current message leads to. */
export const targets = new TargetCollector();
/** Offsets of TTL fields of the current message, in the order of its records. */
export const ttlOffsets = new Uint16Array(RECORDS_MAX);

/** What the records of the current message showed. */
export const shape = {
  answerEnd: 0,
  authorityEnd: 0,
  /** A record of the asked type is there. */
  positive: false,
  strayDnssec: false,
  /**
   * Where the first record of `strayDnssec` begins, and the records of ANSWER and AUTHORITY before it. Where all that clients
   * without DO get stands before it, `hasPlainStart`, what they get are these bytes.
   */
  plainEnd: 0,
  plainAnswers: 0,
  plainAuthority: 0,
  hasPlainStart: true,
  /** A record is there that does not answer the question, or whose place in the chain of aliases is not plain. */
  stray: false,
  /** An owner is written out, which may cost room. */
  isSpelledOut: false,
  /** ADDITIONAL may hold an EDE option. */
  mayHaveEde: false,
  ttlCount: 0,
  /** Offset of the SOA's TTL in AUTHORITY, -1 without one. */
  soaTtlOffset: -1,
  /** The smaller of the SOA's TTL and its MINIMUM field. */
  soaTtlSec: 0,
};

/** Fills `shape` and, when `isCollecting`, adds the targets; false when the message cannot be used. */
export const readShape = (
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
  shape.plainAnswers = 0;
  shape.plainAuthority = 0;
  shape.hasPlainStart = true;
  shape.stray = false;
  shape.isSpelledOut = false;
  shape.mayHaveEde = false;
  shape.ttlCount = 0;
  shape.soaTtlOffset = -1;
  shape.soaTtlSec = 0;
  beginChain();
  written.begin(message.length);
  let signatures = 0;
  reader.reset(message, message.length, start);
  while (reader.next()) {
    if (reader.section === SECTION.ADDITIONAL) {
      // The everyday OPT has no options: no second walk for those of the others.
      shape.mayHaveEde = reader.type !== TYPE.OPT || reader.rdataLength > 0;
      break;
    }
    if (reader.type === TYPE.OPT) return false;
    // A client must get the names that were judged, and nothing that is made to break its decoder.
    if (!written.take(reader)) return false;
    if ((message[reader.ownerOffset] ?? 0) < POINTER) shape.isSpelledOut = true;
    ttlOffsets[shape.ttlCount++] = reader.ttlOffset;
    if (isUnaskedProof(reader, qtype)) {
      if (!shape.strayDnssec) shape.plainEnd = reader.ownerOffset;
      shape.strayDnssec = true;
    } else notePlain();
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

/** Notes that clients without DO get the current record, but for AUTHORITY of an answer with data. */
const notePlain = (): void => {
  if (reader.section === SECTION.AUTHORITY && shape.positive) return;
  if (shape.strayDnssec) shape.hasPlainStart = false;
  else if (reader.section === SECTION.ANSWER) shape.plainAnswers++;
  else shape.plainAuthority++;
};

/** A type that proves that something does not exist. */
export const isDenialType = (type: number): boolean => type === TYPE.NSEC || type === TYPE.NSEC3;

const isDnssec = (type: number): boolean => type === TYPE.RRSIG || type === TYPE.NSEC || type === TYPE.NSEC3;

/**
 * True for a record that a client without DO must not get (RFC 4035 section 3.2.1), also when its type was asked for: in
 * AUTHORITY it is a proof, and no answer.
 */
export const isUnaskedProof = ({ type, section }: RecordReader, qtype: number): boolean =>
  isDnssec(type) && (section === SECTION.AUTHORITY || (type !== qtype && qtype !== TYPE.ANY));

/** Seconds of a TTL field (RFC 2181 section 8). */
export const normalTtl = (ttl: number): number => (ttl >= 0x8000_0000 ? 0 : ttl);

/** Names of the chain of aliases in the order of the records, by their offsets in the message; the first is QNAME. */
const chainOffsets = new Uint16Array(ALIASES_MAX + 1);
let chainCount = 0;
/** The same names folded, as far as another name was compared with them: most answers have none. */
const chain = new NameList(ALIASES_MAX + 1);
/**
 * The pointer of the owner that was judged last, the names that it was compared with, and what came of it: the records of one
 * RRset have one.
 */
const NOT_JUDGED = 0;
const judged = { pointer: NOT_JUDGED, chainCount: 0, isBelow: false, result: false };

const beginChain = (): void => {
  chainCount = 0;
  chainOffsets[chainCount++] = HEADER_LENGTH;
  chain.clear();
  judged.pointer = NOT_JUDGED;
};

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
export const isOfType = (type: number, qtype: number, bytes: Uint8Array, offset: number): boolean => {
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
  return judge(message, offset, pointer, false);
};

/** True when the name at an offset is above one of the chain, or one of it. */
const isAboveChain = (message: Uint8Array, offset: number): boolean =>
  judge(message, offset, readU16(message, offset), true);

const judge = (message: Uint8Array, offset: number, pointer: number, isBelow: boolean): boolean => {
  if (pointer === judged.pointer && chainCount === judged.chainCount && isBelow === judged.isBelow)
    return judged.result;
  while (chain.count < chainCount) {
    const length = expandFolded(message, chainOffsets[chain.count] ?? 0, nameBuffer);
    chain.add(nameBuffer, Math.max(0, length));
  }
  const length = expandFolded(message, offset, nameBuffer);
  judged.result =
    length > 0 && (isBelow ? chain.hasBelow(nameBuffer, length) : chain.has(nameBuffer, length));
  judged.pointer = pointer >= POINTER << 8 ? pointer : NOT_JUDGED;
  judged.chainCount = chainCount;
  judged.isBelow = isBelow;
  return judged.result;
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
