// Packs of mandates in a feed: how a mandate stands is told, and nothing else of a pack is used.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { shippedMandateFile } from '../../../src/config/config.ts';
import { feedDirectory } from '../../../src/policy/feeds/feeds.ts';
import { publishFeed } from '../../../src/policy/feeds/publisher.ts';
import { FeedReader } from '../../../src/policy/feeds/reader.ts';
import { FeedPacks } from '../../../src/policy/keeping/feed-packs.ts';
import { standingIssues } from '../../../src/policy/keeping/mandate-rows.ts';
import { createLog } from '../../../src/telemetry/observe/observe.ts';
import { FeedServer } from '../../support/feeds.ts';
import { configOf } from '../app/setup.ts';

const ID = 'us-texas';
const SHIPPED = readFileSync(shippedMandateFile(ID), 'utf8');
/** As its maintainers write it once it is repealed. */
const REPEALED = SHIPPED.replace(/^version: .*$/m, 'version: "2099-01-01"').replace(
  /^ {2}value: in-force$/m,
  '  value: repealed\n  by: "Act 1"',
);

let place: string;
let server: FeedServer;
let root: string;

beforeEach(async () => {
  root = '';
  place = mkdtempSync(join(tmpdir(), 'cordon-packs-'));
  server = await FeedServer.open(join(place, 'repository'));
  mkdirSync(join(place, 'from', 'mandates'), { recursive: true });
  cpSync(join(import.meta.dirname, '../../../lists/tiktok.yaml'), join(place, 'from', 'tiktok.yaml'));
});

afterEach(async () => {
  await server?.close();
  rmSync(place, { recursive: true, force: true });
});

const publish = (pack: string): void => {
  writeFileSync(join(place, 'from', 'mandates', `${ID}.yaml`), pack);
  const { rootSha256 } = publishFeed({
    ...{ repository: server.directory, from: join(place, 'from'), keys: [join(place, 'keys')] },
    ...{ rotate: [], nowMs: Date.now(), days: undefined },
  });
  root ||= rootSha256;
};

const open = async () => {
  const feed = { id: 'f', url: server.url, rootSha256: root, rootVersion: 1 };
  const reader = await FeedReader.open({
    ...{ feed, directory: place, clock: Date.now, userAgent: 'test' },
    resolve: () => Promise.reject(new Error('no name is looked up')),
    signal: AbortSignal.timeout(60_000),
  });
  const log = createLog({ level: 'error' });
  const packs = new FeedPacks(reader, feedDirectory(place, feed), log);
  return { packs, look: async () => packs.look(await reader.refresh(), [ID, 'uk-tiktok']) };
};

test('a pack whose standing changes is an issue, and lifts nothing; a restart keeps it', async () => {
  publish(REPEALED);
  const { packs, look } = await open();
  expect(packs.of(ID)).toBeUndefined();
  await Promise.all([look(), look()]);
  const newer = packs.of(ID);
  expect(newer).toMatchObject({ feed: 'f', version: '2099-01-01', standing: { value: 'repealed' } });
  expect(packs.of('uk-tiktok')).toBeUndefined();
  const config = configOf(`mandates: [${ID}]`);
  const before = structuredClone([config.lists, config.groups]);
  const standings = new Map(newer === undefined ? [] : [[ID, newer]]);
  expect(standingIssues(config)).toEqual([]);
  expect(standingIssues(config, standings)).toMatchObject([
    {
      ...{ id: 'mandate-standing', subject: ID },
      text: expect.stringMatching(
        /is repealed by Act 1 \(so the feed f, whose pack is of 2099-01-01\): refusals go on until a person decides/,
      ),
    },
  ]);
  expect([config.lists, config.groups]).toEqual(before);
  expect((await open()).packs.of(ID)).toEqual(newer);
});

test('a pack that is not newer than that of the release says nothing', async () => {
  publish(REPEALED.replace('2099-01-01', '2020-01-01'));
  const { packs, look } = await open();
  await look();
  const newer = packs.of(ID);
  const standings = new Map(newer === undefined ? [] : [[ID, newer]]);
  expect(standings.size).toBe(1);
  expect(standingIssues(configOf(`mandates: [${ID}]`), standings)).toEqual([]);
});

test('what is no pack is not published, and bytes that the metadata does not name change nothing', async () => {
  publish(REPEALED);
  const { packs, look } = await open();
  await look();
  const before = packs.of(ID);
  expect(() => publish('id: us-texas\n')).toThrow(/mandates\/us-texas\.yaml/);
  server.mischief.set(/^targets\/mandates\//, (_, response) => response.writeHead(200).end('else'));
  publish(REPEALED.replace('2099-01-01', '2099-01-02'));
  await look();
  expect(packs.of(ID)).toEqual(before);
  server.mischief.clear();
  await look();
  expect(packs.of(ID)?.version).toBe('2099-01-02');
});
