// What a fleet costs as it grows: simulated nodes without DNS, with one authority and one engine, on loopback.
//
//   npm run fleet -- scale [NODES...] [--engines 1 --engines 3] [--tls]    10 40 120 and one engine unless told
//
// Nodes ask to be taken in sixteen at a time, as a rollout does, and only then begin: each reads the log of all. Printed is one
// table, a row for each size and number of engines: seconds until all are in and until all have all of policy; milliseconds from a
// grant until nodes have it, of one that is decided while nothing else goes on, and of one right behind its request, which all nodes
// are still taking; milliseconds of a processor that authority, engines and nodes used until the last node had the first; memory of
// authority and engines at the end, the share of a processor of both while nothing is decided, of the authority for each grant and
// node, and what the presences are of the network. All nodes but a few are one thread, in which one waits for the other; what a node
// on a machine of its own sees, the few tell.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { joinFleet } from '../../src/fleet/fleet.ts';
import { formatPresence, PRESENCE_MS } from '../../src/fleet/presence.ts';
import { readAdmin } from '../support/client.ts';
import { TestFleet, type TestFleetOptions } from '../support/fleet.ts';
import { FleetEngine, startCluster } from '../support/fleet-engine.ts';
import { freePort } from '../support/ports.ts';
import type { Cordon } from '../support/process.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type AloneMessage, type AloneOptions, createNode, nowMs } from './fleet-scale-node.ts';

/** Resolvers that are taken in at a time. */
const AT_A_TIME = 16;
/** Grants for each size, of which every other one comes right behind its request. */
const GRANTS = 20;
/** Nodes that have a thread of their own, together. */
const ALONE = 4;
/** Behind a request, until what was said of it is said as well: each node says so a millisecond behind the one before. */
const SAID_MS = 2_000;
/** Header lines of a presence: number and signature. */
const HEADER_BYTES = 200;
/** How long it is looked at while nothing is decided, milliseconds. */
const QUIET_MS = 20_000;
const TRIES_MAX = 20;
/** Between two lines of how far it is, milliseconds. */
const PROGRESS_MS = 10_000;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Megabytes that a process has in memory: all of it, and what is not a page of a file. */
const memoryOf = (pid: number, field: 'VmRSS' | 'RssAnon' = 'VmRSS'): number =>
  Number(
    new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0,
  ) / 1024;

/** `doing` is said once in ten seconds, with how many are done. */
const eachAtATime = async <One>(
  all: readonly One[],
  doing: string,
  act: (one: One) => Promise<void>,
): Promise<void> => {
  const left = [...all];
  let done = 0;
  const timer = setInterval(() => say(`${done} of ${all.length} ${doing}`), PROGRESS_MS);
  const work = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) {
      await act(one);
      done++;
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  clearInterval(timer);
  say(`${done} of ${all.length} ${doing}`);
};

/** How far it is, beside the table. */
const say = (text: string): void =>
  void process.stderr.write(`${(performance.now() / 1000).toFixed(0)} s: ${text}\n`);

/** Says what a service has in memory, by parts: heap and the rest are those of its main thread. */
const sayMemory = async (when: string, cordon: Cordon): Promise<void> => {
  const { body } = await readAdmin(cordon, '/metrics');
  const read = (name: string): number =>
    Number(new RegExp(`^cordon_nodejs_${name} (.*)$`, 'm').exec(body)?.[1] ?? Number.NaN) / 2 ** 20;
  const [used, size, external] = [
    'heap_size_used_bytes',
    'heap_size_total_bytes',
    'external_memory_bytes',
  ].map(read);
  const mb = (value = Number.NaN): string => value.toFixed(0);
  say(
    `${when}: the authority has ${mb(memoryOf(cordon.pid))} MB, ${mb(memoryOf(cordon.pid, 'RssAnon'))} of them no file's; its main thread's heap ${mb(size)}, used ${mb(used)}, outside of it ${mb(external)}`,
  );
};

/** Seconds of a processor that the threads of a process have used. */
const processorOf = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
    const [usedNs] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
    return sum + Number(usedNs) / 1e9;
  }, 0);

/** What a service warned of, and how often. */
const sayWarnings = (cordon: Cordon): void => {
  const warned = Map.groupBy(
    cordon.logs().filter(({ level }) => level === 'warn' || level === 'error'),
    ({ msg, err }) => [msg, (err as { message?: string } | undefined)?.message ?? ''].join(' '),
  );
  for (const [msg, lines] of warned) say(`the authority said ${lines.length} times: ${msg}`);
};

