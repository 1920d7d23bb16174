// Messages as views over bytes (RFC 1035 section 4). Hot file.
//
// Nothing here copies or throws: a Query or a RecordReader is created once per socket and pointed at each message.
// A fault in one record stops the reading there; what came before stays valid.
import { expandName, skipName } from './name.ts';
import {
  EDNS_DO,
  FLAG,
  HEADER_LENGTH,
  NAME_LENGTH_MAX,
  OPCODE,
  OPTION,
  TYPE,
  UDP_LENGTH_PLAIN,
} from './registry.ts';

/** The 16-bit number at `offset`; 0 beyond the end, so check the bound first. */
export const readU16 = (bytes: Uint8Array, offset: number): number =>
  ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);

/** The 32-bit number at `offset`; 0 beyond the end, so check the bound first. */
export const readU32 = (bytes: Uint8Array, offset: number): number =>
  readU16(bytes, offset) * 0x10000 + readU16(bytes, offset + 2);

/** Writes a 16-bit number. */
export const writeU16 = (bytes: Uint8Array, offset: number, value: number): void => {
  bytes[offset] = (value >>> 8) & 0xff;
  bytes[offset + 1] = value & 0xff;
};

/** Writes a 32-bit number. */
export const writeU32 = (bytes: Uint8Array, offset: number, value: number): void => {
  writeU16(bytes, offset, (value >>> 16) & 0xffff);
  writeU16(bytes, offset + 2, value & 0xffff);
};

/** The header's fields by their place. */
export const messageId = (bytes: Uint8Array): number => readU16(bytes, 0);
/** The 16 bits of QR, OPCODE, flags and RCODE. */
export const messageFlags = (bytes: Uint8Array): number => readU16(bytes, 2);
/** OPCODE, 0 to 15. */
export const messageOpcode = (bytes: Uint8Array): number => ((bytes[2] ?? 0) >>> 3) & 0xf;
/** The low four bits of the RCODE. */
export const messageRcode = (bytes: Uint8Array): number => (bytes[3] ?? 0) & 0xf;

/** Sections of a message, in their order on the wire. */
export const SECTION = { ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 2 } as const;

/** Number of records that the header claims for a section. */
export const sectionCount = (bytes: Uint8Array, section: number): number => readU16(bytes, 6 + 2 * section);

/**
 * Steps through the records after the question. Point it with reset(), then call next() until it returns false;
 * `fault` tells whether the message ended as its header claimed.
 */
export class RecordReader {
  bytes: Uint8Array = new Uint8Array(0);
  end = 0;
  /** Where the next record starts. */
  offset = 0;
  /** SECTION of the current record. */
  section = 0;
  fault = false;

  ownerOffset = 0;
  type = 0;
  class = 0;
  /** Seconds, as sent. */
  ttl = 0;
  ttlOffset = 0;
  rdataOffset = 0;
  rdataLength = 0;
  #left = 0;

  /** Points at a message of `length` bytes whose first record starts at `offset`. */
  reset(bytes: Uint8Array, length: number, offset: number): void {
    this.bytes = bytes;
    this.end = length;
    this.offset = offset;
    this.section = SECTION.ANSWER;
    this.fault = false;
    this.#left = sectionCount(bytes, SECTION.ANSWER);
  }

  /** Reads the next record; false at the end of the message or at a fault. */
  next(): boolean {
    while (this.#left === 0) {
      if (this.section === SECTION.ADDITIONAL) return false;
      this.section++;
      this.#left = sectionCount(this.bytes, this.section);
    }
    const fixed = skipName(this.bytes, this.offset, this.end);
    if (fixed < 0 || fixed + 10 > this.end) return this.#fail();
    this.ownerOffset = this.offset;
    this.type = readU16(this.bytes, fixed);
    this.class = readU16(this.bytes, fixed + 2);
    this.ttlOffset = fixed + 4;
    this.ttl = readU32(this.bytes, fixed + 4);
    this.rdataLength = readU16(this.bytes, fixed + 8);
    this.rdataOffset = fixed + 10;
    this.offset = this.rdataOffset + this.rdataLength;
    if (this.offset > this.end) return this.#fail();
    this.#left--;
    return true;
  }

  #fail(): false {
    this.fault = true;
    this.#left = 0;
    this.section = SECTION.ADDITIONAL;
    return false;
  }
}

/** Bytes of a client cookie (RFC 7873 section 4.1). */
export const CLIENT_COOKIE_LENGTH = 8;
/** Bytes of a server cookie as it is made here (RFC 9018 section 4.2). */
export const SERVER_COOKIE_LENGTH = 16;
/** Shortest and longest server cookie of anybody (RFC 7873 section 4.2). */
const SERVER_COOKIE_LENGTH_MIN = 8;
const SERVER_COOKIE_LENGTH_MAX = 32;

