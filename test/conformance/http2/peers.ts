// Two servers of DNS over HTTPS with the same answers: our listener, and HTTP/2 of Node.js with nothing around it.
//
// What is asked decides what is answered, so that both say the same whenever they understand the same: the letters of a query
// have the size of its answer and how long that takes.
import { once } from 'node:events';
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../../src/base/base.ts';
import { type Decider, PENDING, type Reply } from '../../../src/resolver/pipeline/pipeline.ts';
import { ConnectionBudget } from '../../../src/resolver/server/connection-budget.ts';
import { DohListener, type DohOptions } from '../../../src/resolver/server/doh-listener.ts';
import { freshnessSec } from '../../../src/resolver/server/http-answer.ts';
import { type Exchange, fail, succeed } from '../../../src/resolver/server/http-exchange.ts';
import { CONTENT, type RequestHead, readRequest, STATUS } from '../../../src/resolver/server/http-request.ts';
import { claimEndpoint } from '../../../src/resolver/workers/claim.ts';
import { HEADER_LENGTH, QUERY_LENGTH_MAX } from '../../../src/wire/dns/dns.ts';
import type { Head } from '../../../src/wire/http2/http2.ts';
import { TicketKeys } from '../../../src/wire/tls/ticket-keys.ts';

/** How a query is answered. */
export interface Wish {
  /** Bytes of the answer; 0: there is none. */
  readonly size: number;
  /** Turns of the loop until then; 0: at once. */
  readonly turns: number;
}

const WISH_AT = HEADER_LENGTH;

/** A query with a wish in it: a header, of which nothing else counts, and what is wished. */
export const queryOf = ({ size, turns }: Wish, length: number): Buffer => {
  const bytes = Buffer.alloc(Math.max(WISH_AT + 4, length), 0x61);
  bytes.fill(0, 0, HEADER_LENGTH);
  bytes.writeUInt16BE(size, WISH_AT);
  bytes.writeUInt16BE(turns, WISH_AT + 2);
  return bytes;
};

const wishOf = (query: Uint8Array): Wish => {
  const bytes = Buffer.from(query.buffer, query.byteOffset, query.byteLength);
  if (bytes.length < WISH_AT + 4) return { size: 40, turns: 0 };
  return { size: bytes.readUInt16BE(WISH_AT), turns: bytes.readUInt16BE(WISH_AT + 2) };
};

/** The answer to a query: the same bytes wherever it is asked. */
const answerTo = (query: Uint8Array, { size }: Wish): Buffer => {
  const answer = Buffer.alloc(size);
  for (let at = 0; at < size; at++) answer[at] = (query[at % query.length] ?? 0) + at;
  // No records, and no failure: nothing of it is read further.
  answer.fill(0, 0, Math.min(size, HEADER_LENGTH));
  return answer;
};

const later = (turns: number, act: () => void): void => {
  if (turns === 0) act();
  else setImmediate(() => later(turns - 1, act));
};

/** In place of a pipeline. */
class Oracle implements Decider {
  #asked: { readonly wish: Wish; readonly answer: Buffer } | undefined;

  decide(bytes: Uint8Array, length: number, ...[, , , out]: OracleRest): number {
    const query = bytes.slice(0, length);
    const wish = wishOf(query);
    const answer = answerTo(query, wish);
    if (wish.turns > 0) {
      this.#asked = { wish, answer };
      return PENDING;
    }
    out.set(answer);
    return answer.length;
  }

  resolve(reply: Reply): void {
    const asked = this.#asked;
    if (asked !== undefined) later(asked.wish.turns, () => reply(asked.answer));
  }
}

type OracleRest = [address: unknown, port: unknown, transport: unknown, out: Uint8Array];

/** A certificate with its key, PEM. */
export interface Pair {
  readonly certificate: string;
  readonly key: string;
}

/** A server, and how to end it. */
export interface Peer {
  readonly port: number;
  close(): Promise<void>;
}

const nothing = (): void => {};

