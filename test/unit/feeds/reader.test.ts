// A feed as python3-tuf publishes it, read by our reader: what is taken, and each attack of the specification of TUF 1.0.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { feedDirectory, toFeedState } from '../../../src/policy/feeds/feeds.ts';
import { FeedReader } from '../../../src/policy/feeds/reader.ts';
import { FeedPublisher, FeedServer, requireTuf } from '../../support/feeds.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 10, 30);

let place: string;
/** Its process loads for half a second: one for all. */
let publisher: FeedPublisher;
let server: FeedServer;
let nowMs: number;
let reader: FeedReader;
let pinned: string | undefined;

afterAll(() => publisher?.close());

beforeEach(async (context) => {
  requireTuf(context);
  publisher ??= new FeedPublisher();
  pinned = undefined;
  place = mkdtempSync(join(tmpdir(), 'cordon-feed-'));
  server = await FeedServer.open(join(place, 'repository'));
  setNow(START_MS);
});

afterEach(async () => {
  vi.useRealTimers();
  await server?.close();
  rmSync(place, { recursive: true, force: true });
});

/** The library reads the clock of the process. */
const setNow = (timeMs: number): void => {
  nowMs = timeMs;
  vi.useFakeTimers({ toFake: ['Date'], now: timeMs });
};

const seconds = (): number => Math.floor(nowMs / 1000);

const publish = (text: string, more: object = {}): Promise<unknown> =>
  publisher.publish({ now: seconds(), targets: { 'a.txt': text }, ...more });

const begin = async (
  keys: Readonly<Record<string, readonly [number, number]>> = {},
  days: Readonly<Record<string, number>> = {},
): Promise<void> => {
  await publisher.init(server.directory, seconds(), keys, days);
  await publish('one.example\n');
  await open();
};

const open = async (limits = {}): Promise<FeedReader> => {
  const feed = { id: 'f', url: server.url, rootSha256: firstRoot(), rootVersion: 1 };
  reader = await FeedReader.open({
    feed,
    directory: join(place, 'state'),
    clock: () => nowMs,
    resolve: () => Promise.reject(new Error('no name is looked up')),
    userAgent: 'test',
    limits,
    signal: AbortSignal.timeout(60_000),
  });
  return reader;
};

const firstRoot = (): string => (pinned ??= publisher.root);
/** The hash of what the feed has, or the code of the error. */
const look = async (path = 'a.txt'): Promise<string> => {
  try {
    const targets = await reader.refresh();
    return (await targets.find(path))?.sha256.slice(0, 8) ?? 'nothing';
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown);
  }
};

const state = (): string => toFeedState(reader.settings, reader.record, [], nowMs).state;

test('what is published is found, by its hash, and what is not is nothing', async () => {
  await begin();
  const first = await look();
  expect(first).toMatch(/^[0-9a-f]{8}$/);
  expect(await look('b.txt')).toBe('nothing');
  expect(state()).toBe('current');
  await publish('two.example\n');
  expect(await look()).not.toBe(first);
  expect(reader.record).toMatchObject({ root: 1, timestamp: 2, code: null });
});

test('an unchanged feed costs one small answer, and the program that starts anew knows what it knew', async () => {
  await begin();
  await look();
  server.requests.length = 0;
  expect(await look()).not.toBe('nothing');
  expect(server.requests.map(({ path, status }) => `${path} ${status}`)).toEqual([
    '2.root.json 404',
    'timestamp.json 304',
  ]);
  await open();
  expect(reader.record).toMatchObject({ root: 1, timestamp: 1 });
  expect(state()).toBe('current');
});

