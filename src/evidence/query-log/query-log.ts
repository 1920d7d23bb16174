// query-log: every query with its answer, for whoever keeps such a log: an output, and not a database.
//
// Invariants: off unless an output is configured; a worker makes one copy into its ring and never waits; what finds no
// room, is over the bytes of a day or would take the reserve of the disk is counted; clients are named as the log's own
// identity policy says, and by pseudonyms of the records; who searches is told references of a day. A room of its own, with a
// thread that records do not wait for, and one for searches while there are any.
// Imports records, events, words, dns and base. dnstap over Frame Streams, syslog (RFC 5424), Elastic Common Schema.
export type { DnstapMessage } from './dnstap-form.ts';
export { queryLogIssues } from './log-issues.ts';
export { LogSearcher, type SearchPlace } from './log-searcher.ts';
export { type KeptLogFacts, QueryLogWriter } from './log-writer.ts';
export type { LogIdentity } from './naming.ts';
export type { FoundQuery, QueryFilter } from './query-filter.ts';
export { ARCHIVE_NAME, LogFileNames, PACKED } from './rotated-file.ts';
export { type LogFound, type LogPlace, type LogSearch, logPaths, type SearchBounds } from './search.ts';
export type { LogLoss, LogOutputSettings, QueryLogSettings } from './settings.ts';
