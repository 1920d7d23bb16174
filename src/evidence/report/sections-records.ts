// The sections on changes and on the records themselves.
import { briefDetail } from './change-log.ts';
import { type Cell, column, type Front, field, type Section, type Table, tableOf } from './document.ts';
import type { Report } from './model.ts';
import { noteText, toNote } from './notes.ts';
import { unknownText } from './questions.ts';
import { doubtfulTable, findingsTable } from './sections-integrity.ts';
import type { ReportTexts } from './texts/texts.ts';
import { NOTHING, numberText, timeWords } from './words.ts';

/** Who changed what. */
export const toChangeSection = (report: Report, texts: ReportTexts): Section => ({
  id: 'changes',
  title: texts.sections.changes,
  lead: texts.leads.changes(numberText(report.changes.length, texts)),
  notes: report.integrity.doubtful.some((one) => one.class === 'changes')
    ? [noteText(toNote('changes-doubtful'), texts)]
    : [],
  tables: [changeTable(report, texts, true), changeTable(report, texts, false)],
});

/** For people, each change is short; for machines whole. */
const changeTable = ({ changes, integrity }: Report, texts: ReportTexts, isForPeople: boolean): Table => ({
  name: 'changes',
  ...(isForPeople ? { isForPeople } : { isForMachines: true }),
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
    ...changes.map((one): Cell[] => [
      ...[one.time, one.sequence, one.kind, one.event, one.subject, one.by, one.reason],
      isForPeople ? briefDetail(one, (count) => texts.front.moreKeys(numberText(count, texts))) : one.detail,
    ]),
    ...integrity.doubtful.flatMap((one) => toDoubtfulRow(one, texts)),
  ].sort((a, b) => Number(a[1]) - Number(b[1])),
});

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
export const toRecordsSection = (report: Report, texts: ReportTexts, front: Front): Section => {
  const { records, integrity, signing, unknown } = report;
  const { facts } = texts;
  const count = (value: number): string => numberText(value, texts);
  const timeOf = (time: string | null): string => (time === null ? NOTHING : timeWords(time));
  return {
    id: 'records',
    title: texts.sections.records,
    lead: texts.leads.records(count(records.chain.records)),
    paragraphs: integrity.isIntact ? [] : [texts.warning.told, texts.warning.check],
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
      { ...findingsTable(integrity.findings), isForMachines: integrity.isIntact },
      { ...doubtfulTable(integrity), isForMachines: integrity.isIntact },
      pageOneTable(front),
      unknownTable(report, texts),
      {
        name: 'unknown',
        isForMachines: true,
        columns: [column('code', 'word'), column('values', 'prose')],
        rows: unknown.map(({ code, values }): Cell[] => [code, values.join('; ')]),
      },
      checkpointTable(signing),
      tableOf({ name: 'witnesses' }, signing.witnesses.all, [
        field('name', 'text', (one) => one.name),
        field('state', 'word', (one) => one.state),
        field('size', 'number', (one) => one.size),
        field('cosigned_at', 'time', (one) => one.cosignedAt),
        field('key', 'text', (one) => one.key),
      ]),
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

const unknownTable = ({ unknown }: Report, texts: ReportTexts): Table => ({
  name: 'unknown',
  isForPeople: true,
  columns: [column('what', 'prose')],
  rows: unknown.map((one): Cell[] => [unknownText(one, texts)]),
});

/**
 * The checkpoint that the report was made from, and those that witnesses cosigned last, for other programs: signed notes (C2SP
 * tlog-checkpoint).
 */
const checkpointTable = ({ checkpoint, witnesses }: Report['signing']): Table => ({
  name: 'checkpoint',
  columns: [column('member', 'word'), column('value', 'prose')],
  rows:
    checkpoint === null
      ? []
      : [
          ['origin', checkpoint.origin],
          ['size', String(checkpoint.size)],
          ['root', checkpoint.root],
          ['signed', checkpoint.signedAt],
          ['public key', checkpoint.publicKey],
          ['note', checkpoint.note],
          ...witnesses.all.flatMap(({ note }): Cell[][] => (note === null ? [] : [['cosigned', note]])),
        ],
});

/** Page one as a table: for who reads nothing else. */
const pageOneTable = ({ questions, answer }: Front): Table => ({
  name: 'page-one',
  isForMachines: true,
  columns: [
    column('number', 'number'),
    column('question', 'word'),
    column('answer', 'prose'),
    column('shown', 'number'),
    column('all', 'number'),
    column('more', 'prose'),
  ],
  rows: [
    [0, 'answer', answer.text, null, null, null],
    ...questions.map(({ number, id, texts, items, table, shown = null, all = null, more = null }): Cell[] => [
      number,
      id,
      [
        ...[...texts, ...items].map(({ text }) => text),
        ...(table?.rows.map(({ cells }) => cells.join(' | ')) ?? []),
      ].join('\n'),
      shown,
      all,
      more,
    ]),
  ],
});
