// A version says the same number and day in package.json, that of cordon-proof, the lock file, the changelog and the clock's lower bound.
//
// RELEASING.md names the places. Between releases the changelog opens with Unreleased, and the version is the last one.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { root } from './sources.ts';

const HEADING = /^## (.+)$/gm;
const RELEASE = /^(\d+\.\d+\.\d+) \((\d{4}-\d{2}-\d{2})\)$/;
const RELEASED_AT = /^const RELEASED_AT_MS = Date\.UTC\((\d+), (\d+), (\d+)\);$/m;

interface Places {
  readonly manifest: string;
  /** Of cordon-proof. */
  readonly proof: string;
  readonly lock: string;
  readonly changelog: string;
  readonly validator: string;
}

/** What the places of a version say against each other. */
const findDisagreements = ({ manifest, proof, lock, changelog, validator }: Places): string[] => {
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(manifest));
  const locked = z.object({ version: z.string() }).parse(JSON.parse(lock)).version;
  const headings = [...changelog.matchAll(HEADING)].map(([, heading = '']) => heading);
  const releases = headings.filter((heading) => heading !== 'Unreleased');
  const latest = RELEASE.exec(releases[0] ?? '');
  const findings: string[] = [];
  const proven = z.object({ version: z.string() }).parse(JSON.parse(proof)).version;
  if (proven !== version) findings.push(`proof/package.json says ${proven}, package.json ${version}`);
  if (locked !== version) findings.push(`lock file says ${locked}, package.json ${version}`);
  for (const heading of releases) if (!RELEASE.test(heading)) findings.push(`heading "${heading}"`);
  if (headings.indexOf('Unreleased') > 0) findings.push('Unreleased is not on top');
  if (latest?.[1] !== version) findings.push(`changelog says ${latest?.[1]}, package.json ${version}`);
  const days = releases.map((heading) => RELEASE.exec(heading)?.[2] ?? '');
  if (days.join() !== [...days].sort().reverse().join()) findings.push('days of releases are not in order');
  const [, year, month, day] = (RELEASED_AT.exec(validator) ?? []).map(Number);
  const bound =
    year === undefined ? 'none' : new Date(Date.UTC(year, month ?? 0, day)).toISOString().slice(0, 10);
  if (bound !== latest?.[2]) findings.push(`the clock's bound is ${bound}, the release of ${latest?.[2]}`);
  return findings;
};

const read = (path: string): string => readFileSync(join(root, path), 'utf8');

test('number, day and changelog of this version agree', () => {
  expect(
    findDisagreements({
      manifest: read('package.json'),
      proof: read('proof/package.json'),
      lock: read('package-lock.json'),
      changelog: read('CHANGELOG.md'),
      validator: read('src/resolver/dnssec/validator.ts'),
    }),
  ).toEqual([]);
});

const SOUND: Places = {
  manifest: '{"version":"0.2.0"}',
  proof: '{"version":"0.2.0"}',
  lock: '{"version":"0.2.0"}',
  changelog: '# Changelog\n\n## Unreleased\n\n## 0.2.0 (2026-11-25)\n\n### Added\n\n## 0.1.0 (2026-11-01)\n',
  validator: 'const RELEASED_AT_MS = Date.UTC(2026, 10, 25);\n',
};

test('findDisagreements() accepts a version that agrees, with and without Unreleased', () => {
  expect(findDisagreements(SOUND)).toEqual([]);
  expect(
    findDisagreements({ ...SOUND, changelog: SOUND.changelog.replace('## Unreleased\n\n', '') }),
  ).toEqual([]);
});

test.each<[string, Partial<Places>]>([
  ['another number in the manifest', { manifest: '{"version":"0.3.0"}' }],
  ['another number in that of cordon-proof', { proof: '{"version":"0.1.0"}' }],
  ['another number in the lock file', { lock: '{"version":"0.1.0"}' }],
  ['a release without a day', { changelog: '## 0.2.0\n' }],
  ['a later day in the changelog', { changelog: '## 0.2.0 (2026-12-01)\n' }],
  ['Unreleased below a release', { changelog: '## 0.2.0 (2026-11-25)\n\n## Unreleased\n' }],
  ['days out of order', { changelog: '## 0.2.0 (2026-11-25)\n\n## 0.1.0 (2026-11-26)\n' }],
  ["another day in the clock's bound", { validator: 'const RELEASED_AT_MS = Date.UTC(2026, 9, 25);\n' }],
  ["no clock's bound", { validator: '' }],
])('findDisagreements() catches %s', (_, breach) => {
  expect(findDisagreements({ ...SOUND, ...breach })).not.toEqual([]);
});
