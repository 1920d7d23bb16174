// The keeper over a real register: who is told what and when, and what a register costs that cannot be used.
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { ExemptionService, type ExemptionSettings } from '../../../src/evidence/exemptions/service.ts';
import { createDirectory, DAY_MS, day, HEAD, NOW, REQUEST, REQUESTER, US_RULES } from './setup.ts';

const SETTINGS: ExemptionSettings = { rules: US_RULES, textsPath: undefined, decisions: new Map() };

const open = (directory = createDirectory()) => {
  const clock = { nowMs: NOW };
  const logged: [level: string, fields: object, text: string][] = [];
  const told: number[][] = [];
  const events: string[] = [];
  const logAt = (level: string) => (fields: object, text: string) => void logged.push([level, fields, text]);
  const path = join(directory, 'register.sqlite');
  const keeper: ExemptionService = ExemptionService.open({
    path,
    clock: () => clock.nowMs,
    log: { info: logAt('info'), warn: logAt('warn'), error: logAt('error') },
    onEvent: ({ event }) => events.push(event),
    onChange: async () => {
      await Promise.resolve();
      told.push(keeper.toShared().map(({ number }) => number));
    },
  });
  onTestFinished(() => keeper.close());
  return { keeper, clock, logged, told, events, path, directory };
};

test('whoever decides hears of it when workers have it; a request is no matter of theirs', async () => {
  const { keeper, told } = open();
  await keeper.follow(SETTINGS);
  await keeper.change((register) => register.request(REQUEST, REQUESTER));
  expect(told).toEqual([[]]);
  await keeper.change((register) => register.approve('1', HEAD));
  expect(told).toEqual([[], [1]]);
  await keeper.change((register) => register.revoke('1', { by: 'A. Head', reason: 'over' }));
  expect(told).toEqual([[], [1], []]);
});

test('what fails is thrown, and what happened before is told all the same', async () => {
  const { keeper, told } = open();
  await keeper.follow(SETTINGS);
  await keeper.change((register) => register.request(REQUEST, REQUESTER));
  const change = keeper.change((register) => {
    register.approve('1', HEAD);
    register.approve('1', HEAD);
  });
  await expect(change).rejects.toMatchObject({ code: 'ERR_EXEMPTION_STATE' });
  expect(told.at(-1)).toEqual([1]);
});

test('after a restart workers get what stands with the first configuration', async () => {
  const first = open();
  await first.keeper.follow(SETTINGS);
  await first.keeper.change((register) => register.request(REQUEST, REQUESTER));
  await first.keeper.change((register) => register.approve('1', HEAD));
  first.keeper.close();
  const second = open(first.directory);
  await second.keeper.follow(SETTINGS);
  expect(second.told).toEqual([[1]]);
});

test('time is written down by the timer, warned of in the log, and workers may forget what ended', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { keeper, clock, logged, told, events } = open();
  const pass = async (ms: number): Promise<void> => {
    clock.nowMs += ms;
    await vi.advanceTimersByTimeAsync(ms);
  };
  await keeper.follow(SETTINGS);
  keeper.start();
  await keeper.change((register) => register.request({ ...REQUEST, from: day(1), until: day(3) }, REQUESTER));
  await keeper.change((register) => register.approve('1', HEAD));
  events.length = 0;
  clock.nowMs = NOW + DAY_MS - 5_000;
  await vi.advanceTimersByTimeAsync(10_000);
  await pass(5_000);
  expect(events).toEqual(['active']);
  clock.nowMs = NOW + 2 * DAY_MS;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(events).toEqual(['active', 'warned']);
  expect(logged.at(-1)).toMatchObject([
    'warn',
    { exemption: 'ex-000001', until: day(3) },
    'an exemption ends soon',
  ]);
  clock.nowMs = NOW + 3 * DAY_MS;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(events).toEqual(['active', 'warned', 'expired']);
  expect(told.at(-1)).toEqual([]);
});

test('a register that is damaged costs the exemptions and says so; decisions are still watched', async () => {
  const first = open();
  await first.keeper.follow(SETTINGS);
  await first.keeper.change((register) => register.request(REQUEST, REQUESTER));
  await first.keeper.change((register) => register.approve('1', HEAD));
  first.keeper.close();
  truncateSync(first.path, 100);
  const { keeper, logged, told, events } = open(first.directory);
  const decision = {
    authority: 'Congress',
    reference: 'Act',
    inForceFrom: '2022-12-29',
    review: '2026-01-01',
  };
  await keeper.follow({ ...SETTINGS, decisions: new Map([['tiktok', decision]]) });
  keeper.start();
  expect(events).toEqual(['set', 'review-passed']);
  expect(keeper.toShared()).toEqual([]);
  expect(keeper.facts()).toBeUndefined();
  expect(told).toEqual([]);
  expect(logged[0]).toMatchObject(['error', { err: { code: 'ERR_EXEMPTION_DAMAGED' } }, {}]);
  await expect(keeper.change((register) => register.request(REQUEST, REQUESTER))).rejects.toMatchObject({
    code: 'ERR_EXEMPTION_DAMAGED',
  });
  expect(keeper.decisions()).toMatchObject([{ list: 'tiktok', alarms: ['review-passed'] }]);
  expect(keeper.decisionDates()).toEqual([
    { list: 'tiktok', reviewMs: Date.parse('2026-01-01'), endsMs: undefined },
  ]);
});

test('texts are followed, and what is wrong with them is logged with its place', async () => {
  const { keeper, logged, directory, told } = open();
  const textsPath = join(directory, 'texts.yaml');
  const text = { ...REQUEST, from: day(0), 'approved-by': 'A. Head', role: 'agency-head' };
  writeFileSync(textsPath, stringify(text));
  expect(await keeper.follow({ ...SETTINGS, textsPath })).toEqual([]);
  expect(told).toEqual([[1]]);
  writeFileSync(textsPath, stringify({ ...text, grounds: 'fun' }));
  expect(await keeper.follow({ ...SETTINGS, textsPath })).toHaveLength(1);
  expect(logged.at(-1)).toMatchObject([
    'error',
    {
      code: 'ERR_EXEMPTION_GROUNDS',
      problem: expect.stringContaining('texts.yaml:2:1: grounds: ') as string,
    },
    'a text file is not taken',
  ]);
  expect(told).toEqual([[1], [1]]);
});
