// How a reply leaves a server of this room, and how a server ends: the same on TCP and on the control socket.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Validators } from './operation.ts';
import type { Reply } from './reply.ts';

/** Takes what an operator has to know. */
export interface AdminLog {
  error(fields: object, text: string): void;
}

/** What close() waits for responses that are being written. */
const CLOSE_MS_MAX = 1_000;

/** Writes a reply; a connection with a body that nobody read is closed after it. */
export const write = (request: IncomingMessage, response: ServerResponse, reply: Reply): void => {
  const hasBody =
    (request.headers['content-length'] ?? '0') !== '0' || 'transfer-encoding' in request.headers;
  const isKnown = reply.validators !== undefined && hasAlready(request, reply.validators);
  const body = isKnown ? '' : reply.body;
  response.writeHead(isKnown ? 304 : reply.status, {
    ...(isKnown ? {} : { 'Content-Type': reply.contentType, 'Content-Length': Buffer.byteLength(body) }),
    'Cache-Control': reply.validators === undefined ? 'no-store' : 'no-cache',
    ...(reply.validators === undefined ? {} : validatorHeaders(reply.validators)),
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    ...(reply.allow === undefined ? {} : { Allow: reply.allow }),
    ...(hasBody ? { Connection: 'close' } : {}),
  });
  response.end(body);
};

const validatorHeaders = ({ etag, changedAtMs }: Validators): Record<string, string> => ({
  ETag: `"${etag}"`,
  'Last-Modified': new Date(changedAtMs).toUTCString(),
});

/** What a client says it has; If-None-Match goes before the date (RFC 9110 section 13.2.2). */
const hasAlready = ({ headers, method }: IncomingMessage, { etag, changedAtMs }: Validators): boolean => {
  if (method !== 'GET' && method !== 'HEAD') return false;
  const tags = headers['if-none-match'];
  if (tags !== undefined)
    return tags
      .split(',')
      .some((tag) => /^(?:W\/)?"([^"]*)"$/.exec(tag.trim())?.[1] === etag || tag.trim() === '*');
  const since = Date.parse(headers['if-modified-since'] ?? '');
  return Math.floor(changedAtMs / 1000) * 1000 <= since;
};

/** Lets running responses end within a second, then closes every connection. Closing the server closes what is idle. */
export const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    const deadline = setTimeout(() => {
      server.closeAllConnections();
    }, CLOSE_MS_MAX);
    server.close(() => {
      clearTimeout(deadline);
      resolve();
    });
  });
