// observe: what the resolver tells about itself: counters, the metrics that /metrics prints, the operations log.
//
// Invariants: a query costs a few array cells and no object; label sets are closed, so that no client can add a time
// series, and the number of exported series has a cap; a counter never steps backwards, across restarted workers and
// policy generations; nothing here is on the way of an answer. Imports enforcement, dns and base only: the rooms that count
// declare interfaces of their own, which WorkerCounters satisfies. Format: Prometheus text format 0.0.4.

export { type Candidate, type CandidateEvidence, CandidateLog, mergeCandidates } from './candidates.ts';
export {
  ANSWER_BOUNDS_MS,
  type CounterBlock,
  type CounterLayout,
  createCounterBlock,
  createRefusalBlock,
  createUnreadCounters,
  type ExemptionBlock,
  type ExemptionLayout,
  RESOLUTION_BOUNDS_MS,
  type RefusalBlock,
  type RefusalLayout,
  WorkerCounters,
} from './counters.ts';
export { type CheckAsked, DeviceCheckLog } from './device-checks.ts';
export type {
  EvidenceFacts,
  ExemptionMetrics,
  ProbeMetrics,
  QueryLogMetrics,
  RecordMetrics,
  ReminderFacts,
  ReportFacts,
} from './evidence-facts.ts';
export {
  TRANSPORT_WORDS,
  TRIGGER_WORDS,
  UNTRUSTED,
  type UntrustedReason,
  UPSTREAM_FAILURE,
  VALIDATION,
} from './labels.ts';
export { createLog, type Log, type LogLevel, type LogPriorities } from './log.ts';
export { createMetrics, type Metrics } from './metrics.ts';
export type { FeedFacts, ListFacts, MetricsSource, RouteFacts, SourceFacts } from './metrics-source.ts';
export { metricsReference } from './reference.ts';
export {
  HISTORY_SPANS,
  type HistorySpan,
  type HistoryStep,
  ServiceHistory,
  type ServiceReading,
} from './service-history.ts';
export { ServiceRates } from './service-rates.ts';
export { CounterTotals, type Family, type Series, type Snapshot, type UpstreamState } from './totals.ts';
