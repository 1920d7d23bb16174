// Connected sockets: the same tests for both kinds, over real sockets.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { afterEach, describe, expect, test } from 'vitest';
import { BatchedSocket } from '../../../src/wire/datagram/batched.ts';
import { BatchedConnectedSocket } from '../../../src/wire/datagram/batched-connected.ts';
import type {
  ConnectedOptions,
  ConnectedSocket,
  DatagramOptions,
  DatagramSocket,
  Peer,
} from '../../../src/wire/datagram/datagram.ts';
import { type Libc, libc } from '../../../src/wire/datagram/libc.ts';
import { PlainSocket } from '../../../src/wire/datagram/plain.ts';
import { PlainConnectedSocket } from '../../../src/wire/datagram/plain-connected.ts';

/** More than a few batches of 64. */
const BURST = 300;

type Open = (options: ConnectedOptions) => ConnectedSocket | Promise<ConnectedSocket>;
type OpenBound = (options: DatagramOptions) => DatagramSocket | Promise<DatagramSocket>;

const requireLibc = (): Libc => {
  if (libc === undefined) throw new Error('no batched sockets on this machine');
  return libc;
};

const KINDS: readonly [string, Open, OpenBound][] = [
  [
    'batched',
    (options) => BatchedConnectedSocket.open(requireLibc(), options),
    (options) => BatchedSocket.open(requireLibc(), options),
  ],
  ['plain', (options) => PlainConnectedSocket.open(options), (options) => PlainSocket.open(options)],
];

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** The far end: a socket that does with each datagram what it is told. */
const openPeer = async (
  answer: (peer: Socket, message: Buffer, sender: RemoteInfo) => void,
  address = '127.0.0.1',
): Promise<Socket> => {
  const peer = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  await new Promise<void>((resolve) => peer.bind(0, address, resolve));
  peer.setRecvBufferSize(4 << 20);
  peer.on('message', (message, sender) => answer(peer, message, sender));
  closing.push(() => new Promise<void>((resolve) => void peer.close(() => resolve())));
  return peer;
};

const echo = (peer: Socket, message: Buffer, sender: RemoteInfo): void =>
  peer.send(message, sender.port, sender.address);

/** A port where nobody listens. */
const findDeadPort = async (): Promise<number> => {
  const peer = createSocket('udp4');
  await new Promise<void>((resolve) => peer.bind(0, '127.0.0.1', resolve));
  const { port } = peer.address();
  await new Promise<void>((resolve) => void peer.close(() => resolve()));
  return port;
};

interface Opened {
  readonly socket: ConnectedSocket;
  readonly received: Buffer[];
  readonly errors: (string | undefined)[];
}

/** A socket that collects what it gets. */
const open = async (kind: Open, port: number, address = '127.0.0.1'): Promise<Opened> => {
  const received: Buffer[] = [];
  const errors: (string | undefined)[] = [];
  const socket = await kind({
    endpoint: { address, port, family: address.includes(':') ? 6 : 4 },
    receiveBytes: 4 << 20,
    handler: {
      receive: (bytes, length) => void received.push(Buffer.from(bytes.subarray(0, length))),
      failed: (error) => void errors.push(error.code),
    },
  });
  closing.push(() => socket.close());
  return { socket, received, errors };
};

const send = (socket: ConnectedSocket, text: string): void => {
  const bytes = Buffer.from(text);
  socket.reserve().set(bytes);
  socket.commit(bytes.length);
};

const until = async (isDone: () => boolean): Promise<void> => {
  for (let tries = 0; !isDone() && tries < 4_000; tries++)
    await new Promise((resolve) => setTimeout(resolve, 5));
};