test('a server whose tags stay when the file changes hides a change for six looks at most', async () => {
  await begin();
  const first = await look();
  const stale: RequestListener = (request, response) => {
    const bytes = readFileSync(join(server.directory, 'timestamp.json'));
    const isConditional = request.headers['if-none-match'] !== undefined;
    if (isConditional) response.writeHead(304).end();
    else response.writeHead(200, { etag: '"second-and-size"' }).end(bytes);
  };
  server.mischief.set('timestamp.json', stale);
  await publish('two.example\n');
  const seen: boolean[] = [];
  for (let i = 0; i < 12; i++) seen.push((await look()) !== first);
  expect(seen.indexOf(true)).toBeGreaterThan(0);
  expect(seen.indexOf(true)).toBeLessThanOrEqual(6);
  const conditional = server.requests.filter(({ headers }) => headers['if-none-match'] !== undefined);
  expect(conditional).toHaveLength(10);
});

test('arbitrary software: a root that is not the pinned one, and metadata of other keys', async () => {
  await begin();
  pinned = '0'.repeat(64);
  await open();
  expect(await look()).toBe('ERR_FEED_PROOF');
  expect(state()).toBe('unproven');
  // Another publisher, with keys of its own, takes over the server.
  pinned = publisher.root;
  await open();
  await look();
  const known = reader.record.timestamp;
  await publisher.init(server.directory, seconds());
  await publish('evil.example\n', { versions: { timestamp: 50, snapshot: 50, targets: 50 } });
  expect(await look()).toBe('ERR_FEED_PROOF');
  expect(reader.record.timestamp).toBe(known);
});

test.each(['timestamp.json', '1.snapshot.json', '1.targets.json'])(
  'arbitrary software: one changed byte of %s',
  async (name) => {
    await begin();
    server.mischief.set(name, (_request, response) => {
      const bytes = readFileSync(join(server.directory, name));
      bytes[bytes.length - 90] = (bytes[bytes.length - 90] ?? 0) ^ 1;
      response.end(bytes);
    });
    expect(await look()).toBe('ERR_FEED_PROOF');
  },
);

test.each([
  ['nothing', ''],
  ['no JSON', 'hello'],
  ['deep JSON', '['.repeat(15_000)],
  ['null', 'null'],
  ['another type', '{"signatures":[],"signed":{"_type":"root"}}'],
])('arbitrary software: %s where the timestamp belongs', async (_name, text) => {
  await begin();
  await look();
  server.mischief.set('timestamp.json', (_request, response) => void response.end(text));
  expect(await look()).toBe('ERR_FEED_PROOF');
  server.mischief.clear();
  expect(await look()).toMatch(/^[0-9a-f]{8}$/);
});

test.each(['timestamp.json', '1.snapshot.json', '1.targets.json', '2.root.json', '1.root.json'])(
  'endless data as %s ends at its bound',
  async (name) => {
    await begin();
    let sent = 0;
    server.mischief.set(name, (_request, response) => {
      const piece = Buffer.alloc(65_536, ' ');
      const more = (): void => {
        while (!response.destroyed && response.write(piece)) sent += piece.length;
      };
      response.on('drain', more);
      more();
    });
    expect(await look()).toBe('ERR_LIST_FETCH');
    expect(state()).toBe('unreached');
    expect(sent).toBeLessThan(32 * 1024 * 1024);
  },
);

test('endless data: a timestamp that says that the snapshot is huge does not lift the bound', async () => {
  await publisher.init(server.directory, seconds());
  await publish('one.example\n', { 'snapshot-length': 2 ** 40 });
  server.mischief.set('1.snapshot.json', (_request, response) => {
    response.writeHead(200, { 'content-length': 2 ** 30 });
    response.write('{');
  });
  await open();
  expect(await look()).toBe('ERR_LIST_FETCH');
  expect(reader.record.reason).toContain('1073741824 bytes are announced, at most 1048576 are taken');
});

test('rollback: an older state of the feed is not taken, nor one of its files', async () => {
  await begin();
  await look();
  const old = server.keep(join(place, 'old'));
  await publish('two.example\n');
  const second = await look();
  const fresh = server.directory;
  server.directory = old;
  expect(await look()).toBe('ERR_FEED_BACKWARDS');
  expect(state()).toBe('backwards');
  expect(reader.record).toMatchObject({ timestamp: 2, targets: { 'a.txt': {} } });
  // Whoever has the key of the timestamp alone can name an older snapshot in a newer timestamp.
  server.directory = fresh;
  await publish('two.example\n', { versions: { timestamp: 9, snapshot: 1, targets: 1 } });
  expect(await look()).toBe('ERR_FEED_BACKWARDS');
  // With the key of the snapshot, too, older targets in a newer snapshot.
  await publish('two.example\n', { versions: { timestamp: 10, snapshot: 10, targets: 1 } });
  expect(await look()).toBe('ERR_FEED_BACKWARDS');
  await publish('two.example\n', { versions: { timestamp: 11, snapshot: 11, targets: 11 } });
  expect(await look()).toBe(second);
});

