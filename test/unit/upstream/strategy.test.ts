import { expect, test } from 'vitest';
import { formatEndpoint } from '../../../src/base/base.ts';
import { RoundTrip } from '../../../src/resolver/upstream/round-trip.ts';
import { chooseEndpoint } from '../../../src/resolver/upstream/strategy.ts';
import { RCODE } from '../../../src/wire/dns/dns.ts';
import { answer, answerCode, type ScriptedHandler } from '../../support/scripted-upstream.ts';
import { answerFirst, ask, openUpstream, patientClock, question, startForwarding } from './setup.ts';

const NAME = 'www.example.com.';

const good: ScriptedHandler = (query) => answer(query);
const silent: ScriptedHandler = () => undefined;
const after =
  (delayMs: number): ScriptedHandler =>
  (query) => ({ delayMs, messages: answer(query) });

const openAll = (...handlers: ScriptedHandler[]) =>
  Promise.all(handlers.map((handler) => openUpstream(handler)));

test('ordered: resolve() asks the first upstream only, as long as it answers', async () => {
  const upstreams = await openAll(good, good, good);
  const { forwarding } = startForwarding([{ endpoints: upstreams.map((one) => one.endpoint) }]);
  for (let i = 0; i < 20; i++) await ask(forwarding, question(NAME));
  expect(upstreams.map((one) => one.count())).toEqual([20, 0, 0]);
});

test('random: resolve() asks all healthy upstreams about evenly', async () => {
  const upstreams = await openAll(good, good, good);
  const { forwarding } = startForwarding([
    { endpoints: upstreams.map((one) => one.endpoint), strategy: 'random' },
  ]);
  for (let i = 0; i < 300; i++) await ask(forwarding, question(NAME));
  for (const upstream of upstreams) {
    // 100 with a standard deviation of 8.
    expect(upstream.count()).toBeGreaterThan(50);
    expect(upstream.count()).toBeLessThan(150);
  }
});

test('fastest: resolve() measures every upstream, then prefers the fastest and looks at the others now and then', async () => {
  // So far apart that a loaded machine does not make the fast one slow.
  const upstreams = await openAll(after(150), good, after(100));
  const { forwarding } = startForwarding([
    { endpoints: upstreams.map((one) => one.endpoint), strategy: 'fastest' },
  ]);
  for (let i = 0; i < 3; i++) await ask(forwarding, question(NAME));
  expect(upstreams.map((one) => one.count())).toEqual([1, 1, 1]);
  for (let i = 0; i < 400; i++) await ask(forwarding, question(NAME));
  const others = (upstreams[0]?.count() ?? 0) + (upstreams[2]?.count() ?? 0) - 2;
  // Two thirds of one in 32: 8.3 with a standard deviation of 2.9.
  expect(others).toBeGreaterThan(0);
  expect(others).toBeLessThan(25);
});

test('fastest: resolve() leaves an upstream that became silent', async () => {
  const first = await openUpstream(good);
  const second = await openUpstream(after(50));
  const { forwarding, events } = startForwarding(
    [{ endpoints: [first.endpoint, second.endpoint], strategy: 'fastest' }],
    { tryTimeoutMs: 800 },
  );
  for (let i = 0; i < 20; i++) await ask(forwarding, question(NAME));
  expect(first.count()).toBeGreaterThan(10);
  first.onQuery(silent);
  await Promise.all([ask(forwarding, question(NAME)), ask(forwarding, question(NAME))]);
  await expect.poll(() => events).toContain('0 failed timeout');
  const before = first.count();
  for (let i = 0; i < 10; i++) await ask(forwarding, question(NAME));
  expect(first.count() - before).toBeLessThanOrEqual(3);
});

test('parallel: resolve() asks three upstreams at once and takes the first answer', async () => {
  const upstreams = await openAll(silent, silent, good, good);
  const { forwarding, events } = startForwarding([
    { endpoints: upstreams.map((one) => one.endpoint), strategy: 'parallel' },
  ]);
  expect(await ask(forwarding, question(NAME))).toMatchObject({ endpoint: forwarding.endpoints[2] });
  expect(events).toEqual(['0 sent udp', '1 sent udp', '2 sent udp', '2 answered 0']);
  // What comes later still tells how the others are.
  await answerFirst(upstreams[1], answer);
  await expect.poll(() => events.at(-1)).toBe('1 answered 0');
  expect(upstreams.map((one) => one.count())).toEqual([1, 1, 1, 0]);
});

test.each([RCODE.SERVFAIL, RCODE.REFUSED])(
  'parallel: resolve() takes a later answer rather than RCODE %i',
  async (rcode) => {
    const upstreams = await openAll((query) => answerCode(query, rcode), after(50));
    const { forwarding } = startForwarding([
      { endpoints: upstreams.map((one) => one.endpoint), strategy: 'parallel' },
    ]);
    expect(await ask(forwarding, question(NAME))).toMatchObject({
      kind: 'answer',
      endpoint: forwarding.endpoints[1],
    });
  },
);

test('parallel: resolve() fails with what all said', async () => {
  const upstreams = await openAll((query) => answerCode(query, RCODE.SERVFAIL), silent);
  const { forwarding, events } = startForwarding([
    { endpoints: upstreams.map((one) => one.endpoint), strategy: 'parallel' },
  ]);
  const outcome = ask(forwarding, question(NAME));
  await expect.poll(() => events, { interval: 5 }).toContain('0 failed servfail');
  await answerFirst(upstreams[1], (query) => answerCode(query, RCODE.REFUSED));
  expect(await outcome).toMatchObject({ kind: 'failure', reason: 'refused' });
  expect(upstreams.map((one) => one.count())).toEqual([1, 1]);
});

