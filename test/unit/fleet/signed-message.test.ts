// What is said now: checkpoints that are told again or kept back, and presences that say more than their resolver may.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FleetActs } from '../../../src/fleet/acts.ts';
import type { FleetAlarm } from '../../../src/fleet/alarms.ts';
import { signCheckpoint } from '../../../src/fleet/checkpoint.ts';
import { CheckpointWatch } from '../../../src/fleet/checkpoint-watch.ts';
import { NO_END, NO_ENTRY, signEntry } from '../../../src/fleet/entry.ts';
import { createKeyFile, formatPublicKey, type SigningKey, toSeedKey } from '../../../src/fleet/key.ts';
import { Membership } from '../../../src/fleet/membership.ts';
import { PolicyLog } from '../../../src/fleet/policy-log.ts';
import { PresenceCheck } from '../../../src/fleet/presence-check.ts';
import { PresenceTable } from '../../../src/fleet/presence-table.ts';
import { ResolverRows } from '../../../src/fleet/resolver-status.ts';
import { LastSequences, Sequence, stampMessage } from '../../../src/fleet/signed-message.ts';
import { CHECKPOINT_SUBJECT, presenceSubject } from '../../../src/fleet/subjects.ts';

const CHECKPOINT_MS = 60_000;
const SUSPEND_MS = 180_000;

let directory: string;
let authority: SigningKey;
let keys: Map<string, SigningKey>;
let membership: Membership;
let nowMs: number;
let monotonicMs: number;
let alarms: FleetAlarm[];
let notes: string[];
let acts: FleetActs;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-said-'));
  authority = createKeyFile(join(directory, 'authority.pem'));
  membership = new Membership([formatPublicKey(authority.publicKey)]);
  keys = new Map();
  const time = '2026-11-25T00:00:00.000Z';
  for (const name of ['ns1', 'thief', 'collector']) {
    const pair = createUser();
    keys.set(name, toSeedKey(Buffer.from(pair.getSeed()).toString()));
    const kind = name === 'collector' ? 'collector' : 'node';
    const body = JSON.stringify({
      name,
      key: pair.getPublicKey(),
      ...(kind === 'node' ? { enrolment: 1 } : {}),
    });
    membership.take(signEntry(NO_END, { time, kind, must: true, body }, authority));
  }
  nowMs = Date.parse('2026-11-26T12:00:00Z');
  monotonicMs = 5_000_000;
  hasUpTo = 3;
  alarms = [];
  notes = [];
  const quiet = (): void => undefined;
  acts = {
    exemption: () => Promise.resolve({ isApplied: true }),
    list: () => Promise.resolve({ isApplied: true }),
    overlays: () => Promise.resolve({ isApplied: true }),
    pause: () => Promise.resolve({ isApplied: true }),
    pauseMsMax: () => 0,
    suspend: () => Promise.resolve(),
    decides: () => Promise.resolve(),
    note: ({ event, subject = '' }) => void notes.push(`${event} ${subject}`),
    contents: () => undefined,
    facts: () => ({ version: '', generation: 0, state: '', records: { queries: 0, changes: 0 } }),
    damaged: () => undefined,
    log: { info: quiet, warn: quiet, error: quiet },
    clock: () => nowMs,
    monotonic: () => monotonicMs,
  };
});
afterEach(() => rmSync(directory, { recursive: true }));

const advance = (ms: number): void => {
  nowMs += ms;
  monotonicMs += ms;
};
const onAlarm = (alarm: FleetAlarm): void => void alarms.push(alarm);
const sequences = (): LastSequences => new LastSequences(join(directory, 'heard.json'), acts.monotonic);

const watch = (kept: LastSequences): CheckpointWatch =>
  new CheckpointWatch({
    ...{
      acts,
      membership,
      sequences: kept,
      onAlarm,
      checkpointMs: CHECKPOINT_MS,
      suspendAfterMs: SUSPEND_MS,
    },
    ...{ isAuthority: () => false, hasEntry: (number: number) => number <= hasUpTo },
    onForged: (reason) => {
      alarms.push('forged-entry');
      notes.push(reason);
    },
  });

/** The last entry that is here. */
let hasUpTo = 3;
let number = 0;
/** A checkpoint of this moment, with its stamp. */
const checkpoint = (by = authority) => {
  const end = { number: 3, hash: 'a'.repeat(64) };
  const bytes = Buffer.from(JSON.stringify(signCheckpoint(end, new Date(nowMs).toISOString(), by)));
  return { bytes, stamp: stampMessage(CHECKPOINT_SUBJECT, bytes, ++number, by) };
};

