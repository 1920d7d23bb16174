// An upstream that speaks TLS or HTTPS and notices everything on its port that is neither.
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import { createServer as createPlainServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Endpoint } from '../../../src/base/base.ts';
import type { TlsSettings, UpstreamServer } from '../../../src/resolver/upstream/upstream.ts';
import { FLAG, formatName, HEADER_LENGTH, Query, readU16 } from '../../../src/wire/dns/dns.ts';
import { CertificateAuthority, type Issued } from '../../support/certificates.ts';
import { frame, type ScriptedQuery } from '../../support/scripted-upstream.ts';

/** The name that the certificate of a good upstream is for. */
export const SERVER_NAME = 'dns.example.net';

export const authority = CertificateAuthority.create();
export const goodCertificate = authority.issue({ names: [`DNS:${SERVER_NAME}`] });

/** The first byte of a TLS record that opens a handshake. */
const HANDSHAKE = 0x16;

/** A whole message, raw pieces after which the connection is closed, or silence. */
export type EncryptedReply = Uint8Array | readonly Uint8Array[] | undefined;

/** How an upstream behaves. */
export interface Behavior {
  readonly certificate?: Issued;
  /** It takes connections and says nothing, not even the handshake. */
  readonly isFrozen?: boolean;
  readonly reply?: (query: ScriptedQuery) => EncryptedReply | Promise<EncryptedReply>;
}

/** A running upstream. */
export class EncryptedUpstream {
  readonly endpoint: Endpoint;
  /** What arrived through TLS. */
  readonly queries: ScriptedQuery[] = [];
  /** Datagrams, and streams that did not begin with a handshake. */
  plaintextCount = 0;
  /** Streams that did. */
  connectionCount = 0;
  /** Replaced in the middle of a test. */
  behavior: Behavior;
  readonly #listener: Server;
  readonly #udp: DatagramSocket;
  readonly #sockets = new Set<Socket>();

  private constructor(listener: Server, udp: DatagramSocket, behavior: Behavior, transport: 'tls' | 'https') {
    this.#listener = listener;
    this.#udp = udp;
    this.behavior = behavior;
    this.endpoint = { address: '127.0.0.1', port: udp.address().port, family: 4 };
    const { certificate, key } = behavior.certificate ?? goodCertificate;
    const encrypted =
      transport === 'tls'
        ? createTlsServer({ cert: certificate, key, ALPNProtocols: ['dot'] }, (stream) => this.#serve(stream))
        : createSecureServer({ cert: certificate, key });
    encrypted.on('stream', (stream: ServerHttp2Stream) => void this.#serveRequest(stream));
    encrypted.on('tlsClientError', () => {});
    udp.on('message', () => this.plaintextCount++);
    listener.on('connection', (socket) => this.#sort(socket, encrypted));
  }

  /** Opens one port for streams and datagrams. */
  static async open(transport: 'tls' | 'https', behavior: Behavior): Promise<EncryptedUpstream> {
    for (;;) {
      const udp = createSocket('udp4');
      udp.bind(0, '127.0.0.1');
      await once(udp, 'listening');
      const listener = createPlainServer();
      listener.listen(udp.address().port, '127.0.0.1');
      const isOpen = await once(listener, 'listening').then(
        () => true,
        () => false,
      );
      if (isOpen) return new EncryptedUpstream(listener, udp, behavior, transport);
      udp.close();
    }
  }

  /** As a route names it. */
  server(transport: 'tls' | 'https' = 'tls', tls: Partial<TlsSettings> = {}): UpstreamServer {
    return {
      endpoint: this.endpoint,
      transport,
      tls: { serverName: SERVER_NAME, pins: [], caCertificates: [authority.certificate], ...tls },
      text: `${transport}://127.0.0.1:${this.endpoint.port}#${SERVER_NAME}`,
    };
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#listener.close();
    this.#udp.close();
    await once(this.#listener, 'close');
  }

  #sort(socket: Socket, encrypted: NodeJS.EventEmitter): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.once('readable', () => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      if (chunk[0] !== HANDSHAKE) {
        this.plaintextCount++;
        return;
      }
      this.connectionCount++;
      if (this.behavior.isFrozen === true) return;
      socket.unshift(chunk);
      encrypted.emit('connection', socket);
    });
  }

  #serve(stream: Socket): void {
    let received = Buffer.alloc(0);
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + readU16(received, 0)) {
        const end = 2 + readU16(received, 0);
        void this.#answer(stream, received.subarray(2, end));
        received = received.subarray(end);
      }
    });
  }

  async #answer(stream: Socket, bytes: Uint8Array): Promise<void> {
    const reply = await this.behavior.reply?.(this.#read(bytes));
    if (reply === undefined) return;
    if (reply instanceof Uint8Array) {
      stream.write(frame(reply));
      return;
    }
    for (const piece of reply) {
      await new Promise((resolve) => stream.write(piece, resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
    stream.destroy();
  }

  async #serveRequest(stream: ServerHttp2Stream): Promise<void> {
    stream.on('error', () => {});
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    const reply = await this.behavior.reply?.(this.#read(Buffer.concat(chunks)));
    if (!(reply instanceof Uint8Array)) return;
    stream.respond({ ':status': 200, 'content-type': 'application/dns-message' });
    stream.end(reply);
  }

  #read(bytes: Uint8Array): ScriptedQuery {
    const query = new Query();
    query.parse(bytes, bytes.length);
    const seen: ScriptedQuery = {
      name: formatName(bytes.subarray(HEADER_LENGTH, HEADER_LENGTH + query.qnameLength)),
      type: query.qtype,
      class: query.qclass,
      id: query.id,
      bytes: Uint8Array.from(bytes),
      transport: 'tcp',
      hasEdns: query.opt.isPresent,
      dnssecOk: query.opt.dnssecOk,
      cd: (query.flags & FLAG.CD) !== 0,
      port: 0,
    };
    this.queries.push(seen);
    return seen;
  }
}
