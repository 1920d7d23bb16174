// What a request of DNS over HTTPS asks, whatever version of HTTP it came in (RFC 8484 section 4.1). Hot file.
//
// The query of a GET stands in the path, so that its length is looked at here: nothing below bounds it. Base64url is read
// as strictly as it is defined (RFC 4648 section 5): what is left over, padding included, is a fault, not decoration.
import { HEADER_LENGTH, QUERY_LENGTH_MAX } from '../../wire/dns/dns.ts';

/** The resource; there is one. */
const PATH = '/dns-query';
/** The parameter of a GET. */
const PARAMETER = 'dns=';
export const MEDIA_TYPE = 'application/dns-message';
/** Media ranges that hold it. */
const MEDIA_RANGES = new Set([MEDIA_TYPE, 'application/*', '*/*', '']);
/** Methods that are served, for the header of that name. */
export const ALLOWED_METHODS = 'GET, HEAD, POST';

/** Characters of the longest query in Base64url. */
const QUERY_CHARACTERS_MAX = Math.ceil((QUERY_LENGTH_MAX * 8) / 6);
/** Of a path: the longest query, and room for parameters that mean nothing here. */
const PATH_LENGTH_MAX = QUERY_CHARACTERS_MAX + 1024;

const SLASH = 0x2f;
/** 96 bits at least, in Base64url; those of `cordon clients token` have 128. */
const TOKEN_LENGTH_MIN = 16;
const TOKEN_LENGTH_MAX = 128;

/** Status codes (RFC 9110 section 15, RFC 6585). */
export const STATUS = {
  OK: 200,
  BAD_REQUEST: 400,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  NOT_ACCEPTABLE: 406,
  CONTENT_TOO_LARGE: 413,
  URI_TOO_LONG: 414,
  UNSUPPORTED_MEDIA_TYPE: 415,
  MISDIRECTED: 421,
  UNAVAILABLE: 503,
} as const;

/** What readRequest() returns when the query is the content that follows. */
export const CONTENT = 0;

/** What a request says of itself. */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  /** Whom it asks, with a port or without; '' where nothing says so. */
  readonly authority: string;
  readonly accept: string | undefined;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  /** -1: not said. */
  readonly contentLength: number;
}

/**
 * Reads a request. Returns the length of its query, which was written into `out`, CONTENT when that comes behind, or a
 * STATUS with a minus before it. `out` holds QUERY_LENGTH_MAX.
 */
export const readRequest = (head: RequestHead, out: Buffer): number => {
  const { method, path, accept } = head;
  const mark = readResource(path);
  if (mark < 0) return mark;
  const isPost = method === 'POST';
  if (!isPost && method !== 'GET' && method !== 'HEAD') return -STATUS.METHOD_NOT_ALLOWED;
  if (accept !== undefined && accept !== MEDIA_TYPE && !accepts(accept, MEDIA_RANGES))
    return -STATUS.NOT_ACCEPTABLE;
  if (isPost) return judgeContent(head);
  return mark === path.length ? -STATUS.BAD_REQUEST : readParameter(path, mark + 1, out);
};

/** Where the parameters of a path begin, with the question mark, or its end; a STATUS with a minus unless it is ours. */
export const readResource = (path: string): number => {
  if (path.length > PATH_LENGTH_MAX) return -STATUS.URI_TOO_LONG;
  const mark = path.indexOf('?');
  const end = mark < 0 ? path.length : mark;
  return isResource(path, end) ? end : -STATUS.NOT_FOUND;
};

/** The token behind the resource; '' without one. For a path that readRequest() took. */
export const tokenOf = (path: string): string => {
  if (path.charCodeAt(PATH.length) !== SLASH) return '';
  const mark = path.indexOf('?');
  return path.slice(PATH.length + 1, mark < 0 ? path.length : mark);
};

/** The resource, alone or with a token behind it: characters of Base64url, so many that nobody guesses them. */
const isResource = (path: string, end: number): boolean => {
  if (!path.startsWith(PATH)) return false;
  if (end === PATH.length) return true;
  const length = end - PATH.length - 1;
  if (path.charCodeAt(PATH.length) !== SLASH || length < TOKEN_LENGTH_MIN || length > TOKEN_LENGTH_MAX)
    return false;
  for (let at = PATH.length + 1; at < end; at++) if (!isTokenCharacter(path.charCodeAt(at))) return false;
  return true;
};

