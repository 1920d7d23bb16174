import { expect, test } from 'vitest';
import { SilentZones } from '../../../src/resolver/upstream/silent-zones.ts';
import { nameFrom } from '../../../src/wire/dns/dns.ts';
import { answer } from '../../support/scripted-upstream.ts';
import { ask, openUpstream, patientClock, question, startForwarding } from './setup.ts';

const NOW_MS = 1_000_000;
const VIEW = 0;

const failed = (zone: string, count = 12, zones = new SilentZones()): SilentZones => {
  for (let i = 0; i < count; i++) zones.fail(nameFrom(`label${i}.${zone}`), VIEW, NOW_MS);
  return zones;
};
const refuses = (zones: SilentZones, name: string, nowMs = NOW_MS, view = VIEW): boolean =>
  zones.refuses(nameFrom(name), view, nowMs);
/** How many of a hundred fresh names are refused. */
const refusedOf = (zones: SilentZones, zone: string, nowMs = NOW_MS): number =>
  Array.from({ length: 100 }, (_, i) => refuses(zones, `fresh${i}.${zone}`, nowMs)).filter(Boolean).length;

test('a zone without an answer is refused, whatever labels are made up; others are not', () => {
  const zones = failed('silent.example.', 400);
  expect(refusedOf(zones, 'silent.example.')).toBeGreaterThan(95);
  expect(refusedOf(zones, 'a.b.silent.example.')).toBeGreaterThan(95);
  expect(refusedOf(zones, 'SILENT.example.')).toBeGreaterThan(95);
  expect(refusedOf(zones, 'good.example.')).toBe(0);
  expect(refuses(zones, 'example.')).toBe(false);
  expect(refuses(zones, 'label1.silent.example.', NOW_MS, VIEW + 1)).toBe(false);
});

test('a few names, and a single silent name, make no zone silent', () => {
  expect(refusedOf(failed('silent.example.', 7), 'silent.example.')).toBe(0);
  const zones = new SilentZones();
  for (let i = 0; i < 100; i++) zones.fail(nameFrom('www.silent.example.'), VIEW, NOW_MS);
  expect(refuses(zones, 'mail.silent.example.')).toBe(false);
});

test('a silent zone below another leaves the names beside it alone', () => {
  const zones = failed('silent.agency.example.', 400);
  expect(refusedOf(zones, 'silent.agency.example.')).toBeGreaterThan(95);
  expect(refusedOf(zones, 'agency.example.')).toBe(0);
});

test('one answer below it ends it', () => {
  const zones = failed('silent.example.', 400);
  zones.answered(nameFrom('www.silent.example.'), VIEW);
  expect(refusedOf(zones, 'silent.example.')).toBe(0);
  expect(zones.isDoubtful(nameFrom('x.silent.example.'), VIEW)).toBe(false);
});

test('one question finds out whether it is over: after a second, two, four, up to sixteen', () => {
  const zones = failed('silent.example.', 400);
  let nowMs = NOW_MS;
  for (const waitMs of [1_000, 1_000, 2_000, 4_000, 8_000, 16_000, 16_000]) {
    expect(refuses(zones, 'label0.silent.example.', nowMs + waitMs - 1)).toBe(true);
    nowMs += waitMs;
    expect(refuses(zones, 'label0.silent.example.', nowMs)).toBe(false);
    zones.fail(nameFrom('label0.silent.example.'), VIEW, nowMs);
  }
});

test('what was silent a minute ago is forgotten, and a clock that steps back forgets everything', () => {
  expect(refusedOf(failed('silent.example.', 400), 'silent.example.', NOW_MS + 60_001)).toBe(0);
  expect(refusedOf(failed('silent.example.', 400), 'silent.example.', NOW_MS - 1)).toBe(0);
});

test('names that somebody makes up in thousands of zones take no more memory, and refuse nobody else', () => {
  const zones = new SilentZones();
  for (let zone = 0; zone < 20_000; zone++) failed(`zone${zone}.example.`, 2, zones);
  expect(refusedOf(zones, 'good.example.')).toBe(0);
});

test('resolve() stops asking about a silent zone while others are answered, and the upstream stays healthy', async () => {
  let offsetMs = 0;
  const patient = patientClock();
  const upstream = await openUpstream((query) =>
    query.name.endsWith('silent.example.') ? undefined : answer(query),
  );
  const { forwarding, events } = startForwarding([{ endpoints: [upstream.endpoint] }], {
    // A machine that is slow for so long makes the upstream silent, not the zone.
    tryTimeoutMs: 250,
    timeoutMs: 1_000,
    clock: () => patient() + offsetMs,
  });
  let [round, before] = [0, 0];
  // Others are answered all the time.
  const others = async (): Promise<void> => {
    while (!events.includes('silent zone')) await ask(forwarding, question(`other${round++}.good.example.`));
  };
  const flood = async (): Promise<void> => {
    while (!events.includes('silent zone'))
      await Promise.all(
        Array.from({ length: 20 }, () => ask(forwarding, question(`x${before++}.silent.example.`))),
      );
  };
  await Promise.all([others(), flood()]);
  expect(events).not.toContain('0 healthy false');
  expect((await ask(forwarding, question('www.good.example.'))).kind).toBe('answer');
  // Its servers are back: the question that finds out is answered, and then all are.
  upstream.onQuery((query) => answer(query));
  offsetMs += 16_000;
  expect((await ask(forwarding, question('x0.silent.example.'))).kind).toBe('answer');
  for (let i = 0; i < 20; i++)
    expect((await ask(forwarding, question(`y${i}.silent.example.`))).kind).toBe('answer');
});
