// Rules of several lists as one set for an export, in which the more specific rule decides.
//
// In Cordon a list goes before the next one whatever their names look like; in the files of other programs the longer
// name wins. So what a list of higher precedence has decided is taken out of the lists behind it: a rule that lies
// inside an earlier rule is dropped, one that covers an earlier rule is left to the longer name. An exception of an
// ordinary list therefore never frees a name that a mandate list refuses. One of a mandate list decides nothing for the
// lists behind it, and is left out where any other list refuses what it would free. What a format cannot say is counted,
// never guessed. Runs when an operator asks, never per query.
import { formatPrefix, matchesPrefix, type Prefix, PrefixTable } from '../../base/base.ts';
import { formatName } from '../../wire/dns/dns.ts';
import { MATCH, type Match, type Precedence, type RuleSink, type RuleTerms } from '../policy.ts';
import type { ExportRule } from './export-formats.ts';
import { zonesOf } from './guard.ts';
import { isPassing } from './rule-terms.ts';

/** A rule and the list that it is of, by its place in the order of addList(). */
export interface MergedRule extends ExportRule {
  readonly list: number;
}

/** A set of rules that holds together, and what was left out of it: reasons as words behind "3 rules". */
export interface MergedRules {
  /** List by list, those that prevail first. */
  readonly rules: readonly MergedRule[];
  readonly notes: ReadonlyMap<string, number>;
}

/** A rule on its way; address prefixes are kept as such, because they are compared. */
interface CollectedRule extends MergedRule {
  readonly prefix: Prefix | undefined;
}

/** What a list has decided, by how much its rules weigh: the first go first. */
type Tiers = readonly [CollectedRule[], CollectedRule[], CollectedRule[], CollectedRule[]];

/** A list on its way. */
interface CollectedList {
  readonly index: number;
  readonly tiers: Tiers;
  readonly notes: Map<string, number>;
}

/** Collects the rules of lists. */
export class ExportMerge {
  readonly #lists: CollectedList[] = [];

