// What is wrong with the query log.
import type { FoundIssue } from '../../base/words/words.ts';
import type { QueryLogMetrics } from '../../telemetry/observe/observe.ts';
import { CONNECTING } from '../records/records.ts';

/** A log of queries is no evidence: what is missing there, or stays too long, is worth a look, and no record. */
export const queryLogIssues = (queryLog: QueryLogMetrics): FoundIssue[] => {
  const overdue = queryLog.outputs.flatMap((output): FoundIssue[] => {
    if (output.overdue === undefined) return [];
    const text = `files of the query log are not kept as the configuration says: ${output.overdue}`;
    return [{ id: 'query-log-overdue', subject: output.name, text }];
  });
  if (!queryLog.isLossy) return overdue;
  const lost = Object.entries(queryLog.lost).filter(([, count]) => count > 0);
  const text = `queries are missing in the query log since the start: ${lost.map(([why, count]) => `${count} (${why})`).join(', ')}`;
  const stuck = queryLog.outputs.filter(({ trouble }) => trouble !== undefined && trouble !== CONNECTING);
  const why = stuck.map(({ name, trouble }) => `; ${name}: ${trouble}`).join('');
  return [...overdue, { id: 'query-log-lossy', subject: '', text: `${text}${why}` }];
};
