// `npm run ok`: the one gate. Runs every check, however many fail, and ends with what failed and how long each took.
//
// Beside the tests the other checks run one after the other, each with its output in one piece. Options: `--quick`, for daily
// work, leaves out tests that start the whole program or others beside it; `--changed` runs the tests that the change
// touches, since the branch left main; `--night` runs the files of the tests that all of these leave out, which have a tag;
// `--only NAME` runs one check; what follows `--` goes to that check's program, and then no test is left out. The
// last line is `N passed, N failed`: tests that passed, and tests or other checks that failed. A run that found no test
// fails.
//
// The whole gate starts hundreds of programs on the cores of a machine that may do other work: up to SECOND_RUN_MAX test
// files that failed run once more, each alone. What fails again is a fault; what passes then is named as unsteady.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { touchedTests } from './changed.ts';
import { hasDeployChanged } from './deploy-tests.ts';
import { createTestFiles } from './memory-folder.ts';
import { changedSince, leftMain, pushedFiles } from './pushed.ts';
import {
  countLeft,
  countTests,
  failedFiles,
  namesOfFailed,
  readTestReport,
  type TestsFound,
  withSecondRun,
} from './test-report.ts';
import { readSources } from './tidy/sources.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'cordon-ok-'));
process.once('exit', () => rmSync(work, { recursive: true, force: true }));
const testReport = join(work, 'tests.json');
/** More than these are no accident of the machine. */
const SECOND_RUN_MAX = 12;
/** Tags of tests that the gate leaves out, and why; vitest.config.ts has them. */
const LEFT = { night: 'too long for each change', deploy: 'nothing that they judge changed' };
/** How a test, a suite or a file has one. */
const TAGGED = /@module-tag\b|\btags: '|support\/night\.ts'/;

/** A program of node_modules that judges the checkout by its exit code. */
interface Check {
  readonly name: string;
  readonly what: string;
  readonly command: readonly string[];
  /** What `--quick` adds to the command. */
  readonly quick?: readonly string[];
}

/** In this order: the quick and the most often wrong first. */
const CHECKS: readonly Check[] = [
  { name: 'format', what: 'format and lint', command: ['@biomejs/biome/bin/biome', 'check', '.'] },
  { name: 'types', what: 'types, and lint with them', command: ['oxlint/bin/oxlint', '--threads', '2'] },
  { name: 'unused', what: 'unused files, exports and dependencies', command: ['knip/bin/knip.js'] },
  {
    name: 'tests',
    what: 'tests',
    command: ['vitest/vitest.mjs', 'run'],
    // Projects of vitest.config.ts.
    quick: ['--project', 'quick*'],
  },
];

interface Outcome {
  readonly name: string;
  readonly failed: boolean;
  readonly seconds: string;
}

/** Takes what a check prints. */
type Output = (text: string | Uint8Array) => void;

const print: Output = (text) => void process.stdout.write(text);

/** Prints what several write at the same time, one after the other: the first at once, the others when those before ended. */
class Turns {
  readonly #waiting: { readonly kept: (string | Uint8Array)[]; isOver: boolean }[] = [];

  /** The output of the next in line, and what ends it. */
  take(): { readonly output: Output; readonly end: () => void } {
    const turn = { kept: [] as (string | Uint8Array)[], isOver: false };
    this.#waiting.push(turn);
    return {
      output: (text) => (turn === this.#waiting[0] ? print(text) : void turn.kept.push(text)),
      end: () => {
        turn.isOver = true;
        while (this.#waiting[0]?.isOver === true) {
          this.#waiting.shift();
          for (const text of this.#waiting[0]?.kept.splice(0) ?? []) print(text);
        }
      },
    };
  }
}

/** The programs that run, and the signal that ends them: nothing is started behind it. */
const running = new Set<ChildProcess>();
let ended: NodeJS.Signals | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    ended = signal;
    for (const child of running) child.kill(signal);
  });
}

/** Where the tests have their files. */
const files = createTestFiles();

/** The exit code of a program, 128 when a signal ended it. It writes to `output`, and tests what they found to `report`. */
const execute = (command: readonly string[], output: Output, report = testReport): Promise<number> =>
  new Promise((resolve, reject) => {
    if (ended !== undefined) return resolve(128);
    const [script = '', ...args] = command;
    const isDirect = output === print;
    const node = [process.execPath, join(root, 'node_modules', script), ...args];
    const [program = '', ...options] = script.startsWith('vitest/') ? [...files.command, ...node] : node;
    const child = spawn(program, options, {
      cwd: root,
      stdio: ['ignore', isDirect ? 'inherit' : 'pipe', isDirect ? 'inherit' : 'pipe'],
      env: {
        ...process.env,
        ...files.env,
        TEST_REPORT: report,
        ...(process.stdout.isTTY && { FORCE_COLOR: '1' }),
      },
    });
    child.stdout?.on('data', output);
    child.stderr?.on('data', output);
    running.add(child);
    child.once('error', reject);
    child.once('close', (code) => {
      running.delete(child);
      resolve(code ?? 128);
    });
  });

const runCheck = async (check: Check, extra: readonly string[], output: Output): Promise<Outcome> => {
  output(`\n== ${check.name}: ${check.what}\n`);
  const start = performance.now();
  const code = await execute([...check.command, ...extra], output);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  output(`== ${check.name}: ${code === 0 ? 'ok' : `failed with status ${code}`} after ${seconds} s\n`);
  return { name: check.name, failed: code !== 0, seconds };
};

