// What another content of a list would add and remove, for the person who decides about it.
//
// Rules are told apart by a keyed hash of 53 bits, so that two lists of a million names cost a sorted table of eight
// bytes a rule and no text: each file is streamed, the one in force twice. The key is drawn for each comparison, so
// that nobody can make a list whose rules share a hash. By chance one rule in a comparison of a million with a million
// is overlooked every ten thousand times; what is enforced does not depend on it.
import { randomBytes } from 'node:crypto';
import { AppError, type Clock, formatPrefix, isAppError, type Prefix } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import { formatName } from '../../wire/dns/dns.ts';
import { readingOfList } from '../generation/generation.ts';
import {
  type ExceptionFacts,
  Guards,
  ListStore,
  loadList,
  NEVER_BLOCK_FILE,
  NO_EXCEPTIONS,
} from '../lists/lists.ts';
import { MATCH, type Match, type RuleSink, type RuleTerms } from '../policy.ts';
import { findNewExceptions, type Opening } from './openings.ts';
import { type ContentInForce, contentInForce, isUrlList, NOWHERE, type UrlList } from './review.ts';
import { readKeptPaths } from './status.ts';

/** Rules that are named of each kind; the rest is counted. */
const RULES_MAX = 100;
/** Hashes that a table begins with; it doubles. */
const KEYS_MIN = 1024;
const HIGH_MASK = 0x1f_ffff;
const HIGH_FACTOR = 2 ** 32;

/** One content of a comparison. */
export interface DiffSide {
  readonly sha256: string;
  readonly entries: number;
}

/** What differs. */
export interface ListDiff {
  readonly list: string;
  /** In force; null when nothing is. */
  readonly from: DiffSide | null;
  readonly to: DiffSide;
  /** True when `to` is the held content, false when it is an earlier one. */
  readonly isHeld: boolean;
  /** `rules` are the first 100. */
  readonly added: { readonly count: number; readonly rules: readonly string[] };
  readonly removed: { readonly count: number; readonly rules: readonly string[] };
  /** What its new exceptions open, and what of mandate lists they name and do not open; `names` are the first 100. */
  readonly openings: readonly Opening[];
}

/**
 * Where a content of a list lies that is not in force: the held one, or the one with this SHA-256. Throws ERR_LIST_ABSENT where it is
 * not kept or not what its hash says any more, and ERR_LIST_STORE.
 */
export const contentPath = async (
  config: Config,
  id: string,
  sha256: string | undefined,
  clock: Clock,
): Promise<{ readonly path: string; readonly sha256: string }> => {
  const store = ListStore.at(config.stateDirectory, clock);
  const { held, previous } = await store.status(id);
  const others = held === null ? previous : [held, ...previous];
  const found = sha256 === undefined ? held : others.find((content) => content.sha256 === sha256);
  if (found == null)
    throw new AppError(
      'ERR_LIST_ABSENT',
      sha256 === undefined
        ? `looking for what is held of list ${id}: nothing is`
        : `looking for content ${sha256} of list ${id}: it is not kept`,
      sha256 === undefined ? { hint: 'Name a file of it with --with.' } : {},
    );
  if (!(await store.isIntact(id, found.sha256)))
    throw new AppError(
      'ERR_LIST_ABSENT',
      `looking for content ${found.sha256} of list ${id}: its file is damaged or gone`,
    );
  return { path: store.pathOf(id, found.sha256), sha256: found.sha256 };
};

/**
 * Compares the content in force with the held one, with the one before when nothing is held, or with the one that a
 * SHA-256 begins with; `onRemoved` gets every rule that would go, as text. Reads the state directory and changes nothing. Throws ERR_LIST_UNKNOWN, ERR_LIST_ABSENT,
 * ERR_LIST_STORE, and ERR_LIST_READ for a file that is gone.
 */
