// The sections on changes and on the records themselves.
import { type Cell, column, field, type Section, tableOf } from './document.ts';
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
    tableOf({ name: 'records', caption: 'What happened to the records', empty: 'Nothing.' }, records.events, [
      field('time', 'Time', 'time', (one) => one.time),
      field('event', 'Event', 'word', (one) => one.event),
      field('count', 'Count', 'number', (one) => one.count),
      field('ms', 'Clock moved by, ms', 'number', (one) => one.ms),
      field('from', 'From', 'time', (one) => one.from),
      field('until', 'Until', 'time', (one) => one.until),
      field('file', 'File or output', 'text', (one) => one.file),
      field('text', 'Text', 'prose', (one) => one.text),
    ]),
    tableOf(
      {
        name: 'unclean-ends',
        caption: 'Unexpected ends of the program',
        empty: 'None.',
        isForMachines: records.uncleanEnds.length === 0,
      },
      records.uncleanEnds,
      [
        field('last_written', 'Last record before', 'time', (one) => one.lastWritten),
        field('found', 'Found', 'time', (one) => one.found),
      ],
    ),
    tableOf(
      {
        name: 'heads',
        caption: 'Signed heads of the chains that cover the period',
        empty: 'No head was signed.',
      },
      records.heads,
      [
        field('class', 'Chain', 'text', (one) => one.class),
        field('number', 'Head', 'number', (one) => one.number),
        field('last', 'Up to record', 'number', (one) => one.last),
        field('signed_at', 'Signed', 'time', (one) => one.signedAt),
        field('key', 'Key', 'text', (one) => one.keyId),
        field('hash', 'Hash', 'prose', (one) => one.hash),
      ],
    ),
  ],
  sheets: [],
});
