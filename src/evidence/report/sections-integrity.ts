// Of records that are not whole: what was found, and which records are not repeated.
import { column, field, type Table, tableOf } from './document.ts';
import type { Report } from './model.ts';

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
