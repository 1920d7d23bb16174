// Every name new, in a signed zone: each answer is validated, by Cordon and by unbound.
//
// The zone has an ECDSA P-256 key, its own trust anchor, and so many names that none is asked twice by the same server
// in a round. What is measured is the cost of one signature an answer, which is what most names of a signed zone cost
// once its keys are known.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from '../../test/support/client.ts';
import { isInstalled, startCordon } from '../../test/support/process.ts';
import type { Contender, Server } from '../contender.ts';
import { measure, type Sample } from '../load.ts';
import { unboundServer } from '../peers.ts';
import {
  findFreePort,
  LOAD_CORE,
  type Process,
  pinProcess,
  readRss,
  SERVER_CORE,
  startProcess,
} from '../process.ts';
import { compare, findFaults, type Suite, stopAll, toTable, toVerdicts } from '../suite.ts';

const APEX = 'signed.example';
/** Names of one run: more than either server validates in the time of a run. */
const NAMES_PER_SEC = 11_000;
const OUTSTANDING = 100;
const NEEDED = ['named', 'dnssec-signzone', 'dnssec-keygen', 'unbound'];
const READY_POLL_MS = 100;
const READY_POLLS_MAX = 300;

/** Validated answers of names that are in no cache. */
export const validation: Suite = {
  name: 'validation',
  title: 'Not cached, validated: every name new in a signed zone',
  run: async (context) => {
    const missing = NEEDED.filter((program) => !isInstalled(program));
    if (missing.length > 0) throw new Error(`${missing.join(', ')} is not installed`);
    const perRun = Math.ceil(NAMES_PER_SEC * context.seconds);
    const earlier = context.peers.filter(({ checkout }) => checkout !== undefined);
    // Ours and another in each round, who may be asked the same names, and all once before.
    const pairs = context.rounds * (earlier.length + 1);
    const runs = pairs + 1;
    context.print(`  signing ${perRun * runs} names`);
    const zone = signZone(context.directory, perRun * runs);
    const upstream = await startNamed(context.directory, zone.file);
    const servers: Server[] = [];
    try {
      servers.push(await startValidatingCordon(upstream.port, zone.anchors));
      for (const peer of earlier)
        servers.push(await startValidatingCordon(upstream.port, zone.anchors, peer));
      servers.push(await startValidatingUnbound(context.directory, upstream.port, zone.anchorsFile));
      const path = join(context.directory, 'signed-names.txt');
      const run = async (server: Server, turn: number): Promise<Sample> => {
        const first = Math.floor(turn / 2) * perRun;
        const lines = Array.from({ length: perRun }, (_, i) => `${nameOf(first + i)} A`);
        writeFileSync(path, `${lines.join('\n')}\n`);
        const queries = { path, count: perRun, refusedOf: () => 0 };
        return measure(server, { queries, seconds: context.seconds, once: true, outstanding: OUTSTANDING });
      };
      // A resolver that runs for months has its code compiled.
      for (const server of servers) await run(server, 2 * pairs);
      const rows = await compare(servers, context, run);
      const found = findFaults(rows);
      return {
        conditions: [
          `A records of a zone with ECDSA P-256 and NSEC, each asked once; one run of each server before those that count; named answers on loopback; ${OUTSTANDING} outstanding`,
        ],
        tables: [toTable(rows)],
        verdicts: toVerdicts(rows, 0),
        faults: found.faults,
        remarks: found.remarks,
        raw: { rows },
      };
    } finally {
      await stopAll(servers);
      await upstream.stop();
    }
  },
};

const nameOf = (index: number): string => `n${index}.${APEX}`;

interface Zone {
  readonly file: string;
  /** DNSKEY records of the key-signing key. */
  readonly anchors: string;
  readonly anchorsFile: string;
}

