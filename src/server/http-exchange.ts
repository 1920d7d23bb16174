// A request over HTTP, whose answer is given in one go: as both versions of HTTP give it, or in words for a person. Hot file.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { QUERY_LENGTH_MAX } from '../dns/dns.ts';
import { ALLOWED_METHODS, MEDIA_TYPE, STATUS } from './http-request.ts';

/** Error codes (RFC 9113 section 7). */
export const HTTP2_ERROR = { NO_ERROR: 0, REFUSED_STREAM: 7, CANCEL: 8, ENHANCE_YOUR_CALM: 11 } as const;

/** A request, as both versions of HTTP are answered. */
export interface Exchange {
  /** False once nobody waits for the answer. */
  readonly isOpen: boolean;
  /** Calls `taken` when the client has the answer, or is gone. */
  answer(status: number, headers: Record<string, string | number>, body: Buffer, taken: () => void): void;
  /** Ends it without an answer; `code` of HTTP2_ERROR. */
  abandon(code: number): void;
}

/** Answers a request that is at fault, in words for a person who sent it by hand. */
export const fail = (exchange: Exchange, status: number): void => {
  const body = Buffer.from(`${FAULTS[status] ?? 'This cannot be answered.'}\n`);
  const headers: Record<string, string | number> = {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': body.length,
  };
  if (status === STATUS.METHOD_NOT_ALLOWED) headers['allow'] = ALLOWED_METHODS;
  if (status === STATUS.UNSUPPORTED_MEDIA_TYPE) headers['accept'] = MEDIA_TYPE;
  exchange.answer(status, headers, body, () => {});
};

const FAULTS: Readonly<Record<number, string>> = {
  [STATUS.BAD_REQUEST]:
    'No DNS query: GET wants one in the parameter dns, in Base64url without padding; POST as its content.',
  [STATUS.NOT_FOUND]: 'DNS over HTTPS is at /dns-query.',
  [STATUS.METHOD_NOT_ALLOWED]: 'GET and POST are served.',
  [STATUS.NOT_ACCEPTABLE]: 'Answers are of the type application/dns-message.',
  [STATUS.CONTENT_TOO_LARGE]: `A query has ${QUERY_LENGTH_MAX} bytes at most.`,
  [STATUS.URI_TOO_LONG]: `A query has ${QUERY_LENGTH_MAX} bytes at most.`,
  [STATUS.UNSUPPORTED_MEDIA_TYPE]: 'A query has the type application/dns-message.',
};

/**
 * Answers one stream of a connection in each turn of the loop. What is answered in one turn leaves together, all headers
 * before all contents, and clients exist that lose their way there (dnsperf).
 */
export class StreamTurns {
  readonly #waiting: (() => void)[] = [];
  /** A stream was answered in this turn. */
  #isTaken = false;

  take(answer: () => void): void {
    if (this.#isTaken) {
      this.#waiting.push(answer);
      return;
    }
    this.#isTaken = true;
    answer();
    setImmediate(this.#next);
  }

  readonly #next = (): void => {
    const answer = this.#waiting.shift();
    if (answer === undefined) this.#isTaken = false;
    else {
      answer();
      setImmediate(this.#next);
    }
  };
}

/** A stream of HTTP/2. */
export class Http2Exchange implements Exchange {
  readonly #turns: StreamTurns;
  readonly #stream: ServerHttp2Stream;
  readonly #isHead: boolean;
  /** The request had come as a whole with its head. */
  readonly #isWhole: boolean;

  constructor(turns: StreamTurns, stream: ServerHttp2Stream, isHead: boolean, isWhole: boolean) {
    this.#turns = turns;
    this.#stream = stream;
    this.#isHead = isHead;
    this.#isWhole = isWhole;
  }

  get isOpen(): boolean {
    return !this.#stream.destroyed && !this.#stream.closed;
  }

  answer(status: number, headers: Record<string, string | number>, body: Buffer, taken: () => void): void {
    const stream = this.#stream;
    if (!this.isOpen) {
      taken();
      return;
    }
    headers[':status'] = status;
    stream.once('close', taken);
    this.#turns.take(() => {
      if (!this.isOpen) return;
      stream.respond(headers, this.#isHead ? HEAD_ONLY : undefined);
      if (!this.#isHead) stream.end(body);
      // Content that still comes is not waited for (RFC 9113 section 8.1).
      if (!this.#isWhole && !stream.readableEnded)
        stream.once('finish', () => stream.close(HTTP2_ERROR.NO_ERROR));
    });
  }

  abandon(code: number): void {
    this.#stream.close(code);
  }
}

const HEAD_ONLY = { endStream: true } as const;

/** A request of HTTP/1.1. */
export class Http1Exchange implements Exchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
  }

  get isOpen(): boolean {
    return !this.#response.destroyed && this.#response.writable;
  }

  answer(status: number, headers: Record<string, string | number>, body: Buffer, taken: () => void): void {
    const response = this.#response;
    response.once('close', taken);
    // What is left of the content would be taken for the next request.
    if (!this.#request.complete && status !== STATUS.OK) headers['connection'] = 'close';
    response.writeHead(status, headers);
    response.end(body);
  }

  abandon(): void {
    this.#request.socket.destroy();
  }
}
