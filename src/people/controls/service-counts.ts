// Counters of all workers, summed as pages and history show them.
import {
  ANSWER_BOUNDS_MS,
  type Family,
  type Series,
  type Snapshot,
} from '../../telemetry/observe/observe.ts';

/** What was counted of one upstream. */
interface UpstreamCounts {
  queries: number;
  answers: number;
  failures: number;
  totalMs: number;
}

/** What countUpstreams() needs. */
export const UPSTREAM_FAMILIES = [
  'upstreamQueries',
  'upstreamAnswers',
  'upstreamFailures',
  'upstreamRtt',
] as const;
/** Snapshots that have at least these. */
type With<Needed extends Family> = Pick<Snapshot<Needed>, 'series'>;

/** By the name of the upstream. */
export const countUpstreams = (
  sums: With<(typeof UPSTREAM_FAMILIES)[number]>,
): Map<string, UpstreamCounts> => {
  const counts = new Map<string, UpstreamCounts>();
  const add = (
    family: (typeof UPSTREAM_FAMILIES)[number],
    key: keyof UpstreamCounts,
    value = firstOf,
  ): void => {
    for (const series of sums.series(family)) {
      const [upstream = ''] = series.labels;
      const known = counts.get(upstream) ?? { queries: 0, answers: 0, failures: 0, totalMs: 0 };
      known[key] += value(series);
      counts.set(upstream, known);
    }
  };
  add('upstreamQueries', 'queries');
  add('upstreamAnswers', 'answers');
  add('upstreamFailures', 'failures');
  // The last cell of a histogram is the sum of what was observed.
  add('upstreamRtt', 'totalMs', ({ values }) => values.at(-1) ?? 0);
  return counts;
};

/** The value of a series that is no histogram. */
export const firstOf = ({ values }: Series): number => values[0] ?? 0;

/** Over all label values. */
export const sumOf = <Needed extends Family>(sums: With<Needed>, family: Needed): number => {
  let sum = 0;
  for (const series of sums.series(family)) sum += firstOf(series);
  return sum;
};

/** Answers by the bucket of their time, not cumulative. */
export const timesOf = (sums: With<'answerTime'>): number[] => {
  const counts = new Array<number>(ANSWER_BOUNDS_MS.length + 1).fill(0);
  for (const { values } of sums.series('answerTime')) {
    for (const at of counts.keys()) counts[at] = (counts[at] ?? 0) + (values[at] ?? 0);
  }
  return counts;
};
