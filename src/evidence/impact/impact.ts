// impact: what a change of lists or groups would have meant for the queries of a log: the look before the change.
//
// Invariants: each question is judged by the pipeline that answers clients, under the configuration in force and under the
// other one; nothing is sent; memory is bounded whatever the log; what could not be told is said. Imports inquiry, dns and base.

export { type Impact, ImpactCount, type ImpactName } from './impact-count.ts';
export { formatImpact } from './impact-text.ts';
export { readLines } from './lines.ts';
export { LOG_FORMATS, type LogFormat, type Logged, type ReadingOf } from './logged.ts';
export { readLog } from './read-log.ts';
