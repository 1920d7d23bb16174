// The keeper of lists over time: a clock that the test moves, a source that the test breaks, a real state directory.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Config, UrlSource } from '../../../../src/config/config.ts';
import { KeptLists } from '../../../../src/policy/keeping/kept-lists.ts';
import { ListUpdater, type ListUpdaterOptions } from '../../../../src/policy/keeping/list-updater.ts';
import { readKeptPaths, readListStatuses, withoutMissing } from '../../../../src/policy/keeping/status.ts';
import { createLog } from '../../../../src/telemetry/observe/observe.ts';
import { content, ListServer, status, versioned } from '../../../support/list-server.ts';
import { configOf, createDirectory } from '../../app/setup.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let server: ListServer;
let directory: string;
let nowMs: number;
let logged: Record<string, unknown>[];
let changes: number;
let keeper: ListUpdater | undefined;

beforeEach(async () => {
  server = await ListServer.open();
  directory = createDirectory();
  nowMs = Date.UTC(2026, 10, 24);
  logged = [];
  changes = 0;
});

afterEach(async () => {
  await keeper?.stop();
  keeper = undefined;
  await server.close();
});

const configWith = (...ids: readonly string[]): Config =>
  configOf(
    ['state: state', 'lists:', ...ids.map((id) => `  - { id: ${id}, url: "${server.url(`/${id}`)}" }`)].join(
      '\n',
    ),
    {},
    directory,
  );

const open = async (config: Config, changed: Partial<ListUpdaterOptions> = {}): Promise<ListUpdater> => {
  keeper = await ListUpdater.open({
    directory: config.stateDirectory,
    clock: () => nowMs,
    log: createLog({ level: 'info', to: { write: (line) => void logged.push(JSON.parse(line) as never) } }),
    resolve: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
    userAgent: 'cordon/test',
    random: () => 0.5,
    onChange: () => {
      changes++;
    },
    ...changed,
  });
  await keeper.follow(config.lists);
  return keeper;
};

const pathOf = (of: ListUpdater, config: Config): string | undefined => {
  const [list] = config.lists;
  return list && of.pathOf(list);
};

const names = (count: number): string =>
  Array.from({ length: count }, (_value, index) => `name-${index}.example\n`).join('');

/** Moves the clock in steps of a minute and fetches what is due; the hours at which the source was asked. */
const live = async (of: ListUpdater, forMs: number): Promise<number[]> => {
  const hours: number[] = [];
  const startMs = nowMs;
  for (const endMs = nowMs + forMs; nowMs < endMs; nowMs += 60_000) {
    const before = server.requests.length;
    await of.fetchDue();
    if (server.requests.length > before) hours.push((nowMs - startMs) / HOUR_MS);
  }
  return hours;
};

test('a list is fetched at once, then every refresh interval, and told when it changed', async () => {
  server.set('/feed', versioned(names(20), '"1"', 'Tue, 24 Nov 2026 00:00:00 GMT'));
  const config = configWith('feed');
  const running = await open(config);
  expect(pathOf(running, config)).toBeUndefined();
  const hours = await live(running, DAY_MS);
  expect(hours[0]).toBe(0);
  expect(hours.length).toBeGreaterThanOrEqual(6);
  expect(hours.length).toBeLessThanOrEqual(7);
  expect(changes).toBe(1);
  expect(running.facts()[0]?.fetches).toMatchObject({ accepted: 1, unchanged: hours.length - 1 });
  expect(logged.map(({ msg }) => msg)).toEqual(['list renewed']);
});