test('checkpoints of before, told again to a resolver that has just started, are no sign of life', async () => {
  const kept = sequences();
  const before = watch(kept);
  const recorded = Array.from({ length: 5 }, () => {
    advance(CHECKPOINT_MS);
    return checkpoint();
  });
  for (const { bytes, stamp } of recorded) before.take(bytes, stamp, true);
  kept.write();
  // The authority dies, and the resolver begins anew.
  advance(10 * CHECKPOINT_MS);
  const after = watch(sequences());
  for (const { bytes, stamp } of recorded) {
    advance(CHECKPOINT_MS);
    expect(after.take(bytes, stamp, true)?.time).toBe(
      bytes === recorded.at(-1)?.bytes ? after.lastContact : undefined,
    );
    // Without its number, as an authority of an older version says it.
    expect(after.take(bytes, undefined, true)).toBeUndefined();
    await after.look();
  }
  expect(alarms.filter((alarm) => alarm === 'replayed').length).toBeGreaterThanOrEqual(5);
  expect([after.isSuspended, after.cutOffSince === undefined]).toEqual([true, false]);
});

test('checkpoints that were kept back and come as if the authority lived are as old as their time', async () => {
  const kept = Array.from({ length: 20 }, () => {
    advance(CHECKPOINT_MS);
    return checkpoint();
  });
  const node = watch(sequences());
  for (const { bytes, stamp } of kept) {
    advance(CHECKPOINT_MS);
    node.take(bytes, stamp, true);
    await node.look();
  }
  expect(node.isSuspended).toBe(true);
  const { bytes, stamp } = checkpoint();
  node.take(bytes, stamp, true);
  await node.look();
  expect([node.isSuspended, node.cutOffSince]).toEqual([false, undefined]);
});

test('a start gives exemptions no other time: the bound counts from when the authority was last heard', async () => {
  const heardBefore = sequences();
  const before = watch(heardBefore);
  advance(1_000);
  const { bytes, stamp } = checkpoint();
  before.take(bytes, stamp, true);
  await before.look();
  heardBefore.write();
  const { log } = PolicyLog.open(join(directory, 'policy.sqlite'), 0);
  for (let start = 1; start <= 4; start++) {
    advance(CHECKPOINT_MS / 2 + 1_000);
    const kept = sequences();
    const again = watch(kept);
    again.begin(log);
    await again.look();
    // A start is no silence of the authority, and nobody is told of one.
    expect([start, again.isSuspended, again.cutOffSince]).toEqual([start, false, undefined]);
    kept.write();
  }
  advance(CHECKPOINT_MS);
  const last = watch(sequences());
  last.begin(log);
  await last.look();
  expect(last.isSuspended).toBe(true);
  log.close();
});

test('the first start behind a version that did not keep when it heard the authority begins its time, once', async () => {
  const log = PolicyLog.open(join(directory, 'upgraded.sqlite'), 0).log;
  const time = new Date(nowMs - 2 * SUSPEND_MS).toISOString();
  log.append(signEntry(NO_END, { time, kind: 'decision', must: false, body: '{}' }, authority));
  // What such a version kept: the number of the last checkpoint.
  const kept = sequences();
  kept.note(`tide ${authority.keyId}`, 1);
  kept.write();
  const first = watch(sequences());
  first.begin(log);
  await first.look();
  expect(first.isSuspended).toBe(false);
  advance(SUSPEND_MS / 2);
  const second = watch(sequences());
  second.begin(log);
  advance(SUSPEND_MS / 2 + 1_000);
  await second.look();
  expect(second.isSuspended).toBe(true);
  log.close();
});

test('a checkpoint that a node signed, and a number that was put on another checkpoint, are refused', () => {
  const node = watch(sequences());
  const forged = checkpoint(keys.get('thief'));
  expect(node.take(forged.bytes, forged.stamp, true)).toBeUndefined();
  const first = checkpoint();
  advance(1);
  const second = checkpoint();
  expect(node.take(first.bytes, second.stamp, true)).toBeUndefined();
  expect(alarms).toEqual(['forged-entry', 'forged-entry']);
});

/** What a resolver says of itself, with changes. */
const presence = (name: string, changes: object = {}): Buffer =>
  Buffer.from(
    JSON.stringify({
      ...{
        name,
        role: 'node',
        enrolment: 1,
        time: new Date(nowMs).toISOString(),
        version: '1',
        generation: 1,
      },
      ...{ state: 'in force', policy: { number: 0, hash: NO_ENTRY }, isSuspended: false, isForked: false },
      ...{
        refused: [],
        lists: {},
        records: { queries: 5, changes: 5 },
        confirmed: { queries: 5, changes: 5 },
      },
      ...changes,
    }),
  );

const say = (hearing: PresenceTable, name: string, changes: object = {}, by = keys.get(name)) => {
  const bytes = presence(name, changes);
  if (by === undefined) throw new Error('a key of the test');
  return hearing.take(bytes, presenceSubject(name), stampMessage(presenceSubject(name), bytes, ++number, by));
};

