// Tables for people: the same lines serve a terminal and a Markdown page.

/** A table of texts. */
export interface Table {
  readonly title?: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The table in Markdown, columns aligned; numbers stand to the right when every row of the column begins with a digit. */
export const formatTable = ({ head, rows }: Table): string[] => {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const isNumber = head.map((_, column) => rows.every((row) => /^[\d<−-]|^$/.test(row[column] ?? '')));
  const toLine = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => pad(cells[column] ?? '', width, isNumber[column] ?? false)).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    (isNumber[column] ?? false) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  );
  return [toLine(head), toLine(rule), ...rows.map(toLine)];
};

const pad = (text: string, width: number, isRight: boolean): string =>
  isRight ? text.padStart(width) : text.padEnd(width);
