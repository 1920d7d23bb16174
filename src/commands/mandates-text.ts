// Mandates for people: each sentence with its source, and the plain word where the text itself was not read.
import { type Config, isUnsettled, type Mandate, type MandateReach, sureOf } from '../config/config.ts';
import { alignColumns } from './columns.ts';

const INDENT = '  ';

/** A pack, and whether the configuration names it. */
export interface ListedMandate {
  readonly mandate: Mandate;
  readonly isBound: boolean;
  readonly decision: Config['mandates'][number]['decision'];
}

/** One line each. */
export const formatMandates = (all: readonly ListedMandate[]): string => {
  const rows = all.map(({ mandate, isBound, decision }) => [
    mandate.id,
    isBound ? 'yes' : '-',
    mandate.standing.value,
    decision === undefined ? '-' : decision.outcome,
    howSure(mandate),
    mandate.title.en,
  ]);
  return `${alignColumns([['MANDATE', 'BINDS', 'STANDING', 'DECIDED', 'SURE', 'TITLE'], ...rows]).join('\n')}\n`;
};

/** A row a mandate, a column a group. */
export const formatMatrix = (rows: readonly MandateReach[]): string => {
  if (rows.length === 0) return '';
  const groups = [...new Set(rows.map(({ group }) => group))];
  const mandates = [...new Set(rows.map(({ mandate }) => mandate))];
  const cellOf = (mandate: string, group: string): string => {
    const row = rows.find((one) => one.mandate === mandate && one.group === group);
    return row === undefined || row.why === '' ? (row?.reach ?? '-') : `${row.reach} (${row.why})`;
  };
  const table = [
    ['MANDATE', ...groups],
    ...mandates.map((mandate) => [mandate, ...groups.map((group) => cellOf(mandate, group))]),
  ];
  return `\n${alignColumns(table).join('\n')}\n`;
};

/** `primary` where each text was read, else how many were not. */
const howSure = ({ sources }: Mandate): string => {
  const unread = sources.filter(({ sure }) => sure !== 'primary').length;
  return unread === 0 ? 'primary' : `${unread}/${sources.length} second-hand`;
};

/** The whole pack. */
export const formatMandate = (mandate: Mandate): string => {
  const { standing, exceptions, authorityList } = mandate;
  const lines: string[] = [];
  const add = (text: string, source?: string): void => {
    lines.push(source === undefined ? text : `${text} ${from(mandate, source)}`);
  };
  add(`${mandate.id}: ${mandate.title.en}`);
  add(`${mandate.place}, pack of ${mandate.version}`);
  add(`\nSTANDING: ${standingText(standing)}`);
  for (const { text, source } of standing.readings) add(`${INDENT}- ${text}`, source);
  add('\nBases');
  for (const one of mandate.bases) {
    add(`${INDENT}- ${one.authority}: ${one.reference}, ${one.title}, since ${one.since}`, one.source);
    add(`${INDENT}${INDENT}${standingText(one.standing)}`);
  }
  add('\nProducts');
  for (const { name, class: kind, lists, decidedBy, notHeld, source } of mandate.products) {
    add(`${INDENT}- ${name} (${kind})`, source);
    add(
      `${INDENT}${INDENT}lists: ${lists.length === 0 ? 'none ships' : lists.join(', ')}; decided by ${decidedBy}`,
    );
    if (notHeld !== undefined) add(`${INDENT}${INDENT}not held: ${notHeld}`);
  }
  add('\nDemands');
  for (const one of mandate.demands)
    add(`${INDENT}- ${one.strength} of ${one.kind} on ${one.on}: ${one.text} (${DNS[one.kind]})`, one.source);
  add('\nScope');
  for (const { text, source } of mandate.scope) add(`${INDENT}- ${text}`, source);
  add('\nExceptions');
  if (exceptions.grounds.length === 0) add(`${INDENT}- grounds: none found`);
  for (const { id, title, source } of exceptions.grounds) add(`${INDENT}- ground ${id}: ${title}`, source);
  if (exceptions.approvers.length === 0) add(`${INDENT}- approver: none found`);
  for (const { role, title, delegation, outside, source } of exceptions.approvers)
    add(
      `${INDENT}- approver ${role}: ${title}${delegation ? ', by delegation' : ''}${outside ? ', another authority' : ''}`,
      source,
    );
  add(
    exceptions.longestDays === undefined
      ? `${INDENT}- longest term: none found`
      : `${INDENT}- longest term: ${exceptions.longestDays} days`,
    exceptions.longestSource,
  );
  for (const { text, source } of exceptions.conditions) add(`${INDENT}- condition: ${text}`, source);
  add('\nReports');
  if (mandate.reports.length === 0) add(`${INDENT}- none found`);
  for (const { to, form, withinDays, of, eachDays, eachExemption, source } of mandate.reports) {
    const when = [
      ...(withinDays === undefined
        ? []
        : [`within ${withinDays} days${of === undefined ? '' : ` of ${of}`}`]),
      ...(eachDays === undefined ? [] : [`every ${eachDays} days`]),
      ...(eachExemption ? ['each exception'] : []),
      ...(form === undefined ? [] : [form]),
    ];
    add(`${INDENT}- to ${to}${when.length === 0 ? '' : `: ${when.join(', ')}`}`, source);
  }
  for (const { text, by, source } of mandate.deadlines)
    add(`${INDENT}- deadline${by === undefined ? '' : ` ${by}`}: ${text}`, source);
  if (authorityList !== undefined)
    add(
      `${INDENT}- list of the authority (${authorityList.list}): ${authorityList.text}`,
      authorityList.source,
    );
  if (mandate.endsWhen !== undefined)
    add(`${INDENT}- ends when ${mandate.endsWhen.text}`, mandate.endsWhen.source);
  if (mandate.notes.length > 0) add('\nNotes');
  for (const { text, source } of mandate.notes) add(`${INDENT}- ${text}`, source);
  add('\nSources');
  for (const row of mandate.sources)
    add(
      `${INDENT}- ${row.id} (${row.sure.toUpperCase()}): ${row.title}, ${row.publisher}, ${row.date}; ${row.place}; looked at ${row.lookedAt} by ${row.lookedBy}`,
    );
  return `${lines.join('\n')}\n`;
};

