// Changes to the files of lists/, one entry at a time: the steps that lists/README.md asks for, done the same way each
// time. An entry gets its own evidence and its own day; nothing else of a file changes.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  checkLists,
  compareEntries,
  Guards,
  type ListEntry,
  NameRules,
  NEVER_BLOCK_FILE,
  parseCordonList,
  shippedLists,
} from '../../src/policy/lists/lists.ts';
import { MATCH, MATCH_NAMES, type Match } from '../../src/policy/policy.ts';
import {
  LISTED_VISITED_HOSTS,
  OWN_POPULAR_NAMES,
  readGovDelegations,
  readPopularNames,
  readVisitedHosts,
} from './government-names.ts';

/** What a person says of a name. */
export interface EntryDraft {
  readonly match: Match;
  readonly text: string;
  readonly service: string;
  readonly owner: string;
  readonly operator: string;
  readonly evidence: string;
  /** YYYY-MM-DD. */
  readonly reviewed: string;
}

/** A change of one file that was checked, or why it is not made. */
export type Edit =
  | { readonly kind: 'changed'; readonly file: string; readonly text: string }
  | { readonly kind: 'refused'; readonly problems: readonly string[] };

/** Puts an entry into the list `id` of a folder; nothing is written unless every check passes. */
export const addEntry = (directory: string, id: string, draft: EntryDraft, nowMs: number): Edit =>
  edit(directory, id, nowMs, draft.text, (text) => insertEntry(text, draft));

/** Sets the day of one entry's review, and its evidence when there is a new one; as addEntry(). */
export const reviewEntry = (
  directory: string,
  name: string,
  reviewed: string,
  evidence: string | undefined,
  nowMs: number,
): Edit => {
  const id = shippedLists(directory).find(({ file }) =>
    entriesOf(file).some(({ text }) => text === name),
  )?.id;
  if (id === undefined) return { kind: 'refused', problems: [`${name} is in no list`] };
  return edit(directory, id, nowMs, name, (text) => {
    const entry = parseCordonList(Buffer.from(text)).entries.find((found) => found.text === name);
    if (entry === undefined) return text;
    const lines = text.split('\n');
    lines[entry.line - 1] = lineOf({ ...entry, reviewed, evidence: evidence ?? entry.evidence });
    return lines.join('\n');
  });
};

/** Entries of a folder by the day of their last review, the oldest first. */
export const oldestReviews = (directory: string): { list: string; text: string; reviewed: string }[] =>
  shippedLists(directory)
    .flatMap(({ id, file }) => entriesOf(file).map(({ text, reviewed }) => ({ list: id, text, reviewed })))
    .sort((a, b) => (a.reviewed === b.reviewed ? 0 : a.reviewed < b.reviewed ? -1 : 1));

const entriesOf = (file: string): readonly ListEntry[] => parseCordonList(readFileSync(file)).entries;

const edit = (
  directory: string,
  id: string,
  nowMs: number,
  name: string,
  change: (text: string) => string,
): Edit => {
  const list = shippedLists(directory).find((known) => known.id === id);
  if (list === undefined) return { kind: 'refused', problems: [`there is no list ${id}`] };
  const text = change(readFileSync(list.file, 'utf8'));
  const copy = mkdtempSync(join(tmpdir(), 'cordon-lists-'));
  try {
    cpSync(directory, copy, { recursive: true });
    writeFileSync(join(copy, `${id}.yaml`), text);
    const problems = problemsOf(copy, id, nowMs, name);
    return problems.length > 0 ? { kind: 'refused', problems } : { kind: 'changed', file: list.file, text };
  } finally {
    rmSync(copy, { recursive: true });
  }
};

/** The checker with every government name, and the popular names against the changed list. */
const problemsOf = (directory: string, id: string, nowMs: number, name: string): string[] => {
  const governmentNames = [...readVisitedHosts().map((host) => host.name), ...readGovDelegations()].filter(
    (host) => !LISTED_VISITED_HOSTS.includes(host),
  );
  const guards = Guards.load(NEVER_BLOCK_FILE);
  const problems = checkLists(directory, { nowMs, guards, governmentNames }).map(
    (problem) => `${problem.file}:${problem.line} ${problem.text}`,
  );
  const rules = new NameRules(entriesOf(join(directory, `${id}.yaml`)));
  for (const popular of readPopularNames()) {
    if (OWN_POPULAR_NAMES.includes(popular)) continue;
    const entry = rules.find(popular);
    if (entry?.text === name) problems.push(`${name} refuses ${popular}, which is among the popular names`);
  }
  return problems;
};

/** The text of a list with an entry in its place; nothing is checked. */
export const insertEntry = (text: string, draft: EntryDraft): string => {
  const { entries } = parseCordonList(Buffer.from(text));
  const lines = text.trimEnd().split('\n');
  const placed: ListEntry = { ...draft, line: 0, column: 0 };
  const next = entries.find((entry) => compareEntries(placed, entry) < 0);
  lines.splice(next === undefined ? lines.length : next.line - 1, 0, lineOf(draft));
  return `${lines.join('\n')}\n`;
};

const lineOf = ({ match, text, service, owner, operator, evidence, reviewed }: EntryDraft): string =>
  `  - { ${[
    `${MATCH_NAMES[match]}: ${text}`,
    `service: ${scalar(service)}`,
    `owner: ${scalar(owner)}`,
    `operator: ${scalar(operator)}`,
    `evidence: ${JSON.stringify(evidence)}`,
    `reviewed: ${reviewed}`,
  ].join(', ')} }`;

/** Quoted where a flow map would end or split it. */
const scalar = (text: string): string => (/[,:#{}[\]"]/.test(text) ? JSON.stringify(text) : text);

/** The kind of trigger that a word means; undefined for none. */
export const matchOf = (word: string): Match | undefined =>
  Object.values(MATCH).find((match) => MATCH_NAMES[match] === word);
