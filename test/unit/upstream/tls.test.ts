import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import type {
  ConnectionFault,
  ProofListener,
  TlsSettings,
} from '../../../src/resolver/upstream/connection.ts';
import {
  type ApplicationProtocol,
  certificateHashOf,
  pinOf,
  TlsDialer,
} from '../../../src/resolver/upstream/tls.ts';
import { CertificateAuthority, type Issued, openssl } from '../../support/certificates.ts';

const NAME = 'dns.example.net';
const HOUR_MS = 3_600_000;

const root = CertificateAuthority.create('Root');
const middle = root.issueAuthority('Middle');
const namesake = CertificateAuthority.create('Middle');
const stranger = CertificateAuthority.create('Stranger');
const good = middle.issue({ names: [`DNS:${NAME}`, 'IP:127.0.0.1', 'IP:::1'] });

const derOf = (pem: string): Buffer => new X509Certificate(pem).raw;
const pin = (pem: string): string => pinOf(derOf(pem)) ?? '';
const hash = (pem: string): string => certificateHashOf(derOf(pem)) ?? '';
/** What a server presents: its certificate and those that lead to the root. */
const withChain = (leaf: Issued, ...others: CertificateAuthority[]): TlsOptions => ({
  cert: [leaf, ...others.map(({ issued }) => issued)].map(({ certificate }) => certificate).join(''),
  key: leaf.key,
});

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

interface Seen {
  readonly port: number;
  readonly names: (string | false | null)[];
  /** Bytes of the application that arrived. */
  readonly received: () => number;
}

const serve = async (options: TlsOptions, host = '127.0.0.1'): Promise<Seen> => {
  const names: (string | false | null)[] = [];
  let received = 0;
  const server = createServer({ ALPNProtocols: ['dot', 'h2'], ...options }, (socket) => {
    names.push(socket.servername);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      received += chunk.length;
    });
    open.push(() => socket.destroy());
  });
  server.on('tlsClientError', () => {});
  server.listen(0, host);
  await once(server, 'listening');
  open.push(() => server.close());
  return { port: (server.address() as AddressInfo).port, names, received: () => received };
};

const settingsOf = (settings: Partial<TlsSettings> = {}): TlsSettings => ({
  serverName: NAME,
  pins: [],
  caCertificates: [root.certificate],
  ...settings,
});

interface DialText {
  readonly settings?: Partial<TlsSettings>;
  readonly protocol?: ApplicationProtocol;
  readonly clock?: () => number;
  readonly address?: string;
  readonly proof?: ProofListener;
}

const SILENT: ProofListener = { trusted: () => {}, untrusted: () => {} };

const dialerTo = ({ port }: Seen, text: DialText = {}): TlsDialer => {
  const { address = '127.0.0.1', protocol = 'dot', clock = Date.now } = text;
  const endpoint = { address, port, family: address.includes(':') ? (6 as const) : (4 as const) };
  return new TlsDialer(endpoint, settingsOf(text.settings), protocol, { clock, proof: text.proof ?? SILENT });
};

/** `proven`, or the first fault. */
const outcomeOf = (dialer: TlsDialer): Promise<{ outcome: 'proven' | ConnectionFault; socket: TLSSocket }> =>
  new Promise((resolve) => {
    const socket = dialer.connect(
      () => resolve({ outcome: 'proven', socket }),
      (fault) => resolve({ outcome: fault, socket }),
    );
    open.push(() => socket.destroy());
  });

