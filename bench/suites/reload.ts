// A million names replaced every second while queries come in: nobody may wait for it, nothing may slip through.
import { join } from 'node:path';
import { cordon } from '../contender.ts';
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
    const servers = await startAll([cordon({ isPinned: false })], work, context, remarks);
    const [server] = servers;
    if (server === undefined) throw new Error('the reload suite has no server');
    const seconds = context.seconds * SECONDS_FACTOR;
    let reloads = 0;
    const runPart = async (isReloading: boolean): Promise<Part> => {
      let peakRssBytes = 0;
      const watch = setInterval(() => {
        peakRssBytes = Math.max(peakRssBytes, readRss(server.pid));
      }, 50);
      const timer = setInterval(() => {
        if (!isReloading) return;
        process.kill(server.pid, 'SIGHUP');
        reloads++;
      }, RELOAD_MS);
      try {
        const [latency, report] = await Promise.all([
          probe(server, work, seconds),
          dnsperf(server.port, { queries, seconds, rate: BACKGROUND_RATE }),
        ]);
        return { latency, lost: report.lost, refusalsOff: report.refusalsOff, peakRssBytes };
      } finally {
        clearInterval(timer);
        clearInterval(watch);
      }
    };
    const parts: { quiet: Part; reloading: Part }[] = [];
    try {
      await warmUp(server, context.warmUp);
      for (let round = 0; round < context.rounds; round++) {
        const quiet = await runPart(false);
        const reloading = await runPart(true);
        parts.push({ quiet, reloading });
        context.print(
          `  ${round + 1}/${context.rounds} p99 ${Math.round(quiet.latency.p99Us)} µs, with reloads ${Math.round(reloading.latency.p99Us)} µs`,
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
          rows: [toRow('without reload', quiet), toRow('with reload', reloading)],
        },
      ],
      verdicts: [
        {
          holds: factor < P99_FACTOR,
          text: `p99 with reloads less than ${P99_FACTOR} × that without: ${factor.toFixed(2)} ×`,
        },
        { holds: lost === 0, text: `no query unanswered: ${lost}` },
        { holds: wrong === 0, text: `no query judged wrongly: ${wrong}` },
      ],
      faults: [
        ...(lost > 0 ? [`cordon left ${lost} queries unanswered`] : []),
        ...(wrong > 0 ? [`cordon judged ${wrong} queries wrongly`] : []),
      ],
      remarks,
      raw: { parts, reloads },
    };
  },
};
