// The batched sockets against the plain ones that serve where libc cannot be called.
import { join } from 'node:path';
import { bareDgram, cordon } from '../contender.ts';
import { measure, warmUp } from '../load.ts';
import { writeQueries } from '../names.ts';
import {
  compare,
  findFaults,
  type Suite,
  type SuiteResult,
  startAll,
  stopAll,
  toTable,
  toVerdicts,
} from '../suite.ts';
import { toWork } from './cached.ts';

/** Plain sockets of Node.js. */
const PLAIN = { CORDON_NO_BATCH: '1' };

/** Cordon as it starts by default, and with plain sockets. */
export const plain: Suite = {
  name: 'plain',
  title: 'Batched and plain sockets',
  run: async (context): Promise<SuiteResult> => {
    const remarks: string[] = [];
    const work = toWork(context, context.shipped, true);
    const queries = writeQueries(join(context.directory, 'mix.txt'), context.hosts, context.shipped);
    const contenders = [cordon(), cordon({ id: 'cordon, plain', env: PLAIN }), bareDgram];
    const servers = await startAll(contenders, work, context, remarks);
    try {
      for (const server of servers) await warmUp(server, context.warmUp);
      const rows = await compare(servers, context, (server) =>
        measure(server, { queries, seconds: context.seconds }),
      );
      const found = findFaults(rows);
      return {
        conditions: ['the mix of cached and refused names, shipped lists'],
        tables: [toTable(rows)],
        verdicts: toVerdicts(rows, 0),
        faults: found.faults,
        remarks: [...remarks, ...found.remarks],
        raw: { rows },
      };
    } finally {
      await stopAll(servers);
    }
  },
};
