// Writes answers into the caller's buffer: the one place where an outcome becomes RCODE, EDE, size and TTL. Hot file.
//
// Every answer quotes the question with the client's letters, copies RD and CD, sets RA, never AA, and carries an OPT
// record exactly when the query had one that could be read (RFC 6891 section 6.1.1). AD is set on answers that are
// secure and unchanged, for a client that knows it (RFC 6840 section 5.8). CD does not clear AD: CD only asks to see data
// that fails validation (section 5.9). An answer longer than the client's limit is
// sent empty with TC, so that no client acts on part of an RRset (RFC 2181 section 9). The cookie comes before an EDE:
// a client that expects one discards an answer without (RFC 7873 section 5.3).

import type { BlockMode, PolicyList } from '../../policy/policy.ts';
import {
  CLASS,
  FLAG,
  HEADER_LENGTH,
  MESSAGE_LENGTH_MAX,
  OPT_LENGTH,
  OPTION,
  OPTION_HEADER_LENGTH,
  QUERY_FAULT,
  type Query,
  questionEnd,
  RCODE,
  RecordReader,
  readU32,
  TYPE,
  UDP_LENGTH_MAX,
  writeOpt,
  writeOption,
  writeU16,
  writeU32,
} from '../../wire/dns/dns.ts';

/** Longer runs are copied by a call, shorter ones in a loop: the call costs as much as some 200 bytes (measured). */
const COPY_BY_CALL_BYTES = 200;

/** Bytes that padded answers are multiples of (RFC 8467 section 4.1). */
export const PADDING_BLOCK = 468;

/** For writeAnswer(): TTLs are what is left of them. */
export const TTL_AS_AGED = -1;

/** Numbers of the SOA in refusals: serial, refresh, retry, expire; MINIMUM is the block TTL (RFC 2308 section 5). */
const SOA_NUMBERS = [1, 3600, 1200, 604_800] as const;
/** RNAME `hostmaster.invalid.`: nobody reads mail about a name that is refused. */
const SOA_RNAME = Uint8Array.from([10, ...Buffer.from('hostmaster'), 7, ...Buffer.from('invalid'), 0]);
/** Bytes of a record before its RDATA, the owner a pointer. */
const RECORD_HEADER_LENGTH = 12;
/** Bytes of that SOA: MNAME is a pointer, then RNAME and five numbers. */
const SOA_LENGTH = RECORD_HEADER_LENGTH + 2 + SOA_RNAME.length + 20;
/** A pointer to the question's name. */
const QNAME_POINTER = 0xc000 | HEADER_LENGTH;
/** A refusal without data, whatever the mode of the list. */
export const NODATA: BlockMode = { kind: 'nodata' };
const IPV4_NULL = new Uint8Array(4);
const IPV6_NULL = new Uint8Array(16);
const NO_EDE = new Uint8Array(0);
/** HINFO "RFC8482" "" (RFC 8482 section 4.2). */
const ANY_RDATA = Uint8Array.from([7, ...Buffer.from('RFC8482'), 0]);
/** TTL of the answer to ANY, seconds: long enough to calm repeated questions. */
const ANY_TTL_SEC = 3600;

/** What writeAnswer() reads of an answer. */
export interface AnswerSource {
  /** Holds the wire form and the EDE. */
  readonly bytes: Uint8Array;
  /** Header, question and records. */
  readonly wireStart: number;
  readonly wireLength: number;
  readonly rcode: number;
  /** Validated here, or by an upstream that is believed. */
  readonly secure: boolean;
  readonly ttlCount: number;
  /** Offset in the wire form of a TTL field. */
  ttlOffset(index: number): number;
  /** Where the data of the upstream's EDE option lie; equal without one. */
  readonly edeStart: number;
  readonly edeEnd: number;
}

/** Answers without data: RCODE with an optional EDE (the option's data). Returns the length. */
export const writeEmpty = (
  query: Query,
  rcode: number,
  ede: Uint8Array | undefined,
  out: Uint8Array,
): number => finish(query, rcode, ede, out, writeQuestion(query, rcode, 0, out));

