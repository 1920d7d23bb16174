// What a regular expression may cost: the steps that a backtracking engine could take for the longest name.
import { ALL, type CharacterSet, isAssertion, isNullable, NONE, type Part } from './pattern-tree.ts';

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
  for (const [index, item] of items.entries()) {
    const rest: Part = { kind: 'sequence', items: items.slice(index + 1) };
    const cost = costOf(item, arriving, firstOf(rest, follow));
    steps += cost.steps;
    arriving = cost.paths;
  }
  return { steps, paths: arriving };
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
    if ((seen & first) !== NONE || isNullable(option)) isDecided = false;
    seen |= first;
  }
  return { steps, paths: isDecided ? most : sum };
};

/** The characters that a match of the part, with what follows it, can begin with; rather too many than too few. */
const firstOf = (part: Part, follow: CharacterSet): CharacterSet => {
  if (part.kind === 'set') return part.set;
  if (part.kind === 'assertion') return part.text === '$' ? NONE : ALL;
  if (part.kind === 'choice') {
    return part.options.reduce((set, option) => set | firstOf(option, follow), NONE);
  }
  if (part.kind === 'repeat') return firstOf(part.body, follow) | (part.min === 0 ? follow : NONE);
  let set = NONE;
  for (const item of part.items) {
    set |= firstOf(item, NONE);
    if (item.kind === 'assertion' || !isNullable(item)) return set;
  }
  return set | follow;
};
