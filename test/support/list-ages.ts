// What ships with a day on which somebody looked at it, and is out of date when too many have gone by. That comes with
// the calendar and not with a change, so it is a check of its own, `npm run lists -- due`: tests of what the lists say
// take the day of the lists.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { LISTS_DIRECTORY, readCoverage } from '../../src/policy/lists/lists.ts';
import { oldestReviews } from './list-editing.ts';

const DAY_MS = 86_400_000;
/** As an installation warns of a list: somebody looks at each entry once a year. */
const ENTRY_DAYS_MAX = 365;
/** A network announces a new block every few weeks: three times a year somebody has to look. */
const PREFIXES_DAYS_MAX = 120;
/** Public lists name something new every month. */
const COVERAGE_DAYS_MAX = 120;

/** The copy of what networks announce. */
export const PREFIXES_FILE = fileURLToPath(new URL('../data/network-prefixes.tsv', import.meta.url));

/** The day of the last review of any shipped entry, as a clock shows it. */
export const dayOfLists = (directory: string = LISTS_DIRECTORY): number =>
  Math.max(...oldestReviews(directory).map(({ reviewed }) => Date.parse(reviewed)));

/** What is out of date at a time, each in words. */
export const findOverdue = (
  nowMs: number,
  { directory = LISTS_DIRECTORY, prefixesFile = PREFIXES_FILE } = {},
): string[] => {
  const ageDays = (day: string): number => Math.floor((nowMs - Date.parse(day)) / DAY_MS);
  const due: string[] = [];
  const byList = Map.groupBy(oldestReviews(directory), ({ list }) => list);
  for (const [list, entries] of byList) {
    const old = entries.filter(({ reviewed }) => !(ageDays(reviewed) <= ENTRY_DAYS_MAX));
    const [first] = old;
    if (first === undefined) continue;
    due.push(
      `${list}: ${old.length} of ${entries.length} entries were last looked at over ${ENTRY_DAYS_MAX} days ago, ` +
        `${first.text} on ${first.reviewed}: npm run lists -- review NAME`,
    );
  }
  const retrieved = /^# retrieved: (.*)$/m.exec(readFileSync(prefixesFile, 'utf8'))?.[1] ?? '';
  if (!(ageDays(retrieved) <= PREFIXES_DAYS_MAX))
    due.push(
      `network-prefixes.tsv: what networks announce was retrieved on ${retrieved}, over ${PREFIXES_DAYS_MAX} days ` +
        'ago: retrieve it again, as test/data/README.md says, and review the lists of prefixes against it',
    );
  const { measured } = readCoverage();
  if (!(ageDays(measured) <= COVERAGE_DAYS_MAX))
    due.push(
      `coverage.tsv: coverage was measured on ${measured}, over ${COVERAGE_DAYS_MAX} days ago: ` +
        'npm run lists -- coverage DIRECTORY --ranks FILE --keep',
    );
  return due;
};
