// Runs a script of this checkout on the Node.js that the lock file names.
//
// Usage: node src/launch.mjs SCRIPT [ARG …]. Plain JavaScript without dependencies, because it is the one file
// that an older Node.js has to understand: it looks whether what the lock file lists is there, picks the locked runtime
// (or the user's own Node.js when that is new enough), and passes signals and the exit code through. What is there
// suffices, with packages for development or without; `npm start`, `npm test` and the gate install what is missing, and
// every other command says so and changes nothing: an installation that serves is never touched by a look at it.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NODE_MAJOR_MIN = 24;
/** How often it is looked whether npm is still there, milliseconds. */
const PARENT_POLL_MS = 500;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lockFile = join(root, 'package-lock.json');
const programFile = join(root, 'src', 'main.ts');

const fail = (text) => {
  process.stderr.write(`cordon: ${text}\n`);
  process.exit(1);
};

const readPackages = (path) => JSON.parse(readFileSync(path, 'utf8')).packages;

/** The version of an installed package, undefined where it is not there. */
const installedVersion = (place, noted) => {
  const manifest = join(root, place, 'package.json');
  if (!existsSync(manifest)) return undefined;
  return noted === undefined ? JSON.parse(readFileSync(manifest, 'utf8')).version : noted[place]?.version;
};

/** npm's own note of what it installed; other ways leave none. */
const readNote = () => {
  const note = join(root, 'node_modules', '.package-lock.json');
  return existsSync(note) ? readPackages(note) : undefined;
};

/** What is installed was made without the features that can be left out (src/base/features.ts), all of them. */
const isSmall = (wanted, noted) =>
  noted !== undefined &&
  Object.keys(wanted[''].peerDependencies ?? {}).every((name) => !noted[`node_modules/${name}`]);

/** What the lock file wants and is not there, each in words. What is optional may be missing, and more may be there. */
const findMissing = (isForDevelopment, noted) => {
  const wanted = readPackages(lockFile);
  const mayLack = isSmall(wanted, noted);
  return Object.entries(wanted)
    .filter(([place, { optional }]) => place !== '' && !optional)
    .filter(([, { dev, peer }]) => isForDevelopment || !(dev || (peer && mayLack)))
    .map(([place, { version }]) => [
      place.slice('node_modules/'.length),
      version,
      installedVersion(place, noted),
    ])
    .filter(([, version, installed]) => installed !== version)
    .map(
      ([name, version, installed]) =>
        `${name} ${version}${installed === undefined ? '' : ` (there is ${installed})`}`,
    );
};

/** True for the three commands that may install: npm start, npm test and the gate. */
const mayInstall = (script, command) => {
  const { npm_lifecycle_event: event } = process.env;
  if (script === join(root, 'test', 'ok.ts')) return true;
  if (event === 'test') return script === join(root, 'node_modules', 'vitest', 'vitest.mjs');
  return event === 'start' && script === programFile && command === 'serve';
};

/** What npm is to leave out, as it did when what is there was installed. */
const omitted = (isForDevelopment, noted) => [
  ...(isForDevelopment ? [] : ['--omit=dev']),
  ...(!isForDevelopment && isSmall(readPackages(lockFile), noted) ? ['--omit=peer'] : []),
];

