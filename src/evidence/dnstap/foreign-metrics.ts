// What is seen of resolvers that are not Cordon's, as text for the textfile collector of Prometheus' node_exporter.
//
// A collector has no listener for this: it opens sockets for what it watches and nothing else. The issues have the name of those of a
// resolver of Cordon, so that one alert holds for both.
import type { ObservedState } from './observed-resolver.ts';

const COUNTERS = [
  ['answers', 'cordon_foreign_answers_total', 'Responses to clients that were seen.'],
  ['refused', 'cordon_foreign_refused_total', 'Of those to listed names, or that lead there: refusals.'],
  ['leaked', 'cordon_foreign_leaked_total', 'Of those to listed names, or that lead there: answers.'],
  ['failed', 'cordon_foreign_failed_total', 'Of those to listed names, or that lead there: neither.'],
  ['malformed', 'cordon_foreign_malformed_total', 'Frames that were no dnstap.'],
] as const;

/** In the exposition format of Prometheus. Names are of the file of the collector, so that nothing in them is to be escaped. */
export const foreignMetrics = (states: readonly ObservedState[], nowMs: number): string =>
  [
    ...COUNTERS.flatMap(([sum, metric, help]) => [
      `# HELP ${metric} ${help}`,
      `# TYPE ${metric} counter`,
      ...states.map(({ name, totals }) => `${metric}{resolver="${name}"} ${totals[sum]}`),
    ]),
    '# HELP cordon_foreign_seen Whether a stream of dnstap of the resolver runs.',
    '# TYPE cordon_foreign_seen gauge',
    ...states.map(({ name, isSeen }) => `cordon_foreign_seen{resolver="${name}"} ${isSeen ? 1 : 0}`),
    '# HELP cordon_foreign_looked_timestamp_seconds When this was written.',
    '# TYPE cordon_foreign_looked_timestamp_seconds gauge',
    `cordon_foreign_looked_timestamp_seconds ${Math.floor(nowMs / 1_000)}`,
    '# HELP cordon_health_issue What is wrong and needs a person.',
    '# TYPE cordon_health_issue gauge',
    ...states.flatMap(({ issues }) =>
      issues.map(({ id, subject }) => `cordon_health_issue{id="${id}",subject="${subject}"} 1`),
    ),
    '',
  ].join('\n');
