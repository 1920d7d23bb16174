// Policy as a node takes it: what is taken, in which order, what is refused, and where it stops.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FleetActs, FleetNote } from '../../../src/fleet/acts.ts';
import type { FleetAlarm } from '../../../src/fleet/alarms.ts';
import { EarlyEntries } from '../../../src/fleet/early-entries.ts';
import {
  entryHash,
  formatEntry,
  type LogEnd,
  NO_END,
  type PolicyEntry,
  signEntry,
} from '../../../src/fleet/entry.ts';
import { createKeyFile, formatPublicKey, type SigningKey } from '../../../src/fleet/key.ts';
import { Membership } from '../../../src/fleet/membership.ts';
import { type Apply, Policy } from '../../../src/fleet/policy.ts';
import { PolicyLog } from '../../../src/fleet/policy-log.ts';

let directory: string;
let key: SigningKey;
let log: PolicyLog;
let notes: FleetNote[];
let alarms: FleetAlarm[];
let applied: string[];
let missing: number[];
let nowMs = 0;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-policy-'));
  key = createKeyFile(join(directory, 'key.pem'));
  [notes, alarms, applied, missing] = [[], [], [], []];
  ({ log } = PolicyLog.open(join(directory, 'policy.sqlite'), 0));
});

afterEach(() => {
  log.close();
  rmSync(directory, { recursive: true });
});

const acts = {
  note: (note: FleetNote) => notes.push(note),
  log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  ...{ clock: () => 0, monotonic: () => nowMs },
} as unknown as FleetActs;

const open = (apply?: Apply, trust: readonly SigningKey[] = [key]): Policy =>
  new Policy({
    log,
    membership: new Membership(trust.map(({ publicKey }) => formatPublicKey(publicKey))),
    acts,
    apply: (entry) => {
      applied.push(`${entry.number} ${entry.kind}`);
      return apply?.(entry) ?? Promise.resolve({ isApplied: true });
    },
    offsetMs: () => 2.4,
    onAlarm: (alarm) => alarms.push(alarm),
    isElsewhere: ({ kind }) => kind === 'node',
    onTaken: () => undefined,
    onMissing: (number) => missing.push(number),
  });

const step = (event: string): string => JSON.stringify({ kind: 'exemption', event, id: 'ex-000001' });

/** Entries one behind the other. */
const chain = (count: number, of: Partial<PolicyEntry>[] = [], by = key): PolicyEntry[] => {
  let end: LogEnd = NO_END;
  return Array.from({ length: count }, (_, index) => {
    const entry = signEntry(
      end,
      {
        time: `2026-11-26T08:00:0${index}.000Z`,
        kind: 'exemption',
        must: true,
        body: step('approved'),
        ...of[index],
      },
      by,
    );
    end = { number: entry.number, hash: entryHash(entry) };
    return entry;
  });
};

const receive = async (policy: Policy, entries: readonly PolicyEntry[]): Promise<void> => {
  for (const entry of entries) policy.receive(Buffer.from(formatEntry(entry)), entry.number);
  await policy.settled();
};

test('takes entries in their order, whatever the order in which they come, and each once', async () => {
  const policy = open();
  const [one, two, three] = chain(3) as [PolicyEntry, PolicyEntry, PolicyEntry];
  await receive(policy, [three, two, two, one, three, one]);
  expect(applied).toEqual(['1 exemption', '2 exemption', '3 exemption']);
  expect(policy.end.number).toBe(3);
  expect(missing).toEqual([2, 1, 1]);
  expect(notes.map(({ event, number, offsetMs }) => [event, number, offsetMs])).toEqual([
    ['applied', 1, 2],
    ['applied', 2, 2],
    ['applied', 3, 2],
  ]);
  expect(alarms).toEqual([]);
});

const unknownKind = { kind: 'x', must: false, time: '2026-11-26T08:01:00.000Z' };

