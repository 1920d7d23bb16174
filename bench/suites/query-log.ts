// What it costs to log every query: Cordon without a query log, with JSON lines, and with dnstap, beside unbound and dnsdist
// with and without their own dnstap.
//
// All threads of a server have one core, that of the log too. What reads dnstap has the core of the load.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Contender, cordon } from '../contender.ts';
import { measure, median, warmUp } from '../load.ts';
import { writeQueries } from '../names.ts';
import { dnstapPeers } from '../peers.ts';
import { LOAD_CORE, startProcess } from '../process.ts';
import {
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

/** Share of the queries per CPU second that has to be left. */
const LINES_SHARE_MIN = 0.85;
const DNSTAP_SHARE_MIN = 0.9;
const READER_MS = 500;

/** Every query logged. */
export const queryLog: Suite = {
  name: 'query-log',
  title: 'Every query logged',
  run: async (context): Promise<SuiteResult> => {
    const { directory, hosts, shipped, peers } = context;
    const remarks: string[] = [];
    const socket = join(directory, 'dnstap.sock');
    const reader = startProcess(
      'fstrm_capture',
      ['-t', 'protobuf:dnstap.Dnstap', '-u', socket, '-w', '/dev/null'],
      { core: LOAD_CORE },
    );
    await sleep(READER_MS);
    const lines = join(directory, 'queries.jsonl');
    const logged = (id: string, to: string): Contender =>
      cordon({
        id,
        lines: [
          `query-log: { identity: address, bytes-per-day: 1024GiB, rotate-every: 1d, rotate-size: 60GiB, outputs: [{ to: "${to}" }] }`,
        ],
      });
    const plainPeers = peers.filter(({ id }) => id === 'unbound' || id === 'dnsdist');
    const contenders = [
      cordon(),
      logged('cordon, JSON lines', `file:${lines}`),
      logged('cordon, dnstap', `dnstap+unix:${socket}`),
      ...plainPeers,
      ...dnstapPeers(socket).filter(({ id }) => plainPeers.some((peer) => id.startsWith(peer.id))),
    ];
    const servers = await startAll(contenders, toWork(context, shipped, true), context, remarks);
    try {
      const queries = writeQueries(join(directory, 'mix.txt'), hosts, shipped);
      for (const server of servers) await warmUp(server, context.warmUp);
      const rows = await compare(servers, context, (server) =>
        measure(server, { queries, seconds: context.seconds }),
      );
      const found = findFaults(rows);
      const shareOf = (id: string, plain: string): number => perCpuSec(rows, id) / perCpuSec(rows, plain);
      const [linesShare, dnstapShare] = ['cordon, JSON lines', 'cordon, dnstap'].map(
        (id) => 1 / ratioOf(rows, id),
      );
      return {
        conditions: [
          'the mix of cached and refused names; whole addresses; client queries and responses as dnstap; the thread of the log on the core of the worker',
        ],
        tables: [toTable(rows)],
        verdicts: [
          toVerdict('as JSON lines', linesShare ?? 0, LINES_SHARE_MIN),
          toVerdict('as dnstap', dnstapShare ?? 0, DNSTAP_SHARE_MIN),
        ],
        faults: found.faults,
        remarks: [
          ...remarks,
          ...found.remarks,
          ...plainPeers.map(
            ({ id }) =>
              `${id} with dnstap has ${shareOf(`${id}, dnstap`, id).toFixed(3)} of its queries per CPU second left`,
          ),
        ],
        raw: { rows },
      };
    } finally {
      await stopAll(servers);
      await reader.stop();
    }
  },
};

/** Ours without a log just before, divided by the run with one. */
const ratioOf = (rows: readonly Row[], id: string): number =>
  median(rows.find(({ server }) => server.id === id)?.ratios ?? []);

const perCpuSec = (rows: readonly Row[], id: string): number =>
  median((rows.find(({ server }) => server.id === id)?.samples ?? []).map((sample) => sample.perCpuSec));

const toVerdict = (what: string, share: number, min: number) => ({
  holds: share >= min,
  text: `with every query ${what}, ${min} of the queries per CPU second are left: ${share.toFixed(3)}`,
});
