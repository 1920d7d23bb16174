// An order at a directory that does what it should not: what it can cost, and what comes of it.
import { execFileSync } from 'node:child_process';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type Challenge,
  createKey,
  obtainCertificate,
  openAccount,
  Session,
  Transport,
  toIdentifier,
} from '../../../src/wire/acme/acme.ts';
import { ACME_HOST } from '../../support/pebble.ts';
import { type DirectoryRequest, ScriptedDirectory } from '../../support/scripted-directory.ts';

const NAMES = ['dns.example.net', '192.0.2.1', '2001:db8::53'];

let directory: ScriptedDirectory;
/** Each time that challenges were opened or closed. */
let opened: (readonly Challenge[])[];
let waits: number[];

const keys = ScriptedDirectory.createKeys();
beforeEach(async () => {
  directory = await ScriptedDirectory.open(keys);
  opened = [];
  waits = [];
});

afterEach(() => directory.stop());

interface Asked {
  readonly signal?: AbortSignal;
  readonly authorities?: readonly string[];
  readonly names?: readonly string[];
  readonly place?: string;
  readonly agreesToTerms?: boolean;
}

const obtain = async ({
  signal = new AbortController().signal,
  authorities,
  names = NAMES,
  place,
  agreesToTerms = true,
}: Asked = {}) => {
  const accountKey = createKey();
  const at = place ?? directory.directory;
  const transport = new Transport(new URL(at), {
    resolve: (host) => Promise.resolve(host === ACME_HOST ? [{ address: '127.0.0.1', family: 4 }] : []),
    authorities: authorities ?? [directory.authority.certificate],
    userAgent: 'test',
  });
  const session = new Session(transport, at, accountKey, signal, Date.now);
  const applicant = { contact: undefined, agreesToTerms, externalAccount: undefined };
  session.account = await openAccount(session, applicant);
  const parts = {
    session,
    accountKey,
    openChallenges: async (challenges: readonly Challenge[]) => {
      opened.push(challenges);
      await turn();
    },
    wait: async (ms: number) => {
      waits.push(ms);
      await turn();
    },
    nowMs: Date.now,
  };
  return obtainCertificate(parts, {
    identifiers: names.map(toIdentifier),
    profile: undefined,
    replaces: undefined,
  });
};

const askedFor = (path: string): DirectoryRequest[] =>
  directory.requests.filter((request) => request.path === path);

