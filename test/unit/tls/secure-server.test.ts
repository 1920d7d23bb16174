// The TLS of a listener, with real sockets: tickets over rotations, other certificates, what is refused.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { SecureServer, TicketKeys, type TlsSettings } from '../../../src/wire/tls/tls.ts';
import { CertificateAuthority } from '../../support/certificates.ts';

const NAME = 'dns.example.net';
let authority: CertificateAuthority;
let material: Pick<TlsSettings, 'cert' | 'key'>;
let server: SecureServer;
let door: Server;
let keys: TicketKeys;

const settings = (): TlsSettings => ({
  ...material,
  clientAuthorities: undefined,
  ocsp: undefined,
  challenges: [],
  ticketKeys: keys.keys,
  ticketLifetimeSec: 3600,
});

const issue = (): typeof material => {
  const { certificate, key } = authority.issue({ names: [`DNS:${NAME}`] });
  return { cert: certificate, key };
};

beforeAll(() => {
  authority = CertificateAuthority.create();
});

beforeEach(async () => {
  material = issue();
  keys = new TicketKeys(0);
  server = new SecureServer(['dot'], settings());
  door = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    server.secure(socket, (secured) => {
      secured.on('error', () => {});
      secured.end(`${secured.alpnProtocol}`);
    });
  }).listen(0, '127.0.0.1');
  await once(door, 'listening');
});

afterEach(() => {
  door.close();
});

interface Seen {
  readonly isReused: boolean;
  readonly ticket: Buffer | undefined;
  readonly text: string;
  readonly serial: string;
  readonly group: string | undefined;
}

/** Connects, and waits for the end. */
const shake = async (options: ConnectionOptions = {}): Promise<Seen> => {
  const socket: TLSSocket = connect({
    port: (door.address() as AddressInfo).port,
    host: '127.0.0.1',
    servername: NAME,
    ca: authority.certificate,
    ALPNProtocols: ['dot'],
    ...options,
  });
  let ticket: Buffer | undefined;
  let text = '';
  socket.on('session', (session) => {
    ticket = session;
  });
  socket.on('data', (chunk) => {
    text += chunk.toString();
  });
  await once(socket, 'secureConnect');
  const isReused = socket.isSessionReused();
  const { serialNumber } = socket.getPeerCertificate();
  const { name } = socket.getEphemeralKeyInfo() as { name?: string };
  await once(socket, 'close');
  return { isReused, ticket, text, serial: serialNumber, group: name };
};

const rotate = (nowMs: number): void => {
  keys.rotate(nowMs, 1000);
  server.set(settings());
};

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'a ticket of %s outlives one rotation, and is renewed',
  async (version) => {
    const options = { minVersion: version, maxVersion: version };
    const first = await shake(options);
    expect(first.isReused).toBe(false);
    const resume = (session: Buffer | undefined) => shake({ ...options, ...(session && { session }) });
    expect((await resume(first.ticket)).isReused).toBe(true);
    rotate(1000);
    const second = await resume(first.ticket);
    expect(second.isReused).toBe(true);
    if (version === 'TLSv1.3') expect(second.ticket).toBeDefined();
    rotate(2000);
    expect((await resume(first.ticket)).isReused).toBe(false);
    if (version === 'TLSv1.3') expect((await resume(second.ticket)).isReused).toBe(true);
  },
);

test('tickets of one server resume sessions with another that has its keys, as workers have', async () => {
  const { ticket } = await shake();
  server = new SecureServer(['dot'], settings());
  expect((await shake({ ...(ticket && { session: ticket }) })).isReused).toBe(true);
});

test('tickets of nobody are answered with a whole handshake', async () => {
  const { ticket } = await shake();
  keys = new TicketKeys(0);
  server.set(settings());
  expect((await shake({ ...(ticket && { session: ticket }) })).isReused).toBe(false);
});

test('another certificate is shown from the next handshake on, and tickets stay good', async () => {
  const before = await shake();
  material = issue();
  server.set(settings());
  const after = await shake();
  expect(after.serial).not.toBe(before.serial);
  expect((await shake({ ...(before.ticket && { session: before.ticket }) })).isReused).toBe(true);
});

test('an OCSP response is stapled for who asks for it, also a newer one, and then none', async () => {
  const asked = async (): Promise<Buffer | null> => {
    const socket = connect({
      port: (door.address() as AddressInfo).port,
      host: '127.0.0.1',
      servername: NAME,
      ca: authority.certificate,
      requestOCSP: true,
    });
    socket.resume();
    const [response] = (await once(socket, 'OCSPResponse')) as [Buffer | null];
    await once(socket, 'close');
    return response;
  };
  for (const ocsp of [Uint8Array.of(0x30, 3, 0x0a, 1, 0), Uint8Array.of(0x30, 5, 0x0a, 1, 0, 5, 0)]) {
    server.set({ ...settings(), ocsp });
    expect(await asked()).toEqual(Buffer.from(ocsp));
  }
  server.set(settings());
  expect(await asked()).toBeNull();
});

test.each([
  ['TLS 1.1', { maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }],
  ['another protocol in ALPN', { ALPNProtocols: ['h2'] }],
  ['CBC', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' }],
] as const)('%s is refused', async (_name, options) => {
  await expect(
    shake({ ...options, ...('ALPNProtocols' in options && { ALPNProtocols: ['h2'] }) }),
  ).rejects.toThrow();
});

test('a client without ALPN is taken (RFC 7858 names none)', async () => {
  const socket = connect({
    port: (door.address() as AddressInfo).port,
    host: '127.0.0.1',
    servername: NAME,
    ca: authority.certificate,
  });
  const [text] = (await once(socket, 'data')) as [Buffer];
  expect(text.toString()).toBe('false');
  socket.destroy();
});

test('key exchange is post-quantum where the client has it', async () => {
  const { port } = door.address() as AddressInfo;
  const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-groups', 'X25519MLKEM768', '-alpn', 'dot'];
  const child = promisify(execFile)('openssl', args);
  child.child.stdin?.end();
  // The server may end the connection first, which openssl calls an error.
  const { stdout } = await child.catch((error: { readonly stdout: string }) => error);
  expect(stdout).toMatch(/X25519MLKEM768/);
});
