// What the pages compute without a browser: places in charts, what was asked for, requests, texts.
import { describe, expect, test } from 'vitest';
import type { State } from '../../../pages/api/shapes.ts';
import { EMPTY, problemsByField, toRequest } from '../../../pages/exemptions/draft.ts';
import { addressOf, readQuestion } from '../../../pages/look-up/question.ts';
import { placeSpan, roundUp, spreadPins, stackHours } from '../../../pages/parts/geometry.ts';
import { createFormat } from '../../../pages/text/format.ts';
import { piecesOf, plainText } from '../../../pages/text/text.ts';
import type { StateShown } from '../../../src/admin/admin.ts';

test('what the server tells is what the pages read', () => {
  const read = (told: StateShown): State => told;
  expect(read).toBeTypeOf('function');
});

const DAY = ['2026-11-25T00:00:00Z', '2026-11-26T00:00:00Z'] as const;

test.each([
  ['2026-11-25T06:00:00Z', '2026-11-25T12:00:00Z', { x: 25, width: 25, isThin: false }],
  ['2026-11-25T06:00:00Z', '2026-11-25T06:00:41Z', { x: 25, width: expect.closeTo(0.047, 2), isThin: true }],
  ['2026-11-24T12:00:00Z', '2026-11-25T12:00:00Z', { x: 0, width: 50, isThin: false }],
  ['2026-11-24T12:00:00Z', '2026-11-24T13:00:00Z', undefined],
])('placeSpan() puts %s to %s into the day', (from, to, placed) => {
  expect(placeSpan(from, to, ...DAY)).toEqual(placed);
});

test.each([
  [0, 4],
  [5, 8],
  [178, 200],
  [1_001, 2_000],
])('roundUp() of %i is %i: four lines with whole numbers', (value, top) => {
  expect(roundUp(value)).toBe(top);
});

test('spreadPins() keeps numbers apart and inside', () => {
  expect(spreadPins([50, 99.8, 99.9])).toEqual([50, 97, 99]);
  expect(spreadPins([0, 0])).toEqual([1, 3]);
  expect(spreadPins([])).toEqual([]);
});

test('stackHours() stacks, and what is not zero is seen', () => {
  const { top, blocks } = stackHours(
    [
      [0, 1],
      [0, 999],
    ],
    24,
    100,
  );
  expect(top).toBe(2_000);
  expect(blocks).toMatchObject([
    { hour: 1, series: 0, height: 1 },
    { hour: 1, series: 1 },
  ]);
});

test.each([
  ['  www.example.com ', { kind: 'name', name: 'www.example.com' }],
  ['https://www.example.com:8443/a?b#c', { kind: 'name', name: 'www.example.com' }],
  ['www.example.com/path', { kind: 'name', name: 'www.example.com' }],
  ['7q4k-m2', { kind: 'reference', reference: '7Q4K-M2' }],
  ['<img src=x>', { kind: 'name', name: '<img src=x>' }],
  ['', { kind: 'nothing' }],
])('readQuestion() of %j', (written, question) => {
  expect(readQuestion(written)).toEqual(question);
});

test('addressOf() is the first address of a network', () => {
  expect(addressOf(['192.0.2.0/26', '2001:db8::/48'])).toBe('192.0.2.0');
  expect(addressOf([])).toBe('127.0.0.1');
});

describe('a request', () => {
  test('leaves out what was left empty', () => {
    expect(toRequest(EMPTY)).toEqual({
      grounds: '',
      justification: '',
      alternatives: '',
      mitigations: [],
    });
  });

  test('has everything that was written', () => {
    const draft = {
      ...EMPTY,
      clients: '192.0.2.1, 192.0.2.2\n2001:db8::1',
      names: 'tiktok.com',
      weekdays: ['mon'],
      hoursFrom: '08:00',
      hoursTo: '18:00',
      until: '2026-12-01T10:00',
      measures: [
        { item: 'wiped', text: ' wiped ' },
        { item: '', text: '' },
      ],
    };
    expect(toRequest(draft)).toMatchObject({
      clients: ['192.0.2.1', '192.0.2.2', '2001:db8::1'],
      names: ['tiktok.com'],
      schedule: { weekdays: ['mon'], hours: '08:00-18:00', timezone: 'UTC' },
      until: '2026-12-01T10:00:00Z',
      mitigations: [{ item: 'wiped', text: 'wiped' }],
    });
  });

  test('shows each problem at its field, and the rest above', () => {
    const problem = (field: string) => ({ code: 'X', field, text: `wrong ${field}`, hint: 'do' });
    const found = problemsByField([
      problem('mitigations.0.text'),
      problem('until'),
      problem('renews.x'),
      problem('q'),
    ]);
    expect([...found]).toEqual([
      ['mitigations', 'wrong mitigations.0.text; do'],
      ['until', 'wrong until; do'],
      ['renews', 'wrong renews.x; do'],
      ['', 'wrong q; do'],
    ]);
  });
});

test.each([
  ['en', '2 h 12 min', '40 s ago', 'in 5 days'],
  ['fr', '2 h 12 min', 'il y a 40 s', 'dans 5 jours'],
  ['nl', '2 h 12 min', '40 s geleden', 'over 5 dagen'],
  ['de', '2 h 12 min', 'vor 40 s', 'in 5 Tagen'],
] as const)('lengths and ages in %s', (language, length, ago, ahead) => {
  const format = createFormat(language);
  expect(format.length(7_920)).toBe(length);
  expect(format.ago(40)).toBe(ago);
  expect(format.ago(-5 * 86_400)).toBe(ahead);
  expect(format.time('2026-11-25T23:30:00Z')).toContain('23:30');
});

test('texts have places, two forms of a count, and marks', () => {
  const count = (name: string) => ({ n: 1, m: 2 })[name];
  const say = (text: string) => plainText(text, 'en', { n: 1, m: 2, x: '<b>' }, String);
  expect(say('{n} {n:list|lists}, {m} {m:list|lists} of *{x}* `{x}`')).toBe('1 list, 2 lists of <b> <b>');
  expect(piecesOf('*a* `{x}`', 'en', count)).toEqual([
    { kind: 'strong', text: 'a' },
    { kind: 'text', text: ' ' },
    { kind: 'value', name: 'x', isStrong: false, isCode: true },
  ]);
});
