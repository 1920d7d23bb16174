// How `cordon lists` shows things to people: aligned columns, ages in words, and what to do next.
import type {
  CandidateStatus,
  FeedState,
  ListDiff,
  ListStatus,
  RefreshResult,
} from '../policy/keeping/keeping.ts';
import {
  isPastReview,
  type ReasonCounts,
  type ReviewDates,
  reviewAgeDays,
  type StoreDecision,
} from '../policy/lists/lists.ts';
import { alignColumns } from './columns.ts';
import { agoText, aheadText } from './times-text.ts';

/** Digits of a SHA-256 that are shown where the whole one is not needed; enough for a command. */
const SHORT_LENGTH = 12;
/** One word for the state of a list; undefined when nothing is known of it. */
const stateOf = ({ kind, inForce, kept, held }: ListStatus, running: boolean): string | undefined => {
  if (held !== null) return 'held';
  // A feed need not have what ships: what is in force is as good as what was found.
  if (kind === 'url' && kept?.current == null && (kept?.checkedAt == null || inForce === null))
    return 'never fetched';
  if (running && inForce === null) return 'not in force';
  if (kept?.isStale === true) return 'stale';
  if ((kept?.failures ?? 0) > 0) return 'failing';
  if ((inForce?.entries ?? kept?.current?.entries) === 0) return 'empty';
  return running || kind === 'url' ? 'good' : undefined;
};

const QUIET_STATES: ReadonlySet<string | undefined> = new Set(['good', 'empty', 'failing', undefined]);

/** True when a person has to look after a list. */
export const needsAttention = (list: ListStatus, running: boolean): boolean =>
  !QUIET_STATES.has(stateOf(list, running));

/** What is told of all lists and of the feeds that they come from. */
export interface ListsStatus {
  readonly running: boolean;
  readonly lists: readonly ListStatus[];
  readonly feeds: readonly FeedState[];
}

/** True when a person has to look after a feed. */
export const feedNeedsAttention = ({ state, behind }: FeedState): boolean =>
  state === 'expired' || state === 'backwards' || state === 'unproven' || behind.length > 0;

/** The table of all lists, and below it what is to be said and done. */
export const formatStatuses = ({ running, lists, feeds }: ListsStatus, nowMs: number): string => {
  const rows = lists.map((list) => [
    list.id,
    list.kind,
    rulesText(list),
    list.kept === null ? '-' : agoText(list.kept.checkedAt, nowMs),
    list.kept?.nextFetchAt == null ? '-' : aheadText(list.kept.nextFetchAt, nowMs),
    list.inForce?.reviewed?.oldest ?? '-',
    stateOf(list, running) ?? '-',
  ]);
  const table = alignColumns([
    ['LIST', 'KIND', 'RULES', 'SOURCE REACHED', 'NEXT FETCH', 'REVIEWED', 'STATE'],
    ...rows,
  ]);
  const notes = [
    ...lists.flatMap((list) => notesOf(list, running, nowMs)),
    ...(feeds.length === 0 ? noFeedText(lists) : feeds.flatMap((feed) => feedText(feed, nowMs))),
  ];
  const head = running ? [] : ['The service does not run: this is what its state directory keeps.', ''];
  return [...head, ...table, ...(notes.length > 0 ? ['', ...notes] : []), ''].join('\n');
};

/** The names that a list may be missing, and what they are. */
export const formatCandidates = (candidates: readonly CandidateStatus[], nowMs: number): string => {
  if (candidates.length === 0) return 'No name led to a mandate list without being on one.\n';
  const rows = candidates.map(({ name, count, list, line, trigger, lastSeen }) => [
    name,
    String(count),
    `${list}:${line} by ${trigger}`,
    agoText(lastSeen, nowMs),
  ]);
  return [
    ...alignColumns([['NAME', 'QUERIES', 'LED TO', 'LAST SEEN'], ...rows]),
    '',
    'Their answers are refused already. Nothing is listed by itself: look at each with "cordon explain NAME".',
    '',
  ].join('\n');
};

/** How old the shipped lists are where nothing newer is looked for. */
const noFeedText = (lists: readonly ListStatus[]): string[] => {
  const shipped = lists.filter(({ kind }) => kind === 'shipped');
  if (shipped.length === 0) return [];
  const days = shipped.flatMap(({ inForce }) => inForce?.reviewed?.newest ?? []).sort();
  return [`lists are of ${days.at(-1) ?? 'the release'}; no feed is configured`];
};

const FEED_STATES: Readonly<Record<FeedState['state'], string>> = {
  current: 'current',
  unknown: 'not asked yet',
  unreached: 'not reached',
  expired: 'EXPIRED: nobody can tell whether there are newer lists',
  backwards: 'WENT BACKWARDS: an older state of it is served',
  unproven: 'NOT PROVEN: its keys did not sign this',
};

const feedText = (
  { id, url, state, reason, checkedAt, expires, behind, release }: FeedState,
  nowMs: number,
): string[] => [
  `feed ${id}: ${FEED_STATES[state]}; last current ${agoText(checkedAt, nowMs)}${expires === null ? '' : `, vouches until ${expires}`}`,
  ...(state === 'current' || reason === null ? [] : [`  because  ${reason}`, `  source   ${url}`]),
  ...behind.map(
    ({ list, since, reason: why }) =>
      `  behind   ${list}: a newer content is known since ${since} and not in force: ${why}`,
  ),
  ...(release === null
    ? []
    : [`  release  ${release.version} of ${release.date} is newer than this one: ${release.notes}`]),
];

const rulesText = ({ inForce, kept }: ListStatus): string => {
  const entries = inForce?.entries ?? kept?.current?.entries;
  return entries === undefined ? '-' : String(entries);
};

