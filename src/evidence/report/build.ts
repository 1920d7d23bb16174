// Builds a report from the records: a function of evidence, period and group, and of nothing else.
//
// A period that is not over when the report is made is judged up to the last sign of life only: nobody knows the rest.
import { AppError } from '../../base/base.ts';
import type { ChangeRecord } from '../records/records.ts';
import { signalsByGroup, toAttention } from './attention.ts';
import { toChangeEntry } from './change-log.ts';
import { PeriodClients, PeriodCounts } from './counts.ts';
import { DutyHistory } from './duty-history.ts';
import { EnforcementHistory } from './enforcement-history.ts';
import type { DoubtfulRecords, EvidenceSource, PlacedChange } from './evidence.ts';
import { concerns, ExemptionHistory } from './exemption-history.ts';
import { FeedHistory } from './feed-history.ts';
import { type ProgramStart, toGaps } from './gaps.ts';
import { ListHistory } from './list-history.ts';
import type {
  ChangeEntry,
  EnforcementSection,
  NetworkEntry,
  Note,
  PreviousPeriod,
  Report,
  Statement,
} from './model.ts';
import { toNote } from './notes.ts';
import { ProbeHistory } from './probe-history.ts';
import { extentOf, RecordHealth } from './record-health.ts';
import type { IntegritySection } from './records-model.ts';
import { periodBefore } from './series.ts';
import { toSigning } from './signing.ts';
import { dayText, timeText } from './time-text.ts';
import { toUnknown } from './unknown.ts';
import { judgePeriod } from './verdict.ts';

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
  /** What stands on top of it; nothing of it is read from records. */
  readonly made?: Statement | undefined;
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
  { fromMs, untilMs: askedMs, group: wanted, nowMs = Number.POSITIVE_INFINITY, made = NOBODY }: ReportScope,
  progress: ReportProgress = () => undefined,
): Promise<Report> => {
  const { first, last } = extentOf(source);
  if (first === undefined || last === undefined || first >= askedMs || last < fromMs)
    throw noRecords(source, fromMs, askedMs, first, last);
  const untilMs = livedUntil(fromMs, askedMs, nowMs, last);
  const group = wanted ?? null;
  const before = periodBefore(fromMs, askedMs);
  // Of a period that is not over, as much of the one before.
  const previousMs = Math.min(before.untilMs, before.fromMs + (untilMs - fromMs));
  const earlier = await gather(source, before.fromMs, previousMs, group, [], () => undefined);
  const { groups } = earlier.changes;
  const found = await gather(source, fromMs, untilMs, group, [...groups], progress);
  const { lists, exemptions, health } = found.changes;
  const integrity = toIntegrity(source, fromMs, untilMs, found.changes.hasHole);
  const countNotes = [...queryNotes(source, fromMs), ...doubtNotes(integrity), ...health.countNotes];
  const { provenMs } = source;
  // Of a run whose clock is behind what was recorded before, nothing is known beyond its last sign of life.
  const endMs = found.changes.enforcement.endOf(last, provenMs);
  const enforcement = found.changes.enforcement.section(fromMs, untilMs, last, provenMs);
  const probes = found.changes.probes.section(endMs);
  const leaks = found.changes.probes.leaks(enforcement.intervals);
  const attempts = found.counts.attempts(countNotes);
  const signals = found.counts.signals(countNotes);
  const exempted = exemptions.sections(found.counts.hits, group);
  const listed = lists.sections(endMs);
  const duties = found.changes.duties.sections();
  const previous = first <= before.fromMs ? toPrevious(earlier, before.fromMs, previousMs, last) : null;
  const isSoFar = untilMs < askedMs;
  const networks = found.changes.networks
    .map(({ name, history }) => toNetwork(name, history.section(fromMs, untilMs, last, provenMs)))
    .filter(({ ms }) => ms['in-force'] + ms['not-in-force'] + ms['no-evidence'] > 0);
  const verdict = judgePeriod({
    intervals: enforcement.intervals,
    probes,
    leaks,
    networks,
    isDoubtful: integrity.mayConcernPeriod,
    isSoFar,
  });
  const gaps = toGaps(enforcement.intervals, found.changes.starts);
  const records = health.section(source, fromMs, untilMs);
  const signing = toSigning(source);
  return {
    format: 'cordon-report',
    version: 4,
    made,
    verdict,
    gaps,
    networks,
    attention: toAttention({
      ...{ untilMs, integrity, verdict, gaps, probes, signals, previous },
      noEvidenceMs: enforcement.ms['no-evidence'],
      leaks,
      ...{ lists: listed, duties },
      exemptions: exempted,
      dropped: records.dropped,
      reidentified: found.changes.reidentified,
    }),
    previous,
    integrity,
    signing,
    unknown: toUnknown({
      ...{ integrity, signing, enforcement, probes, networks, records, lists: listed },
      exemptions: exempted,
      notes: [...attempts.notes, ...enforcement.notes],
      untilMs,
    }),
    resolver: source.resolver,
    group,
    period: { from: timeText(fromMs), until: timeText(untilMs) },
    inProgressUntil: isSoFar ? timeText(askedMs) : null,
    enforcement,
    probes,
    lists: listed,
    duties,
    feeds: found.changes.feeds.sections(),
    attempts,
    clients: found.clients.section(countNotes),
    exemptions: exempted,
    ...(exemptions.bound === undefined ? {} : { exemptionBound: exemptions.bound }),
    signals,
    changes: found.changes.entries,
    records,
  };
};

