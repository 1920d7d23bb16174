// The sections on changes and on the records themselves.
import { type Cell, column, type Section } from './document.ts';
import type { Report } from './model.ts';
import { doubtfulTable, findingsTable } from './sections-integrity.ts';
import { countText, NOTHING, numberText, timeWords } from './words.ts';

/** Who changed what. */
export const toChangeSection = ({ changes, integrity }: Report): Section => ({
  id: 'changes',
  title: 'Changes',
  facts: [{ label: 'Changes', value: numberText(changes.length) }],
  notes: [
    'Where nobody is named, the program acted by itself. Names are those that the system gave for those who acted; of a configuration it is known whose file it is and what made the program read it, not who wrote it.',
    ...(integrity.doubtful.some((one) => one.class === 'changes')
      ? ['Rows "in doubt" stand for records that nothing proves: what they say is not repeated.']
      : []),
  ],
  figures: [],
  tables: [
    {
      name: 'changes',
      caption: 'What was changed, when and by whom',
      columns: [
        column('time', 'Time', 'time'),
        column('record', 'Record', 'number'),
        column('kind', 'Kind', 'word'),
        column('event', 'Event', 'word'),
        column('subject', 'What'),
        column('by', 'By'),
        column('reason', 'Reason', 'prose'),
        column('detail', 'Detail', 'prose'),
      ],
      rows: [...changes.map(toChangeRow), ...integrity.doubtful.flatMap(toDoubtfulRow)].sort(
        (a, b) => Number(a[1]) - Number(b[1]),
      ),
      empty: 'Nothing was changed.',
    },
  ],
  sheets: [],
});

const toChangeRow = (one: Report['changes'][number]): Cell[] => [
  ...[one.time, one.sequence, one.kind, one.event, one.subject, one.by, one.reason, one.detail],
];

/** A mark in the place of records that nothing proves. */
const toDoubtfulRow = (one: Report['integrity']['doubtful'][number]): Cell[][] => {
  if (one.class !== 'changes') return [];
  const count = one.last - one.first + 1;
  const between = [
    one.after === null ? undefined : `after ${timeWords(one.after)}`,
    one.before === null ? undefined : `before ${timeWords(one.before)}`,
  ].filter((text) => text !== undefined);
  return [
    [null, one.first, 'in doubt', countText(count, 'record'), null, null, null, between.join(', ') || null],
  ];
};

/** How far the records can be believed. */
export const toRecordsSection = ({ records, integrity }: Report): Section => ({
  id: 'records',
  title: 'Records',
  facts: [
    { label: 'From', value: records.first === null ? NOTHING : timeWords(records.first) },
    { label: 'Until', value: records.last === null ? NOTHING : timeWords(records.last) },
    {
      label: 'Chain',
      value: records.chain.isIntact
        ? `${countText(records.chain.records, 'record')} checked, none changed, missing or out of order`
        : `${countText(records.chain.records, 'record')} checked, ${countText(records.chain.findings.length, 'finding')}`,
      isAlarming: !records.chain.isIntact,
    },
    {
      label: 'Events not recorded',
      value: numberText(records.dropped),
      isAlarming: records.dropped > 0,
    },
    {
      label: 'Unexpected ends of the program',
      value: numberText(records.uncleanEnds.length),
      isAlarming: records.uncleanEnds.length > 0,
    },
  ],
  notes: [],
  figures: [],
  tables: [
    { ...findingsTable(integrity.findings), isForMachines: true },
    { ...doubtfulTable(integrity), isForMachines: true },
    {
      name: 'records',
      caption: 'What happened to the records',
      columns: [
        column('time', 'Time', 'time'),
        column('event', 'Event', 'word'),
        column('count', 'Count', 'number'),
        column('ms', 'Clock moved by, ms', 'number'),
        column('from', 'From', 'time'),
        column('until', 'Until', 'time'),
        column('file', 'File or output'),
        column('text', 'Text', 'prose'),
      ],
      rows: records.events.map((one) => [
        ...[one.time, one.event, one.count, one.ms, one.from, one.until, one.file, one.text],
      ]),
      empty: 'Nothing.',
    },
    {
      name: 'unclean-ends',
      caption: 'Unexpected ends of the program',
      columns: [column('last_written', 'Last record before', 'time'), column('found', 'Found', 'time')],
      rows: records.uncleanEnds.map(({ lastWritten, found }) => [lastWritten, found]),
      empty: 'None.',
      isForMachines: records.uncleanEnds.length === 0,
    },
    {
      name: 'heads',
      caption: 'Signed heads of the chains that cover the period',
      columns: [
        column('class', 'Chain'),
        column('number', 'Head', 'number'),
        column('last', 'Up to record', 'number'),
        column('signed_at', 'Signed', 'time'),
        column('key', 'Key'),
        column('hash', 'Hash', 'prose'),
      ],
      rows: records.heads.map((one) => [one.class, one.number, one.last, one.signedAt, one.keyId, one.hash]),
      empty: 'No head was signed.',
    },
  ],
  sheets: [],
});
