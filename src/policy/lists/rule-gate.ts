// The gate between a parser and the rules of a policy: refuses what the guards protect, counts what passes.
//
// Every format passes here, so that no source can reach a policy around the guards. Guarded are names, and patterns
// against names: an address prefix concerns answers or clients, and no guard is an address. A rule that lets names
// through harms no guard, and is no rule of the list either: it is counted apart. Children of CDNs are derived here, so
// that they pass the guards, and are counted apart too: how many there are is no news about the list.
import { formatPrefix, type Prefix } from '../../base/base.ts';
import { NAME_LENGTH_MAX, nameFrom } from '../../wire/dns/dns.ts';
import { MATCH, type Match, type RuleSink, type RuleTerms } from '../policy.ts';
import { type CdnSuffix, isCdnChild } from './cdn-suffixes.ts';
import { ConditionCost } from './condition-cost.ts';
import type { DiagnosticLog } from './diagnostic.ts';
import { ExceptionMarks, type Marking, markedText, nameTrigger } from './exception-marks.ts';
import { listNameText } from './list-name.ts';
import { isException, isPassing } from './rule-terms.ts';

/**
 * Names that no list is about. A pattern that matches one of them is wider than its author can have meant: it takes
 * whole top-level domains, or the first labels that half of all hosts have.
 */
const ORDINARY_NAMES = [
  'example.com',
  'example.net',
  'example.org',
  'www.example.com',
  'www.example.net',
  'www.example.org',
  'mail.example.com',
  'ns1.example.net',
  'host-1.subdomain.example.org',
  'a.test',
] as const;
/** First labels that sites of a guarded tree have. */
const TREE_LABELS = ['www', 'a', 'agency', 'www.agency'] as const;

/** Of one list: the shipped ones derive 33,000 together, and 20,000 zones of a list of others fill it. */
const CDN_CHILDREN_MAX = 1_000_000;

/** Bytes of the root's wire name. */
const ROOT_LENGTH = 1;

/** What no list may refuse: Guards. */
export interface Protection {
  /** The guard name that a name rule would harm, or undefined. */
  protects(match: Match, name: Uint8Array, length: number): string | undefined;
  /** All guard names, `*.name` for a tree. */
  readonly names: readonly string[];
}

/** A RuleSink that stands before another one. */
export class RuleGate implements RuleSink {
  /** Rules that passed, without exceptions; of an allowlist all. */
  entries = 0;
  readonly exceptions = new ExceptionMarks();
  /** Rules that the guards held back. */
  guarded = 0;
  /** Rules for children of CDNs. */
  derived = 0;
  /** Zones whose children are left out: there were CDN_CHILDREN_MAX already. */
  childless = 0;
  readonly #sink: RuleSink;
  readonly #log: DiagnosticLog;
  readonly #guards: Protection | undefined;
  readonly #marking: Marking;
  readonly #suffixes: readonly CdnSuffix[];
  readonly #child = new Uint8Array(NAME_LENGTH_MAX);
  readonly #conditions = new ConditionCost();
  /** Terms of rules for everything as they are narrowed: equal rules go on being equal. */
  readonly #narrowed = new Map<RuleTerms | undefined, RuleTerms>();
  readonly #trees: readonly Uint8Array[];

  /** `suffixes` are those below which a rule for a zone holds too. */
  constructor(
    sink: RuleSink,
    log: DiagnosticLog,
    guards: Protection | undefined,
    marking: Marking = { isAllow: false, isMandate: false },
    suffixes: readonly CdnSuffix[] = [],
  ) {
    this.#sink = sink;
    this.#log = log;
    this.#guards = guards;
    this.#marking = marking;
    this.#suffixes = suffixes;
    this.#trees = (guards?.names ?? [])
      .filter((guard) => guard.startsWith('*.'))
      .map((guard) => nameFrom(guard.slice(2)));
  }

  addName(match: Match, name: Uint8Array, length: number, line: number, terms?: RuleTerms): void {
    const isHarmful = !isPassing(terms) && this.#guards?.protects(match, name, length) !== undefined;
    if (isHarmful && length > ROOT_LENGTH) {
      this.guarded++;
      this.#log.add('guarded', line, 1, listNameText(name, length));
      return;
    }
    if (!this.#conditions.takeName(name, length, terms)) {
      this.#log.add('condition-cost', line, 1, listNameText(name, length));
      return;
    }
    this.#count(() => nameTrigger(match, name, length), terms);
    // A rule for everything is only here because the operator takes it: it is narrowed, and the trees stay.
    this.#sink.addName(match, name, length, line, isHarmful ? this.#exceptTrees(terms) : terms);
    if (match !== MATCH.EXACT && length > ROOT_LENGTH) this.#addChildren(match, name, length, line, terms);
  }