/** The tests, and beside them the other checks one after the other; printed in the order of the checks all the same. */
const runTogether = async (
  checks: readonly Check[],
  optionsOf: (check: Check) => readonly string[],
): Promise<Outcome[]> => {
  const turns = new Turns();
  let others: Promise<unknown> = Promise.resolve();
  const running = checks.map((check) => {
    const { output, end } = turns.take();
    const run = () => runCheck(check, optionsOf(check), checks.length === 1 ? print : output).finally(end);
    if (check.name === 'tests') return run();
    const outcome = others.then(run);
    others = outcome;
    return outcome;
  });
  return await Promise.all(running);
};

/** What the tests came to. */
interface TestsOutcome {
  readonly found: TestsFound;
  /** `FILE: TEST` of what failed beside other work and passed alone. */
  readonly unsteady: readonly string[];
}

/** Runs files that failed once more, one at a time with nothing beside it, when there are few. */
const runFailedAgain = async (first: TestsFound, filter: readonly string[]): Promise<TestsOutcome> => {
  const files = failedFiles(first);
  if (files.length > SECOND_RUN_MAX || ended !== undefined) return { found: first, unsteady: [] };
  let found = first;
  for (const [index, file] of files.entries()) {
    print(`\n== tests, once more and alone: ${file}\n`);
    const again = join(work, `again-${index}.json`);
    await execute(['vitest/vitest.mjs', 'run', ...filter, file], print, again);
    found = withSecondRun(found, readTestReport(again, root));
  }
  const faults = new Set(namesOfFailed(found));
  return { found, unsteady: namesOfFailed(first).filter((name) => !faults.has(name)) };
};

/** Prints the summary; returns the number of failures. */
const summarize = (outcomes: readonly Outcome[], { found, unsteady }: TestsOutcome): number => {
  const tests = countTests(found);
  const run = outcomes.find((outcome) => outcome.name === 'tests');
  const foundNone = run !== undefined && tests.passed + tests.failed === 0;
  // A run fails without a failed test when something is thrown outside of all.
  const failedRun = run?.failed === true && tests.failed === 0 && unsteady.length === 0;
  print('\n== summary\n');
  for (const { name, failed, seconds } of outcomes) {
    const isFailed = name === 'tests' ? failedRun || foundNone || tests.failed > 0 : failed;
    print(`${isFailed ? 'FAILED' : 'ok    '} ${name.padEnd(8)} ${seconds.padStart(6)} s\n`);
  }
  for (const [tag, why] of Object.entries(LEFT)) {
    const { tests, files } = countLeft(found, tag);
    if (tests > 0) print(`not run, ${why}: ${tests} tests of ${files} files (npm run night)\n`);
  }
  for (const name of unsteady) print(`unsteady, passed alone: ${name}\n`);
  for (const name of namesOfFailed(found)) print(`FAILED ${name}\n`);
  if (foundNone) print('FAILED tests: no test was run\n');
  const failedChecks = outcomes.filter((outcome) => outcome.failed && outcome.name !== 'tests').length;
  const failures = failedChecks + Math.max(tests.failed, failedRun || foundNone ? 1 : 0);
  print(`${tests.passed} passed, ${failures} failed\n`);
  return failures;
};

/** Files that differ from where the branch left main. */
const changedFiles = (): readonly string[] => {
  const base = leftMain(root);
  if (base !== undefined) return changedSince(root, base);
  process.stderr.write('ok: --changed compares with main, and git knows no such branch here; run --quick\n');
  process.exit(2);
};

/** The files of tests that `--changed` runs. */
const changedTests = (): string[] => {
  const folders = ['src', 'test', 'pages', 'deploy', 'bench'];
  const modules = folders.flatMap((folder) => [...readSources(folder, ['.ts', '.tsx', '.mjs'])]);
  const tests = touchedTests(changedFiles(), new Map(modules));
  print(`== tests: the change touches ${tests.length} files of tests\n`);
  return tests;
};

const { values, positionals } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    changed: { type: 'boolean', default: false },
    night: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const only = values.night ? 'tests' : values.only;
const chosen = CHECKS.filter((check) => only === undefined || check.name === only);
if (chosen.length === 0 || (positionals.length > 0 && chosen.length > 1)) {
  const names = CHECKS.map((check) => check.name).join(' | ');
  process.stderr.write(`usage: npm run ok -- [--quick | --changed | --night] [--only ${names} [-- ARG …]]\n`);
  process.exit(2);
}
const isWhole = !values.quick && !values.changed && positionals.length === 0;

/** Files that have tests with a tag. */
const taggedTests = (): string[] =>
  [...readSources('test', ['.ts'])]
    .filter(([path, text]) => path.endsWith('.test.ts') && TAGGED.test(text))
    .map(([path]) => path);

/** Which tests of the files run: all when somebody named them. */
const tagsFilter = (): readonly string[] => {
  // Of a night, whole files: what is left out may follow what is not.
  if (positionals.length > 0 || values.night) return [];
  const left = Object.keys(LEFT).filter(
    (tag) => tag !== 'deploy' || !hasDeployChanged(pushedFiles(root, process.env['CHANGED_SINCE'])),
  );
  return ['--tags-filter', left.map((tag) => `!${tag}`).join(' && ')];
};

const filter = tagsFilter();
const outcomes = await runTogether(chosen, ({ name, quick = [] }) => [
  ...(values.quick ? quick : []),
  ...(name === 'tests' ? [...filter, ...(values.changed ? changedTests() : [])] : []),
  ...(values.night ? taggedTests() : []),
  ...positionals,
]);
const first = readTestReport(testReport, root);
const tests = isWhole ? await runFailedAgain(first, filter) : { found: first, unsteady: [] };
process.exitCode = summarize(outcomes, tests) === 0 ? 0 : 1;
