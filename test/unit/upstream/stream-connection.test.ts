import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, test } from 'vitest';
import type { ConnectionOptions, TlsSettings } from '../../../src/resolver/upstream/connection.ts';
import { StreamConnection } from '../../../src/resolver/upstream/stream-connection.ts';
import { messageId, readU16, writeU16 } from '../../../src/wire/dns/dns.ts';
import { CertificateAuthority } from '../../support/certificates.ts';
import { startEncryptedUnbound, UNBOUND_ADDRESS } from '../../support/encrypted-unbound.ts';
import { requireProgram } from '../../support/process.ts';
import { buildQuery, parseMessage } from '../../support/records.ts';
import { frame } from '../../support/scripted-upstream.ts';
import { Reports, until } from './reports.ts';

const NAME = 'dns.example.net';
const authority = CertificateAuthority.create();
const issued = authority.issue({ names: [`DNS:${NAME}`] });
const serverTls: TlsOptions = { cert: issued.certificate, key: issued.key };
const clientTls: TlsSettings = { serverName: NAME, pins: [], caCertificates: [authority.certificate] };

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

/** A connection as the server sees it. */
interface Peer {
  readonly socket: Socket;
  /** Place among all connections. */
  readonly index: number;
}

/** A server that hands each query to its handler. */
class StreamServer {
  connections = 0;
  /** Connections that the other side has closed. */
  ended = 0;
  readonly queries: { readonly index: number; readonly bytes: Buffer }[] = [];
  readonly chunks: Buffer[] = [];
  handler: (query: Buffer, peer: Peer) => void = (query, { socket }) => void socket.write(answerTo(query));
  /** Called instead of reading. */
  accept: ((peer: Peer) => void) | undefined;
  readonly #server: Server;

  private constructor(server: Server, event: string) {
    this.#server = server;
    server.on(event, (socket: Socket) => this.#serve({ socket, index: this.connections++ }));
    server.on('tlsClientError', () => {});
    open.push(() => server.close());
  }

  static async open({
    tls,
    host = '127.0.0.1',
  }: {
    tls?: TlsOptions;
    host?: string;
  } = {}): Promise<StreamServer> {
    const server = tls === undefined ? createTcpServer() : createTlsServer(tls);
    const opened = new StreamServer(server, tls === undefined ? 'connection' : 'secureConnection');
    server.listen(0, host);
    await once(server, 'listening');
    return opened;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #serve(peer: Peer): void {
    const { socket, index } = peer;
    open.push(() => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => this.ended++);
    if (this.accept !== undefined) {
      this.accept(peer);
      return;
    }
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk);
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 2 && rest.length >= 2 + readU16(rest, 0)) {
        const bytes = rest.subarray(2, 2 + readU16(rest, 0));
        rest = rest.subarray(2 + bytes.length);
        this.queries.push({ index, bytes });
        this.handler(bytes, peer);
      }
    });
  }
}

/** The query with QR, framed. */
const answerTo = (query: Uint8Array, id = messageId(query)): Buffer => {
  const answer = Buffer.from(query);
  writeU16(answer, 0, id);
  answer[2] = (answer[2] ?? 0) | 0x80;
  return frame(answer) as Buffer;
};

interface Client {
  readonly connection: StreamConnection<string>;
  readonly reports: Reports;
  /** Sends a query that waits as `waiting` and waits for the report. */
  ask(waiting: string): Promise<string | undefined>;
}

const clientOf = (
  server: { readonly port: number },
  options: ConnectionOptions & { tls?: TlsSettings; address?: string } = {},
): Client => {
  const { tls, address = '127.0.0.1', ...rest } = options;
  const reports = new Reports();
  const family = address.includes(':') ? 6 : 4;
  const connection = new StreamConnection<string>({ address, port: server.port, family }, tls, reports, rest);
  open.push(() => connection.close());
  const ask = async (waiting: string): Promise<string | undefined> => {
    const count = reports.texts.length + 1;
    connection.send(waiting, query());
    return (await reports.count(count)).at(-1);
  };
  return { connection, reports, ask };
};

const query = (name = 'www.example.com.'): Uint8Array => buildQuery(`${name} A`);

