// The section on lists: versions in force, what happened to them, and the decision that each rests on.
import { type Cell, column, type Fact, type Section, type Sheet, type Table } from './document.ts';
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
    ...decisionFacts(list, until),
  ],
  tables: [
    {
      name: 'list-versions',
      caption: `Versions of list ${list.list} in force`,
      columns: VERSION_COLUMNS,
      rows: list.versions.map(toVersionRow),
      empty: 'No version was in force.',
    },
    ...(list.events.length === 0
      ? []
      : [
          {
            name: 'list-events',
            caption: `What else happened to list ${list.list}`,
            columns: EVENT_COLUMNS,
            rows: list.events.map(toEventRow),
            empty: NOTHING,
          },
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

const VERSION_COLUMNS = [
  column('from', 'From', 'time'),
  column('until', 'Until', 'time'),
  column('ended_by', 'Ended by', 'word'),
  column('sha256', 'Version', 'hash'),
  column('entries', 'Entries', 'number'),
  column('added', 'Added', 'number'),
  column('removed', 'Removed', 'number'),
  column('since', 'In force since', 'time'),
];

const EVENT_COLUMNS = [
  column('time', 'Time', 'time'),
  column('event', 'Event', 'word'),
  column('sha256', 'Version', 'hash'),
  column('by', 'By'),
  column('reason', 'Reason', 'prose'),
  column('code', 'Code'),
];

const toVersionRow = (one: ListSection['versions'][number]): Cell[] => [
  ...[one.from, one.until, one.endedBy, one.sha256, one.entries, one.added, one.removed, one.since],
];

const toEventRow = (one: ListSection['events'][number]): Cell[] => [
  ...[one.time, one.event, one.sha256, one.by, one.reason, one.code],
];

const LIST_COLUMN = column('list', 'List');

/** All lists in one table each. */
const machineTables = (lists: readonly ListSection[]): Table[] => [
  {
    name: 'lists',
    caption: 'Versions of lists in force',
    columns: [LIST_COLUMN, column('category', 'Category'), column('mandate', 'Mandate'), ...VERSION_COLUMNS],
    rows: lists.flatMap(({ list, category, mandate, versions }) =>
      versions.map((version): Cell[] => [list, category, mandate ? 'yes' : 'no', ...toVersionRow(version)]),
    ),
    empty: NOTHING,
    isForMachines: true,
  },
  {
    name: 'list-events',
    caption: 'What else happened to lists',
    columns: [LIST_COLUMN, ...EVENT_COLUMNS],
    rows: lists.flatMap(({ list, events }) => events.map((event): Cell[] => [list, ...toEventRow(event)])),
    empty: NOTHING,
    isForMachines: true,
  },
  {
    name: 'decisions',
    caption: 'Decisions that lists rest on, and what happened to them',
    columns: [
      LIST_COLUMN,
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
