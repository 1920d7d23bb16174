// Days that a mandate sets, and what was done by them: judged here alone, for the health of the service and for reports.
//
// Nothing here proves that it was done: a person says so. A day that lay behind when the pack was written is history of the
// authority, and nobody is asked for it: whoever takes the pack up later was not asked then.
import { z } from 'zod';
import { DAY_MS } from '../../base/base.ts';

/** Before a day: as long as before the review of a decision. */
export const TOLD_BEFORE_MS = 30 * DAY_MS;

/** Of one duty that recurs, the latest; a clock that is years ahead asks for no more. */
const DAYS_MAX = 1_000;

/** Twenty years, what a pack may say of both how often and how long. */
const EACH_DAYS_MAX = 7_320;

const day = z.iso.date();

/** What a mandate asks for by a day. */
export const dutySchema = z.strictObject({
  kind: z.enum(['report', 'deadline', 'list']),
  /** To whom the report is, what is to be done, or which list is to be renewed. */
  text: z.string(),
  /** The first day by which it is due; absent: no text that was read sets one. Of a list it follows from its last renewal. */
  due: day.optional(),
  /** It comes again after so many days; absent: once. */
  eachDays: z.int().min(1).max(EACH_DAYS_MAX).optional(),
  /** It follows each exemption, and has no day of its own. */
  eachExemption: z.literal(true).optional(),
});

/** Something that was done, as a person wrote it down. */
export const dutyDoneSchema = z.strictObject({
  duty: dutySchema.shape.kind,
  due: day,
  done: day,
  by: z.string(),
  reference: z.string(),
});

/** Plain data. */
export type Duty = Readonly<z.infer<typeof dutySchema>>;
/** Plain data. */
export type DutyDone = Readonly<z.infer<typeof dutyDoneSchema>>;

/** What is judged. */
export interface Duties {
  readonly duties: readonly Duty[];
  readonly done: readonly DutyDone[];
  /** Day of the pack: what was due before it is asked of nobody. */
  readonly since: string;
}

/** One day of one duty. */
export interface DutyDay {
  readonly duty: Duty;
  /** Which of its kind in the pack, counted from 1. */
  readonly number: number;
  /** Undefined: no day is known. */
  readonly dueMs: number | undefined;
  /** `before`: it lay behind when the pack was written; `dateless`: no day is known. */
  readonly state: 'done' | 'late' | 'open' | 'before' | 'each-exemption' | 'dateless';
  readonly done: DutyDone | undefined;
}

/** Each day that was or comes within 30 days, the next one at least; the earliest of each duty first. */
export const dutyDays = ({ duties, done, since }: Duties, nowMs: number): DutyDay[] => {
  const known = done.filter((one) => Date.parse(one.done) <= nowMs);
  const counts = new Map<Duty['kind'], number>();
  return duties.flatMap((duty) => {
    const number = (counts.get(duty.kind) ?? 0) + 1;
    counts.set(duty.kind, number);
    const met = known.filter((one) => one.duty === duty.kind);
    const days = duty.kind === 'list' ? listDays(duty, met, since) : daysOf(duty, met, since, nowMs);
    return days.map((one) => ({ duty, number, ...one }));
  });
};

type Judged = Omit<DutyDay, 'duty' | 'number'>;

const daysOf = (
  { due, eachDays, eachExemption }: Duty,
  met: readonly DutyDone[],
  since: string,
  nowMs: number,
): Judged[] => {
  if (due === undefined)
    return [{ dueMs: undefined, state: eachExemption ? 'each-exemption' : 'dateless', done: undefined }];
  const [firstMs, sinceMs] = [Date.parse(due), Date.parse(since)];
  const eachMs = (eachDays ?? 0) * DAY_MS;
  const fromMs = Math.max(sinceMs, nowMs - DAYS_MAX * eachMs);
  const skipped = eachMs === 0 ? 0 : Math.max(0, Math.ceil((fromMs - firstMs) / eachMs));
  const beginMs = firstMs + skipped * eachMs;
  // What was done counts also where it was due before the pack that is newest.
  const days = met
    .map(
      (done): Judged => ({
        dueMs: Date.parse(done.due),
        done,
        state: stateOf(Date.parse(done.due), done, 0),
      }),
    )
    .filter(({ dueMs = 0 }) => dueMs >= firstMs && dueMs < beginMs && (dueMs - firstMs) % eachMs === 0);
  for (let dueMs = beginMs; ; dueMs += eachMs) {
    const done = met.find((one) => Date.parse(one.due) === dueMs);
    days.push({ dueMs, done, state: stateOf(dueMs, done, sinceMs) });
    const isLast = dueMs + DAY_MS > nowMs && dueMs + eachMs - TOLD_BEFORE_MS > nowMs;
    if (eachMs === 0 || isLast) return days;
  }
};

const stateOf = (dueMs: number, done: DutyDone | undefined, sinceMs: number): DutyDay['state'] => {
  if (done !== undefined) return Date.parse(done.done) > dueMs ? 'late' : 'done';
  return dueMs < sinceMs ? 'before' : 'open';
};

/** The list of an authority: anew after so many days from when it was last renewed, or from when the pack was written. */
const listDays = ({ eachDays = 0 }: Duty, met: readonly DutyDone[], since: string): Judged[] => {
  const renewedMs = Math.max(Date.parse(since), ...met.map((one) => Date.parse(one.done)));
  return [
    ...met.map((done): Judged => {
      const dueMs = Date.parse(done.due);
      return { dueMs, done, state: stateOf(dueMs, done, dueMs) };
    }),
    { dueMs: renewedMs + eachDays * DAY_MS, done: undefined, state: 'open' },
  ];
};

/** True when a day is over that begins at a time: what is due by a day may be done on it. */
export const isDayOver = (dayMs: number, nowMs: number): boolean => dayMs + DAY_MS <= nowMs;

/** True when a day is over and nobody wrote that it was done. */
export const isOverdue = ({ state, dueMs }: DutyDay, nowMs: number): boolean =>
  state === 'open' && dueMs !== undefined && isDayOver(dueMs, nowMs);
