// Checks that concern more than one key: what repeats, excludes or names what is not there.
//
// They run even when other checks found faults, so that one run shows all problems. Hence the Draft type: any value
// may be absent, and a value of the wrong kind (already reported) may stand where a list or map belongs, which is
// why lists are walked through itemsOf() only.
import { type Endpoint, formatEndpoint, formatPrefix, type Prefix } from '../base/base.ts';
import { formatName } from '../dns/dns.ts';
import { formatPath, type Path } from './problem.ts';
import { DEFAULT_GROUP, type ParsedConfig } from './schema.ts';
import { Fault, missing, quote, suggest } from './value.ts';

/** What the checks need to know of the program. */
export interface CrossCheckFacts {
  /** Identifiers of the lists that ship. */
  readonly shippedIds: readonly string[];
  /** Those that are in force when the configuration has no `lists`. */
  readonly shippedDefault: readonly string[];
}

/** Takes a fault at a path. */
export type Report = (path: Path, fault: Fault) => void;

/** A configuration in which anything may be absent. */
export type Draft = DraftOf<ParsedConfig>;

type Leaf = string | number | boolean | Endpoint | Prefix | Uint8Array | Uint32Array | undefined;
type DraftOf<T> = T extends Leaf
  ? T
  : T extends readonly (infer Item)[]
    ? readonly (DraftOf<Item> | undefined)[]
    : { readonly [Name in keyof T]?: DraftOf<T[Name]> | undefined };

/** Reports everything that does not fit together. */
export const crossCheck = (draft: Draft, facts: CrossCheckFacts, report: Report): void => {
  checkListeners(draft, report);
  checkUpstreams(draft, report);
  checkForward(draft, report);
  checkLists(draft, facts, report);
  checkGroups(draft, facts, report);
  checkBlock(draft, report);
  checkBounds(draft, report);
};

const checkListeners = (draft: Draft, report: Report): void => {
  const seen = new Map<string, string>();
  const add = (path: Path, endpoint: Endpoint | false | undefined) => {
    if (endpoint === undefined || endpoint === false || endpoint.port === 0) return;
    reportRepeat(seen, formatEndpoint(endpoint), path, 'listens already', report);
  };
  for (const [index, endpoint] of itemsOf(draft.listen?.dns)) add(['listen', 'dns', index], endpoint);
  add(['listen', 'admin'], draft.listen?.admin);
};

const checkUpstreams = (draft: Draft, report: Report): void => {
  checkServers(draft, ['upstreams'], draft.upstreams, report);
  for (const [index, rule] of itemsOf(draft.forward)) {
    checkServers(draft, ['forward', index, 'upstreams'], rule?.upstreams, report);
  }
};

const checkServers = (draft: Draft, path: Path, servers: Servers, report: Report): void => {
  const seen = new Map<string, string>();
  for (const [index, server] of itemsOf(servers)) {
    if (server === undefined) continue;
    reportRepeat(seen, formatEndpoint(server), [...path, index], 'is named already', report);
    for (const [, own] of itemsOf(draft.listen?.dns)) {
      if (own === undefined || own.port !== server.port || !servesAddress(own, server)) continue;
      const text = `${quote(formatEndpoint(server))} is an address of "listen.dns": questions would go in circles`;
      report([...path, index], new Fault('ERR_CONFIG_CONFLICT', text));
      break;
    }
  }
};

type Servers = readonly (Endpoint | undefined)[] | undefined;

/** Sees loopback only: which other addresses are the machine's own is known when the program runs. */
const servesAddress = (own: Endpoint, server: Endpoint): boolean => {
  if (own.address === server.address) return true;
  const isWildcard = own.address === '0.0.0.0' || own.address === '::';
  return isWildcard && (server.address.startsWith('127.') || server.address === '::1');
};

const checkForward = (draft: Draft, report: Report): void => {
  const seen = new Map<string, string>();
  for (const [index, rule] of itemsOf(draft.forward)) {
    for (const [at, zone] of itemsOf(rule?.zones)) {
      if (zone === undefined) continue;
      reportRepeat(seen, formatName(zone), ['forward', index, 'zones', at], 'is forwarded already', report);
    }
  }
};

const checkLists = (draft: Draft, facts: CrossCheckFacts, report: Report): void => {
  const seen = new Map<string, string>();
  for (const [index, item] of itemsOf(draft.lists)) {
    if (!isMap(item)) continue;
    const path = ['lists', index];
    if (item.id !== undefined) reportRepeat(seen, item.id, [...path, 'id'], 'is the id already', report);
    checkListSource(item, path, facts, report);
  }
};

type ListDraft = Exclude<NonNullable<Draft['lists']>[number], undefined>;