const LAST_ALARMS = [
  { time: '2026-11-27T00:00:00.000Z', alarm: 'hole', node: 'ns1', text: 'records are missing' },
];

test('a resolver says nothing of others: who says what was refused is the collector, and a role is that of policy', () => {
  const hearing = new PresenceTable({ membership, sequences: sequences(), acts, onAlarm });
  expect(say(hearing, 'thief', { role: 'collector', lastAlarms: LAST_ALARMS })?.role).toBe('node');
  expect(notes).toEqual([]);
  say(hearing, 'collector', { role: 'collector', lastAlarms: LAST_ALARMS });
  expect(notes).toEqual(['evidence-refused ns1']);
  expect(say(hearing, 'ns1', {}, keys.get('thief'))).toBeUndefined();
  expect([alarms, hearing.all.has('ns1')]).toEqual([['forged-presence'], false]);
});

test.each([
  ['alarms below zero', { alarms: { hole: -5 } }],
  ['half a count', { records: { queries: 0.5, changes: 0 } }],
  ['a count that is not safe', { records: { queries: 2 ** 53, changes: 0 } }],
  ['an entry below zero', { refused: [{ number: -1, code: 'x', reason: 'x' }] }],
  ['a time in words', { time: 'yesterday' }],
  ['the year 0', { time: '0000-01-01T00:00:00.000Z' }],
  ['a hash that is none', { policy: { number: 1, hash: 'x' } }],
  ['an offset without an end', { offsetMs: 1e300 }],
  ['a list that is a path', { lists: { '../x': 'a'.repeat(64) } }],
])('a presence with %s is refused', (_, changes) => {
  const hearing = new PresenceTable({ membership, sequences: sequences(), acts, onAlarm });
  expect(say(hearing, 'thief', changes)).toBeUndefined();
  expect(alarms).toEqual(['forged-presence']);
});

test('what a terminal would obey is a blank', () => {
  const hearing = new PresenceTable({ membership, sequences: sequences(), acts, onAlarm });
  expect(say(hearing, 'thief', { state: 'in force\u001b[2J\nns1: gone' })?.state).toBe(
    'in force [2J ns1: gone',
  );
});

test('a resolver of an older version shows as that, and what it says counts for nothing', () => {
  const hearing = new PresenceTable({ membership, sequences: sequences(), acts, onAlarm });
  hearing.take(presence('ns1'), presenceSubject('ns1'), undefined);
  const rowOf = (name: string) =>
    new ResolverRows()
      .of({
        own: JSON.parse(presence('thief').toString()) as never,
        ...{ nowMs: monotonicMs, number: 0, membership, contacts: hearing.all },
        ...{ resultOf: () => undefined, differing: () => [] },
      })
      .find((row) => row.name === name);
  expect(rowOf('ns1')).toMatchObject({ heard: null, records: null, needs: [{ kind: 'older', text: '1' }] });
  say(hearing, 'ns1');
  expect(rowOf('ns1')).toMatchObject({ heardSec: 0, needs: [] });
  // And back: who has the engine leaves the signature away.
  hearing.take(presence('ns1'), presenceSubject('ns1'), undefined);
  expect([alarms, rowOf('ns1')?.needs]).toEqual([['forged-presence'], []]);
});

test('a presence that was kept back is heard as late as it was said', () => {
  const hearing = new PresenceTable({ membership, sequences: sequences(), acts, onAlarm });
  const bytes = presence('ns1');
  const key = keys.get('ns1');
  if (key === undefined) throw new Error('a key of the test');
  const stamp = stampMessage(presenceSubject('ns1'), bytes, ++number, key);
  advance(600_000);
  hearing.take(bytes, presenceSubject('ns1'), stamp);
  expect(hearing.all.get('ns1')?.atMs).toBe(monotonicMs - 600_000);
});

test('a start begins behind all numbers of before, with its file or an older copy of it', () => {
  const path = join(directory, 'sequence');
  const first = new Sequence(path, acts.clock);
  const used = [first.next(), first.next()];
  const second = new Sequence(path, () => 0);
  expect(second.next()).toBeGreaterThan(used[1] ?? 0);
  rmSync(path);
  advance(1_000);
  expect(new Sequence(path, acts.clock).next()).toBeGreaterThan(used[1] ?? 0);
});

test('one whose file is gone is heard again minutes later, however often it was started before', () => {
  const path = join(directory, 'sequence');
  let last = 0;
  for (let start = 0; start < 5; start++) last = new Sequence(path, acts.clock).next();
  rmSync(path);
  const anew = new Sequence(path, acts.clock);
  anew.next();
  advance(5 * 60_000);
  expect(anew.next()).toBeGreaterThan(last);
});

