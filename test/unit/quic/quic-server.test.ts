// An endpoint of QUIC whose handler ends connections from within each call: OpenSSL is never told of what was freed.
import { afterEach, beforeAll, expect, test } from 'vitest';
import { type DatagramSocket, openDatagramSocket } from '../../../src/wire/datagram/datagram.ts';
import { openSsl, openSslFault } from '../../../src/wire/quic/openssl.ts';
import { callQuic } from '../../../src/wire/quic/quic-client.ts';
import type { QuicClient, QuicConnection, QuicStream } from '../../../src/wire/quic/quic-connection.ts';
import { QuicServer } from '../../../src/wire/quic/quic-server.ts';
import { CertificateAuthority } from '../../support/certificates.ts';

const PROTOCOL = 'test';
/** An item of SSL_poll(3): its pointer is the second of four words of 64 bits. */
const ITEM_BYTES = 32;
const POINTER_AT = 8;

type Call = (...args: unknown[]) => unknown;

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

let settings: { readonly cert: string; readonly key: string };
beforeAll(async () => {
  expect(await openSslFault()).toBeUndefined();
  const { certificate, key } = CertificateAuthority.create().issue({ names: ['DNS:dns.example.net'] });
  settings = { cert: certificate, key };
});

/** Watches every call of OpenSSL until the end of the test; returns those that were told of something freed. */
const watchFreed = (): string[] => {
  const c = openSsl() as unknown as Record<string, unknown>;
  const faults: string[] = [];
  const freed = new Set<bigint>();
  const note = (name: string, pointer: unknown): void => {
    if (typeof pointer === 'bigint' && freed.has(pointer)) faults.push(name);
  };
  for (const [name, call] of Object.entries(c)) {
    if (typeof call !== 'function' || !name.startsWith('SSL_')) continue;
    c[name] = (...args: unknown[]): unknown => {
      note(name, args[0]);
      if (name === 'SSL_poll') {
        const [bytes, count] = args as [Uint8Array, number];
        const items = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
        for (let i = 0; i < count; i++) note(name, items.readBigUInt64LE(i * ITEM_BYTES + POINTER_AT));
      }
      const result = (call as Call)(...args);
      // The memory may be given out again.
      if (typeof result === 'bigint') freed.delete(result);
      if (name === 'SSL_free' && typeof args[0] === 'bigint') freed.add(args[0]);
      return result;
    };
    cleanups.push(() => {
      c[name] = call;
    });
  }
  return faults;
};

/** What a handler does when it is told of something. */
interface Acts {
  readonly secured?: (connection: QuicConnection, all: ReadonlySet<QuicConnection>) => void;
  readonly asked?: (stream: QuicStream, connection: QuicConnection, all: ReadonlySet<QuicConnection>) => void;
}

/** An endpoint of which clients are told apart by nothing. */
const openServer = async (acts: Acts): Promise<{ port: number; closed: () => number }> => {
  const all = new Set<QuicConnection>();
  let closed = 0;
  let socket: DatagramSocket | undefined;
  const server = new QuicServer({
    family: 4,
    protocol: PROTOCOL,
    settings,
    streamBytesMax: 1000,
    handler: {
      mayBegin: () => true,
      opened: (connection): QuicClient => {
        all.add(connection);
        return {
          secured: () => acts.secured?.(connection, all),
          asked: (stream, bytes) => {
            if (acts.asked === undefined) stream.answer(bytes);
            else acts.asked(stream, connection, all);
          },
          tookOn: () => {},
          cancelled: () => connection.end(1),
          misbehaved: () => connection.end(2),
          closed: () => {
            closed++;
            all.delete(connection);
          },
        };
      },
      send: (bytes, length, peer) => {
        socket?.reserve().set(bytes);
        socket?.commit(length, peer);
      },
    },
  });
  socket = await openDatagramSocket({
    endpoint: { address: '127.0.0.1', port: 0, family: 4 },
    shared: false,
    receiveBytes: 1 << 20,
    sendBytes: 1 << 20,
    handler: { receive: (bytes, length, peer) => server.receive(bytes, length, peer), sendFailed: () => {} },
  });
  cleanups.push(async () => {
    server.close(0);
    await socket?.close();
  });
  return { port: socket.port, closed: () => closed };
};

/** Asks so many questions over one connection; what comes of it. */
const call = (port: number, questions: number, bytes = Buffer.from('question')) =>
  callQuic(
    {
      server: { address: '127.0.0.1', port, family: 4 },
      protocol: PROTOCOL,
      serverName: undefined,
      timeoutMs: 5_000,
    },
    async (connection) => {
      const asked = Array.from({ length: questions }, () =>
        connection.ask(bytes, 1000).then(String, () => 'none'),
      );
      return await Promise.all(asked);
    },
  ).catch(() => ['none']);

const endOthers = (own: QuicConnection, all: ReadonlySet<QuicConnection>): void => {
  for (const connection of all) if (connection !== own) connection.end(3);
};

test.each<[string, Acts]>([
  ['nothing is ended', {}],
  ['the handshake is done', { secured: (connection) => connection.end(3) }],
  ['the handshake of another one is done', { secured: endOthers }],
  ['a question has come', { asked: (_, connection) => connection.end(3) }],
  [
    'a question has come, with all others',
    {
      asked: (stream, connection, all) => {
        endOthers(connection, all);
        stream.answer(Buffer.from('answer'));
        connection.end(3);
      },
    },
  ],
  [
    'a question has come, and is answered afterwards',
    {
      asked: (stream, connection) => {
        connection.end(3);
        stream.answer(Buffer.from('late'));
        stream.reset(4);
      },
    },
  ],
])('nothing that is freed is used when a connection is ended: %s', async (name, acts) => {
  const faults = watchFreed();
  const { port, closed } = await openServer(acts);
  const replies = await Promise.all([1, 2, 3, 4, 5, 6].map((questions) => call(port, questions)));
  expect(faults).toEqual([]);
  if (name === 'nothing is ended') expect(replies.flat()).toEqual(Array(21).fill('question'));
  else expect(closed()).toBeGreaterThan(0);
});

test('nothing that is freed is used when a stream brings too much', async () => {
  const faults = watchFreed();
  const { port, closed } = await openServer({});
  expect(await call(port, 3, Buffer.alloc(1001))).toEqual(['none', 'none', 'none']);
  expect(closed()).toBe(1);
  expect(faults).toEqual([]);
});
