// A query as dnstap messages over Frame Streams, written as bytes, with the messages as they came and went.
//
// Schema: dnstap.proto (https://github.com/dnstap/dnstap.pb). Where the log names no whole address, a message keeps
// nothing that would: what clients and forwarders put into OPT (cookies, client subnets, device options) is cut off with
// the additional section, and the ID is 0. What dnstap has no place for is in `extra`, as JSON.
import { type AddressWords, isIpv4 } from '../../base/base.ts';
import { LOGGED, type RingQuery } from '../../telemetry/events/events.ts';
import { HEADER_LENGTH, RecordReader, readU16, SECTION, skipName } from '../../wire/dns/dns.ts';
import type { Piece, QueryEncoder } from './encoder.ts';
import { DecisionTexts } from './kept-texts.ts';
import type { NamedClient, Naming } from './naming.ts';
import { extraText } from './words.ts';

/** The messages that are sent, in the words of the schema. */
export const DNSTAP_MESSAGES = [
  'client-query',
  'client-response',
  'forwarder-query',
  'forwarder-response',
] as const;

/** One of DNSTAP_MESSAGES. */
export type DnstapMessage = (typeof DNSTAP_MESSAGES)[number];

/** Numbers of Message.Type. */
const MESSAGE_TYPE: Readonly<Record<DnstapMessage, number>> = {
  'client-query': 5,
  'client-response': 6,
  'forwarder-query': 7,
  'forwarder-response': 8,
};
/** SocketProtocol by TRANSPORT: UDP, TCP, DOT, DOH, DOQ. */
const PROTOCOLS: readonly number[] = [1, 2, 3, 4, 7];
const WIRE = { VARINT: 0, LENGTH: 2, FIXED32: 5 } as const;
const NSEC_PER_MS = 1_000_000;
/** Everything of a frame but its message, identity and extra: tags, lengths, addresses, times. */
const FRAME_BYTES_MAX = 160;
const LENGTH_BYTES = 4;

/** Bytes of a varint. */
const varintLength = (value: number): number => {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest >>>= 7) length++;
  return length;
};

