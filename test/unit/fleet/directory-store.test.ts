// What a database calls a resolver becomes no path outside the directory of collected records.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { judgeRecord } from '../../../src/evidence/records/record-schema.ts';
import { DirectoryShelf } from '../../../src/fleet/directory-store.ts';
import { isRecordsLabel } from '../../../src/fleet/subjects.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cordon-shelf-'));
});
afterEach(() => rmSync(root, { recursive: true }));

test.each([
  '../elsewhere/ns2',
  '..',
  '.',
  '',
  '/tmp/ns2',
  'ns2/..',
  'ns2.1',
  'ns2.x',
  'ns2.2.2',
  'ns2\n',
  'NS2',
])('a label %j is no directory', (label) => {
  expect(isRecordsLabel(label)).toBe(false);
  const collected = join(root, 'collected');
  mkdirSync(collected);
  expect(() => new DirectoryShelf(collected, label, judgeRecord)).toThrow(RangeError);
  expect([readdirSync(root), readdirSync(collected)]).toEqual([['collected'], []]);
});

test.each(['ns2', 'ns2.2', 'ns2.10', 'a-b'])('the label %j is one', (label) => {
  const shelf = new DirectoryShelf(root, label, judgeRecord);
  shelf.noteHole('{}');
  shelf.close();
  expect(readdirSync(root)).toEqual([label]);
});
