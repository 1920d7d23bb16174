// From a configuration to one policy generation: lists are read, reviewed and compiled, groups become masks.
//
// All or nothing: a list that cannot be used throws, and the caller keeps the generation that is in force. The
// order of precedence is fixed here: mandate lists first, then lists that let names pass, then the others, each kind
// as the configuration names them. What a generation is beside its table follows from the configuration and the facts
// of its lists, for a saved table as for a new one.

import { createHash } from 'node:crypto';
import { AppError, formatEndpoint, isIpv4, type Prefix, packPrefixes } from '../../base/base.ts';
import type { ListFormat } from '../../base/words/words.ts';
import {
  type BlockAnswer,
  type Config,
  type GroupConfig,
  type ListConfig,
  SENDS,
} from '../../config/config.ts';
import { createEde, EDE, writeU32 } from '../../wire/dns/dns.ts';
import { type AccessTable, compileAccess } from '../access/access.ts';
import { Guards, type LoadedList, NEVER_BLOCK_FILE } from '../lists/lists.ts';
import {
  type BlockMode,
  type Match,
  type PolicyGroup,
  type PolicyList,
  PolicyTable,
  type Precedence,
  type RuleSink,
  type RuleTerms,
  type SharedPolicy,
  TableBuilder,
} from '../policy.ts';
import { OpenedRulesSink, withoutOpened } from './opened.ts';
import { type PathOf, readingOf, readList } from './read-list.ts';
import { type Refuser, requireUnlisted } from './unlisted.ts';

/** What is known of a list that is in force. */
export interface ListFacts {
  readonly id: string;
  readonly title: string;
  readonly category: string;
  readonly mandate: boolean;
  /** Mandates that ask for it, by the `id` of their packs. */
  readonly mandates: readonly string[];
  readonly loaded: LoadedList;
}

/** One compiled state of all lists and groups. */
export interface Generation {
  readonly policy: SharedPolicy;
  readonly access: AccessTable;
  /** In the order of policy.lists. */
  readonly lists: readonly ListFacts[];
  /** When the lists were read, which for a saved generation was in an earlier life of the program. */
  readonly loadedAtMs: number;
  /** Schedules of lists whose own header says that they are mandates: these are in force at all times. */
  readonly ignoredSchedules: readonly { readonly group: string; readonly list: string }[];
}

/** Bytes of EXTRA-TEXT: as many as a text of the configuration may have. */
const EDE_TEXT_BYTES_MAX = 120;

const NOTHING_FETCHED: PathOf = () => undefined;

/** A list of the configuration and what was found in its file. */
interface ReadList {
  readonly list: ListConfig;
  readonly loaded: LoadedList;
}

/**
 * Builds a generation; throws AppError with a code of the lists room, ERR_APP_MANDATE, ERR_APP_NOTICE or ERR_POLICY_SIZE.
 *
 * Takes as long as the lists are large.
 */
export const buildGeneration = (
  config: Config,
  generation: number,
  nowMs: number,
  pathOf: PathOf = NOTHING_FETCHED,
): Generation => {
  const guards = Guards.load(NEVER_BLOCK_FILE);
  const builder = new TableBuilder();
  const read = config.lists.map((list, index) => ({
    list,
    loaded: load(list, builder.sinkFor(index, precedenceOf(formatOf(list))), guards, pathOf),
  }));
  for (const list of read) requireRole(list);
  // Whether a list is a mandate may stand in its file, so the order is only known when all are read.
  const ordered = [...read].sort((a, b) => rankOf(a) - rankOf(b));
  const table = builder.build(read.map((list) => ordered.indexOf(list)));
  const told = tellOpened(ordered, table, guards, pathOf);
  for (const list of told) requireRules(list);
  return assemble(config, generation, nowMs, table, told);
};

