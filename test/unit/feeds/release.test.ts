// A newer release that a feed tells of: as its keys signed it, never fetched, gone when the feed has it no more.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { VERSION } from '../../../src/base/base.ts';
import {
  type FeedState,
  feedDirectory,
  readFeedRecord,
  toFeedState,
} from '../../../src/policy/feeds/feeds.ts';
import { publishFeed } from '../../../src/policy/feeds/publisher.ts';
import { FeedReader } from '../../../src/policy/feeds/reader.ts';
import { isNewerVersion } from '../../../src/policy/feeds/release.ts';
import { FeedServer } from '../../support/feeds.ts';

const RELEASE = { version: '99.1.0', date: '2027-03-01', notes: 'https://cordon.example/99.1.0' };

let place: string;
let server: FeedServer;
let root: string;

beforeEach(async () => {
  root = '';
  place = mkdtempSync(join(tmpdir(), 'cordon-release-'));
  server = await FeedServer.open(join(place, 'repository'));
  mkdirSync(join(place, 'from'));
  writeFileSync(join(place, 'from', 'a.txt'), 'one.example\n');
});
afterEach(async () => {
  await server.close();
  rmSync(place, { recursive: true, force: true });
});

const publish = (release: string | undefined): void => {
  const path = join(place, 'from', 'release.json');
  if (release === undefined) rmSync(path, { force: true });
  else writeFileSync(path, release);
  const { rootSha256 } = publishFeed({
    ...{ repository: server.directory, from: join(place, 'from'), keys: [join(place, 'keys')] },
    ...{ rotate: [], nowMs: Date.now(), days: undefined },
  });
  root ||= rootSha256;
};
const settings = () => ({ id: 'f', url: server.url, rootSha256: root, rootVersion: 1 });
const open = (): Promise<FeedReader> =>
  FeedReader.open({
    ...{ feed: settings(), directory: place, clock: Date.now, userAgent: 'test' },
    resolve: () => Promise.reject(new Error('no name is looked up')),
    signal: AbortSignal.timeout(60_000),
  });
const look = async (reader: FeedReader): Promise<FeedState['release']> => {
  await reader.lookForRelease(await reader.refresh());
  return toFeedState(settings(), reader.record, [], Date.now()).release;
};

test('what the keys signed is told, over a restart too, read once, and gone when the feed has none', async () => {
  publish(JSON.stringify(RELEASE));
  const reader = await open();
  expect(await look(reader)).toEqual(RELEASE);
  server.requests.length = 0;
  expect(await look(reader)).toEqual(RELEASE);
  expect(server.requests.map(({ path }) => path).join()).not.toContain('release');
  expect((await open()).record).toEqual(reader.record);
  expect(
    toFeedState(settings(), await readFeedRecord(feedDirectory(place, settings())), [], 0).release,
  ).toEqual(RELEASE);
  publish(undefined);
  expect(await look(reader)).toBeNull();
});

test('this release and older ones are nothing to tell of', async () => {
  publish(JSON.stringify({ ...RELEASE, version: /^\d+\.\d+\.\d+/.exec(VERSION)?.[0] ?? '' }));
  const reader = await open();
  expect(await look(reader)).toBeNull();
});

test.each([
  ['1.10.0', '1.9.9', true],
  ['1.9.9', '1.10.0', false],
  ['2.0.0', '2.0.0', false],
  ['2.0.0', '2.0.0+git20261126031500', false],
  ['2.0.0', '1.99.99', true],
  ['0.1.1', '0.1.0+git20261126031500', true],
] as const)('%s over %s: %s', (version, than, isNewer) => {
  expect(isNewerVersion(version, than)).toBe(isNewer);
});

const BAD = [
  ['no JSON', '{'],
  ['a version that is none', JSON.stringify({ ...RELEASE, version: '99.1.0"; rm -rf /' })],
  ['notes that are no web page', JSON.stringify({ ...RELEASE, notes: 'javascript:alert(1)' })],
  ['notes with somebody in their address', JSON.stringify({ ...RELEASE, notes: 'https://a:b@c.example/' })],
  ['a day that is none', JSON.stringify({ ...RELEASE, date: '2027-02-30' })],
  ['what is too long', JSON.stringify({ ...RELEASE, notes: `https://c.example/${'x'.repeat(5_000)}` })],
] as const;

test.each(BAD)('%s is not published', (_, text) => {
  expect(() => publish(text)).toThrow(/release\.json/);
});

test.each(BAD)('%s that somebody else published is nothing to tell of', async (_, text) => {
  // As a publisher that is not ours signs it: under a name that ours does not judge, then called for by that name.
  publish(undefined);
  const reader = await open();
  const targets = await reader.refresh();
  writeFileSync(join(place, 'from', 'other.json'), text);
  publish(undefined);
  const found = await (await reader.refresh()).find('other.json');
  await reader.lookForRelease({ ...targets, find: () => Promise.resolve(found) });
  expect(toFeedState(settings(), reader.record, [], Date.now()).release).toBeNull();
});