/** How the engines are made: each of three from a directory of its own, as on a machine of its own. */
const enginesOf = async (
  count: number,
  isTls: boolean,
  engines: FleetEngine[],
  directory: string,
): Promise<Pick<TestFleetOptions, 'tls' | 'engine' | 'startEngine'>> => {
  const [port, clusterPort] = [await freePort(), await freePort()];
  const hosts = Array.from({ length: count }, (_, index) => `127.0.0.${index + 1}`);
  const tls = {
    cert: join(directory, 'cert.pem'),
    key: join(directory, 'key.pem'),
    ca: join(directory, 'cert.pem'),
  };
  if (isTls) {
    const names = ['DNS:localhost', ...hosts.map((host) => `IP:${host}`)].join();
    const made = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '1',
    ];
    const extensions = [`subjectAltName=${names}`, 'extendedKeyUsage=serverAuth,clientAuth'];
    const files = ['-subj', '/CN=scale', '-keyout', tls.key, '-out', tls.cert];
    execFileSync('openssl', [...made, ...files, ...extensions.flatMap((one) => ['-addext', one])], {
      stdio: 'ignore',
    });
  }
  return {
    ...(isTls ? { tls } : {}),
    engine: { servers: hosts.map((host) => `${host}:${port}`), clusterPort },
    startEngine: async ({ engineDirectory }) => {
      for (const [index, host] of hosts.entries()) {
        const directory = join(engineDirectory, `machine-${index + 1}`);
        mkdirSync(directory);
        const name = count === 1 ? 'nats-server.conf' : `nats-server-${index + 1}.conf`;
        const text = readFileSync(join(engineDirectory, name), 'utf8');
        const path = join(directory, 'nats-server.conf');
        const store = `store_dir: ${JSON.stringify(join(directory, 'store'))}`;
        writeFileSync(path, text.replace(/store_dir: .*/, store));
        symlinkSync(join(engineDirectory, 'users.conf'), join(directory, 'users.conf'));
        engines.push(new FleetEngine(path, port, host));
      }
      await startCluster(engines);
      const [first] = engines;
      if (first === undefined) throw new Error('no engine');
      return first;
    },
  };
};

