// What can be asked for: forms, tables of the CSV, and the scope of a report.

/** Forms of a report. */
export const REPORT_FORMATS = ['html', 'pdf', 'csv', 'json'] as const;

/** One of REPORT_FORMATS. */
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** The tables of the CSV, in their order. */
export const REPORT_TABLES = [
  ...['causes', 'outages', 'enforcement', 'probe-views', 'probe-findings', 'probes'],
  ...['lists', 'list-events', 'decisions'],
  ...[
    'attempts-by-group',
    'attempts-by-category',
    'attempts-by-list',
    'attempts-by-trigger',
    'attempts-by-purpose',
    'attempts-by-day',
  ],
  ...['attempts', 'clients-by-group', 'clients'],
  ...['exemptions', 'exemption-papers', 'exemption-events', 'exemption-times'],
  ...['signals-by-kind', 'signals-by-group', 'signals'],
  ...['changes', 'findings', 'doubtful', 'records', 'unclean-ends', 'heads'],
];

/** How far a report has come, for people. */
export type ReportStep =
  | { readonly kind: 'checking'; readonly records: number }
  /** `part` of the period, 0 to 1. */
  | { readonly kind: 'reading'; readonly part: number };

/** What is asked for. */
export interface ReportOptions {
  /** Of the records. */
  readonly directory: string;
  readonly fromMs: number;
  readonly untilMs: number;
  /** Undefined: all. */
  readonly group?: string | undefined;
  /** Groups of the configuration: one of these may be asked for although nothing is recorded of it. */
  readonly groups?: readonly string[];
  /** When the report is made; by default, the period is over. */
  readonly nowMs?: number;
  readonly format: ReportFormat;
  /** With `csv`: one of REPORT_TABLES. */
  readonly table?: string | undefined;
  readonly onStep?: (step: ReportStep) => void;
}

/** A report that was made. */
export interface MadeReport {
  readonly bytes: Uint8Array;
  /** What checking the records found: none for records that are whole. */
  readonly findings: readonly string[];
  /** Until when a period was asked for that is not over; otherwise null. */
  readonly inProgressUntil: string | null;
}
