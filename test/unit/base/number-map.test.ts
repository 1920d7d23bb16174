// NumberMap is what a Map is, whatever comes and goes, and with numbers that fall together.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NumberMap } from '../../../src/base/base.ts';

/** Numbers that share their last bits, at both ends of 32 bits, and small ones. */
const key = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
  fc.integer({ min: -3, max: 3 }).map((n) => n * 1024 + 63),
);
const step = fc.record({ kind: fc.constantFrom('set', 'set', 'delete'), key, value: fc.nat() });

describe('NumberMap', () => {
  test('has what a Map has after any steps', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600, size: 'max' }), (steps) => {
        const map = new NumberMap<string>();
        const model = new Map<number, string>();
        for (const { kind, key, value } of steps) {
          if (kind === 'set') {
            map.set(key, `${value}`);
            model.set(key, `${value}`);
          } else {
            map.delete(key);
            model.delete(key);
          }
          expect(map.size).toBe(model.size);
          expect(map.get(key)).toBe(model.get(key));
        }
        for (const { key } of steps) expect(map.has(key)).toBe(model.has(key));
        expect(map.values().sort()).toEqual([...model.values()].sort());
      }),
      { numRuns: 60 },
    );
  });

  test('keeps 10,000 that fall together, and each of them can be taken out', () => {
    const map = new NumberMap<number>();
    for (let i = 0; i < 10_000; i++) map.set(i * 0x1_0000, i);
    for (let i = 0; i < 10_000; i += 2) map.delete(i * 0x1_0000);
    expect(map.size).toBe(5_000);
    expect([map.get(0), map.get(0x1_0000), map.get(9_999 * 0x1_0000)]).toEqual([undefined, 1, 9_999]);
  });
});
