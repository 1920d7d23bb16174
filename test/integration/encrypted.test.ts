// The encrypted listeners of the whole program: what is resolved and refused over them, and what they prove with.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EDE, FLAG, OPTION, RCODE, readOptions, readU16 } from '../../src/wire/dns/dns.ts';
import { CertificateAuthority, type Issued } from '../support/certificates.ts';
import { exchangeUdp, readMetric, readReply, TcpClient } from '../support/client.ts';
import {
  DotClient,
  getPath,
  type HttpClient,
  listenerOf,
  openHttp1,
  openHttp2,
  postOf,
  SERVER_NAME,
} from '../support/encrypted-client.ts';
import { buildQuery } from '../support/records.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

/** Records of an answer of 20 KB. */
const BIG_COUNT = 90;

let authority: CertificateAuthority;
let issued: Issued;
let upstream: ScriptedUpstream;
let cordon: Cordon;

beforeAll(async () => {
  authority = CertificateAuthority.create();
  issued = authority.issue({ names: [`DNS:${SERVER_NAME}`] });
  upstream = await ScriptedUpstream.open((query) => {
    if (!query.name.startsWith('big')) return answer(query, [`${query.name} 300 IN A 192.0.2.1`]);
    if (query.transport === 'udp') return answer(query, []).map((byte, at) => (at === 2 ? byte | 2 : byte));
    return answer(
      query,
      Array.from(
        { length: BIG_COUNT },
        (_, i) => `${query.name} 300 IN TXT "${String(i).padStart(200, '.')}"`,
      ),
    );
  });
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], doh: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem }
workers: 2
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: tiktok, shipped: tiktok }]
`,
    files: { 'cert.pem': issued.certificate, 'key.pem': issued.key },
  });
});

afterAll(async () => {
  await cordon.stop();
  await upstream.close();
});

const options = () => ({ ca: authority.certificate });

const ANSWERED = { rcode: RCODE.NOERROR, answer: ['www.example. 300 IN A 192.0.2.1'] };
const REFUSED = { rcode: RCODE.NXDOMAIN, ede: { infoCode: EDE.BLOCKED } };

test('DNS over TLS resolves and refuses', async () => {
  const client = await DotClient.open(listenerOf(cordon, 'dot'), options());
  expect(client.socket.getProtocol()).toBe('TLSv1.3');
  expect(await client.ask('www.example. A')).toMatchObject(ANSWERED);
  expect(await client.ask('www.tiktok.com. A')).toMatchObject(REFUSED);
  await client.end();
  expect(await readMetric(cordon, 'cordon_queries_total', { transport: 'dot', qtype: 'A' })).toBe(2);
});

test.each([
  ['HTTP/2', openHttp2],
  ['HTTP/1.1', (...args: Parameters<typeof openHttp1>) => Promise.resolve(openHttp1(...args))],
] as const)('DNS over HTTPS resolves and refuses over %s', async (_name, open) => {
  const client: HttpClient = await open(listenerOf(cordon, 'doh'), options());
  const edns = { edns: {} };
  for (const request of [
    { path: getPath(buildQuery('www.example. A', edns)) },
    postOf(buildQuery('www.example. A', edns)),
  ]) {
    const { status, headers, body } = await client.request(request);
    expect(status).toBe(200);
    expect(headers).toMatchObject({ 'content-type': 'application/dns-message' });
    expect(readReply(body)).toMatchObject({ rcode: RCODE.NOERROR });
    expect(readReply(body).answer).toHaveLength(1);
  }
  const { body } = await client.request(postOf(buildQuery('www.tiktok.com. A', edns)));
  expect(readReply(body)).toMatchObject(REFUSED);
  await client.close();
});

/** The options of the answer's OPT record, by code. */
const optionsOf = (bytes: Uint8Array): Map<number, Uint8Array> => {
  const { opt } = readReply(bytes);
  const options = opt?.options ?? new Uint8Array(0);
  return new Map(readOptions(options, 0, options.length).map(({ code, data }) => [code, data]));
};

/** An OPT record with an option. */
const withOption = (code: number, data: Uint8Array = new Uint8Array(0)) => ({
  edns: { options: Buffer.from([code >> 8, code & 0xff, 0, data.length, ...data]) },
});

const askOver = {
  dot: async (question: string, text: Parameters<typeof buildQuery>[1]) => {
    const client = await DotClient.open(listenerOf(cordon, 'dot'), options());
    client.send(buildQuery(question, text));
    const reply = await client.read();
    await client.end();
    return reply;
  },
  doh: async (question: string, text: Parameters<typeof buildQuery>[1]) => {
    const client = await openHttp2(listenerOf(cordon, 'doh'), options());
    const { body } = await client.request(postOf(buildQuery(question, text)));
    await client.close();
    return body;
  },
  udp: (question: string, text: Parameters<typeof buildQuery>[1]) =>
    exchangeUdp(cordon.dns, buildQuery(question, text)),
  tcp: async (question: string, text: Parameters<typeof buildQuery>[1]) => {
    const client = await TcpClient.open(cordon.dns);
    client.send(buildQuery(question, text));
    const reply = await client.read();
    client.end();
    return reply;
  },
};

test.each(['www.example. A', 'www.tiktok.com. A', 'big.example. TXT', 'x. CH TXT', '. AXFR'])(
  'the answer to %s is padded to blocks of 468 bytes for who asks for it encrypted, and for nobody else',
  async (question) => {
    for (const transport of ['dot', 'doh'] as const) {
      const padded = await askOver[transport](question, withOption(OPTION.PADDING, Buffer.alloc(7)));
      expect(padded.length % 468).toBe(0);
      const padding = optionsOf(padded).get(OPTION.PADDING);
      expect(padding).toBeDefined();
      expect(padding?.every((byte) => byte === 0)).toBe(true);
      expect(optionsOf(await askOver[transport](question, { edns: {} })).has(OPTION.PADDING)).toBe(false);
    }
    for (const transport of ['udp', 'tcp'] as const) {
      const plain = await askOver[transport](question, withOption(OPTION.PADDING, Buffer.alloc(7)));
      expect(optionsOf(plain).has(OPTION.PADDING)).toBe(false);
    }
  },
);

test('how long a connection may be idle is told where there is one of DNS', async () => {
  const asked = withOption(OPTION.TCP_KEEPALIVE);
  const told = async (transport: keyof typeof askOver): Promise<number | undefined> => {
    const data = optionsOf(await askOver[transport]('www.example. A', asked)).get(OPTION.TCP_KEEPALIVE);
    return data && readU16(data, 0);
  };
  expect([await told('tcp'), await told('dot')]).toEqual([100, 300]);
  expect([await told('udp'), await told('doh')]).toEqual([undefined, undefined]);
});

test('no answer over TLS or HTTPS is cut short by a size of UDP', async () => {
  for (const transport of ['dot', 'doh'] as const) {
    const reply = readReply(await askOver[transport]('big.example. TXT', { edns: { udpLength: 512 } }));
    expect(reply.flags & FLAG.TC).toBe(0);
    expect(reply.answer).toHaveLength(BIG_COUNT);
  }
});

test('zone transfers are refused', async () => {
  for (const transport of ['dot', 'doh'] as const) {
    for (const type of ['AXFR', 'IXFR']) {
      expect(readReply(await askOver[transport](`example. ${type}`, { edns: {} }))).toMatchObject({
        rcode: RCODE.REFUSED,
      });
    }
  }
});
