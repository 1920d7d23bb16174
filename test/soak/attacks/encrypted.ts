// Attacks on the encrypted listeners: handshakes, frames of HTTP/2 that only cost work, and clients that are slow or do not
// read. Others ask over DNS over TLS, each over a connection that stays.
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { buildQuery } from '../../support/records.ts';
import { frame } from '../../support/scripted-upstream.ts';
import { type Arena, type Attack, clientsOf, type Queries, type Running } from './attack.ts';

const VICTIMS: Queries = {
  clients: ['127.0.0.2', '127.1.0.2', '127.2.0.2', '127.3.0.2'],
  rate: 50,
  names: ['*.good.example'],
  isSecure: true,
};
/** The same clients, who make a whole handshake for each query. */
const NEWCOMERS: Queries = { ...VICTIMS, isFresh: true };
/** Between two looks at whether a connection was closed and is to be opened again, milliseconds. */
const AGAIN_MS = 100;
/** Between two rounds of those who send without an end, milliseconds. */
const PACE_MS = 5;
/** Addresses of four networks. */
const NETWORKS = [1, 2, 3, 4].flatMap((net) => clientsOf(net, 240));
const FEW = clientsOf(1, 8);
/** Loopback is exempt by default. */
const LIMITED = ['rate-limit: { exempt: [] }'];

interface Holding {
  /** Opens one; undefined where one is as good as none. */
  readonly open: (arena: Arena, localAddress: string) => Socket;
  /** What is done with it once it is open. */
  readonly begin?: (socket: Socket, arena: Arena, index: number) => void;
  /** What is done with each that is open, every PACE_MS. */
  readonly go?: (socket: Socket, arena: Arena, index: number) => void;
  /** It is closed and opened again as soon as it is open. */
  readonly isBrief?: boolean;
}

/** Keeps a connection from each address open, opening it again whenever it is closed. */
const keep =
  (addresses: readonly string[], { open, begin, go, isBrief = false }: Holding) =>
  (arena: Arena): Promise<Running> => {
    const sockets: (Socket | undefined)[] = addresses.map(() => undefined);
    const ready = new Set<Socket>();
    let [count, opened] = [0, 0];
    const openOne = (index: number): void => {
      const socket = open(arena, addresses[index] ?? '');
      count++;
      sockets[index] = socket;
      socket.on('error', () => {});
      socket.on('close', () => ready.delete(socket));
      const event = 'encrypted' in socket ? 'secureConnect' : 'connect';
      socket.once(event, () => {
        opened++;
        ready.add(socket);
        begin?.(socket, arena, index);
        if (!isBrief) return;
        socket.destroy();
        if (isRunning) openOne(index);
      });
    };
    let isRunning = true;
    const look = (): void => {
      for (const index of addresses.keys()) if (sockets[index]?.destroyed !== false) openOne(index);
    };
    look();
    const again = setInterval(look, AGAIN_MS);
    const going =
      go &&
      setInterval(() => {
        for (const [index, socket] of sockets.entries()) {
          if (socket !== undefined && ready.has(socket) && socket.writableLength < 1 << 20)
            go(socket, arena, index);
        }
      }, PACE_MS);
    return Promise.resolve({
      stop: () => {
        isRunning = false;
        clearInterval(again);
        clearInterval(going);
        for (const socket of sockets) socket?.destroy();
        return Promise.resolve(`${count} connections, ${opened} opened`);
      },
    });
  };

const secure =
  (kind: 'dotPort' | 'dohPort') =>
  (arena: Arena, localAddress: string): TLSSocket =>
    connectTls({
      socket: connect({ host: '127.0.0.1', port: arena[kind], localAddress }),
      rejectUnauthorized: false,
      ALPNProtocols: [kind === 'dotPort' ? 'dot' : 'h2'],
    });

const plain =
  (kind: 'dotPort' | 'dohPort') =>
  (arena: Arena, localAddress: string): Socket =>
    connect({ host: '127.0.0.1', port: arena[kind], localAddress });

/** The head of a ClientHello of 512 bytes that does not come. */
const HALF_HELLO = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);

/** Frames of HTTP/2 (RFC 9113 section 4.1). */
const FRAME = {
  DATA: 0,
  HEADERS: 1,
  RST_STREAM: 3,
  SETTINGS: 4,
  PING: 6,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;
const [END_STREAM, END_HEADERS] = [1, 4];
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

const http2Frame = (
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = new Uint8Array(0),
): Buffer => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};

