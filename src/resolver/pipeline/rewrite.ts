// Answers that a rule states itself ("local data" of RPZ): records, or an alias to a name that is then resolved.
//
// Not the everyday path: messages are built record by record.

import type { LocalRecord } from '../../policy/policy.ts';
import {
  CLASS,
  copyName,
  expandRdata,
  FLAG,
  HEADER_LENGTH,
  MessageBuilder,
  NAME_LENGTH_MAX,
  nameEquals,
  type Query,
  questionEnd,
  RCODE,
  RecordReader,
  SECTION,
  TYPE,
} from '../../wire/dns/dns.ts';
import type { Answer } from '../cache/cache.ts';
import { answerFlags, ednsLength, finish, writeEmpty } from './respond.ts';

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

/** The aliases of an answer that lead to the name that a rule is about, and that name. */
export interface Lead {
  readonly aliases: readonly {
    readonly owner: Uint8Array;
    readonly ttlSec: number;
    readonly rdata: Uint8Array;
  }[];
  readonly name: Uint8Array;
}

/**
 * The aliases of an answer up to the folded name that a rule matched; undefined when they do not lead there one after
 * the other from QNAME.
 */
export const leadTo = (
  answer: Answer,
  qname: Uint8Array,
  name: Uint8Array,
  ageSec: number,
): Lead | undefined => {
  const { wire } = answer;
  const aliases: { owner: Uint8Array; ttlSec: number; rdata: Uint8Array }[] = [];
  const reader = new RecordReader();
  let wanted = qname;
  reader.reset(wire, wire.length, questionEnd(wire, wire.length));
  while (reader.next() && reader.section === SECTION.ANSWER && !isSameName(wanted, name)) {
    if (reader.type !== TYPE.CNAME) continue;
    const owner = copyName(wire, reader.ownerOffset, wire.length);
    const rdata = expandRdata(wire, reader.rdataOffset, reader.rdataLength, reader.type, wire.length);
    if (owner === undefined || rdata === undefined || !isSameName(owner, wanted)) return undefined;
    aliases.push({ owner, ttlSec: Math.max(0, reader.ttl - ageSec), rdata });
    wanted = rdata;
  }
  return isSameName(wanted, name) ? { aliases, name } : undefined;
};

const isSameName = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && nameEquals(a, 0, b, 0, a.length);

/** Answers with records of the asked name, or of the name that aliases lead to. Returns the length. */
export const writeRecords = (
  query: Query,
  records: readonly LocalRecord[],
  lead: Lead | undefined,
  ede: Uint8Array,
  limit: number,
  out: Uint8Array,
): number => {
  const builder = begin(query, RCODE.NOERROR, limit, out);
  const owner = writeLead(query, builder, lead);
  for (const { type, ttlSec, rdata } of records) {
    builder.record(SECTION.ANSWER, owner, type, CLASS.IN, ttlSec, rdata);
  }
  return end(query, builder, RCODE.NOERROR, ede, limit, out);
};

/** Writes the aliases; returns the name that they lead to. */
const writeLead = (query: Query, builder: MessageBuilder, lead: Lead | undefined): Uint8Array => {
  for (const { owner, ttlSec, rdata } of lead?.aliases ?? []) {
    builder.record(SECTION.ANSWER, owner, TYPE.CNAME, CLASS.IN, ttlSec, rdata);
  }
  return lead?.name ?? qnameOf(query);
};

/** What the alias of a rule leads to. */
export interface Alias {
  /** Wire form, folded. */
  readonly target: Uint8Array;
  readonly ttlSec: number;
  /** Where it stands, when that is not QNAME. */
  readonly lead: Lead | undefined;
  /** The list of the rule, and the generation that the index belongs to. */
  readonly list: number;
  readonly generation: number;
  /** The rule: line, MATCH and TRIGGER. */
  readonly line: number;
  readonly match: number;
  readonly trigger: number;
  /** True when the rule is about the question itself, false when it is about what its answer leads to. */
  readonly isOfQuestion: boolean;
  /** Which exemptions counted when it was made, and when the first of those that mattered ends. */
  readonly exemptionChange: number;
  readonly validUntilMs: number;
  /** The EDE of that list. */
  readonly ede: Uint8Array;
}

/** Answers with an alias and what its target was resolved to. Returns the length. */
export const writeAliased = (
  query: Query,
  { target, ttlSec, lead, ede }: Alias,
  answer: Answer,
  ageSec: number,
  limit: number,
  out: Uint8Array,
): number => {
  const { rcode, wire } = answer;
  const builder = begin(query, rcode, limit, out);
  builder.record(SECTION.ANSWER, writeLead(query, builder, lead), TYPE.CNAME, CLASS.IN, ttlSec, target);
  const reader = new RecordReader();
  reader.reset(wire, wire.length, questionEnd(wire, wire.length));
  while (reader.next()) {
    const owner = copyName(wire, reader.ownerOffset, wire.length);
    const rdata = expandRdata(wire, reader.rdataOffset, reader.rdataLength, reader.type, wire.length);
    if (owner === undefined || rdata === undefined) return writeEmpty(query, RCODE.SERVFAIL, undefined, out);
    builder.record(reader.section, owner, reader.type, reader.class, Math.max(0, reader.ttl - ageSec), rdata);
  }
  return end(query, builder, rcode, ede, limit, out);
};

const qnameOf = (query: Query): Uint8Array =>
  query.bytes.subarray(HEADER_LENGTH, HEADER_LENGTH + query.qnameLength);

const begin = (query: Query, rcode: number, limit: number, out: Uint8Array): MessageBuilder => {
  const room = limit - ednsLength(query);
  const builder = new MessageBuilder(out.subarray(0, Math.min(out.length, room)));
  builder.start(query.id, answerFlags(query, rcode, 0));
  return builder.question(qnameOf(query), query.qtype, query.qclass);
};

const end = (
  query: Query,
  builder: MessageBuilder,
  rcode: number,
  ede: Uint8Array,
  limit: number,
  out: Uint8Array,
): number => {
  if (!builder.overflow) return finish(query, rcode, ede, out, builder.length, limit);
  const length = writeEmpty(query, rcode, undefined, out);
  out[2] = (out[2] ?? 0) | (FLAG.TC >>> 8);
  return length;
};
