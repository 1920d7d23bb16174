// Queries over HTTPS (RFC 8484), in HTTP/2 (RFC 9113) and HTTP/1.1 (RFC 9112). Hot file.
//
// Behind a proxy that ends TLS it is plain HTTP; the first bytes then say which of both versions it is.
//
// HTTP/2 is our own (src/wire/http2), HTTP/1.1 that of Node.js. What both leave open is bounded here, as for TCP
// (connection-budget.ts): how many queries of a connection wait, how much of what it asked for it does not take, how long it
// may be idle or take for a request, and how many bytes it may send that ask for nothing. Bytes of an unfinished request do
// not count as life.
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type AddressWords, every, GrowingBytes } from '../../base/base.ts';
import { Shown } from '../../policy/access/access.ts';
import {
  FLAG,
  HEADER_LENGTH,
  MESSAGE_LENGTH_MAX,
  messageFlags,
  QUERY_LENGTH_MAX,
} from '../../wire/dns/dns.ts';
import {
  type ContentReader,
  HTTP2_ERROR,
  type Http2Host,
  Http2Session,
  type Http2Stream,
} from '../../wire/http2/http2.ts';
import { Challenges, type TlsSettings } from '../../wire/tls/tls.ts';
import { PENDING, TRANSPORT } from '../pipeline/pipeline.ts';
import { type AcceptedConnection, Acceptor, type StreamOptions } from './acceptor.ts';
import { CloseQueue } from './close-queue.ts';
import { networkOf, TCP_CLOSED } from './connection-budget.ts';
import { withToken } from './credentials.ts';
import { freshnessSec } from './http-answer.ts';
import { type Exchange, fail, Http1Exchange, Http2Exchange, succeed, toHead } from './http-exchange.ts';
import { CONTENT, type RequestHead, readRequest, STATUS, tokenOf } from './http-request.ts';
import { readVersion } from './http-version.ts';
import { asksInWords, readWords } from './json-form.ts';
import { COST_OF_WORDS, costOf } from './loop-turns.ts';
import { readInto } from './own-reads.ts';
import type { Caller } from './proxies.ts';
import { SecureGate } from './secure-gate.ts';
import { listenTcp, portOf } from './tcp-server.ts';

/** Loaded by the first listener. */
const loadHttp = (): typeof import('node:http') => process.getBuiltinModule('node:http');

/** Names in ALPN, the one that is preferred first. */
const PROTOCOLS = ['h2', 'http/1.1'] as const;
/** Queries of one connection that may wait for upstreams, as over TCP; the next ones may be tried again. */
const WAITING_MAX = 128;
/** Tokens that one connection may use before those that it used are forgotten: it has one. */
const TOKENS_MAX = 8;
/** Of all headers of a request: the longest path, and what browsers send beside it. */
const HEADERS_BYTES_MAX = 16_384;
const HEADERS_MAX = 64;
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

/** What a connection of HTTP/2 needs of its listener. */
interface Owner {
  readonly options: DohOptions;
  askHttp2(connection: Connection, stream: Http2Stream): void;
}

/** One connection of a client, whatever version it speaks. */
class Connection implements AcceptedConnection, Http2Host {
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
  /** Bytes of answers over HTTP/1.1 that it has not taken. */
  heldBytes = 0;
  aliveMs: number;
  /** Since the last look. */
  queries = 0;
  /** Of these, requests at fault. */
  faults = 0;
  /** At the last look. */
  bytesRead = 0;
  /** Requests whose content is not there yet. */
  readonly contents = new Set<Content>();
  session: Http2Session | undefined = undefined;
  readonly #owner: Owner;

  constructor(owner: Owner, socket: Socket, { words, port }: Caller, nowMs: number) {
    this.#owner = owner;
    this.socket = socket;
    this.words = words;
    this.port = port;
    this.aliveMs = nowMs;
  }

  get isIdle(): boolean {
    return this.waiting === 0 && this.unreadBytes === 0;
  }

  get unreadBytes(): number {
    return this.session?.unreadBytes ?? this.heldBytes;
  }

  now(): number {
    return this.#owner.options.clock();
  }

  spend(cost: number): boolean {
    return this.#owner.options.budget.turns.spend(cost);
  }

  wait(goOn: () => void): void {
    this.#owner.options.budget.turns.wait(networkOf(this.words), goOn);
  }

  asked(stream: Http2Stream): void {
    this.#owner.askHttp2(this, stream);
  }

