// `npm run ok`: the one gate. Runs every check, however many fail, and ends with what failed and how long each took.
//
// Options: `--quick` leaves out tests that start the whole program or others beside it, for daily work; `--only NAME` runs
// one check; what follows `--` goes to that check's program. The last line is `N passed, N failed`: tests that passed, and
// tests or other checks that failed. A run that found no test fails.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { z } from 'zod';

const root = fileURLToPath(new URL('..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'cordon-ok-'));
process.once('exit', () => rmSync(work, { recursive: true, force: true }));
const testReport = join(work, 'tests.json');

/** A program of node_modules that judges the checkout by its exit code. */
interface Check {
  readonly name: string;
  readonly what: string;
  readonly command: readonly string[];
}

/** In this order: the quick and the most often wrong first. */
const CHECKS: readonly Check[] = [
  { name: 'format', what: 'format and lint', command: ['@biomejs/biome/bin/biome', 'check', '.'] },
  { name: 'lint', what: 'lint with types', command: ['eslint/bin/eslint.js', '.', '--max-warnings', '0'] },
  { name: 'types', what: 'type check', command: ['typescript/bin/tsc', '-p', '.'] },
  { name: 'unused', what: 'unused files, exports and dependencies', command: ['knip/bin/knip.js'] },
  {
    name: 'tests',
    what: 'tests',
    command: [
      'vitest/vitest.mjs',
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile=${testReport}`,
    ],
  },
];

/** Projects of vitest.config.ts. */
const QUICK_TESTS = ['--project', 'quick*'];

interface Outcome {
  readonly name: string;
  readonly failed: boolean;
  readonly seconds: string;
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** The exit code of a program, 128 when a signal ended it. The program writes to our output. */
const execute = (command: readonly string[]): Promise<number> =>
  new Promise((resolve, reject) => {
    const [script = '', ...args] = command;
    const child = spawn(process.execPath, [join(root, 'node_modules', script), ...args], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
    process.once('SIGINT', forward).once('SIGTERM', forward);
    child.once('error', reject);
    child.once('exit', (code) => {
      process.off('SIGINT', forward).off('SIGTERM', forward);
      resolve(code ?? 128);
    });
  });

const runCheck = async (check: Check, extra: readonly string[]): Promise<Outcome> => {
  print(`\n== ${check.name}: ${check.what}`);
  const start = performance.now();
  const code = await execute([...check.command, ...extra]);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  print(`== ${check.name}: ${code === 0 ? 'ok' : `failed with status ${code}`} after ${seconds} s`);
  return { name: check.name, failed: code !== 0, seconds };
};

const testCounts = z.object({ numPassedTests: z.number(), numFailedTests: z.number() });

/** Tests that passed and failed; zeros when vitest wrote no report. */
const readTestCounts = (): { passed: number; failed: number } => {
  try {
    const counts = testCounts.parse(JSON.parse(readFileSync(testReport, 'utf8')));
    return { passed: counts.numPassedTests, failed: counts.numFailedTests };
  } catch {
    return { passed: 0, failed: 0 };
  }
};

/** Prints the summary; returns the number of failures. */
const summarize = (outcomes: readonly Outcome[]): number => {
  const tests = readTestCounts();
  const ranTests = outcomes.some((outcome) => outcome.name === 'tests');
  const foundNone = ranTests && tests.passed + tests.failed === 0;
  print('\n== summary');
  for (const { name, failed, seconds } of outcomes)
    print(`${failed ? 'FAILED' : 'ok    '} ${name.padEnd(8)} ${seconds.padStart(6)} s`);
  if (foundNone) print('FAILED tests: no test was run');
  const failedChecks = outcomes.filter((outcome) => outcome.failed && outcome.name !== 'tests').length;
  // A test file that does not load fails the run without a failed test.
  const failedRun = outcomes.some((outcome) => outcome.failed && outcome.name === 'tests') ? 1 : 0;
  const failures = failedChecks + Math.max(tests.failed, failedRun, foundNone ? 1 : 0);
  print(`${tests.passed} passed, ${failures} failed`);
  return failures;
};

const { values, positionals } = parseArgs({
  options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const chosen = CHECKS.filter((check) => values.only === undefined || check.name === values.only);
if (chosen.length === 0 || (positionals.length > 0 && chosen.length > 1)) {
  const names = CHECKS.map((check) => check.name).join(' | ');
  process.stderr.write(`usage: npm run ok -- [--quick] [--only ${names} [-- ARG …]]\n`);
  process.exit(2);
}
const outcomes: Outcome[] = [];
for (const check of chosen) {
  const quick = values.quick && check.name === 'tests' ? QUICK_TESTS : [];
  outcomes.push(await runCheck(check, [...quick, ...positionals]));
}
process.exitCode = summarize(outcomes) === 0 ? 0 : 1;