/** The lists with which of their rules their own exceptions end, where these are mandates. */
const tellOpened = (
  read: readonly ReadList[],
  bytes: SharedArrayBuffer,
  guards: Guards,
  pathOf: PathOf,
): readonly ReadList[] => {
  const isLookedAt = (list: ReadList): boolean => isMandate(list) && list.loaded.exceptions.count > 0;
  if (!read.some(isLookedAt)) return read;
  const maskOf = (precedence: Precedence): number =>
    read.reduce(
      (mask, { loaded }, bit) => mask | (precedenceOf(loaded.format) === precedence ? 1 << bit : 0),
      0,
    );
  const table = new PolicyTable(bytes, maskOf('action'), maskOf('closest-encloser'));
  return read.map((one, index) => {
    if (!isLookedAt(one)) return one;
    const sink = new OpenedRulesSink(table, index);
    const again = load(one.list, sink, guards, pathOf);
    // A file that was written to meanwhile says nothing of the table.
    if (again.sha256 !== one.loaded.sha256) {
      throw new AppError('ERR_LIST_CHANGED', `reading list ${one.list.id} again: its content has changed`, {
        hint: 'Reload the lists.',
      });
    }
    return { list: one.list, loaded: withoutOpened(one.loaded, sink.opened) };
  });
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
 * SHA-256, in hex, of what a configuration says of lists and groups: who wants what refused, when, and how.
 *
 * Clients are left out: which group somebody belongs to is decided by the configuration in force. So is how a list is
 * fetched, but for what proves its content, and the decision that a mandate rests on: it changes no answer.
 */
export const policyHash = ({ lists, groups, block }: Config): string => {
  const wanted = lists.map((list) => ({
    ...list,
    source: sourceOfContent(list),
    decision: undefined,
    structuredError: undefined,
    operators: list.operators.map(({ name, refuse }) => [name, refuse]),
  }));
  const chosen = groups.map((group) => [group.name, group.lists, group.schedules]);
  return createHash('sha256')
    .update(JSON.stringify([wanted, chosen, block]))
    .digest('hex');
};

/** A source without what only concerns the time and the way of fetching. */
const sourceOfContent = ({ source }: ListConfig): object => {
  if (source.kind !== 'url') return source;
  const { url, publicKey, sha256, format } = source;
  return { url, publicKey, sha256, format, ...readingOf(source) };
};

const assemble = (
  config: Config,
  generation: number,
  loadedAtMs: number,
  table: SharedArrayBuffer,
  read: readonly ReadList[],
): Generation => {
  const lists = read.map(toFacts);
  if (config.notice?.check !== undefined) requireUnlisted(config.notice.check, table, read.map(toRefuser));
  const mandates = new Set(lists.filter(({ mandate }) => mandate).map(({ id }) => id));
  return {
    policy: {
      generation,
      table,
      lists: read.map((list) => toPolicyList(config, list)),
      groups: config.groups.map((group) => toPolicyGroup(group, lists)),
    },
    access: accessOf(config),
    lists,
    loadedAtMs,
    ignoredSchedules: config.groups.flatMap((group) =>
      [...new Set(group.schedules.map(({ list }) => list))]
        .filter((list) => mandates.has(list))
        .map((list) => ({ group: group.name, list })),
    ),
  };
};

const toRefuser = ({ list, loaded }: ReadList): Refuser => ({
  ...{ id: list.id, path: loaded.path, precedence: precedenceOf(loaded.format) },
  mayRefuse: !(list.allow || list.logOnly),
});

const toPolicyGroup = (group: GroupConfig, lists: readonly ListFacts[]): PolicyGroup => ({
  name: group.name,
  lists: lists.reduce((mask, { id }, bit) => (group.lists.includes(id) ? mask | (1 << bit) : mask), 0),
  scheduled: lists.flatMap(({ id, mandate }, bit) =>
    mandate
      ? []
      : group.schedules.filter(({ list }) => list === id).map(({ schedule }) => ({ list: bit, schedule })),
  ),
});

/** What a configuration says of clients, which needs no list. */
export const accessOf = (config: Config): AccessTable =>
  compileAccess({
    allow: config.access.allow,
    readCache: config.access.readCache,
    groups: config.groups.map((group) => group.clients),
    listeners: config.groups.map((group) => group.listeners.map(formatEndpoint)),
    devices: config.groups.map((group) => group.devices),
    forwarders: config.forwarders.map(({ name, from, certificates, clients, sends, overwrites }) => ({
      ...{ name, certificates, from: packPrefixes(from), clients: packPrefixes(clients), overwrites },
      accepts: sends.reduce((bits, word) => bits | SENDS[word], 0),
    })),
    lists: config.groups.map((group) => {
      const maskOf = (has: (list: ListConfig) => boolean): number =>
        config.lists.reduce(
          (mask, list, bit) => (group.lists.includes(list.id) && has(list) ? mask | (1 << bit) : mask),
          0,
        );
      const times = new Set(group.schedules.map(({ list }) => list));
      return {
        refusing: maskOf(({ allow, logOnly }) => !allow && !logOnly),
        always: maskOf(({ id, allow, logOnly }) => !allow && !logOnly && !times.has(id)),
        passing: maskOf(({ allow }) => allow),
      };
    }),
  });

const load = (list: ListConfig, sink: RuleSink, guards: Guards, pathOf: PathOf): LoadedList =>
  readList(list, list.allow ? new PassthruSink(sink) : sink, guards, pathOf);

/** A RuleSink that stands before another one and makes every rule let its names pass. */
class PassthruSink implements RuleSink {
  readonly #sink: RuleSink;
  /** By the terms that a list states: rules that share terms go on sharing them. */
  readonly #passing = new WeakMap<RuleTerms, RuleTerms>();

  constructor(sink: RuleSink) {
    this.#sink = sink;
  }

  addName(match: Match, name: Uint8Array, length: number, line: number, terms?: RuleTerms): void {
    this.#sink.addName(match, name, length, line, this.#toPassing(terms));
  }

  addPrefix(prefix: Prefix, line: number, terms?: RuleTerms): void {
    this.#sink.addPrefix(prefix, line, this.#toPassing(terms));
  }

  addClientPrefix(prefix: Prefix, line: number, terms?: RuleTerms): void {
    this.#sink.addClientPrefix(prefix, line, this.#toPassing(terms));
  }

  addPattern(pattern: RegExp, line: number, terms?: RuleTerms): void {
    this.#sink.addPattern(pattern, line, this.#toPassing(terms));
  }

  #toPassing(terms: RuleTerms = PASSTHRU): RuleTerms {
    let passing = this.#passing.get(terms);
    if (passing === undefined) {
      passing = { ...terms, ...PASSTHRU };
      this.#passing.set(terms, passing);
    }
    return passing;
  }
}

