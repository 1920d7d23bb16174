// Queries over HTTPS (RFC 8484) in HTTP/2 (RFC 9113): one session that is kept, a stream for each query. Hot file.
//
// Nothing is sent before the upstream has proven who it is and agreed to HTTP/2. Each query is a POST, which caches
// leave alone, so that no Age has to be taken off the TTLs, and which leaves no trace of the name in a log. Its ID is 0
// (RFC 8484 section 4.1); an answer with another one is none. Nothing but the headers of the request goes along: no
// cookie, no name of a program. Redirections are not followed: they would lead to a server that nobody configured.
import assert from 'node:assert/strict';
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  IncomingHttpHeaders,
  IncomingHttpStatusHeader,
  Settings,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { type Endpoint, formatEndpoint, GrowingBytes } from '../../base/base.ts';
import { HEADER_LENGTH, MESSAGE_LENGTH_MAX, messageId, writeU16 } from '../../wire/dns/dns.ts';
import {
  type Connection,
  type ConnectionFault,
  type ConnectionListener,
  type ConnectionOptions,
  completeOptions,
  LINK_QUERIES_MAX,
  type Link,
  LinkedConnection,
  type LinkOptions,
  type LinkOwner,
  LinkTimes,
  type TlsSettings,
  type Waiter,
} from './connection.ts';
import { TlsDialer } from './tls.ts';

/** Loaded by the first connection: it takes 5 MiB beside TLS, of each thread, and most resolvers never need it. */
const loadHttp2 = (): typeof import('node:http2') => process.getBuiltinModule('node:http2');

/** Error codes (RFC 9113 section 7). */
const HTTP2_ERROR = { NO_ERROR: 0x0, REFUSED_STREAM: 0x7, CANCEL: 0x8 } as const;

/** Streams at a time, however many the upstream allows: each may hold a message of 64 KB, together 16 MB. */
const STREAMS_MAX = 256;
/** Streams until the upstream has said how many it allows: as many as it should (RFC 9113 section 6.5.2). */
const STREAMS_FIRST_MAX = 100;
/** A stream without an answer, while others wait for one, milliseconds: as long as one try has by default. */
const EVICTED_AFTER_MS = 1_000;
const MEDIA_TYPE = 'application/dns-message';
const STATUS_OK = 200;
const MESSAGE_ID = 0;

/** What an upstream over HTTPS needs beside its endpoint. */
export interface HttpsSettings {
  /** Path of the resource, from its slash on. */
  readonly path: string;
  /** Host of the resource, and port unless it is the usual one. */
  readonly authority: string;
  readonly tls: TlsSettings;
}

/** HTTPS to one upstream. */
export class HttpsConnection<T> implements Connection<T> {
  readonly #connection: LinkedConnection<T>;

  /** Connects with the first query. Throws ERR_UPSTREAM_CERTIFICATE when a CA certificate cannot be read. */
  constructor(
    endpoint: Endpoint,
    settings: HttpsSettings,
    listener: ConnectionListener<T>,
    options: ConnectionOptions = {},
  ) {
    const { authority, path, tls } = settings;
    assert(
      path.startsWith('/') && URL.canParse(`https://${authority}${path}`),
      'the configuration was checked',
    );
    const linkOptions = completeOptions(options);
    const dialer = new TlsDialer(endpoint, tls, 'h2', linkOptions);
    this.#connection = new LinkedConnection(
      listener,
      linkOptions,
      (owner) => new SessionLink({ endpoint, settings, dialer, options: linkOptions, owner }),
    );
  }

  get waiting(): number {
    return this.#connection.waiting;
  }

  send(waiting: T, query: Uint8Array): void {
    this.#connection.send(waiting, query);
  }

  release(waiting: T): void {
    this.#connection.release(waiting);
  }

  close(): void {
    this.#connection.close();
  }
}

interface SessionContext<T> {
  readonly endpoint: Endpoint;
  readonly settings: HttpsSettings;
  readonly dialer: TlsDialer;
  readonly options: LinkOptions;
  readonly owner: LinkOwner<T>;
}

/** One session. */
class SessionLink<T> implements Link<T> {
  isRetired = false;
  readonly isUsedUp = false;
  readonly #context: SessionContext<T>;
  readonly #socket: TLSSocket;
  readonly #times: LinkTimes;
  /** Until the handshake is over. */
  #session: ClientHttp2Session | undefined;
  #streamsMax = STREAMS_FIRST_MAX;
  /** Waiters whose query is sent. */
  readonly #streams = new Map<Waiter<T>, ClientHttp2Stream>();
  /** Streams that are not closed, those of released queries included. */
  #openCount = 0;
  /** Waiters for the handshake, or for a stream to become free. */
  readonly #queue = new Set<Waiter<T>>();
  /** Something was sent since the upstream was last heard, or is not answered. */
  #isAnswerDue = false;
  #hasAnswered = false;
  #isClosed = false;
  #timer: NodeJS.Timeout;

