// DNS over HTTPS given what no client should send: requests of HTTP/1.1 that hide another one, paths that mean another one, names
// and protocols of the handshake that nobody has. What is wrong is refused, nothing that is hidden is answered, and it goes on.
import { once } from 'node:events';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { readAdmin, readMetric, readReply } from '../support/client.ts';
import {
  DotClient,
  getPath,
  listenerOf,
  openHttp1,
  openHttp2,
  SERVER_NAME,
} from '../support/encrypted-client.ts';
import { requireProgram, run } from '../support/process.ts';
import { buildQuery } from '../support/records.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';
import { root } from '../tidy/sources.ts';

const MEDIA_TYPE = 'application/dns-message';
const TOKEN = 'dGhlLXRva2VuLW9mLWE';
/** Its SHA-256 is that of nobody: it only has the form. */
const NO_HASH = '00'.repeat(32);
const QUERY = Buffer.from(buildQuery('www.example. A', { id: 0, edns: {} }));
const PATH = getPath(QUERY);
/** What is hidden in others: whoever answers it says 404. */
const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n';
/** From the last byte of an answer until no other one is expected. */
const QUIET_MS = 150;

let authority: CertificateAuthority;
let upstream: ScriptedUpstream;
let cordon: Cordon;

beforeAll(async () => {
  authority = CertificateAuthority.create();
  const { certificate, key } = authority.issue({ names: [`DNS:${SERVER_NAME}`] });
  upstream = await ScriptedUpstream.open((query) => answer(query, [`${query.name} 300 IN A 192.0.2.1`]));
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], doh: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem, handshakes: 10000 }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: tiktok, shipped: tiktok }]
groups:
  - { name: default, lists: [tiktok] }
  - { name: tablets, lists: [], tokens: [{ device: tablet, sha256: "${NO_HASH}" }] }
  - { name: guests, lists: [], server-names: [guests.dns.example.net] }
`,
    files: { 'cert.pem': certificate, 'key.pem': key },
  });
});

afterAll(async () => {
  await cordon.stop();
  await upstream.close();
});

/** Sends bytes over TLS, and gives the status codes that came until it was quiet or closed. */
const send = async (...pieces: (string | Buffer)[]): Promise<{ statuses: number[]; isClosed: boolean }> => {
  const { address, port } = listenerOf(cordon, 'doh');
  const socket = connect({ host: address, port, ca: authority.certificate, servername: SERVER_NAME });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  let text = '';
  let atMs = performance.now();
  let isClosed = false;
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    atMs = performance.now();
  });
  socket.on('close', () => {
    isClosed = true;
  });
  socket.on('end', () => socket.end());
  for (const piece of pieces) socket.write(piece);
  await expect
    .poll(() => isClosed || (text !== '' && performance.now() - atMs > QUIET_MS), { interval: 20 })
    .toBe(true);
  socket.destroy();
  // A status line, and no content that looks like one.
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) [A-Z]/g)].map(([, status]) => Number(status));
  return { statuses, isClosed };
};

const post = (headers: string, content: string | Buffer = QUERY): Buffer =>
  Buffer.concat([
    Buffer.from(`POST /dns-query HTTP/1.1\r\nHost: x\r\nContent-Type: ${MEDIA_TYPE}\r\n${headers}\r\n`),
    Buffer.from(content),
  ]);
const chunk = (bytes: Buffer, extension = ''): Buffer =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}${extension}\r\n`), bytes, Buffer.from('\r\n')]);
const LENGTH = `Content-Length: ${QUERY.length}\r\n`;
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const get = (path = PATH, headers = 'Host: x\r\n'): string => `GET ${path} HTTP/1.1\r\n${headers}\r\n`;

/** Requests that hide another one, or are read by two servers in two ways: one refusal, and the end. */
const AMBIGUOUS: readonly (readonly [what: string, bytes: Buffer | string])[] = [
  ['length and chunks', post(`Content-Length: 5\r\n${CHUNKED}`, `0\r\n\r\n${HIDDEN}`)],
  ['chunks and length', post(`${CHUNKED}Content-Length: 5\r\n`, `0\r\n\r\n${HIDDEN}`)],
  ['two lengths', post(`${LENGTH}Content-Length: 0\r\n`)],
  ['two lengths in one', post(`Content-Length: ${QUERY.length}, 0\r\n`)],
  ['a length with a sign', post(`Content-Length: +${QUERY.length}\r\n`)],
  ['a length in another base', post('Content-Length: 0x1d\r\n')],
  ['a negative length', post('Content-Length: -1\r\n', HIDDEN)],
  ['a length without an end', post(`Content-Length: ${'9'.repeat(30)}\r\n`)],
  ['a space before the colon', post(`Content-Length : ${QUERY.length}\r\n`)],
  [
    'chunks that are not the last coding',
    post('Transfer-Encoding: chunked, identity\r\n', `0\r\n\r\n${HIDDEN}`),
  ],
  ['a folded line', post(`${CHUNKED.slice(0, -2)}\r\n ,x\r\n`, `0\r\n\r\n${HIDDEN}`)],
  ['a NUL in a value', post(`X: a\0b\r\n${LENGTH}`)],
  ['a carriage return in a value', post(`X: a\rb\r\n${LENGTH}`)],
  ['lines that end in LF alone', get().replaceAll('\r\n', '\n')],
  ['one line that ends in LF alone', `GET ${PATH} HTTP/1.1\r\nHost: x\nX: y\r\n\r\n`],
  ['a chunk with no number', post(CHUNKED, 'g\r\n\r\n')],
  ['a chunk that is longer than it says', post(CHUNKED, `1\r\nabc\r\n0\r\n\r\n${HIDDEN}`)],
  ['a chunk size that ends in LF alone', post(CHUNKED, `1\na\r\n0\r\n\r\n${HIDDEN}`)],
  ['a chunk of more than there are numbers', post(CHUNKED, `${'f'.repeat(20)}\r\n`)],
  ['an extension of a chunk without an end', post(CHUNKED, `1;${'x'.repeat(20_000)}\r\na\r\n0\r\n\r\n`)],
  ['no Host', get(PATH, '')],
  ['a version that is none', get().replace('HTTP/1.1', 'HTTP/1.9')],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a line of a proxy', `PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n${get()}`],
];

