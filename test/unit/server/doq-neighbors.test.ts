// Who is refused connections for its own sake takes them from nobody else in its network.
import { createSocket, type Socket } from 'node:dgram';
import { afterEach, expect, test } from 'vitest';
import { createAddress, parseAddress } from '../../../src/base/base.ts';
import { ConnectionBudget } from '../../../src/resolver/server/connection-budget.ts';
import { DoqListener } from '../../../src/resolver/server/doq-listener.ts';
import { callQuic, openSslFault } from '../../../src/wire/quic/quic.ts';
import { CertificateAuthority } from '../../support/certificates.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const openSocket = async (address: string): Promise<Socket> => {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  closing.push(() => new Promise<void>((resolve) => void socket.close(() => resolve())));
  return socket;
};

/** A port whose datagrams come from another address of the network. */
const openRelay = async (address: string, port: number): Promise<number> => {
  const [outside, inside] = [await openSocket(address), await openSocket(address)];
  let back = 0;
  inside.on('message', (message, sender) => {
    back = sender.port;
    outside.send(message, port, '127.0.0.1');
  });
  outside.on('message', (message) => inside.send(message, back, '127.0.0.1'));
  return inside.address().port;
};

test('a client with a penalty closes QUIC for itself alone', async () => {
  expect(await openSslFault()).toBeUndefined();
  const { certificate, key } = CertificateAuthority.create().issue({ names: ['DNS:dns.example'] });
  let refused = 0;
  const budget = new ConnectionBudget(
    { connectionsMax: 256, connectionsPerClientMax: 32, connectionsPerNetworkMax: 64, idleMs: 30_000 },
    {
      ...{ setTcpConnections: () => undefined, setTcpUnread: () => undefined, tcpClosed: () => undefined },
      tcpRefused: () => void refused++,
    },
  );
  // As seldom as a look may be: what is closed stays so for the whole test.
  const listener = await DoqListener.open({
    ...{ endpoint: { address: '127.0.0.1', port: 0, family: 4 }, name: 'x', shared: false, budget },
    ...{ clock: () => 0, mayAsk: () => true, pipeline: { decide: () => 0, resolve: () => undefined } },
    secure: {
      settings: { cert: certificate, key } as never,
      ...{ mayStay: () => true, mayShake: () => true, observer: { tlsHandshake: () => undefined } },
    },
    observer: { dropped: () => undefined, settled: () => undefined },
  });
  closing.push(() => listener.close());
  const call = (address: string, port: number, timeoutMs: number): Promise<string | undefined> =>
    callQuic(
      { server: { address, port, family: 4 }, protocol: 'doq', serverName: 'dns.example', timeoutMs },
      ({ proof }) => proof.protocol,
    ).catch(() => undefined);
  const words = createAddress();
  parseAddress('127.0.0.1', words);
  budget.punish({ words, aliveMs: 0, isIdle: true, unreadBytes: 0, end: () => undefined }, 0);
  let isOver = false;
  const offend = (async () => {
    while (!isOver) await call('127.0.0.1', listener.port, 40);
  })();
  await expect.poll(() => refused).toBeGreaterThan(1);
  const neighbor = await openRelay('127.0.0.5', listener.port);
  expect(await call('127.0.0.5', neighbor, 5_000)).toBe('doq');
  isOver = true;
  await offend;
});
