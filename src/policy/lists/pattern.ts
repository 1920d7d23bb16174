// Regular expressions of lists: a subset that is read here, with a bound on what one name may cost, then compiled.
//
// A list is not trusted with a backtracking engine: one line with nested quantifiers would stop the resolver. So each
// expression is parsed into a tree, the steps that the engine could take for the longest name are counted, and the
// RegExp is written anew from the tree; nothing of the list's text reaches the engine. Backreferences, lookaround,
// flags, names, collating elements, and repeated groups that vary inside are refused. Letters are folded, as names are.
// An expression is tried for questions, so its cost counts per query; reading it is once per refresh.

import { stepsOf } from './pattern-cost.ts';
import { type PatternFault, PatternParser } from './pattern-parser.ts';
import { ALL, ASCII, type CharacterSet, NONE, type Part } from './pattern-tree.ts';

/** Expressions of one list: each is tried for every name that no name rule decides. */
export const PATTERN_COUNT_MAX = 1_000;
/** Bytes of one expression. */
export const PATTERN_LENGTH_MAX = 500;
/** Steps of one expression for the worst name: about a millisecond. */
const STEPS_MAX = 1 << 19;
/** Steps of all expressions of a list for the worst name: about ten milliseconds, for a name made on purpose. */
const STEPS_TOTAL_MAX = 1 << 22;

/** Reads the expressions of one list, within the bounds of a list. */
export class PatternReader {
  #count = 0;
  #steps = 0;

  /** Reads the text between the slashes. Returns the compiled expression, or why it is refused. */
  read(text: string): RegExp | PatternFault {
    if (this.#count >= PATTERN_COUNT_MAX) return 'pattern-count';
    if (Buffer.byteLength(text) > PATTERN_LENGTH_MAX) return 'pattern-length';
    const parsed = new PatternParser(text).parse();
    if (typeof parsed === 'string') return parsed;
    const steps = stepsOf(parsed);
    if (steps > STEPS_MAX || this.#steps + steps > STEPS_TOTAL_MAX) return 'pattern-cost';
    this.#count++;
    this.#steps += steps;
    return new RegExp(sourceOf(parsed), 'u');
  }
}

const sourceOf = (part: Part): string => {
  if (part.kind === 'set') return setSource(part.set);
  if (part.kind === 'assertion') return part.text;
  if (part.kind === 'sequence') {
    return part.items
      .map((item) => (item.kind === 'choice' ? `(?:${sourceOf(item)})` : sourceOf(item)))
      .join('');
  }
  if (part.kind === 'choice') return part.options.map(sourceOf).join('|');
  const body = part.body.kind === 'set' ? sourceOf(part.body) : `(?:${sourceOf(part.body)})`;
  return body + quantifierSource(part.min, part.max);
};

const quantifierSource = (min: number, max: number): string => {
  if (max === 1 && min === 0) return '?';
  if (max !== Number.POSITIVE_INFINITY) return min === max ? `{${min}}` : `{${min},${max}}`;
  return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`;
};

const WORD_BITS = 32;
/** A set as numbers: to ask a large integer for each of its bits costs as much as its length each time. */
const setWords = new Uint32Array(ASCII / WORD_BITS);

/** How sets of one character are written, nearly all that there are. */
const singleSources = new Map<CharacterSet, string>();

const setSource = (set: CharacterSet): string => {
  if (set === ALL) return '[^]';
  // A class may leave nothing out, `[^\w\W]`: written as nothing it would match everywhere.
  if (set === NONE) return '[]';
  const known = singleSources.get(set);
  if (known !== undefined) return known;
  for (let i = 0; i < setWords.length; i++)
    setWords[i] = Number(BigInt.asUintN(WORD_BITS, set >> BigInt(i * WORD_BITS)));
  const ranges: string[] = [];
  let count = 0;
  let last = 0;
  for (let code = 0; code < ASCII; code++) {
    if (!holds(code)) continue;
    const first = code;
    while (holds(code + 1)) code++;
    ranges.push(first === code ? codeSource(first) : `${codeSource(first)}-${codeSource(code)}`);
    count += code - first + 1;
    last = code;
  }
  if (count > 1) return `[${ranges.join('')}]`;
  const only = String.fromCharCode(last);
  const source = only === '-' ? only : only === '.' ? '\\.' : ranges.join('');
  singleSources.set(set, source);
  return source;
};

/** True when the set that was taken apart last has a character. */
const holds = (code: number): boolean =>
  (((setWords[code >>> 5] ?? 0) >>> (code & (WORD_BITS - 1))) & 1) === 1;

/** A character inside brackets. */
const codeSource = (code: number): string => {
  const character = String.fromCharCode(code);
  if (/[a-z0-9_.]/.test(character)) return character;
  return character === '-' ? '\\-' : `\\x${code.toString(16).padStart(2, '0')}`;
};
