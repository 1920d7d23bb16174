// What is no ordinary query, and what TCP connections may do: the answers of RFC 1035, 6891, 7766, 8482, 8906, 9619.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EDE, FLAG, RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import {
  ask,
  exchangeDatagrams,
  exchangeUdp,
  readHeader,
  readMetric,
  readReply,
  TcpClient,
} from '../support/client.ts';
import { requireProgram, run } from '../support/process.ts';
import { buildQuery, buildResponse } from '../support/records.ts';
import { answer, answerCode, frame, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const FOREIGN_CLIENT = '127.0.0.77';
const PER_CLIENT_MAX = 6;
const QUERY = buildQuery('www.example. A', { id: 7 });

const book = new AnswerBook();
let upstream: ScriptedUpstream;
let cordon: Cordon;

beforeAll(async () => {
  book.set('www.example. A', ['www.example. 300 IN A 192.0.2.1']);
  upstream = await ScriptedUpstream.open(book.handler);
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: tiktok, shipped: tiktok }]
access: { allow: ["127.0.0.0/26"] }
tcp: { idle: 4s, per-client: ${PER_CLIENT_MAX}, per-network: 100%, connections: 20 }
`,
  });
  await ask(cordon.dns, 'www.example. A');
});

afterAll(async () => {
  await cordon?.stop();
  await upstream?.close();
});

beforeEach(() => {
  upstream.queries.length = 0;
});

/** A query with some bytes set. */
const withBytes = (changes: Readonly<Record<number, number>>, bytes = QUERY): Uint8Array => {
  const changed = bytes.slice();
  for (const [offset, value] of Object.entries(changes)) changed[Number(offset)] = value;
  return changed;
};

const twice = (message: Uint8Array): Uint8Array =>
  withBytes({ 5: 2 }, Uint8Array.from([...message, ...message.subarray(12)]));
const withOpt = (options: number[], changes: Record<number, number> = {}): Uint8Array => {
  const message = buildQuery('www.example. A', { id: 7, edns: { options: Uint8Array.from(options) } });
  return withBytes(changes, message);
};
const plainOpt = withOpt([]);
const doubleOpt = withBytes({ 11: 2 }, Uint8Array.from([...plainOpt, ...plainOpt.subarray(-11)]));

describe('messages that are no sound query', () => {
  const CASES: Readonly<Record<string, readonly [Uint8Array, number]>> = {
    'no question': [withBytes({ 5: 0 }, QUERY.slice(0, 12)), RCODE.FORMERR],
    'QDCOUNT 0 with a question': [withBytes({ 5: 0 }), RCODE.FORMERR],
    'two questions': [twice(QUERY), RCODE.FORMERR],
    'a question cut off': [QUERY.slice(0, -1), RCODE.FORMERR],
    'a name that points at itself': [withBytes({ 12: 0xc0, 13: 12 }), RCODE.FORMERR],
    'a label type of the future': [withBytes({ 12: 0x41 }), RCODE.FORMERR],
    'a record in ANSWER': [
      buildQuery('www.example. A', { answer: ['a.example. 60 IN A 192.0.2.1'] }),
      RCODE.FORMERR,
    ],
    'a record count without records': [withBytes({ 11: 1 }), RCODE.FORMERR],
    'two OPT records': [doubleOpt, RCODE.FORMERR],
    'an EDNS option cut off': [withOpt([0, 10, 0, 8, 1]), RCODE.FORMERR],
    'EDNS version 1': [buildQuery('www.example. A', { edns: { ttl: 0x0001_0000 } }), RCODE.BADVERS],
    IQUERY: [withBytes({ 2: 0x08 }), RCODE.NOTIMP],
    STATUS: [withBytes({ 2: 0x10 }), RCODE.NOTIMP],
    NOTIFY: [withBytes({ 2: 0x20 }), RCODE.NOTIMP],
    UPDATE: [withBytes({ 2: 0x28 }), RCODE.NOTIMP],
    'opcode 15': [withBytes({ 2: 0x78 }), RCODE.NOTIMP],
    AXFR: [buildQuery('www.example. AXFR'), RCODE.REFUSED],
    IXFR: [buildQuery('www.example. IXFR'), RCODE.REFUSED],
    MAILB: [buildQuery('www.example. MAILB'), RCODE.NOTIMP],
    MAILA: [buildQuery('www.example. MAILA'), RCODE.NOTIMP],
    TKEY: [buildQuery('www.example. TKEY'), RCODE.FORMERR],
    TSIG: [buildQuery('www.example. TSIG'), RCODE.FORMERR],
    NXNAME: [buildQuery('www.example. NXNAME'), RCODE.FORMERR],
    'a meta type without a meaning': [buildQuery('www.example. TYPE200'), RCODE.FORMERR],
    OPT: [buildQuery('www.example. OPT'), RCODE.FORMERR],
    'class CH': [buildQuery('version.bind. CH TXT'), RCODE.REFUSED],
    'class NONE': [buildQuery('www.example. NONE A'), RCODE.REFUSED],
    'RD not set': [buildQuery('www.example. A', { flags: 0 }), RCODE.REFUSED],
  };

  test.each(Object.entries(CASES))('%s', async (_title, [bytes, rcode]) => {
    const client = await TcpClient.open(cordon.dns);
    client.send(bytes);
    for (const reply of [await exchangeUdp(cordon.dns, bytes), await client.read()].map(readReply)) {
      expect(reply.rcode).toBe(rcode);
      expect(reply.id).toBe(((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0));
      expect(reply.flags & (FLAG.QR | 0x7800)).toBe(FLAG.QR | (((bytes[2] ?? 0) & 0x78) << 8));
      expect([reply.answer, reply.authority, reply.additional]).toEqual([[], [], []]);
      expect(reply.bytes.length).toBeLessThanOrEqual(bytes.length + 17);
    }
    client.end();
    expect(upstream.count()).toBe(0);
  });

  test('bytes behind a sound query are overlooked and do not come back', async () => {
    const reply = readReply(await exchangeUdp(cordon.dns, Uint8Array.from([...QUERY, 0xab, 0xcd])));
    expect(reply).toMatchObject({ rcode: RCODE.NOERROR, isSound: true });
    expect(reply.answer).toHaveLength(1);
  });

  test('an answer, a fragment and nothing at all are not answered', async () => {
    const silent = [buildResponse({ question: 'www.example. A' }), QUERY.subarray(0, 11), new Uint8Array(0)];
    const before = await readMetric(cordon, 'cordon_dropped_total');
    const [first] = await exchangeDatagrams(cordon.dns, [...silent, QUERY], 1);
    expect(readReply(first ?? new Uint8Array(12)).answer).toHaveLength(1);
    expect(await readMetric(cordon, 'cordon_dropped_total')).toBe(before + silent.length);
  });

  test('a datagram from port 0 is not answered', async (context) => {
    requireProgram(context, 'python3');
    if (process.getuid?.() !== 0) context.skip('needs root for a raw socket');
    const { port } = cordon.dns;
    const before = await readMetric(cordon, 'cordon_dropped_total', { reason: 'source-port-zero' });
    const script = `
import socket, struct, sys
payload = bytes.fromhex(sys.argv[1])
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
s.sendto(struct.pack('!HHHH', 0, ${port}, 8 + len(payload), 0) + payload, ('127.0.0.1', 0))
`;
    const sent = await run('python3', ['-c', script, Buffer.from(QUERY).toString('hex')]);
    if (sent.code !== 0) context.skip(`no raw socket: ${sent.stderr.trim().split('\n').at(-1)}`);
    // A question asked afterwards is read afterwards.
    await ask(cordon.dns, 'www.example. A');
    expect(await readMetric(cordon, 'cordon_dropped_total', { reason: 'source-port-zero' })).toBe(before + 1);
  });
});

test('ANY gets one HINFO record (RFC 8482)', async () => {
  const reply = await ask(cordon.dns, 'www.example. ANY');
  expect(reply).toMatchObject({ rcode: RCODE.NOERROR, answer: ['www.example. 3600 IN HINFO "RFC8482" ""'] });
  expect(upstream.count()).toBe(0);
});

test('a client that may not ask is refused, also for names that are not listed or broken', async () => {
  for (const question of ['www.example. A', 'www.tiktok.com. A', 'localhost. A', 'www.example. ANY']) {
    const reply = await ask(cordon.dns, question, { from: FOREIGN_CLIENT });
    expect(reply).toMatchObject({ rcode: RCODE.REFUSED, answer: [], authority: [] });
    expect(reply.ede?.infoCode).toBe(EDE.PROHIBITED);
  }
  expect(upstream.count()).toBe(0);
});

test('a client that may not ask gets no connection', async () => {
  const before = await readMetric(cordon, 'cordon_tcp_refused_total', { reason: 'access' });
  await (await TcpClient.open(cordon.dns, FOREIGN_CLIENT)).waitForClose();
  expect(await readMetric(cordon, 'cordon_tcp_refused_total', { reason: 'access' })).toBe(before + 1);
});

test.each([
  ['localhost. A', RCODE.NOERROR, ['localhost. 10800 IN A 127.0.0.1']],
  ['a.LOCALHOST. AAAA', RCODE.NOERROR, ['a.localhost. 10800 IN AAAA ::1']],
  ['localhost. TXT', RCODE.NOERROR, []],
  ['1.0.0.127.in-addr.arpa. PTR', RCODE.NOERROR, ['1.0.0.127.in-addr.arpa. 10800 IN PTR localhost.']],
  ['x.invalid. A', RCODE.NXDOMAIN, []],
  ['x.test. A', RCODE.NXDOMAIN, []],
  ['printer.local. A', RCODE.NXDOMAIN, []],
  ['x.onion. A', RCODE.NXDOMAIN, []],
  ['x.alt. A', RCODE.NXDOMAIN, []],
  ['x.home.arpa. A', RCODE.NXDOMAIN, []],
  ['_dns.resolver.arpa. SVCB', RCODE.NOERROR, []],
  ['1.0.168.192.in-addr.arpa. PTR', RCODE.NXDOMAIN, []],
  ['1.0.0.10.in-addr.arpa. PTR', RCODE.NXDOMAIN, []],
] as const)('the special-use name %s is answered here', async (question, rcode, records) => {
  const reply = await ask(cordon.dns, question);
  expect(reply.rcode).toBe(rcode);
  expect(reply.answer.map((record) => record.toLowerCase())).toEqual(
    records.map((record) => record.toLowerCase()),
  );
  expect(reply.authority).toHaveLength(records.length === 0 ? 1 : 0);
  expect(upstream.count()).toBe(0);
});

describe('TCP', () => {
  const readIds = async (client: TcpClient, count: number): Promise<number[]> => {
    const ids: number[] = [];
    for (let i = 0; i < count; i++) ids.push(readReply(await client.read()).id);
    return ids;
  };
  const numbered = (count: number, name = 'www.example.') =>
    Array.from({ length: count }, (_, id) => buildQuery(`${name} A`, { id }));

  test('fifty queries in one segment', async () => {
    const client = await TcpClient.open(cordon.dns);
    client.send(...numbered(50));
    expect(await readIds(client, 50)).toEqual(Array.from({ length: 50 }, (_, id) => id));
    client.end();
  });

  test('more queries than may wait are all answered in the end', async () => {
    const client = await TcpClient.open(cordon.dns);
    const names = Array.from({ length: 300 }, (_, id) => `n${id}.pipe.example.`);
    for (const name of names) {
      book.set(`${name} A`, (query) => ({
        delayMs: 20,
        messages: answer(query, [`${name} 300 IN A 192.0.2.1`]),
      }));
    }
    client.send(...names.map((name, id) => buildQuery(`${name} A`, { id })));
    const ids = await readIds(client, names.length);
    expect(ids.sort((a, b) => a - b)).toEqual(names.map((_, id) => id));
    client.end();
  });

  test('a slow answer does not hold up the others', async () => {
    book.set('slow.example. A', (query) => ({
      delayMs: 300,
      messages: answer(query, ['slow.example. 300 IN A 192.0.2.1']),
    }));
    const client = await TcpClient.open(cordon.dns);
    client.send(buildQuery('slow.example. A', { id: 1 }), buildQuery('www.example. A', { id: 2 }));
    expect(await readIds(client, 2)).toEqual([2, 1]);
    client.end();
  });

  test('frames cut at every byte', async () => {
    const client = await TcpClient.open(cordon.dns);
    const bytes = Buffer.concat(numbered(3).map(frame));
    for (const byte of bytes) {
      await new Promise<void>((resolve) => client.socket.write(Uint8Array.of(byte), () => resolve()));
    }
    expect(await readIds(client, 3)).toEqual([0, 1, 2]);
    client.end();
  });

  test('a client that has said everything still gets its answers', async () => {
    book.set('half.example. A', (query) => ({
      delayMs: 200,
      messages: answer(query, ['half.example. 300 IN A 192.0.2.1']),
    }));
    const client = await TcpClient.open(cordon.dns);
    client.send(buildQuery('half.example. A', { id: 3 }), buildQuery('www.example. A', { id: 4 }));
    client.socket.end();
    expect(await readIds(client, 2)).toEqual([4, 3]);
    await client.waitForClose();
  });

  test('an idle connection is closed, one with half a query as well', async () => {
    const [silent, used, half] = await Promise.all(
      Array.from({ length: 3 }, () => TcpClient.open(cordon.dns)),
    );
    used?.send(QUERY);
    await used?.read();
    half?.write(Uint8Array.of(0, 40, 1));
    const dripping = setInterval(() => half?.write(Uint8Array.of(0)), 100);
    await Promise.all([silent?.waitForClose(), used?.waitForClose(), half?.waitForClose()]);
    clearInterval(dripping);
  });

  test('a client has only so many connections', async () => {
    const from = '127.0.0.21';
    const before = await readMetric(cordon, 'cordon_tcp_refused_total', { reason: 'per-client' });
    const clients: TcpClient[] = [];
    for (let i = 0; i < PER_CLIENT_MAX; i++) clients.push(await TcpClient.open(cordon.dns, from));
    // Each waits for an answer that does not come: what is idle would give way.
    book.set('waits.example. A', () => undefined);
    const joined = await readMetric(cordon, 'cordon_coalesced_queries_total');
    for (const client of clients) client.send(buildQuery('waits.example. A'));
    await expect
      .poll(() => readMetric(cordon, 'cordon_coalesced_queries_total'))
      .toBe(joined + PER_CLIENT_MAX - 1);
    await (await TcpClient.open(cordon.dns, from)).waitForClose();
    const other = await TcpClient.open(cordon.dns, '127.0.0.22');
    other.send(QUERY);
    expect(readReply(await other.read()).answer).toHaveLength(1);
    expect(await readMetric(cordon, 'cordon_tcp_refused_total', { reason: 'per-client' })).toBe(before + 1);
    for (const client of [...clients, other]) client.end();
  });

  test('a client that never reads is cut off, and few answers are made for it', async () => {
    const record = (i: number) => `big.example. 300 IN TXT "${String(i).padStart(250, '.')}"`;
    const records = Array.from({ length: 200 }, (_, i) => record(i));
    book.set('big.example. TXT', (query) =>
      query.transport === 'tcp' ? answer(query, records) : answerCode(query, RCODE.NOERROR, FLAG.TC),
    );
    const { bytes } = await ask(cordon.dns, 'big.example. TXT', { transport: 'tcp' });
    const before = await readMetric(cordon, 'cordon_queries_total');
    const client = await TcpClient.open(cordon.dns, '127.0.0.23');
    client.socket.pause();
    // 2,000 answers of 53 KB: 106 MB, if they were all made.
    client.send(...Array.from({ length: 2000 }, () => buildQuery('big.example. TXT')));
    await expect.poll(() => readMetric(cordon, 'cordon_tcp_connections'), { timeout: 90_000 }).toBe(0);
    // What is answered is what is kept, by the kernel or here. Resident memory would be that of the whole test process.
    const answered = (await readMetric(cordon, 'cordon_queries_total')) - before;
    expect(answered * bytes.length).toBeLessThan(64 << 20);
    client.end();
    await ask(cordon.dns, 'www.example. A');
  });

  test('a client that reads gets every answer, however many bytes one segment of queries asks for', async () => {
    const client = await TcpClient.open(cordon.dns);
    const count = 400;
    client.send(...Array.from({ length: count }, (_, id) => buildQuery('big.example. TXT', { id })));
    for (let id = 0; id < count; id++) {
      const message = await client.read();
      expect(readHeader(message)).toMatchObject({ id, rcode: RCODE.NOERROR });
      expect(message.length).toBeGreaterThan(50_000);
    }
    client.end();
  });

  test.each([
    ['zeros', new Uint8Array(4000)],
    ['ones', new Uint8Array(4000).fill(255)],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: example\r\n\r\n'.repeat(40))],
    ['an answer', frame(buildResponse({ question: 'www.example. A' }))],
  ])('%s end a connection and nothing else', async (_title, bytes) => {
    const client = await TcpClient.open(cordon.dns);
    client.write(bytes);
    await client.waitForClose();
    expect((await ask(cordon.dns, 'www.example. A', { transport: 'tcp' })).answer).toHaveLength(1);
  });

  test('a client that resets while it is waited for does no harm', async () => {
    // Only the first query is answered, as late as Cordon may ask again.
    let isFirst = true;
    book.set('gone.example. A', (query) => {
      const messages = answer(query, ['gone.example. 300 IN A 192.0.2.1']);
      const reply = isFirst ? { delayMs: 150, messages } : undefined;
      isFirst = false;
      return reply;
    });
    const client = await TcpClient.open(cordon.dns);
    client.send(buildQuery('gone.example. A'));
    await expect.poll(() => upstream.asked('gone.example.')).toBe(1);
    client.socket.resetAndDestroy();
    await expect.poll(async () => (await ask(cordon.dns, 'gone.example. A')).answer.length).toBe(1);
  });
});
