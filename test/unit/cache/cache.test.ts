// The answer cache: lifetimes by the caller's clock, a bound in bytes, and bytes that are the process's own.
import { describe, expect, test } from 'vitest';
import { type Answer, AnswerCache } from '../../../src/cache/cache.ts';
import { run } from '../../support/process.ts';
import { ARRIVAL_MS, answerOf } from './setup.ts';

/** Entries that any test's cache holds, bytes each about 800. */
const SMALL_BYTES = 8 * 1024;
/** How far the charge may be from the truth, either way. */
const CHARGE_TOLERANCE = 0.25;

const positive = (ttl = 60): Answer => {
  const answer = answerOf({ answer: [`a.example. ${ttl} IN A 192.0.2.1`] });
  if (answer === undefined) throw new Error('no answer');
  return answer;
};

const openCache = (sizeBytes = 1024 * 1024): { cache: AnswerCache; evictions: () => number } => {
  let evictions = 0;
  const observer = { cacheEvicted: () => void evictions++ };
  return { cache: new AnswerCache({ sizeBytes, observer }), evictions: () => evictions };
};

/** Looks a key up by its text. */
const find = (cache: AnswerCache, key: string, nowMs: number): Answer | undefined =>
  cache.get(Buffer.from(key, 'latin1'), key.length, nowMs);

describe('get()', () => {
  test.each([
    [0, true],
    [59_999, true],
    [60_000, false],
    [60_001, false],
    [-1, false],
    [-1_000_000, false],
  ])('%i ms after the answer arrived: %s', (ageMs, isAlive) => {
    const { cache, evictions } = openCache();
    cache.set('key', positive());
    expect(find(cache, 'key', ARRIVAL_MS + ageMs) !== undefined).toBe(isAlive);
    // An answer that is out of time is forgotten, also when the clock comes back, and that is no eviction.
    expect(find(cache, 'key', ARRIVAL_MS) !== undefined).toBe(isAlive);
    expect(cache.entries).toBe(isAlive ? 1 : 0);
    expect(evictions()).toBe(0);
  });

  test('knows nothing of other keys', () => {
    const { cache } = openCache();
    cache.set('key', positive());
    expect(find(cache, 'kez', ARRIVAL_MS)).toBeUndefined();
  });
});

describe('set()', () => {
  test('does not keep an answer without a lifetime', () => {
    const { cache } = openCache();
    cache.set('key', positive(0));
    expect(cache.entries).toBe(0);
  });

  test('replaces an answer without counting it twice', () => {
    const { cache, evictions } = openCache();
    cache.set('key', positive());
    const { bytes } = cache;
    cache.set('key', positive(90));
    expect(cache.bytes).toBe(bytes);
    expect(find(cache, 'key', ARRIVAL_MS + 80_000)).toBeDefined();
    expect(evictions()).toBe(0);
  });

  test('evicts those not used for longest once the bytes are taken', () => {
    const { cache, evictions } = openCache(SMALL_BYTES);
    cache.set('used', positive(3600));
    for (let i = 0; i < 100; i++) {
      cache.set(`key-${i}`, positive(3600));
      // The order of use is exact to a second.
      expect(find(cache, 'used', ARRIVAL_MS + 1000 * i)).toBeDefined();
      expect(cache.bytes).toBeLessThanOrEqual(SMALL_BYTES);
    }
    expect(find(cache, 'key-0', ARRIVAL_MS)).toBeUndefined();
    expect(find(cache, 'key-99', ARRIVAL_MS)).toBeDefined();
    expect(evictions()).toBe(101 - cache.entries);
  });

  test('does not keep an answer over the whole size, and keeps the others', () => {
    const { cache } = openCache(SMALL_BYTES);
    cache.set('key', positive());
    const large = answerOf({
      answer: Array.from({ length: 40 }, (_, index) => `a.example. 60 IN TXT "${index}${'x'.repeat(250)}"`),
    });
    if (large === undefined) throw new Error('no answer');
    cache.set('large', large);
    expect(find(cache, 'large', ARRIVAL_MS)).toBeUndefined();
    expect(find(cache, 'key', ARRIVAL_MS)).toBeDefined();
  });
});

test('clear() forgets everything', () => {
  const { cache, evictions } = openCache();
  cache.set('key', positive());
  cache.clear();
  expect(find(cache, 'key', ARRIVAL_MS)).toBeUndefined();
  expect(cache).toMatchObject({ entries: 0, bytes: 0 });
  expect(evictions()).toBe(0);
});

test('the bytes charged for 32 MiB of answers are those that the process grows by', async () => {
  const script = `${import.meta.dirname}/fill-cache.ts`;
  const { stdout, stderr, code } = await run(process.execPath, ['--expose-gc', script]);
  expect(code, stderr).toBe(0);
  const { chargedBytes, grownBytes, entries } = JSON.parse(stdout) as Record<string, number>;
  const figures = `${entries} answers: charged ${chargedBytes}, grown ${grownBytes}`;
  expect(Number(grownBytes) / Number(chargedBytes), figures).toBeGreaterThan(1 - CHARGE_TOLERANCE);
  expect(Number(grownBytes) / Number(chargedBytes), figures).toBeLessThan(1 + CHARGE_TOLERANCE);
});