describe('HTTP/1.1', () => {
  test.each(AMBIGUOUS)('%s: one refusal, nothing behind it, and the end', async (_what, bytes) => {
    const { statuses, isClosed } = await send(bytes);
    expect(isClosed).toBe(true);
    expect(statuses.length).toBeLessThanOrEqual(1);
    for (const status of statuses) expect([400, 413, 431, 505]).toContain(status);
  });

  test.each<[what: string, bytes: (Buffer | string)[], statuses: number[]]>([
    ['an extension of a chunk', [post(CHUNKED, ''), chunk(QUERY, ';a=b'), '0\r\n\r\n'], [200]],
    [
      'a query in chunks of a byte',
      [post(CHUNKED, ''), ...[...QUERY].map((byte) => chunk(Buffer.of(byte))), '0\r\n\r\n'],
      [200],
    ],
    ['trailers', [post(CHUNKED, ''), chunk(QUERY), '0\r\nX-Behind: y\r\n\r\n'], [200]],
    ['a target that is written as a whole', [get(`https://${SERVER_NAME}${PATH}`)], [200]],
    ['three requests at once, in their order', [get() + get('/other') + get()], [200, 404, 200]],
    [
      'the content of a GET is no request',
      [get(PATH, `Host: x\r\nContent-Length: ${HIDDEN.length}\r\n`) + HIDDEN + get()],
      [200, 200],
    ],
    [
      'an upgrade that nobody offers',
      [
        get(
          PATH,
          'Host: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n',
        ),
      ],
      [200],
    ],
    ['an expectation that nobody knows', [post(`${LENGTH}Expect: the-unexpected\r\n`)], [417]],
    ['no version, as before HTTP/1.0', [`GET ${PATH}\r\n\r\n`], [200]],
    ['TRACE', [get().replace('GET', 'TRACE')], [405]],
    ['HTTP/1.0', [get(PATH, '').replace('HTTP/1.1', 'HTTP/1.0')], [200]],
  ])('%s', async (_what, bytes, statuses) => {
    expect((await send(...bytes)).statuses).toEqual(statuses);
  });

  test('what is left of a refused content is no request', async () => {
    const { statuses } = await send(post('Content-Length: 9000\r\n', ''), HIDDEN.repeat(240), get());
    expect(statuses).toEqual([413]);
  });

  test('CONNECT opens nothing', async () => {
    const { statuses } = await send('CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n', get());
    expect(statuses.filter((status) => status === 200)).toEqual([]);
  });
});

/** Behind a token that has the form of one. */
const behind = `/dns-query/${TOKEN}`;
const QUESTION = PATH.slice(PATH.indexOf('?'));
const PATHS: readonly (readonly [path: string, status: number])[] = [
  ...(
    [
      [
        '/dns-query/../dns-query',
        '/./dns-query',
        '//dns-query',
        '/dns-query//',
        '/dns-query/',
        '/x/../dns-query',
      ],
      [
        '/%64ns-query',
        '/dns-query%2f',
        '/dns-query%3f',
        '/dns%2dquery',
        '/dns-query%00',
        '/DNS-QUERY',
        '/dns-query;a=b',
      ],
      [
        '/dns-query.',
        '/dns-query/..',
        `/dns-query/..%2f${TOKEN}`,
        `${behind}/`,
        `${behind}/..`,
        `${behind}%2f`,
      ],
      [
        `${behind};a`,
        `/${behind}`,
        `/dns-query/${TOKEN}+`,
        `/dns-query/${TOKEN}=`,
        `/dns-query/${'a'.repeat(129)}`,
      ],
    ] as const
  )
    .flat()
    .map((path) => [`${path}${QUESTION}`, 404] as const),
  [`${behind}${QUESTION}`, 200],
  [`/dns-query${QUESTION}&dns=`, 400],
  [`/dns-query${QUESTION}${QUESTION}`, 400],
  [`/dns-query${QUESTION}%3d`, 400],
  [`/dns-query${QUESTION}=`, 400],
  [`/dns-query?x=%26dns=${QUESTION.slice(5)}`, 400],
  [`/dns-query?dns[]=${QUESTION.slice(5)}`, 400],
  [`/dns-query?%64ns=${QUESTION.slice(5)}`, 400],
  [`/dns-query?dns=${'A'.repeat(5_600)}==`, 414],
];

