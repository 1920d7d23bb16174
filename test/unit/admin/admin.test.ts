// The admin listener over real HTTP on loopback.
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { hostname } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import { AppError, type Prefix, parsePrefix } from '../../../src/base/base.ts';
import {
  type Admin,
  type ProgramControl,
  type Readiness,
  startAdmin,
} from '../../../src/people/admin/admin.ts';

const prefix = (text: string): Prefix => {
  const parsed = parsePrefix(text);
  if (parsed === undefined) throw new TypeError(text);
  return parsed;
};
const LOOPBACK = [prefix('127.0.0.0/8'), prefix('::1')];

const READY: Readiness = {
  ready: true,
  answering: true,
  causes: [],
  issues: [],
  state: 'enforced',
  text: 'every mandate list is in force',
  groups: [],
};
const WITHOUT_MANDATE: Readiness = {
  ...READY,
  ready: false,
  causes: ['configuration'],
  state: 'no-mandate',
  text: 'no mandate list is in force',
  todo: 'Put the mandate lists back.',
  groups: [{ group: 'default', state: 'no-mandate' }],
};
const NOT_READY: Readiness = {
  ...WITHOUT_MANDATE,
  answering: false,
  causes: ['startup'],
  state: 'not-ready',
};

const CONTROL: ProgramControl = {
  version: '1.2.3',
  metricsContentType: 'text/plain; version=0.0.4; charset=utf-8',
  metrics: () => Promise.resolve('cordon_up 1\n'),
  addresses: (form) =>
    Promise.resolve({
      text: `# ${form}\n`,
      sha256: 'abc',
      changedAtMs: Date.UTC(2026, 10, 26, 1, 2, 3, 456),
    }),
  readiness: () => READY,
};

const logged: [object, string][] = [];
let admin: Admin | undefined;

const start = async (
  options: { control?: Partial<ProgramControl>; allow?: readonly Prefix[]; hosts?: readonly string[] } = {},
): Promise<Admin> => {
  admin = await startAdmin({
    endpoint: { address: '127.0.0.1', port: 0, family: 4 },
    allow: options.allow ?? LOOPBACK,
    hosts: options.hosts ?? [],
    control: { ...CONTROL, ...options.control },
    log: { error: (fields, text) => logged.push([fields, text]) },
  });
  return admin;
};

afterEach(async () => {
  await admin?.close();
  admin = undefined;
  logged.length = 0;
});

const get = async (path: string, init: RequestInit = {}) => {
  const response = await fetch(`http://${admin?.address}${path}`, init);
  return { status: response.status, headers: response.headers, body: await response.text() };
};

/** Sends bytes as they are and reads until the listener closes the connection. */
const sendRaw = async (bytes: string): Promise<string> => {
  const [address = '', port = ''] = (admin?.address ?? '').split(':');
  const socket = connect(Number(port), address);
  socket.setEncoding('utf8');
  let text = '';
  socket.on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('error', () => undefined);
  socket.write(bytes);
  await once(socket, 'close');
  return text;
};

test('GET /metrics gives the page with its media type', async () => {
  await start();
  const { status, headers, body } = await get('/metrics');
  expect([status, body]).toEqual([200, 'cordon_up 1\n']);
  expect(headers.get('content-type')).toBe(CONTROL.metricsContentType);
});

test('GET /addresses/{form} is for pollers: who has it already gets 304', async () => {
  await start();
  const first = await get('/addresses/edl');
  expect(first).toMatchObject({ status: 200, body: '# edl\n' });
  const etag = first.headers.get('etag') ?? '';
  const modified = first.headers.get('last-modified') ?? '';
  expect([etag, modified, first.headers.get('cache-control')]).toEqual([
    '"edl-abc"',
    'Thu, 26 Nov 2026 01:02:03 GMT',
    'no-cache',
  ]);
  const statusOf = async (headers: Record<string, string>) =>
    (await get('/addresses/edl', { headers })).status;
  expect(await statusOf({ 'if-none-match': etag })).toBe(304);
  expect(await statusOf({ 'if-none-match': `"other", W/${etag}` })).toBe(304);
  expect(await statusOf({ 'if-none-match': '"pf-abc"' })).toBe(200);
  expect(await statusOf({ 'if-modified-since': modified })).toBe(304);
  expect(await statusOf({ 'if-modified-since': 'Thu, 26 Nov 2026 01:02:02 GMT' })).toBe(200);
  expect(await statusOf({ 'if-none-match': '"other"', 'if-modified-since': modified })).toBe(200);
  expect(await statusOf({ 'if-modified-since': 'no date' })).toBe(200);
  const known = await get('/addresses/edl', { headers: { 'if-none-match': etag } });
  expect([known.body, known.headers.get('content-type'), known.headers.get('etag')]).toEqual([
    '',
    null,
    etag,
  ]);
  expect((await get('/addresses/iptables')).status).toBe(404);
  expect((await get('/addresses/edl', { method: 'POST' })).status).toBe(405);
});

