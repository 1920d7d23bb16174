// Cached and refused names over UDP: what most queries of a network are. With the shipped lists and with a million
// names more.
import { join } from 'node:path';
import { bareDgram, cordon, type Server, type Work } from '../contender.ts';
import { measure, warmUp } from '../load.ts';
import { type ListedNames, MILLION, writeQueries } from '../names.ts';
import {
  type Context,
  compare,
  findFaults,
  mib,
  type Suite,
  type SuiteResult,
  startAll,
  stopAll,
  toTable,
  toVerdicts,
  type Verdict,
} from '../suite.ts';
import type { Table } from '../table.ts';

/** Share of the C limit that is the goal. */
const LIMIT_SHARE = 0.8;
/** Goals for a million names: seconds to load, MiB that they add, MiB resident with one worker. */
const LOAD_SEC_MAX = 0.5;
const ADDED_MIB_MAX = 45;
const RESIDENT_MIB_MAX = 180;

const MIB = 1024 * 1024;

/** The mix with the lists as they ship. */
export const cached: Suite = {
  name: 'cached',
  title: 'Cached and refused, shipped lists',
  run: (context) => runMix(context, context.shipped, true),
};

/** The mix with one million names listed. */
export const million: Suite = {
  name: 'million',
  title: 'Cached and refused, one million names listed',
  run: (context) => runMix(context, context.million(), false),
};

/** What a suite that compares servers gives them. */
export const toWork = (context: Context, listed: ListedNames, isShipped: boolean): Work => ({
  directory: context.directory,
  upstreamPort: context.upstreamPort,
  listed,
  isShipped,
  listedName: listed.names.at(-1) ?? '',
  passingName: context.hosts[0]?.name ?? '',
});

const runMix = async (context: Context, listed: ListedNames, isShipped: boolean): Promise<SuiteResult> => {
  const remarks: string[] = [];
  const work = toWork(context, listed, isShipped);
  const queries = writeQueries(join(context.directory, 'mix.txt'), context.hosts, listed);
  const contenders = [cordon(), context.limit, bareDgram, ...context.peers];
  const empty = isShipped ? [] : await startEmpty(context, contenders.length);
  const servers = await startAll(contenders, work, context, remarks);
  try {
    for (const server of servers) await warmUp(server, context.warmUp);
    const rows = await compare(servers, context, (server) =>
      measure(server, { queries, seconds: context.seconds }),
    );
    const found = findFaults(rows);
    const load = isShipped ? undefined : toLoadTable(servers, empty);
    return {
      conditions: [
        `${queries.count} queries in turn for ${context.hosts.length} hosts by their visits, 20 % AAAA, 10 % listed; caches filled before`,
        '500 queries outstanding from 8 sockets; a server that leaves its receive buffer at the size that the system sets loses part of the first burst',
        `${listed.names.length} listed names, each with everything below it`,
      ],
      tables: [toTable(rows), ...(load === undefined ? [] : [load.table])],
      verdicts: [...toVerdicts(rows, LIMIT_SHARE), ...(load?.verdicts ?? [])],
      faults: found.faults,
      remarks: [...remarks, ...found.remarks],
      raw: { rows, empty },
    };
  } finally {
    await stopAll(servers);
  }
};

/** What the filtering servers take with the shipped lists only: the start of the process is no load time. */
const startEmpty = async (context: Context, count: number): Promise<Server[]> => {
  context.print(`  starting ${count - 2} servers without the large list`);
  const servers = await startAll(
    [cordon(), ...context.peers],
    toWork(context, context.shipped, true),
    context,
    [],
  );
  await stopAll(servers);
  return servers;
};

const toLoadTable = (
  servers: readonly Server[],
  empty: readonly Server[],
): { table: Table; verdicts: Verdict[] } => {
  const rows: string[][] = [];
  const verdicts: Verdict[] = [];
  for (const server of servers) {
    const before = empty.find(({ id }) => id === server.id);
    if (before === undefined) continue;
    const loadSec = server.readySec - before.readySec;
    const addedMib = (server.readyRssBytes - before.readyRssBytes) / MIB;
    rows.push([
      server.id,
      `${server.readySec.toFixed(2)} s`,
      `${loadSec.toFixed(2)} s`,
      mib(server.readyRssBytes),
      `${Math.round(addedMib)} MiB`,
    ]);
    if (server.role !== 'cordon') continue;
    const residentMib = server.readyRssBytes / MIB;
    verdicts.push(
      {
        holds: loadSec < LOAD_SEC_MAX,
        text: `a million names load in less than ${LOAD_SEC_MAX} s: ${loadSec.toFixed(2)} s`,
      },
      {
        holds: addedMib < ADDED_MIB_MAX,
        text: `they add less than ${ADDED_MIB_MAX} MiB: ${Math.round(addedMib)} MiB`,
      },
      {
        holds: residentMib < RESIDENT_MIB_MAX,
        text: `less than ${RESIDENT_MIB_MAX} MiB resident when ready: ${Math.round(residentMib)} MiB`,
      },
    );
  }
  const head = ['server', 'start to ready', 'for the million', 'RSS when ready', 'RSS added'];
  return { table: { title: `Loading ${MILLION} names`, head, rows }, verdicts };
};
