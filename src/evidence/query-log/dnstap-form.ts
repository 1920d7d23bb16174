// A query as dnstap messages over Frame Streams, written as bytes, with the messages as they came and went.
//
// Schema: dnstap.proto (https://github.com/dnstap/dnstap.pb). Where the log names no whole address, a message keeps
// nothing that would: what clients and forwarders put into OPT (cookies, client subnets, device options) is cut off with
// the additional section, and the ID is 0. What dnstap has no place for is in `extra`, as JSON.
import { type AddressWords, isIpv4 } from '../../base/base.ts';
import { LOGGED, type RingQuery } from '../../telemetry/events/events.ts';
import { HEADER_LENGTH, RecordReader, readU16, SECTION, skipName } from '../../wire/dns/dns.ts';
import type { Piece, QueryEncoder } from './encoder.ts';

import type { Naming } from './naming.ts';
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
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++;
  return length;
};

const putVarint = (piece: Piece, value: number): void => {
  let rest = value;
  while (rest >= 0x80) {
    piece.bytes[piece.length++] = (rest % 0x80) + 0x80;
    rest = Math.floor(rest / 0x80);
  }
  piece.bytes[piece.length++] = rest;
};

const putField = (piece: Piece, field: number, value: number): void => {
  piece.bytes[piece.length++] = field * 8 + WIRE.VARINT;
  putVarint(piece, value);
};

const putFixed = (piece: Piece, field: number, value: number): void => {
  piece.bytes[piece.length++] = field * 8 + WIRE.FIXED32;
  piece.length = piece.bytes.writeUInt32LE(value, piece.length);
};

const putLength = (piece: Piece, field: number, length: number): void => {
  piece.bytes[piece.length++] = field * 8 + WIRE.LENGTH;
  putVarint(piece, length);
};

/** Makes frames. */
export class DnstapForm implements QueryEncoder {
  readonly #naming: Naming;
  /** Fields 1 and 2 of a payload. */
  readonly #sender: Uint8Array;
  readonly #types: readonly (number | undefined)[];
  readonly #records = new RecordReader();
  readonly #extras = new Map<string, Uint8Array>();

  constructor(naming: Naming, resolver: string, version: string, messages: readonly DnstapMessage[]) {
    this.#naming = naming;
    const texts = [resolver, `cordon ${version}`].map((text) => Buffer.from(text));
    this.#sender = Buffer.concat(texts.flatMap((text, index) => [fieldHead(index + 1, text.length), text]));
    this.#types = DNSTAP_MESSAGES.map((name) => (messages.includes(name) ? MESSAGE_TYPE[name] : undefined));
  }

  encode(query: RingQuery, piece: Piece): number {
    const first = query.kind === LOGGED.CLIENT ? 0 : 2;
    const asked = query.queryLength > 0 ? this.#types[first] : undefined;
    const answered = query.responseLength > 0 ? this.#types[first + 1] : undefined;
    if (asked !== undefined) this.#putFrame(query, asked, false, piece);
    if (answered !== undefined) this.#putFrame(query, answered, true, piece);
    return (asked === undefined ? 0 : 1) + (answered === undefined ? 0 : 1);
  }

