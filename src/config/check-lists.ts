// Checks across the keys of lists and groups: where a list comes from, what it can be, and who uses it when.
import { type Endpoint, formatEndpoint, formatPrefix } from '../base/base.ts';
import {
  type CrossCheckFacts,
  conflict,
  type Draft,
  isMap,
  itemsOf,
  LISTENER_KINDS,
  listItemsOf,
  type Report,
  reportRepeat,
  unknown,
} from './draft.ts';
import { listsOf, type ReadMandates } from './mandate-pack.ts';
import type { Path } from './problem.ts';
import { toInstantMs } from './schedule-leaf.ts';
import { DEFAULT_GROUP } from './sections/groups.ts';
import { LISTS_MAX } from './sections/lists.ts';
import { Fault, quote, suggest } from './value.ts';

const SOURCES = ['shipped', 'file', 'directory', 'url', 'feed'] as const;
/** Formats with a head, of which one file is one list. */
const HEADED_FORMATS: readonly (string | undefined)[] = ['cordon', 'rpz'];
/** Keys that say how a text is read; a shipped list is read as it ships. */
const RPZ_KEYS = ['origin', 'everything', 'max-policy-ttl'] as const;
const READING_KEYS = ['format', 'match', ...RPZ_KEYS] as const;
const FETCHING_KEYS = [
  'refresh',
  'public-key',
  'signature',
  'sha256',
  'max-size',
  'resolve',
  'review',
] as const;
/** Keys that say how a list refuses. */
const REFUSING_KEYS = ['answer', 'ede', 'structured-error'] as const;

/** Reports what is wrong between the keys of each list, and between lists. */
export const checkLists = (
  draft: Draft,
  facts: CrossCheckFacts,
  mandates: ReadMandates,
  report: Report,
): void => {
  // The same in the other key is meant: an extra list takes the place of one.
  const seenIn = { lists: new Map<string, string>(), 'extra-lists': new Map<string, string>() };
  for (const [path, item] of listItemsOf(draft)) {
    if (!isMap(item)) continue;
    const seen = path[0] === 'lists' ? seenIn.lists : seenIn['extra-lists'];
    if (item.id !== undefined) reportRepeat(seen, item.id, [...path, 'id'], 'is the id already', report);
    checkSource(item, path, facts, report);
    checkFeed(item.feed, [...path, 'feed'], draft, report);
    checkOperators(item, path, facts, report);
    checkRole(item, path, report);
  }
  const count = knownLists(draft, facts, mandates).size;
  const isExtended = [...itemsOf(draft['extra-lists'])].length > 0;
  if (count > LISTS_MAX && (isExtended || [...itemsOf(draft.mandates)].length > 0)) {
    report(
      [isExtended ? 'extra-lists' : 'mandates'],
      new Fault('ERR_CONFIG_LIMIT', `makes ${count} lists, at most ${LISTS_MAX} allowed`),
    );
  }
};

/** Reports feeds of the same name, and feeds that nothing proves. */
export const checkFeeds = (draft: Draft, facts: CrossCheckFacts, report: Report): void => {
  const seen = new Map<string, string>();
  for (const [index, feed] of itemsOf(draft.feeds)) {
    if (!isMap(feed) || feed.id === undefined) continue;
    reportRepeat(seen, feed.id, ['feeds', index, 'id'], 'is the id already', report);
    // Names of files are put behind it.
    if (feed.url !== undefined && URL.parse(feed.url)?.search !== '')
      report(['feeds', index, 'url'], conflict('has a query', 'write the address of a folder'));
    // One with a fault of its own is there.
    if (Object.hasOwn(feed, 'root')) continue;
    const hint = 'no root of a feed came with this package: write what "cordon lists publish" printed';
    if (facts.feedRoot === undefined)
      report(['feeds', index, 'root'], new Fault('ERR_CONFIG_MISSING_KEY', 'is missing', hint));
    if (feed['root-version'] !== undefined)
      report(['feeds', index, 'root-version'], conflict('goes with "root" only', 'write both or none'));
  }
};

const checkFeed = (name: string | undefined, path: Path, draft: Draft, report: Report): void => {
  const known = [...itemsOf(draft.feeds)].flatMap(([, feed]) =>
    isMap(feed) && feed.id !== undefined ? [feed.id] : [],
  );
  if (name === undefined || known.includes(name)) return;
  const hint = known.length === 0 ? 'write "feeds"' : `feeds of this configuration: ${known.join(', ')}`;
  report(path, unknown(`no feed has the id ${quote(name)}`, suggest(name, known) ?? hint));
};

