// `npm run dates`: the tests on other days than today, and in other zones than that of the machine.
//
// Each run of the tests has its own wall clock and zone by libfaketime, which every program that a test starts has as
// well; timers run as ever. What fails names tests that go by the calendar, and is true of the day on which it will be.
//
//   npm run dates                                  # all tests on every date
//   npm run dates -- --gate                        # those of the gate, on every date
//   npm run dates -- --quick --only '+370 days'    # the projects of `npm run ok -- --quick`, on one
//   npm run dates -- --clock --only '+370 days'    # of these the files that name the machine's clock: what .ci/run does
//   npm run dates -- test/unit/dnssec              # one directory or file
//   npm run dates -- --only '+40 days' -- test/unit/dnssec -t 'expired'
//
// The last line is `N passed, N failed`, over all dates; the status is 0 only when tests ran and nothing failed.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createTestFiles } from '../memory-folder.ts';
import { clockEnvironment } from '../support/fake-time.ts';
import { MOMENTS, type Moment, offsetMs } from '../support/moments.ts';
import { countTests, failedFiles, namesOfFailed, readTestReport, withSecondRun } from '../test-report.ts';
import { readSources } from '../tidy/sources.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** What is named of one date: more is the same fault. */
const NAMED_MAX = 40;
/** Failed files of one date; more are no accident of the machine. */
const SECOND_RUN_MAX = 4;

const { values, positionals } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    gate: { type: 'boolean', default: false },
    clock: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
  },
  allowPositionals: true,
});
const chosen = MOMENTS.filter(({ name }) => values.only?.includes(name) ?? true);
const unknown = values.only?.filter((name) => !MOMENTS.some((one) => one.name === name)) ?? [];
if (unknown.length > 0) {
  const names = MOMENTS.map(({ name }) => `  ${name}`).join('\n');
  process.stderr.write(`no date is called ${unknown.join(' or ')}; these are:\n${names}\n`);
  process.exit(2);
}

const work = mkdtempSync(join(tmpdir(), 'cordon-dates-'));
// Some programs run as another user, and read the offset as well.
chmodSync(work, 0o755);
process.once('exit', () => rmSync(work, { recursive: true, force: true }));

/** Where programs are; some of systemd's are in no PATH. */
const PLACES = ['/usr/bin', '/usr/sbin', '/usr/lib/systemd'];
/** Of BIND every one, haproxy: libfaketime and jemalloc wait for each other for ever when a program starts. */
const BY_JEMALLOC = /^(?:delv|dig|dnssec-|dnstap-read|mdig|named|nsupdate|rndc|tsig-keygen|haproxy)/;
/** Those that never answer, or never end, with it. */
const BY_TRIAL = /^(?:chromium|firefox|h2load|knotd|kresd|nghttp|pdns_recursor|syslog-ng|systemd-resolved)/;

/**
 * A directory before all others of the PATH with what cannot have another clock. What the tests sign, zones and certificates,
 * holds by both clocks.
 */
const makeExceptions = (): string => {
  const directory = join(work, 'bin');
  mkdirSync(directory);
  for (const place of PLACES.filter((one) => existsSync(one)))
    for (const name of readdirSync(place)) {
      if (!BY_JEMALLOC.test(name) && !BY_TRIAL.test(name)) continue;
      const script = join(directory, name);
      writeFileSync(script, `#!/bin/sh\nunset LD_PRELOAD\nexec ${join(place, name)} "$@"\n`);
      chmodSync(script, 0o755);
    }
  return directory;
};

/** Files of the quick tests whose outcome may depend on the day: a test with a clock of its own does not ask the machine's. */
const clockFiles = (): string[] =>
  ['test/unit', 'test/property', 'test/tidy'].flatMap((folder) =>
    [...readSources(folder, ['.ts'])]
      .filter(([path, text]) => path.endsWith('.test.ts') && /\bDate\.now\b|\bnew Date\(\)/.test(text))
      .map(([path]) => path),
  );

const exceptions = makeExceptions();
const testFiles = createTestFiles();
let child: ReturnType<typeof spawn> | undefined;
let isEnded = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    isEnded = true;
    child?.kill(signal);
  });

