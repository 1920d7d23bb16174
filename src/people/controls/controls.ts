// controls: what the table of operations asks of the rooms below: exemptions, lists, records, reports, the overview's parts.
//
// Invariants: it decides nothing that its room does not decide; who asked was judged before (admin); whatever is changed is
// recorded with who asked and why.

export { AskedCounts } from './asked-counts.ts';
export { clientsOf } from './device-page.ts';
export { createEvidence, createEvidenceControls, type Evidence } from './evidence.ts';
export {
  checkExemptionTexts,
  createExemptionControl,
  type ExemptionStatus,
  exemptionSettings,
  personsOf,
} from './exemption-control.ts';
export { createListControl } from './list-control.ts';
export { Overview } from './overview.ts';
export { OverviewRecords } from './overview-records.ts';
export { OperatorPause } from './pause.ts';
export { Queries } from './query-control.ts';
export { RecordsCheck } from './records-check.ts';
export { ReportScheduler } from './report-scheduler.ts';
export { ReportStore } from './report-store.ts';
export { createServiceControl, type ServiceParts } from './service-control.ts';
export { createServiceHistory } from './service-past.ts';
export { TriedChanges } from './tried-changes.ts';
