// The section on lists: one row each, mandates first, with the decision that each rests on; then what happened to them.
import {
  type Cell,
  column,
  type Field,
  field,
  type Section,
  type Table,
  tableOf,
  within,
} from './document.ts';
import type { DutyEntry, FeedEvent, FeedSection, ListSection, Report } from './model.ts';
import { noteText, toNote } from './notes.ts';
import type { ReportTexts } from './texts/texts.ts';
import { numberText, timeWords } from './words.ts';

/** Lists and their decisions. */
export const toListSection = ({ lists, duties, feeds, integrity }: Report, texts: ReportTexts): Section => {
  const mandates = lists.filter(({ mandate }) => mandate).length;
  const others = lists.filter((one) => kindOf(one) === 'ordinary').length;
  return {
    id: 'lists',
    title: texts.sections.lists,
    lead: texts.leads.lists(numberText(mandates, texts), numberText(others, texts)),
    notes: integrity.mayConcernPeriod ? [noteText(toNote('versions-missing'), texts)] : [],
    tables: [
      rowTable(lists),
      ...dutyTables(duties),
      feedTable(feeds),
      eventTable(lists),
      ...machineTables(lists),
    ],
  };
};

const rowTable = (lists: readonly ListSection[]): Table =>
  tableOf({ name: 'list-rows', isForPeople: true }, lists, [
    field('list', 'text', ({ list }) => list),
    field('kind', 'term', kindOf),
    field('decision', 'prose', ({ decision }) => {
      const { authority, reference, text } = (decision ?? {}) as Readonly<Record<string, unknown>>;
      return [authority, reference, text].filter((part) => typeof part === 'string').join(', ') || null;
    }),
    field('review', 'word', ({ decision, versions }) => {
      const { review } = (decision ?? {}) as Readonly<Record<string, unknown>>;
      return typeof review === 'string' ? review : (versions.at(-1)?.reviewDue ?? null);
    }),
    field('versions', 'number', ({ versions }) => new Set(versions.map(({ sha256 }) => sha256)).size),
    field('entries', 'number', ({ versions }) => versions.at(-1)?.entries ?? null),
    field('sha256', 'hash', ({ versions }) => versions.at(-1)?.sha256 ?? null),
  ]);

/** A decision about a mandate or an operator stands beside those of lists, and is none. */
const kindOf = ({
  mandate,
  category,
  versions,
  events,
}: ListSection): 'mandate' | 'ordinary' | 'decision' => {
  if (mandate) return 'mandate';
  return category === null && versions.length + events.length === 0 ? 'decision' : 'ordinary';
};

const DUTY_FIELDS: readonly Field<DutyEntry>[] = [
  field('mandate', 'text', ({ mandate }) => mandate),
  field('duty', 'term', ({ kind }) => `duty:${kind}`),
  field('text', 'prose', ({ text }) => text),
  field('due_by', 'word', ({ due }) => due),
];
const DUTY_STATE = field('state', 'term', ({ state }: DutyEntry) => `duty:${state}`);

/** What mandates ask for by a day, and what was done. */
const dutyTables = (duties: readonly DutyEntry[]): Table[] => [
  ...(duties.length === 0
    ? []
    : [
        tableOf({ name: 'mandate-days', isForPeople: true }, duties, [
          ...DUTY_FIELDS,
          DUTY_STATE,
          field(
            'done',
            'prose',
            ({ done, by, reference }) =>
              [done, by, reference].filter((one) => one !== null).join(', ') || null,
          ),
        ]),
      ]),
  tableOf({ name: 'mandate-days', isForMachines: true }, duties, [
    ...DUTY_FIELDS,
    field('each_days', 'number', ({ eachDays }) => eachDays),
    DUTY_STATE,
    field('done', 'word', ({ done }) => done),
    field('by', 'text', ({ by }) => by),
    field('reference', 'text', ({ reference }) => reference),
  ]),
];

