// Reads the text of a regular expression into its tree, or says why it is refused. Recursive descent; the length of the
// text bounds the depth.
import {
  ALL,
  ASCII,
  assertionOf,
  type CharacterSet,
  characterOf,
  choiceOf,
  isAssertion,
  NONE,
  type Part,
  rangeOf,
  repeatOf,
  sequenceOf,
  setOf,
} from './pattern-tree.ts';

/** Why an expression is not taken. */
export type PatternFault =
  | 'pattern-character'
  | 'pattern-construct'
  | 'pattern-cost'
  | 'pattern-count'
  | 'pattern-length'
  | 'pattern-syntax';

const DIGITS = setOf('0123456789');
const WORD = setOf('abcdefghijklmnopqrstuvwxyz0123456789_');
const NAME_CHARACTERS = WORD | setOf('-.');

/** What stands for itself, by its code: nearly all of an expression. Only characters of names can match. */
const LITERALS: readonly (Part | undefined)[] = Array.from({ length: ASCII }, (_, code) => {
  const set = rangeOf(code, code);
  return (set & NAME_CHARACTERS) === NONE ? undefined : characterOf(set);
});
const NOTHING = characterOf(NONE);

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

/** Reads one expression. */
export class PatternParser {
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
    return options.length === 1 && only !== undefined ? only : choiceOf(options);
  }

  #sequence(): Part {
    const items: Part[] = [];
    while (this.#at < this.#text.length && this.#peek() !== '|' && this.#peek() !== ')') {
      items.push(this.#quantified(this.#atom()));
    }
    return sequenceOf(items);
  }

  #atom(): Part {
    const character = this.#peek();
    this.#at++;
    if (character === '^' || character === '$') return assertionOf(character);
    if (character === '.') return characterOf(ALL);
    if (character === '[') return characterOf(this.#class());
    if (character === '(') return this.#group();
    if (character === '\\') return this.#escape();
    if ('*+?{}]'.includes(character)) this.#refuse('pattern-syntax');
    return this.#literal(character);
  }

  #literal(character: string): Part {
    const part = LITERALS[character.charCodeAt(0)];
    if (part === undefined) this.#refuse('pattern-character');
    return part ?? NOTHING;
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
    if (character === 'b' || character === 'B') return assertionOf(`\\${character}`);
    const set = CLASSES[character];
    if (set !== undefined) return characterOf(set);
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
    else if (isLoop && (body.isVariable || body.isNullable)) this.#refuse('pattern-cost');
    if (/[*+?{]/.test(this.#peek())) this.#refuse('pattern-construct');
    return repeatOf(body, min, max);
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

/**
 * Shortens what stands at an open end: an expression may match anywhere in the name, so as few rounds as a loop needs
 * there match no less than more of them. `.*` beside its anchor makes an open end as well.
 */
const trim = (part: Part): Part => {
  if (part.kind === 'choice') return choiceOf(part.options.map(trim));
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
  return sequenceOf(items);
};

const isOptional = (part: Part | undefined): boolean => part?.kind === 'repeat' && part.min === 0;

const isAny = (part: Part | undefined): boolean =>
  part?.kind === 'repeat' &&
  part.min === 0 &&
  part.max === Number.POSITIVE_INFINITY &&
  part.body.kind === 'set' &&
  part.body.set === ALL;

const withoutExtraRounds = (part: Part): Part => {
  if (part.kind !== 'repeat') return part;
  return part.min === 1 ? part.body : repeatOf(part.body, part.min, part.min);
};
