// Queries over HTTPS (RFC 8484), in HTTP/2 (RFC 9113) and HTTP/1.1 (RFC 9112). Hot file.
//
// Behind a proxy that ends TLS it is plain HTTP; the first bytes then say which of both versions it is.
//
// Node.js speaks HTTP; what it leaves open is bounded here, as for TCP (connection-budget.ts): how many queries of a
// connection wait, how much of what it asked for it does not take, how long it may be idle or take for a request, and how much
// it may send that asks for nothing (frames that only cost work: RST_STREAM, PING, SETTINGS, CONTINUATION). Bytes of an
// unfinished request do not count as life. A request is answered in one go, because clients exist that lose
// their way where frames of several streams interleave.
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Shown } from '../access/access.ts';
import type { AddressWords } from '../base/base.ts';
import { FLAG, HEADER_LENGTH, MESSAGE_LENGTH_MAX, messageFlags, QUERY_LENGTH_MAX } from '../dns/dns.ts';
import { PENDING, TRANSPORT } from '../pipeline/pipeline.ts';
import type { TlsSettings } from '../tls/tls.ts';
import { TCP_CLOSED } from './connection-budget.ts';
import { withToken } from './credentials.ts';
import { Entrance, type Guest, type StreamOptions } from './entrance.ts';
import { freshnessSec } from './http-answer.ts';
import {
  type Exchange,
  fail,
  HTTP2_ERROR,
  Http1Exchange,
  Http2Exchange,
  StreamTurns,
} from './http-exchange.ts';

import {
  CONTENT,
  MEDIA_TYPE,
  type RequestHead,
  readRequest,
  STATUS,
  tokenOf,
  toOriginForm,
} from './http-request.ts';
import { readVersion } from './http-version.ts';
import type { Caller } from './proxies.ts';
import { SecureGate } from './secure-gate.ts';
import { listenTcp, portOf } from './tcp-server.ts';

/** Loaded by the first listener: it takes 5 MiB beside TLS, of each thread. */
const loadHttp2 = (): typeof import('node:http2') => process.getBuiltinModule('node:http2');
const loadHttp = (): typeof import('node:http') => process.getBuiltinModule('node:http');

/** Names in ALPN, the one that is preferred first. */
const PROTOCOLS = ['h2', 'http/1.1'] as const;
/** Queries of one connection that may wait for upstreams, as over TCP; the next ones may be tried again. */
const WAITING_MAX = 128;
/** Tokens that one connection may use before those that it used are forgotten: it has one. */
const TOKENS_MAX = 8;
/** Streams at a time: what RFC 9113 section 6.5.2 recommends at least. */
const STREAMS_MAX = 100;
/** What the content of a request may fill before we say that more may come: QUERY_LENGTH_MAX, four times. */
const WINDOW_BYTES = 4 * QUERY_LENGTH_MAX;
/** Of all headers of a request: the longest path, and what browsers send beside it. */
const HEADERS_BYTES_MAX = 16_384;
const HEADERS_MAX = 64;
/** Streams that may be reset at once, and how many a second after that: a page that is left resets what it asked for. */
const RESET_BURST = 100;
const RESET_RATE = 33;
/** Frames that make no sense, and streams that are refused, until the session ends. */
const INVALID_FRAMES_MAX = 100;
const REJECTED_STREAMS_MAX = 100;
/** From the head of a request to the end of its content, milliseconds. */
const CONTENT_MS_MAX = 5_000;
/** How often connections are looked at, milliseconds. */
const SWEEP_MS = 500;
/**
 * Bytes that a connection may send between two looks without asking anything: its SETTINGS and some cookies; a query may
 * cost as many as its headers may have.
 */
const IDLE_BYTES_MAX = 65_536;

/** Requests at fault of a connection between two looks: each is answered in words, and clients that are only wrong stop. */
const FAULTS_MAX = 50;

const HTTP2_FLAG_END_STREAM = 1;
const nothing = (): void => {};

