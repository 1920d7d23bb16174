// Asks an encrypted listener as a client of it would: DNS over TLS (RFC 7858), over HTTPS (RFC 8484) in HTTP/2, over QUIC (RFC 9250).
//
// Each question has a connection of its own. Whether the server proves who it is, is looked at apart (certificate.ts): here it
// matters what is answered, and a certificate at fault is no reason not to ask.
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Endpoint, errorText } from '../../base/base.ts';
import { FRAME_HEADER, frameOf, MESSAGE_LENGTH_MAX, readU16 } from '../../wire/dns/dns.ts';
import { callQuic, type QuicCall } from '../../wire/quic/quic.ts';
import {
  askFailure,
  type EncodedQuery,
  encodeInquiry,
  type InquiryQuestion,
  isAnswerTo,
  type Reading,
  readReply,
} from '../../wire/stub/stub.ts';
import { type Proof, proofOfQuic, proofOfTls } from './proof.ts';

/** Loaded by the first question over TLS or HTTPS: few programs have such a listener. */
const loadTls = (): typeof import('node:tls') => process.getBuiltinModule('node:tls');
const loadHttp2 = (): typeof import('node:http2') => process.getBuiltinModule('node:http2');

/** Streams tell queries apart, so that each has the same ID (RFC 9250 section 4.2.1). */
const DOQ_ID = 0;
const MEDIA_TYPE = 'application/dns-message';
const HTTP_OK = 200;

/** How DNS is spoken below TLS. */
export type SecureTransport = 'dot' | 'doh' | 'doq';

/** Names of ALPN that a client of the transport offers. */
const PROTOCOLS: Readonly<Record<SecureTransport, string>> = { dot: 'dot', doh: 'h2', doq: 'doq' };

/** Where to ask, and by which name. */
export interface SecureServer {
  readonly server: Endpoint;
  readonly transport: SecureTransport;
  /** The name that clients are told, or an address where the certificate has no name. */
  readonly name: string;
  readonly timeoutMs: number;
  /** Told the port that the question comes from, before it is sent and when the port is given back. */
  readonly onPort?: ((port: number, isOpen: boolean) => void) | undefined;
}

/** Asks once; undefined is silence. Throws AppError ERR_COMPLIANCE_ASK. */
export const inquireSecurely = async (
  at: SecureServer,
  question: InquiryQuestion,
  path: string,
): Promise<Reading | undefined> => {
  const { server, transport } = at;
  const startMs = performance.now();
  try {
    if (transport === 'doq') {
      const query = encodeInquiry(question, DOQ_ID);
      const message = await overQuic(at, (call) => askOverQuic(call, query));
      return message && readReply(message, question.name, server, startMs);
    }
    const query = encodeInquiry(question);
    return await withConnection<Reading>(at, (socket, settle, fail) => {
      const take = (message: Buffer): void => {
        // What cannot be read is a fault like any other.
        const reading = readReply(message, question.name, server, startMs);
        if (isAnswerTo(query, message)) settle(reading);
      };
      if (transport === 'dot') askOverTls(socket, query.bytes, take);
      else askOverHttps(socket, { name: at.name, path, query: query.bytes, take, fail });
    });
  } catch (thrown) {
    throw askFailure(question.name, server, errorText(thrown), thrown);
  }
};

/** What a server proves with; undefined when there was no handshake in time. Rejects with what went wrong. */
export const shakeHands = (at: SecureServer): Promise<Proof | undefined> =>
  at.transport === 'doq'
    ? overQuic(at, ({ proof }) => proofOfQuic(proof))
    : withConnection<Proof>(at, (socket, settle) => settle(proofOfTls(socket)));

/** A call over QUIC that offers the protocol, and what is done in it. */
const overQuic = <Value>(
  { server, transport, name, timeoutMs, onPort }: SecureServer,
  act: (call: QuicCall) => Promise<Value> | Value,
): Promise<Value | undefined> =>
  callQuic(
    {
      server,
      protocol: PROTOCOLS[transport],
      serverName: isIP(name) === 0 ? name : undefined,
      timeoutMs,
      onPort,
    },
    act,
  );

