// report: what the records of a period prove, for people and for programs: what `cordon report` makes.
//
// Invariants: a report is a function of the records, and the same ones give the same bytes; nothing is said that they do
// not prove. What makes a report is loaded by the first one: threads that resolve or record have no use for it.
import type { FleetReport, FleetReportOptions } from './fleet-report.ts';
import type { MadeReport, ReportOptions } from './forms.ts';

export { EnforcementHistory } from './enforcement-history.ts';
export type { FleetReport } from './fleet-report.ts';
export {
  REPORT_FORMATS,
  REPORT_LANGUAGES,
  REPORT_TABLES,
  type ReportFormat,
  type ReportStep,
  type ReportWitnesses,
} from './forms.ts';
export type { Statement as ReportStatement } from './model.ts';
export { readPeriod } from './period.ts';
export { createReportInThread, type SignedReport } from './report-in-thread.ts';
export { SIGNATURE_ENDING, signReport, verifyReport } from './signature.ts';

/**
 * Reads and checks the records and gives the report. Rejects with ERR_COMPLIANCE_REPORT_PERIOD,
 * ERR_COMPLIANCE_REPORT_GROUP, and what reading records rejects with.
 */
export const createReport = async (options: ReportOptions): Promise<MadeReport> => {
  const { produceReport } = await import('./produce.ts');
  return produceReport(options);
};

/** Sums up what the records of several resolvers prove: see buildFleetReport(). */
export const createFleetReport = async (options: FleetReportOptions): Promise<FleetReport> =>
  (await import('./fleet-report.ts')).buildFleetReport(options);
