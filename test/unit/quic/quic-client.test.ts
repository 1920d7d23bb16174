// Calls over QUIC to servers that do not answer as they should: each ends, in time and with a reason, and gives its port back.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { callQuic } from '../../../src/wire/quic/quic-client.ts';

/** A server that is none. */
const openServer = async (receive: (socket: Socket, port: number) => void): Promise<number> => {
  const socket = createSocket('udp4', (_, { port }) => receive(socket, port)).bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  return socket.address().port;
};

const call = async (port: number, timeoutMs: number) => {
  const ports: string[] = [];
  const server = { address: '127.0.0.1', port, family: 4 } as const;
  const onPort = (_: number, isOpen: boolean): void => void ports.push(isOpen ? 'open' : 'closed');
  const called = await callQuic(
    { server, protocol: 'doq', serverName: 'dns.example', timeoutMs, onPort },
    () => 1,
  ).catch(String);
  return { called, ports };
};

test('silence ends with the time', async () => {
  const port = await openServer(() => {});
  expect(await call(port, 200)).toEqual({ called: undefined, ports: ['open', 'closed'] });
});

test('more calls than have places wait for them, and have their whole time then', async () => {
  const port = await openServer(() => {});
  const startMs = performance.now();
  const calls = await Promise.all(Array.from({ length: 20 }, () => call(port, 300)));
  expect(performance.now() - startMs).toBeGreaterThan(850);
  expect(calls).toEqual(calls.map(() => ({ called: undefined, ports: ['open', 'closed'] })));
  expect(await call(port, 50)).toEqual({ called: undefined, ports: ['open', 'closed'] });
});

test('bytes that are no packets are overlooked, and more of them than anybody needs end the call', async () => {
  const port = await openServer((socket, from) => {
    // As fast as a socket takes it.
    const pour = setInterval(() => {
      for (let index = 0; index < 40; index++)
        socket.send(Buffer.alloc(1200, index), from, '127.0.0.1', () => {});
    }, 5);
    socket.once('close', () => clearInterval(pour));
  });
  expect(await call(port, 10_000)).toEqual({
    called: expect.stringContaining('calling over QUIC: it sends too much') as string,
    ports: ['open', 'closed'],
  });
});

test('a port that nobody has is a reason', async () => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  expect(await call(port, 10_000)).toMatchObject({
    called: expect.stringContaining('ECONNREFUSED') as string,
  });
});