/** One query on a stream of its own, behind its length, and one answer; nothing else may come (RFC 9250 section 4.2). */
const askOverQuic = async (call: QuicCall, query: EncodedQuery): Promise<Uint8Array> => {
  const bytes = await call.ask(frameOf(query.bytes), FRAME_HEADER + MESSAGE_LENGTH_MAX);
  const message = bytes.subarray(FRAME_HEADER);
  if (bytes.length < FRAME_HEADER || readU16(bytes, 0) !== message.length)
    throw new Error('no DNS message behind its length');
  if (!isAnswerTo(query, message)) throw new Error('no answer to the question');
  return message;
};

/** Connects, acts once the handshake is done, and ends the connection when there is an outcome. */
const withConnection = <Value>(
  { server, transport, name, timeoutMs, onPort }: SecureServer,
  act: (socket: TLSSocket, settle: (value: Value) => void, fail: (error: unknown) => void) => void,
): Promise<Value | undefined> =>
  new Promise((resolve, reject) => {
    let port: number | undefined;
    const socket = loadTls().connect({
      host: server.address,
      port: server.port,
      ...(isIP(name) === 0 && { servername: name }),
      ALPNProtocols: [PROTOCOLS[transport]],
      rejectUnauthorized: false,
    });
    const finish = (end: () => void): void => {
      clearTimeout(timer);
      end();
      socket.destroy();
      if (port !== undefined) onPort?.(port, false);
      port = undefined;
    };
    const fail = (error: unknown): void => finish(() => reject(error));
    const timer = setTimeout(() => finish(() => resolve(undefined)), timeoutMs);
    socket.once('connect', () => {
      port = socket.localPort;
      if (port !== undefined) onPort?.(port, true);
    });
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('the connection was closed')));
    socket.once('secureConnect', () => {
      try {
        act(socket, (value) => finish(() => resolve(value)), fail);
      } catch (error) {
        fail(error);
      }
    });
  });

const askOverTls = (socket: TLSSocket, query: Uint8Array, take: (message: Buffer) => void): void => {
  let received = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    const end = received.length < FRAME_HEADER ? MESSAGE_LENGTH_MAX : FRAME_HEADER + readU16(received, 0);
    if (received.length >= end) attempt(socket, () => take(received.subarray(FRAME_HEADER, end)));
  });
  socket.write(frameOf(query));
};

interface HttpsQuestion {
  readonly name: string;
  readonly path: string;
  readonly query: Uint8Array;
  readonly take: (message: Buffer) => void;
  readonly fail: (error: unknown) => void;
}

const askOverHttps = (socket: TLSSocket, { name, path, query, take, fail }: HttpsQuestion): void => {
  const authority = name.includes(':') ? `[${name}]` : name;
  const session: ClientHttp2Session = loadHttp2().connect(`https://${authority}`, {
    createConnection: () => socket,
  });
  session.on('error', fail);
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': MEDIA_TYPE,
    accept: MEDIA_TYPE,
  });
  const parts: Buffer[] = [];
  let size = 0;
  stream.on('error', fail);
  stream.on('response', (headers: IncomingHttpHeaders & { readonly ':status'?: number }) => {
    const status = headers[':status'];
    if (status !== HTTP_OK) fail(new Error(`status ${status}`));
    else if (headers['content-type'] !== MEDIA_TYPE) fail(new Error('no DNS message'));
  });
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > MESSAGE_LENGTH_MAX) fail(new Error('more than a DNS message'));
    else parts.push(chunk);
  });
  stream.on('end', () => attempt(socket, () => take(Buffer.concat(parts))));
  stream.end(query);
};

/** What is thrown in a listener is an error of the connection. */
const attempt = (socket: TLSSocket, act: () => void): void => {
  try {
    act();
  } catch (error) {
    socket.destroy(error instanceof Error ? error : new Error(String(error)));
  }
};