  #putFrame(query: RingQuery, type: number, isResponse: boolean, piece: Piece): void {
    const isUpstream = query.kind === LOGGED.UPSTREAM;
    const client = isUpstream ? undefined : this.#naming.client(query);
    const isWhole = client === undefined || client.isWhole;
    const address = isUpstream ? query.address : client?.words;
    const start = isResponse ? query.responseStart : query.queryStart;
    const length = isResponse ? query.responseLength : query.queryLength;
    const kept = isWhole ? length : this.#keptOf(query.bytes.subarray(start, start + length));
    const extra = isUpstream ? NONE : this.#extra(query);
    piece.reserve(FRAME_BYTES_MAX + this.#sender.length + extra.length + kept);
    const frameAt = piece.length;
    piece.length += LENGTH_BYTES;
    piece.put(this.#sender);
    if (extra.length > 0) {
      putLength(piece, 3, extra.length);
      piece.put(extra);
    }
    const messageLength = lengthOfMessage(type, query, address, isWhole, isResponse, kept);
    putLength(piece, 14, messageLength);
    const messageAt = piece.length;
    putField(piece, 1, type);
    putField(piece, 2, address === undefined || isIpv4(address) ? 1 : 2);
    putField(piece, 3, PROTOCOLS[query.transport] ?? 1);
    // Of an upstream, the address of who was asked is that of the response (fields 5 and 7).
    if (address !== undefined) putAddress(piece, isUpstream ? 5 : 4, address);
    if (isWhole) putField(piece, isUpstream ? 7 : 6, query.port);
    const askedMs = query.timeMs - query.tookMs;
    putField(piece, 8, Math.floor(askedMs / 1000));
    putFixed(piece, 9, (askedMs % 1000) * NSEC_PER_MS);
    if (isResponse) {
      putField(piece, 12, Math.floor(query.timeMs / 1000));
      putFixed(piece, 13, (query.timeMs % 1000) * NSEC_PER_MS);
    }
    putLength(piece, isResponse ? 14 : 10, kept);
    const at = piece.length;
    piece.copy(query.bytes, start, kept);
    if (!isWhole) forget(piece.bytes, at);
    if (piece.length - messageAt !== messageLength)
      throw new RangeError('writing a dnstap message: its length');
    // Type of the payload: a message.
    putField(piece, 15, 1);
    piece.bytes.writeUInt32BE(piece.length - frameAt - LENGTH_BYTES, frameAt);
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

  #extra(query: RingQuery): Uint8Array {
    const { source, validation, generation, group, list, line } = query;
    const key = `${source} ${validation} ${generation} ${group} ${list} ${line}`;
    let text = this.#extras.get(key);
    if (text === undefined) {
      if (this.#extras.size >= EXTRAS_MAX) this.#extras.clear();
      text = Buffer.from(extraText(query, this.#naming));
      this.#extras.set(key, text);
    }
    return text;
  }
}

const EXTRAS_MAX = 4_096;
const NONE = new Uint8Array(0);

const fieldHead = (field: number, length: number): Uint8Array =>
  Uint8Array.of(
    field * 8 + WIRE.LENGTH,
    ...(length < 0x80 ? [length] : [(length % 0x80) + 0x80, Math.floor(length / 0x80)]),
  );

/** What stands before the message must say its length: it is counted first. */
const lengthOfMessage = (
  type: number,
  query: RingQuery,
  address: AddressWords | undefined,
  isWhole: boolean,
  isResponse: boolean,
  kept: number,
): number => {
  const askedMs = query.timeMs - query.tookMs;
  let length = 1 + varintLength(type) + 2 + 2;
  if (address !== undefined) length += 2 + (isIpv4(address) ? 4 : 16);
  if (isWhole) length += 1 + varintLength(query.port);
  length += 1 + varintLength(Math.floor(askedMs / 1000)) + 5;
  if (isResponse) length += 1 + varintLength(Math.floor(query.timeMs / 1000)) + 5;
  return length + 1 + varintLength(kept) + kept;
};

const putAddress = (piece: Piece, field: number, address: AddressWords): void => {
  const isV4 = isIpv4(address);
  putLength(piece, field, isV4 ? 4 : 16);
  for (let i = isV4 ? 3 : 0; i < 4; i++)
    piece.length = piece.bytes.writeUInt32BE(address[i] ?? 0, piece.length);
};

/** Takes the ID, and the number of additional records, which are not there any more, out of a message. */
const forget = (bytes: Buffer, at: number): void => {
  bytes.writeUInt16BE(0, at);
  if (at + HEADER_LENGTH <= bytes.length) bytes.writeUInt16BE(0, at + 10);
};
