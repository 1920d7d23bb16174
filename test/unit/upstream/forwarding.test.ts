import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { Forwarding, OwnPorts, type UpstreamOutcome } from '../../../src/resolver/upstream/upstream.ts';
import { FLAG, messageFlags, messageId, RCODE, writeU16 } from '../../../src/wire/dns/dns.ts';
import { parseMessage } from '../../support/records.ts';
import { answer, answerCode, type ScriptedQuery } from '../../support/scripted-upstream.ts';
import { answerFirst, ask, deadEndpoint, openUpstream, question, startForwarding } from './setup.ts';

const NAME = 'www.example.com.';
const RECORD = 'www.example.com. 300 IN A 192.0.2.1';
const FORGED = 'www.example.com. 300 IN A 203.0.113.66';

const answersOf = (outcome: UpstreamOutcome): readonly string[] | string =>
  outcome.kind === 'answer' ? parseMessage(outcome.message).answer : outcome.reason;

const withHeader = (message: Uint8Array, change: { id?: number; flags?: number }): Uint8Array => {
  if (change.id !== undefined) writeU16(message, 0, change.id);
  if (change.flags !== undefined) writeU16(message, 2, change.flags);
  return message;
};

test('resolve() hands over the answer with its endpoint', async () => {
  const upstream = await openUpstream((query) => answer(query, [RECORD]));
  const { forwarding, events } = startForwarding([{ endpoints: [upstream.endpoint] }]);
  const outcome = await ask(forwarding, question(NAME));
  expect(answersOf(outcome)).toEqual([RECORD]);
  expect(outcome).toMatchObject({
    kind: 'answer',
    endpoint: forwarding.endpoints[0],
    isEncrypted: false,
  });
  expect(events).toEqual(['0 sent udp', '0 answered 0']);
  expect(forwarding.inflight).toBe(0);
});

test('resolve() asks with the letters, DO, CD and AD of the question', async () => {
  const upstream = await openUpstream((query) => answer(query));
  const { forwarding } = startForwarding([{ endpoints: [upstream.endpoint] }]);
  await ask(forwarding, question('wWw.Example.COM.', 'AAAA', { dnssecOk: true, checkingDisabled: true }));
  await ask(forwarding, question('plain.example.com.'));
  await ask(forwarding, question('ad.example.com.', 'A', { wantsAd: true }));
  expect(upstream.queries.map((query) => messageFlags(query.bytes) & FLAG.AD)).toEqual([0, 0, FLAG.AD]);
  expect(upstream.queries.slice(0, 2)).toMatchObject([
    { name: 'wWw.Example.COM.', type: 28, transport: 'udp', hasEdns: true, dnssecOk: true, cd: true },
    { name: 'plain.example.com.', type: 1, transport: 'udp', hasEdns: true, dnssecOk: false, cd: false },
  ]);
});

test('resolve() takes an answer whose question has other letters', async () => {
  const upstream = await openUpstream((query) => answer({ ...query, name: 'WWW.EXAMPLE.com.' }, [RECORD]));
  const { forwarding } = startForwarding([{ endpoints: [upstream.endpoint] }]);
  expect(answersOf(await ask(forwarding, question(NAME)))).toEqual([
    RECORD.replace('www.example.com', 'WWW.EXAMPLE.com'),
  ]);
});

const unwanted: { what: string; reason: string; forge: (query: ScriptedQuery) => Uint8Array }[] = [
  { what: 'eleven bytes', reason: 'short', forge: (query) => answer(query, [FORGED]).subarray(0, 11) },
  {
    what: 'another ID',
    reason: 'id',
    forge: (query) => withHeader(answer(query, [FORGED]), { id: query.id ^ 1 }),
  },
  {
    what: 'a query',
    reason: 'header',
    forge: (query) => withHeader(answer(query, [FORGED]), { flags: FLAG.RD }),
  },
  {
    what: 'opcode NOTIFY',
    reason: 'header',
    forge: (query) => withHeader(answer(query, [FORGED]), { flags: FLAG.QR | (4 << 11) }),
  },
  {
    what: 'another name',
    reason: 'question',
    forge: (query) => answer({ ...query, name: 'www.example.net.' }, [FORGED]),
  },
  {
    what: 'a longer name',
    reason: 'question',
    forge: (query) => answer({ ...query, name: 'a.www.example.com.' }, [FORGED]),
  },
  { what: 'another type', reason: 'question', forge: (query) => answer({ ...query, type: 28 }, [FORGED]) },
  { what: 'another class', reason: 'question', forge: (query) => answer({ ...query, class: 3 }, [FORGED]) },
  {
    what: 'no question',
    reason: 'question',
    forge: (query) => withHeader(new Uint8Array(12), { id: query.id, flags: FLAG.QR | RCODE.SERVFAIL }),
  },
];

