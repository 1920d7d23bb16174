import { expect, test } from 'vitest';
import { FLAG, type Interest, RCODE, TYPE } from '../../../src/wire/dns/dns.ts';
import { parseMessage } from '../../support/records.ts';
import { answer, answerCode, type ScriptedHandler } from '../../support/scripted-upstream.ts';
import { ask, deadEndpoint, openUpstream, patientClock, question, startForwarding } from './setup.ts';

const NAME = 'www.example.com.';
const RECORD = 'www.example.com. 300 IN A 192.0.2.1';
/** Times of tests that wait for time-outs. */
const SHORT = { tryTimeoutMs: 40, timeoutMs: 160 };

/** A try that is longer than a test may take. */
const ENDLESS_TRY_MS = 120_000;

const good: ScriptedHandler = (query) => answer(query, [RECORD]);
const code =
  (rcode: number): ScriptedHandler =>
  (query) =>
    answerCode(query, rcode);
const silent: ScriptedHandler = () => undefined;
/** A message whose header claims a record that is not there. */
const malformed: ScriptedHandler = (query) => {
  const message = answer(query);
  message[7] = 1;
  return message;
};

const nextCases: { what: string; first: ScriptedHandler; events: string[] }[] = [
  { what: 'SERVFAIL', first: code(RCODE.SERVFAIL), events: ['0 answered 2', '0 failed servfail'] },
  { what: 'REFUSED', first: code(RCODE.REFUSED), events: ['0 answered 5', '0 failed refused'] },
  {
    what: 'BADCOOKIE',
    first: (query) => answer(query, [], { edns: { ttl: (RCODE.BADCOOKIE >>> 4) << 24 }, flags: FLAG.QR | 7 }),
    events: ['0 answered 23', '0 sent udp', '0 answered 23', '0 failed unsupported'],
  },
  ...[RCODE.YXRRSET, RCODE.NOTAUTH, RCODE.NOTZONE, 12, 15].map((rcode) => ({
    what: `RCODE ${rcode}, which answers no query`,
    first: code(rcode),
    events: [`0 answered ${rcode}`, '0 failed servfail'],
  })),
  { what: 'a malformed answer', first: malformed, events: ['0 unwanted malformed', '0 failed malformed'] },
];

test.each(nextCases)('resolve() asks the next upstream after $what', async ({ first, events: expected }) => {
  const upstreams = [await openUpstream(first), await openUpstream(good)];
  const { forwarding, events } = startForwarding([{ endpoints: upstreams.map((one) => one.endpoint) }]);
  expect(await ask(forwarding, question(NAME))).toMatchObject({
    kind: 'answer',
    endpoint: forwarding.endpoints[1],
  });
  expect(events).toEqual(['0 sent udp', ...expected, '1 sent udp', '1 answered 0']);
});

test('resolve() asks the next upstream after silence', async () => {
  const upstreams = [await openUpstream(silent), await openUpstream(good)];
  const { forwarding, events } = startForwarding([{ endpoints: upstreams.map((one) => one.endpoint) }], {
    tryTimeoutMs: 200,
  });
  expect((await ask(forwarding, question(NAME))).kind).toBe('answer');
  expect(events).toEqual(['0 sent udp', '0 hedged', '1 sent udp', '1 answered 0']);
  // The silent one is waited for until the end of its try, or it would never be known to be silent.
  await expect.poll(() => events.at(-1)).toBe('0 failed timeout');
});

const drops: { what: string; first: ScriptedHandler; reason: string }[] = [
  { what: 'garbage', first: () => new Uint8Array(100).fill(0xff), reason: 'header' },
  { what: 'a few bytes', first: () => new Uint8Array(3), reason: 'short' },
  { what: 'another ID', first: (query) => answer({ ...query, id: query.id ^ 1 }), reason: 'id' },
  { what: 'another name', first: (query) => answer({ ...query, name: 'a.example.' }), reason: 'question' },
];

