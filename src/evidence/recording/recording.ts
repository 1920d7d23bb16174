// recording: what the running program keeps as evidence of itself: records, the query log, its own changes, whether the
// prohibition is in force.
//
// Invariants: nothing here is on the way of a query or waited for by one; what cannot be kept is said and counted, and costs no
// answer and no refusal; who did something and why stands in the record of it.

export { type ChangeAuthor, ChangeJournal, toAuthor } from './change-journal.ts';
export { EnforcementMonitor, judgeConfiguration } from './enforcement-monitor.ts';
export { LossWatch } from './loss-watch.ts';
export { QueryLogKeeping } from './query-log-keeping.ts';
export { namesOf, RecordKeeping } from './record-keeping.ts';
export { RECORDS_NAME, recorderSettings, resolverName } from './record-settings.ts';
