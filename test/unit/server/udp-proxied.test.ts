// What a proxy hands on over UDP is held to the same as what comes by itself: over real sockets.
import { createSocket, type Socket } from 'node:dgram';
import { afterEach, expect, test } from 'vitest';
import { parsePrefix } from '../../../src/base/base.ts';
import { DROP } from '../../../src/resolver/pipeline/pipeline.ts';
import { Proxies } from '../../../src/resolver/server/proxies.ts';
import { UdpListener } from '../../../src/resolver/server/udp.ts';

/** PROXY protocol, version 2: 192.0.2.7 to 192.0.2.1. */
const HEADER = '0d0a0d0a000d0a515549540a2112000cc0000207c000020100000035';
const PORT_AT = 24;
const QUERY = Buffer.from('000101000001000000000000076578616d706c6503636f6d0000010001', 'hex');
const PROXY_ADDRESS = '127.0.0.9';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const openSocket = async (address: string): Promise<Socket> => {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  closing.push(() => new Promise<void>((resolve) => void socket.close(() => resolve())));
  return socket;
};

test('reflectors and ports that nobody has are dropped behind a proxy as well', async () => {
  const proxies = new Proxies();
  const prefix = parsePrefix(`${PROXY_ADDRESS}/32`);
  proxies.set(prefix === undefined ? [] : [prefix]);
  const seen: string[] = [];
  const listener = await UdpListener.open({
    ...{ endpoint: { address: '127.0.0.1', port: 0, family: 4 }, name: 'x', shared: false, proxies },
    isOwn: () => false,
    observer: { dropped: (reason) => void seen.push(`dropped ${reason}`), settled: () => undefined },
    pipeline: {
      decide: (_bytes, _length, _address, port) => {
        seen.push(`decided ${port}`);
        return 0;
      },
      resolve: () => undefined,
    },
  });
  closing.push(() => listener.close());
  const proxy = await openSocket(PROXY_ADDRESS);
  const ports = [40_000, 19, 123, 0, 40_001];
  for (const port of ports) {
    const header = Buffer.from(HEADER, 'hex');
    header.writeUInt16BE(port, PORT_AT);
    proxy.send(Buffer.concat([header, QUERY]), listener.port, '127.0.0.1');
  }
  await expect.poll(() => seen.length).toBe(ports.length);
  const reflector = `dropped ${DROP.REFLECTOR}`;
  expect(seen).toEqual([
    ...['decided 40000', reflector, reflector],
    ...[`dropped ${DROP.SOURCE_PORT_ZERO}`, 'decided 40001'],
  ]);
});
