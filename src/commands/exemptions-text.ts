// How `cordon exemptions` shows things: a table for people, a paper on one page, and CSV for spreadsheets.

import type { DecisionStatus, ExemptionPaper, ExemptionReport } from '../evidence/exemptions/exemptions.ts';
import type { ExemptionStatus } from '../people/controls/controls.ts';
import { alignColumns } from './columns.ts';
import { aheadText } from './times-text.ts';

/** Clients and groups that one line of the table names. */
const SCOPE_ITEMS_MAX = 2;
const INDENT = '  ';
const LABEL_WIDTH = 16;

type Listed = Omit<ExemptionStatus, 'history'>;

/** The table of exemptions, and below it what is to be said and done. */
export const formatExemptions = (exemptions: readonly Listed[], nowMs: number): string => {
  if (exemptions.length === 0) return 'No exemption.\n';
  const rows = exemptions.map((exemption) => [
    exemption.id,
    exemption.state,
    exemption.grounds,
    scopeText(exemption),
    timeText(exemption, nowMs),
    exemption.requestedBy,
    exemption.approvedBy ?? '-',
  ]);
  const head = ['ID', 'STATE', 'GROUNDS', 'FOR', 'TIME', 'REQUESTED BY', 'APPROVED BY'];
  const notes = exemptions.flatMap(notesOf);
  return [...alignColumns([head, ...rows]), ...(notes.length > 0 ? ['', ...notes] : []), ''].join('\n');
};