/** Bytes of all buffers that are not garbage. They are given back in the background. */
const memoryInUse = async (): Promise<number> => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  let lowest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
    lowest = Math.min(lowest, process.memoryUsage().arrayBuffers);
  }
  return lowest;
};

/** Random numbers that a test chooses. */
const numbers = (...values: number[]) => ({ next: () => values.shift() ?? 0 });

const transports = [
  { what: 'TCP', server: {}, client: {} },
  { what: 'TLS', server: { tls: serverTls }, client: { tls: clientTls } },
  { what: 'TCP over IPv6', server: { host: '::1' }, client: { address: '::1' } },
];

test.each(transports)('$what: one connection serves many queries', async ({ server: text, client }) => {
  const server = await StreamServer.open(text);
  const { connection, reports, ask } = clientOf(server, client);
  for (let i = 0; i < 50; i++) expect(await ask(`${i}`)).toBe(`${i} message`);
  expect(reports.messages.get('7')).toEqual(
    new Uint8Array(answerTo(server.queries[7]?.bytes ?? new Uint8Array(12)).subarray(2)),
  );
  expect(server.connections).toBe(1);
  expect(connection.waiting).toBe(0);
});

test.each(transports)(
  '$what: queries of one turn leave together, with IDs of their own',
  async ({ server: text, client }) => {
    const server = await StreamServer.open(text);
    const { connection, reports, ask } = clientOf(server, client);
    await ask('first');
    server.chunks.length = 0;
    for (let i = 0; i < 100; i++) connection.send(`${i}`, query());
    expect(connection.waiting).toBe(100);
    await reports.count(101);
    expect(server.chunks).toHaveLength(1);
    expect(new Set(server.queries.slice(1).map(({ bytes }) => messageId(bytes)))).toHaveProperty('size', 100);
    expect(server.connections).toBe(1);
  },
);

test('answers come in any order, each to its own query', async () => {
  const server = await StreamServer.open();
  const asked: Buffer[] = [];
  server.handler = (bytes, { socket }) => {
    asked.push(bytes);
    if (asked.length === 3) socket.write(Buffer.concat(asked.reverse().map((one) => answerTo(one))));
  };
  const { connection, reports } = clientOf(server);
  for (const name of ['a', 'b', 'c']) connection.send(name, query(`${name}.example.`));
  expect(await reports.count(3)).toEqual(['c message', 'b message', 'a message']);
  for (const name of ['a', 'b', 'c'])
    expect(parseMessage(reports.messages.get(name) ?? new Uint8Array(0)).question).toContain(
      `${name}.example.`,
    );
});

test('an answer of 65,535 bytes and answers cut into single bytes are read', async () => {
  const server = await StreamServer.open();
  const { ask, connection, reports } = clientOf(server);
  server.handler = (bytes, { socket }) => {
    const large = Buffer.alloc(65_535, 7);
    large.set(bytes);
    socket.write(frame(large));
  };
  await ask('large');
  expect(reports.messages.get('large')).toHaveLength(65_535);
  expect(reports.messages.get('large')?.at(-1)).toBe(7);
  server.handler = (bytes, { socket }) => {
    if (server.queries.length < 3) return;
    socket.setNoDelay(true);
    const pieces = server.queries.slice(1).map((one) => answerTo(one.bytes));
    const stream = [...Buffer.concat(pieces)];
    const writeOne = (): void => {
      const byte = stream.shift();
      if (byte !== undefined) socket.write(Uint8Array.of(byte), () => setImmediate(writeOne));
    };
    writeOne();
    expect(bytes.length).toBeGreaterThan(12);
  };
  connection.send('a', query());
  connection.send('b', query());
  expect(await reports.count(3)).toEqual(['large message', 'a message', 'b message']);
  expect(parseMessage(reports.messages.get('b') ?? new Uint8Array(0)).isSound).toBe(true);
});

test.each([0, 1, 11])('a message of %i bytes ends the connection for all that wait', async (length) => {
  const server = await StreamServer.open();
  const { connection, reports, ask } = clientOf(server);
  server.handler = (_bytes, { socket }) => {
    if (server.queries.length === 2) {
      socket.write(Uint8Array.of(0));
      setTimeout(() => socket.write(Uint8Array.of(length)), 5);
    }
  };
  connection.send('a', query());
  connection.send('b', query());
  expect(await reports.count(2)).toEqual(['a malformed', 'b malformed']);
  await until(() => server.ended).toBe(1);
  server.handler = (bytes, { socket }) => void socket.write(answerTo(bytes));
  expect(await ask('c')).toBe('c message');
  expect(server.connections).toBe(2);
});