test.each(PATHS)('the path %s is answered %i in both versions', async (path, status) => {
  for (const open of [openHttp2, openHttp1]) {
    const client = await open(listenerOf(cordon, 'doh'), { ca: authority.certificate });
    expect((await client.request({ path })).status).toBe(status);
    await client.close();
  }
});

describe('the handshake', () => {
  const handshake = async (kind: 'dot' | 'doh', options: object): Promise<TLSSocket | string> => {
    const { address, port } = listenerOf(cordon, kind);
    const socket = connect({
      host: address,
      port,
      ca: authority.certificate,
      servername: SERVER_NAME,
      ...options,
    });
    return new Promise((resolve) => {
      socket.on('secureConnect', () => resolve(socket));
      socket.on('error', (thrown: Error & { code?: string }) => resolve(thrown.code ?? thrown.message));
    });
  };

  test.each<['dot' | 'doh', string[] | undefined, string | false | undefined]>([
    ['dot', ['h2'], undefined],
    ['dot', ['http/1.1'], undefined],
    ['dot', ['h2', 'dot'], 'dot'],
    ['dot', undefined, false],
    ['doh', ['dot'], undefined],
    ['doh', ['h3'], undefined],
    ['doh', ['http/1.1', 'h2'], 'h2'],
    ['doh', undefined, false],
  ])('of %s with the protocols %j agrees on %j', async (kind, ALPNProtocols, agreed) => {
    const socket = await handshake(kind, ALPNProtocols === undefined ? {} : { ALPNProtocols });
    if (typeof socket === 'string') {
      expect(agreed).toBeUndefined();
      expect(socket).toMatch(/NO_APPLICATION_PROTOCOL/i);
      return;
    }
    expect(socket.alpnProtocol).toBe(agreed);
    socket.destroy();
  });

  test.each([
    'a'.repeat(63),
    `${'a.'.repeat(120)}example`,
    `guests.dns.example.net.${'x'.repeat(230)}`,
    'xn--bcher-kva.example',
    'GUESTS',
    'guests.dns.example.net.',
    ' guests.dns.example.net',
    '*.dns.example.net',
    'default',
    '__proto__',
  ])('by the name %j is nobody’s', async (servername) => {
    const client = await DotClient.open(listenerOf(cordon, 'dot'), {
      ca: authority.certificate,
      servername,
      checkServerIdentity: () => undefined,
    }).catch(() => undefined);
    // It may be refused; who is taken is in no group but that of its address.
    if (client === undefined) return;
    expect((await client.ask('www.tiktok.com. A')).rcode).toBe(RCODE.NXDOMAIN);
    await client.end();
  });

  test('is not begun anew over TLS 1.2', async (context) => {
    requireProgram(context, 'openssl');
    const { port } = listenerOf(cordon, 'dot');
    const { stdout, stderr } = await run(
      'openssl',
      ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_2', '-legacy_renegotiation'],
      { input: 'R\n' },
    );
    expect(`${stdout}${stderr}`).toMatch(/no renegotiation/i);
  });
});

describe.each(['dot', 'doh'] as const)('keys that change over %s', (kind) => {
  const flooded = () => readMetric(cordon, 'cordon_tls_closed_total', { reason: 'flood' });
  const change = async (count: number): Promise<number> => {
    const script = join(root, 'test/support/key-updates.py');
    const { port } = listenerOf(cordon, kind);
    return Number((await run('python3', [script, `${port}`, `${count}`])).stdout);
  };

  test('now and then do no harm', async (context) => {
    requireProgram(context, 'python3');
    const before = await flooded();
    expect(await change(200)).toBe(200);
    expect(await flooded()).toBe(before);
  });

  test('without an end are a flood', async (context) => {
    requireProgram(context, 'python3');
    const before = await flooded();
    expect(await change(2_000_000)).toBeLessThan(1_000_000);
    await expect.poll(flooded).toBe(before + 1);
    // Whoever floods waits for its next connection, twice as long each time.
    await expect
      .poll(() =>
        DotClient.open(listenerOf(cordon, 'dot'), { ca: authority.certificate }).then(
          (client) => client.end().then(() => true),
          () => false,
        ),
      )
      .toBe(true);
  });
});

test('no token stands in the log or among the metrics, and the program is alive and unmoved', async () => {
  expect(cordon.output()).not.toContain(TOKEN);
  expect((await readAdmin(cordon, '/metrics')).body).not.toContain(TOKEN);
  expect(await readMetric(cordon, 'cordon_group_queries_total', { group: 'tablets' })).toBe(0);
  const client = await openHttp2(listenerOf(cordon, 'doh'), { ca: authority.certificate });
  const { body } = await client.request({ path: PATH });
  expect(readReply(body)).toMatchObject({ rcode: RCODE.NOERROR });
  await client.close();
});