test('entries far ahead that nobody signed are kept by no resolver, and are an alarm', async () => {
  const stranger = createKeyFile(join(directory, 'stranger.pem'));
  const policy = open();
  const body = JSON.stringify({ text: 'я'.repeat(10_000) });
  const forged = Array.from({ length: 200 }, (): Partial<PolicyEntry> => ({ ...unknownKind, body }));
  const entries = chain(201, [{}, ...forged], stranger).slice(1);
  await receive(policy, entries);
  // With a key of the fleet named as well, and the signature of somebody else.
  await receive(policy, [{ ...(entries[9] as PolicyEntry), key: key.keyId }]);
  expect([alarms, policy.setAsides?.count]).toEqual([['forged-entry'], 1]);
  expect(missing.slice(0, 3)).toEqual([1, 2, 3]);
  // A key that is not known may be on its way; nobody brings this one.
  nowMs += 59_000;
  policy.tryAgain();
  expect(alarms).toHaveLength(1);
  nowMs += 1_000;
  policy.tryAgain();
  policy.tryAgain();
  expect([alarms.length, policy.setAsides?.count]).toEqual([2, 2]);
  expect(policy.end.number).toBe(0);
  // What was kept would be a fork behind the first entry, which the stranger's second one follows.
  await receive(open(undefined, [key, stranger]), chain(1, [{}], stranger));
  expect(log.end.number).toBe(1);
});

test('an entry by a key that an entry before it brings is no alarm, and is asked for again', async () => {
  const next = createKeyFile(join(directory, 'next.pem'));
  const policy = open();
  const body = JSON.stringify({
    ...{ add: formatPublicKey(next.publicKey), remove: formatPublicKey(key.publicKey) },
  });
  const [one] = chain(1, [{ kind: 'authority-key', body }]) as [PolicyEntry];
  const about = { time: '2026-11-26T08:00:09.000Z', kind: 'exemption', must: true, body: step('approved') };
  const two = signEntry({ number: 1, hash: entryHash(one) }, about, next);
  await receive(policy, [two, one]);
  nowMs += 60_000;
  policy.tryAgain();
  expect([alarms, missing, policy.end.number]).toEqual([[], [1], 1]);
  await receive(policy, [two]);
  expect(policy.end.number).toBe(2);
});

test('of entries that came before others no more are kept than have room, until those before them came', () => {
  const membership = new Membership([formatPublicKey(key.publicKey)]);
  const onForged = (): void => void alarms.push('forged-entry');
  const early = new EarlyEntries({ membership, monotonic: () => nowMs, onForged });
  const body = 'x'.repeat(250_000);
  const long = Array.from({ length: 70 }, (): Partial<PolicyEntry> => ({ ...unknownKind, body }));
  for (const entry of [...chain(70, long), ...chain(70, long)]) early.take(entry, 0);
  const kept = Array.from({ length: 70 }, (_, index) => early.next(index + 1)).filter(Boolean);
  expect(kept).toHaveLength(67);
  for (const entry of chain(70, long)) early.take(entry, 0);
  // The log came to entry 60 by another way.
  for (const entry of chain(70, long).slice(60)) early.take(entry, 60);
  expect([early.next(60), early.next(70)?.number, alarms]).toEqual([undefined, 70, []]);
});

const coming = (index: number): Partial<PolicyEntry> => ({
  kind: 'node',
  body: JSON.stringify({ name: `ns${index}`, key: `U${'A'.repeat(55)}`, enrolment: 1 }),
});

