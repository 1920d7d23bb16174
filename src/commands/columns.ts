// Tables for people: columns as wide as their texts, and on a terminal no wider than it is.
import { terminalWidth } from './terminal.ts';

const GAP = '  ';
/** A column is not cut below this: less says nothing. */
const COLUMN_WIDTH_MIN = 8;

/** Rows as lines; where they are wider than `width`, the widest columns are cut, which an ellipsis shows. */
export const alignColumns = (
  rows: readonly (readonly string[])[],
  width: number = terminalWidth(),
): string[] => {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, text] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, text.length);
  }
  narrow(widths, width - GAP.length * Math.max(0, widths.length - 1));
  return rows.map((row) =>
    row
      .map((text, column) => toWidth(text, widths[column] ?? 0))
      .join(GAP)
      .trimEnd(),
  );
};

/** Takes from the widest column until all of them fit, or none can give more. */
const narrow = (widths: number[], room: number): void => {
  let excess = widths.reduce((sum, width) => sum + width, 0) - room;
  while (excess > 0) {
    const widest = Math.max(...widths);
    if (widest <= COLUMN_WIDTH_MIN) return;
    const column = widths.indexOf(widest);
    const next = Math.max(COLUMN_WIDTH_MIN, ...widths.filter((width) => width < widest));
    const taken = Math.min(excess, Math.max(1, widest - next));
    widths[column] = widest - taken;
    excess -= taken;
  }
};

/** Text of exactly this width. */
const toWidth = (text: string, width: number): string =>
  text.length <= width ? text.padEnd(width) : `${text.slice(0, Math.max(0, width - 1))}…`;
