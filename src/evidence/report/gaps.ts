// Gaps: times without the prohibition that follow each other, as one with a number, such as a stop and the start after it.
import type { EnforcementInterval, Gap } from './model.ts';

/** When the program started, and in which version. */
export interface ProgramStart {
  readonly atMs: number;
  readonly version: string;
}

/** The gaps of intervals that cover a period in order. */
export const toGaps = (intervals: readonly EnforcementInterval[], starts: readonly ProgramStart[]): Gap[] => {
  const gaps: Gap[] = [];
  let open: EnforcementInterval[] = [];
  const close = (): void => {
    if (open.length > 0) gaps.push(toGap(open, gaps.length + 1, starts));
    open = [];
  };
  for (const interval of intervals) {
    if (interval.state === 'in-force') close();
    else open.push(interval);
  }
  close();
  return gaps;
};

const toGap = (
  intervals: readonly EnforcementInterval[],
  number: number,
  starts: readonly ProgramStart[],
): Gap => {
  const from = intervals[0]?.from ?? '';
  const until = intervals.at(-1)?.until ?? '';
  const isBad = intervals.some(({ state }) => state === 'not-in-force');
  const causes = new Set(intervals.flatMap(({ cause }) => cause?.split(', ') ?? []));
  const groups = intervals.map((one) => one.groups);
  return {
    number,
    from,
    until,
    ms: Date.parse(until) - Date.parse(from),
    state: isBad ? 'not-in-force' : 'no-evidence',
    causes: [...causes],
    isUncertain: intervals.some(({ isUncertain }) => isUncertain),
    by: intervals.find(({ by }) => by !== null)?.by ?? null,
    reason: intervals.find(({ reason }) => reason !== null)?.reason ?? null,
    // One of its times that concerned all makes the whole concern all.
    groups: groups.includes(null) ? null : [...new Set(groups.flatMap((some) => some ?? []))],
    upgradedTo: upgradedTo(Date.parse(from), Date.parse(until), starts),
  };
};

/** The version that the program had afterwards, where it had another before. */
const upgradedTo = (fromMs: number, untilMs: number, starts: readonly ProgramStart[]): string | null => {
  const before = starts.findLast(({ atMs }) => atMs < fromMs);
  const after = starts.findLast(({ atMs }) => atMs >= fromMs && atMs <= untilMs);
  return before !== undefined && after !== undefined && before.version !== after.version
    ? after.version
    : null;
};
