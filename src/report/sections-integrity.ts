// What stands on top of a report over records that are not whole: what was found, and which records are not repeated.
import { column, field, type Table, tableOf, type Warning } from './document.ts';
import type { Report } from './model.ts';
import { countText, NOTHING, numberText, timeWords } from './words.ts';

/** Findings that people read; CSV and JSON have all that were told. */
const FINDINGS_SHOWN_MAX = 20;

/** Undefined for records that are whole. */
export const toWarning = ({ integrity, period }: Report): Warning | undefined => {
  const { isIntact, findings, mayConcernPeriod } = integrity;
  if (isIntact) return undefined;
  const concern = mayConcernPeriod
    ? 'What was found may concern the period of this report.'
    : `Everything that was found lies outside of ${timeWords(period.from)} to ${timeWords(period.until)}, as far as the signed heads tell.`;
  return {
    title: `The records are not whole: ${countText(findings.length, 'finding')}`,
    texts: [
      `${concern} Only records that their signed heads prove are told below. Records that are missing or in doubt are left out, so that this report may be silent about what happened; nothing that stands in a changed block is repeated.`,
      '"cordon records verify" checks again, best with heads and the public key that were kept elsewhere.',
    ],
    tables: [
      { ...findingsTable(findings.slice(0, FINDINGS_SHOWN_MAX)), caption: shownText(findings.length) },
      doubtfulTable(integrity),
    ],
  };
};

const shownText = (count: number): string =>
  count > FINDINGS_SHOWN_MAX
    ? `What checking the records found: the first ${FINDINGS_SHOWN_MAX} of ${numberText(count)}`
    : 'What checking the records found';

/** All findings. */
export const findingsTable = (findings: readonly string[]): Table => ({
  name: 'findings',
  caption: 'What checking the records found',
  columns: [column('finding', 'Finding', 'prose')],
  rows: findings.map((text) => [text]),
  empty: 'Nothing.',
  isForMachines: false,
});

/** Where records stand that are not repeated. */
export const doubtfulTable = ({ doubtful }: Report['integrity']): Table =>
  tableOf(
    {
      name: 'doubtful',
      caption: 'Records in doubt, whose content is not repeated',
      empty: NOTHING,
    },
    doubtful,
    [
      field('chain', 'Chain', 'word', (one) => one.class),
      field('partition', 'Partition', 'number', (one) => one.partition),
      field('first', 'From record', 'number', (one) => one.first),
      field('last', 'To record', 'number', (one) => one.last),
      field('after', 'After', 'time', (one) => one.after),
      field('before', 'Before', 'time', (one) => one.before),
    ],
  );
