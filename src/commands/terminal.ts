// What the terminal allows: how wide lines may be, and colors. A pipe or a file gets whole lines without any.
import { styleText } from 'node:util';

/** How something is marked: good is green, bad is red. */
export type Mark = 'good' | 'bad' | 'warn' | 'head' | 'faint';

const STYLES = { good: 'green', bad: 'red', warn: 'yellow', head: 'bold', faint: 'dim' } as const;

/** Text in a color where standard output is a terminal and NO_COLOR is not set. */
export const mark = (how: Mark, text: string): string =>
  styleText(STYLES[how], text, { stream: process.stdout });

/** Columns of the terminal; infinite where standard output is none. */
export const terminalWidth = (): number =>
  process.stdout.isTTY ? process.stdout.columns || WIDTH_UNKNOWN : Number.POSITIVE_INFINITY;

/** Of a terminal that does not tell. */
const WIDTH_UNKNOWN = 80;