const scopeText = ({ groups, clients, devices = [] }: ExemptionPaper): string => {
  const items = [...groups, ...clients, ...devices];
  const more = items.length - SCOPE_ITEMS_MAX;
  return `${items.slice(0, SCOPE_ITEMS_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
};

const timeText = ({ state, from, until, endedAt }: ExemptionPaper, nowMs: number): string => {
  if (endedAt !== undefined) return `ended ${endedAt}`;
  if (state === 'active') return `ends ${aheadText(until, nowMs)}`;
  return Date.parse(from) > nowMs ? `begins ${aheadText(from, nowMs)}` : `until ${until}`;
};

const notesOf = ({ id, state, isIncomplete, origin }: Listed): string[] => {
  const lines: string[] = [];
  if (state === 'requested') {
    lines.push(`${id}: waits for a decision`, `  look     cordon exemptions show ${id}`);
    lines.push(`  decide   cordon exemptions approve ${id} --role ROLE, or reject ${id} --reason TEXT`);
  }
  if (isIncomplete) {
    lines.push(`${id}: the rules as they now are would not grant it; it stays in force until its end`);
    const end = origin.kind === 'text' ? `remove it from ${origin.file}` : `cordon exemptions revoke ${id}`;
    lines.push(`  end      ${end}`);
  }
  return lines;
};

/** One exemption with its whole paper and history. */
export const formatExemption = (exemption: ExemptionStatus, nowMs: number): string => {
  const { history, isIncomplete } = exemption;
  const lines = [
    `${exemption.id}: ${exemption.state}, ${timeText(exemption, nowMs)}`,
    ...paperLines(exemption),
    '',
    ...alignColumns([
      ['TIME', 'EVENT', 'BY', 'ROLE', 'REASON'],
      ...history.map(({ time, event, by, role, reason }) => [
        time,
        event,
        by ?? '-',
        role ?? '-',
        reason ?? '',
      ]),
    ]),
    '',
  ];
  if (isIncomplete)
    lines.push('The rules as they now are would not grant it; it stays in force until its end.', '');
  return lines.join('\n');
};

const paperLines = (paper: ExemptionPaper): string[] => {
  const lines: string[] = [];
  const add = (label: string, text: string | undefined): void => {
    if (text === undefined || text === '') return;
    const [first = '', ...rest] = text.split('\n');
    lines.push(`${INDENT}${label.padEnd(LABEL_WIDTH)}${first}`);
    for (const line of rest) lines.push(`${INDENT}${' '.repeat(LABEL_WIDTH)}${line}`);
  };
  add('grounds', paper.grounds);
  add('groups', paper.groups.join(', '));
  add('clients', paper.clients.join(', '));
  add('devices', paper.devices?.join(', '));
  add('lists', paper.lists?.join(', ') ?? 'all');
  add('names', paper.names?.join(', ') ?? 'all');
  add('schedule', scheduleText(paper));
  add('from', paper.from);
  add('until', paper.until);
  add('renews', paper.renews);
  add('requested by', `${paper.requestedBy}, ${paper.requestedAt}`);
  if (paper.approvedBy !== undefined) {
    add('approved by', `${paper.approvedBy} (${paper.role ?? ''}), ${paper.approvedAt ?? ''}`);
  }
  add('delegation', paper.delegation);
  add('justification', paper.justification);
  add('alternatives', paper.alternatives);
  for (const { item, text } of paper.mitigations) {
    add('mitigation', item === undefined ? text : `${item}: ${text}`);
  }
  add('profile', `${paper.profile.id} ${paper.profile.sha256}`);
  add('origin', paper.origin.kind === 'text' ? paper.origin.file : 'command');
  return lines;
};

const scheduleText = ({ schedule }: ExemptionPaper): string | undefined =>
  schedule === undefined
    ? undefined
    : [schedule.weekdays?.join(' '), schedule.hours, schedule.timezone]
        .filter((part) => part !== undefined)
        .join(', ');

/** The register for people: what it rests on, how many there are, and each paper. */
export const formatReport = (
  {
    time,
    profile,
    reporting,
    counts,
    exemptions,
    decisions,
  }: ExemptionReport & {
    readonly decisions: readonly DecisionStatus[];
  },
  nowMs: number,
): string => {
  const lines = [
    `Exemptions on ${time}`,
    profile === null ? 'no profile is configured' : `profile ${profile.id}: ${profile.title}`,
    ...(profile?.legalBasis ?? []).map(({ reference, title }) => `${INDENT}${reference}: ${title}`),
    ...(reporting === null ? [] : [`to be reported to ${reporting.to} by ${reporting.until}`]),
    ...decisions.map(({ list, decision }) => `list ${list}: ${decision.authority}, ${decision.reference}`),
    Object.entries(counts)
      .map(([state, count]) => `${count} ${state}`)
      .join(', '),
  ];
  for (const exemption of exemptions) {
    lines.push('', formatExemption({ ...exemption, isIncomplete: false }, nowMs).trimEnd());
  }
  return `${lines.join('\n')}\n`;
};

/** Columns of the CSV, each with what it holds. */
const COLUMNS: readonly (readonly [name: string, read: (paper: ExemptionPaper) => string | undefined])[] = [
  ['id', ({ id }) => id],
  ['state', ({ state }) => state],
  ['grounds', ({ grounds }) => grounds],
  ['groups', ({ groups }) => groups.join(' ')],
  ['clients', ({ clients }) => clients.join(' ')],
  ['devices', ({ devices }) => devices?.join(' ')],
  ['lists', ({ lists }) => lists?.join(' ')],
  ['names', ({ names }) => names?.join(' ')],
  ['schedule', scheduleText],
  ['from', ({ from }) => from],
  ['until', ({ until }) => until],
  ['active_at', ({ activeAt }) => activeAt],
  ['ended_at', ({ endedAt }) => endedAt],
  ['renews', ({ renews }) => renews],
  ['requested_by', ({ requestedBy }) => requestedBy],
  ['requested_at', ({ requestedAt }) => requestedAt],
  ['approved_by', ({ approvedBy }) => approvedBy],
  ['approved_at', ({ approvedAt }) => approvedAt],
  ['role', ({ role }) => role],
  ['delegation', ({ delegation }) => delegation],
  ['justification', ({ justification }) => justification],
  ['alternatives', ({ alternatives }) => alternatives],
  [
    'mitigations',
    ({ mitigations }) =>
      mitigations.map(({ item, text }) => (item === undefined ? text : `${item}: ${text}`)).join('; '),
  ],
  ['profile', ({ profile }) => profile.id],
  ['origin', ({ origin }) => (origin.kind === 'text' ? origin.file : 'command')],
];

/** The papers of the register as CSV (RFC 4180), one a line. */
export const formatReportCsv = ({ exemptions }: ExemptionReport): string =>
  [
    COLUMNS.map(([name]) => name),
    ...exemptions.map((paper) => COLUMNS.map(([, read]) => toCell(read(paper) ?? ''))),
  ]
    .map((cells) => `${cells.join(',')}\r\n`)
    .join('');

/** A cell that no spreadsheet takes for a formula: somebody outside wrote these texts. */
const toCell = (text: string): string => {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};
