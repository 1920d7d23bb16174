// Parts of lists: how many rules of each are asked, and which.
import { createRandom } from './spelling.ts';

/** Rules of one list, of which `count` are asked. */
export interface Slice<Rule> {
  readonly rules: readonly Rule[];
  readonly count: number;
}

/** Rules of all lists. */
export const sizeOf = (lists: readonly (readonly unknown[])[]): number =>
  lists.reduce((sum, { length }) => sum + length, 0);

/** Rules that are asked. */
export const countOf = (slices: readonly Slice<unknown>[]): number =>
  slices.reduce((sum, { count }) => sum + count, 0);

/** Divides a number among lists evenly, as far as they have that many; the rest goes to the larger ones. */
export const divide = <Rule>(lists: readonly (readonly Rule[])[], number: number): readonly Slice<Rule>[] => {
  const counts = new Map<readonly Rule[], number>();
  let rest = number;
  const ascending = [...lists].sort((a, b) => a.length - b.length);
  for (const [index, rules] of ascending.entries()) {
    const count = Math.min(rules.length, Math.ceil(rest / (ascending.length - index)));
    counts.set(rules, count);
    rest -= count;
  }
  return lists.map((rules) => ({ rules, count: counts.get(rules) ?? 0 }));
};

/** The rules that are asked, others for each seed, each once. */
export function* chooseRules<Rule>(slices: readonly Slice<Rule>[], seed: number): Generator<Rule> {
  for (const [index, { rules, count }] of slices.entries()) {
    if (count === rules.length) {
      yield* rules;
      continue;
    }
    const random = createRandom(seed + index);
    const start = Math.floor(random() * rules.length);
    const step = coprimeStep(rules.length, random);
    for (let i = 0; i < count; i++) {
      const rule = rules[(start + i * step) % rules.length];
      if (rule !== undefined) yield rule;
    }
  }
}

/** A step that meets every one of `count` places. */
const coprimeStep = (count: number, random: () => number): number => {
  let step = 1 + Math.floor(random() * (count - 1));
  while (greatestDivisor(step, count) !== 1) step++;
  return step;
};

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b));
