// Names: text, wire form, pointers and the limits of RFC 1035 section 3.1.
import { describe, expect, test } from 'vitest';
import {
  copyName,
  countLabels,
  expandName,
  foldName,
  formatName,
  isInZone,
  NAME_FAULT,
  NAME_LENGTH_MAX,
  nameEquals,
  nameFrom,
  parseName,
  skipLabels,
  skipName,
} from '../../../src/wire/dns/dns.ts';

const bytes = (...parts: (number | string)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...Buffer.from(part)])));

const expand = (message: Uint8Array, offset: number, end = message.length): number =>
  expandName(message, offset, end, new Uint8Array(NAME_LENGTH_MAX), 0);

/** Labels of `a` that make a name of exactly `length` bytes of wire form. */
const nameText = (length: number): string => {
  const labels: string[] = [];
  let left = length - 1;
  while (left > 0) {
    // A rest of one byte would be an empty label.
    const label = Math.min(63, left - 1, left === 65 ? 62 : 63);
    labels.push('a'.repeat(label));
    left -= label + 1;
  }
  return labels.join('.');
};

describe('parseName()', () => {
  test.each([
    ['.', [0]],
    ['', [0]],
    ['com', [3, 'com', 0]],
    ['com.', [3, 'com', 0]],
    ['www.Example.com.', [3, 'www', 7, 'Example', 3, 'com', 0]],
    ['a\\.b.c', [3, 'a.b', 1, 'c', 0]],
    ['a\\\\b', [3, 'a\\b', 0]],
    ['\\000\\255', [2, 0, 255, 0]],
    ['\\.', [1, '.', 0]],
    ['a\\032b', [3, 'a b', 0]],
    ['*.x', [1, '*', 1, 'x', 0]],
    ['a\\"b', [3, 'a"b', 0]],
    ['\\065\\0660', [3, 'AB0', 0]],
  ])('reads "%s"', (text, parts) => {
    expect(parseName(text)).toEqual(bytes(...parts));
  });

  test.each([
    ['..', 'empty-label'],
    ['.com', 'empty-label'],
    ['a..b', 'empty-label'],
    ['a.b..', 'empty-label'],
    [`${'a'.repeat(64)}.com`, 'label-too-long'],
    ['\\256', 'bad-escape'],
    ['a\\', 'bad-escape'],
    ['bücher.example', 'not-ascii'],
    ['a\u007f', 'not-ascii'],
    ['a\\ü', 'bad-escape-or-latin'],
  ])('refuses "%s": %s', (text, fault) => {
    // An escaped Latin-1 character has a code below 256 and is taken as that byte.
    if (fault === 'bad-escape-or-latin') expect(parseName(text)).toEqual(bytes(2, 'a', 0xfc, 0));
    else expect(parseName(text)).toBe(fault);
  });

  test('takes a label of 63 bytes and refuses one over 63 bytes', () => {
    expect(parseName('a'.repeat(63))).toHaveLength(65);
    expect(parseName('a'.repeat(64))).toBe('label-too-long');
    expect(parseName(`${'\\097'.repeat(63)}.`)).toHaveLength(65);
    expect(parseName(`${'\\097'.repeat(64)}.`)).toBe('label-too-long');
  });

  test('takes a name of 255 bytes, with or without its final dot, and refuses 256', () => {
    expect(parseName(nameText(255))).toHaveLength(255);
    expect(parseName(`${nameText(255)}.`)).toHaveLength(255);
    expect(parseName(nameText(256))).toBe('name-too-long');
    expect(parseName(`${nameText(256)}.`)).toBe('name-too-long');
    expect(parseName('a.'.repeat(127))).toHaveLength(255);
    expect(parseName('a.'.repeat(128))).toBe('name-too-long');
  });
});

describe('nameFrom()', () => {
  test('throws a TypeError for a text that is not a name', () => {
    expect(() => nameFrom('a..b')).toThrow(TypeError);
  });
});

describe('formatName()', () => {
  test.each([
    [[0], '.'],
    [[1, 'a', 0], 'a.'],
    [[3, 'a.b', 1, 'c', 0], 'a\\.b.c.'],
    [[2, 0, 255, 0], '\\000\\255.'],
    [[1, '.', 0], '\\..'],
    [[7, '"();@$\\', 0], '\\"\\(\\)\\;\\@\\$\\\\.'],
    [[3, ' \t\n', 0], '\\032\\009\\010.'],
  ])('%j', (parts, text) => {
    expect(formatName(bytes(...parts))).toBe(text);
  });

  test('takes a name inside other bytes and one that is cut off', () => {
    expect(formatName(bytes('xx', 1, 'a', 0, 'yy'), 2)).toBe('a.');
    expect(formatName(bytes(9, 'a'))).toBe('a.');
  });
});

