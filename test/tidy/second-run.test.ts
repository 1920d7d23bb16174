// The gate's second run of what failed, over reports of planted tests.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { countTests, failedFiles, namesOfFailed, readTestReport, withSecondRun } from '../test-report.ts';

const folder = mkdtempSync(join(tmpdir(), 'cordon-second-run-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Planted = Record<
  string,
  'does not load' | 'has a hook that fails' | Record<string, 'passed' | 'failed' | 'skipped'>
>;

/** A report as vitest writes it. */
const plant = (name: string, files: Planted) => {
  const testResults = Object.entries(files).map(([path, tests]) => {
    const all =
      typeof tests === 'object' ? tests : { one: tests === 'does not load' ? undefined : 'skipped' };
    return {
      name: join(folder, path),
      status: typeof tests === 'string' || Object.values(tests).includes('failed') ? 'failed' : 'passed',
      assertionResults: Object.entries(all)
        .filter(([, status]) => status !== undefined)
        .map(([fullName, status]) => ({ fullName, status, duration: 1 })),
    };
  });
  writeFileSync(join(folder, name), JSON.stringify({ success: false, testResults }));
  return readTestReport(join(folder, name), folder);
};

const first = plant('first.json', {
  'test/a.test.ts': { one: 'passed', two: 'failed', three: 'skipped' },
  'test/b.test.ts': { four: 'passed' },
  'test/c.test.ts': 'does not load',
});

test('failed tests, and files that do not load, count as failures and are named', () => {
  expect(failedFiles(first)).toEqual(['test/a.test.ts', 'test/c.test.ts']);
  expect(countTests(first)).toEqual({ passed: 2, failed: 2 });
  expect(namesOfFailed(first)).toEqual(['test/a.test.ts: two', 'test/c.test.ts: did not load']);
});

test('a hook that fails is a failure, and is told from a file that does not load', () => {
  const found = plant('hook.json', { 'test/d.test.ts': 'has a hook that fails' });
  expect(countTests(found)).toEqual({ passed: 0, failed: 1 });
  expect(namesOfFailed(found)).toEqual(['test/d.test.ts: a hook failed, before its tests or after them']);
});

test('what passes alone is no failure, what fails again is one', () => {
  const second = plant('second.json', {
    'test/a.test.ts': { one: 'passed', two: 'passed', three: 'skipped' },
    'test/c.test.ts': 'does not load',
  });
  const both = withSecondRun(first, second);
  expect(countTests(both)).toEqual({ passed: 3, failed: 1 });
  expect(namesOfFailed(both)).toEqual(['test/c.test.ts: did not load']);
});

test('a second run that fails elsewhere in the file is a failure', () => {
  const second = plant('elsewhere.json', { 'test/a.test.ts': { one: 'failed', two: 'passed' } });
  expect(namesOfFailed(withSecondRun(first, second))).toContain('test/a.test.ts: one');
});

test('a second run without a report changes nothing', () => {
  const none = readTestReport(join(folder, 'missing.json'), folder);
  expect(countTests(withSecondRun(first, none))).toEqual(countTests(first));
});
