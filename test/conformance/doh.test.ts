// DNS over HTTPS as RFC 8484 and RFC 9110 have it: methods, media types, status codes, freshness, IDs; over HTTP/2 and HTTP/1.1.
//
// Each case is one request and what has to come of it, with the clause that says so. The client is that of Node.js, and
// what is asked stands in the case as bytes or text, so that nothing of ours is judged by itself.
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { readMetric, readReply } from '../support/client.ts';
import {
  getPath,
  type HttpClient,
  type HttpReply,
  type HttpRequest,
  listenerOf,
  openHttp1,
  openHttp2,
  postOf,
  SERVER_NAME,
} from '../support/encrypted-client.ts';
import { buildQuery } from '../support/records.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const MEDIA_TYPE = 'application/dns-message';
/** Records of an answer of 12 KB. */
const BIG_COUNT = 55;
/** What the RFC asks itself, in its own letters (section 4.1.1). */
const EXAMPLE = 'AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB';
const EXAMPLE_OF_LETTERS =
  'AAABAAABAAAAAAAAAWE-NjJjaGFyYWN0ZXJsYWJlbC1tYWtlcy1iYXNlNjR1cmwtZGlzdGluY3QtZnJvbS1zdGFuZGFyZC1iYXNlNjQHZXhhbXBsZQNjb20AAAEAAQ';

let cordon: Cordon;
let upstream: ScriptedUpstream;
let authority: CertificateAuthority;

