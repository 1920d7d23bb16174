// What hundreds of resolvers say at once: counted is what is looked at before something else has its turn, not how long that takes.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FairQueue } from '../../../src/fleet/fair-queue.ts';
import { readIdentity } from '../../../src/fleet/identity.ts';
import { toSeedKey } from '../../../src/fleet/key.ts';
import { formatPresence } from '../../../src/fleet/presence.ts';
import { type Stamp, stampMessage } from '../../../src/fleet/signed-message.ts';
import { presenceSubject } from '../../../src/fleet/subjects.ts';
import { type LoneAuthority, withAuthority } from '../../support/lone-authority.ts';

const START = Date.parse('2026-11-26T08:00:00Z');
/** Turns within which something is to happen; a person's request takes some ten. */
const TURNS_MAX = 400;
/** Messages that are looked at meanwhile, at most: ten turns of four. */
const LOOKED_AT_MAX = 40;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const until = async (is: () => boolean): Promise<void> => {
  for (let turns = 0; turns < TURNS_MAX && !is(); turns++) await turn();
};

/** An authority that decides, and what it counted. */
const withDeciding = (
  act: (
    scene: LoneAuthority & {
      readonly alarms: (alarm: Parameters<LoneAuthority['fleet']['alarm']>[0]) => number;
      /** A resolver says that it has a generation, by its key. */
      readonly say: (
        name: string,
        generation: number,
        sequence: number,
        changed?: (stamp: Stamp) => Stamp,
      ) => void;
      readonly generationOf: (name: string) => number | null | undefined;
    },
  ) => Promise<void>,
): Promise<void> =>
  withAuthority(async (scene) => {
    const { fleet, bus, template } = scene;
    await fleet.overlay({ for: 'all', yaml: '', by: 'somebody' });
    await turn();
    await act({
      ...scene,
      alarms: (alarm) => fleet.facts().alarms.get(alarm) ?? 0,
      say: (name, generation, sequence, changed = (stamp) => stamp) => {
        const key = toSeedKey(readIdentity(join(template.directory, 'template', name)).seed);
        const subject = presenceSubject(name);
        const text = formatPresence({
          ...{
            name,
            role: 'node',
            enrolment: 1,
            time: new Date(START).toISOString(),
            version: '1',
            generation,
          },
          ...{ state: '', policy: { number: 0, hash: '0'.repeat(64) }, lists: {}, refused: [] },
          ...{ isSuspended: false, isForked: false },
          ...{ records: { queries: 0, changes: 0 }, confirmed: { queries: 0, changes: 0 } },
        });
        bus.publish(subject, Buffer.from(text), {
          stamp: changed(stampMessage(subject, text, sequence, key)),
        });
      },
      generationOf: (name) => fleet.status().resolvers.find((one) => one.name === name)?.generation,
    });
  });

test('a decision is made and published while hundreds of messages that came before it wait', () =>
  withDeciding(async ({ fleet, bus, alarms }) => {
    let lookedAt: number | undefined;
    bus.onPublished = (subject) => {
      if (subject.startsWith('cordon.policy.')) lookedAt ??= alarms('forged-presence');
    };
    for (let index = 0; index < 400; index++) bus.publish(presenceSubject(`x${index}`), Buffer.from('{}'));
    await fleet.overlay({ for: 'all', yaml: '', by: 'somebody else' });
    expect(alarms('forged-presence')).toBeLessThan(LOOKED_AT_MAX);
    await until(() => lookedAt !== undefined);
    expect(lookedAt).toBeLessThan(LOOKED_AT_MAX);
    // Each of them is looked at all the same.
    await until(() => alarms('forged-presence') === 400);
    expect([alarms('forged-presence'), alarms('says-too-much')]).toEqual([400, 0]);
  }));

test('who says more than can be heard loses the oldest of its own, which is told, and nobody else loses anything', () =>
  withDeciding(async ({ say, alarms, notes, generationOf }) => {
    for (let index = 1; index <= 500; index++) say('ns1', index, START + index);
    say('ns2', 7, START);
    for (let turns = 0; turns < 3; turns++) await turn();
    expect(generationOf('ns2')).toBe(7);
    await until(() => generationOf('ns1') === 500);
    expect(generationOf('ns1')).toBe(500);
    const dropped = alarms('says-too-much');
    expect(dropped).toBeGreaterThan(400);
    expect(dropped).toBeLessThan(500);
    expect(
      notes.filter(({ reason = '' }) => reason.startsWith('says-too-much')).map(({ subject }) => subject),
    ).toContain('ns1');
    expect([alarms('replayed'), alarms('forged-presence')]).toEqual([0, 0]);
  }));