test.each(unwanted)(
  'resolve() drops a message with $what and takes the answer after it',
  async ({ reason, forge }) => {
    const upstream = await openUpstream((query) => [forge(query), answer(query, [RECORD])]);
    const { forwarding, events } = startForwarding([{ endpoints: [upstream.endpoint] }]);
    expect(answersOf(await ask(forwarding, question(NAME)))).toEqual([RECORD]);
    expect(events).toEqual(['0 sent udp', `0 unwanted ${reason}`, '0 answered 0']);
    expect(upstream.count()).toBe(1);
  },
);

test('resolve() takes no answer from another port than the one it asked', async () => {
  const forger = createSocket('udp4');
  forger.bind(0, '127.0.0.1');
  await once(forger, 'listening');
  const upstream = await openUpstream((query) => {
    forger.send(answer(query, [FORGED]), query.port, '127.0.0.1');
    return { delayMs: 50, messages: answer(query, [RECORD]) };
  });
  const { forwarding, events } = startForwarding([{ endpoints: [upstream.endpoint] }]);
  expect(answersOf(await ask(forwarding, question(NAME)))).toEqual([RECORD]);
  expect(events).toEqual(['0 sent udp', '0 answered 0']);
  forger.close();
});

test('resolve() ignores the late answer of a try that was given up', async () => {
  const slow = await openUpstream();
  const second = await openUpstream((query) => answer(query, [RECORD]));
  const { forwarding, events } = startForwarding([{ endpoints: [slow.endpoint, second.endpoint] }], {
    tryTimeoutMs: 40,
  });
  expect(answersOf(await ask(forwarding, question(NAME)))).toEqual([RECORD]);
  await expect.poll(() => events).toContain('0 failed timeout');
  await answerFirst(slow, (query) => answer(query, [FORGED]));
  await expect.poll(() => events).toContain('0 unwanted id');
});

test('resolve() gives every question in flight on a socket an ID of its own', async () => {
  const upstream = await openUpstream();
  const ownPorts = new OwnPorts();
  const { forwarding } = startForwarding([{ endpoints: [upstream.endpoint] }], { ownPorts });
  for (let i = 0; i < 200; i++) forwarding.resolve(question(`n${i}.example.com.`), () => {});
  await expect.poll(() => upstream.count()).toBe(200);
  const keys = new Set(upstream.queries.map((query) => `${query.port} ${query.id}`));
  expect(keys.size).toBe(200);
  const ports = new Set(upstream.queries.map((query) => query.port));
  expect(ports.size).toBe(8);
  for (const port of ports) expect(ownPorts.has(port)).toBe(true);
  expect(new Set(upstream.queries.map((query) => query.id)).size).toBeGreaterThan(190);
});

test('resolve() refuses a question over the limit at once, as overload', async () => {
  const upstream = await openUpstream();
  const { forwarding } = startForwarding([{ endpoints: [upstream.endpoint] }], { inflightMax: 3 });
  for (let i = 0; i < 3; i++) forwarding.resolve(question(NAME), () => {});
  const outcomes: UpstreamOutcome[] = [];
  forwarding.resolve(question(NAME), (outcome) => outcomes.push(outcome));
  expect(outcomes).toEqual([{ kind: 'failure', reason: 'overload', message: undefined }]);
  expect(forwarding.inflight).toBe(3);
});

test('resolve() asks the upstreams of the longest zone that holds the name', async () => {
  const root = await openUpstream((query) => answer(query));
  const agency = await openUpstream((query) => answer(query));
  const lab = await openUpstream((query) => answer(query));
  const { forwarding } = startForwarding([
    { zone: 'agency.example.', endpoints: [agency.endpoint] },
    { endpoints: [root.endpoint] },
    { zone: 'Lab.Agency.Example.', endpoints: [lab.endpoint] },
  ]);
  const names = {
    'agency.example.': agency,
    'www.AGENCY.example.': agency,
    'notagency.example.': root,
    'example.': root,
    '.': root,
    'lab.agency.example.': lab,
    'a.b.LAB.agency.EXAMPLE.': lab,
    'xlab.agency.example.': agency,
  };
  for (const [name, upstream] of Object.entries(names)) {
    await ask(forwarding, question(name));
    expect([root, agency, lab].filter((asked) => asked.count(name) > 0)).toEqual([upstream]);
  }
});