/** One connection of a client, whatever version it speaks. */
class Connection implements Guest {
  /** That of TLS takes the place of the one below it after the handshake. */
  socket: Socket;
  readonly words: AddressWords;
  readonly port: number;
  /** What the client has shown beside tokens. */
  shown: Shown | undefined = undefined;
  /** The same with each token that it uses. */
  readonly withTokens = new Map<string, Shown>();
  /** Queries whose answers are not there yet. */
  waiting = 0;
  unreadBytes = 0;
  aliveMs: number;
  /** Since the last look. */
  queries = 0;
  /** Of these, requests at fault. */
  faults = 0;
  /** At the last look. */
  bytesRead = 0;
  /** Requests whose content is not there yet. */
  readonly contents = new Set<Content>();
  session: ServerHttp2Session | undefined = undefined;
  readonly turns = new StreamTurns();

  constructor(socket: Socket, { words, port }: Caller, nowMs: number) {
    this.socket = socket;
    this.words = words;
    this.port = port;
    this.aliveMs = nowMs;
  }

  get isIdle(): boolean {
    return this.waiting === 0 && this.unreadBytes === 0;
  }

  end(reason: number): void {
    if (reason === TCP_CLOSED.IDLE) this.session?.close();
    this.socket.destroy();
  }
}

/** A request whose content is being read. */
interface Content {
  readonly exchange: Exchange;
  readonly sinceMs: number;
  bytes: Buffer;
}

/** One endpoint that clients ask over HTTPS. */
export class DohListener {
  readonly #server: Server;
  readonly #options: DohOptions;
  /** Undefined: a proxy ends TLS. */
  readonly #secure: SecureGate | undefined;
  readonly #http1: HttpServer;
  readonly #entrance: Entrance<Connection>;
  readonly #bySocket = new WeakMap<Socket, Connection>();
  readonly #sweep: NodeJS.Timeout;
  readonly #in = Buffer.allocUnsafeSlow(QUERY_LENGTH_MAX + 3);
  readonly #out = Buffer.allocUnsafeSlow(MESSAGE_LENGTH_MAX);