/** What a query's bytes turned out to be. */
export const QUERY_FAULT = {
  NONE: 0,
  /** Shorter than a header, or a response: nothing may be answered. */
  SILENT: 1,
  /** FORMERR: no question can be quoted. */
  HEADER: 2,
  /** FORMERR: the question was read, what follows is malformed. */
  BODY: 3,
  /** NOTIMP: an opcode other than QUERY. */
  OPCODE: 4,
  /** No fault, but nothing is asked either: there is a COOKIE option and no question (RFC 7873 section 5.4). */
  COOKIE_ONLY: 5,
} as const;

/** What the OPT record of a query says (RFC 6891). */
export class QueryOpt {
  isPresent = false;
  version = 0;
  dnssecOk = false;
  /** The client's UDP limit: 512 without EDNS, otherwise what it claims, at least 512 (RFC 6891 section 6.2.3). */
  udpLength = UDP_LENGTH_PLAIN;
  /** Where the options lie in the message. */
  optionsOffset = 0;
  optionsLength = 0;
  /** Where the data of the first COOKIE option lies: a client cookie, and a server cookie if there is more. */
  cookieOffset = 0;
  /** Bytes of that data, -1 without the option. The options of another EDNS version are not looked at. */
  cookieLength = -1;
  /** There is a PADDING option (RFC 7830), a TCP-KEEPALIVE option (RFC 7828). */
  hasPadding = false;
  hasKeepalive = false;

  /** A query without the record. */
  clear(): void {
    this.isPresent = false;
    this.version = 0;
    this.dnssecOk = false;
    this.udpLength = UDP_LENGTH_PLAIN;
    this.optionsLength = 0;
    this.cookieLength = -1;
    this.hasPadding = false;
    this.hasKeepalive = false;
  }

  /**
   * Reads the record that `opt` is at, and notes of its options what the answer has to do with: the first COOKIE option,
   * the only one that counts (RFC 7873 section 5.2), PADDING and TCP-KEEPALIVE; false when an option is malformed.
   */
  read(opt: RecordReader): boolean {
    this.isPresent = true;
    this.udpLength = Math.max(UDP_LENGTH_PLAIN, opt.class);
    this.version = (opt.ttl >>> 16) & 0xff;
    this.dnssecOk = (opt.ttl & EDNS_DO) !== 0;
    this.optionsOffset = opt.rdataOffset;
    this.optionsLength = opt.rdataLength;
    return this.#readOptions(opt.bytes);
  }

  #readOptions(bytes: Uint8Array): boolean {
    const end = this.optionsOffset + this.optionsLength;
    let at = this.optionsOffset;
    while (at < end) {
      if (at + 4 > end) return false;
      const length = readU16(bytes, at + 2);
      const code = readU16(bytes, at);
      if (code === OPTION.COOKIE && this.cookieLength < 0 && this.version === 0) {
        this.cookieOffset = at + 4;
        this.cookieLength = length;
      } else if (code === OPTION.PADDING) this.hasPadding = true;
      else if (code === OPTION.TCP_KEEPALIVE) this.hasKeepalive = true;
      at += 4 + length;
    }
    return at === end && (this.cookieLength < 0 || isCookieLength(this.cookieLength));
  }
}

/** Bytes of an EDNS Client Subnet option with a whole address of IPv6 (RFC 7871 section 6). */
export const SUBNET_BYTES_MAX = 4 + 16;

/** What the OPT record of the answer says beside EDE. Nothing, until a stage of the pipeline sets it. */
export class AnswerOpt {
  /** The data of the COOKIE option, when `hasCookie`. */
  readonly cookie = new Uint8Array(CLIENT_COOKIE_LENGTH + SERVER_COOKIE_LENGTH);
  hasCookie = false;
  /** Of how many bytes the answer's length is a multiple, by padding; 0: of any. */
  block = 0;
  /** What the TCP-KEEPALIVE option says, in units of 100 ms; -1: there is none. */
  keepalive = -1;
  /** The data of the EDNS Client Subnet option in its first bytes; length 0: the client sent none that counts. */
  readonly subnet = new Uint8Array(SUBNET_BYTES_MAX);
  subnetLength = 0;

  /** Says nothing. */
  clear(): void {
    this.subnetLength = 0;
    this.hasCookie = false;
    this.block = 0;
    this.keepalive = -1;
  }
}

/** A parsed query. One object serves all queries of a socket; parse() overwrites it. */
export class Query {
  bytes: Uint8Array = new Uint8Array(0);
  length = 0;
  id = 0;
  /** Header flags as sent, see FLAG. */
  flags = 0;
  opcode = 0;
  /** Length of QNAME on the wire; it starts at HEADER_LENGTH and is never compressed. 0 when it could not be read. */
  qnameLength = 0;
  qtype = 0;
  qclass = 0;
  /** Offset after the question, 0 when it could not be read. */
  questionEnd = 0;
  readonly opt = new QueryOpt();
  readonly answerOpt = new AnswerOpt();
  hasTsig = false;
  readonly #records = new RecordReader();

