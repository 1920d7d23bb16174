// A small file of a source, into memory: the metadata of a feed.
//
// The same requests as of a list, so that look-ups, TLS, redirects, bytes and times are bounded in one place. A status that
// says "there is none" is an outcome and no error, because a feed is asked for what may not be there yet.
import type { IncomingMessage } from 'node:http';
import { ACCEPT_ENCODING, readBody } from './source-body.ts';
import { FETCH_DEFAULTS, type FetchLimits, isPage } from './source-fetch.ts';
import { fetchError, type RequestContext, type RequestFields, requestSource } from './source-request.ts';
import { parseSourceUrl, redactUrl } from './source-url.ts';
import { FetchWatch } from './source-watch.ts';

const STATUS_OK = 200;
const STATUS_NOT_MODIFIED = 304;
/** What servers of files answer for a file that is not there: a bucket that may not be listed says 403. */
const ABSENT_STATUSES: ReadonlySet<number> = new Set([403, 404, 410]);

/** What to fetch, and how. */
export interface BytesOptions extends RequestContext {
  readonly url: string;
  /** A body that is longer is an error. */
  readonly sizeBytesMax: number;
  /** Entity tag of what is still there. */
  readonly etag?: string | undefined;
  readonly limits?: Partial<FetchLimits> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What came of it. */
export type BytesOutcome =
  | { readonly kind: 'fetched'; readonly bytes: Buffer; readonly etag: string | undefined }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'absent'; readonly status: number };

/** Fetches a file whole; throws ERR_LIST_FETCH. */
export const fetchBytes = async (options: BytesOptions): Promise<BytesOutcome> => {
  const url = parseSourceUrl(options.url);
  const sizes = { wireBytesMax: options.sizeBytesMax, contentBytesMax: options.sizeBytesMax };
  const limits = { ...FETCH_DEFAULTS, ...options.limits, ...sizes };
  const watch = new FetchWatch(redactUrl(url), limits, options.signal);
  try {
    watch.signal.throwIfAborted();
    const { response } = await requestSource(url, fieldsOf(options.etag), options, watch);
    const outcome = judgeHeader(url, response, options.etag);
    if (outcome !== undefined) {
      response.destroy();
      return outcome;
    }
    const pieces: Buffer[] = [];
    await readBody(url, response, limits, watch, (piece) => {
      pieces.push(piece);
    });
    return { kind: 'fetched', bytes: Buffer.concat(pieces), etag: response.headers.etag };
  } finally {
    watch.close();
  }
};

const fieldsOf = (etag: string | undefined): RequestFields => ({
  accept: '*/*',
  'accept-encoding': ACCEPT_ENCODING,
  ...(etag === undefined ? {} : { 'if-none-match': etag }),
});

const judgeHeader = (
  url: URL,
  response: IncomingMessage,
  etag: string | undefined,
): BytesOutcome | undefined => {
  const { statusCode: status = 0 } = response;
  if (status === STATUS_NOT_MODIFIED && etag !== undefined) return { kind: 'unchanged' };
  if (ABSENT_STATUSES.has(status)) return { kind: 'absent', status };
  if (status === STATUS_OK && !isPage(response)) return undefined;
  response.destroy();
  throw fetchError(url, status === STATUS_OK ? 'a web page' : `HTTP status ${status}`);
};
