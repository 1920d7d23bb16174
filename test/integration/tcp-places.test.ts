// Places for TCP connections under attack: those who may not ask, those with many addresses, those who do not read.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { ask, readMetric, TcpClient } from '../support/client.ts';
import { type Cordon, startCordon } from '../support/process.ts';
import { buildQuery } from '../support/records.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';

const PLACES = 32;
/** 50 KB: answers that are worth not reading. */
const RECORDS = Array.from({ length: 200 }, (_, i) => `TXT "${String(i).padStart(250, '.')}"`);

let upstream: ScriptedUpstream;
let cordon: Cordon;

beforeEach(async () => {
  upstream = await ScriptedUpstream.open((query) => {
    if (query.transport === 'udp' && query.name.startsWith('big')) {
      return answer(query, []).map((byte, index) => (index === 2 ? byte | 2 : byte));
    }
    const records = query.name.startsWith('big') ? RECORDS : ['A 192.0.2.1'];
    return answer(
      query,
      records.map((record) => `${query.name} 300 IN ${record}`),
    );
  });
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: tiktok, shipped: tiktok }]
access: { allow: ["127.0.0.0/16"] }
tcp: { idle: 20s, connections: ${PLACES}, per-client: 8 }
`,
  });
});

afterEach(async () => {
  await cordon.stop();
  await upstream.close();
});

/** Connects from each address; connections that are closed at once are as good as any. */
const connectAll = (addresses: readonly string[]): Promise<TcpClient[]> =>
  Promise.all(addresses.map((address) => TcpClient.open(cordon.dns, address)));

const expectAnswer = async (from: string): Promise<void> => {
  const reply = await ask(cordon.dns, 'www.example. A', { transport: 'tcp', from });
  // A slow machine may take a second between two of them.
  expect([reply.rcode, ...reply.answer.map((line) => line.replace(/ (?:300|29\d) /, ' TTL '))]).toEqual([
    RCODE.NOERROR,
    'www.example. TTL IN A 192.0.2.1',
  ]);
};

test('clients that may not ask take no place, however many they are', { tags: 'night' }, async () => {
  const addresses = Array.from({ length: 4 * PLACES }, (_, i) => `127.1.${i}.1`);
  const clients = await connectAll(addresses);
  await Promise.all(clients.map((client) => client.waitForClose()));
  expect(await readMetric(cordon, 'cordon_tcp_refused_total', { reason: 'access' })).toBe(4 * PLACES);
  await expectAnswer('127.0.9.1');
});

test('a network with many addresses has a quarter of the places', async () => {
  const clients = await connectAll(Array.from({ length: 4 * PLACES }, (_, i) => `127.0.1.${i + 1}`));
  await expect
    .poll(() => readMetric(cordon, 'cordon_tcp_refused_total', { reason: 'network' }))
    .toBe(4 * PLACES - PLACES / 4);
  expect(await readMetric(cordon, 'cordon_tcp_connections')).toBe(PLACES / 4);
  await expectAnswer('127.0.9.1');
  for (const client of clients) client.end();
});

test('when networks have taken all places, the one that holds most gives way to a new one', async () => {
  const gaveWay = () => readMetric(cordon, 'cordon_tcp_closed_total', { reason: 'gave-way' });
  // While all places are taken, idle connections live for a second: a busy machine may come later than that.
  await vi.waitFor(
    async () => {
      const clients: TcpClient[] = [];
      for (const net of [1, 2, 3, 4]) {
        clients.push(
          ...(await connectAll(Array.from({ length: PLACES / 4 }, (_, i) => `127.0.${net}.${i + 1}`))),
        );
      }
      // The kernel has them before the loop does, over several sockets.
      await expect.poll(() => readMetric(cordon, 'cordon_tcp_connections')).toBe(PLACES);
      await expectAnswer('127.0.9.1');
      await expectAnswer('127.0.10.1');
      for (const client of clients) client.end();
      await expect.poll(() => readMetric(cordon, 'cordon_tcp_connections')).toBe(0);
      expect(await gaveWay()).toBeGreaterThan(0);
    },
    { timeout: 90_000 },
  );
  expect(await readMetric(cordon, 'cordon_tcp_refused_total', { reason: 'connections' })).toBe(0);
});

test('clients that do not read cost 16 MiB at most, and others are answered', { tags: 'night' }, async () => {
  await ask(cordon.dns, 'big.example. TXT', { transport: 'tcp' });
  const rss = () => readMetric(cordon, 'cordon_process_resident_memory_bytes');
  const before = await rss();
  const clients = await connectAll(Array.from({ length: PLACES - 8 }, (_, i) => `127.0.${i % 8}.${i + 1}`));
  // Half of the names are new: their answers come all at once, when nobody can be stopped from asking any more.
  for (const [index, client] of clients.entries()) {
    client.socket.pause();
    client.send(
      ...Array.from({ length: 100 }, (_, i) =>
        buildQuery(`${i % 2 === 0 ? `big${index}-${i}.example` : 'big.example'}. TXT`),
      ),
    );
  }
  await expect
    .poll(() => readMetric(cordon, 'cordon_tcp_closed_total', { reason: 'unread' }), { timeout: 90_000 })
    .toBeGreaterThan(0);
  expect(await readMetric(cordon, 'cordon_tcp_unread_bytes')).toBeLessThanOrEqual(16 << 20);
  await expectAnswer('127.0.9.1');
  // The cache may have grown meanwhile: it is bounded by itself.
  const cached = await readMetric(cordon, 'cordon_cache_bytes');
  expect((await rss()) - before - cached).toBeLessThan(96 << 20);
  for (const client of clients) client.end();
});

test('a query longer than any that a client needs ends its connection before it has come', async () => {
  const client = await TcpClient.open(cordon.dns, '127.0.1.1');
  const longest = buildQuery('www.example. A', { edns: { options: padding(4096) } });
  expect(longest).toHaveLength(4096);
  client.send(longest);
  await client.read();
  client.write(Uint8Array.of(0x10, 0x01, 0));
  await client.waitForClose();
  await expect.poll(() => readMetric(cordon, 'cordon_tcp_closed_total', { reason: 'too-long' })).toBe(1);
  const split = await TcpClient.open(cordon.dns, '127.0.1.1');
  split.write(Uint8Array.of(0xff));
  await expect.poll(() => readMetric(cordon, 'cordon_tcp_connections')).toBe(1);
  split.write(Uint8Array.of(0xff));
  await split.waitForClose();
  await expectAnswer('127.0.1.1');
});

/** A padding option (RFC 7830) that makes a query for www.example this long. */
const padding = (queryBytes: number): Uint8Array => {
  const option = Buffer.alloc(queryBytes - buildQuery('www.example. A', { edns: {} }).length);
  option.writeUInt16BE(12, 0);
  option.writeUInt16BE(option.length - 4, 2);
  return option;
};