/** Headers as literals without indexing (RFC 7541 section 6.2.2); names and values below 127 bytes, or a long value. */
const headerBlock = (fields: Readonly<Record<string, string>>): Buffer =>
  Buffer.concat(
    Object.entries(fields).flatMap(([name, value]) => {
      const length = value.length < 127 ? [value.length] : [127, ...integerOf(value.length - 127)];
      return [Buffer.from([0, name.length]), Buffer.from(name), Buffer.from(length), Buffer.from(value)];
    }),
  );

const integerOf = (value: number): number[] =>
  value < 128 ? [value] : [(value & 127) | 128, ...integerOf(value >>> 7)];

const requestOf = (method: string, path: string): Buffer =>
  headerBlock({
    ':method': method,
    ':scheme': 'https',
    ':authority': 'localhost',
    ':path': path,
    ...(method === 'POST' && { 'content-type': 'application/dns-message' }),
  });

const getOf = (name: string, type = 'A'): Buffer =>
  requestOf('GET', `/dns-query?dns=${Buffer.from(buildQuery(`${name}. ${type}`)).toString('base64url')}`);

/** The number of the next stream of each connection. */
const streams = new WeakMap<Socket, number>();
const nextStream = (socket: Socket): number => {
  const stream = streams.get(socket) ?? 1;
  streams.set(socket, stream + 2);
  return stream;
};

let nameCount = 0;
const freshName = (zone: string): string => `n${nameCount++}-${Math.floor(performance.now())}.${zone}`;

const beginHttp2 = (socket: Socket): void => {
  socket.write(Buffer.concat([PREFACE, http2Frame(FRAME.SETTINGS, 0, 0)]));
  socket.resume();
};

/** With a window of nothing: no answer can be sent. */
const beginShut = (socket: Socket): void => {
  socket.write(Buffer.concat([PREFACE, http2Frame(FRAME.SETTINGS, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]))]));
  socket.resume();
};

const many = (count: number, create: (index: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, index) => create(index)));

const attack = (
  name: string,
  title: string,
  start: Attack['start'],
  others: Partial<Attack> = {},
): Attack => ({
  name,
  title,
  isEncrypted: true,
  victims: VICTIMS,
  goalMs: 50,
  ...(start && { start }),
  ...others,
});

const PINGS = many(200, (i) => http2Frame(FRAME.PING, 0, 0, Buffer.from([0, 0, 0, 0, 0, 0, 0, i])));
const SETTINGS = many(200, () => http2Frame(FRAME.SETTINGS, 0, 0, Buffer.from([0, 3, 0, 0, 0, 100])));
const FIELDS = headerBlock({ 'x-a': 'b'.repeat(100) });

