// Upstreams that go wrong in ways that ScriptedUpstream has no words for: real sockets on one port of 127.0.0.1.
//
// DatagramUpstream listens on UDP alone, so that TCP is refused; StrangeUpstream speaks TLS or HTTPS and counts
// everything on its port that is neither. Both can be ended and opened again on the port that they had. A handler
// sees each query; what arrived is kept.
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { constants, createSecureServer, type ServerHttp2Stream } from 'node:http2';
import { createServer as createPlainServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Endpoint } from '../../src/base/base.ts';
import { FLAG, formatName, HEADER_LENGTH, Query, readU16 } from '../../src/wire/dns/dns.ts';
import type { Issued } from './certificates.ts';
import { frame, type ScriptedQuery } from './scripted-upstream.ts';

const ADDRESS = '127.0.0.1';
/** Attempts to find a port that is free for UDP and for TCP. */
const PORT_ATTEMPTS_MAX = 20;
/** The first byte of a TLS record that opens a handshake (RFC 8446 section 5.1). */
const HANDSHAKE = 0x16;
const MEDIA_TYPE = 'application/dns-message';

/** UDP without TCP: whatever the handler returns goes out as one datagram; undefined is silence. */
export class DatagramUpstream {
  readonly endpoint: Endpoint;
  readonly queries: ScriptedQuery[] = [];
  readonly #handler: (query: ScriptedQuery) => Uint8Array | undefined;
  #socket: DatagramSocket;

  private constructor(
    socket: DatagramSocket,
    port: number,
    handler: (query: ScriptedQuery) => Uint8Array | undefined,
  ) {
    this.endpoint = { address: ADDRESS, port, family: 4 };
    this.#handler = handler;
    this.#socket = socket;
    this.#serve(socket);
  }

  static async open(handler: (query: ScriptedQuery) => Uint8Array | undefined): Promise<DatagramUpstream> {
    const socket = await openDatagrams(0);
    return new DatagramUpstream(socket, socket.address().port, handler);
  }

  /** Closes the port: whoever sends to it is told so by the system. */
  async close(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  /** Opens the port again after close(). */
  async reopen(): Promise<void> {
    this.#socket = await openDatagrams(this.endpoint.port);
    this.#serve(this.#socket);
  }

  #serve(socket: DatagramSocket): void {
    socket.on('message', (bytes, from) => {
      const query = readQuery(bytes, 'udp', from.port);
      this.queries.push(query);
      const reply = this.#handler(query);
      if (reply !== undefined) socket.send(reply, from.port, from.address);
    });
  }
}

/** What is said over TLS or HTTPS; undefined is silence. */
export type StrangeReply =
  | undefined
  /** A message, as it should be sent. */
  | Uint8Array
  /** TLS: bytes as they are, after which the connection is closed. */
  | { readonly pieces: readonly Uint8Array[] }
  /** HTTPS: a response of another status or type. */
  | { readonly status?: number; readonly type?: string; readonly body: Uint8Array }
  /** HTTPS: GOAWAY with this code instead of an answer, or behind the one that is in `body`. */
  | { readonly goaway: number; readonly body?: Uint8Array };

/** How a StrangeUpstream is. */
interface StrangeOptions {
  readonly transport: 'tls' | 'https';
  readonly certificate: Issued;
  readonly reply: (query: ScriptedQuery) => StrangeReply;
}

/** TLS or HTTPS, and a watch on plaintext. */
export class StrangeUpstream {
  readonly endpoint: Endpoint;
  readonly transport: 'tls' | 'https';
  /** What arrived through TLS. */
  readonly queries: ScriptedQuery[] = [];
  /** Datagrams on the port, and connections that did not begin with a handshake. */
  plaintextCount = 0;
  /** Connections that did. */
  connectionCount = 0;
  reply: StrangeOptions['reply'];
  readonly #certificate: Issued;
  readonly #sockets = new Set<Socket>();
  #listener: Server;
  #datagrams: DatagramSocket;

  private constructor(options: StrangeOptions, listener: Server, datagrams: DatagramSocket) {
    this.endpoint = { address: ADDRESS, port: datagrams.address().port, family: 4 };
    this.transport = options.transport;
    this.reply = options.reply;
    this.#certificate = options.certificate;
    this.#listener = listener;
    this.#datagrams = datagrams;
    this.#serveAll();
  }

  static async open(options: StrangeOptions): Promise<StrangeUpstream> {
    for (let attempt = 0; attempt < PORT_ATTEMPTS_MAX; attempt++) {
      const datagrams = await openDatagrams(0);
      const listener = await openStreams(datagrams.address().port);
      if (listener !== undefined) return new StrangeUpstream(options, listener, datagrams);
      datagrams.close();
    }
    throw new Error('strange upstream: no port is free for both UDP and TCP');
  }