const PASSTHRU: RuleTerms = { action: { kind: 'passthru' } };

const isMandate = ({ list, loaded }: ReadList): boolean => list.mandate ?? loaded.header?.mandate ?? false;

/** Throws ERR_LIST_EMPTY for a mandate that refuses nothing: it has no rule but exceptions, or these end every rule. */
const requireRules = (read: ReadList): void => {
  const { entries, exceptions, opened } = read.loaded;
  if (!isMandate(read) || entries > 0) return;
  const why =
    exceptions.count === 0
      ? ''
      : `: its ${exceptions.count} exceptions leave none of ${opened.count} in force`;
  throw new AppError('ERR_LIST_EMPTY', `reading list ${read.list.id}: a mandate list without a rule${why}`, {
    hint: 'A list may be empty, or hold exceptions alone, but then it is no mandate.',
  });
};

/** Throws ERR_APP_MANDATE for a list that is a mandate by its own header and is not to refuse by the configuration. */
const requireRole = (read: ReadList): void => {
  const { id, allow, logOnly } = read.list;
  if (!isMandate(read) || !(allow || logOnly)) return;
  const key = allow ? 'allow' : 'log-only';
  throw new AppError(
    'ERR_APP_MANDATE',
    `using list ${id} as "${key}": its header says that it is a mandate`,
    {
      hint: `Remove "${key}", or write "mandate: false" if you are not bound by it.`,
    },
  );
};

const MANDATE_RANK = 0;
const ALLOW_RANK = 1;
const OTHER_RANK = 2;

const rankOf = (read: ReadList): number => {
  if (isMandate(read)) return MANDATE_RANK;
  return read.list.allow ? ALLOW_RANK : OTHER_RANK;
};

const toFacts = (read: ReadList): ListFacts => {
  const { list, loaded } = read;
  return {
    id: list.id,
    title: loaded.header?.title ?? list.id,
    category: list.category ?? loaded.header?.category ?? list.id,
    mandate: isMandate(read),
    mandates: list.mandates,
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
    precedence: precedenceOf(loaded.format),
    logOnly: list.logOnly,
    ttlSec: config.block.ttlSec,
    ede: createEde(ede?.code ?? EDE.BLOCKED, ede?.text ?? mandateText(list)),
  };
};

/** What a refused client may show: the mandates that ask for it, as many whole names as fit. */
const mandateText = ({ mandates }: ListConfig): string => {
  const [first, ...others] = mandates;
  if (first === undefined) return '';
  return others.reduce(
    (text, id) => (text.length + id.length + 2 > EDE_TEXT_BYTES_MAX ? text : `${text}, ${id}`),
    `mandate ${first}`,
  );
};

/** The format of a list; the shipped ones have one. */
export const formatOf = ({ source }: ListConfig): ListFormat =>
  source.kind === 'shipped' ? 'cordon' : source.format;

/** How the rules of a list of a format are weighed. */
export const precedenceOf = (format: ListFormat): Precedence => {
  if (format === 'adblock') return 'action';
  return format === 'rpz' ? 'closest-encloser' : 'specificity';
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
