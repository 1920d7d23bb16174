// Which tests share a process. What runs with `npm run ok -- --quick` is the projects whose names begin with `quick`.
import { defineConfig } from 'vitest/config';
import { NotRunReporter } from './test/support/not-run.ts';

const QUICK = ['test/unit/**/*.test.ts', 'test/property/**/*.test.ts', 'test/tidy/**/*.test.ts'];
/** These run programs, the command a dozen times or promtool: as slow as those of test/integration. */
const PROGRAMS = ['test/unit/cli/**/*.test.ts', 'test/unit/report/{command,recompute}.test.ts'];
/** These build packages or start browsers, engines and half a dozen programs at once: nobody else's timers beside them. */
const HEAVY = [
  'test/integration/{ansible,anycast,control-room,cordon-health,dashboards,dnsdist,fleet,fleet-failures}.test.ts',
  'test/integration/{headlines,image,install,operating,package,pages,profiled-clients,recursion}.test.ts',
  'test/integration/{rpz-recipes,setup}.test.ts',
  'test/tidy/{deploy,deploy-generated}.test.ts',
  // Lines of their own: fleets with their engines.
  'test/integration/fleet-{authority,cluster,database,evidence,fork,live,page,trouble}.test.ts',
];
/** Quick tests of modules that look at their process once, or take a seed of it, when they are loaded. */
const ALONE = [
  'test/unit/upstream/plain-sockets.test.ts',
  'test/unit/app/retired-memory.test.ts',
  'test/unit/pipeline/waiting.test.ts',
];

/** What makes the program that these start. */
const BUILD = 'test/support/build-program.ts';

/** Where a program that runs the tests reads what they found. What begins with CORDON_ is of the configuration. */
const { TEST_REPORT: reportFile } = process.env;

export default defineConfig({
  test: {
    reporters: ['default', ...(reportFile === undefined ? [] : (['json'] as const)), new NotRunReporter()],
    ...(reportFile === undefined ? {} : { outputFile: reportFile }),
    // Far more than a test needs: machines differ, and only what hangs shall meet a time-out.
    testTimeout: 180_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    setupFiles: ['test/support/property-seed.ts'],
    pool: 'forks',
    maxWorkers: 2,
    passWithNoTests: false,
    projects: [
      {
        extends: true,
        test: { name: 'quick', include: QUICK, exclude: [...ALONE, ...PROGRAMS, ...HEAVY], isolate: false },
      },
      { extends: true, test: { name: 'quick-alone', include: ALONE } },
      {
        extends: true,
        test: {
          name: 'whole',
          include: ['test/{integration,conformance,golden}/**/*.test.ts', ...PROGRAMS],
          exclude: HEAVY,
          globalSetup: BUILD,
          // One more than cores: these wait for timers of the program for about half of their time. They come after the
          // quick tests, which do not.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: { name: 'heavy', include: HEAVY, globalSetup: BUILD, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