/** Answers a message that is no sound query: FORMERR or NOTIMP, quoting what could be read. Returns the length. */
export const writeFault = (query: Query, fault: number, out: Uint8Array): number => {
  const rcode = fault === QUERY_FAULT.OPCODE ? RCODE.NOTIMP : RCODE.FORMERR;
  if (fault === QUERY_FAULT.BODY) {
    return finish(query, rcode, undefined, out, writeQuestion(query, rcode, 0, out));
  }
  out.fill(0, 0, HEADER_LENGTH);
  writeU16(out, 0, query.id);
  writeU16(out, 2, FLAG.QR | (query.opcode << 11) | (query.flags & FLAG.RD) | rcode);
  return finish(query, rcode, undefined, out, HEADER_LENGTH);
};

/** Tells a client over UDP to come back over TCP. Returns the length. */
export const writeTruncated = (query: Query, out: Uint8Array): number =>
  finish(query, RCODE.NOERROR, undefined, out, writeQuestion(query, RCODE.NOERROR, FLAG.TC, out));

/**
 * Answers with what the cache or an upstream gave, in at most `limit` bytes, with TTLs of `ttlSec` or, TTL_AS_AGED,
 * what `ageSec` leaves of them. A stale answer has an EDE of its own; otherwise the upstream's is passed on, whose text
 * may help. Returns the length.
 */
export const writeAnswer = (
  query: Query,
  answer: AnswerSource,
  ageSec: number,
  limit: number,
  out: Uint8Array,
  ede?: Uint8Array,
  ttlSec = TTL_AS_AGED,
): number => {
  const { wireStart, wireLength } = answer;
  const wire = answer.bytes;
  const { rcode } = answer;
  if (wireLength + ednsLength(query) > limit) {
    return finish(query, rcode, undefined, out, writeQuestion(query, rcode, FLAG.TC, out));
  }
  const end = writeQuestion(query, rcode, answer.secure && query.wantsAd ? FLAG.AD : 0, out);
  // The counts of ANSWER and AUTHORITY.
  for (let i = 6; i < 10; i++) out[i] = wire[wireStart + i] ?? 0;
  if (wireLength - end > COPY_BY_CALL_BYTES) {
    out.set(wire.subarray(wireStart + end, wireStart + wireLength), end);
  } else {
    for (let i = end; i < wireLength; i++) out[i] = wire[wireStart + i] ?? 0;
  }
  if (ttlSec >= 0) {
    for (let i = 0; i < answer.ttlCount; i++) writeU32(out, answer.ttlOffset(i), ttlSec);
  } else if (ageSec > 0) {
    for (let i = 0; i < answer.ttlCount; i++) {
      const offset = answer.ttlOffset(i);
      const ttl = readU32(wire, wireStart + offset);
      writeU32(out, offset, ttl > ageSec ? ttl - ageSec : 0);
    }
  }
  if (!query.opt.isPresent) return wireLength;
  if (ede !== undefined) return finish(query, rcode, ede, out, wireLength, limit);
  return writeEdns(query, rcode, wire, answer.edeStart, answer.edeEnd, out, wireLength, limit);
};

