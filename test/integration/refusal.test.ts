// A listed name gets no data, whoever asks for whatever in whatever way, and no upstream hears of it.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseEndpoint } from '../../src/base/base.ts';
import { EDE, EDNS_DO, FLAG, RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { type AskOptions, ask, type Reply, readMetric, reload } from '../support/client.ts';
import { inTwo } from '../support/night.ts';
import type { SocketAddress } from '../support/process.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const NAME = 'www.tiktok.com.';
/** Every kind of type: data, services, signatures, queries for all, transfers, unknown ones. */
const TYPES = [
  ...['A', 'AAAA', 'HTTPS', 'SVCB', 'ANY', 'TXT', 'MX', 'NS', 'SOA', 'SRV', 'PTR', 'CNAME', 'DNAME', 'CAA'],
  ...['DS', 'DNSKEY', 'RRSIG', 'NSEC', 'AXFR', 'IXFR', 'MAILA', 'MAILB', 'TKEY', 'TYPE0', 'TYPE65280'],
];
const SOA = (name: string, ttlSec = 30): string =>
  `${name} ${ttlSec} IN SOA ${name} hostmaster.invalid. 1 3600 1200 604800 ${ttlSec}`;

let upstream: ScriptedUpstream;
let cordon: Cordon;
let ipv6: SocketAddress;

const configWith = (lines: string): string => `
listen: { dns: ["127.0.0.1:0", "[::1]:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
${lines}`;

beforeAll(async () => {
  upstream = await ScriptedUpstream.open();
  upstream.onQuery(
    new AnswerBook().set('www.example.com. A', ['www.example.com. 60 IN A 192.0.2.1']).handler,
  );
  cordon = await startCordon({
    config: configWith(''),
    files: { 'censored.txt': 'censored.example\n', 'sunk.txt': 'sunk.example\n' },
  });
  const dns = cordon.ready['dns'];
  const second = Array.isArray(dns) && typeof dns[1] === 'string' ? parseEndpoint(dns[1], 0) : undefined;
  ipv6 = { address: '::1', port: second?.port ?? 0 };
});

afterAll(async () => {
  await cordon?.stop();
  await upstream?.close();
});

beforeEach(() => {
  upstream.queries.length = 0;
});

const expectRefusal = (reply: Reply, name = NAME): void => {
  expect(reply.isSound).toBe(true);
  expect(reply.rcode).toBe(RCODE.NXDOMAIN);
  expect(reply.flags & (FLAG.QR | FLAG.RA | FLAG.AA | FLAG.TC | FLAG.AD)).toBe(FLAG.QR | FLAG.RA);
  expect(reply.answer).toEqual([]);
  expect(reply.authority).toEqual([SOA(name)]);
  expect(reply.additional).toEqual([]);
  expect(upstream.count()).toBe(0);
};

test('a listed name is refused, an innocent one is resolved', async () => {
  expect((await ask(cordon.dns, 'www.example.com. A')).answer).toEqual([
    'www.example.com. 60 IN A 192.0.2.1',
  ]);
  expect(upstream.asked()).toBe(1);
  upstream.queries.length = 0;
  expectRefusal(await ask(cordon.dns, `${NAME} A`));
});

test.each(TYPES)('type %s is refused, over UDP and TCP, with and without EDNS', async (type) => {
  const question = `${NAME} ${type}`;
  for (const transport of ['udp', 'tcp'] as const) {
    const reply = await ask(cordon.dns, question, { transport });
    expectRefusal(reply);
    expect(reply.question).toBe(type === 'TYPE0' ? reply.question : question);
    expect(reply.ede?.infoCode).toBe(EDE.BLOCKED);
  }
  const plain = await ask(cordon.dns, question, { edns: false });
  expectRefusal(plain);
  expect(plain.opt).toBeUndefined();
});

const WAYS: Readonly<Record<string, AskOptions>> = {
  'with DO': { edns: { ttl: EDNS_DO } },
  'with CD': { flags: FLAG.RD | FLAG.CD },
  'with DO and CD': { flags: FLAG.RD | FLAG.CD, edns: { ttl: EDNS_DO } },
  'without RD': { flags: 0 },
  'with AD': { flags: FLAG.RD | FLAG.AD },
  'with AA, TC, RA and Z set by the client': { flags: FLAG.AA | FLAG.TC | FLAG.RA | FLAG.Z },
  'with a UDP length of 0': { edns: { udpLength: 0 } },
  'with a client subnet and a cookie': {
    edns: {
      options: Uint8Array.from([0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]),
    },
  },
};

test.each(Object.entries(WAYS))('asked %s, it is refused', async (_title, options) => {
  const reply = await ask(cordon.dns, `${NAME} A`, options);
  expectRefusal(reply);
  const kept = FLAG.RD | FLAG.CD;
  expect(reply.flags & kept).toBe((options.flags ?? FLAG.RD) & kept);
  expect(reply.ede?.infoCode).toBe(EDE.BLOCKED);
});

test('over IPv6 it is refused, over UDP and TCP', async () => {
  expectRefusal(await ask(ipv6, `${NAME} AAAA`));
  expectRefusal(await ask(ipv6, `${NAME} HTTPS`, { transport: 'tcp' }));
});

test.each(['wWw.TikTok.COM.', 'TIKTOK.com.', 'a.b.c.d.e.tiktok.com.', '\\000.tiktok.com.', '*.tiktok.com.'])(
  '%s is refused in the letters of the client',
  async (name) => {
    const reply = await ask(cordon.dns, `${name} A`);
    expectRefusal(reply, name);
    expect(reply.question).toBe(`${name} A`);
  },
);

test.each(['tiktok.com.example.', 'nottiktok.com.', 'tiktok.com\\000.', 'tiktok\\.com.'])(
  '%s is somebody else and is asked upstream',
  async (name) => {
    expect((await ask(cordon.dns, `${name} A`)).ede).toBeUndefined();
    expect(upstream.asked()).toBe(1);
  },
);

test.each(['CH', 'HS', 'ANY', 'CLASS65280'])('class %s has no data for anyone', async (questionClass) => {
  const reply = await ask(cordon.dns, `${NAME} ${questionClass} A`);
  expect(reply).toMatchObject({ rcode: RCODE.REFUSED, answer: [], authority: [], additional: [] });
  expect(reply.ede?.infoCode).toBe(EDE.NOT_SUPPORTED);
  expect(upstream.count()).toBe(0);
});

test('a record of a listed name that the client itself sends along comes back to nobody', async () => {
  const additional = [`${NAME} 60 IN A 192.0.2.9`];
  const reply = await ask(cordon.dns, 'www.example.com. A', { additional });
  expect(reply.answer).toEqual([expect.stringMatching(/^www\.example\.com\. \d+ IN A 192\.0\.2\.1$/)]);
});

test('refusals are counted by list, trigger and type', async () => {
  const labels = { list: 'tiktok', trigger: 'qname', qtype: 'CAA', group: 'default' };
  const before = await readMetric(cordon, 'cordon_refusals_total', labels);
  await ask(cordon.dns, `${NAME} CAA`);
  expect(await readMetric(cordon, 'cordon_refusals_total', labels)).toBe(before + 1);
});

describe('block modes', () => {
  const empty = (rcode: number) => ({ rcode, answer: [], authority: [SOA(NAME, 60)] });
  const answerOf =
    (...addresses: string[]) =>
    (type: string) => ({
      rcode: RCODE.NOERROR,
      answer: addresses.map((address) => `${NAME} 60 IN ${type} ${address}`),
      authority: [],
    });
  const MODES = {
    nxdomain: { A: empty(RCODE.NXDOMAIN), AAAA: empty(RCODE.NXDOMAIN), other: empty(RCODE.NXDOMAIN) },
    nodata: { A: empty(RCODE.NOERROR), AAAA: empty(RCODE.NOERROR), other: empty(RCODE.NOERROR) },
    'null-ip': { A: answerOf('0.0.0.0')('A'), AAAA: answerOf('::')('AAAA'), other: empty(RCODE.NOERROR) },
    refused: Object.fromEntries(
      ['A', 'AAAA', 'other'].map((type) => [type, { rcode: RCODE.REFUSED, answer: [], authority: [] }]),
    ),
    '{ address: ["192.0.2.7", "192.0.2.8", "2001:db8::7"] }': {
      A: answerOf('192.0.2.7', '192.0.2.8')('A'),
      AAAA: answerOf('2001:db8::7')('AAAA'),
      other: empty(RCODE.NOERROR),
    },
    '{ address: ["192.0.2.7"] }': {
      A: answerOf('192.0.2.7')('A'),
      AAAA: empty(RCODE.NOERROR),
      other: empty(RCODE.NOERROR),
    },
  } as const;

  for (const [options, modes] of inTwo(Object.entries(MODES), (_, index) => index % 4 === 0))
    test.each(modes)('%s', options, async (mode, expected) => {
      const outcome = await reload(cordon, {
        'cordon.yaml': configWith(`block: { mode: ${mode}, ttl: 60s }`),
      });
      expect(outcome.isRefused).toBe(false);
      for (const type of ['A', 'AAAA', 'HTTPS', 'SVCB', 'TXT', 'ANY', 'CNAME', 'TYPE65280']) {
        const reply = await ask(cordon.dns, `${NAME} ${type}`);
        const wanted = (expected as Record<string, object>)[type] ?? expected.other;
        expect(reply, type).toMatchObject({ ...wanted, additional: [], isSound: true });
        expect(reply.ede?.infoCode).toBe(EDE.BLOCKED);
      }
      // For these, any address would mean that the network agrees: always NXDOMAIN.
      for (const name of ['use-application-dns.net.', 'mask.icloud.com.', 'mask-h2.icloud.com.']) {
        for (const type of ['A', 'AAAA', 'HTTPS']) {
          const reply = await ask(cordon.dns, `${name} ${type}`);
          expect(reply, `${name} ${type}`).toMatchObject({ rcode: RCODE.NXDOMAIN, answer: [] });
        }
      }
      expect(upstream.count()).toBe(0);
    });

  test('a list has its own answer and its own EDE', async () => {
    const config = configWith(`
block: { mode: null-ip }
lists:
  - { id: tiktok, shipped: tiktok }
  - { id: censored, file: censored.txt, answer: refused, ede: { code: 16, text: "agency order 7 – Behörde" } }
  - { id: sunk, file: sunk.txt, answer: { address: ["192.0.2.66"] }, ede: { code: 17 } }
`);
    expect((await reload(cordon, { 'cordon.yaml': config })).isRefused).toBe(false);
    const listed = await ask(cordon.dns, `${NAME} A`);
    expect(listed.answer).toEqual([`${NAME} 30 IN A 0.0.0.0`]);
    expect(listed.ede).toEqual({ infoCode: EDE.BLOCKED, text: '' });
    const censored = await ask(cordon.dns, 'a.censored.example. A');
    expect(censored).toMatchObject({ rcode: RCODE.REFUSED, answer: [], authority: [] });
    expect(censored.ede).toEqual({ infoCode: EDE.CENSORED, text: 'agency order 7 – Behörde' });
    const sunk = await ask(cordon.dns, 'sunk.example. A');
    expect(sunk.answer).toEqual(['sunk.example. 30 IN A 192.0.2.66']);
    expect(sunk.ede).toEqual({ infoCode: EDE.FILTERED, text: '' });
    expect(upstream.count()).toBe(0);
  });
});
