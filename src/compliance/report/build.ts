// Builds a report from the records: a function of evidence, period and group, and of nothing else.
import { AppError } from '../../base/base.ts';
import { toChangeEntry } from './change-log.ts';
import { PeriodClients, PeriodCounts } from './counts.ts';
import { EnforcementHistory } from './enforcement-history.ts';
import type { EvidenceSource, PlacedChange } from './evidence.ts';
import { concerns, ExemptionHistory } from './exemption-history.ts';
import { ListHistory } from './list-history.ts';
import type { ChangeEntry, Report } from './model.ts';
import { ProbeHistory } from './probe-history.ts';
import { extentOf, RecordHealth } from './record-health.ts';
import { dayText, HOUR_MS, timeText } from './time-text.ts';

/** Codes of reports. */
export type ReportErrorCode = 'ERR_COMPLIANCE_REPORT_PERIOD';

/** What a report is about. */
export interface ReportScope {
  /** Milliseconds since the epoch; `untilMs` is exclusive. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Undefined: all groups. */
  readonly group?: string | undefined;
}

/** Told how far reading has come: the time of a record, milliseconds since the epoch. */
export type ReportProgress = (atMs: number) => void;

/** Records between two calls of ReportProgress. */
const PROGRESS_EVERY = 512;

/** Reads the records and builds the report. Rejects with ERR_COMPLIANCE_REPORT_PERIOD when none is of the period. */
export const buildReport = async (
  source: EvidenceSource,
  { fromMs, untilMs, group: wanted }: ReportScope,
  progress: ReportProgress = () => undefined,
): Promise<Report> => {
  const { first, last } = extentOf(source);
  if (first === undefined || last === undefined || first >= untilMs || last < fromMs)
    throw noRecords(fromMs, untilMs, first, last);
  const group = wanted ?? null;
  const readings = await readChanges(source, fromMs, untilMs, group, progress);
  const { enforcement, probes, lists, exemptions, changes, health } = readings;
  const counts = new PeriodCounts(fromMs, untilMs);
  for (const hour of await source.counts(Math.floor(fromMs / HOUR_MS) * HOUR_MS, untilMs))
    if (group === null || hour.group === group) counts.add(hour);
  const clients = new PeriodClients(fromMs, untilMs, group);
  for await (const sketch of source.sketches(dayText(fromMs), dayText(untilMs - 1))) clients.add(sketch);
  const countNotes = [...queryNotes(source, fromMs), ...health.countNotes];
  return {
    format: 'cordon-report',
    version: 1,
    resolver: source.resolver,
    group,
    period: { from: timeText(fromMs), until: timeText(untilMs) },
    enforcement: enforcement.section(fromMs, untilMs, last),
    probes: probes.section(last),
    lists: lists.sections(),
    attempts: counts.attempts(countNotes),
    clients: clients.section(countNotes),
    exemptions: exemptions.sections(counts.hits, group),
    signals: counts.signals(countNotes),
    changes,
    records: health.section(source, fromMs, untilMs),
  };
};

const readChanges = async (
  source: EvidenceSource,
  fromMs: number,
  untilMs: number,
  group: string | null,
  progress: ReportProgress,
) => {
  const enforcement = new EnforcementHistory(group);
  const probes = new ProbeHistory(fromMs, untilMs, (view) => group === null || view === `group:${group}`);
  const lists = new ListHistory(fromMs, untilMs);
  const exemptions = new ExemptionHistory(fromMs, untilMs);
  const health = new RecordHealth(fromMs, untilMs);
  const changes: ChangeEntry[] = [];
  let count = 0;
  for await (const change of source.changes()) {
    for (const reader of [enforcement, probes, lists, exemptions, health]) reader.add(change);
    const atMs = Date.parse(change.record.time);
    if (atMs >= fromMs && atMs < untilMs && isOfGroup(change, group)) {
      const entry = toChangeEntry(change);
      if (entry !== undefined) changes.push(entry);
    }
    if (count++ % PROGRESS_EVERY === 0) progress(atMs);
  }
  return { enforcement, probes, lists, exemptions, changes, health };
};

/** Changes concern every group, but for exemptions. */
const isOfGroup = ({ record }: PlacedChange, group: string | null): boolean =>
  group === null || record.kind !== 'exemption' || concerns(record.paper, group);

/** What is missing because records of queries were deleted, or begin later than the period. */
const queryNotes = ({ coverage }: EvidenceSource, fromMs: number): string[] => {
  const { queries } = coverage;
  if (queries === undefined) return ['There are no records of queries.'];
  if (queries.isFromBeginning || queries.firstMs <= fromMs) return [];
  return [`Records of queries before ${timeText(queries.firstMs)} have been deleted and are not counted.`];
};

const noRecords = (
  fromMs: number,
  untilMs: number,
  first: number | undefined,
  last: number | undefined,
): AppError =>
  new AppError(
    'ERR_COMPLIANCE_REPORT_PERIOD',
    `reporting on ${timeText(fromMs)} until ${timeText(untilMs)}: there is no record of that time`,
    {
      hint:
        first === undefined || last === undefined
          ? 'Nothing has been recorded yet.'
          : `Records reach from ${timeText(first)} to ${timeText(last)}.`,
    },
  );
