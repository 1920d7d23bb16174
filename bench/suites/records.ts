// What it costs to record every refusal: Cordon as it starts by default, and the same without records, in turns.
//
// All threads of the server have one core, the recorder too, so that hashing and writing count as much as what the
// worker does for an event. Three loads: the mix of a network, nothing but refused names (a flood), and the same with
// the names in as many lists as may be.
import { join } from 'node:path';
import { LIST_COUNT_MAX } from '../../src/policy/policy.ts';
import { type Contender, cordon } from '../contender.ts';
import { measure, median, warmUp } from '../load.ts';
import { type QueryFile, writeListed, writeQueries } from '../names.ts';
import {
  type Context,
  compare,
  findFaults,
  type Row,
  type Suite,
  type SuiteResult,
  startAll,
  stopAll,
  toTable,
} from '../suite.ts';
import { toWork } from './cached.ts';

const WITHOUT = { CORDON_RECORDS_ENABLED: 'false' };
/** Share of the queries per CPU second that has to be left with the mix, and with refused names only. */
const MIX_SHARE_MIN = 0.95;
const FLOOD_SHARE_MIN = 0.85;
/** With --before, of what the other checkout does with its records. */
const BEFORE_SHARE_MIN = 0.97;

/** Cordon with and without records. */
export const records: Suite = {
  name: 'records',
  title: 'Every refusal recorded',
  run: async (context): Promise<SuiteResult> => {
    const { directory, hosts, shipped } = context;
    const remarks: string[] = [];
    const before = context.peers.filter(({ checkout }) => checkout !== undefined);
    const plain = [cordon(), cordon({ id: 'cordon, no records', env: WITHOUT }), ...before];
    const copies = LIST_COUNT_MAX;
    const listed = writeListed(join(directory, 'listed.txt'), shipped);
    const mix = await runLoad(
      context,
      plain,
      writeQueries(join(directory, 'mix.txt'), hosts, shipped),
      remarks,
    );
    const flood = await runLoad(context, plain, listed, remarks);
    const inLists = await runLoad(
      context,
      [
        cordon({ id: `cordon, ${copies} lists`, copies }),
        cordon({ id: 'cordon, no records', copies, env: WITHOUT }),
        cordon({ id: 'cordon, 1 list', copies: 1 }),
      ],
      listed,
      remarks,
    );
    const [mixShare, floodShare, listsShare] = [mix, flood, inLists].map((rows) =>
      median(rows[1]?.ratios ?? []),
    );
    const oneList = median(inLists[2]?.ratios ?? []);
    const found = [mix, flood, inLists].map(findFaults);
    return {
      conditions: [
        'shipped lists; in the mix of cached and refused names one query of ten is refused, in the others each',
        'one client; pseudonyms, chained blocks, written with synchronous=FULL; the recorder on the core of the worker',
      ],
      tables: [
        { ...toTable(mix), title: 'The mix' },
        { ...toTable(flood), title: 'Refused names only' },
        { ...toTable(inLists), title: `Refused names only, in ${copies} lists` },
      ],
      verdicts: [
        toVerdict('of the mix', mixShare ?? 0, MIX_SHARE_MIN),
        toVerdict('when each is refused', floodShare ?? 0, FLOOD_SHARE_MIN),
        toVerdict(`when ${copies} lists have each`, listsShare ?? 0, FLOOD_SHARE_MIN),
        {
          holds: oneList >= FLOOD_SHARE_MIN,
          text: `names in ${copies} lists take ${FLOOD_SHARE_MIN} of the queries that one list takes: ${oneList.toFixed(2)}`,
        },
        ...(before.length === 0
          ? []
          : [toBefore('of the mix', mix), toBefore('when each is refused', flood)]),
      ],
      faults: found.flatMap(({ faults }) => faults),
      remarks: [...remarks, ...found.flatMap((one) => one.remarks)],
      raw: { mix, flood, inLists },
    };
  },
};

const toVerdict = (what: string, share: number, min: number) => ({
  holds: share >= min,
  text: `with records, ${min} of the queries per CPU second are left ${what}: ${share.toFixed(3)}`,
});

const toBefore = (what: string, rows: readonly Row[]) => {
  const share = median(rows[2]?.ratios ?? []);
  return {
    holds: share >= BEFORE_SHARE_MIN,
    text: `${BEFORE_SHARE_MIN} of the queries per CPU second of before are left ${what}: ${share.toFixed(3)}`,
  };
};

const runLoad = async (
  context: Context,
  contenders: readonly Contender[],
  queries: QueryFile,
  remarks: string[],
): Promise<Row[]> => {
  const work = toWork(context, context.shipped, true);
  const servers = await startAll(contenders, work, context, remarks);
  try {
    for (const server of servers) await warmUp(server, context.warmUp);
    return await compare(servers, context, (server) =>
      measure(server, { queries, seconds: context.seconds }),
    );
  } finally {
    await stopAll(servers);
  }
};
