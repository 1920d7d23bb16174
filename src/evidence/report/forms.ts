// What can be asked for: forms, tables of the CSV, and the scope of a report.
import { LANGUAGES, type Language } from '../../base/words/words.ts';
import type { Statement } from './model.ts';

/** Forms of a report. */
export const REPORT_FORMATS = ['html', 'pdf', 'csv', 'json'] as const;

/** Languages of HTML and PDF. */
export const REPORT_LANGUAGES = LANGUAGES;

/** One of REPORT_FORMATS. */
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** The tables of the CSV, in their order. */
export const REPORT_TABLES = [
  ...['attention', 'networks', 'comparison', 'gaps', 'causes', 'outages', 'enforcement'],
  ...['probe-views', 'probe-findings', 'probes'],
  ...[
    'attempts-by-group',
    'attempts-by-category',
    'attempts-by-list',
    'attempts-by-trigger',
    'attempts-by-purpose',
    'attempts-by-day',
  ],
  ...['attempts', 'clients-by-group', 'clients'],
  ...['signals-by-kind', 'signals-by-group', 'signals', 'mandate-series'],
  ...['mandate-days', 'lists', 'list-events', 'decisions'],
  ...['exemptions', 'exemption-papers', 'exemption-events', 'exemption-times'],
  ...['changes', 'findings', 'doubtful', 'page-one', 'unknown', 'checkpoint', 'witnesses'],
  ...['records', 'unclean-ends', 'heads'],
];

/** How far a report has come, for people. */
export type ReportStep =
  | { readonly kind: 'checking'; readonly records: number }
  /** `part` of the period, 0 to 1. */
  | { readonly kind: 'reading'; readonly part: number };

/** Witnesses of a configuration. */
export interface ReportWitnesses {
  readonly keys: readonly string[];
  /** All of them where it is left out. */
  readonly needed?: number | undefined;
  /** Names of those without whose cosignature the records are not whole to the reader. */
  readonly required?: readonly string[];
}

/** What was kept elsewhere, to hold the records against: see verifyRecords(). */
export interface KeptElsewhere {
  readonly headsFile?: string | undefined;
  readonly checkpointFile?: string | undefined;
}

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
  /** Of HTML and PDF; English by default. */
  readonly language?: Language | undefined;
  /** What stands on top: who makes it of what. */
  readonly made?: Statement | undefined;
  /** With `csv`: one of REPORT_TABLES. */
  readonly table?: string | undefined;
  /** Who the configuration wants to witness the records: verifier keys (C2SP signed-note), and how many are needed. */
  readonly witnesses?: ReportWitnesses | undefined;
  readonly kept?: KeptElsewhere | undefined;
  readonly onStep?: (step: ReportStep) => void;
}

/** A report that was made. */
export interface MadeReport {
  readonly bytes: Uint8Array;
  /** What checking the records found: none for records that are whole. */
  readonly findings: readonly string[];
  /** For the subject of a message: what it is of, and its answer, in its language. */
  readonly title: string;
  readonly answer: string;
  /** Until when a period was asked for that is not over; otherwise null. */
  readonly inProgressUntil: string | null;
}