const measure = async (count: number, engineCount: number, isTls: boolean): Promise<void> => {
  const upstream = await ScriptedUpstream.open();
  const engines: FleetEngine[] = [];
  const directory = mkdtempSync(join(tmpdir(), 'cordon-scale-'));
  const made = await enginesOf(engineCount, isTls, engines, directory);
  const caPath = made.tls?.ca;
  const fleet = await TestFleet.start(upstream.endpoint.port, made);
  const { servers } = fleet.made;
  const names = Array.from({ length: count }, (_, index) => `sim${index}`);
  /** Requests that failed and were made again, by why. */
  const failures = new Map<string, number>();
  const beganMs = performance.now();
  const cordon = fleet.programOf('authority');
  await sayMemory('at the start', cordon);
  await eachAtATime(names, 'are in', async (name) => {
    const stateDirectory = join(fleet.directory, name);
    mkdirSync(stateDirectory);
    const token = await fleet.invite(name);
    for (let tries = 1; ; tries++) {
      try {
        await joinFleet({ servers, caPath, token, stateDirectory });
        return;
      } catch (thrown) {
        // An authority that has just begun does not listen yet.
        if (tries === TRIES_MAX) {
          sayWarnings(cordon);
          throw thrown;
        }
        const why = String(thrown);
        failures.set(why, (failures.get(why) ?? 0) + 1);
        await sleep(200);
      }
    }
  });
  const enrolledMs = performance.now();
  for (const [why, times] of failures) say(`asked again ${times} times: ${why}`);
  sayWarnings(cordon);
  await sayMemory('all are in', cordon);
  /** By step: when each node had it in force; and those with a thread of their own. */
  const heard = new Map<string, number[]>();
  const heardAlone = new Map<string, number[]>();
  const note = (times: Map<string, number[]>, step: string, atMs: number): void => {
    const known = times.get(step) ?? [];
    known.push(atMs);
    times.set(step, known);
  };
  const simulated = { servers, caPath, trust: fleet.made.trust, directory: fleet.directory };
  const nodes = names
    .slice(ALONE)
    .map((name) => createNode(simulated, name, (step) => note(heard, step, nowMs())));
  const alone = new Worker(new URL('fleet-scale-node.ts', import.meta.url), {
    workerData: { ...simulated, names: names.slice(0, ALONE) } satisfies AloneOptions,
  });
  const begun = Promise.withResolvers<void>();
  alone.on('error', begun.reject);
  alone.on('message', (message: AloneMessage) => {
    if (message === 'begun') begun.resolve();
    else note(heardAlone, message.step, message.atMs);
  });
  // One process makes the keys of all connections: at once, each would take longer than a connection may.
  await eachAtATime([...nodes.keys()], 'have policy', async (index) => {
    await nodes[index]?.start();
    await nodes[index]?.caughtUp;
  });
  const { policy } = await fleet.ask<{ policy: { number: number } }>('authority', 'GET', '/v1/fleet');
  while (nodes.some((node) => node.policy.end.number < policy.number)) await sleep(20);
  await begun.promise;
  const readMs = performance.now();
  const { pid: authority } = cordon;
  await sayMemory('all have policy', cordon);
  const used = (): number[] => [authority, ...engines.map(({ pid }) => pid)].map(processorOf);
  const before = used();
  await sleep(QUIET_MS);
  const quietShare = used().map((after, index) => (after - (before[index] ?? 0)) / (QUIET_MS / 1000));
  await sayMemory(`behind ${QUIET_MS / 1000} s`, cordon);
  const times = {
    alone: [] as number[],
    all: [] as number[],
    behind: [] as number[],
    allBehind: [] as number[],
  };
  const grantMs: number[][] = [];
  const processes = [[authority], engines.map(({ pid }) => pid), [process.pid]];
  const usedMs = (): number[] =>
    processes.map((pids) => pids.reduce((sum, pid) => sum + processorOf(pid), 0) * 1000);
  const awaitAll = async (step: string): Promise<void> => {
    const had = (): number => (heard.get(step)?.length ?? 0) + (heardAlone.get(step)?.length ?? 0);
    while (had() < count) await sleep(2);
  };
  const [undecidedSec = 0] = used();
  for (let round = 0; round < GRANTS; round++) {
    const { id } = await fleet.request({ clients: [`127.1.0.${round + 1}`] });
    const isBehind = round % 2 === 1;
    if (!isBehind) {
      await awaitAll(`${id} requested`);
      await sleep(SAID_MS + count);
    }
    const beforeMs = usedMs();
    const startMs = nowMs();
    await fleet.ask('authority', 'POST', `/v1/exemptions/${id}/approve`, { role: 'agency-head' });
    const step = `${id} approved`;
    await awaitAll(step);
    const since = (all: Map<string, number[]>) => (all.get(step) ?? []).map((atMs) => atMs - startMs);
    times[isBehind ? 'behind' : 'alone'].push(...since(heardAlone));
    times[isBehind ? 'allBehind' : 'all'].push(...since(heard));
    if (!isBehind) grantMs.push(usedMs().map((ms, index) => ms - (beforeMs[index] ?? 0)));
    await sleep(SAID_MS + count);
  }
  const decidedSec = (used()[0] ?? 0) - undecidedSec;
  await sayMemory(`behind ${GRANTS} grants`, cordon);
  const seen = nodes.reduce((sum, node) => sum + formatPresence(node.presence()).length + HEADER_BYTES, 0);
  const bytes = (seen * count) / nodes.length;
  const ofGrants = Object.values(times).map((all) => {
    const sorted = all.toSorted((a, b) => a - b);
    const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(0);
    return `${at(0.5)}, ${at(0.99)}, ${at(1)} ms`;
  });
  const means = processes.map((_, index) =>
    (grantMs.reduce((sum, ms) => sum + (ms[index] ?? 0), 0) / grantMs.length).toFixed(0),
  );
  const shown = [
    ...[count, `${engineCount}${isTls ? ' with TLS' : ''}`, loadavg()[0]?.toFixed(0)],
    `${((enrolledMs - beganMs) / 1000).toFixed(1)} s`,
    ...[
      [...failures.values()].reduce((sum, times) => sum + times, 0),
      `${((readMs - enrolledMs) / 1000).toFixed(1)} s`,
    ],
    ...[...ofGrants, `${means.join(', ')} ms`],
    `${memoryOf(authority).toFixed(0)} MB`,
    `${engines.map(({ pid }) => memoryOf(pid).toFixed(0)).join(' ')} MB`,
    quietShare.map((share) => share.toFixed(2)).join(' '),
    `${((decidedSec * 1e6) / GRANTS / count).toFixed(0)} us`,
    `${((bytes * 8 * 1000) / PRESENCE_MS / 1e6).toFixed(3)} Mbit/s`,
  ];
  printRow(shown);
  await Promise.all(nodes.map((node) => node.close()));
  const ended = once(alone, 'exit');
  alone.postMessage('end');
  await ended;
  for (const engine of engines) await engine.kill();
  await fleet.close();
  rmSync(directory, { recursive: true });
  await upstream.close();
};

const COLUMNS = [
  ...['nodes', 'engines', 'load', 'all in', 'asked again', 'all of policy'],
  ...['grant at a node alone: p50, p99, most', 'at those of one thread'],
  ...['behind its request, alone', 'of one thread', 'processor: authority, engines, nodes'],
  ...['authority', 'engines', 'undisturbed', 'a grant at a node', 'presences'],
];

const printRow = (cells: readonly unknown[]): void =>
  void process.stdout.write(`| ${cells.map(String).join(' | ')} |\n`);

/** One size after the other, with each number of engines. */
export const measureScale = async (given: readonly string[]): Promise<void> => {
  const { values, positionals } = parseArgs({
    args: [...given],
    allowPositionals: true,
    options: {
      engines: { type: 'string', multiple: true, default: ['1'] },
      tls: { type: 'boolean', default: false },
    },
  });
  const sizes = positionals.length === 0 ? [10, 40, 120] : positionals.map(Number);
  printRow(COLUMNS);
  printRow(COLUMNS.map(() => '---'));
  for (const engines of values.engines)
    for (const size of sizes) await measure(size, Number(engines), values.tls);
};
