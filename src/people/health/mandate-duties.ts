// Days that mandates set: what is to be reported, removed or renewed, told before its day and until somebody wrote that it was done.
//
// Nothing here proves that it was done: a person says so in `mandates-done`, with what shows it. A day that lay behind when the pack
// was written is history of the authority, and no alert: whoever takes the pack up later was not asked then.
import { DAY_MS } from '../../base/base.ts';
import type { FoundIssue } from '../../base/words/words.ts';
import { type Config, isActive } from '../../config/config.ts';

/** Before a day: as long as before the review of a decision. */
const BEFORE_MS = 30 * DAY_MS;

type MandateConfig = Config['mandates'][number];
type Done = Config['mandatesDone'][number];

interface Duty {
  readonly kind: Done['duty'];
  /** Which of its kind in the pack, counted from 1. */
  readonly number: number;
  readonly text: string;
  /** The first day by which it was due. */
  readonly firstMs: number;
  /** Undefined: once. */
  readonly eachMs: number | undefined;
}

/** Each that comes within 30 days or has passed: the earliest that was not done, and how many there are. */
export const dutyIssues = (
  { mandates, mandatesDone }: Pick<Config, 'mandates' | 'mandatesDone'>,
  nowMs: number,
): FoundIssue[] =>
  mandates.filter(isActive).flatMap(({ mandate }) => {
    const done = mandatesDone.filter((one) => one.mandate === mandate.id && one.doneMs <= nowMs);
    return dutiesOf(mandate, done).flatMap((duty): FoundIssue[] => {
      const [dueMs, ...later] = openDays(duty, mandate, done, nowMs);
      if (dueMs === undefined) return [];
      const { kind, number, text } = duty;
      const more = later.length === 0 ? '' : `, and ${later.length} more since`;
      const what =
        dueMs + DAY_MS <= nowMs
          ? `was due by ${dayText(dueMs)}${more}, and nobody wrote that it was done`
          : `is due by ${dayText(dueMs)}`;
      return [
        {
          ...{ id: 'mandate-deadline', subject: `${mandate.id} ${kind} ${number}` },
          ...{ text: `the mandate ${mandate.id}: ${text} ${what}`, sinceMs: dueMs - BEFORE_MS, dueMs },
        },
      ];
    });
  });

const dutiesOf = (mandate: MandateConfig['mandate'], done: readonly Done[]): readonly Duty[] => [
  ...mandate.reports.flatMap(({ to, of, withinDays = 0, eachDays }, index): Duty[] => {
    const [text, number] = [`the report to ${to}`, index + 1];
    if (of === undefined) return [];
    return [
      {
        ...{ kind: 'report', number, text, firstMs: endOf(of) + withinDays * DAY_MS },
        eachMs: eachDays === undefined ? undefined : eachDays * DAY_MS,
      },
    ];
  }),
  ...mandate.deadlines.flatMap(({ text, by }, index): Duty[] =>
    by === undefined
      ? []
      : [
          {
            ...{ kind: 'deadline', number: index + 1, text: `“${text}”` },
            ...{ firstMs: endOf(by), eachMs: undefined },
          },
        ],
  ),
  ...listDuty(mandate, done),
];

/** The list of an authority: anew after so many days from when it was last renewed, or from when the pack was written. */
const listDuty = ({ version, authorityList }: MandateConfig['mandate'], done: readonly Done[]): Duty[] => {
  if (authorityList?.eachDays === undefined) return [];
  const { list, eachDays, withinDays = 0 } = authorityList;
  const renewed = done.filter(({ duty }) => duty === 'list').map(({ doneMs }) => doneMs);
  const firstMs = startOf(Math.max(Date.parse(version), ...renewed)) + (eachDays + withinDays) * DAY_MS;
  return [
    {
      ...{ kind: 'list', number: 1, text: `a newer list ${list} of the authority` },
      firstMs,
      eachMs: undefined,
    },
  ];
};

/** Days since the pack was written, and to come within BEFORE_MS, that were not done. */
const openDays = (
  { kind, firstMs, eachMs }: Duty,
  { version }: MandateConfig['mandate'],
  done: readonly Done[],
  nowMs: number,
): number[] => {
  const sinceMs = Date.parse(version);
  const met = new Set(done.filter(({ duty }) => duty === kind).map(({ due }) => endOf(due)));
  const open: number[] = [];
  const skipped = eachMs === undefined ? 0 : Math.max(0, Math.ceil((sinceMs - firstMs) / eachMs));
  for (let dueMs = firstMs + skipped * (eachMs ?? 0); dueMs - BEFORE_MS <= nowMs; dueMs += eachMs ?? 0) {
    if (dueMs >= sinceMs && !met.has(dueMs)) open.push(dueMs);
    if (eachMs === undefined) break;
  }
  return open;
};

/** The last day of what a pack writes as a day, a month or a year. */
const endOf = (date: string): number => {
  const [year = 0, month, day] = date.split('-').map(Number);
  if (day !== undefined) return Date.parse(date);
  return Date.UTC(year, month ?? 12, 0);
};

const startOf = (ms: number): number => Math.floor(ms / DAY_MS) * DAY_MS;

const dayText = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
