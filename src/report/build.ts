// Builds a report from the records: a function of evidence, period and group, and of nothing else.
//
// A period that is not over when the report is made is judged up to the last sign of life only: nobody knows the rest.
import { AppError, HOUR_MS } from '../base/base.ts';
import { toChangeEntry } from './change-log.ts';
import { PeriodClients, PeriodCounts } from './counts.ts';
import { EnforcementHistory } from './enforcement-history.ts';
import type { DoubtfulRecords, EvidenceSource, PlacedChange } from './evidence.ts';
import { concerns, ExemptionHistory } from './exemption-history.ts';
import { ListHistory } from './list-history.ts';
import type { ChangeEntry, IntegritySection, Report } from './model.ts';
import { ProbeHistory } from './probe-history.ts';
import { extentOf, RecordHealth } from './record-health.ts';
import { dayText, timeText } from './time-text.ts';

/** Codes of reports. */
export type ReportErrorCode = 'ERR_COMPLIANCE_REPORT_PERIOD';

/** What a report is about. */
export interface ReportScope {
  /** Milliseconds since the epoch; `untilMs` is exclusive. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Undefined: all groups. */
  readonly group?: string | undefined;
  /** When the report is made, by which a period is judged that is not over; by default, it is over. */
  readonly nowMs?: number | undefined;
}

/** Told how far reading has come: the time of a record, milliseconds since the epoch. */
export type ReportProgress = (atMs: number) => void;

/** Records between two calls of ReportProgress. */
const PROGRESS_EVERY = 512;
/** The recorder says each five seconds that it lives; what is recorded in a second run of it is missed by a few of them. */
const SILENCE_MS_MAX = 60_000;

/** Reads the records and builds the report. Rejects with ERR_COMPLIANCE_REPORT_PERIOD when none is of the period. */
export const buildReport = async (
  source: EvidenceSource,
  { fromMs, untilMs: askedMs, group: wanted, nowMs = Number.POSITIVE_INFINITY }: ReportScope,
  progress: ReportProgress = () => undefined,
): Promise<Report> => {
  const { first, last } = extentOf(source, nowMs);
  if (first === undefined || last === undefined || first >= askedMs || last < fromMs)
    throw noRecords(source, fromMs, askedMs, first, last);
  const untilMs = livedUntil(fromMs, askedMs, nowMs, last);
  const group = wanted ?? null;
  const readings = await readChanges(source, fromMs, untilMs, group, progress);
  const { enforcement, probes, lists, exemptions, changes, health } = readings;
  const counts = new PeriodCounts(fromMs, untilMs, (list, category, hourMs) =>
    lists.purposeOf(list, category, hourMs),
  );
  for (const hour of await source.counts(Math.floor(fromMs / HOUR_MS) * HOUR_MS, untilMs))
    if (group === null || hour.group === group) counts.add(hour);
  const clients = new PeriodClients(fromMs, untilMs, group);
  for await (const sketch of source.sketches(dayText(fromMs), dayText(untilMs - 1))) clients.add(sketch);
  const integrity = toIntegrity(source, fromMs, untilMs, readings.hasHole);
  const countNotes = [...queryNotes(source, fromMs), ...doubtNotes(integrity), ...health.countNotes];
  return {
    format: 'cordon-report',
    version: 2,
    integrity,
    resolver: source.resolver,
    group,
    period: { from: timeText(fromMs), until: timeText(untilMs) },
    inProgressUntil: untilMs < askedMs ? timeText(askedMs) : null,
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

/** The end of the part of the period that has been lived. */
const livedUntil = (fromMs: number, untilMs: number, nowMs: number, lastMs: number): number => {
  if (untilMs <= nowMs) return untilMs;
  // Seconds without a sign are how the recorder works; after that, the time until now is one without evidence.
  const livedMs = nowMs - lastMs <= SILENCE_MS_MAX ? lastMs : nowMs;
  return Math.min(untilMs, Math.max(fromMs + 1, livedMs));
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
  let lastMs = Number.NEGATIVE_INFINITY;
  let sequence: number | undefined;
  let hasHole = false;
  for await (const change of source.changes()) {
    const isNext = sequence === undefined || change.sequence === sequence + 1;
    if (!isNext && lastMs < untilMs && Date.parse(change.record.time) >= fromMs) hasHole = true;
    sequence = change.sequence;
    lastMs = Date.parse(change.record.time);
    for (const reader of [enforcement, probes, lists, exemptions, health]) reader.add(change);
    const atMs = Date.parse(change.record.time);
    if (atMs >= fromMs && atMs < untilMs && isOfGroup(change, group)) {
      const entry = toChangeEntry(change);
      if (entry !== undefined) changes.push(entry);
    }
    if (count++ % PROGRESS_EVERY === 0) progress(atMs);
  }
  return { enforcement, probes, lists, exemptions, changes, health, hasHole };
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

const toIntegrity = (
  { check }: EvidenceSource,
  fromMs: number,
  untilMs: number,
  hasHole: boolean,
): IntegritySection => {
  const { isIntact, findings, doubtful } = check;
  const textOf = (ms: number | undefined): string | null => (ms === undefined ? null : timeText(ms));
  const mayConcern = ({ afterMs, beforeMs }: DoubtfulRecords): boolean =>
    (afterMs ?? Number.NEGATIVE_INFINITY) < untilMs && (beforeMs ?? Number.POSITIVE_INFINITY) >= fromMs;
  return {
    isIntact,
    findings,
    doubtful: doubtful.map(({ class: recordClass, partition, first, last, afterMs, beforeMs }) => ({
      ...{ class: recordClass, partition, first, last },
      ...{ after: textOf(afterMs), before: textOf(beforeMs) },
    })),
    mayConcernPeriod: hasHole || doubtful.some(mayConcern) || (!isIntact && doubtful.length === 0),
  };
};

/** What is not counted because nothing proves it. */
const doubtNotes = ({ isIntact, doubtful }: IntegritySection): string[] => {
  if (isIntact) return [];
  const count = doubtful
    .filter((one) => one.class === 'queries')
    .reduce((sum, { first, last }) => sum + last - first + 1, 0);
  return [
    count === 0
      ? 'The records were changed or are missing in part (see Findings): the numbers here are lower bounds.'
      : `${count} records of queries are in doubt (see Findings) and not counted: the numbers here are lower bounds.`,
  ];
};

const noRecords = (
  { check }: EvidenceSource,
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
          ? check.isIntact
            ? 'Nothing has been recorded yet.'
            : `Records were changed or are missing: ${check.findings.length} findings of "cordon records verify", the first: ${check.findings[0]}`
          : `Records reach from ${timeText(first)} to ${timeText(last)}.`,
    },
  );
