// What it costs to record every refusal: Cordon as it starts by default, and the same without records, in turns.
//
// All threads of the server have one core, the recorder too, so that hashing and writing count as much as what the
// worker does for an event.
import { join } from 'node:path';
import { cordon } from '../contender.ts';
import { measure, median, warmUp } from '../load.ts';
import { writeQueries } from '../names.ts';
import { compare, findFaults, type Suite, type SuiteResult, startAll, stopAll, toTable } from '../suite.ts';
import { toWork } from './cached.ts';

const WITHOUT = { CORDON_RECORDS_ENABLED: 'false' };
/** Share of the queries per CPU second that has to be left. */
const SHARE_MIN = 0.95;

/** Cordon with and without records. */
export const records: Suite = {
  name: 'records',
  title: 'Every refusal recorded',
  run: async (context): Promise<SuiteResult> => {
    const remarks: string[] = [];
    const work = toWork(context, context.shipped, true);
    const queries = writeQueries(join(context.directory, 'mix.txt'), context.hosts, context.shipped);
    const contenders = [cordon(), cordon({ id: 'cordon, no records', env: WITHOUT })];
    const servers = await startAll(contenders, work, context, remarks);
    try {
      for (const server of servers) await warmUp(server, context.warmUp);
      const rows = await compare(servers, context, (server) =>
        measure(server, { queries, seconds: context.seconds }),
      );
      const found = findFaults(rows);
      const ratio = median(rows[1]?.ratios ?? []);
      return {
        conditions: [
          'the mix of cached and refused names, shipped lists: one query of ten is refused and recorded',
          'pseudonyms, chained blocks, written with synchronous=FULL; the recorder on the core of the worker',
        ],
        tables: [toTable(rows)],
        verdicts: [
          {
            holds: ratio >= SHARE_MIN,
            text: `records cost less than 5 % of the queries per CPU second: ${((1 - ratio) * 100).toFixed(1)} %`,
          },
        ],
        faults: found.faults,
        remarks: [...remarks, ...found.remarks],
        raw: { rows },
      };
    } finally {
      await stopAll(servers);
    }
  },
};