test('messages that nobody asked for are dropped, and after a hundred of them the connection', async () => {
  const server = await StreamServer.open();
  let strays = 100;
  server.handler = (bytes, { socket }) => {
    for (let i = 1; i <= strays; i++) socket.write(answerTo(bytes, messageId(bytes) ^ i));
    socket.write(answerTo(bytes));
  };
  const { ask } = clientOf(server);
  expect(await ask('a')).toBe('a message');
  strays = 1;
  expect(await ask('b')).toBe('b malformed');
  await until(() => server.ended).toBe(1);
});

test('a late answer to a released query is no answer to the next, even when the same ID is drawn', async () => {
  const server = await StreamServer.open();
  const held: { bytes: Buffer; socket: Socket }[] = [];
  server.handler = (bytes, { socket }) => void held.push({ bytes, socket });
  const { connection, reports } = clientOf(server, { random: numbers(7, 7, 7, 8), idleMs: 100 });
  connection.send('a', query('a.example.'));
  await until(() => held.length).toBe(1);
  connection.release('a');
  expect(connection.waiting).toBe(0);
  connection.send('b', query('b.example.'));
  await until(() => held.length).toBe(2);
  expect(server.queries.map(({ bytes }) => messageId(bytes))).toEqual([7, 8]);
  for (const { bytes, socket } of held) socket.write(answerTo(bytes));
  await reports.count(1);
  expect(parseMessage(reports.messages.get('b') ?? new Uint8Array(0)).question).toContain('b.example.');
  expect(reports.texts).toEqual(['b message']);
  // Nothing waits twice, or less than nothing.
  await until(() => server.ended).toBe(1);
});

test('a query that is released before it is written is not written', async () => {
  const server = await StreamServer.open();
  const { connection, reports } = clientOf(server);
  connection.send('a', query());
  connection.send('b', query());
  connection.release('a');
  await reports.count(1);
  expect(reports.texts).toEqual(['b message']);
  expect(server.queries).toHaveLength(1);
});

const endings: { what: string; handler: StreamServer['handler'] }[] = [
  { what: 'closes without a byte', handler: (_bytes, { socket }) => void socket.end() },
  { what: 'resets', handler: (_bytes, { socket }) => void socket.resetAndDestroy() },
  {
    what: 'closes within an answer',
    handler: (bytes, { socket }) => void socket.end(answerTo(bytes).subarray(0, 20)),
  },
];

test.each(endings)(
  'a first connection that $what is a fault, and nothing is sent again',
  async ({ handler }) => {
    const server = await StreamServer.open();
    server.handler = handler;
    const { ask } = clientOf(server);
    expect(await ask('a')).toBe('a network');
    expect(server.queries).toHaveLength(1);
  },
);

test.each(endings)('what waits on a used connection that $what is sent once more', async ({ handler }) => {
  const server = await StreamServer.open();
  const { ask, connection, reports } = clientOf(server);
  await ask('a');
  server.handler = (bytes, peer) => {
    if (peer.index > 0) peer.socket.write(answerTo(bytes));
    else if (server.queries.length === 3) handler(bytes, peer);
  };
  connection.send('b', query('b.example.'));
  connection.send('c', query('c.example.'));
  expect(await reports.count(3)).toEqual(['a message', 'b message', 'c message']);
  expect(server.queries.map(({ index }) => index)).toEqual([0, 0, 0, 1, 1]);
  expect(server.connections).toBe(2);
});

test('what was sent once more is not sent a third time', async () => {
  const server = await StreamServer.open();
  const { ask } = clientOf(server);
  await ask('a');
  server.handler = (_bytes, { socket }) => void socket.end();
  expect(await ask('b')).toBe('b network');
  expect(server.queries).toHaveLength(3);
});

