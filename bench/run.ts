// `npm run bench`: measures Cordon beside other resolvers, shows the figures while they come and keeps them.
//
//   npm run bench -- [SUITE …] [--rounds N] [--seconds S] [--quick] [--peers NAME,…] [--before CHECKOUT]
//
// An earlier checkout takes part as the peer "before".
// All suites without a name. Needs two cores, dnsperf, unbound (the upstream) and taskset; a peer or a compiler that
// is not installed is left out and named. The figures are saved as JSON in bench/results/; bench/report.ts makes
// docs/performance.md of such a file. Status 1 when a query was lost, judged wrongly, or a suite could not run.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isInstalled } from '../test/support/process.ts';
import { bareDgram, type Contender, cordon, udpLimit } from './contender.ts';
import { micro } from './micro.ts';
import { createMillionNames, type ListedNames, readHosts, readShippedNames, writeWarmUp } from './names.ts';
import { PEERS, startUpstream } from './peers.ts';
import { stopOnSignals } from './process.ts';
import type { Results } from './report.ts';
import { type Context, mib, type Suite } from './suite.ts';
import { cached, million } from './suites/cached.ts';
import { checkpoints } from './suites/checkpoints.ts';
import { doh, dot, handshakes, idle } from './suites/encrypted.ts';
import { exemptions } from './suites/exemptions.ts';
import { low } from './suites/low.ts';
import { memory } from './suites/memory.ts';
import { misses } from './suites/misses.ts';
import { plain } from './suites/plain.ts';
import { queryLog } from './suites/query-log.ts';
import { rates } from './suites/rates.ts';
import { records } from './suites/records.ts';
import { reload } from './suites/reload.ts';
import { resident } from './suites/resident.ts';
import { room } from './suites/room.ts';
import { starts } from './suites/starts.ts';
import { validation } from './suites/validation.ts';
import { workers } from './suites/workers.ts';
import { formatTable } from './table.ts';

const SUITES: readonly Suite[] = [
  cached,
  million,
  misses,
  validation,
  reload,
  low,
  rates,
  workers,
  memory,
  resident,
  records,
  queryLog,
  checkpoints,
  starts,
  exemptions,
  room,
  plain,
  dot,
  doh,
  handshakes,
  idle,
  micro,
];
const ROUNDS = 3;
const SECONDS = 3;
const QUICK_SECONDS = 1;
/** The peers of a quick run: the two that are ahead of the others. */
const QUICK_PEERS = ['unbound', 'dnsdist'];
const CORES_MIN = 2;
const NEEDED = ['dnsperf', 'unbound', 'taskset'];

const print = (text: string): void => void process.stdout.write(`${text}\n`);

const root = fileURLToPath(new URL('..', import.meta.url));

interface Options {
  readonly suites: readonly Suite[];
  readonly rounds: number;
  readonly seconds: number;
  readonly isQuick: boolean;
  readonly peers: readonly Contender[];
}

/** The command line; a text says what is wrong with it. */
const readOptions = (): Options | string => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      peers: { type: 'string' },
      before: { type: 'string' },
    },
  });
  const unknown = positionals.find((name) => SUITES.every((suite) => suite.name !== name));
  if (unknown !== undefined)
    return `no suite is called ${unknown}; there are ${SUITES.map(({ name }) => name).join(', ')}`;
  const rounds = Number(values.rounds ?? ROUNDS);
  const seconds = Number(values.seconds ?? (values.quick ? QUICK_SECONDS : SECONDS));
  if (!Number.isInteger(rounds) || rounds < 1 || !Number.isInteger(seconds) || seconds < 1)
    return '--rounds and --seconds take whole numbers from 1';
  const wanted =
    values.peers?.split(',').filter((name) => name !== '') ?? (values.quick ? QUICK_PEERS : undefined);
  const stranger = wanted?.find((name) => PEERS.every(({ id }) => id !== name));
  if (stranger !== undefined)
    return `no peer is called ${stranger}; there are ${PEERS.map(({ id }) => id).join(', ')}`;
  return {
    suites: positionals.length === 0 ? SUITES : SUITES.filter(({ name }) => positionals.includes(name)),
    rounds,
    seconds,
    isQuick: values.quick,
    peers: [
      ...(values.before === undefined ? [] : [cordon({ id: 'before', checkout: resolve(values.before) })]),
      ...(wanted === undefined ? PEERS : PEERS.filter(({ id }) => wanted.includes(id))),
    ],
  };
};