const cases: {
  what: string;
  server?: TlsOptions;
  settings?: Partial<TlsSettings>;
  protocol?: ApplicationProtocol;
  outcome: 'proven' | ConnectionFault;
}[] = [
  { what: 'the name of a verified certificate', outcome: 'proven' },
  { what: 'the address of a verified certificate', settings: { serverName: '127.0.0.1' }, outcome: 'proven' },
  { what: 'another name', settings: { serverName: 'dns.example.com' }, outcome: 'certificate' },
  { what: 'another address', settings: { serverName: '192.0.2.1' }, outcome: 'certificate' },
  {
    what: 'a name that only the common name has',
    server: withChain(middle.issue({ names: [], commonName: NAME }), middle),
    outcome: 'certificate',
  },
  {
    what: 'a name that only the common name has beside an address',
    server: withChain(middle.issue({ names: ['IP:127.0.0.1'], commonName: NAME }), middle),
    outcome: 'certificate',
  },
  {
    what: 'an unknown authority',
    settings: { caCertificates: [stranger.certificate] },
    outcome: 'certificate',
  },
  { what: 'no authority at all', settings: { caCertificates: [] }, outcome: 'certificate' },
  { what: 'a chain with a gap', server: withChain(good), outcome: 'certificate' },
  {
    what: 'an expired certificate',
    server: withChain(middle.issue({ names: [`DNS:${NAME}`], endsInDays: -1 }), middle),
    outcome: 'certificate',
  },
  { what: 'the pin of the leaf', settings: { pins: ['AAAA', pin(good.certificate)] }, outcome: 'proven' },
  {
    what: 'the pin of another certificate',
    settings: { pins: [pin(root.certificate)] },
    outcome: 'certificate',
  },
  {
    what: 'the pin but not the name',
    settings: { pins: [pin(good.certificate)], serverName: 'dns.example.com' },
    outcome: 'certificate',
  },
  {
    what: 'the pin alone, which is enough then',
    settings: {
      pins: [pin(good.certificate)],
      serverName: 'dns.example.com',
      caCertificates: [stranger.certificate],
      isPinOnly: true,
    },
    outcome: 'proven',
  },
  {
    what: 'another pin alone',
    settings: { pins: [pin(root.certificate)], isPinOnly: true },
    outcome: 'certificate',
  },
  { what: 'no pin where pins alone are the proof', settings: { isPinOnly: true }, outcome: 'certificate' },
  {
    what: 'no pin but a hash where pins alone are the proof',
    settings: { isPinOnly: true, certificateHashes: [hash(good.certificate)] },
    outcome: 'certificate',
  },
  {
    what: 'the hash of the leaf',
    settings: { certificateHashes: [hash(good.certificate)] },
    outcome: 'proven',
  },
  {
    what: 'the hash of its authority',
    settings: { certificateHashes: ['00', hash(middle.certificate)] },
    outcome: 'proven',
  },
  {
    what: 'the hash of the root',
    settings: { certificateHashes: [hash(root.certificate)] },
    outcome: 'proven',
  },
  {
    what: 'the hash of a certificate that signed nothing of the chain',
    server: withChain(good, middle, stranger),
    settings: { certificateHashes: [hash(stranger.certificate)] },
    outcome: 'certificate',
  },
  {
    what: 'the hash of a namesake of its authority',
    server: withChain(good, namesake),
    settings: {
      isPinOnly: true,
      pins: [pin(good.certificate)],
      certificateHashes: [hash(namesake.certificate)],
    },
    outcome: 'certificate',
  },
  { what: 'HTTP/2', protocol: 'h2', outcome: 'proven' },
  {
    what: 'a server of DNS that knows no ALPN',
    server: { ...withChain(good, middle), ALPNProtocols: [] },
    outcome: 'proven',
  },
  {
    what: 'a server of HTTP that knows no ALPN',
    server: { ...withChain(good, middle), ALPNProtocols: [] },
    protocol: 'h2',
    outcome: 'network',
  },
  {
    what: 'a server of HTTP/1.1',
    server: { ...withChain(good, middle), ALPNProtocols: ['http/1.1'] },
    protocol: 'h2',
    outcome: 'network',
  },
  {
    what: 'TLS 1.2',
    server: { ...withChain(good, middle), maxVersion: 'TLSv1.2' },
    outcome: 'proven',
  },
  {
    what: 'TLS 1.1',
    server: {
      ...withChain(good, middle),
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    },
    outcome: 'network',
  },
];

test.each(cases)('connect() to $what: $outcome', async ({ server, settings, protocol, outcome }) => {
  const seen = await serve(server ?? withChain(good, middle));
  const text = { ...(settings && { settings }), ...(protocol && { protocol }) };
  const result = await outcomeOf(dialerTo(seen, text));
  expect(result.outcome).toBe(outcome);
  expect(result.socket.destroyed).toBe(outcome !== 'proven');
  expect(seen.received()).toBe(0);
});

test('connect() trusts what the system trusts when no authority is configured', async () => {
  const { port } = await serve(withChain(good, middle));
  const endpoint = { address: '127.0.0.1', port, family: 4 as const };
  const dialer = new TlsDialer(endpoint, { serverName: NAME, pins: [] }, 'dot', {
    clock: Date.now,
    proof: SILENT,
  });
  expect((await outcomeOf(dialer)).outcome).toBe('certificate');
});

test.for([
  ['authority', {}, { caCertificates: [stranger.certificate] }],
  ['name', {}, { serverName: 'dns.example.com' }],
  ['pin', {}, { pins: [pin(root.certificate)] }],
  ['expired', { endsInDays: -1 }, {}],
] as const)('connect() tells why a server is not trusted: %s', async ([reason, certificate, settings]) => {
  const issued = middle.issue({ names: [`DNS:${NAME}`], ...certificate });
  const seen = await serve(withChain(issued, middle));
  const told: string[] = [];
  const proof: ProofListener = {
    trusted: () => void told.push('trusted'),
    untrusted: (why) => void told.push(why),
  };
  expect((await outcomeOf(dialerTo(seen, { settings, proof }))).outcome).toBe('certificate');
  expect(told).toEqual([reason]);
});

