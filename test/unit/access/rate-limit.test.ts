// What an address and its networks may ask, by the test's clock; memory and its seed are real.
import { expect, test } from 'vitest';
import { createAddress, parseAddress } from '../../../src/base/base.ts';
import { createRateMemory, RateLimit, type RateRules } from '../../../src/policy/access/access.ts';
import { prefixes } from '../pipeline/setup.ts';

const RULES: RateRules = { perClient: 500, isDryRun: false, slip: 1, exempt: [] };
const START_MS = 1_700_000_000_000;
/** What may be asked at once: ten seconds' worth, and the one that goes over. */
const BURST = 5001;

const words = (text: string) => {
  const address = createAddress();
  expect(parseAddress(text, address)).toBe(true);
  return address;
};

const setUp = (rules: Partial<RateRules> = {}, memory = createRateMemory()) => {
  const rates = new RateLimit(memory, { ...RULES, ...rules });
  /** How many of so many queries pass. */
  const ask = (address: string, count: number, nowMs = START_MS): number => {
    const from = words(address);
    let passed = 0;
    for (let i = 0; i < count; i++) if (rates.admit(from, nowMs)) passed++;
    return passed;
  };
  return { rates, ask, memory };
};

test('an address may ask ten seconds of its rate at once, then its rate', () => {
  const { ask } = setUp();
  expect(ask('192.0.2.1', 20_000)).toBe(BURST);
  expect(ask('192.0.2.1', 20_000, START_MS + 1000)).toBe(500);
  expect(ask('192.0.2.1', 20_000, START_MS + 60_000)).toBe(BURST);
  expect(ask('192.0.2.2', 10, START_MS)).toBe(10);
});

test('an office of 2,000 behind one address logs in within half a minute and nobody is limited', () => {
  const { ask } = setUp();
  // 10 queries of each for its log-in, over 30 seconds, and some 0.2 a second of everybody all the time.
  for (let second = 0; second < 60; second++) {
    const count = 400 + (second < 30 ? 667 / 10 : 0);
    expect(ask('192.0.2.1', Math.round(count), START_MS + 1000 * second)).toBe(Math.round(count));
  }
});

test.each([
  ['192.0.2.', (i: number) => `192.0.2.${i}`, 256, 32],
  ['a /64', (i: number) => `2001:db8::${i.toString(16)}`, 4096, 32],
  ['a /56', (i: number) => `2001:db8:0:${(i % 256).toString(16)}::${i.toString(16)}`, 8192, 64],
])('%s together may ask so many times as much, whatever the address', (_title, address, count, times) => {
  const { ask } = setUp();
  let passed = 0;
  for (let i = 0; i < count; i++) passed += ask(address(i), Math.ceil(400_000 / count));
  expect(passed).toBeGreaterThanOrEqual(BURST * times - times);
  expect(passed).toBeLessThanOrEqual(BURST * times + 1);
});

test('workers share what was counted, and another configuration goes on from it', () => {
  const { ask, memory } = setUp();
  expect(ask('192.0.2.1', BURST)).toBe(BURST);
  expect(setUp({}, memory).ask('192.0.2.1', 10)).toBe(0);
  expect(setUp({ perClient: 1000 }, memory).ask('192.0.2.1', 10)).toBe(0);
});

test('a long answer costs several queries, a short one none', () => {
  const { rates, ask } = setUp();
  for (let i = 0; i < 1000; i++) rates.charge(words('192.0.2.1'), 512, START_MS);
  expect(ask('192.0.2.1', 20_000)).toBe(BURST);
  const { rates: others, ask: askOthers } = setUp();
  // 1,232 bytes are 2.8 queries more.
  for (let i = 0; i < 1000; i++) others.charge(words('192.0.2.1'), 1232, START_MS);
  expect(askOthers('192.0.2.1', 20_000)).toBe(BURST - 2813);
});

test('what many long answers cost is owed, however much it is', () => {
  const { rates, ask } = setUp();
  // Let in at once, answered a little later: more than any clock may be ahead.
  expect(ask('192.0.2.1', 3000)).toBe(3000);
  for (let i = 0; i < 3000; i++) rates.charge(words('192.0.2.1'), 1232, START_MS + 100);
  expect(ask('192.0.2.1', 10, START_MS + 200)).toBe(0);
  // By a worker whose turn began before.
  expect(ask('192.0.2.1', 10, START_MS + 90)).toBe(0);
  expect(ask('192.0.2.1', 10, START_MS + 8_000)).toBe(0);
  expect(ask('192.0.2.1', 10, START_MS + 11_000)).toBe(10);
});

test('long answers to who is exempt cost its neighbors nothing', () => {
  const { rates, ask } = setUp({ exempt: prefixes('192.0.2.1/32') });
  for (let i = 0; i < 100_000; i++) rates.charge(words('192.0.2.1'), 1232, START_MS);
  expect(ask('192.0.2.2', 20_000)).toBe(BURST);
});

test('a clock that steps back leaves nobody limited', () => {
  const { ask } = setUp();
  ask('192.0.2.1', 20_000);
  expect(ask('192.0.2.1', 10, START_MS - 3_600_000)).toBe(10);
});

test('a million forged addresses push nobody out who asks too much, and limit nobody who does not', () => {
  const { ask, rates } = setUp();
  expect(ask('192.0.2.1', 20_000)).toBe(BURST);
  const forged = words('198.51.100.1');
  let refused = 0;
  for (let i = 0; i < 1_000_000; i++) {
    forged[3] = Math.imul(i, 0x9e3779b1) >>> 0;
    if (!rates.admit(forged, START_MS + Math.floor(i / 200))) refused++;
  }
  expect(refused).toBe(0);
  expect(ask('192.0.2.1', 100, START_MS + 1)).toBeLessThanOrEqual(1);
});

test('exempt prefixes are told', () => {
  const { rates } = setUp({ exempt: prefixes('192.0.2.0/28', '2001:db8::/64') });
  expect(['192.0.2.1', '192.0.2.16', '2001:db8::9'].map((text) => rates.isExempt(words(text)))).toEqual([
    true,
    false,
    true,
  ]);
});