/** What a list in force lets pass, and what of its own it ends by that. */
const exceptionsText = ({ id, inForce }: ListStatus): string[] => {
  const { entries, exceptions, opened, guarded } = inForce ?? NONE;
  const lines: string[] = [];
  if (exceptions > 0) lines.push(`${id}: ${countOf(entries, 'rule')}, ${countOf(exceptions, 'exception')}`);
  if (opened.count > 0) {
    const { count, names } = opened;
    const more = count > names.length ? `, … and ${count - names.length} more` : '';
    lines.push(
      `${id}: its own exceptions end ${countOf(count, 'rule')} beside these: ${names.join(', ')}${more}`,
    );
  }
  if (guarded > 0)
    lines.push(`${id}: open all the same, because no list may refuse them: ${countOf(guarded, 'name')}`);
  return lines;
};

const NONE = { entries: 0, exceptions: 0, opened: { count: 0, names: [] }, guarded: 0 };

const countOf = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

const notesOf = (list: ListStatus, running: boolean, nowMs: number): string[] => {
  const { id, kind, source, held, kept } = list;
  const lines: string[] = [];
  if (held !== null) {
    lines.push(
      `${id}: a content of ${held.entries} rules was held ${agoText(held.since, nowMs)}; what is in force stays`,
      ...held.reasons.map((reason) => `  because  ${reason}`),
      ...(kind === 'url' ? [`  look     cordon lists diff ${id}`] : []),
      `  accept   cordon lists accept ${id} ${held.sha256}`,
      kind === 'url'
        ? `  dismiss  cordon lists dismiss ${id} ${held.sha256}`
        : `  or mend  ${source}, then reload`,
    );
  }
  if (kept !== null && kept.failures > 0) {
    lines.push(
      `${id}: ${kept.failures} failed ${kept.failures === 1 ? 'fetch' : 'fetches'} from ${source}, last reached ${agoText(kept.checkedAt, nowMs)}`,
      ...(kept.lastFailure === null ? [] : [`  because  ${kept.lastFailure}`]),
      `  retry    cordon lists refresh ${id}`,
    );
  }
  if (list.inForce !== null) {
    const { rejected, reasons, notes, reviewed } = list.inForce;
    if (rejected > 0) lines.push(`${id}: ${rejected} places not taken: ${formatReasons(reasons)}`);
    lines.push(...notes.map((note) => `${id}: ${note}`), ...exceptionsText(list));
    if (reviewed !== null && isPastReview(reviewed, nowMs)) lines.push(reviewText(id, reviewed, nowMs));
  }
  if (stateOf(list, running) === 'not in force') lines.push(`${id}: not in force; the log says why`);
  return lines;
};

/** That somebody has to look after a list whose entries nobody looked at for too long. */
const reviewText = (id: string, reviewed: ReviewDates, nowMs: number): string =>
  `${id}: PAST ITS REVIEW: entries from ${reviewed.oldest} to ${reviewed.newest}, ${reviewAgeDays(reviewed, nowMs)} days old; look for a newer release`;

/** Rejections by reason, the most frequent first. */
export const formatReasons = (reasons: ReasonCounts): string =>
  Object.entries(reasons)
    .map(([code, count]) => `${code} ${count}`)
    .join(', ');

/** What became of a content of a list, and by whom. */
export type ListStep = Omit<StoreDecision, 'action'> & { readonly action: string };

/** What became of a list, the latest last. */
export const formatHistory = (id: string, steps: readonly ListStep[]): string => {
  if (steps.length === 0) return `${id}: nothing became of it so far\n`;
  const rows = steps.map(({ time, action, sha256, entries, by, reason }) => [
    time,
    action,
    sha256?.slice(0, SHORT_LENGTH) ?? '-',
    entries === null ? '-' : String(entries),
    by,
    reason,
  ]);
  return [...alignColumns([['TIME', 'ACTION', 'SHA-256', 'RULES', 'BY', 'REASON'], ...rows]), ''].join('\n');
};

/** What came of fetches. */
export const formatRefresh = (results: readonly RefreshResult[]): string =>
  results
    .flatMap(({ list, outcome, reasons, sha256, entries }) => [
      `${list}: ${outcome}${entries === null ? '' : `, ${entries} rules`}`,
      ...reasons.map((reason) => `  because  ${reason}`),
      ...(outcome === 'held' && sha256 !== null
        ? [`  look     cordon lists diff ${list}`, `  accept   cordon lists accept ${list} ${sha256}`]
        : []),
    ])
    .join('\n')
    .concat('\n');

/** What another content adds and removes. */
export const formatDiff = ({ list, from, to, isHeld, added, removed, openings }: ListDiff): string => {
  const inForce = from === null ? 'nothing is in force' : `in force ${from.sha256} (${from.entries} rules)`;
  return [
    `${list}: ${inForce}`,
    `${isHeld ? 'held' : 'earlier'} ${to.sha256} (${to.entries} rules) adds ${added.count} and removes ${removed.count}`,
    ...sampleLines('+', added),
    ...sampleLines('-', removed),
    ...openings.map(openingLine),
    '',
  ].join('\n');
};

/** `opens 2 names of feed: a.example, b.example`. */
const openingLine = ({ list, isOpened, count, names }: ListDiff['openings'][number]): string => {
  const some = [...names, ...(count > names.length ? [`… and ${count - names.length} more`] : [])].join(', ');
  const what = `${count} ${count === 1 ? 'name' : 'names'} of ${list}`;
  return isOpened ? `opens ${what}: ${some}` : `leaves ${what} refused: ${some}`;
};

const sampleLines = (sign: string, { count, rules }: ListDiff['added']): string[] => [
  ...rules.map((rule) => `${sign} ${rule}`),
  ...(count > rules.length ? [`${sign} … and ${count - rules.length} more`] : []),
];
