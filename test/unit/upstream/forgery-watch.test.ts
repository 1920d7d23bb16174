import { expect, test } from 'vitest';
import { ForgeryWatch } from '../../../src/resolver/upstream/forgery-watch.ts';
import { answer } from '../../support/scripted-upstream.ts';
import { ask, openUpstream, question, startForwarding } from './setup.ts';

const NOW_MS = 1_000_000;
const ZONE = 17;
const OTHER = 18;
const missed = (count: number, zone = ZONE): ForgeryWatch => {
  const watch = new ForgeryWatch();
  for (let i = 0; i < count; i++) watch.miss(zone, NOW_MS);
  return watch;
};
const guards = (watch: ForgeryWatch, zone: number, nowMs = NOW_MS): boolean =>
  watch.isAlert(nowMs) && watch.isGuarded(zone, nowMs);

test('twenty near misses about a zone in ten seconds guard it for a minute, and no other', () => {
  expect(guards(missed(19), ZONE)).toBe(false);
  const watch = missed(20);
  expect([guards(watch, ZONE), guards(watch, OTHER)]).toEqual([true, false]);
  expect([guards(watch, ZONE, NOW_MS + 59_999), guards(watch, ZONE, NOW_MS + 60_000)]).toEqual([true, false]);
});

test('a few in each window guard nothing', () => {
  const watch = new ForgeryWatch();
  for (let i = 0; i < 1_000; i++) watch.miss(ZONE, NOW_MS + i * 1_000);
  expect(guards(watch, ZONE, NOW_MS + 1_000_000)).toBe(false);
});

test('a thousand about zones that nobody can tell apart guard everything', () => {
  const watch = new ForgeryWatch();
  for (let i = 0; i < 999; i++) watch.miss(i, NOW_MS);
  expect(guards(watch, 300)).toBe(false);
  watch.miss(999, NOW_MS);
  expect(guards(watch, 300)).toBe(true);
});

test('where TCP does not work, nothing is guarded for a minute', () => {
  const watch = missed(20);
  watch.relent(NOW_MS);
  expect(guards(watch, ZONE, NOW_MS + 59_999)).toBe(false);
});

test('resolve() counts near misses, asks over TCP below the zone that somebody guesses at, and elsewhere over UDP', async () => {
  // Each query over UDP is answered by a forger first, who does not know its ID.
  const upstream = await openUpstream((query) =>
    query.transport === 'udp' && query.name.endsWith('bank.example.')
      ? [answer({ ...query, id: query.id ^ 0x5555 }), answer(query)]
      : answer(query),
  );
  const { forwarding, events, nearMisses } = startForwarding([{ endpoints: [upstream.endpoint] }]);
  for (let i = 0; i < 40 && !events.includes('0 guarded'); i++)
    expect((await ask(forwarding, question(`x${i}.bank.example.`))).kind).toBe('answer');
  expect(nearMisses).toHaveLength(20);
  expect(events.slice(-3)).toEqual(['0 guarded', '0 sent tcp', '0 answered 0']);
  // One zone of 256 falls together with that one, by a secret of the process: hardly several of eight.
  const transports: (string | undefined)[] = [];
  for (let i = 0; i < 8; i++) {
    await ask(forwarding, question(`www.other${i}.example.`));
    transports.push(upstream.queries.at(-1)?.transport);
  }
  expect(transports.filter((transport) => transport === 'udp').length).toBeGreaterThan(4);
});

test('resolve() uses UDP after all when TCP is refused', async () => {
  const upstream = await openUpstream((query) =>
    query.transport === 'tcp' ? { pieces: [] } : [answer({ ...query, id: query.id ^ 0x5555 }), answer(query)],
  );
  const { forwarding, events } = startForwarding([{ endpoints: [upstream.endpoint] }]);
  for (let i = 0; i < 40; i++)
    expect((await ask(forwarding, question(`x${i}.bank.example.`))).kind).toBe('answer');
  expect(events.filter((event) => event === '0 guarded')).toHaveLength(1);
});