test('what was sent once more is not sent a third time on a connection that has answered others', async () => {
  const server = await StreamServer.open();
  const { ask, connection, reports } = clientOf(server);
  await ask('a');
  server.handler = (bytes, { socket, index }) => {
    if (server.queries.length === 3) socket.end();
    if (index > 0) socket.end(answerTo(bytes));
  };
  connection.send('b', query());
  connection.send('c', query());
  expect(await reports.count(3)).toEqual(['a message', 'b message', 'c network']);
  expect(server.connections).toBe(2);
});

test('a server that closes after each answer is asked on a new connection each time', async () => {
  const server = await StreamServer.open();
  server.handler = (bytes, { socket }) => void socket.end(answerTo(bytes));
  const { ask } = clientOf(server);
  for (const name of ['a', 'b', 'c']) expect(await ask(name)).toBe(`${name} message`);
  expect(server.connections).toBe(3);
});

test.each(transports)(
  '$what: an idle connection is closed, and the next query opens another',
  async (text) => {
    const server = await StreamServer.open(text.server);
    const { ask } = clientOf(server, { ...text.client, idleMs: 40 });
    await ask('a');
    await until(() => server.ended).toBe(1);
    expect(await ask('b')).toBe('b message');
    expect(server.connections).toBe(2);
  },
);

test('a connection is not idle while something waits, and is after its release', async () => {
  const server = await StreamServer.open();
  server.handler = () => {};
  const { connection, reports } = clientOf(server, { idleMs: 20 });
  connection.send('a', query());
  await new Promise((resolve) => setTimeout(resolve, 70));
  expect([server.ended, connection.waiting]).toEqual([0, 1]);
  connection.release('a');
  await until(() => server.ended).toBe(1);
  expect(reports.texts).toEqual([]);
});

test('a connection that is silent for too long takes no more queries, but its answers still count', async () => {
  const server = await StreamServer.open();
  let nowMs = Date.now();
  const { ask, connection, reports } = clientOf(server, { clock: () => nowMs });
  await ask('a');
  let late: (() => void) | undefined;
  server.handler = (bytes, { socket, index }) => {
    if (index > 0) socket.write(answerTo(bytes));
    else late = () => void socket.write(answerTo(bytes));
  };
  connection.send('b', query());
  await until(() => late).toBeDefined();
  nowMs += 2_000;
  connection.send('c', query());
  await until(() => server.queries.length).toBe(3);
  expect(server.connections).toBe(1);
  nowMs += 1;
  expect(await ask('d')).toBe('d message');
  expect(server.connections).toBe(2);
  late?.();
  expect(await reports.count(3)).toContain('c message');
});

test('a connection that is silent because nothing is due is used again', async () => {
  const server = await StreamServer.open();
  let nowMs = Date.now();
  const { ask } = clientOf(server, { clock: () => nowMs });
  await ask('a');
  nowMs += 5_000;
  expect(await ask('b')).toBe('b message');
  nowMs -= 60_000;
  expect(await ask('c')).toBe('c message');
  expect(server.connections).toBe(1);
});

test('no more than 1,000 queries wait on a connection, and on four connections at most', async () => {
  const server = await StreamServer.open();
  server.handler = () => {};
  const { connection, reports } = clientOf(server);
  for (let i = 0; i < 4_000; i++) connection.send(`${i}`, query());
  await until(() => server.queries.length).toBe(4_000);
  const perConnection = [0, 1, 2, 3].map(
    (index) => server.queries.filter((one) => one.index === index).length,
  );
  expect(perConnection).toEqual([1_000, 1_000, 1_000, 1_000]);
  // The one that waits longest is evicted, and that is not blamed on the server.
  server.handler = (bytes, { socket }) => void socket.write(answerTo(bytes));
  connection.send('one more', query());
  expect(reports.texts).toEqual([]);
  expect(await reports.count(2)).toEqual(['0 overload', 'one more message']);
  connection.send('and another', query());
  expect(await reports.count(3)).toContain('and another message');
  // What is released has its ID still, and no place.
  server.handler = () => {};
  for (let i = 1; i < 3; i++) connection.release(`${i}`);
  for (let i = 0; i < 3; i++) connection.send(`new ${i}`, query());
  await new Promise((resolve) => setImmediate(resolve));
  expect([reports.texts.length, connection.waiting, server.connections]).toEqual([3, 4_000, 4]);
  connection.send('last', query());
  connection.release('3');
  await new Promise((resolve) => setImmediate(resolve));
  // One that was evicted may be released before it hears of it.
  expect([reports.texts.length, connection.waiting]).toEqual([3, 4_000]);
});