test('what was heard before a start is known after it', () => {
  const kept = sequences();
  const check = new PresenceCheck(membership, kept, acts.clock);
  const key = keys.get('ns1');
  if (key === undefined) throw new Error('a key of the test');
  const subject = presenceSubject('ns1');
  const bytes = presence('ns1');
  const stamp = stampMessage(subject, bytes, 7, key);
  expect(check.judge(bytes, subject, stamp, false).kind).toBe('signed');
  kept.write();
  const after = new PresenceCheck(membership, sequences(), acts.clock);
  expect(after.judge(bytes, subject, stamp, false)).toMatchObject({ kind: 'refused', alarm: 'replayed' });
  expect(after.judge(bytes, subject, stamp, true).kind).toBe('signed');
});

test('who hears checkpoints and not what they speak of is cut off, and exempts nobody for longer than it may', async () => {
  const suspended: boolean[] = [];
  acts = { ...acts, suspend: (isSuspended) => Promise.resolve(void suspended.push(isSuspended)) };
  const checkpoints = watch(sequences());
  // A revocation is kept back: the authority says every minute that there is an entry 3.
  hasUpTo = 2;
  for (let passedMs = 0; passedMs <= SUSPEND_MS; passedMs += CHECKPOINT_MS) {
    const { bytes, stamp } = checkpoint();
    expect(checkpoints.take(bytes, stamp, true)).toBeDefined();
    await checkpoints.look();
    expect(checkpoints.cutOffSince === undefined).toBe(passedMs <= 2.5 * CHECKPOINT_MS);
    advance(CHECKPOINT_MS);
  }
  await checkpoints.look();
  expect(suspended).toEqual([true]);
  hasUpTo = 3;
  const { bytes, stamp } = checkpoint();
  checkpoints.take(bytes, stamp, true);
  await checkpoints.look();
  expect(checkpoints.cutOffSince).toBeUndefined();
  expect(suspended).toEqual([true, false]);
  expect(notes).toEqual(['cut-off ', 'suspended ', 'heard-again ', 'resumed ']);
});

test('a copy of a resolver that runs as well is told of, and what the engine tells again is not', () => {
  const hearing = new PresenceTable({ membership, sequences: sequences(), acts, onAlarm });
  const said = presence('ns1');
  const key = keys.get('ns1') as SigningKey;
  const stamp = stampMessage(presenceSubject('ns1'), said, ++number, key);
  hearing.take(said, presenceSubject('ns1'), stamp);
  advance(10_000);
  say(hearing, 'ns1');
  hearing.take(said, presenceSubject('ns1'), stamp);
  expect([alarms, hearing.isTwice('ns1')]).toEqual([['replayed'], false]);
  // Made now, under a number that the other one has used.
  advance(5_000);
  const copy = presence('ns1');
  hearing.take(copy, presenceSubject('ns1'), stampMessage(presenceSubject('ns1'), copy, number, key));
  expect([hearing.isTwice('ns1'), hearing.isTwice('thief')]).toEqual([true, false]);
  advance(300_000);
  expect(hearing.isTwice('ns1')).toBe(false);
});

test('a checkpoint that comes late makes no clock wrong, and three in a row that differ do', () => {
  const node = watch(sequences());
  const hear = (lateMs: number): void => {
    const { bytes, stamp } = checkpoint();
    advance(lateMs);
    node.take(bytes, stamp, true);
    advance(CHECKPOINT_MS - lateMs);
  };
  hear(4_566);
  expect([node.offsetMs, alarms]).toEqual([undefined, []]);
  hear(3);
  hear(4_566);
  expect([node.offsetMs, alarms]).toEqual([3, []]);
  for (const lateMs of [1_500, 1_400, 1_600]) hear(lateMs);
  expect([node.offsetMs, alarms]).toEqual([1_400, ['clock']]);
});

test('heard by is said of what a resolver signed: a forged presence of one that has stopped is none', () => {
  const hearing = new PresenceTable({ membership, sequences: sequences(), acts, onAlarm });
  say(hearing, 'ns1', { policy: { number: 4, hash: 'a'.repeat(64) } });
  const rows = () =>
    new ResolverRows().of({
      own: JSON.parse(presence('thief').toString()) as never,
      ...{ nowMs: monotonicMs, number: 5, membership, contacts: hearing.all },
      ...{ resultOf: () => undefined, differing: () => [] },
    });
  const end = { policy: { number: 5, hash: 'b'.repeat(64) } };
  say(hearing, 'ns1', end, keys.get('thief'));
  say(hearing, 'ns1', end, keys.get('collector'));
  hearing.take(presence('ns1', end), presenceSubject('ns1'), undefined);
  expect(rows().find(({ name }) => name === 'ns1')?.policy).toBe(4);
  expect(alarms).toEqual(['forged-presence', 'forged-presence', 'forged-presence']);
  say(hearing, 'ns1', end);
  expect(rows().find(({ name }) => name === 'ns1')?.policy).toBe(5);
});
