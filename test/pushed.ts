// What git says has changed, for the gate.
import { spawnSync } from 'node:child_process';

/** What git prints, a line each; nothing where it has no answer, as where there is no branch of that name. */
const gitLines = (root: string, ...args: readonly string[]): string[] =>
  (spawnSync('git', ['-c', 'core.quotePath=off', ...args], { cwd: root, encoding: 'utf8' }).stdout ?? '')
    .split('\n')
    .filter(Boolean);

/** Files that differ from a commit, those that nobody added yet among them. */
export const changedSince = (root: string, commit: string): readonly string[] => [
  ...gitLines(root, 'diff', '--name-only', commit),
  ...gitLines(root, 'ls-files', '--others', '--exclude-standard'),
];

/** Where the branch left main. */
export const leftMain = (root: string): string | undefined =>
  ['main', 'origin/main'].flatMap((main) => gitLines(root, 'merge-base', 'HEAD', main))[0];

/**
 * What is to be judged: files that differ from `since`, the commit before a push; without one that git knows, from where the
 * branch left main, or, on main, from the commit that HEAD goes on from. Undefined where git knows none.
 */
export const pushedFiles = (root: string, since = ''): readonly string[] | undefined => {
  const [head] = gitLines(root, 'rev-parse', '--verify', '--quiet', 'HEAD');
  const left = leftMain(root);
  const [base] = [since, left === undefined || left === head ? 'HEAD^1' : left]
    .filter(Boolean)
    .flatMap((name) => gitLines(root, 'rev-parse', '--verify', '--quiet', `${name}^{commit}`));
  return base === undefined ? undefined : changedSince(root, base);
};
