// Where a content lies that is looked at before it is decided on: the one that was named, whole, or none.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import { contentPath } from '../../../src/policy/keeping/keeping.ts';
import { ListStore } from '../../../src/policy/lists/lists.ts';

const CLOCK = (): number => Date.parse('2026-11-30T10:00:00Z');
const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');
const [EARLIER, CURRENT, HELD] = ['a.example\n', 'b.example\n', 'c.example\n'].map(sha256Of) as [
  string,
  string,
  string,
];

let stateDirectory: string;
let config: Config;
beforeEach(async () => {
  stateDirectory = mkdtempSync(join(tmpdir(), 'cordon-content-'));
  config = { stateDirectory } as Config;
  const store = await ListStore.open(stateDirectory, CLOCK);
  const arrive = (text: string) => {
    const path = join(store.incoming, sha256Of(text));
    writeFileSync(path, text);
    const facts = {
      ...{ entries: 1, rejected: 0, guarded: 0, sizeBytes: 10, isMarkup: false },
      ...{ endsInLineBreak: true, isLengthKnown: true },
    };
    return { path, sha256: sha256Of(text), facts, validators: undefined };
  };
  await store.take('feed', arrive('a.example\n'));
  await store.take('feed', arrive('b.example\n'));
  await store.hold('feed', arrive('c.example\n'), []);
});
afterEach(() => rmSync(stateDirectory, { recursive: true, force: true }));

const pathOf = (sha256: string | undefined) => contentPath(config, 'feed', sha256, CLOCK);

test('the held content, or the one that is named by its hash', async () => {
  expect((await pathOf(undefined)).sha256).toBe(HELD);
  expect((await pathOf(HELD)).path).toContain(HELD);
  expect((await pathOf(EARLIER)).path).toContain(EARLIER);
});

test('what is in force, is not kept, or is another list is none that is looked at', async () => {
  for (const sha256 of [CURRENT, sha256Of('d.example\n'), HELD.slice(0, 8)])
    await expect(pathOf(sha256)).rejects.toMatchObject({ code: 'ERR_LIST_ABSENT' });
  await expect(contentPath(config, 'other', HELD, CLOCK)).rejects.toMatchObject({ code: 'ERR_LIST_ABSENT' });
});

test('a file that is not what its hash says is not looked at', async () => {
  const { path } = await pathOf(HELD);
  writeFileSync(path, 'other.example\n');
  await expect(pathOf(HELD)).rejects.toMatchObject({
    code: 'ERR_LIST_ABSENT',
    message: expect.stringContaining('damaged or gone') as string,
  });
  rmSync(path);
  await expect(pathOf(undefined)).rejects.toMatchObject({ code: 'ERR_LIST_ABSENT' });
});
