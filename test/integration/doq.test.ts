// DNS over QUIC (RFC 9250) from outside: kdig asks as the devices of groups do, and OpenSSL's client brings what no device would.
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { OPTION, RCODE } from '../../src/wire/dns/dns.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { readMetric, readReply } from '../support/client.ts';
import { DotClient, listenerOf, SERVER_NAME } from '../support/encrypted-client.ts';
import { requireProgram, run, startCordon as startProcess } from '../support/process.ts';
import { type QuicClientOptions, QuicTestClient } from '../support/quic-client.ts';
import { buildQuery, type MessageText } from '../support/records.ts';
import { answer, frame, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

/** Records of an answer of 48 KB. */
const BIG_COUNT = 220;

let authority: CertificateAuthority;
let upstream: ScriptedUpstream;
let cordon: Cordon;

const issue = () =>
  authority.issue({ names: [`DNS:${SERVER_NAME}`, 'DNS:guests.example.net', 'IP:127.0.0.1'] });

beforeAll(async () => {
  authority = CertificateAuthority.create();
  const { certificate, key } = issue();
  upstream = await ScriptedUpstream.open((query) => {
    if (!query.name.startsWith('big')) return answer(query, [`${query.name} 300 IN A 192.0.2.1`]);
    if (query.transport === 'udp') return answer(query, []).map((byte, at) => (at === 2 ? byte | 2 : byte));
    const texts = Array.from({ length: BIG_COUNT }, (_, i) => String(i).padStart(200, '.'));
    return answer(
      query,
      texts.map((text) => `${query.name} 300 IN TXT "${text}"`),
    );
  });
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], doq: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem, handshakes: 1000 }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists:
  - { id: tiktok, shipped: tiktok }
  - { id: lab, file: lab.txt, format: domains }
access: { allow: ["127.0.0.0/26", "127.0.0.255/32"] }
groups:
  - { name: default, lists: [tiktok] }
  - { name: lab, clients: ["127.0.0.9/32"], lists: [tiktok, lab] }
  - { name: guests, server-names: ["guests.example.net"], lists: [tiktok, lab] }
`,
    files: {
      'ca.pem': authority.certificate,
      'cert.pem': certificate,
      'key.pem': key,
      'lab.txt': 'lab.example\n',
    },
  });
});

afterAll(async () => {
  await cordon.stop();
  await upstream.close();
});

/** What kdig prints of a question over QUIC. */
const kdig = async (...args: string[]): Promise<string> => {
  const { port } = listenerOf(cordon, 'doq');
  const common = [
    '@127.0.0.1',
    '-p',
    `${port}`,
    '+quic',
    `+tls-ca=${join(cordon.directory, 'ca.pem')}`,
    '+retry=0',
    '+timeout=5',
  ];
  const name = args.some((arg) => arg.startsWith('+tls-hostname')) ? [] : [`+tls-hostname=${SERVER_NAME}`];
  return (await run('kdig', [...common, ...name, ...args])).stdout;
};

const query = (question: string, text: Omit<MessageText, 'question'> = { edns: {} }): Buffer =>
  Buffer.from(frame(buildQuery(question, { id: 0, ...text })));

test('kdig +quic proves the server, resolves, is padded and is refused', async (context) => {
  requireProgram(context, 'kdig');
  const resolved = await kdig('+padding', 'www.example');
  expect(resolved).toMatch(/QUIC session \(QUICv1\)-\(TLS1\.3\)/);
  expect(resolved).toMatch(/^www\.example\.\s+\d+\s+IN\s+A\s+192\.0\.2\.1$/m);
  expect(resolved).toMatch(/PADDING: [1-9]/);
  expect(resolved).toMatch(/Received 468 B/);
  expect(await kdig('www.tiktok.com')).toMatch(/status: NXDOMAIN[\s\S]*EDE: 15/);
  expect(await readMetric(cordon, 'cordon_doq_available')).toBe(1);
  expect(await readMetric(cordon, 'cordon_queries_total', { transport: 'doq' })).toBeGreaterThan(1);
});

test('the group is that of the address that asks, however many begin at once', async (context) => {
  requireProgram(context, 'kdig');
  const asked = Array.from({ length: 24 }, async (_, index) => {
    const isLab = index % 2 === 0;
    const reply = await kdig('-b', isLab ? '127.0.0.9' : '127.0.0.8', 'lab.example');
    return /status: (\w+)/.exec(reply)?.[1] === (isLab ? 'NXDOMAIN' : 'NOERROR');
  });
  expect(await Promise.all(asked)).toEqual(asked.map(() => true));
});

test('the group is that of the name that the server is asked by', async (context) => {
  requireProgram(context, 'kdig');
  const reply = await kdig('+tls-hostname=guests.example.net', '+tls-sni=guests.example.net', 'lab.example');
  expect(reply).toContain('status: NXDOMAIN');
  expect(await kdig('lab.example')).toContain('status: NOERROR');
});

test('an address that may not ask gets no connection', async (context) => {
  requireProgram(context, 'kdig');
  const before = await readMetric(cordon, 'cordon_tls_refused_total', { reason: 'access' });
  expect(await kdig('-b', '127.0.0.66', '+timeout=2', 'www.example')).not.toContain('status:');
  expect(await readMetric(cordon, 'cordon_tls_refused_total', { reason: 'access' })).toBeGreaterThan(before);
});

test('kdig has 40 answers over one connection', async (context) => {
  requireProgram(context, 'kdig');
  const names = Array.from({ length: 40 }, (_, index) => `n${index}.example`);
  const reply = await kdig('+keepopen', ...names);
  expect(reply.match(/status: NOERROR/g)).toHaveLength(names.length);
});

/** Opens a connection that a test ends. */
const openQuic = async (options?: QuicClientOptions): Promise<QuicTestClient> => {
  const client = await QuicTestClient.open(listenerOf(cordon, 'doq'), options);
  if (client === undefined) throw new Error('no connection over QUIC');
  onTestFinished(() => client.close());
  return client;
};

const askOver = async (client: QuicTestClient, question: string) => {
  const bytes = await client.ask(query(question));
  if (bytes === undefined) throw new Error('no answer over QUIC');
  expect(bytes.readUInt16BE(0)).toBe(bytes.length - 2);
  return readReply(bytes.subarray(2));
};

test('a hundred streams at a time are answered, each with the ID 0', async () => {
  const client = await openQuic();
  const replies = await Promise.all(
    Array.from({ length: 100 }, (_, index) => askOver(client, `at-once-${index}.example. A`)),
  );
  expect(replies.filter(({ id, rcode }) => id === 0 && rcode === RCODE.NOERROR)).toHaveLength(100);
});

test('one connection asks more often than it may have streams at a time', async () => {
  const client = await openQuic();
  for (let round = 0; round < 5; round++) {
    const asked = Array.from({ length: 60 }, () => askOver(client, 'www.example. A'));
    expect((await Promise.all(asked)).every(({ rcode }) => rcode === RCODE.NOERROR)).toBe(true);
  }
});

test('an answer of 48 KB arrives whole', async () => {
  const client = await openQuic();
  expect((await askOver(client, 'big.example. TXT')).answer).toHaveLength(BIG_COUNT);
});

/** DOQ_PROTOCOL_ERROR (RFC 9250 section 8.4). */
const PROTOCOL_ERROR = 2;

test.for<[what: string, bytes: () => Buffer]>([
  ['an ID', () => query('www.example. A', { id: 4711, edns: {} })],
  ['two messages', () => Buffer.concat([query('www.example. A'), query('www.example. A')])],
  ['half a message', () => query('www.example. A').subarray(0, 20)],
  ['no message', () => Buffer.of(0)],
  ['a response', () => query('www.example. A', { flags: 0x8180 })],
  [
    'a time for the connection',
    () => query('www.example. A', { edns: { options: Buffer.from([0, OPTION.TCP_KEEPALIVE, 0, 0]) } }),
  ],
])('%s is an error of the protocol', async ([, bytes]) => {
  const client = await openQuic();
  expect(await client.ask(bytes())).toBeUndefined();
  expect(await client.closed()).toBe(PROTOCOL_ERROR);
});

test('a query that is too long ends the connection, as one of too much load', async () => {
  const client = await openQuic();
  const stream = client.stream();
  stream?.write(Buffer.alloc(8192), false);
  expect(await client.closed()).toBe(4);
});

test('what was taken back is not answered, and the connection goes on', async () => {
  const client = await openQuic();
  for (let index = 0; index < 20; index++) {
    const stream = client.stream();
    stream?.write(query(`taken-back-${index}.example. A`), index % 2 === 0);
    stream?.reset(3);
  }
  expect(await askOver(client, 'www.example. A')).toMatchObject({ rcode: RCODE.NOERROR });
});

test('another protocol is refused', async () => {
  expect(await QuicTestClient.open(listenerOf(cordon, 'doq'), { protocol: 'h3' })).toBeUndefined();
});

test('a certificate that was replaced is shown to new clients, and old connections go on', async (context) => {
  requireProgram(context, 'kdig');
  const before = await openQuic();
  const other = CertificateAuthority.create();
  const { certificate, key } = other.issue({ names: [`DNS:${SERVER_NAME}`] });
  const replace = (name: string, content: string): void => {
    const path = join(cordon.directory, name);
    writeFileSync(`${path}.new`, content);
    renameSync(`${path}.new`, path);
  };
  const from = cordon.logs().length;
  replace('ca.pem', other.certificate);
  replace('key.pem', key);
  replace('cert.pem', certificate);
  await cordon.waitForLog(({ msg }) => msg === 'certificate renewed', from);
  await expect.poll(() => kdig('www.example')).toContain('status: NOERROR');
  expect(await askOver(before, 'www.example. A')).toMatchObject({ rcode: RCODE.NOERROR });
});

test.for<[why: string, files: Record<string, string>, reason: RegExp]>([
  ['a library that cannot be loaded', { 'libs/libssl.so.3': 'no library\n' }, /libssl\.so\.3/],
])('without QUIC by %s, everything else is served, and it is said why', async ([, files, reason]) => {
  const { certificate, key } = issue();
  const other = await startProcess({
    config: `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], doq: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: tiktok, shipped: tiktok }]
`,
    files: { 'cert.pem': certificate, 'key.pem': key, ...files },
    env: { LD_LIBRARY_PATH: 'libs' },
  });
  try {
    const line = await other.waitForLog(({ msg }) => msg.startsWith('no DNS over QUIC'));
    expect(line['reason']).toMatch(reason);
    expect(await readMetric(other, 'cordon_doq_available')).toBe(0);
    expect(other.ready['doq']).toBeUndefined();
    const client = await DotClient.open(listenerOf(other, 'dot'), { ca: authority.certificate });
    expect(await client.ask('www.example. A')).toMatchObject({ rcode: RCODE.NOERROR });
    await client.end();
  } finally {
    await other.stop();
  }
});
