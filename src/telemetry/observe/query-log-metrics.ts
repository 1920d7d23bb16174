// The metrics of the query log: what its outputs took, and what is missing there and why.
import type { Metric } from './metric.ts';

/** The rows of the table, in the order of the page. */
export const QUERY_LOG_METRICS: readonly Metric[] = [
  {
    name: 'cordon_query_log_written_total',
    type: 'counter',
    labels: ['output'],
    help: 'Queries, and messages of dnstap, that an output of the query log took.',
    alarm: '',
    read: ({ evidence }) =>
      (evidence.queryLog?.outputs ?? []).map(({ name, written }) => [[name], written] as const),
  },
  {
    name: 'cordon_query_log_lost_total',
    type: 'counter',
    labels: ['reason'],
    help: 'Queries that are missing in the query log: `ring`, its thread was too slow; `receiver`, an output did not take them in time; `day`, the bytes of a day were used up; `disk`, they would have taken the reserve.',
    alarm: '`cordon_health_issue{id="query-log-lossy"} == 1`',
    read: ({ evidence }) =>
      Object.entries(evidence.queryLog?.lost ?? {}).map(([why, count]) => [[why], count] as const),
  },
  {
    name: 'cordon_query_log_connected',
    type: 'gauge',
    labels: ['output'],
    help: '1 while an output of the query log takes queries, 0 while it does not; the log tells why.',
    alarm: '',
    read: ({ evidence }) =>
      (evidence.queryLog?.outputs ?? []).map(
        ({ name, trouble }) => [[name], trouble === undefined ? 1 : 0] as const,
      ),
  },
];
