// The section on lists: versions in force, what happened to them, and the decision that each rests on.
import {
  type Cell,
  column,
  type Fact,
  type Field,
  field,
  type Section,
  type Sheet,
  type Table,
  tableOf,
  within,
} from './document.ts';
import type { ListSection, Report } from './model.ts';
import { countText, NOTHING, numberText } from './words.ts';

/** Members of a decision that have a name for people; others keep their own. */
const DECISION_LABELS: Readonly<Record<string, string>> = {
  authority: 'Authority',
  reference: 'Reference',
  text: 'Text',
  inForceFrom: 'In force from',
  review: 'To be reviewed by',
  ends: 'Ends',
  provisional: 'Provisional',
};

/** Lists and their decisions. */
export const toListSection = (report: Report): Section => {
  const { lists } = report;
  const mandates = lists.filter(({ mandate }) => mandate);
  const undecided = mandates.filter(({ decision }) => decision === null);
  return {
    id: 'lists',
    title: 'Lists',
    facts: [
      { label: 'Lists', value: numberText(lists.length) },
      { label: 'Mandate lists', value: numberText(mandates.length), isAlarming: mandates.length === 0 },
      ...(undecided.length === 0
        ? []
        : [
            {
              label: 'Mandate lists without a recorded decision',
              value: undecided.map(({ list }) => list).join(', '),
              isAlarming: true,
            },
          ]),
    ],
    notes: [
      ...(report.integrity.mayConcernPeriod
        ? [
            'Records that may be of this period are missing or in doubt: versions that they told of are not here.',
          ]
        : []),
      'A version is named by the SHA-256 of its content. No date of a decision changes by itself what is refused.',
    ],
    figures: [],
    tables: machineTables(lists),
    sheets: lists.map((list) => toSheet(list, report.period.until)),
  };
};

/** One line on all lists, for the summary. */
export const toListSummary = ({ lists, period }: Report): Fact => {
  const mandates = lists.filter(({ mandate }) => mandate);
  const undecided = mandates.filter(({ decision }) => decision === null).length;
  const passed = lists.filter(({ decision }) => hasPassed(decision ?? {}, period.until)).length;
  const rest = [
    ...(undecided === 0 ? [] : [`${numberText(undecided)} without a recorded decision`]),
    ...(passed === 0 ? [] : [`${numberText(passed)} with a decision whose review or end had passed`]),
  ];
  return {
    label: 'Lists',
    value: [
      `${countText(lists.length, 'list')}, ${numberText(mandates.length)} of them mandates`,
      ...rest,
    ].join('; '),
    isAlarming: mandates.length === 0 || rest.length > 0,
  };
};

/** Dates of a decision on which somebody has to act. */
const DUE_MEMBERS: readonly string[] = ['review', 'ends'];

/** True when a date of the decision lies before the end of the period. */
const hasPassed = (decision: object, until: string): boolean =>
  Object.entries(decision).some(
    ([name, value]) => DUE_MEMBERS.includes(name) && isBefore(String(value), until),
  );

const isBefore = (day: string, until: string): boolean => Date.parse(day) < Date.parse(until);

const toSheet = (list: ListSection, until: string): Sheet => ({
  title: `List ${list.list}`,
  facts: [
    { label: 'Kind', value: list.mandate ? 'mandate' : 'ordinary' },
    { label: 'Category', value: list.category ?? NOTHING },
    ...reviewFacts(list, until),
    ...decisionFacts(list, until),
  ],
  tables: [
    tableOf(
      {
        name: 'list-versions',
        caption: `Versions of list ${list.list} in force`,
        empty: 'No version was in force.',
      },
      list.versions,
      VERSION_FIELDS,
    ),
    ...(list.events.length === 0
      ? []
      : [
          tableOf(
            { name: 'list-events', caption: `What else happened to list ${list.list}`, empty: NOTHING },
            list.events,
            EVENT_FIELDS,
          ),
        ]),
    ...(list.decisionEvents.length === 0
      ? []
      : [
          {
            name: 'decision-events',
            caption: `What happened to the decision on list ${list.list}`,
            columns: [column('time', 'Time', 'time'), column('event', 'Event', 'word')],
            rows: list.decisionEvents.map(({ time, event }) => [time, event]),
            empty: NOTHING,
          },
        ]),
  ],
});