/** Words that nobody would ever be told. */
export const checkStructuredErrors = (draft: Draft, report: Report): void => {
  if (draft['structured-errors'] !== undefined) return;
  const add = (path: Path, item: { readonly 'structured-error'?: unknown } | undefined): void => {
    if (!isMap(item) || item['structured-error'] === undefined) return;
    const hint = 'write "structured-errors" with an option code and a contact';
    report([...path, 'structured-error'], conflict('structured errors are off', hint));
  };
  for (const [path, item] of listItemsOf(draft)) add(path, item);
  for (const [index, group] of itemsOf(draft.groups)) add(['groups', index], group);
};

type ListDraft = Exclude<NonNullable<Draft['lists']>[number], undefined>;

const checkSource = (item: ListDraft, path: Path, facts: CrossCheckFacts, report: Report): void => {
  const written = SOURCES.filter((name) => Object.hasOwn(item, name));
  // A newer version of a shipped list, which has to be proven: see checkNewer().
  const isNewer = written.length === 2 && written[0] === 'shipped' && written[1] !== 'directory';
  const sources = isNewer ? written.slice(1) : written;
  if (isNewer && sources[0] !== 'feed') checkNewer(item, path, report);
  if (sources.length !== 1) {
    const found = sources.length === 0 ? 'has no source' : `has more than one source: ${sources.join(', ')}`;
    report(path, conflict(found, 'write exactly one of "shipped", "file", "directory", "url" and "feed"'));
    return;
  }
  if (item.shipped !== undefined && !facts.shippedIds.includes(item.shipped)) {
    const hint = suggest(item.shipped, facts.shippedIds) ?? `lists that ship: ${facts.shippedIds.join(', ')}`;
    report([...path, 'shipped'], unknown(`no list ${quote(item.shipped)} ships`, hint));
  }
  const reportKeys = (names: readonly string[], text: string): void => {
    for (const name of names) if (Object.hasOwn(item, name)) report([...path, name], conflict(text));
  };
  if (sources[0] === 'shipped') reportKeys(READING_KEYS, 'goes with "file", "directory" and "url" only');
  else if (isNewer) reportKeys(READING_KEYS, 'a newer version is read as the shipped list is');
  else checkReading(item, path, report);
  if (sources[0] === 'directory' && HEADED_FORMATS.includes(item.format)) {
    const hint = 'write "file" and the path of one file';
    report([...path, 'format'], conflict(`a list of the format ${item.format} is one file`, hint));
  }
  if (sources[0] !== 'feed') reportKeys(['target'], 'goes with "feed" only');
  if (sources[0] === 'url') checkFetching(item, path, report);
  else if (sources[0] === 'feed')
    reportKeys(
      FETCHING_KEYS.filter((name) => name !== 'review' && name !== 'max-size'),
      'is what the feed says',
    );
  else if (sources[0] === 'file')
    reportKeys(
      FETCHING_KEYS.filter((name) => name !== 'public-key'),
      'goes with "url" only',
    );
  else reportKeys(FETCHING_KEYS, 'goes with "url" only');
};

/** What takes the place of a shipped list has to be somebody's who was trusted with that. */
const checkNewer = (item: ListDraft, path: Path, report: Report): void => {
  const isUrl = Object.hasOwn(item, 'url');
  if (Object.hasOwn(item, 'public-key') || (isUrl && Object.hasOwn(item, 'sha256'))) return;
  const hint = isUrl ? 'write "public-key" or "sha256"' : 'write "public-key"';
  report(path, conflict('a newer version of a shipped list has to be proven', hint));
};

/** A misspelled operator would leave its entries in force, or a decision without anything that it is about. */
const checkOperators = (item: ListDraft, path: Path, facts: CrossCheckFacts, report: Report): void => {
  if (item.operators === undefined) return;
  const below = [...path, 'operators'];
  if (item.shipped === undefined && item.format !== 'cordon') {
    report(below, conflict('goes with "shipped" and with the format cordon only'));
    return;
  }
  const known = item.shipped === undefined ? undefined : facts.shippedOperators?.(item.shipped);
  const seen = new Map<string, string>();
  for (const [index, operator] of itemsOf(item.operators)) {
    const name = operator?.name;
    if (name === undefined) continue;
    const at = [...below, index, 'name'];
    reportRepeat(seen, name, at, 'has a decision already', report);
    if (known === undefined || known.includes(name)) continue;
    report(
      at,
      unknown(
        `no entry of the list is run by ${quote(name)}`,
        suggest(name, known) ?? `operators of the list: ${known.join(', ')}`,
      ),
    );
  }
};

