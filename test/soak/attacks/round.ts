// One attack against one server: upstreams and server start, victims ask alone, then together with the attackers, then
// there is quiet, so that memory is read when nothing waits any more. A flood can be repeated, to see whether memory grows.
//
// On a machine with two cores and more the server has one for itself and everything else the other, where attackers stand
// behind victims and upstreams: a victim must not wait for the program that attacks beside it.
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { unboundServer } from '../../../bench/peers.ts';
import {
  findFreePort,
  LOAD_CORE,
  type Process,
  pinProcess,
  readCpu,
  readRss,
  readWaitNs,
  SERVER_CORE,
  startProcess,
} from '../../../bench/process.ts';
import { startCordon } from '../../support/process.ts';
import { buildQuery } from '../../support/records.ts';
import type { Arena, Attack, Queries, Running, Victims } from './attack.ts';
import { type Asked, BEGUN } from './querier.ts';

const WARM_UP_SEC = 2;
/** Of a flood, at most: a short one is warmed up for half as long. */
const WARM_UP_SHARE = 0.5;
/** Between two floods: a little more than the time of a question, so that nothing waits any more. */
const QUIET_MS = 6_000;
/** After the only one: memory that stays is what several floods show. */
const QUIET_SHORT_MS = 500;
/** What an answer of 48 KB has at least, bytes. */
const BIG_BYTES_MIN = 45_000;
/** For a program that was just started, and between two looks. */
const READY_MS_MAX = 60_000;
const READY_LOOK_MS = 50;
/** Between two looks whether victims begin to count. */
const BEGUN_LOOK_MS = 5;
const GOAL = { share: 0.99, p99Ms: 100 };
/** Added to the niceness of attackers. */
const ATTACKER_NICENESS = 5;
const VICTIMS: Queries = { clients: ['127.0.0.2'], rate: 50, names: ['*.good.example'] };

/** Servers that are attacked. */
export const SERVERS = ['cordon', 'unbound'] as const;

/** What became of the victims of one flood, or of one kind of them. */
export interface Row {
  readonly attack: string;
  readonly title: string;
  readonly server: Arena['server'];
  /** From 1 on. */
  readonly flood: number;
  readonly victims: Asked;
  /** Of the queries of attackers. */
  readonly attackerSent: number;
  readonly attackerAnswered: number;
  /** What the `start` of the attack tells. */
  readonly remark: string;
  readonly cpuSec: number;
  /** How long threads of the server waited for a core: a row with much of it was disturbed. */
  readonly waitedSec: number;
  readonly rssBefore: number;
  readonly rssAfter: number;
  readonly holds: boolean;
}

/** How attacks are run. */
export interface RoundOptions {
  readonly server: Arena['server'];
  readonly seconds: number;
  /** Floods, one after the other. */
  readonly floods: number;
  /** The server has a core for itself. */
  readonly isPinned: boolean;
}

interface Target {
  readonly port: number;
  readonly dotPort: number;
  readonly dohPort: number;
  readonly doqPort: number;
  readonly pid: number;
  readonly metricsUrl: string | undefined;
  stop(): Promise<void>;
}

const programOf = (name: string): string => fileURLToPath(new URL(`${name}.ts`, import.meta.url));

/** Programs that answer, for all names and for the zone of the attacker. */
interface Upstreams {
  readonly ports: readonly number[];
  readonly zonePort: number | undefined;
  readonly children: readonly Process[];
}

/** Asks a port of 127.0.0.1 for a name until it answers, which takes so many milliseconds; throws when it never does. */
const waitForAnswer = async (port: number, delayMs: number, name = 'ready.good.example'): Promise<void> => {
  const socket = createSocket('udp4');
  // Nobody listens there yet.
  socket.on('error', () => {});
  const answered = new Promise<boolean>((resolve) => {
    socket.once('message', () => resolve(true));
  });
  const query = buildQuery(`${name}. A`);
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const untilMs = performance.now() + READY_MS_MAX;
  let isReady = false;
  while (!isReady) {
    if (performance.now() > untilMs) throw new Error(`nobody answers at port ${port}`);
    socket.send(query);
    isReady = await Promise.race([answered, sleep(Math.max(READY_LOOK_MS, delayMs / 2), false)]);
  }
  socket.close();
};

