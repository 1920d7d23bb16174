// The tree of a regular expression: sets of characters, sequences, choices and repeats.

/** A set of ASCII characters: bit n stands for character n. Presentation form has no others. */
export type CharacterSet = bigint;

/** The tree of an expression. */
export type Part =
  | { readonly kind: 'set'; readonly set: CharacterSet }
  | { readonly kind: 'assertion'; readonly text: '^' | '$' | '\\b' | '\\B' }
  | { readonly kind: 'sequence'; readonly items: readonly Part[] }
  | { readonly kind: 'choice'; readonly options: readonly Part[] }
  | { readonly kind: 'repeat'; readonly body: Part; readonly min: number; readonly max: number };

/** Characters that there are. */
export const ASCII = 128;
export const ALL: CharacterSet = (1n << 128n) - 1n;
export const NONE: CharacterSet = 0n;

/** The characters from one code to another, letters folded. */
export const rangeOf = (first: number, last: number): CharacterSet => {
  let set = NONE;
  for (let code = first; code <= last; code++) set |= 1n << BigInt(foldCode(code));
  return set;
};

const foldCode = (code: number): number => (code >= 0x41 && code <= 0x5a ? code + 0x20 : code);

/** The characters of a text, letters folded. */
export const setOf = (characters: string): CharacterSet => {
  let set = NONE;
  for (const character of characters) set |= rangeOf(character.charCodeAt(0), character.charCodeAt(0));
  return set;
};

/** True when a match of the part can take several ways: inside a loop that makes exponentially many. */
export const isVariable = (part: Part): boolean => {
  if (part.kind === 'sequence') return part.items.some(isVariable);
  if (part.kind === 'repeat') return part.min !== part.max || isVariable(part.body);
  return part.kind === 'choice';
};

/** True when the empty text matches. */
export const isNullable = (part: Part): boolean => {
  if (part.kind === 'sequence') return part.items.every(isNullable);
  if (part.kind === 'choice') return part.options.some(isNullable);
  if (part.kind === 'repeat') return part.min === 0 || isNullable(part.body);
  return part.kind === 'assertion';
};

export const isAssertion = (part: Part | undefined, text: string): boolean =>
  part?.kind === 'assertion' && part.text === text;
