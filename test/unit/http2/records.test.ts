// Answers of one turn leave together over real TLS, and each is a record: what a client of TLS reads at a time.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { Http2Session } from '../../../src/wire/http2/http2.ts';
import { FLAG, PREFACE, settings, TYPE } from '../../conformance/http2/frames.ts';
import { get } from '../../conformance/http2/request.ts';
import { FrameReader } from '../../conformance/http2/wire.ts';
import { CertificateAuthority } from '../../support/certificates.ts';

const head = { status: 200, type: 'application/dns-message', cache: 'private, max-age=7' };

test('each answer comes in a record of its own, and all in order', async () => {
  const { certificate, key } = CertificateAuthority.create().issue({ names: ['DNS:dns.example.net'] });
  const sizes = [60, 130, 400, 468, 1_400, 12];
  let writes = 0;
  const server = createServer({ cert: certificate, key }, (socket) => {
    socket.on('error', () => {});
    const write = socket.write.bind(socket);
    socket.write = ((bytes: Buffer, written: () => void) => {
      writes++;
      return write(bytes, written);
    }) as typeof socket.write;
    const session = new Http2Session(socket, {
      now: () => 0,
      spend: () => true,
      wait: () => {},
      taken: () => {},
      flooded: () => {},
      asked: (stream) => {
        const content = Buffer.alloc(sizes[(stream.id - 1) / 2] ?? 0, stream.id);
        session.answer(stream, head, content, content.length);
      },
    });
    socket.on('data', (chunk) => session.receive(chunk));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({ port: (server.address() as AddressInfo).port, rejectUnauthorized: false });
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  await once(client, 'secureConnect');
  const reader = new FrameReader();
  const endsByRecord: number[][] = [];
  const contents = new Map<number, Buffer[]>();
  const whole = new Promise<void>((resolve) => {
    client.on('data', (record: Buffer) => {
      const ends: number[] = [];
      for (const { type, stream, flags, payload } of reader.read(record)) {
        if (type !== TYPE.DATA) continue;
        contents.set(stream, [...(contents.get(stream) ?? []), payload]);
        if ((flags & FLAG.END_STREAM) !== 0) ends.push(stream);
      }
      endsByRecord.push(ends);
      if (endsByRecord.flat().length === sizes.length) resolve();
    });
  });
  const requests = sizes.map((_, index) => get(2 * index + 1));
  client.write(Buffer.concat([PREFACE, settings(), ...requests]));
  await whole;
  expect(endsByRecord.flat()).toEqual(sizes.map((_, index) => 2 * index + 1));
  expect(Math.max(...endsByRecord.map((ends) => ends.length))).toBe(1);
  for (const [index, size] of sizes.entries()) {
    const id = 2 * index + 1;
    expect(Buffer.concat(contents.get(id) ?? []).equals(Buffer.alloc(size, id))).toBe(true);
  }
  // Ours of SETTINGS, and one for all answers.
  expect(writes).toBe(2);
});
