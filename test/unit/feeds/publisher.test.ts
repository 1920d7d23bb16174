// A feed that our publisher writes, read by our reader and by python3-tuf's.
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import type { FeedRole, Published } from '../../../src/policy/feeds/feeds.ts';
import { publishFeed } from '../../../src/policy/feeds/publisher.ts';
import { FeedReader } from '../../../src/policy/feeds/reader.ts';
import { FeedPublisher, FeedServer, requireTuf } from '../../support/feeds.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 10, 30);

let place: string;
let server: FeedServer;
let nowMs: number;
let reader: FeedReader | undefined;

beforeEach(async () => {
  place = mkdtempSync(join(tmpdir(), 'cordon-publish-'));
  mkdirSync(join(place, 'lists'));
  server = await FeedServer.open(join(place, 'repository'));
  reader = undefined;
  setNow(START_MS);
});

afterEach(async () => {
  vi.useRealTimers();
  await server.close();
  rmSync(place, { recursive: true, force: true });
});

const setNow = (timeMs: number): void => {
  nowMs = timeMs;
  vi.useFakeTimers({ toFake: ['Date'], now: timeMs });
};

const publish = (rotate: readonly FeedRole[] = [], keys: readonly string[] = ['keys']): Published =>
  publishFeed({
    repository: server.directory,
    from: join(place, 'lists'),
    keys: keys.map((name) => join(place, name)),
    rotate,
    days: undefined,
    nowMs,
  });

const write = (text: string, name = 'a.txt'): void => writeFileSync(join(place, 'lists', name), text);

/** What our reader finds, by the first digits of its hash, or the code of the error. */
const look = async ({ rootSha256, rootVersion }: Published): Promise<string> => {
  reader ??= await FeedReader.open({
    feed: { id: 'f', url: server.url, rootSha256, rootVersion },
    directory: join(place, 'state'),
    clock: () => nowMs,
    resolve: () => Promise.reject(new Error('no name is looked up')),
    userAgent: 'test',
    signal: AbortSignal.timeout(60_000),
  });
  try {
    const targets = await reader.refresh();
    return (await targets.find('a.txt'))?.sha256.slice(0, 8) ?? 'nothing';
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown);
  }
};

test('both implementations read what is published, and what is published after all keys were renewed', async (context) => {
  requireTuf(context);
  const python = new FeedPublisher();
  onTestFinished(() => python.close());
  // The second implementation goes by the clock of the machine.
  setNow(vi.getRealSystemTime());
  write('one.example\n');
  const first = publish();
  expect(first).toMatchObject({ rootVersion: 1, changed: ['a.txt'], files: 1 });
  const read = (): Promise<string> =>
    python.read({
      url: server.url,
      root: join(server.directory, '1.root.json'),
      target: 'a.txt',
      directory: join(place, 'python'),
    });
  expect(await look(first)).toMatch(/^[0-9a-f]{8}$/);
  expect(await read()).toBe('one.example\n');
  write('two.example\n');
  const second = publish(['root', 'targets', 'snapshot', 'timestamp']);
  expect(second).toMatchObject({ rootVersion: 2, versions: { targets: 2, snapshot: 2, timestamp: 2 } });
  expect(await look(first)).toMatch(/^[0-9a-f]{8}$/);
  expect(await read()).toBe('two.example\n');
  expect(reader?.record.root).toBe(2);
});

test('keys are readable by their owner alone, and only root asks for several', () => {
  write('one.example\n');
  publish();
  const names = readdirSync(join(place, 'keys'));
  expect(names).toEqual([
    ...['root-1-1.pem', 'root-1-2.pem', 'root-1-3.pem'],
    ...['snapshot-1.pem', 'targets-1.pem', 'timestamp-1.pem'],
  ]);
  for (const name of names) expect(statSync(join(place, 'keys', name)).mode & 0o777).toBe(0o600);
});

