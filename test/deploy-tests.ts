// Which tests of deploy/ the gate may leave out: those that passed here within a day, with the same files to judge.
//
// Packages, image, Ansible role, alerts and dashboards change when deploy/ does, and building and judging them is dear.
// What they have of src as well, such as a file that the program reads by its path, each day's first run finds. Where
// nothing is noted, as in a new checkout, and where CI=true promises every test, they run.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { TestsFound } from './test-report.ts';

const TESTS = ['ansible', 'dashboards', 'image', 'install', 'package']
  .map((name) => `test/integration/${name}.test.ts`)
  .concat('test/tidy/deploy.test.ts');
/** What they judge beside the program, and what they are made of. */
const JUDGED = [
  'deploy',
  'test/support',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
].concat(['src/launch.mjs', 'pages/build.ts'], TESTS);
const NOTE = 'node_modules/.cache/deploy-tests.json';
/** Less than a day: a run at the same hour each day is not left out. */
const PASSED_MS_MAX = 20 * 3_600_000;

const noteSchema = z.object({ fingerprint: z.string(), passedMs: z.number() });

/** What they judge, as a hash. */
export const fingerprintOf = (root: string): string => {
  const hash = createHash('sha256');
  const files = JUDGED.flatMap((path) =>
    existsSync(join(root, path)) && statSync(join(root, path)).isDirectory()
      ? readdirSync(join(root, path), { recursive: true, encoding: 'utf8' }).map((name) => join(path, name))
      : [path],
  );
  for (const file of files.sort()) {
    const isFile = existsSync(join(root, file)) && statSync(join(root, file)).isFile();
    if (isFile)
      hash.update(`${file}\n`).update(
        createHash('sha256')
          .update(readFileSync(join(root, file)))
          .digest(),
      );
  }
  return hash.digest('hex');
};

/** Test files that need not run, none when that is not sure. */
export const passedDeployTests = (
  root: string,
  fingerprint: string,
  nowMs: number,
  isCi: boolean,
): readonly string[] => {
  if (isCi || !existsSync(join(root, NOTE))) return [];
  const note = noteSchema.safeParse(parseJson(readFileSync(join(root, NOTE), 'utf8')));
  if (!note.success) return [];
  const ageMs = nowMs - note.data.passedMs;
  return ageMs >= 0 && ageMs < PASSED_MS_MAX && note.data.fingerprint === fingerprint ? TESTS : [];
};

/** Notes that they passed, when all of them were run and did. */
export const noteDeployTests = (
  root: string,
  fingerprint: string,
  nowMs: number,
  found: TestsFound,
): void => {
  if (!TESTS.every((path) => found.get(path)?.isFailed === false)) return;
  mkdirSync(dirname(join(root, NOTE)), { recursive: true });
  writeFileSync(join(root, NOTE), JSON.stringify({ fingerprint, passedMs: nowMs }));
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