const checkReading = (item: ListDraft, path: Path, report: Report): void => {
  const { format = 'domains' } = item;
  if (item.match !== undefined && format !== 'domains') {
    report([...path, 'match'], conflict(`goes with the format domains only, the list is ${format}`));
  }
  for (const key of RPZ_KEYS) {
    if (item[key] === undefined || format === 'rpz') continue;
    report([...path, key], conflict(`goes with the format rpz only, the list is ${format}`));
  }
};

const checkFetching = (item: ListDraft, path: Path, report: Report): void => {
  if (Object.hasOwn(item, 'signature') && !Object.hasOwn(item, 'public-key')) {
    const hint = 'write the key of its signer';
    report([...path, 'signature'], conflict('goes with "public-key" only', hint));
  }
  const seen = new Map<string, string>();
  for (const [at, host] of itemsOf(item.resolve)) {
    if (host !== undefined) {
      reportRepeat(seen, host.address, [...path, 'resolve', at], 'is named already', report);
    }
  }
};

/** A list refuses by mandate, refuses, only counts, or lets pass: one of them. */
const checkRole = (item: ListDraft, path: Path, report: Report): void => {
  const isLogOnly = item['log-only'] === true;
  if (item.allow !== true) {
    if (item.mandate !== true || !isLogOnly) return;
    report([...path, 'log-only'], conflict('a mandate list refuses', 'remove the key, or "mandate"'));
    return;
  }
  const hint = 'remove the key, or "allow"';
  if (item.mandate === true) report([...path, 'mandate'], conflict('an allow list is no mandate', hint));
  if (isLogOnly) report([...path, 'log-only'], conflict('an allow list refuses nothing', hint));
  for (const name of REFUSING_KEYS) {
    if (!Object.hasOwn(item, name)) continue;
    report([...path, name], conflict('an allow list refuses nothing', hint));
  }
};

/** Reports what is wrong between the keys of each group, between groups, and between groups and lists. */
export const checkGroups = (
  draft: Draft,
  facts: CrossCheckFacts,
  mandates: ReadMandates,
  report: Report,
): void => {
  const names = new Map<string, string>();
  const prefixes = new Map<string, string>();
  const listeners = new Map<string, string>();
  const known = knownLists(draft, facts, mandates);
  for (const [index, group] of itemsOf(draft.groups)) {
    if (!isMap(group)) continue;
    const path = ['groups', index];
    if (group.name !== undefined) {
      reportRepeat(names, group.name, [...path, 'name'], 'is the name already', report);
      checkClients(group, group.name, path, report);
    }
    for (const [at, prefix] of itemsOf(group.clients)) {
      if (prefix === undefined) continue;
      reportRepeat(
        prefixes,
        formatPrefix(prefix),
        [...path, 'clients', at],
        'is a client prefix already',
        report,
      );
    }
    for (const [at, listener] of itemsOf(group.listeners)) {
      if (listener === undefined) continue;
      const below = [...path, 'listeners', at];
      reportRepeat(listeners, formatEndpoint(listener), below, 'has a group already', report);
      const fault = faultOfListener(listener, draft);
      if (fault !== undefined) report(below, fault);
    }
    const inForce = new Map<string, string>();
    for (const [at, id] of itemsOf(group.lists)) {
      if (id === undefined) continue;
      reportRepeat(inForce, id, [...path, 'lists', at], 'is named already', report);
      if (known.has(id)) continue;
      report(
        [...path, 'lists', at],
        unknown(`no list has the id ${quote(id)}`, hintForList(id, known, facts, draft)),
      );
    }
    for (const [at, schedule] of itemsOf(group.schedules)) {
      if (!isMap(schedule)) continue;
      const below = [...path, 'schedules', at];
      checkTimes(schedule, below, report);
      if (schedule.list === undefined) continue;
      const fault = known.has(schedule.list)
        ? faultOfScheduled(schedule.list, group, draft)
        : unknown(
            `no list has the id ${quote(schedule.list)}`,
            hintForList(schedule.list, known, facts, draft),
          );
      if (fault !== undefined) report([...below, 'list'], fault);
    }
  }
};

