// Datagram sockets: the same tests for both kinds, over real sockets.
import { createSocket, type Socket } from 'node:dgram';
import { afterEach, describe, expect, test } from 'vitest';
import { parseAddress } from '../../../src/base/base.ts';
import { BatchedSocket } from '../../../src/wire/datagram/batched.ts';
import {
  type DatagramHandler,
  type DatagramOptions,
  type DatagramSocket,
  Peer,
} from '../../../src/wire/datagram/datagram.ts';
import { type Libc, libc } from '../../../src/wire/datagram/libc.ts';
import { PlainSocket } from '../../../src/wire/datagram/plain.ts';

/** More than a few batches of 64. */
const BURST = 500;

const requireLibc = (): Libc => {
  if (libc === undefined) throw new Error('no batched sockets on this machine');
  return libc;
};

const KINDS: readonly [string, (options: DatagramOptions) => DatagramSocket | Promise<DatagramSocket>][] = [
  ['batched', (options) => BatchedSocket.open(requireLibc(), options)],
  ['plain', (options) => PlainSocket.open(options)],
];

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const options = (handler: DatagramHandler, address = '127.0.0.1', port = 0): DatagramOptions => ({
  endpoint: { address, port, family: address.includes(':') ? 6 : 4 },
  shared: false,
  receiveBytes: 4 << 20,
  sendBytes: 4 << 20,
  handler,
});

/** Opens a socket that hands what arrives to `receive`. */
const open = async (
  kind: (options: DatagramOptions) => DatagramSocket | Promise<DatagramSocket>,
  receive: (socket: DatagramSocket, bytes: Uint8Array, peer: Peer) => void,
  address?: string,
): Promise<{ socket: DatagramSocket; failures: () => number }> => {
  let failures = 0;
  const opened: DatagramSocket[] = [];
  const socket = await kind(
    options(
      {
        receive: (bytes, length, peer) => {
          if (opened[0] !== undefined) receive(opened[0], bytes.subarray(0, length), peer);
        },
        sendFailed: () => void failures++,
      },
      address,
    ),
  );
  opened.push(socket);
  closing.push(() => socket.close());
  return { socket, failures: () => failures };
};

test.each(KINDS)(
  'a %s socket tells once what it read has been answered and has left',
  async (_name, kind) => {
    const { client, texts } = await createClient();
    let settledCount = 0;
    let readCount = 0;
    const opened: DatagramSocket[] = [];
    const socket = await kind(
      options({
        receive: (bytes, length, peer) => {
          readCount++;
          if (opened[0] !== undefined) echo(opened[0], bytes.subarray(0, length), peer);
        },
        sendFailed: () => {},
        settled: (ms) => {
          expect(ms).toBeGreaterThanOrEqual(0);
          settledCount++;
        },
      }),
    );
    opened.push(socket);
    closing.push(() => socket.close());
    for (let i = 0; i < BURST; i++) client.send(`${i}`, socket.port, '127.0.0.1');
    await until(() => texts.length === BURST && settledCount > 0);
    expect(readCount).toBe(BURST);
    // Never more often than there was something to read, and empty looks of a turn.
    expect(settledCount).toBeLessThanOrEqual(2 * BURST);
  },
);

const echo = (socket: DatagramSocket, bytes: Uint8Array, peer: Peer): void => {
  socket.reserve().set(bytes);
  socket.commit(bytes.length, peer);
};

/** A client that collects what it gets. */
const createClient = async (address = '127.0.0.1'): Promise<{ client: Socket; texts: string[] }> => {
  const client = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const texts: string[] = [];
  client.on('message', (message) => void texts.push(message.toString()));
  await new Promise<void>((resolve) => client.bind(0, address, resolve));
  client.setRecvBufferSize(4 << 20);
  closing.push(() => new Promise<void>((resolve) => void client.close(() => resolve())));
  return { client, texts };
};

const until = async (isDone: () => boolean): Promise<void> => {
  for (let tries = 0; !isDone() && tries < 4_000; tries++)
    await new Promise((resolve) => setTimeout(resolve, 5));
};