test('a source that is gone for a week leaves the list in force, is asked ever less, and is stale after a day', async () => {
  server.set('/feed', content(names(20)));
  const config = configWith('feed');
  let running = await open(config);
  await running.fetchDue();
  const path = pathOf(running, config);
  server.set('/feed', status(500));
  nowMs += 4.5 * HOUR_MS;
  const hours = await live(running, 7 * DAY_MS);
  const pauses = hours.slice(1).map((hour, index) => hour - (hours[index] ?? 0));
  // From a minute it doubles until it is the refresh interval.
  expect(pauses[0]).toBeLessThanOrEqual(2 / 60);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(4.5);
  expect(hours.length).toBeGreaterThan(40);
  expect(hours.length).toBeLessThan(60);
  expect(pathOf(running, config)).toBe(path);
  expect(changes).toBe(1);
  const [facts] = running.facts();
  expect(facts).toMatchObject({ isStale: true, isHeld: false, lastSuccessMs: Date.UTC(2026, 10, 24) });
  expect(facts?.fetches.failed).toBe(hours.length);
  expect(logged.at(-1)).toMatchObject({ level: 'warn', list: 'feed', failures: hours.length });

  // A restart on the seventh day has it as well.
  await running.stop();
  running = await open(config);
  expect(pathOf(running, config)).toBe(path);
  expect(running.facts()[0]?.isStale).toBe(true);
  server.set('/feed', content(names(21)));
  await live(running, 5 * HOUR_MS);
  expect(running.facts()[0]).toMatchObject({ isStale: false });
  expect(changes).toBe(2);
});

test('a list is fetched again after a clock that was ahead', async () => {
  server.set('/feed', content(names(20)));
  const running = await open(configWith('feed'));
  nowMs += 365 * DAY_MS;
  await running.fetchDue();
  nowMs -= 365 * DAY_MS;
  const hours = await live(running, DAY_MS);
  expect(hours[0]).toBe(0);
  expect(hours.length).toBeLessThanOrEqual(7);
});

test('a list is stale only after three refresh intervals', async () => {
  server.set('/feed', content(names(20)));
  const running = await open(configWith('feed'));
  await running.fetchDue();
  nowMs += 11 * HOUR_MS;
  expect(running.facts()[0]?.isStale).toBe(false);
  nowMs += 2 * HOUR_MS;
  expect(running.facts()[0]?.isStale).toBe(true);
});

test('lists that change together are told once', async () => {
  const ids = ['one', 'two', 'three', 'four', 'five', 'six'];
  for (const id of ids) server.set(`/${id}`, content(names(20)));
  const running = await open(configWith(...ids));
  await running.fetchDue();
  expect(changes).toBe(1);
  expect(running.facts().map(({ fetches }) => fetches.accepted)).toEqual([1, 1, 1, 1, 1, 1]);
});

test('a content that was damaged on the disk is fetched anew, and the one before serves until then', async () => {
  const config = configWith('feed');
  server.set('/feed', versioned(names(20), '"1"', 'Tue, 24 Nov 2026 00:00:00 GMT'));
  let running = await open(config);
  await running.fetchDue();
  const first = pathOf(running, config);
  server.set('/feed', versioned(names(21), '"2"', 'Tue, 24 Nov 2026 01:00:00 GMT'));
  await running.refresh('feed');
  const second = pathOf(running, config) ?? '';
  await running.stop();
  truncateSync(second, 10);
  running = await open(config);
  expect(pathOf(running, config)).toBe(first);
  changes = 0;
  await running.fetchDue();
  expect(pathOf(running, config)).toBe(second);
  expect(readFileSync(second, 'utf8')).toBe(names(21));
  expect(changes).toBe(1);
  expect(readdirSync(join(directory, 'state/lists/.incoming'))).toEqual([]);
});

test('an address that was changed is fetched at once', async () => {
  server.set('/feed', content(names(20)));
  const config = configWith('feed');
  const running = await open(config);
  await running.fetchDue();
  await running.follow(config.lists.map((list) => ({ ...list })));
  await running.fetchDue();
  expect(server.requests).toHaveLength(1);
  const moved = config.lists.map((list) =>
    list.source.kind === 'url' ? { ...list, source: { ...list.source, url: server.url('/moved') } } : list,
  );
  server.set('/moved', content(names(21)));
  await running.follow(moved);
  await running.fetchDue();
  expect(server.requests.at(-1)?.path).toBe('/moved');
});