/** What people did, and what failed; a list that is fetched well is told by its versions. */
const eventTable = (lists: readonly ListSection[]): Table =>
  tableOf(
    { name: 'list-events', isForPeople: true },
    lists
      .flatMap(({ list, events }) => events.map((one) => ({ list, one })))
      .filter(({ one }) => one.event !== 'fetched')
      .sort((a, b) => a.one.sequence - b.one.sequence),
    [
      field('time', 'time', ({ one }) => one.time),
      field('list', 'text', ({ list }) => list),
      field('event', 'term', ({ one }) => one.event),
      field('by', 'text', ({ one }) => one.by),
      field('reason', 'prose', ({ one }) => one.reason ?? one.code),
    ],
  );

/** How each feed was when the period ended, and before where that changed within it. */
const feedTable = (feeds: readonly FeedSection[]): Table =>
  tableOf(
    { name: 'feeds', isForPeople: true, isForMachines: true },
    feeds.flatMap((of) => [
      ...of.events.slice(0, -1).map((one) => ({ of, one })),
      { of, one: { ...of, time: of.events.at(-1)?.time ?? of.since } },
    ]),
    [
      field('subject', 'text', ({ of }) => of.feed),
      field('time', 'time', ({ one }) => one.time),
      field('event', 'term', ({ one }) => `feed:${one.state}`),
      field('version', 'number', ({ one }) => one.timestamp),
      field('until', 'time', ({ one }) => one.until),
      field('reviewed', 'word', ({ one }) => one.reviewed),
      field('reason', 'prose', ({ one }) => reasonsOf(one)),
    ],
  );

const reasonsOf = ({ reason, behind }: FeedEvent): string | null =>
  [
    ...(reason === null ? [] : [reason]),
    ...behind.map((one) => `${one.list} (${timeWords(one.since)}): ${one.reason}`),
  ].join('; ') || null;

type Version = ListSection['versions'][number];
type ListEvent = ListSection['events'][number];

const VERSION_FIELDS: readonly Field<Version>[] = [
  field('from', 'time', (one) => one.from),
  field('until', 'time', (one) => one.until),
  field('ended_by', 'word', (one) => one.endedBy),
  field('sha256', 'hash', (one) => one.sha256),
  field('entries', 'number', (one) => one.entries),
  field('added', 'number', (one) => one.added),
  field('removed', 'number', (one) => one.removed),
  field('since', 'time', (one) => one.since),
];

const EVENT_FIELDS: readonly Field<ListEvent>[] = [
  field('time', 'time', (one) => one.time),
  field('event', 'word', (one) => one.event),
  field('sha256', 'hash', (one) => one.sha256),
  field('by', 'text', (one) => one.by),
  field('reason', 'prose', (one) => one.reason),
  field('code', 'text', (one) => one.code),
];

const machineTables = (lists: readonly ListSection[]): Table[] => [
  tableOf(
    { name: 'lists', isForMachines: true },
    lists.flatMap((of) => of.versions.map((one) => ({ of, one }))),
    [
      field('list', 'text', ({ of }) => of.list),
      field('category', 'text', ({ of }) => of.category),
      field('mandate', 'text', ({ of }) => (of.mandate ? 'yes' : 'no')),
      ...within(VERSION_FIELDS, ({ one }: { readonly one: Version }) => one),
    ],
  ),
  tableOf(
    { name: 'list-events', isForMachines: true },
    lists.flatMap(({ list, events }) => events.map((one) => ({ list, one }))),
    [
      field('list', 'text', ({ list }) => list),
      ...within(EVENT_FIELDS, ({ one }: { readonly one: ListEvent }) => one),
    ],
  ),
  {
    name: 'decisions',
    isForMachines: true,
    columns: [column('list'), column('time', 'time'), column('event', 'word'), column('decision')],
    rows: lists.flatMap(({ list, decision, decisionEvents }): Cell[][] => [
      ...(decision === null ? [] : [[list, null, 'stands', JSON.stringify(decision)]]),
      ...decisionEvents.map((one): Cell[] => [
        ...[list, one.time, one.event, one.decision === null ? null : JSON.stringify(one.decision)],
      ]),
    ]),
  },
];
