// Two workers on two cores: what sharing costs, and whether the kernel spreads queries evenly.
import { join } from 'node:path';
import { cordon, type Server } from '../contender.ts';
import { measure, median, type Sample, warmUp } from '../load.ts';
import { writeQueries } from '../names.ts';
import { readThreadCpu } from '../process.ts';
import { compare, findFaults, type Suite, type SuiteResult, startAll, stopAll, toTable } from '../suite.ts';
import { toWork } from './cached.ts';

/** The kernel spreads by client socket: with few of them, chance decides. */
const CLIENTS = 32;
/** Two workers reach at least this share of one worker's figure. */
const SHARE_MIN = 0.9;
const WORKERS = 2;
/** Threads of dnsperf: one alone cannot keep two workers busy. */
const THREADS = 2;

/** One worker and two in turns. */
export const workers: Suite = {
  name: 'workers',
  title: 'Two workers',
  run: async (context): Promise<SuiteResult> => {
    const remarks: string[] = [];
    const work = toWork(context, context.shipped, true);
    const queries = writeQueries(join(context.directory, 'mix.txt'), context.hosts, context.shipped);
    const servers = await startAll(
      [
        cordon({ id: 'one worker', isPinned: false }),
        cordon({ id: 'two workers', workers: WORKERS, isPinned: false }),
      ],
      work,
      context,
      remarks,
    );
    const spreads: number[] = [];
    const run = async (server: Server): Promise<Sample> => {
      const before = readThreadCpu(server.pid);
      const load = { queries, seconds: context.seconds, clients: CLIENTS, threads: THREADS, isPinned: false };
      const sample = await measure(server, load);
      if (server.id === 'two workers') spreads.push(busierShare(before, readThreadCpu(server.pid)));
      return sample;
    };
    try {
      for (const server of servers) await warmUp(server, context.warmUp);
      const rows = await compare(servers, context, run);
      const found = findFaults(rows);
      const share = 1 / median(rows.at(-1)?.ratios ?? [1]);
      const spread = median(spreads);
      const hitShares = await Promise.all(
        servers.map(async (server) => `${server.id} ${await hitShare(server)}`),
      );
      return {
        conditions: [
          `${CLIENTS} client sockets; ${THREADS} threads of dnsperf and the workers share both cores, nothing is pinned`,
        ],
        tables: [toTable(rows)],
        verdicts: [
          {
            holds: share >= SHARE_MIN,
            text: `two workers reach ${SHARE_MIN} of one worker's queries per CPU second: ${share.toFixed(2)}`,
          },
        ],
        faults: found.faults,
        remarks: [
          ...remarks,
          ...found.remarks,
          `the busier of the two workers had ${Math.round(spread * 100)} % of their CPU time`,
          `look-ups that the caches answered, filling them included: ${hitShares.join(', ')}`,
        ],
        raw: { rows, spreads },
      };
    } finally {
      await stopAll(servers);
    }
  },
};

/** The share of look-ups that the caches of a server answered, in per cent. */
const hitShare = async ({ metricsUrl }: Server): Promise<string> => {
  if (metricsUrl === undefined) return 'unknown';
  const text = await (await fetch(metricsUrl)).text();
  const read = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  const [hits, misses] = [read('cordon_cache_hits_total'), read('cordon_cache_misses_total')];
  return `${((100 * hits) / Math.max(1, hits + misses)).toFixed(2)} %`;
};

/** The busiest thread's part of the CPU time of the two busiest: workers are where the time goes. */
const busierShare = (before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): number => {
  const used = [...after].map(([thread, seconds]) => seconds - (before.get(thread) ?? 0));
  const [first = 0, second = 0] = used.sort((a, b) => b - a);
  return first + second === 0 ? 0 : first / (first + second);
};
