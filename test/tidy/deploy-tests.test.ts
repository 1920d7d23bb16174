// When the gate runs the tests of deploy/, and that it knows the files that have them.
import { expect, test } from 'vitest';
import { hasDeployChanged } from '../deploy-tests.ts';
import { readSources } from './sources.ts';

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