/** One attack for each way to make encryption, or what carries a query in it, costly. */
export const encrypted: readonly Attack[] = [
  attack(
    'dot-handshakes',
    'DoT: 8 clients make whole handshakes as fast as they can',
    keep(FEW, { open: secure('dotPort'), isBrief: true }),
    { cordon: LIMITED },
  ),
  attack(
    'dot-networks',
    'DoT: 960 clients of 4 networks make whole handshakes as fast as they can',
    keep(NETWORKS, { open: secure('dotPort'), isBrief: true }),
    { cordon: LIMITED },
  ),
  attack(
    'dot-fresh',
    'the same, and others make a whole handshake for each query',
    keep(NETWORKS, { open: secure('dotPort'), isBrief: true }),
    { cordon: LIMITED, victims: NEWCOMERS },
  ),
  attack('dot-alone', 'nobody attacks, and others make a whole handshake for each query', undefined, {
    victims: NEWCOMERS,
  }),
  attack(
    'dot-hello',
    'DoT: 960 connections of 4 networks, each with the head of a ClientHello',
    keep(NETWORKS, { open: plain('dotPort'), begin: (socket) => socket.write(HALF_HELLO) }),
  ),
  attack(
    'dot-idle',
    'DoT: 960 connections of 4 networks that ask nothing',
    keep(NETWORKS, { open: secure('dotPort') }),
  ),
  attack(
    'dot-garbage',
    'DoT: 8 clients send plain DNS, HTTP and noise instead of TLS',
    keep(clientsOf(1, 48), {
      open: plain('dotPort'),
      isBrief: true,
      begin: (socket, _arena, index) => {
        const garbage = [
          frame(buildQuery('www.good.example. A')),
          Buffer.from('GET / HTTP/1.1\r\n\r\n'),
          Buffer.alloc(600, 22),
        ];
        socket.write(garbage[index % 3] ?? HALF_HELLO);
      },
    }),
  ),
  attack(
    'dot-unread',
    'DoT: 60 clients ask for 200 answers of 48 KB and do not read',
    keep(clientsOf(1, 60), {
      open: secure('dotPort'),
      begin: (socket, _arena, index) => {
        socket.pause();
        const messages = Array.from({ length: 200 }, (_, i) => {
          const label = i % 20 === 0 ? `n${index}-${i}-${Math.floor(performance.now())}` : 'same';
          return frame(buildQuery(`${label}.big.example. TXT`, { id: i }));
        });
        socket.write(Buffer.concat(messages));
      },
    }),
    { needsBigAnswers: true },
  ),
  attack(
    'doh-reset',
    'DoH: 8 clients ask for new names and reset each stream at once',
    keep(FEW, {
      open: secure('dohPort'),
      begin: beginHttp2,
      go: (socket) => {
        socket.write(
          many(50, () => {
            const stream = nextStream(socket);
            return Buffer.concat([
              http2Frame(
                FRAME.HEADERS,
                END_STREAM | END_HEADERS,
                stream,
                getOf(freshName('delay-3000.example')),
              ),
              http2Frame(FRAME.RST_STREAM, 0, stream, Buffer.from([0, 0, 0, 8])),
            ]);
          }),
        );
      },
    }),
  ),
  attack(
    'doh-continuation',
    'DoH: 8 clients send headers that do not end',
    keep(FEW, {
      open: secure('dohPort'),
      begin: (socket) => {
        beginHttp2(socket);
        socket.write(http2Frame(FRAME.HEADERS, END_STREAM, 1, requestOf('GET', '/dns-query')));
      },
      go: (socket) => socket.write(many(200, () => http2Frame(FRAME.CONTINUATION, 0, 1, FIELDS))),
    }),
  ),
  attack(
    'doh-ping',
    'DoH: 8 clients send PING without an end',
    keep(FEW, { open: secure('dohPort'), begin: beginHttp2, go: (socket) => socket.write(PINGS) }),
  ),
  attack(
    'doh-settings',
    'DoH: 8 clients send SETTINGS without an end',
    keep(FEW, { open: secure('dohPort'), begin: beginHttp2, go: (socket) => socket.write(SETTINGS) }),
  ),
  attack(
    'doh-slow',
    'DoH: 200 clients begin 100 queries each and never end them',
    keep(clientsOf(1, 200), {
      open: secure('dohPort'),
      begin: (socket) => {
        beginHttp2(socket);
        const head = requestOf('POST', '/dns-query');
        socket.write(many(100, (i) => http2Frame(FRAME.HEADERS, END_HEADERS, 2 * i + 1, head)));
      },
      go: (socket) => socket.write(http2Frame(FRAME.DATA, 0, 1, Buffer.alloc(1))),
    }),
  ),
  attack(
    'doh-shut',
    'DoH: 60 clients ask for 100 answers of 48 KB each and leave no window for them',
    keep(clientsOf(1, 60), {
      open: secure('dohPort'),
      begin: (socket) => {
        beginShut(socket);
        const head = getOf('same.big.example', 'TXT');
        socket.write(many(100, (i) => http2Frame(FRAME.HEADERS, END_STREAM | END_HEADERS, 2 * i + 1, head)));
      },
    }),
    { needsBigAnswers: true },
  ),
  attack(
    'doh-paths',
    'DoH: 8 clients ask for paths of 8 KB that are not there',
    keep(FEW, {
      open: secure('dohPort'),
      begin: beginHttp2,
      go: (socket) => {
        const head = requestOf('GET', `/${'x'.repeat(8_000)}`);
        socket.write(
          many(10, () => http2Frame(FRAME.HEADERS, END_STREAM | END_HEADERS, nextStream(socket), head)),
        );
      },
    }),
  ),
];
