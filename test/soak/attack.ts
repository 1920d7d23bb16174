// What victims get while others attack, of Cordon and of Debian's unbound with the same upstreams, one after another.
//
//   npm run attack                             every attack, both servers: some 40 s each
//   npm run attack -- silent-1000 silent-20    these
//   npm run attack -- --list                   their names
//   npm run attack -- --seconds 20 --only cordon --json
//
// One more attack: a file in attacks/ that exports `Attack`s (attacks/attack.ts says what one is made of), and its name in
// ATTACKS below. Queries over UDP are data (`attackers`, with names that say what the upstream does: attacks/upstream.ts);
// whatever else attacks is a function (`start`). Victims are 50 fresh names a second unless the attack says otherwise.
//
// Of each server: it starts, victims ask for two seconds alone, then victims and attackers together for --seconds, then
// there is quiet, so that memory is read when nothing waits any more. Exit status 1 when Cordon's victims get less than
// 99 % of their answers or p99 is 100 ms or more. Linux only; --only cordon where unbound is not installed.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { unboundServer } from '../../bench/peers.ts';
import {
  findFreePort,
  type Process,
  readCpu,
  readRss,
  startProcess,
  stopOnSignals,
} from '../../bench/process.ts';
import { formatTable } from '../../bench/table.ts';
import { startCordon } from '../support/process.ts';
import type { Arena, Attack, Queries } from './attacks/attack.ts';
import { costlyZones } from './attacks/costly-zones.ts';
import { floods } from './attacks/floods.ts';
import { forgery } from './attacks/forgery.ts';
import type { Asked } from './attacks/querier.ts';
import { recordFlood } from './attacks/record-flood.ts';
import { silentZone } from './attacks/silent-zone.ts';
import { slowAnswers } from './attacks/slow-answers.ts';
import { tcpPlaces } from './attacks/tcp-places.ts';

const ATTACKS: readonly Attack[] = [
  ...silentZone,
  ...slowAnswers,
  ...forgery,
  ...tcpPlaces,
  ...recordFlood,
  ...floods,
  ...costlyZones,
];

const SERVERS = ['cordon', 'unbound'] as const;
const WARM_UP_SEC = 2;
/** A little more than the time of a question, so that nothing waits any more. */
const QUIET_MS = 6_000;
/** For a server that was just started. */
const READY_MS = 1_500;
const GOAL = { share: 0.99, p99Ms: 100 };
const VICTIMS: Queries = { clients: ['127.0.0.2'], rate: 50, names: ['*.good.example'] };

interface Row {
  readonly attack: string;
  readonly title: string;
  readonly server: string;
  readonly victims: Asked;
  /** Of the queries of attackers. */
  readonly attackerSent: number;
  readonly attackerAnswered: number;
  /** What the `start` of the attack tells. */
  readonly remark: string;
  readonly cpuSec: number;
  readonly rssBefore: number;
  readonly rssAfter: number;
  readonly holds: boolean;
}

interface Target {
  readonly port: number;
  readonly pid: number;
  readonly metricsUrl: string | undefined;
  stop(): Promise<void>;
}

const programOf = (name: string): string => fileURLToPath(new URL(`attacks/${name}.ts`, import.meta.url));

const startUpstreams = async (attack: Attack): Promise<{ ports: number[]; children: Process[] }> => {
  const { delayMs = 20, loss = 0 } = attack.upstream ?? {};
  const ports: number[] = [];
  const children: Process[] = [];
  for (let i = 0; i < (attack.upstreams ?? 1); i++) {
    const port = await findFreePort();
    ports.push(port);
    const args = [programOf(attack.program ?? 'upstream'), `${port}`, `${delayMs}`, `${loss}`];
    children.push(startProcess(process.execPath, args));
  }
  await sleep(READY_MS);
  return { ports, children };
};

const startTarget = async (
  server: Arena['server'],
  attack: Attack,
  ports: readonly number[],
  directory: string,
): Promise<Target> => {
  if (server === 'cordon') {
    const program = await startCordon({
      config: [
        'listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }',
        `upstreams: [${ports.map((port) => `"127.0.0.1:${port}"`).join(', ')}]`,
        'workers: 1',
        ...(attack.cordon ?? []),
        '',
      ].join('\n'),
    });
    const metricsUrl = `http://127.0.0.1:${program.admin.port}/metrics`;
    return { port: program.dns.port, pid: program.pid, metricsUrl, stop: () => program.kill() };
  }
  const port = await findFreePort();
  const file = join(directory, 'unbound.conf');
  const lines = [
    unboundServer(port, directory),
    '  do-not-query-localhost: no',
    ...(attack.unbound ?? []).map((line) => `  ${line}`),
    'forward-zone:',
    '  name: "."',
    ...ports.map((one) => `  forward-addr: 127.0.0.1@${one}`),
    '',
  ];
  writeFileSync(file, lines.join('\n'));
  const child = startProcess('unbound', ['-d', '-c', file], { cwd: directory });
  await sleep(READY_MS);
  if (child.hasEnded) throw new Error(`unbound did not start: ${child.output()}`);
  return { port, pid: child.pid, metricsUrl: undefined, stop: () => child.stop() };
};

