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
import { NOTHING, numberText, timeWords } from './words.ts';

/** Members of a paper in the order in which people read them; others follow under their own names. */
const PAPER_LABELS: Readonly<Record<string, string>> = {
  state: 'State at the end of the period',
  grounds: 'Grounds',
  requestedBy: 'Requested by',
  requestedAt: 'Requested at',
  approvedBy: 'Approved by',
  role: 'Role',
  delegation: 'Delegation',
  approvedAt: 'Approved at',
  from: 'From',
  until: 'Until',
  activeAt: 'In force since',
  endedAt: 'Ended at',
  groups: 'Groups',
  clients: 'Clients',
  devices: 'Devices',
  lists: 'Lists',
  names: 'Names',
  schedule: 'Schedule',
  justification: 'Justification',
  alternatives: 'Alternatives considered',
  mitigations: 'Mitigations',
  renews: 'Renews',
  profile: 'Judged by profile',
  origin: 'Origin',
};
/** What is absent means: everything. */
const ABSENT: Readonly<Record<string, string>> = { lists: 'all', names: 'all' };
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

/** Exemptions and their papers. */
export const toExemptionSection = ({ exemptions, group, integrity }: Report): Section => ({
  id: 'exemptions',
  title: 'Exemptions',
  facts: [
    { label: 'Exemptions', value: numberText(exemptions.length) },
    {
      label: 'In force at some time',
      value: numberText(exemptions.filter(({ active }) => active.length > 0).length),
    },
    {
      label: 'Queries let pass',
      value: numberText(exemptions.reduce((sum, { hits }) => sum + hits, 0)),
    },
  ],
  notes: [
    ...(group === null
      ? []
      : ['These are the exemptions that name the group, or clients or devices, who may be of any group.']),
    ...(integrity.mayConcernPeriod
      ? [
          'Records that may be of this period are missing or in doubt: what became of exemptions in them is not told here.',
        ]
      : []),
  ],
  figures: [],
  tables: [
    {
      name: 'exemptions',
      caption: 'Exemptions of the period',
      columns: [
        column('id', 'Exemption', 'word'),
        column('state', 'State', 'word'),
        column('grounds', 'Grounds'),
        column('requested_by', 'Requested by'),
        column('approved_by', 'Approved by'),
        column('role', 'Role'),
        column('from', 'From', 'time'),
        column('until', 'Until', 'time'),
        column('hits', 'Queries let pass', 'number'),
      ],
      rows: exemptions.map(toRow),
      empty: 'There was no exemption.',
    },
    {
      name: 'exemption-papers',
      caption: 'The papers of exemptions',
      columns: [
        column('id', 'Exemption', 'word'),
        column('member', 'Member'),
        column('value', 'Value', 'prose'),
      ],
      rows: exemptions.flatMap(({ id, paper }) =>
        Object.entries(paper).map(([member, value]): Cell[] => [id, member, valueText(value)]),
      ),
      empty: NOTHING,
      isForMachines: true,
    },
    tableOf(
      { name: 'exemption-events', caption: 'What became of exemptions', empty: NOTHING, isForMachines: true },
      exemptions.flatMap(({ id, events }) => events.map((one) => ({ id, one }))),
      [
        field('id', 'Exemption', 'word', ({ id }) => id),
        ...within(EVENT_FIELDS, ({ one }: { readonly one: ExemptionEvent }) => one),
      ],
    ),
    tableOf(
      {
        name: 'exemption-times',
        caption: 'When exemptions were in force',
        empty: NOTHING,
        isForMachines: true,
      },
      exemptions.flatMap(({ id, active }) => active.map((one) => ({ id, ...one }))),
      [
        field('id', 'Exemption', 'word', (one) => one.id),
        field('from', 'From', 'time', (one) => one.from),
        field('until', 'Until', 'time', (one) => one.until),
        field('over', 'Over at the end of the period', 'text', (one) => (one.isOver ? 'yes' : 'no')),
      ],
    ),
  ],
  sheets: exemptions.map(toSheet),
});

type ExemptionEvent = ExemptionSection['events'][number];

const EVENT_FIELDS: readonly Field<ExemptionEvent>[] = [
  field('time', 'Time', 'time', (one) => one.time),
  field('event', 'Event', 'word', (one) => one.event),
  field('by', 'By', 'text', (one) => one.by),
  field('role', 'Role', 'text', (one) => one.role),
  field('reason', 'Reason', 'prose', (one) => one.reason),
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

const toSheet = ({ id, paper, events, active, hits }: ExemptionSection): Sheet => ({
  title: `Exemption ${id}`,
  facts: [
    ...toFacts(paper),
    {
      label: 'In force',
      value: active.length === 0 ? 'never' : active.map(toTimes).join('; '),
    },
    { label: 'Queries let pass in the period', value: numberText(hits) },
  ],
  tables: [
    tableOf(
      { name: 'exemption-events', caption: `What became of ${id}`, empty: NOTHING },
      events,
      EVENT_FIELDS,
    ),
  ],
});

/** An exemption's own times; what lies behind the period is what its paper says. */
const toTimes = ({ from, until, isOver }: ExemptionSection['active'][number]): string =>
  isOver
    ? `${timeWords(from)} until before ${timeWords(until)}`
    : `since ${timeWords(from)}, and on after the period: by its paper until before ${timeWords(until)}`;

const toFacts = (paper: object): Fact[] => {
  const members = new Map<string, unknown>(Object.entries(paper));
  members.delete('id');
  const facts: Fact[] = [];
  for (const [name, label] of Object.entries(PAPER_LABELS)) {
    const value = members.get(name) ?? ABSENT[name];
    members.delete(name);
    if (value !== undefined) facts.push({ label, value: valueText(value) });
  }
  for (const [name, value] of members) facts.push({ label: name, value: valueText(value) });
  return facts;
};

/** Lists and objects as a text for people. */
const valueText = (value: unknown): string => {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(valueText).join('; ');
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([name, member]) => `${name}: ${valueText(member)}`)
      .join(', ');
  const text = String(value);
  return TIME.test(text) ? timeWords(text) : text;
};
