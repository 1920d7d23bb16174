// The names and prefixes of the mandate lists, as the self-probe asks for them: from the files, not from the policy.
//
// A table that lost a rule would not know what it has lost, so the lists are read again, once for each generation and
// for each sweep that cannot hold them whole. Nothing of a list is kept but what will be asked: all of a small one, of a
// large one an even sample (a reservoir). What cannot be asked, or whose answer depends on more than the name, is
// counted and told. A list is judged by its own rules: its own exceptions end some of them, which is told as well, and
// what any other list says of its names excuses nobody.
import {
  formatAddress,
  isAppError,
  matchesPrefix,
  type Prefix,
  readIpv4,
  readIpv6,
} from '../../base/base.ts';
import { type ReasonId, reasonText } from '../../base/words/words.ts';
import type { Config } from '../../config/config.ts';
import {
  type Generation,
  type ListFacts,
  precedenceOf,
  readingOfList,
} from '../../policy/generation/generation.ts';
import { Guards, loadList, NEVER_BLOCK_FILE } from '../../policy/lists/lists.ts';
import {
  type BlockMode,
  type LocalRecord,
  MATCH,
  type Match,
  type Precedence,
  type RuleSink,
  type RuleTerms,
} from '../../policy/policy.ts';
import { LOCAL, LocalZones } from '../../resolver/local/local.ts';
import { formatRdata, formatType, TYPE } from '../../wire/dns/dns.ts';
import { NULL_ADDRESSES, type RefusalForm } from './judge.ts';
import type { ListedName, ListedPrefix, ProbeList } from './plan-facts.ts';
import { createRandom } from './spelling.ts';

/** Names of all lists together that are kept: some 3 MB. */
const NAMES_MAX = 20_000;
/** Prefixes of all lists together. */
const PREFIXES_MAX = 2_000;
/** Rules of one list that let names pass: what they end of it is not asked. */
const EXCEPTIONS_MAX = 10_000;
/** Different records that rules of one list answer with. */
const FORMS_MAX = 256;

/** What the mandate lists of a generation refuse. */
export interface ProbeLists {
  readonly generation: number;
  /** By their place in the policy, where mandate lists come first. */
  readonly lists: readonly ProbeList[];
  readonly names: readonly ListedName[];
  readonly prefixes: readonly ListedPrefix[];
  /** Rules that are not asked about, by list. */
  readonly unasked: readonly { readonly view: string; readonly reason: string }[];
  /** Lists that could not be read: nothing is known of them. */
  readonly unreadable: readonly { readonly view: string; readonly reason: string }[];
  /** True: every name that can be asked is there, so that reading again would bring nothing. */
  readonly isWhole: boolean;
}

/** What reading needs. */
export interface ProbeListsOptions {
  readonly generation: Generation;
  /** That the generation was made of. */
  readonly config: Config;
  /** Of the samples of large lists. */
  readonly seed: number;
  /** Names that have to be among them, as long as they stand in a list. */
  readonly keep: ReadonlySet<string>;
}

/** Reads the mandate lists; takes as long as loading them. */
export const readProbeLists = ({ generation, config, seed, keep }: ProbeListsOptions): ProbeLists => {
  const mandates = generation.lists.filter(({ mandate }) => mandate);
  const guards = Guards.load(NEVER_BLOCK_FILE);
  const zones = new LocalZones(config.forward.flatMap(({ zones: forwarded }) => forwarded));
  const collectors = new Map<ListFacts, Collector>();
  const unreadable: { view: string; reason: string }[] = [];
  let nameRoom = NAMES_MAX;
  let prefixRoom = PREFIXES_MAX;
  // Small lists first: what they leave is for the large ones.
  const ascending = [...mandates].sort((a, b) => a.loaded.entries - b.loaded.entries);
  for (const [index, facts] of ascending.entries()) {
    const left = ascending.length - index;
    const collector = new Collector({
      list: mandates.indexOf(facts),
      precedence: precedenceOf(facts.loaded.format),
      nameCount: Math.ceil(nameRoom / left),
      prefixCount: Math.ceil(prefixRoom / left),
      random: createRandom(seed + index),
      keep,
      zones,
    });
    const problem = feed(facts, config, collector, guards);
    if (problem !== undefined) unreadable.push({ view: `list:${facts.id}`, reason: problem });
    else collectors.set(facts, collector);
    nameRoom -= collector.names.length;
    prefixRoom -= collector.prefixes.length;
  }
  const inOrder = mandates.map((facts) => collectors.get(facts));
  const names = inOrder.flatMap((collector) => collector?.names ?? []);
  const kept = names.filter((name) => inOrder[name.list]?.endsName(name) !== true);
  return {
    generation: generation.policy.generation,
    lists: mandates.map((facts, index) =>
      toProbeList(facts, generation.policy.lists[index]?.mode, collectors.get(facts)),
    ),
    names: kept,
    prefixes: inOrder
      .flatMap((collector) => collector?.prefixes ?? [])
      .filter(({ prefix, list }) => inOrder[list]?.endsPrefix(prefix) !== true),
    unasked: mandates.flatMap(({ id, loaded }, index) =>
      [...(inOrder[index]?.reasons(names, kept) ?? []), ...guardedReason(loaded.guarded ?? 0)].map(
        (reason) => ({
          view: `list:${id}`,
          reason,
        }),
      ),
    ),
    unreadable,
    isWhole: inOrder.every((collector) => collector?.isWhole !== false),
  };
};

