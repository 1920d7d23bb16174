// Distinct clients: estimates against exact counts, and what is written of them against what they hold.
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { DistinctClients } from '../../../src/evidence/records/distinct-clients.ts';
import { SKETCH_REGISTERS, Sketch, sketchPlace } from '../../../src/evidence/records/sketch.ts';
import { SIPHASH_KEY_LENGTH, SipHash } from '../../../src/wire/dns/dns.ts';

/** Four times the standard error of 1.6 %: one estimate of 16,000 lies beyond. */
const TOLERANCE = 0.065;

// A fixed key: the estimates are the same in each run.
const hash = new SipHash(Uint8Array.from({ length: SIPHASH_KEY_LENGTH }, (_, index) => index));

const placeOf = (client: number): number => {
  const out = Buffer.alloc(8);
  const address = Buffer.alloc(16);
  address.writeUInt32BE(client, 12);
  hash.hash(address, 16, out, 0);
  return sketchPlace(out.readUInt32LE(4), out.readUInt32LE(0));
};

const sketchOf = (from: number, until: number): Sketch => {
  const sketch = new Sketch();
  for (let client = from; client < until; client++) sketch.add(placeOf(client));
  return sketch;
};

describe('an estimate', () => {
  test('of nobody is 0', () => expect(new Sketch().estimate()).toBe(0));

  test.each([1, 2, 10, 100, 1_000, 10_000, 100_000, 1_000_000])('of %i clients is near', (count) => {
    const estimate = sketchOf(0, count).estimate();
    expect(Math.abs(estimate - count)).toBeLessThanOrEqual(Math.max(0, count * TOLERANCE));
  });

  test('does not grow with clients that come again', () => {
    const sketch = sketchOf(0, 500);
    const before = sketch.estimate();
    for (let client = 0; client < 500; client++) sketch.add(placeOf(client));
    expect(sketch.estimate()).toBe(before);
  });

  test('merges to that of all clients together', () => {
    const merged = sketchOf(0, 6_000);
    merged.merge(sketchOf(4_000, 10_000).registers);
    expect(merged.registers).toEqual(sketchOf(0, 10_000).registers);
  });

  test('survives the highest ranks', () => {
    const sketch = new Sketch();
    for (let index = 0; index < SKETCH_REGISTERS; index++) sketch.add(sketchPlace(index << 20, 0));
    expect(sketch.registers.every((rank) => rank === 53)).toBe(true);
    expect(sketch.estimate()).toBeGreaterThan(1e15);
  });
});

test('sketchPlace() takes the register from the first 12 bits and the rank from the zeros behind', () => {
  expect(sketchPlace(0x1231_ffff, 0xffff_ffff)).toBe(0x123 * 64 + 4);
  expect(sketchPlace(0xfff8_0000, 0)).toBe(0xfff * 64 + 1);
  expect(sketchPlace(0, 1)).toBe(52);
  expect(sketchPlace(0, 0)).toBe(53);
  expect(sketchPlace(0, 1 << 20)).toBe(32);
});

describe('registers that rose', () => {
  test('are told once and restore the estimate', () => {
    const sketch = sketchOf(0, 100);
    const restored = new Sketch();
    expect(restored.addRisen(sketch.takeRisen())).toBe(true);
    expect(sketch.hasRisen).toBe(false);
    for (let client = 100; client < 300; client++) sketch.add(placeOf(client));
    restored.addRisen(sketch.takeRisen());
    expect(restored.registers).toEqual(sketch.registers);
    expect(sketch.takeRisen()).toBe('');
  });

  test.each([
    ['part of one', 'AAA'],
    ['an index beyond the registers', '//8B'],
    ['a rank that no hash has', 'AAD/'],
  ])('%s is refused', (_, text) => expect(new Sketch().addRisen(text)).toBe(false));
});

describe('DistinctClients', () => {
  test('keeps today and yesterday, and forgets no register that is not told', () => {
    const distinct = new DistinctClients();
    for (const day of ['2026-11-23', '2026-11-24', '2026-11-25']) distinct.sketch(day, '*')?.add(placeOf(1));
    expect(distinct.takeRisen().map(({ day }) => day)).toEqual(['2026-11-23', '2026-11-24', '2026-11-25']);
    distinct.sketch('2026-11-26', '*')?.add(placeOf(1));
    expect(distinct.takeRisen().map(({ day }) => day)).toEqual(['2026-11-26']);
    distinct.sketch('2026-11-23', '*')?.add(placeOf(1));
    expect(distinct.takeRisen()).toHaveLength(1);
  });

  test('counts clients of groups beyond its bound over all groups only', () => {
    const distinct = new DistinctClients();
    for (let group = 0; group < 1_000; group++)
      distinct.sketch('2026-11-25', `g${group}`)?.add(placeOf(group));
    distinct.sketch('2026-11-25', '*')?.add(placeOf(randomBytes(2).readUInt16BE()));
    const counts = distinct.counts();
    expect(counts.length).toBeLessThanOrEqual(258);
    expect(counts.find(({ group }) => group === '*')?.clients).toBe(1);
  });
});
