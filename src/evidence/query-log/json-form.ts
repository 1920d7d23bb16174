// A query as a JSON line in the names of the Elastic Common Schema, written as bytes: at full load each microsecond
// here is one that answers do not have. The order of the members is fixed, so that those who look for a name in
// gigabytes of lines need not parse them (own-lines.ts).
import { TRANSPORT } from '../../base/words/words.ts';
import { LOGGED, type RingQuery } from '../../telemetry/events/events.ts';
import {
  CLASS,
  expandRdata,
  FLAG,
  foldByte,
  formatClass,
  formatRcode,
  formatRdata,
  formatType,
  HEADER_LENGTH,
  RecordReader,
  readU16,
  SECTION,
  skipName,
  TYPE,
} from '../../wire/dns/dns.ts';
import { ECS_VERSION } from '../records/records.ts';
import type { Piece, QueryEncoder } from './encoder.ts';
import { AnswerTexts, DecisionTexts } from './kept-texts.ts';
import type { NamedClient, Naming } from './naming.ts';
import { inQuotes } from './quoted.ts';
import { sourceWord, transportWord, validationWord } from './words.ts';

/** Bytes of answers in a line; what is longer is counted in `cordon.answers_omitted`. */
const ANSWERS_BYTES_MAX = 16_384;
/** Of everything else: two names of which each byte is escaped, and texts. */
const OTHERS_BYTES_MAX = 8_192;
/** A name of 255 bytes, each as five. */
const NAME_BYTES_MAX = 1_280;
/** Pointers that one name may take: as many as it may have labels. */
const POINTERS_MAX = 127;
/** Texts that are kept of each kind. */
const KEPT_MAX = 4_096;

const FLAG_NAMES = [
  ['AA', FLAG.AA],
  ['TC', FLAG.TC],
  ['RD', FLAG.RD],
  ['RA', FLAG.RA],
  ['AD', FLAG.AD],
  ['CD', FLAG.CD],
] as const;

const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');

const QUESTION_NAME = bytesOf('","dns":{"question":{"name":"');
const QUESTION_TYPE = bytesOf('","type":"');
const QUESTION_CLASS = bytesOf('","class":"');
const IN = bytesOf('IN');
const NO_QUESTION = bytesOf('","dns":{"question":{');
const OF_ANSWER = bytesOf('},"type":"answer","header_flags":[');
const OF_QUERY = bytesOf('},"type":"query"');
const RESPONSE_CODE = bytesOf('],"response_code":"');
const ANSWERS = bytesOf('","answers":[');
const ANSWER_NAME = bytesOf('{"name":"');
const ANSWER_TYPE = bytesOf('","type":"');
const ANSWER_TTL = bytesOf('","ttl":');
const ANSWER_DATA = bytesOf(',"data":"');
const ANSWER_END = bytesOf('"},');
const RESOLVED = bytesOf('],"resolved_ip":[');
const LIST_END = bytesOf(']');
const QUOTE_END = bytesOf('"');
const EVENT = bytesOf('},"event":{"kind":"event","category":["network"],"type":["protocol"],"duration":');
const DEVICE = bytesOf(',"device":');
const HEX = bytesOf('0123456789abcdef');

/** Of a table that begins anew when it is full. */
const keep = <Key>(table: Map<Key, Uint8Array>, key: Key, make: () => string): Uint8Array => {
  const known = table.get(key);
  if (known !== undefined) return known;
  if (table.size >= KEPT_MAX) table.clear();
  const made = bytesOf(make());
  table.set(key, made);
  return made;
};

/** Makes lines. */
export class JsonForm implements QueryEncoder {
  readonly #naming: Naming;
  readonly #tail: string;
  readonly #records = new RecordReader();
  readonly #types = new Map<number, Uint8Array>();
  readonly #rcodes = new Map<number, Uint8Array>();
  readonly #flags = new Map<number, Uint8Array>();
  readonly #answers = new AnswerTexts();
  readonly #decisions = new DecisionTexts((query) => this.#decision(query, 0));
  readonly #answersMax: number;
  /** Addresses of the answer at hand, where they stand in the piece: start and end in turns. */
  readonly #addresses: number[] = [];
  #second = -1;
  #secondText: Uint8Array = new Uint8Array(0);