/** What refusing names does for a demand. */
const DNS = {
  app: 'refusing names supports it and does not meet it',
  access: 'refusing names meets part of it',
  traffic: 'refusing names meets part of it',
  acquisition: 'refusing names does nothing for it',
} as const;

const standingText = ({ value, since, by }: Mandate['bases'][number]['standing']): string =>
  `${value}${since === undefined ? '' : ` since ${since}`}${by === undefined ? '' : `, by ${by}`}`;

const from = (mandate: Mandate, source: string): string => {
  const sure = sureOf(mandate, source);
  return sure === 'primary' ? `[${source}]` : `[${source}, ${sure}]`;
};

/** What a mandate of the configuration leaves open: for "cordon check". */
export const mandateGaps = ({ lists }: Config, one: Config['mandates'][number]): readonly string[] => {
  const { mandate, decision } = one;
  const { standing, exceptions, authorityList } = mandate;
  const gaps: string[] = [];
  if (standing.value !== 'in-force') gaps.push(`it is ${standingText(standing)}`);
  if (isUnsettled(standing.value) && decision === undefined)
    gaps.push('nobody has decided what follows: write that into "mandate-decisions"; refusals go on');
  if (decision !== undefined && decision.of !== standing.value)
    gaps.push(
      `it was decided about (${decision.outcome}) when it was ${decision.of}, and is ${standing.value} now`,
    );
  const unread = mandate.sources.filter(({ sure }) => sure !== 'primary').map(({ id }) => id);
  if (unread.length > 0) gaps.push(`known at second hand only: ${unread.join(', ')}`);
  for (const { name, class: kind, lists: own, notHeld } of mandate.products) {
    if (own.length === 0) gaps.push(`no list ships for ${name}`);
    else if (kind !== 'named') gaps.push(`no list is complete for ${name}: it is a class of products`);
    if (notHeld !== undefined) gaps.push(`not held of ${name}: ${notHeld}`);
  }
  if (authorityList !== undefined && !lists.some(({ id }) => id === authorityList.list))
    gaps.push(`no list "${authorityList.list}" is here: ${authorityList.text}`);
  if (mandate.demands.every(({ kind }) => kind === 'app' || kind === 'acquisition'))
    gaps.push('it speaks of applications, not of networks: refusing names supports it and does not meet it');
  if (exceptions.grounds.length === 0)
    gaps.push('no text that was read names grounds of exceptions: any will do');
  if (exceptions.approvers.length === 0)
    gaps.push('no text that was read names who approves exceptions: any role will do');
  if (exceptions.longestDays === undefined)
    gaps.push('no text that was read has a longest term of exceptions');
  return gaps;
};
