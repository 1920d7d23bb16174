// The sections on changes and on the records themselves.
import { type Cell, column, field, type Section, tableOf } from './document.ts';
import type { Report } from './model.ts';
import { noteText, toNote } from './notes.ts';
import { doubtfulTable, findingsTable } from './sections-integrity.ts';
import type { ReportTexts } from './texts/texts.ts';
import { NOTHING, numberText, timeWords } from './words.ts';

/** Who changed what. */
export const toChangeSection = ({ changes, integrity }: Report, texts: ReportTexts): Section => ({
  id: 'changes',
  title: texts.sections.changes,
  lead: texts.leads.changes(numberText(changes.length, texts)),
  notes: integrity.doubtful.some((one) => one.class === 'changes')
    ? [noteText(toNote('changes-doubtful'), texts)]
    : [],
  tables: [
    {
      name: 'changes',
      columns: [
        column('time', 'time'),
        column('record', 'number'),
        column('kind', 'kind'),
        column('event', 'term'),
        column('subject'),
        column('by'),
        column('reason', 'prose'),
        column('detail', 'prose'),
      ],
      rows: [
        ...changes.map(toChangeRow),
        ...integrity.doubtful.flatMap((one) => toDoubtfulRow(one, texts)),
      ].sort((a, b) => Number(a[1]) - Number(b[1])),
    },
  ],
});

const toChangeRow = (one: Report['changes'][number]): Cell[] => [
  ...[one.time, one.sequence, one.kind, one.event, one.subject, one.by, one.reason, one.detail],
];

/** A mark in the place of records that nothing proves. */
const toDoubtfulRow = (
  { class: recordClass, first, last, after, before }: Report['integrity']['doubtful'][number],
  texts: ReportTexts,
): Cell[][] => {
  if (recordClass !== 'changes') return [];
  const count = numberText(last - first + 1, texts);
  const between = [after, before].map((time) => (time === null ? NOTHING : timeWords(time))).join(' … ');
  return [[null, first, 'in doubt', texts.inDoubt(count), null, null, null, between]];
};

/** How far the records can be believed. */
export const toRecordsSection = ({ records, integrity }: Report, texts: ReportTexts): Section => {
  const { facts } = texts;
  const count = (value: number): string => numberText(value, texts);
  const timeOf = (time: string | null): string => (time === null ? NOTHING : timeWords(time));
  return {
    id: 'records',
    title: texts.sections.records,
    lead: texts.leads.records(count(records.chain.records)),
    facts: [
      { label: facts.from, value: timeOf(records.first) },
      { label: facts.until, value: timeOf(records.last) },
      {
        label: facts.chain,
        value: texts.chain(count(records.chain.records), records.chain.findings.length),
        isAlarming: !records.chain.isIntact,
      },
      { label: facts.dropped, value: count(records.dropped), isAlarming: records.dropped > 0 },
      {
        label: facts.uncleanEnds,
        value: count(records.uncleanEnds.length),
        isAlarming: records.uncleanEnds.length > 0,
      },
    ],
    tables: [
      { ...findingsTable(integrity.findings), isForMachines: true },
      { ...doubtfulTable(integrity), isForMachines: true },
      tableOf({ name: 'records' }, records.events, [
        field('time', 'time', (one) => one.time),
        field('event', 'term', (one) => one.event),
        field('count', 'number', (one) => one.count),
        field('ms', 'number', (one) => one.ms),
        field('from', 'time', (one) => one.from),
        field('until', 'time', (one) => one.until),
        field('file', 'text', (one) => one.file),
        field('text', 'prose', (one) => one.text),
      ]),
      tableOf(
        { name: 'unclean-ends', isForMachines: records.uncleanEnds.length === 0 },
        records.uncleanEnds,
        [field('last_written', 'time', (one) => one.lastWritten), field('found', 'time', (one) => one.found)],
      ),
      tableOf({ name: 'heads' }, records.heads, [
        field('class', 'text', (one) => one.class),
        field('number', 'number', (one) => one.number),
        field('last', 'number', (one) => one.last),
        field('signed_at', 'time', (one) => one.signedAt),
        field('key', 'text', (one) => one.keyId),
        field('hash', 'prose', (one) => one.hash),
      ]),
    ],
  };
};