/** Nobody said who makes it of what. */
const NOBODY: Statement = { at: null, by: null, agency: null, program: null, addresses: [] };

/** Everything that is read of one period. */
const gather = async (
  source: EvidenceSource,
  fromMs: number,
  untilMs: number,
  group: string | null,
  groups: readonly string[],
  progress: ReportProgress,
) => {
  const changes = await readChanges(source, fromMs, untilMs, group, groups, progress);
  const counts = new PeriodCounts(fromMs, untilMs, (list, category, hourMs) =>
    changes.lists.purposeOf(list, category, hourMs),
  );
  for (const hour of await source.counts(fromMs, untilMs))
    if (group === null || hour.group === group) counts.add(hour);
  const clients = new PeriodClients(fromMs, untilMs, group);
  for await (const sketch of source.sketches(dayText(fromMs), dayText(untilMs - 1))) clients.add(sketch);
  return { changes, counts, clients };
};

const toPrevious = (
  { changes, counts, clients }: Awaited<ReturnType<typeof gather>>,
  fromMs: number,
  untilMs: number,
  lastMs: number,
): PreviousPeriod => {
  const probes = changes.probes.section(lastMs);
  const attempts = counts.attempts([]);
  const signals = counts.signals([]);
  return {
    period: { from: timeText(fromMs), until: timeText(untilMs) },
    ms: changes.enforcement.section(fromMs, untilMs, lastMs).ms,
    longestProofGapMs: probes.longestGapMs,
    refusals: attempts.byPurpose.mandate,
    clients: clients.section([]).total,
    passed: [...counts.hits.values()].reduce((sum, count) => sum + count, 0),
    signals: signals.total,
    byGroup: attempts.mandate.byGroup,
    byList: attempts.mandate.byList,
    bySignal: signals.bySignal,
    bySignalAndGroup: signalsByGroup(signals),
  };
};

/** Time in which there was no such group is not told of. */
const toNetwork = (group: string, { intervals }: EnforcementSection): NetworkEntry => {
  const ms = { 'in-force': 0, 'not-in-force': 0, 'no-evidence': 0 };
  for (const one of intervals) if (one.cause !== NO_SUCH_GROUP) ms[one.state] += one.ms;
  return { group, ms };
};

/** As an EnforcementHistory says. */
const NO_SUCH_GROUP = 'no-such-group';

/** The end of the part of the period that has been lived. */
const livedUntil = (fromMs: number, untilMs: number, nowMs: number, lastMs: number): number => {
  if (untilMs <= nowMs) return untilMs;
  // Seconds without a sign are how the recorder works; after that, the time until now is one without evidence.
  // A clock that was set back is behind the last record.
  const livedMs = nowMs - lastMs <= SILENCE_MS_MAX ? Math.min(lastMs, nowMs) : nowMs;
  return Math.min(untilMs, Math.max(fromMs + 1, livedMs));
};

