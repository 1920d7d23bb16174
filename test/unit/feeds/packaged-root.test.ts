// The root of a feed that comes with the package.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { publishFeed, readPackagedRoot } from '../../../src/policy/feeds/feeds.ts';

const place = mkdtempSync(join(tmpdir(), 'cordon-root-'));
afterAll(() => rmSync(place, { recursive: true }));

test('a package without one has no feed, one with it has the root that the publisher printed, and a damaged one is told', async () => {
  expect(readPackagedRoot(place)).toBeUndefined();
  const from = join(place, 'from');
  mkdirSync(from);
  writeFileSync(join(from, 'own.txt'), 'own.example\n');
  const publishing = {
    ...{ repository: join(place, 'web'), from, keys: [join(place, 'keys')], rotate: [], days: undefined },
    nowMs: Date.parse('2026-11-30'),
  };
  const { rootSha256 } = await publishFeed(publishing);
  const file = join(place, 'feed/root.json');
  mkdirSync(join(place, 'feed'));
  cpSync(join(place, 'web/1.root.json'), file);
  expect(readPackagedRoot(place)).toEqual({ sha256: rootSha256, version: 1 });
  // What replaces lost keys is a later version of the same file.
  const rotated = await publishFeed({ ...publishing, rotate: ['root'] });
  cpSync(join(place, 'web/2.root.json'), file);
  expect(readPackagedRoot(place)).toEqual({ sha256: rotated.rootSha256, version: 2 });
  for (const text of [readFileSync(file, 'utf8').slice(0, 100), '{}', '', '<html>']) {
    writeFileSync(file, text);
    expect(() => readPackagedRoot(place)).toThrow(expect.objectContaining({ code: 'ERR_FEED_STATE' }));
  }
});
