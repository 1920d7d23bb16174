import { expect, test } from 'vitest';
import { upstreamTexts } from '../../../src/resolver/upstream/upstream.ts';
import { EDE, RCODE, writeU16 } from '../../../src/wire/dns/dns.ts';
import { parseMessage } from '../../support/records.ts';
import { answer, answerCode, type ScriptedHandler } from '../../support/scripted-upstream.ts';
import {
  answerFirst,
  ask,
  deadEndpoint,
  openUpstream,
  plainServer,
  question,
  startForwarding,
  toRoute,
} from './setup.ts';

const NAME = 'www.example.com.';

const good: ScriptedHandler = (query) => answer(query);
const silent: ScriptedHandler = () => undefined;
const refusing: ScriptedHandler = (query) => answerCode(query, RCODE.REFUSED);

test('resolve() asks the fallback only after every server has failed', async () => {
  const fallback = await openUpstream(good);
  const cases: { handlers: ScriptedHandler[]; isAsked: boolean }[] = [
    { handlers: [good, refusing], isAsked: false },
    { handlers: [refusing, good], isAsked: false },
    { handlers: [silent, good], isAsked: false },
    { handlers: [refusing, refusing], isAsked: true },
    { handlers: [silent, refusing], isAsked: true },
    { handlers: [silent, silent], isAsked: true },
  ];
  for (const { handlers, isAsked } of cases) {
    const upstreams = await Promise.all(handlers.map((handler) => openUpstream(handler)));
    const { forwarding } = startForwarding(
      [{ endpoints: upstreams.map((one) => one.endpoint), fallback: [fallback.endpoint] }],
      { tryTimeoutMs: 60, timeoutMs: 600 },
    );
    const before = fallback.count();
    const outcome = await ask(forwarding, question(NAME));
    expect(outcome.kind).toBe('answer');
    expect(fallback.count() - before).toBe(isAsked ? 1 : 0);
    expect(outcome.kind === 'answer' && outcome.endpoint === forwarding.endpoints[2]).toBe(isAsked);
    if (isAsked) expect(upstreams.map((one) => one.count())).toEqual([1, 1]);
  }
});

test('resolve() does not ask the fallback while a server may still answer', async () => {
  const slow = await openUpstream(silent);
  const other = await openUpstream(refusing);
  const fallback = await openUpstream(good);
  const { forwarding, events } = startForwarding([
    { endpoints: [slow.endpoint, other.endpoint], fallback: [fallback.endpoint] },
  ]);
  const outcome = ask(forwarding, question(NAME));
  await expect.poll(() => events, { interval: 5 }).toContain('1 failed refused');
  await answerFirst(slow, answer);
  expect(await outcome).toMatchObject({ endpoint: forwarding.endpoints[0] });
  expect(fallback.count()).toBe(0);
});

test('resolve() leaves the fallback half of the time', async () => {
  const upstreams = await Promise.all([silent, silent, silent].map((handler) => openUpstream(handler)));
  const fallback = await openUpstream(good);
  const { forwarding } = startForwarding(
    [{ endpoints: upstreams.map((one) => one.endpoint), fallback: [fallback.endpoint] }],
    { tryTimeoutMs: 200, timeoutMs: 400 },
  );
  expect((await ask(forwarding, question(NAME))).kind).toBe('answer');
});

test('resolve() hardly waits for servers that are known to be down before it asks the fallback', async () => {
  const upstreams = await Promise.all([silent, silent].map((handler) => openUpstream(handler)));
  const fallback = await openUpstream(good);
  const { forwarding, events, clock } = startForwarding(
    [{ endpoints: upstreams.map((one) => one.endpoint), fallback: [fallback.endpoint] }],
    { tryTimeoutMs: 600 },
  );
  await Promise.all(Array.from({ length: 3 }, () => ask(forwarding, question(NAME))));
  for (const index of [0, 1]) await expect.poll(() => events).toContain(`${index} healthy false`);
  const before = upstreams.map((one) => one.count());
  const started = clock();
  expect((await ask(forwarding, question(NAME))).kind).toBe('answer');
  expect(clock() - started).toBeLessThan(580);
  // Both once, and at once: the question itself shows when they are back.
  expect(upstreams.map((one, i) => one.count() - (before[i] ?? 0))).toEqual([1, 1]);
});

test('resolve() takes the server back from the fallback at its first answer', async () => {
  const upstream = await openUpstream(silent);
  const fallback = await openUpstream(good);
  const { forwarding, events } = startForwarding(
    [{ endpoints: [upstream.endpoint], fallback: [fallback.endpoint] }],
    { tryTimeoutMs: 40 },
  );
  while (!events.includes('0 healthy false')) await ask(forwarding, question(NAME));
  upstream.onQuery(good);
  for (let i = 0; i < 2; i++) {
    expect(await ask(forwarding, question(NAME))).toMatchObject({ endpoint: forwarding.endpoints[0] });
  }
});

test('resolve() says why when the fallback fails as well', async () => {
  const { forwarding } = startForwarding(
    [{ endpoints: [(await openUpstream(refusing)).endpoint], fallback: [await deadEndpoint()] }],
    { tryTimeoutMs: 40, timeoutMs: 200 },
  );
  expect(await ask(forwarding, question(NAME))).toMatchObject({ kind: 'failure', reason: 'refused' });
});