  constructor(naming: Naming, resolver: string, answersMax = ANSWERS_BYTES_MAX) {
    this.#naming = naming;
    this.#answersMax = answersMax;
    const observer = `"observer":{"name":${inQuotes(resolver)},"type":"dns","product":"Cordon"}`;
    this.#tail = `},${observer},"ecs":{"version":"${ECS_VERSION}"}}\n`;
  }

  encode(query: RingQuery, piece: Piece): number {
    if (query.kind !== LOGGED.CLIENT) return 0;
    piece.reserve(OTHERS_BYTES_MAX);
    this.#putTime(query.timeMs, piece);
    let omitted = 0;
    if (!this.#answers.put(query, piece)) {
      const start = piece.length;
      omitted = this.#putMessages(query, piece);
      if (omitted === 0) this.#answers.keep(piece.bytes, start, piece.length);
    }
    piece.number(query.tookMs * 1_000_000);
    this.#putClient(query, piece);
    const decision = omitted === 0 ? this.#decisions.of(query) : this.#decision(query, omitted);
    const device = this.#naming.device(query);
    piece.reserve(decision.length + DEVICE.length + device.length);
    piece.put(decision);
    if (device.length > 0) {
      piece.length -= this.#tail.length;
      piece.put(DEVICE);
      piece.put(device);
      piece.text(this.#tail);
    }
    return 1;
  }

  /** Returns how many records found no room. */
  #putMessages(query: RingQuery, piece: Piece): number {
    const { bytes, queryStart, queryLength } = query;
    const asked = bytes.subarray(queryStart, queryStart + queryLength);
    const fixed = queryLength > HEADER_LENGTH ? skipName(asked, HEADER_LENGTH, queryLength) : -1;
    const hasQuestion = fixed > 0 && fixed + 4 <= queryLength && readU16(asked, 4) > 0;
    if (hasQuestion) {
      piece.put(QUESTION_NAME);
      putName(asked, HEADER_LENGTH, queryLength, piece);
      piece.put(QUESTION_TYPE);
      piece.put(this.#type(readU16(asked, fixed)));
      piece.put(QUESTION_CLASS);
      const qclass = readU16(asked, fixed + 2);
      if (qclass === CLASS.IN) piece.put(IN);
      else piece.text(formatClass(qclass));
      piece.put(QUOTE_END);
    } else piece.put(NO_QUESTION);
    const omitted = query.responseLength > 0 ? this.#putAnswer(query, piece) : this.#putDropped(piece);
    piece.reserve(OTHERS_BYTES_MAX);
    piece.put(EVENT);
    return omitted;
  }

  #putTime(timeMs: number, piece: Piece): void {
    const second = Math.floor(timeMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondText = bytesOf(`{"@timestamp":"${new Date(second * 1000).toISOString().slice(0, 20)}`);
    }
    piece.put(this.#secondText);
    const ms = Math.floor(timeMs - 1000 * second);
    const { bytes, length } = piece;
    bytes[length] = 0x30 + Math.floor(ms / 100);
    bytes[length + 1] = 0x30 + (Math.floor(ms / 10) % 10);
    bytes[length + 2] = 0x30 + (ms % 10);
    bytes[length + 3] = 0x5a;
    piece.length = length + 4;
  }

  #putDropped(piece: Piece): number {
    piece.put(OF_QUERY);
    return 0;
  }