test('as many connections are opened as options say', async () => {
  const server = await StreamServer.open();
  server.handler = () => {};
  const { connection, reports } = clientOf(server, { linksMax: 2 });
  for (let i = 0; i < 2_000; i++) connection.send(`${i}`, query());
  await until(() => server.queries.length).toBe(2_000);
  expect([reports.texts, server.connections]).toEqual([[], 2]);
});

test('a connection whose IDs are used up is replaced by another, and what waits on it is not blamed on the server', async () => {
  const server = await StreamServer.open();
  server.handler = () => {};
  const { connection, reports, ask } = clientOf(server, { linksMax: 1, clock: () => 0 });
  connection.send('early', query());
  for (let round = 0; round < 8; round++) {
    for (let i = 0; i < 999; i++) connection.send(`${i}`, query());
    await until(() => server.queries.length).toBe(1 + (round + 1) * 999);
    for (let i = 0; i < 999; i++) connection.release(`${i}`);
  }
  for (let i = 0; i < 7; i++) connection.send(`rest ${i}`, query());
  server.handler = (bytes, { socket }) => void socket.write(answerTo(bytes));
  await ask('late');
  const texts = await reports.count(9);
  expect(texts).toHaveLength(9);
  expect(texts).toContain('late message');
  expect(texts).toContain('early overload');
  expect(new Set(texts.map((text) => text.split(' ').at(-1)))).toEqual(new Set(['overload', 'message']));
  expect(server.connections).toBe(2);
});

test('silent connections make room for new ones', async () => {
  const server = await StreamServer.open();
  server.handler = () => {};
  let nowMs = Date.now();
  const { connection, reports } = clientOf(server, { clock: () => nowMs });
  for (let i = 0; i < 4; i++) {
    connection.send(`${i}`, query());
    await until(() => server.queries.length).toBe(i + 1);
    nowMs += 2_001;
  }
  expect(server.connections).toBe(4);
  server.handler = (bytes, { socket }) => void socket.write(answerTo(bytes));
  connection.send('a', query());
  expect(reports.texts).toEqual([]);
  expect(await reports.count(2)).toEqual(['0 network', 'a message']);
  expect([server.connections, connection.waiting]).toEqual([5, 3]);
});

