// Writes answers into the caller's buffer: the one place where an outcome becomes RCODE, EDE, size and TTL. Hot file.
//
// Every answer quotes the question with the client's letters, copies RD and CD, sets RA, never AA or AD (nothing is
// validated here), and carries an OPT record exactly when the query had one (RFC 6891 section 6.1.1). An answer over
// the client's limit is sent empty with TC, so that no client acts on part of an RRset (RFC 2181 section 9).
import type { Answer } from '../cache/cache.ts';
import {
  CLASS,
  FLAG,
  HEADER_LENGTH,
  OPT_LENGTH,
  OPTION,
  QUERY_FAULT,
  type Query,
  RCODE,
  readU32,
  TYPE,
  UDP_LENGTH_MAX,
  writeOpt,
  writeOption,
  writeU16,
  writeU32,
} from '../dns/dns.ts';
import type { BlockMode, PolicyList } from '../policy/policy.ts';

/** Longest header, question and OPT with an EDE text of 255 bytes: what any refusal fits into. */
export const REFUSAL_LENGTH_MAX = 1024;

/** Longer runs are copied by a call, shorter ones in a loop: the call costs as much as some 200 bytes (measured). */
const COPY_BY_CALL_BYTES = 200;

/** Bytes of an option's code and length. */
const OPTION_HEADER_BYTES = 4;

/** Numbers of the SOA in refusals: serial, refresh, retry, expire; MINIMUM is the block TTL (RFC 2308 section 5). */
const SOA_NUMBERS = [1, 3600, 1200, 604_800] as const;
/** RNAME `hostmaster.invalid.`: nobody reads mail about a name that is refused. */
const SOA_RNAME = Uint8Array.from([10, ...Buffer.from('hostmaster'), 7, ...Buffer.from('invalid'), 0]);
/** A pointer to the question's name. */
const QNAME_POINTER = 0xc000 | HEADER_LENGTH;
const IPV4_NULL = new Uint8Array(4);
const IPV6_NULL = new Uint8Array(16);
/** HINFO "RFC8482" "" (RFC 8482 section 4.2). */
const ANY_RDATA = Uint8Array.from([7, ...Buffer.from('RFC8482'), 0]);
/** TTL of the answer to ANY, seconds: long enough to calm repeated questions. */
const ANY_TTL_SEC = 3600;

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
  if (fault === QUERY_FAULT.BODY) return writeQuestion(query, rcode, 0, out);
  out.fill(0, 0, HEADER_LENGTH);
  writeU16(out, 0, query.id);
  writeU16(out, 2, FLAG.QR | (query.opcode << 11) | (query.flags & FLAG.RD) | rcode);
  return HEADER_LENGTH;
};

/** Tells a client over UDP to come back over TCP. Returns the length. */
export const writeTruncated = (query: Query, out: Uint8Array): number =>
  finish(query, RCODE.NOERROR, undefined, out, writeQuestion(query, RCODE.NOERROR, FLAG.TC, out));

/** Answers with what the cache or an upstream gave, aged by `ageSec`. Returns the length. */
export const writeAnswer = (
  query: Query,
  answer: Answer,
  ageSec: number,
  limit: number,
  out: Uint8Array,
): number => {
  const { wireStart, wireLength } = answer;
  const wire = answer.names;
  const { rcode } = answer;
  if (wireLength + (query.hasEdns ? OPT_LENGTH : 0) > limit) {
    return finish(query, rcode, undefined, out, writeQuestion(query, rcode, FLAG.TC, out));
  }
  const end = writeQuestion(query, rcode, 0, out);
  // The counts of ANSWER and AUTHORITY.
  for (let i = 6; i < 10; i++) out[i] = wire[wireStart + i] ?? 0;
  if (wireLength - end > COPY_BY_CALL_BYTES) {
    out.set(wire.subarray(wireStart + end, wireStart + wireLength), end);
  } else {
    for (let i = end; i < wireLength; i++) out[i] = wire[wireStart + i] ?? 0;
  }
  if (ageSec > 0) {
    for (let i = 0; i < answer.ttlCount; i++) {
      const offset = answer.ttlOffset(i);
      const ttl = readU32(wire, wireStart + offset);
      writeU32(out, offset, ttl > ageSec ? ttl - ageSec : 0);
    }
  }
  return query.hasEdns ? finish(query, rcode, undefined, out, wireLength) : wireLength;
};

/** Answers a refused name in a mode, with the TTL and the EDE of its list. Returns the length. */
export const writeRefusal = (query: Query, list: PolicyList, mode: BlockMode, out: Uint8Array): number => {
  const { ttlSec, ede } = list;
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

/**
 * Adds the OPT record to an answer of `length` bytes when the query had one. Returns the length. An EDE that would
 * not fit the client's limit is left out: the answer itself matters more.
 */
export const finish = (
  query: Query,
  rcode: number,
  ede: Uint8Array | undefined,
  out: Uint8Array,
  length: number,
): number => {
  if (!query.hasEdns) return length;
  let end = writeOpt(out, length, UDP_LENGTH_MAX, rcode, query.dnssecOk);
  if (
    ede !== undefined &&
    end + OPTION_HEADER_BYTES + ede.length <= Math.min(query.udpLength, UDP_LENGTH_MAX)
  ) {
    end = writeOption(out, length, end, OPTION.EDE, ede);
  }
  writeU16(out, 10, 1);
  return end;
};

/** The header's flags for an answer to the query. */
export const answerFlags = (query: Query, rcode: number, extra: number): number =>
  FLAG.QR | (query.flags & (FLAG.RD | FLAG.CD)) | FLAG.RA | extra | (rcode & 0xf);

const writeQuestion = (query: Query, rcode: number, extra: number, out: Uint8Array): number => {
  const { bytes, questionEnd } = query;
  writeU16(out, 0, query.id);
  writeU16(out, 2, answerFlags(query, rcode, extra));
  writeU16(out, 4, 1);
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
  const length = 2 + SOA_RNAME.length + 20;
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
