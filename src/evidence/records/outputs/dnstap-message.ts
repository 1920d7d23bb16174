// A record of a query as a dnstap message.
//
// Schema: dnstap.proto (https://github.com/dnstap/dnstap.pb), field numbers below. Messages are rebuilt from the record,
// not copied from the wire: header and question, with ID 0; of the response also RCODE and EDE, but no answer. Addresses
// are what the identity policy left of them. What dnstap has no place for (group, list, exemption, …) is in `extra`, as
// the record's JSON.
import { createAddress, isIpv4, parseAddress } from '../../../base/base.ts';
import {
  CLASS,
  createEde,
  FLAG,
  HEADER_LENGTH,
  MessageBuilder,
  NAME_LENGTH_MAX,
  OPTION,
  parseName,
  parseType,
  RCODE,
  UDP_LENGTH_MAX,
  writeOpt,
  writeOption,
  writeU16,
} from '../../../wire/dns/dns.ts';
import type { QueryRecord } from '../record.ts';
import { ProtobufWriter } from './protobuf.ts';

/** Who sends. */
export interface DnstapSender {
  readonly identity: string;
  readonly version: string;
}

/** Field numbers of a payload. */
export const DNSTAP = { IDENTITY: 1, VERSION: 2, EXTRA: 3, MESSAGE: 14, TYPE: 15 } as const;
export const DNSTAP_TYPE_MESSAGE = 1;
/** Field numbers of a message. */
export const MESSAGE = {
  TYPE: 1,
  SOCKET_FAMILY: 2,
  SOCKET_PROTOCOL: 3,
  QUERY_ADDRESS: 4,
  QUERY_PORT: 6,
  QUERY_TIME_SEC: 8,
  QUERY_TIME_NSEC: 9,
  QUERY_MESSAGE: 10,
  RESPONSE_TIME_SEC: 12,
  RESPONSE_TIME_NSEC: 13,
  RESPONSE_MESSAGE: 14,
  POLICY: 15,
} as const;
/** What a message tells of. */
export const MESSAGE_TYPE = { CLIENT_QUERY: 5, CLIENT_RESPONSE: 6 } as const;
const SOCKET_FAMILY = { INET: 1, INET6: 2 } as const;
const SOCKET_PROTOCOL: Readonly<Record<string, number>> = { udp: 1, tcp: 2, dot: 3, doh: 4, doq: 7 };
const POLICY = { TYPE: 1, RULE: 2, ACTION: 3, MATCH: 4, VALUE: 5 } as const;
const POLICY_MATCH = { QNAME: 1, RESPONSE_IP: 3 } as const;
const POLICY_ACTION = { NXDOMAIN: 1, PASS: 3, DROP: 4 } as const;

/** Header, the longest question, OPT and an EDE without text. */
const REBUILT_LENGTH_MAX = HEADER_LENGTH + NAME_LENGTH_MAX + 4 + 11 + 6;
const NSEC_PER_MS = 1_000_000;

/** Of the payload and what is nested in it, one writer each. */
const payloads = new ProtobufWriter();
const messages = new ProtobufWriter();
const policies = new ProtobufWriter();

/** The dnstap payload for a record; `extra` is the record's JSON. */
export const toDnstap = (record: QueryRecord, extra: string, sender: DnstapSender): Uint8Array =>
  payloads
    .bytes(DNSTAP.IDENTITY, sender.identity)
    .bytes(DNSTAP.VERSION, sender.version)
    .bytes(DNSTAP.EXTRA, extra)
    .bytes(DNSTAP.MESSAGE, toMessage(record))
    .varint(DNSTAP.TYPE, DNSTAP_TYPE_MESSAGE)
    .finish();

const toMessage = (record: QueryRecord): Uint8Array => {
  const timeMs = Date.parse(record.time);
  const sec = Math.floor(timeMs / 1000);
  const nsec = (timeMs % 1000) * NSEC_PER_MS;
  const client = readClient(record.client);
  // A query that was dropped has no response.
  const rcode = record.rcode === undefined ? undefined : readRcode(record.rcode);
  const message = messages
    .varint(
      MESSAGE.TYPE,
      record.rcode === undefined ? MESSAGE_TYPE.CLIENT_QUERY : MESSAGE_TYPE.CLIENT_RESPONSE,
    )
    .varint(MESSAGE.SOCKET_FAMILY, client?.family)
    .varint(MESSAGE.SOCKET_PROTOCOL, SOCKET_PROTOCOL[record.transport])
    .bytes(MESSAGE.QUERY_ADDRESS, client?.address)
    .varint(MESSAGE.QUERY_PORT, record.port)
    .varint(MESSAGE.QUERY_TIME_SEC, sec)
    .fixed32(MESSAGE.QUERY_TIME_NSEC, nsec)
    .bytes(MESSAGE.QUERY_MESSAGE, rebuild(record, FLAG.RD, undefined));
  if (rcode !== undefined)
    message
      .varint(MESSAGE.RESPONSE_TIME_SEC, sec)
      .fixed32(MESSAGE.RESPONSE_TIME_NSEC, nsec)
      .bytes(MESSAGE.RESPONSE_MESSAGE, rebuild(record, FLAG.QR | FLAG.RD | FLAG.RA, rcode));
  return message.bytes(MESSAGE.POLICY, toPolicy(record)).finish();
};

