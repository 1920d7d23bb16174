// One measured run: dnsperf against a server, and what the server's process used meanwhile.
//
// The figure that counts is queries per second of the server's CPU time, because it stays comparable when the load
// generator needs the other core. A run says how many answers were lost, whether exactly the listed names were
// refused, and how much of the server's core somebody else used.
import { run } from '../test/support/process.ts';
import type { Refusal, Server } from './contender.ts';
import type { QueryFile } from './names.ts';
import { LOAD_CORE, readCoreUser, readCpu, readRss, SERVER_CORE } from './process.ts';

/** Client sockets, and queries that dnsperf leaves unanswered at most. */
const CLIENTS = 8;
const OUTSTANDING = 500;
/** Seconds after which dnsperf counts a query as lost. */
const LOST_SEC = 3;
/** Beyond the time that dnsperf was told. */
const RUN_EXTRA_MS = 30_000;
/** A run is called disturbed when others had more of the server's core than this share. */
const DISTURBED_SHARE = 0.05;

/** Transports of dnsperf beside UDP. */
export type Mode = 'dot' | 'doh';

/** How hard to press. */
export interface Load {
  /** UDP when absent. */
  readonly mode?: Mode;
  readonly queries: QueryFile;
  readonly seconds: number;
  /** Stop at the file's end instead of repeating it. */
  readonly once?: boolean;
  readonly clients?: number;
  readonly outstanding?: number;
  /** Queries a second; undefined: as many as it takes. */
  readonly rate?: number;
  /** Threads of dnsperf; one when absent. */
  readonly threads?: number;
  /** False: dnsperf may use every core. */
  readonly isPinned?: boolean;
}

/** What one run showed. */
export interface Sample {
  readonly completed: number;
  readonly lost: number;
  readonly queriesPerSec: number;
  readonly latencyUs: number;
  readonly cpuSec: number;
  readonly perCpuSec: number;
  readonly rssBytes: number;
  /** Answers with the server's RCODE of refusals beyond the queries for listed names (+), or missing (-). */
  readonly refusalsOff: number;
  readonly failures: number;
  readonly isDisturbed: boolean;
}

/** Runs dnsperf against a server and reads what it cost. */
export const measure = async (server: Server, load: Load): Promise<Sample> => {
  // Scraped once in a run, which is more often than in life.
  if (server.metricsUrl !== undefined) await (await fetch(server.metricsUrl)).text();
  const before = readCpu(server.pid);
  const coreBefore = readCoreUser(SERVER_CORE);
  const startedMs = performance.now();
  const report = await dnsperf(server.port, load, server.refusal);
  const wallSec = (performance.now() - startedMs) / 1000;
  const after = readCpu(server.pid);
  const othersSec = readCoreUser(SERVER_CORE) - coreBefore - (after.userSec - before.userSec);
  const cpuSec = after.totalSec - before.totalSec;
  return {
    ...report,
    cpuSec,
    perCpuSec: cpuSec > 0 ? report.completed / cpuSec : 0,
    rssBytes: readRss(server.pid),
    isDisturbed: load.isPinned !== false && othersSec > wallSec * DISTURBED_SHARE,
  };
};

/** Fills the server's cache. */
export const warmUp = async (server: Server, queries: QueryFile): Promise<void> => {
  await dnsperf(server.port, { queries, seconds: 30, once: true, outstanding: 100 });
};

type Report = Omit<Sample, 'cpuSec' | 'perCpuSec' | 'rssBytes' | 'isDisturbed'>;

/** What dnsperf reports about a server that answers listed names with an RCODE. */
export const dnsperf = async (port: number, load: Load, refusal: Refusal = 'NXDOMAIN'): Promise<Report> => {
  const { queries, seconds, clients = CLIENTS, outstanding = OUTSTANDING } = load;
  const pin = load.isPinned === false ? [] : ['taskset', '-c', `${LOAD_CORE}`];
  const [command = '', ...args] = [
    ...pin,
    ...['dnsperf', '-s', '127.0.0.1', '-p', `${port}`, '-d', queries.path, '-t', `${LOST_SEC}`],
    ...['-l', `${seconds}`, '-c', `${clients}`, '-q', `${outstanding}`],
    ...(load.mode === undefined ? [] : ['-m', load.mode]),
    ...(load.once === true ? ['-n', '1'] : []),
    ...(load.threads === undefined ? [] : ['-T', `${load.threads}`]),
    ...(load.rate === undefined ? [] : ['-Q', `${load.rate}`]),
  ];
  const { code, stdout, stderr } = await run(command, args, { timeoutMs: seconds * 1000 + RUN_EXTRA_MS });
  if (code !== 0) throw new Error(`dnsperf ended with status ${code}\n${stdout}${stderr}`);
  const number = (pattern: RegExp): number => Number(pattern.exec(stdout)?.[1] ?? 0);
  const completed = number(/Queries completed:\s+(\d+)/);
  const lost = number(/Queries lost:\s+(\d+)/);
  const refused = number(new RegExp(`${refusal} (\\d+)`));
  return {
    completed,
    lost,
    queriesPerSec: number(/Queries per second:\s+([\d.]+)/),
    latencyUs: number(/Average Latency \(s\):\s+([\d.]+)/) * 1e6,
    // A lost query may have been one for a listed name, so that the count is only exact without losses.
    refusalsOff: lost > 0 ? 0 : refused - queries.refusedOf(completed),
    failures: completed - refused - number(/NOERROR (\d+)/),
  };
};

/** The value in the middle, the mean of the two in the middle of an even number; 0 of none. */
export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** The value below which the share of the values lies, linearly interpolated; 0 of none. */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const [low = 0, high = 0] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
};