/** `groups` are those whose enforcement is told one by one. */
const readChanges = async (
  source: EvidenceSource,
  fromMs: number,
  untilMs: number,
  group: string | null,
  groups: readonly string[],
  progress: ReportProgress,
) => {
  const enforcement = new EnforcementHistory(group);
  const networks = groups
    .filter((name) => group === null || name === group)
    .map((name) => ({ name, history: new EnforcementHistory(name) }));
  const probes = new ProbeHistory(fromMs, untilMs, (view) => group === null || view === `group:${group}`);
  const lists = new ListHistory(fromMs, untilMs);
  const duties = new DutyHistory(fromMs, untilMs);
  const feeds = new FeedHistory(fromMs, untilMs);
  const exemptions = new ExemptionHistory(fromMs, untilMs);
  const health = new RecordHealth(fromMs, untilMs);
  const readers = [
    ...[enforcement, probes, lists, duties, feeds, exemptions, health],
    ...networks.map(({ history }) => history),
  ];
  const entries: ChangeEntry[] = [];
  const starts: ProgramStart[] = [];
  const known = new Set<string>();
  let reidentified = 0;
  let count = 0;
  let lastMs = Number.NEGATIVE_INFINITY;
  let sequence: number | undefined;
  let hasHole = false;
  for await (const change of source.changes()) {
    const { record } = change;
    const atMs = Date.parse(record.time);
    const isNext = sequence === undefined || change.sequence === sequence + 1;
    if (!isNext && lastMs < untilMs && atMs >= fromMs) hasHole = true;
    sequence = change.sequence;
    lastMs = atMs;
    for (const reader of readers) reader.add(change);
    for (const name of groupsOf(record)) known.add(name);
    if (record.kind === 'service' && record.event === 'start' && record.version !== undefined)
      starts.push({ atMs, version: record.version });
    if (atMs >= fromMs && atMs < untilMs && isOfGroup(change, group)) {
      const entry = toChangeEntry(change);
      if (entry !== undefined) entries.push(entry);
      if (record.kind === 'records' && record.event === 'reidentified') reidentified++;
    }
    if (count++ % PROGRESS_EVERY === 0) progress(atMs);
  }
  const ordered = [...known].sort();
  return {
    ...{ enforcement, networks, probes, lists, duties, feeds, exemptions, health },
    ...{ entries, starts, groups: ordered, reidentified, hasHole },
  };
};

/** Groups that a record tells of. */
const groupsOf = (record: ChangeRecord): string[] => {
  if (record.kind === 'enforcement' && record.event === 'state') return record.groups.map((one) => one.group);
  if (record.kind !== 'probe') return [];
  return record.results.flatMap(({ view }) =>
    view.startsWith(GROUP_VIEW) ? view.slice(GROUP_VIEW.length) : [],
  );
};

/** Begins the name of a view that is a group's. */
const GROUP_VIEW = 'group:';

/** Changes concern every group, but for exemptions. */
const isOfGroup = ({ record }: PlacedChange, group: string | null): boolean =>
  group === null || record.kind !== 'exemption' || concerns(record.paper, group);

/** What is missing because records of queries were deleted, or begin later than the period. */
const queryNotes = ({ coverage }: EvidenceSource, fromMs: number): Note[] => {
  const { queries } = coverage;
  if (queries === undefined) return [toNote('no-queries')];
  if (queries.isFromBeginning || queries.firstMs <= fromMs) return [];
  return [toNote('deleted', timeText(queries.firstMs))];
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
const doubtNotes = ({ isIntact, doubtful }: IntegritySection): Note[] => {
  if (isIntact) return [];
  const count = doubtful
    .filter((one) => one.class === 'queries')
    .reduce((sum, { first, last }) => sum + last - first + 1, 0);
  return [count === 0 ? toNote('changed') : toNote('doubtful', count)];
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
