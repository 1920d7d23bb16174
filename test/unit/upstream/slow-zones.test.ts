import { expect, test } from 'vitest';
import { RoundTrip } from '../../../src/resolver/upstream/round-trip.ts';
import { SlowZones } from '../../../src/resolver/upstream/slow-zones.ts';
import { nameFrom } from '../../../src/wire/dns/dns.ts';
import { answer } from '../../support/scripted-upstream.ts';
import { ask, openUpstream, question, startForwarding } from './setup.ts';

const SLOW = nameFrom('a.slow.example.');
const OTHER = nameFrom('a.other.test.');
/** Below the time of a try, and long enough to tell it from a loaded machine. */
const SLOW_MS = 900;

test('note() tells the second slow answer in a row below a zone, of any name', () => {
  const zones = new SlowZones();
  expect(zones.note(SLOW, true)).toBe(false);
  expect(zones.note(nameFrom('b.slow.example.'), true)).toBe(true);
  expect(zones.note(OTHER, true)).toBe(false);
  expect(zones.note(SLOW, false)).toBe(false);
  expect(zones.note(SLOW, true)).toBe(false);
});

test('has() is true of a zone that answered late, or to whose early tries nothing came quickly', () => {
  const zones = new SlowZones();
  for (let i = 0; i < 7; i++) zones.askEarly(SLOW);
  expect(zones.has(SLOW)).toBe(false);
  zones.askEarly(SLOW);
  expect([zones.has(SLOW), zones.has(OTHER)]).toEqual([true, false]);
  zones.note(SLOW, false);
  expect(zones.has(SLOW)).toBe(false);
  zones.note(SLOW, true);
  expect([zones.has(SLOW), zones.has(OTHER)]).toEqual([true, false]);
});

test('RoundTrip: one answer that is far off hardly counts, several do', () => {
  const roundTrip = new RoundTrip(1_000);
  for (let i = 0; i < 30; i++) roundTrip.measure(20);
  roundTrip.measure(3_000);
  expect(roundTrip.retryMs).toBeLessThan(120);
  for (let i = 0; i < 20; i++) roundTrip.measure(1_200);
  expect(roundTrip.retryMs).toBeGreaterThan(1_200);
});

test('resolve() asks again early for a lost datagram of another zone while a slow zone is asked for without end', async () => {
  let lost: string | undefined;
  const single = await openUpstream((query) => {
    if (query.name.includes('slow')) return { delayMs: SLOW_MS, messages: answer(query) };
    if (query.name === lost) {
      lost = undefined;
      return undefined;
    }
    return answer(query);
  });
  const { forwarding, clock } = startForwarding([{ endpoints: [single.endpoint] }]);
  for (let i = 0; i < 10; i++) await ask(forwarding, question('www.example.com.'));
  const flood = Array.from({ length: 200 }, (_, i) => ask(forwarding, question(`x${i}.slow.test.`)));
  const isOver = Promise.all(flood).then(() => true);
  // Others are answered meanwhile, so that the silence is the zone's.
  while (!(await Promise.race([isOver, ask(forwarding, question('www.example.com.')).then(() => false)])));
  // Had the round trip of the slow zone counted, no loss would be noticed sooner than that, and three answers would hardly
  // change it. A machine that is busy for a moment makes one look late, hardly all.
  let soonestMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3 && soonestMs >= SLOW_MS; i++) {
    lost = `lost${i}.example.com.`;
    const started = clock();
    expect((await ask(forwarding, question(lost))).kind).toBe('answer');
    soonestMs = Math.min(soonestMs, clock() - started);
    expect(lost).toBeUndefined();
  }
  expect(soonestMs).toBeLessThan(SLOW_MS);
});