test('parallel: resolve() leaves an upstream out that is known to be down, and notices when it is back', async () => {
  let offsetMs = 0;
  const patient = patientClock();
  const first = await openUpstream(silent);
  const second = await openUpstream(good);
  const { forwarding, events } = startForwarding(
    [{ endpoints: [first.endpoint, second.endpoint], strategy: 'parallel' }],
    { tryTimeoutMs: 40, clock: () => patient() + offsetMs },
  );
  for (let i = 0; i < 3; i++) await ask(forwarding, question(NAME));
  await expect.poll(() => events).toContain('0 healthy false');
  await ask(forwarding, question(NAME));
  // The three, and the question that any server answers.
  expect(first.count()).toBe(4);
  first.onQuery(good);
  offsetMs = 2_000;
  await ask(forwarding, question(NAME));
  await expect.poll(() => events).toContain('0 healthy true');
  await ask(forwarding, question(NAME));
  await expect.poll(() => first.count()).toBe(6);
});

test.each(['ordered', 'fastest', 'random', 'parallel'] as const)(
  '%s: resolve() finds the one upstream that answers',
  async (strategy) => {
    const upstreams = await openAll(
      (query) => answerCode(query, RCODE.REFUSED),
      (query) => answerCode(query, RCODE.SERVFAIL),
      (query) => answerCode(query, RCODE.NOTIMP),
      (query) => answerCode(query, RCODE.SERVFAIL),
      good,
    );
    const { forwarding } = startForwarding([{ endpoints: upstreams.map((one) => one.endpoint), strategy }]);
    for (let i = 0; i < 10; i++) {
      expect(await ask(forwarding, question(NAME))).toMatchObject({ endpoint: forwarding.endpoints[4] });
    }
  },
);

test('resolve() takes the next upstream while one has all the queries that it may have', async () => {
  const first = await openUpstream(silent);
  const second = await openUpstream(silent);
  const { forwarding } = startForwarding([{ endpoints: [first.endpoint, second.endpoint] }], {
    inflightPerServerMax: 2,
    tryTimeoutMs: 4_000,
  });
  const reasons: string[] = [];
  for (let i = 0; i < 5; i++) {
    forwarding.resolve(question(NAME), (outcome) => {
      reasons.push(outcome.kind === 'failure' ? outcome.reason : outcome.kind);
    });
  }
  expect(reasons).toEqual(['overload']);
  expect(forwarding.inflight).toBe(4);
  await expect.poll(() => [first.count(), second.count()]).toEqual([2, 2]);
});

test('resolve() asks an upstream again as soon as it has room', async () => {
  const upstream = await openUpstream(good);
  const { forwarding } = startForwarding([{ endpoints: [upstream.endpoint] }], { inflightPerServerMax: 1 });
  for (let i = 0; i < 5; i++) expect((await ask(forwarding, question(NAME))).kind).toBe('answer');
});

const candidate = (roundTrip: RoundTrip, changes = {}) => ({
  isHealthy: true,
  isFull: false,
  outstanding: 0,
  roundTrip,
  ...changes,
});

const measured = (...samplesMs: number[]): RoundTrip => {
  const roundTrip = new RoundTrip(1_000);
  for (const sampleMs of samplesMs) roundTrip.measure(sampleMs);
  return roundTrip;
};

test('chooseEndpoint() sends only one question at a time to an endpoint that it does not know', () => {
  const never = { next: () => 1 };
  const unknown = new RoundTrip(1_000);
  const choose = (outstanding: number): number =>
    chooseEndpoint(
      'fastest',
      [candidate(measured(50)), candidate(unknown, { outstanding })],
      0,
      true,
      true,
      never,
    );
  expect(choose(0)).toBe(1);
  expect(choose(1)).toBe(0);
  unknown.penalize();
  expect(choose(0)).toBe(0);
});

test('RoundTrip: hedgeMs is four deviations above the mean, within its bounds', () => {
  expect(new RoundTrip(1_000).hedgeMs).toBe(300);
  expect(new RoundTrip(400).hedgeMs).toBe(200);
  expect(measured(10).hedgeMs).toBe(50);
  // RFC 6298: mean 200, deviation 100.
  expect(measured(200).hedgeMs).toBe(500);
  expect(new RoundTrip(2_000).hedgeMs).toBe(300);
  const steady = measured(...Array.from({ length: 200 }, () => 150));
  expect(steady.hedgeMs).toBeCloseTo(150, 0);
  const hedgeMs = steady.hedgeMs;
  for (let i = 0; i < 10; i++) steady.penalize();
  expect(steady.hedgeMs).toBe(hedgeMs);
  expect(steady.costMs).toBeGreaterThan(1_000);
  for (let i = 0; i < 20; i++) steady.measure(150);
  expect(steady.costMs).toBeCloseTo(150, 0);
  expect(measured(-3_600_000, 3_600_000).costMs).toBeLessThanOrEqual(1_000);
});

test('a question that names whose answer was no good goes to another upstream, and back when there is no other', async () => {
  const upstreams = await openAll(good, good);
  const [first, second] = upstreams.map((one) => formatEndpoint(one.endpoint));
  const { forwarding } = startForwarding([{ endpoints: upstreams.map((one) => one.endpoint) }]);
  const notFirst = await ask(forwarding, { ...question(NAME), notFrom: first });
  expect(notFirst).toMatchObject({ kind: 'answer', endpoint: second });
  const single = await openUpstream(good);
  const alone = startForwarding([{ endpoints: [single.endpoint] }]);
  const same = await ask(alone.forwarding, { ...question(NAME), notFrom: formatEndpoint(single.endpoint) });
  expect(same).toMatchObject({ kind: 'answer' });
});