  constructor(context: SessionContext<T>) {
    this.#context = context;
    this.#times = new LinkTimes(context.options);
    this.#socket = context.dialer.connect(
      () => this.#opened(),
      (fault) => this.#lose(fault),
    );
    this.#timer = setTimeout(() => this.#lose('network'), context.options.connectTimeoutMs);
  }

  accepts(nowMs: number): boolean {
    if (this.#isAnswerDue && this.#times.isSilent(nowMs)) this.isRetired = true;
    return !this.isRetired && this.#streams.size + this.#queue.size < LINK_QUERIES_MAX;
  }

  send(waiter: Waiter<T>): void {
    this.#queue.add(waiter);
    this.#sendQueued();
  }

  forget(waiter: Waiter<T>): void {
    if (this.#queue.delete(waiter)) return;
    const stream = this.#streams.get(waiter);
    this.#streams.delete(waiter);
    stream?.close(HTTP2_ERROR.CANCEL);
    this.#goOn();
  }

  close(): void {
    this.#isClosed = true;
    this.isRetired = true;
    clearTimeout(this.#timer);
    this.#session?.destroy();
    this.#socket.destroy();
  }

  /** Allocates: asked when the session is lost. @cold */
  waiters(): Iterable<Waiter<T>> {
    return [...this.#streams.keys(), ...this.#queue];
  }

  #opened(): void {
    if (this.#isClosed) return;
    const { endpoint, options } = this.#context;
    this.#times.noteBytes();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#checkIdle(), options.idleMs);
    const session = loadHttp2().connect(`https://${formatEndpoint(endpoint)}`, {
      createConnection: () => this.#socket,
      settings: { enablePush: false },
    });
    session.on('remoteSettings', ({ maxConcurrentStreams = STREAMS_MAX }: Settings) => {
      this.#streamsMax = Math.min(maxConcurrentStreams, STREAMS_MAX);
      this.#sendQueued();
    });
    session.on('goaway', (code: number, lastStreamId: number) => this.#retire(code, lastStreamId));
    session.on('error', () => this.#lose('network'));
    session.on('close', () => this.#lose('network'));
    this.#session = session;
    this.#sendQueued();
  }

  #sendQueued(): void {
    const session = this.#session;
    if (session === undefined || this.#isClosed) return;
    for (const waiter of this.#queue) {
      if (this.#openCount >= this.#streamsMax) {
        this.#makeRoom();
        return;
      }
      this.#queue.delete(waiter);
      this.#times.noteQuery(!this.#isAnswerDue);
      this.#isAnswerDue = true;
      this.#request(session, waiter);
    }
  }

  /** Evicts a stream that is silent for long where others wait for one, unless as many are being closed. */
  #makeRoom(): void {
    if (this.#openCount - this.#streams.size >= this.#queue.size) return;
    const { owner, options } = this.#context;
    for (const waiter of this.#streams.keys()) {
      if (options.clock() - waiter.sentAtMs >= EVICTED_AFTER_MS) owner.evictWaiter(waiter);
      return;
    }
  }

  #request(session: ClientHttp2Session, waiter: Waiter<T>): void {
    const { path, authority } = this.#context.settings;
    const { query } = waiter;
    writeU16(query, 0, MESSAGE_ID);
    const stream = session.request({
      ':method': 'POST',
      ':scheme': 'https',
      ':authority': authority,
      ':path': path,
      accept: MEDIA_TYPE,
      'content-type': MEDIA_TYPE,
      'content-length': query.length,
    });
    this.#openCount++;
    this.#streams.set(waiter, stream);
    waiter.sentAtMs = this.#context.options.clock();
    this.#listen(stream, waiter);
    stream.end(query);
  }

  #listen(stream: ClientHttp2Stream, waiter: Waiter<T>): void {
    const message = new GrowingBytes(MESSAGE_LENGTH_MAX);
    stream.on('response', (headers) => {
      this.#times.noteBytes();
      const fault = faultOf(headers);
      if (fault !== undefined) this.#fail(stream, waiter, fault);
    });
    stream.on('data', (chunk: Uint8Array) => {
      if (this.#streams.get(waiter) !== stream) return;
      this.#times.noteBytes();
      if (message.length + chunk.length > MESSAGE_LENGTH_MAX) this.#fail(stream, waiter, 'malformed');
      else message.add(chunk, 0, chunk.length);
    });
    stream.on('end', () => {
      if (stream.rstCode === HTTP2_ERROR.NO_ERROR) this.#deliver(stream, waiter, message.take());
    });
    // What it means is known when the stream is closed.
    stream.on('error', () => {});
    stream.on('close', () => this.#closed(stream, waiter));
  }

  #deliver(stream: ClientHttp2Stream, waiter: Waiter<T>, bytes: Uint8Array): void {
    if (bytes.length < HEADER_LENGTH || messageId(bytes) !== MESSAGE_ID) {
      this.#fail(stream, waiter, 'malformed');
      return;
    }
    if (!this.#take(stream, waiter)) return;
    this.#hasAnswered = true;
    this.#context.owner.answered(waiter, bytes);
  }

  #fail(stream: ClientHttp2Stream, waiter: Waiter<T>, fault: ConnectionFault): void {
    if (!this.#take(stream, waiter)) return;
    stream.close(HTTP2_ERROR.CANCEL);
    this.#context.owner.failed(waiter, fault);
  }

  #closed(stream: ClientHttp2Stream, waiter: Waiter<T>): void {
    this.#openCount--;
    if (this.#isClosed) return;
    if (this.#streams.get(waiter) === stream) this.#settleUnanswered(stream, waiter);
    this.#goOn();
  }

  #settleUnanswered(stream: ClientHttp2Stream, waiter: Waiter<T>): void {
    if (this.#session?.destroyed === true) {
      this.#lose('network');
      return;
    }
    this.#take(stream, waiter);
    // Not processed at all, in so many words (RFC 9113 section 8.7).
    if (stream.rstCode === HTTP2_ERROR.REFUSED_STREAM) this.#context.owner.refused(waiter);
    else this.#context.owner.failed(waiter, 'network');
  }

  /** Takes the waiter off its stream; false when it is not on it any more. */
  #take(stream: ClientHttp2Stream, waiter: Waiter<T>): boolean {
    if (this.#isClosed || this.#streams.get(waiter) !== stream) return false;
    this.#streams.delete(waiter);
    this.#isAnswerDue = this.#streams.size > 0;
    return true;
  }

  /** Something is over: the next may be sent, or all is. */
  #goOn(): void {
    if (this.#isClosed) return;
    if (this.isRetired && this.#streams.size === 0 && this.#queue.size === 0) this.#end();
    else this.#sendQueued();
  }

  /** GOAWAY (RFC 9113 section 6.8): what came after the last stream was not processed, and nothing more will be. */
  #retire(code: number, lastStreamId: number): void {
    if (this.#isClosed) return;
    this.isRetired = true;
    const unprocessed: Waiter<T>[] = [];
    for (const [waiter, stream] of this.#streams)
      if (stream.id === undefined || stream.id > lastStreamId) unprocessed.push(waiter);
    for (const waiter of this.#queue) unprocessed.push(waiter);
    for (const waiter of unprocessed) {
      this.#streams.delete(waiter);
      this.#queue.delete(waiter);
    }
    for (const waiter of unprocessed) this.#context.owner.refused(waiter);
    if (code !== HTTP2_ERROR.NO_ERROR) this.#lose('network');
    else this.#goOn();
  }

  #checkIdle(): void {
    const leftMs = this.#times.idleLeftMs();
    if (this.#streams.size + this.#queue.size === 0 && leftMs === 0) this.#end();
    else
      this.#timer = setTimeout(() => this.#checkIdle(), leftMs === 0 ? this.#context.options.idleMs : leftMs);
  }

  #end(): void {
    this.close();
    this.#context.owner.ended(this);
  }

  #lose(fault: ConnectionFault): void {
    if (this.#isClosed) return;
    this.close();
    this.#context.owner.lost(this, fault, this.#hasAnswered);
  }
}

/** Why a response cannot be an answer (RFC 8484 section 4.2.1). */
const faultOf = (headers: IncomingHttpHeaders & IncomingHttpStatusHeader): ConnectionFault | undefined => {
  if (headers[':status'] !== STATUS_OK) return 'network';
  const type = headers['content-type'] ?? '';
  const semicolon = type.indexOf(';');
  const essence = (semicolon < 0 ? type : type.slice(0, semicolon)).trim().toLowerCase();
  return essence === MEDIA_TYPE && headers['content-encoding'] === undefined ? undefined : 'malformed';
};