test('GET /healthz says that the process lives, ready or not', async () => {
  await start({ control: { readiness: () => NOT_READY } });
  const { status, headers, body } = await get('/healthz');
  expect(status).toBe(200);
  expect(JSON.parse(body)).toEqual({ status: 'ok', version: '1.2.3' });
  expect(headers.get('content-type')).toContain('application/json');
});

test.each([
  [READY, 200, 200],
  [WITHOUT_MANDATE, 503, 200],
  [NOT_READY, 503, 503],
])('GET /readyz with %o is %i, GET /answering %i, and both say why', async (readiness, ready, answering) => {
  await start({ control: { readiness: () => readiness } });
  const pages = [await get('/readyz'), await get('/answering')];
  expect(pages.map(({ status }) => status)).toEqual([ready, answering]);
  for (const { body } of pages) expect(JSON.parse(body)).toEqual(readiness);
});

test.each(['/', '/metrics/', '/metrics/../metrics2', '/healthz2', '//metrics', '/%6detrics', '/constructor'])(
  'GET %s is a 404 problem',
  async (path) => {
    await start();
    const { status, headers, body } = await get(path);
    expect(status).toBe(404);
    expect(headers.get('content-type')).toContain('application/problem+json');
    expect(JSON.parse(body)).toMatchObject({ type: 'about:blank', title: 'Not Found', status: 404 });
  },
);

test('a query string changes nothing', async () => {
  await start();
  expect((await get('/healthz?a=/metrics')).status).toBe(200);
});

test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('%s is a 405 problem with Allow', async (method) => {
  await start();
  const { status, headers, body } = await get('/metrics', { method });
  expect(status).toBe(405);
  expect(headers.get('allow')).toBe('GET, HEAD');
  expect(JSON.parse(body)).toMatchObject({ status: 405 });
});

test('HEAD has the headers of GET and no body', async () => {
  await start();
  const { status, headers, body } = await get('/metrics', { method: 'HEAD' });
  expect([status, body, headers.get('content-length')]).toEqual([200, '', '12']);
});

test.each(['/metrics', '/nothing'])('%s has the security headers', async (path) => {
  await start();
  const { headers } = await get(path);
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('content-security-policy')).toContain("default-src 'none'");
});

test.each(['/metrics', '/healthz', '/nothing'])(
  'a client that is not listed gets 403 for %s',
  async (path) => {
    await start({ allow: [prefix('192.0.2.0/24'), prefix('127.0.0.2')] });
    const { status, headers, body } = await get(path, { headers: { 'x-forwarded-for': '192.0.2.1' } });
    expect(status).toBe(403);
    expect(headers.get('content-type')).toContain('application/problem+json');
    expect(JSON.parse(body)).toMatchObject({ status: 403 });
    expect(body).not.toContain('cordon_up');
  },
);