test('a machine with the keys of timestamp and snapshot keeps a feed fresh, and can publish nothing else', async () => {
  write('one.example\n');
  const first = publish();
  mkdirSync(join(place, 'daily'));
  for (const role of ['snapshot', 'timestamp'])
    copyFileSync(join(place, 'keys', `${role}-1.pem`), join(place, 'daily', `${role}.pem`));
  for (let day = 0; day < 170; day += 10) {
    setNow(nowMs + 10 * DAY_MS);
    publish([], ['daily']);
    expect(await look(first)).toMatch(/^[0-9a-f]{8}$/);
  }
  write('two.example\n');
  expect(() => publish([], ['daily'])).toThrow('1 of the 1 keys of targets have to sign, 0 are here');
  expect(await look(first)).toMatch(/^[0-9a-f]{8}$/);
});

test('a new root asks for two of the three keys of the one before, from whatever directories', async () => {
  write('one.example\n');
  const first = publish();
  mkdirSync(join(place, 'a'));
  mkdirSync(join(place, 'b'));
  copyFileSync(join(place, 'keys', 'root-1-1.pem'), join(place, 'a', 'x.pem'));
  copyFileSync(join(place, 'keys', 'root-1-3.pem'), join(place, 'b', 'y.pem'));
  const others = ['snapshot-1.pem', 'targets-1.pem', 'timestamp-1.pem'];
  mkdirSync(join(place, 'new'));
  for (const name of others) copyFileSync(join(place, 'keys', name), join(place, 'new', name));
  expect(() => publish(['timestamp'], ['new', 'a'])).toThrow(
    '2 of the 3 keys of root have to sign, 1 are here',
  );
  expect(readdirSync(server.directory).filter((name) => name.includes('root'))).toEqual(['1.root.json']);
  expect(publish(['timestamp'], ['new', 'a', 'b'])).toMatchObject({ rootVersion: 2 });
  expect(await look(first)).toMatch(/^[0-9a-f]{8}$/);
});

test('what cannot be signed leaves neither keys nor metadata behind', () => {
  write('one.example\n');
  publish();
  rmSync(join(place, 'keys', 'targets-1.pem'));
  write('two.example\n');
  const before = [readdirSync(server.directory), readdirSync(join(place, 'keys'))];
  expect(() => publish(['timestamp'])).toThrow('1 of the 1 keys of targets have to sign, 0 are here');
  expect([readdirSync(server.directory), readdirSync(join(place, 'keys'))]).toEqual(before);
  expect(publish(['timestamp', 'targets'])).toMatchObject({ rootVersion: 2, changed: ['a.txt'] });
});

test('years go by: what would end is renewed while the keys are there', async () => {
  write('one.example\n');
  const first = publish();
  for (let month = 0; month < 36; month++) {
    setNow(nowMs + 12 * DAY_MS);
    publish();
    expect(await look(first)).toMatch(/^[0-9a-f]{8}$/);
  }
  expect(reader?.record.root).toBe(2);
});

test.each([
  ['keys below the folder of the web server', () => publish([], ['repository/keys']), 'would be published'],
  ['keys among the lists', () => publish([], ['lists']), 'would be published'],
  [
    'a key among the lists',
    () => {
      write('hello', 'root.pem');
      publish();
    },
    'looks like a key',
  ],
  [
    'no key for what is to be signed',
    () => {
      publish();
      write('two.example\n');
      publish([], ['none']);
    },
    'keys of targets have to sign',
  ],
  [
    'a key that is none',
    () => {
      mkdirSync(join(place, 'keys'));
      writeFileSync(join(place, 'keys', 'a.pem'), 'hello');
      publish();
    },
    'no private key',
  ],
  [
    'a list that nobody could load',
    () => {
      write('id: x\nentries: [', 'a.yaml');
      publish();
    },
    'a.yaml',
  ],
  [
    'nothing to publish',
    () => {
      rmSync(join(place, 'lists', 'a.txt'));
      publish();
    },
    'has 0 files',
  ],
])('publishing refuses %s', (_name, act, text) => {
  write('one.example\n');
  expect(act).toThrow(text);
});
