// Page one of a fleet's report as text: eight questions, each in a few lines whatever the fleet's size; what is left is counted.
import { formatDuration } from '../base/base.ts';
import type { FleetReport } from '../evidence/report/report.ts';
import { alignColumns } from './columns.ts';

/** Rows of a question; with eight of them, page one has some 50 lines. */
const ROWS_MAX = 4;
/** Characters of a cell: what people wrote is as long as they like. */
const CELL_LENGTH_MAX = 32;
const LINE_LENGTH_MAX = 110;
const HASH_DIGITS = 12;
const LABEL_LENGTH = 14;

/** The lines. */
export const fleetPage = (report: FleetReport): string[] => [
  ...mandate(report),
  ...inForce(report),
  ...lists(report),
  ...feeds(report),
  ...exempt(report),
  ...bound(report),
  ...attempts(report),
  ...proof(report),
  ...signed(report),
  ...notKnown(report),
];

const cut = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most - 1)}…` : text;

/** A question with its answer, the first rows below it, and how many more there are. */
const question = (
  label: string,
  answer: string,
  rows: readonly (readonly string[])[] = [],
  head: readonly string[] = [],
): string[] => {
  const indent = ' '.repeat(LABEL_LENGTH);
  const shown = rows.slice(0, ROWS_MAX).map((row) => row.map((cell) => cut(cell, CELL_LENGTH_MAX)));
  const more = rows.length - shown.length;
  const table = shown.length === 0 ? [] : alignColumns(head.length === 0 ? shown : [head, ...shown]);
  return [
    `${label.padEnd(LABEL_LENGTH)}${cut(answer, LINE_LENGTH_MAX)}`,
    ...table.map((line) => `${indent}${line}`),
    ...(more > 0 ? [`${indent}and ${more} more, which --json has`] : []),
  ];
};

/** What each directory answers, with the name of its resolver. */
const answersOf = ({ resolvers }: FleetReport) =>
  resolvers.flatMap(({ name, answers }) => answers.map((one) => ({ name, ...one })));

const mandate = (report: FleetReport): string[] => {
  const counts = new Map<string, number>();
  for (const { decisions } of answersOf(report))
    for (const text of decisions) counts.set(text, (counts.get(text) ?? 0) + 1);
  const undecided = new Set(answersOf(report).flatMap((one) => one.undecided));
  const answer = [
    counts.size === 0 ? 'no decision is recorded' : `${counts.size} decisions`,
    ...(undecided.size === 0 ? [] : [`mandate lists without one: ${undecided.size}`]),
  ];
  return question(
    '1 Mandate',
    answer.join('; '),
    [...counts].map(([text, count]) => [text, `at ${count} of ${report.resolvers.length} resolvers`]),
  );
};

const inForce = (report: FleetReport): string[] => {
  const all = answersOf(report);
  const shareOf = ({ ms }: (typeof all)[number]): number =>
    ms['in-force'] / Math.max(1, ms['in-force'] + ms['not-in-force'] + ms['no-evidence']);
  const worst = [...all].sort((a, b) => shareOf(a) - shareOf(b));
  const missing = report.resolvers.length - new Set(all.map(({ name }) => name)).size;
  const whole = all.filter((one) => one.verdict === 'yes' || one.verdict === 'yes-but').length;
  const answer = `shown at ${whole} of ${report.resolvers.length} resolvers${missing > 0 ? `; ${missing} have no record of the period` : ''}; the worst first`;
  return question(
    '2 In force',
    answer,
    worst.map((one) => [
      one.name,
      `${(Math.floor(shareOf(one) * 100_000) / 1_000).toFixed(3)} %`,
      `not in force ${formatDuration(one.ms['not-in-force'])}`,
      `no evidence ${formatDuration(one.ms['no-evidence'])}`,
      one.longestGap === null
        ? 'no gap'
        : `${one.gaps} gaps, longest ${formatDuration(one.longestGap.ms)} ${one.longestGap.from.slice(0, 16)}`,
    ]),
  );
};

const lists = (report: FleetReport): string[] => {
  const found = new Map<
    string,
    { mandate: boolean; hashes: Map<string, number>; since: string; due: string }
  >();
  for (const { lists: own } of answersOf(report))
    for (const { list, mandate: isMandate, sha256, since, reviewDue } of own) {
      const one = found.get(list) ?? { mandate: isMandate, hashes: new Map(), since, due: '-' };
      const hash = sha256?.slice(0, HASH_DIGITS) ?? '-';
      one.hashes.set(hash, (one.hashes.get(hash) ?? 0) + 1);
      if (since < one.since) one.since = since;
      if (reviewDue !== null && (one.due === '-' || reviewDue < one.due)) one.due = reviewDue;
      found.set(list, one);
    }
  const split = [...found.values()].filter(({ hashes }) => hashes.size > 1).length;
  const ordered = [...found].sort(
    ([a, one], [b, other]) =>
      other.hashes.size - one.hashes.size || Number(other.mandate) - Number(one.mandate) || (a < b ? -1 : 1),
  );
  return question(
    '3 Lists',
    `${found.size} lists; ${split} in more than one version`,
    ordered.map(([list, { mandate: isMandate, hashes, since, due }]) => [
      list,
      isMandate ? 'mandate' : 'ordinary',
      [...hashes].map(([hash, count]) => `${hash} at ${count}`).join(', '),
      since.slice(0, 16),
      due,
    ]),
    ['LIST', 'KIND', 'VERSION', 'OLDEST SINCE', 'REVIEW DUE'],
  );
};

/** Below the lists: how feeds were, those that ask for a look first; nothing where no record tells. */
const feeds = (report: FleetReport): string[] => {
  const found = new Map<string, { names: string[]; isWell: boolean }>();
  const add = (text: string, name: string, isWell: boolean): void => {
    const one = found.get(text) ?? { names: [], isWell };
    one.names.push(name);
    found.set(text, one);
  };
  for (const { name, feeds: own } of answersOf(report))
    for (const { feed, state, reviewed, behind } of own) {
      if (feed === null) add(`no feed, lists of ${reviewed ?? '-'}`, name, true);
      else add(`feed ${feed} ${state}`, name, state === 'current');
      if (behind.length > 0)
        add(`feed ${feed ?? '-'} has ${behind.length} lists that are not in force`, name, false);
    }
  const ordered = [...found].sort(([, a], [, b]) => Number(a.isWell) - Number(b.isWell));
  const indent = ' '.repeat(LABEL_LENGTH);
  const shown = ordered.slice(0, ROWS_MAX).map(([text, { names }]) => {
    const [first = ''] = names;
    const who = names.length === 1 ? first : `${names.length} resolvers, ${first} first`;
    return `${indent}${cut(`${text} at ${who}`, LINE_LENGTH_MAX)}`;
  });
  const more = ordered.length - shown.length;
  return [...shown, ...(more > 0 ? [`${indent}and ${more} more of feeds, which --json has`] : [])];
};

/** How long exemptions hold where the authority is not heard: the longest of all, and where nothing ends them early. */
const bound = (report: FleetReport): string[] => {
  const all = answersOf(report).flatMap(({ name, exemptionBoundMs: ms }) =>
    ms === undefined ? [] : [{ name, ms }],
  );
  if (all.length === 0) return [];
  const [first, ...others] = all.filter(({ ms }) => ms === null).map(({ name }) => name);
  const longest = formatDuration(Math.max(0, ...all.map(({ ms }) => ms ?? 0)));
  const text =
    first === undefined
      ? `they hold for ${longest} at most`
      : `nothing ends them early at ${first}${others.length === 0 ? '' : ` and ${others.length} more`}`;
  const line = `without the authority ${text} (fleet.suspend-exemptions-after)`;
  return [`${' '.repeat(LABEL_LENGTH)}${cut(line, LINE_LENGTH_MAX)}`];
};

const exempt = (report: FleetReport): string[] => {
  const found = new Map<string, ReturnType<typeof answersOf>[number]['exemptions'][number]>();
  for (const { exemptions } of answersOf(report))
    for (const one of exemptions) {
      const before = found.get(one.id);
      found.set(one.id, before === undefined ? one : { ...one, hits: one.hits + before.hits });
    }
  const ordered = [...found.values()].sort((a, b) => b.hits - a.hits || (a.id < b.id ? -1 : 1));
  const passed = ordered.reduce((sum, { hits }) => sum + hits, 0);
  const minute = (time: string | null): string => time?.slice(0, 16) ?? '-';
  return question(
    '4 Exempt',
    ordered.length === 0
      ? 'nobody'
      : `${ordered.length} exemptions let ${passed} queries pass; the most first`,
    ordered.map((one) => [
      one.id,
      cut(one.requestedBy ?? '-', 20),
      cut(one.approvedBy ?? '-', 20),
      cut(one.grounds ?? '-', 20),
      minute(one.from),
      minute(one.plannedEnd),
      one.realEnd === null ? 'goes on' : minute(one.realEnd),
      String(one.hits),
    ]),
    ['ID', 'REQUESTED BY', 'APPROVED BY', 'GROUNDS', 'FROM', 'PLANNED END', 'ENDED', 'PASSED'],
  );
};

const attempts = (report: FleetReport): string[] => {
  const all = answersOf(report);
  const count = all.reduce((sum, { refusals }) => sum + refusals, 0);
  const isBound = !report.isComplete || all.some(({ isLowerBound }) => isLowerBound);
  const [clients] = report.clients.merged;
  const by = clients === undefined ? 'clients are not counted together' : `about ${clients.clients} clients`;
  return question('5 Attempts', `${isBound ? 'at least ' : ''}${count} refused by mandate lists; ${by}`);
};

const proof = (report: FleetReport): string[] => {
  const all = answersOf(report);
  const questions = all.reduce((sum, one) => sum + one.questions, 0);
  const leaking = all.filter(({ leaks }) => leaks > 0);
  const silent = report.resolvers.filter(({ probe }) => probe.runs === 0);
  const answer = [
    `${questions} questions`,
    leaking.length === 0
      ? 'no listed name resolved outside of a pause'
      : `listed names resolved at ${leaking.length} resolvers`,
    `${silent.length} resolvers did not ask`,
  ];
  return question(
    '6 Proof',
    answer.join('; '),
    leaking.map(({ name, leaks }) => [name, `${leaks} times`]),
  );
};

const signed = (report: FleetReport): string[] => {
  const all = answersOf(report);
  const first = [...all].sort((a, b) => ((a.signedUntil ?? '') < (b.signedUntil ?? '') ? -1 : 1));
  const [least] = first;
  const answer =
    least === undefined
      ? 'nothing'
      : `all until ${least.signedUntil ?? 'no time'}; by heads of each resolver, which no witness cosigns; the earliest first`;
  return question(
    '7 Signed',
    answer,
    first.map(({ name, signedUntil, keyId }) => [name, signedUntil ?? 'never', `key ${keyId ?? '-'}`]),
  );
};

const notKnown = (report: FleetReport): string[] => {
  const incomplete = report.resolvers.filter(({ isComplete }) => !isComplete);
  const codes = new Map<string, number>();
  for (const { unknown } of answersOf(report))
    for (const { code } of unknown) codes.set(code, (codes.get(code) ?? 0) + 1);
  return question('8 Not known', `what ${incomplete.length} resolvers lack, below; what no record can tell`, [
    ...incomplete.map(({ name, gaps }) => [name, cut(gaps[0] ?? '', LINE_LENGTH_MAX)]),
    ...[...codes].map(([code, count]) => [code, `at ${count} resolvers`]),
  ]);
};
