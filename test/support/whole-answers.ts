// Answers of an exact size over each transport, and what every byte of what comes back is.
//
// A client asks all its questions over one connection, closes its side and takes all that comes until the end: so nothing
// can be left over, and a length that is wrong shows in all that follows it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import {
  CLASS,
  FLAG,
  HEADER_LENGTH,
  MESSAGE_LENGTH_MAX,
  OPTION,
  questionEnd,
  RecordReader,
  readOptions,
  readU16,
  TYPE,
  writeU16,
  writeU32,
} from '../../src/wire/dns/dns.ts';
import type { SocketAddress } from './process.ts';
import { frame } from './scripted-upstream.ts';

/** Bytes of the OPT record, and of the options that an answer may have: the head of each is 4 bytes. */
export const OPT_BYTES = 11;
const COOKIE_BYTES = 4 + 24;
const KEEPALIVE_BYTES = 4 + 2;
const PADDING_HEAD = 4;
/** Of a record whose owner is a pointer. */
export const RECORD_HEAD = 12;
const TTL_SEC = 300;

/** Letters as strings of TXT, so many bytes in all. */
export const textOf = (length: number): Uint8Array => {
  const rdata = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const count = Math.min(255, length - at - 1);
    rdata[at++] = count;
    for (const stop = at + count; at < stop; at++) rdata[at] = 0x61 + (at % 26);
  }
  return rdata;
};

/** The answer to a message's question with records of its name; `additional` stands behind them. */
export const answerWith = (
  query: Uint8Array,
  rdatas: readonly Uint8Array[],
  additional: Uint8Array = new Uint8Array(0),
): Uint8Array => {
  const end = questionEnd(query, query.length);
  const type = query.subarray(end - 4, end - 2);
  const parts = rdatas.flatMap((rdata) => {
    const head = new Uint8Array(RECORD_HEAD);
    writeU16(head, 0, 0xc000 | HEADER_LENGTH);
    head.set(type, 2);
    writeU16(head, 4, CLASS.IN);
    writeU32(head, 6, TTL_SEC);
    writeU16(head, 10, rdata.length);
    return [head, rdata];
  });
  const message = Uint8Array.from(Buffer.concat([query.subarray(0, end), ...parts, additional]));
  writeU16(message, 2, FLAG.QR | FLAG.RD | FLAG.RA);
  writeU16(message, 6, rdatas.length);
  writeU16(message, 8, 0);
  writeU16(message, 10, additional.length > 0 ? 1 : 0);
  return message;
};

/** The answer with one TXT record, so long that the whole has `size` bytes; `additional` stands behind it. */
export const answerOf = (query: Uint8Array, size: number, additional?: Uint8Array): Uint8Array =>
  answerWith(query, [textOf(size - questionEnd(query, query.length) - RECORD_HEAD)], additional);

/** What a query asks for beside its answer. */
export const WANTED = ['keepalive', 'cookie', 'padding', 'unknown'] as const;
export type Wanted = (typeof WANTED)[number];

const OPTIONS: Readonly<Record<Wanted, readonly number[]>> = {
  keepalive: [0, OPTION.TCP_KEEPALIVE, 0, 0],
  cookie: [0, OPTION.COOKIE, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8],
  padding: [0, OPTION.PADDING, 0, 3, 0, 0, 0],
  unknown: [0, OPTION.NSID, 0, 0],
};

/** The options of a query. */
export const optionsOf = (wanted: readonly Wanted[]): Uint8Array =>
  Uint8Array.from(wanted.flatMap((name) => OPTIONS[name]));

/** Every choice among some names. */
export const choices = <T>(names: readonly T[]): T[][] =>
  Array.from({ length: 2 ** names.length }, (_, choice) =>
    names.filter((_name, at) => (choice >> at) % 2 === 1),
  );

