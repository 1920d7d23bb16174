// What comes in pieces is put together at a cost that is linear in its bytes, however small the pieces are: each byte is
// copied a few times at most, where a client or a server that sends byte by byte could have each copied thousands of times.
import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createAddress } from '../../src/base/base.ts';
import { type Decider, PENDING, type Reply } from '../../src/resolver/pipeline/pipeline.ts';
import { ConnectionBudget } from '../../src/resolver/server/connection-budget.ts';
import { DohListener } from '../../src/resolver/server/doh-listener.ts';
import { SecureGate } from '../../src/resolver/server/secure-gate.ts';
import { StreamListener } from '../../src/resolver/server/stream.ts';
import { FrameReader as UpstreamFrames } from '../../src/resolver/upstream/frame-reader.ts';
import { claimEndpoint } from '../../src/resolver/workers/claim.ts';
import { pong } from '../../src/wire/http2/connection-frames.ts';
import { FOUND, FrameReader } from '../../src/wire/http2/frame-reader.ts';
import { Output } from '../../src/wire/http2/output.ts';
import { FRAME, PREFACE } from '../../src/wire/http2/registry.ts';
import { QuicStream } from '../../src/wire/quic/quic-connection.ts';
import { TicketKeys } from '../../src/wire/tls/tls.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { copiedBytes } from '../support/copied-bytes.ts';
import { buildQuery } from '../support/records.ts';
import { frame } from '../support/scripted-upstream.ts';

/** Copies of each byte: into room that doubles, and once or twice beside. */
const COPIES_MAX = 5;

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

test('answers to PING while the client reads nothing', async () => {
  const writes: Buffer[] = [];
  const socket = {
    writable: true,
    writableLength: 0,
    write: (bytes: Buffer) => writes.push(Buffer.from(bytes)),
  };
  const output = new Output(socket as unknown as Socket, () => {});
  output.add(Buffer.from('first'));
  output.flush();
  const sent = Array.from({ length: 15_000 }, (_, i) => {
    const payload = Buffer.alloc(8);
    payload.writeUInt32BE(i);
    return pong(payload, 0);
  });
  const bytes = sent.length * (sent[0]?.length ?? 0);
  const copied = await copiedBytes(() => {
    for (const pinged of sent) output.add(pinged);
  });
  expect(output.length).toBe(bytes);
  expect(copied / bytes).toBeLessThan(COPIES_MAX);
  // All of it, in its order, and nothing else.
  output.flushAll();
  expect(Buffer.concat(writes.slice(1)).equals(Buffer.concat(sent))).toBe(true);
});

test('frames of HTTP/2 of which each turn reads one', async () => {
  const chunk = Buffer.alloc(9 * 1800);
  for (let at = 0; at < chunk.length; at += 9) chunk[at + 3] = FRAME.SETTINGS;
  const reader = new FrameReader();
  reader.push(Buffer.from(PREFACE));
  expect(reader.next()).toBe(FOUND.NOTHING);
  let count = 0;
  const copied = await copiedBytes(() => {
    reader.push(chunk);
    while (reader.next() === FOUND.FRAME) {
      count++;
      reader.keep();
    }
  });
  expect(count).toBe(1800);
  expect(copied / chunk.length).toBeLessThan(COPIES_MAX);
});

test('a message of an upstream', async () => {
  const framed = frame(new Uint8Array(60_000).fill(1));
  const reader = new UpstreamFrames();
  let message: Uint8Array | undefined;
  const copied = await copiedBytes(() => {
    for (let at = 0; at < framed.length; at++) reader.read(framed.subarray(at, at + 1), 0);
    message = reader.take();
  });
  expect(message?.length).toBe(60_000);
  expect(copied / framed.length).toBeLessThan(COPIES_MAX);
});

test('a query over QUIC', async () => {
  const stream = new QuicStream({} as never, {} as never, 1n, 0, 4000);
  const copied = await copiedBytes(() => {
    for (let i = 0; i < 4000; i++) expect(stream.add(Uint8Array.of(i & 0xff), 1)).toBe(true);
  });
  expect(stream.take()).toEqual(Uint8Array.from({ length: 4000 }, (_, i) => i & 0xff));
  expect(copied / 4000).toBeLessThan(COPIES_MAX);
});

