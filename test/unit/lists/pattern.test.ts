import { describe, expect, it } from 'vitest';
import { PATTERN_COUNT_MAX, PATTERN_LENGTH_MAX, PatternReader } from '../../../src/policy/lists/pattern.ts';

const read = (text: string): RegExp | string => new PatternReader().read(text);

const compile = (text: string): RegExp => {
  const pattern = read(text);
  if (typeof pattern === 'string') throw new Error(`${text}: ${pattern}`);
  return pattern;
};

/** Numbers that are the same in each run (a linear congruential generator). */
const createNumbers = (): ((below: number) => number) => {
  let state = 1;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
};

const ATOMS = [
  ...['a', 'b', '-', '\\.', '.', '[ab]', '[^a]', '\\d', '(a|b)', '(?:ab?)', '(b|a\\.)', '(.*\\.)'],
  // Classes that hold everything, and nothing.
  ...['[\\w\\W]', '[^\\w\\W]', '[^\\d\\D]'],
];
const ASSERTIONS = ['^', '$', '\\b', '\\B'];
const QUANTIFIERS = ['', '', '', '*', '+', '?', '{2}', '{1,3}', '{0,2}', '*?', '{2,}'];

describe('PatternReader', () => {
  it('read() compiles what matches the same names as the text itself', () => {
    const next = createNumbers();
    const pick = (texts: readonly string[]) => texts[next(texts.length)] ?? '';
    const names = Array.from({ length: 200 }, () =>
      Array.from({ length: 1 + next(10) }, () => pick(['a', 'b', '-', '.', '0'])).join(''),
    );
    let taken = 0;
    for (let round = 0; round < 5_000; round++) {
      const parts = Array.from({ length: 1 + next(6) }, () =>
        next(5) === 0 ? pick(ASSERTIONS) : pick(ATOMS) + pick(QUANTIFIERS) + (next(8) === 0 ? '|' : ''),
      );
      const text = parts.join('');
      const pattern = read(text);
      if (typeof pattern === 'string') continue;
      taken++;
      const reference = new RegExp(text, 'u');
      const differing = names.filter((name) => reference.test(name) !== pattern.test(name));
      expect({ text, pattern: String(pattern), differing }).toMatchObject({ differing: [] });
    }
    expect(taken).toBeGreaterThan(1_000);
  });

  it.each([
    ['letters', 'TikTok', 'tiktok'],
    ['letters of a range', '[A-F]x', 'fx'],
    ['an escaped slash away', '\\/?ads', 'ads'],
  ])('read() folds %s', (_, text, name) => {
    if (text.includes('/')) expect(read(text)).toBe('pattern-character');
    else expect(compile(text).test(name)).toBe(true);
  });

  it.each([
    ['[[:alnum:]]', 'a0', '-._'],
    ['[[:alpha:]]', 'az', '0-'],
    ['[[:digit:]]', '09', 'a.'],
    ['[[:xdigit:]]', 'af0', 'g-'],
    ['[[:punct:]]', '.-_', 'a0'],
    ['[[:upper:]]', 'az', '0.'],
    ['[^[:space:]]', 'a.-', ''],
    ['[-_[:digit:]]', '-_7', 'a.'],
  ])('read() takes the class %s of POSIX', (text, inside, outside) => {
    const pattern = compile(`^${text}$`);
    expect([...inside].filter((character) => !pattern.test(character))).toEqual([]);
    expect([...outside].filter((character) => pattern.test(character))).toEqual([]);
  });

  it('read() takes expressions up to their length and their number, and no more', () => {
    const reader = new PatternReader();
    expect(reader.read(`^${'a'.repeat(PATTERN_LENGTH_MAX - 1)}`)).toBeInstanceOf(RegExp);
    expect(reader.read(`^${'a'.repeat(PATTERN_LENGTH_MAX)}`)).toBe('pattern-length');
    for (let i = 1; i < PATTERN_COUNT_MAX; i++) expect(reader.read(`^ads${i}\\.`)).toBeInstanceOf(RegExp);
    expect(reader.read('^ads')).toBe('pattern-count');
  });

  it('read() bounds the cost of all expressions of a list together', () => {
    const reader = new PatternReader();
    const results = Array.from({ length: 100 }, (_, i) => reader.read(`a.*b${i}`));
    expect(results[0]).toBeInstanceOf(RegExp);
    expect(results.at(-1)).toBe('pattern-cost');
    expect(reader.read('^cheap\\.')).toBeInstanceOf(RegExp);
  });

  it.each([
    '(a+)+$',
    '(a*)*$',
    '(a|a)*$',
    '(a|aa)+$',
    '([a-z]+[0-9]?)*$',
    '((a?){5}){5}$',
    '(a?){30}a{30}$',
    '.+.+.+.+x',
    '^(.*a){12}$',
    '^a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?aaaaaaaaaaaaaaaaaaaaaaaaaaa$',
    '(a|b|ab)(a|b|ab)(a|b|ab)(a|b|ab)(a|b|ab)(a|b|ab)(a|b|ab)(a|b|ab)(a|b|ab)(a|b|ab)(a|b|ab)(a|b|ab)c',
    '((((a{200}){200}){200}){200})',
  ])('read() refuses %s for its cost', (text) => {
    expect(read(text)).toBe('pattern-cost');
  });

  it('read() is not stopped by deep nesting', () => {
    expect(read(`${'('.repeat(249)}a${')'.repeat(249)}`)).toBeInstanceOf(RegExp);
    expect(read('('.repeat(500))).toBe('pattern-syntax');
  });
});
