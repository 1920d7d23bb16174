// What the gate takes for changed, in repositories of a few commits.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pushedFiles } from '../pushed.ts';

/** Nothing is kept, so nothing is written through or packed: both take longer than the commit. */
const SETTINGS = [
  ...['user.name=A. Body', 'user.email=a@agency.example'],
  ...['maintenance.auto=false', 'core.fsync=none'],
];

let root = '';
const git = (...args: readonly string[]): string =>
  execFileSync('git', [...SETTINGS.flatMap((setting) => ['-c', setting]), ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' },
  }).trim();
/** Commits a new file. */
const commit = (name: string): void => {
  writeFileSync(join(root, name), '');
  git('add', name);
  git('commit', '--quiet', '--message', name);
};

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cordon-pushed-'));
  git('init', '--quiet', '--initial-branch', 'main');
  commit('first');
});
afterEach(() => rmSync(root, { recursive: true }));

test('on main it is the last commit, with what is not committed yet', () => {
  commit('second');
  commit('third');
  expect(pushedFiles(root)).toEqual(['third']);
  writeFileSync(join(root, 'new'), '');
  writeFileSync(join(root, 'second'), 'changed');
  expect(pushedFiles(root)).toEqual(['second', 'third', 'new']);
});

test('of a push of several commits it is all of them, when the commit before is told', () => {
  commit('second');
  const before = git('rev-parse', 'HEAD');
  commit('third');
  commit('fourth');
  expect(pushedFiles(root, before)).toEqual(['fourth', 'third']);
  // What a new branch is told to have been before, and a commit that was rewritten.
  for (const unknown of ['0'.repeat(40), 'f'.repeat(40)])
    expect(pushedFiles(root, unknown)).toEqual(['fourth']);
});

test('on a branch it is all of the branch, and a merge is what it brings', () => {
  git('checkout', '--quiet', '-b', 'work');
  commit('one');
  commit('two');
  git('checkout', '--quiet', 'main');
  commit('other');
  git('checkout', '--quiet', 'work');
  expect(pushedFiles(root)).toEqual(['one', 'two']);
  git('checkout', '--quiet', 'main');
  git('merge', '--quiet', '--no-edit', 'work');
  expect(pushedFiles(root)).toEqual(['one', 'two']);
});

test('without history nobody knows', () => {
  expect(pushedFiles(root)).toBeUndefined();
  rmSync(join(root, '.git'), { recursive: true });
  expect(pushedFiles(root)).toBeUndefined();
});