/** How a query was asked. */
export interface Asking {
  readonly query: Uint8Array;
  /** Undefined: without an OPT record. */
  readonly wanted: readonly Wanted[] | undefined;
  /** The whole answer, without its OPT record. */
  readonly body: Uint8Array;
  /** The longest answer there. */
  readonly limit: number;
  readonly isEncrypted: boolean;
  /** The time that a connection may be idle, in units of 100 ms; undefined: it is not told. */
  readonly idle: number | undefined;
  /** Bytes of the EDE option that the answer has where it fits. */
  readonly edeBytes: number;
}

/** Throws unless each byte of an answer is one that has to be there, and nothing that fits is missing. */
export const accountFor = (bytes: Uint8Array, asking: Asking): void => {
  const { query, wanted, body, limit } = asking;
  assert.ok(bytes.length <= limit, `${bytes.length} bytes where ${limit} may be`);
  const optBytes = wanted === undefined ? 0 : OPT_BYTES + (wanted.includes('cookie') ? COOKIE_BYTES : 0);
  const isWhole = body.length + optBytes <= limit;
  const whole = isWhole ? body.slice() : query.slice(0, questionEnd(query, query.length));
  writeU16(whole, 2, FLAG.QR | FLAG.RD | FLAG.RA | (isWhole ? 0 : FLAG.TC));
  writeU16(whole, 10, wanted === undefined ? 0 : 1);
  if (!isWhole) for (let at = 6; at < 10; at++) whole[at] = 0;
  const records = new RecordReader();
  records.reset(body, isWhole ? body.length : 0, questionEnd(body, body.length));
  while (records.next()) {
    // A second less at most for each second of the test.
    const { ttlOffset } = records;
    assert.ok(readU16(bytes, ttlOffset) === 0 && readU16(bytes, ttlOffset + 2) <= TTL_SEC);
    whole.set(bytes.subarray(ttlOffset, ttlOffset + 4), ttlOffset);
  }
  assert.ok(Buffer.compare(bytes.subarray(0, whole.length), whole) === 0, 'another answer');
  if (wanted === undefined) assert.equal(bytes.length, whole.length);
  else accountForOptions(bytes, whole.length, asking, wanted, isWhole);
};

const accountForOptions = (
  bytes: Uint8Array,
  start: number,
  { limit, isEncrypted, idle, edeBytes }: Asking,
  wanted: readonly Wanted[],
  isWhole: boolean,
): void => {
  const head = Uint8Array.of(0, 0, TYPE.OPT, 0x04, 0xd0, 0, 0, 0, 0);
  assert.deepEqual(bytes.slice(start, start + head.length), head);
  const length = readU16(bytes, start + head.length);
  assert.equal(start + OPT_BYTES + length, bytes.length, 'the OPT record is the end of the message');
  const found = readOptions(bytes, start + OPT_BYTES, length);
  let at = start + OPT_BYTES;
  const take = (code: number, size: number): Uint8Array | undefined => {
    const option = found[0];
    if (option?.code !== code) {
      assert.ok(at + size > limit, `option ${code} would fit behind ${at} bytes`);
      return undefined;
    }
    found.shift();
    at += 4 + option.data.length;
    return option.data;
  };
  if (wanted.includes('cookie')) {
    const cookie = take(OPTION.COOKIE, COOKIE_BYTES);
    assert.equal(cookie?.length, 24);
    assert.deepEqual(cookie.slice(0, 8), Uint8Array.from(OPTIONS.cookie.slice(4)));
    // Version and three bytes that are zero (RFC 9018 section 4.2).
    assert.deepEqual(cookie.slice(8, 12), Uint8Array.of(1, 0, 0, 0));
  }
  if (edeBytes > 0 && isWhole) {
    const ede = take(OPTION.EDE, edeBytes);
    if (ede !== undefined) assert.equal(ede.length, edeBytes - 4);
  }
  if (wanted.includes('keepalive') && idle !== undefined) {
    const keepalive = take(OPTION.TCP_KEEPALIVE, KEEPALIVE_BYTES);
    if (keepalive !== undefined) assert.equal(readU16(keepalive, 0), idle);
  }
  if (wanted.includes('padding') && isEncrypted) {
    const padding = take(OPTION.PADDING, PADDING_HEAD);
    assert.ok(padding === undefined || padding.every((byte) => byte === 0), 'padding is of zeros');
    if (padding !== undefined) assert.ok(bytes.length % 468 === 0 || bytes.length === limit);
  }
  assert.equal(found.length, 0, 'an option that nobody asked for');
  assert.equal(at, bytes.length);
};