test('takes a page of entries: what changes nothing here is kept at once, unrecorded, and the rest in its place', async () => {
  const policy = open();
  const entries = chain(9, [coming(1), coming(2), {}, coming(3), {}, {}, coming(4), coming(5), coming(6)]);
  const page = entries.map((entry) => `${formatEntry(entry)}\n`).join('');
  expect(await policy.receivePage(Buffer.from(page), 1)).toBe(true);
  expect(policy.end).toEqual({ number: 9, hash: entryHash(entries[8] as PolicyEntry) });
  expect(applied).toEqual(['3 exemption', '5 exemption', '6 exemption']);
  expect(notes.map(({ number }) => number)).toEqual([3, 5, 6]);
  expect(entries.map((_, index) => log.at(index + 1)?.outcome)).toEqual(entries.map(() => 'applied'));
  const again = log.page(8).trimEnd().split('\n');
  expect(again.map((line) => JSON.parse(line))).toEqual(entries.slice(7));
  const last = entries.at(-1) as PolicyEntry;
  expect(await policy.receivePage(Buffer.from(formatEntry(last)), 9)).toBe(true);
  expect(alarms).toEqual([]);
});

test('takes of a page no more than what is signed and follows, and sets the rest aside', async () => {
  const entries = chain(6, [{}, ...[1, 2, 3, 4, 5].map(coming)]);
  const line = (entry: PolicyEntry | undefined): string => JSON.stringify(entry);
  const changed = { ...(entries[3] as PolicyEntry), ...coming(7) };
  const [other] = chain(1, [], createKeyFile(join(directory, 'other.pem')));
  for (const [bad, taken] of [
    [line(changed), 3],
    ['{', 3],
    [line(entries[4]), 3],
    [line({ ...(other as PolicyEntry), number: 4 }), 3],
  ] as const) {
    rmSync(join(directory, 'policy.sqlite'));
    ({ log } = PolicyLog.open(join(directory, 'policy.sqlite'), 0));
    alarms = [];
    const policy = open();
    const page = [...entries.slice(0, 3).map(line), bad, ...entries.slice(4).map(line)].join('\n');
    await policy.receivePage(Buffer.from(page), 1);
    expect([policy.end.number, log.end.number]).toEqual([taken, taken]);
    expect(alarms).toContain('forged-entry');
    expect(policy.isForked).toBe(false);
    expect(await policy.receivePage(Buffer.from(entries.slice(3).map(line).join('\n')), 4)).toBe(true);
    expect(policy.end.number).toBe(6);
    log.close();
  }
  ({ log } = PolicyLog.open(join(directory, 'policy.sqlite'), 0));
});

test('refuses what no key of the fleet signed, records it, and goes on with what one did', async () => {
  const policy = open();
  const other = createKeyFile(join(directory, 'other.pem'));
  await receive(policy, [...chain(1, [], other), ...chain(1)]);
  expect(alarms).toEqual(['forged-entry']);
  expect(notes[0]).toMatchObject({ event: 'refused', code: 'ERR_FLEET_SIGNATURE', number: 1 });
  expect(policy.end.number).toBe(1);
});

test('refuses an entry of which anything was changed', async () => {
  const policy = open();
  const [one] = chain(1) as [PolicyEntry];
  for (const change of [
    { body: step('revoked') },
    { time: '2027-01-01T00:00:00.000Z' },
    { must: false },
    { kind: 'list' },
  ]) {
    await receive(policy, [{ ...one, ...change }]);
  }
  expect(alarms).toEqual(['forged-entry', 'forged-entry', 'forged-entry', 'forged-entry']);
  expect(policy.end.number).toBe(0);
});

test('tells of a fork when a signed entry has a number that another one has here', async () => {
  const policy = open();
  await receive(policy, chain(2));
  const fork = chain(2, [{}, { body: step('revoked') }]);
  await receive(policy, fork);
  expect(policy.isForked).toBe(true);
  expect(alarms).toEqual(['fork']);
  expect(notes.at(-1)).toMatchObject({ event: 'fork', number: 2, code: 'ERR_FLEET_FORK' });
  expect(applied).toHaveLength(2);
});

