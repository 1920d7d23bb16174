// What stands on top of a report over records that are not whole: what was found, and which records are not repeated.
import { column, field, type Table, tableOf, type Warning } from './document.ts';
import type { Report } from './model.ts';
import type { ReportTexts } from './texts/texts.ts';
import { numberText } from './words.ts';

/** Findings that people read; CSV and JSON have all that were told. */
const FINDINGS_SHOWN_MAX = 20;

/** Undefined for records that are whole. */
export const toWarning = ({ integrity }: Report, texts: ReportTexts): Warning | undefined => {
  const { isIntact, findings, mayConcernPeriod } = integrity;
  if (isIntact) return undefined;
  const { warning } = texts;
  const all = numberText(findings.length, texts);
  const isCut = findings.length > FINDINGS_SHOWN_MAX;
  return {
    title: warning.title(all),
    texts: [
      mayConcernPeriod ? warning.concerns : warning.outside,
      warning.told,
      warning.check,
      ...(isCut ? [warning.first(numberText(FINDINGS_SHOWN_MAX, texts), all)] : []),
    ],
    tables: [findingsTable(findings.slice(0, FINDINGS_SHOWN_MAX)), doubtfulTable(integrity)],
  };
};

/** All findings. */
export const findingsTable = (findings: readonly string[]): Table => ({
  name: 'findings',
  columns: [column('finding', 'prose')],
  rows: findings.map((text) => [text]),
});

/** Where records stand that are not repeated. */
export const doubtfulTable = ({ doubtful }: Report['integrity']): Table =>
  tableOf({ name: 'doubtful' }, doubtful, [
    field('chain', 'word', (one) => one.class),
    field('partition', 'number', (one) => one.partition),
    field('first', 'number', (one) => one.first),
    field('last', 'number', (one) => one.last),
    field('after', 'time', (one) => one.after),
    field('before', 'time', (one) => one.before),
  ]);
