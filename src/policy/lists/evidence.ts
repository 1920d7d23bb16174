// What of an entry's evidence a reader can check: the shipped table says which public lists name a name, and at which
// commit each was read (lists/evidence.tsv, lists/families.tsv). For explanations, never per query.
//
// Counts of 2026-11-24 speak of 21 families of which nobody kept which they were. They are evidence of the day and cannot be
// followed; that is said beside them.
import { join } from 'node:path';
import { LISTS_DIRECTORY } from './catalog.ts';
import type { ListEntry } from './cordon-format.ts';
import { readListFile } from './list-file.ts';

/** Column of families.tsv: how many names were looked up there, `-` for none. */
const ZONES = 6;
const COUNTED = /^named by \d+ of 21 list families/;

/** In words; undefined where nothing is to be said. Throws ERR_LIST_READ when the tables are not there. */
export const checkOf = ({ text, evidence }: ListEntry): string | undefined => {
  const families = familiesOf(text);
  const isCounted = COUNTED.test(evidence);
  if (families.length === 0 && !isCounted) return undefined;
  const named =
    families.length === 0
      ? 'none of the families in lists/families.tsv names it'
      : `${families.length} of ${countFamilies()} families in lists/families.tsv name it, at the commits stated there: ${families.join(', ')}`;
  return isCounted ? `${named}; which 21 were counted on 2026-11-24 was not kept` : named;
};

const rowsOf = (file: string): string[][] =>
  Buffer.from(readListFile(join(LISTS_DIRECTORY, file)))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t'));

const familiesOf = (name: string): string[] => {
  const [, , , families = '-'] = rowsOf('evidence.tsv').find(([first]) => first === name) ?? [];
  return families === '-' ? [] : families.split(',');
};

/** Those that were read for evidence; of others the table has only the files that coverage was measured with. */
const countFamilies = (): number =>
  new Set(
    rowsOf('families.tsv')
      .filter((row) => row[ZONES] !== '-')
      .map(([family]) => family),
  ).size;