test('keeps an unknown kind that need not be known, and stops at one that must, but for revocations', async () => {
  const policy = open();
  await receive(
    policy,
    chain(5, [
      { kind: 'weather', must: false, body: '{}' },
      { kind: 'tribunal', must: true, body: '{}' },
      { body: step('approved') },
      { body: step('revoked') },
      { kind: 'overlay', must: false, body: JSON.stringify({ for: 'all', yaml: '', by: 'x' }) },
    ]),
  );
  expect(applied).toEqual(['4 exemption']);
  expect(policy.stopped?.number).toBe(2);
  expect(notes.map(({ event }) => event)).toEqual(['kept', 'stopped', 'applied']);
  expect(alarms).toEqual(['stopped']);
  expect([1, 2, 3, 4, 5].map((number) => log.at(number)?.outcome)).toEqual([
    ...['kept', 'stopped', 'waiting', 'applied', 'waiting'],
  ]);
});

test('puts in force after a crash what was written and not put in force', async () => {
  const [one] = chain(1) as [PolicyEntry];
  log.append(one);
  const policy = open();
  await policy.start();
  expect(applied).toEqual(['1 exemption']);
  expect(log.at(1)?.outcome).toBe('applied');
});

test('a log that was changed on the disk is set aside, and begun anew', async () => {
  await receive(open(), chain(2));
  log.close();
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(join(directory, 'policy.sqlite'));
  database.exec("UPDATE entries SET entry = replace(entry, 'approved', 'rejected') WHERE number = 1");
  database.close();
  const opened = PolicyLog.open(join(directory, 'policy.sqlite'), 7);
  log = opened.log;
  expect(opened.damage).toContain('entry 1');
  expect(log.end.number).toBe(0);
});

test('a key that the log adds is trusted from there on, and the one that it removes is not', async () => {
  const policy = open();
  const next = createKeyFile(join(directory, 'next.pem'));
  const change = {
    kind: 'authority-key',
    body: JSON.stringify({ add: formatPublicKey(next.publicKey), remove: formatPublicKey(key.publicKey) }),
  };
  const [first] = chain(1, [change]) as [PolicyEntry];
  const end = { number: 1, hash: entryHash(first) };
  const rest = { time: '2026-11-26T09:00:00.000Z', kind: 'exemption', must: true, body: step('approved') };
  await receive(policy, [first, signEntry(end, rest, key), signEntry(end, rest, next)]);
  expect(alarms).toEqual(['forged-entry']);
  expect(policy.end.number).toBe(2);
});

test('bytes that are no entry are refused', async () => {
  const policy = open();
  for (const text of ['', '{}', 'null', '{"number":1}', '\u0000']) policy.receive(Buffer.from(text), 1);
  await policy.settled();
  expect(new Set(alarms)).toEqual(new Set(['forged-entry']));
});

test('a signed entry at the place of another number is set aside: it is no fork, and is told once in an hour', async () => {
  const policy = open();
  const [one, two] = chain(2) as [PolicyEntry, PolicyEntry];
  await receive(policy, [one, two]);
  for (const number of [1, 3, 7, Number.NaN, -1]) policy.receive(Buffer.from(formatEntry(two)), number);
  expect(policy.examine(Buffer.from(formatEntry(one)), 3)).toBeUndefined();
  await policy.settled();
  expect(policy.isForked).toBe(false);
  expect(policy.end.number).toBe(2);
  expect(alarms).toEqual(Array.from({ length: 6 }, () => 'forged-entry'));
  expect(policy.setAsides?.count).toBe(6);
  expect(notes.filter(({ event }) => event === 'refused')).toHaveLength(1);
  nowMs += 3_600_000;
  expect(policy.setAsides).toBeUndefined();
  policy.receive(Buffer.from(formatEntry(two)), 3);
  expect(notes.filter(({ event }) => event === 'refused')).toHaveLength(2);
});

test('behind a change of the key, what the other side of a fork had signed is no fork again', async () => {
  const policy = open();
  const next = createKeyFile(join(directory, 'next.pem'));
  const body = JSON.stringify({
    ...{ add: formatPublicKey(next.publicKey), remove: formatPublicKey(key.publicKey) },
  });
  await receive(policy, chain(2, [{}, { kind: 'authority-key', body }]));
  const [, other] = chain(2, [{}, { body: step('revoked') }]) as [PolicyEntry, PolicyEntry];
  await receive(policy, [other]);
  expect(policy.isForked).toBe(false);
  expect(alarms).toEqual(['forged-entry']);
});

