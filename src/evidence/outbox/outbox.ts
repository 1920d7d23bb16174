// outbox: what goes to people outside of itself: reports when a period ended, reminders before something ends.
//
// Invariants: it goes where the operator wrote, by POST or through the agency's relay, and nowhere else; what failed is tried
// again, later each time; nothing waits for it.
export { retryAfterMs } from './delivery.ts';
export { ReminderSender } from './reminder-sender.ts';
export { type Receiver, type ReportSchedule, receiversOf } from './report-delivery.ts';
export { periodAt, type ReportPeriod } from './report-periods.ts';
export { toReportWitnesses, toStatement } from './report-statement.ts';
