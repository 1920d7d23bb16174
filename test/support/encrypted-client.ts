// A client of the encrypted listeners: DNS over TLS, and requests of HTTP/2 and HTTP/1.1, each checked against an authority.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { request as requestHttps } from 'node:https';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { parseEndpoint } from '../../src/base/base.ts';
import { type Reply, readReply } from './client.ts';
import type { Running, SocketAddress } from './process.ts';
import { buildQuery, type MessageText } from './records.ts';
import { frame } from './scripted-upstream.ts';

/** The name that certificates of these tests are for. */
export const SERVER_NAME = 'dns.example.net';
const MEDIA_TYPE = 'application/dns-message';

/** Where a listener of a kind is, from the ready line. */
export const listenerOf = (
  cordon: Running,
  kind: 'dot' | 'doh' | 'dohPlain' | 'doq',
  index = 0,
): SocketAddress => {
  const listed = cordon.ready[kind];
  const text: unknown = Array.isArray(listed) ? listed[index] : undefined;
  const endpoint = typeof text === 'string' ? parseEndpoint(text, 0) : undefined;
  assert.ok(endpoint !== undefined, `the ready line names no ${kind} listener`);
  return endpoint;
};

/** How a client connects. */
export interface EncryptedOptions extends ConnectionOptions {
  /** The authority of the server's certificate. */
  readonly ca: string;
  /** The client's address. */
  readonly localAddress?: string;
}

/** A connection of DNS over TLS. */
export class DotClient {
  readonly socket: TLSSocket;
  /** The last ticket that came. */
  session: Buffer | undefined;
  #buffer = Buffer.alloc(0);

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
      socket.emit('arrived');
    });
    socket.on('session', (session) => {
      this.session = session;
      socket.emit('arrived');
    });
    socket.on('error', () => {});
  }

  /** Connects, and rejects with what is wrong with the server. */
  static async open(at: SocketAddress, options: EncryptedOptions): Promise<DotClient> {
    const socket = connect({
      host: at.address,
      port: at.port,
      servername: SERVER_NAME,
      ALPNProtocols: ['dot'],
      ...options,
    });
    const client = new DotClient(socket);
    await once(socket, 'secureConnect');
    return client;
  }

  send(query: Uint8Array): void {
    this.socket.write(frame(query));
  }

  /** The next answer. */
  async read(): Promise<Buffer> {
    for (;;) {
      const length = this.#buffer.length < 2 ? -1 : this.#buffer.readUInt16BE(0);
      if (length >= 0 && this.#buffer.length >= 2 + length) {
        const message = this.#buffer.subarray(2, 2 + length);
        this.#buffer = this.#buffer.subarray(2 + length);
        return message;
      }
      assert.ok(!this.socket.destroyed && !this.socket.readableEnded, 'the connection was closed');
      // What did not happen is listened for no longer.
      const settled = new AbortController();
      const { signal } = settled;
      await Promise.race([once(this.socket, 'arrived', { signal }), once(this.socket, 'close', { signal })]);
      settled.abort();
    }
  }

  async ask(question: string, options: Omit<MessageText, 'question'> = { edns: {} }): Promise<Reply> {
    this.send(buildQuery(question, options));
    return readReply(await this.read());
  }

  /** Waits for a ticket. */
  async ticket(): Promise<Buffer> {
    while (this.session === undefined) await once(this.socket, 'arrived');
    return this.session;
  }

  async end(): Promise<void> {
    if (this.socket.destroyed) return;
    this.socket.destroy();
    await once(this.socket, 'close');
  }
}

/** An answer over HTTP. */
export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** A request. */
export interface HttpRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** A client of DNS over HTTPS, of one version of HTTP. */
export interface HttpClient {
  request(request: HttpRequest): Promise<HttpReply>;
  close(): Promise<void>;
}

/** Over one session of HTTP/2. */
export const openHttp2 = async (
  at: SocketAddress,
  options: EncryptedOptions,
): Promise<HttpClient & { readonly session: ClientHttp2Session }> => {
  const session = connectHttp2(`https://${SERVER_NAME}`, {
    createConnection: () =>
      connect({
        host: at.address,
        port: at.port,
        servername: SERVER_NAME,
        ALPNProtocols: ['h2'],
        ...options,
      }),
  });
  session.on('error', () => {});
  await once(session, 'connect');
  return {
    session,
    request: ({ method = 'GET', path = '/dns-query', headers = {}, body }) =>
      new Promise((resolve, reject) => {
        const stream = session.request(
          { ':method': method, ':path': path, ...headers },
          { endStream: body === undefined },
        );
        const chunks: Buffer[] = [];
        let reply: Omit<HttpReply, 'body'> = { status: 0, headers: {} };
        stream.on('response', (found) => {
          reply = { status: found[':status'] ?? 0, headers: found };
        });
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => resolve({ ...reply, body: Buffer.concat(chunks) }));
        stream.on('error', reject);
        stream.on('close', () => reject(new Error(`the stream was closed (${stream.rstCode})`)));
        if (body !== undefined) stream.end(body);
      }),
    close: async () => {
      session.destroy();
      await Promise.resolve();
    },
  };
};

/** Each request over a connection of HTTP/1.1 of its own. */
export const openHttp1 = (at: SocketAddress, options: EncryptedOptions): HttpClient => ({
  request: ({ method = 'GET', path = '/dns-query', headers = {}, body }) =>
    new Promise((resolve, reject) => {
      const request = requestHttps(
        {
          host: at.address,
          port: at.port,
          servername: SERVER_NAME,
          method,
          path,
          headers,
          agent: false,
          ...options,
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(chunks),
            }),
          );
          response.on('error', reject);
        },
      );
      request.on('error', reject);
      request.end(body);
    }),
  close: () => Promise.resolve(),
});

/** The path of a GET for a query. */
export const getPath = (query: Uint8Array): string =>
  `/dns-query?dns=${Buffer.from(query).toString('base64url')}`;

/** A POST of a query. */
export const postOf = (query: Uint8Array): HttpRequest => ({
  method: 'POST',
  headers: { 'content-type': MEDIA_TYPE },
  body: query,
});