  /** Returns how many records found no room. */
  #putAnswer(query: RingQuery, piece: Piece): number {
    const { bytes, responseStart, responseLength } = query;
    const message = bytes.subarray(responseStart, responseStart + responseLength);
    const flags = readU16(message, 2);
    piece.put(OF_ANSWER);
    piece.put(keep(this.#flags, flags & 0x7f0, () => flagTexts(flags)));
    piece.put(RESPONSE_CODE);
    const records = this.#records;
    const start =
      readU16(message, 4) > 0 ? skipName(message, HEADER_LENGTH, responseLength) + 4 : HEADER_LENGTH;
    const hasRecords = start >= HEADER_LENGTH;
    const rcode = (flags & 0xf) | (hasRecords ? readUpperRcode(records, message, start) << 4 : 0);
    piece.put(keep(this.#rcodes, rcode, () => formatRcode(rcode)));
    if (!hasRecords || readU16(message, 6) === 0) {
      piece.put(QUOTE_END);
      return 0;
    }
    return this.#putAnswers(message, start, piece);
  }

  #putAnswers(message: Uint8Array, start: number, piece: Piece): number {
    const records = this.#records;
    const addresses = this.#addresses;
    addresses.length = 0;
    piece.put(ANSWERS);
    const first = piece.length;
    let omitted = 0;
    records.reset(message, message.length, start);
    while (records.next() && records.section === SECTION.ANSWER) {
      if (omitted > 0 || piece.length - first > this.#answersMax) {
        omitted++;
        continue;
      }
      this.#putRecord(message, piece);
    }
    if (piece.length > first) piece.length--;
    if (addresses.length === 0) {
      piece.put(LIST_END);
      return omitted;
    }
    piece.put(RESOLVED);
    for (let i = 0; i < addresses.length; i += 2) {
      const from = addresses[i] ?? 0;
      const count = (addresses[i + 1] ?? 0) - from;
      piece.reserve(count + 64);
      if (i > 0) piece.text(',');
      piece.put(QUOTE_END);
      piece.copy(piece.bytes, from, count);
      piece.put(QUOTE_END);
    }
    piece.put(LIST_END);
    return omitted;
  }

  #putRecord(message: Uint8Array, piece: Piece): void {
    const { type, ttl, ownerOffset, rdataOffset, rdataLength } = this.#records;
    piece.reserve(3 * NAME_BYTES_MAX);
    piece.put(ANSWER_NAME);
    putName(message, ownerOffset, message.length, piece);
    piece.put(ANSWER_TYPE);
    piece.put(this.#type(type));
    piece.put(ANSWER_TTL);
    piece.number(ttl);
    piece.put(ANSWER_DATA);
    const from = piece.length;
    switch (type) {
      case TYPE.A:
        if (rdataLength === 4) putIpv4(message, rdataOffset, piece);
        break;
      case TYPE.AAAA:
        if (rdataLength === 16) putIpv6(message, rdataOffset, piece);
        break;
      case TYPE.CNAME:
      case TYPE.NS:
      case TYPE.PTR:
        putName(message, rdataOffset, rdataOffset + rdataLength, piece);
        break;
      default: {
        const rdata = expandRdata(message, rdataOffset, rdataLength, type, message.length);
        const text = rdata === undefined ? '' : inQuotes(formatRdata(type, rdata)).slice(1, -1);
        piece.text(text.length > this.#answersMax ? '' : text);
        piece.reserve(64);
      }
    }
    if ((type === TYPE.A || type === TYPE.AAAA) && piece.length > from)
      this.#addresses.push(from, piece.length);
    piece.put(ANSWER_END);
  }

  #type(type: number): Uint8Array {
    return keep(this.#types, type, () => formatType(type));
  }

  #putClient(query: RingQuery, piece: Piece): void {
    const client = this.#naming.client(query);
    client.source ??= bytesOf(sourceText(client));
    piece.put(client.source);
    if (client.isWhole) piece.number(query.port);
  }

  /** What follows the client. */
  #decision(query: RingQuery, omitted: number): Uint8Array {
    const { generation, list, line, group, transport, forwarder } = query;
    const { generations } = this.#naming;
    const isUdp = transport === TRANSPORT.UDP || transport === TRANSPORT.DOQ;
    let text = isUdp ? OVER_UDP : OVER_TCP;
    if (list >= 0) {
      const { id } = generations.list(generation, list);
      text += `,"rule":{"ruleset":${inQuotes(id)},"id":${inQuotes(`${id}:${line}`)}}`;
    }
    text += wayText(query);
    if (group >= 0) text += `,"group":${inQuotes(generations.group(generation, group))}`;
    if (forwarder >= 0) text += `,"reported_by":${inQuotes(generations.forwarder(generation, forwarder))}`;
    if (omitted > 0) text += `,"answers_omitted":${omitted}`;
    return bytesOf(text + this.#tail);
  }
}

const OVER_UDP = '},"network":{"transport":"udp","protocol":"dns"}';
const OVER_TCP = '},"network":{"transport":"tcp","protocol":"dns"}';

/** The client up to where its port stands, which a whole address has. Without one, what is before stays open. */
const sourceText = ({ text, isWhole }: NamedClient): string => {
  if (text === '') return '';
  return isWhole
    ? `},"source":{"address":"${text}","ip":"${text}","port":`
    : `},"source":{"address":"${text}"`;
};

/** How the query came in and its answer about. */
const wayText = ({ source, validation, transport }: RingQuery): string =>
  `,"cordon":{"source":"${sourceWord(source)}","validation":"${validationWord(validation)}","transport":"${transportWord(transport)}"`;

const flagTexts = (flags: number): string =>
  FLAG_NAMES.filter(([, flag]) => (flags & flag) !== 0)
    .map(([name]) => `"${name}"`)
    .join(',');

/** The upper eight bits of the RCODE, which an OPT record holds (RFC 6891 section 6.1.3). */
const readUpperRcode = (records: RecordReader, message: Uint8Array, start: number): number => {
  if (readU16(message, 10) === 0) return 0;
  records.reset(message, message.length, start);
  while (records.next()) if (records.type === TYPE.OPT) return records.ttl >>> 24;
  return 0;
};

/** A name in presentation format, letters folded, without the dot of the root: its bytes as JSON has them. */
const putName = (message: Uint8Array, offset: number, end: number, piece: Piece): void => {
  const { bytes } = piece;
  let out = piece.length;
  let at = offset;
  let pointers = 0;
  let written = 0;
  let limit = end;
  for (;;) {
    const label = at < limit ? (message[at] ?? 0) : 0;
    if ((label & 0xc0) === 0xc0) {
      const target = ((label & 0x3f) << 8) | (message[at + 1] ?? 0);
      if (++pointers > POINTERS_MAX || target >= at) break;
      at = target;
      limit = message.length;
      continue;
    }
    if (label === 0 || (label & 0xc0) !== 0) break;
    if (at + label >= limit || written + label + 1 > 254) break;
    if (written > 0) bytes[out++] = 0x2e;
    written += label + 1;
    for (let i = at + 1; i <= at + label; i++) {
      const byte = foldByte(message[i] ?? 0);
      if (byte > 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c && byte !== 0x2e) {
        bytes[out++] = byte;
        continue;
      }
      // Presentation format has \DDD (RFC 1035 section 5.1), and JSON two backslashes for it.
      bytes[out++] = 0x5c;
      bytes[out++] = 0x5c;
      bytes[out++] = 0x30 + Math.floor(byte / 100);
      bytes[out++] = 0x30 + (Math.floor(byte / 10) % 10);
      bytes[out++] = 0x30 + (byte % 10);
    }
    at += label + 1;
  }
  if (written === 0) bytes[out++] = 0x2e;
  piece.length = out;
};

const putIpv4 = (message: Uint8Array, offset: number, piece: Piece): void => {
  for (let i = 0; i < 4; i++) {
    if (i > 0) piece.bytes[piece.length++] = 0x2e;
    piece.number(message[offset + i] ?? 0);
  }
};

/** RFC 5952: the longest run of two or more zero groups is "::". */
const putIpv6 = (message: Uint8Array, offset: number, piece: Piece): void => {
  let best = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && readU16(message, offset + 2 * (i + length)) === 0) length++;
    if (length > bestLength) {
      best = i;
      bestLength = length;
    }
    i += length;
  }
  const { bytes } = piece;
  for (let i = 0; i < 8; i++) {
    if (i === best) {
      bytes[piece.length++] = 0x3a;
      bytes[piece.length++] = 0x3a;
      i += bestLength - 1;
      continue;
    }
    if (i > 0 && (best < 0 || i !== best + bestLength)) bytes[piece.length++] = 0x3a;
    const group = readU16(message, offset + 2 * i);
    for (let shift = 12; shift >= 0; shift -= 4)
      if (shift === 0 || group >>> shift !== 0) bytes[piece.length++] = HEX[(group >>> shift) & 0xf] ?? 0;
  }
};