export const diffList = async (
  config: Config,
  id: string,
  sha256: string | undefined,
  clock: Clock,
  onRemoved?: (rule: string) => void,
): Promise<ListDiff> => {
  const list = config.lists.find((known) => known.id === id);
  if (list === undefined) {
    throw new AppError('ERR_LIST_UNKNOWN', `comparing contents of list ${id}: the configuration has none`, {
      hint: `It has ${config.lists.map((known) => known.id).join(', ')}.`,
    });
  }
  if (!isUrlList(list)) {
    throw new AppError('ERR_LIST_ABSENT', `comparing contents of list ${id}: none are kept`, {
      hint: 'Only lists with an address have them.',
    });
  }
  const store = ListStore.at(config.stateDirectory, clock);
  const record = await store.status(id);
  const { current, held, previous } = record;
  const intact = (await store.findIntact(id))?.sha256;
  const from = contentInForce(list, record, intact, store);
  // Kept and not in force: the release has a newer list.
  const passed = current !== null && current.sha256 === intact && from?.sha256 !== intact ? [current] : [];
  const earlier = [...passed, ...previous].filter((content) => content.sha256 !== from?.sha256);
  const others = [...(held === null ? [] : [held]), ...earlier];
  const to = others.find((content) => content.sha256.startsWith(sha256 ?? ''));
  if (to === undefined) {
    const what =
      sha256 === undefined ? 'nothing is held and nothing was in force before' : `${sha256} is not kept`;
    throw new AppError('ERR_LIST_ABSENT', `comparing contents of list ${id}: ${what}`);
  }
  const path = store.pathOf(id, to.sha256);
  const [before, after] = [from === undefined ? NOTHING : feedOf(list, from.path), feedOf(list, path)];
  const neighbors = { lists: config.lists, pathOf: await readKeptPaths(config, clock) };
  const found = findNewExceptions(list, path, before(NOWHERE), after(NOWHERE), neighbors);
  return {
    list: id,
    from: from === undefined ? null : toSide(from),
    to: toSide(to),
    isHeld: to === held,
    ...compare(before, after, onRemoved),
    openings: found?.openings ?? [],
  };
};

const toSide = ({ sha256, facts }: Pick<ContentInForce, 'sha256' | 'facts'>): DiffSide => ({
  sha256,
  entries: facts.entries,
});

/** Streams the rules of a content, and tells what it lets pass. */
type Feed = (sink: RuleSink) => ExceptionFacts;

const NOTHING: Feed = () => NO_EXCEPTIONS;

const feedOf = (list: UrlList, path: string): Feed => {
  const { allow, source } = list;
  const { format } = source;
  const guards = allow ? undefined : Guards.load(NEVER_BLOCK_FILE);
  return (sink) => {
    try {
      return loadList({ kind: 'file', path, format }, sink, { guards, ...readingOfList(list) }).exceptions;
    } catch (thrown) {
      // An empty or broken content is held for that reason, and has no rules to show.
      if (!isAppError(thrown) || (thrown.code !== 'ERR_LIST_EMPTY' && thrown.code !== 'ERR_LIST_PARSE')) {
        throw thrown;
      }
      return NO_EXCEPTIONS;
    }
  };
};

/** Compares two streams of rules. */
export const compare = (
  from: Feed,
  to: Feed,
  onRemoved?: (rule: string) => void,
): Pick<ListDiff, 'added' | 'removed'> => {
  const key = randomBytes(8);
  const seeds = [key.readInt32LE(0), key.readInt32LE(4)] as const;
  const before = new KeyTable();
  from(new RuleReader(seeds, (hash) => before.add(hash)));
  before.sort();
  const isKept = new Uint8Array(before.size);
  const after = new KeyTable();
  const added = new RuleSample();
  to(
    new RuleReader(seeds, (hash, text) => {
      const place = before.find(hash);
      if (place >= 0) {
        isKept[place] = 1;
        return;
      }
      after.add(hash);
      added.offer(hash, text);
    }),
  );
  after.sort();
  const removed = new RuleSample();
  let removedCount = 0;
  from(
    new RuleReader(seeds, (hash, text) => {
      const place = before.find(hash);
      if (place < 0 || isKept[place] === 1) return;
      isKept[place] = 1;
      removedCount++;
      removed.offer(hash, text);
      onRemoved?.(text());
    }),
  );
  return {
    added: { count: after.countDistinct(), rules: added.texts },
    removed: { count: removedCount, rules: removed.texts },
  };
};

/** The first rules that were offered, each once. */
class RuleSample {
  readonly texts: string[] = [];
  readonly #hashes = new Set<number>();