/** Asks in a program of its own. */
const query = async (port: number, seconds: number, queries: Queries): Promise<Asked> => {
  const child = startProcess(process.execPath, [
    programOf('querier'),
    JSON.stringify({ port, seconds, ...queries }),
  ]);
  await child.ended;
  const output = child.output();
  try {
    return JSON.parse(output) as Asked;
  } catch {
    throw new Error(`a querier ended without a result: ${output}`);
  }
};

const runAttack = async (attack: Attack, server: Arena['server'], seconds: number): Promise<Row> => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-attack-'));
  const { ports, children } = await startUpstreams(attack);
  let target: Target | undefined;
  try {
    target = await startTarget(server, attack, ports, directory);
    const { port, pid, metricsUrl } = target;
    const victims = attack.victims ?? VICTIMS;
    await query(port, WARM_UP_SEC, victims);
    const rssBefore = readRss(pid);
    const cpuBefore = readCpu(pid).totalSec;
    const arena: Arena = { server, port, pid, upstreamPorts: ports, directory, seconds, metricsUrl };
    const running = await attack.start?.(arena);
    const [asked, ...attackers] = await Promise.all([
      query(port, seconds, victims),
      ...(attack.attackers ?? []).map((queries) => query(port, seconds, queries)),
    ]);
    const remark = (await running?.stop()) ?? '';
    const cpuSec = readCpu(pid).totalSec - cpuBefore;
    await sleep(QUIET_MS);
    const sum = (pick: (one: Asked) => number): number =>
      attackers.reduce((total, one) => total + pick(one), 0);
    return {
      attack: attack.name,
      title: attack.title,
      server,
      victims: asked,
      attackerSent: sum(({ sent }) => sent),
      attackerAnswered: sum(({ answered }) => answered),
      remark,
      cpuSec,
      rssBefore,
      rssAfter: readRss(pid),
      holds: asked.good >= GOAL.share * asked.sent && asked.p99 < (attack.goalMs ?? GOAL.p99Ms),
    };
  } finally {
    await target?.stop();
    await Promise.all(children.map((child) => child.stop()));
    rmSync(directory, { recursive: true, force: true });
  }
};

const mib = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)}`;
const ms = (value: number): string => (value < 10 ? value.toFixed(1) : `${Math.round(value)}`);

const toCells = (row: Row): string[] => {
  const { sent, good, p50, p99, max } = row.victims;
  return [
    row.title,
    row.server,
    ((100 * good) / Math.max(1, sent)).toFixed(1),
    ms(p50),
    ms(p99),
    ms(max),
    row.cpuSec.toFixed(1),
    mib(row.rssBefore),
    mib(row.rssAfter),
    row.attackerSent === 0 ? row.remark : `${row.attackerAnswered} of ${row.attackerSent} ${row.remark}`,
  ];
};

const HEAD = [
  'attack',
  'server',
  'others %',
  'p50 ms',
  'p99 ms',
  'longest ms',
  'CPU s',
  'MiB before',
  'MiB after',
  'attackers answered',
];

const main = async (): Promise<void> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      list: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '12' },
      only: { type: 'string' },
    },
  });
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  if (values.list) {
    for (const { name, title } of ATTACKS) print(`${name.padEnd(16)} ${title}`);
    return;
  }
  const unknown = positionals.find((name) => ATTACKS.every((attack) => attack.name !== name));
  if (unknown !== undefined) throw new Error(`there is no attack "${unknown}"; --list names them`);
  const seconds = Number(values.seconds);
  const chosen = ATTACKS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const rows: Row[] = [];
  for (const attack of chosen) {
    for (const server of SERVERS) {
      if (values.only !== undefined && values.only !== server) continue;
      const row = await runAttack(attack, server, seconds);
      rows.push(row);
      if (!values.json) process.stderr.write(`${toCells(row).join(' · ')}\n`);
    }
  }
  if (values.json) print(JSON.stringify(rows, undefined, 2));
  else for (const line of formatTable({ head: HEAD, rows: rows.map(toCells) })) print(line);
  if (rows.some(({ server, holds }) => server === 'cordon' && !holds)) process.exitCode = 1;
};

stopOnSignals();
await main();