/** Answers a refused name in a mode, with the TTL of its list and an EDE (the option's data). Returns the length. */
export const writeRefusal = (
  query: Query,
  { ttlSec }: PolicyList,
  mode: BlockMode,
  ede: Uint8Array,
  out: Uint8Array,
): number => {
  if (mode.kind === 'refused') return writeEmpty(query, RCODE.REFUSED, ede, out);
  const rcode = mode.kind === 'nxdomain' ? RCODE.NXDOMAIN : RCODE.NOERROR;
  let at = writeQuestion(query, rcode, 0, out);
  const isIpv4 = query.qtype === TYPE.A;
  let count = 0;
  if (isIpv4 || query.qtype === TYPE.AAAA) {
    if (mode.kind === 'null-ip') {
      at = writeRecord(out, at, query.qtype, ttlSec, isIpv4 ? IPV4_NULL : IPV6_NULL);
      count = 1;
    } else if (mode.kind === 'address') {
      const addresses = isIpv4 ? mode.ipv4 : mode.ipv6;
      count = addresses.length;
      for (let i = 0; i < count; i++) {
        at = writeRecord(out, at, query.qtype, ttlSec, addresses[i] ?? IPV4_NULL);
      }
    }
  }
  writeU16(out, 6, count);
  if (count === 0) {
    writeU16(out, 8, 1);
    at = writeSoa(out, at, ttlSec);
  }
  return finish(query, rcode, ede, out, at);
};

/** Bytes that a refusal without data takes before its OPT record, at most. */
export const emptyRefusalLength = ({ questionEnd }: Query): number => questionEnd + SOA_LENGTH;

/** Answers ANY with one synthesized record (RFC 8482 section 4.2). Returns the length. */
export const writeAny = (query: Query, out: Uint8Array): number => {
  const at = writeQuestion(query, RCODE.NOERROR, 0, out);
  writeU16(out, 6, 1);
  return finish(
    query,
    RCODE.NOERROR,
    undefined,
    out,
    writeRecord(out, at, TYPE.HINFO, ANY_TTL_SEC, ANY_RDATA),
  );
};

const records = new RecordReader();

/** Lowers the TTLs of a written answer of `length` bytes to what they may be at most, seconds. For few answers. */
export const limitTtls = (out: Uint8Array, length: number, ttlSecMax: number): void => {
  const start = questionEnd(out, length);
  if (start < 0) return;
  records.reset(out, length, start);
  while (records.next()) {
    // What stands there in an OPT record are flags.
    if (records.type !== TYPE.OPT && records.ttl > ttlSecMax) writeU32(out, records.ttlOffset, ttlSecMax);
  }
};

/** Bytes that the OPT record of an answer takes at least: what the limit has to leave room for. */
export const ednsLength = (query: Query): number => {
  if (!query.opt.isPresent) return 0;
  const { hasCookie, cookie, subnetLength } = query.answerOpt;
  return (
    OPT_LENGTH +
    (hasCookie ? OPTION_HEADER_LENGTH + cookie.length : 0) +
    (subnetLength === 0 ? 0 : OPTION_HEADER_LENGTH + subnetLength)
  );
};

/**
 * Adds the OPT record to an answer of `length` bytes when the query had one. Returns the length. An option that would
 * not fit `limit` is left out: the answer itself matters more.
 */
export const finish = (
  query: Query,
  rcode: number,
  ede: Uint8Array | undefined,
  out: Uint8Array,
  length: number,
  limit = Math.min(query.opt.udpLength, UDP_LENGTH_MAX),
): number =>
  query.opt.isPresent
    ? writeEdns(query, rcode, ede ?? NO_EDE, 0, ede?.length ?? 0, out, length, limit)
    : length;

/** The header's flags for an answer to the query. */
export const answerFlags = (query: Query, rcode: number, extra: number): number =>
  FLAG.QR | (query.flags & (FLAG.RD | FLAG.CD)) | FLAG.RA | extra | (rcode & 0xf);

