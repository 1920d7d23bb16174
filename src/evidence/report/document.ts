// The report as a document: what HTML, PDF and CSV show, before any of them knows how.
//
// Cells hold values, not texts: CSV writes them for machines, HTML and PDF for people in the language of the document.
import type { FrontRow, FrontText } from './page-one.ts';
import type { QuestionId } from './texts/front-texts.ts';
import type { ReportTexts } from './texts/texts.ts';

/**
 * What a column holds, and how it is written. A `word` stays on one line, a `term` is a code that has words, a `kind` one of a record,
 * a `figure` is written already and stands at the right.
 */
export type ColumnKind =
  | 'text'
  | 'word'
  | 'prose'
  | 'term'
  | 'kind'
  | 'figure'
  | 'number'
  | 'time'
  | 'day'
  | 'duration'
  | 'hash';

/** A column of a table. Its head for people follows from its name. */
export interface Column {
  /** For machines: `refusals`. */
  readonly name: string;
  readonly kind: ColumnKind;
}

/** `duration` is in milliseconds, `time` in RFC 3339; null: there is none. */
export type Cell = string | number | null;

/** A bar beside a row, as parts of the longest; `before` is where it ended in the period before. */
export interface RowBar {
  readonly part: number;
  readonly before: number | null;
}

/** A table. Its caption, and what stands where there are no rows, follow from its name. */
export interface Table {
  /** Name for `--table`. */
  readonly name: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  /** True: CSV has it, people read the same elsewhere. */
  readonly isForMachines?: boolean;
  /** True: people read it, CSV has the same elsewhere. */
  readonly isForPeople?: boolean;
  /** Of each row, shown behind its first cell. */
  readonly bars?: readonly RowBar[];
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

/** Counts over time, stacked by what they are of. */
export interface BarChart {
  readonly kind: 'bars';
  readonly title: string;
  /** From the bottom of the stack. */
  readonly series: readonly { readonly name: string; readonly total: number }[];
  readonly bars: readonly {
    readonly label: string;
    readonly count: number;
    /** In the order of the series. */
    readonly parts: readonly number[];
  }[];
  /** Bars that stand together, such as the days of a week, with their sum. Without, each bar has its own value. */
  readonly spans: readonly {
    readonly label: string;
    readonly from: number;
    readonly until: number;
    readonly count: number;
  }[];
  readonly description: string;
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
  /** Behind the legend. */
  readonly remark?: string;
  readonly rows: readonly {
    readonly label: string;
    /** Cover the period, in order. */
    readonly stretches: readonly { readonly fromMs: number; readonly untilMs: number; readonly tone: Tone }[];
  }[];
  /** Numbers above the first row. */
  readonly pins: readonly { readonly atMs: number; readonly label: string }[];
  /** What it shows, in words. */
  readonly description: string;
}

/** A section behind page one. */
export interface Section {
  /** For links, kebab-case. */
  readonly id: string;
  readonly title: string;
  readonly lead?: string;
  readonly facts?: readonly Fact[];
  /** What has to be known to read the numbers. */
  readonly notes?: readonly string[];
  readonly figures?: readonly (BarChart | Timeline)[];
  readonly tables: readonly Table[];
  readonly sheets?: readonly Sheet[];
  readonly paragraphs?: readonly string[];
}

/** Something that a person has to look at: a lead and what follows it. */
export type Need = readonly [lead: string, rest: string];

/** A table of page one: cells are written already, columns are parts of the width. */
export interface FrontTable {
  /** Of its caption. */
  readonly name: string;
  readonly columns: readonly {
    readonly name: string;
    readonly part: number;
    readonly isAtRight?: boolean;
  }[];
  readonly rows: readonly FrontRow[];
}

/** A question of page one with its answer. */
export interface Question {
  readonly id: QuestionId;
  /** From 1. */
  readonly number: number;
  readonly label: string;
  readonly texts: readonly FrontText[];
  /** Of a list below them. */
  readonly items: readonly FrontText[];
  readonly table?: FrontTable | undefined;
  /** How much of the answer stands elsewhere: what is shown, of how many, and where the rest is. */
  readonly shown?: number;
  readonly all?: number;
  readonly more?: string | undefined;
}

/** Page one. */
export interface Front {
  readonly tone: Tone;
  readonly answer: FrontText;
  readonly texts: readonly FrontText[];
  /** What checking the records found, before everything else; undefined when nothing. */
  readonly findings: FrontFindings | undefined;
  readonly strip: Timeline;
  /** What needs a person; undefined when nothing. */
  readonly needs: { readonly label: string; readonly text: FrontText } | undefined;
  readonly questions: readonly Question[];
  /** How the signature is checked. */
  readonly check: FrontText;
}

/** Where sections stand, by their number. */
export type Places = Readonly<Record<keyof ReportTexts['sections'], number>>;

/** Findings at the top of page one. */
export interface FrontFindings {
  readonly title: string;
  readonly texts: readonly FrontText[];
  readonly shown: number;
  readonly all: number;
  readonly more: string | undefined;
}

/** A whole report. */
export interface ReportDocument {
  readonly texts: ReportTexts;
  /** Agency and kind of document. */
  readonly kicker: string;
  readonly title: string;
  /** Period and networks. */
  readonly subtitle: string;
  /** Made, by whom, resolver, program, mandate. */
  readonly facts: readonly Fact[];
  readonly front: Front;
  readonly sections: readonly Section[];
}

/** A column in short. */
export const column = (name: string, kind: ColumnKind = 'text'): Column => ({ name, kind });

/** A column with what it holds of an item, so that heads and cells cannot come apart. */
export interface Field<Item> extends Column {
  readonly cell: (item: Item) => Cell;
}

/** A field in short; `kind` as for column(). */
export const field = <Item>(name: string, kind: ColumnKind, cell: (item: Item) => Cell): Field<Item> => ({
  name,
  kind,
  cell,
});

/** The table of items, one a row. */
export const tableOf = <Item>(
  stated: Omit<Table, 'columns' | 'rows'>,
  items: readonly Item[],
  fields: readonly Field<NoInfer<Item>>[],
): Table => ({
  ...stated,
  columns: fields.map(({ name, kind }) => column(name, kind)),
  rows: items.map((item) => fields.map(({ cell }) => cell(item))),
});

/** The same fields of an item that stands within another one. */
export const within = <Outer, Item>(
  fields: readonly Field<Item>[],
  find: (outer: Outer) => Item,
): Field<Outer>[] => fields.map((one) => ({ ...one, cell: (outer) => one.cell(find(outer)) }));