  taken(): void {
    this.aliveMs = this.now();
  }

  flooded(): void {
    this.#owner.options.budget.punish(this, TCP_CLOSED.FLOOD);
  }

  end(reason: number): void {
    if (reason === TCP_CLOSED.IDLE) this.session?.close();
    this.socket.destroy();
  }
}

/** A request whose content is being read. */
class Content implements ContentReader {
  readonly exchange: Exchange;
  readonly sinceMs: number;
  readonly #connection: Connection;
  readonly #whole: (bytes: Uint8Array) => void;
  readonly #bytes = new GrowingBytes(QUERY_LENGTH_MAX);

  /** `whole` is called with all of it, unless it is too much or does not come. */
  constructor(
    connection: Connection,
    exchange: Exchange,
    sinceMs: number,
    whole: (bytes: Uint8Array) => void,
  ) {
    this.#connection = connection;
    this.exchange = exchange;
    this.sinceMs = sinceMs;
    this.#whole = whole;
    connection.contents.add(this);
  }

  content(bytes: Buffer, start: number, end: number): void {
    const { contents } = this.#connection;
    if (!contents.has(this)) return;
    if (this.#bytes.length + end - start > QUERY_LENGTH_MAX) {
      contents.delete(this);
      fail(this.exchange, STATUS.CONTENT_TOO_LARGE);
    } else this.#bytes.add(bytes, start, end);
  }

  ended(): void {
    if (!this.#connection.contents.delete(this)) return;
    if (this.#bytes.length < HEADER_LENGTH) fail(this.exchange, STATUS.BAD_REQUEST);
    else this.#whole(this.#bytes.take());
  }

  closed(): void {
    this.#connection.contents.delete(this);
  }
}

/** One endpoint that clients ask over HTTPS. */
export class DohListener implements Owner {
  readonly #servers: readonly Server[];
  readonly options: DohOptions;
  /** Undefined: a proxy ends TLS. */
  readonly #secure: SecureGate | undefined;
  readonly #http1: HttpServer;
  readonly #acceptor: Acceptor<Connection>;
  readonly #bySocket = new WeakMap<Socket, Connection>();
  readonly #endLooks: () => void;
  readonly #closeQueue = new CloseQueue();
  readonly #in = Buffer.allocUnsafeSlow(QUERY_LENGTH_MAX + 3);
  readonly #out = Buffer.allocUnsafeSlow(MESSAGE_LENGTH_MAX);

  private constructor(servers: readonly Server[], options: DohOptions) {
    this.#servers = servers;
    this.options = options;
    const { secure, clock } = options;
    this.#secure = secure && new SecureGate(PROTOCOLS, secure, clock, new Challenges());
    this.#http1 = this.#createHttp1();
    this.#acceptor = new Acceptor(servers, options, this.#secure, {
      create: (socket, caller, nowMs) => new Connection(this, socket, caller, nowMs),
      begin: (connection) => this.#begin(connection),
    });
    this.#endLooks = every(SWEEP_MS, () => this.#look());
  }

  /** Listens; throws AppError ERR_SERVER_LISTEN. @cold */
  static async open(options: DohOptions): Promise<DohListener> {
    return new DohListener(
      await listenTcp(options.endpoint, 'DoH', options.budget.limits.acceptors),
      options,
    );
  }

  /** The port that it has. */
  get port(): number {
    return portOf(this.#servers[0]);
  }

  /** Proves with another certificate from the next handshake on. */
  setTls(settings: TlsSettings): void {
    this.#secure?.set(settings);
  }

  /** Ends the connections of clients that have not shown, or not any more, what is required. */
  endOthers(): void {
    this.#acceptor.endOthers();
  }

  /** Stops accepting and ends the connections, those with waiting queries last. */
  close(): Promise<void> {
    this.#endLooks();
    return this.#acceptor.close(({ session, socket }) => {
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
    const session = new Http2Session(socket, connection);
    connection.session = session;
    readInto(
      socket,
      (chunk) => session.receive(chunk),
      () => session.ended(),
    );
  }

  askHttp2(connection: Connection, stream: Http2Stream): void {
    const { session } = connection;
    if (session === undefined) return;
    const content = this.#ask(connection, new Http2Exchange(session, stream), stream.fields);
    stream.reader = content;
  }

  #askHttp1(connection: Connection, request: IncomingMessage, response: ServerResponse): void {
    const exchange = new Http1Exchange(request, response, (bytes) => {
      connection.heldBytes += bytes;
      connection.taken();
    });
    const content = this.#ask(connection, exchange, toHead(request));
    if (content === undefined) return;
    request.on('data', (chunk: Buffer) => content.content(chunk, 0, chunk.length));
    request.on('end', () => content.ended());
    request.on('close', () => content.closed());
  }