  /**
   * A sink for the rules of the next list; with `isAllow` they all let names pass. Whether it is a mandate may stand in its
   * file: it is asked for by merge().
   */
  addList(precedence: Precedence, isAllow: boolean): RuleSink {
    const list: CollectedList = { index: this.#lists.length, tiers: [[], [], [], []], notes: new Map() };
    this.#lists.push(list);
    return new Collector(list, precedence, isAllow);
  }

  /**
   * Lists as one set of rules; `order` names them by their place in the order of addList(), the first prevails; `mandates`
   * are those of them that are mandates.
   *
   * With `isPassingFirst` an exception goes before every refusal (the syntax of ad blockers): exceptions above a
   * refused name are left out then.
   */
  merge(
    order: readonly number[],
    isPassingFirst: boolean,
    mandates: ReadonlySet<number> = NONE,
  ): MergedRules {
    const lists = order.flatMap((index) => this.#lists[index] ?? []);
    const notes = new Map<string, number>();
    for (const list of lists) for (const [note, count] of list.notes) countNote(notes, note, count);
    const decided = removeDecided(lists, new Set([...mandates].flatMap((index) => this.#lists[index] ?? [])));
    const kept = withoutContested(decided, lists);
    if (kept.length < decided.length) {
      countNote(
        notes,
        'left out: an exception of a mandate list for what another list refuses',
        decided.length - kept.length,
      );
    }
    const refused = kept.map(({ rule }) => rule).filter(({ action }) => action === 'list');
    const names = new NameCover();
    const prefixes = new PrefixCover();
    names.add(refused);
    prefixes.add(refused);
    const above = isPassingFirst ? zonesOfRules(refused) : NO_ZONES;
    const rules = kept.filter(({ rule, isBehind }) => {
      const { match, text, prefix } = rule;
      if (rule.action === 'list') return true;
      const isNeeded = prefix === undefined ? names.touches(match, text) : prefixes.covers(prefix);
      // Behind a list that refuses, an exception that frees nothing would only stop that list from judging answers.
      if (isBehind && !isNeeded) return false;
      if (match !== MATCH.EXACT && above.has(text)) {
        countNote(notes, 'left out: an exception that would also free refused names below it');
        return false;
      }
      if (isBehind && prefix === undefined) {
        countNote(notes, 'let a name pass, and in other programs also what it is an alias of');
      }
      return true;
    });
    return { rules: rules.map(({ rule }) => rule), notes };
  }
}

/** A rule that has something to say; `isBehind` when a list before its own refuses something. */
interface KeptRule {
  readonly rule: CollectedRule;
  readonly isBehind: boolean;
  /** The list that it is of. */
  readonly list: CollectedList;
  /** An exception that ends nothing but what its own list says. */
  readonly isOfMandate: boolean;
}

/** Takes out of each list what the ones before it decide; of a mandate list, what it refuses decides. */
const removeDecided = (
  lists: readonly CollectedList[],
  mandates: ReadonlySet<CollectedList>,
): readonly KeptRule[] => {
  const names = new NameCover();
  const prefixes = new PrefixCover();
  const kept: KeptRule[] = [];
  let isBehind = false;
  for (const list of lists) {
    const isMandate = mandates.has(list);
    // What an exception of a mandate list decides within it.
    const ownNames = new NameCover();
    const ownPrefixes = new PrefixCover();
    const first = kept.length;
    for (const tier of list.tiers) {
      const before = kept.length;
      const narrowed: KeptRule[] = [];
      for (const rule of tier) {
        const isOfMandate = isMandate && rule.action === 'passthru';
        if (rule.prefix !== undefined) {
          if (!prefixes.covers(rule.prefix) && !ownPrefixes.covers(rule.prefix)) {
            kept.push({ rule, isBehind, list, isOfMandate });
          }
          continue;
        }
        const open = names.remainder(rule.match, rule.text);
        const match = open === undefined ? undefined : ownNames.remainder(open, rule.text);
        if (match === undefined) continue;
        // What is left of a wider rule stands behind the list's own rule for the name alone.
        const into = match === MATCH.EXACT && rule.match === MATCH.SUFFIX ? narrowed : kept;
        into.push({ rule: { ...rule, match }, isBehind, list, isOfMandate });
      }
      for (const rule of narrowed) kept.push(rule);
      const left = isMandate ? kept.slice(before).map(({ rule }) => rule) : tier;
      const deciding = isMandate ? left.filter(({ action }) => action !== 'passthru') : left;
      names.add(deciding);
      prefixes.add(deciding);
      if (!isMandate) continue;
      const passing = tier.filter(({ action }) => action === 'passthru');
      ownNames.add(passing);
      ownPrefixes.add(passing);
    }
    isBehind ||= kept.slice(first).some(({ rule }) => rule.action === 'list');
  }
  return kept;
};

/** Without the exceptions of mandate lists for what another list refuses: in a file of one list they would free it. */
const withoutContested = (
  kept: readonly KeptRule[],
  lists: readonly CollectedList[],
): readonly KeptRule[] => {
  const owners = new Set(kept.filter(({ isOfMandate }) => isOfMandate).map(({ list }) => list));
  if (owners.size === 0) return kept;
  const others = new Map(
    [...owners].map((owner) => {
      const refused = lists
        .filter((list) => list !== owner)
        .flatMap(({ tiers }) => tiers.flat().filter(({ action }) => action === 'list'));
      const names = new NameCover();
      names.add(refused);
      const prefixes = refused.flatMap(({ prefix }) => prefix ?? []);
      return [owner, { names, prefixes, above: zonesOfRules(refused) }] as const;
    }),
  );
  return kept.filter(({ rule, list, isOfMandate }) => {
    const cover = isOfMandate ? others.get(list) : undefined;
    if (cover === undefined) return true;
    const { match, text, prefix } = rule;
    // What lies inside may have been left to a wider rule, so that the exception would free it as well.
    if (prefix === undefined)
      return !cover.names.touches(match, text) && (match === MATCH.EXACT || !cover.above.has(text));
    return !cover.prefixes.some(({ words, bits }) =>
      matchesPrefix(words, prefix.words, Math.min(bits, prefix.bits)),
    );
  });
};

const NONE: ReadonlySet<number> = new Set();

const countNote = (notes: Map<string, number>, note: string, count = 1): void => {
  notes.set(note, (notes.get(note) ?? 0) + count);
};

const NO_ZONES: ReadonlySet<string> = new Set();

/** Sorts the rules of one list by weight, and counts those that no export can say. */
class Collector implements RuleSink {
  readonly #list: CollectedList;
  readonly #precedence: Precedence;
  readonly #isAllow: boolean;

  constructor(list: CollectedList, precedence: Precedence, isAllow: boolean) {
    this.#list = list;
    this.#precedence = precedence;
    this.#isAllow = isAllow;
  }

  addName(match: Match, name: Uint8Array, length: number, _line: number, terms?: RuleTerms): void {
    this.#add(match, formatName(name.subarray(0, length)).slice(0, -1), undefined, terms);
  }

  addPrefix(prefix: Prefix, _line: number, terms?: RuleTerms): void {
    this.#add(MATCH.PREFIX, formatPrefix(prefix), prefix, terms);
  }

  addClientPrefix(): void {
    countNote(this.#list.notes, 'left out: a trigger on clients');
  }

  addPattern(): void {
    countNote(this.#list.notes, 'left out: a regular expression');
  }

  #add(match: Match, text: string, prefix: Prefix | undefined, terms: RuleTerms | undefined): void {
    const isPass = this.#isAllow || isPassing(terms);
    const note = noteOf(terms, isPass);
    if (note !== undefined) {
      countNote(this.#list.notes, note);
      return;
    }
    const isWeighed = this.#precedence === 'action';
    const isImportant = isWeighed && terms?.isImportant === true;
    const tier = (isImportant ? 0 : 2) + (isWeighed && !isPass ? 1 : 0);
    const { index, tiers } = this.#list;
    tiers[tier]?.push({ match, text, prefix, action: isPass ? 'passthru' : 'list', list: index });
  }
}

/** Why a rule cannot be exported, or undefined. */
const noteOf = (terms: RuleTerms | undefined, isPass: boolean): string | undefined => {
  if (terms === undefined) return undefined;
  if (terms.types !== undefined || terms.clients !== undefined || terms.exceptBelow !== undefined) {
    return 'left out: a condition (types, clients or excepted names)';
  }
  const { kind } = terms.action;
  if (isPass || (kind !== 'data' && kind !== 'tcp-only')) return undefined;
  return 'left out: an answer of its own';
};

/** The names that rules decide about. */
class NameCover {
  /** Names that are decided themselves, and names below which everything is. */
  readonly #self = new Set<string>();
  readonly #below = new Set<string>();

  add(rules: readonly CollectedRule[]): void {
    for (const { match, text } of rules) {
      if (match === MATCH.EXACT || match === MATCH.SUFFIX) this.#self.add(text);
      if (match === MATCH.WILDCARD || match === MATCH.SUFFIX) this.#below.add(text);
    }
  }

  /** What of a trigger is not decided; undefined when nothing is left. */
  remainder(match: Match, name: string): Match | undefined {
    if (this.#isBelow(name)) return undefined;
    const isSelf = match === MATCH.WILDCARD || this.#self.has(name);
    const isBelow = match === MATCH.EXACT || this.#below.has(name);
    if (isSelf && isBelow) return undefined;
    if (match !== MATCH.SUFFIX || isSelf === isBelow) return match;
    return isSelf ? MATCH.WILDCARD : MATCH.EXACT;
  }

  /** True when a rule that is as wide or wider decides about something of the trigger. */
  touches(match: Match, name: string): boolean {
    const isSelf = match !== MATCH.WILDCARD && this.#self.has(name);
    return isSelf || (match !== MATCH.EXACT && this.#below.has(name)) || this.#isBelow(name);
  }

  #isBelow(name: string): boolean {
    if (this.#below.size === 0) return false;
    for (const zone of enclosing(name)) if (zone !== name && this.#below.has(zone)) return true;
    return false;
  }
}

/** The addresses that rules decide about. */
class PrefixCover {
  readonly #prefixes: Prefix[] = [];
  #table: PrefixTable | undefined;

  add(rules: readonly CollectedRule[]): void {
    for (const { prefix } of rules) if (prefix !== undefined) this.#prefixes.push(prefix);
    this.#table = undefined;
  }

  covers(prefix: Prefix): boolean {
    this.#table ??= PrefixTable.build(this.#prefixes.map((item) => ({ prefix: item, value: 0 })));
    const table = this.#table;
    for (let row = table.find(prefix.words); row >= 0; row = table.next(row)) {
      if (table.bits(row) <= prefix.bits) return true;
    }
    return false;
  }
}

/** The name and its parents; a dot may be part of a label, escaped. */
const enclosing = (name: string): Iterable<string> =>
  name.includes('\\') ? escapedZonesOf(name) : zonesOf(name);

const escapedZonesOf = (name: string): string[] => {
  const labels = name.match(/(?:\\\d{3}|\\.|[^\\.])+/g) ?? [];
  return labels.map((_, index) => labels.slice(index).join('.'));
};

/** The zones that names of rules lie below, and where a rule is about the name itself, that name. */
const zonesOfRules = (rules: readonly CollectedRule[]): ReadonlySet<string> => {
  const above = new Set<string>();
  for (const { match, text } of rules) {
    if (match === MATCH.PREFIX) continue;
    for (const zone of enclosing(text)) above.add(zone);
  }
  return above;
};