/** How old the last version in force is by its own entries: names move, and an entry is due a year after its review. */
const reviewFacts = ({ versions }: ListSection, until: string): Fact[] => {
  const { reviewed = null, reviewDue = null } = versions.at(-1) ?? {};
  if (reviewed === null || reviewDue === null) return [];
  const isPassed = isBefore(reviewDue, until);
  const due = isPassed ? `was due on ${reviewDue}, before the period ended` : `due by ${reviewDue}`;
  return [{ label: 'Oldest review of an entry', value: `${reviewed}, ${due}`, isAlarming: isPassed }];
};

/** The decision, with its dates that had passed when the period ended. */
const decisionFacts = ({ decision, mandate }: ListSection, until: string): Fact[] => {
  if (decision === null)
    return mandate ? [{ label: 'Decision', value: 'none recorded', isAlarming: true }] : [];
  return Object.entries(decision).map(([name, value]) => {
    const text = typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
    const isPassed = DUE_MEMBERS.includes(name) && isBefore(text, until);
    return {
      label: `Decision: ${(DECISION_LABELS[name] ?? name).toLowerCase()}`,
      value: isPassed ? `${text}, which had passed when the period ended` : text,
      isAlarming: isPassed,
    };
  });
};

type Version = ListSection['versions'][number];
type ListEvent = ListSection['events'][number];

const VERSION_FIELDS: readonly Field<Version>[] = [
  field('from', 'From', 'time', (one) => one.from),
  field('until', 'Until', 'time', (one) => one.until),
  field('ended_by', 'Ended by', 'word', (one) => one.endedBy),
  field('sha256', 'Version', 'hash', (one) => one.sha256),
  field('entries', 'Entries', 'number', (one) => one.entries),
  field('added', 'Added', 'number', (one) => one.added),
  field('removed', 'Removed', 'number', (one) => one.removed),
  field('since', 'In force since', 'time', (one) => one.since),
];

const EVENT_FIELDS: readonly Field<ListEvent>[] = [
  field('time', 'Time', 'time', (one) => one.time),
  field('event', 'Event', 'word', (one) => one.event),
  field('sha256', 'Version', 'hash', (one) => one.sha256),
  field('by', 'By', 'text', (one) => one.by),
  field('reason', 'Reason', 'prose', (one) => one.reason),
  field('code', 'Code', 'text', (one) => one.code),
];

/** All lists in one table each. */
const machineTables = (lists: readonly ListSection[]): Table[] => [
  tableOf(
    { name: 'lists', caption: 'Versions of lists in force', empty: NOTHING, isForMachines: true },
    lists.flatMap((of) => of.versions.map((one) => ({ of, one }))),
    [
      field('list', 'List', 'text', ({ of }) => of.list),
      field('category', 'Category', 'text', ({ of }) => of.category),
      field('mandate', 'Mandate', 'text', ({ of }) => (of.mandate ? 'yes' : 'no')),
      ...within(VERSION_FIELDS, ({ one }: { readonly one: Version }) => one),
    ],
  ),
  tableOf(
    { name: 'list-events', caption: 'What else happened to lists', empty: NOTHING, isForMachines: true },
    lists.flatMap(({ list, events }) => events.map((one) => ({ list, one }))),
    [
      field('list', 'List', 'text', ({ list }) => list),
      ...within(EVENT_FIELDS, ({ one }: { readonly one: ListEvent }) => one),
    ],
  ),
  {
    name: 'decisions',
    caption: 'Decisions that lists rest on, and what happened to them',
    columns: [
      column('list', 'List'),
      column('time', 'Time', 'time'),
      column('event', 'Event', 'word'),
      column('decision', 'Decision'),
    ],
    rows: lists.flatMap(({ list, decision, decisionEvents }): Cell[][] => [
      ...(decision === null ? [] : [[list, null, 'stands', JSON.stringify(decision)]]),
      ...decisionEvents.map((one): Cell[] => [
        ...[list, one.time, one.event, one.decision === null ? null : JSON.stringify(one.decision)],
      ]),
    ]),
    empty: NOTHING,
    isForMachines: true,
  },
];