test('resolve() never falls back from a zone to the default', async () => {
  const root = await openUpstream((query) => answer(query));
  const { forwarding } = startForwarding([
    { endpoints: [root.endpoint] },
    { zone: 'agency.example.', endpoints: [await deadEndpoint()] },
  ]);
  expect(answersOf(await ask(forwarding, question('www.agency.example.')))).toBe('network');
  expect(root.count()).toBe(0);
});

test('close() ends everything in flight and refuses what comes after', async () => {
  const upstream = await openUpstream((query) =>
    query.name === 'tc.' && query.transport === 'udp' ? answerCode(query, 0, FLAG.TC) : undefined,
  );
  const ownPorts = new OwnPorts();
  const { forwarding } = startForwarding([{ endpoints: [upstream.endpoint] }], { ownPorts });
  const outcomes: UpstreamOutcome[] = [];
  for (const name of ['a.', 'b.', 'c.', 'tc.'])
    forwarding.resolve(question(name), (outcome) => outcomes.push(outcome));
  await expect.poll(() => upstream.count()).toBe(5);
  forwarding.close();
  forwarding.resolve(question('d.'), (outcome) => outcomes.push(outcome));
  expect(outcomes).toEqual(Array(5).fill({ kind: 'failure', reason: 'network', message: undefined }));
  expect(forwarding.inflight).toBe(0);
  expect(upstream.queries.some((query) => query.transport === 'udp' && ownPorts.has(query.port))).toBe(false);
  upstream.sendDatagram(new Uint8Array(12), upstream.queries[0]?.port ?? 1);
});

test('close() before the sockets are open leaves nothing behind', async () => {
  const upstream = await openUpstream((query) => answer(query));
  const { forwarding } = startForwarding([{ endpoints: [upstream.endpoint] }]);
  const outcome = ask(forwarding, question(NAME));
  forwarding.close();
  expect(answersOf(await outcome)).toBe('network');
});

test('endpoints lists each endpoint of all routes once', async () => {
  const upstream = await openUpstream();
  const { forwarding } = startForwarding([
    { zone: 'example.', endpoints: [upstream.endpoint] },
    { endpoints: [{ address: '2001:db8::1', port: 53, family: 6 }, upstream.endpoint] },
  ]);
  expect(forwarding.endpoints).toEqual([`127.0.0.1:${upstream.endpoint.port}`, '[2001:db8::1]:53']);
});

test.each([
  { what: 'no route for the root', routes: [{ zone: 'example.', endpoints: 1 }] },
  { what: 'a route with 32 endpoints', routes: [{ zone: '.', endpoints: 32 }] },
])('Forwarding refuses $what', ({ routes }) => {
  const start = () =>
    startForwarding(
      routes.map(({ zone, endpoints }) => ({
        zone,
        endpoints: Array.from({ length: endpoints }, (_, i) => ({
          address: '192.0.2.1',
          port: 1 + i,
          family: 4 as const,
        })),
      })),
    );
  expect(start).toThrow(expect.objectContaining({ code: 'ERR_UPSTREAM_ROUTE' }));
});

test('a question whose route has no server yet fails at once', async () => {
  const { forwarding } = startForwarding([{ endpoints: [] }]);
  expect(await ask(forwarding, question(NAME))).toEqual({
    kind: 'failure',
    reason: 'network',
    message: undefined,
  });
  expect(forwarding.inflight).toBe(0);
});

test('Forwarding hands over messages that nothing else writes to', async () => {
  const upstream = await openUpstream((query) => answer(query, [RECORD]));
  const { forwarding } = startForwarding([{ endpoints: [upstream.endpoint] }]);
  const first = await ask(forwarding, question(NAME));
  const copy = first.kind === 'answer' ? Uint8Array.from(first.message) : undefined;
  await Promise.all(Array.from({ length: 50 }, () => ask(forwarding, question(NAME))));
  expect(first.kind === 'answer' && Uint8Array.from(first.message)).toEqual(copy);
  expect(first.kind === 'answer' && messageId(first.message)).toBe(upstream.queries[0]?.id);
  expect(forwarding).toBeInstanceOf(Forwarding);
});

test('Forwarding hands over messages that answers to other questions do not overwrite', async () => {
  // All together, so that they are received in batches.
  const upstream = await openUpstream((query) => ({
    delayMs: 30,
    messages: answer(query, [`${query.name} 300 IN A 192.0.2.1`]),
  }));
  const { forwarding } = startForwarding([{ endpoints: [upstream.endpoint] }]);
  const names = Array.from({ length: 200 }, (_, i) => `n${i}.example.com.`);
  const outcomes = await Promise.all(names.map((name) => ask(forwarding, question(name))));
  expect(outcomes.map(answersOf)).toEqual(names.map((name) => [`${name} 300 IN A 192.0.2.1`]));
});