/** Below 2^32: seconds, ports and lengths are. */
/** Below 2^32: seconds, ports and lengths are. Like all that write here, it returns where it ends. */
const putVarint = (bytes: Uint8Array, at: number, value: number): number => {
  let end = at;
  let rest = value;
  while (rest >= 0x80) {
    bytes[end++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[end++] = rest;
  return end;
};

const putField = (bytes: Uint8Array, at: number, field: number, value: number): number => {
  bytes[at] = field * 8 + WIRE.VARINT;
  return putVarint(bytes, at + 1, value);
};

const putFixed = (bytes: Uint8Array, at: number, field: number, value: number): number => {
  bytes[at] = field * 8 + WIRE.FIXED32;
  bytes[at + 1] = value;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value >>> 16;
  bytes[at + 4] = value >>> 24;
  return at + 5;
};

const putUint32 = (bytes: Uint8Array, at: number, value: number): number => {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
  return at + 4;
};

const putLength = (bytes: Uint8Array, at: number, field: number, length: number): number => {
  bytes[at] = field * 8 + WIRE.LENGTH;
  return putVarint(bytes, at + 1, length);
};

/** Makes frames. */
export class DnstapForm implements QueryEncoder {
  readonly #naming: Naming;
  readonly #types: readonly (number | undefined)[];
  readonly #records = new RecordReader();
  /** Frames up to where their message begins, without their length: with what else is told, and without. */
  readonly #heads = new DecisionTexts((query) => {
    return this.#headWith(extraText(query, this.#naming));
  });
  readonly #plainHead: Uint8Array;

  constructor(naming: Naming, resolver: string, version: string, messages: readonly DnstapMessage[]) {
    this.#naming = naming;
    const texts = [resolver, `cordon ${version}`].map((text) => Buffer.from(text));
    const sender = Buffer.concat(texts.flatMap((text, index) => [fieldHead(index + 1, text.length), text]));
    this.#plainHead = Buffer.concat([new Uint8Array(LENGTH_BYTES), sender]);
    this.#types = DNSTAP_MESSAGES.map((name) => (messages.includes(name) ? MESSAGE_TYPE[name] : undefined));
  }

  encode(query: RingQuery, piece: Piece): number {
    const first = query.kind === LOGGED.CLIENT ? 0 : 2;
    const asked = query.queryLength > 0 ? this.#types[first] : undefined;
    const answered = query.responseLength > 0 ? this.#types[first + 1] : undefined;
    const isUpstream = query.kind === LOGGED.UPSTREAM;
    const client = isUpstream ? undefined : this.#naming.client(query);
    const head = isUpstream ? this.#plainHead : this.#headOf(query);
    // How it was answered is told once.
    const askedHead = answered === undefined ? head : this.#plainHead;
    if (asked !== undefined) this.#putFrame(query, asked, false, client, askedHead, piece);
    if (answered !== undefined) this.#putFrame(query, answered, true, client, head, piece);
    return (asked === undefined ? 0 : 1) + (answered === undefined ? 0 : 1);
  }

  #headOf(query: RingQuery): Uint8Array {
    const head = this.#heads.of(query);
    const device = this.#naming.device(query);
    if (device.length === 0) return head;
    return this.#headWith(`${extraText(query, this.#naming).slice(0, -1)},"device":${device.toString()}}`);
  }

  #headWith(text: string): Uint8Array {
    const extra = Buffer.from(text);
    return Buffer.concat([this.#plainHead, fieldHead(3, extra.length), extra]);
  }

  /** Without a client, the query is one to an upstream. */
  #putFrame(
    query: RingQuery,
    type: number,
    isResponse: boolean,
    client: NamedClient | undefined,
    head: Uint8Array,
    piece: Piece,
  ): void {
    const isUpstream = client === undefined;
    const isWhole = isUpstream || client.isWhole;
    const address = isUpstream ? query.address : client.words;
    const start = isResponse ? query.responseStart : query.queryStart;
    const length = isResponse ? query.responseLength : query.queryLength;
    const kept = isWhole ? length : this.#keptOf(query.bytes.subarray(start, start + length));
    piece.reserve(FRAME_BYTES_MAX + head.length + kept);
    const frameAt = piece.length;
    piece.put(head);
    const askedMs = query.timeMs - query.tookMs;
    const askedSec = Math.floor(askedMs / 1000);
    const answeredSec = Math.floor(query.timeMs / 1000);
    // What stands before the message must say its length: it is counted first.
    let messageLength = 13 + varintLength(askedSec) + varintLength(kept) + kept;
    if (address !== undefined) messageLength += 2 + (isIpv4(address) ? 4 : 16);
    if (isWhole) messageLength += 1 + varintLength(query.port);
    if (isResponse) messageLength += 1 + varintLength(answeredSec) + 5;
    const { bytes } = piece;
    const messageAt = putLength(bytes, piece.length, 14, messageLength);
    let at = putField(bytes, messageAt, 1, type);
    at = putField(bytes, at, 2, address === undefined || isIpv4(address) ? 1 : 2);
    at = putField(bytes, at, 3, PROTOCOLS[query.transport] ?? 1);
    // Of an upstream, the address of who was asked is that of the response (fields 5 and 7).
    if (address !== undefined) at = putAddress(bytes, at, isUpstream ? 5 : 4, address);
    if (isWhole) at = putField(bytes, at, isUpstream ? 7 : 6, query.port);
    at = putField(bytes, at, 8, askedSec);
    at = putFixed(bytes, at, 9, (askedMs - 1000 * askedSec) * NSEC_PER_MS);
    if (isResponse) {
      at = putField(bytes, at, 12, answeredSec);
      at = putFixed(bytes, at, 13, (query.timeMs - 1000 * answeredSec) * NSEC_PER_MS);
    }
    at = putLength(bytes, at, isResponse ? 14 : 10, kept);
    piece.length = at;
    piece.copy(query.bytes, start, kept);
    if (!isWhole) forget(bytes, at);
    if (piece.length - messageAt !== messageLength)
      throw new RangeError('writing a dnstap message: its length');
    // Type of the payload: a message.
    piece.length = putField(bytes, piece.length, 15, 1);
    putUint32(bytes, frameAt, piece.length - frameAt - LENGTH_BYTES);
  }

  /** Bytes of a message up to where its additional section begins. */
  #keptOf(message: Uint8Array): number {
    if (message.length < HEADER_LENGTH) return message.length;
    const fixed =
      readU16(message, 4) > 0 ? skipName(message, HEADER_LENGTH, message.length) : HEADER_LENGTH - 4;
    if (fixed < 0 || fixed + 4 > message.length) return HEADER_LENGTH;
    const records = this.#records;
    records.reset(message, message.length, fixed + 4);
    let end = fixed + 4;
    while (records.next()) {
      if (records.section === SECTION.ADDITIONAL) break;
      end = records.offset;
    }
    return end;
  }
}

const fieldHead = (field: number, length: number): Uint8Array =>
  Uint8Array.of(
    field * 8 + WIRE.LENGTH,
    ...(length < 0x80 ? [length] : [(length % 0x80) + 0x80, Math.floor(length / 0x80)]),
  );

const putAddress = (bytes: Uint8Array, start: number, field: number, address: AddressWords): number => {
  const isV4 = isIpv4(address);
  let at = putLength(bytes, start, field, isV4 ? 4 : 16);
  for (let i = isV4 ? 3 : 0; i < 4; i++) at = putUint32(bytes, at, address[i] ?? 0);
  return at;
};

/** Takes the ID, and the number of additional records, which are not there any more, out of a message. */
const forget = (bytes: Buffer, at: number): void => {
  bytes.writeUInt16BE(0, at);
  if (at + HEADER_LENGTH <= bytes.length) bytes.writeUInt16BE(0, at + 10);
};
