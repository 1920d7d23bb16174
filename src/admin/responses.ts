// How a reply leaves a server of this room, and how a server ends: the same on TCP and on the control socket.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
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
  response.writeHead(reply.status, {
    'Content-Type': reply.contentType,
    'Content-Length': Buffer.byteLength(reply.body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    ...(reply.allow === undefined ? {} : { Allow: reply.allow }),
    ...(hasBody ? { Connection: 'close' } : {}),
  });
  response.end(reply.body);
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
