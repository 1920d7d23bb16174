// Answers that a rule states itself ("local data" of RPZ): records, or an alias to a name that is then resolved.
//
// Not the everyday path: messages are built record by record.
import type { Answer } from '../cache/cache.ts';
import {
  CLASS,
  copyName,
  expandRdata,
  FLAG,
  HEADER_LENGTH,
  MessageBuilder,
  NAME_LENGTH_MAX,
  OPT_LENGTH,
  type Query,
  questionEnd,
  RCODE,
  RecordReader,
  SECTION,
  TYPE,
} from '../dns/dns.ts';
import type { LocalRecord } from '../policy/policy.ts';
import { answerFlags, finish, writeEmpty } from './respond.ts';

/** A label of one asterisk, which stands for the asked name (RPZ). */
const ASTERISK = 0x2a;

/** The alias that the records give a question of a type; undefined when they answer it themselves. */
export const aliasFor = (records: readonly LocalRecord[], qtype: number): LocalRecord | undefined =>
  qtype === TYPE.CNAME || qtype === TYPE.ANY ? undefined : records.find(({ type }) => type === TYPE.CNAME);

/** The name that an alias leads a folded QNAME to; undefined when it would be too long. */
export const aliasTarget = ({ rdata }: LocalRecord, qname: Uint8Array): Uint8Array | undefined => {
  if (rdata[0] !== 1 || rdata[1] !== ASTERISK) return rdata;
  const length = qname.length - 1 + rdata.length - 2;
  if (length > NAME_LENGTH_MAX) return undefined;
  const target = new Uint8Array(length);
  target.set(qname.subarray(0, -1));
  target.set(rdata.subarray(2), qname.length - 1);
  return target;
};

/** Answers with records. Returns the length. */
export const writeRecords = (
  query: Query,
  records: readonly LocalRecord[],
  ede: Uint8Array,
  limit: number,
  out: Uint8Array,
): number => {
  const qname = qnameOf(query);
  const builder = begin(query, RCODE.NOERROR, limit, out);
  for (const { type, ttlSec, rdata } of records) {
    builder.record(SECTION.ANSWER, qname, type, CLASS.IN, ttlSec, rdata);
  }
  return end(query, builder, RCODE.NOERROR, ede, out);
};

/** What an alias leads to. */
export interface Alias {
  /** Wire form, folded. */
  readonly target: Uint8Array;
  readonly ttlSec: number;
}

/** Answers with an alias and what its target was resolved to. Returns the length. */
export const writeAliased = (
  query: Query,
  { target, ttlSec }: Alias,
  answer: Answer,
  ageSec: number,
  ede: Uint8Array,
  limit: number,
  out: Uint8Array,
): number => {
  const { rcode, wire } = answer;
  const builder = begin(query, rcode, limit, out);
  builder.record(SECTION.ANSWER, qnameOf(query), TYPE.CNAME, CLASS.IN, ttlSec, target);
  const reader = new RecordReader();
  reader.reset(wire, wire.length, questionEnd(wire, wire.length));
  while (reader.next()) {
    const owner = copyName(wire, reader.ownerOffset, wire.length);
    const rdata = expandRdata(wire, reader.rdataOffset, reader.rdataLength, reader.type, wire.length);
    if (owner === undefined || rdata === undefined) return writeEmpty(query, RCODE.SERVFAIL, undefined, out);
    builder.record(reader.section, owner, reader.type, reader.class, Math.max(0, reader.ttl - ageSec), rdata);
  }
  return end(query, builder, rcode, ede, out);
};

const qnameOf = (query: Query): Uint8Array =>
  query.bytes.subarray(HEADER_LENGTH, HEADER_LENGTH + query.qnameLength);

const begin = (query: Query, rcode: number, limit: number, out: Uint8Array): MessageBuilder => {
  const room = limit - (query.hasEdns ? OPT_LENGTH : 0);
  const builder = new MessageBuilder(out.subarray(0, Math.min(out.length, room)));
  builder.start(query.id, answerFlags(query, rcode, 0));
  return builder.question(qnameOf(query), query.qtype, query.qclass);
};

const end = (
  query: Query,
  builder: MessageBuilder,
  rcode: number,
  ede: Uint8Array,
  out: Uint8Array,
): number => {
  if (!builder.overflow) return finish(query, rcode, ede, out, builder.length);
  const length = writeEmpty(query, rcode, undefined, out);
  out[2] = (out[2] ?? 0) | (FLAG.TC >>> 8);
  return length;
};
