import { expect, test } from 'vitest';
import { FLAG, RCODE } from '../../../src/wire/dns/dns.ts';
import { parseMessage } from '../../support/records.ts';
import {
  answer,
  answerCode,
  frame,
  type ScriptedHandler,
  type ScriptedQuery,
  type ScriptedReply,
} from '../../support/scripted-upstream.ts';
import { ask, openUpstream, question, startForwarding } from './setup.ts';

const NAME = 'www.example.com.';
const RECORD = 'www.example.com. 300 IN A 192.0.2.1';

/** Truncates over UDP and does something else over TCP. */
const truncating =
  (overTcp: (query: ScriptedQuery) => ScriptedReply): ScriptedHandler =>
  (query) =>
    query.transport === 'udp' ? answerCode(query, 0, FLAG.TC) : overTcp(query);

const cutInto = (bytes: Uint8Array, size: number): Uint8Array[] => {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return pieces;
};

/** 239 records of 248 bytes: 62 KB, close to the largest message. */
const largeRecords = Array.from(
  { length: 239 },
  (_, i) => `www.example.com. 300 IN TXT "${String(i).padStart(247, 'x')}"`,
);

const goodStreams: { what: string; overTcp: (query: ScriptedQuery) => ScriptedReply; count: number }[] = [
  { what: 'in one piece', overTcp: (query) => answer(query, [RECORD]), count: 1 },
  {
    what: 'byte by byte',
    overTcp: (query) => ({ pieces: cutInto(frame(answer(query, [RECORD])), 1) }),
    count: 1,
  },
  {
    what: 'of 62 KB in pieces of 1,000 bytes',
    overTcp: (query) => ({ pieces: cutInto(frame(answer(query, largeRecords)), 1_000) }),
    count: 239,
  },
  {
    what: 'with more bytes after it',
    overTcp: (query) => ({ pieces: [Buffer.concat([frame(answer(query, [RECORD])), Buffer.alloc(500)])] }),
    count: 1,
  },
];

test.each(goodStreams)(
  'resolve() asks over TCP after TC and reads an answer $what',
  async ({ overTcp, count }) => {
    const upstream = await openUpstream(truncating(overTcp));
    const { forwarding, events } = startForwarding([{ endpoints: [upstream.endpoint] }], {
      tryTimeoutMs: 4_000,
    });
    const outcome = await ask(forwarding, question(NAME, 'A', { dnssecOk: true, checkingDisabled: true }));
    expect(outcome.kind === 'answer' && parseMessage(outcome.message)).toMatchObject({ isSound: true });
    expect(outcome.kind === 'answer' && parseMessage(outcome.message).answer).toHaveLength(count);
    // On a slow machine a question is asked once more before its answer is there.
    expect([...new Set(events)]).toEqual(['0 sent udp', '0 sent tcp', '0 answered 0']);
    expect(upstream.queries.slice(0, 2)).toMatchObject([
      { transport: 'udp', name: NAME, dnssecOk: true, cd: true },
      { transport: 'tcp', name: NAME, dnssecOk: true, cd: true },
    ]);
  },
);

const badStreams: { what: string; overTcp: (query: ScriptedQuery) => ScriptedReply; fault: string }[] = [
  { what: 'closes without a byte', overTcp: () => ({ pieces: [] }), fault: 'network' },
  { what: 'closes within the length', overTcp: () => ({ pieces: [Uint8Array.of(0)] }), fault: 'network' },
  {
    what: 'closes within the message',
    overTcp: (query) => ({ pieces: [frame(answer(query, [RECORD])).subarray(0, 30)] }),
    fault: 'network',
  },
  { what: 'sends an empty message', overTcp: () => ({ pieces: [Uint8Array.of(0, 0)] }), fault: 'malformed' },
  { what: 'sends a message of 11 bytes', overTcp: () => new Uint8Array(11), fault: 'malformed' },
  {
    what: 'answers another question',
    overTcp: (query) => answer({ ...query, name: 'www.example.net.' }),
    fault: 'malformed',
  },
  { what: 'echoes the query', overTcp: (query) => query.bytes, fault: 'malformed' },
  {
    what: 'truncates as well',
    overTcp: (query) => answer(query, [RECORD], { flags: FLAG.QR | FLAG.TC }),
    fault: 'malformed',
  },
  {
    what: 'says SERVFAIL',
    overTcp: (query) => answerCode(query, RCODE.SERVFAIL),
    fault: 'servfail',
  },
];

