// A request over HTTP, whose answer is given in one go: as both versions of HTTP give it, or in words for a person. Hot file.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { checkLength, QUERY_LENGTH_MAX } from '../../wire/dns/dns.ts';
import type { Head, Http2Session, Http2Stream } from '../../wire/http2/http2.ts';
import {
  ALLOWED_METHODS,
  authorityOf,
  MEDIA_TYPE,
  type RequestHead,
  STATUS,
  toOriginForm,
} from './http-request.ts';
import { JSON_MEDIA_TYPE, toJson } from './json-form.ts';

/** A request, as both versions of HTTP are answered. */
export interface Exchange {
  /** False once nobody waits for the answer. */
  readonly isOpen: boolean;
  /** It asked in words, and is answered in JSON. */
  isInWords: boolean;
  /** The first `length` bytes of `content` are copied, or gone when this returns. */
  answer(head: Head, content: Uint8Array, length: number): void;
  /** Ends it without an answer; `code` of HTTP2_ERROR. */
  abandon(code: number): void;
}

/** Answers with a DNS message, which is fresh for so many seconds; returns how many bytes its content has. */
export const succeed = (
  exchange: Exchange,
  message: Uint8Array,
  length: number,
  freshSec: number,
): number => {
  checkLength(message, length);
  // What a client is answered depends on who it is: nobody but itself may keep it.
  const cache = `private, max-age=${freshSec}`;
  if (!exchange.isInWords) {
    exchange.answer({ status: STATUS.OK, type: MEDIA_TYPE, cache }, message, length);
    return length;
  }
  const json = toJson(message, length);
  exchange.answer({ status: STATUS.OK, type: JSON_MEDIA_TYPE, cache }, json, json.length);
  return json.length;
};

/** Answers a request that is at fault, in words for a person who sent it by hand. */
export const fail = (exchange: Exchange, status: number): void => {
  const faults = exchange.isInWords ? FAULTS_IN_WORDS : FAULTS;
  const content = Buffer.from(`${faults[status] ?? FAULTS[status] ?? 'This cannot be answered.'}\n`);
  exchange.answer(HEADS[status] ?? headOf(status), content, content.length);
};

const headOf = (status: number, others?: Partial<Head>): Head =>
  Object.assign({ status, type: 'text/plain; charset=utf-8', cache: '' }, others);

const FAULTS: Readonly<Record<number, string>> = {
  [STATUS.BAD_REQUEST]:
    'No DNS query: GET wants one in the parameter dns, in Base64url without padding; POST as its content.',
  [STATUS.NOT_FOUND]: 'DNS over HTTPS is at /dns-query.',
  [STATUS.METHOD_NOT_ALLOWED]: 'GET and POST are served.',
  [STATUS.NOT_ACCEPTABLE]: 'Answers are of the type application/dns-message.',
  [STATUS.CONTENT_TOO_LARGE]: `A query has ${QUERY_LENGTH_MAX} bytes at most.`,
  [STATUS.URI_TOO_LONG]: `A query has ${QUERY_LENGTH_MAX} bytes at most.`,
  [STATUS.MISDIRECTED]: 'This name is asked over a connection of its own.',
  [STATUS.UNSUPPORTED_MEDIA_TYPE]: 'A query has the type application/dns-message.',
};

/** Of requests that ask in words. */
const FAULTS_IN_WORDS: Readonly<Record<number, string>> = {
  [STATUS.BAD_REQUEST]:
    'No question: GET wants a name in ASCII, and may have a type (AAAA, 28), do and cd (0 or 1), each once.',
  [STATUS.NOT_ACCEPTABLE]: `Answers to questions in words are of the type ${JSON_MEDIA_TYPE}.`,
};

/** Heads that say what would be right. */
const HEADS: Readonly<Record<number, Head>> = {
  [STATUS.METHOD_NOT_ALLOWED]: headOf(STATUS.METHOD_NOT_ALLOWED, { allow: ALLOWED_METHODS }),
  [STATUS.UNSUPPORTED_MEDIA_TYPE]: headOf(STATUS.UNSUPPORTED_MEDIA_TYPE, { accept: MEDIA_TYPE }),
};

/** A stream of HTTP/2. */
export class Http2Exchange implements Exchange {
  isInWords = false;
  readonly #session: Http2Session;
  readonly #stream: Http2Stream;

  constructor(session: Http2Session, stream: Http2Stream) {
    this.#session = session;
    this.#stream = stream;
  }

  get isOpen(): boolean {
    return this.#stream.isOpen;
  }

  answer(head: Head, content: Uint8Array, length: number): void {
    const isHead = this.#stream.fields.method === 'HEAD';
    this.#session.answer(this.#stream, head, isHead ? undefined : content, length);
  }

  abandon(code: number): void {
    this.#session.abandon(this.#stream, code);
  }
}

/** A request of HTTP/1.1. */
export class Http1Exchange implements Exchange {
  isInWords = false;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  /** Is told how much a client has not taken, and that it has: with a minus. */
  readonly #held: (bytes: number) => void;

  constructor(request: IncomingMessage, response: ServerResponse, held: (bytes: number) => void) {
    this.#request = request;
    this.#response = response;
    this.#held = held;
  }

  get isOpen(): boolean {
    return !this.#response.destroyed && this.#response.writable;
  }

  answer({ status, type, cache, allow, accept }: Head, content: Uint8Array, length: number): void {
    const response = this.#response;
    const headers: Record<string, string | number> = { 'content-type': type, 'content-length': length };
    if (cache !== '') headers['cache-control'] = cache;
    if (allow !== undefined) headers['allow'] = allow;
    if (accept !== undefined) headers['accept'] = accept;
    // What is left of the content would be taken for the next request.
    if (status !== STATUS.OK && hasContent(this.#request)) headers['connection'] = 'close';
    this.#held(length);
    response.once('close', () => this.#held(-length));
    response.writeHead(status, headers);
    response.end(Buffer.from(content.subarray(0, length)));
  }

  abandon(): void {
    this.#request.socket.destroy();
  }
}

/** Whether content follows that has not come (RFC 9112 section 6.3). */
const hasContent = ({ complete, headers }: IncomingMessage): boolean =>
  !complete && (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0');

/** What a request of HTTP/1.1 says of itself. */
export const toHead = ({ method = '', url = '', headers }: IncomingMessage): RequestHead => ({
  method,
  path: toOriginForm(url),
  authority: authorityOf(url, headers.host ?? ''),
  accept: headers.accept,
  contentType: headers['content-type'],
  contentEncoding: headers['content-encoding'],
  contentLength: Number(headers['content-length'] ?? -1),
});