const numbered = (text: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${text} ${i}`);
const sorted = (buffers: readonly Buffer[]): string[] => buffers.map(String).sort();

describe.each(KINDS)('a %s connected socket', (name, kind, kindOfBound) => {
  test.each(['127.0.0.1', '::1', '::ffff:127.0.0.1'])(
    'sends a burst to %s and gets its answers',
    async (address) => {
      const ports = new Set<number>();
      const peer = await openPeer((own, message, sender) => {
        ports.add(sender.port);
        echo(own, message, sender);
      }, address);
      const { socket, received, errors } = await open(kind, peer.address().port, address);
      expect(socket.isBatched).toBe(name === 'batched');
      for (const text of numbered('query', BURST)) send(socket, text);
      await until(() => received.length === BURST);
      expect(sorted(received)).toEqual(numbered('query', BURST).sort());
      expect([...ports]).toEqual([socket.port]);
      expect(errors).toEqual([]);
    },
  );

  test('keeps the datagrams of several sockets apart that are committed in one turn', async () => {
    const peer = await openPeer(echo);
    const { port } = peer.address();
    const opened = await Promise.all([1, 2, 3].map(() => open(kind, port)));
    for (let i = 0; i < 40; i++)
      for (const [index, { socket }] of opened.entries()) send(socket, `${index} ${i}`);
    await until(() => opened.every(({ received }) => received.length === 40));
    for (const [index, { received }] of opened.entries())
      expect(sorted(received)).toEqual(numbered(`${index}`, 40).sort());
  });

  test('relays between clients of a bound socket and a peer', async () => {
    const peer = await openPeer(echo);
    const askers = new Map<string, Peer>();
    const bound: DatagramSocket[] = [];
    const upstream: ConnectedSocket = await kind({
      endpoint: { address: '127.0.0.1', port: peer.address().port, family: 4 },
      receiveBytes: 4 << 20,
      handler: {
        receive: (bytes, length) => {
          const text = Buffer.from(bytes.subarray(0, length)).toString();
          const asker = askers.get(text);
          if (asker === undefined || bound[0] === undefined) return;
          bound[0].reserve().set(Buffer.from(`answer to ${text}`));
          bound[0].commit(`answer to ${text}`.length, asker);
        },
        failed: () => {},
      },
    });
    closing.push(() => upstream.close());
    const server = await kindOfBound({
      endpoint: { address: '127.0.0.1', port: 0, family: 4 },
      shared: false,
      receiveBytes: 4 << 20,
      sendBytes: 4 << 20,
      handler: {
        receive: (bytes, length, asker) => {
          const text = Buffer.from(bytes.subarray(0, length)).toString();
          askers.set(text, asker.copy());
          // One in ten is answered at once, so that both outboxes are in use.
          if (!text.endsWith('0')) send(upstream, text);
          else if (bound[0] !== undefined) {
            bound[0].reserve().set(Buffer.from(`answer to ${text}`));
            bound[0].commit(`answer to ${text}`.length, asker);
          }
        },
        sendFailed: () => {},
      },
    });
    bound.push(server);
    closing.push(() => server.close());
    const { socket: client, received } = await open(kind, server.port);
    for (const text of numbered('query', BURST)) send(client, text);
    await until(() => received.length === BURST);
    expect(sorted(received)).toEqual(
      numbered('query', BURST)
        .map((text) => `answer to ${text}`)
        .sort(),
    );
  });

  test('gets nothing from strangers', async () => {
    const peer = await openPeer(echo);
    const { socket, received } = await open(kind, peer.address().port);
    const stranger = await openPeer(() => {});
    await new Promise((resolve) => stranger.send('forged', socket.port, '127.0.0.1', resolve));
    send(socket, 'query');
    await until(() => received.length > 0);
    expect(sorted(received)).toEqual(['query']);
  });

  test('takes empty datagrams and those of 4,096 bytes', async () => {
    const lengths = [0, 1, 1232, 4096];
    const peer = await openPeer((own, _, sender) => {
      for (const length of lengths) own.send(Buffer.alloc(length), sender.port, sender.address);
    });
    const { socket, received } = await open(kind, peer.address().port);
    send(socket, 'query');
    await until(() => received.length === lengths.length);
    expect(received.map(({ length }) => length)).toEqual(lengths);
  });

  test.each([1, 2, 100])('reports ECONNREFUSED after %i datagrams to a dead port', async (count) => {
    const { socket, errors } = await open(kind, await findDeadPort());
    for (const text of numbered('query', count)) send(socket, text);
    // Not from within commit().
    expect(errors).toEqual([]);
    await until(() => errors.length > 0);
    expect(new Set(errors)).toEqual(new Set(['ECONNREFUSED']));
  });

  test('rejects a peer that cannot be connected with the system error', async () => {
    await expect(open(kind, 53, '255.255.255.255')).rejects.toMatchObject({ code: 'EACCES' });
  });

  test('counts what leaves together', async () => {
    const peer = await openPeer(echo);
    const { socket, received } = await open(kind, peer.address().port);
    send(socket, 'a');
    send(socket, 'b');
    expect(socket.queued).toBe(name === 'batched' ? 2 : 0);
    await until(() => received.length === 2);
    expect(socket.queued).toBe(0);
  });

  test('sends what was committed before close() and is silent afterwards', async () => {
    const seen: string[] = [];
    const peer = await openPeer((own, message, sender) => {
      seen.push(message.toString());
      echo(own, message, sender);
    });
    const { socket, received, errors } = await open(kind, peer.address().port);
    const { socket: other } = await open(kind, peer.address().port);
    send(socket, 'early');
    await socket.close();
    closing.splice(1, 1);
    send(socket, 'late');
    expect(socket.queued).toBe(0);
    send(other, 'last');
    await until(() => seen.includes('last'));
    expect(seen).toEqual(['early', 'last']);
    expect({ received, errors }).toEqual({ received: [], errors: [] });
  });
});

test('a batched connected socket sends what is left after a short send', async () => {
  const c = requireLibc();
  const short: Libc = {
    ...c,
    sendmmsg: (fd, messages, count, flags) => c.sendmmsg(fd, messages, Math.min(count, 3), flags),
  };
  const peer = await openPeer(echo);
  const { socket, received } = await open(
    (options) => BatchedConnectedSocket.open(short, options),
    peer.address().port,
  );
  for (const text of numbered('query', 100)) send(socket, text);
  await until(() => received.length === 100);
  expect(sorted(received)).toEqual(numbered('query', 100).sort());
});

test('a batched connected socket gives up a datagram for which there is no room, without a report', async () => {
  const c = requireLibc();
  let isFull = true;
  const full: Libc = {
    ...c,
    sendmmsg: (fd, messages, count, flags) => (isFull ? -1 : c.sendmmsg(fd, messages, count, flags)),
    errno: () => (isFull ? 11 : c.errno()),
  };
  const peer = await openPeer(echo);
  const { socket, received, errors } = await open(
    (options) => BatchedConnectedSocket.open(full, options),
    peer.address().port,
  );
  send(socket, 'lost');
  await until(() => socket.queued === 0);
  isFull = false;
  send(socket, 'sent');
  await until(() => received.length > 0);
  expect({ texts: sorted(received), errors }).toEqual({ texts: ['sent'], errors: [] });
});

test('a batched connected socket reports a failed send once it is over, not to whoever caused it', async () => {
  const c = requireLibc();
  const broken: Libc = { ...c, sendmmsg: () => -1, errno: () => 101 };
  const peer = await openPeer(echo);
  const { socket, errors } = await open(
    (options) => BatchedConnectedSocket.open(broken, options),
    peer.address().port,
  );
  // The batch is full after 64, so that reserve() has to send it.
  for (const text of numbered('query', 65)) send(socket, text);
  expect(errors).toEqual([]);
  await until(() => errors.length > 0);
  expect(new Set(errors)).toEqual(new Set(['ENETUNREACH']));
});