type GroupDraft = Exclude<NonNullable<Draft['groups']>[number], undefined>;
type ScheduleDraft = Exclude<NonNullable<GroupDraft['schedules']>[number], undefined>;

/** Why a list that exists cannot have a schedule in the group. */
const faultOfScheduled = (id: string, group: GroupDraft, draft: Draft): Fault | undefined => {
  const isChosen = [...itemsOf(group.lists)].some(([, chosen]) => chosen === id);
  if (!isChosen) return unknown(`the group has no list ${quote(id)}`, 'add it to the "lists" of the group');
  const isMandate = listItemsOf(draft).some(([, item]) => item?.id === id && item.mandate === true);
  return isMandate
    ? conflict(`${quote(id)} is a mandate list, which is always in force`, 'remove the schedule')
    : undefined;
};

const checkTimes = (schedule: ScheduleDraft, path: Path, report: Report): void => {
  const { from, until, timezone } = schedule;
  const restricts = ['from', 'until', 'weekdays', 'hours'].some((name) => Object.hasOwn(schedule, name));
  if (!restricts) {
    const hint = 'write at least one of "from", "until", "weekdays" and "hours"';
    report(path, new Fault('ERR_CONFIG_MISSING_KEY', 'has no time', hint));
  }
  const days = new Map<string, string>();
  for (const [at, day] of itemsOf(schedule.weekdays)) {
    if (day !== undefined) reportRepeat(days, day, [...path, 'weekdays', at], 'is named already', report);
  }
  if (from === undefined || until === undefined || timezone === undefined) return;
  if (toInstantMs(from, timezone) >= toInstantMs(until, timezone)) {
    report([...path, 'until'], conflict('is not after "from"', '"until" is the first day or time without'));
  }
};

const hintForList = (
  id: string,
  known: ReadonlySet<string>,
  facts: CrossCheckFacts,
  draft: Draft,
): string => {
  // A "lists" for the sake of one list would take the defaults away.
  const place = draft.lists === undefined ? 'extra-lists' : 'lists';
  if (facts.shippedIds.includes(id)) return `add { id: ${id}, shipped: ${id} } to "${place}"`;
  return suggest(id, known) ?? `lists of this configuration: ${[...known].join(', ')}`;
};

/** Why an address is no listener of the configuration. */
const faultOfListener = (listener: Endpoint, draft: Draft): Fault | undefined => {
  const listening = LISTENER_KINDS.flatMap((kind) => [...itemsOf(draft.listen?.[kind])]).flatMap(([, own]) =>
    own === undefined ? [] : [formatEndpoint(own)],
  );
  const text = formatEndpoint(listener);
  if (listening.length === 0 || listening.includes(text)) return undefined;
  return unknown(`${quote(text)} is no address of "listen"`, `listeners are ${listening.join(', ')}`);
};

const CLIENT_KEYS = ['clients', 'clients-file'] as const;
/** What clients are known by beside their address. */
const OTHER_KEYS = ['listeners', 'certificates', 'tokens', 'server-names', 'devices'] as const;

const checkClients = (group: GroupDraft, name: string, path: Path, report: Report): void => {
  const keys = CLIENT_KEYS.filter((one) => Object.hasOwn(group, one));
  const hasClients = keys.length > 0;
  for (const one of name === DEFAULT_GROUP ? keys : []) {
    const text = `the group ${quote(name)} holds every client that no other group names`;
    report([...path, one], conflict(text, 'remove the key or rename the group'));
  }
  const isKnown = OTHER_KEYS.some((one) => Object.hasOwn(group, one));
  if (name !== DEFAULT_GROUP && !hasClients && !isKnown) {
    const hint = `only the group ${quote(DEFAULT_GROUP)} has neither clients nor anything else to know them by`;
    report([...path, 'clients'], new Fault('ERR_CONFIG_MISSING_KEY', 'is missing', hint));
  }
};

/** Identifiers of the lists that are in force. */
const knownLists = (draft: Draft, facts: CrossCheckFacts, mandates: ReadMandates): Set<string> => {
  const known = new Set<string>(draft.lists === undefined ? facts.shippedDefault : []);
  for (const [, item] of listItemsOf(draft)) if (item?.id !== undefined) known.add(item.id);
  for (const { mandate } of mandates.values()) for (const id of listsOf(mandate)) known.add(id);
  return known;
};