beforeAll(async () => {
  authority = CertificateAuthority.create();
  const { certificate, key } = authority.issue({ names: [`DNS:${SERVER_NAME}`] });
  upstream = await ScriptedUpstream.open((query) => {
    const { name } = query;
    const label = name.split('.')[0] ?? '';
    if (label.startsWith('absent')) {
      return answer(query, [], {
        flags: 0x8183,
        authority: ['example. 900 IN SOA ns.example. mail.example. 1 3600 600 86400 60'],
      });
    }
    if (label.startsWith('nodata')) {
      return answer(query, [], {
        authority: ['example. 40 IN SOA ns.example. mail.example. 1 3600 600 86400 60'],
      });
    }
    if (label === 'big') {
      // Over UDP it does not fit, and comes again over TCP.
      if (query.transport === 'udp') return answer(query, []).map((byte, at) => (at === 2 ? byte | 2 : byte));
      return answer(
        query,
        Array.from({ length: BIG_COUNT }, (_, i) => `${name} 300 IN TXT "${`${i}`.padStart(200, '.')}"`),
      );
    }
    if (label.startsWith('servfail')) return answer(query, [], { flags: 0x8182 });
    if (label.startsWith('alias')) {
      return answer(query, [`${name} 77 IN CNAME end.example.`, 'end.example. 300 IN A 192.0.2.2']);
    }
    if (label.startsWith('zero')) return answer(query, [`${name} 0 IN A 192.0.2.1`]);
    return answer(query, [`${name} 300 IN A 192.0.2.1`, `${name} 200 IN A 192.0.2.3`]);
  });
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], doh: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: tiktok, shipped: tiktok }]
`,
    files: { 'cert.pem': certificate, 'key.pem': key },
  });
});

afterAll(async () => {
  await cordon.stop();
  await upstream.close();
});

/** One request and what comes of it. */
interface Case {
  readonly name: string;
  /** Where it is said. */
  readonly clause: string;
  readonly request: HttpRequest;
  readonly status: number;
  readonly check?: (reply: HttpReply) => void;
}

const query = (question: string, id = 0): Uint8Array => buildQuery(question, { id, edns: {} });
const get = (question: string, headers?: Record<string, string>): HttpRequest => ({
  path: getPath(query(question)),
  ...(headers && { headers }),
});
const base64url = Buffer.from(query('www.example. A')).toString('base64url');

const isAnswer =
  (expected: object) =>
  ({ headers, body }: HttpReply): void => {
    expect(headers['content-type']).toBe(MEDIA_TYPE);
    expect(headers['content-length']).toBe(`${body.length}`);
    expect(readReply(body)).toMatchObject(expected);
  };
const isFresh =
  (min: number, max: number) =>
  ({ headers }: HttpReply): void => {
    const [, age = '-1'] = /(?:^|[ ,])max-age=(\d+)$/.exec(`${headers['cache-control']}`) ?? [];
    expect(Number(age)).toBeGreaterThanOrEqual(min);
    expect(Number(age)).toBeLessThanOrEqual(max);
  };
const hasText = ({ headers, body }: HttpReply): void => {
  expect(headers['content-type']).toMatch(/^text\/plain/);
  expect(body.length).toBeGreaterThan(0);
};

const GOOD: readonly Case[] = [
  ...(
    [
      ['GET', get('www.example. A'), '4.1'],
      ['POST', postOf(query('www.example. A')), '4.1'],
      ['GET with the ID 0', get('www.example. A'), '4.1'],
      ['GET with Accept', get('www.example. A', { accept: MEDIA_TYPE }), '4.1'],
      ['GET that accepts anything', get('www.example. A', { accept: '*/*' }), '4.1'],
      [
        'GET that accepts several',
        get('www.example. A', { accept: `text/html, ${MEDIA_TYPE};q=0.5` }),
        '4.1',
      ],
      ['GET that accepts a range', get('www.example. A', { accept: 'application/*' }), '4.1'],
      ['GET with other parameters', { path: `/dns-query?ct&dns=${base64url}&x=y` }, '3'],
      ['GET with a parameter before it', { path: `/dns-query?a=dns=&dns=${base64url}` }, '3'],
      [
        'POST with letters of another case',
        { ...postOf(query('www.example. A')), headers: { 'content-type': 'Application/DNS-Message' } },
        '4.1',
      ],
      [
        'POST with parameters of the media type',
        { ...postOf(query('www.example. A')), headers: { 'content-type': `${MEDIA_TYPE};x=y` } },
        '4.1',
      ],
      ['POST with a query string', { ...postOf(query('www.example. A')), path: '/dns-query?dns=x' }, '4.1'],
      [
        'POST that accepts the type',
        { ...postOf(query('www.example. A')), headers: { 'content-type': MEDIA_TYPE, accept: MEDIA_TYPE } },
        '4.1',
      ],
      [
        'POST without encoding',
        {
          ...postOf(query('www.example. A')),
          headers: { 'content-type': MEDIA_TYPE, 'content-encoding': 'identity' },
        },
        '4.1',
      ],
    ] satisfies readonly [string, HttpRequest, string][]
  ).map(([name, request, clause]) => ({
    name,
    clause: `RFC 8484 section ${clause}`,
    request,
    status: 200,
    check: isAnswer({ rcode: RCODE.NOERROR, id: 0 }),
  })),
  ...(
    [
      ['the first example of the RFC', { path: `/dns-query?dns=${EXAMPLE}` }],
      ['its example of POST', postOf(Buffer.from(EXAMPLE, 'base64url'))],
      ['its example of letters that Base64 has not', { path: `/dns-query?dns=${EXAMPLE_OF_LETTERS}` }],
    ] satisfies readonly [string, HttpRequest][]
  ).map(([name, request]) => ({
    name,
    clause: 'RFC 8484 section 4.1.1',
    request: { ...request, headers: { ...request.headers, accept: MEDIA_TYPE } },
    status: 200,
    check: isAnswer({ rcode: RCODE.NOERROR, id: 0 }),
  })),
  {
    name: 'an answer of 12 KB is not cut, though no size was said',
    clause: 'RFC 8484 section 6',
    request: postOf(buildQuery('big.example. TXT', { id: 0 })),
    status: 200,
    check: ({ body }) => {
      expect(readReply(body).answer).toHaveLength(BIG_COUNT);
      expect((body[2] ?? 0) & 2).toBe(0);
    },
  },
  {
    name: 'nobody is made to remember anything',
    clause: 'RFC 8484 section 8.2',
    request: get('www.example. A', { cookie: 'a=b' }),
    status: 200,
    check: ({ headers }) => {
      const known = new Set([
        ':status',
        'content-type',
        'content-length',
        'cache-control',
        'date',
        'connection',
      ]);
      expect(Object.keys(headers).filter((name) => !known.has(name) && name !== 'keep-alive')).toEqual([]);
    },
  },
  {
    name: 'the answer has the ID of the query',
    clause: 'RFC 8484 section 4.1',
    request: postOf(query('www.example. A', 0xbeef)),
    status: 200,
    check: isAnswer({ id: 0xbeef }),
  },
  {
    name: 'HEAD has the headers of GET',
    clause: 'RFC 9110 section 9.3.2',
    request: { method: 'HEAD', path: getPath(query('www.example. A')) },
    status: 200,
    check: ({ headers, body }) => {
      expect(headers['content-type']).toBe(MEDIA_TYPE);
      expect(Number(headers['content-length'])).toBeGreaterThan(12);
      expect(body).toHaveLength(0);
    },
  },
  {
    name: 'NXDOMAIN is a success',
    clause: 'RFC 8484 section 4.2.1',
    request: get('absent.example. A'),
    status: 200,
    check: isAnswer({ rcode: RCODE.NXDOMAIN }),
  },
  {
    name: 'SERVFAIL is a success',
    clause: 'RFC 8484 section 4.2.1',
    request: get('servfail.example. A'),
    status: 200,
    check: isAnswer({ rcode: RCODE.SERVFAIL }),
  },
  {
    name: 'what a list refuses is a success',
    clause: 'RFC 8484 section 4.2.1',
    request: get('www.tiktok.com. A'),
    status: 200,
    check: isAnswer({ rcode: RCODE.NXDOMAIN, ede: { infoCode: 15 } }),
  },
  {
    name: 'NOTIMP is a success',
    clause: 'RFC 8484 section 4.2.1',
    request: postOf(Uint8Array.from(query('www.example. A'), (byte, at) => (at === 2 ? 0x10 : byte))),
    status: 200,
    check: ({ body }) => expect(readReply(body).rcode).toBe(RCODE.NOTIMP),
  },
  {
    name: 'FORMERR is a success',
    clause: 'RFC 8484 section 4.2.1',
    request: postOf(query('www.example. A').slice(0, -3)),
    status: 200,
    check: ({ body }) => expect(readReply(body).rcode).toBe(RCODE.FORMERR),
  },
  {
    name: 'an answer is fresh for its smallest TTL',
    clause: 'RFC 8484 section 5.1',
    request: get('fresh.example. A'),
    status: 200,
    check: isFresh(190, 200),
  },
  {
    name: 'an alias counts',
    clause: 'RFC 8484 section 5.1',
    request: get('alias.example. A'),
    status: 200,
    check: isFresh(70, 77),
  },
  {
    name: 'NXDOMAIN is fresh for MINIMUM',
    clause: 'RFC 8484 section 5.1',
    request: get('absent.example. AAAA'),
    status: 200,
    check: isFresh(50, 60),
  },
  {
    name: 'NODATA is fresh for the TTL of the SOA where that is less',
    clause: 'RFC 8484 section 5.1',
    request: get('nodata.example. AAAA'),
    status: 200,
    check: isFresh(30, 40),
  },
  {
    name: 'a TTL of zero is not kept',
    clause: 'RFC 8484 section 5.1',
    request: get('zero.example. A'),
    status: 200,
    check: isFresh(0, 0),
  },
  {
    name: 'a failure is not kept',
    clause: 'RFC 8484 section 5.1',
    request: get('servfail.example. AAAA'),
    status: 200,
    check: isFresh(0, 0),
  },
  {
    name: 'a refusal is fresh for its TTL',
    clause: 'RFC 8484 section 5.1',
    request: get('www.tiktok.com. AAAA'),
    status: 200,
    check: isFresh(1, 30),
  },
  {
    name: 'an answer that depends on who asks is nobody else’s',
    clause: 'RFC 8484 section 8.2',
    request: get('private.example. A'),
    status: 200,
    check: ({ headers }) => expect(headers['cache-control']).toMatch(/^private\b/),
  },
];

const post = (headers: Record<string, string>, body = query('www.example. A')): HttpRequest => ({
  method: 'POST',
  headers,
  body,
});

const FAULTS: readonly (readonly [name: string, clause: string, status: number, request: HttpRequest])[] = [
  ['another path', 'RFC 9110 section 15.5.5', 404, { path: `/resolve?dns=${base64url}` }],
  ['the root', 'RFC 9110 section 15.5.5', 404, { path: '/' }],
  ['a path that begins alike', 'RFC 9110 section 15.5.5', 404, { path: `/dns-query2?dns=${base64url}` }],
  ['a path below it', 'RFC 9110 section 15.5.5', 404, { path: `/dns-query/?dns=${base64url}` }],
  ['a path of another case', 'RFC 3986 section 6.2.2.1', 404, { path: `/DNS-query?dns=${base64url}` }],
  ['PUT', 'RFC 9110 section 15.5.6', 405, { method: 'PUT', body: query('www.example. A') }],
  ['DELETE', 'RFC 9110 section 15.5.6', 405, { method: 'DELETE' }],
  ['OPTIONS', 'RFC 9110 section 15.5.6', 405, { method: 'OPTIONS' }],
  ['GET without a parameter', 'RFC 8484 section 4.1', 400, {}],
  ['GET with an empty parameter', 'RFC 8484 section 4.1', 400, { path: '/dns-query?dns=' }],
  ['GET with another parameter', 'RFC 8484 section 4.1', 400, { path: `/dns-query?DNS=${base64url}` }],
  ['GET with two', 'RFC 8484 section 4.1', 400, { path: `/dns-query?dns=${base64url}&dns=${base64url}` }],
  ['padding of Base64', 'RFC 8484 section 6', 400, { path: `/dns-query?dns=${base64url}==` }],
  ['Base64 of the other kind', 'RFC 8484 section 6', 400, { path: '/dns-query?dns=AA+AAAABAAAAAAAA/w' }],
  ['one character too many', 'RFC 4648 section 5', 400, { path: '/dns-query?dns=AAAAAAAAAAAAAAAAA' }],
  ['less than a header', 'RFC 8484 section 4.1', 400, { path: '/dns-query?dns=AAABAAAB' }],
  [
    'a response in place of a query',
    'RFC 8484 section 4.2.1',
    400,
    postOf(Uint8Array.from(query('www.example. A'), (byte, at) => (at === 2 ? 0x80 : byte))),
  ],
  ['POST of nothing', 'RFC 8484 section 4.1', 400, postOf(new Uint8Array(0))],
  ['POST of less than a header', 'RFC 8484 section 4.1', 400, postOf(new Uint8Array(11))],
  ['POST without a type', 'RFC 8484 section 4.1', 415, { method: 'POST', body: query('www.example. A') }],
  ['POST of JSON', 'RFC 8484 section 4.1', 415, post({ 'content-type': 'application/dns-json' })],
  [
    'POST of the old type',
    'RFC 8484 section 4.1',
    415,
    post({ 'content-type': 'application/dns-udpwireformat' }),
  ],
  [
    'POST that is compressed',
    'RFC 9110 section 15.5.16',
    415,
    post({ 'content-type': MEDIA_TYPE, 'content-encoding': 'gzip' }),
  ],
  ['POST of more than a message', 'RFC 9110 section 15.5.14', 413, postOf(new Uint8Array(65_536))],
  ['POST of more than a query', 'RFC 9110 section 15.5.14', 413, postOf(new Uint8Array(5_000))],
  [
    'GET of more than a query',
    'RFC 9110 section 15.5.15',
    414,
    { path: `/dns-query?dns=${'A'.repeat(5_480)}` },
  ],
  ['a path without an end', 'RFC 9110 section 15.5.15', 414, { path: `/dns-query?x=${'y'.repeat(8_000)}` }],
  [
    'GET that accepts JSON only',
    'RFC 9110 section 15.5.7',
    406,
    get('www.example. A', { accept: 'application/dns-json' }),
  ],
  [
    'GET that excludes the type',
    'RFC 9110 section 12.5.1',
    406,
    get('www.example. A', { accept: `${MEDIA_TYPE};q=0` }),
  ],
];

const CASES: readonly Case[] = [
  ...GOOD,
  ...FAULTS.map(([name, clause, status, request]) => ({ name, clause, status, request, check: hasText })),
];

const VERSIONS: readonly [string, (...args: Parameters<typeof openHttp1>) => Promise<HttpClient>][] = [
  ['HTTP/2', openHttp2],
  ['HTTP/1.1', (...args) => Promise.resolve(openHttp1(...args))],
];

test('the cases are as many as they claim to be', () => {
  expect(CASES.length).toBeGreaterThanOrEqual(40);
});

describe.each(VERSIONS)('%s', (_version, open) => {
  test.each(CASES)('$name: $status ($clause)', async ({ request, status, check }) => {
    const client = await open(listenerOf(cordon, 'doh'), { ca: authority.certificate });
    const reply = await client.request(request);
    expect(reply.status).toBe(status);
    check?.(reply);
    await client.close();
  });

  test('405 names the methods that are served (RFC 9110 section 10.2.1)', async () => {
    const client = await open(listenerOf(cordon, 'doh'), { ca: authority.certificate });
    const { headers } = await client.request({ method: 'DELETE' });
    expect(headers['allow']).toBe('GET, HEAD, POST');
    await client.close();
  });

  test('a fault leaves the connection, or the next one, to good requests', async () => {
    const client = await open(listenerOf(cordon, 'doh'), { ca: authority.certificate });
    await client.request(postOf(new Uint8Array(65_536)));
    expect((await client.request(get('www.example. A'))).status).toBe(200);
    await client.close();
  });
});

test.each([
  ['a request whose content is wanted', '/dns-query', true, 200],
  ['one that is at fault already', '/elsewhere', false, 404],
] as const)('HTTP/2: Expect of %s (RFC 9110 section 10.1.1)', async (_name, path, isWanted, status) => {
  const client = await openHttp2(listenerOf(cordon, 'doh'), { ca: authority.certificate });
  const stream = client.session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': MEDIA_TYPE,
    expect: '100-continue',
  });
  let isToldToGoOn = false;
  stream.on('continue', () => {
    isToldToGoOn = true;
    stream.end(query('www.example. A'));
  });
  const [headers] = (await once(stream, 'response')) as [{ ':status': number }];
  expect(headers[':status']).toBe(status);
  expect(isToldToGoOn).toBe(isWanted);
  await client.close();
});

test('no connection stays behind, whatever was asked over it', async () => {
  await expect.poll(() => readMetric(cordon, 'cordon_tls_connections')).toBe(0);
});