test('a certificate comes with a new key, and challenges are open from before they are announced until they are looked at', async () => {
  directory.status = 'pending';
  directory.twist = ({ path, payload }) => {
    if (path.startsWith('/challenge') && payload !== undefined) {
      expect(opened.at(-1)).toHaveLength(3);
      directory.status = 'valid';
    }
    if (path === '/finalize') expect(opened.at(-1)).toEqual([]);
    return undefined;
  };
  const { cert, key } = await obtain();
  const leaf = new X509Certificate(cert);
  expect(leaf.subjectAltName).toBe(
    'DNS:dns.example.net, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:53',
  );
  expect(key).toContain('BEGIN PRIVATE KEY');
  expect(leaf.publicKey.asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' });
  const { key: other } = await obtain();
  expect(other).not.toBe(key);
});

test('no account is made without consent to the terms of the authority, and one with it', async () => {
  const at = (place: string): string => `${directory.origin}${place}`;
  const places = { newNonce: at('/nonce'), newAccount: at('/account'), newOrder: at('/new') };
  const meta = { termsOfService: 'https://terms.example/1' };
  directory.twist = ({ path }) => (path === '/dir' ? { body: { ...places, meta } } : undefined);
  await expect(obtain({ agreesToTerms: false })).rejects.toMatchObject({ code: 'ERR_ACME_TERMS' });
  expect(askedFor('/account')).toEqual([]);
  await obtain();
  expect(askedFor('/account')).toHaveLength(1);
});

test('the certificate of a challenge is what RFC 8737 and RFC 8738 ask for, as openssl reads it', async () => {
  directory.status = 'pending';
  directory.twist = ({ path }) => {
    if (path.startsWith('/challenge')) directory.status = 'valid';
    return undefined;
  };
  await obtain();
  const [challenges = []] = opened;
  expect(challenges.map(({ serverName }) => serverName)).toEqual([
    'dns.example.net',
    '1.2.0.192.in-addr.arpa',
    `3.5.${'0.'.repeat(22)}8.b.d.0.1.0.0.2.ip6.arpa`,
  ]);
  for (const { cert, key } of challenges) {
    const certificate = new X509Certificate(cert);
    expect(certificate.verify(createPublicKey(key))).toBe(true);
    const text = execFileSync('openssl', ['x509', '-noout', '-text', '-certopt', 'ext_dump'], {
      input: cert,
    }).toString();
    // SHA-256 of the key authorization, in an OCTET STRING.
    expect(text).toMatch(/1\.3\.6\.1\.5\.5\.7\.1\.31: critical\n\s+0000 - 04 20/);
    expect(text).toMatch(/Version: 3 /);
    expect(certificate.subjectAltName?.split(', ')).toHaveLength(1);
  }
});

test.each([
  ['what is no directory', '/dir', { body: '<html>hello</html>' }, 'ERR_ACME_ANSWER'],
  ['a list in place of a map', '/dir', { body: '[1]' }, 'ERR_ACME_ANSWER'],
  ['more bytes than anybody needs', '/dir', { body: ' '.repeat(200_000) }, 'ERR_ACME_ANSWER'],
  ['a redirect', '/dir', { status: 302, headers: { location: '/dir' } }, 'ERR_ACME_ANSWER'],
  [
    'a place at another server',
    '/dir',
    { body: { newNonce: 'https://192.0.2.9/', newAccount: '', newOrder: '' } },
    'ERR_ACME_ANSWER',
  ],
  [
    'a place without TLS',
    '/dir',
    { body: { newNonce: 'http://127.0.0.1/', newAccount: '', newOrder: '' } },
    'ERR_ACME_ANSWER',
  ],
  ['no nonce', '/nonce', { headers: { 'replay-nonce': 'a b\u00a0' } }, 'ERR_ACME_ANSWER'],
  ['an account nowhere', '/account', { status: 201, body: {} }, 'ERR_ACME_ANSWER'],
  [
    'a problem',
    '/new',
    {
      status: 403,
      body: { type: 'urn:ietf:params:acme:error:rejectedIdentifier', detail: 'no\nsuch\u001b[31m name' },
    },
    'ERR_ACME_REFUSED',
  ],
  ['an error of the server', '/new', { status: 500, body: 'x'.repeat(10_000) }, 'ERR_ACME_REFUSED'],
  ['no authorization', '/new', { status: 201, body: { authorizations: [] } }, 'ERR_ACME_ANSWER'],
  [
    'more authorizations than names',
    '/new',
    { status: 201, body: { authorizations: ['', '', '', ''] } },
    'ERR_ACME_ANSWER',
  ],
  [
    'an authorization for somebody else',
    '/authz/0',
    { body: { status: 'pending', identifier: { type: 'dns', value: 'other.example' } } },
    'ERR_ACME_ANSWER',
  ],
  [
    'no challenge of ours',
    '/authz/0',
    {
      body: {
        status: 'pending',
        identifier: { type: 'dns', value: 'dns.example.net' },
        challenges: [{ type: 'dns-01' }],
      },
    },
    'ERR_ACME_CHALLENGE',
  ],
  [
    'a token with more than letters',
    '/authz/0',
    {
      body: {
        status: 'pending',
        identifier: { type: 'dns', value: 'dns.example.net' },
        challenges: [{ type: 'tls-alpn-01', token: '../../../../etc/passwd' }],
      },
    },
    'ERR_ACME_CHALLENGE',
  ],
  ['no certificate', '/certificate', { body: 'hello' }, 'ERR_ACME_CERTIFICATE'],
  [
    'a certificate that cannot be parsed',
    '/certificate',
    { body: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' },
    'ERR_ACME_CERTIFICATE',
  ],
] as const)('%s is refused', async (_name, path, reply, code) => {
  directory.twist = (request) => (request.path === path ? reply : undefined);
  const error = await obtain().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code });
  expect((error as Error).message.length).toBeLessThan(800);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may come into a log.
  expect((error as Error).message).not.toMatch(/[\u0000-\u001f\u007f-\uffff]/);
  expect(opened.at(-1) ?? []).toEqual([]);
});

