// The questions of a proof: each name is asked for, within what was allowed, and in no order that could be foreseen.
import { describe, expect, test } from 'vitest';
import { foreignForms } from '../../../src/evidence/probe/judge.ts';
import { type Asked, mixedQuestions, quietQuestions } from '../../../src/evidence/probe/proof-questions.ts';
import { TYPE } from '../../../src/wire/dns/dns.ts';

const askedOf = (names: number, changes: Partial<Asked> = {}): Asked => ({
  transports: ['udp', 'tcp'],
  mandate: {
    part: 'mandate',
    lists: [
      { id: 'ban', names: Array.from({ length: names }, (_, index) => [`n${index}.example`, 'suffix']) },
    ],
    forms: foreignForms([]),
  },
  others: [],
  decoys: ['one.test', 'two.test', 'three.test'],
  questionsMax: 1_500,
  seed: 7,
  ...changes,
});

const namesIn = (asked: Asked) => {
  const questions = [...mixedQuestions(asked).questions()];
  const ofMandate = questions.filter(({ view }) => view === 'mandate');
  const names = ofMandate.map(({ rule }) => (rule !== undefined && 'name' in rule ? rule.name : ''));
  return { questions, ofMandate, names };
};

describe.each([1, 40, 186, 1_000, 4_000])('%i names', (count) => {
  const { questions, ofMandate, names } = namesIn(askedOf(count));

  test('each is asked for its addresses, and decoys stand in every part of it', () => {
    expect(new Set(names).size).toBe(count);
    expect(ofMandate.filter(({ type }) => type === TYPE.A).length).toBeGreaterThanOrEqual(count);
    const decoys = questions.flatMap(({ view }, place) =>
      view === 'decoys' ? [place / questions.length] : [],
    );
    expect(decoys.length).toBeGreaterThanOrEqual(8);
    expect(Math.min(...decoys)).toBeLessThan(0.5);
    expect(Math.max(...decoys)).toBeGreaterThan(0.5);
  });

  test('no more is asked than was allowed, but for names that were not asked for at all', () => {
    expect(questions.length).toBeLessThanOrEqual(Math.max(1_501, Math.ceil(count * 1.05)));
  });
});

test('a thousand names take less than ten seconds at two hundred a second', () => {
  const asked = askedOf(1_000);
  const quiet = [...quietQuestions(asked).questions()];
  expect(quiet).toHaveLength(6);
  expect(quiet.length / 6 + namesIn(asked).questions.length / 200).toBeLessThan(9);
});

test('every type is asked for where there is room for it', () => {
  const asked = askedOf(1_000, { questionsMax: 1_000_000 });
  const { ofMandate } = namesIn(asked);
  expect(
    new Set(ofMandate.map(({ type, rule }) => `${type} ${rule !== undefined && 'name' in rule && rule.name}`))
      .size,
  ).toBe(4_000);
  expect(mixedQuestions(asked).coverage).toEqual({ names: 1_000, asked: 1_000, share: 1 });
});

test('the order is another one for each seed, and says nothing of that of the list', () => {
  const [one, other] = [namesIn(askedOf(200)).names, namesIn(askedOf(200, { seed: 8 })).names];
  expect(one).not.toEqual(other);
  const rising = one.filter((name, place) => place > 0 && name > (one[place - 1] ?? '')).length / one.length;
  expect(rising).toBeGreaterThan(0.4);
  expect(rising).toBeLessThan(0.6);
});