/** The OPT record with the cookie and an EDE, the bytes of `source` from `edeStart` to `edeEnd`: none when equal. */
const writeEdns = (
  query: Query,
  rcode: number,
  source: Uint8Array,
  edeStart: number,
  edeEnd: number,
  out: Uint8Array,
  length: number,
  limit: number,
): number => {
  const { hasCookie, cookie, keepalive, block, subnet, subnetLength } = query.answerOpt;
  let end = writeOpt(out, length, UDP_LENGTH_MAX, rcode, query.opt.dnssecOk);
  if (hasCookie) end = addOption(out, length, end, limit, OPTION.COOKIE, cookie, 0, cookie.length);
  if (subnetLength > 0)
    end = addOption(out, length, end, limit, OPTION.CLIENT_SUBNET, subnet, 0, subnetLength);
  if (edeEnd > edeStart) end = addOption(out, length, end, limit, OPTION.EDE, source, edeStart, edeEnd);
  // These are of streams alone, whose limit is no matter of what the client takes over UDP.
  if (keepalive >= 0) {
    writeU16(time, 0, keepalive);
    end = addOption(out, length, end, MESSAGE_LENGTH_MAX, OPTION.TCP_KEEPALIVE, time, 0, time.length);
  }
  if (block > 0) {
    const lacking = lackingBytes(end + OPTION_HEADER_LENGTH, block);
    end = addOption(out, length, end, MESSAGE_LENGTH_MAX, OPTION.PADDING, PADDING, 0, lacking);
  }
  writeU16(out, 10, 1);
  return end;
};

/**
 * Adds an option where it fits, and leaves it out where it does not: what is one byte too long would be read as messages of
 * whoever wrote its end. Every option of an answer is added here.
 */
const addOption = (
  out: Uint8Array,
  opt: number,
  end: number,
  limit: number,
  code: number,
  source: Uint8Array,
  start: number,
  stop: number,
): number => {
  if (end + OPTION_HEADER_LENGTH + stop - start > limit) return end;
  return writeOption(out, opt, end, code, source, start, stop);
};

/** The time in a TCP-KEEPALIVE option. */
const time = new Uint8Array(2);

/** Zeros, as many as a block may lack. */
const PADDING = new Uint8Array(PADDING_BLOCK);

/** What the last block of a message of `length` bytes lacks, so that lengths do not tell which name was asked (RFC 8467 section 4.1). */
const lackingBytes = (length: number, block: number): number =>
  Math.max(0, Math.min(block - 1 - ((length - 1) % block), MESSAGE_LENGTH_MAX - length));

const writeQuestion = (query: Query, rcode: number, extra: number, out: Uint8Array): number => {
  const { bytes, questionEnd } = query;
  writeU16(out, 0, query.id);
  writeU16(out, 2, answerFlags(query, rcode, extra));
  // A query that only asks for a cookie has none (RFC 7873 section 5.4).
  writeU16(out, 4, questionEnd > HEADER_LENGTH ? 1 : 0);
  writeU16(out, 6, 0);
  writeU16(out, 8, 0);
  writeU16(out, 10, 0);
  for (let i = HEADER_LENGTH; i < questionEnd; i++) out[i] = bytes[i] ?? 0;
  return questionEnd;
};

const writeRecord = (
  out: Uint8Array,
  offset: number,
  type: number,
  ttlSec: number,
  rdata: Uint8Array,
): number => {
  writeU16(out, offset, QNAME_POINTER);
  writeU16(out, offset + 2, type);
  writeU16(out, offset + 4, CLASS.IN);
  writeU32(out, offset + 6, ttlSec);
  writeU16(out, offset + 10, rdata.length);
  out.set(rdata, offset + 12);
  return offset + 12 + rdata.length;
};

/** An SOA at QNAME itself, which tells nothing of the rule that matched. */
const writeSoa = (out: Uint8Array, offset: number, ttlSec: number): number => {
  const length = SOA_LENGTH - RECORD_HEADER_LENGTH;
  writeU16(out, offset, QNAME_POINTER);
  writeU16(out, offset + 2, TYPE.SOA);
  writeU16(out, offset + 4, CLASS.IN);
  writeU32(out, offset + 6, ttlSec);
  writeU16(out, offset + 10, length);
  writeU16(out, offset + 12, QNAME_POINTER);
  out.set(SOA_RNAME, offset + 14);
  let at = offset + 14 + SOA_RNAME.length;
  for (let i = 0; i < SOA_NUMBERS.length; i++) {
    writeU32(out, at, SOA_NUMBERS[i] ?? 0);
    at += 4;
  }
  writeU32(out, at, ttlSec);
  return at + 4;
};