test.each([
  ['more bytes than anybody needs', { body: ' '.repeat(200_000) }, 'sends more than 131072 bytes'],
  ['a redirect', { status: 302, headers: { location: '/dir' } }, 'status 302, which ACME does not have'],
  [
    'headers without end',
    { headers: { a: 'x'.repeat(20_000) } },
    'cannot be reached: Parse Error: Header overflow',
  ],
])('a directory as it should be but for %s is refused', async (_name, change, text) => {
  const at = (place: string): string => `${directory.origin}${place}`;
  const whole = JSON.stringify({ newNonce: at('/nonce'), newAccount: at('/account'), newOrder: at('/new') });
  directory.twist = ({ path }) =>
    path === '/dir' ? { ...change, body: `${whole}${'body' in change ? change.body : ''}` } : undefined;
  await expect(obtain()).rejects.toMatchObject({ message: expect.stringContaining(text) as string });
});

test('a certificate for another key, for other names or of another time is refused', async () => {
  const other = directory.authority.issue({
    names: ['DNS:dns.example.net', 'IP:192.0.2.1', 'IP:2001:db8::53'],
  });
  directory.twist = ({ path }) => (path === '/certificate' ? { body: other.certificate } : undefined);
  await expect(obtain()).rejects.toMatchObject({
    code: 'ERR_ACME_CERTIFICATE',
    message: expect.stringContaining('another key') as string,
  });
  directory.twist = () => undefined;
  directory.names = ['DNS:other.example'];
  await expect(obtain()).rejects.toMatchObject({
    message: expect.stringContaining('is not for DNS:dns.example.net') as string,
  });
  directory.names = ['DNS:dns.example.net', 'IP:192.0.2.1', 'IP:2001:db8::53', 'DNS:other.example'];
  await expect(obtain()).rejects.toMatchObject({
    message: expect.stringContaining('also for DNS:other.example') as string,
  });
  directory.names = undefined;
  directory.endsInDays = -1;
  await expect(obtain()).rejects.toMatchObject({
    message: expect.stringContaining('which is not now') as string,
  });
});

test('a directory that never decides is left after a number of looks, and its wishes to wait are bounded', async () => {
  directory.status = 'pending';
  directory.twist = ({ path }) =>
    path === '/authz/0' && opened.length > 0
      ? {
          headers: { 'retry-after': '999999' },
          body: { status: 'pending', identifier: { type: 'dns', value: 'dns.example.net' } },
        }
      : undefined;
  await expect(obtain({ names: ['dns.example.net'] })).rejects.toMatchObject({ code: 'ERR_ACME_CHALLENGE' });
  expect(waits.length).toBe(40);
  expect(Math.max(...waits)).toBe(60_000);
  expect(opened.at(-1)).toEqual([]);
});

test('an order that came to nothing is told in the words of the authority', async () => {
  directory.status = 'pending';
  directory.twist = ({ path }) => {
    if (path.startsWith('/challenge')) directory.status = 'invalid';
    return undefined;
  };
  await expect(obtain()).rejects.toMatchObject({
    code: 'ERR_ACME_CHALLENGE',
    message: expect.stringContaining('dns.example.net is invalid: nobody was there') as string,
  });
  expect(opened.at(-1)).toEqual([]);
});

test('a nonce that is refused is replaced, ten times at most', async () => {
  let refused = 0;
  const bad = { status: 400, body: { type: 'urn:ietf:params:acme:error:badNonce' } };
  directory.twist = ({ path }) => (path === '/new' && refused++ < 9 ? bad : undefined);
  expect((await obtain()).cert).toContain('BEGIN CERTIFICATE');
  expect(askedFor('/new')).toHaveLength(10);
  const nonces = askedFor('/new').map(({ header }) => header['nonce']);
  expect(new Set(nonces).size).toBe(10);
  refused = Number.NEGATIVE_INFINITY;
  directory.requests.length = 0;
  await expect(obtain()).rejects.toMatchObject({ code: 'ERR_ACME_REFUSED' });
  expect(askedFor('/new')).toHaveLength(10);
});

test('who shows another certificate than the authority signed is told nothing', async () => {
  const other = await ScriptedDirectory.open();
  const { certificate } = other.authority;
  await other.stop();
  await expect(obtain({ authorities: [certificate] })).rejects.toMatchObject({
    code: 'ERR_ACME_UNREACHABLE',
  });
  await expect(obtain({ place: directory.directory.replace(ACME_HOST, 'localhost') })).rejects.toMatchObject({
    code: 'ERR_ACME_UNREACHABLE',
  });
  expect(directory.requests).toEqual([]);
});

test('silence ends with the order', async () => {
  directory.twist = () => 'silence';
  const ended = new AbortController();
  const asked = obtain({ signal: ended.signal });
  await expect.poll(() => directory.requests.length).toBe(1);
  ended.abort();
  await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
});
