// The forms of all replies of this room: JSON, text, and problem documents (RFC 9457).
import type { Validators } from './operation.ts';

/** A response before it is written. */
export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  /** Header `Allow`, for 405. */
  readonly allow?: string;
  /** Headers `ETag` and `Last-Modified`: a client that has it already gets 304. */
  readonly validators?: Validators | undefined;
}

const JSON_TYPE = 'application/json; charset=utf-8';
const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** Reason phrases of what this room answers (RFC 9110 section 15, RFC 4918 section 11.5). */
const TITLES: Readonly<Record<number, string>> = {
  202: 'Accepted',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  507: 'Insufficient Storage',
};

/** A reply of any media type. */
export const toReply = (status: number, contentType: string, body: string | Uint8Array): Reply => ({
  status,
  contentType,
  body,
});

/** A reply with a value as JSON. */
export const toJson = (status: number, value: unknown): Reply =>
  toReply(status, JSON_TYPE, `${JSON.stringify(value)}\n`);

/** The reason phrase of a status. */
export const titleOf = (status: number): string => TITLES[status] ?? 'Internal Server Error';

/** A problem document (RFC 9457), with further members where there are any. */
export const toProblem = (status: number, detail: string, more: object = {}): Reply => {
  const document = { type: 'about:blank', title: titleOf(status), status, detail, ...more };
  return toReply(status, PROBLEM_TYPE, `${JSON.stringify(document)}\n`);
};

/** The client's address is in none of the prefixes that may ask. */
export const forbidden = (): Reply =>
  toProblem(403, 'this address is not in admin.allow of the configuration');

/** The request is for a host of another name (RFC 9110 section 15.5.20). */
export const misdirected = (): Reply =>
  toProblem(
    421,
    'the Host of the request is no address and no name of this host: admin.hosts of the configuration names others',
  );

/** A defect of the program; the log has the rest. */
export const broken = (): Reply => toProblem(500, 'see the log');
