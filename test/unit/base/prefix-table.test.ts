// The prefix table against a matcher that looks at every prefix.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createAddress,
  matchesPrefix,
  type Prefix,
  type PrefixEntry,
  PrefixTable,
  parseAddress,
  parsePrefix,
} from '../../../src/base/base.ts';

const prefix = (text: string): Prefix => {
  const parsed = parsePrefix(text);
  if (parsed === undefined) throw new TypeError(text);
  return parsed;
};

const address = (text: string): Uint32Array => {
  const out = createAddress();
  if (!parseAddress(text, out)) throw new TypeError(text);
  return out;
};

const entries = (...texts: string[]): PrefixEntry[] =>
  texts.map((text, value) => ({ prefix: prefix(text), value }));

/** The values of all rows on the climb from the longest match, in order. */
const climb = (table: PrefixTable, wanted: Uint32Array): number[] => {
  const values: number[] = [];
  let row = table.find(wanted);
  while (row >= 0) {
    if (values.length > table.size) throw new RangeError('the climb does not end');
    values.push(table.value(row));
    row = table.next(row);
  }
  return values;
};

describe('PrefixTable', () => {
  test('find() returns the longest match and next() the shorter ones', () => {
    const table = PrefixTable.build(
      entries('192.0.2.0/24', '192.0.0.0/16', '192.0.2.128/25', '::/0', '198.51.100.0/24'),
    );
    expect(climb(table, address('192.0.2.129'))).toEqual([2, 0, 1, 3]);
    expect(climb(table, address('192.0.2.1'))).toEqual([0, 1, 3]);
    expect(climb(table, address('192.0.3.1'))).toEqual([1, 3]);
    expect(climb(table, address('203.0.113.1'))).toEqual([3]);
  });

  test('keeps equal prefixes of several lists in one climb', () => {
    const table = PrefixTable.build(entries('192.0.2.0/24', '192.0.2.0/24', '192.0.0.0/16'));
    expect(climb(table, address('192.0.2.1'))).toEqual([1, 0, 2]);
  });

  test('answers -1 from an empty table and outside every prefix', () => {
    expect(PrefixTable.build([]).find(address('192.0.2.1'))).toBe(-1);
    const table = PrefixTable.build(entries('192.0.2.0/24', '2001:db8::/32'));
    for (const text of ['0.0.0.0', '192.0.1.255', '192.0.3.0', '::', '2001:db9::', 'ffff::'])
      expect(table.find(address(text)), text).toBe(-1);
  });

  test('matches at both ends of a prefix, the whole space included', () => {
    const table = PrefixTable.build(entries('192.0.2.0/24', 'ffff:ffff::/32'));
    for (const text of ['192.0.2.0', '192.0.2.255']) expect(climb(table, address(text)), text).toEqual([0]);
    expect(climb(table, address('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'))).toEqual([1]);
  });

  test('reads the same from rows in shared memory', () => {
    const list = entries('192.0.2.0/24', '192.0.0.0/16');
    const shared = new Uint32Array(new SharedArrayBuffer(4 * PrefixTable.wordsFor(list.length)));
    PrefixTable.build(list, shared);
    expect(climb(new PrefixTable(shared), address('192.0.2.1'))).toEqual([0, 1]);
  });

  test('agrees with a matcher that tries every prefix', () => {
    // Few distinct words, so that prefixes nest, touch and repeat.
    const word = fc.constantFrom(0, 1, 0x80000000, 0xc0000200, 0xc0000280, 0xffff, 0xffffffff);
    const wordsOf = fc.tuple(word, word, word, word).map((list) => Uint32Array.from(list));
    const prefixOf = fc.tuple(wordsOf, fc.integer({ min: 0, max: 128 })).map(([words, bits]) => {
      const masked = Uint32Array.from(words, (value, index) => {
        const kept = Math.min(32, Math.max(0, bits - 32 * index));
        return kept === 0 ? 0 : (value & ~(kept === 32 ? 0 : 0xffffffff >>> kept)) >>> 0;
      });
      return { words: masked, bits };
    });
    fc.assert(
      fc.property(
        fc.array(prefixOf, { maxLength: 40 }),
        fc.array(wordsOf, { maxLength: 20 }),
        (list, asked) => {
          const table = PrefixTable.build(list.map((item, value) => ({ prefix: item, value })));
          expect(table.size).toBe(list.length);
          for (const wanted of [...asked, ...list.map((item) => item.words)]) {
            const expected = list
              .map((item, value) => ({
                value,
                bits: item.bits,
                hit: matchesPrefix(wanted, item.words, item.bits),
              }))
              .filter((item) => item.hit)
              .sort((a, b) => b.bits - a.bits || b.value - a.value);
            expect(climb(table, wanted)).toEqual(expected.map((item) => item.value));
            const row = table.find(wanted);
            if (row >= 0) expect(table.bits(row)).toBe(expected[0]?.bits);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
