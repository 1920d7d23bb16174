// The tree of a regular expression: sets of characters, sequences, choices and repeats.

/** A set of ASCII characters: bit n stands for character n. Presentation form has no others. */
export type CharacterSet = bigint;

/**
 * The tree of an expression. What is asked of a part is worked out as it is made, from its parts: an expression of n
 * characters may be n deep, and to look down from each level would cost the square.
 */
export type Part = SetPart | AssertionPart | SequencePart | ChoicePart | RepeatPart;

interface Traits {
  /** True when the empty text matches. */
  readonly isNullable: boolean;
  /** True when a match can take several ways: inside a loop that makes exponentially many. */
  readonly isVariable: boolean;
  /** The characters that a match can begin with; rather too many than too few. */
  readonly first: CharacterSet;
  /** True when a match can begin with what comes behind the part. */
  readonly isOpen: boolean;
}

interface SetPart extends Traits {
  readonly kind: 'set';
  readonly set: CharacterSet;
}
interface AssertionPart extends Traits {
  readonly kind: 'assertion';
  readonly text: Assertion;
}
export interface SequencePart extends Traits {
  readonly kind: 'sequence';
  readonly items: readonly Part[];
}
interface ChoicePart extends Traits {
  readonly kind: 'choice';
  readonly options: readonly Part[];
}
interface RepeatPart extends Traits {
  readonly kind: 'repeat';
  readonly body: Part;
  readonly min: number;
  /** Infinite for a loop without an end. */
  readonly max: number;
}

export type Assertion = '^' | '$' | '\\b' | '\\B';

/** Characters that there are. */
export const ASCII = 128;
export const ALL: CharacterSet = (1n << 128n) - 1n;
export const NONE: CharacterSet = 0n;

/** The characters from one code to another, letters folded. */
export const rangeOf = (first: number, last: number): CharacterSet => {
  const set = below(last + 1) & ~below(first);
  return (set & ~CAPITALS) | ((set & CAPITALS) << CASE_DISTANCE);
};

const below = (code: number): CharacterSet => (1n << BigInt(code)) - 1n;
const CAPITALS = below(0x5b) & ~below(0x41);
/** From a capital letter to the small one. */
const CASE_DISTANCE = 0x20n;

/** The characters of a text, letters folded. */
export const setOf = (characters: string): CharacterSet => {
  let set = NONE;
  for (const character of characters) set |= rangeOf(character.charCodeAt(0), character.charCodeAt(0));
  return set;
};

/** One character of a set. */
export const characterOf = (set: CharacterSet): Part => ({
  kind: 'set',
  set,
  isNullable: false,
  isVariable: false,
  first: set,
  isOpen: false,
});

export const assertionOf = (text: Assertion): Part => ({
  kind: 'assertion',
  text,
  isNullable: true,
  isVariable: false,
  first: text === '$' ? NONE : ALL,
  isOpen: false,
});

export const sequenceOf = (items: readonly Part[]): SequencePart => {
  let first = NONE;
  let isOpen = true;
  for (const item of items) {
    first |= item.first;
    isOpen = letsThrough(item);
    if (!isOpen) break;
  }
  return {
    kind: 'sequence',
    items,
    isNullable: items.every((item) => item.isNullable),
    isVariable: items.some((item) => item.isVariable),
    first,
    isOpen,
  };
};

/** True when a sequence can begin with what comes behind this item of it. */
export const letsThrough = (item: Part): boolean => item.kind !== 'assertion' && item.isNullable;

export const choiceOf = (options: readonly Part[]): Part => ({
  kind: 'choice',
  options,
  isNullable: options.some((option) => option.isNullable),
  isVariable: true,
  first: options.reduce((set, option) => set | option.first, NONE),
  isOpen: options.some((option) => option.isOpen),
});

export const repeatOf = (body: Part, min: number, max: number): Part => ({
  kind: 'repeat',
  body,
  min,
  max,
  isNullable: min === 0 || body.isNullable,
  isVariable: min !== max || body.isVariable,
  first: body.first,
  isOpen: min === 0 || body.isOpen,
});

/** The characters that a match of the part, with what follows it, can begin with; rather too many than too few. */
export const firstOf = (part: Part, follow: CharacterSet): CharacterSet =>
  part.isOpen ? part.first | follow : part.first;

export const isAssertion = (part: Part | undefined, text: string): boolean =>
  part?.kind === 'assertion' && part.text === text;
