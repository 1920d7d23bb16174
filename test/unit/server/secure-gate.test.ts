// Before TLS: what has to come before a handshake begins, how many begin, and who is closed without one. Real sockets.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createAddress, parseAddress } from '../../../src/base/base.ts';
import { HANDSHAKE } from '../../../src/base/words/words.ts';
import { SecureGate } from '../../../src/resolver/server/secure-gate.ts';
import { TicketKeys } from '../../../src/wire/tls/tls.ts';
import { CertificateAuthority, type Issued } from '../../support/certificates.ts';

let issued: Issued;
let gate: SecureGate;
let door: Server;
let results: number[];
let nowMs: number;
let isLimited: boolean;

beforeAll(() => {
  issued = CertificateAuthority.create().issue({ names: ['DNS:dns.example.net'] });
});

beforeEach(async () => {
  results = [];
  nowMs = 1_000_000;
  isLimited = false;
  const { certificate: cert, key } = issued;
  const settings = {
    cert,
    key,
    ocsp: undefined,
    ticketKeys: new TicketKeys(0).keys,
    ticketLifetimeSec: 60,
    clientAuthorities: undefined,
    challenges: [],
  };
  const observer = {
    tlsHandshake: (result: number) => {
      results.push(result);
      door.emit('told');
    },
  };
  const options = {
    settings,
    mayShake: () => !isLimited,
    mayStay: () => true,
    observer,
  };
  gate = new SecureGate(['dot'], options, () => nowMs);
  door = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const words = createAddress();
    parseAddress(socket.remoteAddress ?? '', words);
    socket.on('error', () => {});
    gate.admit(socket, words, (secured) => {
      secured.on('error', () => {});
      secured.end('secured');
    });
    door.emit('admitted');
  }).listen(0, '127.0.0.1');
  await once(door, 'listening');
});

afterEach(() => {
  door.close();
});

const open = async (localAddress = '127.0.0.1'): Promise<Socket> => {
  const { port } = door.address() as AddressInfo;
  const admitted = once(door, 'admitted');
  const socket = connect({ host: '127.0.0.1', port, localAddress, noDelay: true });
  socket.on('error', () => {});
  await admitted;
  return socket;
};

/** The ClientHello of Node.js, as it comes off the wire. */
const captureHello = async (): Promise<Buffer> => {
  const catcher = createServer().listen(0, '127.0.0.1');
  await once(catcher, 'listening');
  const client = connectTls({ port: (catcher.address() as AddressInfo).port, host: '127.0.0.1' });
  client.on('error', () => {});
  const [socket] = (await once(catcher, 'connection')) as [Socket];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  catcher.close();
  return hello;
};

const shake = async (through: Socket): Promise<string> => {
  const client: TLSSocket = connectTls({
    socket: through,
    rejectUnauthorized: false,
    ALPNProtocols: ['dot'],
  });
  client.on('error', () => {});
  let text = '';
  client.on('data', (chunk) => {
    text += chunk.toString();
  });
  await new Promise((resolve) => client.once('close', resolve));
  return text;
};

test('a handshake begins when its ClientHello is there, and is told', async () => {
  expect(await shake(await open())).toBe('secured');
  expect(results).toEqual([HANDSHAKE.FULL]);
});

test('a ClientHello may come byte by byte, or in many records', async () => {
  const hello = await captureHello();
  const bytes = await open();
  for (const byte of hello) bytes.write(Buffer.of(byte));
  const [first] = (await once(bytes, 'data')) as [Buffer];
  // A ServerHello: it began.
  expect(first[0]).toBe(22);
  bytes.destroy();
  const body = hello.subarray(5);
  const records = await open();
  for (let at = 0; at < body.length; at += 100) {
    const part = body.subarray(at, at + 100);
    records.write(Buffer.concat([Buffer.of(22, 3, 1, part.length >> 8, part.length & 0xff), part]));
  }
  const [second] = (await once(records, 'data')) as [Buffer];
  expect(second[0]).toBe(22);
  records.destroy();
  expect(results).toEqual([]);
  // Both went away in the middle; nothing of them stays for longer than a handshake may take.
  nowMs += 5_001;
  gate.sweep();
  expect(results).toEqual([HANDSHAKE.FAILED, HANDSHAKE.FAILED]);
});

test.each([
  ['a query of plain DNS', Buffer.from([0, 17, 0, 1, 1, 0, 0, 1])],
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['one byte that is none', Buffer.of(0x80)],
  ['another record of TLS', Buffer.from([23, 3, 3, 0, 16, 1, 2, 3])],
  ['another message of a handshake', Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])],
  ['another version', Buffer.from([22, 2, 0, 0, 4, 1, 0, 0, 0])],
  ['an empty record', Buffer.from([22, 3, 1, 0, 0])],
  ['a record of more than there can be', Buffer.from([22, 3, 1, 0x40, 1])],
  ['a ClientHello of more than there can be', Buffer.from([22, 3, 1, 1, 0, 1, 1, 0, 0])],
])('%s is closed at once', async (_name, bytes) => {
  const socket = await open();
  socket.write(bytes);
  socket.resume();
  await once(socket, 'close');
  expect(results).toEqual([HANDSHAKE.NO_HELLO]);
});

test('who sends no whole ClientHello in time is closed, also with a clock that stepped back', async () => {
  for (const step of [5_001, -1]) {
    const socket = await open();
    socket.resume();
    socket.write(Buffer.of(22, 3));
    gate.sweep();
    expect(results).toEqual([]);
    nowMs += step;
    gate.sweep();
    await once(socket, 'close');
    expect(results.splice(0)).toEqual([HANDSHAKE.TOO_LATE]);
  }
});

test('an address that makes too many is closed before anything is signed for it', async () => {
  isLimited = true;
  expect(await shake(await open())).toBe('');
  expect(results).toEqual([HANDSHAKE.LIMITED]);
});

test('networks take turns: one that has many waiting is not served before one with a single one', async () => {
  const hello = await captureHello();
  const many: Socket[] = [];
  for (let i = 0; i < 12; i++) many.push(await open('127.0.1.1'));
  const single = await open('127.0.2.1');
  const order: string[] = [];
  for (const socket of [...many, single]) {
    socket.once('data', () => order.push(socket === single ? 'single' : 'many'));
  }
  for (const socket of many) socket.write(hello);
  single.write(hello);
  await Promise.all([...many, single].map((socket) => once(socket, 'data')));
  expect(order.indexOf('single')).toBeLessThan(order.length - 1);
  for (const socket of [...many, single]) socket.destroy();
});

test('a client that goes away before its turn leaves nothing behind', async () => {
  const hello = await captureHello();
  const socket = await open();
  socket.write(hello);
  socket.destroy();
  expect(await shake(await open())).toBe('secured');
  expect(results.filter((result) => result === HANDSHAKE.FULL)).toHaveLength(1);
});
