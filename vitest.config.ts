// Which tests share a process. What runs with `npm run ok -- --quick` is the projects whose names begin with `quick`.
import { randomInt } from 'node:crypto';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { PROGRAM_TESTS } from './test/changed.ts';
import { cheapPasswords } from './test/support/cheap-sources.ts';
import { NotRunReporter } from './test/support/not-run.ts';

const QUICK = ['test/unit/**/*.test.ts', 'test/property/**/*.test.ts', 'test/tidy/**/*.test.ts'];
/**
 * The longest of PROGRAM_TESTS, of a night and of the gate, the longest first: whoever is last leaves a core idle. `npm run ok`
 * tells how long each took.
 */
const LONGEST = [
  'integration/package',
  'integration/fleet-fork',
  'integration/quarter',
  'integration/pages',
  'integration/enforcement',
  'integration/upstreams',
  'integration/headlines',
  'integration/fleet-live',
  'integration/commands-without-configuration',
  'integration/proof',
  'conformance/replay',
  'integration/reload',
  'integration/fleet-database',
  'integration/fleet-page',
  'integration/health-matrix',
  'integration/dnssec',
  'integration/room-orders',
  'conformance/differential',
  'integration/fleet-forged',
  'integration/acme',
  'integration/fleet-authority',
  'integration/imports',
  'integration/whole-answers',
  'integration/feed',
  'integration/doq-windows',
  'integration/tamperings',
  'integration/fleet-failures',
  'integration/small-install',
  'integration/query-log',
  'integration/signals',
  'integration/probe-identity',
  'integration/probe-encrypted',
  'integration/resilience',
  'integration/certificates',
  'integration/install',
  'integration/saved',
  'unit/commands/records-bundle',
  'integration/alarms',
  'integration/probe',
  'conformance/validation',
  'integration/mandates',
  'integration/fleet',
  'integration/firewall',
  'integration/explain-equality',
  'integration/lists-export',
  'integration/fleet-trouble',
  'integration/fleet-cluster',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => groupOf(a) - groupOf(b) || placeOf(a) - placeOf(b));
  }
}
const groupOf = ({ project }: TestSpecification): number => project.config.sequence.groupOrder;
const placeOf = ({ moduleId }: TestSpecification): number => {
  const place = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return place < 0 ? LONGEST.length : place;
};

/** Quick tests of modules that look at their process once, or take a seed of it, when they are loaded; and who counts its timers. */
const ALONE = [
  'test/unit/upstream/plain-sockets.test.ts',
  'test/unit/workers/retired-memory.test.ts',
  'test/unit/pipeline/waiting.test.ts',
  'test/unit/resolve/trust.test.ts',
];

/** What gives properties their inputs. */
const SEED = 'test/support/property-seed.ts';
/** What makes the program that these start. */
const BUILD = 'test/support/build-program.ts';

/** What starts programs. A file costs 0.7 s of processor less in a process that ran others before. */
const PROGRAMS = {
  globalSetup: BUILD,
  // Two for each core: these wait for timers and for other programs for more than half of their time.
  maxWorkers: 4,
  sequence: { groupOrder: 1 },
};
/** Of these, who counts what the process of the test has open. */
const COUNTING = ['test/integration/parts.test.ts'];

/** Where a program that runs the tests reads what they found. What begins with CORDON_ is of the configuration. */
const { TEST_REPORT: reportFile } = process.env;

// Every process of the run has it, and what a property found can be found again.
process.env['FAST_CHECK_SEED'] ??= String(randomInt(2 ** 31));

export default defineConfig({
  plugins: [cheapPasswords],
  test: {
    reporters: ['default', ...(reportFile === undefined ? [] : (['json'] as const)), new NotRunReporter()],
    ...(reportFile === undefined ? {} : { outputFile: reportFile }),
    // Far more than a test needs: machines differ, and only what hangs shall meet a time-out.
    testTimeout: 180_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    pool: 'forks',
    // A process keeps what hundreds of files imported: a tenth less of its time goes to collections. Most of what it runs, it runs a few
    // times: code that is compiled at once and plainly takes a fifteenth less than code that is interpreted first.
    execArgv: ['--max-semi-space-size=64', '--min-semi-space-size=32', '--always-sparkplug'],
    sequence: { sequencer: LongestFirst },
    // One more than there are cores: these wait for sockets and threads for a fifth of their time.
    maxWorkers: 3,
    passWithNoTests: false,
    // What `npm run ok` leaves out of a test or suite with `tags: 'night'`, of a file with `// @module-tag night`.
    tags: [
      { name: 'night', description: 'long, and a sample of it is in the gate: npm run night' },
      { name: 'deploy', description: 'when what it judges changed, and each night' },
    ],
    projects: [
      {
        extends: true,
        test: {
          name: 'quick',
          include: QUICK,
          exclude: [...ALONE, ...PROGRAM_TESTS],
          isolate: false,
          setupFiles: SEED,
        },
      },
      { extends: true, test: { name: 'quick-alone', include: ALONE } },
      {
        extends: true,
        test: { ...PROGRAMS, name: 'whole', include: PROGRAM_TESTS, exclude: COUNTING, isolate: false },
      },
      { extends: true, test: { ...PROGRAMS, name: 'whole-alone', include: COUNTING } },
    ],
  },
});