test.each([
  ['says nothing', 'hangs'],
  ['sends its list after all', 'answers'],
  ['fails', 'fails'],
])(
  'an address or key that was changed while the one before %s is asked at once, and that one is not taken',
  async (_, way) => {
    const [old, asked] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    server.set('/feed', (request, response) => {
      asked.resolve(undefined);
      void old.promise.then(() => (way === 'fails' ? status(500) : content(names(20)))(request, response));
    });
    const config = configWith('feed');
    const running = await open(config);
    const fetching = running.fetchDue();
    await asked.promise;
    const [{ privateKey, publicKey }, other] = [
      generateKeyPairSync('ed25519'),
      generateKeyPairSync('ed25519'),
    ];
    const textOf = (key: KeyObject): string =>
      key.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');
    server.set('/moved', content(names(21)));
    server.set('/moved.sig', content(sign(null, Buffer.from(names(21)), privateKey)));
    const changed = (source: Partial<UrlSource>) =>
      config.lists.map((list) =>
        list.source.kind === 'url' ? { ...list, source: { ...list.source, ...source } } : list,
      );
    const following = running.follow(changed({ url: server.url('/moved'), publicKey: textOf(publicKey) }));
    if (way !== 'hangs') old.resolve(undefined);
    await following;
    await fetching;
    expect(server.requests.map(({ path }) => path)).toEqual(['/feed', '/moved', '/moved.sig']);
    expect(readFileSync(pathOf(running, config) ?? '', 'utf8')).toBe(names(21));
    const [kept] = await readListStatuses(config, () => nowMs);
    expect(kept?.kept).toMatchObject({ current: { entries: 21 }, previous: [], failures: 0 });
    // The key alone: what was signed with the one before is not taken.
    await running.follow(changed({ url: server.url('/moved'), publicKey: textOf(other.publicKey) }));
    await running.fetchDue();
    expect(running.facts()[0]?.fetches).toMatchObject({ accepted: 1, unproven: 1 });
  },
);

test('a list that was removed and comes from elsewhere since gets nothing of the fetch that was under way', async () => {
  const [old, asked] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  server.set('/feed', (request, response) => {
    asked.resolve(undefined);
    void old.promise.then(() => content(names(20))(request, response));
  });
  const config = configWith('feed');
  const running = await open(config);
  const fetching = running.refresh('feed');
  await asked.promise;
  await running.follow([]);
  server.set('/moved', content(names(21)));
  const source = { url: server.url('/moved') };
  await running.follow(
    config.lists.map((list) =>
      list.source.kind === 'url' ? { ...list, source: { ...list.source, ...source } } : list,
    ),
  );
  await running.fetchDue();
  old.resolve(undefined);
  expect(await fetching).toMatchObject({ outcome: 'failed', reasons: [expect.stringContaining('any more')] });
  expect(readFileSync(pathOf(running, config) ?? '', 'utf8')).toBe(names(21));
  const [kept] = await readListStatuses(config, () => nowMs);
  expect(kept?.kept).toMatchObject({ current: { entries: 21 }, previous: [], failures: 0 });
  expect(running.facts()[0]?.fetches).toMatchObject({ accepted: 1, failed: 0 });
});

test('a source that asks for time gets it', async () => {
  server.set('/feed', status(503, { 'retry-after': '3600' }));
  const running = await open(configWith('feed'));
  const hours = await live(running, 1.5 * HOUR_MS);
  expect(hours).toHaveLength(2);
  expect(hours[1]).toBeGreaterThanOrEqual(1);
});

test('a host that cannot be looked up is a failure with a reason', async () => {
  const running = await open(configWith('feed'), { resolve: () => Promise.reject(new Error('no server')) });
  expect(await running.refresh('feed')).toMatchObject({
    outcome: 'failed',
    reasons: [expect.stringContaining('looking up lists.test: no server') as string],
  });
});

test('stop() ends a fetch that hangs, and neither counts nor records it', async () => {
  const asked = Promise.withResolvers<undefined>();
  server.set('/feed', () => asked.resolve(undefined));
  const config = configWith('feed');
  const running = await open(config);
  const fetching = running.fetchDue();
  await asked.promise;
  await running.stop();
  await fetching;
  expect(logged).toEqual([]);
  expect((await readListStatuses(config, () => nowMs))[0]?.kept).toMatchObject({ failures: 0 });
});

