// HTTP without TLS, from a proxy that ended it: only proxies may come in, and who asks is what their header says, nothing else.
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readMetric, readReply } from '../support/client.ts';
import { listenerOf } from '../support/encrypted-client.ts';
import { proxyV2 } from '../support/proxy.ts';
import { buildQuery } from '../support/records.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const PROXY = '127.0.0.7';
const STRANGER = '127.0.0.1';
/** In the group that has the list, and in none. */
const [LAB, OTHER] = ['192.0.2.9', '2001:db8::9'];
const QUERY = buildQuery('lab.example. A', { edns: {} });
const MEDIA_TYPE = 'application/dns-message';
const TOKEN = 'Zm9yLWEtdGFibGV0LTMh';
/** Its SHA-256. */
const TOKEN_HASH = '1b90c286bd4f2ee08e0dcf436aed7449b9d26916fb3bd983bd090983bc7536f8';
const NOTHING = Buffer.alloc(0);
const NOERROR = 0;
const NXDOMAIN = 3;

let upstream: ScriptedUpstream;
let cordon: Cordon;

beforeAll(async () => {
  upstream = await ScriptedUpstream.open((query) => answer(query, [`${query.name} 300 IN A 192.0.2.1`]));
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], doh-plain: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
proxies: { from: ["${PROXY}"] }
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
tcp: { idle: 1s }
lists:
  - { id: lab, file: lab.txt, format: domains }
access: { allow: ["127.0.0.0/8", "192.0.2.9", "2001:db8::/48"] }
groups:
  - { name: default, lists: [] }
  - { name: lab, clients: ["192.0.2.9"], tokens: [{ device: tablet-3, sha256: ${TOKEN_HASH} }], lists: [lab] }
`,
    files: { 'lab.txt': 'lab.example\n' },
  });
});

afterAll(async () => {
  await cordon.stop();
  await upstream.close();
});

const v1 = (client: string): Buffer =>
  Buffer.from(`PROXY TCP${client.includes(':') ? 6 : 4} ${client} ${client} 40000 443\r\n`);

const dial = async (localAddress: string): Promise<Socket> => {
  const { address, port } = listenerOf(cordon, 'dohPlain');
  const socket = connect({ host: address, port, localAddress });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
};

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly type?: string;
  readonly more?: string;
  /** Each byte in a write of its own. */
  readonly inBits?: boolean;
}

/** What came: the RCODE of an answer, the status of what is none, 'none' where the connection was closed. */
type Outcome = { readonly rcode: number } | { readonly status: number } | 'none';

const overHttp1 = async (from: string, header: Uint8Array, asked: Asked = {}): Promise<Outcome> => {
  const { path = '/dns-query', method = 'POST', type = MEDIA_TYPE, more = '', inBits = false } = asked;
  const socket = await dial(from);
  const head = `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ${type}\r\n${more}Content-Length: ${QUERY.length}\r\n\r\n`;
  const all = Buffer.concat([header, Buffer.from(head), QUERY]);
  const parts: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => parts.push(chunk));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.setNoDelay(true);
  for (const part of inBits ? [...all].map((byte) => Buffer.from([byte])) : [all]) {
    await new Promise((resolve) => socket.write(part, resolve));
  }
  await closed;
  const got = Buffer.concat(parts);
  const [, status] = /^HTTP\/1\.1 (\d+)/.exec(got.toString('latin1')) ?? [];
  if (status === undefined) return 'none';
  const body = got.subarray(got.indexOf('\r\n\r\n') + 4);
  return status === '200' ? { rcode: readReply(body).rcode } : { status: Number(status) };
};

const overHttp2 = async (from: string, header: Uint8Array, asked: Asked = {}): Promise<Outcome> => {
  const { path = '/dns-query', method = 'POST', type = MEDIA_TYPE } = asked;
  const socket = await dial(from);
  if (header.length > 0) socket.write(header);
  const session = connectHttp2('http://x', { createConnection: () => socket });
  session.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const stream = session.request({ ':method': method, ':path': path, 'content-type': type });
  stream.on('error', () => {});
  const parts: Buffer[] = [];
  let status = 0;
  stream.on('response', (headers) => {
    status = headers[':status'] ?? 0;
  });
  stream.on('data', (chunk: Buffer) => parts.push(chunk));
  stream.end(QUERY);
  await new Promise((resolve) => stream.once('close', resolve));
  session.destroy();
  await closed;
  if (status === 0) return 'none';
  return status === 200 ? { rcode: readReply(Buffer.concat(parts)).rcode } : { status };
};

test.each([
  ['HTTP/1.1', overHttp1],
  ['HTTP/2', overHttp2],
] as const)('over %s, the header of a proxy says who asks, and nobody else may', async (_name, ask) => {
  for (const headerOf of [v1, (client: string) => proxyV2(client, 40_000)]) {
    expect(await ask(PROXY, headerOf(LAB))).toEqual({ rcode: NXDOMAIN });
    expect(await ask(PROXY, headerOf(OTHER))).toEqual({ rcode: NOERROR });
    // The address may not ask.
    expect(await ask(PROXY, headerOf('203.0.113.1'))).toBe('none');
    expect(await ask(STRANGER, headerOf(LAB))).toBe('none');
  }
  // The proxy itself, as its health checks do.
  expect(await ask(PROXY, proxyV2(LAB, 40_000, { command: 0 }))).toEqual({ rcode: NOERROR });
  expect(await ask(PROXY, NOTHING)).toBe('none');
  expect(await ask(STRANGER, NOTHING)).toBe('none');
});

test.each([
  ['HTTP/1.1', overHttp1],
  ['HTTP/2', overHttp2],
] as const)('over %s, tokens and status codes are those of HTTPS', async (_name, ask) => {
  const header = proxyV2(OTHER, 40_000);
  expect(await ask(PROXY, header, { path: `/dns-query/${TOKEN}` })).toEqual({ rcode: NXDOMAIN });
  expect(await ask(PROXY, header, { path: `/dns-query/${TOKEN}x` })).toEqual({ rcode: NOERROR });
  expect(await ask(PROXY, header, { path: '/' })).toEqual({ status: 404 });
  expect(await ask(PROXY, header, { method: 'PUT' })).toEqual({ status: 405 });
  expect(await ask(PROXY, header, { type: 'text/plain' })).toEqual({ status: 415 });
  expect(await ask(PROXY, header, { path: `/dns-query?${'x'.repeat(9000)}` })).toEqual({ status: 414 });
});

test('no header of HTTP says who asks', async () => {
  const more = `X-Forwarded-For: ${LAB}\r\nForwarded: for=${LAB}\r\nX-Real-IP: ${LAB}\r\n`;
  expect(await overHttp1(PROXY, v1(OTHER), { more })).toEqual({ rcode: NOERROR });
});

test('bytes that come one by one are read like those that come at once', async () => {
  expect(await overHttp1(PROXY, v1(LAB), { inBits: true })).toEqual({ rcode: NXDOMAIN });
  // It begins like the preface of HTTP/2, and is no method of HTTP/1.1.
  expect(await overHttp1(PROXY, v1(LAB), { method: 'PRI', inBits: true })).not.toHaveProperty('rcode');
});

test('who never says which version it speaks is closed', async () => {
  const socket = await dial(PROXY);
  socket.write(v1(LAB));
  socket.write('PRI * HTTP');
  socket.resume();
  await once(socket, 'close');
});

test('what is refused is counted, and queries are counted as DNS over HTTPS', async () => {
  expect(await readMetric(cordon, 'cordon_tls_refused_total', { reason: 'proxy' })).toBeGreaterThan(0);
  expect(await readMetric(cordon, 'cordon_queries_total', { transport: 'doh' })).toBeGreaterThan(0);
});
