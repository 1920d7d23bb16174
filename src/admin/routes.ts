// What each path of the TCP listener answers, and the forms of all replies of this room.
//
// Every path here is read-only: GET and HEAD (RFC 9110 section 9.2.1), no parameter, no body. Failures are problem
// documents (RFC 9457).
import type { Control, Readiness } from './control.ts';

/** A response before it is written. */
export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** Header `Allow`, for 405. */
  readonly allow?: string;
}

const JSON_TYPE = 'application/json; charset=utf-8';
const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

type Route = (control: Control) => Reply | Promise<Reply>;

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/metrics', async (control) => toReply(200, control.metricsContentType, await control.metrics())],
  ['/healthz', (control) => toJson(200, { status: 'ok', version: control.version })],
  ['/readyz', (control) => toReadiness(control.readiness(), 'ready')],
  ['/answering', (control) => toReadiness(control.readiness(), 'answering')],
]);

const toReadiness = (readiness: Readiness, wanted: 'ready' | 'answering'): Reply =>
  toJson(readiness[wanted] ? 200 : 503, readiness);

/** The response to one request. */
export const route = async (method: string, path: string, control: Control): Promise<Reply> => {
  const handle = ROUTES.get(path);
  if (handle === undefined) return toProblem(404, 'Not Found', `paths are ${[...ROUTES.keys()].join(', ')}`);
  if (method !== 'GET' && method !== 'HEAD') {
    return { ...toProblem(405, 'Method Not Allowed', 'this path is read-only'), allow: 'GET, HEAD' };
  }
  return handle(control);
};

/** The client's address is in none of the prefixes that may ask. */
export const forbidden = (): Reply =>
  toProblem(403, 'Forbidden', 'this address is not in admin.allow of the configuration');

/** The request is for a host of another name (RFC 9110 section 15.5.20). */
export const misdirected = (): Reply =>
  toProblem(
    421,
    'Misdirected Request',
    'the Host of the request is no address and no name of this host: admin.hosts of the configuration names others',
  );

/** A defect of the program; the log has the rest. */
export const broken = (): Reply => toProblem(500, 'Internal Server Error', 'see the log');

const toReply = (status: number, contentType: string, body: string): Reply => ({ status, contentType, body });

/** A reply with a value as JSON. */
export const toJson = (status: number, value: object): Reply =>
  toReply(status, JSON_TYPE, `${JSON.stringify(value)}\n`);

/** A problem document (RFC 9457), with further members where there are any. */
export const toProblem = (status: number, title: string, detail: string, more: object = {}): Reply =>
  toReply(
    status,
    PROBLEM_TYPE,
    `${JSON.stringify({ type: 'about:blank', title, status, detail, ...more })}\n`,
  );