test('fast-forward: versions at their end are mended by new keys of those roles', async () => {
  await begin();
  await look();
  await publish('two.example\n', { versions: { timestamp: 2 ** 31, snapshot: 2 ** 31, targets: 2 ** 31 } });
  expect(await look()).toMatch(/^[0-9a-f]{8}$/);
  await publish('three.example\n', { versions: { timestamp: 3, snapshot: 3, targets: 3 } });
  expect(await look()).toBe('ERR_FEED_BACKWARDS');
  await publisher.rotate(seconds(), ['timestamp', 'snapshot', 'targets']);
  await publish('three.example\n', { versions: { timestamp: 4, snapshot: 4, targets: 4 } });
  expect(await look()).toMatch(/^[0-9a-f]{8}$/);
  expect(reader.record).toMatchObject({ root: 2, timestamp: 4 });
});

test('indefinite freeze: a feed that says the same for longer than it vouches for is not fresh', async () => {
  await begin();
  const first = await look();
  setNow(nowMs + 13 * DAY_MS);
  expect(await look()).toBe(first);
  expect(state()).toBe('current');
  setNow(nowMs + 2 * DAY_MS);
  expect(await look()).toBe('ERR_FEED_EXPIRED');
  expect(state()).toBe('expired');
  await publish('two.example\n');
  expect(await look()).toMatch(/^[0-9a-f]{8}$/);
  expect(state()).toBe('current');
});

test('from the future: a timestamp that vouches for years is not taken, and what comes after it is', async () => {
  await begin();
  const first = await look();
  await publisher.publish({ now: seconds() + 3 * 365 * 86_400, targets: { 'a.txt': 'evil.example\n' } });
  expect(await look()).toBe('ERR_FEED_PROOF');
  expect(state()).toBe('unproven');
  expect(reader.record.reason).toMatch(
    /vouches until \d{4}-.*the clock of its publisher or of this machine is wrong/,
  );
  // A start knows nothing of it either.
  await open();
  await publish('one.example\n');
  expect(await look()).toBe(first);
  expect(state()).toBe('current');
});

test('indefinite freeze: a feed that cannot be reached is told as expired from the same moment', async () => {
  await begin();
  await look();
  server.mischief.set(/./, (_request, response) => void response.writeHead(503).end());
  expect(await look()).toBe('ERR_LIST_FETCH');
  expect(state()).toBe('unreached');
  setNow(nowMs + 15 * DAY_MS);
  expect(state()).toBe('expired');
  await open();
  expect(state()).toBe('expired');
});

test('a feed of which nothing could ever be had is told after a day', async () => {
  await begin();
  server.mischief.set(/./, (_request, response) => void response.writeHead(503).end());
  expect(await look()).toBe('ERR_LIST_FETCH');
  setNow(nowMs + DAY_MS - 1000);
  expect(state()).toBe('unreached');
  setNow(nowMs + 1000);
  expect(state()).toBe('expired');
});

test('several who look at the same time share one look, and each has what it found', async () => {
  await begin();
  await look();
  server.requests.length = 0;
  const found = await Promise.all([look(), look(), look('b.txt'), look()]);
  expect(new Set(found)).toEqual(new Set([found[0], 'nothing']));
  expect(server.requests).toHaveLength(2);
});