const offset = join(work, 'offset');
/** Puts the clock of what is started from now on. */
const setClock = (moment: Moment): void => {
  const seconds = Math.round(offsetMs(moment, Date.now()) / 1_000);
  writeFileSync(offset, `${seconds < 0 ? '' : '+'}${seconds}\n`);
};

/** One run of the tests. Resolves with whether it ended with status 0. */
const runTests = (moment: Moment, report: string, files: readonly string[]): Promise<boolean> => {
  const env = {
    ...process.env,
    ...testFiles.env,
    ...clockEnvironment(offset),
    TZ: moment.zone,
    TEST_REPORT: report,
    PATH: `${exceptions}:${process.env['PATH'] ?? ''}`,
  };
  const gate = values.gate ? ['--tags-filter', '!night && !deploy'] : [];
  const projects = values.quick || values.clock ? ['--project', 'quick*', '--tags-filter', '!night'] : gate;
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  return new Promise((resolve, reject) => {
    const command = [...testFiles.command, process.execPath, vitest, 'run', ...projects, ...files];
    child = spawn(command[0] ?? '', command.slice(1), {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env,
    });
    child.once('error', reject);
    child.once('close', (code) => resolve(code === 0));
  });
};

/** What a clock shows, as `date` says it. */
const showMoment = (moment: Moment): string =>
  new Date(Date.now() + offsetMs(moment, Date.now())).toLocaleString('sv-SE', { timeZone: moment.zone });

interface Row {
  readonly moment: Moment;
  readonly shown: string;
  readonly passed: number;
  readonly failed: readonly string[];
  readonly seconds: number;
}

const rows: Row[] = [];
for (const [index, moment] of chosen.entries()) {
  if (isEnded) break;
  const shown = showMoment(moment);
  process.stdout.write(`\n== ${moment.name}: ${shown} ${moment.zone}\n`);
  const report = join(work, `tests-${index}.json`);
  const start = performance.now();
  setClock(moment);
  const isGood = await runTests(moment, report, values.clock ? clockFiles() : positionals);
  let found = readTestReport(report, root);
  const again = failedFiles(found);
  // As in the gate: what passes alone was held up by what ran beside it.
  if (again.length > 0 && again.length <= SECOND_RUN_MAX && !isEnded) {
    process.stdout.write(`\n== ${moment.name}, once more and alone: ${again.join(' ')}\n`);
    setClock(moment);
    await runTests(moment, `${report}.again`, again);
    found = withSecondRun(found, readTestReport(`${report}.again`, root));
  }
  const failed = namesOfFailed(found);
  // A run fails without a failed test when something is thrown outside of all, or when it found none.
  if (!isGood && failed.length === 0 && again.length === 0) failed.push('the run itself');
  const { passed } = countTests(found);
  rows.push({ moment, shown, passed, failed, seconds: (performance.now() - start) / 1_000 });
}

process.stdout.write('\n== summary\n');
const line = (...[name, shown, zone, passed, failed, seconds]: readonly string[]): string =>
  [
    name?.padEnd(24),
    shown?.padEnd(20),
    zone?.padEnd(20),
    passed?.padStart(7),
    failed?.padStart(7),
    seconds?.padStart(7),
  ].join(' ');
process.stdout.write(`${line('date', 'clock at the start', 'zone', 'passed', 'failed', 's')}\n`);
for (const { moment, shown, passed, failed, seconds } of rows)
  process.stdout.write(
    `${line(moment.name, shown, moment.zone, String(passed), String(failed.length), seconds.toFixed(0))}\n`,
  );
for (const { moment, failed } of rows) {
  for (const name of failed.slice(0, NAMED_MAX)) process.stdout.write(`FAILED ${moment.name}: ${name}\n`);
  if (failed.length > NAMED_MAX)
    process.stdout.write(`FAILED ${moment.name}: and ${failed.length - NAMED_MAX} more\n`);
}
const passed = rows.reduce((sum, row) => sum + row.passed, 0);
const failed = rows.reduce((sum, row) => sum + row.failed.length, 0) + (isEnded ? 1 : 0);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = passed > 0 && failed === 0 ? 0 : 1;
