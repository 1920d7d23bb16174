// The report as a document: what HTML, PDF and CSV show, before any of them knows how.
//
// Cells hold values, not texts: CSV writes them for machines, HTML and PDF for people.

/** What a column holds, and how it is written; a `word` stays on one line. */
export type ColumnKind = 'text' | 'word' | 'prose' | 'number' | 'time' | 'day' | 'duration' | 'hash';

/** A column of a table. */
export interface Column {
  /** For machines: `refusals`. */
  readonly name: string;
  /** For people. */
  readonly label: string;
  readonly kind: ColumnKind;
}

/** `duration` is in milliseconds, `time` in RFC 3339; null: there is none. */
export type Cell = string | number | null;

/** A table. */
export interface Table {
  /** Name for `--table`. */
  readonly name: string;
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  /** Stands where there are no rows. */
  readonly empty: string;
  /** True: CSV has it, people read the same elsewhere. */
  readonly isForMachines?: boolean;
}

/** A statement with its name. */
export interface Fact {
  readonly label: string;
  readonly value: string;
  /** True where somebody has to look. */
  readonly isAlarming?: boolean;
}

/** Facts about one thing. */
export interface Sheet {
  readonly title: string;
  readonly facts: readonly Fact[];
  readonly tables: readonly Table[];
}

/** A value for each day. */
export interface BarChart {
  readonly kind: 'bars';
  readonly title: string;
  readonly bars: readonly { readonly day: string; readonly count: number }[];
}

/** How a stretch of a timeline looks. */
export type Tone = 'good' | 'bad' | 'warning' | 'unknown';

/** Stretches of time in rows. */
export interface Timeline {
  readonly kind: 'timeline';
  readonly title: string;
  readonly fromMs: number;
  readonly untilMs: number;
  /** What each tone stands for, in the order of the legend. */
  readonly legend: readonly { readonly tone: Tone; readonly label: string }[];
  readonly rows: readonly {
    readonly label: string;
    /** Cover the period, in order. */
    readonly stretches: readonly { readonly fromMs: number; readonly untilMs: number; readonly tone: Tone }[];
  }[];
  /** What it shows, in words. */
  readonly description: string;
}

/** A section. */
export interface Section {
  /** For links, kebab-case. */
  readonly id: string;
  readonly title: string;
  readonly facts: readonly Fact[];
  /** What has to be known to read the numbers. */
  readonly notes: readonly string[];
  readonly figures: readonly (BarChart | Timeline)[];
  readonly tables: readonly Table[];
  readonly sheets: readonly Sheet[];
}

/** Why the report may not be taken for the whole truth. */
export interface Warning {
  readonly title: string;
  readonly texts: readonly string[];
  readonly tables: readonly Table[];
}

/** A whole report. */
export interface ReportDocument {
  readonly title: string;
  /** Resolver, period, group. */
  readonly facts: readonly Fact[];
  /** What checking the records found, before everything else; undefined when nothing. */
  readonly warning?: Warning | undefined;
  /** What has to be known first. */
  readonly summary: readonly Fact[];
  readonly sections: readonly Section[];
}

/** A column in short. */
export const column = (name: string, label: string, kind: ColumnKind = 'text'): Column => ({
  name,
  label,
  kind,
});

/** A column with what it holds of an item, so that heads and cells cannot come apart. */
export interface Field<Item> extends Column {
  readonly cell: (item: Item) => Cell;
}

/** A field in short; `kind` as for column(). */
export const field = <Item>(
  name: string,
  label: string,
  kind: ColumnKind,
  cell: (item: Item) => Cell,
): Field<Item> => ({ name, label, kind, cell });

/** The table of items, one a row. */
export const tableOf = <Item>(
  { name, caption, empty, isForMachines }: Omit<Table, 'columns' | 'rows'>,
  items: readonly Item[],
  fields: readonly Field<NoInfer<Item>>[],
): Table => ({
  name,
  caption,
  columns: fields.map((one) => column(one.name, one.label, one.kind)),
  rows: items.map((item) => fields.map(({ cell }) => cell(item))),
  empty,
  ...(isForMachines === undefined ? {} : { isForMachines }),
});

/** The same fields of an item that stands within another one. */
export const within = <Outer, Item>(
  fields: readonly Field<Item>[],
  find: (outer: Outer) => Item,
): Field<Outer>[] => fields.map((one) => ({ ...one, cell: (outer) => one.cell(find(outer)) }));