/** The list and line that decided, in the words that dnstap has; undefined where no list had a part in it. */
const toPolicy = (record: QueryRecord): Uint8Array | undefined => {
  if (record.list === undefined) return undefined;
  return policies
    .bytes(POLICY.TYPE, 'list')
    .bytes(POLICY.RULE, `${record.list}:${record.line ?? 0}`)
    .varint(POLICY.ACTION, actionOf(record))
    .varint(POLICY.MATCH, matchOf(record))
    .bytes(POLICY.VALUE, policyValue(record))
    .finish();
};

/** Absent where the record does not tell it: an answer without an error may hold local data or nothing. */
const actionOf = (record: QueryRecord): number | undefined => {
  if (record.kind !== 'refusal') return POLICY_ACTION.PASS;
  if (record.rcode === undefined) return POLICY_ACTION.DROP;
  return record.rcode === 'NXDOMAIN' ? POLICY_ACTION.NXDOMAIN : undefined;
};

/** Names that an answer leads to have no word in the schema. */
const matchOf = (record: QueryRecord): number | undefined => {
  if (record.trigger === 'qname') return POLICY_MATCH.QNAME;
  return record.target !== undefined && addressBytes(record.target) !== undefined
    ? POLICY_MATCH.RESPONSE_IP
    : undefined;
};

/** Names in wire form, addresses as their bytes. */
const policyValue = (record: QueryRecord): Uint8Array | undefined => {
  const text = record.target ?? record.qname;
  return addressBytes(text)?.address ?? wireName(text);
};

interface ClientAddress {
  readonly family: number;
  readonly address: Uint8Array;
}

/** The address of a client, or that of its prefix; undefined for a pseudonym. */
const readClient = (client: string): ClientAddress | undefined => addressBytes(client.split('/', 1)[0] ?? '');

const words = createAddress();

const addressBytes = (text: string): ClientAddress | undefined => {
  if (!parseAddress(text, words)) return undefined;
  const bytes = Buffer.alloc(16);
  for (let i = 0; i < 4; i++) bytes.writeUInt32BE(words[i] ?? 0, 4 * i);
  return isIpv4(words)
    ? { family: SOCKET_FAMILY.INET, address: bytes.subarray(12) }
    : { family: SOCKET_FAMILY.INET6, address: bytes };
};

const wireName = (text: string): Uint8Array | undefined => {
  const name = parseName(text);
  return typeof name === 'string' ? undefined : name;
};

const rcodes: ReadonlyMap<string, number> = new Map(Object.entries(RCODE));
const readRcode = (text: string): number => rcodes.get(text) ?? (Number(text.replace('RCODE', '')) || 0);

/** Header and question, and in a response with an EDE the OPT record that holds it. */
const rebuild = (record: QueryRecord, flags: number, rcode: number | undefined): Uint8Array | undefined => {
  const qname = wireName(record.qname);
  const qtype = parseType(record.qtype);
  if (qname === undefined || qtype === undefined) return undefined;
  const bytes = new Uint8Array(REBUILT_LENGTH_MAX);
  const question = new MessageBuilder(bytes)
    .start(0, flags | ((rcode ?? 0) & 0x0f))
    .question(qname, qtype, CLASS.IN)
    .finish();
  if (rcode === undefined || (record.ede === undefined && rcode <= 0x0f)) return question;
  const optOffset = question.length;
  let end = writeOpt(bytes, optOffset, UDP_LENGTH_MAX, rcode, false);
  if (record.ede !== undefined) end = writeOption(bytes, optOffset, end, OPTION.EDE, createEde(record.ede));
  writeU16(bytes, HEADER_LENGTH - 2, 1);
  return bytes.subarray(0, end);
};
