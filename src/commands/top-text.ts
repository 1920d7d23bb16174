// How `cordon top` looks: a line of state, rates, the slowest upstreams, and the refusals of just now, as many as fit.

import { describeRecord, type FoundRecord } from '../evidence/records/records.ts';
import type { ServiceFigures } from '../people/admin/admin.ts';
import { isAsDecided } from '../telemetry/enforcement/enforcement.ts';
import { alignColumns } from './columns.ts';
import { mark } from './terminal.ts';

/** An upstream between two readings. */
export interface UpstreamRate {
  readonly upstream: string;
  readonly up: boolean;
  readonly queriesPerSec: number;
  readonly failuresPerSec: number;
  /** Mean of the round trips, milliseconds; null: no answer came. */
  readonly meanMs: number | null;
}

/** What happened between two readings. */
export interface Rates {
  readonly seconds: number;
  readonly state: ServiceFigures['state'];
  readonly queriesPerSec: number;
  readonly refusalsPerSec: number;
  readonly wouldRefusePerSec: number;
  readonly droppedPerSec: number;
  /** Part of the look-ups that the cache could answer; null: there were none. */
  readonly hitRatio: number | null;
  /** Answers a second by what made them. */
  readonly answersPerSec: Readonly<Record<string, number>>;
  /** Half of the answers, and 99 of 100, took no longer, milliseconds; null: none, or beyond all bounds. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** Of one processor. */
  readonly cpuRatio: number;
  readonly residentBytes: number;
  readonly inflight: number;
  readonly tcpConnections: number;
  readonly tlsConnections: number;
  /** The slowest first. */
  readonly upstreams: readonly UpstreamRate[];
}

/** One page. */
export interface TopPage {
  readonly time: string;
  readonly rates: Rates;
  /** The latest first. */
  readonly refusals: readonly FoundRecord[];
}

/** Upstreams that are shown: the slowest of them. */
const UPSTREAMS_MAX = 8;
/** Kinds of answers that are shown. */
const ANSWERS_MAX = 6;
/** Lines that a page has besides the two tables. */
const FRAME_LINES = 11;
const REFUSALS_MIN = 3;

/** The rates between two readings of one process; a process that was started in between begins anew. */
export const ratesOf = (before: ServiceFigures, now: ServiceFigures): Rates => {
  const isSame = now.atMs > before.atMs && now.queries >= before.queries;
  const seconds = isSame ? (now.atMs - before.atMs) / 1000 : now.atMs / 1000;
  const since = (value: number, earlier: number | undefined): number =>
    Math.max(0, value - (isSame ? (earlier ?? 0) : 0));
  const per = (value: number, earlier: number | undefined): number => since(value, earlier) / seconds;
  const hits = since(now.cacheHits, before.cacheHits);
  const lookups = hits + since(now.cacheMisses, before.cacheMisses);
  const counts = now.answerTimes.counts.map((count, at) => since(count, before.answerTimes.counts[at]));
  const earlier = new Map(before.upstreams.map((one) => [one.upstream, one]));
  const upstreams = now.upstreams.map((one): UpstreamRate => {
    const was = earlier.get(one.upstream);
    const answers = since(one.answers, was?.answers);
    return {
      upstream: one.upstream,
      up: one.up,
      queriesPerSec: per(one.queries, was?.queries),
      failuresPerSec: per(one.failures, was?.failures),
      meanMs: answers === 0 ? null : since(one.totalMs, was?.totalMs) / answers,
    };
  });
  return {
    seconds,
    state: now.state,
    queriesPerSec: per(now.queries, before.queries),
    refusalsPerSec: per(now.refusals, before.refusals),
    wouldRefusePerSec: per(now.wouldRefuse, before.wouldRefuse),
    droppedPerSec: per(now.dropped, before.dropped),
    hitRatio: lookups === 0 ? null : hits / lookups,
    answersPerSec: Object.fromEntries(
      Object.entries(now.answers).map(([source, count]) => [source, per(count, before.answers[source])]),
    ),
    p50Ms: quantile(counts, now.answerTimes.boundsMs, 0.5),
    p99Ms: quantile(counts, now.answerTimes.boundsMs, 0.99),
    cpuRatio: per(now.cpuMs, before.cpuMs) / 1000,
    residentBytes: now.residentBytes,
    inflight: now.inflight,
    tcpConnections: now.tcpConnections,
    tlsConnections: now.tlsConnections,
    upstreams: upstreams.toSorted((one, other) => (other.meanMs ?? -1) - (one.meanMs ?? -1)),
  };
};