test('what is kept can be read without a keeper, and reading creates nothing', async () => {
  const config = configWith('feed');
  expect(await readListStatuses(config, () => nowMs)).toMatchObject([
    { id: 'feed', kept: { current: null, checkedAt: null, isStale: true }, held: null },
  ]);
  expect(readdirSync(directory)).toEqual(['cordon.yaml']);
  server.set('/feed', content(names(20)));
  const running = await open(config);
  await running.fetchDue();
  const [list] = config.lists;
  const paths = await readKeptPaths(config, () => nowMs);
  expect(list && paths(list)).toBe(pathOf(running, config));
});

describe('withoutMissing()', () => {
  const config = (): Config =>
    configOf(
      `lists:
  - { id: own, file: own.txt }
  - { id: feed, url: "https://lists.example.com/a" }
  - { id: order, url: "https://lists.example.com/b", mandate: true }
  - { id: header, url: "https://lists.example.com/c", format: cordon }
  - { id: none, url: "https://lists.example.com/d", format: cordon, mandate: false }
groups:
  - { name: default, lists: [feed, own, order], schedules: [{ list: feed, hours: "08:00-18:00" }] }
  - { name: lab, clients: [192.0.2.0/24], lists: [feed] }`,
      { 'own.txt': 'own.example\n' },
    );

  test('leaves out what was never fetched and is no mandate, in groups and schedules too', () => {
    const { lists, groups } = withoutMissing(config(), () => undefined);
    expect(lists.map(({ id }) => id)).toEqual(['own', 'order', 'header']);
    expect(groups.map((group) => [group.name, group.lists, group.schedules])).toEqual([
      ['default', ['own', 'order'], []],
      ['lab', [], []],
    ]);
  });

  test('leaves everything where it is when everything is there, or when nothing would be left', () => {
    const whole = config();
    expect(withoutMissing(whole, () => 'a path')).toBe(whole);
    const only = { ...whole, lists: whole.lists.filter(({ id }) => id === 'feed') };
    expect(withoutMissing(only, () => undefined)).toBe(only);
  });
});

test('a state directory that cannot be used is ERR_LIST_STORE', async () => {
  const config = configWith('feed');
  writeFileSync(join(directory, 'state'), '');
  await expect(open(config)).rejects.toMatchObject({ code: 'ERR_LIST_STORE' });
});

test('while a configuration waits, a list of both is fetched as the one in force says, unless nothing is there', async () => {
  const configOfBoth = (there: string, absent: string): Config =>
    configOf(
      [
        'state: state',
        'lists:',
        ...[there, absent].map((at, index) => `  - { id: l${index}, url: "${server.url(at)}" }`),
      ].join('\n'),
      {},
      directory,
    );
  const lists = new KeptLists({
    log: createLog({ level: 'error', to: { write: () => undefined } }),
    lookup: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
    ...{ onChange: () => undefined, onOutcome: () => undefined },
  });
  const asked = async (id: string): Promise<string | undefined> => {
    await lists.keeper?.refresh(id);
    return server.requests.findLast(({ path }) => path.startsWith(`/${id}/`))?.path;
  };
  server.set('/l0/there', content(names(20)));
  const [inForce, next] = [configOfBoth('/l0/there', '/l1/absent'), configOfBoth('/l0/moved', '/l1/mended')];
  try {
    await lists.open(inForce);
    expect([await asked('l0'), await asked('l1')]).toEqual(['/l0/there', '/l1/absent']);
    await lists.prepare(next);
    expect([await asked('l0'), await asked('l1')]).toEqual(['/l0/there', '/l1/mended']);
    await lists.restore(inForce);
    expect([await asked('l0'), await asked('l1')]).toEqual(['/l0/there', '/l1/absent']);
    await lists.follow(next);
    expect([await asked('l0'), await asked('l1')]).toEqual(['/l0/moved', '/l1/mended']);
  } finally {
    await lists.close();
  }
});
