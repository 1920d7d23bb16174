// The query that an upstream gets, and whether a message answers it. Hot file.
//
// RFC 1035 section 4.1, RFC 6891 (OPT with a size that no path fragments), RFC 3225 (DO), RFC 4035 section 3.2.2
// (CD). No client subnet and no other option goes out: an upstream learns nothing about who asked.
import {
  FLAG,
  HEADER_LENGTH,
  messageFlags,
  messageOpcode,
  messageRcode,
  nameEquals,
  OPCODE,
  OPT_LENGTH,
  RCODE,
  type RecordReader,
  readU16,
  SECTION,
  TYPE,
  UDP_LENGTH_MAX,
  writeOpt,
  writeU16,
} from '../dns/dns.ts';
import type { UpstreamQuestion } from './exchange.ts';

/** QTYPE and QCLASS. */
const QUESTION_TAIL_LENGTH = 4;

/** A query for the question. The buffer is new, because a send that has to wait reads it later. */
export const createQuery = (id: number, question: UpstreamQuestion, edns: boolean): Uint8Array => {
  const { name } = question;
  const fixed = HEADER_LENGTH + name.length;
  const end = fixed + QUESTION_TAIL_LENGTH;
  const out = Buffer.allocUnsafe(edns ? end + OPT_LENGTH : end);
  writeU16(out, 0, id);
  writeU16(out, 2, question.checkingDisabled ? FLAG.RD | FLAG.CD : FLAG.RD);
  writeU16(out, 4, 1);
  writeU16(out, 6, 0);
  writeU16(out, 8, 0);
  writeU16(out, 10, edns ? 1 : 0);
  for (let i = 0; i < name.length; i++) out[HEADER_LENGTH + i] = name[i] ?? 0;
  writeU16(out, fixed, question.type);
  writeU16(out, fixed + 2, question.class);
  if (edns) writeOpt(out, end, UDP_LENGTH_MAX, RCODE.NOERROR, question.dnssecOk);
  return out;
};

/** True when the header is that of a response to a QUERY; the message has a whole header. */
export const isResponse = (message: Uint8Array): boolean =>
  (messageFlags(message) & FLAG.QR) !== 0 && messageOpcode(message) === OPCODE.QUERY;

/**
 * True when the message repeats the question, letters folded.
 *
 * A FORMERR may come without a question: a server that stumbled over OPT has often read none.
 */
export const repeatsQuestion = (message: Uint8Array, question: UpstreamQuestion): boolean => {
  const count = readU16(message, 4);
  if (count === 0) return messageRcode(message) === RCODE.FORMERR;
  const { name } = question;
  const fixed = HEADER_LENGTH + name.length;
  return (
    count === 1 &&
    fixed + QUESTION_TAIL_LENGTH <= message.length &&
    nameEquals(message, HEADER_LENGTH, name, 0, name.length) &&
    readU16(message, fixed) === question.type &&
    readU16(message, fixed + 2) === question.class
  );
};

/** The whole RCODE (RFC 6891 section 6.1.3) of a message that repeats the question; -1 when its records do not parse. */
export const readRcode = (message: Uint8Array, question: UpstreamQuestion, records: RecordReader): number => {
  const hasQuestion = readU16(message, 4) === 1;
  const start = hasQuestion ? HEADER_LENGTH + question.name.length + QUESTION_TAIL_LENGTH : HEADER_LENGTH;
  records.reset(message, message.length, start);
  let upperBits = 0;
  while (records.next()) {
    if (records.type === TYPE.OPT && records.section === SECTION.ADDITIONAL) upperBits = records.ttl >>> 24;
  }
  return records.fault ? -1 : (upperBits << 4) | messageRcode(message);
};
