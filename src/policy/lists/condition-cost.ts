// What conditions cost a query: all rules for one name are looked at when it is asked, and each prefix and name in them.
//
// Without a bound the author of a list would decide how long each query for a name takes. So the steps of conditions are
// counted by name, as those of expressions are (pattern-cost.ts), and a rule that is over the bound is refused with its line.
import type { RuleTerms } from '../policy.ts';
import { isConditional } from './rule-terms.ts';

/**
 * Steps of the conditions of one name, and of those of all expressions of a list, of which any may match: a quarter of a
 * millisecond. Above what a line of clients can hold, so that only many rules for one name come to it.
 */
const STEPS_MAX = 8192;
/** A rule before its first condition, in steps: a prefix or a name is one. */
const RULE_STEPS = 4;
/** Types that are compared within a step. */
const TYPES_PER_STEP = 16;

/** The steps of one list. */
export class ConditionCost {
  /** By the folded wire name; of rules with conditions, of which lists have few. */
  readonly #ofNames = new Map<string, number>();
  #ofPatterns = 0;

  /** Counts a rule for the name of `length` bytes; false where it is over the bound, and is not to be taken. */
  takeName(name: Uint8Array, length: number, terms: RuleTerms | undefined): boolean {
    if (terms === undefined || !isConditional(terms)) return true;
    const key = Buffer.from(name.buffer, name.byteOffset, length).toString('latin1');
    const steps = (this.#ofNames.get(key) ?? 0) + stepsOf(terms);
    if (steps > STEPS_MAX) return false;
    this.#ofNames.set(key, steps);
    return true;
  }

  /** As takeName(), for an expression. */
  takePattern(terms: RuleTerms | undefined): boolean {
    if (terms === undefined || !isConditional(terms)) return true;
    const steps = this.#ofPatterns + stepsOf(terms);
    if (steps > STEPS_MAX) return false;
    this.#ofPatterns = steps;
    return true;
  }
}

const stepsOf = ({ types, clients, exceptBelow }: RuleTerms): number =>
  RULE_STEPS +
  (clients?.prefixes.length ?? 0) +
  (exceptBelow?.length ?? 0) +
  Math.ceil((types?.types.length ?? 0) / TYPES_PER_STEP);
