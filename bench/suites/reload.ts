// A million names replaced every second while queries come in: nobody may wait for it, nothing may slip through. Beside
// it unbound, which is told to reload as seldom as it can keep up with: what its clients see stands in the same table.
import { join } from 'node:path';
import { cordon, type Server } from '../contender.ts';
import { dnsperf, median, warmUp } from '../load.ts';
import { writeQueries } from '../names.ts';
import { type Latency, probe } from '../probe.ts';
import { readRss } from '../process.ts';
import { mib, type Suite, type SuiteResult, startAll, stopAll } from '../suite.ts';
import { toWork } from './cached.ts';

const RELOAD_MS = 1000;
/** Queries a second behind the prober's: busy, but with room, so that latency shows the reload and not a queue. */
const BACKGROUND_RATE = 20_000;
/** Longer than the others: a reload takes part of each second. */
const SECONDS_FACTOR = 3;
/** The 99th percentile with reloads may be so many times the one without. */
const P99_FACTOR = 2;
/** And no longer than this, milliseconds: what a person does not notice. */
const P99_MS_MAX = 50;
const PEER = 'unbound';
/** Between two reloads of the peer: it takes some seconds for a million names, and does not answer meanwhile. */
const PEER_RELOAD_MS = 4000;

interface Part {
  readonly latency: Latency;
  readonly lost: number;
  readonly refusalsOff: number;
  readonly peakRssBytes: number;
}

/** SIGHUP every second. */
export const reload: Suite = {
  name: 'reload',
  title: 'Reload of a million names every second under load',
  run: async (context): Promise<SuiteResult> => {
    const remarks: string[] = [];
    const listed = context.million();
    const work = toWork(context, listed, false);
    const queries = writeQueries(join(context.directory, 'mix.txt'), context.hosts, listed);
    const peers = context.peers.filter(({ id }) => id === PEER);
    const servers = await startAll([cordon({ isPinned: false }), ...peers], work, context, remarks);
    const [server, peer] = servers;
    if (server === undefined) throw new Error('the reload suite has no server');
    const seconds = context.seconds * SECONDS_FACTOR;
    let reloads = 0;
    const runPart = async (target: Server, reloadMs: number): Promise<Part> => {
      const { pid } = target;
      let peakRssBytes = 0;
      const watch = setInterval(() => {
        peakRssBytes = Math.max(peakRssBytes, readRss(pid));
      }, 50);
      const reloadOnce = (): void => {
        process.kill(pid, 'SIGHUP');
        if (target === server) reloads++;
      };
      const timer = reloadMs === 0 ? undefined : setInterval(reloadOnce, reloadMs);
      try {
        const [latency, report] = await Promise.all([
          probe(target, work, seconds),
          dnsperf(target.port, { queries, seconds, rate: BACKGROUND_RATE }),
        ]);
        return { latency, lost: report.lost, refusalsOff: report.refusalsOff, peakRssBytes };
      } finally {
        clearInterval(timer);
        clearInterval(watch);
      }
    };
    const parts: { quiet: Part; reloading: Part }[] = [];
    const ofPeer: Part[] = [];
    try {
      for (const one of servers) await warmUp(one, context.warmUp);
      for (let round = 0; round < context.rounds; round++) {
        const quiet = await runPart(server, 0);
        const reloading = await runPart(server, RELOAD_MS);
        parts.push({ quiet, reloading });
        context.print(
          `  ${round + 1}/${context.rounds} p99 ${Math.round(quiet.latency.p99Us)} µs, with reloads ${Math.round(reloading.latency.p99Us)} µs`,
        );
        if (peer === undefined) continue;
        const beside = await runPart(peer, PEER_RELOAD_MS);
        ofPeer.push(beside);
        context.print(
          `  ${round + 1}/${context.rounds} ${PEER} p99 with reloads ${Math.round(beside.latency.p99Us)} µs, ${beside.lost + beside.latency.lost} lost`,
        );
      }
    } finally {
      await stopAll(servers);
    }
    const toRow = (name: string, of: readonly Part[]): string[] => [
      name,
      ...[0.5, 0.99, 1].map((share) => {
        const pick = ({ latency }: Part): number =>
          share === 0.5 ? latency.p50Us : share === 1 ? latency.maxUs : latency.p99Us;
        return `${Math.round(median(of.map(pick)))} µs`;
      }),
      `${of.reduce((sum, part) => sum + part.lost + part.latency.lost, 0)}`,
      `${of.reduce((sum, part) => sum + Math.abs(part.refusalsOff) + part.latency.unfiltered, 0)}`,
      mib(Math.max(...of.map((part) => part.peakRssBytes))),
    ];
    const quiet = parts.map((part) => part.quiet);
    const reloading = parts.map((part) => part.reloading);
    const factor = median(parts.map((part) => part.reloading.latency.p99Us / part.quiet.latency.p99Us));
    const worstMs = Math.max(...reloading.map(({ latency }) => latency.p99Us)) / 1000;
    const all = [...quiet, ...reloading];
    const lost = all.reduce((sum, part) => sum + part.lost + part.latency.lost, 0);
    const wrong = all.reduce(
      (sum, { refusalsOff, latency }) =>
        sum + Math.abs(refusalsOff) + latency.unfiltered + latency.overblocked,
      0,
    );
    return {
      conditions: [
        `${listed.names.length} listed names, ${reloads} reloads in all, one worker, not pinned`,
        `${BACKGROUND_RATE} queries a second by dnsperf; latency by a client with one query outstanding`,
      ],
      tables: [
        {
          head: ['', 'p50', 'p99', 'longest', 'lost', 'unfiltered', 'peak RSS'],
          rows: [
            toRow('without reload', quiet),
            toRow('with reload', reloading),
            ...(ofPeer.length > 0
              ? [toRow(`${PEER}, a reload every ${PEER_RELOAD_MS / 1000} s`, ofPeer)]
              : []),
          ],
        },
      ],
      verdicts: [
        {
          holds: factor < P99_FACTOR,
          text: `p99 with reloads less than ${P99_FACTOR} × that without: ${factor.toFixed(2)} ×`,
        },
        {
          holds: worstMs < P99_MS_MAX,
          text: `p99 with reloads less than ${P99_MS_MAX} ms in each round: ${worstMs.toFixed(1)} ms`,
        },
        { holds: lost === 0, text: `no query unanswered: ${lost}` },
        { holds: wrong === 0, text: `no query judged wrongly: ${wrong}` },
      ],
      faults: [
        ...(lost > 0 ? [`cordon left ${lost} queries unanswered`] : []),
        ...(wrong > 0 ? [`cordon judged ${wrong} queries wrongly`] : []),
      ],
      remarks,
      raw: { parts, reloads, ofPeer },
    };
  },
};