  private constructor(server: Server, options: DohOptions) {
    this.#server = server;
    this.#options = options;
    const { secure, clock } = options;
    this.#secure = secure && new SecureGate(PROTOCOLS, secure, clock);
    this.#http1 = this.#createHttp1();
    this.#entrance = new Entrance(server, options, this.#secure, {
      create: (socket, caller, nowMs) => new Connection(socket, caller, nowMs),
      begin: (connection) => this.#begin(connection),
    });
    this.#sweep = setInterval(() => this.#look(), SWEEP_MS).unref();
  }

  /** Listens; throws AppError ERR_SERVER_LISTEN. @cold */
  static async open(options: DohOptions): Promise<DohListener> {
    return new DohListener(await listenTcp(options.endpoint, options.shared, 'DoH'), options);
  }

  /** The port that it has. */
  get port(): number {
    return portOf(this.#server);
  }

  /** Proves with another certificate from the next handshake on. */
  setTls(settings: TlsSettings): void {
    this.#secure?.set(settings);
  }

  /** Ends the connections of clients that have not shown, or not any more, what is required. */
  endOthers(): void {
    this.#entrance.endOthers();
  }

  /** Stops accepting and ends the connections, those with waiting queries last. */
  close(): Promise<void> {
    clearInterval(this.#sweep);
    return this.#entrance.close(({ session, socket }) => {
      if (session === undefined) socket.destroySoon();
      else session.close();
    });
  }

  #createHttp1(): HttpServer {
    // Times are kept by #look(), for both versions alike.
    const options = {
      maxHeaderSize: HEADERS_BYTES_MAX,
      keepAliveTimeout: 0,
      headersTimeout: 0,
      requestTimeout: 0,
    };
    const server = loadHttp().createServer(options, (request, response) => {
      const connection = this.#bySocket.get(request.socket);
      if (connection === undefined) request.socket.destroy();
      else this.#askHttp1(connection, request, response);
    });
    server.maxHeadersCount = HEADERS_MAX;
    server.timeout = 0;
    return server;
  }

  #begin(connection: Connection): void {
    const { socket } = connection;
    if (this.#secure !== undefined) this.#serve(connection, (socket as TLSSocket).alpnProtocol === 'h2');
    else {
      connection.shown = NOTHING_SHOWN;
      readVersion(socket, (isHttp2) => this.#serve(connection, isHttp2));
    }
  }

  #serve(connection: Connection, isHttp2: boolean): void {
    const { socket } = connection;
    if (isHttp2) this.#beginHttp2(connection, socket);
    else {
      this.#bySocket.set(socket, connection);
      this.#http1.emit('connection', socket);
    }
  }

  #beginHttp2(connection: Connection, socket: Socket): void {
    const session = loadHttp2().performServerHandshake(socket, SESSION_OPTIONS);
    connection.session = session;
    session.on('error', nothing);
    // Who has closed its side asks nothing more; what it waits for is still answered.
    socket.on('end', () => {
      if (connection.waiting > 0) session.close();
      else socket.destroy();
    });
    session.on('stream', (stream, headers, flags) => this.#askHttp2(connection, stream, headers, flags));
  }

  #askHttp2(
    connection: Connection,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders & RequestPseudoHeaders,
    flags: number,
  ): void {
    stream.on('error', nothing);
    const method = headers[':method'] ?? '';
    const isWhole = (flags & HTTP2_FLAG_END_STREAM) !== 0;
    const exchange = new Http2Exchange(connection.turns, stream, method === 'HEAD', isWhole);
    this.#ask(connection, exchange, toHead(method, headers[':path'] ?? '', headers), stream);
  }

  #askHttp1(connection: Connection, request: IncomingMessage, response: ServerResponse): void {
    const path = toOriginForm(request.url ?? '');
    this.#ask(
      connection,
      new Http1Exchange(request, response),
      toHead(request.method ?? '', path, request.headers),
      request,
    );
  }

  #ask(connection: Connection, exchange: Exchange, head: RequestHead, content: NodeJS.ReadableStream): void {
    const readMs = performance.now();
    // What came with it before it was ended.
    if (connection.socket.destroyed) return;
    connection.queries++;
    const length = readRequest(head, this.#in);
    const token = length < 0 ? '' : tokenOf(head.path);
    const shown = token === '' ? connection.shown : this.#showToken(connection, token);
    if (token !== '' && !this.#options.takesTokens()) fail(exchange, STATUS.NOT_FOUND);
    else if (length > 0) this.#decide(connection, exchange, shown, this.#in, length);
    else if (length === CONTENT) this.#readContent(connection, exchange, shown, content);
    else if (++connection.faults > FAULTS_MAX) this.#options.budget.end(connection, TCP_CLOSED.FLOOD);
    else fail(exchange, -length);
    this.#options.settled?.(performance.now() - readMs);
  }

  /** What the client shows with a token: its hash, so that how long a comparison takes tells nothing of any token. */
  #showToken(connection: Connection, token: string): Shown | undefined {
    const { shown, withTokens } = connection;
    if (shown === undefined) return undefined;
    let found = withTokens.get(token);
    if (found === undefined) {
      if (withTokens.size === TOKENS_MAX) withTokens.clear();
      found = withToken(shown, token);
      withTokens.set(token, found);
    }
    return found;
  }

  #readContent(
    connection: Connection,
    exchange: Exchange,
    shown: Shown | undefined,
    source: NodeJS.ReadableStream,
  ): void {
    const content: Content = { exchange, sinceMs: this.#options.clock(), bytes: NOTHING };
    connection.contents.add(content);
    source.on('data', (chunk: Buffer) => {
      if (!connection.contents.has(content)) return;
      if (content.bytes.length + chunk.length > QUERY_LENGTH_MAX) {
        connection.contents.delete(content);
        fail(exchange, STATUS.CONTENT_TOO_LARGE);
      } else content.bytes = content.bytes.length === 0 ? chunk : Buffer.concat([content.bytes, chunk]);
    });
    source.on('end', () => {
      if (!connection.contents.delete(content)) return;
      const { bytes } = content;
      if (bytes.length < HEADER_LENGTH) fail(exchange, STATUS.BAD_REQUEST);
      else this.#decide(connection, exchange, shown, bytes, bytes.length);
    });
    source.on('close', () => connection.contents.delete(content));
  }

  #decide(
    connection: Connection,
    exchange: Exchange,
    shown: Shown | undefined,
    query: Buffer,
    length: number,
  ): void {
    const { pipeline, clock, name } = this.#options;
    if (connection.waiting >= WAITING_MAX) {
      exchange.abandon(HTTP2_ERROR.REFUSED_STREAM);
      return;
    }
    connection.aliveMs = clock();
    const { words, port } = connection;
    const out = this.#out;
    const answered = pipeline.decide(query, length, words, port, TRANSPORT.DOH, out, name, shown);
    if (answered > 0) this.#answer(connection, exchange, out, answered);
    else if (answered === PENDING) {
      connection.waiting++;
      pipeline.resolve((answer) => {
        connection.waiting--;
        if (!exchange.isOpen) return;
        if (answer.length === 0) exchange.abandon(HTTP2_ERROR.CANCEL);
        else this.#answer(connection, exchange, answer, answer.length);
      });
    } else if ((messageFlags(query) & FLAG.QR) !== 0) fail(exchange, STATUS.BAD_REQUEST);
    else exchange.abandon(HTTP2_ERROR.CANCEL);
  }

  #answer(connection: Connection, exchange: Exchange, message: Uint8Array, length: number): void {
    const body = Buffer.allocUnsafe(length);
    body.set(length === message.length ? message : message.subarray(0, length));
    connection.unreadBytes += length;
    const headers = {
      'content-type': MEDIA_TYPE,
      'content-length': length,
      // What a client is answered depends on who it is: nobody but itself may keep it.
      'cache-control': `private, max-age=${freshnessSec(message, length)}`,
    };
    exchange.answer(STATUS.OK, headers, body, () => {
      connection.unreadBytes -= length;
      connection.aliveMs = this.#options.clock();
    });
    this.#options.budget.noteWritten(connection, length);
  }

  #look(): void {
    const { budget, clock } = this.#options;
    const nowMs = clock();
    const { idleMs } = budget;
    budget.measureUnread();
    this.#secure?.sweep();
    for (const connection of this.#entrance.guests) {
      const isStuck = connection.waiting === 0 || connection.unreadBytes > 0;
      if (isFlooding(connection)) budget.end(connection, TCP_CLOSED.FLOOD);
      else if (isStuck && nowMs - connection.aliveMs > idleMs) {
        budget.end(connection, connection.isIdle ? TCP_CLOSED.IDLE : TCP_CLOSED.UNREAD);
      } else if (connection.contents.size > 0) abandonLate(connection, nowMs);
    }
  }
}