test('what is forged or told again among others of the same resolver is found, also where some was left out', () =>
  withDeciding(async ({ say, alarms, notes, generationOf }) => {
    for (let index = 1; index <= 12; index++) say('ns1', index, START + index);
    say('ns1', 13, START + 13, ({ sequence, signature }) => ({ sequence: sequence + 100, signature }));
    say('ns1', 5, START + 5);
    say('ns1', 14, START + 14);
    await until(() => generationOf('ns1') === 14);
    expect([alarms('forged-presence'), alarms('replayed'), alarms('says-too-much')]).toEqual([1, 1, 0]);
    for (let index = 15; index <= 100; index++) say('ns1', index, START + index);
    say('ns1', 101, START + 101, ({ sequence, signature }) => ({ sequence: sequence + 100, signature }));
    say('ns1', 102, START + 102);
    await until(() => generationOf('ns1') === 102);
    expect([alarms('forged-presence'), alarms('says-too-much') > 0]).toEqual([2, true]);
    const told = notes.flatMap(({ reason = '' }) => /^[a-z-]+(?=: what it says)/.exec(reason) ?? []);
    expect(new Set(told)).toEqual(new Set(['forged-presence', 'replayed', 'says-too-much']));
  }));

test('what the engine kept and what has just come are one message, and no replay', () =>
  withDeciding(async ({ say, alarms, bus, reconnect, generationOf }) => {
    for (let index = 0; index < 40; index++) bus.publish(presenceSubject(`x${index}`), Buffer.from('{}'));
    say('ns1', 3, START);
    reconnect();
    await until(() => generationOf('ns1') === 3 && alarms('forged-presence') === 40);
    for (let turns = 0; turns < 40; turns++) await turn();
    expect([generationOf('ns1'), alarms('replayed'), alarms('fault')]).toEqual([3, 0, 0]);
  }));

test('an authority that ends looks at nothing that waits', () =>
  withDeciding(async ({ fleet, bus, alarms }) => {
    for (let index = 0; index < 40; index++) bus.publish(presenceSubject(`x${index}`), Buffer.from('{}'));
    await fleet.stop();
    const before = alarms('forged-presence');
    for (let turns = 0; turns < 40; turns++) await turn();
    expect(alarms('forged-presence')).toBe(before);
  }));

const KIB = 1_024;

test('what waits is bounded for whoever publishes under any name, and what is too long waits not at all', async () => {
  const dropped: string[] = [];
  const queue = new FairQueue({ lengthMax: 16 * KIB, onDropped: (subject) => void dropped.push(subject) });
  let taken = 0;
  const take = (): void => void taken++;
  const done: unknown[] = [];
  for (let index = 0; index < 2_000; index++) done.push(queue.add(`s${index}`, 16 * KIB, take));
  expect(taken).toBe(4);
  // 8 MiB, of which each message has 16.5 KiB.
  expect(2_000 - dropped.length - taken).toBe(Math.floor((8 * KIB) / 16.5));
  void queue.add('s1', 16 * KIB + 1, take);
  expect(taken).toBe(5);
  await Promise.all(done);
  expect(taken + dropped.length).toBe(2_001);
  // There is room again.
  await queue.add('s1', 16 * KIB, take);
  expect(taken + dropped.length).toBe(2_002);
});

test('what a handler throws or rejects with is its own, and in each turn there are as many', async () => {
  const queue = new FairQueue({ lengthMax: KIB, onDropped: () => undefined });
  const taken: string[] = [];
  const say = (subject: string, act: () => Promise<void> | void = () => undefined): unknown =>
    queue.add(subject, 100, () => {
      taken.push(subject);
      return act();
    });
  for (const subject of ['a', 'a', 'a', 'a']) void say(subject);
  const failing = [
    say('a', () => {
      throw new RangeError('thrown');
    }),
    say('a', () => Promise.reject(new RangeError('rejected'))),
  ];
  const last = [say('a'), say('a'), say('b'), say('c')];
  expect(taken).toHaveLength(4);
  await expect(failing[0]).rejects.toThrow('thrown');
  expect(taken.slice(4)).toEqual(['a', 'b', 'c', 'a']);
  await expect(failing[1]).rejects.toThrow('rejected');
  await Promise.all(last);
  expect(taken.slice(8)).toEqual(['a', 'a']);
});
