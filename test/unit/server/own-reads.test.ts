// Sockets that were accepted read into one piece of memory, in order, pause and resume, and see the end.
import { EventEmitter, once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { readInto } from '../../../src/resolver/server/own-reads.ts';
import { CertificateAuthority } from '../../support/certificates.ts';

const READ_BYTES = 16_384;
const nothing = (): void => {};

/** A client and the socket that was accepted from it. */
const createPair = async (): Promise<{ client: Socket; accepted: Socket }> => {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [Socket];
  onTestFinished(() => {
    client.destroy();
    accepted.destroy();
    server.close();
  });
  return { client, accepted };
};

test('all sockets read into the same memory, a piece at a time', async () => {
  const memories = new Set<ArrayBufferLike>();
  for (let i = 0; i < 2; i++) {
    const { client, accepted } = await createPair();
    const sent = Buffer.from(Array.from({ length: 100_000 }, (_, at) => (at * 7 + i) & 0xff));
    const pieces: Buffer[] = [];
    readInto(
      accepted,
      (chunk) => {
        expect(chunk.length).toBeLessThanOrEqual(READ_BYTES);
        memories.add(chunk.buffer);
        pieces.push(Buffer.from(chunk));
      },
      nothing,
    );
    const ended = once(accepted, 'end');
    client.end(sent);
    await ended;
    expect(Buffer.concat(pieces).equals(sent)).toBe(true);
    expect(accepted.readableEnded).toBe(true);
  }
  expect(memories.size).toBe(1);
});

test('a socket that is paused reads nothing until it is resumed', async () => {
  const { client, accepted } = await createPair();
  const seen: string[] = [];
  const read = (): Promise<void> =>
    new Promise((resolve) => {
      next = resolve;
    });
  let next = (): void => {};
  readInto(
    accepted,
    (chunk) => {
      seen.push(chunk.toString('latin1'));
      accepted.pause();
      next();
    },
    nothing,
  );
  const first = read();
  client.write('one');
  await first;
  client.end('two');
  await once(client, 'finish');
  expect(seen).toEqual(['one']);
  const second = read();
  const ended = once(accepted, 'end');
  accepted.resume();
  await second;
  accepted.resume();
  await ended;
  expect(seen).toEqual(['one', 'two']);
});

test('a socket that was read from before goes on as it was', async () => {
  const { client, accepted } = await createPair();
  client.write('header');
  await once(accepted, 'readable');
  expect(String(accepted.read())).toBe('header');
  const came = new Promise<string>((resolve) => {
    readInto(accepted, (chunk) => resolve(chunk.toString('latin1')), nothing);
  });
  client.write('query');
  expect(await came).toBe('query');
});

/** The same over TLS. */
const createSecurePair = async (): Promise<{ client: Socket; accepted: Socket }> => {
  const { certificate, key } = CertificateAuthority.create().issue({ names: ['DNS:dns.example.net'] });
  const server = createTlsServer({ cert: certificate, key, allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connectTls({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    rejectUnauthorized: false,
  });
  const [accepted] = (await once(server, 'secureConnection')) as [Socket];
  onTestFinished(() => {
    client.destroy();
    accepted.destroy();
    server.close();
  });
  return { client, accepted };
};

test('records of TLS that come in one piece wait while the socket is paused, and the end behind them', async () => {
  const { client, accepted } = await createSecurePair();
  const seen: string[] = [];
  const door = new EventEmitter();
  readInto(
    accepted,
    (chunk) => {
      seen.push(chunk.toString('latin1'));
      accepted.pause();
      door.emit('read');
    },
    () => {
      seen.push('end');
      door.emit('ended');
    },
  );
  const first = once(door, 'read');
  // Three records, of which the kernel makes one piece.
  client.cork();
  for (const text of ['one', 'two', 'three']) {
    client.write(text);
    client.uncork();
  }
  client.end();
  await first;
  await once(accepted, 'end');
  expect(seen).toEqual(['one']);
  const second = once(door, 'read');
  const ended = once(door, 'ended');
  accepted.resume();
  await second;
  accepted.resume();
  await ended;
  expect(seen.join(' ').replace('twothree', 'two three')).toBe('one two three end');
});
