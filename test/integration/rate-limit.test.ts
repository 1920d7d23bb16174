// Who asks too much over UDP: what it gets, what proves an address, and who is never limited. Judged by counts: a test's
// thousands of queries come within a second or ten, in which a limit of 10 a second lets few more pass.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FLAG, OPTION, RCODE, readOptions } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, exchangeDatagrams, readMetric, readReply, reload } from '../support/client.ts';
import { requireProgram, run } from '../support/process.ts';
import { buildQuery } from '../support/records.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const PER_CLIENT = 10;
/** Ten seconds of it at once, and the one that goes over. */
const BURST = 10 * PER_CLIENT + 1;
const COUNT = 1000;
const BATCH = 50;
const TEXT = Array.from(
  { length: 4 },
  (_, i) => `kilo.example. 300 IN TXT "${String(i).padStart(240, '.')}"`,
);

const book = new AnswerBook();
let upstream: ScriptedUpstream;
let cordon: Cordon;

const config = (rateLimit: string): string => `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 2
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: tiktok, shipped: tiktok }]
groups: [{ name: lab, clients: [127.0.40.0/24], lists: [tiktok] }]
rate-limit: ${rateLimit}
access: { allow: ["127.0.0.0/16"] }
forwarders: [{ name: branch, from: [127.0.60.1], clients: [127.0.43.0/24], sends: [subnet] }]
`;
const ENFORCE = `{ per-client: ${PER_CLIENT}, exempt: [127.0.50.0/24] }`;

beforeAll(async () => {
  book.set('www.example. A', ['www.example. 300 IN A 192.0.2.1']);
  book.set('kilo.example. TXT', TEXT);
  upstream = await ScriptedUpstream.open(book.handler);
  cordon = await startCordon({ config: config(ENFORCE) });
  // Each worker has a cache of its own; the kernel spreads ports over them.
  for (let i = 0; i < 20; i++) {
    await ask(cordon.dns, 'www.example. A', { from: '127.0.50.1' });
    await ask(cordon.dns, 'kilo.example. TXT', { from: '127.0.50.1' });
  }
});

afterAll(async () => {
  await cordon?.stop();
  await upstream?.close();
});

/** Asks so often from one address, as many at a time as a socket's buffer holds the answers of. */
const askMany = async (from: string, count: number, query = buildQuery('www.example. A')) => {
  const replies: Uint8Array[] = [];
  const batch = Array.from({ length: BATCH }, () => query);
  while (replies.length < count) replies.push(...(await exchangeDatagrams(cordon.dns, batch, BATCH, from)));
  return replies.map(readReply);
};
const isTruncated = ({ flags }: { flags: number }): boolean => (flags & FLAG.TC) !== 0;
const limited = (group: string, action: string): Promise<number> =>
  readMetric(cordon, 'cordon_rate_limited_total', { group, action });

test('over its limit a client is told to come back over TCP, where it is answered; others are not concerned', async () => {
  const before = await limited('lab', 'truncated');
  const replies = await askMany('127.0.40.1', COUNT);
  const truncated = replies.filter(isTruncated);
  expect(replies.length - truncated.length).toBeGreaterThanOrEqual(BURST);
  expect(truncated.length).toBeGreaterThan(COUNT / 2);
  expect(truncated[0]).toMatchObject({ rcode: RCODE.NOERROR, answer: [] });
  expect((await limited('lab', 'truncated')) - before).toBe(truncated.length);
  const overTcp = await ask(cordon.dns, 'www.example. A', { from: '127.0.40.1', transport: 'tcp' });
  expect(overTcp.answer).toHaveLength(1);
  expect((await ask(cordon.dns, 'www.example. A', { from: '127.0.40.2' })).answer).toHaveLength(1);
});

