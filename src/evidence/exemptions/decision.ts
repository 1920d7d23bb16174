// The decision that a mandate list rests on: whose, which, since when, and when somebody has to look at it again.
//
// No date of a decision ever changes what is refused. A review or an end that nears or passes is an alarm, once each;
// the list stays in force until a person takes it out of the configuration, which is recorded as well. What was
// recorded last is known from the register, so that a decision that changed while the program was down is seen.
import { z } from 'zod';
import { DAY_MS } from '../../base/base.ts';
import type { DecisionRecord } from '../records/records.ts';
import { dutyDoneSchema, dutySchema, isDayOver } from './mandate-days.ts';

/** How long before a date its alarm is given. */
export const NEAR_DAYS = 30;
/** Characters of a line: more than a sentence of a configuration has. */
export const DECISION_LINE_MAX = 4000;

const day = z.iso.date();

/** The schema of a decision. Days are those of UTC, `2026-12-01`. */
export const decisionSchema = z.strictObject({
  /** Who decided. */
  authority: z.string().min(1).max(DECISION_LINE_MAX),
  /** Number or title. */
  reference: z.string().min(1).max(DECISION_LINE_MAX),
  text: z.string().max(DECISION_LINE_MAX).optional(),
  inForceFrom: day,
  /** By which it has to be looked at again. */
  review: day.optional(),
  /** On which it ends by its own words. */
  ends: day.optional(),
  provisional: z.boolean().optional(),
  /** Of a mandate: which text of its pack, and how it stands by it. */
  mandate: z
    .strictObject({
      id: z.string(),
      version: z.string(),
      sha256: z.string(),
      standing: z.string(),
      since: z.string().optional(),
      by: z.string().max(DECISION_LINE_MAX).optional(),
      lists: z.array(z.string()),
      /** Absent: it sets no day. */
      duties: z.array(dutySchema).optional(),
      /** What was written down as done; absent: nothing. */
      done: z.array(dutyDoneSchema).optional(),
      /** Where not all of it is here: the last day of which it may be missing. */
      doneBefore: day.optional(),
    })
    .optional(),
  /** What two people decided about a mandate. */
  decided: z
    .strictObject({
      outcome: z.string(),
      of: z.string(),
      operators: z.array(z.string()),
      authority: z.string(),
      reference: z.string(),
      reason: z.string(),
      from: day,
      by: z.string(),
      confirmedBy: z.string(),
    })
    .optional(),
});

/** A decision. Plain data. */
export type Decision = Readonly<z.infer<typeof decisionSchema>>;

const recordSchema = z.strictObject({
  kind: z.literal('decision'),
  time: z.iso.datetime(),
  event: z.enum(['set', 'changed', 'removed', 'review-near', 'review-passed', 'end-near', 'end-passed']),
  list: z.string(),
  decision: decisionSchema.optional(),
});

/** A record as it was written; throws a RangeError for anything else. */
export const readDecisionRecord = (body: unknown): DecisionRecord & { readonly decision?: Decision } => {
  const read = recordSchema.safeParse(body);
  if (!read.success) throw new RangeError('the record of a decision has another form');
  const { decision, ...record } = read.data;
  return decision === undefined ? record : { ...record, decision };
};

/** The day of UTC in which an instant lies. */
export const toDay = (ms: number): string => new Date(ms).toISOString().slice(0, '2026-12-01'.length);

/** Which alarms a decision gives. */
export type DecisionAlarm = Extract<
  DecisionRecord['event'],
  'review-near' | 'review-passed' | 'end-near' | 'end-passed'
>;

/**
 * The alarms that hold at a time: of each date at most one. A review may be held on its day; a decision ends with the
 * first moment of its own.
 */
export const decisionAlarms = (
  { review, ends }: Decision,
  nowMs: number,
  nearDays = NEAR_DAYS,
): DecisionAlarm[] => {
  const alarms: DecisionAlarm[] = [];
  if (review !== undefined && isNear(review, nowMs, nearDays)) {
    alarms.push(isDayOver(Date.parse(review), nowMs) ? 'review-passed' : 'review-near');
  }
  if (ends !== undefined && isNear(ends, nowMs, nearDays)) {
    alarms.push(nowMs >= Date.parse(ends) ? 'end-passed' : 'end-near');
  }
  return alarms;
};

const nearFrom = (date: string, nearDays = NEAR_DAYS): number => Date.parse(date) - nearDays * DAY_MS;
const isNear = (date: string, nowMs: number, nearDays: number): boolean => nowMs >= nearFrom(date, nearDays);

/** The decision of one list and what is to be said of it. */
export interface DecisionStatus {
  readonly list: string;
  readonly decision: Decision;
  /** Those that hold now. */
  readonly alarms: readonly DecisionAlarm[];
  /** Seconds until the day of the review is over, negative once it is; null without one. */
  readonly reviewSec: number | null;
  /** Seconds until the end by its own words; negative behind it. */
  readonly endSec: number | null;
}