/** Our listener; with a certificate over TLS. */
export const openOurs = async (pair: Pair | undefined): Promise<Peer> => {
  const { port } = await claimEndpoint({ address: '127.0.0.1', port: 0, family: 4 });
  const limits = {
    connectionsMax: 400,
    connectionsPerClientMax: 400,
    connectionsPerNetworkMax: 400,
    idleMs: 60_000,
  };
  const observer = {
    setTcpConnections: nothing,
    setTcpUnread: nothing,
    tcpRefused: nothing,
    tcpClosed: nothing,
  };
  const secure: DohOptions['secure'] = pair && {
    settings: {
      cert: pair.certificate,
      key: pair.key,
      ocsp: undefined,
      clientAuthorities: undefined,
      challenges: [],
      ticketKeys: new TicketKeys(0).keys,
      ticketLifetimeSec: 3_600,
    },
    mayStay: () => true,
    mayShake: () => true,
    observer: { tlsHandshake: nothing },
  };
  const listener = await DohListener.open({
    endpoint: { address: '127.0.0.1', port, family: 4 },
    name: 'ours',
    shared: false,
    pipeline: new Oracle(),
    budget: new ConnectionBudget(limits, observer),
    clock: systemClock,
    mayAsk: () => true,
    takesTokens: () => false,
    isMisdirected: () => false,
    takesWords: () => false,
    secure,
  });
  return { port, close: () => listener.close() };
};

/** HTTP/2 of Node.js, told to be what our listener says it is. */
export const openTheirs = async (pair: Pair | undefined): Promise<Peer> => {
  const settings = { maxConcurrentStreams: 100, initialWindowSize: 16_384, enablePush: false };
  const server: Http2Server =
    pair === undefined
      ? createServer({ settings })
      : (createSecureServer({ settings, cert: pair.certificate, key: pair.key }) as unknown as Http2Server);
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', nothing);
    session.on('close', () => sessions.delete(session));
  });
  server.on('sessionError', nothing);
  server.on('stream', (stream, headers) => new TheirExchange(stream, headers).ask());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};

const textOf = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.join(', ') : value;

/** A request to the server of Node.js, which goes through the same hands as ours. */
class TheirExchange implements Exchange {
  readonly isInWords = false;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #method: string;
  #content: Buffer | undefined = Buffer.alloc(0);
  #hasEnded = false;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.#stream = stream;
    this.#headers = headers;
    this.#method = textOf(headers[':method'] as string | undefined) ?? '';
    stream.on('error', nothing);
  }

  get isOpen(): boolean {
    return !this.#stream.destroyed && !this.#stream.closed;
  }

  answer({ status, type, cache, allow, accept }: Head, content: Uint8Array, length: number): void {
    const stream = this.#stream;
    if (!this.isOpen) return;
    const headers = {
      ':status': status,
      'content-type': type,
      'content-length': length,
      ...(cache !== '' && { 'cache-control': cache }),
      ...(allow !== undefined && { allow }),
      ...(accept !== undefined && { accept }),
    };
    const isHead = this.#method === 'HEAD';
    stream.respond(headers, { endStream: isHead });
    // Content that still comes is not waited for (RFC 9113 section 8.1).
    const done = (): void => {
      if (!this.#hasEnded) stream.close();
    };
    if (isHead) done();
    else stream.end(Buffer.from(content.subarray(0, length)), done);
  }

  abandon(code: number): void {
    if (this.isOpen) this.#stream.close(code);
  }

  ask(): void {
    const stream = this.#stream;
    const out = Buffer.alloc(QUERY_LENGTH_MAX + 3);
    const length = readRequest(this.#head(), out);
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    stream.on('end', () => {
      this.#hasEnded = true;
      const content = this.#content;
      if (length !== CONTENT || content === undefined) return;
      if (content.length < HEADER_LENGTH) fail(this, STATUS.BAD_REQUEST);
      else this.#decide(content);
    });
    if (length === CONTENT) {
      if (this.#headers.expect === '100-continue' && this.isOpen)
        stream.additionalHeaders({ ':status': 100 });
      return;
    }
    this.#content = undefined;
    if (length > 0) this.#decide(out.subarray(0, length));
    else fail(this, -length);
  }

  #head(): RequestHead {
    const headers = this.#headers;
    return {
      method: this.#method,
      path: textOf(headers[':path'] as string | undefined) ?? '',
      authority: textOf(headers[':authority'] as string | undefined) ?? '',
      accept: textOf(headers.accept),
      contentType: textOf(headers['content-type']),
      contentEncoding: textOf(headers['content-encoding']),
      contentLength: Number(headers['content-length'] ?? -1),
    };
  }

  #take(chunk: Buffer): void {
    if (this.#content === undefined) return;
    this.#content = Buffer.concat([this.#content, chunk]);
    if (this.#content.length <= QUERY_LENGTH_MAX) return;
    this.#content = undefined;
    fail(this, STATUS.CONTENT_TOO_LARGE);
  }

  #decide(query: Uint8Array): void {
    const wish = wishOf(query);
    const answer = answerTo(query, wish);
    later(wish.turns, () => {
      if (!this.isOpen) return;
      if (answer.length === 0) this.abandon(CANCEL);
      else succeed(this, answer, answer.length, freshnessSec(answer, answer.length));
    });
  }
}

const CANCEL = 8;