test.each(drops)('resolve() asks the next upstream when one sends $what only', async ({ first, reason }) => {
  const upstreams = [await openUpstream(first), await openUpstream(good)];
  const { forwarding, events } = startForwarding([{ endpoints: upstreams.map((one) => one.endpoint) }], {
    tryTimeoutMs: 60,
  });
  expect(await ask(forwarding, question(NAME))).toMatchObject({ endpoint: forwarding.endpoints[1] });
  expect(events).toContain(`0 unwanted ${reason}`);
  await expect.poll(() => events).toContain('0 failed timeout');
});

test('resolve() asks the next upstream at once when the network refuses, for all in flight', async () => {
  const second = await openUpstream(good);
  const { forwarding, events } = startForwarding([{ endpoints: [await deadEndpoint(), second.endpoint] }], {
    tryTimeoutMs: ENDLESS_TRY_MS,
    timeoutMs: 2 * ENDLESS_TRY_MS,
  });
  const outcomes = await Promise.all(Array.from({ length: 100 }, () => ask(forwarding, question(NAME))));
  expect(outcomes.every((outcome) => outcome.kind === 'answer')).toBe(true);
  expect(events.filter((event) => event === '0 failed network')).toHaveLength(100);
  // At once: neither a time-out nor the hedge, which seconds of silence lead to here, had a part in it.
  expect(events.filter((event) => event === '0 failed timeout' || event === '0 hedged')).toEqual([]);
});

test('resolve() reports an RCODE that is an answer as it came', async () => {
  const upstream = await openUpstream((query) => answerCode(query, RCODE.NXDOMAIN));
  const { forwarding } = startForwarding([{ endpoints: [upstream.endpoint] }]);
  expect((await ask(forwarding, question(NAME))).kind).toBe('answer');
});

test('resolve() asks a single silent upstream again until the time of the question is over', async () => {
  const upstream = await openUpstream(silent);
  const { forwarding } = startForwarding([{ endpoints: [upstream.endpoint] }], SHORT);
  expect(await ask(forwarding, question(NAME))).toEqual({
    kind: 'failure',
    reason: 'timeout',
    message: undefined,
  });
  expect(upstream.count()).toBeGreaterThanOrEqual(3);
  expect(upstream.count()).toBeLessThanOrEqual(7);
});

test('resolve() survives a lost datagram with a single upstream', async () => {
  let lost = 0;
  const upstream = await openUpstream((query) => (lost++ === 0 ? undefined : answer(query, [RECORD])));
  const { forwarding } = startForwarding([{ endpoints: [upstream.endpoint] }], { tryTimeoutMs: 40 });
  expect((await ask(forwarding, question(NAME))).kind).toBe('answer');
  expect(upstream.count()).toBe(2);
});

const failures: { what: string; handlers: (ScriptedHandler | 'dead')[]; reason: string; rcode?: number }[] = [
  { what: 'two silent', handlers: [silent, silent], reason: 'timeout' },
  { what: 'two dead', handlers: ['dead', 'dead'], reason: 'network' },
  { what: 'one dead, one silent', handlers: ['dead', silent], reason: 'network' },
  { what: 'one malformed', handlers: [malformed], reason: 'network' },
  { what: 'two SERVFAIL', handlers: [code(2), code(2)], reason: 'servfail', rcode: 2 },
  { what: 'SERVFAIL, then REFUSED', handlers: [code(2), code(5)], reason: 'refused', rcode: 5 },
  { what: 'REFUSED, then dead', handlers: [code(5), 'dead'], reason: 'refused', rcode: 5 },
  { what: 'SERVFAIL, then silent', handlers: [code(2), silent], reason: 'servfail', rcode: 2 },
  { what: 'NOTIMP only', handlers: [code(4)], reason: 'servfail' },
];

