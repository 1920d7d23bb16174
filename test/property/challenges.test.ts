// A ClientHello that asks for a challenge, as Node.js sends it, whole and changed: it is found by its name alone, and nothing throws.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Challenges } from '../../src/wire/tls/tls.ts';
import { CertificateAuthority } from '../support/certificates.ts';

const NAME = 'dns.example.net';
const challenges = new Challenges();

beforeAll(() => {
  const { certificate: cert, key } = CertificateAuthority.create().issue({ names: [`DNS:${NAME}`] });
  challenges.set([{ serverName: NAME, cert, key }]);
});

afterAll(() => challenges.set([]));

/** What a client sends first. */
const helloOf = async (servername: string, protocols: readonly string[]): Promise<Buffer> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const connected = once(server, 'connection');
  const client = connect({ host: '127.0.0.1', port, servername, ALPNProtocols: [...protocols] });
  client.on('error', () => {});
  const [socket] = (await connected) as [NodeJS.ReadableStream & { destroy(): void }];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
};

/** The same message in records of a few bytes each (RFC 8446 section 5.1). */
const inRecords = (hello: Buffer, bytes: number): Buffer => {
  const message = hello.subarray(5);
  const parts: Buffer[] = [];
  for (let at = 0; at < message.length; at += bytes) {
    const part = message.subarray(at, at + bytes);
    parts.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 0xff]), part);
  }
  return Buffer.concat(parts);
};

test.each([
  [NAME, ['acme-tls/1'], true],
  [NAME.toUpperCase(), ['acme-tls/1'], true],
  ['other.example', ['acme-tls/1'], false],
  ['', ['acme-tls/1'], false],
  [NAME, ['h2', 'acme-tls/1'], false],
  [NAME, ['acme-tls/1', 'h2'], false],
  [NAME, ['acme-tls/2'], false],
  [NAME, ['h2', 'http/1.1'], false],
  [NAME, [], false],
] as const)('%s with %j asks for the challenge: %s', async (name, protocols, isFound) => {
  const hello = await helloOf(name, protocols);
  for (const bytes of [hello, inRecords(hello, 7), inRecords(hello, 200)]) {
    expect(challenges.find(bytes) !== undefined).toBe(isFound);
  }
});

test('no challenge is found where none is open', async () => {
  expect(new Challenges().find(await helloOf(NAME, ['acme-tls/1']))).toBeUndefined();
});

test('a changed ClientHello never throws', async () => {
  const hello = await helloOf(NAME, ['acme-tls/1']);
  const change = fc.tuple(fc.nat({ max: hello.length - 1 }), fc.nat({ max: 255 }));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 12 }), fc.nat({ max: hello.length }), (changes, length) => {
      const bytes = Buffer.from(hello.subarray(0, length === 0 ? hello.length : length));
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      challenges.find(bytes);
    }),
    { numRuns: 20_000 },
  );
});
