// Every name new: each query goes to the upstream and its answer into the cache.
import { join } from 'node:path';
import { bareForward, cordon, type Server } from '../contender.ts';
import { measure, type Sample } from '../load.ts';
import { writeNewNames } from '../names.ts';
import { compare, findFaults, type Suite, startAll, stopAll, toTable, toVerdicts } from '../suite.ts';
import { toWork } from './cached.ts';

/** More new names a second than any server asks for; bounds the file of one run. */
const NAMES_PER_SEC = 80_000;
/** Outstanding queries of the clients: an upstream that is far away is simulated by no more than that. */
const OUTSTANDING = 200;

/** Names that are in no cache. */
export const misses: Suite = {
  name: 'misses',
  title: 'Not cached: every name new',
  run: async (context) => {
    const remarks: string[] = [];
    const servers = await startAll(
      [cordon(), bareForward, ...context.peers],
      toWork(context, context.shipped, true),
      context,
      remarks,
    );
    const count = Math.ceil(NAMES_PER_SEC * context.seconds);
    const path = join(context.directory, 'new.txt');
    let turn = 0;
    const run = (server: Server): Promise<Sample> =>
      measure(server, {
        queries: writeNewNames(path, context.hosts, turn++ * count, count),
        seconds: context.seconds,
        once: true,
        outstanding: OUTSTANDING,
      });
    try {
      // A resolver that runs for months has its code compiled.
      for (const server of servers) await run(server);
      const rows = await compare(servers, context, run);
      const found = findFaults(rows);
      return {
        conditions: [
          `new names below real hosts, A, never asked twice; the upstream answers at once on loopback; ${OUTSTANDING} outstanding; one run of each server before those that count`,
          'bare forward: what Node.js takes with the sockets of Cordon to pass a question and its answer on, nothing else',
          'dnsmasq looks through its whole cache at each new name once it is full, which it is after the first run',
        ],
        tables: [toTable(rows)],
        // The floor is nobody to be ahead of.
        verdicts: toVerdicts(
          rows.filter(({ server }) => server.role !== 'bare'),
          0,
        ),
        faults: found.faults,
        remarks: [...remarks, ...found.remarks],
        raw: { rows },
      };
    } finally {
      await stopAll(servers);
    }
  },
};
