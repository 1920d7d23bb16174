// Regular expressions of lists: a subset that is read here, with a bound on what one name may cost, then compiled.
//
// A list is not trusted with a backtracking engine: one line with nested quantifiers would stop the resolver. So each
// expression is parsed into a tree, the steps that the engine could take for the longest name are counted, and the
// RegExp is written anew from the tree; nothing of the list's text reaches the engine. Backreferences, lookaround,
// flags, names, collating elements, and repeated groups that vary inside are refused. Letters are folded, as names are.
// An expression is tried for questions, so its cost counts per query; reading it is once per refresh.

/** Expressions of one list: each is tried for every name that no name rule decides. */
export const PATTERN_COUNT_MAX = 1_000;
/** Bytes of one expression. */
export const PATTERN_LENGTH_MAX = 500;
/** Characters that one expression can need at least: counted repeats are unrolled when they are compiled. */
const WIDTH_MAX = 1_000;
/** Characters of a name in presentation form: 255 bytes less the root label and the first length byte. */
const NAME_TEXT_MAX = 253;
/** Steps of one expression for the worst name: about a millisecond. */
const STEPS_MAX = 1 << 19;
/** Steps of all expressions of a list for the worst name: about ten milliseconds, for a name made on purpose. */
const STEPS_TOTAL_MAX = 1 << 22;

/** Why an expression is not taken. */
export type PatternFault =
  | 'pattern-character'
  | 'pattern-construct'
  | 'pattern-cost'
  | 'pattern-count'
  | 'pattern-length'
  | 'pattern-syntax';

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

/** A set of ASCII characters: bit n stands for character n. Presentation form has no others. */
type CharacterSet = bigint;

/** The tree of an expression. */
type Part =
  | { readonly kind: 'set'; readonly set: CharacterSet }
  | { readonly kind: 'assertion'; readonly text: '^' | '$' | '\\b' | '\\B' }
  | { readonly kind: 'sequence'; readonly items: readonly Part[] }
  | { readonly kind: 'choice'; readonly options: readonly Part[] }
  | { readonly kind: 'repeat'; readonly body: Part; readonly min: number; readonly max: number };

const ASCII = 128;
const ALL: CharacterSet = (1n << 128n) - 1n;
const NONE: CharacterSet = 0n;

const rangeOf = (first: number, last: number): CharacterSet => {
  let set = NONE;
  for (let code = first; code <= last; code++) set |= 1n << BigInt(foldCode(code));
  return set;
};

const foldCode = (code: number): number => (code >= 0x41 && code <= 0x5a ? code + 0x20 : code);

const setOf = (characters: string): CharacterSet => {
  let set = NONE;
  for (const character of characters) set |= rangeOf(character.charCodeAt(0), character.charCodeAt(0));
  return set;
};

const DIGITS = setOf('0123456789');
const WORD = setOf('abcdefghijklmnopqrstuvwxyz0123456789_');
const NAME_CHARACTERS = WORD | setOf('-.');

const LETTERS = setOf('abcdefghijklmnopqrstuvwxyz');

/** The classes of POSIX inside brackets (`[[:alnum:]]`), as far as names are ASCII and folded. */
const POSIX_CLASSES: Readonly<Record<string, CharacterSet>> = {
  alnum: LETTERS | DIGITS,
  alpha: LETTERS,
  blank: setOf(' \t'),
  cntrl: rangeOf(0x00, 0x1f) | rangeOf(0x7f, 0x7f),
  digit: DIGITS,
  graph: rangeOf(0x21, 0x7e),
  lower: LETTERS,
  print: rangeOf(0x20, 0x7e),
  punct: rangeOf(0x21, 0x2f) | rangeOf(0x3a, 0x40) | rangeOf(0x5b, 0x60) | rangeOf(0x7b, 0x7e),
  space: rangeOf(0x09, 0x0d) | setOf(' '),
  upper: LETTERS,
  word: WORD,
  xdigit: DIGITS | setOf('abcdef'),
};

const CLASSES: Readonly<Record<string, CharacterSet>> = {
  d: DIGITS,
  D: ALL & ~DIGITS,
  w: WORD,
  W: ALL & ~WORD,
};

/** Recursive descent; the length of the text bounds the depth. */
class PatternParser {
  readonly #text: string;
  #at = 0;
  #fault: PatternFault | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Part | PatternFault {
    if (this.#text === '') return 'pattern-syntax';
    const part = this.#choice();
    if (this.#fault === undefined && this.#at < this.#text.length) this.#refuse('pattern-syntax');
    return this.#fault ?? trim(part);
  }

  /** Records the first fault and ends the reading. */
  #refuse(fault: PatternFault): void {
    this.#fault ??= fault;
    this.#at = this.#text.length;
  }