/** All that comes over a stream behind all these messages, and then its end. */
const drain = async (socket: Socket, bytes: Uint8Array): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.end(bytes);
  await once(socket, 'close');
  return Buffer.concat(chunks);
};

const openTls = async (
  { address: host, port }: SocketAddress,
  ca: string,
  protocol: string,
  servername: string,
): Promise<Socket> => {
  const socket = connectTls({ host, port, ca, servername, ALPNProtocols: [protocol] });
  await once(socket, 'secureConnect');
  return socket;
};

/** The answers to queries that are sent at once over TCP, or over TLS where there is an authority, by their IDs. */
export const askStream = async (
  at: SocketAddress,
  queries: readonly Uint8Array[],
  secure?: { readonly ca: string; readonly name: string },
): Promise<Map<number, Uint8Array>> => {
  const socket =
    secure === undefined
      ? connect({ host: at.address, port: at.port })
      : await openTls(at, secure.ca, 'dot', secure.name);
  if (secure === undefined) await once(socket, 'connect');
  const received = await drain(socket, Buffer.concat(queries.map(frame)));
  const answers = new Map<number, Uint8Array>();
  let offset = 0;
  while (offset < received.length) {
    assert.ok(offset + 2 <= received.length, 'half a length');
    const end = offset + 2 + readU16(received, offset);
    assert.ok(end <= received.length, 'the last message is not whole');
    const id = readU16(received, offset + 2);
    assert.ok(!answers.has(id), `two answers with the ID ${id}`);
    answers.set(id, received.subarray(offset + 2, end));
    offset = end;
  }
  assert.equal(answers.size, queries.length, 'answers');
  return answers;
};

/** The answers to queries that are sent one behind the other over HTTP/1.1, in their order. */
export const askHttp1 = async (
  at: SocketAddress,
  queries: readonly Uint8Array[],
  secure: { readonly ca: string; readonly name: string },
): Promise<Uint8Array[]> => {
  const socket = await openTls(at, secure.ca, 'http/1.1', secure.name);
  const requests = queries.map((query, index) =>
    Buffer.concat([
      Buffer.from(
        `POST /dns-query HTTP/1.1\r\nhost: ${secure.name}\r\ncontent-type: application/dns-message\r\n` +
          `content-length: ${query.length}\r\n${index + 1 === queries.length ? 'connection: close\r\n' : ''}\r\n`,
      ),
      query,
    ]),
  );
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.write(Buffer.concat(requests));
  await once(socket, 'close');
  const received = Buffer.concat(chunks);
  const answers: Uint8Array[] = [];
  let offset = 0;
  while (offset < received.length) {
    const headEnd = received.indexOf('\r\n\r\n', offset) + 4;
    const head = received.subarray(offset, headEnd).toString('latin1');
    const length = /^HTTP\/1\.1 200 [\s\S]*\r\ncontent-length: (\d+)\r\n/.exec(head)?.[1];
    assert.ok(headEnd > 3 && length !== undefined, `no head of an answer: ${head.slice(0, 200)}`);
    offset = headEnd + Number(length);
    assert.ok(offset <= received.length, 'the last answer is not whole');
    answers.push(received.subarray(headEnd, offset));
  }
  assert.equal(answers.length, queries.length, 'answers');
  return answers;
};

/** Bytes that a stream's message may have. */
export const STREAM_LIMIT = MESSAGE_LENGTH_MAX;
