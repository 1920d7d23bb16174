// DNS over TLS and over HTTPS: cached answers, whole handshakes, and what connections that ask nothing take.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  type EncryptedServer,
  PEER_CONNECTIONS_MAX,
  startEncrypted,
  startFloors,
} from '../encrypted-servers.ts';
import { dnsperf, type Mode, median } from '../load.ts';
import { writeQueries } from '../names.ts';
import { LOAD_CORE, readCpu, readRss, startProcess } from '../process.ts';
import { type Context, mib, perSec, type Suite, type SuiteResult, type Verdict } from '../suite.ts';

/** As in the goals: 100 queries at a time, over eight connections. */
const CLIENTS = 8;
const OUTSTANDING = 100;
const HANDSHAKES_AT_ONCE = 8;
/** Of the CPU time that a peer takes for one. */
const HANDSHAKE_COST_MAX = 1.4;
const IDLE_COUNT = 10_000;
const QUICK_IDLE_COUNT = 1_000;
/** Resident memory with all of these. */
const IDLE_MIB_MAX = 700;
const MIB = 1024 * 1024;
/** How long a server may take to let memory settle. */
const SETTLE_MS = 2_000;
const HANDSHAKER = fileURLToPath(new URL('../handshaker.ts', import.meta.url));

/** What one run of a server came to. */
interface Run {
  readonly perSec: number;
  readonly perCpuSec: number;
  readonly lost: number;
}

const isAhead = (id: string, ratio: number): Verdict => ({
  holds: ratio >= 1,
  text: `ahead of ${id}: ${ratio.toFixed(2)} ×`,
});

/** A handshake is OpenSSL's work; what is done around it may cost so much. */
const isNear = (id: string, ratio: number): Verdict => ({
  holds: 1 / ratio <= HANDSHAKE_COST_MAX,
  text: `at most ${HANDSHAKE_COST_MAX} × the CPU time of ${id}: ${(1 / ratio).toFixed(2)} ×`,
});

/** Runs ours and each peer in turns; rows, verdicts and faults of a table. */
const compareRuns = async (
  context: Context,
  servers: readonly EncryptedServer[],
  unit: string,
  run: (server: EncryptedServer) => Promise<Run>,
  judge = isAhead,
): Promise<Pick<SuiteResult, 'tables' | 'verdicts' | 'faults' | 'remarks' | 'raw'>> => {
  const runs = servers.map((): Run[] => []);
  const ratios = servers.map((): number[] => []);
  for (let round = 0; round < context.rounds; round++) {
    for (let index = 1; index < Math.max(2, servers.length); index++) {
      const [own, peer] = [servers[0], servers[index]];
      if (own === undefined) continue;
      const ours = await run(own);
      runs[0]?.push(ours);
      if (peer === undefined) continue;
      const theirs = await run(peer);
      runs[index]?.push(theirs);
      ratios[index]?.push(theirs.perCpuSec > 0 ? ours.perCpuSec / theirs.perCpuSec : 0);
      context.print(
        `  ${round + 1}/${context.rounds} cordon ${perSec(ours.perCpuSec)}, ${peer.id} ${perSec(theirs.perCpuSec)} ${unit} per CPU second`,
      );
    }
  }
  const head = ['server', `${unit} per CPU second`, 'CPU for one', 'ours ÷ this', `${unit} a second`, 'lost'];
  const rows = servers.map(({ id }, index) => {
    const of = runs[index] ?? [];
    const perCpuSec = median(of.map((one) => one.perCpuSec));
    const ratio = ratios[index] ?? [];
    return [
      id,
      perSec(perCpuSec),
      perCpuSec > 0 ? `${(1e6 / perCpuSec).toFixed(1)} µs` : '',
      ratio.length === 0 ? '' : median(ratio).toFixed(2),
      perSec(median(of.map((one) => one.perSec))),
      `${of.reduce((sum, { lost }) => sum + lost, 0)}`,
    ];
  });
  const verdicts: Verdict[] = servers.flatMap(({ id }, index) => {
    const ratio = ratios[index] ?? [];
    if (ratio.length === 0) return [];
    return [judge(id, median(ratio))];
  });
  const lostBy = (index: number): number => (runs[index] ?? []).reduce((sum, { lost }) => sum + lost, 0);
  const lost = servers.map(({ id }, index) => ({ id, lost: lostBy(index) })).filter((one) => one.lost > 0);
  const say = ({ id, lost: count }: (typeof lost)[number]): string => `${id} left ${count} unanswered`;
  return {
    tables: [{ head, rows }],
    verdicts,
    faults: lost.filter(({ id }) => id === 'cordon').map(say),
    remarks: lost.filter(({ id }) => id !== 'cordon').map(say),
    raw: { runs },
  };
};

const withServers = async (
  context: Context,
  body: (servers: readonly EncryptedServer[]) => Promise<SuiteResult>,
  hasFloors = false,
): Promise<SuiteResult> => {
  const remarks: string[] = [];
  const { directory, upstreamPort, hosts, peers } = context;
  const scene = { directory, upstreamPort, name: hosts[0]?.name ?? '' };
  const servers = await startEncrypted(scene, peers, remarks);
  try {
    if (hasFloors) servers.push(...(await startFloors(scene, remarks)));
    const result = await body(servers);
    return { ...result, remarks: [...remarks, ...result.remarks] };
  } finally {
    await Promise.allSettled(servers.map((server) => server.stop()));
  }
};

const CONDITIONS = ['ECDSA P-256, TLS 1.3, one worker or thread on a core of its own'];

