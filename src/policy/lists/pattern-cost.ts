// What a regular expression may cost: the steps that a backtracking engine could take for the longest name.
import { type CharacterSet, firstOf, isAssertion, letsThrough, NONE, type Part } from './pattern-tree.ts';

/** Characters that one expression can need at least: counted repeats are unrolled when they are compiled. */
const WIDTH_MAX = 1_000;
/** Characters of a name in presentation form: 255 bytes less the root label and the first length byte. */
const NAME_TEXT_MAX = 253;

/** What a part can cost: steps in it, and ways on which the engine arrives behind it. */
interface Cost {
  readonly steps: number;
  readonly paths: number;
}

/** Steps for the worst name; infinite for an expression that is too wide. */
export const stepsOf = (part: Part): number => {
  if (widthOf(part) > WIDTH_MAX) return Number.POSITIVE_INFINITY;
  const starts = isAnchored(part) ? 1 : NAME_TEXT_MAX;
  return costOf(part, starts, NONE).steps;
};

const isAnchored = (part: Part | undefined): boolean => {
  if (part?.kind === 'sequence') return isAnchored(part.items[0]);
  return part?.kind === 'choice' ? part.options.every(isAnchored) : isAssertion(part, '^');
};

const widthOf = (part: Part): number => {
  if (part.kind === 'sequence') return part.items.reduce((sum, item) => sum + widthOf(item), 0);
  if (part.kind === 'choice') return part.options.reduce((sum, option) => sum + widthOf(option), 0);
  if (part.kind !== 'repeat') return 1;
  return widthOf(part.body) * (part.max === Number.POSITIVE_INFINITY ? part.min + 1 : part.max);
};

/**
 * The cost of a part that the engine enters on `paths` ways, when one of `follow` has to come behind it.
 *
 * A loop whose first character cannot come behind it has one way out: each shorter match fails at the next character.
 */
const costOf = (part: Part, paths: number, follow: CharacterSet): Cost => {
  if (part.kind === 'sequence') return sequenceCost(part.items, paths, follow);
  if (part.kind === 'choice') return choiceCost(part.options, paths, follow);
  if (part.kind !== 'repeat') return { steps: paths, paths };
  const first = firstOf(part.body, follow);
  const body = costOf(part.body, paths, first | follow);
  const rounds = Math.min(part.max, NAME_TEXT_MAX);
  const isDecided = (first & follow) === NONE;
  if (part.max <= 1) {
    return { steps: body.steps + paths, paths: isDecided ? body.paths : body.paths + paths };
  }
  const ways = isDecided ? 1 : rounds - Math.min(part.min, rounds) + 1;
  return { steps: body.steps * rounds, paths: paths * ways };
};

const sequenceCost = (items: readonly Part[], paths: number, follow: CharacterSet): Cost => {
  let steps = 0;
  let arriving = paths;
  const follows = followsOf(items, follow);
  for (const [index, item] of items.entries()) {
    const cost = costOf(item, arriving, follows[index] ?? follow);
    steps += cost.steps;
    arriving = cost.paths;
  }
  return { steps, paths: arriving };
};

/** What can come behind each item of a sequence, from its end. */
const followsOf = (items: readonly Part[], follow: CharacterSet): readonly CharacterSet[] => {
  const follows: CharacterSet[] = [];
  let next = follow;
  for (let index = items.length - 1; index >= 0; index--) {
    follows[index] = next;
    const item = items[index];
    if (item !== undefined) next = letsThrough(item) ? item.first | next : item.first;
  }
  return follows;
};

const choiceCost = (options: readonly Part[], paths: number, follow: CharacterSet): Cost => {
  let steps = 0;
  let sum = 0;
  let most = 0;
  let seen = NONE;
  let isDecided = true;
  for (const option of options) {
    const cost = costOf(option, paths, follow);
    steps += cost.steps;
    sum += cost.paths;
    most = Math.max(most, cost.paths);
    const first = firstOf(option, follow);
    if ((seen & first) !== NONE || option.isNullable) isDecided = false;
    seen |= first;
  }
  return { steps, paths: isDecided ? most : sum };
};
