// A server of lists that misbehaves as tests tell it to: real HTTP and HTTPS sockets on 127.0.0.1.
//
// Each path has a handler; what has none gets 404. Every request is kept for the test to look at. Certificates are
// made by openssl, so that the verifying side is not checked against its own kind.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  createServer,
  type IncomingHttpHeaders,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { join } from 'node:path';

/** The name that the certificates of createCertificates() are for. */
export const SERVER_NAME = 'lists.test';

/** What is sent again and again by endless(). */
const PIECE = Buffer.alloc(64 * 1024, 'a-name-of-a-list.example.com\n');

/** A request as it arrived. */
export interface ListRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/** Certificates in PEM. */
export interface Certificates {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** A running server. */
export class ListServer {
  readonly requests: ListRequest[] = [];
  readonly port: number;
  readonly #handlers = new Map<string, RequestListener>();
  readonly #server: Server;
  readonly #scheme: string;

  private constructor(server: Server, scheme: string, port: number) {
    this.#server = server;
    this.#scheme = scheme;
    this.port = port;
    server.on('request', (request, response) => {
      const path = request.url ?? '';
      this.requests.push({ path, headers: request.headers });
      const handler = this.#handlers.get(path) ?? status(404);
      handler(request, response);
    });
  }

  /** Starts a server, of HTTPS when it is given certificates. */
  static async open(certificates?: Certificates): Promise<ListServer> {
    const server =
      certificates === undefined
        ? createServer()
        : createSecureServer({ cert: certificates.certificate, key: certificates.key });
    // Clients that do not trust the certificate hang up, as the tests want them to.
    server.on('tlsClientError', () => undefined);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return new ListServer(server, certificates === undefined ? 'http' : 'https', port);
  }

  /** Sets what a path, query included, answers. */
  set(path: string, handler: RequestListener): this {
    this.#handlers.set(path, handler);
    return this;
  }

  /** The address of a path. */
  url(path: string, host = SERVER_NAME): string {
    return `${this.#scheme}://${host}:${this.port}${path}`;
  }

  /** Ends all connections and the server. */
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** Sends a body with its length. */
export const content =
  (body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}): RequestListener =>
  (_request, response) => {
    response.writeHead(200, {
      'content-type': 'text/plain',
      'content-length': Buffer.byteLength(body),
      ...headers,
    });
    response.end(body);
  };

/** Sends a status and a body that looks like a list. */
export const status =
  (code: number, headers: Readonly<Record<string, string>> = {}): RequestListener =>
  (_request, response) => {
    response.writeHead(code, { 'content-type': 'text/plain', ...headers });
    response.end('status.example.com\n');
  };

/** Answers 304 to whoever names the version, else a body with its validators. */
export const versioned =
  (body: string, etag: string, lastModified: string): RequestListener =>
  (request, response) => {
    const isKnown = request.headers['if-none-match'] === etag;
    response.writeHead(isKnown ? 304 : 200, { etag, 'last-modified': lastModified });
    response.end(isKnown ? undefined : body);
  };

/** Announces more bytes than come before the connection ends. */
export const cutLength =
  (body: string, announced: number): RequestListener =>
  (_request, response) => {
    response.writeHead(200, { 'content-length': announced });
    response.write(body, () => response.socket?.destroySoon());
  };

/** Sends chunks, but not the last one that says that it was the last. */
export const cutChunks =
  (body: string): RequestListener =>
  (_request, response) => {
    response.writeHead(200, { 'transfer-encoding': 'chunked' });
    response.write(body, () => response.socket?.destroySoon());
  };

/** Sends a body that ends with the connection, and no length. */
export const withoutLength =
  (body: string): RequestListener =>
  (_request, response) => {
    response.socket?.end(`HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\n${body}`);
  };

/** Sends one byte every `intervalMs`, without end. */
export const slow =
  (intervalMs: number): RequestListener =>
  (_request, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write('a'), intervalMs);
    response.on('close', () => clearInterval(timer));
  };

/** Sends `sizeBytes` as fast as they are taken. */
export const endless =
  (sizeBytes: number): RequestListener =>
  (_request, response) => {
    response.writeHead(200, { 'transfer-encoding': 'chunked' });
    let left = sizeBytes;
    const pour = (to: ServerResponse): void => {
      while (left > 0 && !to.destroyed) {
        left -= PIECE.length;
        if (!to.write(PIECE)) return;
      }
      to.end();
    };
    response.on('drain', () => pour(response));
    pour(response);
  };

/** Redirects to a location. */
export const redirect =
  (location: string, code = 302): RequestListener =>
  (_request, response) => {
    response.writeHead(code, { location });
    response.end();
  };

/** Makes an authority and a certificate for SERVER_NAME in a directory of the test's. */
export const createCertificates = (directory: string): Certificates => {
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=Test authority');
  openssl(
    ...['req', '-x509', ...key, '-keyout', 'server.key', '-out', 'server.pem', '-subj', `/CN=${SERVER_NAME}`],
    ...['-CA', 'ca.pem', '-CAkey', 'ca.key', '-addext', `subjectAltName=DNS:${SERVER_NAME}`],
  );
  const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
  return { authority: read('ca.pem'), certificate: read('server.pem'), key: read('server.key') };
};