test('mix-and-match: files of different states do not go together', async () => {
  await begin();
  await publish('two.example\n');
  for (const name of ['snapshot', 'targets']) {
    server.mischief.set(`2.${name}.json`, (_request, response) => {
      response.end(readFileSync(join(server.directory, `1.${name}.json`)));
    });
    expect(await look()).toBe('ERR_FEED_PROOF');
    server.mischief.clear();
  }
  expect(await look()).toMatch(/^[0-9a-f]{8}$/);
});

test('key compromise below the threshold: one of two keys signs nothing, and one of three no root', async () => {
  const keys = { root: [2, 3], targets: [2, 2], timestamp: [2, 2] } as const;
  await begin(keys);
  const first = await look();
  await publish('evil.example\n', { signers: { targets: 1 } });
  expect(await look()).toBe('ERR_FEED_PROOF');
  // The same signature twice is one signature.
  const path = join(server.directory, 'timestamp.json');
  await publish('evil.example\n', { signers: { timestamp: 1 } });
  const { signatures, signed } = JSON.parse(readFileSync(path, 'utf8')) as {
    signatures: unknown[];
    signed: object;
  };
  writeFileSync(path, JSON.stringify({ signatures: [...signatures, ...signatures], signed }));
  expect(await look()).toBe('ERR_FEED_PROOF');
  await publish('one.example\n');
  expect(await look()).toBe(first);
  // A next root by one of three.
  const root = JSON.parse(readFileSync(join(server.directory, '1.root.json'), 'utf8')) as {
    signatures: unknown[];
    signed: { version: number };
  };
  root.signed.version = 2;
  writeFileSync(join(server.directory, '2.root.json'), JSON.stringify(root));
  expect(await look()).toBe('ERR_FEED_PROOF');
});

test('slow retrieval: a byte now and then ends with the time for all of it', async () => {
  await begin();
  await look();
  await publish('two.example\n');
  server.mischief.set('timestamp.json', (_request, response) => {
    response.writeHead(200, { 'content-length': 400 });
    const timer = setInterval(() => response.write(' '), 10);
    response.on('close', () => clearInterval(timer));
  });
  await open({ totalMs: 250 });
  expect(await look()).toBe('ERR_LIST_FETCH');
  expect(reader.record.reason).toContain('not done after');
});

test('all keys are rotated, again and again, and a reader that slept through it follows', async () => {
  await begin({ root: [2, 3], targets: [1, 1], snapshot: [1, 1], timestamp: [1, 1] });
  await look();
  for (let round = 0; round < 5; round++) {
    await publisher.rotate(seconds(), ['root', 'targets', 'snapshot', 'timestamp']);
    await publish(`round-${round}.example\n`);
    if (round % 2 === 0) expect(await look()).toMatch(/^[0-9a-f]{8}$/);
  }
  expect(reader.record.root).toBe(6);
  rmSync(join(place, 'state'), { recursive: true });
  await open();
  expect(await look()).toMatch(/^[0-9a-f]{8}$/);
  expect(reader.record.root).toBe(6);
});

test('a year of updates: one a week, keys renewed each quarter, all of them taken and never a warning', {
  tags: 'night',
}, async () => {
  await begin();
  const seen = new Set<string>();
  for (let week = 0; week < 52; week++) {
    setNow(nowMs + 7 * DAY_MS);
    if (week % 13 === 0)
      await publisher.rotate(seconds(), week % 26 === 0 ? ['root'] : ['timestamp', 'targets']);
    await publish(`week-${week}.example\n`);
    seen.add(await look());
    expect(state()).toBe('current');
  }
  expect(seen.size).toBe(52);
  expect(reader.record).toMatchObject({ root: 5, timestamp: 53 });
});

test('damaged files of the state are found again, without forgetting versions', async () => {
  await begin();
  const old = server.keep(join(place, 'old'));
  await publish('two.example\n');
  await look();
  const directory = feedDirectory(join(place, 'state'), reader.settings);
  writeFileSync(join(directory, 'root.json'), '{"sig');
  await open();
  expect(await look()).toMatch(/^[0-9a-f]{8}$/);
  writeFileSync(join(directory, 'root.json'), '');
  server.directory = old;
  await open();
  expect(await look()).toBe('ERR_FEED_BACKWARDS');
});
