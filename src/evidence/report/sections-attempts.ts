// The section on attempts: mandate lists by time, network and list; other lists and signs of a bypass apart from them.

import { toAttemptChart } from './attempt-chart.ts';
import { type Cell, column, field, type RowBar, type Section, type Table, tableOf } from './document.ts';
import { LIST_PURPOSES, type Report, type Total } from './model.ts';
import { noteText } from './notes.ts';
import type { ReportTexts } from './texts/texts.ts';
import { aboutText, boundText, changeText, NOTHING } from './words.ts';

/** Attempts to reach what is prohibited, and signs of ways around. */
export const toAttemptSection = (report: Report, texts: ReportTexts): Section => {
  const { attempts, clients, signals } = report;
  const { mandate, byPurpose, isLowerBound } = attempts;
  const asked = clients.total === null ? NOTHING : aboutText(clients.total, clients.isLowerBound, texts);
  const notes = new Map(
    [...attempts.notes, ...clients.notes, ...signals.notes].map((note) => [note.text, note]),
  );
  return {
    id: 'attempts',
    title: texts.sections.attempts,
    lead:
      byPurpose.mandate === 0
        ? texts.leads.attemptsNone
        : texts.leads.attempts(boundText(byPurpose.mandate, isLowerBound, texts), asked),
    notes: [...notes.values()].map((note) => noteText(note, texts)),
    figures: byPurpose.mandate === 0 ? [] : [toAttemptChart(mandate, texts)],
    tables: [
      byNetworkTable(report, texts),
      byListTable(report, texts),
      otherListTable(report),
      ...countTables(report),
      ...clientTables(report),
      signTable(report, texts),
      ...signalTables(report),
      seriesTable(report),
    ],
  };
};

/** Bars beside totals, as parts of the largest of both periods. */
const barsOf = (totals: readonly Total[], before: ReadonlyMap<string, number> | undefined): RowBar[] => {
  const most = Math.max(1, ...totals.map(({ count }) => count), ...(before?.values() ?? []));
  return totals.map(({ name, count }) => ({
    part: count / most,
    before: before === undefined ? null : (before.get(name) ?? 0) / most,
  }));
};

const toMap = (totals: readonly Total[] | undefined): ReadonlyMap<string, number> | undefined =>
  totals && new Map(totals.map(({ name, count }) => [name, count]));

/** Count, count before, and how it changed; the last two where there is a period before. */
const comparedCells = (
  count: number,
  name: string,
  before: ReadonlyMap<string, number> | undefined,
  texts: ReportTexts,
): Cell[] => {
  const earlier = before?.get(name) ?? 0;
  return before === undefined ? [count] : [count, earlier, changeText(count, earlier, texts)];
};

const comparedColumns = (first: string, before: unknown) => [
  column(first, 'number'),
  ...(before === undefined ? [] : [column('before', 'number'), column('change', 'figure')]),
];

const byNetworkTable = ({ attempts, clients, networks, previous }: Report, texts: ReportTexts): Table => {
  const before = toMap(previous?.byGroup);
  const counted = new Map(attempts.mandate.byGroup.map(({ name, count }) => [name, count]));
  const asked = new Map(clients.byGroup.map(({ name, count }) => [name, count]));
  // A network without attempts is a row too: zero is what its officer wants to read.
  const names = new Set([...counted.keys(), ...networks.map(({ group }) => group)]);
  const totals = [...names]
    .map((name) => ({ name, count: counted.get(name) ?? 0 }))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
  return {
    name: 'by-network',
    isForPeople: true,
    columns: [column('group'), ...comparedColumns('refused', before), column('clients', 'number')],
    rows: totals.map(({ name, count }): Cell[] => [
      ...[name, ...comparedCells(count, name, before, texts), asked.get(name) ?? 0],
    ]),
    bars: barsOf(totals, before),
  };
};

const byListTable = ({ attempts, previous }: Report, texts: ReportTexts): Table => {
  const before = toMap(previous?.byList);
  const totals = attempts.mandate.byList;
  return {
    name: 'by-list',
    isForPeople: true,
    columns: [column('list'), ...comparedColumns('refused', before)],
    rows: totals.map(({ name, count }): Cell[] => [name, ...comparedCells(count, name, before, texts)]),
    bars: barsOf(totals, before),
  };
};

