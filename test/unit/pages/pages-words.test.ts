// What the pages compute without a browser: places in charts, what was asked for, requests, texts.
import { describe, expect, test } from 'vitest';
import type { Headline } from '../../../pages/api/members.ts';
import type { State } from '../../../pages/api/shapes.ts';
import {
  EMPTY,
  fromKept,
  isEmpty,
  problemsByField,
  toKept,
  toRequest,
} from '../../../pages/exemptions/draft.ts';
import { addressOf, readQuestion } from '../../../pages/look-up/question.ts';
import { sentenceOf, toneOf } from '../../../pages/overview/headline-text.ts';
import { gatherPins, placeSpan, roundUp, stackHours } from '../../../pages/parts/geometry.ts';
import type { Speech } from '../../../pages/parts/speech.ts';
import { de } from '../../../pages/text/de.ts';
import { en } from '../../../pages/text/en.ts';
import { createFormat } from '../../../pages/text/format.ts';
import { fr } from '../../../pages/text/fr.ts';
import { nl } from '../../../pages/text/nl.ts';
import { piecesOf, plainText } from '../../../pages/text/text.ts';
import type { StateShown } from '../../../src/people/admin/admin.ts';

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

test('gatherPins() leaves numbers at their gaps, and lets those that are too near stand together', () => {
  const at = (...xs: number[]) => xs.map((x, index) => ({ x, number: index + 1 }));
  expect(gatherPins(at(10, 50, 97.5, 98, 99))).toEqual([
    { x: 10, first: 1, last: 1 },
    { x: 50, first: 2, last: 2 },
    { x: 98.375, first: 3, last: 5 },
  ]);
  expect(gatherPins(at(0, 0))).toEqual([{ x: 0, first: 1, last: 2 }]);
  expect(gatherPins([])).toEqual([]);
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
  ['https://www.example.com:8443/a?b#c', { kind: 'name', name: 'https://www.example.com:8443/a?b#c' }],
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

describe('a kept draft', () => {
  test('is what was written', () => {
    const draft = { ...EMPTY, justification: 'x', groups: ['lab'], measures: [{ item: 'a', text: 'b' }] };
    expect(fromKept(toKept(draft))).toEqual(draft);
    expect([isEmpty(draft), isEmpty(EMPTY)]).toEqual([false, true]);
  });

  test.each([null, '', '{', '[]', '{"grounds":1}', toKept({ ...EMPTY, measures: [null as never] }), '"x"'])(
    '%j is none',
    (text) => {
      expect(fromKept(text)).toBeUndefined();
    },
  );
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

  test('with half of its hours is sent with them, and refused: it is no request for all day', () => {
    expect(toRequest({ ...EMPTY, hoursFrom: '08:00' })['schedule']).toEqual({
      hours: '08:00-',
      timezone: 'UTC',
    });
    expect(toRequest({ ...EMPTY, hoursTo: '18:00' })['schedule']).toEqual({
      hours: '-18:00',
      timezone: 'UTC',
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
  ['en', '2\u00a0h 12\u00a0min', '40\u00a0s ago', 'in 5 days'],
  ['fr', '2\u00a0h 12\u00a0min', 'il y a 40\u00a0s', 'dans 5 jours'],
  ['nl', '2\u00a0h 12\u00a0min', '40\u00a0s geleden', 'over 5 dagen'],
  ['de', '2\u00a0h 12\u00a0min', 'vor 40\u00a0s', 'in 5 Tagen'],
] as const)('lengths and ages in %s', (language, length, ago, ahead) => {
  const format = createFormat(language);
  expect(format.length(7_920)).toBe(length);
  expect(format.length(0.2)).toBe('< 1\u00a0s');
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

const HEADLINE: Headline = {
  ...{ state: 'in-force', cause: null, text: 'ENGLISH', detail: 'ENGLISH', todo: null },
  ...{ networks: 3, networksInForce: 3, networksProven: 2, groups: ['lab'], unasked: [], lists: ['tiktok'] },
  ...{ groupCount: 1, unaskedCount: 0 },
  ...{ sinceTime: '2026-11-26T11:00:00Z', oldestProofTime: '2026-11-26T11:59:00Z', leakedNames: 1 },
  ...{ examples: ['a.example A +do: NOERROR 192.0.2.1'], pause: null, sweep: null, isProofCurrent: true },
};

/** Every state with each cause that the program has for it. */
const SHOWN: readonly (readonly [state: Headline['state'], causes: readonly Headline['cause'][]])[] = [
  ['in-force', [null]],
  ['starting', ['startup', 'no-generation']],
  ['paused', ['operator-pause']],
  ['not-in-force', ['no-generation', 'no-worker', 'hung-worker']],
  ['no-mandate-list', ['no-mandate', 'watched', 'outside-hours', 'partly', 'out-of-scope']],
  ['leaking', [null]],
  ['unproven', ['no-probe', 'unasked', 'never', 'broken', 'old', 'clock']],
  ['unrecorded', ['disabled', 'failing', 'silent', 'waiting', 'lost', 'unreadable', 'not-whole']],
  ['stale', [null]],
];

describe.each([
  ['en', en],
  ['fr', fr],
  ['nl', nl],
  ['de', de],
] as const)('the headline in %s', (language, texts) => {
  const format = createFormat(language);
  const speech: Speech = {
    ...{ language, format },
    say: (key, ...[values]) => plainText(texts[key], language, values ?? {}, format.number),
    word: (_, word) => word,
  };
  const sentence = (changes: Partial<Headline>) =>
    sentenceOf(
      speech,
      { headline: { ...HEADLINE, ...changes }, time: '2026-11-26T12:00:00Z' } as State,
      Date.parse('2026-11-26T12:00:00Z'),
      undefined,
    );

  test.each(SHOWN.flatMap(([state, causes]) => causes.map((cause) => [state, cause] as const)))(
    'of %s because of %s',
    (state, cause) => {
      const told = sentence({
        ...{ state, cause },
        detail: 'ENGLISH',
      });
      const text = `${told.title} ${told.said}`;
      // Every sentence is made of the language's own words, with nothing left to fill in.
      expect(text).not.toMatch(/ENGLISH|[{}]|undefined|NaN|\[object/);
      expect(told.title.length).toBeGreaterThan(10);
      expect(toneOf(told.shown)).toBe(
        cause === 'out-of-scope' || state === 'starting'
          ? 'none'
          : state === 'in-force'
            ? 'ok'
            : ['unproven', 'unrecorded', 'stale'].includes(state)
              ? 'warn'
              : 'bad',
      );
    },
  );

  test('names what cannot be asked, and a sweep of another day with its day', () => {
    expect(sentence({ unasked: ['lab'], unaskedCount: 1 }).said).toContain('lab');
    // Of two hundred, the state names the first, and how many there are.
    const many = sentence({ unasked: ['lab', 'a', 'b', 'c', 'd'], unaskedCount: 200 }).said;
    expect([many.includes('lab, a, b, c'), many.includes('196')]).toEqual([true, true]);
    const sweep = { time: '2026-11-24T09:30:00Z', names: 1_392, leakedNames: 0 };
    expect(sentence({ sweep }).said).toContain('2026');
    expect(sentence({ sweep: { ...sweep, time: '2026-11-26T09:30:00Z' } }).said).not.toContain('2026');
  });
});
