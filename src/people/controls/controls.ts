// controls: what the table of operations asks of the rooms below: exemptions, lists, records, reports, the overview's parts.
//
// Invariants: it decides nothing that its room does not decide; who asked was judged before (admin); whatever is changed is
// recorded with who asked and why.
export { AskedCounts } from './asked-counts.ts';
export {
  checkExemptionTexts,
  createExemptionControl,
  type ExemptionStatus,
  exemptionSettings,
  personsOf,
} from './exemption-control.ts';
export { createListControl, type ListDecision } from './list-control.ts';
export { needsOf } from './overview-needs.ts';
export { type DayFacts, dayStart, OverviewRecords, sumUpToday, unwatchedSigns } from './overview-records.ts';
export { OperatorPause } from './pause.ts';
export { createRecordControl } from './record-control.ts';
export { RefusalPages, searchRecords } from './record-pages.ts';
export {
  queryLogSettings,
  RECORDS_NAME,
  recorderSettings,
  resolverName,
  toRecorderStatus,
} from './record-settings.ts';
export { RecordsCheck } from './records-check.ts';
export { RefusalFiguresMaker } from './refusal-figures.ts';
export { ReportScheduler } from './report-scheduler.ts';
export { ReportStore } from './report-store.ts';
