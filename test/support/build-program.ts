// Puts the sources and what they import into a few files, as the program that tests start.
//
// The tests start it hundreds of times, and a third of what a start cost was to find and link a thousand modules
// once for each thread. What a module says of itself stays true: `import.meta.url` is what it would be in the package, of
// which the folder has the layout. Vitest calls this once a run, and again in watch mode when something changed; it takes
// two seconds, or nothing when the sources are those of before.
import assert from 'node:assert/strict';
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
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Plugin, rolldown } from 'rolldown';
import type { TestProject } from 'vitest/node';

const root = fileURLToPath(new URL('../..', import.meta.url));
const sources = join(root, 'src');
const cache = join(root, 'node_modules/.cache/program');
/** What begins a program or a thread, or is had by roomOf(). */
const ENTRIES = [
  'main',
  'host/app/app',
  'commands/command',
  'resolver/workers/worker',
  'fleet/evidence-thread',
  'policy/generation/thread',
  'evidence/records-thread/recorder-thread',
  'evidence/query-log/query-log-thread',
  'evidence/report/thread',
];
/** These load files of their own, by paths. */
const EXTERNAL = ['dejavu-fonts-ttf', 'koffi', 'pdfkit', 'pg-native'];
/** Read by path. */
const LINKS = { lists: 'lists', 'package.json': 'package.json', 'src/pages': 'dist/pages' };
/** A build that no run used for so long is removed. */
const KEPT_MS = 86_400_000;

/** What a build is made of: it says the same for the same sources. */
const fingerprint = (): string => {
  const hash = createHash('sha256');
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).map((name) => join('src', name));
  for (const name of [...files.sort(), 'package-lock.json', 'test/support/build-program.ts']) {
    const { mtimeMs, size } = statSync(join(root, name));
    hash.update(`${name} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex').slice(0, 16);
};

/** Gives each module the address that it would have in the package. */
const packagedAddresses = (folder: string, moved: Set<string>): Plugin => ({
  name: 'packaged-addresses',
  transform(code, path) {
    if (!path.startsWith(`${sources}/`) || !code.includes('import.meta.url')) return null;
    const name = relative(root, path).replace(/\.ts$/, '.js');
    moved.add(name);
    return code.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(join(folder, name)).href));
  },
});

/** What a start leaves in memory is collected later than nearly all tests end: that is a sixth of what the start costs. */
const unsettled: Plugin = {
  name: 'unsettled',
  transform(code, path) {
    if (path !== join(sources, 'resolver/workers/retired-memory.ts')) return null;
    const [before, after = assert.fail('no SETTLE_AFTER_MS')] = code.split(
      /(?<=const SETTLE_AFTER_MS = )\d+/,
    );
    return `${before}60_000${after}`;
  },
};

const build = async (folder: string): Promise<void> => {
  // Not by mkdtemp(): some tests start the program as another user, who has to read it.
  const made = join(cache, `making-${process.pid}`);
  mkdirSync(made, { recursive: true });
  const moved = new Set<string>();
  const bundle = await rolldown({
    input: Object.fromEntries(ENTRIES.map((entry) => [entry, join(sources, `${entry}.ts`)])),
    platform: 'node',
    external: EXTERNAL,
    logLevel: 'warn',
    plugins: [packagedAddresses(folder, moved), unsettled],
  });
  await bundle.write({
    dir: join(made, 'src'),
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'parts/[name]-[hash].js',
  });
  await bundle.close();
  for (const [name, target] of Object.entries(LINKS)) symlinkSync(join(root, target), join(made, name));
  // Whoever asks for the date of a module finds that of the build.
  for (const name of moved) {
    if (existsSync(join(made, name))) continue;
    mkdirSync(dirname(join(made, name)), { recursive: true });
    writeFileSync(join(made, name), '');
  }
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