  /** Answers, or returns who takes the content that the query is in. */
  #ask(connection: Connection, exchange: Exchange, head: RequestHead): Content | undefined {
    const readMs = performance.now();
    // What came with it before it was ended.
    if (connection.socket.destroyed) return undefined;
    connection.queries++;
    exchange.isInWords = this.options.takesWords() && asksInWords(head);
    let length = exchange.isInWords ? readWords(head, this.#in) : readRequest(head, this.#in);
    const token = length < 0 ? '' : tokenOf(head.path);
    const shown = token === '' ? connection.shown : this.#showToken(connection, token);
    const isWrong = length >= 0 && shown !== undefined && this.options.isMisdirected(shown, head.authority);
    if (isWrong) length = -STATUS.MISDIRECTED;
    let content: Content | undefined;
    if (token !== '' && !this.options.takesTokens()) fail(exchange, STATUS.NOT_FOUND);
    else if (length > 0) this.#decide(connection, exchange, shown, this.#in, length);
    else if (length === CONTENT) content = this.#readContent(connection, exchange, shown);
    else if (++connection.faults > FAULTS_MAX) this.options.budget.punish(connection, TCP_CLOSED.FLOOD);
    else fail(exchange, -length);
    this.options.settled?.(performance.now() - readMs);
    return content;
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

  #readContent(connection: Connection, exchange: Exchange, shown: Shown | undefined): Content {
    return new Content(connection, exchange, this.options.clock(), (bytes) =>
      this.#decide(connection, exchange, shown, bytes, bytes.length),
    );
  }

  #decide(
    connection: Connection,
    exchange: Exchange,
    shown: Shown | undefined,
    query: Uint8Array,
    length: number,
  ): void {
    const { pipeline, clock, name } = this.options;
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
    const written = succeed(exchange, message, length, freshnessSec(message, length));
    const { budget } = this.options;
    budget.turns.spend(exchange.isInWords ? COST_OF_WORDS * costOf(length) : costOf(length));
    budget.noteWritten(connection, written);
  }

  /** Ends what floods, is idle or takes too long; twice a second. @cold */
  #look(): void {
    const { budget, clock } = this.options;
    const nowMs = clock();
    const { idleMs } = budget;
    budget.measureUnread();
    this.#secure?.sweep();
    this.#acceptor.endFloods();
    // A certificate may have come to its end.
    this.endOthers();
    const isTime = this.#closeQueue.isDone;
    for (const connection of this.#acceptor.guests) {
      if (isFlooding(connection)) {
        this.#closeQueue.add(() => {
          if (!connection.socket.destroyed) budget.punish(connection, TCP_CLOSED.FLOOD);
        });
      } else if (isTime && isStuck(connection, nowMs, idleMs)) {
        this.#closeQueue.add(() => this.#endIdle(connection));
      } else if (connection.contents.size > 0) abandonLate(connection, nowMs);
    }
  }

  /** It may have asked again meanwhile, or be gone. @cold */
  #endIdle(connection: Connection): void {
    const { budget, clock } = this.options;
    if (connection.socket.destroyed || !isStuck(connection, clock(), budget.idleMs)) return;
    budget.end(connection, connection.isIdle ? TCP_CLOSED.IDLE : TCP_CLOSED.UNREAD);
  }
}

/** What a listener needs beside its endpoint. */
export type DohOptions = StreamOptions & {
  /** Whether a token may stand behind the path. */
  readonly takesTokens: () => boolean;
  /** Whether a request for an authority has to come over another connection. */
  readonly isMisdirected: (shown: Shown, authority: string) => boolean;
  /** Whether questions in words are answered, in JSON. */
  readonly takesWords: () => boolean;
};

/** Without a handshake a client shows tokens alone. */
const NOTHING_SHOWN = new Shown('', undefined, '');

/** True for a connection over which nothing has gone for too long, and nothing will by itself. */
const isStuck = ({ waiting, unreadBytes, aliveMs }: Connection, nowMs: number, idleMs: number): boolean =>
  (waiting === 0 || unreadBytes > 0) && nowMs - aliveMs > idleMs;

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