test('a client is judged by its own address', async () => {
  await start({ allow: [prefix('127.0.0.2')] });
  const [host, port] = (admin?.address ?? '').split(':');
  const from = (localAddress: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const message = request({ host, port, path: '/healthz', localAddress, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      message.on('error', reject);
      message.end();
    });
  expect(await from('127.0.0.2')).toBe(200);
  expect(await from('127.0.0.3')).toBe(403);
});

test('a defect behind a route is a 500 problem that tells nothing, and one log line', async () => {
  await start({ control: { metrics: () => Promise.reject(new TypeError('inner detail')) } });
  const { status, body } = await get('/metrics');
  expect(status).toBe(500);
  expect(body).not.toContain('inner detail');
  expect(logged).toEqual([
    [{ err: new TypeError('inner detail'), path: '/metrics' }, 'answering an admin request'],
  ]);
});

test('the Host header may be missing or hostile', async () => {
  await start();
  expect(await sendRaw('GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
  expect(await sendRaw('GET /healthz HTTP/1.1\r\nHost: @/\r\nConnection: close\r\n\r\n')).toMatch(
    /^HTTP\/1\.1 421 /,
  );
});

test.each([
  ['a header over 8 KiB', `GET /healthz HTTP/1.1\r\nCookie: ${'a'.repeat(9000)}\r\n\r\n`, 431],
  ['what is no HTTP', '\x00\x01\x02\r\n\r\n', 400],
  [
    'a header with two lengths',
    'GET /healthz HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    400,
  ],
])('%s is answered %3$i and closed', async (_name, bytes, expected) => {
  await start();
  expect(await sendRaw(bytes)).toMatch(new RegExp(`^HTTP/1\\.1 ${expected} `));
});

test.each([
  ['a length', 'Content-Length: 1000000\r\n\r\nabc'],
  ['chunks', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'],
])(
  'a connection that brings a body with %s is answered and closed without reading it',
  async (_name, rest) => {
    await start();
    const text = await sendRaw(`POST /metrics HTTP/1.1\r\n${rest}`);
    expect(text).toMatch(/^HTTP\/1\.1 405 /);
    expect(text).toContain('Connection: close');
  },
);

test('an address in use is ERR_ADMIN_LISTEN with what to do', async () => {
  const other = createServer();
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const started = startAdmin({
    endpoint: { address: '127.0.0.1', port, family: 4 },
    allow: LOOPBACK,
    hosts: [],
    control: CONTROL,
    log: { error: () => undefined },
  });
  const error: unknown = await started.catch((thrown: unknown) => thrown);
  other.close();
  if (!(error instanceof AppError)) throw new TypeError('no AppError');
  expect(error.code).toBe('ERR_ADMIN_LISTEN');
  expect(error.message).toBe(`listening for admin requests on 127.0.0.1:${port}: the address is in use`);
  expect(error.hint).toContain('listen.admin');
});

test('an address of another machine is ERR_ADMIN_LISTEN', async () => {
  const started = startAdmin({
    endpoint: { address: '192.0.2.1', port: 0, family: 4 },
    allow: LOOPBACK,
    hosts: [],
    control: CONTROL,
    log: { error: () => undefined },
  });
  await expect(started).rejects.toMatchObject({ code: 'ERR_ADMIN_LISTEN' });
});

test('close() ends idle connections and gives the port back', async () => {
  const running = await start();
  await get('/healthz');
  await running.close();
  admin = undefined;
  await expect(fetch(`http://${running.address}/healthz`)).rejects.toThrow();
});

test('close() ends a response that never comes', async () => {
  const running = await start({ control: { metrics: () => new Promise<string>(() => undefined) } });
  const pending = fetch(`http://${running.address}/metrics`).catch((error: unknown) => error);
  await fetch(`http://${running.address}/healthz`);
  await running.close();
  admin = undefined;
  expect(await pending).toBeInstanceOf(Error);
});

/** A request with a Host of its own; fetch() would set it. */
const getAs = (host: string | undefined): Promise<string> =>
  sendRaw(
    host === undefined
      ? 'GET /metrics HTTP/1.0\r\n\r\n'
      : `GET /metrics HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
  );

test.each([
  ['an address', '127.0.0.1:9153', 200],
  ['an IPv6 address', '[::1]:9153', 200],
  ['localhost', 'localhost', 200],
  ['the name of this host', hostname(), 200],
  ['a name of the configuration', 'Metrics.Agency.Example.:9153', 200],
  ['nobody', undefined, 200],
  ['a page that leads its name here', 'rebound.example.com', 421],
  ['a name that begins like an address', '127.0.0.1.example.com', 421],
  ['a name below a configured one', 'www.metrics.agency.example', 421],
  ['nothing', '', 421],
] as const)('a request for %s is answered accordingly', async (_whom, host, status) => {
  await start({ hosts: ['metrics.agency.example'] });
  const text = await getAs(host);
  expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  if (status === 421) expect(text).not.toContain('cordon_up');
});

test('clients that open connections and send no request keep nobody out', async () => {
  await start();
  const [address = '', port = ''] = (admin?.address ?? '').split(':');
  const slow = Array.from({ length: 200 }, () => {
    const socket = connect(Number(port), address);
    socket.on('error', () => undefined);
    socket.write('GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ');
    return socket;
  });
  try {
    await Promise.all(slow.map((socket) => once(socket, 'connect')));
    for (let i = 0; i < 20; i++) {
      expect(await getAs('127.0.0.1')).toMatch(/^HTTP\/1\.1 200 /);
      // Those that were sent away come again.
      const socket = connect(Number(port), address);
      socket.on('error', () => undefined);
      socket.write('GET /met');
      slow.push(socket);
    }
  } finally {
    for (const socket of slow) socket.destroy();
  }
});

test('a client whose response is under way keeps its place, and those that may not ask have few', async () => {
  const scrape = Promise.withResolvers<string>();
  await start({ control: { metrics: () => scrape.promise } });
  const [address = '', port = ''] = (admin?.address ?? '').split(':');
  const scraped = getAs('127.0.0.1');
  const slow = Array.from({ length: 100 }, () => connect(Number(port), address));
  for (const socket of slow) socket.on('error', () => undefined);
  await Promise.all(slow.map((socket) => once(socket, 'connect')));
  expect((await get('/healthz')).status).toBe(200);
  scrape.resolve('cordon_up 1\n');
  expect(await scraped).toContain('cordon_up 1');
  for (const socket of slow) socket.destroy();
});
