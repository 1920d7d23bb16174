// Which rules of a list never count, because an earlier one for the same decides whatever they would.
//
// A look-up meets all rules for a name or prefix that it finds. What a list says a hundred thousand times, or in a hundred
// thousand ways of which the first stands, is therefore left out when a table is built.
import { type RuleTerms, weightOf } from './rule.ts';

/** Which of two rules of one list for the same ever counts, by the indexes of their terms; 0 is a plain rule. */
export class Standing {
  readonly #weights: readonly number[];
  /** What has the same number concerns the same questions; 0: all of them. */
  readonly #conditions: readonly number[];

  constructor(terms: readonly RuleTerms[]) {
    const exceptions = new Map<readonly Uint8Array[], number>();
    this.#weights = [0, ...terms.map(weightOf)];
    this.#conditions = [
      0,
      ...terms.map(({ types, clients, exceptBelow }, index) => {
        if (types !== undefined || clients !== undefined) return index + 1;
        if (exceptBelow === undefined) return 0;
        const known = exceptions.get(exceptBelow) ?? index + 1;
        exceptions.set(exceptBelow, known);
        return known;
      }),
    ];
  }

  /** True when the rule that is met first leaves nothing to the second. */
  outranks(first: number, second: number): boolean {
    const condition = this.#conditions[first];
    const isAsWide = condition === 0 || condition === this.#conditions[second];
    return isAsWide && (this.#weights[first] ?? 0) >= (this.#weights[second] ?? 0);
  }
}
