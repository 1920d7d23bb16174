// Days that mandates set: what was due, what was done by then, and what was asked for no more before anybody wrote that it was done.
// They are judged as the health of the service judges them.
import { DAY_MS } from '../../base/base.ts';
import {
  type Decision,
  type Duties,
  type DutyDay,
  decisionSchema,
  dutyDays,
  isDayOver,
  isOverdue,
  toDay,
} from '../exemptions/exemptions.ts';
import type { PlacedChange } from './evidence.ts';
import type { DutyEntry } from './model.ts';

type Mandate = NonNullable<Decision['mandate']>;

/** What is recorded of a mandate, and the version of its pack with which it began to bind here. */
type Bound = Decision & { readonly since: string };

/** Follows the chain of changes for one period. */
export class DutyHistory {
  readonly #mandates = new Map<string, Bound>();
  readonly #dropped: DutyEntry[] = [];
  readonly #fromMs: number;
  readonly #untilMs: number;

  constructor(fromMs: number, untilMs: number) {
    this.#fromMs = fromMs;
    this.#untilMs = untilMs;
  }

  add({ record }: PlacedChange): void {
    if (record.kind !== 'decision') return;
    const atMs = Date.parse(record.time);
    if (atMs >= this.#untilMs) return;
    const decision = decisionSchema.safeParse(record.decision).data;
    const id = decision?.mandate?.id;
    if (decision?.mandate === undefined || id === undefined) return;
    const { version } = decision.mandate;
    if (Number.isNaN(Date.parse(version))) return;
    const before = this.#mandates.get(id);
    // What a pack asked for is asked for on, however often its text is renewed.
    const since = before?.since ?? version;
    const next = record.event === 'removed' ? undefined : { ...decision, since };
    if (before !== undefined && atMs >= this.#fromMs) this.#drop(id, before, next, atMs);
    if (next === undefined) this.#mandates.delete(id);
    else this.#mandates.set(id, next);
  }

  /** What is due or was done within the period, and what was open at its end; by mandate. */
  sections(): DutyEntry[] {
    const found = [...this.#mandates].flatMap(([id, decision]) => [
      ...daysOf(decision, this.#untilMs - 1)
        .filter((one) => this.#isTold(one, decision))
        .map((one) => toEntry(id, one, this.#untilMs)),
      ...reviewOf(id, decision, this.#untilMs),
    ]);
    return [...found, ...this.#dropped].sort(
      (a, b) => (a.mandate < b.mandate ? -1 : 1) * Number(a.mandate !== b.mandate),
    );
  }

  /** A pack that is newer, or a decision, may leave out what nobody had done: its day is told all the same. */
  #drop(id: string, before: Bound, next: Bound | undefined, atMs: number): void {
    const still = new Set(
      next === undefined || isLifted(next)
        ? []
        : daysOf(next, atMs).flatMap((one) => (one.state === 'before' ? [] : [keyOf(one)])),
    );
    for (const one of isLifted(before) ? [] : daysOf(before, atMs))
      if (isOverdue(one, atMs) && !still.has(keyOf(one)))
        this.#dropped.push({ ...toEntry(id, one, atMs), state: 'dropped' });
  }

  #isTold({ state, dueMs, done }: DutyDay, decision: Decision): boolean {
    if (state !== 'done' && state !== 'late') return !isLifted(decision);
    return [dueMs ?? Number.NaN, Date.parse(done?.done ?? '')].some(
      (ms) => ms + DAY_MS > this.#fromMs && ms < this.#untilMs,
    );
  }
}

const isLifted = ({ decided }: Decision): boolean => decided?.outcome === 'lift';

const keyOf = ({ duty: { kind }, dueMs }: DutyDay): string => `${kind} ${dueMs}`;

const daysOf = ({ mandate, since }: Bound, nowMs: number): DutyDay[] =>
  mandate === undefined ? [] : dutyDays(dutiesOf(mandate, since), nowMs);

const dutiesOf = ({ duties = [], done = [], doneBefore }: Mandate, since: string): Duties => {
  // Of older days nobody knows here whether they were met.
  const sinceMs = Math.max(
    Date.parse(since),
    doneBefore === undefined ? Number.NEGATIVE_INFINITY : Date.parse(doneBefore) + DAY_MS,
  );
  return { duties, done, since: toDay(sinceMs) };
};

const toEntry = (mandate: string, one: DutyDay, nowMs: number): DutyEntry => {
  const { duty, dueMs, state, done } = one;
  return {
    ...{ mandate, kind: duty.kind, text: duty.text },
    due: dueMs === undefined ? null : toDay(dueMs),
    eachDays: duty.eachDays ?? null,
    state: state !== 'open' ? state : isOverdue(one, nowMs) ? 'overdue' : 'due',
    ...{ done: done?.done ?? null, by: done?.by ?? null, reference: done?.reference ?? null },
  };
};

/** When the authority looks at it again. */
const reviewOf = (mandate: string, decision: Decision, nowMs: number): DutyEntry[] => {
  const { review } = decision;
  if (review === undefined || isLifted(decision)) return [];
  const state = isDayOver(Date.parse(review), nowMs) ? 'overdue' : 'due';
  const nobody = { eachDays: null, done: null, by: null, reference: null };
  return [{ mandate, kind: 'review', text: '', due: review, state, ...nobody }];
};