const overlay = (whom: string, yaml: string): Partial<PolicyEntry> => ({
  ...{ kind: 'overlay', must: false, body: JSON.stringify({ for: whom, yaml, by: 'x' }) },
});

const refusing: Apply = () => Promise.resolve({ isApplied: false, code: 'ERR_X', reason: 'it does not fit' });

test('what was refused stays told after a start, and is tried again by it, once a reload came, and with pauses', async () => {
  await receive(open(refusing), chain(2, [overlay('all', 'a: 1'), { body: step('approved') }]));
  expect(notes.filter(({ event }) => event === 'refused')).toHaveLength(2);
  const policy = open(refusing);
  await policy.start();
  expect(policy.refused).toMatchObject([{ number: 1, code: 'ERR_X' }, { number: 2 }]);
  // On the record once, and an alarm once.
  expect(alarms).toEqual(['refused-entry', 'refused-entry']);
  const tries = async (isNow = false): Promise<number> => {
    const before = applied.length;
    policy.tryAgain(isNow);
    await policy.settled();
    return applied.length - before;
  };
  expect(await tries()).toBe(2);
  expect(await tries()).toBe(0);
  expect(await tries(true)).toBe(2);
  nowMs += 61_000;
  expect(await tries()).toBe(2);
  nowMs += 61_000;
  expect(await tries()).toBe(0);
  expect(notes.filter(({ event }) => event === 'refused')).toHaveLength(2);
  const mended = open();
  await mended.start();
  expect(mended.refused).toEqual([]);
  expect(log.at(1)?.outcome).toBe('applied');
});

test('what was refused and is not wanted any more is not tried again, and nothing of it is told', async () => {
  const entries = chain(4, [overlay('all', 'a: 1'), {}, { body: step('revoked') }, overlay('all', 'a: 2')]);
  const isOld = ({ number }: PolicyEntry): boolean => number < 3;
  const policy = open((entry) => (isOld(entry) ? refusing(entry) : Promise.resolve({ isApplied: true })));
  await receive(policy, entries.slice(0, 2));
  expect(policy.refused).toHaveLength(2);
  await receive(policy, entries.slice(2));
  expect(policy.refused).toEqual([]);
  applied.length = 0;
  const again = open();
  await again.start();
  expect(applied).toEqual([]);
  expect([1, 2].map((number) => log.at(number)?.outcome)).toEqual(['kept', 'kept']);
});

test('after another key of the authority, who begins anew needs the one before as well, which signs nothing more', async () => {
  const [first] = chain(1) as [PolicyEntry];
  const next = createKeyFile(join(directory, 'next.pem'));
  const [added, removed] = [formatPublicKey(next.publicKey), formatPublicKey(key.publicKey)];
  const endOf = (entry: PolicyEntry): LogEnd => ({ number: entry.number, hash: entryHash(entry) });
  const time = '2026-11-26T08:00:05.000Z';
  const rotation = JSON.stringify({ add: added, remove: removed });
  const second = signEntry(endOf(first), { time, kind: 'authority-key', must: true, body: rotation }, key);
  const about = { time, kind: 'exemption', must: true, body: step('revoked') };
  const entries = [first, second, signEntry(endOf(second), about, next)];
  // As it would be with the new key in the place of the one before.
  const without = open(undefined, [next]);
  await receive(without, entries);
  expect([without.end.number, alarms.length > 0]).toEqual([0, true]);
  alarms.length = 0;
  const policy = open(undefined, [next, key]);
  await receive(policy, entries);
  expect([policy.end.number, alarms]).toEqual([3, []]);
  await receive(policy, [signEntry(policy.end, about, key)]);
  expect([policy.end.number, alarms]).toEqual([3, ['forged-entry']]);
});
