// Which tests share a process. What runs with `npm run ok -- --quick` is the projects whose names begin with `quick`.
import { defineConfig } from 'vitest/config';

const QUICK = ['test/unit/**/*.test.ts', 'test/property/**/*.test.ts', 'test/tidy/**/*.test.ts'];
/** Quick tests that change their process: environment, signals, clocks of the whole process, modules under test twice. */
const ALONE: string[] = [];

export default defineConfig({
  test: {
    // Far more than a test needs: machines differ, and only what hangs shall meet a time-out.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
    pool: 'forks',
    maxWorkers: 2,
    passWithNoTests: false,
    projects: [
      { extends: true, test: { name: 'quick', include: QUICK, exclude: ALONE, isolate: false } },
      { extends: true, test: { name: 'quick-alone', include: ALONE } },
      {
        extends: true,
        test: { name: 'whole', include: ['test/{integration,conformance,golden}/**/*.test.ts'] },
      },
    ],
  },
});
