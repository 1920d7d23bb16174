// What Cordon is compared with: HTTP/2 of Node.js and nothing else, and the same behind somebody who swallows frames.
import { once } from 'node:events';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import type { Issued } from '../../support/certificates.ts';
import { SERVER_NAME } from '../../support/encrypted-client.ts';
import type { SocketAddress } from '../../support/process.ts';
import { frame, PREFACE } from './frames.ts';
import { FrameReader } from './wire.ts';

/** A server, and how to end it. */
export interface Server {
  readonly at: SocketAddress;
  close(): void;
}

const CONTENT = 'An answer that is long enough to wait for a window.';

/** Answers each request with 200 once it is whole. */
export const openBareServer = async ({ certificate, key }: Issued): Promise<Server> => {
  const server = createSecureServer({ cert: certificate, key });
  server.on('request', (request: Http2ServerRequest, response: Http2ServerResponse) => {
    request.on('error', () => {});
    request.on('end', () => response.end(CONTENT));
    request.resume();
  });
  server.on('sessionError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { at: { address: '127.0.0.1', port }, close: () => void server.close() };
};

/** Passes on all frames to a server but those of one type: to the client it is a server that does not look at them. */
export const openSwallower = async (
  { certificate, key }: Issued,
  ca: string,
  behind: SocketAddress,
  swallowed: number,
): Promise<Server> => {
  const server = createServer({ cert: certificate, key, ALPNProtocols: ['h2'] }, (client: TLSSocket) => {
    const origin = connect({
      host: behind.address,
      port: behind.port,
      servername: SERVER_NAME,
      ca,
      ALPNProtocols: ['h2'],
    });
    const end = (): void => {
      client.destroy();
      origin.destroy();
    };
    for (const socket of [client, origin]) socket.on('error', end).on('close', end);
    origin.pipe(client);
    const reader = new FrameReader();
    let preface = Buffer.alloc(0);
    client.on('data', (chunk: Buffer) => {
      const missing = PREFACE.length - preface.length;
      preface = Buffer.concat([preface, chunk.subarray(0, missing)]);
      origin.write(chunk.subarray(0, missing));
      for (const { type, flags, stream, payload } of reader.read(chunk.subarray(missing))) {
        if (type !== swallowed) origin.write(frame(type, flags, stream, payload));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { at: { address: '127.0.0.1', port }, close: () => void server.close() };
};