test('connect() tells until when the first certificate of the chain is valid', async () => {
  const seen = await serve(withChain(middle.issue({ names: [`DNS:${NAME}`], endsInDays: 1 }), middle));
  const ends: number[] = [];
  const proof: ProofListener = { trusted: (ms) => void ends.push(ms), untrusted: () => {} };
  expect((await outcomeOf(dialerTo(seen, { proof }))).outcome).toBe('proven');
  expect(ends).toHaveLength(1);
  expect(Math.abs((ends[0] ?? 0) - Date.now() - 86_400_000)).toBeLessThan(600_000);
});

test('connect() works over IPv6', async () => {
  const seen = await serve(withChain(good, middle), '::1');
  const dialer = dialerTo(seen, { address: '::1', settings: { serverName: '::1' } });
  expect((await outcomeOf(dialer)).outcome).toBe('proven');
});

test('connect() to nobody is a network fault', async () => {
  const seen = await serve(withChain(good, middle));
  const dialer = dialerTo(seen);
  for (const close of open.splice(0)) close();
  expect((await outcomeOf(dialer)).outcome).toBe('network');
});

test('connect() sends a name but no address', async () => {
  const seen = await serve(withChain(good, middle));
  await outcomeOf(dialerTo(seen));
  await outcomeOf(dialerTo(seen, { settings: { serverName: '127.0.0.1' } }));
  await expect.poll(() => seen.names, { timeout: 60_000 }).toEqual([NAME, false]);
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'a session of %s is resumed for an hour, and only by the dialer that saw the certificate',
  async (maxVersion) => {
    const seen = await serve({ ...withChain(good, middle), maxVersion });
    let nowMs = Date.now();
    const dialer = dialerTo(seen, { clock: () => nowMs });
    const resumes = async (from: TlsDialer): Promise<boolean> => {
      const { socket, outcome } = await outcomeOf(from);
      expect(outcome).toBe('proven');
      // The ticket follows the handshake.
      await once(socket, 'session', { signal: AbortSignal.timeout(60) }).catch(() => {});
      const isReused = socket.isSessionReused();
      socket.destroy();
      return isReused;
    };
    expect(await resumes(dialer)).toBe(false);
    expect(await resumes(dialer)).toBe(true);
    expect(await resumes(dialerTo(seen))).toBe(false);
    nowMs += HOUR_MS;
    expect(await resumes(dialer)).toBe(true);
    nowMs += 1;
    expect(await resumes(dialer)).toBe(false);
    expect(await resumes(dialer)).toBe(true);
    nowMs -= 2 * HOUR_MS;
    expect(await resumes(dialer)).toBe(false);
  },
);

test.each([['no certificate'], [''], [good.certificate, '-----BEGIN CERTIFICATE-----\nAAAA']])(
  'a dialer with CA certificates that cannot be read is refused: %o',
  (...caCertificates) => {
    expect(() =>
      dialerTo({ port: 853, names: [], received: () => 0 }, { settings: { caCertificates } }),
    ).toThrow(expect.objectContaining({ code: 'ERR_UPSTREAM_CERTIFICATE' }));
  },
);

test('pinOf() and certificateHashOf() say what openssl says', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-pins-'));
  const run = (...args: string[]): Buffer => openssl(directory, ...args);
  for (const { certificate } of [good, middle.issued, root.issued]) {
    writeFileSync(join(directory, 'a.pem'), certificate);
    writeFileSync(join(directory, 'key.pem'), run('x509', '-in', 'a.pem', '-noout', '-pubkey'));
    run('pkey', '-pubin', '-in', 'key.pem', '-outform', 'der', '-out', 'key.der');
    run('asn1parse', '-in', 'a.pem', '-strparse', '4', '-noout', '-out', 'tbs.der');
    expect(pin(certificate)).toBe(run('dgst', '-sha256', '-binary', 'key.der').toString('base64'));
    expect(hash(certificate)).toBe(run('dgst', '-sha256', '-binary', 'tbs.der').toString('hex'));
  }
  rmSync(directory, { recursive: true });
});

test('pinOf() and certificateHashOf() bear any bytes', () => {
  const der = derOf(good.certificate);
  for (let length = 0; length < der.length; length++) {
    expect(pinOf(der.subarray(0, length))).toBeUndefined();
    expect(certificateHashOf(der.subarray(0, length))).toBeUndefined();
  }
  for (let at = 0; at < der.length; at++) {
    for (const value of [0x00, 0x80, 0x84, 0xff]) {
      const changed = Uint8Array.from(der);
      changed[at] = value;
      expect([typeof pinOf(changed), typeof certificateHashOf(changed)]).not.toContain('object');
    }
  }
});