/** Those that are installed, and the version of each. */
const findInstalled = async (
  contenders: readonly Contender[],
): Promise<{ installed: Contender[]; versions: Record<string, string> }> => {
  const installed: Contender[] = [];
  const versions: Record<string, string> = {};
  for (const contender of contenders) {
    const version = await contender.version();
    if (version === undefined) print(`not installed, left out: ${contender.id}`);
    else installed.push(contender);
    versions[contender.id] = version ?? 'not installed';
  }
  return { installed, versions };
};

const runSuites = async (options: Options, directory: string): Promise<Results> => {
  const limit = udpLimit(directory);
  const { installed, versions } = await findInstalled([cordon(), limit, bareDgram, ...options.peers]);
  if (!installed.includes(limit))
    throw new Error('the C limit could not be compiled: cc is missing or fails');
  const upstream = await startUpstream(directory);
  let millionNames: ListedNames | undefined;
  const shipped = readShippedNames(directory);
  const million = (): ListedNames => {
    millionNames ??= createMillionNames(directory);
    return millionNames;
  };
  const hosts = readHosts([shipped]);
  const context: Context = {
    directory,
    rounds: options.rounds,
    seconds: options.seconds,
    isQuick: options.isQuick,
    upstreamPort: upstream.port,
    hosts,
    shipped,
    million,
    warmUp: writeWarmUp(join(directory, 'hosts.txt'), hosts),
    limit,
    peers: installed.filter(({ role }) => role === 'peer'),
    print,
  };
  const startedAt = new Date();
  const suites: Results['suites'][number][] = [];
  try {
    for (const suite of options.suites) {
      print(`\n${suite.name}: ${suite.title}`);
      const startedMs = performance.now();
      try {
        const result = await suite.run(context);
        for (const table of result.tables) print(['', ...formatTable(table)].join('\n'));
        for (const { holds, text } of result.verdicts) print(`  ${holds ? 'yes' : 'NO '}  ${text}`);
        for (const text of result.remarks) print(`  note: ${text}`);
        for (const text of result.faults) print(`  FAULT: ${text}`);
        suites.push({ name: suite.name, title: suite.title, ...result });
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        print(`  FAULT: ${text}`);
        const empty = { conditions: [], tables: [], verdicts: [], remarks: [], raw: undefined };
        suites.push({ name: suite.name, title: suite.title, ...empty, faults: [text.split('\n')[0] ?? ''] });
      }
      print(`  took ${Math.round((performance.now() - startedMs) / 1000)} s`);
    }
  } finally {
    await upstream.stop();
  }
  return {
    startedAt: startedAt.toISOString(),
    commit: readCommit(),
    rounds: options.rounds,
    seconds: options.seconds,
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memory: mib(totalmem()),
      kernel: release(),
      node: process.versions.node,
      loadBefore: loadBefore.toFixed(2),
    },
    versions: { ...versions, upstream: upstream.version },
    suites,
  };
};

const readCommit = (): string => {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
    const isChanged = git('status', '--porcelain', 'src') !== '';
    return `${git('rev-parse', '--short', 'HEAD')}${isChanged ? ' with changes' : ''}`;
  } catch {
    return 'unknown';
  }
};

const [loadBefore = 0] = loadavg();

const main = async (): Promise<number> => {
  const options = readOptions();
  if (typeof options === 'string') {
    process.stderr.write(`bench: ${options}\n`);
    return 2;
  }
  const missing = NEEDED.filter((program) => !isInstalled(program));
  if (missing.length > 0 || availableParallelism() < CORES_MIN) {
    process.stderr.write(
      `bench: needs ${CORES_MIN} cores and ${NEEDED.join(', ')}; missing: ${missing.join(', ')}\n`,
    );
    return 2;
  }
  stopOnSignals();
  const directory = mkdtempSync(join(tmpdir(), 'cordon-bench-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  const results = await runSuites(options, directory);
  const folder = join(root, 'bench/results');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${results.startedAt.replaceAll(/[:.]/g, '-')}.json`);
  writeFileSync(file, `${JSON.stringify(results, undefined, 1)}\n`);
  print(`\nsaved ${file}`);
  return results.suites.some(({ faults }) => faults.length > 0) ? 1 : 0;
};

process.exitCode = await main();