test.each(badStreams)('resolve() asks the next upstream when TCP $what', async ({ overTcp, fault }) => {
  const first = await openUpstream(truncating(overTcp));
  const second = await openUpstream((query) => answer(query, [RECORD]));
  const { forwarding, events } = startForwarding([{ endpoints: [first.endpoint, second.endpoint] }]);
  expect(await ask(forwarding, question(NAME))).toMatchObject({ endpoint: forwarding.endpoints[1] });
  expect(events).toContain(`0 failed ${fault}`);
});

test.each<{ what: string; overTcp: (query: ScriptedQuery) => ScriptedReply }>([
  { what: 'is silent', overTcp: () => undefined },
  { what: 'answers with another ID', overTcp: (query) => answer({ ...query, id: query.id ^ 1 }, [RECORD]) },
])('resolve() asks the next upstream when TCP $what', async ({ overTcp }) => {
  const first = await openUpstream(truncating(overTcp));
  const second = await openUpstream((query) => answer(query, [RECORD]));
  const { forwarding, events } = startForwarding([{ endpoints: [first.endpoint, second.endpoint] }], {
    tryTimeoutMs: 60,
  });
  expect(await ask(forwarding, question(NAME))).toMatchObject({ endpoint: forwarding.endpoints[1] });
  await expect.poll(() => events).toContain('0 failed timeout');
});

test('resolve() asks over TCP any number of times, one after another, over one connection', async () => {
  const upstream = await openUpstream(truncating((query) => answer(query, [RECORD])));
  const { forwarding } = startForwarding([{ endpoints: [upstream.endpoint] }]);
  for (let i = 0; i < 260; i++) expect((await ask(forwarding, question(NAME))).kind).toBe('answer');
  expect(portsOf(upstream.queries).size).toBe(1);
});

test('resolve() asks over TCP for many at a time, over a few connections', async () => {
  const upstream = await openUpstream(
    truncating((query) => ({ delayMs: 30, messages: answer(query, [`${query.name} 300 IN A 192.0.2.1`]) })),
  );
  const { forwarding } = startForwarding([{ endpoints: [upstream.endpoint] }]);
  const names = Array.from({ length: 200 }, (_, i) => `n${i}.example.com.`);
  const outcomes = await Promise.all(names.map((name) => ask(forwarding, question(name))));
  expect(
    outcomes.map((outcome) => outcome.kind === 'answer' && parseMessage(outcome.message).answer),
  ).toEqual(names.map((name) => [`${name} 300 IN A 192.0.2.1`]));
  expect(portsOf(upstream.queries).size).toBeLessThanOrEqual(4);
});

test('resolve() asks a TCP upstream over nothing else', async () => {
  const upstream = await openUpstream((query) => answer(query, [RECORD]));
  const { forwarding, events } = startForwarding([
    { servers: [{ endpoint: upstream.endpoint, transport: 'tcp', text: 'tcp://upstream' }] },
  ]);
  expect(await ask(forwarding, question(NAME))).toMatchObject({
    endpoint: 'tcp://upstream',
    isEncrypted: false,
  });
  expect(events).toEqual(['0 sent tcp', '0 answered 0']);
  expect(upstream.queries).toMatchObject([{ transport: 'tcp', hasEdns: true }]);
});

const portsOf = (queries: readonly ScriptedQuery[]): Set<number> =>
  new Set(queries.filter((query) => query.transport === 'tcp').map((query) => query.port));

test('names that nobody answers do not take a server over TCP from others', async () => {
  const upstream = await openUpstream((query) =>
    query.name.startsWith('good') ? answer(query, []) : undefined,
  );
  const server = { endpoint: upstream.endpoint, transport: 'tcp' as const, text: 'tcp' };
  const { forwarding, events } = startForwarding([{ servers: [server] }], { inflightMax: 10_000 });
  for (let i = 0; i < 4_100; i++) forwarding.resolve(question(`n${i}.z${i % 997}.example.`), () => {});
  const outcomes = [];
  for (let i = 0; i < 3; i++) outcomes.push((await ask(forwarding, question(`good${i}.example.`))).kind);
  expect(outcomes).toEqual(['answer', 'answer', 'answer']);
  expect(events.filter((event) => /healthy|failed network|failed overload/.test(event))).toEqual([]);
});