test('behind a forwarder each client has its own limit', async () => {
  const named = (last: number, question = 'www.example. A') =>
    buildQuery(question, { edns: { options: Uint8Array.of(0, 8, 0, 8, 0, 1, 32, 0, 127, 0, 43, last) } });
  const of = async (last: number): Promise<number> =>
    (await askMany('127.0.60.1', COUNT, named(last))).filter(isTruncated).length;
  expect(await of(1)).toBeGreaterThan(COUNT / 2);
  expect((await askMany('127.0.60.1', BATCH, named(2))).filter(isTruncated)).toEqual([]);
  expect((await askMany('127.0.60.1', BATCH)).filter(isTruncated)).toEqual([]);
  // Long answers are charged as without it.
  const replies = await askMany('127.0.60.1', COUNT, named(3, 'kilo.example. TXT'));
  const sent = replies.reduce((sum, { bytes }) => sum + bytes.length, 0);
  expect(sent / (COUNT * named(3, 'kilo.example. TXT').length)).toBeLessThan(4);
});

test('a cookie of ours proves the address: nothing is limited', async () => {
  const from = '127.0.41.1';
  const option = (data: Uint8Array) => Uint8Array.of(0, OPTION.COOKIE, 0, data.length, ...data);
  const client = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  const first = await ask(cordon.dns, 'www.example. A', { from, edns: { options: option(client) } });
  const options = first.opt?.options ?? new Uint8Array(0);
  const cookie = readOptions(options, 0, options.length).find(({ code }) => code === OPTION.COOKIE);
  expect(cookie).toBeDefined();
  const data = cookie?.data ?? new Uint8Array(0);
  const query = buildQuery('www.example. A', { edns: { options: option(data) } });
  const replies = await askMany(from, COUNT, query);
  expect(replies.filter(isTruncated)).toEqual([]);
  // The same cookie from another address proves nothing.
  expect((await askMany('127.0.41.2', COUNT, query)).filter(isTruncated).length).toBeGreaterThan(COUNT / 2);
});

test('who is exempt is never limited', async () => {
  expect((await askMany('127.0.50.2', COUNT)).filter(isTruncated)).toEqual([]);
});

test('what goes to a forged address is bounded: answers of a kilobyte come to little more than the queries', async () => {
  const query = buildQuery('kilo.example. TXT', { edns: {} });
  const replies = await askMany('127.0.42.1', COUNT, query);
  const sent = replies.reduce((sum, { bytes }) => sum + bytes.length, 0);
  expect(replies[0]?.bytes.length).toBeGreaterThan(1000);
  // 22 times as much before.
  expect(sent / (COUNT * query.length)).toBeLessThan(2);
});

test('a query from the port of a reflector gets no answer', async (context) => {
  requireProgram(context, 'python3');
  if (process.getuid?.() !== 0) context.skip('needs root for a raw socket');
  const before = await readMetric(cordon, 'cordon_dropped_total', { reason: 'reflector' });
  const script = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('127.0.43.1', 19))
s.sendto(bytes.fromhex(sys.argv[1]), ('127.0.0.1', ${cordon.dns.port}))
`;
  const query = Buffer.from(buildQuery('www.example. A')).toString('hex');
  expect((await run('python3', ['-c', script, query])).code).toBe(0);
  await expect
    .poll(() => readMetric(cordon, 'cordon_dropped_total', { reason: 'reflector' }))
    .toBe(before + 1);
});

test('a dry run answers everybody and counts who would be limited; off counts nobody', async () => {
  const rules = `{ mode: dry-run, per-client: ${PER_CLIENT} }`;
  expect(
    (await reload(cordon, { 'cordon.yaml': config(rules.replace('10 }', '10, exempt: [] }')) })).isRefused,
  ).toBe(false);
  expect((await askMany('127.0.44.1', COUNT)).filter(isTruncated)).toEqual([]);
  expect(await limited('default', 'dry-run')).toBeGreaterThan(COUNT / 2);
  await reload(cordon, { 'cordon.yaml': config('{ mode: off }') });
  const before = await limited('default', 'dry-run');
  expect((await askMany('127.0.44.1', COUNT)).filter(isTruncated)).toEqual([]);
  expect(await limited('default', 'dry-run')).toBe(before);
});