const isTokenCharacter = (code: number): boolean =>
  (code >= 0x30 && code <= 0x39) ||
  ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a) ||
  code === 0x2d ||
  code === 0x5f;

const judgeContent = ({ contentType = '', contentEncoding, contentLength }: RequestHead): number => {
  if (contentType !== MEDIA_TYPE && typeOf(contentType) !== MEDIA_TYPE) return -STATUS.UNSUPPORTED_MEDIA_TYPE;
  if (contentEncoding !== undefined && contentEncoding !== 'identity') return -STATUS.UNSUPPORTED_MEDIA_TYPE;
  return contentLength > QUERY_LENGTH_MAX ? -STATUS.CONTENT_TOO_LARGE : CONTENT;
};

/** The parameter `dns`, once. */
const readParameter = (path: string, start: number, out: Buffer): number => {
  let found = -1;
  let foundEnd = 0;
  for (let at = start; at < path.length; ) {
    const next = path.indexOf('&', at);
    const end = next < 0 ? path.length : next;
    if (path.startsWith(PARAMETER, at)) {
      if (found >= 0) return -STATUS.BAD_REQUEST;
      found = at + PARAMETER.length;
      foundEnd = end;
    }
    at = end + 1;
  }
  return found < 0 ? -STATUS.BAD_REQUEST : readBase64url(path, found, foundEnd, out);
};

const readBase64url = (text: string, start: number, end: number, out: Buffer): number => {
  const characters = end - start;
  if (characters > QUERY_CHARACTERS_MAX) return -STATUS.URI_TOO_LONG;
  // A byte is never written in one character alone.
  if (characters % 4 === 1) return -STATUS.BAD_REQUEST;
  for (let i = start; i < end; i++) if (!isBase64url(text.charCodeAt(i))) return -STATUS.BAD_REQUEST;
  const length = out.write(start === 0 && end === text.length ? text : text.slice(start, end), 'base64url');
  return length < HEADER_LENGTH ? -STATUS.BAD_REQUEST : length;
};

const isBase64url = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) ||
  (code >= 0x41 && code <= 0x5a) ||
  (code >= 0x30 && code <= 0x39) ||
  code === 0x2d ||
  code === 0x5f;

/** True when a list of media ranges holds one of ours (RFC 9110 section 12.5.1). For clients that name several. */
export const accepts = (text: string, ours: ReadonlySet<string>): boolean => {
  for (let at = 0; at <= text.length; ) {
    const next = text.indexOf(',', at);
    const end = next < 0 ? text.length : next;
    const range = text.slice(at, end);
    if (ours.has(typeOf(range)) && !isExcluded(range)) return true;
    at = end + 1;
  }
  return false;
};

/** A weight of nothing. */
const isExcluded = (range: string): boolean => {
  const at = range.indexOf('q=');
  return at >= 0 && Number(range.slice(at + 2)) === 0;
};

/** A media type without its parameters, in small letters. */
const typeOf = (text: string): string => {
  const end = text.indexOf(';');
  return (end < 0 ? text : text.slice(0, end)).trim().toLowerCase();
};

/** A target that is written as a whole (RFC 9112 section 3.2.2), without scheme and authority. */
export const toOriginForm = (target: string): string => {
  if (target.charCodeAt(0) === SLASH) return target;
  const authority = target.indexOf('://');
  const path = authority < 0 ? -1 : target.indexOf('/', authority + 3);
  return path < 0 ? target : target.slice(path);
};

/** The authority of a request of HTTP/1.1: that of a target which is written as a whole goes before Host (RFC 9112 section 3.2.2). */
export const authorityOf = (target: string, host: string): string => {
  if (target.charCodeAt(0) === SLASH) return host;
  const at = target.indexOf('://');
  if (at < 0) return host;
  const end = target.indexOf('/', at + 3);
  return target.slice(at + 3, end < 0 ? target.length : end);
};