/** What a listener needs beside its endpoint. */
export type DohOptions = StreamOptions & {
  /** Whether a token may stand behind the path. */
  readonly takesTokens: () => boolean;
};

/** Without a handshake a client shows tokens alone. */
const NOTHING_SHOWN = new Shown('', undefined, '');

const NOTHING = Buffer.alloc(0);

const SESSION_OPTIONS = {
  settings: {
    enablePush: false,
    maxConcurrentStreams: STREAMS_MAX,
    initialWindowSize: WINDOW_BYTES,
    maxHeaderListSize: HEADERS_BYTES_MAX,
  },
  maxHeaderListPairs: HEADERS_MAX,
  maxSessionInvalidFrames: INVALID_FRAMES_MAX,
  maxSessionRejectedStreams: REJECTED_STREAMS_MAX,
  streamResetBurst: RESET_BURST,
  streamResetRate: RESET_RATE,
};

interface RequestPseudoHeaders {
  readonly ':method'?: string | undefined;
  readonly ':path'?: string | undefined;
}

const toHead = (method: string, path: string, headers: IncomingHttpHeaders): RequestHead => ({
  method,
  path,
  accept: headers.accept,
  contentType: headers['content-type'],
  contentEncoding: headers['content-encoding'],
  contentLength: headers['content-length'],
});

/** Bytes came that ask for nothing; takes note of where it is now. */
const isFlooding = (connection: Connection): boolean => {
  const { bytesRead } = connection.socket;
  const came = bytesRead - connection.bytesRead;
  const allowed = IDLE_BYTES_MAX + connection.queries * 2 * QUERY_LENGTH_MAX;
  connection.bytesRead = bytesRead;
  connection.queries = 0;
  connection.faults = 0;
  return came > allowed;
};

const abandonLate = (connection: Connection, nowMs: number): void => {
  for (const content of connection.contents) {
    if (nowMs - content.sinceMs <= CONTENT_MS_MAX) continue;
    connection.contents.delete(content);
    content.exchange.abandon(HTTP2_ERROR.CANCEL);
  }
};
