// Texts of anybody: what is nested without end is a fault at its place, costs no more than its bytes, and ends nothing.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readYaml } from '../../../src/base/yaml/yaml.ts';
import { parseCordonList } from '../../../src/policy/lists/cordon-format.ts';

const DEEP: readonly (readonly [string, string])[] = [
  ['dashes', `${'- '.repeat(100_000)}a`],
  ['dashes and a line behind', `${'- '.repeat(3_000)}\na`],
  ['questions', `${'? '.repeat(100_000)}a`],
  ['colons', `${': '.repeat(100_000)}a`],
  ['brackets', '['.repeat(100_000)],
  ['braces', '{a: '.repeat(100_000)],
  ['both', '[{a: '.repeat(50_000)],
  ['maps, a column each', Array.from({ length: 3_000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
  ['lists in maps', Array.from({ length: 2_000 }, (_, i) => `${'  '.repeat(i)}- a:`).join('\n')],
  ['brackets below dashes', `${'- '.repeat(60)}${'['.repeat(40)}`],
  [
    'in the middle of a list',
    `id: a\ntitle: b\nentries:\n  - { suffix: a.example, owner: ${'['.repeat(5_000)} }`,
  ],
];

test.for(DEEP)('%s are too deep, and nothing of the text is read', ([, text]) => {
  const { raw, faults } = readYaml(text);
  expect(raw).toBeUndefined();
  expect(faults).toMatchObject([{ kind: 'syntax', text: 'maps or lists are nested too deeply' }]);
  const { header, log } = parseCordonList(Buffer.from(text));
  expect(header).toBeUndefined();
  expect(log.count).toBeGreaterThan(0);
});

test('the place is told', () => {
  const { faults } = readYaml(`a: 1\nb:\n  - ${'['.repeat(40)}`);
  expect(faults).toMatchObject([{ line: 3, column: 37 }]);
});

test.for([
  ['quotes', "a: '[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[['", { a: '['.repeat(44) }],
  ['comments', `a: 1 # ${'['.repeat(50)}`, { a: 1 }],
  [
    'regular expressions',
    Array.from({ length: 50 }, () => "- '[{a'").join('\n'),
    Array.from({ length: 50 }, () => '[{a'),
  ],
  ['many that are closed', `[${'[a], '.repeat(200)}]`, Array.from({ length: 200 }, () => ['a'])],
  [
    'columns that people use',
    `a:\n  b:\n    c:\n      - d: [e, { f: [g] }]`,
    { a: { b: { c: [{ d: ['e', { f: ['g'] }] }] } } },
  ],
] as const)('%s are not depth', ([, text, value]) => {
  expect(readYaml(text)).toMatchObject({ raw: value, faults: [] });
});

test('no text ends the reader', () => {
  const piece = fc.constantFrom(
    '- ',
    '? ',
    ': ',
    '[',
    ']',
    '{',
    '}',
    'a',
    'a: ',
    '\n',
    '  ',
    "'",
    '"',
    '#',
    '|\n',
    '&a ',
    '*a',
    '!t ',
    ',',
    '\t',
    '---\n',
    '%',
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(piece, fc.integer({ min: 1, max: 60 })), { maxLength: 60 }), (pieces) => {
      const text = pieces.map(([one, times]) => one.repeat(times)).join('');
      readYaml(text);
      parseCordonList(Buffer.from(text));
    }),
    { numRuns: 400 },
  );
});
