// One table says which programs tests need and which package brings them: the README, CI and a run's own report go by it.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { MOMENTS } from '../support/moments.ts';
import { describeNotRun } from '../support/not-run.ts';
import { needing } from '../support/process.ts';
import { missingText, PACKAGES, packageOf, readMissing } from '../support/programs.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const packages = [...PACKAGES.keys()];

test('the table is sorted, and has each program once', () => {
  expect(packages).toEqual(packages.toSorted());
  const programs = [...PACKAGES.values()].flat();
  expect(programs).toHaveLength(new Set(programs).size);
  expect(programs.every((program) => /^[\w.-]+$/.test(program))).toBe(true);
});

test('the README installs the packages of the table, in one line', () => {
  const [, named = ''] =
    /^sudo apt-get install --no-install-recommends (.*)$/m.exec(
      read('README.md').split('## Tests')[1] ?? '',
    ) ?? [];
  expect(named.split(' ')).toEqual(packages);
});

test('.ci/run installs the packages of the table', () => {
  const line = read('.ci/run').match(/^mapfile -t packages .*$/m)?.[0] ?? 'exit 1';
  const named = execFileSync('bash', ['-c', `${line}; printf '%s\\n' "\${packages[@]}"`], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(named.trim().split('\n')).toEqual(packages);
});

test('each night runs every date and what the gate leaves out, and each change two dates', () => {
  const names = MOMENTS.map(({ name }) => name);
  const github = parse(read('.github/workflows/nightly.yml'));
  expect(github.jobs.dates.strategy.matrix.date).toEqual(names);
  const gitlab = parse(read('.gitlab-ci.yml'));
  expect(gitlab.dates.parallel.matrix).toEqual([{ DATE: names }]);
  const [, chosen = ''] = /^readonly dates=\((.*)\)$/m.exec(read('.ci/run')) ?? [];
  const dates = [...chosen.matchAll(/'([^']+)'/g)].map(([, name]) => name);
  expect(dates).toHaveLength(2);
  for (const name of dates) expect(names).toContain(name);
  for (const { script = [], steps = [] } of [gitlab.night, github.jobs.night])
    expect([...script, ...steps.map(({ run }: { run?: string }) => run)]).toContain('bash .ci/run --night');
});

test('a program that the table has not is refused', () => {
  expect(() => needing('no-such-program')).toThrow('test/support/programs.txt');
  expect(packageOf('/usr/sbin/named')).toBe('bind9');
});

test('what was not run is counted by program and package, and said how to mend', () => {
  expect(describeNotRun(new Map())).toBe('');
  const reasons = new Map([
    ['needs root', 2],
    [missingText('nsd', 'nsd'), 3],
    [missingText('dnssec-signzone', 'bind9-utils'), 280],
    [missingText('/usr/lib/systemd/systemd-resolved', 'systemd-resolved'), 1],
  ]);
  expect(describeNotRun(reasons).trim().split('\n')).toEqual([
    'NOT RUN: 286 tests, which says nothing about what they show.',
    '',
    'missing program                    package of Debian  tests',
    'dnssec-signzone                    bind9-utils          280',
    'nsd                                nsd                    3',
    '/usr/lib/systemd/systemd-resolved  systemd-resolved       1',
    'needs root                                                2',
    '',
    // What a machine should not have for a test is not installed with it.
    'sudo apt-get install bind9-utils nsd',
  ]);
  expect(readMissing('needs root')).toBeUndefined();
});

test.each([
  ['', 0, 'is green, with a table'],
  ['true', 1, 'fails where CI=true promised every tool'],
])('a run without a program: CI=%j, status %i, %s', (ci, status) => {
  const empty = mkdtempSync(join(tmpdir(), 'cordon-path-'));
  try {
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    const { TEST_REPORT: _, ...inherited } = process.env;
    const made = spawnSync(process.execPath, [vitest, 'run', 'test/unit/dnssec/key.test.ts'], {
      cwd: root,
      encoding: 'utf8',
      env: { ...inherited, PATH: empty, CI: ci, NO_COLOR: '1', FORCE_COLOR: '' },
    });
    expect(made.status, made.stdout + made.stderr).toBe(status);
    if (status === 0)
      expect(made.stdout).toMatch(/^dnssec-keygen +bind9-utils +1\n\nsudo apt-get install bind9-utils$/m);
    else expect(made.stderr).toContain('dnssec-keygen is missing; .ci/run installs bind9-utils');
  } finally {
    rmSync(empty, { recursive: true });
  }
});
