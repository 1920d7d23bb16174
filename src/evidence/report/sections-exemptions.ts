// The section on exemptions: each with its whole paper, what became of it, and what it let pass.
import {
  type Cell,
  column,
  type Fact,
  type Field,
  field,
  type Section,
  type Sheet,
  tableOf,
  within,
} from './document.ts';
import type { ExemptionSection, Report } from './model.ts';
import { noteText, toNote } from './notes.ts';
import type { ReportTexts } from './texts/texts.ts';
import { numberText, timeWords } from './words.ts';

/** Members of which absence means everything. */
const ABSENT: ReadonlySet<string> = new Set(['lists', 'names']);
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

/** Exemptions and their papers. */
export const toExemptionSection = (
  { exemptions, exemptionBound, group, integrity }: Report,
  texts: ReportTexts,
): Section => {
  const count = (value: number): string => numberText(value, texts);
  const inForce = exemptions.filter(({ active }) => active.length > 0).length;
  const passed = exemptions.reduce((sum, { hits }) => sum + hits, 0);
  const notes = [
    ...(group === null ? [] : [toNote('exemptions-of-group')]),
    ...(integrity.mayConcernPeriod ? [toNote('exemptions-missing')] : []),
    ...(exemptionBound === undefined ? [] : [exemptionBound]),
  ];
  return {
    id: 'exemptions',
    title: texts.sections.exemptions,
    lead:
      exemptions.length === 0
        ? texts.front.exempt.none
        : texts.leads.exemptions(count(exemptions.length), count(inForce), count(passed)),
    notes: notes.map((note) => noteText(note, texts)),
    tables: machineTables(exemptions),
    sheets: exemptions.map((one) => toSheet(one, texts)),
  };
};

type ExemptionEvent = ExemptionSection['events'][number];

const EVENT_FIELDS: readonly Field<ExemptionEvent>[] = [
  field('time', 'time', (one) => one.time),
  field('event', 'term', (one) => one.event),
  field('by', 'text', (one) => one.by),
  field('role', 'text', (one) => one.role),
  field('reason', 'prose', (one) => one.reason),
];

const machineTables = (exemptions: readonly ExemptionSection[]) => [
  {
    name: 'exemptions',
    isForMachines: true,
    columns: [
      column('id', 'word'),
      ...['state', 'grounds', 'requested_by', 'approved_by', 'role'].map((name) => column(name)),
      column('from', 'time'),
      column('until', 'time'),
      column('hits', 'number'),
    ],
    rows: exemptions.map(toRow),
  },
  {
    name: 'exemption-papers',
    isForMachines: true,
    columns: [column('id', 'word'), column('member'), column('value', 'prose')],
    rows: exemptions.flatMap(({ id, paper }) =>
      Object.entries(paper).map(([member, value]): Cell[] => [id, member, valueText(value)]),
    ),
  },
  tableOf(
    { name: 'exemption-events', isForMachines: true },
    exemptions.flatMap(({ id, events }) => events.map((one) => ({ id, one }))),
    [
      field('id', 'word', ({ id }) => id),
      ...within(EVENT_FIELDS, ({ one }: { readonly one: ExemptionEvent }) => one),
    ],
  ),
  tableOf(
    { name: 'exemption-times', isForMachines: true },
    exemptions.flatMap(({ id, active }) => active.map((one) => ({ id, ...one }))),
    [
      field('id', 'word', (one) => one.id),
      field('from', 'time', (one) => one.from),
      field('until', 'time', (one) => one.until),
      field('over', 'text', (one) => (one.isOver ? 'yes' : 'no')),
    ],
  ),
];

const toRow = ({ id, paper, hits }: ExemptionSection): Cell[] => {
  const member = (name: string): Cell => {
    const value = (paper as Readonly<Record<string, unknown>>)[name];
    return typeof value === 'string' ? value : null;
  };
  return [
    id,
    ...['state', 'grounds', 'requestedBy', 'approvedBy', 'role', 'from', 'until'].map(member),
    hits,
  ];
};

const toSheet = ({ id, paper, events, active, hits }: ExemptionSection, texts: ReportTexts): Sheet => ({
  title: `${texts.columns['id'] ?? ''} ${id}`,
  facts: [
    ...toFacts(paper, texts),
    {
      label: texts.facts.inForce,
      value:
        active.length === 0
          ? texts.facts.never
          : active.map(({ from, until }) => texts.times(timeWords(from), timeWords(until))).join('; '),
    },
    { label: texts.facts.passed, value: numberText(hits, texts) },
  ],
  tables: [tableOf({ name: 'exemption-events' }, events, EVENT_FIELDS)],
});

const toFacts = (paper: object, texts: ReportTexts): Fact[] => {
  const members = new Map<string, unknown>(Object.entries(paper));
  members.delete('id');
  const facts: Fact[] = [];
  for (const [name, label] of Object.entries(texts.paper)) {
    const value = members.get(name) ?? (ABSENT.has(name) ? texts.paperAbsent : undefined);
    members.delete(name);
    const isEmpty = Array.isArray(value) && value.length === 0;
    if (value === undefined || isEmpty) continue;
    const text = name === 'state' ? (texts.terms[String(value)] ?? String(value)) : valueText(value);
    facts.push({ label, value: text });
  }
  for (const [name, value] of members) facts.push({ label: name, value: valueText(value) });
  return facts;
};

/** Lists and objects as a text. */
const valueText = (value: unknown): string => {
  if (Array.isArray(value)) return value.map(valueText).join('; ');
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([name, member]) => `${name}: ${valueText(member)}`)
      .join(', ');
  const text = String(value);
  return TIME.test(text) ? timeWords(text) : text;
};