  /** Closes the port, open connections included; the watch on datagrams goes on. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#listener.close();
    await once(this.#listener, 'close');
  }

  /** Opens the port again after stop(). */
  async restart(): Promise<void> {
    const listener = await openStreams(this.endpoint.port);
    if (listener === undefined) throw new Error(`strange upstream: port ${this.endpoint.port} is taken`);
    this.#listener = listener;
    this.#serveStreams();
  }

  /** Closes everything, also after stop(). */
  async close(): Promise<void> {
    if (this.#listener.listening) await this.stop();
    this.#datagrams.close();
    await once(this.#datagrams, 'close');
  }

  #serveAll(): void {
    this.#datagrams.on('message', () => this.plaintextCount++);
    this.#serveStreams();
  }

  #serveStreams(): void {
    const { certificate, key } = this.#certificate;
    const server =
      this.transport === 'tls'
        ? createTlsServer({ cert: certificate, key, ALPNProtocols: ['dot'] }, (stream) => this.#serve(stream))
        : createSecureServer({ cert: certificate, key });
    server.on('stream', (stream: ServerHttp2Stream) => this.#serveRequest(stream));
    // The other end ends a handshake that it does not like.
    server.on('tlsClientError', () => {});
    server.on('sessionError', () => {});
    this.#listener.on('connection', (socket) => this.#sort(socket, server));
  }

  #sort(socket: Socket, server: NodeJS.EventEmitter): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => this.#sockets.delete(socket));
    socket.once('readable', () => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      if (chunk[0] !== HANDSHAKE) {
        this.plaintextCount++;
        return;
      }
      this.connectionCount++;
      socket.unshift(chunk);
      server.emit('connection', socket);
    });
  }

  #serve(stream: Socket): void {
    let received = Buffer.alloc(0);
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + readU16(received, 0)) {
        const end = 2 + readU16(received, 0);
        const reply = this.#answer(received.subarray(2, end));
        received = received.subarray(end);
        if (reply instanceof Uint8Array) stream.write(frame(reply));
        else if (reply !== undefined && 'pieces' in reply) writePieces(stream, [...reply.pieces]);
      }
    });
  }

  #serveRequest(stream: ServerHttp2Stream): void {
    const chunks: Buffer[] = [];
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const reply = this.#answer(Buffer.concat(chunks));
      if (reply !== undefined && !stream.destroyed) sendResponse(stream, reply);
    });
  }

  #answer(bytes: Uint8Array): StrangeReply {
    const query = readQuery(bytes, 'tcp', 0);
    this.queries.push(query);
    return this.reply(query);
  }
}

const openDatagrams = async (port: number): Promise<DatagramSocket> => {
  const socket = createSocket('udp4');
  socket.bind(port, ADDRESS);
  await once(socket, 'listening');
  return socket;
};

/** A listener on the port; undefined when it is taken. */
const openStreams = async (port: number): Promise<Server | undefined> => {
  const listener = createPlainServer();
  listener.listen(port, ADDRESS);
  return once(listener, 'listening').then(
    () => listener,
    () => undefined,
  );
};

const sendResponse = (stream: ServerHttp2Stream, reply: NonNullable<StrangeReply>): void => {
  if (reply instanceof Uint8Array) {
    respond(stream, 200, MEDIA_TYPE, reply);
  } else if ('goaway' in reply) {
    if (reply.body !== undefined) respond(stream, 200, MEDIA_TYPE, reply.body);
    stream.session?.goaway(reply.goaway);
    if (reply.goaway !== constants.NGHTTP2_NO_ERROR) stream.session?.destroy();
  } else if ('body' in reply) {
    respond(stream, reply.status ?? 200, reply.type ?? MEDIA_TYPE, reply.body);
  }
};

const respond = (stream: ServerHttp2Stream, status: number, type: string, body: Uint8Array): void => {
  stream.respond({ ':status': status, 'content-type': type });
  stream.end(body);
};

/** Writes each piece in a turn of its own, so that they arrive as they were cut. */
const writePieces = (stream: Socket, pieces: Uint8Array[]): void => {
  const piece = pieces.shift();
  if (piece === undefined) stream.destroy();
  else stream.write(piece, () => setImmediate(() => writePieces(stream, pieces)));
};

const readQuery = (bytes: Uint8Array, transport: 'udp' | 'tcp', port: number): ScriptedQuery => {
  const query = new Query();
  query.parse(bytes, bytes.length);
  return {
    name: formatName(bytes.subarray(HEADER_LENGTH, HEADER_LENGTH + query.qnameLength)),
    type: query.qtype,
    class: query.qclass,
    id: query.id,
    bytes: Uint8Array.from(bytes),
    transport,
    hasEdns: query.opt.isPresent,
    dnssecOk: query.opt.dnssecOk,
    cd: (query.flags & FLAG.CD) !== 0,
    port,
  };
};
