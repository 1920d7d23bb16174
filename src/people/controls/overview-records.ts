// What the overview reads of records on the disk: the last day's strip, today's counts, the last changes.
//
// Read again at most every few seconds, and only while somebody looks: a page that is open in ten browsers costs one
// reading, and a reading costs what is new since the one before. The strip is made by the report's own history, so that both
// tell the same of the same day.
import { join } from 'node:path';
import { type Clock, DAY_MS, errorText, HOUR_MS, isAppError } from '../../base/base.ts';
import {
  BlockMemory,
  type ChangeRecord,
  describeRecord,
  type HourCount,
  keptRecords,
  LISTED_SIGNALS,
  RECORDS_DIRECTORY,
  RecordsReader,
  signalOfCategory,
} from '../../evidence/records/records.ts';
import { EnforcementHistory } from '../../evidence/report/report.ts';
import type { StateShown } from '../admin/admin.ts';

/** How long what was read counts; longer where reading it is dear, so that it takes a hundredth of the thread. */
const FRESH_MS = 5_000;
const FRESH_COSTS = 100;
const FRESH_MS_MAX = 30_000;
/** Before the day that is shown: what held at its beginning was recorded some time earlier. */
const LEAD_MS = 6 * HOUR_MS;
const HOURS = 24;
/** Changes that are shown. */
const CHANGES_MAX = 12;
/** Kinds of changes that people made or have to know; probes have a place of their own. */
export const SHOWN_KINDS: ReadonlySet<string> = new Set([
  'service',
  'list',
  'configuration',
  'exemption',
  'decision',
  'enforcement',
]);

/**
 * Changes that tell what was in force since then. Up to the end of the chain: what a clock recorded that was ahead is part of it, and
 * without it records would seem to be missing.
 */
export const changesFrom = (fromMs: number) => ({
  classes: ['changes'] as const,
  fromMs: fromMs - LEAD_MS,
  untilMs: Number.POSITIVE_INFINITY,
});

type Span = StateShown['strip']['spans'][number];
type Change = StateShown['changes'][number];

/** What the records of the last day tell. */
export interface DayFacts {
  readonly fromMs: number;
  readonly untilMs: number;
  /** What was not in force, or not shown to be. */
  readonly spans: readonly Span[];
  readonly spansOf: ReadonlyMap<string, readonly Span[]>;
  readonly changes: readonly Change[];
  /** Of today, UTC. */
  readonly counts: readonly HourCount[];
  /** Why the records cannot be read; undefined: they can. What is shown above is then nothing, and no evidence of it. */
  readonly fault: string | undefined;
}

/** Reads the records of one state directory. */
export class OverviewRecords {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #monotonic: () => number;
  #read: { readonly atMs: number; readonly key: string; readonly facts: Promise<DayFacts> } | undefined;
  #freshMs = FRESH_MS;
  readonly #memory = new BlockMemory((record) => followedOf(record as ChangeRecord));

  /** `monotonic` never steps; milliseconds. */
  constructor(stateDirectory: string, clock: Clock, monotonic: () => number = () => performance.now()) {
    this.#directory = join(stateDirectory, RECORDS_DIRECTORY);
    this.#clock = clock;
    this.#monotonic = monotonic;
  }