test('a ClientHello', async () => {
  const { certificate: cert, key } = CertificateAuthority.create().issue({ names: ['DNS:dns.example.net'] });
  const settings = {
    ...{ cert, key, ocsp: undefined, ticketKeys: new TicketKeys(0).keys, ticketLifetimeSec: 60 },
    ...{ clientAuthorities: undefined, challenges: [] },
  };
  const observer = { tlsHandshake: () => {} };
  const gate = new SecureGate(
    ['dot'],
    { settings, observer, mayStay: () => true, mayShake: () => true },
    () => 0,
  );
  /** Of TLS 1.2 in its outer form, a handshake message of 16,000 bytes in records of 16 each. */
  const hello = Buffer.from([1, 0, 0x3e, 0x80, ...new Array(16_000).fill(7)]);
  const records: Buffer[] = [];
  for (let at = 0; at < hello.length; at += 16) {
    const part = hello.subarray(at, at + 16);
    records.push(Buffer.from([22, 3, 1, 0, part.length]), part);
  }
  const bytes = Buffer.concat(records);
  let at = 0;
  const emitter = new EventEmitter();
  const socket = Object.assign(emitter, {
    bytesRead: 1,
    destroyed: false,
    _handle: null,
    read: (): Buffer => bytes.subarray(at, ++at),
    unshift: () => {},
    destroy: () => {
      socket.destroyed = true;
    },
  });
  gate.admit(socket as unknown as Socket, createAddress(), () => {});
  const copied = await copiedBytes(() => {
    // But the last byte: it would begin a handshake.
    while (at < bytes.length - 1) socket.emit('readable');
  });
  expect(socket.destroyed).toBe(false);
  expect(copied / bytes.length).toBeLessThan(COPIES_MAX);
});

const limits = { connectionsMax: 4, connectionsPerClientMax: 4, connectionsPerNetworkMax: 4, idleMs: 10_000 };
const options = async (pipeline: Decider) => ({
  endpoint: {
    ...(await claimEndpoint({ address: '127.0.0.1', port: 0, family: 4 })),
    address: '127.0.0.1',
    family: 4,
  } as const,
  name: 'copies',
  shared: false,
  pipeline,
  budget: new ConnectionBudget(limits, {
    setTcpConnections: () => {},
    setTcpUnread: () => {},
    tcpRefused: () => {},
    tcpClosed: () => {},
  }),
  clock: () => 0,
  mayAsk: () => true,
});

const dial = async (port: number): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  cleanups.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
};

test('queries of a connection of which each answer lets one more be read', async () => {
  const query = buildQuery('a. A');
  const count = Math.floor(16_000 / (query.length + 2));
  const replies: Reply[] = [];
  let decided = 0;
  const listener = await StreamListener.open(
    await options({
      decide: () => {
        decided++;
        return PENDING;
      },
      resolve: (reply) => void replies.push(reply),
    }),
  );
  cleanups.push(() => listener.close());
  const socket = await dial(listener.port);
  const bytes = Buffer.concat(Array.from({ length: count }, () => frame(query)));
  socket.resume();
  const copied = await copiedBytes(async () => {
    socket.write(bytes);
    await expect.poll(() => decided).toBe(128);
    while (decided < count) replies.shift()?.(query);
  });
  expect(decided).toBe(count);
  // Each answer is copied as well, into what its turn sends.
  expect(copied / bytes.length).toBeLessThan(2 * COPIES_MAX);
});

test('the content of a request', async () => {
  const query = new Uint8Array(4096);
  query.set(buildQuery('a. A'));
  let asked: Uint8Array | undefined;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const listener = await DohListener.open({
    ...(await options({
      decide: (bytes, length) => {
        asked = Uint8Array.from(bytes.subarray(0, length));
        resolve(undefined);
        return PENDING;
      },
      resolve: () => {},
    })),
    takesTokens: () => false,
    isMisdirected: () => false,
    takesWords: () => false,
  });
  cleanups.push(() => listener.close());
  const socket = await dial(listener.port);
  const head =
    'POST /dns-query HTTP/1.1\r\nhost: a\r\ncontent-type: application/dns-message\r\ntransfer-encoding: chunked\r\n\r\n';
  const chunks = [...query].map((byte) => Buffer.from([0x31, 13, 10, byte, 13, 10]));
  const content = Buffer.concat([Buffer.from(head), ...chunks, Buffer.from('0\r\n\r\n')]);
  const copied = await copiedBytes(async () => {
    socket.write(content);
    await promise;
  });
  expect(asked).toEqual(query);
  expect(copied / content.length).toBeLessThan(COPIES_MAX);
});
