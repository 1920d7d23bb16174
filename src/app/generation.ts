// From a configuration to one policy generation: lists are read, reviewed and compiled, groups become masks.
//
// All or nothing: a list that cannot be used throws, and whoever asked keeps the generation that is in force. The
// order of precedence is fixed here: mandate lists first, then as the configuration names them. What a generation is
// beside its table follows from the configuration and the facts of its lists, for a saved table as for a new one.
import { createHash } from 'node:crypto';
import type { AccessRules } from '../access/access.ts';
import { isIpv4 } from '../base/base.ts';
import type { BlockAnswer, Config, ListConfig } from '../config/config.ts';
import { createEde, EDE, writeU32 } from '../dns/dns.ts';
import { Guards, type LoadedList, loadList, NEVER_BLOCK_FILE } from '../lists/lists.ts';
import {
  type BlockMode,
  type PolicyList,
  type RuleSink,
  type SharedPolicy,
  TableBuilder,
} from '../policy/policy.ts';

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
  /** When the lists were read, which for a saved generation was in an earlier life of the program. */
  readonly loadedAtMs: number;
  /** Groups for which no mandate list is in force: allowed, since scope is the operator's decision, but never silent. */
  readonly groupsWithoutMandate: readonly string[];
}

/** A list of the configuration and what was found in its file. */
interface ReadList {
  readonly list: ListConfig;
  readonly loaded: LoadedList;
}

/**
 * Builds a generation; throws AppError with a code of the lists room or ERR_POLICY_SIZE.
 *
 * Takes as long as the lists are large.
 */
export const buildGeneration = (config: Config, generation: number, nowMs: number): Generation => {
  const guards = Guards.load(NEVER_BLOCK_FILE);
  const builder = new TableBuilder();
  const read = config.lists.map((list, index) => ({
    list,
    loaded: load(list, builder.sinkFor(index), guards),
  }));
  // Whether a list is a mandate may stand in its file, so the order is only known when all are read.
  const ordered = [...read].sort((a, b) => Number(isMandate(b)) - Number(isMandate(a)));
  const table = builder.build(read.map((list) => ordered.indexOf(list)));
  return assemble(config, generation, nowMs, table, ordered);
};

/**
 * A generation of a table that was built before; `loaded` are the facts of its lists by id, in the table's order.
 *
 * Undefined when they are not the lists of the configuration.
 */
export const restoreGeneration = (
  config: Config,
  generation: number,
  loadedAtMs: number,
  table: SharedArrayBuffer,
  loaded: ReadonlyMap<string, LoadedList>,
): Generation | undefined => {
  const ordered: ReadList[] = [];
  for (const [id, facts] of loaded) {
    const list = config.lists.find((candidate) => candidate.id === id);
    if (list !== undefined) ordered.push({ list, loaded: facts });
  }
  if (ordered.length !== loaded.size || ordered.length !== config.lists.length) return undefined;
  return assemble(config, generation, loadedAtMs, table, ordered);
};

/**
 * SHA-256, in hex, of what a configuration says of lists and groups: who wants what refused, and how.
 *
 * Clients are left out: which group somebody belongs to is decided by the configuration in force.
 */
export const policyHash = ({ lists, groups, block }: Config): string => {
  const chosen = groups.map((group) => [group.name, group.lists]);
  return createHash('sha256')
    .update(JSON.stringify([lists, chosen, block]))
    .digest('hex');
};

const assemble = (
  config: Config,
  generation: number,
  loadedAtMs: number,
  table: SharedArrayBuffer,
  read: readonly ReadList[],
): Generation => {
  const lists = read.map(toFacts);
  const mandates = new Set(lists.filter(({ mandate }) => mandate).map(({ id }) => id));
  return {
    policy: {
      generation,
      table,
      lists: read.map((list) => toPolicyList(config, list)),
      groups: config.groups.map((group) => ({
        name: group.name,
        lists: lists.reduce((mask, { id }, bit) => (group.lists.includes(id) ? mask | (1 << bit) : mask), 0),
      })),
    },
    access: accessRules(config),
    lists,
    loadedAtMs,
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

const load = (list: ListConfig, sink: RuleSink, guards: Guards): LoadedList =>
  list.source.kind === 'shipped'
    ? loadList({ kind: 'shipped', id: list.source.id }, sink, { guards })
    : loadList({ kind: 'file', path: list.source.path, format: list.source.format }, sink, {
        guards,
        match: list.source.match,
      });

const isMandate = ({ list, loaded }: ReadList): boolean => list.mandate ?? loaded.header?.mandate ?? false;

const toFacts = (read: ReadList): ListFacts => {
  const { list, loaded } = read;
  return {
    id: list.id,
    title: loaded.header?.title ?? list.id,
    category: list.category ?? loaded.header?.category ?? list.id,
    mandate: isMandate(read),
    loaded,
  };
};

const toPolicyList = (config: Config, read: ReadList): PolicyList => {
  const { list, loaded } = read;
  const ede = list.ede ?? loaded.header?.ede;
  // What a list's own header forces comes before the default: a canary name must never get an address.
  const answer: BlockAnswer =
    list.answer ??
    (loaded.header?.answer === undefined ? config.block.answer : { kind: loaded.header.answer });
  const { category, mandate } = toFacts(read);
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
