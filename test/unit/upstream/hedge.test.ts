import { expect, test } from 'vitest';
import { HedgeBudget } from '../../../src/resolver/upstream/hedge-budget.ts';
import { answer, answerCode, type ScriptedHandler } from '../../support/scripted-upstream.ts';
import { ask, openUpstream, question, startForwarding } from './setup.ts';

const NAME = 'www.example.com.';

const good: ScriptedHandler = (query) => answer(query);
const silent: ScriptedHandler = () => undefined;

test('resolve() asks another upstream after 300 ms of silence from one that it does not know', async () => {
  const upstreams = [await openUpstream(silent), await openUpstream(good)];
  const { forwarding, events, clock } = startForwarding([
    { endpoints: upstreams.map((one) => one.endpoint) },
  ]);
  const started = clock();
  expect(await ask(forwarding, question(NAME))).toMatchObject({ endpoint: forwarding.endpoints[1] });
  const elapsedMs = clock() - started;
  expect(elapsedMs).toBeGreaterThan(290);
  // The try would have lasted a second.
  expect(elapsedMs).toBeLessThan(700);
  expect(events.slice(0, 4)).toEqual(['0 sent udp', '0 hedged', '1 sent udp', '1 answered 0']);
});

test('resolve() asks another upstream sooner when one is silent that was fast before', async () => {
  const first = await openUpstream(good);
  const second = await openUpstream(good);
  const { forwarding, clock } = startForwarding([{ endpoints: [first.endpoint, second.endpoint] }]);
  for (let i = 0; i < 10; i++) await ask(forwarding, question(NAME));
  expect(second.count()).toBe(0);
  first.onQuery(silent);
  const started = clock();
  expect(await ask(forwarding, question(NAME))).toMatchObject({ endpoint: forwarding.endpoints[1] });
  const elapsedMs = clock() - started;
  expect(elapsedMs).toBeGreaterThan(45);
  expect(elapsedMs).toBeLessThan(290);
});

test('resolve() takes the answer of the first upstream when it is the sooner one after all', async () => {
  const first = await openUpstream(silent);
  const second = await openUpstream(() => {
    const asked = first.queries[0];
    if (asked !== undefined) first.sendDatagram(answer(asked), asked.port);
    return undefined;
  });
  const { forwarding, events } = startForwarding([{ endpoints: [first.endpoint, second.endpoint] }], {
    tryTimeoutMs: 400,
  });
  expect(await ask(forwarding, question(NAME))).toMatchObject({ endpoint: forwarding.endpoints[0] });
  expect(events).toEqual(['0 sent udp', '0 hedged', '1 sent udp', '0 answered 0']);
  await expect.poll(() => events.at(-1)).toBe('1 failed timeout');
});

test('resolve() has at most two tries open, and goes on to the next upstream when one of them fails', async () => {
  const upstreams = [
    await openUpstream(silent),
    await openUpstream((query) => ({ delayMs: 20, messages: answerCode(query, 2) })),
    await openUpstream(good),
  ];
  const { forwarding, events } = startForwarding([{ endpoints: upstreams.map((one) => one.endpoint) }]);
  expect(await ask(forwarding, question(NAME))).toMatchObject({ endpoint: forwarding.endpoints[2] });
  expect(events).toEqual([
    '0 sent udp',
    '0 hedged',
    '1 sent udp',
    '1 answered 2',
    '1 failed servfail',
    '2 sent udp',
    '2 answered 0',
  ]);
});

test('resolve() asks a single upstream again, early, when a datagram was lost', async () => {
  let lost = 0;
  const single = await openUpstream((query) => (lost++ === 10 ? undefined : answer(query)));
  const { forwarding, events, clock } = startForwarding([{ endpoints: [single.endpoint] }]);
  for (let i = 0; i < 10; i++) await ask(forwarding, question(NAME));
  const started = clock();
  expect((await ask(forwarding, question(NAME))).kind).toBe('answer');
  // The try would have lasted a second.
  expect(clock() - started).toBeLessThan(400);
  expect(events.slice(-3)).toEqual(['0 sent udp', '0 sent udp', '0 answered 0']);
});

test('resolve() takes a late answer to a try that was given up, and is patient from then on', async () => {
  const slow = await openUpstream((query) => ({ delayMs: 160, messages: answer(query) }));
  const { forwarding, events } = startForwarding([{ endpoints: [slow.endpoint] }], {
    tryTimeoutMs: 100,
    timeoutMs: 1_000,
  });
  expect((await ask(forwarding, question(NAME))).kind).toBe('answer');
  expect(events).toContain('0 failed timeout');
  // Its second try is overtaken, and waited for until the end of its time.
  expect((await ask(forwarding, question(NAME))).kind).toBe('answer');
  const before = events.length;
  for (let i = 0; i < 3; i++) expect((await ask(forwarding, question(NAME))).kind).toBe('answer');
  expect(events.slice(before).filter((event) => event === '0 failed timeout')).toEqual([]);
  expect(slow.count()).toBeLessThanOrEqual(4 + 2 * 4);
});

test('resolve() does not hedge towards one that is down', async () => {
  const down = await openUpstream(silent);
  const slow = await openUpstream((query) => ({ delayMs: 120, messages: answer(query) }));
  const { forwarding, events } = startForwarding([{ endpoints: [down.endpoint, slow.endpoint] }], {
    tryTimeoutMs: 200,
  });
  await Promise.all(Array.from({ length: 3 }, () => ask(forwarding, question(NAME))));
  await expect.poll(() => events).toContain('0 healthy false');
  const before = events.length;
  await ask(forwarding, question(NAME));
  expect(events.slice(before)).not.toContain('0 sent udp');
  expect(events).not.toContain('1 hedged');
});

test('resolve() hedges only 16 and a tenth of the questions of a flood', async () => {
  const upstreams = [await openUpstream(silent), await openUpstream(good)];
  const { forwarding, events } = startForwarding([{ endpoints: upstreams.map((one) => one.endpoint) }], {
    tryTimeoutMs: 400,
  });
  const outcomes = await Promise.all(Array.from({ length: 100 }, () => ask(forwarding, question(NAME))));
  expect(outcomes.every((outcome) => outcome.kind === 'answer')).toBe(true);
  expect(events.filter((event) => event === '0 hedged')).toHaveLength(16);
  expect(upstreams.map((one) => one.count(NAME))).toEqual([100, 100]);
});

test('close() ends a hedged question and what it has overtaken, once', async () => {
  const upstreams = [await openUpstream(silent), await openUpstream(silent)];
  const { forwarding, events } = startForwarding([{ endpoints: upstreams.map((one) => one.endpoint) }], {
    tryTimeoutMs: 100,
  });
  let ended = 0;
  forwarding.resolve(question(NAME), () => ended++);
  await expect.poll(() => events).toContain('1 sent udp');
  forwarding.close();
  expect([ended, forwarding.inflight]).toEqual([1, 0]);
});

test('take() gives 16 hedges at once and one for ten questions', () => {
  const budget = new HedgeBudget();
  const taken = (): number => {
    let count = 0;
    while (count < 1_000 && budget.take()) count++;
    return count;
  };
  expect(taken()).toBe(16);
  expect(taken()).toBe(0);
  for (let i = 0; i < 55; i++) budget.earn();
  expect(taken()).toBe(5);
  for (let i = 0; i < 1_000; i++) budget.earn();
  expect(taken()).toBe(16);
});
