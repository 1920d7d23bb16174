// The sections on what clients did: attempts, distinct clients, signs of a bypass.
import { column, field, type Section, type Table, tableOf } from './document.ts';
import { LIST_PURPOSES, type ListPurpose, type Report, type Total } from './model.ts';
import { aboutText, boundText, NOTHING } from './words.ts';

const PURPOSE_LABELS: Readonly<Record<ListPurpose, string>> = {
  mandate: 'of these, by mandate lists',
  bypass: 'by lists against ways around',
  other: 'by other lists',
  unknown: 'by lists of which no record is left',
};

/** Queries for listed names. */
export const toAttemptSection = ({ attempts }: Report): Section => {
  const {
    refusals,
    byPurpose,
    wouldRefuse,
    isLowerBound,
    byDay,
    byGroup,
    byCategory,
    byList,
    byTrigger,
    rows,
    notes,
  } = attempts;
  return {
    id: 'attempts',
    title: 'Attempts',
    facts: [
      { label: 'Refusals', value: boundText(refusals, isLowerBound) },
      ...LIST_PURPOSES.filter((purpose) => purpose !== 'unknown' || byPurpose.unknown > 0).map((purpose) => ({
        label: PURPOSE_LABELS[purpose],
        value: boundText(byPurpose[purpose], isLowerBound),
      })),
      { label: 'Would have been refused', value: boundText(wouldRefuse, isLowerBound) },
    ],
    notes,
    figures: [
      {
        kind: 'bars',
        title: 'Refusals by day',
        bars: byDay.map(({ day, refusals: count }) => ({ day, count })),
      },
    ],
    tables: [
      totalsTable('attempts-by-group', 'Refusals by group', 'group', 'Group', byGroup),
      totalsTable('attempts-by-category', 'Refusals by category', 'category', 'Category', byCategory),
      totalsTable('attempts-by-list', 'Refusals by list', 'list', 'List', byList),
      totalsTable(
        'attempts-by-trigger',
        'Refusals by what led to the listed name or address',
        'trigger',
        'Trigger',
        byTrigger,
      ),
      {
        name: 'attempts-by-purpose',
        caption: 'Refusals by what the list is there for',
        columns: [column('purpose', 'List is', 'word'), column('count', 'Queries', 'number')],
        rows: LIST_PURPOSES.map((purpose) => [purpose, byPurpose[purpose]]),
        empty: NOTHING,
        isForMachines: true,
      },
      tableOf(
        { name: 'attempts-by-day', caption: 'Attempts by day', empty: 'No attempt was recorded.' },
        byDay,
        [
          field('day', 'Day', 'day', (one) => one.day),
          field('refusals', 'Refusals', 'number', (one) => one.refusals),
          field('would_refuse', 'Would have been refused', 'number', (one) => one.wouldRefuse),
        ],
      ),
      tableOf(
        {
          name: 'attempts',
          caption: 'Attempts by day, group, list, category and trigger',
          empty: 'No attempt was recorded.',
        },
        rows,
        [
          field('day', 'Day', 'day', (one) => one.day),
          field('kind', 'Kind', 'word', (one) => one.kind),
          field('purpose', 'List is', 'word', (one) => one.purpose),
          field('group', 'Group', 'text', (one) => one.group),
          field('list', 'List', 'text', (one) => one.list),
          field('category', 'Category', 'text', (one) => one.category),
          field('trigger', 'Trigger', 'text', (one) => one.trigger),
          field('count', 'Queries', 'number', (one) => one.count),
        ],
      ),
    ],
    sheets: [],
  };
};

const totalsTable = (
  name: string,
  caption: string,
  member: string,
  label: string,
  totals: readonly Total[],
): Table => ({
  name,
  caption,
  columns: [column(member, label), column('count', 'Queries', 'number')],
  rows: totals.map(({ name: what, count }) => [what, count]),
  empty: 'None.',
});

/** How many clients asked for them. */
export const toClientSection = ({ clients }: Report): Section => {
  const { total, errorPercent, byGroup, byDay, isLowerBound, notes } = clients;
  return {
    id: 'clients',
    title: 'Distinct clients',
    facts: [
      {
        label: 'In the period',
        value: total === null ? 'none recorded' : aboutText(total, isLowerBound),
      },
      {
        label: 'Standard error',
        value: `${errorPercent} %: an estimate (HyperLogLog) that holds no identities`,
      },
    ],
    notes: [
      ...notes,
      'A client that is in several groups or on several days counts once in each, and once in the period.',
    ],
    figures: [
      {
        kind: 'bars',
        title: 'Distinct clients by day',
        bars: byDay.map(({ day, total: count }) => ({ day, count })),
      },
    ],
    tables: [
      {
        ...totalsTable(
          'clients-by-group',
          'Distinct clients of the period by group',
          'group',
          'Group',
          byGroup,
        ),
        columns: [column('group', 'Group'), column('clients', 'Clients, about', 'number')],
      },
      {
        name: 'clients',
        caption: 'Distinct clients by day and group',
        columns: [
          column('day', 'Day', 'day'),
          column('group', 'Group'),
          column('clients', 'Clients, about', 'number'),
        ],
        rows: byDay.flatMap(({ day, groups }) => groups.map(({ name, count }) => [day, name, count])),
        empty: 'No client was counted.',
      },
    ],
    sheets: [],
  };
};

/** Signs that clients go another way. */
export const toSignalSection = ({ signals }: Report): Section => ({
  id: 'signals',
  title: 'Signs of a bypass',
  facts: [{ label: 'Queries', value: boundText(signals.total, signals.isLowerBound) }],
  notes: signals.notes,
  figures: [],
  tables: [
    totalsTable('signals-by-kind', 'By kind', 'signal', 'Sign', signals.bySignal),
    totalsTable('signals-by-group', 'By group', 'group', 'Group', signals.byGroup),
    tableOf({ name: 'signals', caption: 'By day, kind, group and list', empty: 'None.' }, signals.rows, [
      field('day', 'Day', 'day', (one) => one.day),
      field('signal', 'Sign', 'word', (one) => one.signal),
      field('group', 'Group', 'text', (one) => one.group),
      field('list', 'List', 'text', (one) => one.list),
      field('count', 'Queries', 'number', (one) => one.count),
    ]),
  ],
  sheets: [],
});
