// Outputs over a connection, against receivers that read, hang, vanish or are not who they should be.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, expect, test, vi } from 'vitest';
import { DnstapOutput } from '../../../src/evidence/records/outputs/dnstap.ts';
import type { LinkTimes } from '../../../src/evidence/records/outputs/stream-link.ts';
import { SyslogOutput } from '../../../src/evidence/records/outputs/syslog.ts';
import { PlacedRecord } from '../../../src/evidence/records/record-output.ts';
import { CertificateAuthority } from '../../support/certificates.ts';

const WAIT = { timeout: 90_000, interval: 10 };
const TIMES: LinkTimes = { retryMin: 5, retryMax: 20, open: 10_000, stall: 60_000, close: 5_000 };
const SENDER = { resolver: 'ns1.example.com', version: '1.0.0', facility: 'local0', processId: 1 } as const;

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A receiver on loopback; `accept` gets each connection. */
const listen = async (accept: (socket: Socket) => void, server: Server = createServer(), port = 0) => {
  const sockets = new Set<Socket>();
  const event = 'setSecureContext' in server ? 'secureConnection' : 'connection';
  server.on(event, (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    accept(socket);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  closing.push(close);
  return { port: (server.address() as AddressInfo).port, close };
};

/** Collects what a connection brings. */
const collect = (into: Buffer[]) => (socket: Socket) => {
  socket.on('data', (piece: Buffer) => into.push(piece));
};

/** The messages of a stream of counted frames; throws when a frame is not of the grammar. */
const readFrames = (pieces: readonly Buffer[]): string[] => {
  let rest = Buffer.concat(pieces);
  const messages: string[] = [];
  while (rest.length > 0) {
    const space = rest.indexOf(' ');
    const digits = rest.toString('latin1', 0, space);
    if (!/^[1-9]\d*$/.test(digits)) throw new Error(`no length: ${digits}`);
    messages.push(rest.toString('utf8', space + 1, space + 1 + Number(digits)));
    rest = rest.subarray(space + 1 + Number(digits));
  }
  return messages;
};

const records = (from: number, to: number, reason = 'é\nx'): PlacedRecord[] =>
  Array.from({ length: to - from + 1 }, (_, i) => {
    const record = { time: '2026-11-25T10:00:00.000Z', kind: 'admin', action: 'pause', by: 'kim', reason };
    return new PlacedRecord(JSON.stringify(record), from + i, 'changes');
  });

const sequencesOf = (messages: readonly string[]): number[] =>
  messages.map((message) => Number(/ seq="(\d+)"/.exec(message)?.[1]));

const numbers = (from: number, to: number): number[] => records(from, to).map(({ sequence }) => sequence);

test('SyslogOutput sends counted frames in order, and the rest at close()', async () => {
  const pieces: Buffer[] = [];
  const { port } = await listen(collect(pieces));
  const output = new SyslogOutput({
    ...SENDER,
    name: 's',
    to: { transport: 'tcp', address: '127.0.0.1', port },
    times: TIMES,
  });
  output.write(records(1, 2_000));
  await vi.waitFor(() => expect(output.written).toBe(2_000), WAIT);
  output.write(records(2_001, 2_010));
  await output.close();
  await vi.waitFor(() => expect(sequencesOf(readFrames(pieces))).toEqual(numbers(1, 2_010)), WAIT);
  expect(output.dropped).toBe(0);
});

test('SyslogOutput finds a receiver that comes later, and one that restarted', async () => {
  const first: Buffer[] = [];
  const before = await listen(collect(first));
  const { port } = before;
  const output = new SyslogOutput({
    ...SENDER,
    name: 's',
    to: { transport: 'tcp', address: '127.0.0.1', port },
    times: TIMES,
  });
  output.write(records(1, 3));
  await vi.waitFor(() => expect(readFrames(first)).toHaveLength(3), WAIT);
  before.close();
  await vi.waitFor(() => expect(output.trouble).toMatch(/ECONNREFUSED/), WAIT);
  output.write(records(4, 6));
  expect(output.queued).toBe(3);
  const second: Buffer[] = [];
  await listen(collect(second), createServer(), port);
  await vi.waitFor(() => expect(sequencesOf(readFrames(second))).toEqual([4, 5, 6]), WAIT);
  expect(output.trouble).toBeUndefined();
  await output.close();
  expect(output.dropped).toBe(0);
});

test('SyslogOutput costs counted drops and nothing else when the receiver never reads', async () => {
  const { port } = await listen((socket) => socket.pause());
  const output = new SyslogOutput({
    ...SENDER,
    name: 's',
    to: { transport: 'tcp', address: '127.0.0.1', port },
    bounds: { count: 1_000, bytes: 4 << 20 },
    times: { ...TIMES, close: 50 },
  });
  let given = 0;
  // Until the buffers of both kernels are full and the queue as well.
  await vi.waitFor(() => {
    output.write(records(given + 1, given + 1_000, 'x'.repeat(4_000)));
    given += 1_000;
    expect(output.dropped).toBeGreaterThan(1_000);
  }, WAIT);
  expect(output.queued).toBeLessThanOrEqual(1_000);
  await output.close();
  expect(output.written + output.dropped).toBe(given);
});

test('SyslogOutput leaves a receiver that stopped reading and tries again', async () => {
  let connections = 0;
  const { port } = await listen((socket) => {
    connections++;
    socket.pause();
  });
  const output = new SyslogOutput({
    ...SENDER,
    name: 's',
    to: { transport: 'tcp', address: '127.0.0.1', port },
    times: { ...TIMES, stall: 20, close: 20 },
  });
  await vi.waitFor(() => {
    output.write(records(1, 1_000, 'x'.repeat(4_000)));
    expect(connections).toBeGreaterThan(1);
  }, WAIT);
  await output.close();
});

test.each([
  ['a receiver with the name', ['DNS:logs.example.com'], 'logs.example.com', undefined],
  ['a receiver with the address', ['IP:127.0.0.1'], '127.0.0.1', undefined],
  ['another name', ['DNS:other.example.com'], 'logs.example.com', /altnames|does not match/i],
  ['the name as common name only', [], 'logs.example.com', /subjectAltName/],
])('SyslogOutput over TLS: %s', async (_case, names, serverName, fault) => {
  const authority = CertificateAuthority.create();
  const issued = authority.issue({ names, commonName: 'logs.example.com' });
  const pieces: Buffer[] = [];
  const server = createTlsServer({ key: issued.key, cert: issued.certificate });
  const { port } = await listen(collect(pieces), server);
  const output = new SyslogOutput({
    ...SENDER,
    name: 's',
    to: { transport: 'tls', address: '127.0.0.1', port, serverName, ca: authority.certificate },
    times: TIMES,
  });
  output.write(records(1, 3));
  if (fault === undefined) {
    await vi.waitFor(() => expect(sequencesOf(readFrames(pieces))).toEqual([1, 2, 3]), WAIT);
  } else {
    await vi.waitFor(() => expect(output.trouble).toMatch(fault), WAIT);
    expect([pieces, output.written]).toEqual([[], 0]);
  }
  await output.close();
});

test('SyslogOutput over TLS sends nothing to an authority that is not its own, nor in plaintext', async () => {
  const issued = CertificateAuthority.create().issue({ names: ['DNS:logs.example.com'] });
  const pieces: Buffer[] = [];
  const server = createTlsServer({ key: issued.key, cert: issued.certificate });
  const tls = await listen(collect(pieces), server);
  const plain = await listen(collect(pieces));
  const outputs = [tls.port, plain.port].map(
    (port) =>
      new SyslogOutput({
        ...SENDER,
        name: 's',
        to: {
          transport: 'tls',
          address: '127.0.0.1',
          port,
          serverName: 'logs.example.com',
          ca: CertificateAuthority.create().certificate,
        },
        times: { ...TIMES, open: 200 },
      }),
  );
  for (const output of outputs) output.write(records(1, 3));
  await vi.waitFor(() => expect(outputs[0]?.trouble).toMatch(/certificate|issuer/i), WAIT);
  await vi.waitFor(() => expect(outputs[1]?.trouble).toMatch(/no answer/), WAIT);
  await Promise.all(outputs.map((output) => output.close()));
  expect(outputs.map(({ written }) => written)).toEqual([0, 0]);
  // The receiver without TLS saw the first bytes of handshakes (record type 22) and no record.
  expect(Buffer.concat(pieces).includes('cordon@')).toBe(false);
});

test('SyslogOutput tells a CA certificate that cannot be read and goes on living', async () => {
  const { port } = await listen(() => undefined);
  const output = new SyslogOutput({
    ...SENDER,
    name: 's',
    to: { transport: 'tls', address: '127.0.0.1', port, serverName: 'a.example', ca: '', key: 'no key' },
    times: TIMES,
  });
  await vi.waitFor(() => expect(output.trouble).toMatch(/PEM|DECODER|unsupported/i), WAIT);
  await output.close();
});

test('DnstapOutput writes no record before the receiver accepted its content type', async () => {
  const pieces: Buffer[] = [];
  const { port } = await listen((socket) => {
    collect(pieces)(socket);
    // ACCEPT with the content type `text`.
    socket.write(Buffer.from('000000000000001000000001000000010000000474657874', 'hex'));
  });
  const output = new DnstapOutput({
    name: 'd',
    identity: 'ns1',
    version: '1',
    to: { transport: 'tcp', address: '127.0.0.1', port },
    times: TIMES,
  });
  const refusal = {
    time: '2026-11-25T10:00:00.000Z',
    kind: 'refusal',
    client: '192.0.2.7',
    transport: 'udp',
    group: 'default',
    qname: 'www.example.com',
    qtype: 'A',
    generation: 1,
  };
  output.write([new PlacedRecord(JSON.stringify(refusal), 1, 'queries')]);
  await vi.waitFor(() => expect(output.trouble).toMatch(/does not take protobuf:dnstap.Dnstap/), WAIT);
  expect(output.written).toBe(0);
  expect(Buffer.concat(pieces).includes('www')).toBe(false);
  await output.close();
});

test('DnstapOutput leaves a receiver that speaks something else', async () => {
  const { port } = await listen((socket) => {
    socket.write('220 mail.example.com ESMTP\r\n');
    socket.resume();
  });
  const output = new DnstapOutput({
    name: 'd',
    identity: 'ns1',
    version: '1',
    to: { transport: 'tcp', address: '127.0.0.1', port },
    times: TIMES,
  });
  await vi.waitFor(() => expect(output.trouble).toMatch(/does not speak Frame Streams/), WAIT);
  await output.close();
});