  offer(hash: number, text: () => string): void {
    if (this.texts.length >= RULES_MAX || this.#hashes.has(hash)) return;
    this.#hashes.add(hash);
    this.texts.push(text());
  }
}

/** Hashes of rules, sorted once. */
class KeyTable {
  size = 0;
  #keys = new Float64Array(KEYS_MIN);

  add(key: number): void {
    if (this.size === this.#keys.length) {
      const larger = new Float64Array(this.size * 2);
      larger.set(this.#keys);
      this.#keys = larger;
    }
    this.#keys[this.size++] = key;
  }

  sort(): void {
    this.#keys.subarray(0, this.size).sort();
  }

  /** The first place of a hash; -1 when it is not there. */
  find(key: number): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] ?? 0) < key) low = middle + 1;
      else high = middle;
    }
    return low < this.size && this.#keys[low] === key ? low : -1;
  }

  countDistinct(): number {
    let count = 0;
    for (let i = 0; i < this.size; i++) if (i === 0 || this.#keys[i] !== this.#keys[i - 1]) count++;
    return count;
  }
}

/** Makes a hash of each rule, and its text when somebody wants it. */
class RuleReader implements RuleSink {
  readonly #take: (hash: number, text: () => string) => void;
  readonly #seeds: readonly [number, number];
  readonly #terms = new WeakMap<RuleTerms, string>();

  constructor(seeds: readonly [number, number], take: (hash: number, text: () => string) => void) {
    this.#seeds = seeds;
    this.#take = take;
  }

  addName(match: Match, name: Uint8Array, length: number, _line: number, terms?: RuleTerms): void {
    const text = (): string => nameText(match, name) + termsText(terms);
    this.#take(this.#hash(match, name, length, terms), text);
  }

  addPrefix(prefix: Prefix, _line: number, terms?: RuleTerms): void {
    this.#takeText(MATCH.PREFIX, formatPrefix(prefix), terms);
  }

  addClientPrefix(prefix: Prefix, _line: number, terms?: RuleTerms): void {
    this.#takeText(MATCH.PREFIX, `client ${formatPrefix(prefix)}`, terms);
  }

  addPattern(pattern: RegExp, _line: number, terms?: RuleTerms): void {
    this.#takeText(MATCH.PATTERN, String(pattern), terms);
  }

  #takeText(match: Match, text: string, terms: RuleTerms | undefined): void {
    const bytes = Buffer.from(text);
    this.#take(this.#hash(match, bytes, bytes.length, terms), () => text + termsText(terms));
  }

  #hash(match: Match, bytes: Uint8Array, length: number, terms: RuleTerms | undefined): number {
    let [high, low] = this.#seeds;
    const feed = (byte: number): void => {
      high = Math.imul(high ^ byte, 0x85ebca6b);
      high ^= high >>> 15;
      low = Math.imul(low ^ byte, 0xc2b2ae35);
      low ^= low >>> 13;
    };
    feed(match);
    for (let i = 0; i < length; i++) feed(bytes[i] ?? 0);
    if (terms !== undefined) for (const byte of Buffer.from(this.#termsKey(terms))) feed(byte);
    return (high & HIGH_MASK) * HIGH_FACTOR + (low >>> 0);
  }

  /** Everything that the terms say. */
  #termsKey(terms: RuleTerms): string {
    let key = this.#terms.get(terms);
    if (key === undefined) {
      key = JSON.stringify(terms);
      this.#terms.set(terms, key);
    }
    return key;
  }
}

const nameText = (match: Match, name: Uint8Array): string => {
  const text = formatName(name).replace(/\.$/, '');
  if (match === MATCH.WILDCARD) return `*.${text}`;
  return match === MATCH.EXACT ? `${text} (exact)` : text;
};

const termsText = (terms: RuleTerms | undefined): string => {
  if (terms === undefined) return '';
  const { action, types, clients, exceptBelow, isImportant } = terms;
  const isConditional = types !== undefined || clients !== undefined || exceptBelow !== undefined;
  return [
    action.kind === 'list' ? '' : ` ${action.kind}`,
    isImportant === true ? ' important' : '',
    isConditional ? ' on conditions' : '',
  ].join('');
};
