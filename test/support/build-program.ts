// Puts the sources and what they import into a few files, as the program that tests start.
//
// The tests start it hundreds of times, and a third of what a start cost was to find and link a thousand modules
// once for each thread. What a module says of itself stays true: `import.meta.url` is what it would be in the package, of
// which the folder has the layout. Vitest calls this once a run, and again in watch mode when something changed; it takes
// two seconds, or nothing when the sources are those of before.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { bundleProgram, ENTRIES } from '../../deploy/package/bundle.ts';
import { cheapPasswords, unsettled } from './cheap-sources.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const sources = join(root, 'src');
const cache = join(root, 'node_modules/.cache/program');
/** What begins a program or a thread, or is had by roomOf(). */
const BEGINNINGS = [
  ...ENTRIES,
  'host/app/app',
  'commands/command',
  'commands/serve',
  'telemetry/observe/observe',
];
/** These load files of their own, by paths. */
const OUTSIDE = new Set(['dejavu-fonts-ttf', 'koffi', 'pdfkit', 'pg-native']);
/** Read by path. */
const LINKS = { lists: 'lists', 'package.json': 'package.json', 'src/pages': 'dist/pages' };
/** A build that no run used for so long is removed. */
const KEPT_MS = 86_400_000;

/** What a build is made of: it says the same for the same sources. */
const fingerprint = (): string => {
  const hash = createHash('sha256');
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).map((name) => join('src', name));
  for (const name of [
    ...files.sort(),
    'package-lock.json',
    'deploy/package/bundle.ts',
    'test/support/build-program.ts',
    'test/support/cheap-sources.ts',
  ]) {
    const { mtimeMs, size } = statSync(join(root, name));
    hash.update(`${name} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex').slice(0, 16);
};

const build = async (folder: string): Promise<void> => {
  // Not by mkdtemp(): some tests start the program as another user, who has to read it.
  const made = join(cache, `making-${process.pid}`);
  mkdirSync(made, { recursive: true });
  await bundleProgram({
    sources,
    out: join(made, 'src'),
    entries: BEGINNINGS,
    isOutside: (name) => OUTSIDE.has(name) || isBuiltin(name),
    plugins: [unsettled, cheapPasswords],
  });
  for (const [name, target] of Object.entries(LINKS)) symlinkSync(join(root, target), join(made, name));
  try {
    renameSync(made, folder);
  } catch (error) {
    // Another run was faster.
    if (!existsSync(folder)) throw error;
    rmSync(made, { recursive: true });
  }
};

const removeUnused = (folder: string): void => {
  const untilMs = Date.now() - KEPT_MS;
  for (const name of readdirSync(cache)) {
    const path = join(cache, name);
    if (path !== folder && statSync(path).mtimeMs < untilMs) rmSync(path, { recursive: true, force: true });
  }
};

const provide = async (): Promise<void> => {
  const folder = join(cache, fingerprint());
  if (existsSync(folder)) utimesSync(folder, new Date(), new Date());
  else await build(folder);
  removeUnused(folder);
  process.env['TEST_PROGRAM'] = join(folder, 'src/main.js');
};

/** Called by Vitest before the tests of a project. */
export const setup = async (project: TestProject): Promise<void> => {
  if (process.env['TEST_PROGRAM'] !== undefined) return;
  await provide();
  project.onTestsRerun(provide);
};