describe.each(KINDS)('a %s socket', (name, kind) => {
  test('is of its kind and knows its port', async () => {
    const { socket } = await open(kind, echo);
    expect(socket.isBatched).toBe(name === 'batched');
    expect(socket.port).toBeGreaterThan(0);
  });

  test.each(['127.0.0.1', '::1'])(
    'answers each of several clients on %s with what it sent',
    async (address) => {
      const { socket, failures } = await open(kind, echo, address);
      const clients = await Promise.all([1, 2, 3].map(() => createClient(address)));
      const sent = clients.map((_, index) =>
        Array.from({ length: BURST }, (_, i) => `client ${index} datagram ${i}`),
      );
      for (let i = 0; i < BURST; i++) {
        for (const [index, { client }] of clients.entries())
          client.send(sent[index]?.[i] ?? '', socket.port, address);
      }
      await until(() => clients.every(({ texts }) => texts.length === BURST));
      for (const [index, { texts }] of clients.entries()) expect(texts.sort()).toEqual(sent[index]?.sort());
      expect(failures()).toBe(0);
    },
  );

  test.each(['127.0.0.2', '::1'])(
    'sends to an address of which there are words alone, as QUIC knows it: %s',
    async (address) => {
      const { client, texts } = await createClient(address);
      const { socket } = await open(kind, echo, address.includes(':') ? '::' : '0.0.0.0');
      const peer = new Peer();
      expect(parseAddress(address, peer.words)).toBe(true);
      peer.port = client.address().port;
      socket.reserve().set(Buffer.from('here'));
      socket.commit(4, peer);
      await until(() => texts.length > 0);
      expect(texts).toEqual(['here']);
    },
  );

  test('reports the address and port of the sender', async () => {
    const seen: string[] = [];
    const { socket } = await open(kind, (_, __, peer) => void seen.push(`${peer.address} ${peer.port}`));
    const { client } = await createClient();
    client.send('a', socket.port, '127.0.0.1');
    client.send('b', socket.port, '127.0.0.1');
    await until(() => seen.length === 2);
    expect(seen).toEqual(Array(2).fill(`127.0.0.1 ${client.address().port}`));
  });

  test('sends what is committed long after the datagram came, to the peer that was copied', async () => {
    const late: [string, Peer][] = [];
    const { socket } = await open(kind, (_, bytes, peer) => {
      late.push([Buffer.from(bytes).toString(), peer.copy()]);
    });
    const clients = await Promise.all([1, 2].map(() => createClient()));
    for (const [index, { client }] of clients.entries()) client.send(`${index}`, socket.port, '127.0.0.1');
    await until(() => late.length === 2);
    for (const [text, peer] of late) echo(socket, Buffer.from(text), peer);
    await until(() => clients.every(({ texts }) => texts.length === 1));
    expect(clients.map(({ texts }) => texts)).toEqual([['0'], ['1']]);
  });

  test('keeps the datagrams of two sockets apart that are committed in one turn', async () => {
    const late: [DatagramSocket, string, Peer][] = [];
    const keep = (socket: DatagramSocket, bytes: Uint8Array, peer: Peer): void =>
      void late.push([socket, Buffer.from(bytes).toString(), peer.copy()]);
    const sockets = await Promise.all([open(kind, keep), open(kind, keep)]);
    const clients = await Promise.all([1, 2].map(() => createClient()));
    for (let i = 0; i < 20; i++) {
      for (const [index, { client }] of clients.entries()) {
        client.send(`${index} ${i}`, sockets[index]?.socket.port ?? 0, '127.0.0.1');
      }
    }
    await until(() => late.length === 40);
    for (const [socket, text, peer] of late) echo(socket, Buffer.from(text), peer);
    await until(() => clients.every(({ texts }) => texts.length === 20));
    for (const [index, { texts }] of clients.entries()) {
      expect(texts.sort()).toEqual(Array.from({ length: 20 }, (_, i) => `${index} ${i}`).sort());
    }
  });

  test('takes empty datagrams and those of 4,096 bytes', async () => {
    const lengths: number[] = [];
    const { socket } = await open(kind, (_, bytes) => void lengths.push(bytes.length));
    const { client } = await createClient();
    for (const length of [0, 1, 512, 4096]) client.send(Buffer.alloc(length), socket.port, '127.0.0.1');
    await until(() => lengths.length === 4);
    expect(lengths).toEqual([0, 1, 512, 4096]);
  });

  test('sends nothing that is longer than its room, behind which others have theirs', async () => {
    const peers: Peer[] = [];
    const { socket } = await open(kind, (_, __, peer) => void peers.push(peer.copy()));
    const { client, texts } = await createClient();
    client.send('x', socket.port, '127.0.0.1');
    await until(() => peers.length === 1);
    const [peer] = peers;
    if (peer === undefined) throw new Error('nothing came');
    for (const length of [socket.reserve().length + 1, 0, -1])
      expect(() => socket.commit(length, peer)).toThrow(/about to leave/);
    echo(socket, Buffer.from('sound'), peer);
    await until(() => texts.length === 1);
    expect(texts).toEqual(['sound']);
  });

  test('rejects an address that is taken with the system error', async () => {
    const { socket } = await open(kind, echo);
    const handler = { receive: () => {}, sendFailed: () => {} };
    const openAt = async (address: string, port: number) => await kind(options(handler, address, port));
    await expect(openAt('127.0.0.1', socket.port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await expect(openAt('192.0.2.1', 0)).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
  });

  test('counts a datagram that cannot be sent and sends the others', async () => {
    const { socket, failures } = await open(kind, (own, bytes, peer) => {
      const unreachable = peer.copy();
      unreachable.words.set([0, 0, 0xffff, 0xffffffff]);
      unreachable.text = '255.255.255.255';
      echo(own, bytes, unreachable);
      echo(own, bytes, peer);
    });
    const { client, texts } = await createClient();
    for (let i = 0; i < 10; i++) client.send(`${i}`, socket.port, '127.0.0.1');
    await until(() => texts.length === 10);
    expect(texts.length).toBe(10);
    // node:dgram tells a failed send to nobody who did not give it a callback.
    expect(failures()).toBe(name === 'batched' ? 10 : 0);
  });

  test('is silent after close()', async () => {
    const { socket } = await open(kind, echo);
    const peers: Peer[] = [];
    const { socket: other } = await open(kind, (_, __, peer) => void peers.push(peer.copy()));
    const { client, texts } = await createClient();
    client.send('x', other.port, '127.0.0.1');
    await until(() => peers.length === 1);
    const [peer] = peers;
    await other.close();
    closing.splice(1, 1);
    if (peer !== undefined) echo(other, Buffer.from('late'), peer);
    client.send('y', socket.port, '127.0.0.1');
    await until(() => texts.length === 1);
    expect(texts).toEqual(['y']);
  });
});

test('a batched socket sends what is left after a short send', async () => {
  const c = requireLibc();
  const short: Libc = {
    ...c,
    sendmmsg: (fd, messages, count, flags) => c.sendmmsg(fd, messages, Math.min(count, 3), flags),
  };
  const { socket } = await open((opened) => BatchedSocket.open(short, opened), echo);
  const { client, texts } = await createClient();
  for (let i = 0; i < 100; i++) client.send(`${i}`, socket.port, '127.0.0.1');
  await until(() => texts.length === 100);
  expect(texts.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
});

test('a batched socket waits for room in a full send buffer, and gives a datagram up when none comes', async () => {
  const c = requireLibc();
  let refusals = 0;
  const full: Libc = {
    ...c,
    // Refuses as a full buffer does: twice for the first, then for ever for the fifth.
    sendmmsg: (fd, messages, count, flags) => {
      refusals++;
      return refusals <= 2 ? -1 : c.sendmmsg(fd, messages, count, flags);
    },
    errno: () => 11,
  };
  const { socket, failures } = await open((opened) => BatchedSocket.open(full, opened), echo);
  const { client, texts } = await createClient();
  client.send('patience', socket.port, '127.0.0.1');
  await until(() => texts.length === 1);
  expect({ texts, failures: failures() }).toEqual({ texts: ['patience'], failures: 0 });
  refusals = Number.NEGATIVE_INFINITY;
  client.send('lost', socket.port, '127.0.0.1');
  await until(() => failures() === 1);
  expect(failures()).toBe(1);
});
