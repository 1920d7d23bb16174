// What others get while somebody floods, judged by counts; `npm run attack` has the same at full size, beside unbound.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { ask, exchangeDatagrams, readMetric, readReply } from '../support/client.ts';
import { inTwo } from '../support/night.ts';
import { buildQuery } from '../support/records.ts';
import { answer, type ScriptedHandler, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

/** Questions in flight that the program has room for. */
const ROOM = 64;
/** Each flood fills the room several times within the time of a question. */
const FLOOD = { everyMs: 50, count: 10 };
const VICTIMS = 40;
const WAITERS_PER_CLIENT_MAX = 256;

const open: { close(): unknown }[] = [];
const programs: Cordon[] = [];
afterEach(async () => {
  for (const item of open.splice(0).reverse()) await item.close();
  for (const program of programs.splice(0)) await program.stop();
});

const openUpstream = async (handler: ScriptedHandler): Promise<ScriptedUpstream> => {
  const upstream = await ScriptedUpstream.open(handler);
  open.push(upstream);
  return upstream;
};

const start = async (upstreams: readonly ScriptedUpstream[]): Promise<Cordon> => {
  const servers = upstreams.map(({ endpoint }) => `"${endpoint.address}:${endpoint.port}"`);
  const program = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
lists: []
upstreams: [${servers.join(', ')}]
resolver: { inflight: ${ROOM} }
rate-limit: { mode: "off" }
`,
  });
  programs.push(program);
  return program;
};

/** Asks for fresh names from several addresses, whatever comes back, until the test ends. */
const flood = async (
  program: Cordon,
  clients: readonly string[],
  nameOf: (index: number) => string,
): Promise<void> => {
  const sockets: Socket[] = [];
  for (const address of clients) {
    const socket = createSocket('udp4').bind(0, address);
    await once(socket, 'listening');
    sockets.push(socket);
  }
  let index = 0;
  const timer = setInterval(() => {
    for (let i = 0; i < FLOOD.count; i++, index++)
      sockets[index % sockets.length]?.send(
        buildQuery(`${nameOf(index)}. A`, { id: index & 0xffff }),
        program.dns.port,
        program.dns.address,
      );
  }, FLOOD.everyMs);
  open.push({
    close: () => {
      clearInterval(timer);
      for (const socket of sockets) socket.close();
    },
  });
};

const clientsOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `127.0.1.${i + 1}`);
const silentHandler: ScriptedHandler = (query) =>
  query.name.endsWith('silent.example.') ? undefined : answer(query, [`${query.name} 60 IN A 192.0.2.1`]);

const FLOODS: readonly (readonly [string, number, string[], (i: number) => string])[] = [
  ['one client below one silent zone', 1, clientsOf(1), (i: number) => `x${i}.silent.example`],
  ['twenty clients below one silent zone', 1, clientsOf(20), (i: number) => `x${i}.a${i}.silent.example`],
  ['twenty clients below many silent zones', 1, clientsOf(20), (i: number) => `x${i}.z${i}silent.example`],
  ['five clients with two upstreams', 2, clientsOf(5), (i: number) => `x${i}.silent.example`],
];
for (const [options, floods] of inTwo(FLOODS, (_, index) => index % 2 === 1))
  test.each(floods)(
    'others get all their fresh names while %s flood',
    options,
    async (_what, upstreamCount, clients, nameOf) => {
      const upstreams: ScriptedUpstream[] = [];
      for (let i = 0; i < upstreamCount; i++) upstreams.push(await openUpstream(silentHandler));
      const program = await start(upstreams);
      await flood(program, clients, nameOf);
      await expect
        .poll(async () => await readMetric(program, 'cordon_inflight_queries'))
        .toBeGreaterThanOrEqual(ROOM / 4 - 1);
      let answered = 0;
      for (let i = 0; i < VICTIMS; i++) {
        const reply = await ask(program.dns, `v${i}.good.example A`, { from: '127.0.2.1' });
        if (reply.rcode === RCODE.NOERROR && reply.answer.length === 1) answered++;
      }
      expect(answered).toBe(VICTIMS);
      expect(await readMetric(program, 'cordon_upstream_up')).toBe(upstreamCount);
    },
  );

test('a client that asks for one slow name again and again leaves it to others, and gets 256 answers', async () => {
  const upstream = await openUpstream(() => undefined);
  const program = await start([upstream]);
  const queries = Array.from({ length: 300 }, (_, id) => buildQuery('www.slow.example. A', { id }));
  const greedy = exchangeDatagrams(program.dns, queries, queries.length, '127.0.1.1');
  await expect
    .poll(async () => await readMetric(program, 'cordon_client_share_refused_total'))
    .toBe(queries.length - WAITERS_PER_CLIENT_MAX);
  const other = ask(program.dns, 'www.slow.example A', { from: '127.0.2.1' });
  await expect
    .poll(async () => await readMetric(program, 'cordon_coalesced_queries_total'))
    .toBe(WAITERS_PER_CLIENT_MAX);
  // The next try brings the answer to all of them.
  upstream.onQuery(silentHandler);
  expect((await other).answer).toHaveLength(1);
  const replies = (await greedy).map(readReply);
  expect(replies.filter((reply) => reply.rcode === RCODE.NOERROR)).toHaveLength(WAITERS_PER_CLIENT_MAX);
});

test('an upstream that always takes longer than a try is good for every question', {
  tags: 'night',
}, async () => {
  const upstream = await openUpstream((query) => ({
    delayMs: 1_200,
    messages: silentHandler(query) as Uint8Array,
  }));
  const program = await start([upstream]);
  for (let i = 0; i < 4; i++)
    expect((await ask(program.dns, `www${i}.slow.example A`)).answer).toHaveLength(1);
  // Two early tries and one after a second for the first, and hardly any more once it is known.
  expect(upstream.count()).toBeLessThanOrEqual(12);
  expect(await readMetric(program, 'cordon_upstream_up')).toBe(1);
});