/** Throws unless the server answers with what an attack by long answers needs: a refusal is short. */
const requireBigAnswer = async (port: number): Promise<void> => {
  const socket = connect(port, '127.0.0.1').setTimeout(READY_MS_MAX, () => socket.destroy());
  const query = buildQuery('ready.big.example. TXT');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(query.length);
  socket.write(Buffer.concat([length, query]));
  let received = 0;
  for await (const chunk of socket) {
    received += (chunk as Buffer).length;
    if (received >= BIG_BYTES_MIN) break;
  }
  if (received < BIG_BYTES_MIN) throw new Error(`an answer of 48 KB has ${received} bytes here`);
};

const startUpstreams = async (attack: Attack, core: number | undefined): Promise<Upstreams> => {
  const { delayMs = 20, loss = 0 } = attack.upstream ?? {};
  const children: Process[] = [];
  const start = async (
    program: string,
    niceness: number,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<number> => {
    const port = await findFreePort();
    const args = [programOf(program), `${port}`, `${delayMs}`, `${loss}`];
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const command = [...variables, 'nice', '-n', `${niceness}`, process.execPath, ...args];
    children.push(startProcess('env', command, { core }));
    return port;
  };
  const ports: number[] = [];
  for (let i = 0; i < (attack.upstreams ?? 1); i++) ports.push(await start('upstream', 0));
  const zonePort =
    attack.zone && (await start(attack.zone.program, ATTACKER_NICENESS, attack.zone.environment));
  await Promise.all(ports.map((port) => waitForAnswer(port, delayMs)));
  // What it needs for the answers that are asked for is made with the first one.
  const asked = attack.attackers?.[0]?.names[0]?.replace('*', 'ready');
  if (zonePort !== undefined) await waitForAnswer(zonePort, delayMs, asked);
  return { ports, zonePort, children };
};

const startTarget = async (
  server: Arena['server'],
  attack: Attack,
  { ports, zonePort }: Upstreams,
  directory: string,
): Promise<Target> => {
  const port = await findFreePort();
  const { zone, isIpv6 = false, isQuic = false } = attack;
  const isEncrypted = isQuic || attack.isEncrypted === true;
  const [dotPort, dohPort] = isEncrypted ? [await findFreePort(), await findFreePort()] : [0, 0];
  const doqPort = isQuic ? await findFreePort() : 0;
  const pair = { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
  if (isEncrypted) createPair(pair);
  if (server === 'cordon') {
    const listen = isIpv6 ? `"127.0.0.1:${port}", "[::1]:${port}"` : `"127.0.0.1:${port}"`;
    const secured = isEncrypted ? `dot: ["127.0.0.1:${dotPort}"], doh: ["127.0.0.1:${dohPort}"], ` : '';
    const quic = isQuic ? `doq: ["127.0.0.1:${doqPort}"], ` : '';
    const program = await startCordon({
      config: [
        `listen: { dns: [${listen}], ${secured}${quic}admin: "127.0.0.1:0" }`,
        ...(isEncrypted ? [`tls: { cert: ${pair.cert}, key: ${pair.key} }`] : []),
        `upstreams: [${ports.map((one) => `"127.0.0.1:${one}"`).join(', ')}]`,
        ...(zone === undefined
          ? []
          : [`forward: [{ zones: [${zone.name}], upstreams: ["127.0.0.1:${zonePort}"] }]`]),
        `workers: ${attack.within?.workers ?? 1}`,
        ...(attack.cordon ?? []),
        '',
      ].join('\n'),
      env:
        attack.within === undefined
          ? {}
          : { NODE_OPTIONS: `--import=${attack.within.preload}`, HANG_DIRECTORY: directory },
    });
    const metricsUrl = `http://127.0.0.1:${program.admin.port}/metrics`;
    return { port, dotPort, dohPort, doqPort, pid: program.pid, metricsUrl, stop: () => program.kill() };
  }
  const file = join(directory, 'unbound.conf');
  const lines = [
    unboundServer(port, directory),
    '  do-not-query-localhost: no',
    ...(isIpv6 ? ['  interface: ::1', '  access-control: ::/0 allow'] : []),
    ...(isEncrypted ? unboundTls(dotPort, dohPort, pair) : []),
    ...(attack.unbound ?? []).map((line) => `  ${line}`),
    'forward-zone:',
    '  name: "."',
    ...ports.map((one) => `  forward-addr: 127.0.0.1@${one}`),
    ...(zone === undefined
      ? []
      : ['forward-zone:', `  name: "${zone.name}"`, `  forward-addr: 127.0.0.1@${zonePort}`]),
    '',
  ];
  writeFileSync(file, lines.join('\n'));
  const child = startProcess('unbound', ['-d', '-c', file], { cwd: directory });
  await Promise.race([waitForAnswer(port, attack.upstream?.delayMs ?? 0), child.ended]);
  if (child.hasEnded) throw new Error(`unbound did not start: ${child.output()}`);
  return { port, dotPort, dohPort, doqPort, pid: child.pid, metricsUrl: undefined, stop: () => child.stop() };
};

/** A key and a certificate that it signed itself: whom they belong to is not what attacks are about. */
const createPair = ({ cert, key }: { readonly cert: string; readonly key: string }): void => {
  const args = ['-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-days', '2'];
  execFileSync('openssl', ['req', ...args, '-subj', '/CN=localhost', '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
};

const unboundTls = (
  dotPort: number,
  dohPort: number,
  { cert, key }: { readonly cert: string; readonly key: string },
): string[] => [
  `  interface: 127.0.0.1@${dotPort}`,
  `  interface: 127.0.0.1@${dohPort}`,
  `  tls-port: ${dotPort}`,
  `  https-port: ${dohPort}`,
  `  tls-service-key: ${key}`,
  `  tls-service-pem: ${cert}`,
  // As many places as Cordon has by default.
  '  incoming-num-tcp: 2048',
  '  outgoing-range: 4096',
];

/** How a program that asks is run. */
interface Standing {
  readonly core: number | undefined;
  readonly niceness: number;
}

/** A program that asks. */
interface Asking {
  /** What it asks counts from now on. */
  readonly begun: Promise<void>;
  readonly asked: Promise<Asked>;
}

/** Asks in a program of its own, for `warmUpSec` before it counts. */
const query = (
  { port: plainPort, dotPort, doqPort }: Pick<Target, 'port' | 'dotPort' | 'doqPort'>,
  seconds: number,
  warmUpSec: number,
  queries: Queries,
  standing: Standing,
): Asking => {
  const securePort = queries.isSecure === true ? dotPort : plainPort;
  const port = queries.isQuic === true ? doqPort : securePort;
  const order = JSON.stringify({ port, seconds, warmUpSec, ...queries });
  const args = ['-n', `${standing.niceness}`, process.execPath, programOf('querier'), order];
  const child = startProcess('nice', args, { core: standing.core });
  const begin = async (): Promise<void> => {
    while (!child.hasEnded && !child.output().startsWith(BEGUN)) await sleep(BEGUN_LOOK_MS);
  };
  const end = async (): Promise<Asked> => {
    await child.ended;
    const output = child.output();
    try {
      return JSON.parse(output.slice(BEGUN.length)) as Asked;
    } catch {
      throw new Error(`a querier ended without a result: ${output}`);
    }
  };
  return { begun: begin(), asked: end() };
};

/** Runs the `start` of an attack beside the victims. */
const startAttacker = (attack: Attack, arena: Arena, core: number | undefined): Running => {
  const args = [programOf('attacker'), attack.name, JSON.stringify(arena)];
  const child = startProcess('nice', ['-n', `${ATTACKER_NICENESS}`, process.execPath, ...args], {
    core,
    hasInput: true,
  });
  return {
    stop: async () => {
      child.endInput();
      await child.ended;
      return child.output();
    },
  };
};

/** The victims of an attack, by kind. */
const victimsOf = ({ victims = VICTIMS, goalMs = GOAL.p99Ms, kinds }: Attack): readonly Victims[] =>
  kinds ?? [{ about: '', queries: victims, goalMs }];

/** One flood, and the quiet after it; a row for each kind of victims. */
const flood = async (
  attack: Attack,
  arena: Arena,
  core: number | undefined,
  number: number,
  quietMs: number,
): Promise<Row[]> => {
  const { pid, seconds, server } = arena;
  const ask = (queries: Queries, warmUpSec: number, niceness: number): Asking =>
    query(arena, seconds, warmUpSec, queries, { core, niceness });
  const kinds = victimsOf(attack);
  const warmUpSec = Math.min(WARM_UP_SEC, seconds * WARM_UP_SHARE);
  const asking = kinds.map(({ queries }) => ask(queries, warmUpSec, 0));
  await Promise.all(asking.map(({ begun }) => begun));
  const rssBefore = readRss(pid);
  const cpuBefore = readCpu(pid).totalSec;
  const waitBeforeNs = readWaitNs(pid);
  const running = attack.start && startAttacker(attack, arena, core);
  const attacking = (attack.attackers ?? []).map((queries) => ask(queries, 0, ATTACKER_NICENESS));
  const [asked, attackers] = await Promise.all([
    Promise.all(asking.map((one) => one.asked)),
    Promise.all(attacking.map((one) => one.asked)),
  ]);
  const remark = (await running?.stop()) ?? '';
  const cpuSec = readCpu(pid).totalSec - cpuBefore;
  const waitedSec = (readWaitNs(pid) - waitBeforeNs) / 1e9;
  await sleep(quietMs);
  const rssAfter = readRss(pid);
  const sum = (pick: (one: Asked) => number): number =>
    attackers.reduce((total, one) => total + pick(one), 0);
  return kinds.map(({ about, goalMs }, index) => {
    const victims = asked[index] ?? NOBODY;
    return {
      attack: attack.name,
      title: about === '' ? attack.title : `${attack.title}: ${about}`,
      server,
      flood: number,
      victims,
      attackerSent: sum(({ sent }) => sent),
      attackerAnswered: sum(({ answered }) => answered),
      remark,
      cpuSec,
      waitedSec,
      rssBefore,
      rssAfter,
      holds: victims.sent > 0 && victims.good >= GOAL.share * victims.sent && victims.p99 < goalMs,
    };
  });
};

const NOBODY: Asked = { sent: 0, answered: 0, good: 0, servfail: 0, p50: 0, p99: 0, max: 0 };

/** Runs an attack; the rows of each flood are told as soon as it has passed. */
export const runRound = async (
  attack: Attack,
  options: RoundOptions,
  told: (row: Row) => void,
): Promise<void> => {
  const { server, seconds, floods, isPinned } = options;
  const directory = mkdtempSync(join(tmpdir(), 'cordon-attack-'));
  const core = isPinned ? LOAD_CORE : undefined;
  const upstreams = await startUpstreams(attack, core);
  let target: Target | undefined;
  try {
    target = await startTarget(server, attack, upstreams, directory);
    const { port, dotPort, dohPort, doqPort, pid, metricsUrl } = target;
    if (isPinned) await pinProcess(pid, SERVER_CORE);
    if (attack.needsBigAnswers === true) await requireBigAnswer(port);
    const arena: Arena = {
      server,
      port,
      dotPort,
      dohPort,
      doqPort,
      pid,
      upstreamPorts: upstreams.ports,
      directory,
      seconds,
      metricsUrl,
    };
    for (let number = 1; number <= floods; number++) {
      const quietMs = floods === 1 ? QUIET_SHORT_MS : QUIET_MS;
      for (const row of await flood(attack, arena, core, number, quietMs)) told(row);
    }
  } finally {
    await target?.stop();
    await Promise.all(upstreams.children.map((child) => child.stop()));
    rmSync(directory, { recursive: true, force: true });
  }
};