const checkListSource = (item: ListDraft, path: Path, facts: CrossCheckFacts, report: Report): void => {
  const sources = ['shipped', 'file', 'url'].filter((name) => Object.hasOwn(item, name));
  if (sources.length !== 1) {
    const found = sources.length === 0 ? 'has no source' : `has more than one source: ${sources.join(', ')}`;
    report(path, new Fault('ERR_CONFIG_CONFLICT', found, 'write exactly one of "shipped" and "file"'));
    return;
  }
  if (item.shipped !== undefined && !facts.shippedIds.includes(item.shipped)) {
    const hint = suggest(item.shipped, facts.shippedIds) ?? `lists that ship: ${facts.shippedIds.join(', ')}`;
    report([...path, 'shipped'], unknown(`no list ${quote(item.shipped)} ships`, hint));
  }
  if (Object.hasOwn(item, 'shipped')) {
    for (const name of ['format', 'match']) {
      if (Object.hasOwn(item, name)) report([...path, name], conflict('goes with "file" only'));
    }
  } else if (item.match !== undefined && (item.format === 'hosts' || item.format === 'cordon')) {
    report([...path, 'match'], conflict(`goes with the format domains only, the file is ${item.format}`));
  }
};

const checkGroups = (draft: Draft, facts: CrossCheckFacts, report: Report): void => {
  const names = new Map<string, string>();
  const prefixes = new Map<string, string>();
  const known = knownLists(draft, facts);
  for (const [index, group] of itemsOf(draft.groups)) {
    if (!isMap(group)) continue;
    const path = ['groups', index];
    if (group.name !== undefined) {
      reportRepeat(names, group.name, [...path, 'name'], 'is the name already', report);
      checkClients(group.name, Object.hasOwn(group, 'clients'), path, report);
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
    const inForce = new Map<string, string>();
    for (const [at, id] of itemsOf(group.lists)) {
      if (id === undefined) continue;
      reportRepeat(inForce, id, [...path, 'lists', at], 'is named already', report);
      if (known.has(id)) continue;
      report(
        [...path, 'lists', at],
        unknown(`no list has the id ${quote(id)}`, hintForList(id, known, facts)),
      );
    }
  }
};

const hintForList = (id: string, known: ReadonlySet<string>, facts: CrossCheckFacts): string => {
  if (facts.shippedIds.includes(id)) return `add { id: ${id}, shipped: ${id} } to "lists"`;
  return suggest(id, known) ?? `lists of this configuration: ${[...known].join(', ')}`;
};

const checkClients = (name: string, hasClients: boolean, path: Path, report: Report): void => {
  if (name === DEFAULT_GROUP && hasClients) {
    const text = `the group ${quote(name)} holds every client that no other group names`;
    report([...path, 'clients'], conflict(text, 'remove the key or rename the group'));
  }
  if (name !== DEFAULT_GROUP && !hasClients) {
    const hint = `only the group ${quote(DEFAULT_GROUP)} has none`;
    report([...path, 'clients'], new Fault('ERR_CONFIG_MISSING_KEY', 'is missing', hint));
  }
};

const knownLists = (draft: Draft, facts: CrossCheckFacts): Set<string> => {
  if (draft.lists === undefined) return new Set(facts.shippedDefault);
  const known = new Set<string>();
  for (const [, item] of itemsOf(draft.lists)) if (item?.id !== undefined) known.add(item.id);
  return known;
};

const checkBlock = (draft: Draft, report: Report): void => {
  const block = draft.block;
  if (!isMap(block)) return;
  const hasAddress = Object.hasOwn(block, 'address');
  const mode = block.mode?.kind;
  if (mode === 'address-beside' && !hasAddress) report(['block', 'address'], missing());
  if (mode !== undefined && mode !== 'address-beside' && hasAddress) {
    const text = mode === 'address' ? 'the addresses stand in "block.mode" already' : `the mode is ${mode}`;
    report(['block', 'address'], conflict(text, 'addresses go with the mode address'));
  }
};

const checkBounds = (draft: Draft, report: Report): void => {
  const ttl = draft.cache?.ttl;
  const atMost = (path: Path, value: number | undefined, limit: number | undefined, limitName: string) => {
    if (value === undefined || limit === undefined || value <= limit) return;
    report(path, conflict(`is more than ${quote(limitName)}`));
  };
  atMost(['cache', 'ttl', 'min'], ttl?.min, ttl?.max, 'cache.ttl.max');
  atMost(['cache', 'ttl', 'min'], ttl?.min, ttl?.['negative-max'], 'cache.ttl.negative-max');
  const resolver = draft.resolver;
  atMost(['resolver', 'try-timeout'], resolver?.['try-timeout'], resolver?.timeout, 'resolver.timeout');
  const tcp = draft.tcp;
  atMost(['tcp', 'per-client'], tcp?.['per-client'], tcp?.connections, 'tcp.connections');
};

const conflict = (text: string, hint?: string): Fault => new Fault('ERR_CONFIG_CONFLICT', text, hint);

const unknown = (text: string, hint: string): Fault => new Fault('ERR_CONFIG_REFERENCE', text, hint);

/** Remembers where each text stood and reports the second place. */
const reportRepeat = (
  seen: Map<string, string>,
  text: string,
  path: Path,
  what: string,
  report: Report,
): void => {
  const first = seen.get(text);
  if (first === undefined) seen.set(text, formatPath(path));
  else report(path, conflict(`${quote(text)} ${what} at ${first}`));
};

const itemsOf = <Item>(items: readonly Item[] | undefined): Iterable<[number, Item]> =>
  Array.isArray(items) ? (items as readonly Item[]).entries() : [];

const isMap = <Value>(value: Value | undefined): value is Value & object =>
  typeof value === 'object' && value !== null;