/** What other lists refused, and what lists that are only watched would have refused. */
const otherListTable = ({ attempts }: Report): Table => {
  const sums = new Map<string, { list: string; purpose: string; refused: number; would: number }>();
  for (const { list, purpose, kind, count } of attempts.rows) {
    if (purpose === 'mandate' && kind === 'refusal') continue;
    const key = `${list} ${purpose}`;
    const sum = sums.get(key) ?? { list, purpose, refused: 0, would: 0 };
    if (kind === 'refusal') sum.refused += count;
    else sum.would += count;
    sums.set(key, sum);
  }
  const rows = [...sums.values()].sort((a, b) => b.refused + b.would - a.refused - a.would);
  return tableOf({ name: 'other-lists', isForPeople: true }, rows, [
    field('list', 'text', (one) => one.list),
    field('purpose', 'term', (one) => one.purpose),
    field('refused', 'number', (one) => one.refused),
    field('would_refuse', 'number', (one) => one.would),
  ]);
};

const totalsTable = (
  name: string,
  member: string,
  totals: readonly Total[],
  isForMachines = true,
): Table => ({
  name,
  isForMachines,
  columns: [column(member), column('count', 'number')],
  rows: totals.map(({ name: what, count }) => [what, count]),
});

/** The counts as they are kept, for programs. */
const countTables = ({ attempts }: Report): Table[] => [
  totalsTable('attempts-by-group', 'group', attempts.byGroup),
  totalsTable('attempts-by-category', 'category', attempts.byCategory),
  totalsTable('attempts-by-list', 'list', attempts.byList),
  totalsTable('attempts-by-trigger', 'trigger', attempts.byTrigger, false),
  {
    name: 'attempts-by-purpose',
    isForMachines: true,
    columns: [column('purpose', 'word'), column('count', 'number')],
    rows: LIST_PURPOSES.map((purpose) => [purpose, attempts.byPurpose[purpose]]),
  },
  tableOf({ name: 'attempts-by-day', isForMachines: true }, attempts.byDay, [
    field('day', 'day', (one) => one.day),
    field('refusals', 'number', (one) => one.refusals),
    field('would_refuse', 'number', (one) => one.wouldRefuse),
  ]),
  tableOf({ name: 'attempts', isForMachines: true }, attempts.rows, [
    field('day', 'day', (one) => one.day),
    field('kind', 'word', (one) => one.kind),
    field('purpose', 'word', (one) => one.purpose),
    field('group', 'text', (one) => one.group),
    field('list', 'text', (one) => one.list),
    field('category', 'text', (one) => one.category),
    field('trigger', 'text', (one) => one.trigger),
    field('count', 'number', (one) => one.count),
  ]),
];

const clientTables = ({ clients }: Report): Table[] => [
  {
    ...totalsTable('clients-by-group', 'group', clients.byGroup),
    columns: [column('group'), column('clients', 'number')],
  },
  {
    name: 'clients',
    isForMachines: true,
    columns: [column('day', 'day'), column('group'), column('clients', 'number')],
    rows: clients.byDay.flatMap(({ day, groups }) => groups.map(({ name, count }) => [day, name, count])),
  },
];

const signTable = ({ signals, previous }: Report, texts: ReportTexts): Table => {
  const before = toMap(previous?.bySignal);
  return {
    name: 'signs',
    isForPeople: true,
    columns: [column('signal'), column('meaning', 'prose'), ...comparedColumns('count', before)],
    rows: signals.bySignal.map(({ name, count }): Cell[] => [
      ...[texts.terms[name] ?? name, texts.signalMeanings[name] ?? null],
      ...comparedCells(count, name, before, texts),
    ]),
  };
};

const signalTables = ({ signals }: Report): Table[] => [
  totalsTable('signals-by-kind', 'signal', signals.bySignal),
  totalsTable('signals-by-group', 'group', signals.byGroup),
  tableOf({ name: 'signals', isForMachines: true }, signals.rows, [
    field('day', 'day', (one) => one.day),
    field('signal', 'word', (one) => one.signal),
    field('group', 'text', (one) => one.group),
    field('list', 'text', (one) => one.list),
    field('count', 'number', (one) => one.count),
  ]),
];

const seriesTable = ({ attempts }: Report): Table => ({
  name: 'mandate-series',
  isForMachines: true,
  columns: [column('from', 'time'), column('list'), column('count', 'number')],
  rows: attempts.mandate.series.points.flatMap(({ from, lists }) =>
    lists.map(({ name, count }) => [from, name, count]),
  ),
});