describe('skipName() and expandName()', () => {
  //             0    1        5  6    7  8     10  11   12
  const message = bytes(3, 'com', 0, 1, 'a', 0xc0, 0, 1, 'b', 0xc0, 5);

  test.each([
    ['a plain name', 0, 5, 5],
    ['a name with a pointer', 5, 9, 7],
    ['a pointer to a pointer', 9, 13, 9],
    ['the root', 4, 5, 1],
  ])('%s', (_, offset, after, length) => {
    expect(skipName(message, offset, message.length)).toBe(after);
    expect(expand(message, offset)).toBe(length);
  });

  test('keep the letters of the message and follow pointers', () => {
    expect(copyName(message, 9, message.length)).toEqual(bytes(1, 'b', 1, 'a', 3, 'com', 0));
    expect(copyName(bytes(3, 'CoM', 0), 0, 5)).toEqual(bytes(3, 'CoM', 0));
  });

  test.each([
    ['nothing', [], 0, NAME_FAULT.TRUNCATED, NAME_FAULT.TRUNCATED],
    ['a label that overruns', [3, 'co'], 0, NAME_FAULT.TRUNCATED, NAME_FAULT.TRUNCATED],
    ['no root label', [3, 'com'], 0, NAME_FAULT.TRUNCATED, NAME_FAULT.TRUNCATED],
    ['half a pointer', [1, 'a', 0xc0], 0, NAME_FAULT.TRUNCATED, NAME_FAULT.TRUNCATED],
    ['label type 01', [0x41, 'a', 0], 0, NAME_FAULT.LABEL_TYPE, NAME_FAULT.LABEL_TYPE],
    ['label type 10', [0x80, 0], 0, NAME_FAULT.LABEL_TYPE, NAME_FAULT.LABEL_TYPE],
    ['a pointer to itself', [0xc0, 0], 0, 2, NAME_FAULT.POINTER],
    ['a pointer into its own run', [1, 'a', 0xc0, 0], 0, 4, NAME_FAULT.POINTER],
    ['a pointer forward', [0xc0, 2, 0], 0, 2, NAME_FAULT.POINTER],
    ['a pointer beyond the end', [0xff, 0xff], 0, 2, NAME_FAULT.POINTER],
    ['two pointers at each other', [0xc0, 2, 0xc0, 0], 2, 4, NAME_FAULT.POINTER],
    ['a pointer to a bad label', [0x80, 0xc0, 0], 1, 3, NAME_FAULT.LABEL_TYPE],
  ])('refuse %s', (_, parts, offset, skipped, expanded) => {
    const malformed = bytes(...parts);
    expect(skipName(malformed, offset, malformed.length)).toBe(skipped);
    expect(expand(malformed, offset)).toBe(expanded);
    expect(copyName(malformed, offset, malformed.length)).toBeUndefined();
  });

  test('take 255 bytes and refuse 256, also when a pointer joins the parts', () => {
    const longest = nameFrom(nameText(255));
    expect(skipName(longest, 0, 255)).toBe(255);
    expect(expand(longest, 0)).toBe(255);
    const joined = bytes(...longest, 0xc0, 0, 1, 'x', 0xc0, 0);
    expect(expand(joined, 255)).toBe(255);
    expect(expand(joined, 257)).toBe(NAME_FAULT.TOO_LONG);
    const labels = [63, 63, 63, 62].flatMap((length) => [length, ...Array<number>(length).fill(0x61)]);
    const byOne = bytes(...labels, 0);
    expect(byOne).toHaveLength(256);
    expect(skipName(byOne, 0, 256)).toBe(NAME_FAULT.TOO_LONG);
    expect(expand(byOne, 0)).toBe(NAME_FAULT.TOO_LONG);
    const tooLong = bytes(...Array<string>(128).fill('\u0001a'), 0);
    expect(skipName(tooLong, 0, tooLong.length)).toBe(NAME_FAULT.TOO_LONG);
    expect(expand(tooLong, 0)).toBe(NAME_FAULT.TOO_LONG);
  });

  test('stop at the end that was passed, not at the end of the buffer', () => {
    expect(skipName(message, 0, 4)).toBe(NAME_FAULT.TRUNCATED);
    expect(expand(message, 0, 4)).toBe(NAME_FAULT.TRUNCATED);
    expect(skipName(message, 5, 8)).toBe(NAME_FAULT.TRUNCATED);
  });

  test('end for the longest chain of pointers that a message can hold', () => {
    const chain = new Uint8Array(0x4000);
    for (let at = 2; at + 1 < chain.length; at += 2) {
      chain[at] = 0xc0 | ((at - 2) >> 8);
      chain[at + 1] = (at - 2) & 0xff;
    }
    expect(expand(chain, chain.length - 2)).toBe(NAME_FAULT.POINTER);
  });
});

describe('comparison', () => {
  test.each([
    ['www.example.com', 'WWW.eXample.COM', true],
    ['a.example', 'b.example', false],
    ['\\192.example', '\\224.example', false],
    ['[.example', '{.example', false],
    ['@.example', '`.example', false],
  ])('nameEquals(%s, %s) is %s', (a, b, expected) => {
    const [x, y] = [nameFrom(a), nameFrom(b)];
    expect(nameEquals(x, 0, y, 0, x.length)).toBe(expected);
  });

  test.each([
    ['www.example.com', 'example.com', true],
    ['example.com', 'EXAMPLE.com', true],
    ['example.com', '.', true],
    ['.', '.', true],
    ['com', 'example.com', false],
    ['notexample.com', 'example.com', false],
    ['x\\007example.com', 'example.com', false],
    ['example.com.net', 'example.com', false],
  ])('isInZone(%s, %s) is %s', (name, zone, expected) => {
    expect(isInZone(nameFrom(name), nameFrom(zone))).toBe(expected);
  });

  test('foldName() folds ASCII letters only', () => {
    const name = nameFrom('A[Z\\193@z.COM');
    foldName(name, 0, name.length);
    expect(formatName(name)).toBe('a[z\\193\\@z.com.');
  });
});

describe('labels', () => {
  test.each([
    ['.', 0],
    ['com', 1],
    ['a\\.b.com', 2],
    ['a.'.repeat(127), 127],
  ])('countLabels(%s) is %i', (text, count) => {
    expect(countLabels(nameFrom(text))).toBe(count);
  });

  test('skipLabels() returns the parents and stops at the root', () => {
    const name = nameFrom('a.bb.com');
    expect([0, 1, 2, 3, 4, 99].map((count) => formatName(skipLabels(name, count)))).toEqual([
      'a.bb.com.',
      'bb.com.',
      'com.',
      '.',
      '.',
      '.',
    ]);
  });
});
