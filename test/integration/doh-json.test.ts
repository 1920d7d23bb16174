// DNS over HTTPS in JSON: the same verdicts as in DNS, for whoever asks in words.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { questionEnd, TYPE } from '../../src/wire/dns/dns.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { readMetric } from '../support/client.ts';
import {
  getPath,
  type HttpClient,
  type HttpReply,
  listenerOf,
  openHttp1,
  openHttp2,
  SERVER_NAME,
} from '../support/encrypted-client.ts';
import { buildQuery } from '../support/records.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

/** Records with the longest owner, escapes included, that a message of 64 KB holds thousands of. */
const BOMB_COUNT = 1000;
const LONG_OWNER = `${'\\000'.repeat(63)}.${'\\000'.repeat(63)}.${'\\000'.repeat(63)}.bomb`;

/** An answer with many addresses of the name of its question, which a pointer names. */
const withPointers = (question: Uint8Array): Uint8Array => {
  const records = Array.from({ length: BOMB_COUNT }, (_, i) =>
    Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, i >> 8, i & 255]),
  );
  const start = question.subarray(0, questionEnd(question, question.length));
  const message = Buffer.concat([start, ...records]);
  message.writeUInt16BE(BOMB_COUNT, 6);
  message.writeUInt32BE(0, 8);
  return message;
};

let authority: CertificateAuthority;
let upstream: ScriptedUpstream;
let cordon: Cordon;
let plain: Cordon;

const configOf = (json: string): string => `
listen: { dns: ["127.0.0.1:0"], doh: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem }
workers: 1
${json}
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: tiktok, shipped: tiktok }]
`;

beforeAll(async () => {
  authority = CertificateAuthority.create();
  const issued = authority.issue({ names: [`DNS:${SERVER_NAME}`] });
  upstream = await ScriptedUpstream.open((query) => {
    const { name, type } = query;
    if (name.includes('bomb')) {
      if (query.transport === 'udp') return answer(query, []).map((byte, at) => (at === 2 ? byte | 2 : byte));
      return withPointers(answer(query, []));
    }
    if (type === TYPE.TXT) return answer(query, [`${name} 60 IN TXT "a \\"quoted\\" text" "and \\200"`]);
    if (type === 4660) return answer(query, [`${name} 60 IN TYPE4660 \\# 2 00ff`]);
    if (type === TYPE.A)
      return answer(query, [`${name} 300 IN CNAME b.example.`, 'b.example. 60 IN A 192.0.2.1']);
    return answer(query, []);
  });
  const files = { 'cert.pem': issued.certificate, 'key.pem': issued.key };
  cordon = await startCordon({ config: configOf('doh: { json: true }'), files });
  plain = await startCordon({ config: configOf(''), files });
});

afterAll(async () => {
  await cordon.stop();
  await plain.stop();
  await upstream.close();
});

const options = () => ({ ca: authority.certificate });
const jsonOf = ({ body }: HttpReply): unknown => JSON.parse(body.toString('utf8'));

describe.each([
  ['HTTP/2', openHttp2],
  ['HTTP/1.1', (...args: Parameters<typeof openHttp1>) => Promise.resolve(openHttp1(...args))],
] as const)('over %s', (_version, open) => {
  const ask = async (path: string, headers: Record<string, string> = {}, at = cordon): Promise<HttpReply> => {
    const client: HttpClient = await open(listenerOf(at, 'doh'), options());
    try {
      return await client.request({ path, headers });
    } finally {
      await client.close();
    }
  };

  test('an answer has its records as texts, and is fresh as long as they are', async () => {
    const reply = await ask('/dns-query?name=www.example&type=A', { accept: 'application/dns-json' });
    expect(reply).toMatchObject({
      status: 200,
      headers: {
        'content-type': 'application/dns-json',
        'cache-control': expect.stringMatching(/^private, max-age=\d+$/),
      },
    });
    expect(jsonOf(reply)).toEqual({
      ...{ Status: 0, TC: false, RD: true, RA: true, AD: false, CD: false },
      Question: [{ name: 'www.example.', type: 1 }],
      Answer: [
        { name: 'www.example.', type: 5, TTL: expect.any(Number), data: 'b.example.' },
        { name: 'b.example.', type: 1, TTL: expect.any(Number), data: '192.0.2.1' },
      ],
    });
  });

  test('a listed name is refused, and says why', async () => {
    const reply = await ask('/dns-query?name=www.tiktok.com');
    expect(jsonOf(reply)).toMatchObject({
      Status: 3,
      Comment: [expect.stringMatching(/^EDE\(15\): BLOCKED/)],
    });
    expect(JSON.stringify(jsonOf(reply))).not.toContain('192.0.2.1');
  });

  test.each([
    ['quotes and bytes', 'name=txt.example&type=TXT', '"a \\"quoted\\" text" "and \\200"'],
    ['a type without a name', 'name=odd.example&type=4660', '\\# 2 00ff'],
  ])('%s come as they stand in a zone', async (_what, query, data) => {
    expect(jsonOf(await ask(`/dns-query?${query}`))).toMatchObject({ Answer: [{ data }] });
  });

  test.each([
    ['no name', 'name=', 400],
    ['a name that is none', 'name=a..b', 400],
    ['letters beyond ASCII', 'name=%C3%BC.example', 400],
    ['two names', 'name=a.example&name=b.example', 400],
    ['an unknown type', 'name=a.example&type=NONSENSE', 400],
    ['a number that is no type', 'name=a.example&type=65536', 400],
    ['a flag that is none', 'name=a.example&do=perhaps', 400],
    ['a name beside a query', `name=a.example&${getPath(buildQuery('www.example. A')).slice(11)}`, 200],
  ])('%s: %s is answered with %i', async (_what, query, status) => {
    expect((await ask(`/dns-query?${query}`)).status).toBe(status);
  });

  test('whoever wants DNS gets none, and a POST is no question in words', async () => {
    expect((await ask('/dns-query?name=a.example', { accept: 'application/dns-message' })).status).toBe(406);
    const client = await open(listenerOf(cordon, 'doh'), options());
    const reply = await client.request({
      method: 'POST',
      path: '/dns-query?name=a.example',
      body: Buffer.from('x'),
    });
    expect(reply.status).toBe(415);
    await client.close();
  });

  test('names that grow a hundred times as text are cut, and TC says so', async () => {
    const reply = await ask(`/dns-query?name=${encodeURIComponent(LONG_OWNER)}&type=A`);
    expect(reply.body.length).toBeLessThan(2 << 20);
    expect(jsonOf(reply)).toMatchObject({ TC: true });
  });

  test('without doh.json it is no query', async () => {
    expect((await ask('/dns-query?name=www.example', {}, plain)).status).toBe(400);
  });
});

test('it counts as DNS over HTTPS does', async () => {
  expect(await readMetric(cordon, 'cordon_queries_total', { transport: 'doh', qtype: 'TXT' })).toBe(2);
});

test('a reload turns it on', async () => {
  const client = openHttp1(listenerOf(plain, 'doh'), options());
  const config = configOf('doh: { json: true }');
  writeFileSync(join(plain.directory, 'cordon.yaml'), config);
  const from = plain.logs().length;
  plain.signal('SIGHUP');
  await plain.waitForLog(({ msg }) => msg === 'reloaded', from);
  expect((await client.request({ path: '/dns-query?name=www.example' })).status).toBe(200);
});
