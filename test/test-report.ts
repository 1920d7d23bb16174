// What a run of the tests found, read from vitest's report, and what a second run of the files that failed makes of it.
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { z } from 'zod';

/** What of vitest's JSON report is used. */
const report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), tags: z.array(z.string()).default([]) }),
      ),
    }),
  ),
});

/** Of one file: names of tests. */
export interface FileFound {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  /** Tags of those that were not run, one for each. */
  readonly left: readonly string[];
  /** Of a file that does not load, or with a hook that fails, no test failed. */
  readonly isFailed: boolean;
  /** The file was read: its tests are known. */
  readonly isLoaded: boolean;
}

/** By the file's path below the checkout. */
export type TestsFound = ReadonlyMap<string, FileFound>;

/** What a run wrote to `file`; nothing when it wrote none. Throws when the report has another form. */
export const readTestReport = (file: string, root: string): TestsFound => {
  if (!existsSync(file)) return new Map();
  const { testResults } = report.parse(JSON.parse(readFileSync(file, 'utf8')));
  return new Map(
    testResults.map(({ name, status, assertionResults }) => {
      const withStatus = (wanted: string): string[] =>
        assertionResults.filter((result) => result.status === wanted).map(({ fullName }) => fullName);
      const failed = withStatus('failed');
      return [
        relative(root, name),
        {
          passed: withStatus('passed'),
          failed,
          left: assertionResults
            .filter((result) => result.status === 'skipped')
            .flatMap(({ tags }) => tags.slice(0, 1)),
          isFailed: status === 'failed' || failed.length > 0,
          isLoaded: assertionResults.length > 0,
        },
      ];
    }),
  );
};

/** Paths of the files that failed. */
export const failedFiles = (found: TestsFound): string[] =>
  [...found].filter(([, { isFailed }]) => isFailed).map(([path]) => path);

/** The first run with what the second says of the files that it ran. */
export const withSecondRun = (first: TestsFound, second: TestsFound): TestsFound =>
  new Map([...first].map(([path, found]) => [path, second.get(path) ?? found]));

/** Tests that passed, and tests or files without one that failed. */
export const countTests = (found: TestsFound): { readonly passed: number; readonly failed: number } => {
  let passed = 0;
  let failed = 0;
  for (const file of found.values()) {
    passed += file.passed.length;
    failed += file.isFailed ? Math.max(1, file.failed.length) : 0;
  }
  return { passed, failed };
};

/** How many tests with a tag were left out, of how many files. */
export const countLeft = (
  found: TestsFound,
  tag: string,
): { readonly tests: number; readonly files: number } => {
  const counts = [...found.values()].map(({ left }) => left.filter((one) => one === tag).length);
  return { tests: counts.reduce((sum, count) => sum + count, 0), files: counts.filter(Boolean).length };
};

/** `FILE: TEST` of what failed. */
export const namesOfFailed = (found: TestsFound): string[] =>
  [...found].flatMap(([path, { failed, isFailed, isLoaded }]) => {
    if (!isFailed || failed.length > 0) return failed.map((name) => `${path}: ${name}`);
    return [`${path}: ${isLoaded ? 'a hook failed, before its tests or after them' : 'did not load'}`];
  });
