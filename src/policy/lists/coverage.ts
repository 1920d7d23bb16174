// What the shipped lists answered to public families of names when it was last measured (lists/coverage.tsv). Measuring is for
// maintainers, who have the families: `npm run lists -- coverage`.
import { join } from 'node:path';
import { LISTS_DIRECTORY } from './catalog.ts';
import { listError, readListFile } from './list-file.ts';

/** The names of a row: by how many votes there are for them, those that hold a TikTok zone, and those with a rank. */
const COVERAGE_NAMES = ['all', 'three', 'two', 'one', 'no-vote', 'tiktok', 'ranked'] as const;

/** What was answered to some names: how many of each. */
export interface CoverageRow {
  readonly of: (typeof COVERAGE_NAMES)[number];
  readonly names: number;
  readonly refusedByDefault: number;
  readonly refusedBySwitch: number;
  readonly explained: number;
  readonly unanswered: number;
}

/** A measurement. */
export interface Coverage {
  /** YYYY-MM-DD. */
  readonly measured: string;
  readonly families: number;
  readonly sources: number;
  readonly votes: number;
  readonly rows: readonly CoverageRow[];
}

const HEAD = /^# measured: (\d{4}-\d\d-\d\d), (\d+) families of (\d+) sources, (\d+) votes$/m;

/** Reads the table; throws ERR_LIST_READ, and ERR_LIST_PARSE for one that is not whole. */
export const readCoverage = (directory = LISTS_DIRECTORY): Coverage => {
  const path = join(directory, 'coverage.tsv');
  const text = Buffer.from(readListFile(path)).toString('utf8');
  const [, measured, ...counts] = HEAD.exec(text) ?? [];
  const [families = 0, sources = 0, votes = 0] = counts.map(Number);
  const rows = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => rowOf(line, path));
  if (measured === undefined || rows.length === 0)
    throw listError('ERR_LIST_PARSE', `reading the coverage of ${path}: no measurement`);
  return { measured, families, sources, votes, rows };
};

const rowOf = (line: string, path: string): CoverageRow => {
  const [first = '', ...cells] = line.split('\t');
  const of = COVERAGE_NAMES.find((known) => known === first);
  const [names, refusedByDefault, refusedBySwitch, explained, unanswered] = cells.map(Number);
  const row = { names, refusedByDefault, refusedBySwitch, explained, unanswered };
  if (of === undefined || cells.length !== 5 || !isWhole(row))
    throw listError('ERR_LIST_PARSE', `reading the coverage of ${path}: ${line}`);
  return { of, ...row };
};

type Counts = Omit<CoverageRow, 'of'>;

/** The answers have to add up to the names. */
const isWhole = (row: { readonly [name in keyof Counts]: number | undefined }): row is Counts => {
  const { names, refusedByDefault = 0, refusedBySwitch = 0, explained = 0, unanswered = 0 } = row;
  return names === refusedByDefault + refusedBySwitch + explained + unanswered;
};