/** Reads one list into a collector; gives the reason when that is not what is in force. */
const feed = (facts: ListFacts, config: Config, sink: RuleSink, guards: Guards): string | undefined => {
  const { path, format, files, sha256 } = facts.loaded;
  const list = config.lists.find(({ id }) => id === facts.id);
  const reading = list === undefined ? {} : readingOfList(list);
  try {
    const isDirectory = files !== undefined;
    // Children of CDNs are names that nobody saw: asking for them would leave fewer of those that somebody did.
    const options = { guards, ...reading, cdnChildren: false };
    const loaded = loadList({ kind: 'file', path, format, isDirectory }, sink, options);
    return loaded.sha256 === sha256 ? undefined : reasonText('file-changed');
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    return thrown.message;
  }
};

const toProbeList = (
  { id }: ListFacts,
  mode: BlockMode | undefined,
  collector: Collector | undefined,
): ProbeList => ({
  id,
  forms: [...(mode === undefined ? [] : [toForm(mode)]), ...(collector?.forms ?? [])],
  names: collector?.nameTotal ?? 0,
  prefixes: collector?.prefixTotal ?? 0,
});

/** How the refusals of a mode look from outside. */
const toForm = (mode: BlockMode): RefusalForm => {
  if (mode.kind === 'null-ip') return { kind: 'address', addresses: NULL_ADDRESSES };
  if (mode.kind !== 'address') return { kind: mode.kind };
  return { kind: 'address', addresses: [...mode.ipv4, ...mode.ipv6].map(addressText) };
};

const IPV4_BYTES = 4;

const addressText = (bytes: Uint8Array): string => {
  const words = new Uint32Array(4);
  if (bytes.length === IPV4_BYTES) readIpv4(bytes, 0, words);
  else readIpv6(bytes, 0, words);
  return formatAddress(words);
};

/** Guards stand above every list, so that a mandate cannot reach these names. */
const guardedReason = (count: number): string[] => (count === 0 ? [] : [reasonText('guarded', { count })]);

interface CollectorOptions {
  /** Index of the list. */
  readonly list: number;
  readonly precedence: Precedence;
  readonly nameCount: number;
  readonly prefixCount: number;
  readonly random: () => number;
  readonly keep: ReadonlySet<string>;
  readonly zones: LocalZones;
}

/** Why a rule is not asked about. */
const LEFT_OUT = {
  conditional: 'left-conditional',
  tcpOnly: 'left-tcp-only',
  pattern: 'left-pattern',
  client: 'left-client',
  local: 'left-local',
  unwritable: 'left-unwritable',
} as const;

/** Takes the rules of one list and keeps an even sample of them. */
class Collector implements RuleSink {
  readonly names: ListedName[] = [];
  readonly prefixes: ListedPrefix[] = [];
  readonly forms: RefusalForm[] = [];
  /** Rules that refuse, whether they can be asked about or not. */
  nameTotal = 0;
  prefixTotal = 0;
  /** What the list lets pass by its own exceptions: those that are important end important rules as well. */
  readonly #passing = [new Exceptions(), new Exceptions()] as const;
  /** What its important rules refuse: plain exceptions do not end that. */
  readonly #important = new Exceptions();
  readonly #options: CollectorOptions;
  readonly #leftOut = new Map<ReasonId, number>();
  readonly #knownForms = new Map<RuleTerms, RefusalForm | keyof typeof LEFT_OUT | 'passing'>();
  #askableNames = 0;
  #askablePrefixes = 0;
  #hasTooMany = false;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /** True when nothing that can be asked was left out for want of room. */
  get isWhole(): boolean {
    return this.names.length >= this.#askableNames && this.prefixes.length >= this.#askablePrefixes;
  }

