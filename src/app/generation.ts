// From a configuration to one policy generation: lists are read, reviewed and compiled, groups become masks.
//
// All or nothing: a list that cannot be used throws, and whoever asked keeps the generation that is in force. The
// order of precedence is fixed here: mandate lists first, then as the configuration names them.
import type { AccessRules } from '../access/access.ts';
import { isIpv4 } from '../base/base.ts';
import type { BlockAnswer, Config, ListConfig } from '../config/config.ts';
import { createEde, EDE, writeU32 } from '../dns/dns.ts';
import { Guards, type LoadedList, loadList, NEVER_BLOCK_FILE } from '../lists/lists.ts';
import { type BlockMode, type PolicyList, type SharedPolicy, TableBuilder } from '../policy/policy.ts';

/** What is known of a list that is in force. */
export interface ListFacts {
  readonly id: string;
  readonly title: string;
  readonly category: string;
  readonly mandate: boolean;
  readonly loaded: LoadedList;
}

/** One compiled state of all lists and groups. */
export interface Generation {
  readonly policy: SharedPolicy;
  readonly access: AccessRules;
  /** In the order of policy.lists. */
  readonly lists: readonly ListFacts[];
  readonly loadedAtMs: number;
  /** Groups for which no mandate list is in force: allowed, since scope is the operator's decision, but never silent. */
  readonly groupsWithoutMandate: readonly string[];
}

/** Builds a generation; throws AppError with a code of the lists room. Takes as long as the lists are large. */
export const buildGeneration = (config: Config, generation: number, nowMs: number): Generation => {
  const guards = Guards.load(NEVER_BLOCK_FILE);
  const loaded = config.lists
    .map((list) => ({ list, loaded: load(list, guards) }))
    .sort((a, b) => Number(isMandate(b.list, b.loaded)) - Number(isMandate(a.list, a.loaded)));
  const builder = new TableBuilder();
  for (const [index, { loaded: list }] of loaded.entries()) list.feed(builder.sinkFor(index));
  const lists = loaded.map(({ list, loaded: facts }) => toFacts(list, facts));
  const mandates = new Set(lists.filter(({ mandate }) => mandate).map(({ id }) => id));
  return {
    policy: {
      generation,
      table: builder.build(),
      lists: loaded.map(({ list, loaded: facts }) => toPolicyList(config, list, facts)),
      groups: config.groups.map((group) => ({
        name: group.name,
        lists: lists.reduce((mask, { id }, bit) => (group.lists.includes(id) ? mask | (1 << bit) : mask), 0),
      })),
    },
    access: accessRules(config),
    lists,
    loadedAtMs: nowMs,
    groupsWithoutMandate: config.groups
      .filter((group) => !group.lists.some((id) => mandates.has(id)))
      .map((group) => group.name),
  };
};

/** What a configuration says of clients, which needs no list. */
export const accessRules = (config: Config): AccessRules => ({
  allow: config.access.allow,
  groups: config.groups.map((group) => group.clients),
});

const load = (list: ListConfig, guards: Guards): LoadedList =>
  list.source.kind === 'shipped'
    ? loadList({ kind: 'shipped', id: list.source.id }, { guards })
    : loadList(
        { kind: 'file', path: list.source.path, format: list.source.format },
        { guards, match: list.source.match },
      );

const isMandate = (list: ListConfig, loaded: LoadedList): boolean =>
  list.mandate ?? loaded.header?.mandate ?? false;

const toFacts = (list: ListConfig, loaded: LoadedList): ListFacts => ({
  id: list.id,
  title: loaded.header?.title ?? list.id,
  category: list.category ?? loaded.header?.category ?? list.id,
  mandate: isMandate(list, loaded),
  loaded,
});

const toPolicyList = (config: Config, list: ListConfig, loaded: LoadedList): PolicyList => {
  const ede = list.ede ?? loaded.header?.ede;
  // What a list's own header forces comes before the default: a canary name must never get an address.
  const answer: BlockAnswer =
    list.answer ??
    (loaded.header?.answer === undefined ? config.block.answer : { kind: loaded.header.answer });
  const { category, mandate } = toFacts(list, loaded);
  return {
    id: list.id,
    category,
    mandate,
    mode: toBlockMode(answer),
    ttlSec: config.block.ttlSec,
    ede: createEde(ede?.code ?? EDE.BLOCKED, ede?.text ?? ''),
  };
};

const toBlockMode = (answer: BlockAnswer): BlockMode => {
  if (answer.kind !== 'address') return { kind: answer.kind };
  const bytesOf = (words: Uint32Array, from: number): Uint8Array => {
    const bytes = new Uint8Array((4 - from) * 4);
    for (let i = from; i < 4; i++) writeU32(bytes, (i - from) * 4, words[i] ?? 0);
    return bytes;
  };
  return {
    kind: 'address',
    ipv4: answer.addresses.filter(isIpv4).map((words) => bytesOf(words, 3)),
    ipv6: answer.addresses.filter((words) => !isIpv4(words)).map((words) => bytesOf(words, 0)),
  };
};
