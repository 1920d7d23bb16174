// A report from the records in a directory, in one of its forms: what `cordon report` calls.
//
// What makes it is loaded by the first report: threads that resolve or record have no use for it.
import type { MadeReport, ReportOptions } from './forms.ts';

/**
 * Reads and checks the records and gives the report. Rejects with ERR_COMPLIANCE_REPORT_PERIOD,
 * ERR_COMPLIANCE_REPORT_GROUP, and what reading records rejects with.
 */
export const createReport = async (options: ReportOptions): Promise<MadeReport> => {
  const { produceReport } = await import('./produce.ts');
  return produceReport(options);
};