/** The dates of one decision, milliseconds since the epoch. */
export interface DecisionDates {
  readonly list: string;
  /** Of a mandate: which, and the version of its pack with which it began to bind here. */
  readonly mandate: { readonly id: string; readonly since: string } | undefined;
  readonly reviewMs: number | undefined;
  readonly endsMs: number | undefined;
}

/** Where the watch writes; the register does. */
export interface DecisionLog {
  /** What was written before, the latest last. */
  readonly decisions: readonly DecisionRecord[];
  /** Throws an AppError. */
  writeDecisions(records: readonly DecisionRecord[]): void;
}

/** What was recorded last of one decision. */
interface Recorded {
  readonly decision: Decision;
  /** Alarms that were given for it. */
  readonly given: Set<DecisionAlarm>;
  /** Of a mandate: version of the pack with which it began to bind here. */
  readonly since: string | undefined;
}

/** Compares the decisions of the configuration with those recorded, and gives each alarm once. */
export class DecisionWatch {
  readonly #log: DecisionLog;
  /** By list. */
  readonly #recorded = new Map<string, Recorded>();

  constructor(log: DecisionLog) {
    this.#log = log;
    for (const record of log.decisions) this.#take(readDecisionRecord(record));
  }

  /**
   * Puts the decisions of a configuration beside those recorded, by list; gives the records of what differs and of
   * the alarms that are new. Throws what the log throws; then nothing counts as told.
   */
  compare(decisions: ReadonlyMap<string, Decision>, nowMs: number): DecisionRecord[] {
    const time = new Date(nowMs).toISOString();
    const records: DecisionRecord[] = [];
    for (const [list, { decision }] of this.#recorded) {
      if (!decisions.has(list)) records.push({ kind: 'decision', time, event: 'removed', list, decision });
    }
    for (const [list, decision] of decisions) {
      const before = this.#recorded.get(list)?.decision;
      if (before !== undefined && isSame(before, decision)) continue;
      records.push({
        kind: 'decision',
        time,
        event: before === undefined ? 'set' : 'changed',
        list,
        decision,
      });
    }
    this.#write(records);
    return [...records, ...this.advance(nowMs)];
  }

  /** Gives the alarms that time brought since the last call. Throws what the log throws. */
  advance(nowMs: number): DecisionRecord[] {
    const time = new Date(nowMs).toISOString();
    const records = [...this.#recorded].flatMap(([list, { decision, given }]) =>
      decisionAlarms(decision, nowMs)
        .filter((event) => !given.has(event))
        .map((event): DecisionRecord => ({ kind: 'decision', time, event, list, decision })),
    );
    this.#write(records);
    return records;
  }

  /** When advance() has something to do next, milliseconds since the epoch; undefined: never. */
  nextChangeMs(nowMs: number): number | undefined {
    const times = [...this.#recorded.values()]
      .flatMap(({ decision: { review, ends } }) => [
        ...(review === undefined ? [] : [nearFrom(review), Date.parse(review) + DAY_MS]),
        ...(ends === undefined ? [] : [nearFrom(ends), Date.parse(ends)]),
      ])
      .filter((ms) => ms > nowMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** The decisions that are recorded, by list. */
  statuses(nowMs: number): DecisionStatus[] {
    return [...this.#recorded].map(([list, { decision }]) => ({
      list,
      decision,
      alarms: decisionAlarms(decision, nowMs),
      reviewSec: secondsUntil(decision.review, nowMs - DAY_MS),
      endSec: secondsUntil(decision.ends, nowMs),
    }));
  }

  /** Of the decisions that are recorded, by list. */
  dates(): DecisionDates[] {
    return [...this.#recorded].map(
      ([
        list,
        {
          decision: { review, ends, mandate },
          since,
        },
      ]) => ({
        list,
        mandate: mandate && since !== undefined ? { id: mandate.id, since } : undefined,
        reviewMs: review === undefined ? undefined : Date.parse(review),
        endsMs: ends === undefined ? undefined : Date.parse(ends),
      }),
    );
  }

  #write(records: readonly DecisionRecord[]): void {
    if (records.length === 0) return;
    this.#log.writeDecisions(records);
    for (const record of records) this.#take(readDecisionRecord(record));
  }

  #take({ event, list, decision }: DecisionRecord & { readonly decision?: Decision }): void {
    if (event === 'removed') this.#recorded.delete(list);
    else if (event === 'set' || event === 'changed') {
      if (decision === undefined) return;
      // What a pack asked for is asked for on, however often its text is renewed.
      const since = this.#recorded.get(list)?.since ?? decision.mandate?.version;
      this.#recorded.set(list, { decision, given: new Set(), since });
    } else this.#recorded.get(list)?.given.add(event);
  }
}

const isSame = (a: Decision, b: Decision): boolean =>
  JSON.stringify(decisionSchema.parse(a)) === JSON.stringify(decisionSchema.parse(b));

const secondsUntil = (date: string | undefined, nowMs: number): number | null =>
  date === undefined ? null : Math.floor((Date.parse(date) - nowMs) / 1000);
