// When the gate leaves the tests of deploy/ out, in a checkout of three files.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fingerprintOf, noteDeployTests, passedDeployTests } from '../deploy-tests.ts';

const NOW_MS = Date.UTC(2026, 10, 29);
const HOUR_MS = 3_600_000;
const NAMES = ['ansible', 'dashboards', 'image', 'install', 'package'].map(
  (name) => `test/integration/${name}.test.ts`,
);
const TESTS = [...NAMES, 'test/tidy/deploy.test.ts'];

let root = '';
const put = (path: string, text: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
const run = (failed: readonly string[] = [], tests = TESTS): void =>
  noteDeployTests(
    root,
    fingerprintOf(root),
    NOW_MS,
    new Map(
      tests.map((path) => [
        path,
        { passed: ['one'], failed: [], isFailed: failed.includes(path), isLoaded: true },
      ]),
    ),
  );
const left = (nowMs = NOW_MS + HOUR_MS, isCi = false): readonly string[] =>
  passedDeployTests(root, fingerprintOf(root), nowMs, isCi);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cordon-deploy-tests-'));
  put('deploy/ansible/site.yml', 'one');
  put('package.json', '{}');
  put('src/policy/rule.ts', '');
});
afterEach(() => rmSync(root, { recursive: true }));

test('what passed with the same files is left out for less than a day', () => {
  expect(left()).toEqual([]);
  run();
  expect(left()).toEqual(TESTS);
  put('src/policy/rule.ts', 'other');
  expect(left()).toEqual(TESTS);
  expect(left(NOW_MS + 24 * HOUR_MS)).toEqual([]);
  // A clock that was set back.
  expect(left(NOW_MS - HOUR_MS)).toEqual([]);
});

test('in CI nothing is left out', () => {
  run();
  expect(left(NOW_MS + HOUR_MS, true)).toEqual([]);
});

test.each<[string, () => void]>([
  ['a file of deploy/ changed', () => put('deploy/ansible/site.yml', 'two')],
  ['a file of deploy/ is new', () => put('deploy/ansible/new.yml', '')],
  ['a file of deploy/ is gone', () => rmSync(join(root, 'deploy/ansible/site.yml'))],
  ['a package is new', () => put('package.json', '{ "name": "x" }')],
  ['a test changed', () => put('test/integration/ansible.test.ts', '')],
  ['what tests share changed', () => put('test/support/process.ts', '')],
  ['the note is damaged', () => put('node_modules/.cache/deploy-tests.json', '{"fingerprint":')],
])('all run when %s', (_, change) => {
  run();
  change();
  expect(left()).toEqual([]);
});

test('nothing is noted of a run in which one failed or was not run', () => {
  run(['test/integration/image.test.ts']);
  expect(left()).toEqual([]);
  run([], TESTS.slice(1));
  expect(left()).toEqual([]);
});