  /** Reads `length` bytes and returns a QUERY_FAULT. Fields are valid as far as the fault allows. */
  parse(bytes: Uint8Array, length: number): number {
    this.bytes = bytes;
    this.length = length;
    this.qnameLength = 0;
    this.questionEnd = 0;
    this.opt.clear();
    this.answerOpt.clear();
    this.hasTsig = false;
    if (length < HEADER_LENGTH) return QUERY_FAULT.SILENT;
    this.id = readU16(bytes, 0);
    this.flags = readU16(bytes, 2);
    if ((this.flags & FLAG.QR) !== 0) return QUERY_FAULT.SILENT;
    this.opcode = messageOpcode(bytes);
    if (this.opcode !== OPCODE.QUERY) return QUERY_FAULT.OPCODE;
    const questionCount = readU16(bytes, 4);
    if (questionCount === 0) return this.#parseWithoutQuestion();
    if (questionCount !== 1) return QUERY_FAULT.HEADER;
    const fixed = skipName(bytes, HEADER_LENGTH, length);
    if (fixed < 0 || fixed + 4 > length || this.#isCompressed(fixed)) return QUERY_FAULT.HEADER;
    this.qnameLength = fixed - HEADER_LENGTH;
    this.qtype = readU16(bytes, fixed);
    this.qclass = readU16(bytes, fixed + 2);
    this.questionEnd = fixed + 4;
    if (length === this.questionEnd && readU32(bytes, 6) === 0 && readU16(bytes, 10) === 0) {
      return QUERY_FAULT.NONE;
    }
    return this.#parseRecords(this.questionEnd) ? QUERY_FAULT.NONE : QUERY_FAULT.BODY;
  }

  /** True when the client knows what AD means (RFC 6840 section 5.7) or asks for DNSSEC. */
  get wantsAd(): boolean {
    return this.opt.dnssecOk || (this.flags & FLAG.AD) !== 0;
  }

  #parseWithoutQuestion(): number {
    this.qtype = 0;
    this.qclass = 0;
    if (!this.#parseRecords(HEADER_LENGTH) || this.opt.cookieLength < 0) return QUERY_FAULT.HEADER;
    this.questionEnd = HEADER_LENGTH;
    return QUERY_FAULT.COOKIE_ONLY;
  }

  #isCompressed(fixed: number): boolean {
    // A name that ended in a pointer has no root label in its last byte's place.
    return this.bytes[fixed - 1] !== 0 || (fixed - HEADER_LENGTH >= 2 && this.#endsInPointer(fixed));
  }

  #endsInPointer(fixed: number): boolean {
    let at = HEADER_LENGTH;
    while (at < fixed) {
      const label = this.bytes[at] ?? 0;
      if (label >= 0xc0) return true;
      at += label + 1;
    }
    return false;
  }

  /** Reads on after a fault, because an answer to it carries an OPT record if the query had one. */
  #parseRecords(offset: number): boolean {
    const records = this.#records;
    records.reset(this.bytes, this.length, offset);
    let isSound = true;
    while (records.next()) {
      if (records.section !== SECTION.ADDITIONAL) {
        // Only zone transfers and updates carry records there, and neither is served (RFC 9619 for the question).
        isSound = false;
      } else if (records.type === TYPE.OPT) {
        if (this.opt.isPresent || this.bytes[records.ownerOffset] !== 0) return false;
        if (!this.opt.read(records)) isSound = false;
      } else if (records.type === TYPE.TSIG) {
        this.hasTsig = true;
      }
    }
    return isSound && !records.fault;
  }
}

/** A client cookie, alone or before a server cookie; anything else is FORMERR (RFC 7873 section 5.2.2). */
const isCookieLength = (length: number): boolean =>
  length === CLIENT_COOKIE_LENGTH ||
  (length >= CLIENT_COOKIE_LENGTH + SERVER_COOKIE_LENGTH_MIN &&
    length <= CLIENT_COOKIE_LENGTH + SERVER_COOKIE_LENGTH_MAX);

/** The offset after the single question of a message, or -1 when the header claims another number or it is malformed. */
export const questionEnd = (bytes: Uint8Array, length: number): number => {
  if (length < HEADER_LENGTH || readU16(bytes, 4) !== 1) return -1;
  const fixed = skipName(bytes, HEADER_LENGTH, length);
  return fixed < 0 || fixed + 4 > length ? -1 : fixed + 4;
};

const expanded = new Uint8Array(NAME_LENGTH_MAX);

/** A copy of the name at `offset`, pointers followed; undefined when malformed. Allocates: not for the hit path. */
export const copyName = (bytes: Uint8Array, offset: number, end: number): Uint8Array | undefined => {
  const length = expandName(bytes, offset, end, expanded, 0);
  return length < 0 ? undefined : expanded.slice(0, length);
};