test('a server that does not read is not written to without end', async () => {
  const server = await StreamServer.open();
  server.accept = ({ socket }) => void socket.pause();
  const { connection, reports } = clientOf(server);
  const large = 65_000;
  let count = 0;
  // The kernel takes a few megabytes for each of the four connections.
  while (reports.texts.length === 0 && count < 2_000) {
    connection.send(`${count++}`, Buffer.concat([query(), Buffer.alloc(large)]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  // The oldest was given up for a fifth.
  expect(server.connections).toBe(5);
  expect(reports.texts[0]).toBe('0 network');
  expect(new Set(reports.texts.map((text) => text.split(' ')[1]))).toEqual(new Set(['network']));
});

test('a length of 65,535 takes no room before its bytes come', async () => {
  const server = await StreamServer.open();
  server.handler = (_bytes, { socket }) => void socket.write(Uint8Array.of(0xff, 0xff, 0));
  const random = { next: () => 1 };
  const clients = Array.from({ length: 200 }, () => clientOf(server, { random }));
  const before = await memoryInUse();
  for (const { connection } of clients) connection.send('a', query());
  await until(() => server.queries.length).toBe(200);
  await new Promise((resolve) => setTimeout(resolve, 50));
  // A twentieth of what they announced.
  expect((await memoryInUse()) - before).toBeLessThan((200 * 65_535) / 20);
});

test('nobody listens: a fault, after send() has returned', async () => {
  const server = await StreamServer.open();
  const { port } = server;
  for (const close of open.splice(0)) close();
  const { connection, reports, ask } = clientOf({ port });
  connection.send('a', query());
  expect(reports.texts).toEqual([]);
  expect(await reports.count(1)).toEqual(['a network']);
  expect(await ask('b')).toBe('b network');
});

test('a handshake that does not end is given up', async () => {
  const server = await StreamServer.open();
  server.handler = () => {};
  const { reports, connection } = clientOf(server, { tls: clientTls, connectTimeoutMs: 40 });
  connection.send('a', query());
  connection.send('b', query());
  expect(await reports.count(2)).toEqual(['a network', 'b network']);
  await until(() => server.ended).toBe(1);
});

test.each([
  { what: 'another name', tls: { ...clientTls, serverName: 'dns.example.com' } },
  { what: 'another pin', tls: { ...clientTls, pins: ['AAAA'] } },
  { what: 'another hash', tls: { ...clientTls, certificateHashes: ['00'] } },
  { what: 'an unknown authority', tls: { serverName: NAME, pins: [] } },
])('$what is a certificate fault for all that wait, and no query is sent', async ({ tls }) => {
  const server = await StreamServer.open({ tls: serverTls });
  const { connection, reports } = clientOf(server, { tls });
  connection.send('a', query());
  connection.send('b', query());
  expect(await reports.count(2)).toEqual(['a certificate', 'b certificate']);
  expect(connection.waiting).toBe(0);
  expect(server.chunks).toEqual([]);
});

test('a server without TLS gets no query from a connection with TLS', async () => {
  const server = await StreamServer.open();
  const seen: Buffer[] = [];
  server.accept = ({ socket }) => {
    socket.on('data', (chunk: Buffer) => {
      seen.push(chunk);
      socket.end('\0\u000c000000000000');
    });
  };
  const { ask } = clientOf(server, { tls: clientTls });
  expect(await ask('a')).toBe('a network');
  expect(await ask('b')).toBe('b network');
  expect(Buffer.concat(seen).includes(Buffer.from(query()).subarray(12))).toBe(false);
  // A handshake each (RFC 8446 section 5.1).
  expect(seen.map((chunk) => chunk[0])).toEqual([22, 22]);
});

test('close() ends everything without a report, and later queries are faults', async () => {
  const server = await StreamServer.open();
  const { ask, connection, reports } = clientOf(server);
  await ask('a');
  server.handler = () => {};
  connection.send('b', query());
  await until(() => server.queries.length).toBe(2);
  connection.send('c', query());
  connection.close();
  expect(connection.waiting).toBe(0);
  await until(() => server.ended).toBe(1);
  expect(reports.texts).toEqual(['a message']);
  expect(await ask('d')).toBe('d network');
  expect(server.connections).toBe(1);
});

test('a listener may send, release and close from within a report', async () => {
  const server = await StreamServer.open();
  const asked: Buffer[] = [];
  server.handler = (bytes, { socket }) => {
    asked.push(bytes);
    if (asked.length === 3) socket.write(Buffer.concat(asked.map((one) => answerTo(one))));
    if (asked.length > 3) socket.end();
  };
  const reports = new Reports();
  const connection = new StreamConnection<string>(
    { address: '127.0.0.1', port: server.port, family: 4 },
    undefined,
    {
      message: (waiting, bytes) => {
        reports.message(waiting, bytes);
        if (waiting === 'a') connection.release('b');
        if (waiting === 'c') connection.send('d', query());
      },
      fault: (waiting, fault) => {
        reports.fault(waiting, fault);
        connection.close();
      },
    },
  );
  for (const name of ['a', 'b', 'c']) connection.send(name, query());
  expect(await reports.count(3)).toEqual(['a message', 'c message', 'd network']);
  expect(connection.waiting).toBe(0);
});

test('unbound answers over TLS on one connection', async (context) => {
  requireProgram(context, 'unbound');
  const unbound = await startEncryptedUnbound(issued);
  open.push(() => unbound.stop());
  const { connection, reports } = clientOf({ port: unbound.tlsPort }, { tls: clientTls });
  for (let i = 0; i < 20; i++) connection.send(`${i}`, query(`h${i}.example.test.`));
  await reports.count(20);
  for (let i = 0; i < 20; i++)
    expect(parseMessage(reports.messages.get(`${i}`) ?? new Uint8Array(0)).answer).toEqual([
      `h${i}.example.test. 300 IN A ${UNBOUND_ADDRESS}`,
    ]);
});