test('resolve() gives each view its own upstreams, and the zones of the default view', async () => {
  const opened = await Promise.all(Array.from({ length: 6 }, () => openUpstream(good)));
  const routes = [
    { zone: '.', view: 0 },
    { zone: 'agency.example.', view: 0 },
    { zone: '.', view: 1 },
    { zone: 'agency.example.', view: 2 },
    { zone: 'lab.agency.example.', view: 1 },
    { zone: 'city.example.', view: 2 },
  ];
  const { forwarding } = startForwarding(
    routes.map((route, i) => ({ ...route, endpoints: opened.slice(i, i + 1).map((one) => one.endpoint) })),
  );
  const cases = [
    { name: 'www.example.com.', view: 0, asked: 0 },
    { name: 'www.agency.example.', view: 0, asked: 1 },
    { name: 'www.lab.agency.example.', view: 0, asked: 1 },
    { name: 'city.example.', view: 0, asked: 0 },
    { name: 'www.example.com.', view: 1, asked: 2 },
    { name: 'www.agency.example.', view: 1, asked: 1 },
    { name: 'www.lab.agency.example.', view: 1, asked: 4 },
    { name: 'city.example.', view: 1, asked: 2 },
    { name: 'www.example.com.', view: 2, asked: 0 },
    { name: 'www.agency.example.', view: 2, asked: 3 },
    { name: 'www.lab.agency.example.', view: 2, asked: 3 },
    { name: 'city.example.', view: 2, asked: 5 },
    { name: 'www.example.com.', view: 7, asked: 0 },
    { name: 'www.agency.example.', view: 7, asked: 1 },
  ];
  for (const { name, view, asked } of cases) {
    const outcome = await ask(forwarding, question(name, 'A', { view }));
    expect(outcome, `${name} of view ${view}`).toMatchObject({ endpoint: forwarding.endpoints[asked] });
  }
});

test('a server that stands in several routes is one; servers that differ are not, even if their text is the same', async () => {
  const upstream = await openUpstream(good);
  const server = plainServer(upstream.endpoint);
  const overTcp = { ...server, transport: 'tcp' as const };
  const routes = [
    { servers: [server] },
    { zone: 'example.com.', servers: [overTcp] },
    { zone: 'example.net.', servers: [{ ...server }], fallback: [upstream.endpoint] },
  ];
  const { forwarding, events } = startForwarding(routes);
  expect(forwarding.endpoints).toEqual([server.text]);
  expect(upstreamTexts(routes.map(toRoute))).toEqual(forwarding.endpoints);
  await ask(forwarding, question('www.example.org.'));
  await ask(forwarding, question('www.example.com.'));
  await ask(forwarding, question('www.example.net.'));
  expect(events.filter((event) => event.includes('sent'))).toEqual([
    '0 sent udp',
    '0 sent tcp',
    '0 sent udp',
  ]);
});

const servfail =
  (infoCode: number | undefined): ScriptedHandler =>
  (query) => {
    const options = new Uint8Array(infoCode === undefined ? 0 : 6);
    if (infoCode !== undefined) {
      writeU16(options, 0, 15);
      writeU16(options, 2, 2);
      writeU16(options, 4, infoCode);
    }
    return answer(query, [], { flags: 0x8182, edns: { options } });
  };

test.each([
  { infoCode: undefined, asked: 4 },
  { infoCode: EDE.NO_REACHABLE_AUTHORITY, asked: 4 },
  { infoCode: EDE.DNSSEC_BOGUS, asked: 2 },
  { infoCode: EDE.SIGNATURE_EXPIRED, asked: 2 },
  { infoCode: EDE.NSEC_MISSING, asked: 2 },
])('resolve() asks $asked servers that say SERVFAIL with EDE $infoCode', async ({ infoCode, asked }) => {
  const upstreams = await Promise.all(Array.from({ length: 3 }, () => openUpstream(servfail(infoCode))));
  const fallback = await openUpstream(servfail(infoCode));
  const { forwarding } = startForwarding([
    { endpoints: upstreams.map((one) => one.endpoint), fallback: [fallback.endpoint] },
  ]);
  const outcome = await ask(forwarding, question(NAME));
  expect(outcome).toMatchObject({ kind: 'failure', reason: 'servfail' });
  const message = outcome.kind === 'failure' ? outcome.message : undefined;
  expect(message && parseMessage(message).opt?.options.at(-1)).toBe(infoCode);
  expect([...upstreams, fallback].reduce((sum, one) => sum + one.count(), 0)).toBe(asked);
});

test('resolve() takes the answer of the server after one that blames the zone', async () => {
  const upstreams = [await openUpstream(servfail(EDE.DNSSEC_BOGUS)), await openUpstream(good)];
  const { forwarding } = startForwarding([{ endpoints: upstreams.map((one) => one.endpoint) }]);
  expect(await ask(forwarding, question(NAME))).toMatchObject({ endpoint: forwarding.endpoints[1] });
});