  /** What is not asked about, in words; `names` are those of all lists before exceptions were taken out of them. */
  reasons(names: readonly ListedName[], kept: readonly ListedName[]): string[] {
    const { list } = this.#options;
    const count = (of: readonly ListedName[]): number => of.filter((name) => name.list === list).length;
    const excepted = count(names) - count(kept);
    const reasons = [...this.#leftOut].map(([id, rules]) => reasonText(id, { count: rules }));
    if (excepted > 0) reasons.push(reasonText('own-exceptions', { count: excepted }));
    if (this.#hasTooMany) reasons.push(reasonText('exceptions-most', { count: EXCEPTIONS_MAX }));
    return reasons;
  }

  addName(match: Match, name: Uint8Array, length: number, line: number, terms?: RuleTerms): void {
    const form = this.#formOf(terms);
    if (form === 'passing') {
      const { names } = this.#passingOf(terms);
      this.#except(() => names.add(`${match} ${nameText(name, length)}`), names.size);
      return;
    }
    this.nameTotal++;
    if (terms?.isImportant === true && typeof form !== 'string') {
      const { names } = this.#important;
      this.#except(() => names.add(`${match} ${nameText(name, length)}`), names.size);
    }
    if (typeof form === 'string') this.#leaveOut(form);
    else if (!isWritable(name, length)) this.#leaveOut('unwritable');
    else if (this.#options.zones.find(name, length, TYPE.A) !== LOCAL.NONE) this.#leaveOut('local');
    else this.#keepName(match, name, length, line, form);
  }

  addPrefix(prefix: Prefix, line: number, terms?: RuleTerms): void {
    const form = this.#formOf(terms);
    if (form === 'passing') {
      const { prefixes } = this.#passingOf(terms);
      this.#except(() => prefixes.push(prefix), prefixes.length);
      return;
    }
    this.prefixTotal++;
    if (typeof form === 'string') {
      this.#leaveOut(form);
      return;
    }
    this.#askablePrefixes++;
    const place = this.#place(this.#askablePrefixes, this.#options.prefixCount);
    if (place >= 0) this.prefixes[place] = { prefix, list: this.#options.list, line, form };
  }

  addClientPrefix(_prefix: Prefix, _line: number, _terms?: RuleTerms): void {
    this.#leaveOut('client');
  }

  addPattern(pattern: RegExp, _line: number, terms?: RuleTerms): void {
    if (this.#formOf(terms) === 'passing') this.#passingOf(terms).patterns.push(pattern);
    else {
      this.nameTotal++;
      this.#leaveOut('pattern');
    }
  }

  #keepName(
    match: Match,
    name: Uint8Array,
    length: number,
    line: number,
    form: RefusalForm | undefined,
  ): void {
    const { keep, nameCount, list } = this.#options;
    const word = match === MATCH.EXACT ? 'exact' : match === MATCH.WILDCARD ? 'wildcard' : 'suffix';
    this.#askableNames++;
    const place = this.#place(this.#askableNames, nameCount);
    if (place < 0 && keep.size === 0) return;
    const text = nameText(name, length);
    const listed: ListedName = { name: text, list, line, match: word, form };
    // Those that have to stay stand behind the sample: there are few of them.
    const leaving = place < 0 ? listed : this.names[place];
    if (place >= 0) this.names[place] = listed;
    if (leaving !== undefined && keep.has(leaving.name)) this.names.push(leaving);
  }

  /** Where the n-th item stands in a sample of so many, or -1 (reservoir sampling). */
  #place(n: number, count: number): number {
    if (n <= count) return n - 1;
    const place = Math.floor(this.#options.random() * n);
    return place < count ? place : -1;
  }

  /** True when an exception of the list itself ends what its rule refuses, the name itself or what is asked below it. */
  endsName(listed: ListedName): boolean {
    const [plain, important] = this.#passing;
    // Where the longer name decides, only an exception of the same trigger has as much right as the rule.
    if (this.#options.precedence !== 'action')
      return plain.names.has(`${MATCHES[listed.match]} ${listed.name}`);
    return (
      important.hasName(listed.name) || (plain.hasName(listed.name) && !this.#important.hasName(listed.name))
    );
  }

  endsPrefix(prefix: Prefix): boolean {
    return this.#passing.some((exceptions) => exceptions.hasPrefix(prefix));
  }

  #passingOf(terms: RuleTerms | undefined): Exceptions {
    return this.#passing[terms?.isImportant === true ? 1 : 0];
  }

  #leaveOut(reason: keyof typeof LEFT_OUT): void {
    const id = LEFT_OUT[reason];
    this.#leftOut.set(id, (this.#leftOut.get(id) ?? 0) + 1);
  }

  #except(add: () => unknown, size: number): void {
    if (size < EXCEPTIONS_MAX) add();
    else this.#hasTooMany = true;
  }

  /** Undefined: the list's own form. */
  #formOf(terms: RuleTerms | undefined): RefusalForm | keyof typeof LEFT_OUT | 'passing' | undefined {
    if (terms === undefined) return undefined;
    let form = this.#knownForms.get(terms);
    if (form === undefined) {
      const found = formOfTerms(terms);
      if (found === undefined) return undefined;
      form = found;
      this.#knownForms.set(terms, form);
      if (typeof form !== 'string' && this.forms.length < FORMS_MAX) this.forms.push(form);
    }
    return form;
  }
}

const formOfTerms = (terms: RuleTerms): RefusalForm | keyof typeof LEFT_OUT | 'passing' | undefined => {
  const { action, types, clients, exceptBelow } = terms;
  if (action.kind === 'passthru') return 'passing';
  if (types !== undefined || clients !== undefined || exceptBelow !== undefined) return 'conditional';
  switch (action.kind) {
    case 'list':
      return undefined;
    case 'tcp-only':
      return 'tcpOnly';
    case 'data':
      return dataForm(action.records);
    default:
      return { kind: action.kind };
  }
};

/** The form of a refusal that answers with records. */
export const dataForm = (records: readonly LocalRecord[]): RefusalForm => {
  const texts = (types: readonly number[]): string[] =>
    records.filter(({ type }) => types.includes(type)).map(({ type, rdata }) => formatRdata(type, rdata));
  return {
    kind: 'data',
    targets: texts([TYPE.CNAME]).map((target) => target.toLowerCase()),
    addresses: texts([TYPE.A, TYPE.AAAA]),
    types: [...new Set(records.map(({ type }) => formatType(type)))].filter(
      (type) => !['A', 'AAAA', 'CNAME'].includes(type),
    ),
  };
};

const MATCHES: Readonly<Record<ListedName['match'], Match>> = {
  suffix: MATCH.SUFFIX,
  exact: MATCH.EXACT,
  wildcard: MATCH.WILDCARD,
};

/** What a list lets pass, or refuses whatever it lets pass. */
class Exceptions {
  /** `MATCH NAME`. */
  readonly names = new Set<string>();
  readonly patterns: RegExp[] = [];
  readonly prefixes: Prefix[] = [];

  /** True for a name at or below one that passes; a wildcard passes what is asked below its name as well. */
  hasName(name: string): boolean {
    if (this.patterns.some((pattern) => pattern.test(name))) return true;
    if (this.names.size === 0) return false;
    for (let zone = name; ; zone = zone.slice(zone.indexOf('.') + 1)) {
      if (this.names.has(`${MATCH.SUFFIX} ${zone}`) || this.names.has(`${MATCH.WILDCARD} ${zone}`))
        return true;
      if (zone === name && this.names.has(`${MATCH.EXACT} ${zone}`)) return true;
      if (!zone.includes('.')) return false;
    }
  }

  hasPrefix(prefix: Prefix): boolean {
    return this.prefixes.some((passing) =>
      matchesPrefix(prefix.words, passing.words, Math.min(prefix.bits, passing.bits)),
    );
  }
}

const DOT = 0x2e;
const BACKSLASH = 0x5c;
const FIRST_PRINTABLE = 0x21;
const LAST_PRINTABLE = 0x7e;

/** True for names that mean the same with and without the escapes of presentation form. */
const isWritable = (name: Uint8Array, length: number): boolean => {
  let at = 0;
  while (at < length - 1) {
    const end = at + 1 + (name[at] ?? 0);
    for (at++; at < end; at++) {
      const byte = name[at] ?? 0;
      if (byte < FIRST_PRINTABLE || byte > LAST_PRINTABLE || byte === DOT || byte === BACKSLASH) return false;
    }
  }
  // The root is no name that anybody refuses in earnest.
  return length > 1;
};

/** Presentation form without the final dot. */
const nameText = (name: Uint8Array, length: number): string => {
  let text = '';
  let at = 0;
  while (at < length - 1) {
    const end = at + 1 + (name[at] ?? 0);
    if (at > 0) text += '.';
    for (at++; at < end; at++) text += String.fromCharCode(name[at] ?? 0);
  }
  return text;
};