const signZone = (directory: string, count: number): Zone => {
  const run = (command: string, ...args: string[]): void =>
    void execFileSync(command, args, { cwd: directory, stdio: 'ignore' });
  const lines = [
    `${APEX}. 300 IN SOA ns.${APEX}. host.${APEX}. 1 3600 600 86400 300`,
    `${APEX}. 300 IN NS ns.${APEX}.`,
    `ns.${APEX}. 300 IN A 192.0.2.53`,
  ];
  for (let i = 0; i < count; i++) lines.push(`${nameOf(i)}. 300 IN A 192.0.2.1`);
  const source = join(directory, 'signed.zone');
  writeFileSync(source, `${lines.join('\n')}\n`);
  run('dnssec-keygen', '-q', '-a', 'ECDSAP256SHA256', '-f', 'KSK', APEX);
  run('dnssec-keygen', '-q', '-a', 'ECDSAP256SHA256', APEX);
  run('dnssec-signzone', '-q', '-S', '-x', '-P', '-o', APEX, '-f', `${source}.signed`, source);
  const keys = readdirSync(directory).filter((file) => file.startsWith(`K${APEX}.`) && file.endsWith('.key'));
  const anchors = keys
    .flatMap((file) => readFileSync(join(directory, file), 'utf8').split('\n'))
    .filter((line) => line.includes(' DNSKEY 257 '))
    .map((line) => `${line}\n`)
    .join('');
  const anchorsFile = join(directory, 'signed.anchors');
  writeFileSync(anchorsFile, anchors);
  return { file: `${source}.signed`, anchors, anchorsFile };
};

interface Upstream {
  readonly port: number;
  stop(): Promise<void>;
}

const startNamed = async (directory: string, zoneFile: string): Promise<Upstream> => {
  const port = await findFreePort();
  const file = join(directory, 'signed-named.conf');
  writeFileSync(
    file,
    `options { directory "${directory}"; listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
  recursion no; minimal-responses yes; dnssec-validation no; pid-file none; session-keyfile none; };
controls { };
zone "${APEX}" { type primary; file "${zoneFile}"; };
`,
  );
  const child: Process = startProcess('named', ['-g', '-c', file, '-n', '1'], {
    core: LOAD_CORE,
    cwd: directory,
  });
  await waitForAnswer(port);
  return { port, stop: () => child.stop() };
};

const startValidatingCordon = async (
  upstreamPort: number,
  anchors: string,
  earlier?: Pick<Contender, 'id' | 'checkout'>,
): Promise<Server> => {
  const startedMs = performance.now();
  const program = await startCordon({
    ...(earlier?.checkout !== undefined && { checkout: earlier.checkout }),
    files: { 'anchors.txt': anchors },
    config: [
      'listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }',
      `upstreams: ["127.0.0.1:${upstreamPort}"]`,
      'workers: 1',
      'dnssec: { mode: validate, anchors: anchors.txt }',
      '',
    ].join('\n'),
  });
  await pinProcess(program.pid, SERVER_CORE);
  await waitForAnswer(program.dns.port);
  return {
    id: earlier?.id ?? 'cordon',
    role: earlier === undefined ? 'cordon' : 'peer',
    pid: program.pid,
    port: program.dns.port,
    readySec: (performance.now() - startedMs) / 1000,
    readyRssBytes: readRss(program.pid),
    metricsUrl: `http://127.0.0.1:${program.admin.port}/metrics`,
    remark: 'validating',
    stop: () => program.kill(),
  };
};

const startValidatingUnbound = async (
  directory: string,
  upstreamPort: number,
  anchorsFile: string,
): Promise<Server> => {
  const startedMs = performance.now();
  const port = await findFreePort();
  const file = join(directory, 'validating-unbound.conf');
  writeFileSync(
    file,
    `${unboundServer(port, directory)}
  module-config: "validator iterator"
  trust-anchor-file: "${anchorsFile}"
  do-not-query-localhost: no
  qname-minimisation: no
  msg-cache-size: 64m
  rrset-cache-size: 64m
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@${upstreamPort}
`,
  );
  const child = startProcess('unbound', ['-d', '-c', file], { core: SERVER_CORE, cwd: directory });
  await waitForAnswer(port);
  return {
    id: 'unbound',
    role: 'peer',
    pid: child.pid,
    port,
    readySec: (performance.now() - startedMs) / 1000,
    readyRssBytes: readRss(child.pid),
    metricsUrl: undefined,
    remark: 'validating',
    stop: () => child.stop(),
  };
};

/** Until the apex is answered. */
const waitForAnswer = async (port: number): Promise<void> => {
  for (let i = 0; i < READY_POLLS_MAX; i++) {
    try {
      const { answer } = await ask({ address: '127.0.0.1', port }, `ns.${APEX}. A`);
      if (answer.some((record) => record.endsWith(' 192.0.2.53'))) return;
    } catch {
      // Not yet.
    }
    await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
  }
  throw new Error(`nobody answers for ${APEX} on port ${port}`);
};