test.each(failures)('resolve() fails as $reason with $what', async ({ handlers, reason, rcode }) => {
  const endpoints = await Promise.all(
    handlers.map(async (handler) =>
      handler === 'dead' ? deadEndpoint() : (await openUpstream(handler)).endpoint,
    ),
  );
  const { forwarding } = startForwarding([{ endpoints }], SHORT);
  const outcome = await ask(forwarding, question(NAME));
  expect(outcome).toMatchObject({ kind: 'failure', reason });
  const message = outcome.kind === 'failure' ? outcome.message : undefined;
  expect(message === undefined ? undefined : parseMessage(message).flags & 0xf).toBe(rcode);
});

test('resolve() does not wait for further rounds once an upstream has answered', async () => {
  const quiet = await openUpstream(silent);
  const failing = await openUpstream(code(RCODE.SERVFAIL));
  const { forwarding } = startForwarding([{ endpoints: [quiet.endpoint, failing.endpoint] }], {
    tryTimeoutMs: 200,
    timeoutMs: 10_000,
  });
  expect(await ask(forwarding, question(NAME))).toMatchObject({ kind: 'failure', reason: 'servfail' });
  expect([quiet.count(), failing.count()]).toEqual([1, 1]);
});

test.each([RCODE.FORMERR, RCODE.NOTIMP])(
  'resolve() asks an old server once more without OPT after %i',
  async (rcode) => {
    const upstream = await openUpstream((query) =>
      query.hasEdns ? answerCode(query, rcode) : answer(query, [RECORD]),
    );
    const { forwarding } = startForwarding([{ endpoints: [upstream.endpoint] }]);
    expect((await ask(forwarding, question(NAME))).kind).toBe('answer');
    expect(upstream.queries.map((query) => query.hasEdns)).toEqual([true, false]);
  },
);

test('resolve() takes a FORMERR without a question as one', async () => {
  const upstream = await openUpstream((query) => {
    if (!query.hasEdns) return answer(query, [RECORD]);
    const header = answerCode(query, RCODE.FORMERR).slice(0, 12);
    header[5] = 0;
    return header;
  });
  const { forwarding } = startForwarding([{ endpoints: [upstream.endpoint] }]);
  expect((await ask(forwarding, question(NAME))).kind).toBe('answer');
});

test('resolve() does not drop OPT when DNSSEC records were asked for', async () => {
  const old = await openUpstream((query) =>
    query.hasEdns ? answerCode(query, RCODE.FORMERR) : answer(query),
  );
  const second = await openUpstream(good);
  const { forwarding } = startForwarding([{ endpoints: [old.endpoint, second.endpoint] }]);
  expect(await ask(forwarding, question(NAME, 'A', { dnssecOk: true }))).toMatchObject({
    endpoint: forwarding.endpoints[1],
  });
  expect(old.count()).toBe(1);
  expect(second.queries).toMatchObject([{ hasEdns: true, dnssecOk: true }]);
});

test('resolve() tries an unhealthy upstream last, probes it, and takes it back once it answers', async () => {
  let offsetMs = 0;
  const patient = patientClock();
  const first = await openUpstream(silent);
  const second = await openUpstream(good);
  const { forwarding, events } = startForwarding([{ endpoints: [first.endpoint, second.endpoint] }], {
    tryTimeoutMs: 120,
    clock: () => patient() + offsetMs,
  });
  for (let i = 0; i < 3; i++) await ask(forwarding, question(`fault${i}.example.com.`));
  await expect.poll(() => events).toContain('0 healthy false');

  await ask(forwarding, question('while-unhealthy.example.com.'));
  // Three silent tries are followed by a question that any server answers: it was not the names.
  expect(first.queries.map(({ name, type }) => [name, type])).toEqual([
    ...Array.from({ length: 3 }, (_, i) => [`fault${i}.example.com.`, TYPE.A]),
    ['.', TYPE.NS],
  ]);

  offsetMs += 2_000;
  expect(await ask(forwarding, question('probe.example.com.'))).toMatchObject({
    endpoint: forwarding.endpoints[1],
  });
  await expect.poll(() => forwarding.inflight).toBe(0);
  expect(first.count('probe.example.com.')).toBe(1);
  expect(events).not.toContain('0 healthy true');

  first.onQuery(code(RCODE.SERVFAIL));
  offsetMs += 2_000;
  await ask(forwarding, question('recovery.example.com.'));
  await expect.poll(() => events).toContain('0 healthy true');
  first.onQuery(good);
  expect(await ask(forwarding, question(NAME))).toMatchObject({ endpoint: forwarding.endpoints[0] });
});

