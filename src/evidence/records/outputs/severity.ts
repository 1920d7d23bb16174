// How bad a record is, in the words of syslog.
import { isAsDecided } from '../../../telemetry/enforcement/enforcement.ts';
import type { EvidenceRecord } from '../record.ts';

/** Severities of RFC 5424 section 6.2.1. */
export const SYSLOG_SEVERITY = {
  emergency: 0,
  alert: 1,
  critical: 2,
  error: 3,
  warning: 4,
  notice: 5,
  info: 6,
  debug: 7,
} as const;

/** A word of SYSLOG_SEVERITY. */
export type SyslogSeverity = keyof typeof SYSLOG_SEVERITY;

const ALARMING_EVENTS: ReadonlySet<string> = new Set([
  'dropped',
  'clock-step',
  'damaged',
  'output-dropped',
  'reserve-begin',
]);

/** The severity of a record: `error` when the prohibition is not in force or leaks. */
export const severityOf = (record: EvidenceRecord): SyslogSeverity => {
  switch (record.kind) {
    case 'refusal':
    case 'would-refuse':
    case 'exemption-hit':
    case 'bypass':
    case 'sketch':
      return 'info';
    case 'enforcement':
      if (record.event === 'state') return isAsDecided(record.state) ? 'notice' : 'error';
      return record.event === 'gap-begin' ? 'error' : 'notice';
    case 'probe':
      return record.outcome === 'enforced' ? 'notice' : 'error';
    case 'records':
      return ALARMING_EVENTS.has(record.event) ? 'warning' : 'notice';
    case 'service':
      return record.event === 'unclean-end' || record.event === 'worker-died' ? 'warning' : 'notice';
    case 'list':
      return record.event === 'held' || record.event === 'fetch-failed' ? 'warning' : 'notice';
    case 'configuration':
      return record.event === 'refused' ? 'warning' : 'notice';
    case 'decision':
      return record.event.endsWith('-near') || record.event.endsWith('-passed') ? 'warning' : 'notice';
    default:
      return 'notice';
  }
};