/** The upper bound of the bucket that this part of the observations does not exceed. */
const quantile = (counts: readonly number[], bounds: readonly number[], part: number): number | null => {
  const wanted = counts.reduce((sum, count) => sum + count, 0) * part;
  if (wanted === 0) return null;
  let sum = 0;
  for (const [at, count] of counts.entries()) {
    sum += count;
    if (sum >= wanted) return bounds[at] ?? null;
  }
  return null;
};

/** The page for so many lines and columns. */
export const formatTop = (
  { time, rates, refusals }: TopPage,
  { rows, columns }: { readonly rows: number; readonly columns: number },
): string => {
  const upstreams = rates.upstreams.slice(0, UPSTREAMS_MAX);
  const room = Math.max(REFUSALS_MIN, rows - FRAME_LINES - upstreams.length);
  const [upstreamHead = '', ...upstreamRows] = alignColumns(
    [
      ['SLOWEST UPSTREAMS', 'MEAN', 'QUERIES/s', 'FAILURES/s', 'STATE'],
      ...upstreams.map((one) => [
        one.upstream,
        one.meanMs === null ? '-' : `${one.meanMs.toFixed(1)} ms`,
        rate(one.queriesPerSec),
        rate(one.failuresPerSec),
        one.up ? 'up' : 'DOWN',
      ]),
    ],
    columns,
  );
  const [refusedHead = '', ...refusedRows] = alignColumns(
    [
      ['REFUSED', 'GROUP', 'WHAT'],
      ...refusals
        .slice(0, room)
        .map(({ record }) => [
          record.time.slice(11, 19),
          'group' in record ? String(record.group) : '-',
          describeRecord(record),
        ]),
    ],
    columns,
  );
  return [
    ...headLines(time, rates).map((line) => cut(line, columns)),
    '',
    mark('head', upstreamHead),
    ...upstreamRows,
    '',
    mark('head', refusedHead),
    ...(refusedRows.length === 0 ? ['none is recorded of the last hour'] : refusedRows),
    '',
  ].join('\n');
};

const headLines = (time: string, rates: Rates): string[] => {
  const word = isAsDecided(rates.state) ? 'IN FORCE' : `NOT IN FORCE (${rates.state})`;
  const answers = Object.entries(rates.answersPerSec)
    .filter(([, perSec]) => perSec > 0)
    .toSorted(([, one], [, other]) => other - one)
    .slice(0, ANSWERS_MAX)
    .map(([source, perSec]) => `${source} ${rate(perSec)}`);
  return [
    `cordon top  ${time.slice(0, 19)}Z  ${word}  over ${rates.seconds.toFixed(1)} s  (q ends)`,
    `queries ${rate(rates.queriesPerSec)}/s   refused ${rate(rates.refusalsPerSec)}/s   would refuse ${rate(rates.wouldRefusePerSec)}/s   dropped ${rate(rates.droppedPerSec)}/s`,
    `answers/s  ${answers.length === 0 ? 'none' : answers.join('   ')}`,
    `time to answer  half within ${ms(rates.p50Ms)}, 99 % within ${ms(rates.p99Ms)}   cache ${rates.hitRatio === null ? '-' : `${(rates.hitRatio * 100).toFixed(1)} %`}`,
    `waiting for upstreams ${rates.inflight}   TCP ${rates.tcpConnections}   encrypted ${rates.tlsConnections}   processor ${(rates.cpuRatio * 100).toFixed(0)} %   memory ${(rates.residentBytes / 2 ** 20).toFixed(0)} MiB`,
  ];
};

const rate = (perSec: number): string => (perSec >= 100 ? perSec.toFixed(0) : perSec.toFixed(1));
const ms = (value: number | null): string => (value === null ? '-' : `${Number(value.toPrecision(2))} ms`);
const cut = (line: string, columns: number): string =>
  line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;