test('a question that nobody wants any more ends, and the probe that went with it goes on', async () => {
  let offsetMs = 0;
  const patient = patientClock();
  const first = await openUpstream(silent);
  const second = await openUpstream((query) =>
    query.name.startsWith('unwanted.') ? undefined : good(query),
  );
  const { forwarding, events } = startForwarding([{ endpoints: [first.endpoint, second.endpoint] }], {
    tryTimeoutMs: 120,
    clock: () => patient() + offsetMs,
  });
  for (let i = 0; i < 3; i++) await ask(forwarding, question(`fault${i}.example.com.`));
  await expect.poll(() => events).toContain('0 healthy false');
  offsetMs += 2_000;
  const interest: Interest = { cancel: undefined, lookers: 0, use: 1 };
  const asked = ask(forwarding, question('unwanted.example.com.', 'A', { interest }));
  expect(forwarding.inflight).toBe(2);
  interest.cancel?.();
  expect(await asked).toMatchObject({ kind: 'failure', reason: 'overload' });
  expect(forwarding.inflight).toBe(1);
});

test('resolve() still asks an unhealthy upstream when the others fail', async () => {
  let isUp = false;
  const first = await openUpstream((query) => (isUp ? answer(query, [RECORD]) : undefined));
  const second = await openUpstream(good);
  const { forwarding, events } = startForwarding([{ endpoints: [first.endpoint, second.endpoint] }], {
    tryTimeoutMs: 40,
  });
  for (let i = 0; i < 3; i++) await ask(forwarding, question(NAME));
  await expect.poll(() => events).toContain('0 healthy false');
  isUp = true;
  second.onQuery(silent);
  expect(await ask(forwarding, question(NAME))).toMatchObject({ endpoint: forwarding.endpoints[0] });
});

test.each([
  { what: 'steps back', clock: (asked: number) => (asked === 0 ? Date.now() : Date.now() - 3_600_000) },
  { what: 'stands still', clock: () => 1_000_000 },
  { what: 'jumps an hour at each look', clock: (asked: number) => 3_600_000 * asked },
])('resolve() ends every question, not too soon, although the clock $what', async ({ clock }) => {
  let asked = 0;
  const upstream = await openUpstream(silent);
  const { forwarding } = startForwarding([{ endpoints: [upstream.endpoint] }], {
    ...SHORT,
    clock: () => clock(asked++),
  });
  const started = performance.now();
  expect(await ask(forwarding, question(NAME))).toMatchObject({ kind: 'failure', reason: 'timeout' });
  expect(performance.now() - started).toBeGreaterThan(SHORT.timeoutMs / 2);
});

test('resolve() asks an upstream that gave a bad answer only once', async () => {
  const bad = await openUpstream(malformed);
  const quiet = await openUpstream(silent);
  const { forwarding } = startForwarding([{ endpoints: [bad.endpoint, quiet.endpoint] }], SHORT);
  await ask(forwarding, question(NAME));
  expect(bad.count()).toBe(1);
  expect(quiet.count()).toBeGreaterThan(1);
});

test('resolve() asks the upstream after an old server with OPT again', async () => {
  const old = await openUpstream(code(RCODE.FORMERR));
  const second = await openUpstream(good);
  const { forwarding } = startForwarding([{ endpoints: [old.endpoint, second.endpoint] }]);
  expect((await ask(forwarding, question(NAME))).kind).toBe('answer');
  expect(old.queries.map((query) => query.hasEdns)).toEqual([true, false]);
  expect(second.queries.map((query) => query.hasEdns)).toEqual([true]);
});
