// What the gate leaves out: when the tests of deploy/ run, and that each file with tests of the night is told of.
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { hasDeployChanged } from '../deploy-tests.ts';
import { plant, readSources, root, type Sources } from './sources.ts';

test.each([
  ['a file of deploy/', ['docs/fleet.md', 'deploy/ansible/site.yml'], true],
  ['the lock file', ['package-lock.json'], true],
  ['a test', ['test/integration/image.test.ts'], true],
  ['the script of a test', ['test/support/fresh-root.sh'], true],
  ['what git does not know', undefined, true],
  ['something else', ['src/policy/rule.ts', 'test/support/process.ts', 'deployment.md'], false],
  ['nothing', [], false],
])('they run when it is known that this changed, or nothing is known: %s', (_, changed, runs) => {
  expect(hasDeployChanged(changed)).toBe(runs);
});

test('whoever changes a file with such tests has them run', () => {
  const files = [...readSources('test', ['.ts'])].filter(([, text]) =>
    /@module-tag deploy|tags: 'deploy'/.test(text),
  );
  expect(files.map(([path]) => path).filter((path) => !hasDeployChanged([path]))).toEqual([
    'test/tidy/deploy-tests.test.ts',
  ]);
  expect(files.length).toBeGreaterThan(5);
});

/** Files with tests that the gate leaves out and that no row of the page names. */
const findUntold = (files: Sources, page: string): string[] => {
  const cells = page.slice(page.indexOf('## What a night runs')).matchAll(/^\| ([^|]+) \|/gm);
  const told = new Set([...cells].flatMap(([, cell = '']) => cell.split(', ').map((name) => basename(name))));
  return [...files]
    .filter(([, text]) => /@module-tag (?:night|deploy)\b|tags: '|support\/night\.ts'/.test(text))
    .map(([path]) => path)
    .filter((path) => !told.has(basename(path, '.test.ts')));
};

test('what is left to the night stands in the table of docs/development.md', () => {
  const page = readFileSync(join(root, 'docs/development.md'), 'utf8');
  const files = [...readSources('test', ['.ts'])].filter(
    ([path]) => path.endsWith('.test.ts') && !path.endsWith('/deploy-tests.test.ts'),
  );
  expect(findUntold(new Map(files), page)).toEqual([]);
  const breach = plant({ 'test/integration/unheard.test.ts': "test('long', { tags: 'night' }, () => {});" });
  expect(findUntold(breach, page)).toEqual(['test/integration/unheard.test.ts']);
});
