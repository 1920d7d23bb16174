// An engine that ends a handshake: whoever asks it one question tries again, whatever way it was ended, and asks nobody who is not there.
import { createServer, type Socket } from 'node:net';
import { createUser } from '@nats-io/nkeys';
import { expect, test } from 'vitest';
import { connectOnce } from '../../../src/fleet/engine-connection.ts';
import { freePort } from '../../support/ports.ts';

const INFO = `INFO ${JSON.stringify({
  ...{ server_id: 'N', server_name: 'one', version: '2.10.27', proto: 1, host: '127.0.0.1', port: 1 },
  ...{ headers: true, max_payload: 1_048_576, nonce: 'abc', auth_required: true },
})}\r\n`;
const seed = Buffer.from(createUser().getSeed()).toString();
const access = (port: number) => ({
  ...{ servers: [`nats://127.0.0.1:${port}`], caPath: undefined, name: 'one', seed, timeoutMs: 10_000 },
});

const letIn = (socket: Socket): void => {
  socket.write(INFO);
  socket.on('data', (bytes) => {
    if (bytes.includes('PING')) socket.write('PONG\r\n');
  });
};

test.each<[title: string, end: (socket: Socket) => void]>([
  ['before it said who it is', (socket) => socket.end()],
  ['behind that, without a word', (socket) => socket.end(INFO)],
  [
    'behind that, with the word for a stranger',
    (socket) => socket.end(`${INFO}-ERR 'Authorization Violation'\r\n`),
  ],
  ['behind that, by a reset', (socket) => socket.write(INFO, () => socket.resetAndDestroy())],
])('an engine that ends a handshake %s is asked again', async (_, end) => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    if (sockets.push(socket) === 1) end(socket);
    else letIn(socket);
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  const connection = await connectOnce(access(port));
  expect(sockets).toHaveLength(2);
  await connection.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

test('an engine that does not listen is asked once', async () => {
  await expect(connectOnce(access(await freePort()))).rejects.toMatchObject({
    message: 'connection refused',
    cause: { code: 'ECONNREFUSED' },
  });
});