  /** A guard goes before a child without a word: nobody wrote the child. */
  #addChildren(match: Match, name: Uint8Array, length: number, line: number, terms?: RuleTerms): void {
    const suffixes = this.#suffixes;
    if (suffixes.length === 0 || isCdnChild(suffixes, name, length)) return;
    if (this.derived + suffixes.length > CDN_CHILDREN_MAX) {
      this.childless++;
      return;
    }
    const child = this.#child;
    child.set(name.subarray(0, length - 1));
    for (const { wire } of suffixes) {
      const childLength = length - 1 + wire.length;
      if (childLength > NAME_LENGTH_MAX) continue;
      child.set(wire, length - 1);
      if (!isPassing(terms) && this.#guards?.protects(match, child, childLength) !== undefined) continue;
      this.derived++;
      this.#sink.addName(match, child, childLength, line, terms);
    }
  }

  addPrefix(prefix: Prefix, line: number, terms?: RuleTerms): void {
    this.#count(() => formatPrefix(prefix), terms);
    this.#sink.addPrefix(prefix, line, terms);
  }

  addClientPrefix(prefix: Prefix, line: number, terms?: RuleTerms): void {
    this.#count(() => `client ${formatPrefix(prefix)}`, terms);
    this.#sink.addClientPrefix(prefix, line, terms);
  }

  addPattern(pattern: RegExp, line: number, terms?: RuleTerms): void {
    const names = this.#guards?.names ?? [];
    const harmed = isPassing(terms) ? undefined : harmedBy(pattern, names);
    if (harmed !== undefined) {
      this.guarded++;
      this.#log.add('guarded-pattern', line, 1, harmed);
      return;
    }
    if (!this.#conditions.takePattern(terms)) {
      this.#log.add('condition-cost', line, 1, String(pattern));
      return;
    }
    this.#count(() => String(pattern), terms);
    this.#sink.addPattern(isPassing(terms) ? pattern : excludeTrees(pattern, names), line, terms);
  }

  /** The terms of a rule for everything, without guarded trees. */
  #exceptTrees(terms: RuleTerms | undefined): RuleTerms {
    let narrowed = this.#narrowed.get(terms);
    if (narrowed === undefined) {
      narrowed = { ...(terms ?? { action: { kind: 'list' } }), exceptBelow: this.#trees };
      this.#narrowed.set(terms, narrowed);
    }
    return narrowed;
  }

  #count(trigger: () => string, terms: RuleTerms | undefined): void {
    if (!this.#marking.isAllow && isException(terms)) this.exceptions.count++;
    else this.entries++;
    // Nearly every rule of every list: no text is made for it.
    if (terms === undefined && !this.#marking.isAllow) return;
    const text = markedText(this.#marking, trigger, terms);
    if (text !== undefined) this.exceptions.add(text);
  }
}

/** A name that the pattern matches and must not, or undefined. Once per refresh. */
const harmedBy = (pattern: RegExp, guards: readonly string[]): string | undefined => {
  for (const name of ORDINARY_NAMES) if (pattern.test(name)) return name;
  for (const guard of guards) {
    const tree = guard.startsWith('*.') ? guard.slice(2) : undefined;
    if (tree === undefined && pattern.test(guard)) return guard;
    const below =
      tree === undefined ? undefined : TREE_LABELS.find((label) => pattern.test(`${label}.${tree}`));
    if (below !== undefined) return `${below}.${tree}`;
  }
  return undefined;
};

/**
 * A few names stand for a tree when a pattern is judged; what it matches below the tree beside them is cut out of it.
 *
 * The condition stands behind the pattern, where only names that match pay for it.
 */
const excludeTrees = (pattern: RegExp, guards: readonly string[]): RegExp => {
  const trees = guards.filter((guard) => guard.startsWith('*.')).map((guard) => guard.slice(2));
  if (trees.length === 0) return pattern;
  const ends = trees.map((tree) => tree.replaceAll('.', '\\.').replaceAll('-', '\\x2d')).join('|');
  return new RegExp(`(?:${pattern.source})(?=[^]*$(?<!(?:^|\\.)(?:${ends})))`, pattern.flags);
};