const requireDependencies = (script, command) => {
  // What lies in src/ needs nothing else to run.
  const isForDevelopment = !script.startsWith(join(root, 'src'));
  const noted = readNote();
  const missing = findMissing(isForDevelopment, noted);
  if (missing.length === 0) return;
  if (!mayInstall(script, command)) {
    const words = ['npm', 'ci', ...omitted(isForDevelopment, noted), '--ignore-scripts'].join(' ');
    const others = missing.length === 1 ? '' : ` and ${missing.length - 1} more`;
    fail(
      `not installed as the lock file says: ${missing[0]}${others}; run "${words}" in ${root}, nothing was changed`,
    );
  }
  process.stderr.write('cordon: installing locked dependencies (npm ci), once\n');
  // What is installed serves without packages for development.
  const isProduction = noted !== undefined && !Object.values(noted).some(({ dev }) => dev);
  const args = [
    'ci',
    ...(isProduction ? omitted(isForDevelopment, noted) : []),
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  const npm = spawnSync('npm', args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  if (npm.error) fail(`npm ci could not be started: ${npm.error.message}`);
  if (npm.status !== 0) fail(`npm ci ended with status ${npm.status}; run it by hand in ${root} to see why`);
};

const findRuntime = () => {
  const locked = join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
  if (existsSync(locked)) return locked;
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN) return process.execPath;
  return fail(
    `Node.js ${NODE_MAJOR_MIN} or newer is needed and no locked runtime exists for ` +
      `${process.platform}-${process.arch}; install Node.js ${NODE_MAJOR_MIN} and run this again with it`,
  );
};

const threadFiles = [
  'resolver/workers/worker.ts',
  'evidence/query-log/query-log-thread.ts',
  'evidence/records-thread/recorder-thread.ts',
  'fleet/evidence-thread.ts',
].map((name) => join(root, 'src', name));

/** Changes with every source file, every dependency and the runtime. */
const describeSources = (runtime) => {
  const hash = createHash('sha256').update(runtime).update(readFileSync(lockFile));
  for (const name of readdirSync(join(root, 'src'), { recursive: true }).sort()) {
    const { mtimeMs, size } = statSync(join(root, 'src', name));
    hash.update(`${name} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex');
};

/**
 * Lets a process that does nothing else strip and compile what changed, because the type stripper stays in whatever
 * process it was loaded into: some 20 MiB for each thread of a resolver that may run for months.
 */
const fillCompileCache = (runtime, env) => {
  const wanted = describeSources(runtime);
  const stamp = join(env.NODE_COMPILE_CACHE, 'sources');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  // Without a command, the program prints its help, which nobody is to see; commands are loaded when they run, and a
  // thread without a start does nothing. They have to be threads, and of a process that has loaded the program: the
  // cache depends on V8's flags.
  const commands = join(root, 'src', 'commands');
  const handlers = readdirSync(commands).filter((name) => name.endsWith('.ts'));
  const code = `
    import { Worker } from 'node:worker_threads';
    await import('${pathToFileURL(programFile)}');
    for (const url of ${JSON.stringify(handlers.map((name) => pathToFileURL(join(commands, name)).href))}) await import(url);
    for (const url of ${JSON.stringify(threadFiles.map((path) => pathToFileURL(path).href))})
      new Worker(new URL(url), { execArgv: [] });`;
  spawnSync(runtime, ['--input-type=module', '--eval', code], { env, stdio: 'ignore' });
  try {
    writeFileSync(stamp, wanted);
  } catch (error) {
    // Where nothing can be written (another user's checkout, a read-only file system) the program does without.
    if (error.code === undefined) throw error;
  }
};

const pagesSource = join(root, 'pages');
const pagesIndex = join(root, 'dist', 'pages', 'index.html');

/** Builds the pages of the control room before the service starts, when one of their files has changed since. */
const buildPages = (runtime, env) => {
  if (!existsSync(pagesSource) || !existsSync(join(root, 'node_modules', 'rolldown'))) return;
  const hash = createHash('sha256').update(readFileSync(lockFile));
  for (const name of readdirSync(pagesSource, { recursive: true }).sort()) {
    const { mtimeMs, size } = statSync(join(pagesSource, name));
    hash.update(`${name} ${mtimeMs} ${size}\n`);
  }
  const wanted = hash.digest('hex');
  const stamp = join(root, 'dist', 'pages.built');
  if (existsSync(pagesIndex) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const { status } = spawnSync(runtime, [join(pagesSource, 'build.ts')], { env, stdio: 'inherit' });
  // Without pages the resolver resolves: the control room says what is missing.
  if (status === 0) writeFileSync(stamp, wanted);
};

const [asked, ...args] = process.argv.slice(2);
if (asked === undefined) fail('usage: node src/launch.mjs SCRIPT [ARG …]');
const script = resolve(root, asked);
requireDependencies(script, args[0]);
const runtime = findRuntime();
// Keeps stripped and compiled code between runs: half the start-up time and less memory.
const env = { NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compile'), ...process.env };
if (script === programFile && env.NODE_COMPILE_CACHE !== '') fillCompileCache(runtime, env);
if (script === programFile && args[0] === 'serve') buildPages(runtime, env);
// SIGUSR1 would open a debugger on loopback, through which any user of the machine reads the keys that this one holds.
process.on('SIGUSR1', () => {});
// A FIPS module has to be there before the first line of a program runs, so a configuration cannot ask for it.
const { CORDON_OPENSSL_CONFIG: opensslConfig = '' } = process.env;
const fips = opensslConfig === '' ? [] : [`--openssl-config=${resolve(opensslConfig)}`, '--enable-fips'];
// npm runs scripts in the folder of package.json; what people write is relative to where they stand.
const { INIT_CWD: standing, npm_lifecycle_event: event } = process.env;
const isOfProgram = script === programFile && (event === 'cordon' || event === 'start');
const child = spawn(runtime, ['--disable-sigusr1', ...fips, script, ...args], {
  stdio: 'inherit',
  env,
  ...(isOfProgram && standing && existsSync(standing) ? { cwd: standing } : {}),
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']) process.on(signal, () => child.kill(signal));
// npm does not pass SIGTERM on: a script whose npm was ended would go on without anybody to stop it.
const parent = process.ppid;
if (process.env.npm_lifecycle_event !== undefined) {
  setInterval(() => process.ppid !== parent && child.kill('SIGTERM'), PARENT_POLL_MS).unref();
}
child.on('error', (error) => fail(`the runtime could not be started: ${error.message}`));
child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 128));
