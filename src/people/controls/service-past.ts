// The short history of the service: what it is read from, and how it is shown.
import type { Clock } from '../../base/base.ts';
import type { Supervisor } from '../../resolver/workers/workers.ts';
import {
  ANSWER_BOUNDS_MS,
  type CounterTotals,
  type EvidenceFacts,
  HISTORY_SPANS,
  type HistorySpan,
  type HistoryStep,
  ServiceHistory,
  type ServiceReading,
} from '../../telemetry/observe/observe.ts';
import type { ServiceHistoryShown } from '../admin/admin.ts';
import { countUpstreams, firstOf, sumOf, timesOf, UPSTREAM_FAMILIES } from './service-counts.ts';

/** What it is read from. */
interface ReadParts {
  readonly totals: CounterTotals;
  readonly supervisor: Pick<Supervisor, 'count' | 'alive' | 'hung'>;
  /** Of records and query log. */
  evidence(): Pick<EvidenceFacts, 'records' | 'queryLog'>;
  certificateEnds(): Pick<ServiceReading, 'certificateEndMs' | 'roomCertificateEndMs'>;
}

/** The history of one program; `monotonic` never steps. */
export const createServiceHistory = (
  parts: ReadParts,
  clock: Clock,
  monotonic: () => number,
): ServiceHistory => new ServiceHistory(() => readService(parts), clock, monotonic);

const countsOf = ({ outputs, lost }: NonNullable<EvidenceFacts['queryLog']>): number[] => [
  outputs.reduce((sum, { written }) => sum + written, 0),
  Object.values(lost).reduce((sum, count) => sum + count, 0),
];

const READ = [
  ...(['queries', 'answers', 'cacheHits', 'cacheMisses', 'answerTime'] as const),
  ...UPSTREAM_FAMILIES,
] as const;

/** What the history keeps, read from the same counters as figures and metrics. */
const readService = ({ totals, supervisor, evidence, certificateEnds }: ReadParts): ServiceReading => {
  const sums = totals.read(READ);
  const { records, queryLog } = evidence();
  const { user, system } = process.cpuUsage();
  const servfail = [...sums.series('answers')].filter(({ labels }) => labels[1] === 'SERVFAIL');
  return {
    counts: {
      queries: sumOf(sums, 'queries'),
      answers: sumOf(sums, 'answers'),
      servfail: servfail.reduce((sum, series) => sum + firstOf(series), 0),
      refusals: totals.refused().refusals,
      cacheHits: sumOf(sums, 'cacheHits'),
      cacheMisses: sumOf(sums, 'cacheMisses'),
      recordsLost: records?.dropped ?? 0,
      cpuMs: (user + system) / 1000,
    },
    times: timesOf(sums),
    upstreams: [...countUpstreams(sums)].map(([name, { answers, failures, totalMs }]) => ({
      name,
      counts: [answers, failures, totalMs],
    })),
    outputs: [
      ...(records?.outputs ?? []).map(({ name, written, dropped }) => ({ name, counts: [written, dropped] })),
      ...(queryLog === undefined ? [] : [{ name: 'query-log', counts: countsOf(queryLog) }]),
    ],
    workers: { wanted: supervisor.count, alive: supervisor.alive, hung: supervisor.hung },
    residentBytes: process.memoryUsage.rss(),
    freeBytes: records?.freeBytes,
    ...certificateEnds(),
  };
};

/** The history of a span, as the table of operations promises it. */
export const showHistory = (history: ServiceHistory, span: HistorySpan): ServiceHistoryShown => {
  const { fromMs, nowMs, startMs, steps } = history.read(span);
  const { stepMs } = HISTORY_SPANS[span];
  return {
    from: toText(fromMs),
    until: toText(fromMs + steps.length * stepMs),
    now: toText(nowMs),
    startedAt: toText(startMs),
    stepSec: stepMs / 1000,
    boundsMs: [...ANSWER_BOUNDS_MS],
    steps: steps.map((step) => (step === undefined ? null : toStep(step))),
  };
};

const toStep = (step: HistoryStep): NonNullable<ServiceHistoryShown['steps'][number]> => ({
  from: toText(step.fromMs),
  seconds: step.observedMs / 1000,
  ...step.counts,
  times: step.times,
  workers: step.workers,
  residentBytes: step.residentBytes,
  freeBytes: step.freeBytes ?? null,
  certificateEnds: toTime(step.certificateEndMs),
  roomCertificateEnds: toTime(step.roomCertificateEndMs),
  upstreams: step.upstreams.map(({ name, counts: [answers = 0, failures = 0, totalMs = 0] }) => ({
    ...{ name, answers, failures, totalMs },
  })),
  outputs: step.outputs.map(({ name, counts: [written = 0, lost = 0] }) => ({ name, written, lost })),
});

const toText = (ms: number): string => new Date(ms).toISOString();
const toTime = (ms: number | undefined): string | null => (ms === undefined ? null : toText(ms));