  #peek(): string {
    return this.#text[this.#at] ?? '';
  }

  #take(expected: string): boolean {
    if (!this.#text.startsWith(expected, this.#at)) return false;
    this.#at += expected.length;
    return true;
  }

  #choice(): Part {
    const options = [this.#sequence()];
    while (this.#take('|')) options.push(this.#sequence());
    const [only] = options;
    return options.length === 1 && only !== undefined ? only : { kind: 'choice', options };
  }

  #sequence(): Part {
    const items: Part[] = [];
    while (this.#at < this.#text.length && this.#peek() !== '|' && this.#peek() !== ')') {
      items.push(this.#quantified(this.#atom()));
    }
    return { kind: 'sequence', items };
  }

  #atom(): Part {
    const character = this.#peek();
    this.#at++;
    if (character === '^' || character === '$') return { kind: 'assertion', text: character };
    if (character === '.') return { kind: 'set', set: ALL };
    if (character === '[') return { kind: 'set', set: this.#class() };
    if (character === '(') return this.#group();
    if (character === '\\') return this.#escape();
    if ('*+?{}]'.includes(character)) this.#refuse('pattern-syntax');
    return this.#literal(character);
  }

  #literal(character: string): Part {
    const set = character < '\u0080' ? setOf(character) : NONE;
    if ((set & NAME_CHARACTERS) === NONE) this.#refuse('pattern-character');
    return { kind: 'set', set };
  }

  #group(): Part {
    if (!this.#take('?:') && this.#peek() === '?') this.#refuse('pattern-construct');
    const part = this.#choice();
    if (!this.#take(')')) this.#refuse('pattern-syntax');
    return part;
  }

  #escape(): Part {
    const character = this.#peek();
    this.#at++;
    if (character === 'b' || character === 'B') return { kind: 'assertion', text: `\\${character}` };
    const set = CLASSES[character];
    if (set !== undefined) return { kind: 'set', set };
    if (character === '') this.#refuse('pattern-syntax');
    else if (/[a-zA-Z0-9]/.test(character)) this.#refuse('pattern-construct');
    return this.#literal(character);
  }

  #class(): CharacterSet {
    const isNegated = this.#take('^');
    let set = NONE;
    while (this.#fault === undefined && !this.#take(']')) {
      if (this.#peek() === '') this.#refuse('pattern-syntax');
      else set |= this.#classItem();
    }
    // An empty class is a literal bracket in some dialects and matches nothing in others.
    if (set === NONE) this.#refuse('pattern-syntax');
    return isNegated ? ALL & ~set : set;
  }

  #classItem(): CharacterSet {
    const posix = /^\[:([a-z]+):\]/.exec(this.#text.slice(this.#at));
    const named = posix === null ? undefined : POSIX_CLASSES[posix[1] ?? ''];
    if (posix !== null && named !== undefined) {
      this.#at += posix[0].length;
      return named;
    }
    if (/^\[[:.=]/.test(this.#text.slice(this.#at, this.#at + 2))) this.#refuse('pattern-construct');
    const first = this.#classCharacter();
    if (typeof first === 'bigint') return first;
    if (this.#peek() !== '-' || this.#text[this.#at + 1] === ']') return rangeOf(first, first);
    this.#at++;
    const last = this.#classCharacter();
    if (typeof last === 'number' && first <= last) return rangeOf(first, last);
    this.#refuse('pattern-syntax');
    return NONE;
  }

  #classCharacter(): number | CharacterSet {
    const isEscaped = this.#take('\\');
    const character = this.#peek();
    this.#at++;
    const set = isEscaped ? CLASSES[character] : undefined;
    if (set !== undefined) return set;
    if (isEscaped && /[a-zA-Z0-9]/.test(character)) this.#refuse('pattern-construct');
    if (character === '') this.#refuse('pattern-syntax');
    if (character >= '\u0080') this.#refuse('pattern-character');
    return character === '' ? NONE : Math.min(character.charCodeAt(0), ASCII - 1);
  }

  #quantified(body: Part): Part {
    const bounds = this.#quantifier();
    if (bounds === undefined) return body;
    // Lazy or not concerns where a match ends, and only whether there is one counts.
    this.#take('?');
    const [min, max] = bounds;
    const isLoop = max > 1;
    if (body.kind === 'assertion' || min > max) this.#refuse('pattern-syntax');
    else if (isLoop && (isVariable(body) || isNullable(body))) this.#refuse('pattern-cost');
    if (/[*+?{]/.test(this.#peek())) this.#refuse('pattern-construct');
    return { kind: 'repeat', body, min, max };
  }

  /** The bounds of the quantifier that stands here. */
  #quantifier(): readonly [number, number] | undefined {
    if (this.#take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.#take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.#take('?')) return [0, 1];
    if (!this.#take('{')) return undefined;
    const found = /^(\d{1,4})(?:(,)(\d{1,4})?)?\}/.exec(this.#text.slice(this.#at));
    if (found === null) {
      this.#refuse('pattern-syntax');
      return undefined;
    }
    const [all, least = '', comma, most] = found;
    this.#at += all.length;
    const min = Number(least);
    if (most !== undefined) return [min, Number(most)];
    return [min, comma === undefined ? min : Number.POSITIVE_INFINITY];
  }
}

/** True when a match of the part can take several ways: inside a loop that makes exponentially many. */
const isVariable = (part: Part): boolean => {
  if (part.kind === 'sequence') return part.items.some(isVariable);
  if (part.kind === 'repeat') return part.min !== part.max || isVariable(part.body);
  return part.kind === 'choice';
};

const isNullable = (part: Part): boolean => {
  if (part.kind === 'sequence') return part.items.every(isNullable);
  if (part.kind === 'choice') return part.options.some(isNullable);
  if (part.kind === 'repeat') return part.min === 0 || isNullable(part.body);
  return part.kind === 'assertion';
};

/**
 * Shortens what stands at an open end: an expression may match anywhere in the name, so as few rounds as a loop needs
 * there match no less than more of them. `.*` beside its anchor makes an open end as well.
 */
const trim = (part: Part): Part => {
  if (part.kind === 'choice') return { kind: 'choice', options: part.options.map(trim) };
  if (part.kind !== 'sequence') return part;
  const items = [...part.items];
  while (isAssertion(items[0], '^') ? isAny(items[1]) : isOptional(items[0])) {
    items.splice(0, isAssertion(items[0], '^') ? 2 : 1);
  }
  while (isAssertion(items.at(-1), '$') ? isAny(items.at(-2)) : isOptional(items.at(-1))) {
    items.splice(isAssertion(items.at(-1), '$') ? -2 : -1);
  }
  if (items[0] !== undefined) items[0] = withoutExtraRounds(items[0]);
  const last = items.at(-1);
  if (last !== undefined) items[items.length - 1] = withoutExtraRounds(last);
  return { kind: 'sequence', items };
};

const isAssertion = (part: Part | undefined, text: string): boolean =>
  part?.kind === 'assertion' && part.text === text;

const isOptional = (part: Part | undefined): boolean => part?.kind === 'repeat' && part.min === 0;

const isAny = (part: Part | undefined): boolean =>
  part?.kind === 'repeat' &&
  part.min === 0 &&
  part.max === Number.POSITIVE_INFINITY &&
  part.body.kind === 'set' &&
  part.body.set === ALL;

const withoutExtraRounds = (part: Part): Part => {
  if (part.kind !== 'repeat') return part;
  return part.min === 1 ? part.body : { ...part, max: part.min };
};

/** What a part can cost: steps in it, and ways on which the engine arrives behind it. */
interface Cost {
  readonly steps: number;
  readonly paths: number;
}

const stepsOf = (part: Part): number => {
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

const setSource = (set: CharacterSet): string => {
  if (set === ALL) return '[^]';
  const ranges: string[] = [];
  let count = 0;
  let last = 0;
  for (let code = 0; code < ASCII; code++) {
    if (!holds(set, code)) continue;
    const first = code;
    while (holds(set, code + 1)) code++;
    ranges.push(first === code ? codeSource(first) : `${codeSource(first)}-${codeSource(code)}`);
    count += code - first + 1;
    last = code;
  }
  if (count > 1) return `[${ranges.join('')}]`;
  const only = String.fromCharCode(last);
  return only === '-' ? only : only === '.' ? '\\.' : ranges.join('');
};

const holds = (set: CharacterSet, code: number): boolean => (set & (1n << BigInt(code))) !== NONE;

/** A character inside brackets. */
const codeSource = (code: number): string => {
  const character = String.fromCharCode(code);
  if (/[a-z0-9_.]/.test(character)) return character;
  return character === '-' ? '\\-' : `\\x${code.toString(16).padStart(2, '0')}`;
};
