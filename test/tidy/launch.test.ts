// The launcher compiles the files of threads that live as long as the program before it starts it. One that it does not
// find ends that work without a word, and the type stripper stays in every thread: 20 MiB each.
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readSources } from './sources.ts';

const LAUNCHER = fileURLToPath(new URL('../../src/launch.mjs', import.meta.url));
/** Live for one reload, one report, one draft that is tried, and while somebody searches. */
const PASSING = [
  'src/policy/generation/thread.ts',
  'src/evidence/report/thread.ts',
  'src/evidence/impact/impact-thread.ts',
  'src/evidence/query-log/search-thread.ts',
];

test('the launcher compiles every file of a thread that stays', () => {
  const started = [...readSources('src', ['.ts'])]
    .filter(([, text]) => text.includes('new Worker(new URL('))
    .map(([path, text]) =>
      posix.join(posix.dirname(path), /'(\.\/[\w-]*(?:thread|worker)\.ts)'/.exec(text)?.[1] ?? '?'),
    )
    .filter((path) => !PASSING.includes(path));
  const [, list = ''] = /const threadFiles = \[([^\]]*)\]/.exec(readFileSync(LAUNCHER, 'utf8')) ?? [];
  const compiled = [...list.matchAll(/'([^']+)'/g)].map(([, path]) => `src/${path}`);
  expect(compiled.toSorted()).toEqual(started.toSorted());
});