const runCached = (context: Context, mode: Mode): Promise<SuiteResult> =>
  withServers(context, async (servers) => {
    const queries = writeQueries(join(context.directory, `${mode}.txt`), context.hosts, context.shipped);
    const portOf = ({ dotPort, dohPort }: EncryptedServer): number => (mode === 'doh' ? dohPort : dotPort);
    const load = { mode, clients: CLIENTS, outstanding: OUTSTANDING };
    for (const server of servers) {
      await dnsperf(portOf(server), { ...load, queries: context.warmUp, seconds: 30, once: true });
    }
    const found = await compareRuns(context, servers, 'queries', async (server) => {
      const before = readCpu(server.pid).totalSec;
      const report = await dnsperf(portOf(server), { ...load, queries, seconds: context.seconds });
      const cpuSec = readCpu(server.pid).totalSec - before;
      const { completed, queriesPerSec, lost } = report;
      return { perSec: queriesPerSec, perCpuSec: cpuSec > 0 ? completed / cpuSec : 0, lost };
    });
    return {
      conditions: [
        ...CONDITIONS,
        `${OUTSTANDING} queries outstanding over ${CLIENTS} connections that stay (dnsperf); caches filled before; only Cordon refuses listed names`,
      ],
      ...found,
    };
  });

/** Cached answers over connections that stay. */
export const dot: Suite = {
  name: 'dot',
  title: 'DNS over TLS, cached',
  run: (context) => runCached(context, 'dot'),
};

/** The same in HTTP/2. */
export const doh: Suite = {
  name: 'doh',
  title: 'DNS over HTTPS, cached',
  run: (context) => runCached(context, 'doh'),
};

const shake = async (server: EncryptedServer, group: string, seconds: number): Promise<Run> => {
  const order = { port: server.dotPort, group, atOnce: HANDSHAKES_AT_ONCE, seconds };
  const before = readCpu(server.pid).totalSec;
  const child = startProcess(process.execPath, [HANDSHAKER, JSON.stringify(order)], { core: LOAD_CORE });
  await child.ended;
  const cpuSec = readCpu(server.pid).totalSec - before;
  const count = Number(child.output().trim());
  if (!(count > 0)) throw new Error(`${server.id} completed no handshake: ${child.output()}`);
  return { perSec: count / seconds, perCpuSec: cpuSec > 0 ? count / cpuSec : 0, lost: 0 };
};

/** Whole handshakes, with the key exchange of today's clients and with the one before it. */
export const handshakes: Suite = {
  name: 'handshakes',
  title: 'TLS handshakes',
  run: (context) =>
    withServers(
      context,
      async (servers) => {
        const parts: Awaited<ReturnType<typeof compareRuns>>[] = [];
        for (const group of ['X25519MLKEM768', 'X25519']) {
          const run = (server: EncryptedServer): Promise<Run> => shake(server, group, context.seconds);
          const part = await compareRuns(context, servers, 'handshakes', run, isNear);
          const table = part.tables.map((one) => ({ ...one, title: group }));
          const verdicts = part.verdicts.map(({ holds, text }) => ({ holds, text: `${group}, ${text}` }));
          parts.push({ ...part, tables: table, verdicts });
        }
        return {
          conditions: [
            ...CONDITIONS,
            `${HANDSHAKES_AT_ONCE} at a time, no session resumed, no query`,
            'bare tls: node:tls on the same Node.js, nothing else; openssl s_server: one connection at a time',
          ],
          tables: parts.flatMap(({ tables }) => tables),
          verdicts: parts.flatMap(({ verdicts }) => verdicts),
          faults: parts.flatMap(({ faults }) => faults),
          remarks: parts.flatMap(({ remarks }) => remarks),
          raw: parts.map(({ raw }) => raw),
        };
      },
      true,
    ),
};

const hold = async (server: EncryptedServer, count: number) => {
  const before = readRss(server.pid);
  const order = { port: server.dotPort, group: 'X25519', hold: count };
  const child = startProcess(process.execPath, [HANDSHAKER, JSON.stringify(order)], {
    core: LOAD_CORE,
    hasInput: true,
  });
  while (!child.hasEnded && !child.output().includes('held')) await sleep(100);
  await sleep(SETTLE_MS);
  const held = Number(/held (\d+)/.exec(child.output())?.[1] ?? 0);
  const after = readRss(server.pid);
  child.endInput();
  await child.ended;
  return { id: server.id, held, before, after };
};

/** Memory of connections that ask nothing. */
export const idle: Suite = {
  name: 'idle',
  title: 'Idle connections of DNS over TLS',
  run: (context) =>
    withServers(context, async (servers) => {
      const count = context.isQuick ? QUICK_IDLE_COUNT : IDLE_COUNT;
      const found: Awaited<ReturnType<typeof hold>>[] = [];
      for (const server of servers) {
        context.print(`  ${server.id}`);
        found.push(await hold(server, server === servers[0] ? count : Math.min(count, PEER_CONNECTIONS_MAX)));
      }
      const [ours] = found;
      const residentMib = (ours?.after ?? 0) / MIB;
      return {
        conditions: [...CONDITIONS, 'after a handshake and no query'],
        tables: [
          {
            head: ['server', 'connections', 'RSS before', 'RSS with them', 'for each'],
            rows: found.map(({ id, held, before, after }) => [
              id,
              `${held}`,
              mib(before),
              mib(after),
              `${((after - before) / 1024 / Math.max(1, held)).toFixed(1)} KiB`,
            ]),
          },
        ],
        verdicts: [
          {
            holds: residentMib < IDLE_MIB_MAX,
            text: `less than ${IDLE_MIB_MAX} MiB with ${count}: ${Math.round(residentMib)} MiB`,
          },
        ],
        faults: (ours?.held ?? 0) < count ? [`cordon kept ${ours?.held ?? 0} of ${count}`] : [],
        remarks: [],
        raw: { found },
      };
    }),
};
