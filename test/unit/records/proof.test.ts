// Which records count: what a signed head covers, going back to the first block that does not fit.
import { describe, expect, test } from 'vitest';
import { ChainProof, isAmong } from '../../../src/evidence/records/proof.ts';

/** One partition of blocks of ten records; `x` does not fit, `|` and `!` are a true and a false head behind a block. */
const read = (proof: ChainProof, ordinal: number, first: number, isLinked: boolean, text: string): number => {
  proof.partition(ordinal, first, isLinked);
  let next = first;
  const heads: [number, boolean][] = [];
  for (const character of text) {
    if (character === '|' || character === '!') heads.push([next - 1, character === '|']);
    else {
      proof.block(next, next + 9, character === 'b');
      next += 10;
    }
  }
  for (const [last, isTrue] of heads) proof.head(last, isTrue);
  return next;
};

const spansOf = (...texts: string[]) => {
  const proof = new ChainProof();
  let first = 1;
  for (const [index, text] of texts.entries()) first = read(proof, index + 1, first, index > 0, text);
  const { sound, doubtful } = proof.spans();
  const show = (spans: typeof sound) => spans.map((span) => `${span.ordinal}: ${span.first}-${span.last}`);
  return { sound: show(sound), doubtful: show(doubtful) };
};

describe('records that count', () => {
  test.each<[string, string[], string[], string[]]>([
    ['are all that a head covers', ['bbb|'], ['1: 1-30'], []],
    ['are also those that are not signed yet', ['b|bb'], ['1: 1-30'], []],
    ['are none where nothing was signed', ['bbb'], [], ['1: 1-30']],
    ['end before a block that does not fit', ['b|bxbb|'], ['1: 1-10', '1: 31-50'], ['1: 11-30']],
    ['end at the last head where the end is broken', ['b|bbx'], ['1: 1-10'], ['1: 11-40']],
    ['end at the head before one that says otherwise', ['b|bb!'], ['1: 1-10'], ['1: 11-30']],
    ['are not the unsigned ones behind a contradiction', ['b|b!b'], ['1: 1-10'], ['1: 11-30']],
    ['are proven by a head of the next partition', ['bb', 'b|'], ['1: 1-20', '2: 21-30'], []],
    ['are proven by a head at the beginning of the next one', ['bb', '|'], ['1: 1-20'], []],
    ['are those of a partition that has just begun', ['bb|', 'b'], ['1: 1-20', '2: 21-30'], []],
    ['are not proven across a block that does not fit', ['bb', 'xb|'], ['2: 31-40'], ['1: 1-20', '2: 21-30']],
  ])('%s', (_, texts, sound, doubtful) => {
    expect(spansOf(...texts)).toEqual({ sound, doubtful });
  });

  test('end at the last head where records behind it are missing', () => {
    const proof = new ChainProof();
    read(proof, 1, 1, false, 'b|bb');
    proof.cut();
    expect(proof.spans().sound).toEqual([{ ordinal: 1, first: 1, last: 10 }]);
  });

  test('are not proven by a partition that does not go on from theirs', () => {
    const proof = new ChainProof();
    read(proof, 1, 1, false, 'bb');
    read(proof, 2, 21, false, 'b|');
    expect(proof.spans()).toEqual({
      sound: [{ ordinal: 2, first: 21, last: 30 }],
      doubtful: [{ ordinal: 1, first: 1, last: 20 }],
      unsigned: [],
    });
  });

  test('are told apart by partition', () => {
    const spans = [{ ordinal: 2, first: 5, last: 9 }];
    expect([isAmong(spans, 2, 5), isAmong(spans, 2, 9), isAmong(spans, 2, 10), isAmong(spans, 1, 5)]).toEqual(
      [...[true, true, false, false]],
    );
  });
});