  /** The last day. Records that cannot be read cost what they would tell, and not the rest of the overview. */
  day(groups: readonly string[]): Promise<DayFacts> {
    const nowMs = this.#clock();
    const key = groups.join('\n');
    const ageMs = nowMs - (this.#read?.atMs ?? 0);
    if (this.#read?.key === key && ageMs >= 0 && ageMs < this.#freshMs) return this.#read.facts;
    const facts = this.#readTimed(groups, nowMs);
    this.#read = { atMs: nowMs, key, facts };
    facts.catch(() => {
      this.#read = undefined;
    });
    return facts;
  }

  async #readTimed(groups: readonly string[], untilMs: number): Promise<DayFacts> {
    const startMs = this.#monotonic();
    const facts = await this.#readDay(groups, untilMs);
    const costMs = (this.#monotonic() - startMs) * FRESH_COSTS;
    this.#freshMs = Math.min(FRESH_MS_MAX, Math.max(FRESH_MS, costMs));
    return facts;
  }

  async #readDay(groups: readonly string[], untilMs: number): Promise<DayFacts> {
    const fromMs = untilMs - DAY_MS;
    const histories = new GroupHistories(groups);
    const all = new EnforcementHistory();
    try {
      const found = await keptRecords(this.#directory, 'changes', changesFrom(fromMs), this.#memory);
      for (const { sequence, kept } of found) {
        all.add({ sequence, record: kept.record });
        histories.add(sequence, kept);
      }
      const shown = found.flatMap(({ timeMs, kept: { change } }) => (timeMs < untilMs && change) || []);
      const spansOf = histories.spansOf(fromMs, untilMs);
      const spans = toSpans(all, fromMs, untilMs).map((span, index) => ({ ...span, number: index + 1 }));
      return {
        fromMs,
        untilMs,
        spans,
        spansOf,
        changes: shown.slice(-CHANGES_MAX).reverse(),
        counts: await this.#counts(untilMs),
        fault: undefined,
      };
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      const fault = thrown.code === 'ERR_COMPLIANCE_NO_RECORDS' ? undefined : errorText(thrown);
      // Without records there is no evidence of anything: the strip says so all along.
      const spans = toSpans(new EnforcementHistory(), fromMs, untilMs);
      const spansOf = new Map(groups.map((group) => [group, spans]));
      return { fromMs, untilMs, spans, spansOf, changes: [], counts: [], fault };
    }
  }

  async #counts(nowMs: number): Promise<HourCount[]> {
    const reader = RecordsReader.open(this.#directory);
    try {
      return await reader.counts(dayStart(nowMs), nowMs);
    } finally {
      reader.close();
    }
  }
}

type PlacedChange = Parameters<EnforcementHistory['add']>[0];
type StateRecord = Extract<ChangeRecord, { readonly kind: 'enforcement'; readonly event: 'state' }>;

/** What a history reads of a record, and what is shown of it. */
interface Followed {
  readonly record: ChangeRecord;
  /** What a record of a state says of each group. */
  readonly told: ReadonlyMap<string, string> | undefined;
  /** Undefined: it is not shown. */
  readonly change: Change | undefined;
  readonly size: number;
}

/** That of a change with its text. */
const CHANGE_SIZE = 2;

const followedOf = (record: ChangeRecord): Followed => {
  const change = SHOWN_KINDS.has(record.kind) ? toChange(record) : undefined;
  const told = isState(record)
    ? new Map(record.groups.map((one) => [one.group, JSON.stringify({ ...one, group: '' })]))
    : undefined;
  return {
    record: FOLLOWED.has(record.kind) ? record : stubOf(record),
    ...{ told, change },
    size: 1 + 2 * (told?.size ?? 0) + (change === undefined ? 0 : CHANGE_SIZE),
  };
};

/**
 * What held on each of many networks. Most of them had the same day: a history is followed once for all whose records of a state
 * say the same, and two hundred networks cost what a few do.
 */
class GroupHistories {
  readonly #groups: readonly string[];
  /** What each record of a state says of a group; undefined: it does not name it. */
  readonly #told: ReadonlyMap<string, string>[] = [];
  readonly #changes: PlacedChange[] = [];

  constructor(groups: readonly string[]) {
    this.#groups = groups;
  }

  add(sequence: number, { record, told }: Followed): void {
    if (told !== undefined) this.#told.push(told);
    this.#changes.push({ sequence, record });
  }

  spansOf(fromMs: number, untilMs: number): ReadonlyMap<string, readonly Span[]> {
    const spans = new Map<string, readonly Span[]>();
    const alike = Map.groupBy(this.#groups, (group) =>
      this.#told.map((told) => told.get(group) ?? '').join('\n'),
    );
    for (const groups of alike.values()) {
      const history = new EnforcementHistory(groups[0]);
      for (const change of this.#changes) history.add(change);
      const shown = toSpans(history, fromMs, untilMs);
      for (const group of groups) spans.set(group, shown);
    }
    return spans;
  }
}

/** Kinds that a history of what is in force reads whole. */
const FOLLOWED: ReadonlySet<string> = new Set(['service', 'enforcement', 'records']);

const isState = (record: ChangeRecord): record is StateRecord =>
  record.kind === 'enforcement' && record.event === 'state';

/** What it reads of another record: when it was, and of a probe whether it proves something. A day of papers and answers is long. */
const stubOf = (record: ChangeRecord): ChangeRecord => {
  const { kind, time } = record;
  const proof = record.kind === 'probe' ? { outcome: record.outcome, coverage: record.coverage } : {};
  return { kind, time, ...proof } as ChangeRecord;
};

/** Midnight in UTC. */
export const dayStart = (ms: number): number => Math.floor(ms / DAY_MS) * DAY_MS;

/** What was not in force or not shown to be, between two times. */
export const toSpans = (history: EnforcementHistory, fromMs: number, untilMs: number): Span[] =>
  history.section(fromMs, untilMs, untilMs).intervals.flatMap(({ from, until, state, cause, by }) => {
    if (state === 'in-force') return [];
    const isPause = state === 'not-in-force' && cause?.includes('operator-pause') === true;
    const shown = isPause ? 'paused' : state;
    return [{ from, to: until, state: shown, cause, by, number: null } as const];
  });

/** Members that say what changed; who and why has places of its own, and the rest is long. */
const TOLD_MEMBERS: ReadonlySet<string> = new Set(['event', 'list', 'id', 'state', 'cause', 'code']);

/** A change as pages show it. */
export const toChange = (record: ChangeRecord): Change => {
  const { by } = record as { readonly by?: string };
  const told = Object.fromEntries(
    Object.entries(record).flatMap(([name, value]: [string, unknown]) =>
      TOLD_MEMBERS.has(name) && typeof value === 'string' ? [[name, value]] : [],
    ),
  );
  return { time: record.time, kind: record.kind, text: describeRecord(record), by: by ?? null, told };
};

/** Signs of a way around that a list has to name, with the groups that have no such list: what nobody watches is not zero. */
export const unwatchedSigns = (
  groups: readonly { readonly name: string; readonly lists: readonly string[] }[],
  lists: readonly { readonly id: string; readonly category: string }[],
): { readonly signal: string; readonly groups: string[] }[] =>
  LISTED_SIGNALS.map((signal) => {
    const watching = new Set(lists.filter(({ category }) => category === signal).map(({ id }) => id));
    const without = groups.filter(({ lists: ids }) => !ids.some((id) => watching.has(id)));
    return { signal, groups: without.map(({ name }) => name) };
  }).filter((one) => one.groups.length > 0);

/** Today's counts as the overview shows them. */
export const sumUpToday = (
  counts: readonly HourCount[],
  isMandate: (list: string) => boolean,
  sinceMs: number,
): Pick<
  StateShown['today'],
  'refusedMandate' | 'refusedOther' | 'exemptionHits' | 'bypassSignals' | 'byList' | 'signs'
> & {
  readonly refusedOf: ReadonlyMap<string, number>;
  readonly hitsOf: ReadonlyMap<string, number>;
} => {
  const byList = new Map<string, { mandate: boolean; hours: number[] }>();
  const signs = new Map<string, number>();
  const refusedOf = new Map<string, number>();
  const hitsOf = new Map<string, number>();
  let refusedMandate = 0;
  let refusedOther = 0;
  const add = (sums: Map<string, number>, key: string, count: number): void => {
    sums.set(key, (sums.get(key) ?? 0) + count);
  };
  for (const { hourMs, kind, group, list, category, signal, exemption, count } of counts) {
    const sign = kind === 'bypass' ? signal : kind === 'refusal' ? signalOfCategory(category) : undefined;
    if (kind === 'exemption-hit') add(hitsOf, exemption, count);
    // Refusals and signs of a way around are never added up.
    if (sign !== undefined && sign !== '') add(signs, sign, count);
    else if (kind === 'refusal') {
      const mandate = isMandate(list);
      if (mandate) refusedMandate += count;
      else refusedOther += count;
      if (mandate) add(refusedOf, group, count);
      const row = byList.get(list) ?? { mandate, hours: new Array<number>(HOURS).fill(0) };
      const hour = Math.min(HOURS - 1, Math.max(0, Math.floor((hourMs - sinceMs) / HOUR_MS)));
      row.hours[hour] = (row.hours[hour] ?? 0) + count;
      byList.set(list, row);
    }
  }
  const total = (hours: readonly number[]): number => hours.reduce((sum, count) => sum + count, 0);
  return {
    refusedMandate,
    refusedOther,
    exemptionHits: total([...hitsOf.values()]),
    bypassSignals: total([...signs.values()]),
    byList: [...byList]
      .map(([list, { mandate, hours }]) => ({ list, mandate, total: total(hours), hours }))
      .sort((a, b) => b.total - a.total),
    signs: [...signs].map(([signal, count]) => ({ signal, count })).sort((a, b) => b.count - a.count),
    refusedOf,
    hitsOf,
  };
};
