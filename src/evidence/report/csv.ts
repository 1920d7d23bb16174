// The report as CSV (RFC 4180): all tables one after the other, or one of them by its name.
//
// Programs for spreadsheets take a cell that begins with one of a few characters for a formula, and texts here come from
// people and from lists: such a cell gets an apostrophe before it. Numbers stay numbers.
import type { Cell, FrontFindings, ReportDocument, Table } from './document.ts';

/** What begins a formula in some program, also after spaces. */
const FORMULA = /^\s*[=+\-@]|^[\t\r\n]/;
const LINE_END = '\r\n';

/** The names of all tables, in their order. */
export const tableNames = (document: ReportDocument): string[] => tablesOf(document).map(({ name }) => name);

/** One table with a head line, or undefined when there is none of that name. */
export const toCsvTable = (document: ReportDocument, name: string): string | undefined => {
  const table = tablesOf(document).find((one) => one.name === name);
  return table === undefined ? undefined : linesOf(table).join('');
};

/** All tables, each after a line with its name, with an empty line between two. */
export const toCsv = (document: ReportDocument): string => {
  const { title, subtitle, front } = document;
  const facts = [
    lineOf([title, front.answer.text]),
    lineOf([document.kicker, subtitle]),
    ...document.facts.map(({ label, value }) => lineOf([label, value])),
  ];
  const { findings } = front;
  if (findings !== undefined)
    facts.unshift(lineOf([findings.title]), ...findings.texts.slice(0, 1).map(({ text }) => lineOf([text])));
  const ordered = tablesOf(document).sort(
    (a, b) => Number(isFirst(b, findings)) - Number(isFirst(a, findings)),
  );
  const tables = ordered.map((table) => [lineOf([`table: ${table.name}`]), ...linesOf(table)].join(''));
  return [facts.join(''), ...tables].join(LINE_END);
};

/** Findings stand before everything else. */
const isFirst = ({ name }: Table, findings: FrontFindings | undefined): boolean =>
  findings !== undefined && (name === 'findings' || name === 'doubtful');

/** What only people read stands in another table as well. */
const tablesOf = ({ sections }: ReportDocument): Table[] =>
  sections.flatMap(({ tables }) => tables).filter(({ isForPeople }) => isForPeople !== true);

const linesOf = ({ columns, rows }: Table): string[] => [
  lineOf(columns.map(({ name }) => name)),
  ...rows.map((row) => lineOf(columns.map((_, at) => row[at] ?? null))),
];

const lineOf = (cells: readonly Cell[]): string => `${cells.map(fieldOf).join(',')}${LINE_END}`;

const fieldOf = (cell: Cell): string => {
  if (cell === null) return '';
  if (typeof cell === 'number') return String(cell);
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
