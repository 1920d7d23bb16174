// impact: what a change of lists or groups would have meant for the queries of a log: the look before the change.
//
// Invariants: each question is judged by the pipeline that answers clients, under the configuration in force and under the
// other one; nothing is sent; memory is bounded whatever the log; what could not be told is said. Imports inquiry, dns and base.

export { impactInThread, type TriedImpact } from './impact-in-thread.ts';
export { type ImpactConfig, impactOf } from './impact-of.ts';
export { formatImpact } from './impact-text.ts';
export { readLines } from './lines.ts';
export { LOG_FORMATS, type LogFormat } from './logged.ts';
export { readLog } from './read-log.ts';
