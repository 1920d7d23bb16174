// Days that mandates set: what is to be reported, removed or renewed, told before its day and until somebody wrote that it was done.
import { DAY_MS } from '../../base/base.ts';
import type { FoundIssue } from '../../base/words/words.ts';
import { type Config, isActive } from '../../config/config.ts';
import {
  type Duties,
  type Duty,
  type DutyDay,
  dutyDays,
  isOverdue,
  TOLD_BEFORE_MS,
  toDay,
} from '../../evidence/exemptions/exemptions.ts';
import type { EvidenceFacts } from '../../telemetry/observe/observe.ts';

type Mandate = Config['mandates'][number]['mandate'];

/** Each that comes within 30 days or has passed: the earliest that was not done, and how many there are. */
export const dutyIssues = (
  { mandates, mandatesDone }: Pick<Config, 'mandates' | 'mandatesDone'>,
  nowMs: number,
  decisions: EvidenceFacts['decisions'] = [],
): FoundIssue[] =>
  mandates.filter(isActive).flatMap(({ mandate }) => {
    const duties = dutiesOf(mandate, mandatesDone);
    const { since = duties.since } = decisions.find((one) => one.mandate?.id === mandate.id)?.mandate ?? {};
    const open = dutyDays({ ...duties, since: earlier(since, duties.since) }, nowMs).filter(
      ({ state, dueMs = Number.POSITIVE_INFINITY }) => state === 'open' && dueMs - TOLD_BEFORE_MS <= nowMs,
    );
    return [...Map.groupBy(open, ({ duty }) => duty).values()].flatMap((days) =>
      issueOf(mandate, days, nowMs),
    );
  });

const issueOf = ({ id }: Mandate, [first, ...later]: readonly DutyDay[], nowMs: number): FoundIssue[] => {
  if (first?.dueMs === undefined) return [];
  const { duty, number, dueMs } = first;
  const more = later.length === 0 ? '' : `, and ${later.length} more since`;
  const what = isOverdue(first, nowMs)
    ? `was due by ${toDay(dueMs)}${more}, and nobody wrote that it was done`
    : `is due by ${toDay(dueMs)}`;
  return [
    {
      ...{ id: 'mandate-deadline', subject: `${id} ${duty.kind} ${number}` },
      ...{ text: `the mandate ${id}: ${WHAT[duty.kind](duty.text)} ${what}`, dueMs },
      sinceMs: dueMs - TOLD_BEFORE_MS,
    },
  ];
};

const WHAT: Readonly<Record<Duty['kind'], (text: string) => string>> = {
  report: (to) => `the report to ${to}`,
  deadline: (text) => `“${text}”`,
  list: (list) => `a newer list ${list} of the authority`,
};

/** A pack that is renewed forgives nothing of what it asked for before. */
const earlier = (a: string, b: string): string => (Date.parse(a) < Date.parse(b) ? a : b);

/** What a mandate asks for by a day, and what of it was written down as done. */
export const dutiesOf = (mandate: Mandate, mandatesDone: Config['mandatesDone']): Duties => ({
  since: toDay(Date.parse(mandate.version)),
  duties: [
    ...mandate.reports.map(
      ({ to, of, withinDays = 0, eachDays, eachExemption }): Duty => ({
        ...{ kind: 'report', text: to },
        ...(of === undefined ? {} : { due: toDay(endOf(of) + withinDays * DAY_MS) }),
        ...(eachDays === undefined ? {} : { eachDays }),
        ...(eachExemption ? { eachExemption } : {}),
      }),
    ),
    ...mandate.deadlines.map(
      ({ text, by }): Duty => ({
        ...{ kind: 'deadline', text },
        ...(by === undefined ? {} : { due: toDay(endOf(by)) }),
      }),
    ),
    ...listDuty(mandate),
  ],
  done: mandatesDone
    .filter((one) => one.mandate === mandate.id)
    .map(({ duty, due, doneMs, by, reference }) => ({
      ...{ duty, due: toDay(endOf(due)), done: toDay(doneMs) },
      ...{ by, reference },
    })),
});

const listDuty = ({ authorityList }: Mandate): Duty[] => {
  if (authorityList?.eachDays === undefined) return [];
  const { list, eachDays, withinDays = 0 } = authorityList;
  return [{ kind: 'list', text: list, eachDays: eachDays + withinDays }];
};

/** The last day of what a pack writes as a day, a month or a year. */
const endOf = (date: string): number => {
  const [year = 0, month, day] = date.split('-').map(Number);
  if (day !== undefined) return Date.parse(date);
  return Date.UTC(year, month ?? 12, 0);
};
