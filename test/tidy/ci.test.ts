// What .ci/run makes of its stages, with an npm that says what a stage came to: the last line counts all of them.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { findProgram } from '../support/process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Everything that it calls: no apt-get among it. */
const TOOLS = [
  'bash',
  'sh',
  'cat',
  'cut',
  'dirname',
  'grep',
  'mktemp',
  'pgrep',
  'pkill',
  'rm',
  'setsid',
  'sleep',
];

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Runs it where `npm run ok` and `npm run dates` do what the lines of shell say. */
const runCi = (ok: string, dates: string, args: readonly string[] = []) => {
  const folder = mkdtempSync(join(tmpdir(), 'cordon-ci-'));
  folders.push(folder);
  for (const name of ['.ci', 'test/support', 'bin', 'node_modules'])
    mkdirSync(join(folder, name), { recursive: true });
  for (const name of ['.ci/run', 'test/support/programs.txt']) cpSync(join(root, name), join(folder, name));
  for (const name of [...TOOLS, 'tail', 'tee'])
    symlinkSync(findProgram(name) ?? name, join(folder, 'bin', name));
  const npm = join(folder, 'bin/npm');
  writeFileSync(npm, `#!/bin/sh\necho "npm $*"\ncase "$*" in *" ok"*) ${ok};; *) ${dates};; esac\n`);
  chmodSync(npm, 0o755);
  const { status, stdout, stderr } = spawnSync('bash', [join(folder, '.ci/run'), ...args], {
    encoding: 'utf8',
    env: { PATH: join(folder, 'bin'), TMPDIR: folder, CI: 'true' },
  });
  const lines = stdout.trim().split('\n');
  return { status, last: lines.at(-1), lines, stderr };
};

test.each([
  ['everything passed', 'echo "10 passed, 0 failed"', 'echo "5 passed, 0 failed"', 0, '15 passed, 0 failed'],
  [
    'a date failed',
    'echo "10 passed, 0 failed"',
    'echo "5 passed, 2 failed"; exit 1',
    1,
    '15 passed, 2 failed',
  ],
  [
    'the gate failed',
    'echo "9 passed, 1 failed"; exit 1',
    'echo "5 passed, 0 failed"',
    1,
    '14 passed, 1 failed',
  ],
  ['a date ended without a word', 'echo "10 passed, 0 failed"', 'exit 7', 1, '10 passed, 1 failed'],
  [
    'a failure with status 0',
    'echo "10 passed, 1 failed"',
    'echo "5 passed, 0 failed"',
    1,
    '15 passed, 1 failed',
  ],
  [
    'no test was run on a date',
    'echo "10 passed, 0 failed"',
    'echo "0 passed, 0 failed"',
    1,
    '10 passed, 0 failed',
  ],
])('%s', (_, ok, dates, status, last) => {
  const made = runCi(ok, dates);
  expect(made, made.stderr).toMatchObject({ status, last });
  expect(made.lines).toContain('npm run --silent dates -- --clock --only 29 February 2028 --only +800 days');
});

test('a night runs what the gate leaves out, and nothing else', () => {
  const made = runCi('exit 1', 'echo "5 passed, 0 failed"', ['--night']);
  expect(made, made.stderr).toMatchObject({ status: 0, last: '5 passed, 0 failed' });
  expect(made.lines.filter((line) => line.startsWith('npm'))).toEqual(['npm run --silent night']);
});

test('one date of a night is all tests on that one', () => {
  const made = runCi('exit 1', 'echo "5 passed, 0 failed"', ['--date', 'today, UTC+14']);
  expect(made, made.stderr).toMatchObject({ status: 0, last: '5 passed, 0 failed' });
  expect(made.lines.filter((line) => line.startsWith('npm'))).toEqual([
    'npm run --silent dates -- --only today, UTC+14',
  ]);
});
